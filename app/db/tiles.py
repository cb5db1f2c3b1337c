"""One vector tile: one query, bytes out."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.db.queries import query


def tile(connection: Connection, collection: str, *, z: int, x: int, y: int, parameters: Mapping[str, Any]) -> bytes:
    """The Mapbox Vector Tile of a collection at z, column x and row y; empty bytes where nothing is."""
    body = connection.scalar(query(f"{collection}_tile"), {"z": z, "x": x, "y": y, **parameters})
    return bytes(body or b"")
