"""Who asks: the key or token of a request becomes a Principal.

A credential that is sent is always checked: one that is wrong, expired or revoked is refused with 401, never treated as
if nothing had been sent.
"""

import datetime as dt
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from app.db import accounts, audit
from app.db.session import translated
from app.errors import Unauthenticated
from app.identity import keys
from app.identity.roles import ANONYMOUS, SCOPES, Grant, Principal
from app.routers.context import Context, Here

CREDENTIAL_MAX = 8_192
"""Longest credential that is looked at [character]."""

OPTIONAL = HTTPBearer(
    scheme_name="optional", description="An API key, or a token of an OpenID Connect provider.", auto_error=False
)
REQUIRED = HTTPBearer(
    scheme_name="bearer", description="An API key, or a token of an OpenID Connect provider.", auto_error=False
)


def credential(request: Request) -> str | None:
    """The key or token of a request, None where none was sent.

    Raises
    ------
    Unauthenticated
        If something was sent that is not one bearer credential. It is not repeated.
    """
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    scheme, _, value = sent[0].partition(" ")
    value = value.strip()
    if len(sent) > 1 or scheme.lower() != "bearer" or not value or " " in value or len(value) > CREDENTIAL_MAX:
        raise Unauthenticated("Send one header Authorization: Bearer with a key or token.", invalid=True)
    return value


def caller(request: Request, here: Here, _described: Annotated[object, Depends(OPTIONAL)]) -> Principal:
    """Who asks; ANONYMOUS where no credential was sent."""
    # The answer depends on who asks; where its headers are made, caches are told so.
    request.state.identified = True
    sent = credential(request)
    if sent is None:
        return ANONYMOUS
    found = _of_key(here, sent) if keys.FORM.fullmatch(sent) else _of_token(request, here, sent)
    request.app.state.gate.recognise(sent, f"key {found.key}" if found.key else f"account {found.account}")
    return found


def member(
    caller: Annotated[Principal, Depends(caller)], _described: Annotated[object, Depends(REQUIRED)]
) -> Principal:
    """Who asks, with an account: Unauthenticated for the anonymous."""
    caller.require_account()
    return caller


Caller = Annotated[Principal, Depends(caller)]
Member = Annotated[Principal, Depends(member)]
"""Like Caller, for endpoints that nobody may use without an account; the description of the API says so."""


def _of_key(here: Context, sent: str) -> Principal:
    now = dt.datetime.now(dt.UTC)
    with translated(), here.desk.begin() as connection:
        found = accounts.by_hash(connection, keys.digest(sent))
        if found is None:
            raise Unauthenticated("There is no such key.", invalid=True)
        fault = keys.fault(now=now, expires=found.expires, revoked=found.revoked, closed=found.closed)
        if fault:
            raise Unauthenticated(fault, invalid=True)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if found.last_used is None or found.last_used < hour:
            accounts.used(connection, found.key, hour)
        grants = tuple(Grant(*row) for row in accounts.rights(connection, found.account))
    return Principal(found.account, found.name, grants, frozenset(found.scopes), found.key)


def _of_token(request: Request, here: Context, sent: str) -> Principal:
    """The account of the person whom a token speaks for; made when they come for the first time."""
    # Before the transaction: the provider may have to be asked.
    person = request.app.state.tokens.verify(sent)
    with translated(), here.desk.begin() as connection:
        found, new = accounts.by_subject(connection, person.issuer, person.subject, person.name)
        if found.closed_at is not None:
            raise Unauthenticated("The account of this person is closed.", invalid=True)
        if new:
            audit.record(connection, found.id, "create account", f"account {found.id}", {"issuer": person.issuer})
            if here.settings.oidc_first_role != "none":
                grant, _ = accounts.give(connection, found.id, here.settings.oidc_first_role)
                detail = {"grant": str(grant), "role": here.settings.oidc_first_role}
                audit.record(connection, None, "give grant", f"account {found.id}", detail)
        grants = tuple(Grant(*row) for row in accounts.rights(connection, found.id))
    return Principal(found.id, found.name, grants, frozenset(SCOPES), None)
