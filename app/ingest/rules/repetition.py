"""Rules of repetition: the same soil under two names, in one file or in two datasets."""

from app.ingest.rules.rule import flag_rule, note_rule, row_rule

REPETITION_RULES = (
    flag_rule(
        "PROFILE_REPEATED",
        "Another profile of the file has the same position, date, depths and values.",
        "{times} profiles have the same position, date, depths and values.",
        "Remove all but one, or correct what was copied.",
        why="A profile that was entered twice counts twice. Two real profiles do not agree in every digit.",
        example="S7 and S7b, both of 2011-05-03 and at the same point, with the same 6 layers.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
    flag_rule(
        "PROFILE_CONTRADICTED",
        "Another profile of the same site and date has other organic carbon at the same depths, and no replicate is named.",
        "Also {other} g/kg at these depths, site and date.",
        "If these are replicates, name them in the column replicate; if not, correct the date or the value.",
        why="Two pits on one site and day are replicates. Not said, they are counted as if they were independent, or one of them "
        "is a correction of the other.",
        example="Site KE-012, 2019-03-14, 0-20 cm: profile A 18 g/kg, profile B 31 g/kg.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS). Under one profile name the same is an error: LAYER_DUPLICATE.",
    ),
    flag_rule(
        "POSSIBLE_DUPLICATE",
        "A profile of another dataset lies within 50 m, has the same date or none, and the same values at the same depths.",
        "Possible duplicate of a profile of another dataset.",
        "A reviewer decides; nothing is merged.",
        why="Well-known profiles come in with several compilations. Counted twice, they make a mean look surer than it is.",
        example="The same pit of 1978 in a national collection and in a world-wide one.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS). The code is stored, and so published, only where both datasets "
        "publish exact positions: otherwise it would betray a position. Reviewers of both see every candidate.",
    ),
    note_rule(
        "DATE_YEAR_ONLY",
        "Only the year of sampling is known; it is stored as such.",
        "Year {value} only.",
        "Give the day, where it is known.",
        why="A year is enough for a map and too little for a rate of change over a few years.",
        example="2009 is kept as 2009-01-01 to 2009-12-31, precision year.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
    row_rule(
        "DATE_AFTER_UPLOAD",
        "The date lies after the day on which the file was uploaded.",
        "Date {value} lies after the upload on {uploaded}.",
        "Correct the date.",
        why="Nobody sends a sample before it is taken. The rule also holds when a file is checked again later.",
        example="A file uploaded on 2024-05-02 with a sample of 2024-12-05: day and month were exchanged.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
)
