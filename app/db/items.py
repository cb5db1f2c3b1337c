"""Pages of features: GeoJSON text built in the database, paged by key."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from app.db.queries import sql

COUNT_CAP = 10_000
"""Matches are counted exactly up to here; beyond it counting would cost more than the page."""


def page(
    connection: Connection, collection: str, order: str, parameters: Mapping[str, Any], *, limit: int, offset: int
) -> Sequence[tuple[str, str]]:
    """Key and GeoJSON text of at most `limit` features, in key order."""
    statement = text(
        f"{sql(f'{collection}_feature')} {sql(f'{collection}_source')} ORDER BY o.{order} LIMIT :limit OFFSET :offset"
    )
    rows = connection.execute(statement, {**parameters, "limit": limit, "offset": offset})
    return [(row.key, row.feature) for row in rows]


def one(connection: Connection, collection: str, order: str, parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """Key and GeoJSON text of the feature that the parameters select, None where there is none."""
    return next(iter(page(connection, collection, order, parameters, limit=1, offset=0)), None)


def count(connection: Connection, collection: str, parameters: Mapping[str, Any]) -> int | None:
    """How many features match, or None where there are more than COUNT_CAP."""
    counted = connection.scalar(
        text(f"SELECT count(*) FROM (SELECT 1 {sql(f'{collection}_source')} LIMIT {COUNT_CAP + 1}) matching"),
        parameters,
    )
    return None if counted is None or counted > COUNT_CAP else int(counted)


def extent(connection: Connection, table: str) -> tuple[float, float, float, float] | None:
    """Bounding box of the current rows, rounded outward to 0.0001 degree, or None where there are none."""
    row = connection.execute(
        text(  # tables are declared by us
            "SELECT floor(ST_XMin(box) * 1e4) / 1e4, floor(ST_YMin(box) * 1e4) / 1e4, "
            "ceil(ST_XMax(box) * 1e4) / 1e4, ceil(ST_YMax(box) * 1e4) / 1e4 "
            f"FROM (SELECT ST_Extent(geom) AS box FROM pub.{table} WHERE released_to IS NULL) found"
        )
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def interval(connection: Connection, table: str) -> tuple[str | None, str | None]:
    """First and last day of sampling of the current rows."""
    first, last = ("first_sampled", "last_sampled") if table == "site" else ("sampled_from", "sampled_to")
    row = connection.execute(
        text(f"SELECT min({first})::text, max({last})::text FROM pub.{table} WHERE released_to IS NULL")
    ).one()
    return row[0], row[1]
