"""Boundary files as region records: valid, measured on the ellipsoid, counted in cells."""

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


def area_km2(geometry: BaseGeometry) -> float:
    """Geodesic area on WGS 84 [km²]."""
    return abs(float(_ELLIPSOID.geometry_area_perimeter(shapely.orient_polygons(geometry))[0])) / 1e6


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
    points = shapely.set_srid(shapely.points(longitudes.to_numpy(), latitudes.to_numpy()), 4326)
    return pl.Series("geom", list(shapely.to_wkb(points, hex=True, include_srid=True)), dtype=pl.String)
