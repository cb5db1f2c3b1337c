"""The country of a position without a database: the answers of `locate_sites`, from the boundary file.

A test holds both together. Distances are geodesic on WGS 84 [m] to the nearest point of the boundary; that point is
found in degrees, longitudes shortened by the cosine of the latitude, which is exact enough near a border and some
kilometres off for what lies hundreds of kilometres away.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyproj
import shapely
import shapely.affinity
from numpy.typing import NDArray

from app.geo.boundaries import area_km2
from app.geo.middles import MIDDLES, near_middles

BOUNDARIES = Path(__file__).parents[2] / "data" / "samples" / "countries.geojson"
"""The countries that the first start loads."""
NEAR_M = 10_000.0
"""How far outside a boundary a site still counts to it [m]; as app/db/regions.py has it."""
_NEAR_DEGREE = 0.12
_REPAIRS: tuple[tuple[str, Callable[[Any, Any], tuple[Any, Any]]], ...] = (
    ("longitude and latitude swapped", lambda x, y: (y, x)),
    ("the sign of the longitude changed", lambda x, y: (-x, y)),
    ("the sign of the latitude changed", lambda x, y: (x, -y)),
)
_ELLIPSOID = pyproj.Geod(ellps="WGS84")

RESULT = {
    "site_key": pl.String,
    "region_id": pl.String,
    "distance_m": pl.Float64,
    "declared_distance_m": pl.Float64,
    "region": pl.String,
    "declared": pl.String,
    "repair": pl.String,
}


class Countries:
    """Boundaries of all countries and of territories with codes of their own, in memory."""

    def __init__(self, path: Path) -> None:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        features.sort(key=lambda f: f["properties"]["code"])
        said = [feature["properties"] for feature in features]
        self.ids = [f"country-{p['code']}" for p in said]
        self.names = [p["name_en"] for p in said]
        self._by_alpha2 = {p["iso_a2"]: i for i, p in enumerate(said) if p["iso_a2"]}
        of = {p["code"]: i for i, p in enumerate(said)}
        self._part_of = [of.get(p["part_of"]) for p in said]
        shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
        self._middles = _middles_of(self.names, said, shapes)
        self._parts, self._owner = shapely.get_parts(shapes, return_index=True)
        shapely.prepare(self._parts)
        self._tree = shapely.STRtree(self._parts)

    def locate(self, sites: pl.DataFrame) -> pl.DataFrame:
        """The country of each site; columns as in app/ingest/draft.py, `Locate`, without the towns."""
        x, y = sites["longitude"].to_numpy(), sites["latitude"].to_numpy()
        inside = self._inside(x, y)
        near = self._near(x, y, np.flatnonzero(inside < 0))
        rows = []
        for i, (key, code) in enumerate(sites.select("site_key", "country_code").iter_rows()):
            own = int(inside[i])
            declared = self._by_alpha2.get(code)
            away = None if declared is None else self._away(declared, own, float(x[i]), float(y[i]))
            found, distance = (own, 0.0) if own >= 0 else near.get(i, (None, None))
            if declared is not None and away is not None and 0 < away <= NEAR_M:
                found, distance = declared, away
            lost = found is None or (away or 0) > NEAR_M
            rows.append(
                (
                    key,
                    None if found is None else self.ids[found],
                    distance,
                    away,
                    None if found is None else self.names[found],
                    None if declared is None else self.names[declared],
                    self._repair(float(x[i]), float(y[i]), code, declared) if lost else None,
                )
            )
        return pl.DataFrame(rows, schema=RESULT, orient="row").hstack(near_middles(sites, self._middles))

    def _inside(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """The country that each position lies in, the first by code where borders touch; -1 for none."""
        found = np.full(len(x), np.iinfo(np.int64).max)
        points, parts = self._tree.query(shapely.points(x, y), predicate="intersects")
        np.minimum.at(found, points, self._owner[parts])
        return np.where(found == np.iinfo(np.int64).max, -1, found)

    def _near(
        self, x: NDArray[np.float64], y: NDArray[np.float64], which: NDArray[np.intp]
    ) -> dict[int, tuple[int, float]]:
        """The nearest country within NEAR_M of some positions, with its distance."""
        reach = _NEAR_DEGREE / np.maximum(np.cos(np.radians(y[which])), 0.05)
        points, parts = self._tree.query(shapely.points(x[which], y[which]), predicate="dwithin", distance=reach)
        found: dict[int, tuple[int, float]] = {}
        for point, part in zip(points.tolist(), parts.tolist(), strict=True):
            i = int(which[point])
            owner = int(self._owner[part])
            distance = self._distance([part], float(x[i]), float(y[i]))
            if distance <= NEAR_M and (i not in found or (distance, owner) < found[i][::-1]):
                found[i] = (owner, distance)
        return found

    def _away(self, declared: int, own: int, x: float, y: float) -> float:
        """How far a position is from a country, whose territories count to it."""
        members = {declared, *(i for i, whole in enumerate(self._part_of) if whole == declared)}
        if own in members:
            return 0.0
        return self._distance(np.flatnonzero(np.isin(self._owner, list(members))).tolist(), x, y)

    def _distance(self, parts: Iterable[int], x: float, y: float) -> float:
        shrink = max(float(np.cos(np.radians(y))), 0.01)
        here = shapely.Point(x * shrink, y)
        nearest = np.inf
        for part in parts:
            # Across the antimeridian the short way round.
            for turn in (0.0, 360.0, -360.0):
                shape = self._parts[part]
                west, _, east, _ = shape.bounds
                if turn and not (west + turn - 180 <= x <= east + turn + 180):
                    continue
                bent = shapely.affinity.affine_transform(shape, (shrink, 0, 0, 1, turn * shrink, 0))
                if here.distance(bent) * 111_000 > nearest * 1.02:
                    continue
                point = shapely.get_coordinates(shapely.shortest_line(here, bent))[-1]
                nearest = min(nearest, abs(_ELLIPSOID.inv(x, y, point[0] / shrink, point[1])[2]))
        return float(nearest)

    def _repair(self, x: float, y: float, code: str | None, declared: int | None) -> str | None:
        for name, repair in _REPAIRS:
            other_x, other_y = repair(x, y)
            if not -90 <= other_y <= 90:
                continue
            owners = self._owner[self._tree.query(shapely.Point(other_x, other_y), predicate="intersects")]
            for owner in owners.tolist():
                if code is None or (declared is not None and declared in {owner, self._part_of[owner]}):
                    return name
        return None


def _middles_of(names: list[str], said: list[dict[str, Any]], shapes: NDArray[Any]) -> pl.DataFrame:
    """Centre, label point and middle of the bounding box of each country, as `region_middles` has them."""
    radius = [1000 * float(np.sqrt(area_km2(shape) / np.pi)) for shape in shapes]
    labels = shapely.points([p["label_lon"] for p in said], [p["label_lat"] for p in said])
    kinds = {
        "centre": shapely.centroid(shapes),
        "label point": labels,
        "bounding box middle": shapely.centroid(shapely.envelope(shapes)),
    }
    rows = [
        (name, kind, point.x, point.y, r)
        for kind, points in kinds.items()
        for name, point, r in zip(names, points, radius, strict=True)
    ]
    return pl.DataFrame(rows, schema=MIDDLES, orient="row")


@cache
def countries(path: Path) -> Countries:
    """The countries of a boundary file, read once."""
    return Countries(path)
