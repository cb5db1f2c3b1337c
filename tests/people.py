"""Accounts with keys, made for tests as an operator would make them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from app.db import accounts
from app.identity.keys import new_key
from app.identity.roles import SCOPES, Grant


@dataclass(frozen=True)
class Person:
    """An account and a key of it."""

    account: UUID
    key_id: UUID
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of the person carries."""
        return {"Authorization": f"Bearer {self.key}"}


def person(
    connection: Connection, name: str, *grants: Grant, scopes: Collection[str] = SCOPES, days: int = 30
) -> Person:
    """An account with these grants, and a key with these scopes."""
    made = accounts.add(connection, name=name)
    assert made is not None
    for grant in grants:
        accounts.give(connection, made.id, grant.role, dataset_id=grant.dataset, network_id=grant.network)
    return Person(made.id, *key_of(connection, made.id, scopes=scopes, days=days))


def key_of(
    connection: Connection, account: UUID, *, scopes: Collection[str] = SCOPES, days: int = 30
) -> tuple[UUID, str]:
    """A further key of an account: its id, and the key."""
    new = new_key()
    row = accounts.add_key(
        connection, account, name="test", prefix=new.prefix, digest=new.hash, scopes=scopes, days=days
    )
    return row.id, new.secret
