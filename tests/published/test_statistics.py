"""Estimates of R `survey` 4.1.1 on the Voorst samples of Brus 2022, Spatial Sampling with R."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.soil.estimate import (
    Estimate,
    describe_sample,
    design_effect,
    domain_mean,
    linearised_standard_error,
    poststratified_mean,
    standard_error,
    stratified_mean,
    t_interval,
    total,
    weighted_quantile,
)


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
    assert ours.value is not None
    assert ours.se is not None
    assert ours.df is not None
    assert t_interval(ours.value, ours.se, ours.df, 0.9) == pytest.approx(tuple(theirs["ci90"]), rel=1e-8)
    values, _ = sample(reference / "statistics/voorst_simple_random_sample.csv")
    tails = (quantiles["p05"], quantiles["p95"])
    assert tuple(np.quantile(values, (0.05, 0.95))) == pytest.approx(tails, rel=1e-8)
    # t.test knows no list that the sample was drawn from.
    assert t_interval(ours.value, standard_error(values) or 0.0, 39) == pytest.approx(
        tuple(theirs["ttest_ci95"]), rel=1e-8
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


@pytest.mark.parametrize("key", ["stsi_voorst", "stsi_voorst_fpc"])
def test_strata_total_and_design_effect_agree_with_survey(reference: Path, expected: dict[str, Any], key: str):
    theirs = expected[key]
    sizes = {entry["stratum"]: entry["Nh"] for entry in theirs["strata"]}
    ours = stratified(reference, theirs["strata"], population_sizes=sizes if theirs["fpc"] else None)
    values, stratum = sample(reference / "statistics/voorst_stratified_sample.csv")
    assert values.size == theirs["n"]
    assert values.mean() == pytest.approx(theirs["unweighted_mean_for_contrast"], rel=1e-8)
    for entry in theirs["strata"]:
        here = values[[name == entry["stratum"] for name in stratum]]
        assert (here.size, here.mean(), here.var(ddof=1)) == pytest.approx(
            (entry["nh"], entry["mean"], entry["var"]), rel=1e-8
        )
    satterthwaite = stratified(
        reference, theirs["strata"], population_sizes=sizes if theirs["fpc"] else None, satterthwaite=True
    )
    assert satterthwaite.df == pytest.approx(theirs["satterthwaite_df_computed_in_r"], rel=1e-8)
    assert (ours.value, ours.se, ours.df) == pytest.approx(
        (theirs["mean"], theirs["se"], theirs["df_survey"]), rel=1e-8
    )
    whole = total(ours, sum(sizes.values()))
    assert (whole.value, whole.u) == pytest.approx((theirs["total"], theirs["total_se"]), rel=1e-8)
    weight = {entry["stratum"]: entry["Nh"] / entry["nh"] for entry in theirs["strata"]}
    assert ours.se is not None
    effect = design_effect(ours.se, values, [weight[name] for name in stratum])
    assert effect == pytest.approx(theirs["deff"], rel=1e-8)
    for share, quantile in theirs["quantiles_qrule_math"].items():
        found = weighted_quantile(values, [weight[name] for name in stratum], int(share[1:]) / 100)
        assert found == quantile


def test_stratification_effect_is_that_printed_in_the_book(expected: dict[str, Any]):
    assert 1 / expected["stsi_voorst"]["deff"] == pytest.approx(1.448, abs=5e-4)


def test_poststratified_mean_agrees_with_survey_and_its_error_is_refused_where_a_stratum_has_one_point(
    reference: Path, expected: dict[str, Any]
):
    theirs = expected["poststrat_voorst"]
    values, stratum = sample(reference / "statistics/voorst_simple_random_sample.csv")
    units, areas = list(range(values.size)), theirs["strata"]
    ours = poststratified_mean(values, strata=stratum, areas=areas, units=units, owners=[0] * values.size)
    assert ours.value == pytest.approx(theirs["mean"], rel=1e-8)
    # Stratum RA has one point, so survey counts its spread as zero. The same formula gives survey's number ...
    count = {name: stratum.count(name) for name in areas}
    mean = {name: values[[s == name for s in stratum]].mean() for name in areas}
    size = sum(areas.values())
    scores = [areas[s] / size / count[s] * (y - mean[s]) for s, y in zip(stratum, values, strict=True)]
    naive = linearised_standard_error(scores, units=units)
    assert naive == pytest.approx(theirs["se"], rel=1e-8)
    assert naive is not None
    assert t_interval(theirs["mean"], naive, theirs["df"]) == pytest.approx(tuple(theirs["ci95"]), rel=1e-8)
    # ... but we do not give it.
    assert count["RA"] == 1
    assert (ours.se, ours.lower) == (None, None)
    assert "single_unit_stratum" in ours.notes
    merged = ["BA" if name == "RA" else name for name in stratum]
    joint = {name: area for name, area in areas.items() if name != "RA"} | {"BA": areas["BA"] + areas["RA"]}
    safe = poststratified_mean(values, strata=merged, areas=joint, units=units, owners=[0] * values.size)
    assert safe.se is not None
    assert safe.se > naive
    assert safe.df == theirs["df"]


def test_domain_means_agree_with_svyby_and_the_domain_of_one_point_is_refused(
    reference: Path, expected: dict[str, Any]
):
    values, stratum = sample(reference / "statistics/voorst_simple_random_sample.csv")
    assert len(expected["domain_voorst"]) == 5
    for theirs in expected["domain_voorst"]:
        ours = domain_mean(
            values,
            domain=[name == theirs["domain"] for name in stratum],
            units=list(range(values.size)),
            owners=[0] * values.size,
        )
        assert ours.n_sites == theirs["n"]
        if theirs["n"] == 1:
            assert theirs["se"] == 0
            assert (ours.refused, ours.value, ours.se) == ("too_few_sites", None, None)
        else:
            assert (ours.value, ours.se) == pytest.approx((theirs["mean"], theirs["se"]), rel=1e-8)
