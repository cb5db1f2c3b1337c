"""Rules of rows: identifiers, keys, repetitions and dates."""

from app.ingest.rules.rule import flag_rule, ignore_rule, row_rule

ROW_RULES = (
    row_rule(
        "ID_MISSING", "Site or profile has no identifier.", "{field} is empty.", "Give every row its identifiers."
    ),
    row_rule(
        "KEY_REPEATED",
        "The key of a site table stands for several rows, so that no layer can be assigned.",
        "Key {key} occurs {times} times with different content.",
        "Give each observation its own identifier.",
    ),
    row_rule(
        "KEY_MISSING",
        "A row of a joined table lacks a part of its key, so that it belongs to nothing.",
        "The key is empty.",
        "Fill in the identifier, or the year, that says what the row is about.",
    ),
    row_rule(
        "ORPHAN",
        "The row refers to a site or observation that the file does not hold.",
        "No row with the key {key} in {table}.",
        "Add it, or correct the identifier.",
    ),
    ignore_rule(
        "NO_VALUES", "The row holds no value at all, and the mapping says to pass over such rows.", "No value."
    ),
    ignore_rule("DUPLICATE_ROW", "The row repeats an earlier row in every column.", "Repeats row {first}."),
    row_rule(
        "DATE_UNREADABLE",
        "The date is none of the forms that the mapping allows.",
        "Date {value!r} cannot be read.",
        "Write YYYY-MM-DD, YYYY-MM or YYYY; 03/04/2015 may be March or April.",
    ),
    row_rule("DATE_IN_FUTURE", "The date lies in the future.", "Date {value} lies in the future.", "Correct the date."),
    row_rule("DATE_TOO_EARLY", "The date lies before 1840.", "Date {value} lies before 1840.", "Correct the date."),
    flag_rule(
        "DATE_MISSING",
        "There is no sampling date: the profile counts for no period and no trend.",
        "No sampling date.",
        "Give at least the year.",
    ),
)
