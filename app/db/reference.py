"""Vocabularies and partners: written as a whole, known entries updated in place."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import polars as pl
from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import agreement, membership, objective, observed_property, organisation


class Property(Protocol):
    """What is stored of an observed property."""

    @property
    def code(self) -> str:
        """Code used everywhere in the service."""

    @property
    def title(self) -> str:
        """Name in English."""

    @property
    def unit(self) -> str:
        """Canonical unit as people write it."""

    @property
    def ucum(self) -> str:
        """Canonical unit as a UCUM code."""

    @property
    def definition(self) -> str:
        """What is measured, of what."""

    @property
    def possible(self) -> tuple[float, float]:
        """Smallest and largest possible value."""

    @property
    def glosis(self) -> str:
        """GloSIS identifier."""


def _write(connection: Connection, table: Table, key: str, rows: list[Mapping[str, Any]]) -> None:
    statement = upsert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name != key}
    connection.execute(statement.on_conflict_do_update(index_elements=[table.c[key]], set_=changed), rows)


def write_properties(connection: Connection, properties: Iterable[Property]) -> None:
    """Store the dictionary of observed properties."""
    rows = [
        {
            "code": p.code,
            "title": p.title,
            "unit": p.unit,
            "ucum": p.ucum,
            "definition": p.definition,
            "glosis": p.glosis or None,
            "possible_min": p.possible[0],
            "possible_max": p.possible[1],
        }
        for p in properties
    ]
    _write(connection, observed_property, "code", rows)  # type: ignore[arg-type]


def write_objectives(connection: Connection, frame: pl.DataFrame) -> None:
    """Store the strategic objectives; columns as in core.objective."""
    _write(connection, objective, "code", frame.to_dicts())  # type: ignore[arg-type]


def write_partners(connection: Connection, partners: pl.DataFrame, agreements: pl.DataFrame) -> None:
    """Store partner organisations, their tiers and agreements; columns as in data/samples, all text."""
    rows = [
        {
            "name": p["name"],
            "college": p["college"],
            "country_code": p["country_iso3"],
            "initiative_region": p["initiative_region"],
            "place": p["place"],
            "geom": f"SRID=4326;POINT({p['longitude']} {p['latitude']})" if p["longitude"] else None,
            "position_precision": p["location_precision"],
            "source": f"Public documents of the 4 per 1000 Initiative ({p['source']})",
        }
        for p in partners.iter_rows(named=True)
    ]
    _write(connection, organisation, "name", rows)  # type: ignore[arg-type]
    ids = {row.name: row.id for row in connection.execute(select(organisation.c.id, organisation.c.name))}
    known = [ids[name] for name in partners["name"]]
    for table in (membership, agreement):
        connection.execute(delete(table).where(table.c.organisation_id.in_(known)))
    connection.execute(
        insert(membership),
        [
            {"organisation_id": ids[p["name"]], "tier": tier}
            for p in partners.iter_rows(named=True)
            for tier in p["tiers"].split(";")
        ],
    )
    connection.execute(
        insert(agreement),
        [
            {
                "organisation_id": ids[a["organisation"]],
                "kind": a["kind"],
                "starts_on": _day(a["starts_on"]),
                "starts_on_precision": a["starts_on_precision"] if a["starts_on"] else None,
                "ends_on": _day(a["ends_on"]),
                "note": a["note"],
            }
            for a in agreements.iter_rows(named=True)
        ],
    )


def _day(text: str | None) -> dt.date | None:
    """A date as written; of a year or month its first day."""
    if not text:
        return None
    return dt.date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
