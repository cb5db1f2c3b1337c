"""Profiles of two datasets that may be one: found by place, date and values, kept for a person to decide, never merged."""

from collections.abc import Sequence
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
    connection: Connection, dataset_id: UUID, *, state: str | None, limit: int, offset: int
) -> tuple[int, Sequence[Row[Any]]]:
    """How many candidates a dataset has in a state (None: any), and a page of them, the nearest first."""
    mine = or_(
        duplicate_candidate.c.first_dataset_id == dataset_id, duplicate_candidate.c.second_dataset_id == dataset_id
    )
    wanted = mine if state is None else mine & (duplicate_candidate.c.state == state)
    total = connection.scalar(select(func.count()).select_from(duplicate_candidate).where(wanted))
    order = (duplicate_candidate.c.distance_m, duplicate_candidate.c.id)
    rows = connection.execute(_listed().where(wanted).order_by(*order).limit(limit).offset(offset)).all()
    return int(total or 0), rows


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
