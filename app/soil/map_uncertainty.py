"""Uncertainty of the mean of a map over a region: between errors that cancel and errors that do not.

A map gives a prediction and its uncertainty cell by cell. The uncertainty of the mean of many cells depends on how far
their errors are shared. Averaging the cells' quantiles takes them as one error, far too wide; dividing by the square
root of the number of cells takes them as independent, far too narrow. With the correlogram of the standardised errors
of prediction at validation points the truth in between can be computed; without it only the two bounds are known.

    Var(mean) = Σ_i Σ_j w_i w_j σ_i σ_j ρ(d_ij)        Σ w = 1

Wadoux & Heuvelink 2023, Methods Ecol. Evol. 14:1320, doi:10.1111/2041-210X.14106. A map made for the state of one time
carries no trend: the difference of two releases of a map is one of methods.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned

Floats = NDArray[np.float64]
Correlogram = Callable[[Floats], Floats]
"""Correlation of standardised errors at distances."""

NORMAL_90 = 3.29
"""Width of the central 90 % of a normal distribution, in standard deviations."""

BLOCK_CELLS = 2048
"""Rows of the distance matrix held at a time."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_cells": "No cell of the region has a value and a weight.",
        "cell_incomplete": "A cell that has a weight lacks its standard deviation or position.",
        "sd_negative": "A standard deviation is negative.",
        "weight_negative": "A weight is negative.",
    }
)
"""Why there is no standard error: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapError:
    """Standard error of the mean of a map over a region [unit of the map].

    se : with the correlogram; None without one. se_independent, se_dependent : the bounds, if errors were not shared,
    and if they were one. simulation_se : standard error of `se` where pairs were drawn, else 0.
    n_cells : cells with a weight. reason : None or a key of REASONS; then all numbers are None.
    """

    se: float | None = None
    se_independent: float | None = None
    se_dependent: float | None = None
    simulation_se: float | None = None
    n_cells: int = 0
    reason: str | None = None


def exponential_correlogram(distance: ArrayLike, scale: float, nugget: float = 0.0) -> Floats:
    """Correlation that decays exponentially with distance [1].

    distance, scale : in one unit; the correlation has practically ended at 3 scales. nugget : share of the variance
    that is not shared however near [0-1].

        ρ(d) = (1 - nugget) exp(-d / scale)        ρ(0) = 1

    Example: without nugget and at one scale 0.368.
    """
    _check_correlogram(scale, nugget)
    d = np.asarray(distance, dtype=np.float64)
    return np.where(d == 0, 1.0, (1.0 - nugget) * np.exp(-d / scale))


def spherical_correlogram(distance: ArrayLike, scale: float, nugget: float = 0.0) -> Floats:
    """Correlation of the spherical model, zero from `scale` on [1]. Parameters as in exponential_correlogram.

        ρ(d) = (1 - nugget) (1 - 1.5 d / scale + 0.5 (d / scale)³)  for d < scale, else 0        ρ(0) = 1

    Example: without nugget and at half the scale 0.3125.
    """
    _check_correlogram(scale, nugget)
    d = np.asarray(distance, dtype=np.float64)
    share = np.minimum(d / scale, 1.0)
    return np.where(d == 0, 1.0, (1.0 - nugget) * (1.0 - 1.5 * share + 0.5 * share**3))


def sd_from_quantiles(q05: ArrayLike, q95: ArrayLike) -> Floats:
    """Standard deviation of a symmetric distribution from its 5 % and 95 % quantiles [as the quantiles].

        σ = (Q95 - Q05) / 3.29

    NaN where one is missing or they are the wrong way round. Skewed quantities, such as carbon, want log_sd_from_
    quantiles. Example: 20 and 53 t/ha give 10.03 t/ha.
    """
    low, high = aligned(q05=q05, q95=q95)
    return np.where(high >= low, (high - low) / NORMAL_90, np.nan)


def log_sd_from_quantiles(q05: ArrayLike, q95: ArrayLike) -> Floats:
    """Standard deviation of the logarithm of a log-normal quantity from its 5 % and 95 % quantiles [1].

        σ_ln = ln(Q95 / Q05) / 3.29

    NaN where one is missing, not above zero, or they are the wrong way round. Example: 20 and 80 give 0.421.
    """
    low, high = aligned(q05=q05, q95=q95)
    usable = (low > 0) & (high >= low)
    ratio = np.divide(high, low, out=np.ones(low.shape), where=usable)
    return np.where(usable, np.log(ratio) / NORMAL_90, np.nan)


def map_mean_error(
    sd: ArrayLike,
    weights: ArrayLike,
    x: ArrayLike = 0.0,
    y: ArrayLike = 0.0,
    *,
    correlogram: Correlogram | None = None,
    pairs: int | None = None,
    seed: int = 0,
) -> MapError:
    """Standard error of the weighted mean of the cells of a map, with its two bounds.

    sd : standard deviation of the error of prediction of each cell. [unit of the map]
    weights : area of each cell inside the region, in any one unit; cells without weight (0 or NaN) take no part.
    x, y : centres of the cells on a plane, in the unit of the correlogram.
    correlogram : see exponential_correlogram; without it only the bounds are given.
    pairs : number of random pairs of cells instead of all, for regions of many cells; seed : of their draw.

        se_independent = √(Σ w² σ²)        se_dependent = Σ w σ        Σ w = 1

    With `pairs`, cells are drawn in proportion to w σ, so that the mean of ρ over the pairs times (Σ w σ)² is the
    variance. Faults of the data give a MapError with its reason. Raises ValueError for arrays of different shapes.

    Example: two cells of the same area with σ 3 and 4: independent 2.5, dependent 3.5; with ρ = 0.5 √9.25 = 3.04.
    """
    sigma, weight, east, north = aligned(sd=sd, weights=weights, x=x, y=y)
    if (weight < 0).any():
        return MapError(reason="weight_negative")
    use = weight > 0
    sigma, weight, east, north = sigma[use], weight[use], east[use], north[use]
    n = int(sigma.size)
    if n == 0:
        return MapError(reason="no_cells")
    if not (np.isfinite(sigma) & np.isfinite(weight) & np.isfinite(east) & np.isfinite(north)).all():
        return MapError(n_cells=n, reason="cell_incomplete")
    if (sigma < 0).any():
        return MapError(n_cells=n, reason="sd_negative")
    part = weight / weight.sum() * sigma
    se, simulation_se = None, None
    if correlogram is not None:
        if pairs is None:
            variance, spread = _all_pairs(part, east, north, correlogram), 0.0
        else:
            variance, spread = _random_pairs(part, east, north, correlogram, pairs, seed)
        se = float(np.sqrt(max(variance, 0.0)))
        simulation_se = spread / (2.0 * se) if se > 0 else 0.0
    return MapError(
        se=se,
        se_independent=float(np.sqrt(np.sum(part**2))),
        se_dependent=float(part.sum()),
        simulation_se=simulation_se,
        n_cells=n,
    )


def _check_correlogram(scale: float, nugget: float) -> None:
    if not (scale > 0 and 0 <= nugget <= 1):
        raise ValueError(f"scale {scale:g} must be above zero and nugget {nugget:g} within 0-1")


def _all_pairs(part: Floats, x: Floats, y: Floats, correlogram: Correlogram) -> float:
    variance = 0.0
    for start in range(0, part.size, BLOCK_CELLS):
        rows = slice(start, start + BLOCK_CELLS)
        distance = np.hypot(x[rows, None] - x[None, :], y[rows, None] - y[None, :])
        variance += float(part[rows] @ correlogram(distance) @ part)
    return variance


def _random_pairs(
    part: Floats, x: Floats, y: Floats, correlogram: Correlogram, pairs: int, seed: int
) -> tuple[float, float]:
    """Variance from random pairs, and its own standard error."""
    if pairs < 2:
        raise ValueError(f"pairs is {pairs}; at least 2 are needed")
    whole = float(part.sum())
    if whole == 0:
        return 0.0, 0.0
    drawn = np.random.default_rng(seed).choice(part.size, size=(2, pairs), p=part / whole)
    a, b = drawn
    correlation = correlogram(np.hypot(x[a] - x[b], y[a] - y[b]))
    error = float(correlation.std(ddof=1) / np.sqrt(pairs))
    return whole**2 * float(correlation.mean()), whole**2 * error
