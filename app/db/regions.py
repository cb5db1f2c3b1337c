"""Regions: boundaries in, the region of a position out."""

from collections.abc import Sequence

import polars as pl
from sqlalchemy import Connection, LargeBinary, func, select, text, update

from app.db import bulk
from app.db.queries import query
from app.db.tables import pub_region, region, region_part, site_region

NEAR_M = 10_000.0
"""How far outside a boundary a site still counts to it [m]: boundaries at 1:50 million are off by several kilometres."""


def count(connection: Connection, kind: str) -> int:
    """How many regions of a kind are stored."""
    return int(connection.scalar(select(func.count()).select_from(region).where(region.c.kind == kind)) or 0)


def replace(connection: Connection, kind: str, frame: pl.DataFrame) -> None:
    """Store the regions of one kind: known ids are updated, so that what refers to them stays.

    frame : columns of core.region; geom and label_point as hexadecimal EWKB.
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
    connection.execute(
        region_part.delete().where(region_part.c.region_id.in_(select(region.c.id).where(region.c.kind == kind)))
    )
    connection.execute(query("region_parts"), {"kind": kind})


def publish(connection: Connection, kind: str, release: int) -> None:
    """Show the stored regions of one kind from this release on."""
    connection.execute(
        update(pub_region)
        .where(pub_region.c.kind == kind, pub_region.c.released_to.is_(None))
        .values(released_to=release)
    )
    connection.execute(query("publish_regions"), {"kind": kind, "release": release})


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
