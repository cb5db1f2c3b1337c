"""Mass-preserving spline: a smooth curve of a property over depth from the means of layers, for many profiles at once.

The curve is quadratic inside a layer, straight across a gap, continuous with its slope everywhere, and flat at both
ends. Sources: Bishop, McBratney, Laslett 1999, Geoderma 91:27, doi:10.1016/S0016-7061(99)00003-8; for gaps Malone,
McBratney, Minasny, Laslett 2009, Geoderma 154:138, doi:10.1016/j.geoderma.2009.10.007.

With a smoothing above zero the curve keeps the mass of the fitted layer means, not of the observed ones. Use it to
look at profiles and to bring them to common depths for mapping; a stock is computed from layers (app.soil.carbon) or
with a smoothing of zero, and a trend never from a spline.

Depths are in [cm] below the mineral surface; values keep the unit they come in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil import tridiagonal
from app.soil.depth import bottom_above, depth_order

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Objects = NDArray[Any]

METHOD_VERSION = "1"
"""Rises whenever a figure computed from the same layers would change."""

SMOOTHING = 0.1
"""Default of the literature and of every published tool (λ)."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_layer": "The profile has no mineral layer with a value.",
        "depth_invalid": "A layer with a value has no depth, no thickness or its bottom above its top.",
        "value_invalid": "A layer has an infinite value.",
        "overlap": "Layers with values overlap.",
        "one_layer": "One layer makes no curve: its value is all that is known.",
        "outside_sampled_depth": "The interval lies above the first or below the last sampled depth.",
    }
)
"""Why a profile has no curve, or an interval no mean: stable code to sentence."""

FLAGS = ("missing_value_dropped", "organic_layer_dropped")
"""Marks of a curve: layers that were left out, without a value or reaching above the mineral surface."""

_ROUNDING = 1e-6
_POINTS_AT_ONCE = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Splines:
    """Fitted curves.

    For each layer used, profile after profile in depth order: the `profile` it belongs to, `top` and `bottom` [cm],
    the `observed` and the `fitted` mean, and the curve f(x) = intercept + slope (x - top) + curvature (x - top)².
    `slope_below` is the slope at the bottom, which is that across the gap below.

    For each profile: `reason`, None or a key of REASONS; `n_layers` used; `flags`, keys of FLAGS.
    """

    profile: Ints
    top: Floats
    bottom: Floats
    observed: Floats
    fitted: Floats
    intercept: Floats
    slope: Floats
    curvature: Floats
    slope_below: Floats
    reason: Objects
    n_layers: NDArray[np.int64]
    flags: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalMeans:
    """Means of the curves over depth intervals [shape: n_profiles, n_intervals].

    value : NaN where `reason` says why there is none. coverage : share of the interval between the first and the last
    sampled depth [0-1]; the mean is that of the covered part. clamped : the value was moved into the given limits, so
    that it no longer preserves mass. reason : None or a key of REASONS.
    """

    value: Floats
    coverage: Floats
    clamped: Bools
    reason: Objects


def mass_preserving_spline(
    profile: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    values: ArrayLike,
    n_profiles: int,
    *,
    smoothing: float = SMOOTHING,
) -> Splines:
    """Mass-preserving quadratic spline of each profile (Bishop et al. 1999; Malone et al. 2009).

    profile : profile of each layer, 0 .. n_profiles - 1; layers come in any order.
    top, bottom : depths of each layer, signed, zero at the mineral surface. [cm]
    values : mean of the property in each layer, NaN if missing.
    smoothing : weight λ of the roughness; 0 keeps every observed mean exactly.

    With thickness h_i, gap g_i below layer i, n layers, w and b = 6 w for the n - 1 boundaries:

        R_ii = 2 (h_i + h_i+1) + 6 g_i        R_i,i+1 = h_i+1        Q_ii = -1        Q_i,i+1 = 1
        (R + 6 n λ Q Qᵀ) w = Q y              s = y - 6 n λ Qᵀ w
        γ_i = (b_i - b_i-1) / (2 h_i)         α_i = s_i - b_i-1 h_i / 2 - γ_i h_i² / 3
        f(x) = α_i + b_i-1 (x - top_i) + γ_i (x - top_i)²           in a gap a straight line of slope b_i

    This is the published s = (I + 6 n λ Qᵀ R⁻¹ Q)⁻¹ y, solved for w: tridiagonal, without an inverse, sound at λ = 0.

    Assumes that the property varies smoothly: a sharp contact makes the curve ring, so organic layers do not belong in
    it. Layers that reach above the mineral surface and layers without a value are left out and flagged; the latter
    leave a gap. A profile whose layers overlap, have impossible depths or infinite values has no curve but a reason,
    and so has one of a single layer. By hand: 0-10 cm 20 and 10-20 cm 10 with λ = 0 give w = -10/40 and b = -1.5.

    Raises ValueError for a negative smoothing, a profile number out of range and arrays of unequal length.
    """
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing must be zero or positive, got {smoothing:g}")
    index, tops, bottoms, value = _columns(profile, top, bottom, values, n_profiles)
    organic = (tops < 0) | (bottoms < 0)
    missing = np.isnan(value) & ~organic
    rows = np.flatnonzero(~(organic | missing))
    code = _reason_codes(index[rows], tops[rows], bottoms[rows], value[rows], n_profiles)

    rows = rows[code[index[rows]] == _NONE]
    rows = rows[depth_order(index[rows], tops[rows], bottoms[rows])]
    used = _Layers(profile=index[rows], top=tops[rows], bottom=bottoms[rows], value=value[rows])
    dropped = np.zeros(n_profiles, dtype=np.int64)
    np.bitwise_or.at(dropped, index[missing], 1)
    np.bitwise_or.at(dropped, index[organic], 2)
    return Splines(
        profile=used.profile,
        top=used.top,
        bottom=used.bottom,
        observed=used.value,
        **_coefficients(used, n_profiles, smoothing),
        reason=_WORDS[code],
        n_layers=np.bincount(used.profile, minlength=n_profiles),
        flags=tuple(_FLAG_SETS[mark] for mark in dropped.tolist()),
    )


def rescaled(splines: Splines) -> Splines:
    """The same curves with each layer scaled to its observed mean, so that observed stocks are kept exactly.

    The curve then has steps at the boundaries. A layer whose fitted mean is zero or negative becomes constant. Gaps
    are not changed.
    """
    positive = splines.fitted > 0
    factor = np.ones(splines.fitted.size)
    np.divide(splines.observed, splines.fitted, out=factor, where=positive)
    return replace(
        splines,
        fitted=splines.observed,
        intercept=np.where(positive, splines.intercept * factor, splines.observed),
        slope=np.where(positive, splines.slope * factor, 0.0),
        curvature=np.where(positive, splines.curvature * factor, 0.0),
    )


def values_at(
    splines: Splines, depths: ArrayLike, *, low: float = -np.inf, high: float = np.inf
) -> tuple[Floats, Bools]:
    """Value of each curve at some depths, and where it was moved into the limits [shape: n_profiles, n_depths].

    depths : [cm]. low, high : limits of what the property can be [as the value].

    NaN above the first and below the last sampled depth and for profiles without a curve.
    """
    points = np.asarray(depths, dtype=np.float64).reshape(-1)
    found = np.full((splines.reason.size, points.size), np.nan)
    gaps = _gaps(splines)
    for column, depth in enumerate(points.tolist()):
        # In a gap first: where it touches a layer both give the same value.
        inside = (gaps.top <= depth) & (depth <= gaps.bottom)
        found[gaps.profile[inside], column] = gaps.value(inside, depth)
        inside = (splines.top <= depth) & (depth <= splines.bottom)
        found[splines.profile[inside], column] = _curve(splines, inside, depth)
    return _clamp(found, low, high)


def interval_means(
    splines: Splines, upper: ArrayLike, lower: ArrayLike, *, low: float = -np.inf, high: float = np.inf
) -> IntervalMeans:
    """Mean of each curve over depth intervals, integrated in closed form.

    upper, lower : the intervals [cm, shape: n_intervals]. low, high : limits of what the property can be.

        ∫ f dx over [t1, t2] below a layer's top = α (t2 - t1) + b (t2² - t1²) / 2 + γ (t2³ - t1³) / 3

    Nothing is extrapolated: where an interval reaches beyond the sampled depth, the mean is that of the part inside
    and `coverage` says how large it is. Published tools average values at whole centimetres instead and differ by up
    to 11 % in steep topsoils; see interval_means_mpspline2.

    Raises ValueError for intervals that are empty or arrays of unequal length.
    """
    above, below = _intervals(upper, lower)
    first, last = _sampled(splines)
    covered = np.clip(np.minimum(below, last[:, None]) - np.maximum(above, first[:, None]), 0.0, None)
    covered = np.where(covered > _ROUNDING, covered, 0.0)
    total = np.empty(covered.shape)
    gaps = _gaps(splines)
    for column, (start, end) in enumerate(zip(above.tolist(), below.tolist(), strict=True)):
        total[:, column] = _integral(splines, start, end) + gaps.integral(start, end, splines.reason.size)
    return _means(splines, total, covered, covered / (below - above), low, high)


def interval_means_mpspline2(
    splines: Splines, upper: ArrayLike, lower: ArrayLike, *, low: float = -np.inf, high: float = np.inf
) -> IntervalMeans:
    """Mean of the curve's values at the top of each centimetre of an interval, as R mpspline2 and PyPI mpspline do.

    Parameters, shapes and errors as in interval_means; the limits are whole centimetres. Here values are moved into
    the limits one by one, before averaging.

        mean = Σ f(x) / number of x        x = upper, upper + 1, ... < lower, inside the sampled depth

    Only to compare with results of those tools: as the first value of each centimetre stands for the whole of it, a
    property that falls with depth comes out too high, in a layer of 5 cm by 1 to 3 %, in steep topsoils by up to 11 %.
    """
    above, below = _intervals(upper, lower)
    if (above % 1 != 0).any() or (below % 1 != 0).any():
        raise ValueError("the mpspline2 convention needs intervals of whole centimetres")
    n = splines.reason.size
    total, count, moved = (np.zeros((n, above.size)) for _ in range(3))
    for profile, depth, value in _centimetres(splines):
        inside, clamped = _clamp(value, low, high)
        for column, (start, end) in enumerate(zip(above.tolist(), below.tolist(), strict=True)):
            use = (depth >= start) & (depth < end)
            total[:, column] += np.bincount(profile[use], weights=inside[use], minlength=n)
            count[:, column] += np.bincount(profile[use], minlength=n)
            moved[:, column] += np.bincount(profile[use], weights=clamped[use], minlength=n)
    means = _means(splines, total, count, count / (below - above), -np.inf, np.inf)
    return replace(means, clamped=moved > 0)


# From here on: the steps of the functions above.

_FLAG_SETS = ((), FLAGS[:1], FLAGS[1:], FLAGS)
_WORDS: Objects = np.array([*REASONS, None], dtype=object)
_NONE = len(REASONS)
_OUTSIDE = list(REASONS).index("outside_sampled_depth")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layers:
    profile: Ints
    top: Floats
    bottom: Floats
    value: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gaps:
    """Straight parts of the curves between layers: value at the bottom of the gap, and slope."""

    profile: Ints
    top: Floats
    bottom: Floats
    end: Floats
    slope: Floats

    def value(self, which: Bools, depth: float) -> Floats:
        return np.asarray(self.end[which] - self.slope[which] * (self.bottom[which] - depth), dtype=np.float64)

    def integral(self, start: float, end: float, n_profiles: int) -> Floats:
        a, b = np.clip(start, self.top, self.bottom), np.clip(end, self.top, self.bottom)
        line = self.end * (b - a) - self.slope * ((self.bottom - a) ** 2 - (self.bottom - b) ** 2) / 2
        return np.bincount(self.profile, weights=line, minlength=n_profiles).astype(np.float64)


def _columns(
    profile: ArrayLike, top: ArrayLike, bottom: ArrayLike, values: ArrayLike, n_profiles: int
) -> tuple[Ints, Floats, Floats, Floats]:
    index = np.asarray(profile, dtype=np.intp)
    tops, bottoms, value = (np.asarray(column, dtype=np.float64) for column in (top, bottom, values))
    if index.ndim != 1 or not index.shape == tops.shape == bottoms.shape == value.shape:
        raise ValueError("profile, top, bottom and values must be one-dimensional and of equal length")
    if index.size and not 0 <= index.min() <= index.max() < n_profiles:
        raise ValueError(f"profile numbers must lie in 0 .. {n_profiles - 1}")
    return index, tops, bottoms, value


def _reason_codes(profile: Ints, top: Floats, bottom: Floats, value: Floats, n_profiles: int) -> Ints:
    """Position in REASONS of the first reason that holds for each profile, _NONE where none does."""
    order = depth_order(profile, top, bottom)
    overlap = np.zeros(profile.size, dtype=np.bool_)
    overlap[order] = top[order] < bottom_above(profile[order], bottom[order]) - _ROUNDING
    count = np.bincount(profile, minlength=n_profiles)
    found = {
        "no_layer": count == 0,
        "depth_invalid": _any(profile, ~((bottom > top) & np.isfinite(bottom - top)), n_profiles),
        "value_invalid": _any(profile, np.isinf(value), n_profiles),
        "overlap": _any(profile, overlap, n_profiles),
        "one_layer": count == 1,
    }
    code = np.full(n_profiles, _NONE, dtype=np.intp)
    for position, where in reversed(list(enumerate(found.values()))):
        code[where] = position
    return code


def _any(profile: Ints, flag: Bools, n_profiles: int) -> Bools:
    return np.bincount(profile[flag], minlength=n_profiles).astype(np.bool_)


def _coefficients(layers: _Layers, n_profiles: int, smoothing: float) -> dict[str, Floats]:
    """Coefficients of all layers, profiles of the same number of layers solved together."""
    size = layers.profile.size
    names = ("fitted", "intercept", "slope", "curvature", "slope_below")
    found = {name: np.empty(size) for name in names}
    count = np.bincount(layers.profile, minlength=n_profiles)
    start = np.cumsum(count) - count
    for n in np.unique(count[count > 0]).tolist():
        rows = start[count == n][None, :] + np.arange(n)[:, None]
        top, bottom = layers.top[rows], layers.bottom[rows]
        gap = np.maximum(top[1:] - bottom[:-1], 0.0)
        fit = _fit(bottom - top, gap, layers.value[rows], smoothing)
        for name, values in zip(names, fit, strict=True):
            found[name][rows] = values
    return found


def _fit(thickness: Floats, gap: Floats, value: Floats, smoothing: float) -> tuple[Floats, ...]:
    """Fitted means, intercepts, slopes, curvatures and slopes below of profiles with n layers each [shape: n, m]."""
    weight = 6.0 * value.shape[0] * smoothing
    diagonal = 2.0 * (thickness[:-1] + thickness[1:]) + 6.0 * gap + 2.0 * weight
    boundary = tridiagonal.solve(diagonal, thickness[1:-1] - weight, np.diff(value, axis=0))
    none = np.zeros((1, value.shape[1]))
    above, below = np.concatenate([none, boundary]), np.concatenate([boundary, none])
    fitted = value - weight * (above - below)
    slope, slope_below = 6.0 * above, 6.0 * below
    curvature = (slope_below - slope) / (2.0 * thickness)
    intercept = fitted - slope * thickness / 2.0 - curvature * thickness**2 / 3.0
    return fitted, intercept, slope, curvature, slope_below


def _gaps(splines: Splines) -> _Gaps:
    above = np.flatnonzero(
        (splines.profile[1:] == splines.profile[:-1]) & (splines.top[1:] - splines.bottom[:-1] > _ROUNDING)
    )
    return _Gaps(
        profile=splines.profile[above],
        top=splines.bottom[above],
        bottom=splines.top[above + 1],
        end=splines.intercept[above + 1],
        slope=splines.slope_below[above],
    )


def _curve(splines: Splines, which: Bools | Ints, depth: float | Floats) -> Floats:
    x = depth - splines.top[which]
    return np.asarray(
        splines.intercept[which] + x * (splines.slope[which] + x * splines.curvature[which]), dtype=np.float64
    )


def _integral(splines: Splines, start: float, end: float) -> Floats:
    a = np.clip(start, splines.top, splines.bottom) - splines.top
    b = np.clip(end, splines.top, splines.bottom) - splines.top
    part = splines.intercept * (b - a) + splines.slope * (b**2 - a**2) / 2.0 + splines.curvature * (b**3 - a**3) / 3.0
    return np.bincount(splines.profile, weights=part, minlength=splines.reason.size).astype(np.float64)


def _sampled(splines: Splines) -> tuple[Floats, Floats]:
    """First and last sampled depth of each profile, an empty range for profiles without a curve [cm]."""
    n = splines.reason.size
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, splines.profile, splines.top)
    np.maximum.at(last, splines.profile, splines.bottom)
    return first, last


def _intervals(upper: ArrayLike, lower: ArrayLike) -> tuple[Floats, Floats]:
    above, below = (np.asarray(limit, dtype=np.float64).reshape(-1) for limit in (upper, lower))
    if above.shape != below.shape:
        raise ValueError(f"upper has {above.size} limits, lower has {below.size}")
    if not (np.isfinite(above) & np.isfinite(below) & (above < below)).all():
        raise ValueError("every depth interval needs an upper limit above its lower limit")
    return above, below


def _means(splines: Splines, total: Floats, weight: Floats, coverage: Floats, low: float, high: float) -> IntervalMeans:
    mean = np.full(total.shape, np.nan)
    np.divide(total, weight, out=mean, where=weight > 0)
    value, clamped = _clamp(mean, low, high)
    reason = _WORDS[np.where(np.isnan(mean), _OUTSIDE, _NONE)]
    refused = splines.n_layers == 0
    reason[refused] = splines.reason[refused][:, None]
    return IntervalMeans(value=value, coverage=coverage, clamped=clamped, reason=reason)


def _clamp(values: Floats, low: float, high: float) -> tuple[Floats, Bools]:
    if not low < high:
        raise ValueError(f"low must be below high, got {low:g} and {high:g}")
    clamped = (values < low) | (values > high)
    return np.clip(values, low, high), np.asarray(clamped, dtype=np.bool_)


def _centimetres(splines: Splines) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Profile, depth and value of the curves at every whole centimetre inside layers and gaps, some at a time."""
    gaps = _gaps(splines)
    parts = np.concatenate([splines.profile, gaps.profile])
    top, bottom = np.concatenate([splines.top, gaps.top]), np.concatenate([splines.bottom, gaps.bottom])
    intercept = np.concatenate([splines.intercept, gaps.end - gaps.slope * (gaps.bottom - gaps.top)])
    slope = np.concatenate([splines.slope, gaps.slope])
    curvature = np.concatenate([splines.curvature, np.zeros(gaps.profile.size)])
    first = np.ceil(top)
    count = np.maximum(np.ceil(bottom) - first, 0).astype(np.intp)
    ends = np.cumsum(count)
    start = 0
    while start < count.size:
        done = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, done + _POINTS_AT_ONCE, side="right")), start + 1)
        repeat = np.repeat(np.arange(start, stop), count[start:stop])
        depth = first[repeat] + np.arange(repeat.size) - (ends - count - done)[repeat]
        x = depth - top[repeat]
        yield parts[repeat], depth, intercept[repeat] + x * (slope[repeat] + x * curvature[repeat])
        start = stop
