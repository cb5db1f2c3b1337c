"""Accounts, their keys and their grants."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update

from app.db.tables import account, api_key, grant


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


def used(connection: Connection, key: UUID, now: dt.datetime) -> None:
    """Note the hour in which a key was used: at most one write per key and hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    connection.execute(
        update(api_key)
        .where(
            api_key.c.id == key, func.coalesce(api_key.c.last_used_at, dt.datetime.min.replace(tzinfo=dt.UTC)) < hour
        )
        .values(last_used_at=hour)
    )


def grants(connection: Connection, account_id: UUID) -> Sequence[Row[Any, Any, Any]]:
    """What an account may: role, dataset or None, network or None."""
    return connection.execute(
        select(grant.c.role, grant.c.dataset_id, grant.c.network_id).where(grant.c.account_id == account_id)
    ).all()
