"""Accounts, keys and grants: who may do what, given and taken; and the log of it."""

import datetime as dt
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import Connection, Row

from app.db import accounts, audit
from app.errors import Conflict, Forbidden, InvalidParameter, NotFound
from app.identity import keys
from app.identity.roles import SCOPES, Principal, Role, Scope, place_fault
from app.routers import account_schemas as shapes
from app.routers import deps
from app.routers.bodies import Body, Line, Slug
from app.routers.deps import Desk, Here
from app.routers.identity import Member
from app.routers.links import JSON, base, with_query

router = APIRouter(tags=["accounts"])

PAGE_DEFAULT, PAGE_MAX = 100, 1_000
PAGED = {
    "limit": f"Entries per page: {PAGE_DEFAULT} unless asked, at most {PAGE_MAX}.",
    "cursor": "Where the page starts; taken from the link named next.",
}
KEYS_SHOWN = 200
LENT: frozenset[Role] = frozenset({"reader", "contributor", "reviewer"})
"""Roles that a coordinator may give and take within the own network."""


def _address(text: str) -> str:
    if text.count("@") != 1 or text.startswith("@") or text.endswith("@"):
        raise ValueError("not an e-mail address")
    return text.lower()


Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[!-~]+$"), AfterValidator(_address)
]


class NewKey(Body):
    """A key to make."""

    name: Line = Field(description="What you call it, such as the program or machine that uses it.")
    scopes: frozenset[Scope] = Field(frozenset({"read"}), min_length=1, description="What it may be used for.")
    days: int = Field(keys.DAYS_DEFAULT, ge=1, le=keys.DAYS_MAX, description="How long it is valid [day].")


class NewAccount(Body):
    """An account to make."""

    name: Line = Field(description="Name shown to others.")
    email: Email | None = Field(None, description="Address for messages about own data.")
    orcid: Annotated[str, StringConstraints(pattern=r"^([0-9]{4}-){3}[0-9]{3}[0-9X]$")] | None = Field(
        None, description="ORCID iD, without https://orcid.org/."
    )


class NewGrant(Body):
    """A role to give, for one dataset, for one network, or for neither."""

    role: Role
    dataset: Slug | None = Field(None, description="Short name of the dataset it holds for.")
    network: Slug | None = Field(None, description="Code of the network it holds for.")


# --- The own account ------------------------------------------------------------------------------------------------


@router.get("/account", summary="Who am I, and what may I do?")
def own_account(request: Request, caller: Member, connection: Desk) -> shapes.OwnAccount:
    """The account that asks, its grants, and the key that was used."""
    deps.only(request)
    found = _account(connection, caller.require_account())
    used = accounts.key(connection, caller.key) if caller.key else None
    return {
        **_shown(found),
        "grants": [_granted(row) for row in accounts.grants(connection, account_id=found.id)],
        "scopes": [scope for scope in SCOPES if scope in caller.scopes],
        "key": _key(used) if used else None,
    }


@router.get("/keys", summary="Keys of the own account")
def own_keys(request: Request, caller: Member, connection: Desk) -> shapes.Keys:
    """The keys, without what would let anybody use them; those in use first."""
    deps.only(request)
    return {"keys": [_key(row) for row in accounts.keys(connection, caller.require_account(), limit=KEYS_SHOWN)]}


@router.post("/keys", status_code=201, summary="Make a key for the own account")
def make_key(request: Request, caller: Member, connection: Desk, body: NewKey) -> shapes.ShownKey:
    """A new key: the only answer that ever shows it. A key cannot make one with scopes that it lacks itself."""
    deps.only(request)
    own = caller.require_account()
    return _new_key(connection, caller, own, body)


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
def revoke_key(request: Request, caller: Member, connection: Desk, key_id: UUID) -> Response:
    """Make a key invalid for good, from the next request on. Administrators may revoke every key."""
    deps.only(request)
    own = caller.require_account()
    found = accounts.key(connection, key_id)
    if found is None or (found.account_id != own and not caller.may("account.manage")):
        raise NotFound("There is no such key among yours.")
    if accounts.revoke(connection, found.id):
        audit.record(connection, own, "revoke key", f"key {found.id}", {"account": str(found.account_id)})
    return Response(status_code=HTTPStatus.NO_CONTENT)


# --- Accounts -------------------------------------------------------------------------------------------------------


@router.get(
    "/accounts",
    summary="All accounts, for administrators",
    openapi_extra=deps.described(**PAGED, email="E-mail address of the account."),
)
def list_accounts(request: Request, here: Here, caller: Member, connection: Desk) -> shapes.Accounts:
    """A page of accounts; `email` finds one."""
    caller.require("account.manage", what="accounts")
    deps.only(request, "limit", "cursor", "email")
    limit = deps.whole(request, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)
    after = request.query_params.get("cursor")
    email = deps.plain("email", request.query_params.get("email"))
    after_id = None if after is None else deps.uuid("cursor", after)
    rows = accounts.listed(connection, limit=limit + 1, after=after_id, email=email)
    links = []
    if len(rows) > limit:
        links.append(_next(request, here, str(rows[limit - 1].id)))
    return {"accounts": [_shown(row) for row in rows[:limit]], "links": links}


@router.post("/accounts", status_code=201, summary="Make an account, for administrators")
def make_account(request: Request, caller: Member, connection: Desk, body: NewAccount) -> shapes.Account:
    """An account without any grant. Give it roles, and a first key, next."""
    caller.require("account.manage", what="accounts")
    deps.only(request)
    made = accounts.add(connection, name=body.name, email=body.email, orcid=body.orcid)
    if made is None:
        raise Conflict("Another account has this e-mail address.")
    audit.record(connection, caller.account, "create account", f"account {made.id}")
    return _shown(made)


@router.get("/accounts/{account_id}", summary="One account, for administrators")
def get_account(request: Request, caller: Member, connection: Desk, account_id: UUID) -> shapes.AccountWithGrants:
    """An account with its grants."""
    caller.require("account.manage", what="accounts")
    deps.only(request)
    found = _account(connection, account_id)
    return {
        **_shown(found),
        "grants": [_granted(row) for row in accounts.grants(connection, account_id=found.id)],
    }


@router.post("/accounts/{account_id}/close", summary="Close an account, for administrators")
def close_account(request: Request, caller: Member, connection: Desk, account_id: UUID) -> shapes.Account:
    """Shut an account and revoke its keys for good. What it did stays written."""
    return _set_closed(request, caller, connection, account_id, closed=True)


@router.post("/accounts/{account_id}/open", summary="Open a closed account again, for administrators")
def open_account(request: Request, caller: Member, connection: Desk, account_id: UUID) -> shapes.Account:
    """Open an account that was closed. It has its grants as before, and none of its keys."""
    return _set_closed(request, caller, connection, account_id, closed=False)


def _set_closed(
    request: Request, caller: Principal, connection: Connection, account_id: UUID, *, closed: bool
) -> shapes.Account:
    caller.require("account.manage", what="accounts")
    deps.only(request)
    found = _account(connection, account_id, lock=True)
    if (found.closed_at is not None) == closed:
        return _shown(found)
    if closed and accounts.is_last_administrator(connection, found.id):
        raise Conflict("This is the last administrator; make another one first.")
    changed = accounts.set_closed(connection, found.id, closed=closed)
    audit.record(connection, caller.account, f"{'close' if closed else 'open'} account", f"account {found.id}")
    return _shown(changed)


@router.get("/accounts/{account_id}/keys", summary="Keys of an account, for administrators")
def list_keys(request: Request, caller: Member, connection: Desk, account_id: UUID) -> shapes.Keys:
    """The keys, without what would let anybody use them; those in use first."""
    caller.require("account.manage", what="accounts")
    deps.only(request)
    found = _account(connection, account_id)
    return {"keys": [_key(row) for row in accounts.keys(connection, found.id, limit=KEYS_SHOWN)]}


@router.post("/accounts/{account_id}/keys", status_code=201, summary="Make a key for an account, for administrators")
def make_key_for(request: Request, caller: Member, connection: Desk, account_id: UUID, body: NewKey) -> shapes.ShownKey:
    """A first key for somebody who has no other way in. Hand it over safely; the log names who made it."""
    caller.require("account.manage", what="accounts")
    deps.only(request)
    found = _account(connection, account_id, lock=True)
    if found.closed_at is not None:
        raise Conflict("The account is closed.")
    return _new_key(connection, caller, found.id, body)


def _new_key(connection: Connection, caller: Principal, account_id: UUID, body: NewKey) -> shapes.ShownKey:
    lacking = sorted(body.scopes - caller.scopes, key=SCOPES.index)
    if lacking:
        raise Forbidden(f"The key that asks lacks the scope {lacking[0]}, so it cannot make one that has it.")
    accounts.find(connection, account_id, lock=True)  # two requests at once must not both be the last one allowed
    if accounts.live_keys(connection, account_id) >= keys.KEYS_MAX:
        raise Conflict(f"The account has {keys.KEYS_MAX} keys, the most it may have; revoke one first.")
    new = keys.new_key()
    scopes = sorted(body.scopes, key=SCOPES.index)
    made = accounts.add_key(
        connection, account_id, name=body.name, prefix=new.prefix, digest=new.hash, scopes=scopes, days=body.days
    )
    detail = {
        "account": str(account_id),
        "scopes": scopes,
        "expires_at": made.expires_at.isoformat(),
        "made_with": str(caller.key) if caller.key else None,
    }
    audit.record(connection, caller.account, "create key", f"key {made.id}", detail)
    return {**_key(made), "key": new.secret}


# --- Grants ---------------------------------------------------------------------------------------------------------


@router.get(
    "/grants",
    summary="Who may do what on a dataset or in a network",
    openapi_extra=deps.described(dataset="Short name of the dataset.", network="Code of the network, instead."),
)
def list_grants(request: Request, caller: Member, connection: Desk) -> shapes.Grants:
    """The grants that name a dataset or a network, for its coordinators and administrators."""
    deps.only(request, "dataset", "network")
    slug, code = (deps.plain(name, request.query_params.get(name)) for name in ("dataset", "network"))
    if (slug is None) == (code is None):
        raise InvalidParameter("dataset", "Name either a dataset or a network.")
    where = _where(connection, caller, slug, code)
    _require_granting(caller, where)
    found = accounts.grants(connection, dataset_id=where.dataset, network_id=where.network)
    return {"grants": [_granted(row) for row in found]}


@router.get("/accounts/{account_id}/grants", summary="Grants of an account")
def account_grants(request: Request, caller: Member, connection: Desk, account_id: UUID) -> shapes.Grants:
    """What an account may: all of it for administrators, what concerns the own network for its coordinator."""
    _require_some_granting(caller)
    deps.only(request)
    found = _account(connection, account_id)
    rows = accounts.grants(connection, account_id=found.id)
    return {"grants": [_granted(row) for row in rows if _may_see(caller, row)]}


@router.post(
    "/accounts/{account_id}/grants",
    status_code=201,
    summary="Give an account a role",
    response_model=shapes.Granted,
    responses={200: {"description": "It had the role already.", "model": shapes.Granted}},
)
def give_grant(request: Request, caller: Member, connection: Desk, account_id: UUID, body: NewGrant) -> Response:
    """Administrators give every role; coordinators give reader, contributor and reviewer within their network."""
    _require_some_granting(caller)
    deps.only(request)
    if fault := place_fault(body.role, dataset=body.dataset, network=body.network):
        raise InvalidParameter(*fault)
    where = _where(connection, caller, body.dataset, body.network)
    _require_granting(caller, where, body.role)
    found = _account(connection, account_id, lock=True)
    if found.closed_at is not None:
        raise Conflict("The account is closed.")
    made, new = accounts.give(
        connection,
        found.id,
        body.role,
        dataset_id=where.dataset,
        network_id=where.network,
        granted_by=caller.account,
    )
    if new:
        detail = {"grant": str(made), **body.model_dump(exclude_none=True)}
        audit.record(connection, caller.account, "give grant", f"account {found.id}", detail)
    (row,) = accounts.grants(connection, grant_id=made)
    return JSONResponse(_granted(row), status_code=HTTPStatus.CREATED if new else HTTPStatus.OK)


@router.delete("/accounts/{account_id}/grants/{grant_id}", status_code=204, summary="Take a role from an account")
def take_grant(request: Request, caller: Member, connection: Desk, account_id: UUID, grant_id: UUID) -> Response:
    """Take a grant back. A dataset keeps the contributor who registered it, unless an administrator decides otherwise."""
    _require_some_granting(caller)
    deps.only(request)
    rows = accounts.grants(connection, account_id=account_id, grant_id=grant_id)
    if not rows or not _may_see(caller, rows[0]):
        raise NotFound("There is no such grant.")
    row = rows[0]
    if not caller.may("account.manage"):
        if row.role not in LENT:
            raise Forbidden(f"Only administrators take the role {row.role}.")
        if row.account_id == row.dataset_creator:
            raise Forbidden("Only administrators take a dataset from the account that registered it.")
    elif row.role == "administrator" and accounts.is_last_administrator(connection, account_id):
        raise Conflict("This is the last administrator; make another one first.")
    accounts.take(connection, grant_id)
    detail = {"grant": str(grant_id), "role": row.role, "dataset": row.dataset_slug, "network": row.network_code}
    audit.record(
        connection, caller.account, "take grant", f"account {account_id}", {k: v for k, v in detail.items() if v}
    )
    return Response(status_code=HTTPStatus.NO_CONTENT)


class _Where:
    """What a grant is about: a dataset, a network or neither, and the networks whose coordinators may decide on it."""

    def __init__(self, dataset: Row[Any] | None, network: Row[Any] | None) -> None:
        self.dataset: UUID | None = dataset.id if dataset else None
        self.network: UUID | None = network.id if network else None
        self.networks: Sequence[UUID] = dataset.networks if dataset else [network.id] if network else []


def _where(connection: Connection, caller: Principal, slug: str | None, code: str | None) -> _Where:
    """The dataset or network of that name; NotFound where it is not for the caller to see."""
    dataset = network = None
    if slug is not None:
        dataset = accounts.dataset_called(connection, slug)
        seen = dataset is not None and (
            dataset.state == "published" or caller.may("dataset.read", dataset=dataset.id, networks=dataset.networks)
        )
        if not seen:
            raise NotFound(f"There is no dataset {slug}.")
    if code is not None:
        network = accounts.network_called(connection, code)
        if network is None:
            raise NotFound(f"There is no network {code}.")
    return _Where(dataset, network)


def _require_some_granting(caller: Principal) -> None:
    """Refuse early, and the same for accounts that exist and those that do not."""
    if caller.may("account.manage") or any(caller.may("network.manage", networks=(n,)) for n in caller.coordinated):
        return
    caller.require("account.manage", what="grants of accounts")


def _require_granting(caller: Principal, where: _Where, role: Role | None = None) -> None:
    if caller.may("account.manage"):
        return
    if not any(caller.may("network.manage", networks=(network,)) for network in where.networks):
        caller.require("account.manage", what="grants outside the own network")
    if role is not None and role not in LENT:
        raise Forbidden(f"Only administrators give the role {role}.")


def _may_see(caller: Principal, row: Row[Any]) -> bool:
    if caller.may("account.manage"):
        return True
    networks = [row.network_id] if row.network_id else row.dataset_networks
    return any(caller.may("network.manage", networks=(network,)) for network in networks)


# --- The log --------------------------------------------------------------------------------------------------------


@router.get(
    "/audit",
    summary="Who did what, for administrators",
    openapi_extra=deps.described(
        **PAGED,
        account="Id of the account that did it.",
        action="What was done, such as `create key`.",
        target="What it was done to, such as `account` and its id.",
        since="Not before this time.",
    ),
)
def read_audit(request: Request, here: Here, caller: Member, connection: Desk) -> shapes.Entries:
    """The newest deeds first. `account`, `action`, `target` and `since` (RFC 3339) select."""
    caller.require("audit.read", what="the log")
    deps.only(request, "limit", "cursor", "account", "action", "target", "since")
    query = request.query_params
    limit = deps.whole(request, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)
    rows = audit.entries(
        connection,
        limit=limit + 1,
        before=deps.whole(request, "cursor", 0, least=1) or None,
        account_id=deps.uuid("account", query["account"]) if "account" in query else None,
        action=deps.plain("action", query.get("action")),
        target=deps.plain("target", query.get("target")),
        since=deps.moment("since", query["since"]) if "since" in query else None,
    )
    links = []
    if len(rows) > limit:
        links.append(_next(request, here, str(rows[limit - 1].entry)))
    return {"entries": [_entry(row) for row in rows[:limit]], "links": links}


# --- Documents ------------------------------------------------------------------------------------------------------


def _account(connection: Connection, account_id: UUID, *, lock: bool = False) -> Row[Any]:
    found = accounts.find(connection, account_id, lock=lock)
    if found is None:
        raise NotFound(f"There is no account {account_id}.")
    return found


def _shown(row: Row[Any]) -> shapes.Account:
    return {
        "id": str(row.id),
        "name": row.name,
        "email": row.email,
        "orcid": row.orcid,
        "issuer": row.issuer,
        "created_at": _time(row.created_at),
        "closed_at": _time(row.closed_at) if row.closed_at else None,
    }


def _key(row: Row[Any]) -> shapes.Key:
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "scopes": list(row.scopes),
        "created_at": _time(row.created_at),
        "expires_at": _time(row.expires_at),
        "revoked_at": _time(row.revoked_at) if row.revoked_at else None,
        "last_used_at": _time(row.last_used_at) if row.last_used_at else None,
    }


def _granted(row: Row[Any]) -> shapes.Granted:
    return {
        "id": str(row.id),
        "account": {"id": str(row.account_id), "name": row.account_name},
        "role": row.role,
        "dataset": row.dataset_slug,
        "network": row.network_code,
        "created_at": _time(row.created_at),
        "granted_by": str(row.granted_by) if row.granted_by else None,
    }


def _entry(row: Row[Any]) -> shapes.Entry:
    return {
        "entry": row.entry,
        "at": _time(row.at),
        "account": {"id": str(row.account_id), "name": row.account_name} if row.account_id else None,
        "action": row.action,
        "target": row.target,
        "request_id": row.request_id,
        "detail": row.detail,
    }


def _time(moment: dt.datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _next(request: Request, here: Here, cursor: str) -> shapes.Link:
    href = with_query(f"{base(request, here)}{request.url.path}", request, cursor=cursor)
    return {"href": href, "rel": "next", "type": JSON, "title": "Next page"}
