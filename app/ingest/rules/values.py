"""Rules of values: numbers, units, ranges, and properties against each other."""

from app.ingest.rules.rule import flag_rule, note_rule, value_rule

VALUE_RULES = (
    value_rule("NOT_A_NUMBER", "The cell holds text where a number belongs.", "{value!r} is no number.", "Correct it."),
    value_rule(
        "NUMBER_AMBIGUOUS",
        "The number can be read in two ways, such as 1,234.",
        "{value!r} may have a decimal mark or a thousands separator.",
        "Write decimals with a point and no thousands separators.",
    ),
    value_rule(
        "NUMBER_NOT_FINITE",
        "NaN and infinity are no measurements.",
        "{value!r} is no measurement.",
        "Leave the cell empty when the value is missing.",
    ),
    value_rule("UNIT_MISSING", "The value has no unit.", "{value!r} has no unit in {unit_column}.", "Name the unit."),
    value_rule("UNIT_UNKNOWN", "The unit is not known for this property.", "{detail}", "Use one of the units named."),
    value_rule(
        "GLOSIS_UNIT_CONFLICT",
        "The heading, Procedures and the numbers of a GloSIS workbook do not agree on the unit of a column.",
        "The unit is in doubt: {detail}.",
        "Correct the unit in the heading and in Procedures; none is taken by guess.",
    ),
    value_rule(
        "GLOSIS_PROPERTY_CONFLICT",
        "The heading, Procedures and the procedure of a GloSIS workbook do not agree on what a column is.",
        "The property is in doubt: {detail}.",
        "Correct the heading or Procedures.",
    ),
    value_rule(
        "WORD_UNKNOWN",
        "A word that decides what the value means is not one of the words allowed.",
        "{word!r} in {word_column} is not one of: {allowed}.",
        "Use one of the words named.",
    ),
    value_rule(
        "VALUE_IMPOSSIBLE",
        "The value lies outside what is possible for the property.",
        "{canonical} {unit} is outside {lower} to {upper}.",
        "Check unit and decimal mark.",
    ),
    flag_rule(
        "VALUE_UNUSUAL",
        "The value is rare in mineral soil; it is kept.",
        "{canonical} {unit} is outside the usual {lower} to {upper}.",
    ),
    value_rule(
        "SOC_ABOVE_TOTAL_C",
        "Organic carbon exceeds total carbon by more than 5 % and 0.5 g/kg; both are refused.",
        "Organic carbon {soc} g/kg exceeds total carbon {total_c} g/kg.",
        "One of the two is wrong, or has another unit.",
    ),
    value_rule(
        "TEXTURE_SUM_WRONG",
        "Sand, silt and clay do not add up to 95 to 105 %; all three are refused.",
        "Sand, silt and clay add up to {total} %.",
        "Check the three values and their unit.",
    ),
    flag_rule(
        "TEXTURE_SUM_OFF",
        "Sand, silt and clay add up to 95 to 99 or to 101 to 105 %.",
        "Sand, silt and clay add up to {total} %.",
    ),
    flag_rule(
        "BULK_DENSITY_SUSPECT",
        "Bulk density lies more than 0.5 g/cm³ off the density usual for its organic carbon.",
        "{density} g/cm³ with {soc} g/kg of organic carbon; usual is {expected} g/cm³.",
    ),
    note_rule(
        "VALUE_CENSORED",
        "The value is a detection limit, such as <0.5; limit and sign are kept.",
        "{value!r} is kept as a limit.",
    ),
    note_rule(
        "VALUES_IDENTICAL",
        "All values of the column are the same: perhaps a default was filled in.",
        "All {count} values are {value}.",
        "Remove the values if they were not observed.",
        severity="warning",
    ),
    note_rule(
        "VALUES_ALL_TENS",
        "All values of the column are multiples of 10: perhaps they were estimated or filled in.",
        "All {count} values are multiples of 10.",
        "If they are classes or estimates, say so with the status or method of the value.",
        severity="warning",
        why="Laboratories report digits. Tens are what the hand feels in the field, or what a form proposed.",
        example="Clay 10, 20, 30, 40 % and nothing between, in 300 layers.",
        source="soil-science reference, section 14. At least 10 values; values as given and in our unit are both multiples.",
    ),
    note_rule(
        "UNIT_SUSPECT",
        "The values of the column look as if they had another unit.",
        "{detail}",
        "Check the unit; nothing was changed.",
        severity="warning",
    ),
    flag_rule(
        "STATUS_ASSUMED",
        "The mapping declares that this value stands for none as well as for not measured.",
        "{value} stands for none as well as for not measured.",
    ),
)
