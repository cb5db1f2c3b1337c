"""Carbon to clay of Edgeroi topsoils, pH classes of aqp, and the stock change classes of Trends.Earth."""

import csv
from pathlib import Path

import pytest

from app.soil.classes import ph_class, sdg_15_3_1, soc_to_clay

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(rows: Rows, name: str) -> list[float]:
    return [float(row[name]) for row in rows]


@pytest.fixture(scope="module")
def topsoils(reference: Path) -> Rows:
    return rows_of(reference / "soil_classes/soc_clay.csv")


def test_carbon_to_clay_classes_agree_with_the_published_thresholds(topsoils: Rows):
    assert len(topsoils) == 64
    ours = soc_to_clay(numbers(topsoils, "soc_g_kg"), numbers(topsoils, "clay_pct"), least_clay=0)
    assert ours.ratio == pytest.approx(numbers(topsoils, "ratio"), abs=1e-10)
    assert ours.code.tolist() == [row["class_prout2021"] for row in topsoils]
    assert ours.meets_directive.tolist() == [row["eu_2025_2360_above_1_13"] == "TRUE" for row in topsoils]


def test_two_topsoils_with_little_clay_are_refused_where_the_bare_ratio_calls_them_very_good(topsoils: Rows):
    ours = soc_to_clay(numbers(topsoils, "soc_g_kg"), numbers(topsoils, "clay_pct"))
    refused = [row for row, reason in zip(topsoils, ours.reason, strict=True) if reason is not None]
    assert [(row["clay_pct"], row["class_prout2021"]) for row in refused] == [
        ("3.85", "very good"),
        ("4.95", "very good"),
    ]
    assert set(ours.reason) == {None, "clay_too_low"}


def test_ph_classes_agree_with_aqp(reference: Path):
    rows = rows_of(reference / "soil_classes/ph_usda.csv")
    assert len(rows) == 42
    assert ph_class(numbers(rows, "ph")).code.tolist() == [row["class_usda"] for row in rows]


def test_a_ph_of_3_5_is_extremely_acid_where_aqp_says_ultra_acid():
    # aqp closes the class at 3.5; the Soil Survey Manual lets ultra acid end below it.
    assert ph_class([3.4, 3.5]).code.tolist() == ["ultra acid", "extremely acid"]


def test_stock_change_classes_agree_with_trends_earth(reference: Path):
    rows = rows_of(reference / "soil_classes/sdg1531_soc.csv")
    assert len(rows) == 8
    ours = sdg_15_3_1(numbers(rows, "soc_initial_t_ha"), numbers(rows, "soc_final_t_ha"))
    assert ours.status.tolist() == [int(row["te_class"]) for row in rows]
    assert ours.change == pytest.approx(numbers(rows, "pct_change"), abs=1e-8)


def test_a_change_of_exactly_ten_per_cent_is_none_by_the_words_of_the_guidance(reference: Path):
    rows = [row for row in rows_of(reference / "soil_classes/sdg1531_soc.csv") if abs(float(row["pct_change"])) == 10]
    bounds = numbers(rows, "soc_initial_t_ha"), numbers(rows, "soc_final_t_ha")
    assert sdg_15_3_1(*bounds).status.tolist() == [-1, 1, 1]
    assert sdg_15_3_1(*bounds, bound_counts=False).status.tolist() == [0, 0, 0]
