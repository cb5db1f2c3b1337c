"""Regions: boundaries in, the region of a position out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, LargeBinary, Row, func, select, text, update

from app.db import bulk
from app.db.queries import query
from app.db.tables import pub_region, region, region_part, site_region

NEAR_M = 10_000.0
"""How far outside a boundary a site still counts to it [m]: boundaries at 1:50 million are off by several kilometres."""


def count(connection: Connection, kind: str) -> int:
    """How many regions of a kind are stored."""
    return int(connection.scalar(select(func.count()).select_from(region).where(region.c.kind == kind)) or 0)


def store(connection: Connection, frame: pl.DataFrame) -> None:
    """Store regions: known ids are updated, so that what refers to them stays.

    frame : columns of core.region; geom and label_point as hexadecimal EWKB. Parents stand before their children.
    """
    connection.execute(text("CREATE TEMPORARY TABLE incoming (LIKE core.region INCLUDING DEFAULTS) ON COMMIT DROP"))
    bulk.copy_in(connection, "incoming", frame)
    columns = [name for name in frame.columns if name != "id"]
    connection.execute(
        text(
            f"INSERT INTO core.region (id, {', '.join(columns)}) SELECT id, {', '.join(columns)} FROM incoming "
            f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in columns)}"
        )
    )
    connection.execute(text("DROP TABLE incoming"))
    ids = frame["id"].to_list()
    connection.execute(region_part.delete().where(region_part.c.region_id.in_(ids)))
    connection.execute(query("region_parts"), {"ids": ids})


def geometries(connection: Connection, kind: str) -> dict[str, bytes]:
    """Boundaries of one kind as WKB, by region id."""
    rows = connection.execute(
        select(region.c.id, func.ST_AsBinary(region.c.geom).label("shape")).where(region.c.kind == kind)
    )
    return {row.id: bytes(row.shape) for row in rows}


def countries_by_code(connection: Connection) -> dict[str, str]:
    """Ids of countries by every code they are known under: id, ISO 3166-1 alpha-3 and alpha-2."""
    found: dict[str, str] = {}
    rows = connection.execute(select(region.c.id, region.c.code, region.c.iso_a2).where(region.c.kind == "country"))
    for row in rows:
        found |= {code: row.id for code in (row.id, row.code, row.iso_a2) if code}
    return found


def countries_of(connection: Connection, points: dict[str, str]) -> dict[str, str]:
    """The country that holds each point. points : hexadecimal EWKB by any key."""
    rows = connection.execute(
        query("countries_of_points"), {"keys": list(points), "points": [points[key] for key in points]}
    )
    return {row.key: row.region_id for row in rows}


def assign_sites(connection: Connection, ids: Sequence[str]) -> int:
    """Find the stored sites that lie in some regions, in place of what was known of them; returns how many."""
    connection.execute(site_region.delete().where(site_region.c.region_id.in_(ids)))
    return int(connection.execute(query("assign_sites"), {"ids": list(ids)}).rowcount)


def assign_dataset(connection: Connection, dataset: UUID) -> None:
    """Find the regions of a dataset's sites beside their countries, which were found before they were stored."""
    connection.execute(query("assign_dataset"), {"dataset": dataset})


def ledger(connection: Connection) -> Sequence[Row[Any]]:
    """Areas of each divided region and of its parts.

    Columns: id, name_en, area_km2, n_parts, parts_km2, undivided_km2 (in no part), outside_km2 (of parts, beyond the
    region) and open_km2 (what is left unexplained; 0 where the ledger closes).
    """
    return connection.execute(query("area_ledger")).all()


def publish(connection: Connection, ids: Sequence[str], release: int) -> None:
    """Show stored regions from this release on."""
    connection.execute(
        update(pub_region)
        .where(pub_region.c.id.in_(ids), pub_region.c.released_to.is_(None))
        .values(released_to=release)
    )
    connection.execute(query("publish_regions"), {"ids": list(ids), "release": release})


def locate(connection: Connection, positions: pl.DataFrame) -> pl.DataFrame:
    """The country of each position.

    positions : site_key, geom (hexadecimal EWKB), country_code (declared, ISO alpha-2, may be empty).
    Returns site_key, region_id, distance_m (0 inside) and, where a country was declared and is known,
    declared_id and declared_distance_m.
    """
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE position (site_key text PRIMARY KEY, geom geometry(POINT, 4326), country_code text) "
            "ON COMMIT DROP"
        )
    )
    bulk.copy_in(connection, "position", positions)
    connection.execute(text("ANALYZE position"))
    rows = connection.execute(query("locate_sites"), {"within_m": NEAR_M}).all()
    return pl.DataFrame(
        [tuple(row) for row in rows],
        schema={
            "site_key": pl.String,
            "region_id": pl.String,
            "distance_m": pl.Float64,
            "declared_id": pl.String,
            "declared_distance_m": pl.Float64,
        },
        orient="row",
    )


def repairs(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """For positions handed to `locate` before: the repair that would put each into its country, where one does."""
    rows = connection.execute(query("country_of_repaired"), {"keys": list(keys)})
    return {row.site_key: row.repair for row in rows}


def middles(connection: Connection, town_m: float) -> pl.DataFrame:
    """Middles of countries, first-level regions and the towns of partners: place, middle, longitude, latitude, radius_m.

    town_m : how far a town reaches. [m]
    """
    rows = connection.execute(query("region_middles"), {"town_m": town_m}).all()
    schema = dict.fromkeys(("place", "middle"), pl.String) | dict.fromkeys(
        ("longitude", "latitude", "radius_m"), pl.Float64
    )
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def end_locating(connection: Connection) -> None:
    """Forget the positions handed to `locate`."""
    connection.execute(text("DROP TABLE position"))


def countries(connection: Connection) -> pl.DataFrame:
    """Countries: id, iso_a2, territory_of."""
    rows = connection.execute(
        select(region.c.id, region.c.iso_a2, region.c.territory_of).where(region.c.kind == "country")
    )
    text_columns = dict.fromkeys(("id", "iso_a2", "territory_of"), pl.String)
    return pl.DataFrame([tuple(row) for row in rows], schema=text_columns, orient="row")


def parts(connection: Connection, kind: str) -> list[tuple[str, bytes]]:
    """The pieces of the boundaries of one kind of region: region id, and geometry as WKB."""
    rows = connection.execute(
        select(region_part.c.region_id, func.ST_AsBinary(region_part.c.geom, type_=LargeBinary))
        .join(region, region.c.id == region_part.c.region_id)
        .where(region.c.kind == kind)
    )
    return [(row[0], bytes(row[1])) for row in rows]


def names(connection: Connection) -> dict[str, str]:
    """English names by region id."""
    return {row.id: row.name_en for row in connection.execute(select(region.c.id, region.c.name_en))}


def with_sites(connection: Connection) -> list[str]:
    """Ids of all regions that hold a site."""
    return sorted(connection.scalars(select(site_region.c.region_id).distinct()))


def cell_counts(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Grid cells of each region."""
    rows = connection.execute(select(region.c.id, region.c.cell_count).where(region.c.id.in_(ids)))
    return {row.id: row.cell_count for row in rows}
