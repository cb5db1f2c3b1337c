from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil.estimate import (
    ESTIMATORS,
    NOTES,
    REFUSALS,
    Estimate,
    cluster_mean,
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

NAN = np.nan


def describe(values: list[float], **options: Any) -> Estimate:
    """Sites that are each their own unit, open and of one owner unless said otherwise."""
    defaults: dict[str, Any] = {"units": list(range(len(values))), "owners": [0] * len(values)}
    return describe_sample(values, **(defaults | options))


def test_mean_and_interval_of_ten_sites():
    estimate = describe([float(x) for x in range(1, 11)])
    assert (estimate.value, estimate.median, estimate.q1, estimate.q3) == (5.5, 5.5, 3.25, 7.75)
    assert estimate.sd == pytest.approx(np.sqrt(82.5 / 9))
    assert estimate.se == pytest.approx(np.sqrt(82.5 / 90))
    # t for 9 degrees of freedom is 2.262 in every table.
    assert estimate.upper == pytest.approx(5.5 + 2.262157 * np.sqrt(82.5 / 90), abs=1e-6)
    assert (estimate.df, estimate.level, estimate.indicative, estimate.refused) == (9, 0.95, False, None)


def test_interval_of_legacy_data_says_that_it_does_not_cover_the_region():
    estimate = describe([1.0] * 5 + [2.0] * 5)
    assert not estimate.representative
    assert "does not cover the region" in estimate.meaning
    assert estimate.estimator == "sample_description"


@pytest.mark.parametrize(("design", "estimator"), [("srs", "srs_mean"), ("grid", "grid_mean")])
def test_probability_samples_are_representative(design: str, estimator: str):
    estimate = describe([1.0] * 5 + [2.0] * 5, design=design)
    assert (estimate.representative, estimate.estimator) == (True, estimator)
    assert "not drawn" not in estimate.meaning


@pytest.mark.parametrize("design", ["legacy", "purposive", "mixed", "stratified"])
def test_other_designs_only_describe_their_sites(design: str):
    assert not describe([1.0] * 10, design=design).representative


def test_unknown_design_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown sampling design 'random'; accepted are srs"):
        describe([1.0], design="random")


def test_five_to_nine_sites_are_indicative():
    assert describe([1.0, 2.0, 3.0, 4.0, 5.0]).indicative
    assert describe([1.0, 2.0, 3.0, 4.0, 5.0]).value == 3.0


def test_three_or_four_sites_give_their_median_and_no_mean():
    estimate = describe([1.0, 2.0, 9.0])
    assert (estimate.value, estimate.median, estimate.refused) == (None, 2.0, "median_only")


def test_fewer_than_three_sites_are_refused_with_their_number():
    estimate = describe([1.0, 2.0])
    assert (estimate.value, estimate.median, estimate.refused, estimate.n_sites) == (None, None, "too_few_sites", 2)
    assert estimate.reason == REFUSALS["too_few_sites"]


def test_sites_without_a_value_do_not_count():
    assert describe([1.0, 2.0, NAN, NAN]).n_sites == 2
    assert describe([NAN]).refused == "no_sites"
    assert describe([]).refused == "no_sites"


def test_infinite_values_are_refused_with_a_reason_not_an_exception():
    estimate = describe([1.0, 2.0, 3.0, np.inf])
    assert (estimate.refused, estimate.value) == ("value_not_finite", None)


def test_plots_of_one_farm_are_averaged_first():
    estimate = describe([1.0, 3.0, *[float(x) for x in range(3, 11)]], units=["a", "a", *range(8)])
    assert (estimate.n_sites, estimate.n_units, estimate.df) == (10, 9, 8)
    assert estimate.value == pytest.approx((2 + sum(range(3, 11))) / 9)
    assert estimate.indicative


def test_many_plots_of_one_farm_are_one_site():
    estimate = describe([float(x) for x in range(12)], units=["farm"] * 12)
    assert (estimate.refused, estimate.value, estimate.n_sites, estimate.n_units) == ("too_few_sites", None, 12, 1)
    assert str(estimate.reason).startswith("Fewer than 3 independent sites (sampling units) have a value")


def test_plots_of_three_farms_give_the_median_of_the_farms():
    estimate = describe([1.0, 3.0, 10.0, 20.0, 30.0, 7.0], units=["a", "a", "b", "b", "b", "c"])
    assert (estimate.refused, estimate.value, estimate.median, estimate.n_units) == ("median_only", None, 7.0, 3)


@pytest.mark.parametrize(("n_units", "says"), [(4, "median"), (5, "indicative"), (9, "indicative"), (10, "mean")])
def test_small_numbers_are_those_of_sampling_units_not_of_sites(n_units: int, says: str):
    estimate = describe([float(x) for x in range(20)], units=[x % n_units for x in range(20)])
    found = "median" if estimate.value is None else "indicative" if estimate.indicative else "mean"
    assert (estimate.n_units, found) == (n_units, says)


def test_open_data_of_one_owner_are_shown():
    assert describe([1.0, 2.0] * 5).refused is None


def test_closed_data_need_three_owners():
    estimate = describe([1.0, 2.0] * 5, owners=["a", "b"] * 5, is_open=False)
    assert (estimate.refused, estimate.value, estimate.median, estimate.n_owners) == ("too_few_owners", None, None, 2)
    assert describe([1.0, 2.0, 3.0] * 4, owners=["a", "b", "c"] * 4, is_open=False).refused is None


def test_closed_data_of_one_dominant_owner_are_refused():
    owners = ["a"] * 17 + ["b", "b", "c"]
    assert describe([1.0] * 20, owners=owners, is_open=False).refused == "dominant_owner"
    assert describe([1.0] * 20, owners=["a"] * 16 + ["b", "b", "c", "c"], is_open=False).refused is None


def test_open_data_do_not_hide_closed_ones():
    owners = ["a", "b", "c", "d", *["e"] * 20]
    is_open = [True] * 3 + [False] + [True] * 20
    assert describe([1.0] * 24, owners=owners, is_open=is_open).refused == "too_few_owners"


def test_small_or_skewed_samples_have_an_approximate_interval():
    assert describe([float(x) for x in range(19)]).notes == ("interval_approximate",)
    assert describe([float(x) for x in range(20)]).notes == ()
    assert describe([1.0] * 29 + [100.0]).notes == ("interval_approximate",)


def test_no_field_of_an_estimate_is_ever_nan():
    for values in ([], [1.0], [1.0] * 4, [1.0] * 6, [1.0] * 25):
        estimate = describe(values)
        assert not any(getattr(estimate, f.name) != getattr(estimate, f.name) for f in fields(estimate))


def test_standard_error_of_one_value_is_unknown_not_zero():
    assert standard_error([3.0]) is None
    assert standard_error([]) is None
    assert standard_error([1.0, 3.0]) == pytest.approx(1.0)


def test_a_complete_census_has_no_sampling_error():
    assert standard_error([1.0, 3.0], population_size=2) == 0.0


def test_interval_is_wider_at_a_higher_level():
    narrow, wide = t_interval(10, 1, 5, 0.90), t_interval(10, 1, 5, 0.99)
    assert wide[0] < narrow[0] < 10 < narrow[1] < wide[1]


def test_weighted_quantile_is_the_first_value_to_reach_the_share():
    assert weighted_quantile([3, 1, 2], [2, 1, 1], 0.5) == 2
    assert weighted_quantile([3, 1, 2], [2, 1, 1], 0.51) == 3


def stratified(values: list[float], strata: list[str], areas: dict[str, float], **options: Any) -> Estimate:
    size = len(values)
    return stratified_mean(values, strata=strata, areas=areas, units=list(range(size)), owners=[0] * size, **options)


def test_strata_are_weighted_by_area_not_by_number_of_sites():
    estimate = stratified([10.0, 20.0, 10.0, 20.0, 30.0, 50.0], ["a"] * 4 + ["b"] * 2, {"a": 1, "b": 3})
    assert estimate.value == pytest.approx(0.25 * 15 + 0.75 * 40)
    # s² is 100/3 in a and 200 in b.
    assert estimate.se == pytest.approx(np.sqrt(0.25**2 * 100 / 12 + 0.75**2 * 100))
    assert (estimate.df, estimate.representative) == (4, True)


def test_a_stratum_with_one_unit_leaves_no_standard_error():
    estimate = stratified([10.0, 20.0, 10.0, 20.0, 40.0], ["a"] * 4 + ["b"], {"a": 1, "b": 1})
    assert estimate.value == pytest.approx(27.5)
    assert (estimate.se, estimate.lower, estimate.notes) == (None, None, ("single_unit_stratum",))


def test_a_stratum_without_sites_is_not_like_the_rest():
    estimate = stratified([10.0, 20.0, 10.0, 20.0, 10.0, 20.0], ["a"] * 6, {"a": 3, "b": 1})
    assert (estimate.value, estimate.covered_share) == (15.0, 0.75)
    assert "strata_not_sampled" in estimate.notes


def test_a_site_in_a_stratum_without_an_area_refuses_the_figure():
    estimate = stratified([1.0] * 6, ["a"] * 5 + ["c"], {"a": 1})
    assert (estimate.refused, estimate.value) == ("stratum_without_area", None)


def test_few_sites_are_refused_in_strata_too():
    assert stratified([1.0, 2.0], ["a", "b"], {"a": 1, "b": 1}).refused == "too_few_sites"
    assert stratified([1.0, 2.0, 3.0], ["a", "b", "b"], {"a": 1, "b": 1}).refused == "median_only"


def test_plots_of_one_farm_do_not_fill_a_stratum():
    values, strata = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], ["a"] * 3 + ["b"] * 3
    estimate = stratified_mean(values, strata=strata, areas={"a": 1, "b": 1}, units=[0, 0, 0, 1, 2, 2], owners=[0] * 6)
    assert (estimate.refused, estimate.n_units, estimate.median) == ("median_only", 3, 4.0)


def test_every_code_has_a_sentence():
    for table in (REFUSALS, NOTES, ESTIMATORS):
        assert all(sentence.strip() for sentence in table.values())


def test_arrays_of_unequal_length_are_refused_by_name():
    with pytest.raises(ValueError, match="units has shape"):
        describe([1.0, 2.0], units=[1])
    with pytest.raises(ValueError, match="strata has shape"):
        stratified([1.0, 2.0], ["a"], {"a": 1})


def some(estimator: Any, values: list[float], **options: Any) -> Estimate:
    """Sites that are each their own unit, open and of one owner unless said otherwise."""
    size = len(values)
    result: Estimate = estimator(values, **({"units": list(range(size)), "owners": [0] * size} | options))
    return result


def test_poststratified_mean_by_hand():
    # a: 10, 20, 30 (mean 20), b: 40, 50, 60 (mean 50); areas 3 to 1: mean 27.5.
    estimate = some(poststratified_mean, [10.0, 20, 30, 40, 50, 60], strata=list("aaabbb"), areas={"a": 3, "b": 1})
    assert estimate.value == pytest.approx(27.5)
    # z = 0.25 x (-10, 0, 10) and 0.25 / 3 x (-10, 0, 10): squares sum to 12.5 + 1.3889; times 6/5.
    assert estimate.se == pytest.approx(np.sqrt(1.2 * (12.5 + 25 / 18)))
    assert (estimate.df, estimate.estimator, estimate.representative) == (5, "poststratified_mean", True)


def test_a_poststratum_with_one_unit_is_not_free_of_error():
    estimate = some(poststratified_mean, [10.0, 20, 30, 40, 60], strata=list("aaaab"), areas={"a": 1, "b": 1})
    assert (estimate.value, estimate.se, estimate.lower) == (42.5, None, None)
    assert "single_unit_stratum" in estimate.notes


def test_a_poststratum_without_sites_is_left_out_and_said():
    estimate = some(poststratified_mean, [10.0, 20, 30, 40, 60], strata=list("aaabb"), areas={"a": 1, "b": 1, "c": 2})
    assert (estimate.value, estimate.covered_share) == (35.0, 0.5)
    assert "strata_not_sampled" in estimate.notes
    stray = some(poststratified_mean, [10.0, 20, 30, 40, 60], strata=list("aaabb"), areas={"a": 1})
    assert stray.refused == "stratum_without_area"


def test_one_poststratum_is_a_simple_random_sample():
    values = [10.0, 20, 30, 40, 60, 75]
    one = some(poststratified_mean, values, strata=["a"] * 6, areas={"a": 9})
    srs = describe(values, design="srs")
    assert (one.value, one.se, one.df, one.lower, one.sd) == pytest.approx(
        (srs.value, srs.se, srs.df, srs.lower, srs.sd)
    )


def test_domain_mean_by_hand():
    # Inside 10 .. 50 with mean 30, two sites outside: z = (y - 30) / 5, n = 7: 7/6 x 1000/25.
    estimate = some(domain_mean, [10.0, 20, 30, 40, 50, 90, 90], domain=[True] * 5 + [False] * 2)
    assert estimate.value == pytest.approx(30)
    assert estimate.se == pytest.approx(np.sqrt(7 / 6 * 1000 / 25))
    assert (estimate.df, estimate.n_sites, estimate.n_units) == (4, 5, 5)


def test_dropping_the_sites_outside_the_domain_understates_its_error_when_the_domain_is_small():
    # With all sites inside, both are the same; the factor is n / (n - 1) of the whole against that of the part.
    values = [10.0, 20, 30, 40, 50, 60]
    whole = some(domain_mean, values, domain=[True] * 6)
    srs = describe(values, design="srs")
    assert (whole.se, whole.df) == pytest.approx((srs.se, srs.df))


def test_domain_of_a_stratified_sample_takes_its_variance_within_strata():
    values = [10.0, 12, 14, 90, 20, 22, 30, 90]
    estimate = some(
        domain_mean,
        values,
        domain=[True, True, True, False] * 2,
        strata=list("aaaabbbb"),
        areas={"a": 3, "b": 1},
    )
    # Weights 3/4 and 1/4 per site: mean (3 x 36 + 72) / 12 = 15.
    assert estimate.value == pytest.approx(15)
    z = np.array([-5.0, -3, -1, 0]) * 3 / 12, np.array([5.0, 7, 15, 0]) / 12
    assert estimate.se == pytest.approx(np.sqrt(sum(4 / 3 * ((part - part.mean()) ** 2).sum() for part in z)))
    assert estimate.df == 4


def test_a_small_domain_is_refused_whatever_the_size_of_the_sample():
    values = [float(x) for x in range(40)]
    inside = [True] * 2 + [False] * 38
    assert some(domain_mean, values, domain=inside).refused == "too_few_sites"
    assert some(domain_mean, values, domain=[True] * 4 + [False] * 36).refused == "median_only"
    assert some(domain_mean, values, domain=[False] * 40).refused == "no_sites"


def test_domain_must_match_the_values():
    with pytest.raises(ValueError, match="domain has shape"):
        some(domain_mean, [1.0, 2.0], domain=[True])


def test_cluster_mean_by_hand():
    # Farms with 1, 2, 3, 2 and 2 sites; mean 30; deviations by farm -20, 0, 30, -20, 10: squares 1800.
    values = [10.0, 20, 40, 40, 40, 40, 20, 20, 30, 40]
    farms = list("abbcccddee")
    estimate = some(cluster_mean, values, units=farms)
    assert (estimate.value, estimate.n_sites, estimate.n_units, estimate.df) == (30, 10, 5, 4)
    assert estimate.se == pytest.approx(np.sqrt(5 / 4 * 1800 / 100))


def test_clusters_of_one_size_have_the_mean_and_error_of_their_means():
    values = [10.0, 14, 20, 28, 31, 37, 42, 44, 50, 51]
    farms = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    ours, means = some(cluster_mean, values, units=farms), describe(values, units=farms, design="srs")
    assert (ours.value, ours.se, ours.df) == pytest.approx((means.value, means.se, means.df))


def test_many_sites_of_few_clusters_are_refused():
    assert some(cluster_mean, [1.0] * 50, units=[0, 1] * 25).refused == "too_few_sites"
    assert some(cluster_mean, [1.0] * 50, units=[0, 1, 2, 3, 0] * 10).refused == "median_only"


def test_owners_are_protected_by_every_estimator():
    values = [float(x) for x in range(12)]
    hidden: dict[str, Any] = {"owners": ["a", "b"] * 6, "is_open": False}
    assert some(cluster_mean, values, **hidden).refused == "too_few_owners"
    assert some(domain_mean, values, domain=[True] * 12, **hidden).refused == "too_few_owners"
    estimate = some(poststratified_mean, values, strata=["a"] * 12, areas={"a": 1}, **hidden)
    assert (estimate.refused, estimate.value) == ("too_few_owners", None)


def test_sites_without_a_value_count_in_no_estimator():
    values = [10.0, 20, 30, 40, 50, 60, NAN, NAN]
    for estimator, options in (
        (cluster_mean, {}),
        (domain_mean, {"domain": [True] * 8}),
        (poststratified_mean, {"strata": ["a"] * 8, "areas": {"a": 1}}),
    ):
        assert some(estimator, values, **options).n_sites == 6
        assert some(estimator, values, **options).value == pytest.approx(35)
        assert some(estimator, [NAN] * 8, **options).refused == "no_sites"
        assert some(estimator, [np.inf] * 8, **options).refused == "value_not_finite"


samples = st.lists(
    st.tuples(st.floats(0, 200), st.sampled_from("ab"), st.integers(0, 8), st.booleans()), min_size=6, max_size=25
)


@settings(derandomize=True)
@given(samples, st.randoms(use_true_random=False))
def test_estimates_do_not_depend_on_the_order_of_the_sites(rows: list[tuple[float, str, int, bool]], random: Any):
    shuffled = rows[:]
    random.shuffle(shuffled)
    found = []
    for order in (rows, shuffled):
        values, strata, units, inside = ([row[i] for row in order] for i in range(4))
        options: dict[str, Any] = {"units": units, "owners": [0] * len(order)}
        found.append(
            [
                describe_sample(values, **options),
                cluster_mean(values, **options),
                domain_mean(values, domain=inside, **options),
                domain_mean(values, domain=inside, strata=strata, areas={"a": 2, "b": 1}, **options),
                stratified_mean(values, strata=strata, areas={"a": 2, "b": 1}, **options),
                poststratified_mean(values, strata=strata, areas={"a": 2, "b": 1}, **options),
            ]
        )
    for one, other in zip(*found, strict=True):
        for f in fields(one):
            a, b = getattr(one, f.name), getattr(other, f.name)
            assert a == (pytest.approx(b, rel=1e-7, abs=1e-5) if isinstance(b, float) else b), f.name


@settings(derandomize=True)
@given(samples)
def test_no_field_of_any_estimate_is_ever_nan(rows: list[tuple[float, str, int, bool]]):
    values, strata, units, inside = ([row[i] for row in rows] for i in range(4))
    options: dict[str, Any] = {"units": units, "owners": [0] * len(rows)}
    for estimate in (
        cluster_mean(values, **options),
        domain_mean(values, domain=inside, strata=strata, areas={"a": 2, "b": 1}, **options),
        poststratified_mean(values, strata=strata, areas={"a": 2, "b": 1}, **options),
    ):
        assert not any(getattr(estimate, f.name) != getattr(estimate, f.name) for f in fields(estimate))


def test_linearised_error_of_a_mean_is_its_standard_error():
    values = np.array([1.0, 4, 7, 9, 15])
    scores = (values - values.mean()) / 5
    assert linearised_standard_error(scores, units=range(5)) == pytest.approx(standard_error(values))
    assert linearised_standard_error([1.0], units=["a"]) is None
    assert linearised_standard_error([], units=[]) is None
    assert linearised_standard_error([1.0, -1.0, 0.5], units=[1, 2, 3], strata=["a", "a", "b"]) is None


def test_a_simple_random_sample_has_a_design_effect_of_one():
    values = [1.0, 4, 7, 9, 15]
    assert design_effect(standard_error(values) or 0.0, values, [2] * 5) == pytest.approx(1)
    assert design_effect(1.0, [3.0], [1]) is None
    assert design_effect(1.0, [3.0, 3.0], [1, 1]) is None


def test_total_by_the_product_rule():
    mean = Estimate(
        value=60.0, se=4.0, df=9.0, n_sites=10, n_units=10, n_owners=1, estimator="srs_mean", representative=True
    )
    found = total(mean, 1000, 50)
    assert (found.value, found.u) == (60_000, 5_000)
    assert found.upper == pytest.approx(60_000 + 2.262157 * 5_000, abs=0.01)
    assert total(mean, 1000).u == 4_000


def test_a_refused_mean_has_no_total_and_a_mean_without_error_a_bare_one():
    refused = total(describe([1.0]), 100)
    assert (refused.value, refused.u, refused.lower) == (None, None, None)
    bare = total(stratified([10.0, 20.0, 10.0, 20.0, 40.0], ["a"] * 4 + ["b"], {"a": 1, "b": 1}), 100)
    assert (bare.value, bare.u) == (2750, None)
    with pytest.raises(ValueError, match="area is 0 ha"):
        total(describe([1.0] * 9), 0)


def test_quantiles_leave_out_what_is_missing_or_weighs_nothing():
    assert weighted_quantile([NAN, 1, 2, 3], [9, 1, 0, 1], 0.6) == 3
    assert np.isnan(weighted_quantile([], [], 0.5))
    assert np.isnan(weighted_quantile([NAN], [1], 0.5))
    assert weighted_quantile([5], [0.1], 1.0) == 5
    with pytest.raises(ValueError, match="weights must not be negative"):
        weighted_quantile([1, 2], [1, -1], 0.5)
    with pytest.raises(ValueError, match=r"values \(2,\), weights \(3,\)"):
        weighted_quantile([1, 2], [1, 1, 1], 0.5)


@settings(derandomize=True)
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 10)), min_size=1), st.floats(0, 1))
def test_a_weighted_quantile_is_one_of_the_values_and_rises_with_the_share(
    pairs: list[tuple[float, float]], share: float
):
    values, weights = zip(*pairs, strict=True)
    quantile = weighted_quantile(values, weights, share)
    assert quantile in values
    assert min(values) <= quantile <= weighted_quantile(values, weights, 1.0) == max(values)
