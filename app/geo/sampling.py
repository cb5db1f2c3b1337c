"""Points drawn at random on the ground: areas from GeoJSON, and positions with the same density everywhere in them.

A degree of longitude is half as wide at 60° N as at the equator, so positions drawn evenly in degrees crowd towards the
poles. These are drawn evenly in a cylindrical equal-area projection of the WGS 84 ellipsoid (Snyder 1987, Map
Projections, USGS Professional Paper 1395, p. 81): equal areas of ground get equal numbers on average.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from app.errors import RefusedFile, TooLarge
from app.geo.boundaries import STRAIGHT_DEG
from app.geo.boundary_files import Mended, mend

Floats = NDArray[np.float64]

VERTICES_MAX = 100_000
"""Most vertices that the areas of one plan may have."""
REPAIRED_MAX = 200
"""Most vertices of an area that is repaired where it crosses itself: crossings may grow with the square of them."""
SEAM_MAX = 500
"""Most edges that may cross 180 degrees, each of which is cut."""
EDGES_MAX_DEG = 200_000.0
"""Longest boundary [degree]; edges are straight in degrees, so their area is summed in short pieces."""
AREA_MIN_KM2 = 1e-4
"""Smallest area that can be sampled: 100 m²."""
DECIMALS = 6
"""Of positions in degrees: 0.1 m."""
ACCEPTED = 0.4
"""Share of drawn positions that should lie inside; boxes around the area are divided until they do."""
BOXES_MAX = 20_000
DRAWS_MAX = 4_000_000

_EQUAL_AREA = pyproj.Proj(proj="cea", ellps="WGS84")
_GEOCENTRIC = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


class AreaRefused(ValueError):
    """An area that cannot be sampled; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """An area to be sampled: valid polygons within ±180 degrees of longitude, its size, and what was mended."""

    shape: BaseGeometry
    km2: float
    mended: tuple[Mended, ...] = ()


def geometry_of(given: Mapping[str, Any]) -> BaseGeometry:
    """A GeoJSON Polygon, MultiPolygon or Feature of one, as it is drawn.

    Raises AreaRefused for anything else, and TooLarge for more than VERTICES_MAX vertices.
    """
    geometry = given.get("geometry") if given.get("type") == "Feature" else given
    if not isinstance(geometry, Mapping) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        raise AreaRefused("it must be a GeoJSON Polygon, MultiPolygon, or a Feature of one")
    try:
        bare = {"type": geometry["type"], "coordinates": geometry.get("coordinates")}
        shape = shapely.from_geojson(json.dumps(bare, allow_nan=False))
    except (shapely.GEOSException, ValueError, TypeError, RecursionError) as fault:
        raise AreaRefused(
            "its coordinates are not those of a polygon: rings of positions [longitude, latitude], the last the same as "
            "the first"
        ) from fault
    if shape.is_empty:
        raise AreaRefused("it is empty")
    require_few_vertices([shape])
    return shape


def require_few_vertices(shapes: Sequence[BaseGeometry]) -> None:
    """TooLarge where they have more than VERTICES_MAX vertices together."""
    vertices = int(shapely.get_num_coordinates(np.array(shapes, dtype=object)).sum())
    if vertices > VERTICES_MAX:
        raise TooLarge(f"The areas have {vertices:,} vertices; at most {VERTICES_MAX:,} are read. Simplify them.")


def area_of(shapes: Sequence[BaseGeometry], name: str) -> Area:
    """Polygons and multipolygons as one area, mended where they cross themselves, each other or 180 degrees.

    name : of the area, for what was mended. Raises AreaRefused.
    """
    whole = shapely.multipolygons([part for shape in shapes for part in shapely.get_parts(shape)])
    coordinates = shapely.get_coordinates(whole)
    if shapely.length(whole) > EDGES_MAX_DEG:
        raise AreaRefused(f"its boundary is longer than {EDGES_MAX_DEG:,.0f} degrees")
    if int((np.abs(np.diff(coordinates[:, 0])) > 180).sum()) > SEAM_MAX:
        raise AreaRefused(f"more than {SEAM_MAX} of its edges cross 180 degrees")
    if coordinates.shape[0] > REPAIRED_MAX and not shapely.is_valid(whole):
        raise AreaRefused(
            f"it crosses itself ({shapely.is_valid_reason(whole)}), and is repaired only up to {REPAIRED_MAX} vertices"
        )
    mended: list[Mended] = []
    try:
        shape = mend(whole, name, Path("request"), 1, mended)
    except RefusedFile as fault:
        raise AreaRefused(fault.message) from fault
    km2 = ground_km2(shape)
    if not km2 >= AREA_MIN_KM2:
        raise AreaRefused(f"it has {km2 * 1e6:.3g} m²; at least {AREA_MIN_KM2 * 1e6:.0f} m² are needed")
    return Area(shape=shape, km2=km2, mended=tuple(mended))


def within(area: Area, whole: Area) -> Area:
    """The part of an area that lies in another. Raises AreaRefused where there is none."""
    common = shapely.get_parts(shapely.intersection(area.shape, whole.shape))
    shape = MultiPolygon([part for part in shapely.get_parts(common) if isinstance(part, Polygon)])
    km2 = ground_km2(shape)
    if not km2 >= AREA_MIN_KM2:
        raise AreaRefused("it lies outside")
    return Area(shape=shape, km2=km2, mended=area.mended)


def ground_km2(shape: BaseGeometry) -> float:
    """Area on the WGS 84 ellipsoid [km²], in the projection that positions are drawn in; also of the whole globe."""
    fine = shapely.segmentize(shape, STRAIGHT_DEG)
    return float(shapely.area(shapely.transform(fine, lambda x: np.column_stack(_EQUAL_AREA(x[:, 0], x[:, 1]))))) / 1e6


def draw(area: Area, n: int, generator: np.random.Generator) -> Floats:
    """Positions at random, independent, n of them, with the same density per km² everywhere inside.

    Returns longitude and latitude, shape (n, 2), rounded to DECIMALS. The same generator state gives the same ones.
    Raises AreaRefused where the area is so thin that too few draws fall into it.
    """
    shape = area.shape
    shapely.prepare(shape)
    boxes = _boxes(area)
    low = np.column_stack(_EQUAL_AREA(boxes[:, 0], boxes[:, 1]))
    high = np.column_stack(_EQUAL_AREA(boxes[:, 2], boxes[:, 3]))
    reached = np.cumsum(np.prod(high - low, axis=1))
    found: list[Floats] = []
    have, tried = 0, 0
    while have < n:
        if tried > DRAWS_MAX:
            raise AreaRefused("it is too thin: hardly any position that is drawn around it lies inside")
        count = int(min(max(3 * (n - have), 1_000), 200_000))
        chance = generator.random((count, 3))
        box = np.minimum(np.searchsorted(reached, chance[:, 0] * reached[-1], side="right"), len(boxes) - 1)
        flat = low[box] + chance[:, 1:] * (high - low)[box]
        places = np.round(np.column_stack(_EQUAL_AREA(flat[:, 0], flat[:, 1], inverse=True)), DECIMALS)
        inside = places[shapely.contains_xy(shape, places[:, 0], places[:, 1])]
        found.append(inside)
        have += len(inside)
        tried += count
    return np.concatenate(found)[:n]


def geocentric(places: Floats) -> Floats:
    """Positions as x, y, z in metres from the centre of the Earth: near ones are near across 180° and at the poles."""
    return np.column_stack(_GEOCENTRIC.transform(places[:, 0], places[:, 1], np.zeros(len(places))))


def inside(shape: BaseGeometry, places: Floats) -> NDArray[np.bool_]:
    """Which positions lie inside an area."""
    shapely.prepare(shape)
    return np.asarray(shapely.contains_xy(shape, places[:, 0], places[:, 1]), dtype=np.bool_)


def _boxes(area: Area) -> Floats:
    """Boxes of longitude and latitude that cover an area, share no ground, and hold little beside it."""
    boxes: Floats = np.array([shapely.bounds(area.shape)])
    # Positions are rounded before they are tried, so a box must not end where the area does.
    edge = 10.0**-DECIMALS
    boxes = np.clip(boxes + np.array([-edge, -edge, edge, edge]), [-180, -90, -180, -90], [180, 90, 180, 90])
    while True:
        size: Floats = np.prod(
            np.column_stack(_EQUAL_AREA(boxes[:, 2], boxes[:, 3]))
            - np.column_stack(_EQUAL_AREA(boxes[:, 0], boxes[:, 1])),
            axis=1,
        )
        if area.km2 * 1e6 > ACCEPTED * size.sum() or 4 * len(boxes) > BOXES_MAX:
            return boxes
        west, south, east, north = boxes.T
        middle, centre = (west + east) / 2, (south + north) / 2
        quarters = [
            (west, south, middle, centre),
            (middle, south, east, centre),
            (west, centre, middle, north),
            (middle, centre, east, north),
        ]
        boxes = np.concatenate([np.column_stack(quarter) for quarter in quarters])
        boxes = boxes[shapely.intersects(area.shape, shapely.box(*boxes.T))]
