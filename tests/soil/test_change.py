from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from app.soil.change import (
    ESTIMATORS,
    NOTES,
    REFUSALS,
    VERDICTS,
    Change,
    annual_rate,
    aspiration_path,
    baci_effect,
    co2_equivalent,
    compound_rate,
    credited,
    detectable_difference,
    difference_variance,
    fieller_interval,
    paired_change,
    partial_overlap_change,
    sample_size,
    stratified_change,
    unpaired_change,
    verdict,
    years_between,
)

NAN = np.nan
FIRST, SECOND = [50.0, 52.0, 48.0], [54.0, 54.0, 51.0]
stocks = st.lists(st.tuples(st.floats(10, 200), st.floats(10, 200)), min_size=4, max_size=20)


def numbers(change: Change) -> list[Any]:
    return [getattr(change, field.name) for field in fields(change)]


def same(one: Change, other: Change) -> None:
    for a, b in zip(numbers(one), numbers(other), strict=True):
        assert (a == pytest.approx(b, rel=1e-6, abs=1e-9)) if isinstance(a, float) else (a == b)


def test_paired_change_by_hand():
    # Differences 4, 2, 3: mean 3, sd 1. R = 159/150 = 1.06; residuals 1, -1.12, 0.12.
    change = paired_change(FIRST, SECOND, years=10)
    assert (change.value, change.se, change.df) == pytest.approx((3.0, 1 / np.sqrt(3), 2))
    assert change.upper == pytest.approx(3 + 4.302653 / np.sqrt(3), abs=1e-5)
    assert (change.ratio, change.rate, change.per_year) == pytest.approx((1.06, 6.0, 0.3))
    residuals = np.array([1.0, -1.12, 0.12])
    ratio_se = np.sqrt((residuals**2).sum() / 2 / 3) / 50
    assert (change.ratio_se, change.rate_u) == pytest.approx((ratio_se, 100 * ratio_se))
    assert change.rate_upper == pytest.approx(6 + 4.302653 * 100 * ratio_se, abs=1e-5)


def test_unpaired_change_by_hand():
    # s0² = 4, s1² = 3: V = 7/3; df = (7/3)² / ((4/3)²/2 + 1/2).
    change = unpaired_change(FIRST, SECOND, years=10, probability_samples=True)
    assert (change.value, change.se) == pytest.approx((3.0, np.sqrt(7 / 3)))
    assert change.df == pytest.approx((7 / 3) ** 2 / ((4 / 3) ** 2 / 2 + 1 / 2))
    assert (change.correlation, change.n_both) == (None, 0)


def test_sites_visited_twice_say_more_than_different_sites():
    paired = paired_change(FIRST, SECOND, years=10)
    unpaired = unpaired_change(FIRST, SECOND, years=10, probability_samples=True)
    assert paired.value == unpaired.value
    assert paired.se is not None
    assert unpaired.se is not None
    assert paired.se < unpaired.se / 2


def test_different_sites_without_a_design_are_two_states_and_no_change():
    change = unpaired_change(FIRST, SECOND, years=10, probability_samples=False)
    assert (change.refused, change.value, change.rate, change.verdict) == ("not_a_probability_sample", None, None, None)
    assert (change.mean0, change.mean1) == (50, 53)
    assert change.reason == REFUSALS["not_a_probability_sample"]


def test_stratified_change_by_hand():
    # a: differences 1, 3 (s² = 2); b: 4, 6 (s² = 2). 0.25 x 2 + 0.75 x 5 = 4.25; V = (1/16 + 9/16) x 2/2.
    change = stratified_change(
        [50, 50, 60, 62], [51, 53, 64, 68], strata=["a", "a", "b", "b"], areas={"a": 1, "b": 3}, years=10
    )
    assert (change.value, change.se, change.df) == pytest.approx((4.25, np.sqrt(10 / 16), 2))
    # Weighted means 0.25 x 50 + 0.75 x 61 = 58.25 and 62.5.
    assert change.ratio == pytest.approx(62.5 / 58.25)
    assert change.rate == pytest.approx(100 * (62.5 / 58.25 - 1))


def test_stratified_ratio_has_the_linearised_error_of_its_residuals():
    y0, y1 = np.array([50.0, 55, 40, 60, 62, 80]), np.array([51.0, 53, 44, 64, 68, 79])
    strata, areas = ["a", "a", "a", "b", "b", "b"], {"a": 1.0, "b": 3.0}
    change = stratified_change(y0, y1, strata=strata, areas=areas, years=10)
    assert change.ratio is not None
    e = y1 - change.ratio * y0
    variance = 0.25**2 * e[:3].var(ddof=1) / 3 + 0.75**2 * e[3:].var(ddof=1) / 3
    assert change.ratio_se == pytest.approx(np.sqrt(variance) / change.mean0)


def test_one_stratum_is_a_paired_change():
    stratified = stratified_change(FIRST, SECOND, strata=["a"] * 3, areas={"a": 7}, years=10)
    paired = paired_change(FIRST, SECOND, years=10)
    assert (stratified.se, stratified.rate_u, stratified.df) == pytest.approx((paired.se, paired.rate_u, paired.df))


def test_a_stratum_with_one_unit_leaves_a_change_without_error_or_verdict():
    change = stratified_change([50, 50, 60], [51, 53, 64], strata=["a", "a", "b"], areas={"a": 1, "b": 1}, years=10)
    assert change.value == pytest.approx(3)
    assert (change.se, change.lower, change.rate_lower, change.verdict, change.detectable) == (None,) * 5
    assert change.rate is not None
    assert "single_unit_stratum" in change.notes


def test_a_stratum_without_sites_or_without_area_is_named():
    change = stratified_change(FIRST, SECOND, strata=["a"] * 3, areas={"a": 3, "b": 1}, years=10)
    assert (change.covered_share, "strata_not_sampled" in change.notes) == (0.75, True)
    stray = stratified_change(FIRST, SECOND, strata=["a", "a", "c"], areas={"a": 1}, years=10)
    assert stray.refused == "stratum_without_area"


@settings(derandomize=True)
@given(stocks)
def test_a_panel_that_shares_all_sites_is_a_paired_change(pairs: list[tuple[float, float]]):
    y0, y1 = (np.array(column) for column in zip(*pairs, strict=True))
    assume(np.ptp(y0) > 1 and np.ptp(y1) > 1 and np.ptp(y1 - y0) > 1)
    sites = np.arange(y0.size)
    panel = partial_overlap_change(y0, sites, y1[::-1], sites[::-1], years=10)
    paired = paired_change(y0, y1, years=10)
    assert (panel.value, panel.se, panel.rate, panel.rate_u, panel.df) == pytest.approx(
        (paired.value, paired.se, paired.rate, paired.rate_u, paired.df), rel=1e-6
    )


def test_partial_overlap_uses_all_sites_and_beats_both_simple_estimates():
    rng = np.random.default_rng(5)
    base = rng.normal(60, 10, 40)
    y0, y1 = base[:30], base[10:] + 2 + rng.normal(0, 2, 30)
    panel = partial_overlap_change(y0, range(30), y1, range(10, 40), years=10)
    paired = paired_change(y0[10:], y1[:20], years=10)
    assert (panel.n0, panel.n1, panel.n_both) == (30, 30, 20)
    assert panel.se is not None
    assert paired.se is not None
    # The difference of the two simple means, with Cov = m S01 / (n0 n1), is linear and unbiased, too.
    s0, s1 = y0.std(ddof=1), y1.std(ddof=1)
    assert panel.correlation is not None
    simple = s0**2 / 30 + s1**2 / 30 - 2 * 20 * panel.correlation * s0 * s1 / 900
    assert panel.se < np.sqrt(simple)
    assert panel.value == pytest.approx(2, abs=2)


def test_partial_overlap_by_hand():
    # Three shared sites with correlation 1/2 and one more at the first visit; s0² of all four, s1² of three.
    y0, y1 = np.array([10.0, 12, 14, 20]), np.array([12.0, 16, 14])
    change = partial_overlap_change(y0, ["a", "b", "c", "d"], y1, ["a", "b", "c"], years=10)
    s0, s1, r = y0.var(ddof=1), y1.var(ddof=1), 0.5
    c = np.array([[s0 / 3, r * np.sqrt(s0 * s1) / 3, 0], [r * np.sqrt(s0 * s1) / 3, s1 / 3, 0], [0, 0, s0]])
    x = np.array([[1, 0], [0, 1], [1, 0]])
    covariance = np.linalg.inv(x.T @ np.linalg.inv(c) @ x)
    beta = covariance @ x.T @ np.linalg.inv(c) @ [12, 14, 20]
    assert change.correlation == pytest.approx(r)
    assert (change.mean0, change.mean1) == pytest.approx(tuple(beta))
    assert change.mean0 == pytest.approx(14)
    assert change.se == pytest.approx(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))


def test_fewer_than_three_shared_sites_are_no_panel():
    change = partial_overlap_change([1, 2, 3], ["a", "b", "c"], [1, 2, 3], ["b", "c", "d"], years=10)
    assert (change.refused, change.n_both) == ("too_few_units", 2)


@settings(derandomize=True)
@given(stocks, st.randoms(use_true_random=False), st.floats(0.1, 10))
def test_order_of_sites_and_unit_of_values_do_not_matter(pairs: list[tuple[float, float]], random: Any, factor: float):
    y0, y1 = (np.array(column) for column in zip(*pairs, strict=True))
    assume(np.ptp(y1 - y0) > 1)
    order = list(range(y0.size))
    random.shuffle(order)
    before = paired_change(y0, y1, years=10)
    same(paired_change(y0[order], y1[order], years=10), before)
    scaled = paired_change(factor * y0, factor * y1, years=10)
    assert before.value is not None
    assert scaled.value == pytest.approx(factor * before.value)
    assert scaled.verdict == before.verdict
    assert scaled.rate == pytest.approx(before.rate, rel=1e-6, abs=1e-9)
    if before.rate_lower is not None:
        assert (scaled.rate_lower, scaled.rate_upper) == pytest.approx(
            (before.rate_lower, before.rate_upper), rel=1e-6, abs=1e-9
        )


@settings(derandomize=True)
@given(st.floats(-50, 50), st.floats(0, 50))
def test_every_interval_has_exactly_one_verdict(lower: float, width: float):
    upper = lower + width
    words = {
        "above_path": lower > 4,
        "increase_compatible": 0 < lower <= 4 <= upper,
        "increase_below": lower > 0 and upper < 4,
        "no_change_detected": lower <= 0 <= upper,
        "decrease": upper < 0,
    }
    assert [name for name, holds in words.items() if holds] == [verdict(lower, upper)]


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (4, 9, "increase_compatible"),
        (4.01, 9, "above_path"),
        (0.01, 4, "increase_compatible"),
        (0.01, 3.99, "increase_below"),
        (0, 9, "no_change_detected"),
        (-9, 0, "no_change_detected"),
        (-9, -0.01, "decrease"),
    ],
)
def test_bounds_of_the_verdicts(lower: float, upper: float, expected: str):
    assert verdict(lower, upper) == expected


def test_a_point_far_above_the_path_is_no_verdict_when_its_interval_holds_zero():
    change = paired_change([50, 60, 40], [80, 55, 50], years=10)
    assert change.rate is not None
    assert change.rate > 20
    assert change.verdict == "no_change_detected"
    assert change.detectable is not None
    assert change.value is not None
    assert change.detectable > change.value


def test_a_changed_method_adds_an_error_that_no_sample_size_removes():
    rng = np.random.default_rng(1)
    y0 = rng.normal(50, 5, 10_000)
    y1 = y0 + rng.normal(2, 5, 10_000)
    change = paired_change(y0, y1, years=10, method_changed=True)
    assert change.u_lab == pytest.approx(0.03 * y1.mean())
    assert change.u is not None
    assert change.se is not None
    assert change.ratio_se is not None
    assert change.u == pytest.approx(np.hypot(change.se, change.u_lab))
    assert change.u > 1.5
    assert change.rate_u == pytest.approx(100 * np.hypot(change.ratio_se, change.u_lab / y0.mean()))
    assert (change.verdict, "method_changed" in change.notes) == ("no_change_detected", True)
    assert paired_change(y0, y1, years=10).verdict == "increase_compatible"


def test_u_lab_counts_as_certain_in_the_degrees_of_freedom():
    change = paired_change(FIRST, SECOND, years=10, method_changed=True, u_lab=1.0)
    # se² = 1/3 with 2 degrees of freedom, u_lab² = 1: (4/3)² / ((1/3)² / 2) = 32.
    assert (change.u, change.df) == pytest.approx((np.sqrt(4 / 3), 32))
    assert change.lower == pytest.approx(3 - stats.t.ppf(0.975, 32) * np.sqrt(4 / 3))


def test_u_lab_is_not_used_while_the_method_stays():
    assert paired_change(FIRST, SECOND, years=10, u_lab=5.0).u_lab == 0


def test_plots_of_one_farm_count_once():
    change = paired_change([49, 51, *FIRST[1:]], [53, 55, *SECOND[1:]], years=10, units=["a", "a", "b", "c"])
    plain = paired_change(FIRST, SECOND, years=10)
    same(change, plain)


def test_pairs_lacking_a_value_are_left_out():
    change = paired_change([*FIRST, 99, NAN], [*SECOND, NAN, 99], years=10)
    same(change, paired_change(FIRST, SECOND, years=10))


def test_a_weak_baseline_takes_fiellers_interval():
    y0, y1 = [1.0, 30.0, 2.0, 5.0], [2.0, 28.0, 6.0, 4.0]
    change = paired_change(y0, y1, years=10)
    assert "baseline_not_significant" in change.notes
    assert (change.rate_lower, change.verdict) == (None, None)
    y0, y1 = [1.0, 3.0, 2.0, 5.0, 4.0, 3.0, 9.0], [2.0, 2.5, 2.1, 5.5, 4.5, 3.4, 8.0]
    change = paired_change(y0, y1, years=10)
    assert "baseline_weak" in change.notes
    n = 7
    cov = np.cov(y0, y1) / n
    mean0, mean1, var0, var1, shared = (float(x) for x in (np.mean(y0), np.mean(y1), *cov.ravel()[[0, 3, 1]]))
    bounds = fieller_interval(mean0, mean1, var0, var1, shared, float(stats.t.ppf(0.975, 6)))
    assert bounds is not None
    assert (change.rate_lower, change.rate_upper) == pytest.approx(tuple(100 * (b - 1) for b in bounds))


def test_fiellers_bounds_are_where_the_test_of_the_ratio_turns():
    lower, upper = fieller_interval(10, 12, 1, 1, 0.5, 2) or (NAN, NAN)
    for ratio in (lower, upper):
        assert abs(12 - 10 * ratio) / np.sqrt(1 + ratio**2 - 2 * ratio * 0.5) == pytest.approx(2)
    assert lower < 1.2 < upper
    assert (lower, upper) == pytest.approx((1.0, 1.4583), abs=1e-4)
    assert fieller_interval(1, 12, 1, 1, 0.5, 2) is None


def test_fieller_and_linearisation_agree_for_a_firm_baseline():
    lower, upper = fieller_interval(100, 104, 1, 1, 0.5, 2) or (NAN, NAN)
    se = np.sqrt(1 - 2 * 1.04 * 0.5 + 1.04**2) / 100
    assert (lower, upper) == pytest.approx((1.04 - 2 * se, 1.04 + 2 * se), abs=5e-4)


@pytest.mark.parametrize(
    ("years", "rate", "headline", "note"),
    [(2.9, None, False, "interval_too_short"), (3.0, 20.0, False, "interval_short"), (5.0, 12.0, True, None)],
)
def test_rates_need_three_years_and_headlines_five(years: float, rate: float | None, headline: bool, note: str | None):  # noqa: FBT001
    change = paired_change(FIRST, SECOND, years=years)
    assert change.rate == (None if rate is None else pytest.approx(rate))
    assert change.headline is headline
    assert [n for n in change.notes if n.startswith("interval")] == ([] if note is None else [note])
    assert change.value == 3


@pytest.mark.parametrize(("n", "few"), [(9, True), (10, False)])
def test_fewer_than_ten_units_carry_a_note(n: int, few: bool):  # noqa: FBT001
    y0, y1 = np.arange(50.0, 50 + n), np.arange(50.0, 50 + n) ** 1.01
    for change in (
        paired_change(y0, y1, years=10),
        unpaired_change(y0, y1, years=10, probability_samples=True),
        unpaired_change(y0, [*y1, 50, 60, 70], years=10, probability_samples=True),
    ):
        assert ("few_units" in change.notes) == few


def test_equal_changes_have_no_standard_error_instead_of_zero():
    change = paired_change([50.1, 60.2, 70.3], [51.2, 61.3, 71.4], years=10)
    assert change.value == pytest.approx(1.1)
    assert (change.se, change.verdict) == (None, None)
    assert "no_variation" in change.notes
    same_values = paired_change([50, 50, 50], [50, 50, 50], years=10)
    assert (same_values.se, same_values.correlation) == (None, None)


@pytest.mark.parametrize(
    ("first", "second", "years", "refused"),
    [
        ([], [], 10, "too_few_units"),
        ([50], [51], 10, "too_few_units"),
        ([50, 51], [51, 52], 10, "too_few_units"),
        ([NAN] * 4, [*SECOND, 1], 10, "too_few_units"),
        ([50, 51, -1], SECOND, 10, "impossible_value"),
        (FIRST, [50, 51, np.inf], 10, "impossible_value"),
        (FIRST, SECOND, None, "time_unknown"),
        (FIRST, SECOND, 0, "time_unknown"),
        (FIRST, SECOND, NAN, "time_unknown"),
        (FIRST, SECOND, -5, "time_unknown"),
    ],
)
def test_values_that_allow_no_change_are_refused_by_every_estimator(
    first: list[float], second: list[float], years: float | None, refused: str
):
    sites = list(range(len(first)))
    changes = [
        paired_change(first, second, years=years),
        unpaired_change(first, second, years=years, probability_samples=True),
        stratified_change(first, second, strata=["a"] * len(first), areas={"a": 1}, years=years),
        partial_overlap_change(first, sites, second, sites, years=years),
    ]
    assert [change.refused for change in changes] == [refused] * 4
    assert [change.estimator for change in changes] == list(ESTIMATORS)
    assert all(change.value is None for change in changes)


def test_no_field_of_a_change_is_ever_nan():
    rng = np.random.default_rng(3)
    for size in (0, 1, 3, 5, 30):
        for scale in (0, 1, 500):
            y0 = np.abs(50 + scale * rng.normal(size=size))
            y1 = np.abs(52 + scale * rng.normal(size=size))
            for years in (1, 4, 20):
                for change in (
                    paired_change(y0, y1, years=years),
                    unpaired_change(y0, y1, years=years, probability_samples=True),
                    partial_overlap_change(y0, range(size), y1, range(1, size + 1), years=years),
                ):
                    assert not any(value != value for value in numbers(change))


def test_a_baseline_of_zero_has_a_change_but_no_rate():
    change = paired_change([0, 0, 0], [1, 2, 3], years=10)
    assert (change.value, change.ratio, change.rate, change.verdict, change.headline) == (2, None, None, None, False)
    assert "baseline_not_positive" in change.notes


def test_columns_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match=r"first \(2,\), second \(3,\)"):
        paired_change([1, 2], [1, 2, 3], years=10)
    with pytest.raises(ValueError, match="units has shape"):
        paired_change([1, 2], [1, 2], years=10, units=["a"])
    with pytest.raises(ValueError, match="strata has shape"):
        stratified_change([1, 2], [1, 2], strata=["a"], areas={"a": 1}, years=10)


def test_effect_by_hand():
    effect = baci_effect([50, 50, 50], [51, 52, 53], [50, 50, 50], [49, 50, 51])
    assert (effect.value, effect.se, effect.df) == pytest.approx((2, np.sqrt(2 / 3), 4))
    assert effect.upper == pytest.approx(2 + 2.776445 * np.sqrt(2 / 3), abs=1e-5)
    assert (effect.change_impact, effect.change_control, effect.notes) == (2, 0, ("few_units",))


def test_effect_without_enough_controls_or_sites_is_refused():
    three, two = [50, 51, 52], [50, 51]
    assert baci_effect(three, three, two, two).refused == "too_few_controls"
    assert baci_effect(two, two, three, three).refused == "too_few_units"
    assert baci_effect(three, [1, -1, 1], three, three).refused == "impossible_value"
    assert baci_effect(three, three, [50, 51, NAN], three).refused == "too_few_controls"
    assert baci_effect([], [], three, three).refused == "too_few_units"


def test_effect_of_equal_changes_has_no_standard_error():
    effect = baci_effect([1, 2, 3], [2, 3, 4], [1, 2, 3], [1, 2, 3])
    assert (effect.value, effect.se, effect.lower) == (1, None, None)
    assert "no_variation" in effect.notes


def test_farms_count_once_in_an_effect():
    effect = baci_effect([50, 50, 50, 50], [50, 52, 52, 53], [50] * 3, [49, 50, 51], impact_units=["a", "a", "b", "c"])
    assert (effect.n_impact, effect.value) == (3, 2)


def test_credit_leaves_what_two_of_three_samples_would_exceed():
    credit = credited(3, 1, 1e9)
    assert (credit.credited, credit.deduction) == pytest.approx((3 - 0.430727, 100 * 0.430727 / 3), abs=1e-5)
    assert stats.t.sf(-(3 - credited(3, 1, 5).credited), 5) == pytest.approx(2 / 3)


def test_nothing_is_credited_for_no_gain_or_a_gain_lost_in_noise():
    assert credited(0, 1, 10).credited == credited(-2, 1, 10).credited == credited(NAN, 1, 10).credited == 0
    lost = credited(1, 50, 10)
    assert (lost.credited, lost.deduction) == (0, 100)


def test_a_stricter_probability_credits_less():
    assert credited(3, 1, 1e9, probability=0.9).credited == pytest.approx(3 - 1.281552, abs=1e-5)


@settings(derandomize=True, max_examples=30)
@given(st.floats(0.5, 20), st.integers(3, 200), st.booleans())
def test_sample_size_and_detectable_difference_undo_each_other(sd: float, n: int, paired: bool):  # noqa: FBT001
    difference = detectable_difference(sd, n, paired=paired)
    assert sample_size(difference, sd, paired=paired) == pytest.approx(n, rel=1e-6)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [12, 30, 200])
def test_the_sum_of_two_quantiles_is_within_two_per_cent_of_the_exact_difference(n: int, paired: bool):  # noqa: FBT001
    df = n - 1 if paired else 2 * n - 2
    quick = (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * 5 * np.sqrt((1 if paired else 2) / n)
    assert quick == pytest.approx(detectable_difference(5, n, paired=paired), rel=0.02)


def test_thirty_pairs_need_thirteen_years_of_the_aspiration():
    assert detectable_difference(5, 30, paired=True) / (0.004 * 50) == pytest.approx(13, abs=0.5)


def test_detectable_difference_of_a_change_is_that_of_its_sample():
    change = paired_change(FIRST, SECOND, years=10)
    assert change.detectable == pytest.approx(detectable_difference(1.0, 3, paired=True))


def test_two_units_suffice_for_a_difference_large_enough():
    assert sample_size(1e9, 1, paired=True) == 2


def test_plans_that_make_no_sense_are_refused_by_name():
    with pytest.raises(ValueError, match="sd is 0"):
        detectable_difference(0, 10, paired=True)
    with pytest.raises(ValueError, match="n is 1"):
        detectable_difference(1, 1, paired=True)
    with pytest.raises(ValueError, match="power 1 must lie"):
        detectable_difference(1, 10, paired=True, power=1)
    with pytest.raises(ValueError, match="difference is -1"):
        sample_size(-1, 1, paired=True)


def test_four_per_mille_is_two_tonnes_of_fifty_in_ten_years():
    assert float(annual_rate(50, 52, 10)) == pytest.approx(4)
    assert float(compound_rate(50, 52, 10)) == pytest.approx(3.9298, abs=1e-4)
    assert aspiration_path(50, [0, 10, 20]).tolist() == pytest.approx([50, 52, 54])


def test_rates_of_impossible_stocks_are_missing_not_infinite():
    rates = annual_rate([0, -1, NAN, 50, 50, 50, np.inf, 50], [1, 1, 1, NAN, -1, 52, 52, 0], [10] * 5 + [0, 10, 10])
    assert np.isnan(rates[:7]).all()
    assert rates[7] == -100
    compound = compound_rate([0, -1, NAN, 50], [1, 1, 1, 50], 10)
    assert np.isnan(compound[:3]).all()
    assert compound[3] == 0
    assert annual_rate([], [], []).size == 0


def test_a_tonne_of_carbon_is_three_and_two_thirds_of_carbon_dioxide():
    assert co2_equivalent([1, -3, NAN])[:2].tolist() == pytest.approx([11 / 3, -11])


def test_years_lie_between_the_mean_dates():
    assert years_between(["2000-01-01", "2000-01-03"], ["2010-01-02"]) == pytest.approx(3653 / 365.25)
    assert years_between(["NaT"], ["2010-01-01"]) is None
    assert years_between([], ["2010-01-01"]) is None


def test_variance_of_a_difference_shrinks_with_correlation():
    assert difference_variance(4, 9, 0) == 13
    assert difference_variance(4, 9, 1) == 1
    assert difference_variance(4, 9, 0.5) == 7


def test_every_code_has_a_sentence():
    for words in (REFUSALS, NOTES, VERDICTS, ESTIMATORS):
        assert all(sentence.strip() for sentence in words.values())
