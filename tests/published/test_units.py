"""Unit factors of the R package `units` 0.8.1, see the reference folder's README."""

import csv
from pathlib import Path

import pytest

from app.soil.units import depth_to_cm, to_canonical

REFERENCE_UNITS = {"percent": "%", "g/cm^3": "g/cm3", "kg/m^3": "kg/m3", "cg/cm^3": "cg/cm3"}
BY_CANONICAL = {"g/kg": "soc", "g/cm3": "bulk_density_fine_earth", "cmol/kg": "cec"}


@pytest.fixture(scope="module")
def rows(reference: Path) -> list[dict[str, str]]:
    with (reference / "units/unit_conversions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_factors_to_canonical_units_agree_with_r_units(rows: list[dict[str, str]]):
    compared = 0
    for row in rows:
        source, target = (REFERENCE_UNITS.get(row[key], row[key]) for key in ("from", "to"))
        if target in BY_CANONICAL:
            ours = to_canonical(BY_CANONICAL[target], [float(row["value"])], source)
            assert ours[0] == pytest.approx(float(row["expected"]), rel=1e-11)
            compared += 1
    assert compared == 18


def test_lengths_agree_with_r_units(rows: list[dict[str, str]]):
    lengths = [row for row in rows if row["to"] == "cm"]
    for row in lengths:
        assert depth_to_cm(float(row["value"]), row["from"]) == pytest.approx(float(row["expected"]), rel=1e-11)
    assert len(lengths) == 4
