"""De-clustering: the mean of legacy points when some places were sampled densely and others hardly.

Each point weighs one over the number of points of its cell, so that every occupied cell counts the same. This removes
the density of sampling, not the choice of places: where good soils were sampled more, cells of good soils stay. The
result depends on size and origin of the cells, so both are fixed, and the plain mean stands beside it.

    w_i = 1 / (n_cell(i) K)        K : number of occupied cells

Deutsch & Journel 1998, GSLIB, Oxford University Press, program declus; H3: Uber's hexagonal grid, h3geo.org.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import h3
import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned
from app.soil.estimate import weighted_quantile
from app.soil.reasons import first_reason, is_given

Floats = NDArray[np.float64]
Objects = NDArray[Any]

H3_RESOLUTIONS: Mapping[str, int] = MappingProxyType({"country": 5, "district": 7})
"""Resolution of the hexagons by kind of region: cells of about 250 km² and 5 km²; our choice."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "value_missing": "The point has no value.",
        "value_not_finite": "The value of the point is infinite.",
        "position_missing": "The point has no position, so it lies in no cell.",
    }
)
"""Why a point weighs nothing: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declustered:
    """De-clustered mean of points.

    mean, median : weighted; None where no point has value and position. plain_mean : of the same points, unweighted.
    weights : per point, adding up to one; 0 where `reason` says why the point weighs nothing.
    reason : None or a key of REASONS, per point.
    n_points, n_cells : points used and cells they occupy.
    """

    mean: float | None
    median: float | None
    plain_mean: float | None
    weights: Floats
    reason: Objects
    n_points: int
    n_cells: int


def square_cells(x: ArrayLike, y: ArrayLike, size: float, *, origin: tuple[float, float] = (0.0, 0.0)) -> Objects:
    """Square cell of each point, its column and row counted from the origin; None without a position.

    x, y : position on a plane. size : side of a cell. origin : a corner of a cell. [one unit of length]

    A point on a border belongs to the cell above and to the right. Raises ValueError for a size not above zero.
    Example: with size 100 the point (250, 100) lies in cell 2/1.
    """
    if not size > 0:
        raise ValueError(f"cell size is {size:g}; it must be above zero")
    east, north = aligned(x=x, y=y)
    known = np.isfinite(east) & np.isfinite(north)
    columns = np.floor((np.where(known, east, 0.0) - origin[0]) / size).astype(np.int64)
    rows = np.floor((np.where(known, north, 0.0) - origin[1]) / size).astype(np.int64)
    cells = np.full(east.shape, None, dtype=object)
    for i in np.flatnonzero(known):
        cells[i] = f"{columns[i]}/{rows[i]}"
    return cells


def h3_cells(longitude: ArrayLike, latitude: ArrayLike, resolution: int) -> Objects:
    """H3 index of each point; None where there is no position on the globe.

    longitude, latitude : WGS 84. [°]        resolution : 0 - 15, see H3_RESOLUTIONS.

    Raises ValueError for another resolution. Example: Paris, 2.3522° E, 48.8566° N, lies in 851fb467fffffff of
    resolution 5.
    """
    if not 0 <= resolution <= 15:
        raise ValueError(f"H3 resolution is {resolution}; it must lie between 0 and 15")
    east, north = aligned(longitude=longitude, latitude=latitude)
    known = (np.abs(north) <= 90) & (np.abs(east) <= 180)
    cells = np.full(east.shape, None, dtype=object)
    for i in np.flatnonzero(known):
        cells[i] = h3.latlng_to_cell(float(north[i]), float(east[i]), resolution)
    return cells


def declustered_mean(values: ArrayLike, cells: ArrayLike) -> Declustered:
    """Mean and median of points in which every occupied cell counts the same.

    values : NaN for a missing one. cells : cell of each point, see square_cells and h3_cells; None for no cell.

    This describes the sampled places; no interval follows from it, since the places were not drawn. Raises ValueError
    for arrays of different shapes.

    Example: 10, 20 and 30 in one cell and 60 in another: weights 1/6, 1/6, 1/6, 1/2, mean 20 x 1/2 + 60 x 1/2 = 40.
    """
    value = np.atleast_1d(np.asarray(values, dtype=np.float64))
    cell = np.atleast_1d(np.asarray(cells, dtype=object))
    if cell.shape != value.shape:
        raise ValueError(f"cells has shape {cell.shape}, values has {value.shape}")
    reason = first_reason(
        {
            "value_missing": np.isnan(value),
            "value_not_finite": np.isinf(value),
            "position_missing": np.array([name is None for name in cell.tolist()], dtype=np.bool_),
        }
    )
    used = is_given(reason)
    number: dict[object, int] = {}
    index = np.array([number.setdefault(entry, len(number)) for entry in cell[used].tolist()], dtype=np.intp)
    weights = np.zeros(value.shape)
    if index.size:
        weights[used] = 1.0 / (np.bincount(index)[index] * len(number))
    return Declustered(
        mean=float(weights[used] @ value[used]) if index.size else None,
        median=weighted_quantile(value[used], weights[used], 0.5) if index.size else None,
        plain_mean=float(value[used].mean()) if index.size else None,
        weights=weights,
        reason=reason,
        n_points=int(index.size),
        n_cells=len(number),
    )
