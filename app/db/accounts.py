"""Accounts, their keys and their grants."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import account, api_key, dataset, dataset_network, grant, network

# --- Who asks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundKey:
    """A key with its account, whatever their state."""

    key: UUID
    account: UUID
    name: str
    scopes: tuple[str, ...]
    expires: dt.datetime
    revoked: dt.datetime | None
    closed: dt.datetime | None
    last_used: dt.datetime | None


def by_hash(connection: Connection, digest: bytes) -> FoundKey | None:
    """The key with that SHA-256."""
    found = connection.execute(
        select(
            api_key.c.id,
            api_key.c.account_id,
            account.c.name,
            api_key.c.scopes,
            api_key.c.expires_at,
            api_key.c.revoked_at,
            account.c.closed_at,
            api_key.c.last_used_at,
        )
        .join(account, account.c.id == api_key.c.account_id)
        .where(api_key.c.hash == digest)
    ).first()
    return None if found is None else FoundKey(found[0], found[1], found[2], tuple(found[3]), *found[4:])


def used(connection: Connection, key: UUID, hour: dt.datetime) -> None:
    """Note the hour in which a key was used: at most one write per key and hour."""
    stale = or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < hour)
    connection.execute(update(api_key).where(api_key.c.id == key, stale).values(last_used_at=hour))


def rights(connection: Connection, account_id: UUID) -> Sequence[Row[Any, Any, Any]]:
    """What an account may: role, dataset or None, network or None."""
    return connection.execute(
        select(grant.c.role, grant.c.dataset_id, grant.c.network_id).where(grant.c.account_id == account_id)
    ).all()


def by_subject(connection: Connection, issuer: str, subject: str, name: str) -> tuple[Row[Any], bool]:
    """The account of a person whom a provider vouches for, and whether it was made just now."""
    wanted = select(account).where(account.c.issuer == issuer, account.c.subject == subject)
    if found := connection.execute(wanted).first():
        return found, False
    made = connection.execute(
        upsert(account)
        .values(name=name, issuer=issuer, subject=subject)
        .on_conflict_do_nothing(index_elements=[account.c.issuer, account.c.subject])
        .returning(account)
    ).first()
    # None: another request of the same person was faster.
    return (made, True) if made is not None else (connection.execute(wanted).one(), False)


# --- Accounts -------------------------------------------------------------------------------------------------------


def find(connection: Connection, account_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """The account; with `lock` nobody changes it until this transaction ends."""
    statement = select(account).where(account.c.id == account_id)
    return connection.execute(statement.with_for_update() if lock else statement).first()


def add(connection: Connection, *, name: str, email: str | None = None, orcid: str | None = None) -> Row[Any] | None:
    """A new account; None where another has the e-mail address already."""
    statement = upsert(account).values(name=name, email=email, orcid=orcid)
    return connection.execute(
        statement.on_conflict_do_nothing(index_elements=[account.c.email]).returning(account)
    ).first()


def listed(connection: Connection, *, limit: int, after: UUID | None, email: str | None) -> Sequence[Row[Any]]:
    """Accounts in the order of their ids, at most `limit`, with ids above `after`."""
    statement = select(account).order_by(account.c.id).limit(limit)
    if after is not None:
        statement = statement.where(account.c.id > after)
    if email is not None:
        statement = statement.where(func.lower(account.c.email) == email.lower())
    return connection.execute(statement).all()


def set_closed(connection: Connection, account_id: UUID, *, closed: bool) -> Row[Any]:
    """Close or open an account. Closing revokes all of its keys, so that opening it again brings none of them back."""
    if closed:
        revoke_all(connection, account_id)
    return connection.execute(
        update(account)
        .where(account.c.id == account_id)
        .values(closed_at=func.now() if closed else None)
        .returning(account)
    ).one()


def is_last_administrator(connection: Connection, account_id: UUID) -> bool:
    """Whether no other open account is an administrator. Whoever asks at the same time waits for this transaction."""
    return administrators(connection, lock=True) == {account_id}


def administrators(connection: Connection, *, lock: bool = False) -> set[UUID]:
    """Open accounts with the administrator's role; with `lock` one transaction after the other gets the answer."""
    if lock:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('administrators'))"))
    return set(
        connection.scalars(
            select(account.c.id)
            .join(grant, grant.c.account_id == account.c.id)
            .where(grant.c.role == "administrator", account.c.closed_at.is_(None))
        )
    )


# --- Keys -----------------------------------------------------------------------------------------------------------


def add_key(
    connection: Connection,
    account_id: UUID,
    *,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: Collection[str],
    days: int,
) -> Row[Any]:
    """Store a key by its hash, valid for `days`."""
    made = insert(api_key).values(
        account_id=account_id,
        name=name,
        prefix=prefix,
        hash=digest,
        scopes=list(scopes),
        expires_at=func.now() + dt.timedelta(days=days),
    )
    return connection.execute(made.returning(*_shown_key())).one()


def live_keys(connection: Connection, account_id: UUID) -> int:
    """How many keys of an account are neither revoked nor expired."""
    count = select(func.count()).where(
        api_key.c.account_id == account_id, api_key.c.revoked_at.is_(None), api_key.c.expires_at > func.now()
    )
    return cast("int", connection.scalar(count))


def keys(connection: Connection, account_id: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Keys of an account without their hashes, the newest first."""
    return connection.execute(
        select(*_shown_key())
        .where(api_key.c.account_id == account_id)
        .order_by(api_key.c.revoked_at.is_not(None), api_key.c.created_at.desc(), api_key.c.id)
        .limit(limit)
    ).all()


def key(connection: Connection, key_id: UUID) -> Row[Any] | None:
    """A key without its hash."""
    return connection.execute(select(*_shown_key()).where(api_key.c.id == key_id)).first()


def revoke(connection: Connection, key_id: UUID) -> bool:
    """Withdraw a key for good; False where it was before."""
    return _revoked(connection, api_key.c.id == key_id) > 0


def revoke_all(connection: Connection, account_id: UUID) -> int:
    """Withdraw all keys of an account; how many there were."""
    return _revoked(connection, api_key.c.account_id == account_id)


def _revoked(connection: Connection, which: ColumnElement[bool]) -> int:
    changed = update(api_key).where(which, api_key.c.revoked_at.is_(None)).values(revoked_at=func.now())
    return connection.execute(changed).rowcount


def _shown_key() -> list[ColumnElement[Any]]:
    return [column for column in api_key.c if column.name != "hash"]


# --- Grants ---------------------------------------------------------------------------------------------------------


def grants(
    connection: Connection,
    *,
    account_id: UUID | None = None,
    grant_id: UUID | None = None,
    dataset_id: UUID | None = None,
    network_id: UUID | None = None,
) -> Sequence[Row[Any]]:
    """Grants that match what is given: with the names of account, dataset and network, and the networks of the dataset."""
    statement = _grants()
    for wanted, column in (
        (account_id, grant.c.account_id),
        (grant_id, grant.c.id),
        (dataset_id, grant.c.dataset_id),
        (network_id, grant.c.network_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return connection.execute(statement).all()


def _grants() -> Select[Any]:
    reviewing = (
        select(func.coalesce(func.array_agg(dataset_network.c.network_id), text("'{}'::uuid[]")))
        .where(dataset_network.c.dataset_id == grant.c.dataset_id)
        .scalar_subquery()
    )
    return (
        select(
            grant,
            account.c.name.label("account_name"),
            dataset.c.slug.label("dataset_slug"),
            dataset.c.created_by.label("dataset_creator"),
            network.c.code.label("network_code"),
            reviewing.label("dataset_networks"),
        )
        .join(account, account.c.id == grant.c.account_id)
        .outerjoin(dataset, dataset.c.id == grant.c.dataset_id)
        .outerjoin(network, network.c.id == grant.c.network_id)
        .order_by(grant.c.created_at, grant.c.id)
    )


def give(
    connection: Connection,
    account_id: UUID,
    role: str,
    *,
    dataset_id: UUID | None = None,
    network_id: UUID | None = None,
    granted_by: UUID | None = None,
) -> tuple[UUID, bool]:
    """Give an account a role; the grant's id, and whether it is new."""
    made = connection.scalar(
        upsert(grant)
        .values(account_id=account_id, role=role, dataset_id=dataset_id, network_id=network_id, granted_by=granted_by)
        .on_conflict_do_nothing()
        .returning(grant.c.id)
    )
    if made is not None:
        return made, True
    held = connection.scalar(
        select(grant.c.id).where(
            grant.c.account_id == account_id,
            grant.c.role == role,
            grant.c.dataset_id.is_not_distinct_from(dataset_id),
            grant.c.network_id.is_not_distinct_from(network_id),
        )
    )
    return cast("UUID", held), False


def take(connection: Connection, grant_id: UUID) -> None:
    """Take a grant back."""
    connection.execute(delete(grant).where(grant.c.id == grant_id))


def dataset_called(connection: Connection, slug: str) -> Row[*tuple[Any, ...]] | None:
    """A dataset's id, slug, state, creator and the networks that it belongs to."""
    return connection.execute(
        select(
            dataset.c.id,
            dataset.c.slug,
            dataset.c.state,
            dataset.c.created_by,
            func.array_remove(func.array_agg(dataset_network.c.network_id), None).label("networks"),
        )
        .outerjoin(dataset_network, dataset_network.c.dataset_id == dataset.c.id)
        .where(dataset.c.slug == slug)
        .group_by(dataset.c.id)
    ).first()


def network_called(connection: Connection, code: str) -> Row[*tuple[Any, ...]] | None:
    """A network's id and code."""
    return connection.execute(select(network.c.id, network.c.code).where(network.c.code == code)).first()
