"""Estimates of regions: written by release, read as rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    TextClause,
    and_,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db import tables
from app.db.queries import query, sql
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


def of_regions(
    connection: Connection,
    regions: Sequence[str],
    *,
    release: int | None = None,
    indicator: str | None = None,
    depth: tuple[int, int] | None = None,
    period: str | None = None,
) -> Sequence[Row[Any]]:
    """Estimates of some regions, each with the terms of its datasets: the present ones, or those of a release."""
    upper, lower = depth or (None, None)
    return connection.execute(
        _valid("estimates_of_region", release),
        {
            "regions": list(regions),
            "indicator": indicator,
            "upper": upper,
            "lower": lower,
            "period": period,
            **_named(release),
        },
    ).all()


def of_region(connection: Connection, region_id: str, **chosen: Any) -> Sequence[Row[Any]]:
    """Estimates of one region; `chosen` as for of_regions."""
    return of_regions(connection, [region_id], **chosen)


def of_kind(
    connection: Connection,
    kind: str,
    *,
    release: int | None = None,
    indicator: str,
    depth: tuple[int, int],
    period: str,
    with_shape: bool = False,
) -> Sequence[Row[Any]]:
    """One indicator in all regions of a kind that have an estimate, with their names and, if asked, boundaries."""
    return connection.execute(
        _valid("estimates_of_kind", release),
        {
            "kind": kind,
            "indicator": indicator,
            "upper": depth[0],
            "lower": depth[1],
            "period": period,
            "with_shape": with_shape,
            **_named(release),
        },
    ).all()


def versions(
    connection: Connection, region_id: str, *, until: int, indicator: str, depth: tuple[int, int], period: str
) -> Sequence[Row[Any]]:
    """All states of one figure up to a release, the earliest first."""
    names = ("released_from", "released_to", "value", "n_sites", "refused", "method_version")
    return connection.execute(
        select(*(estimate.c[name] for name in names))
        .where(
            estimate.c.region_id == region_id,
            estimate.c.indicator == indicator,
            estimate.c.upper_cm == depth[0],
            estimate.c.lower_cm == depth[1],
            estimate.c.period == period,
            estimate.c.slice == "all",
            estimate.c.mass_basis == "fixed_depth",
            estimate.c.released_from <= until,
        )
        .order_by(estimate.c.released_from)
    ).all()


def _valid(name: str, release: int | None) -> TextClause:
    """A named query over the present rows, which an index holds apart, or over those of a release."""
    said = "{}.released_to IS NULL"
    if release is not None:
        said = "({0}.released_from <= :release AND ({0}.released_to IS NULL OR {0}.released_to > :release))"
    body = sql(name)
    for table in "edr":
        body = body.replace(f"{{{table}}}", said.format(table))
    return text(body)


def _named(release: int | None) -> dict[str, int]:
    return {} if release is None else {"release": release}


def _in(table: Table, release: int | None) -> ColumnElement[bool]:
    """The rows of a table that are valid now, or in a release."""
    ended = table.c.released_to.is_(None)
    if release is None:
        return ended
    return and_(table.c.released_from <= release, or_(ended, table.c.released_to > release))


def periods(connection: Connection, release: int | None = None) -> list[str]:
    """Periods for which there are estimates, now or in a release: all first, then by year."""
    found = connection.scalars(select(estimate.c.period).where(_in(estimate, release)).distinct())
    return sorted(found, key=lambda p: "" if p == "all" else p)


def regions(connection: Connection, ids: Sequence[str], release: int | None = None) -> dict[str, Row[Any]]:
    """Names and areas of published regions, now or in a release, by id. Unknown ones are left out."""
    names = ("id", "kind", "code", "name_en", "name_fr", "name_es", "area_km2", "initiative_region")
    found = connection.execute(
        select(*(pub_region.c[name] for name in names)).where(pub_region.c.id.in_(ids), _in(pub_region, release))
    )
    return {row.id: row for row in found}


def release_at(connection: Connection, moment: dt.datetime) -> int:
    """The release that was current at a moment in the past; 0 before the first."""
    return int(connection.scalar(query("release_at"), {"moment": moment}) or 0)


def released(connection: Connection, number: int) -> dt.datetime | None:
    """When a release was made; None where there is no such release."""
    found: dt.datetime | None = connection.scalar(
        select(tables.release.c.created_at).where(tables.release.c.number == number)
    )
    return found


def now(connection: Connection) -> dt.datetime:
    """The database's time: what releases are dated by."""
    return connection.execute(select(func.now())).scalar_one()
