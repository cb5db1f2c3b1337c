"""Estimates of R `survey` 4.1.1 on the Voorst samples of Brus 2022, Spatial Sampling with R."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.soil.estimate import Estimate, describe_sample, standard_error, stratified_mean, weighted_quantile


def sample(path: Path) -> tuple[np.ndarray, list[str]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([float(row["value"]) for row in rows]), [row["stratum"] for row in rows]


@pytest.fixture(scope="module")
def expected(reference: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((reference / "statistics/expected.json").read_text(encoding="utf-8"))
    return numbers


def random_sample(reference: Path, population_size: int | None) -> Estimate:
    values, _ = sample(reference / "statistics/voorst_simple_random_sample.csv")
    sites = range(values.size)
    return describe_sample(
        values, units=list(sites), owners=[0] * values.size, design="srs", population_size=population_size
    )


@pytest.mark.parametrize(("key", "population_size"), [("srs_voorst", None), ("srs_voorst_fpc", 7528)])
def test_simple_random_sample_agrees_with_survey(
    reference: Path, expected: dict[str, Any], key: str, population_size: int | None
):
    ours, theirs = random_sample(reference, population_size), expected[key]
    quantiles = theirs["quantile_type7"]
    assert ours.representative
    assert (ours.n_sites, ours.df) == (theirs["n"], theirs["df"])
    assert (ours.value, ours.se, ours.sd) == pytest.approx((theirs["mean"], theirs["se"], theirs["sd"]), rel=1e-8)
    assert (ours.lower, ours.upper) == pytest.approx(theirs["ci95"], rel=1e-8)
    assert (ours.q1, ours.median, ours.q3) == pytest.approx(
        (quantiles["p25"], theirs["median"], quantiles["p75"]), rel=1e-8
    )


def stratified(reference: Path, strata: list[dict[str, Any]], **options: Any) -> Estimate:
    values, stratum = sample(reference / "statistics/voorst_stratified_sample.csv")
    return stratified_mean(
        values,
        strata=stratum,
        areas={entry["stratum"]: entry["Nh"] for entry in strata},
        units=list(range(values.size)),
        owners=[0] * values.size,
        **options,
    )


def test_stratified_sample_agrees_with_survey_and_the_book(reference: Path, expected: dict[str, Any]):
    theirs = expected["stsi_voorst"]
    ours = stratified(reference, theirs["strata"])
    assert ours.value == pytest.approx(86.334, abs=5e-4)
    assert (ours.value, ours.se) == pytest.approx((theirs["mean"], theirs["se"]), rel=1e-8)
    assert (ours.lower, ours.upper, ours.df) == pytest.approx((*theirs["ci95"], theirs["df_survey"]), rel=1e-8)
    assert (ours.q1, ours.median) == (theirs["quantiles_qrule_math"]["p25"], theirs["quantiles_qrule_math"]["p50"])


def test_stratified_sample_from_a_list_agrees_with_survey(reference: Path, expected: dict[str, Any]):
    theirs = expected["stsi_voorst_fpc"]
    sizes = {entry["stratum"]: entry["Nh"] for entry in theirs["strata"]}
    ours = stratified(reference, theirs["strata"], population_sizes=sizes)
    assert (ours.se, ours.lower, ours.upper) == pytest.approx((theirs["se"], *theirs["ci95"]), rel=1e-8)


def test_satterthwaite_degrees_of_freedom_agree_with_r(reference: Path, expected: dict[str, Any]):
    theirs = expected["stsi_voorst"]
    ours = stratified(reference, theirs["strata"], satterthwaite=True)
    assert ours.df == pytest.approx(theirs["satterthwaite_df_computed_in_r"], rel=1e-8)


def test_weighted_quantile_agrees_with_svyquantile(reference: Path, expected: dict[str, Any]):
    theirs = expected["stsi_voorst"]
    values, stratum = sample(reference / "statistics/voorst_stratified_sample.csv")
    weight = {entry["stratum"]: entry["Nh"] / entry["nh"] for entry in theirs["strata"]}
    weights = [weight[name] for name in stratum]
    assert weighted_quantile(values, weights, 0.8) == theirs["quantiles_qrule_math"]["p80"]


def test_the_stratum_with_one_point_has_no_standard_error_where_the_software_says_zero(
    reference: Path, expected: dict[str, Any]
):
    values, stratum = sample(reference / "statistics/voorst_simple_random_sample.csv")
    theirs = next(entry for entry in expected["domain_voorst"] if entry["domain"] == "RA")
    assert theirs["se"] == 0
    assert standard_error(values[[name == "RA" for name in stratum]]) is None
