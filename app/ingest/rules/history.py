"""The versions of the rules: what changed in each, so that a stored report can be read with the rules of its day."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of the rules, in words, with the codes that came with it."""

    number: str
    date: str
    summary: str
    added: tuple[str, ...] = ()


HISTORY = (
    Version(
        number="1",
        date="2026-11-22",
        summary="Reading, positions, depths, ranges, texture, bulk density against carbon, methods named.",
    ),
    Version(
        number="2",
        date="2026-11-23",
        summary="More formats are read, and what is unsafe in them is refused. Vague positions are found and their uncertainty set (minutes, middles of countries and towns, lattices, sites "
        "far from all others); chemistry is checked against itself; methods must fit property and soil; profiles that repeat or "
        "contradict each other, and values far from their peers, are flagged. Values that were refused under version 1 are "
        "refused still; carbon above 71 % of organic matter, and inorganic above total carbon, are refused now.",
        added=(
            "CONTENT_MISMATCH",
            "PACKAGE_UNSAFE",
            "XML_UNSAFE",
            "GEOFILE_BROKEN",
            "GEOFILE_UNSAFE",
            "CRS_MIXED",
            "CRS_UNKNOWN",
            "CRS_MISSING",
            "CRS_CONFLICT",
            "GLOSIS_SHEETS_DIFFER",
            "ROWS_TOO_MANY",
            "HEADER_MISMATCH",
            "HEADER_BELOW",
            "SHEETS_LEFT_OUT",
            "REMARKS_LEFT_OUT",
            "CRS_OF_FILE",
            "GEOMETRY_HEIGHT",
            "COLUMN_NESTED",
            "TEXT_NORMALISED",
            "CONTACTS_LEFT_OUT",
            "GLOSIS_PROPERTY_UNCLEAR",
            "ROW_OUTSIDE",
            "TABLE_WIDE",
            "KEY_MISSING",
            "GEOMETRY_NOT_POINT",
            "GEOMETRY_EMPTY",
            "GEOMETRY_NOT_FINITE",
            "COORD_MINUTES",
            "COORD_CENTROID",
            "COORD_TOWN",
            "COORD_LATTICE",
            "COORD_OUTLIER",
            "DATUM_NOT_STATED",
            "GLOSIS_UNIT_CONFLICT",
            "GLOSIS_PROPERTY_CONFLICT",
            "VALUES_ALL_TENS",
            "SOC_ABOVE_ORGANIC_MATTER",
            "INORGANIC_C_ABOVE_TOTAL_C",
            "CN_RATIO_UNUSUAL",
            "SOC_RISES_WITH_DEPTH",
            "BULK_DENSITY_ABOVE_POROSITY",
            "STOCK_MISMATCH",
            "BULK_DENSITY_ORGANIC",
            "DENSITY_OF_FINE_EARTH",
            "PH_ORDER",
            "CARBONATE_IN_ACID_SOIL",
            "EC_PH_IMPLAUSIBLE",
            "CEC_IMPLAUSIBLE",
            "TEXTURE_OF_ORGANIC_SOIL",
            "PEER_OUTLIER",
            "METHOD_MISPLACED",
            "CARBONATE_NOT_REMOVED",
            "WET_OXIDATION_HIGH_CARBON",
            "CORRECTION_SUSPECT",
            "SOC_ESTIMATED",
            "PROFILE_REPEATED",
            "PROFILE_CONTRADICTED",
            "POSSIBLE_DUPLICATE",
            "DATE_YEAR_ONLY",
            "DATE_AFTER_UPLOAD",
        ),
    ),
)
"""All versions, the oldest first."""

RULES_VERSION = HISTORY[-1].number


def since(code: str) -> str:
    """The version in which a rule came."""
    return next((version.number for version in HISTORY if code in version.added), HISTORY[0].number)
