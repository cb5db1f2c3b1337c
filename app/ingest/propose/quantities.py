"""Columns of values: which property, in which unit, on which basis; and what has to be asked of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from app.ingest.propose.columns import MOSTLY, Column, Meaning
from app.ingest.propose.headings import fits, unit_of, units_for
from app.ingest.propose.proposal import LEAVE_OUT, Option, Question
from app.soil.properties import PROPERTIES
from app.soil.units import factor

_CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "carbon": (
        ("soc", "Organic carbon"),
        ("total_c", "Total carbon, carbonates included"),
        ("inorganic_c", "Inorganic carbon"),
    ),
    "organic": (("organic_matter", "Organic matter"), ("soc", "Organic carbon")),
    "bulk_density": (
        ("bulk_density_fine_earth", "Of the fine earth: mass and volume without stones"),
        ("bulk_density_whole", "Of the whole soil, stones included"),
        ("bulk_density_fine_per_total", "Mass of fine earth per total volume"),
        ("bulk_density", "Not known"),
    ),
    "coarse_fragments": (
        ("coarse_fragments_volume", "By volume"),
        ("coarse_fragments_mass", "By mass"),
        ("coarse_fragments", "Not known"),
    ),
}
METHODS = (
    ("OrgC_dc-ht-analyser", "Dry combustion in an analyser, no carbonates in the soil"),
    ("OrgC_acid-dc-ht-analyser", "Dry combustion after carbonates were removed with acid"),
    ("OrgC_calcul-tc-ic", "Total carbon less inorganic carbon"),
    ("OrgC_wc-cro3-walkleyblack", "Wet oxidation with dichromate (Walkley-Black)"),
    ("OrgC_dc-lt-loi", "Loss on ignition, converted"),
    ("OrgC_dc-spec", "Predicted from spectra"),
)
"""Ways to measure organic carbon to choose from, by GloSIS code."""
_TEXTURE = ("clay", "silt", "sand")
_SUMS = {"%": 100.0, "g/kg": 1000.0, "1": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """One column of values: what is known of it, and the questions that are open."""

    heading: str
    """The name of the column as a mapping reads it."""
    column: Column
    role: str
    unit: str | None
    unit_column: str | None
    confidence: float
    reason: str
    questions: tuple[Question, ...]
    alternatives: tuple[str, ...] = ()

    def may_be(self, code: str) -> bool:
        """Whether the column is, or may turn out to be, a property."""
        return code in {self.role, *self.alternatives}

    def entry(self, answers: Mapping[str, str], *, method: str | None, laboratory: str | None) -> dict[str, Any] | None:
        """The entry of the mapping that follows from the answers, None where the column is left out."""
        code = answers.get(f"property:{self.heading}", self.role)
        unit: Any = {"column": self.unit_column} if self.unit_column else answers.get(f"unit:{self.heading}", self.unit)
        if LEAVE_OUT in (code, unit):
            return None
        said: dict[str, Any] = {"column": self.heading, "property": code, "unit": unit}
        if code == "soc":
            if method is not None:
                said["method"] = {"column": method}
            elif answers.get("method", "not stated") != "not stated":
                said["method"] = answers["method"]
        if laboratory is not None:
            said["laboratory"] = {"column": laboratory}
        return said


def quantities(
    seen: Sequence[tuple[str, Column, Meaning]], unit_column: Column | None, frame: pl.DataFrame, *, wide: bool
) -> list[Quantity]:
    """What the columns of values are; `seen` gives each by its name in the mapping, with what its heading means."""
    texture = _texture_unit([(column, said.name) for _, column, said in seen], frame, wide=wide)
    return [_quantity(heading, column, said, unit_column, texture) for heading, column, said in seen]


def _quantity(heading: str, column: Column, said: Meaning, unit_column: Column | None, texture: str | None) -> Quantity:
    questions = []
    choices = _CHOICES.get(said.name, ())
    codes = [code for code, _ in choices] or [said.name]
    if choices:
        questions.append(_which(heading, column, said.name))
    unit, from_column, why = _unit(said.name, codes[0], column, unit_column, texture)
    if unit is None and from_column is None:
        questions.append(_which_unit(heading, column, codes))
    confidence = said.confidence if not questions else min(said.confidence, 0.6)
    return Quantity(
        heading=heading,
        column=column,
        role="undecided" if said.kind == "ambiguous" else said.name,
        unit=unit,
        unit_column=from_column,
        confidence=confidence,
        reason=f"{said.reason} {why}",
        questions=tuple(questions),
        alternatives=tuple(codes) if choices else (),
    )


def _which(heading: str, column: Column, name: str) -> Question:
    texts = {
        "carbon": f"{column.name!r} says carbon. Which?",
        "organic": f"{column.name!r} is read differently by different people. What is it?",
        "bulk_density": f"What is the bulk density in {column.name!r} of?",
        "coarse_fragments": f"Are the coarse fragments in {column.name!r} by volume or by mass?",
    }
    options = [Option(value=code, label=label) for code, label in _CHOICES[name]]
    return Question(
        id=f"property:{heading}",
        text=texts[name],
        options=(*options, Option(value=LEAVE_OUT, label="Leave it out")),
        columns=(column.name,),
    )


def _unit(  # noqa: PLR0911 - one line for each kind of evidence
    name: str, code: str, column: Column, unit_column: Column | None, texture: str | None
) -> tuple[str | None, str | None, str]:
    """The unit, or the column that holds it, and why; nothing where the values leave a choice."""
    if column.unit is not None and fits(code, column.unit):
        return column.unit, None, f"The {column.unit_said_in} says {column.unit}."
    if code.startswith("ph"):
        return "1", None, "pH has no unit."
    if name == "soc" and unit_column is not None and all(unit_of(cell) for cell in unit_column.cells.unique()):
        return None, unit_column.name, f"{unit_column.name!r} holds its unit."
    if code in _TEXTURE and texture is not None:
        return texture, None, f"Clay, silt and sand add up to {_SUMS[texture]:g}."
    if code.startswith("bulk_density"):
        for unit, low, high in (("g/cm3", 0.02, 3.6), ("kg/m3", 100.0, 3600.0)):
            if column.between(low, high) == 1:
                return unit, None, f"All values are a bulk density in {unit} and in no other unit."
        return None, None, "Its unit is asked."
    return None, None, "Its unit is asked: the values leave a choice."


def _possible(code: str, unit: str, column: Column) -> float:
    low, high = PROPERTIES[code].possible
    return column.between(low / factor(code, unit), high / factor(code, unit))


def _which_unit(heading: str, column: Column, codes: Sequence[str]) -> Question:
    units = list(dict.fromkeys(unit for code in codes for unit in units_for(code)))
    options = []
    for unit in units:
        code = next(code for code in codes if fits(code, unit))
        possible = _possible(code, unit, column)
        low, high = PROPERTIES[code].usual or PROPERTIES[code].possible
        usual = column.between(low / factor(code, unit), high / factor(code, unit))
        reason = f"{possible:.0%} of the values would be possible, {usual:.0%} usual."
        options.append(Option(value=unit, label=unit, confidence=round(0.9 * possible * usual, 2), reason=reason))
    options.sort(key=lambda option: -option.confidence)
    low, high = column.span()
    return Question(
        id=f"unit:{heading}",
        text=f"In which unit are the values of {column.name!r}? They are {low:g} to {high:g}.",
        options=(*options, Option(value=LEAVE_OUT, label="Leave it out")),
        columns=(column.name,),
    )


def _texture_unit(members: Sequence[tuple[Column, str]], frame: pl.DataFrame, *, wide: bool) -> str | None:
    """The unit of clay, silt and sand, where they add up to what only one unit can be."""
    columns = {name: column.name for column, name in members if name in _TEXTURE}
    if len(columns) < len(_TEXTURE) or wide:
        return None
    total = frame.select(
        sum(pl.col(name).str.replace(",", ".").cast(pl.Float64, strict=False) for name in columns.values()).alias("sum")  # type: ignore[union-attr]
    )["sum"].drop_nulls()
    for unit, whole in _SUMS.items():
        if len(total) and float(total.is_between(0.95 * whole, 1.05 * whole).mean() or 0.0) >= MOSTLY:  # type: ignore[arg-type]
            return unit
    return None
