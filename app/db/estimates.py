"""Estimates of regions: written by release, read as rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.queries import query
from app.db.tables import disclosed, estimate, pub_region

KEY = ("region_id", "indicator", "upper_cm", "lower_cm", "mass_basis", "period", "slice")
DISCLOSED = ("region_id", "indicator", "upper_cm", "lower_cm", "period", "slice")
VERSIONING = {"row", "computed_at", "released_from", "released_to"}


def write(connection: Connection, regions: Sequence[str], rows: Sequence[Mapping[str, Any]], release: int) -> int:
    """Make `rows` the estimates of these regions from this release on; returns how many changed.

    Rows that say the same as before keep their release, so that a number that did not change keeps its version.
    """
    before = {
        tuple(row[name] for name in KEY): row
        for row in connection.execute(
            select(estimate).where(estimate.c.region_id.in_(regions), estimate.c.released_to.is_(None))
        ).mappings()
    }
    ended: list[int] = []
    started: list[dict[str, Any]] = []
    for row in rows:
        old = before.pop(tuple(row[name] for name in KEY), None)
        if old is not None and all(old[name] == row.get(name) for name in old if name not in VERSIONING):
            continue
        if old is not None:
            ended.append(old["row"])
        started.append({**row, "released_from": release})
    ended += [old["row"] for old in before.values()]
    if ended:
        connection.execute(update(estimate).where(estimate.c.row.in_(ended)).values(released_to=release))
    if started:
        connection.execute(insert(estimate), started)
    return len(started) + len(before)


def current(connection: Connection, regions: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The estimates of some regions as they are now, by KEY, without what versions them."""
    found = connection.execute(
        select(estimate).where(estimate.c.region_id.in_(regions), estimate.c.released_to.is_(None))
    ).mappings()
    return {tuple(row[name] for name in KEY): {k: v for k, v in row.items() if k not in VERSIONING} for row in found}


def contributions(connection: Connection, regions: Sequence[str]) -> dict[tuple[Any, ...], dict[str, str]]:
    """What the last published figures of some regions rest on, of data that are not open: by DISCLOSED."""
    found = connection.execute(select(disclosed).where(disclosed.c.region_id.in_(regions)))
    return {tuple(getattr(row, name) for name in DISCLOSED): row.contributions for row in found}


def remember(connection: Connection, rests_on: Mapping[tuple[Any, ...], Mapping[str, str]]) -> None:
    """Note what published figures rest on, of data that are not open."""
    if rests_on:
        statement = upsert(disclosed)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[disclosed.c[name] for name in DISCLOSED],
                set_={"contributions": statement.excluded.contributions},
            ),
            [{**dict(zip(DISCLOSED, key, strict=True)), "contributions": dict(said)} for key, said in rests_on.items()],
        )


def of_region(
    connection: Connection,
    region_id: str,
    *,
    indicator: str | None = None,
    depth: tuple[int, int] | None = None,
    period: str | None = None,
) -> Sequence[Row[Any]]:
    """Current estimates of a region, each with the terms of its datasets."""
    upper, lower = depth or (None, None)
    return connection.execute(
        query("estimates_of_region"),
        {"region": region_id, "indicator": indicator, "upper": upper, "lower": lower, "period": period},
    ).all()


def periods(connection: Connection) -> list[str]:
    """Periods for which there are current estimates: all first, then by year."""
    found = connection.scalars(select(estimate.c.period).where(estimate.c.released_to.is_(None)).distinct())
    return sorted(found, key=lambda p: "" if p == "all" else p)


def region(connection: Connection, region_id: str) -> Row[Any] | None:
    """The published region's names and area."""
    names = ("id", "kind", "code", "name_en", "name_fr", "name_es", "area_km2", "initiative_region")
    return connection.execute(
        select(*(pub_region.c[name] for name in names)).where(
            pub_region.c.id == region_id, pub_region.c.released_to.is_(None)
        )
    ).first()
