"""Countries of the world as region records, and what they add up to: measured on the ellipsoid, counted in cells."""

from collections.abc import Sequence
from pathlib import Path

import h3
import numpy as np
import polars as pl
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

CELL_RESOLUTION = 5
"""H3 resolution in which coverage of countries is counted: cells of about 250 km²."""

NATURAL_EARTH = "Natural Earth 1:50 million, Admin 0 countries, by way of the npm package world-atlas 2.0.2"
STRAIGHT_DEG = 0.1
"""Length at which an edge and the geodesic between its ends are taken for the same [degree]: 3 m apart at most."""
WORLD = "world-all"
INITIATIVE_NAMES = {
    "Africa": ("Africa", "Afrique", "África"),
    "Asia and Pacific": ("Asia and Pacific", "Asie et Pacifique", "Asia y el Pacífico"),
    "Europe": ("Europe", "Europe", "Europa"),
    "Latin America and Caribbean": (
        "Latin America and Caribbean",
        "Amérique latine et Caraïbes",
        "América Latina y el Caribe",
    ),
    "North America": ("North America", "Amérique du Nord", "América del Norte"),
}
"""The five world regions of the Initiative, in English, French and Spanish."""
_ELLIPSOID = pyproj.Geod(ellps="WGS84")


def countries(path: Path) -> pl.DataFrame:
    """Countries of the sample file as records of core.region; geometries as hexadecimal EWKB."""
    import geopandas as gpd  # noqa: PLC0415 - takes long to load, and only seeding needs it

    frame = gpd.read_file(path)
    # Some countries have no ISO code; an empty cell must stay empty.
    text = frame.drop(columns="geometry").astype(object).where(lambda f: f.notna(), None)
    records = [
        {
            "id": f"country-{row.code}",
            "kind": "country",
            "code": row.code,
            "iso_a2": row.iso_a2,
            "name_en": row.name_en,
            "name_fr": row.name_fr,
            "name_es": row.name_es,
            "territory_of": f"country-{row.part_of}" if row.part_of else None,
            "initiative_region": row.initiative_region,
            "geom": ewkb(geometry),
            "label_point": ewkb(shapely.Point(row.label_lon, row.label_lat)),
            "area_km2": area_km2(geometry),
            "cell_count": cell_count(geometry),
            "source": NATURAL_EARTH,
            "licence": "Public domain",
        }
        for row, geometry in zip(text.itertuples(index=False), frame.geometry, strict=True)
    ]
    # Territories refer to their country, so countries come first.
    return pl.DataFrame(
        sorted(records, key=lambda r: (r["territory_of"] is not None, r["id"])), infer_schema_length=None
    )


def initiative_id(name: str | None) -> str:
    """Id of the Initiative's region of that name; of the world for land that belongs to none (Antarctica)."""
    return f"initiative-{name.lower().replace(' ', '-')}" if name else WORLD


def with_parents(countries: pl.DataFrame) -> pl.DataFrame:
    """The world, the Initiative's regions and the countries, each with its parent, parents first.

    Areas and cells of a parent are the sums of its children's, so that the ledger closes to the last digit; its boundary
    is their union.
    """
    children = countries.with_columns(
        pl.Series("parent_id", [initiative_id(name) for name in countries["initiative_region"]])
    )
    regions = [
        _sum(children.filter(pl.col("initiative_region") == name), "initiative", initiative_id(name), names, WORLD)
        | {"initiative_region": name}
        for name, names in INITIATIVE_NAMES.items()
    ]
    parts = pl.concat(
        [pl.DataFrame(regions, infer_schema_length=None), children.filter(pl.col("parent_id") == WORLD)],
        how="diagonal_relaxed",
    )
    world = _sum(parts, "world", WORLD, ("World", "Monde", "Mundo"), None)
    return pl.concat(
        [pl.DataFrame([world], infer_schema_length=None), pl.DataFrame(regions), children], how="diagonal_relaxed"
    )


def _sum(
    children: pl.DataFrame, kind: str, region_id: str, names: tuple[str, str, str], parent: str | None
) -> dict[str, object]:
    whole = shapely.union_all(shapely.from_wkb([bytes.fromhex(text) for text in children["geom"]]))
    areas = shapely.multipolygons([part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"])
    largest = max(shapely.get_parts(areas), key=area_km2)
    return {
        "id": region_id,
        "kind": kind,
        "code": region_id.removeprefix(f"{kind}-"),
        "name_en": names[0],
        "name_fr": names[1],
        "name_es": names[2],
        "parent_id": parent,
        "geom": ewkb(areas),
        "label_point": ewkb(shapely.point_on_surface(largest)),
        "area_km2": float(children["area_km2"].sum()),
        "cell_count": int(children["cell_count"].sum()),
        "source": NATURAL_EARTH,
        "licence": "Public domain",
    }


def area_km2(geometry: BaseGeometry) -> float:
    """Area on WGS 84 [km²] of what is drawn: edges are straight in longitude and latitude (RFC 7946), not geodesics.

    A long edge along a parallel is thousands of square kilometres away from the geodesic between its ends.
    """
    drawn = shapely.segmentize(shapely.orient_polygons(geometry), STRAIGHT_DEG)
    return abs(float(_ELLIPSOID.geometry_area_perimeter(drawn)[0])) / 1e6


def cell_count(geometry: BaseGeometry) -> int:
    """H3 cells of CELL_RESOLUTION whose centre lies inside."""
    # h3 takes an edge of more than 180 degrees for the short way round, so wide areas are cut into slices first.
    slices = [shapely.box(west, -89.99, west + 60, 89.99) for west in range(-180, 180, 60)]
    pieces = shapely.get_parts(shapely.intersection(geometry, slices))
    areas = [piece for piece in shapely.get_parts(pieces) if piece.geom_type == "Polygon" and not piece.is_empty]
    return len({cell for area in areas for cell in h3.geo_to_cells(area, CELL_RESOLUTION)})


def first_inside(parts: Sequence[tuple[str, bytes]], longitudes: pl.Series, latitudes: pl.Series) -> pl.Series:
    """The region that each position lies in, edges included: of several the first by id, null where there is none.

    parts : pieces of boundaries, as region id and WKB.
    """
    ids = np.array([region for region, _ in parts], dtype=object)
    points = np.asarray(shapely.points(longitudes.to_numpy(), latitudes.to_numpy()))
    # Points near each other one after the other: the tree and the prepared pieces stay in the processor's cache.
    order = np.lexsort((longitudes.to_numpy(), np.floor(latitudes.to_numpy())))
    pieces = shapely.from_wkb([wkb for _, wkb in parts])
    shapely.prepare(pieces)
    which, piece = shapely.STRtree(pieces).query(points[order], predicate="intersects")
    hits = pl.DataFrame({"i": order[which], "region": pl.Series(ids[piece], dtype=pl.String)})
    first = hits.group_by("i").agg(pl.col("region").min())
    everyone = pl.DataFrame({"i": np.arange(len(points))})
    return everyone.join(first, on="i", how="left", maintain_order="left")["region"]


def cells(longitudes: list[float], latitudes: list[float]) -> list[str]:
    """The H3 cell of each position, at CELL_RESOLUTION."""
    return [h3.latlng_to_cell(lat, lon, CELL_RESOLUTION) for lon, lat in zip(longitudes, latitudes, strict=True)]


def ewkb(geometry: BaseGeometry) -> str:
    """Hexadecimal EWKB in WGS 84, as COPY takes it."""
    return str(shapely.to_wkb(shapely.set_srid(geometry, 4326), hex=True, include_srid=True))


def points_ewkb(longitudes: pl.Series, latitudes: pl.Series) -> pl.Series:
    """Positions as hexadecimal EWKB in WGS 84."""
    # A point is its byte order, its kind with a mark that a system follows, the system, x and y.
    points = np.empty(
        len(longitudes), dtype=[("order", "u1"), ("kind", "<u4"), ("system", "<u4"), ("x", "<f8"), ("y", "<f8")]
    )
    points["order"], points["kind"], points["system"] = 1, 0x2000_0001, 4326
    points["x"], points["y"] = longitudes.to_numpy(), latitudes.to_numpy()
    digits, size = points.tobytes().hex().upper(), 2 * points.itemsize
    return pl.Series("geom", [digits[i : i + size] for i in range(0, len(digits), size)], dtype=pl.String)
