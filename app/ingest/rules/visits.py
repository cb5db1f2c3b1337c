"""Rules of sites and visits: what is said about them."""

from app.ingest.rules.rule import note_rule

VISIT_RULES = (
    note_rule(
        "ATTRIBUTE_DROPPED",
        "A value that describes site or visit cannot be used; it is left out.",
        "{value!r} cannot be used as {field}.",
        severity="warning",
        why="A word we do not know is not translated by guess; the row is kept without it.",
        example="land_use = maize field.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
    note_rule(
        "VISIT_CONFLICT",
        "Rows of one site or visit say different things; the first is kept.",
        "{field} differs within {key}; {kept!r} is kept.",
        "Make the rows agree.",
        severity="warning",
        why="A profile has one land use and one date; which row is right cannot be told.",
        example="Cropland in row 2, forest in row 3 of one profile.",
    ),
)
