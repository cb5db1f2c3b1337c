from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.spline import (
    FLAGS,
    REASONS,
    SMOOTHING,
    IntervalMeans,
    Splines,
    interval_means,
    interval_means_mpspline2,
    mass_preserving_spline,
    rescaled,
    values_at,
)

NAN = np.nan


def fit(*rows: tuple[int, float, float, float], n_profiles: int = 1, smoothing: float = SMOOTHING) -> Splines:
    """Splines of layers given as (profile, top, bottom, value)."""
    table = np.array(rows, dtype=float).reshape(len(rows), 4)
    return mass_preserving_spline(
        table[:, 0].astype(np.intp), table[:, 1], table[:, 2], table[:, 3], n_profiles, smoothing=smoothing
    )


def means(splines: Splines, *breaks: float, **limits: float) -> IntervalMeans:
    return interval_means(splines, breaks[:-1], breaks[1:], **limits)


def test_two_layers_can_be_done_by_hand():
    splines = fit((0, 0, 10, 20), (0, 10, 20, 10), smoothing=0)
    assert splines.slope.tolist() == [0.0, -1.5]
    assert splines.curvature.tolist() == [-0.075, 0.075]
    assert splines.intercept.tolist() == [22.5, 15.0]
    values, _ = values_at(splines, [0, 10, 20])
    assert values.tolist() == [[22.5, 15.0, 7.5]]
    assert means(splines, 0, 5, 10).value[0] == pytest.approx([21.875, 18.125])


def test_smoothing_pulls_the_layer_means_together():
    # 6 n λ = 1.2, so w = -10 / (40 + 2.4) and the fitted means move by 1.2 w.
    assert fit((0, 0, 10, 20), (0, 10, 20, 10)).fitted == pytest.approx([20 - 12 / 42.4, 10 + 12 / 42.4])


def test_smoothing_changes_the_observed_mean_and_none_does_not():
    assert means(fit((0, 0, 10, 20), (0, 10, 30, 5)), 0, 10).value[0, 0] < 20
    assert means(fit((0, 0, 10, 20), (0, 10, 30, 5), smoothing=0), 0, 10).value[0, 0] == pytest.approx(20)


def test_rescaled_curves_keep_the_observed_means_whatever_the_smoothing():
    splines = rescaled(fit((0, 0, 10, 20), (0, 10, 30, 5), (0, 30, 60, 2), smoothing=5.0))
    assert means(splines, 0, 10, 30, 60).value[0] == pytest.approx([20, 5, 2])


def test_a_layer_fitted_below_zero_is_rescaled_to_a_constant():
    splines = fit((0, 0, 5, 100), (0, 5, 10, 0.1), (0, 10, 60, 0.1))
    assert splines.fitted.min() < 0
    scaled = rescaled(splines)
    assert means(scaled, 0, 5, 10, 60).value[0] == pytest.approx([100, 0.1, 0.1])


def test_layers_may_come_in_any_order_and_profiles_do_not_mix():
    rows = [(1, 0.0, 10.0, 5.0), (0, 10.0, 30.0, 9.0), (1, 10.0, 30.0, 4.0), (0, 0.0, 10.0, 20.0)]
    both = means(fit(*rows, n_profiles=2), 0, 5, 30).value
    first = means(fit((0, 0, 10, 20), (0, 10, 30, 9)), 0, 5, 30).value
    second = means(fit((0, 0, 10, 5), (0, 10, 30, 4)), 0, 5, 30).value
    assert both.tolist() == [first[0].tolist(), second[0].tolist()]


def test_profiles_of_different_length_are_solved_together():
    rows = [(p, 10.0 * i, 10.0 * i + 10, 20.0 - i) for p in range(6) for i in range(p + 1)]
    splines = fit(*rows, n_profiles=6)
    assert splines.n_layers.tolist() == [0, 2, 3, 4, 5, 6]
    for profile in range(1, 6):
        alone = fit(*[(0, *row[1:]) for row in rows if row[0] == profile])
        assert splines.fitted[splines.profile == profile].tolist() == alone.fitted.tolist()


def test_curve_is_a_straight_line_across_a_gap():
    values, _ = values_at(fit((0, 0, 10, 20), (0, 30, 60, 8)), [10, 15, 20, 25, 30])
    assert np.diff(values[0], 2) == pytest.approx([0, 0, 0])


def test_a_missing_value_leaves_a_gap_and_is_flagged():
    splines = fit((0, 0, 10, 20), (0, 10, 30, NAN), (0, 30, 60, 8))
    assert splines.fitted.tolist() == fit((0, 0, 10, 20), (0, 30, 60, 8)).fitted.tolist()
    assert splines.flags == (("missing_value_dropped",),)


def test_organic_layers_are_left_out_and_flagged():
    splines = fit((0, -5, 0, 400), (0, 0, 15, 25), (0, 15, 40, 9))
    assert splines.fitted.tolist() == fit((0, 0, 15, 25), (0, 15, 40, 9)).fitted.tolist()
    assert splines.flags == (("organic_layer_dropped",),)
    assert fit((0, -5, 0, NAN), (0, 0, 15, NAN)).flags == (FLAGS,)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no_layer"),
        ([(0, 0, 10, NAN)], "no_layer"),
        ([(0, 0, 10, 5)], "one_layer"),
        ([(0, 0, 10, 5), (0, 8, 20, 4)], "overlap"),
        ([(0, 0, 10, 5), (0, 20, 10, 4)], "depth_invalid"),
        ([(0, 0, 10, 5), (0, 10, 10, 4)], "depth_invalid"),
        ([(0, 0, 10, 5), (0, 10, NAN, 4)], "depth_invalid"),
        ([(0, 0, 10, 5), (0, 10, np.inf, 4)], "depth_invalid"),
        ([(0, 0, 10, 5), (0, 10, 20, np.inf)], "value_invalid"),
    ],
)
def test_a_profile_without_a_curve_says_why_and_stops_no_other(rows: list[Any], reason: str):
    splines = fit(*rows, (1, 0, 10, 5), (1, 10, 20, 4), n_profiles=2)
    assert splines.reason.tolist() == [reason, None]
    assert reason in REASONS
    found = means(splines, 0, 10)
    assert found.reason[:, 0].tolist() == [reason, None]
    assert np.isnan(found.value[:, 0]).tolist() == [True, False]


def test_negative_values_are_values():
    assert means(fit((0, 0, 10, -4), (0, 10, 20, -8), smoothing=0), 0, 10).value[0, 0] == pytest.approx(-4)


def test_nothing_is_extrapolated_and_coverage_says_how_much_is_covered():
    found = means(fit((0, 5, 20, 18), (0, 20, 50, 9)), 0, 5, 15, 60, 100)
    assert found.coverage[0] == pytest.approx([0, 1, 35 / 45, 0])
    assert np.isnan(found.value[0]).tolist() == [True, False, False, True]
    assert found.reason[0].tolist() == ["outside_sampled_depth", None, None, "outside_sampled_depth"]
    values, _ = values_at(fit((0, 5, 20, 18), (0, 20, 50, 9)), [4.9, 5, 50, 50.1])
    assert np.isnan(values[0]).tolist() == [True, False, False, True]


def test_moving_a_mean_into_the_limits_is_reported():
    splines = fit((0, 0, 5, 100), (0, 5, 10, 0.1), (0, 10, 60, 0.1))
    free, limited = means(splines, 0, 10, 12), means(splines, 0, 10, 12, low=0)
    assert free.value[0, 1] < 0
    assert limited.value[0].tolist() == [free.value[0, 0], 0.0]
    assert limited.clamped.tolist() == [[False, True]]
    assert not free.clamped.any()
    assert values_at(splines, [12], low=0)[1].tolist() == [[True]]
    assert interval_means_mpspline2(splines, [10], [12], low=0).clamped.tolist() == [[True]]


def test_limits_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="low must be below high"):
        means(fit((0, 0, 10, 5), (0, 10, 20, 4)), 0, 10, low=1, high=0)


def test_mean_of_whole_centimetres_differs_from_the_integral_on_purpose():
    # Value falls by 1.5 per cm towards the boundary: the top of each centimetre lies above its mean.
    splines = fit((0, 0, 10, 20), (0, 10, 20, 10), smoothing=0)
    exact, tops = means(splines, 5, 10).value[0, 0], interval_means_mpspline2(splines, [5], [10]).value[0, 0]
    assert exact == pytest.approx(18.125)
    assert tops == pytest.approx(np.mean([22.5 - 0.075 * x**2 for x in range(5, 10)]))
    assert tops > exact


def test_whole_centimetres_are_computed_in_portions_without_loss(monkeypatch: pytest.MonkeyPatch):
    rows = [(p, *layer) for p in range(7) for layer in ((0, 12.5, 20), (12.5, 30, 9), (35, 60, 4 + p))]
    splines = fit(*rows, n_profiles=7)
    whole = interval_means_mpspline2(splines, [0, 30], [30, 60])
    monkeypatch.setattr("app.soil.spline._POINTS_AT_ONCE", 40)
    assert interval_means_mpspline2(splines, [0, 30], [30, 60]).value == pytest.approx(whole.value, rel=1e-14)


def test_whole_centimetres_need_whole_limits():
    with pytest.raises(ValueError, match="whole centimetres"):
        interval_means_mpspline2(fit((0, 0, 10, 5), (0, 10, 20, 4)), [0.5], [10])


@pytest.mark.parametrize(("upper", "lower"), [([10], [10]), ([20], [10]), ([NAN], [10])])
def test_an_empty_interval_is_refused(upper: list[float], lower: list[float]):
    with pytest.raises(ValueError, match="depth interval"):
        interval_means(fit((0, 0, 10, 5), (0, 10, 20, 4)), upper, lower)


def test_mixed_shapes_are_refused():
    with pytest.raises(ValueError, match="equal length"):
        mass_preserving_spline([0, 0], [0], [10], [1], 1)
    with pytest.raises(ValueError, match="upper has 2 limits, lower has 1"):
        interval_means(fit((0, 0, 10, 5), (0, 10, 20, 4)), [0, 10], [10])


def test_a_profile_number_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"0 \.\. 0"):
        fit((1, 0, 10, 5))


@pytest.mark.parametrize("smoothing", [-0.1, NAN, np.inf])
def test_a_smoothing_that_is_none_is_refused(smoothing: float):
    with pytest.raises(ValueError, match="smoothing"):
        fit((0, 0, 10, 5), (0, 10, 20, 4), smoothing=smoothing)


def test_no_profiles_and_no_layers_are_no_error():
    splines = fit(n_profiles=0)
    assert means(splines, 0, 10).value.shape == (0, 1)
    assert interval_means_mpspline2(fit(n_profiles=2), [0], [10]).reason.tolist() == [["no_layer"]] * 2


@st.composite
def profiles(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tops, bottoms and values of two to nine layers with or without gaps."""
    n = draw(st.integers(2, 9))
    steps = st.floats(0.5, 60, allow_nan=False)
    gaps = st.one_of(st.just(0.0), st.floats(0.5, 20))
    thickness = np.array(draw(st.lists(steps, min_size=n, max_size=n)))
    gap = np.array(draw(st.lists(gaps, min_size=n, max_size=n)))
    top = np.cumsum(np.concatenate([[0.0], thickness[:-1]])) + np.cumsum(gap)
    values = np.array(draw(st.lists(st.floats(0, 500), min_size=n, max_size=n)))
    return top, top + thickness, values


@given(profiles(), st.sampled_from([0.0, 0.01, 0.1, 1.0, 100.0]))
def test_means_of_layers_integrate_back_to_the_fitted_means(layers: Any, smoothing: float):
    top, bottom, values = layers
    splines = mass_preserving_spline(np.zeros(top.size, dtype=int), top, bottom, values, 1, smoothing=smoothing)
    assert interval_means(splines, top, bottom).value[0] == pytest.approx(splines.fitted, rel=1e-7, abs=1e-6)
    if smoothing == 0:
        assert splines.fitted.tolist() == values.tolist()


@given(profiles(), st.floats(0.05, 0.95))
def test_interval_means_add_up_over_depth(layers: Any, share: float):
    top, bottom, values = layers
    splines = mass_preserving_spline(np.zeros(top.size, dtype=int), top, bottom, values, 1)
    cut = top[0] + share * (bottom[-1] - top[0])
    upper, lower = np.array([top[0], cut, top[0]]), np.array([cut, bottom[-1], bottom[-1]])
    found = interval_means(splines, upper, lower).value[0] * (lower - upper)
    assert found[0] + found[1] == pytest.approx(found[2], rel=1e-9, abs=1e-6)


@given(profiles())
def test_curve_is_continuous_and_smooth_and_flat_at_its_ends(layers: Any):
    top, bottom, values = layers
    splines = mass_preserving_spline(np.zeros(top.size, dtype=int), top, bottom, values, 1)
    h = bottom - top
    at_bottom = splines.intercept + splines.slope * h + splines.curvature * h**2
    gap = top[1:] - bottom[:-1]
    assert at_bottom[:-1] + splines.slope_below[:-1] * gap == pytest.approx(splines.intercept[1:], rel=1e-6, abs=1e-5)
    assert splines.slope + 2 * splines.curvature * h == pytest.approx(splines.slope_below, rel=1e-9, abs=1e-9)
    assert splines.slope[1:].tolist() == splines.slope_below[:-1].tolist()
    assert (splines.slope[0], splines.slope_below[-1]) == (0.0, 0.0)


@given(profiles(), st.floats(0.1, 10), st.floats(-50, 50))
def test_scale_and_origin_of_the_values_do_not_matter(layers: Any, factor: float, shift: float):
    top, bottom, values = layers
    zero = np.zeros(top.size, dtype=int)
    plain = mass_preserving_spline(zero, top, bottom, values, 1).fitted
    moved = mass_preserving_spline(zero, top, bottom, factor * values + shift, 1).fitted
    assert moved == pytest.approx(factor * plain + shift, rel=1e-9, abs=1e-7)
