"""Defaults of the 2019 Refinement as read out of hestia_earth_models 0.74.17."""

import csv
from pathlib import Path

from app.soil.ipcc import (
    CLIMATES,
    DOUBTFUL,
    FACTORS,
    MISREAD,
    REFERENCE_STOCKS,
    SOILS,
    reference_stock,
    stock_change_factor,
)

SOIL_NAMES = {
    "HIGH_ACTIVITY_CLAY_SOILS": "high_activity_clay",
    "LOW_ACTIVITY_CLAY_SOILS": "low_activity_clay",
    "SANDY_SOILS": "sandy",
    "SPODIC_SOILS": "spodic",
    "VOLCANIC_SOILS": "volcanic",
    "WETLAND_SOILS": "wetland",
}
KINDS = {"F_LU": "land_use", "F_MG": "management", "F_I": "input"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_reference_stocks_are_those_of_table_2_3(reference: Path):
    rows = rows_of(reference / "ipcc/ipcc2019_table2_3_soc_ref.csv")
    assert len(rows) == len(REFERENCE_STOCKS) == 56
    for row in rows:
        found = reference_stock(SOIL_NAMES[row["soil"]], row["climate_zone"].lower())
        assert found.value == float(row["soc_ref_t_ha_0_30cm"])
        assert found.error == float(row["uncertainty_pct_95"])
        assert found.n == (int(row["n"]) if row["n"] else None)


def test_combinations_the_table_leaves_out_have_no_default(reference: Path):
    rows = rows_of(reference / "ipcc/ipcc2019_table2_3_soc_ref.csv")
    listed = {(SOIL_NAMES[row["soil"]], row["climate_zone"].lower()) for row in rows}
    left_out = [(soil, climate) for soil in SOILS for climate in CLIMATES if (soil, climate) not in listed]
    assert len(left_out) == 72 - 56
    assert {reference_stock(*combination).reason for combination in left_out} == {"no_default"}


def test_stock_change_factors_are_those_of_hestia_but_for_perennial_crops_of_the_tropics(reference: Path):
    rows = rows_of(reference / "ipcc/ipcc2019_stock_change_factors.csv")
    assert len(rows) == len(FACTORS) == 140
    differing = {}
    for row in rows:
        key = (KINDS[row["factor"]], row["category"].lower(), row["climate_zone"].lower())
        found = stock_change_factor(*key, accept_doubtful=True)
        assert found.error == float(row["error_pct"])
        if found.value != float(row["value"]):
            differing[key] = (found.value, float(row["value"]))
    assert differing == dict.fromkeys([*MISREAD, *DOUBTFUL], (1.01, 1.1))
    assert {*MISREAD.values(), *DOUBTFUL.values()} == {1.1}


def test_perennial_crops_of_tropical_mountains_are_refused_and_both_readings_shown():
    assert list(DOUBTFUL) == [("land_use", "perennial_crops", "tropical_montane")]
    refused = stock_change_factor("land_use", "perennial_crops", "tropical_montane")
    accepted = stock_change_factor("land_use", "perennial_crops", "tropical_montane", accept_doubtful=True)
    assert (refused.value, refused.other, refused.reason) == (None, 1.1, "value_in_doubt")
    assert (accepted.value, accepted.other) == (1.01, 1.1)
