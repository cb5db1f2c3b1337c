"""Positions in the middle of something: of a country, a region or a town, where a program or a map put them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import KDTree

WITHIN_M = 1_000.0
"""How near a position must be to a middle. [m]"""
LEAST_RADIUS_M = 10_000.0
"""Regions smaller than this have sites near their middle by right: their middles are passed over. [m]"""
TOWN_RADIUS_M = 5_000.0
"""How far a town reaches. [m]"""
_EARTH_M = 6_371_008.8

MIDDLES = {
    "place": pl.String,
    "middle": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "radius_m": pl.Float64,
}
"""A middle: of which place, what middle (centre, label point, bounding box or town), where, and how far the place reaches."""


def near_middles(sites: pl.DataFrame, middles: pl.DataFrame) -> pl.DataFrame:
    """The nearest middle within 1 km of each site, empty where there is none.

    sites : longitude, latitude [degree], in any order, which is kept. middles : as MIDDLES.
    Returns middle, place, middle_distance_m and radius_m, one row for each site.
    """
    wanted = middles.filter((pl.col("radius_m") >= LEAST_RADIUS_M) | (pl.col("middle") == "town"))
    nothing = {"middle": pl.String, "place": pl.String, "middle_distance_m": pl.Float64, "radius_m": pl.Float64}
    if wanted.is_empty() or sites.is_empty():
        return pl.DataFrame(
            [pl.Series(name, [None], dtype=kind).new_from_index(0, sites.height) for name, kind in nothing.items()]
        )
    tree = KDTree(_on_sphere(wanted["longitude"].to_numpy(), wanted["latitude"].to_numpy()))
    bound = WITHIN_M / _EARTH_M
    chord, index = tree.query(
        _on_sphere(sites["longitude"].to_numpy(), sites["latitude"].to_numpy()), distance_upper_bound=bound
    )
    found = np.isfinite(chord)
    place = pl.Series(np.where(found, index, 0).astype(np.uint32)).set(pl.Series(~found), None)
    return pl.DataFrame(
        {
            "middle": wanted["middle"].gather(place),
            "place": wanted["place"].gather(place),
            "middle_distance_m": pl.Series(np.where(found, chord * _EARTH_M, np.nan)).fill_nan(None),
            "radius_m": wanted["radius_m"].gather(place),
        }
    )


def _on_sphere(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
