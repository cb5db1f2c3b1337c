from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from app.soil.estimate import (
    ESTIMATORS,
    NOTES,
    REFUSALS,
    Estimate,
    describe_sample,
    standard_error,
    stratified_mean,
    t_interval,
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


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="finite"):
        describe([1.0, np.inf])


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


def test_a_stratum_without_an_area_is_refused_by_name():
    with pytest.raises(ValueError, match="no area given for stratum c"):
        stratified([1.0] * 6, ["a"] * 5 + ["c"], {"a": 1})


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
