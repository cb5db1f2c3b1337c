"""The log of who did what: append-only, written in the transaction of the deed, so that neither is without the other."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, insert, select

from app.db.tables import account, audit


def record(
    connection: Connection,
    principal_account: UUID | None,
    action: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write down a deed.

    principal_account : who did it; None for an operator at the command line.
    action : verb and noun, such as `revoke key`. target : kind and id, such as `key 5c0e…`.
    detail : particulars as JSON; never a secret, a measured value or a position.
    """
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    connection.execute(
        insert(audit).values(
            account_id=principal_account,
            action=action,
            target=target,
            request_id=request_id,
            detail=dict(detail or {}),
        )
    )


def entries(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    account_id: UUID | None = None,
    action: str | None = None,
    target: str | None = None,
    since: dt.datetime | None = None,
) -> Sequence[Row[Any]]:
    """The newest entries first, at most `limit`; those with a number below `before`, and that match all filters."""
    statement = select(audit, account.c.name.label("account_name")).outerjoin(
        account, account.c.id == audit.c.account_id
    )
    for wanted, column in ((account_id, audit.c.account_id), (action, audit.c.action), (target, audit.c.target)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if before is not None:
        statement = statement.where(audit.c.entry < before)
    if since is not None:
        statement = statement.where(audit.c.at >= since)
    return connection.execute(statement.order_by(audit.c.entry.desc()).limit(limit)).all()
