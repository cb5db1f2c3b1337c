"""Profiles of two datasets that may be one: found by place, date and values, kept for a person to decide, never merged."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, or_, select, text, update

from app.db.queries import query
from app.db.tables import dataset, duplicate_candidate


def find(connection: Connection, dataset_id: UUID) -> int:
    """Compare the profiles of a dataset with those of all others; returns how many candidates are new.

    Candidates that were found before stay, with what was decided about them.
    """
    here = {"dataset": dataset_id}
    connection.execute(query("work_tables"))
    connection.execute(query("nearby_profiles"), here)
    connection.execute(text("ANALYZE nearby"))
    connection.execute(query("nearby_values"), here)
    connection.execute(text("ANALYZE nearby_value"))
    return int(connection.execute(query("agreeing_profiles"), here).rowcount)


def mark(connection: Connection, dataset_id: UUID) -> int:
    """Bring the flag POSSIBLE_DUPLICATE of a dataset's layers in step with the candidates; returns how many changed."""
    here = {"dataset": dataset_id}
    connection.execute(query("work_tables"))
    connection.execute(query("possible_duplicates"), here)
    connection.execute(text("ANALYZE suspect"))
    return int(connection.scalar(query("mark_possible_duplicates"), here) or 0)


def partners(connection: Connection, dataset_id: UUID) -> list[UUID]:
    """Datasets that share candidates with one."""
    return sorted(connection.scalars(query("partners_of_candidates"), {"dataset": dataset_id}))


_FIRST, _SECOND = dataset.alias("first"), dataset.alias("second")


def _listed() -> Any:
    return (
        select(
            duplicate_candidate,
            _FIRST.c.slug.label("first_slug"),
            _SECOND.c.slug.label("second_slug"),
        )
        .join(_FIRST, _FIRST.c.id == duplicate_candidate.c.first_dataset_id)
        .join(_SECOND, _SECOND.c.id == duplicate_candidate.c.second_dataset_id)
    )


def of_dataset(
    connection: Connection,
    dataset_id: UUID,
    *,
    partners: Collection[UUID],
    state: str | None,
    limit: int,
    offset: int,
) -> tuple[int, Sequence[Row[Any]]]:
    """How many candidates a dataset shares with some others in a state (None: any), and a page, the nearest first."""
    first, second = duplicate_candidate.c.first_dataset_id, duplicate_candidate.c.second_dataset_id
    wanted = or_((first == dataset_id) & second.in_(partners), (second == dataset_id) & first.in_(partners))
    if state is not None:
        wanted &= duplicate_candidate.c.state == state
    total = connection.scalar(select(func.count()).select_from(duplicate_candidate).where(wanted))
    order = (duplicate_candidate.c.distance_m, duplicate_candidate.c.id)
    rows = connection.execute(_listed().where(wanted).order_by(*order).limit(limit).offset(offset)).all()
    return int(total or 0), rows


def positions_are_public(record: Row[Any]) -> bool:
    """Whether a dataset publishes exact positions now; `possible_duplicates` asks the same."""
    return (
        record.state == "published"
        and record.location_precision == "exact"
        and record.licence_class not in {"aggregate_only", "display_generalised_only"}
        and (record.embargo_until is None or record.embargo_until <= dt.datetime.now(dt.UTC).date())
    )


def one(connection: Connection, candidate: UUID) -> Row[Any] | None:
    """A candidate with the names of both datasets."""
    found: Row[Any] | None = connection.execute(_listed().where(duplicate_candidate.c.id == candidate)).first()
    return found


def decide(connection: Connection, candidate: UUID, *, state: str, note: str | None, account: UUID | None) -> None:
    """Write down what a person decided: open, same or different."""
    connection.execute(
        update(duplicate_candidate)
        .where(duplicate_candidate.c.id == candidate)
        .values(
            state=state,
            note=note,
            decided_by=None if state == "open" else account,
            decided_at=None if state == "open" else func.now(),
        )
    )
