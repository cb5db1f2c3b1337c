"""Saved mappings: each version is kept for ever, and belongs to the account that took the name first."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, false, func, insert, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.tables import account as accounts
from app.db.tables import mapping
from app.errors import Conflict, NotFound

MOST_VERSIONS = 1_000
"""Versions that one account may save."""


def find(connection: Connection, name: str, account: UUID | None, version: int | None = None) -> dict[str, Any]:
    """The body of a saved mapping: the newest version that the account may use, or the one that is asked for.

    Raises NotFound, also where the mapping is another's and not shared.
    """
    body: dict[str, Any] = get(connection, name, account, version).body
    return body


def get(connection: Connection, name: str, account: UUID | None, version: int | None = None) -> Row[Any]:
    """A saved mapping with its versions: name, version, title, body, shared, own, account_name, created_at, versions.

    Raises NotFound.
    """
    statement = _visible(account).where(mapping.c.name == name)
    rows = connection.execute(statement.add_columns(mapping.c.body).order_by(mapping.c.version.desc())).all()
    found = next((row for row in rows if version in {None, row.version}), None)
    if found is None:
        which = f"version {version} of the mapping {name!r}" if version is not None else f"mapping {name!r}"
        raise NotFound(f"There is no {which}, or it is not shared with you.")
    return found


def versions(connection: Connection, name: str, account: UUID | None) -> list[int]:
    """Versions of a mapping that the account may use, newest first."""
    statement = _visible(account).where(mapping.c.name == name).order_by(mapping.c.version.desc())
    return [row.version for row in connection.execute(statement)]


def listed(
    connection: Connection, account: UUID | None, *, limit: int | None = None, after: str | None = None
) -> Sequence[Row[Any]]:
    """The newest version of each mapping that the account may use, without its body, by name; those behind `after`."""
    newest = _visible(account).ext(distinct_on(mapping.c.name)).order_by(mapping.c.name, mapping.c.version.desc())
    if after is not None:
        newest = newest.where(mapping.c.name > after)
    return connection.execute(newest.limit(limit)).all()


def save(
    connection: Connection,
    *,
    name: str,
    title: str,
    body: Mapping[str, Any],
    shared: bool,
    account: UUID | None,
) -> int:
    """Save a mapping as the next version of its name, and return its number.

    account : who saves it; None for an operator at the command line.

    Raises Conflict where the name is another account's, or the account has saved too many.
    """
    # One at a time for each name: two first versions cannot both be the first.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"mapping {name}", 0))))
    newest = connection.execute(
        select(mapping.c.version, mapping.c.account_id)
        .where(mapping.c.name == name)
        .order_by(mapping.c.version.desc())
        .limit(1)
    ).first()
    if newest is not None and newest.account_id != account:
        raise Conflict(f"The name {name!r} is taken by a mapping of another account; choose another name.")
    count = connection.scalar(select(func.count()).where(mapping.c.account_id == account)) or 0
    if account is not None and count >= MOST_VERSIONS:
        raise Conflict(f"The account has saved {count} versions of mappings; the limit is {MOST_VERSIONS}.")
    version = 1 if newest is None else newest.version + 1
    connection.execute(
        insert(mapping).values(
            name=name, version=version, title=title, body=dict(body), shared=shared, account_id=account
        )
    )
    return version


def _visible(account: UUID | None) -> Any:
    own: ColumnElement[bool] = false() if account is None else mapping.c.account_id == account
    return (
        select(
            mapping.c.name,
            mapping.c.version,
            mapping.c.title,
            mapping.c.shared,
            own.label("own"),
            accounts.c.name.label("account_name"),
            mapping.c.created_at,
        )
        .outerjoin(accounts, accounts.c.id == mapping.c.account_id)
        .where(or_(mapping.c.shared, own))
    )
