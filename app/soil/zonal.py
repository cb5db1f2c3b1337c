"""Mean and total of a raster over a region, from the cells, the share of each inside the region, and their areas.

Shares come from a clipping of cells by the region's border; here is the arithmetic. On a geographic grid cells shrink
towards the poles, so a mean of degrees is not a mean of land: areas are weights. Cells without data leave numerator
and denominator, and the covered share says how much of the region has data.

    mean = Σ c A v / Σ c A        total = Σ c A v        covered share = Σ_valid c A / Σ_all c A
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned

Floats = NDArray[np.float64]

SPHERE_RADIUS = 6378137.0
"""Radius of the sphere exactextract uses, the equatorial one of WGS 84 [m]."""

WGS84_SEMI_MAJOR = 6378137.0
WGS84_FLATTENING = 1.0 / 298.257223563

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "share_out_of_range": "A share of a cell lies outside 0-1 or is missing.",
        "area_not_positive": "A cell has no area, or one that is not above zero.",
        "value_not_finite": "A cell has an infinite value.",
        "no_cells": "The region covers no cell.",
        "no_data": "No cell of the region has data.",
    }
)
"""Why a region has no statistics: stable code to sentence, in the order in which they are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Zonal:
    """Statistics of the cells of a region that have data, each weighing share x area.

    mean, sd, minimum, maximum : of the values; sd of the cells as a population, not of their errors. [unit of the map]
    total : Σ c A v. area : Σ c A. [area as given, and times the unit of the map]
    covered_share : share of the region's area with data [0-1]. n_cells : cells touched that have data.
    reason : None or a key of REASONS; then the numbers are None.
    """

    mean: float | None = None
    sd: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    total: float | None = None
    area: float | None = None
    covered_share: float | None = None
    n_cells: int = 0
    reason: str | None = None


def spherical_cell_area(top: ArrayLike, bottom: ArrayLike, width: ArrayLike, radius: float = SPHERE_RADIUS) -> Floats:
    """Area of a cell between two parallels on a sphere [m²].

    top, bottom : latitudes. width : difference of longitude. [°]        radius : [m]

        A = R² Δλ (sin φ_top - sin φ_bottom)

    Fine for means, where the radius cancels. With the equatorial radius it is 0.7 % too large at the equator and 0.7 %
    too small at the poles against WGS 84: for totals and hectares take ellipsoidal_cell_area. NaN outside ±90° or for
    a cell upside down. Example: the degree north of the equator is 12,391.4 km².
    """
    north, south, east = aligned(top=top, bottom=bottom, width=width)
    usable = (north >= south) & (north <= 90) & (south >= -90) & (east >= 0)
    area = radius**2 * np.radians(east) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
    return np.where(usable, area, np.nan)


def ellipsoidal_cell_area(top: ArrayLike, bottom: ArrayLike, width: ArrayLike) -> Floats:
    """Area of a cell between two parallels on the ellipsoid WGS 84 [m²]. Parameters as in spherical_cell_area.

        A = b² Δλ / 2 [q(φ_top) - q(φ_bottom)]        q(φ) = sin φ / (1 - e² sin² φ) + artanh(e sin φ) / e

    Snyder 1987, Map Projections, USGS Professional Paper 1395, page 16. Example: the degree north of the equator is
    12,308.5 km², all of the Earth 510,065,622 km².
    """
    north, south, east = aligned(top=top, bottom=bottom, width=width)
    usable = (north >= south) & (north <= 90) & (south >= -90) & (east >= 0)
    semi_minor = WGS84_SEMI_MAJOR * (1.0 - WGS84_FLATTENING)
    e = float(np.sqrt(WGS84_FLATTENING * (2.0 - WGS84_FLATTENING)))

    def zone(latitude: Floats) -> Floats:
        sine = np.sin(np.radians(latitude))
        return np.asarray(sine / (1.0 - (e * sine) ** 2) + np.arctanh(e * sine) / e, dtype=np.float64)

    area = semi_minor**2 * np.radians(east) / 2.0 * (zone(north) - zone(south))
    return np.where(usable, area, np.nan)


def zonal_statistics(
    values: ArrayLike, shares: ArrayLike, areas: ArrayLike = 1.0, *, nodata: float | None = None
) -> Zonal:
    """Mean, total and spread of a map over a region.

    values : of the cells, NaN without data. shares : of each cell inside the region. [0-1]
    areas : of the cells; for stocks in t/ha pass hectares, and the total is in tonnes. Equal if not given.
    nodata : value that stands for no data.

        mean = Σ c A v / Σ c A        sd² = Σ c A (v - mean)² / Σ c A

    A region smaller than a cell has that cell's value. Faults give a Zonal with its reason. Raises ValueError for
    arrays of different shapes.

    Example: values 10 and 20, shares 1 and 0.5, areas 2 and 4 ha: mean 15, total 60, area 4 ha.
    """
    value, share, area = aligned(values=values, shares=shares, areas=areas)
    if not ((share >= 0) & (share <= 1)).all():
        return Zonal(reason="share_out_of_range")
    touched = share > 0
    value, share, area = value[touched], share[touched], area[touched]
    if not (np.isfinite(area) & (area > 0)).all():
        return Zonal(reason="area_not_positive")
    if value.size == 0:
        return Zonal(reason="no_cells")
    valid = ~np.isnan(value) if nodata is None else ~np.isnan(value) & (value != nodata)
    weight = share * area
    whole = float(weight.sum())
    value, weight = value[valid], weight[valid]
    if value.size == 0:
        return Zonal(reason="no_data", covered_share=0.0)
    if np.isinf(value).any():
        return Zonal(reason="value_not_finite")
    covered = float(weight.sum())
    summed = float(weight @ value)
    mean = summed / covered
    return Zonal(
        mean=mean,
        sd=float(np.sqrt(weight @ (value - mean) ** 2 / covered)),
        minimum=float(value.min()),
        maximum=float(value.max()),
        total=summed,
        area=covered,
        covered_share=covered / whole,
        n_cells=int(value.size),
    )


def interpolated_quantile(values: ArrayLike, weights: ArrayLike, share: float) -> float:
    """Quantile of cells by weight, interpolated between neighbours as exactextract does [unit of the values].

    values : NaN for no data. weights : share of each cell inside the region. share : of the quantile. [0-1]

        S_k = (k - 1) w_k + (n - 1) Σ_{i<k} w_i        for the n different values in order; S_n = (n - 1) Σ w

    The quantile lies where S reaches share x S_n; cells of one value count together. For different values of equal
    weight this is the usual quantile (type 7). Samples have other quantiles, see app.soil.estimate.weighted_quantile.
    NaN without cells.

    Example: 10, 20, 30 with weights 1, 1, 2: S = 0, 3, 8; the median, at 4, is 22.
    """
    value, weight = aligned(values=values, weights=weights)
    use = ~np.isnan(value) & (weight > 0)
    value, weight = value[use], weight[use]
    if value.size == 0:
        return float("nan")
    value, index = np.unique(value, return_inverse=True)
    weight = np.bincount(index, weights=weight).astype(np.float64)
    before = np.concatenate(([0.0], np.cumsum(weight)[:-1]))
    position = np.arange(value.size) * weight + (value.size - 1) * before
    return float(np.interp(share * (value.size - 1) * weight.sum(), position, value))
