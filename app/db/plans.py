"""Published areas, for plans of sampling."""

from sqlalchemy import Connection, func, select

from app.db.tables import pub_region

_NOW = pub_region.c.released_to.is_(None)
_SHAPE = func.ST_AsBinary(pub_region.c.geom)


def area(connection: Connection, region_id: str) -> bytes | None:
    """Boundary of a published region as WKB; None where there is no such region."""
    found = connection.scalar(select(_SHAPE).where(pub_region.c.id == region_id, _NOW))
    return None if found is None else bytes(found)


def land(connection: Connection, box: tuple[float, float, float, float]) -> list[bytes] | None:
    """Boundaries of the countries that reach into a box (west, south, east, north), as WKB; None if none is published."""
    countries = (pub_region.c.kind == "country") & _NOW
    if not connection.scalar(select(func.count()).select_from(pub_region).where(countries)):
        return None
    near = pub_region.c.geom.op("&&")(func.ST_MakeEnvelope(*box, 4326))
    return [
        bytes(found) for found in connection.scalars(select(_SHAPE).where(countries, near).order_by(pub_region.c.id))
    ]
