"""Datasets, their owners, and the uploads that filled them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import dataset, dataset_network, dataset_owner, network, pub_dataset, upload


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


def called(connection: Connection, slug: str, *, lock: bool = False) -> Row[Any] | None:
    """The dataset of that name with its owners and networks (ids and codes)."""
    if lock:
        connection.execute(select(dataset.c.id).where(dataset.c.slug == slug).with_for_update(key_share=True))
    return connection.execute(_described().where(dataset.c.slug == slug)).first()


def listed(
    connection: Connection, *, limit: int, after: str | None, seen: Collection[UUID] | None
) -> Sequence[Row[Any]]:
    """Datasets by name with owners and networks: those shown to everybody, and those in `seen`; all where it is None."""
    statement = _described().order_by(dataset.c.slug).limit(limit)
    if seen is not None:
        shown = select(pub_dataset.c.id).where(pub_dataset.c.released_to.is_(None))
        statement = statement.where(or_(dataset.c.id.in_(seen), dataset.c.id.in_(shown)))
    if after is not None:
        statement = statement.where(dataset.c.slug > after)
    return connection.execute(statement).all()


def _described() -> Select[Any]:
    owners = (
        select(
            func.coalesce(func.array_agg(aggregate_order_by(dataset_owner.c.name, dataset_owner.c.name)), text("'{}'"))
        )
        .where(dataset_owner.c.dataset_id == dataset.c.id)
        .scalar_subquery()
    )
    of_dataset = dataset_network.join(network, network.c.id == dataset_network.c.network_id)

    def networks(column: Any) -> Any:
        return (
            select(func.coalesce(func.array_agg(aggregate_order_by(column, network.c.code)), text("'{}'")))
            .select_from(of_dataset)
            .where(dataset_network.c.dataset_id == dataset.c.id)
            .scalar_subquery()
        )

    return select(
        dataset,
        owners.label("owners"),
        networks(network.c.id).label("networks"),
        networks(network.c.code).label("network_codes"),
    )


def in_networks(connection: Connection, networks: Collection[UUID]) -> set[UUID]:
    """Datasets that belong to one of some networks."""
    return set(
        connection.scalars(select(dataset_network.c.dataset_id).where(dataset_network.c.network_id.in_(networks)))
    )


def add(
    connection: Connection, record: Mapping[str, Any], owners: Sequence[str], networks: Collection[UUID]
) -> UUID | None:
    """Register a dataset as a draft: its id, None where the name is taken."""
    made: UUID | None = connection.scalar(
        upsert(dataset).values(**record, state="draft").on_conflict_do_nothing().returning(dataset.c.id)
    )
    if made is None:
        return None
    set_owners(connection, made, owners)
    for one in networks:
        join_network(connection, made, one)
    return made


def change(connection: Connection, dataset_id: UUID, values: Mapping[str, Any]) -> None:
    """Change columns of a dataset's record."""
    connection.execute(update(dataset).where(dataset.c.id == dataset_id).values(**values))


def set_owners(connection: Connection, dataset_id: UUID, owners: Sequence[str]) -> None:
    """Make these the owners of a dataset."""
    connection.execute(delete(dataset_owner).where(dataset_owner.c.dataset_id == dataset_id))
    connection.execute(insert(dataset_owner), [{"dataset_id": dataset_id, "name": name} for name in owners])


def join_network(connection: Connection, dataset_id: UUID, network_id: UUID) -> bool:
    """Let a dataset belong to a network; whether that is new."""
    made = connection.execute(
        upsert(dataset_network).values(dataset_id=dataset_id, network_id=network_id).on_conflict_do_nothing()
    )
    return made.rowcount == 1


def leave_network(connection: Connection, dataset_id: UUID, network_id: UUID) -> bool:
    """Let a dataset no longer belong to a network; whether it did."""
    gone = connection.execute(
        delete(dataset_network).where(
            dataset_network.c.dataset_id == dataset_id, dataset_network.c.network_id == network_id
        )
    )
    return gone.rowcount == 1


def uploads_of(connection: Connection, dataset_id: UUID, *, limit: int) -> Sequence[Any]:
    """What came in for a dataset, the newest first, without reports."""
    columns = ("id", "filename", "size_bytes", "state", "rows_read", "rows_stored", "rows_refused", "release")
    return connection.execute(
        select(*(upload.c[name] for name in columns), upload.c.created_at, upload.c.finished_at)
        .where(upload.c.dataset_id == dataset_id)
        .order_by(upload.c.created_at.desc(), upload.c.id)
        .limit(limit)
    ).all()


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


def set_state(connection: Connection, dataset_id: UUID, state: str, because: str | None = None) -> None:
    """Move a dataset to draft, published or withdrawn. because : why it was withdrawn."""
    connection.execute(update(dataset).where(dataset.c.id == dataset_id).values(state=state, withdrawn_because=because))


def stored_upload(connection: Connection, dataset_id: UUID) -> Row[Any] | None:
    """The upload whose rows a dataset holds now."""
    return connection.execute(
        select(upload)
        .where(upload.c.dataset_id == dataset_id, upload.c.state == "stored")
        .order_by(upload.c.created_at.desc())
        .limit(1)
    ).first()


def unreleased_upload(connection: Connection, dataset_id: UUID) -> UUID | None:
    """The upload of a dataset that is stored or being stored, and that no release has published yet."""
    found: UUID | None = connection.scalar(
        select(upload.c.id).where(
            upload.c.dataset_id == dataset_id, upload.c.state.in_(("storing", "stored")), upload.c.release.is_(None)
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
