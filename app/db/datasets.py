"""Datasets, their owners, and the uploads that filled them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import dataset, dataset_owner, upload


def hold(connection: Connection, ids: Sequence[UUID]) -> None:
    """Keep these datasets from being changed by others until the transaction ends, and wait for who has them.

    Locks are taken in order of ids, and before the turn to publish (releases.await_turn), so that nobody waits in a
    circle.
    """
    connection.execute(
        select(dataset.c.id).where(dataset.c.id.in_(ids)).order_by(dataset.c.id).with_for_update(key_share=True)
    )


def find(connection: Connection, slug: str) -> Row[Any] | None:
    """The dataset of that name, if there is one."""
    return connection.execute(select(dataset).where(dataset.c.slug == slug)).first()


def everything(connection: Connection) -> Sequence[Row[Any]]:
    """All datasets by name."""
    return connection.execute(select(dataset).order_by(dataset.c.slug)).all()


def register(connection: Connection, record: Mapping[str, Any], owners: Sequence[str]) -> UUID:
    """Store a dataset's terms (columns of core.dataset), new or in place of those under the same slug."""
    statement = upsert(dataset).values(**record)
    changed = {name: statement.excluded[name] for name in record if name != "slug"}
    made = connection.execute(
        statement.on_conflict_do_update(index_elements=[dataset.c.slug], set_=changed).returning(dataset.c.id)
    ).scalar_one()
    connection.execute(delete(dataset_owner).where(dataset_owner.c.dataset_id == made))
    for name in owners:
        connection.execute(insert(dataset_owner).values(dataset_id=made, name=name))
    return UUID(str(made))


def set_state(connection: Connection, dataset_id: UUID, state: str) -> None:
    """Move a dataset to draft, published or withdrawn."""
    connection.execute(update(dataset).where(dataset.c.id == dataset_id).values(state=state))


def stored_upload(connection: Connection, dataset_id: UUID) -> Row[Any] | None:
    """The upload whose rows a dataset holds now."""
    return connection.execute(
        select(upload)
        .where(upload.c.dataset_id == dataset_id, upload.c.state == "stored")
        .order_by(upload.c.created_at.desc())
        .limit(1)
    ).first()


def unreleased_upload(connection: Connection, dataset_id: UUID) -> UUID | None:
    """The stored upload of a dataset that no release has published yet."""
    found: UUID | None = connection.scalar(
        select(upload.c.id).where(
            upload.c.dataset_id == dataset_id, upload.c.state == "stored", upload.c.release.is_(None)
        )
    )
    return found


def mark_released(connection: Connection, dataset_id: UUID, number: int) -> None:
    """Note the first release that published what a dataset holds."""
    connection.execute(
        update(upload)
        .where(upload.c.dataset_id == dataset_id, upload.c.state == "stored", upload.c.release.is_(None))
        .values(release=number)
    )


def record_upload(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Store what came in and what became of each row (columns of core.upload); earlier uploads are superseded."""
    if values["state"] == "stored":
        connection.execute(
            update(upload)
            .where(upload.c.dataset_id == values["dataset_id"], upload.c.state == "stored")
            .values(state="superseded")
        )
    made = connection.execute(insert(upload).values(finished_at=func.now(), **values).returning(upload.c.id))
    return UUID(str(made.scalar_one()))


def by_id(connection: Connection, dataset_id: UUID) -> Row[Any]:
    """The dataset's record."""
    return connection.execute(select(dataset).where(dataset.c.id == dataset_id)).one()


def forget_uploads(connection: Connection, dataset_id: UUID) -> None:
    """Mark all uploads of a dataset as superseded: its rows are gone."""
    connection.execute(
        update(upload).where(upload.c.dataset_id == dataset_id, upload.c.state == "stored").values(state="superseded")
    )
