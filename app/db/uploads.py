"""Uploads and their states. A state changes only from one that allows it, by one statement that says so."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import dataset, dataset_network, idempotency_key, upload

ACTIVE = ("received", "checking", "checked", "accepted", "in_review", "storing", "stored")
"""States in which the same file would only be the same again."""
WORKING = ("received", "checking", "accepted", "storing")
"""States in which a job has something to do."""
OVER = ("refused", "rejected", "cancelled", "failed", "superseded", "withdrawn")
"""States that nothing follows; stored is followed by superseded or withdrawn only."""
KEPT = ("received", "checking", "checked", "accepted", "in_review", "storing", "stored", "superseded", "withdrawn")
"""States whose file is never removed."""

_DESCRIBED = (
    upload,
    dataset.c.slug.label("dataset_slug"),
)


def lock(connection: Connection, what: str) -> None:
    """Wait until no other transaction holds `what`, and hold it until this one ends."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 4000007))))


def target(connection: Connection, slug: str) -> Any | None:
    """Id and state of the dataset of that name."""
    return connection.execute(
        select(dataset.c.id, dataset.c.slug, dataset.c.state).where(dataset.c.slug == slug)
    ).first()


def networks(connection: Connection, dataset_id: UUID) -> frozenset[UUID]:
    """Networks that review a dataset."""
    return frozenset(
        connection.scalars(select(dataset_network.c.network_id).where(dataset_network.c.dataset_id == dataset_id))
    )


def find(connection: Connection, upload_id: UUID) -> Any | None:
    """An upload with the short name of its dataset."""
    return connection.execute(
        select(*_DESCRIBED).outerjoin(dataset, dataset.c.id == upload.c.dataset_id).where(upload.c.id == upload_id)
    ).first()


def listing(
    connection: Connection,
    datasets: Collection[UUID] | None,
    *,
    limit: int,
    state: str | None = None,
    before: tuple[dt.datetime, UUID] | None = None,
) -> Sequence[Any]:
    """Uploads of some datasets (None: of all) without their reports, newest first; those that came before another."""
    columns = [c for c in upload.c if c.name not in {"report", "proposal", "mapping_body"}]
    statement = select(*columns, dataset.c.slug.label("dataset_slug")).join(
        dataset, dataset.c.id == upload.c.dataset_id
    )
    if datasets is not None:
        statement = statement.where(upload.c.dataset_id.in_(list(datasets)))
    if state is not None:
        statement = statement.where(upload.c.state == state)
    if before is not None:
        statement = statement.where(
            or_(upload.c.created_at < before[0], and_(upload.c.created_at == before[0], upload.c.id < before[1]))
        )
    return connection.execute(statement.order_by(upload.c.created_at.desc(), upload.c.id.desc()).limit(limit)).all()


def states(connection: Connection, ids: Collection[UUID]) -> Sequence[Any]:
    """Id, state, step, progress and time of the last change of some uploads."""
    return connection.execute(
        select(upload.c.id, upload.c.state, upload.c.step, upload.c.progress, upload.c.changed_at).where(
            upload.c.id.in_(list(ids))
        )
    ).all()


def add(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Store what came in; returns its id."""
    made = connection.execute(
        insert(upload).values(state="received", step="waiting", progress=0, **values).returning(upload.c.id)
    )
    return UUID(str(made.scalar_one()))


def same(
    connection: Connection,
    *,
    dataset_id: UUID,
    sha256: bytes,
    mapping: str | None,
    mapping_body: Mapping[str, Any] | None,
    rules_version: str,
    replaces: bool,
    strict: bool,
) -> UUID | None:
    """The upload that holds this very file already, to be read in the same way, and is neither over nor replaced."""
    rows = connection.execute(
        select(
            upload.c.id, upload.c.state, upload.c.mapping, upload.c.mapping_body, upload.c.proposal, upload.c.replaces
        )
        .where(
            upload.c.dataset_id == dataset_id,
            upload.c.sha256 == sha256,
            upload.c.state.in_(ACTIVE),
            upload.c.strict == strict,
            or_(upload.c.rules_version.is_(None), upload.c.rules_version == rules_version),
        )
        .order_by(upload.c.created_at.desc())
    )
    for row in rows:
        asked = None if row.proposal is not None else row.mapping
        alike = asked == mapping and (row.proposal is not None or row.mapping_body == mapping_body)
        if alike and (row.state == "stored" or row.replaces == replaces):
            return UUID(str(row.id))
    return None


def held(connection: Connection, dataset_id: UUID) -> Any | None:
    """The upload whose rows a dataset holds now: id and file name."""
    return connection.execute(
        select(upload.c.id, upload.c.filename)
        .where(upload.c.dataset_id == dataset_id, upload.c.state == "stored")
        .order_by(upload.c.created_at.desc())
        .limit(1)
    ).first()


def move(
    connection: Connection, upload_id: UUID, states: Collection[str], state: str, *conditions: Any, **values: Any
) -> bool:
    """Change the state, if it is one of `states` and all conditions hold; whether it was so."""
    done = connection.execute(
        update(upload)
        .where(upload.c.id == upload_id, upload.c.state.in_(list(states)), *conditions)
        .values(
            state=state,
            changed_at=func.clock_timestamp(),
            finished_at=func.clock_timestamp() if state in {*OVER, "stored"} else None,
            **values,
        )
    )
    return done.rowcount == 1


def chosen_mapping() -> Any:
    """The condition that somebody chose or confirmed the mapping."""
    return upload.c.mapping.is_not(None)


def tell(connection: Connection, upload_id: UUID, state: str, step: str, share: float | None) -> bool:
    """Say what is being done with an upload; False where it is not in that state any more."""
    values: dict[str, Any] = {"step": step, "changed_at": func.clock_timestamp()}
    if share is not None:
        values["progress"] = share
    done = connection.execute(update(upload).where(upload.c.id == upload_id, upload.c.state == state).values(**values))
    return done.rowcount == 1


def supersede(connection: Connection, dataset_id: UUID, by: UUID) -> None:
    """End the earlier stored uploads of a dataset."""
    connection.execute(
        update(upload)
        .where(upload.c.dataset_id == dataset_id, upload.c.state == "stored", upload.c.id != by)
        .values(state="superseded", changed_at=func.clock_timestamp())
    )


def shared_file(connection: Connection, sha256: bytes) -> bool:
    """Whether an upload whose file must stay refers to these bytes."""
    return bool(
        connection.scalar(
            select(select(upload.c.id).where(upload.c.sha256 == sha256, upload.c.state.in_(KEPT)).exists())
        )
    )


def needed_files(connection: Connection, *, ended_after: dt.datetime) -> frozenset[str]:
    """Hashes of the files that must stay: of uploads that go on or were stored, and of those that ended lately."""
    rows = connection.scalars(
        select(func.encode(upload.c.sha256, "hex")).where(
            or_(upload.c.state.in_(KEPT), func.coalesce(upload.c.finished_at, upload.c.changed_at) >= ended_after)
        )
    )
    return frozenset(rows)


def recall(connection: Connection, account_id: UUID, key: str) -> Any | None:
    """What a request with this Idempotency-Key asked for, and the upload that it made."""
    return connection.execute(
        select(idempotency_key.c.request_sha256, idempotency_key.c.upload_id).where(
            idempotency_key.c.account_id == account_id, idempotency_key.c.key == key
        )
    ).first()


def remember(connection: Connection, account_id: UUID, key: str, request_sha256: bytes, upload_id: UUID) -> None:
    """Note what a request with an Idempotency-Key asked for; the first one counts."""
    connection.execute(
        upsert(idempotency_key)
        .values(account_id=account_id, key=key, request_sha256=request_sha256, upload_id=upload_id)
        .on_conflict_do_nothing()
    )


def forget_keys(connection: Connection, *, before: dt.datetime) -> None:
    """Forget Idempotency-Keys that were sent before a time."""
    connection.execute(delete(idempotency_key).where(idempotency_key.c.created_at < before))
