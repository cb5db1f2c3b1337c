"""Changes, ratios, effects and powers of R 4.2.2 (`t.test`, `survey::svyratio`, `power.t.test`) on real re-visits."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from app.soil.change import (
    CO2_PER_C,
    Change,
    annual_rate,
    baci_effect,
    co2_equivalent,
    detectable_difference,
    paired_change,
    sample_size,
    unpaired_change,
    years_between,
)

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(rows: Rows, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


@pytest.fixture(scope="module")
def expected(reference: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((reference / "trend/expected.json").read_text(encoding="utf-8"))
    return numbers


def assert_is_paired_change_of_r(ours: Change, theirs: dict[str, Any]) -> None:
    found = {
        "n": ours.n_both,
        "years": ours.years,
        "mean0": ours.mean0,
        "mean1": ours.mean1,
        "mean_change": ours.value,
        "se_change": ours.se,
        "df": ours.df,
        "ci95_change": [ours.lower, ours.upper],
        "correlation": ours.correlation,
        "annual_change": ours.per_year,
        "ratio": ours.ratio,
        "ratio_se_taylor": ours.ratio_se,
        "rate_permille_per_year": ours.rate,
        "rate_se_permille": ours.rate_u,
        "rate_ci95_permille": [ours.rate_lower, ours.rate_upper],
    }
    for name, value in found.items():
        assert value == pytest.approx(theirs[name], rel=1e-8), name
    assert ours.value is not None
    assert ours.se is not None
    assert ours.df is not None
    assert 2 * stats.t.sf(abs(ours.value / ours.se), ours.df) == pytest.approx(theirs["p_value"], rel=1e-8)
    assert ours.ratio is not None
    assert ours.ratio_se is not None
    half = stats.t.ppf(0.975, ours.df) * ours.ratio_se
    assert [ours.ratio - half, ours.ratio + half] == pytest.approx(theirs["ratio_ci95"], rel=1e-8)


def mean_of_site_rates(rows: Rows, years: float) -> float:
    return float(np.mean(annual_rate(column(rows, "y0"), column(rows, "y1"), years)))


def test_salinity_of_fifteen_sites_visited_twice_agrees_with_r(reference: Path, expected: dict[str, Any]):
    rows, theirs = rows_of(reference / "trend/crf_pairs_1_2.csv"), expected["paired_crf_1_2"]
    years = years_between([row["date0"] for row in rows], [row["date1"] for row in rows])
    assert years is not None
    ours = paired_change(column(rows, "y0"), column(rows, "y1"), years=years, shortest_years=0)
    assert len(rows) == 15
    assert_is_paired_change_of_r(ours, theirs)


def test_mean_of_site_rates_has_the_other_sign_than_the_rate_of_the_mean(reference: Path, expected: dict[str, Any]):
    rows, theirs = rows_of(reference / "trend/crf_pairs_1_2.csv"), expected["paired_crf_1_2"]
    contrast = mean_of_site_rates(rows, theirs["years"])
    assert contrast == pytest.approx(theirs["mean_of_site_rates_permille_for_contrast"], rel=1e-8)
    ours = paired_change(column(rows, "y0"), column(rows, "y1"), years=theirs["years"], shortest_years=0)
    assert ours.rate is not None
    assert ours.rate < 0 < contrast


def test_five_weeks_between_campaigns_give_a_change_but_no_rate(reference: Path, expected: dict[str, Any]):
    rows, theirs = rows_of(reference / "trend/crf_pairs_1_2.csv"), expected["paired_crf_1_2"]
    ours = paired_change(column(rows, "y0"), column(rows, "y1"), years=theirs["years"])
    assert ours.value == pytest.approx(theirs["mean_change"])
    assert (ours.rate, ours.verdict) == (None, None)
    assert "interval_too_short" in ours.notes


def test_salinity_of_two_independent_samples_agrees_with_the_welch_test(reference: Path, expected: dict[str, Any]):
    rows, theirs = rows_of(reference / "trend/crf_unpaired_3_5.csv"), expected["unpaired_crf_3_5"]
    first, second = (
        [float(row["ECe"]) for row in rows if row["survey"] == campaign]
        for campaign in dict.fromkeys(r["survey"] for r in rows)
    )
    ours = unpaired_change(first, second, years=theirs["years"], probability_samples=True, shortest_years=0)
    assert (ours.n0, ours.n1) == (theirs["n0"], theirs["n1"])
    found = (ours.mean0, ours.mean1, ours.value, ours.se, ours.df, ours.lower, ours.upper)
    names = ("mean0", "mean1", "change", "se", "df_welch")
    assert found == pytest.approx((*(theirs[name] for name in names), *theirs["ci95"]), rel=1e-8)
    assert ours.value is not None
    assert ours.se is not None
    assert ours.df is not None
    assert 2 * stats.t.sf(ours.value / ours.se, ours.df) == pytest.approx(theirs["p_value"], rel=1e-8)


def test_stocks_after_twenty_years_of_six_systems_agree_with_r(reference: Path, expected: dict[str, Any]):
    rows = rows_of(reference / "trend/sanford_0_30.csv")
    theirs = expected["paired_sanford_0_30cm_20yr"]
    ours = paired_change(column(rows, "y0"), column(rows, "y1"), years=20)
    assert len(rows) == 6
    assert_is_paired_change_of_r(ours, theirs)
    assert (ours.verdict, ours.headline) == ("no_change_detected", True)
    contrast = theirs["mean_of_site_rates_permille_for_contrast"]
    assert mean_of_site_rates(rows, 20) == pytest.approx(contrast, rel=1e-8)


def test_effect_of_forage_against_grain_agrees_with_r(reference: Path, expected: dict[str, Any]):
    rows, theirs = rows_of(reference / "trend/sanford_0_30.csv"), expected["baci_sanford_forage_vs_grain"]
    impact = [row for row in rows if row["group"] == "impact"]
    control = [row for row in rows if row["group"] == "control"]
    values = [column(group, name) for group in (impact, control) for name in ("y0", "y1")]
    welch, pooled = baci_effect(*values), baci_effect(*values, equal_variances=True)
    assert (welch.n_impact, welch.n_control) == (theirs["n_impact"], theirs["n_control"])
    found = (welch.change_impact, welch.change_control, welch.value)
    assert found == pytest.approx((theirs["mean_change_impact"], theirs["mean_change_control"], theirs["baci"]))
    for ours, name in ((welch, "welch"), (pooled, "pooled")):
        bounds = theirs[f"ci95_{name}"]
        numbers = (theirs[f"se_{name}"], theirs[f"df_{name}"], *bounds)
        assert (ours.se, ours.df, ours.lower, ours.upper) == pytest.approx(numbers, rel=1e-8)
    assert welch.value is not None
    assert welch.se is not None
    assert welch.df is not None
    assert 2 * stats.t.sf(welch.value / welch.se, welch.df) == pytest.approx(theirs["p_welch"], rel=1e-8)


def test_powers_agree_with_r(expected: dict[str, Any]):
    theirs = expected["power"]
    found = {
        "two_sample_n_for_delta2_sd8": sample_size(2, 8, paired=False),
        "two_sample_delta_n50_sd10": detectable_difference(10, 50, paired=False),
        "paired_n_for_delta2_sd5": sample_size(2, 5, paired=True),
        "paired_delta_n30_sd5": detectable_difference(5, 30, paired=True),
    }
    assert set(found) == set(theirs) - {"note"}
    for name, value in found.items():
        assert value == pytest.approx(theirs[name], rel=1e-5), name


def test_permanent_grass_of_highfield_visited_twice_agrees_with_r(reference: Path):
    numbers = json.loads((reference / "trend/expected_highfield.json").read_text(encoding="utf-8"))
    theirs = numbers["highfield_paired_permanent_grass"]
    rows = rows_of(reference / "trend/highfield_pairs.csv")
    assert len(rows) == 24
    grass = [
        row
        for row in rows
        if row["rotation_type"] == "permanent grass" and (row["year0"], row["year1"]) == ("1948", "2014")
    ]
    ours = paired_change(column(grass, "y0"), column(grass, "y1"), years=66)
    assert_is_paired_change_of_r(ours, theirs)
    assert ours.verdict == "increase_compatible"
    assert mean_of_site_rates(grass, 66) == pytest.approx(theirs["mean_of_site_rates_permille_for_contrast"], rel=1e-8)


def test_carbon_identities_hold(reference: Path):
    identities = json.loads((reference / "units/carbon_identities.json").read_text(encoding="utf-8"))
    assert identities["co2_per_c"] == pytest.approx(CO2_PER_C, rel=1e-12)
    gain, rate = identities["examples"]
    assert float(co2_equivalent(gain["delta_soc_t_c_ha"])) == pytest.approx(gain["co2e_t_ha"], abs=1e-12)
    ours = annual_rate(rate["stock0_t_ha"], rate["stock1_t_ha"], rate["years"])
    assert float(ours) == pytest.approx(rate["rate_permille_per_year"], abs=1e-12)
