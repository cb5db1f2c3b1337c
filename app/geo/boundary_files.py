"""Any file of boundaries as region records: repaired where it can be said how, refused where it cannot.

What was mended is reported feature by feature. Areas are geodesic, on WGS 84; edges are straight lines in the file's own
coordinates, so long ones are cut before they are transformed.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import antimeridian
import numpy as np
import polars as pl
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from app.errors import RefusedFile
from app.geo.boundaries import area_km2, cell_count, ewkb

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
LONGEST_EDGE_M = 10_000.0
"""Edges in projected coordinates are cut to this length before they are transformed [m]."""
SHARED = 0.001
"""Share of the smaller area that two regions of one parent may have in common: drawing errors, not double counting."""
VERTICES_MAX = 5_000_000
"""Most vertices that a file may have."""
DRIVERS = ("GeoJSON", "GPKG", "ESRI Shapefile", "FlatGeobuf", "TopoJSON")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a file say what. `parent` holds the code or id of the region that contains a feature."""

    code: str
    name: str
    name_fr: str | None = None
    name_es: str | None = None
    parent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Mended:
    """Something that was repaired: a code, the region, and what was done."""

    code: str
    region: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Boundaries:
    """Records of core.region without their source, and what was mended to get them.

    frame : id, kind, code, name_en, name_fr, name_es, parent (as given), geom and label_point (hexadecimal EWKB),
        area_km2, cell_count.
    """

    frame: pl.DataFrame
    mended: tuple[Mended, ...]


def read(path: Path, *, kind: str, columns: Columns, crs: str | None = None) -> Boundaries:
    """The boundaries of a file.

    kind : of the regions; their ids are `kind-code`.
    crs : coordinate reference system where the file does not say one.

    Raises RefusedFile, which names the feature (counted from 1) where it can.
    """
    file = _open(path, crs)
    wanted = [name for name in (columns.code, columns.name, columns.name_fr, columns.name_es, columns.parent) if name]
    missing = [name for name in wanted if name not in file.columns]
    if missing:
        raise RefusedFile(
            f"There is no column {', '.join(missing)}; there are {', '.join(map(str, file.columns[:-1]))}.",
            code="BOUNDARY_COLUMNS",
            file=path.name,
        )
    mended: list[Mended] = []
    parts: dict[str, list[BaseGeometry]] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    for number, (row, geometry) in enumerate(
        zip(file[wanted].astype(object).to_dict("records"), file.geometry, strict=True), start=1
    ):
        code = _code(row[columns.code], path, number, mended)
        parts.setdefault(code, []).append(mend(geometry, code, path, number, mended))
        facts.setdefault(code, row)
    shapes = {code: _joined(code, pieces, mended) for code, pieces in parts.items()}
    frame = pl.DataFrame(
        [_record(kind, code, facts[code], columns, shape) for code, shape in shapes.items()],
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(("name_fr", "name_es", "parent"), pl.String),
    )
    return Boundaries(frame=frame.sort("id"), mended=tuple(mended))


def overlaps(boundaries: Boundaries) -> tuple[tuple[str, str, float], ...]:
    """Pairs of regions of one parent that share ground: their ids and the area in common [km²]."""
    frame = boundaries.frame
    shapes = shapely.from_wkb([bytes.fromhex(text) for text in frame["geom"]])
    ids, parents, sizes = frame["id"].to_list(), frame["parent"].to_list(), frame["area_km2"].to_list()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    found = []
    for a, b in zip(first[first < second].tolist(), second[first < second].tolist(), strict=True):
        if parents[a] != parents[b]:
            continue
        common = sum(area_km2(part) for part in _polygons(shapely.intersection(shapes[a], shapes[b])))
        if common > SHARED * min(sizes[a], sizes[b]):
            found.append((ids[a], ids[b], common))
    return tuple(sorted(found))


def _open(path: Path, crs: str | None) -> Any:
    import geopandas as gpd  # noqa: PLC0415 - takes long to load, and only boundary files need it
    import pyogrio  # noqa: PLC0415 - likewise

    if not path.is_file():
        raise RefusedFile("There is no such file.", code="FILE_NOT_FOUND", file=path.name)
    try:
        # Only formats that hold what they say: no driver that follows references to other files or hosts.
        driver = pyogrio.read_info(path)["driver"]
        file = gpd.read_file(path, engine="pyogrio") if driver in DRIVERS else None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as fault:
        raise RefusedFile(
            "The file cannot be read as boundaries.",
            code="FORMAT_UNSUPPORTED",
            file=path.name,
            suggestion=f"Give one of: {', '.join(DRIVERS)}.",
        ) from fault
    if file is None or not isinstance(file, gpd.GeoDataFrame) or file.empty:
        raise RefusedFile(
            "The file holds no boundaries.",
            code="FORMAT_UNSUPPORTED",
            file=path.name,
            suggestion=f"Give one of: {', '.join(DRIVERS)}.",
        )
    if file.crs is None:
        if crs is None:
            raise RefusedFile(
                "The file does not say its coordinate reference system.",
                code="CRS_MISSING",
                file=path.name,
                suggestion="Name it with --crs, such as EPSG:4326.",
            )
        file = file.set_crs(crs)
    count = int(shapely.get_num_coordinates(file.geometry.array).sum())
    if count > VERTICES_MAX:
        raise RefusedFile(
            f"The boundaries have {count:,} vertices; at most {VERTICES_MAX:,} are read.",
            code="BOUNDARY_TOO_FINE",
            file=path.name,
            suggestion="Simplify them to the scale that is needed.",
        )
    if file.crs.is_projected:
        metres = file.crs.axis_info[0].unit_conversion_factor or 1.0
        file = file.set_geometry(file.geometry.segmentize(LONGEST_EDGE_M / metres))
    return file.to_crs("EPSG:4326")


def _code(given: Any, path: Path, number: int, mended: list[Mended]) -> str:
    text = _text(given)
    safe = UNSAFE.sub("", text)
    if not CODE.fullmatch(safe):
        raise RefusedFile(
            f"The code {text!r} cannot stand in an address.",
            code="BOUNDARY_CODE",
            file=path.name,
            row=number,
            suggestion="Use letters, digits, points, hyphens and underscores.",
        )
    if safe != text:
        mended.append(Mended(code="CODE_CHANGED", region=safe, detail=f"the file says {text!r}"))
    return safe


def mend(geometry: BaseGeometry | None, code: str, path: Path, number: int, mended: list[Mended]) -> BaseGeometry:
    """One feature's area: polygons only, valid, within ±180 degrees of longitude. Raises RefusedFile."""
    if geometry is None or geometry.is_empty:
        raise RefusedFile(f"{code} has no boundary.", code="BOUNDARY_EMPTY", file=path.name, row=number)
    coordinates = shapely.get_coordinates(geometry)
    if not np.isfinite(coordinates).all() or np.abs(coordinates[:, 1]).max() > 90 or np.abs(coordinates).max() > 540:
        raise RefusedFile(
            f"{code} has positions that are not on Earth.",
            code="COORD_OUT_OF_RANGE",
            file=path.name,
            row=number,
            suggestion="Check the coordinate reference system.",
        )
    geometry = shapely.force_2d(geometry)
    polygons = _polygons(geometry)
    if not polygons:
        raise RefusedFile(
            f"{code} is a {geometry.geom_type}, not an area.", code="BOUNDARY_NOT_AREA", file=path.name, row=number
        )
    if geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        mended.append(Mended(code="COLLECTION_REDUCED", region=code, detail="lines and points were left out"))
    if any(_crosses(polygon) for polygon in polygons):
        polygons = [part for polygon in polygons for part in _cut_where_crossing(polygon)]
        mended.append(Mended(code="ANTIMERIDIAN_CUT", region=code, detail="edges crossed 180 degrees"))
    whole: BaseGeometry = shapely.multipolygons(polygons)
    if not shapely.is_valid(whole):
        why = shapely.is_valid_reason(whole)
        before = sum(area_km2(polygon) for polygon in polygons)
        whole = shapely.make_valid(whole, method="structure", keep_collapsed=False)
        after = sum(area_km2(polygon) for polygon in _polygons(whole))
        mended.append(
            Mended(code="RING_REPAIRED", region=code, detail=f"{why}; {before:.6g} km² became {after:.6g} km²")
        )
    if whole.is_empty:
        raise RefusedFile(f"{code} has no area.", code="BOUNDARY_NOT_AREA", file=path.name, row=number)
    if np.abs(shapely.get_coordinates(whole)[:, 0]).max() > 180:
        whole = _wrapped(whole)
        mended.append(Mended(code="LONGITUDE_WRAPPED", region=code, detail="longitudes beyond 180 degrees"))
    return whole


def _crosses(polygon: Polygon) -> bool:
    """Whether an edge spans more than half the globe without lying on its seam."""
    for ring in (polygon.exterior, *polygon.interiors):
        longitude = shapely.get_coordinates(ring)[:, 0]
        wide = np.abs(np.diff(longitude)) > 180
        on_seam = (np.abs(longitude[:-1]) == 180) & (np.abs(longitude[1:]) == 180)
        if (wide & ~on_seam).any():
            return True
    return False


def _cut_where_crossing(polygon: Polygon) -> list[Polygon]:
    if not _crosses(polygon):
        return [polygon]
    # A ring that runs the other way round would be taken for the rest of the globe.
    fixed = antimeridian.fix_polygon(shapely.orient_polygons(polygon), fix_winding=True, great_circle=False)
    return _polygons(fixed)


def _wrapped(area: BaseGeometry) -> BaseGeometry:
    """The same area with all longitudes within ±180 degrees."""
    pieces = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.box(-180 - turn, -90, 180 - turn, 90)
        part = shapely.intersection(area, window)
        pieces += [affinity.translate(piece, turn) for piece in _polygons(part)]
    return shapely.union_all(pieces)


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    parts = shapely.get_parts(geometry)
    flat = [piece for part in parts for piece in shapely.get_parts(part)]
    return [piece for piece in flat if isinstance(piece, Polygon) and not piece.is_empty]


def _joined(code: str, pieces: Sequence[BaseGeometry], mended: list[Mended]) -> MultiPolygon:
    """One area for each code; features that share a code are parts of one region."""
    if len(pieces) > 1:
        mended.append(Mended(code="PARTS_JOINED", region=code, detail=f"{len(pieces)} features have this code"))
    whole = shapely.union_all(list(pieces)) if len(pieces) > 1 else pieces[0]
    return MultiPolygon(_polygons(whole))


def _text(given: Any) -> str:
    """A cell as text; an empty one, which pandas may show as NaN, as none."""
    return "" if given is None or (isinstance(given, float) and math.isnan(given)) else str(given).strip()


def _record(kind: str, code: str, row: Mapping[str, Any], columns: Columns, shape: MultiPolygon) -> dict[str, Any]:
    def text(column: str | None) -> str | None:
        given = row[column] if column else None
        return _text(given) or None

    return {
        "id": f"{kind}-{code}",
        "kind": kind,
        "code": code,
        "name_en": text(columns.name) or code,
        "name_fr": text(columns.name_fr),
        "name_es": text(columns.name_es),
        "parent": text(columns.parent),
        "geom": ewkb(shape),
        "label_point": ewkb(shapely.point_on_surface(shape)),
        "area_km2": area_km2(shape),
        "cell_count": cell_count(shape),
    }
