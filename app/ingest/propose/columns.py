"""What a column is taken for: by its heading, and only where its values agree."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from app.ingest.numbers import ANY_NUMBER_MARKERS, NUMBER_MARKERS, Decimal, parse_numbers
from app.ingest.propose.headings import fits, phrase, split, units_for
from app.ingest.propose.words import AMBIGUOUS_WORDS, FIELD_WORDS, PROPERTY_WORDS, RISKY
from app.soil.properties import PROPERTIES
from app.soil.units import factor

MOSTLY = 0.8
"""Share of the cells that are filled which must agree with what a column is taken for."""
_NEARLY_ALL = 0.95

RANGE = r"^-?\d+(?:[.,]\d+)?\s*(?:-|–|—|to|a|à|bis|/)\s*-?\d+(?:[.,]\d+)?\s*\+?\s*(?:cm)?$"
_DEPTH_CELL = r"^-?\d+(?:[.,]\d+)?\s*\+?\s*(?:cm)?$"
_SEXAGESIMAL = (
    r"^\s*[NSEWO]?\s*-?\d{1,3}\s*[°º]\s*\d{1,2}|^\s*-?\d{1,3}\s+\d{1,2}\s+\d{1,2}(?:[.,]\d+)?\D{0,3}[NSEWO]\s*$"
)
_HORIZON = r"^[\d'(/]*[A-Za-z][A-Za-z0-9 '()/+&-]{0,11}$"
DATE_CELLS = {
    "day": r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T ].*)?$",
    "month": r"^\d{4}[-/]\d{1,2}$",
    "year": r"^(?:1[89]|20)\d{2}(?:\.0+)?$",
    "dd/mm/yyyy": r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}$",
    "yyyymmdd": r"^(?:1[89]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$",
    "excel": r"^[2-4]\d{4}(?:\.\d+)?$",
}
"""How dates are written; what is dd/mm/yyyy here may as well be mm/dd/yyyy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column with what can be seen in it. Cells that are empty or hold a marker for missing values are left out."""

    name: str
    position: int
    words: str
    unit: str | None
    cells: pl.Series
    numbers: pl.Series
    unit_said_in: str = "heading"

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return len(self.cells)

    @property
    def numeric(self) -> float:
        """Share of the filled cells that are numbers."""
        return len(self.numbers) / self.filled if self.filled else 0.0

    def share(self, pattern: str) -> float:
        """Share of the filled cells that a pattern matches."""
        return float(self.cells.str.contains(pattern).mean() or 0.0) if self.filled else 0.0  # type: ignore[arg-type]

    def between(self, low: float, high: float) -> float:
        """Share of the numbers in a closed interval."""
        return float(self.numbers.is_between(low, high).mean() or 0.0) if len(self.numbers) else 0.0  # type: ignore[arg-type]

    def span(self) -> tuple[float, float]:
        """Least and greatest number; (nan, nan) where there is none."""
        if not len(self.numbers):
            return float("nan"), float("nan")
        return float(self.numbers.min()), float(self.numbers.max())  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a column is taken for: a field, a property, an ambiguous word, or nothing; and why."""

    kind: str
    """field, value, ambiguous or unknown"""
    name: str
    confidence: float
    reason: str


UNKNOWN = "unknown"


def look(name: str, position: int, cells: pl.Series, decimal: Decimal, unit: str | None = None) -> Column:
    """A column of a table of text, as far as it can be seen. unit : what a row of units below the heading says."""
    words, in_heading = split(name)
    text = cells.str.strip_chars()
    filled = text.filter(
        (text.is_not_null() & ~text.str.to_lowercase().is_in(list(NUMBER_MARKERS))).fill_null(value=False)
    )
    found = parse_numbers(filled, decimal=decimal, number_markers=ANY_NUMBER_MARKERS)
    return Column(
        name=name,
        position=position,
        words=words,
        unit=in_heading or unit,
        unit_said_in="heading" if in_heading or not unit else "row of units",
        cells=filled,
        numbers=found.value.drop_nulls(),
    )


def decimal_mark(columns: Sequence[pl.Series]) -> tuple[Decimal, bool]:
    """The decimal mark that the cells of a table show, and whether cells such as `1,234` leave it open."""
    text = pl.concat([column.drop_nulls().str.strip_chars() for column in columns]) if columns else pl.Series([""])
    comma = text.str.contains(r"^[+-]?(?:\d*,\d{1,2}|\d*,\d{4,}|0,\d+|\d{4,},\d+)$")
    point = text.str.contains(r"^[+-]?\d*\.\d+$")
    grouped = text.str.contains(r"^[+-]?[1-9]\d{0,2},\d{3}$")
    if comma.sum() and comma.sum() >= point.sum():
        return ",", False
    if point.sum():
        return ".", False
    return "auto", bool(grouped.any())


def meaning(column: Column) -> Meaning:
    """What the heading says, unless the values of the column say that it cannot be."""
    if not column.filled:
        return Meaning(kind=UNKNOWN, name="", confidence=0.0, reason="The column is empty.")
    words = column.words
    for table, kind in ((PROPERTY_WORDS, "value"), (AMBIGUOUS_WORDS, "ambiguous"), (FIELD_WORDS, "field")):
        # A heading may name its unit by a word that belongs to the quantity: try with it, too.
        for spelling in dict.fromkeys((words, phrase(column.name) if words else "")):
            if spelling in table:
                sure = 0.75 if spelling in RISKY else 0.95
                return _checked(column, kind, table[spelling], spelling, sure)
    return Meaning(kind=UNKNOWN, name="", confidence=0.0, reason=f"The heading {column.name!r} is none that we know.")


def _checked(column: Column, kind: str, name: str, spelling: str, sure: float) -> Meaning:
    if name == "coarse_fragments" and column.unit in {"vol%", "wt%"}:
        name = {"vol%": "coarse_fragments_volume", "wt%": "coarse_fragments_mass"}[column.unit]
    against = _against_value(column, name) if kind != "field" else _against_field(column, name)
    if against is not None:
        reason = f"The heading reads like {name}, but {against}."
        return Meaning(kind=UNKNOWN, name=name, confidence=0.0, reason=reason)
    return Meaning(kind=kind, name=name, confidence=sure, reason=f"{spelling!r} is a common heading for {name}.")


def _against_value(column: Column, name: str) -> str | None:
    if column.numeric < MOSTLY:
        return "most of its cells are no numbers"
    if name not in PROPERTIES:
        return None
    low, high = PROPERTIES[name].possible
    if column.unit is not None and not fits(name, column.unit):
        return f"{column.unit} is no unit of it"
    # Without a unit only the usual ones are believed: a stock in g/m2 must not pass for a content in mg/kg.
    units = [column.unit] if column.unit else units_for(name)[:2]
    if not any(column.between(low / factor(name, unit), high / factor(name, unit)) >= MOSTLY for unit in units):
        return f"its values ({_shown(column)}) cannot be that"
    return None


def _against_field(column: Column, name: str) -> str | None:  # noqa: PLR0911 - one line for each kind of field
    match name:
        case "longitude":
            return _against_degrees(column, 180)
        case "latitude":
            return _against_degrees(column, 90)
        case "easting" | "northing" | "coord_uncertainty_m" | "rock_depth_cm" | "middle_cm" | "thickness_cm":
            return None if column.numeric >= MOSTLY else "most of its cells are no numbers"
        case "top_cm" | "bottom_cm":
            return None if column.share(_DEPTH_CELL) >= MOSTLY else "most of its cells are no depths"
        case "depth":
            good = max(column.share(RANGE), column.share(_DEPTH_CELL))
            return None if good >= MOSTLY else "most of its cells are no depths"
        case "sampling_date" | "year":
            good = sum(column.share(pattern) for form, pattern in DATE_CELLS.items() if form != "excel")
            excel = column.share(DATE_CELLS["excel"]) if name == "sampling_date" else 0.0
            return None if max(good, excel) >= MOSTLY else "most of its cells are no dates"
        case "horizon":
            good = column.share(_HORIZON) >= MOSTLY and column.cells.n_unique() < max(20, 0.9 * column.filled)
            return None if good else "its cells look like none"
    return None


def _against_degrees(column: Column, most: float) -> str | None:
    if _numbers_in(column, -most, most):
        return None
    if looks_sexagesimal(column):
        return "it holds degrees, minutes and seconds, which are not read; write 12°20'15\" S as -12.3375"
    if column.numeric < MOSTLY:
        return "most of its cells are no numbers"
    return f"its values ({_shown(column)}) are no degrees"


def _numbers_in(column: Column, low: float, high: float) -> bool:
    return column.numeric >= MOSTLY and column.between(low, high) >= _NEARLY_ALL


def _shown(column: Column) -> str:
    low, high = column.span()
    return f"{low:g} to {high:g}"


def looks_sexagesimal(column: Column) -> bool:
    """Whether a column holds degrees with minutes, as in 12°20'15" S."""
    return column.share(_SEXAGESIMAL) > 1 - MOSTLY


WIDE_HEADING = re.compile(
    r"^(?P<base>.*?)[\s_.]*[([]?(?P<top>\d{1,3}(?:\.\d+)?)\s*(?:cm)?[\s_]*(?:-|–|_|to|a|bis|\s)[\s_]*(?P<bottom>\d{1,3}(?:\.\d+)?)\s*(?:cm)?[)\]]?(?P<rest>.*)$"
)
"""A heading with a depth interval in it, such as soc_0_10, `OC 10-30 cm (g/kg)` or `30_60_clay`."""
