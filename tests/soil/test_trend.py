from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from app.soil.trend import NOTES, REFUSALS, Trend, mixed_trend

NAN = np.nan
VALUES = [40.0, 43, 43, 50, 51, 55, 60, 62, 64]
TIMES = [0.0, 5, 10] * 3
SITES = ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def restricted_likelihood(theta: np.ndarray, y: np.ndarray, t: np.ndarray, site: np.ndarray) -> float:
    """-2 log restricted likelihood of the random-intercept model, written out with full matrices."""
    site_variance, residual = np.exp(theta)
    v = site_variance * (site[:, None] == site[None, :]) + residual * np.eye(y.size)
    x = np.column_stack((np.ones(y.size), t))
    w = np.linalg.inv(v)
    information = x.T @ w @ x
    r = y - x @ np.linalg.solve(information, x.T @ w @ y)
    return float(np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + r @ w @ r)


def test_balanced_trend_by_hand():
    # Campaign means 50, 52, 54; residual sum of squares within sites 4 on 9 - 3 - 1 = 5; Σ (t - 5)² = 150.
    trend = mixed_trend(VALUES, TIMES, SITES)
    assert (trend.baseline, trend.per_year) == pytest.approx((50, 0.4))
    assert (trend.se, trend.df, trend.var_residual) == pytest.approx((np.sqrt(0.8 / 150), 5, 0.8), rel=1e-6)
    assert trend.upper == pytest.approx(0.4 + 2.570582 * np.sqrt(0.8 / 150), abs=1e-6)
    assert (trend.rate, trend.span, trend.origin, trend.n_campaigns) == pytest.approx((8, 10, 0, 3))


def test_rate_has_the_linearised_error_of_slope_over_level():
    trend = mixed_trend(VALUES, TIMES, SITES)
    assert trend.se is not None
    assert trend.baseline_se is not None
    # In a balanced panel Cov(level at 0, slope) = -5 Var(slope).
    variance = trend.se**2 + 2 * 0.008 * 5 * trend.se**2 + 0.008**2 * trend.baseline_se**2
    assert trend.rate_u == pytest.approx(1000 * np.sqrt(variance) / 50, rel=1e-6)
    assert trend.rate_upper == pytest.approx(8 + 2.570582 * 1000 * np.sqrt(variance) / 50, rel=1e-5)


def test_unbalanced_trend_is_that_of_the_likelihood_written_out():
    rng = np.random.default_rng(8)
    site = np.repeat(np.arange(8), 5)
    t = np.tile([0.0, 4, 9, 15, 20], 8)
    y = 60 + rng.normal(0, 6, 8)[site] + 0.3 * t + rng.normal(0, 3, 40)
    keep = rng.random(40) > 0.35
    y, t, site = y[keep], t[keep], site[keep]
    best = optimize.minimize(
        restricted_likelihood,
        np.log([30.0, 9.0]),
        args=(y, t, site),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12},
    )
    site_variance, residual = np.exp(best.x)
    trend = mixed_trend(y, t, site)
    assert (trend.var_site, trend.var_residual) == pytest.approx((site_variance, residual), rel=1e-4)
    v = site_variance * (site[:, None] == site[None, :]) + residual * np.eye(y.size)
    x = np.column_stack((np.ones(y.size), t))
    covariance = np.linalg.inv(x.T @ np.linalg.inv(v) @ x)
    assert trend.se == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-4)


@pytest.mark.parametrize("seed", [31, 45, 376])
def test_variances_near_zero_are_those_of_the_analysis_of_variance(seed: int):
    # Balanced panels in which the general optimiser stops at a tenth or at ten times the variance between sites.
    rng = np.random.default_rng(seed)
    t = np.tile([0.0, 4, 8, 12], 5)
    y = (50 + rng.normal(0, 0.5, 5)[np.repeat(np.arange(5), 4)] + rng.normal(0, 2, 20)).reshape(5, 4)
    line = np.polyval(np.polyfit(t, y.ravel(), 1), t[:4])
    centred = y - line
    within = ((centred - centred.mean(axis=1, keepdims=True)) ** 2).sum() / (20 - 5 - 1)
    between = (4 * (centred.mean(axis=1) - centred.mean()) ** 2).sum() / 4
    trend = mixed_trend(y.ravel(), t, np.repeat(np.arange(5), 4))
    assert trend.var_residual == pytest.approx(within, rel=1e-6)
    assert trend.var_site == pytest.approx((between - within) / 4, rel=1e-5)
    assert (trend.se, trend.df) == pytest.approx((np.sqrt(within / (5 * 80)), 14), rel=1e-5)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.permutations(range(9)), st.floats(0.1, 10), st.floats(-100, 3000))
def test_order_unit_and_zero_of_time_do_not_matter(order: list[int], factor: float, shift: float):
    trend = mixed_trend(
        [factor * VALUES[i] for i in order], [TIMES[i] + shift for i in order], [SITES[i] for i in order]
    )
    assert trend.rate == pytest.approx(8, rel=1e-5)
    assert trend.per_year == pytest.approx(0.4 * factor, rel=1e-5)
    assert trend.se == pytest.approx(factor * np.sqrt(0.8 / 150), rel=1e-5)
    assert trend.origin == pytest.approx(shift)


def test_baseline_is_read_at_the_origin():
    trend = mixed_trend(VALUES, TIMES, SITES, origin=-25)
    assert (trend.baseline, trend.rate) == pytest.approx((40, 10))
    assert trend.per_year == pytest.approx(0.4)


def test_replicates_of_one_visit_count_once():
    doubled = mixed_trend([*VALUES, 39, 41], [*TIMES, 0, 0], [*SITES, "a", "a"])
    plain = mixed_trend(VALUES, TIMES, SITES)
    assert (doubled.n_values, doubled.se) == pytest.approx((9, plain.se))


def test_values_and_times_that_are_missing_are_left_out():
    trend = mixed_trend([*VALUES, NAN, 50], [*TIMES, 15, NAN], [*SITES, "a", "b"])
    assert (trend.n_values, trend.n_campaigns) == (9, 3)
    assert trend.per_year == pytest.approx(0.4)


def test_sites_that_do_not_differ_have_the_line_of_a_plain_regression():
    rng = np.random.default_rng(0)
    t = np.tile([0.0, 5, 10, 15], 4)
    # Deviations that add up to zero within each site: less variance between sites than chance alone gives.
    noise = rng.normal(0, 1, (4, 4))
    y = 50 + 0.2 * t + (noise - noise.mean(axis=1, keepdims=True)).ravel()
    trend = mixed_trend(y, t, np.repeat(np.arange(4), 4))
    slope, covariance = np.polyfit(t, y, 1, cov=True)
    assert (trend.per_year, trend.se, trend.df) == pytest.approx((slope[0], np.sqrt(covariance[0, 0]), 14))
    assert (trend.var_site, "sites_do_not_differ" in trend.notes) == (0, True)


def test_sites_of_a_balanced_panel_differ_when_the_analysis_of_variance_says_so():
    # Fifty panels whose mean square between sites is a little above or below that within.
    t, site = np.tile([0.0, 5, 10, 15], 4), np.repeat(np.arange(4), 4)
    rng = np.random.default_rng(11)
    found = []
    for ratio in np.linspace(0.95, 1.05, 50):
        within = rng.normal(0, 1, (4, 4))
        within -= within.mean(axis=1, keepdims=True)
        within -= np.outer(np.ones(4), within.mean(axis=0))
        levels = rng.normal(0, 1, 4)
        levels -= levels.mean()
        mean_square = (within**2).sum() / (16 - 4 - 1)
        levels *= np.sqrt(ratio * mean_square * 3 / 4 / (levels**2).sum())
        trend = mixed_trend((50 + levels[:, None] + within).ravel(), t, site)
        found.append("sites_do_not_differ" not in trend.notes)
    assert found == [ratio > 1 for ratio in np.linspace(0.95, 1.05, 50)]


def test_slopes_that_differ_between_sites_widen_the_interval():
    rng = np.random.default_rng(4)
    site, t = np.repeat(np.arange(12), 5), np.tile([0.0, 5, 10, 15, 20], 12)
    y = 80 + rng.normal(0, 5, 12)[site] + (0.2 + rng.normal(0, 0.3, 12)[site]) * t + rng.normal(0, 1, 60)
    common, own = mixed_trend(y, t, site), mixed_trend(y, t, site, random_slope=True)
    assert common.se is not None
    assert own.se is not None
    assert own.se > 1.5 * common.se
    assert own.var_slope == pytest.approx(0.09, rel=0.7)
    # Balanced: the slopes of the sites are a sample of twelve.
    slopes = [np.polyfit(t[site == i], y[site == i], 1)[0] for i in range(12)]
    assert (own.se, own.df) == pytest.approx((np.std(slopes, ddof=1) / np.sqrt(12), 11), rel=1e-4)


def test_a_changed_method_adds_its_bias_spread_over_the_span():
    trend = mixed_trend(VALUES, TIMES, SITES, method_changed=True)
    assert trend.u_lab == pytest.approx(0.03 * 50 / 10)
    assert trend.se is not None
    assert trend.u == pytest.approx(np.hypot(trend.se, 0.15))
    assert trend.df == pytest.approx(5 * (1 + 0.15**2 / (0.8 / 150)) ** 2, rel=1e-5)
    assert "method_changed" in trend.notes
    assert mixed_trend(VALUES, TIMES, SITES, method_changed=True, u_lab=3).verdict == "no_change_detected"
    assert mixed_trend(VALUES, TIMES, SITES, method_changed=True, u_lab=0.5).u_lab == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("scale", "rated", "headline", "note"),
    [(0.29, False, False, "interval_too_short"), (0.3, True, False, "interval_short"), (0.5, True, True, None)],
)
def test_rates_need_three_years_and_headlines_five(scale: float, rated: bool, headline: bool, note: str | None):  # noqa: FBT001
    trend = mixed_trend(VALUES, [scale * t for t in TIMES], SITES)
    assert (trend.rate is not None, trend.headline) == (rated, headline)
    assert [n for n in trend.notes if n.startswith("interval")] == ([] if note is None else [note])


def test_a_weak_level_takes_fiellers_interval_and_an_unknown_one_has_none():
    values = [2.0, 3, 4, 9, 10, 12, 20, 21, 22]
    trend = mixed_trend(values, TIMES, SITES)
    assert "baseline_not_significant" in trend.notes or "baseline_weak" in trend.notes
    wide = mixed_trend(np.add(values, 8), TIMES, SITES)
    assert "baseline_weak" in wide.notes
    assert wide.rate_lower is not None
    assert wide.rate_upper is not None
    assert wide.rate is not None
    # Fieller's interval is not symmetric.
    assert wide.rate_upper - wide.rate > 1.05 * (wide.rate - wide.rate_lower)


def test_a_line_below_zero_at_its_origin_has_no_rate():
    trend = mixed_trend(VALUES, TIMES, SITES, origin=-200)
    assert (trend.rate, trend.verdict, "baseline_not_positive" in trend.notes) == (None, None, True)


@pytest.mark.parametrize(
    ("values", "times", "sites", "refused"),
    [
        ([], [], [], "too_few_campaigns"),
        ([50], [2000], ["a"], "too_few_campaigns"),
        (VALUES[:6], [0, 5] * 3, SITES[:6], "too_few_campaigns"),
        (VALUES[:6], TIMES[:6], SITES[:6], "too_few_sites"),
        (VALUES, TIMES, range(9), "no_site_revisited"),
        ([*VALUES[:8], -1], TIMES, SITES, "impossible_value"),
        ([*VALUES[:8], np.inf], TIMES, SITES, "impossible_value"),
        (VALUES, [*TIMES[:8], np.inf], SITES, "impossible_value"),
        ([50.0] * 9, TIMES, SITES, "no_variation"),
        ([50, 51, 52] * 3, TIMES, SITES, "no_variation"),
        ([50, 51, 52, 60, 61, 62, 70, 71, 72], TIMES, SITES, "no_variation"),
    ],
)
def test_values_that_allow_no_trend_are_refused(values: Any, times: Any, sites: Any, refused: str):
    trend = mixed_trend(values, times, list(sites))
    assert trend.refused == refused
    assert (trend.per_year, trend.rate, trend.reason) == (None, None, REFUSALS[refused])


def test_slopes_of_sites_that_do_not_differ_cannot_be_estimated():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (4, 4))
    y = 50 + 0.2 * np.tile([0.0, 5, 10, 15], 4) + (noise - noise.mean(axis=1, keepdims=True)).ravel()
    trend = mixed_trend(y, np.tile([0.0, 5, 10, 15], 4), np.repeat(np.arange(4), 4), random_slope=True)
    assert trend.refused == "model_not_estimable"


def test_no_field_of_a_trend_is_ever_nan():
    rng = np.random.default_rng(2)
    for size in (3, 4, 12):
        for noise in (0.0, 1.0, 30.0):
            site, t = np.repeat(np.arange(size), 3), np.tile([0.0, 3, 7], size)
            y = np.abs(50 + 5 * site + noise * rng.normal(size=t.size))
            for random_slope in (False, True):
                trend: Trend = mixed_trend(y, t, site, random_slope=random_slope)
                values = [getattr(trend, field.name) for field in fields(trend)]
                assert not any(value != value for value in values)


def test_columns_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match=r"values \(2,\), times \(3,\)"):
        mixed_trend([1, 2], [1, 2, 3], ["a", "b"])
    with pytest.raises(ValueError, match="sites has shape"):
        mixed_trend([1, 2], [1, 2], ["a"])


@pytest.mark.parametrize(("n", "few"), [(9, True), (10, False)])
def test_fewer_than_ten_sites_carry_a_note(n: int, few: bool):  # noqa: FBT001
    rng = np.random.default_rng(n)
    site, t = np.repeat(np.arange(n), 3), np.tile([0.0, 5, 10], n)
    trend = mixed_trend(50 + rng.normal(0, 5, n)[site] + rng.normal(0, 1, 3 * n), t, site)
    assert ("few_units" in trend.notes) == few


def test_every_code_has_a_sentence():
    assert all(sentence.endswith(".") for words in (REFUSALS, NOTES) for sentence in words.values())


def test_interval_has_the_stated_level():
    ninety = mixed_trend(VALUES, TIMES, SITES, level=0.9)
    assert ninety.se is not None
    assert ninety.upper == pytest.approx(0.4 + stats.t.ppf(0.95, 5) * ninety.se, rel=1e-6)
