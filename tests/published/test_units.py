"""Unit factors of the R package `units` 0.8.1, see the reference folder's README."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from app.soil.conversions import carbon_density_to_kg_m3, stock_to_t_ha
from app.soil.units import depth_to_cm, factor

SPELLING = {"percent": "%", "g/cm^3": "g/cm3", "kg/m^3": "kg/m3", "cg/cm^3": "cg/cm3"}


def of(code: str) -> Callable[[str], float]:
    return lambda unit: factor(code, SPELLING.get(unit, unit))


FACTORS: dict[tuple[str, str], Callable[[str], float]] = {
    ("percent", "g/kg"): of("soc"),
    ("g/kg", "percent"): of("soc"),
    ("mg/g", "g/kg"): of("soc"),
    ("dag/kg", "g/kg"): of("soc"),
    ("g/hg", "g/kg"): of("soc"),
    ("mg/kg", "g/kg"): of("soc"),
    ("dg/kg", "g/kg"): of("soc"),
    ("kg/m^2", "t/ha"): lambda unit: float(stock_to_t_ha(1.0, unit)),
    ("t/ha", "kg/m^2"): lambda unit: float(stock_to_t_ha(1.0, unit)),
    ("g/cm^2", "t/ha"): lambda unit: float(stock_to_t_ha(1.0, unit)),
    ("g/cm^3", "kg/m^3"): of("bulk_density_fine_earth"),
    ("kg/dm^3", "g/cm^3"): of("bulk_density_fine_earth"),
    ("cg/cm^3", "g/cm^3"): of("bulk_density_fine_earth"),
    ("hg/m^3", "kg/m^3"): lambda unit: float(carbon_density_to_kg_m3(1.0, unit)),
    ("mmol/kg", "cmol/kg"): of("cec"),
    ("inch", "cm"): lambda unit: float(depth_to_cm(1.0, unit)),
    ("ft", "cm"): lambda unit: float(depth_to_cm(1.0, unit)),
    ("dS/m", "mS/cm"): of("ec"),
}


@pytest.fixture(scope="module")
def rows(reference: Path) -> list[dict[str, str]]:
    with (reference / "units/unit_conversions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_factor_agrees_with_r_units(rows: list[dict[str, str]]):
    """A factor goes to the canonical unit, so one between two others is the ratio of theirs."""
    assert len(rows) == 36
    for row in rows:
        to_canonical = FACTORS[row["from"], row["to"]]
        found = float(row["value"]) * to_canonical(row["from"]) / to_canonical(row["to"])
        assert found == pytest.approx(float(row["expected"]), rel=1e-11), row


def test_every_pair_of_units_occurs(rows: list[dict[str, str]]):
    assert {(row["from"], row["to"]) for row in rows} == set(FACTORS)
