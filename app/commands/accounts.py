"""`observatory keys` and `observatory accounts`: what the operator of the machine does without any key."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, Row

from app.db import accounts, audit
from app.errors import Conflict, InputRefused, NotFound
from app.identity import keys
from app.identity.roles import ROLES, SCOPES, place_fault

Opened = Callable[[str], AbstractContextManager[tuple[Any, Engine]]]
"""Opens the database for a purpose."""

Account = Annotated[str, typer.Argument(help="Id or e-mail address of the account.", show_default=False)]


def first_key(connection: Connection) -> str | None:
    """A key for the first administrator, or None where there is one. It is not stored and must be shown at once."""
    if accounts.administrators(connection, lock=True):
        return None
    account = accounts.add(connection, name="Administrator")
    assert account is not None  # noqa: S101 - it brings no address that another could have
    audit.record(connection, None, "create account", f"account {account.id}")
    _give(connection, account, "administrator", None, None)
    return _make(connection, account, "first start", SCOPES, keys.DAYS_DEFAULT)


def keys_app(opened: Opened, out: Console) -> typer.Typer:
    """`observatory keys`."""
    app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")

    @app.command()
    def create(
        account: Account,
        *,
        name: Annotated[str, typer.Option(help="What the key is for.")] = "made by the operator",
        scope: Annotated[
            list[str] | None, typer.Option(help=f"What it may be used for, repeatable: {', '.join(SCOPES)}. Else all.")
        ] = None,
        days: Annotated[
            int, typer.Option(help="Days until it ends by itself.", min=1, max=keys.DAYS_MAX)
        ] = keys.DAYS_DEFAULT,
    ) -> None:
        """Make a key and print it. It is shown this once."""
        wanted = tuple(s for s in SCOPES if scope is None or s in scope)
        unknown = sorted(set(scope or ()) - set(SCOPES))
        if unknown:
            raise InputRefused(f"There is no scope {unknown[0]}: {', '.join(SCOPES)}.", code="SCOPE_UNKNOWN")
        with opened("making a key") as (_, engine), engine.begin() as connection:
            secret = _make(connection, _open_account(connection, account), name, wanted, days)
        out.print(secret, highlight=False)

    @app.command("list")
    def list_keys(account: Account) -> None:
        """List the keys of an account."""
        with opened("listing keys") as (_, engine), engine.connect() as connection:
            rows = accounts.keys(connection, _account(connection, account).id, limit=1_000)
        table = Table("id", "begins", "name", "scopes", "expires", "last used", "revoked", box=None)
        for row in rows:
            days = (
                str(moment.date()) if moment else "" for moment in (row.expires_at, row.last_used_at, row.revoked_at)
            )
            table.add_row(str(row.id), row.prefix, row.name, ", ".join(row.scopes), *days)
        out.print(table)

    @app.command()
    def revoke(key: Annotated[str, typer.Argument(help="Id of the key, from the list.")]) -> None:
        """Make a key invalid for good, from the next request on."""
        with opened("revoking a key") as (_, engine), engine.begin() as connection:
            found = accounts.key(connection, wanted) if (wanted := _uuid(key)) else None
            if found is None:
                raise NotFound("There is no key with this id.")
            changed = accounts.revoke(connection, found.id)
            if changed:
                audit.record(connection, None, "revoke key", f"key {found.id}", {"account": str(found.account_id)})
        out.print("Revoked." if changed else "It was revoked before.", highlight=False)

    return app


def accounts_app(opened: Opened, out: Console) -> typer.Typer:
    """`observatory accounts`."""
    app = typer.Typer(no_args_is_help=True, help="Make, list and close accounts, give and take roles.")

    @app.command()
    def create(
        name: Annotated[str, typer.Argument(help="Name shown to others.")],
        *,
        email: Annotated[str | None, typer.Option(help="Address for messages about own data.")] = None,
    ) -> None:
        """Make an account without roles and print its id."""
        if not name.strip() or not name.isprintable():
            raise InputRefused("A name must have letters, and only such as can be shown.", code="NAME_INVALID")
        with opened("making an account") as (_, engine), engine.begin() as connection:
            made = accounts.add(connection, name=name.strip(), email=email.lower() if email else None)
            if made is None:
                raise Conflict("Another account has this e-mail address.")
            audit.record(connection, None, "create account", f"account {made.id}")
        out.print(str(made.id), highlight=False)

    @app.command("list")
    def list_accounts() -> None:
        """List all accounts with their roles."""
        table = Table("id", "name", "e-mail", "roles", "closed", box=None)
        with opened("listing accounts") as (_, engine), engine.connect() as connection:
            held = _roles(connection)
            for row in accounts.listed(connection, limit=1_000_000, after=None, email=None):
                closed = str(row.closed_at.date()) if row.closed_at else ""
                table.add_row(str(row.id), row.name, row.email or "", ", ".join(held.get(row.id, [])), closed)
        out.print(table)

    @app.command()
    def grant(
        account: Account,
        role: Annotated[str, typer.Argument(help=f"One of {', '.join(ROLES)}.")],
        *,
        dataset: Annotated[str | None, typer.Option(help="Short name of the dataset it holds for.")] = None,
        network: Annotated[str | None, typer.Option(help="Code of the network it holds for.")] = None,
        take: Annotated[bool, typer.Option("--take", help="Take the role instead of giving it.")] = False,
    ) -> None:
        """Give an account a role, or take it."""
        with opened("granting") as (_, engine), engine.begin() as connection:
            if take:
                _take(connection, _account(connection, account), role, dataset, network)
            else:
                _give(connection, _open_account(connection, account), role, dataset, network)
        out.print("Taken." if take else "Given.", highlight=False)

    @app.command()
    def close(account: Account) -> None:
        """Close an account and revoke its keys for good. What it did stays written."""
        with opened("closing an account") as (_, engine), engine.begin() as connection:
            found = _open_account(connection, account)
            if accounts.is_last_administrator(connection, found.id):
                raise Conflict("This is the last administrator; make another one first.")
            accounts.set_closed(connection, found.id, closed=True)
            audit.record(connection, None, "close account", f"account {found.id}")
        out.print("Closed.", highlight=False)

    return app


def _roles(connection: Connection) -> dict[UUID, list[str]]:
    """Roles of all accounts, in words."""
    held: dict[UUID, list[str]] = {}
    for grant in accounts.grants(connection):
        place = grant.dataset_slug or grant.network_code
        held.setdefault(grant.account_id, []).append(f"{grant.role} of {place}" if place else grant.role)
    return held


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _account(connection: Connection, named: str) -> Row[Any]:
    """The account with that id or e-mail address."""
    if wanted := _uuid(named):
        found = accounts.find(connection, wanted, lock=True)
    else:
        found = next(iter(accounts.listed(connection, limit=1, after=None, email=named)), None)
    if found is None:
        raise NotFound(f"There is no account {named}; observatory accounts list shows all.")
    return found


def _open_account(connection: Connection, named: str) -> Row[Any]:
    found = _account(connection, named)
    if found.closed_at is not None:
        raise Conflict("The account is closed.")
    return found


def _make(connection: Connection, account: Row[Any], name: str, scopes: tuple[str, ...], days: int) -> str:
    if accounts.live_keys(connection, account.id) >= keys.KEYS_MAX:
        raise Conflict(f"The account has {keys.KEYS_MAX} keys, the most it may have; revoke one first.")
    new = keys.new_key()
    row = accounts.add_key(
        connection, account.id, name=name, prefix=new.prefix, digest=new.hash, scopes=scopes, days=days
    )
    detail = {"account": str(account.id), "scopes": list(scopes), "expires_at": row.expires_at.isoformat()}
    audit.record(connection, None, "create key", f"key {row.id}", detail)
    return new.secret


def _place(
    connection: Connection, role: str, dataset: str | None, network: str | None
) -> tuple[UUID | None, UUID | None]:
    """Ids of the dataset and network that a role is to hold for; InputRefused where it would hold nowhere or twice."""
    if role not in ROLES:
        raise InputRefused(f"There is no role {role}: {', '.join(ROLES)}.", code="ROLE_UNKNOWN")
    if fault := place_fault(role, dataset=dataset, network=network):
        raise InputRefused(fault[1], code="GRANT_INVALID")
    there = accounts.dataset_called(connection, dataset) if dataset else None
    if dataset and there is None:
        raise NotFound(f"There is no dataset {dataset}.")
    house = accounts.network_called(connection, network) if network else None
    if network and house is None:
        raise NotFound(f"There is no network {network}.")
    return (there.id if there else None), (house.id if house else None)


def _give(connection: Connection, account: Row[Any], role: str, dataset: str | None, network: str | None) -> None:
    dataset_id, network_id = _place(connection, role, dataset, network)
    made, new = accounts.give(connection, account.id, role, dataset_id=dataset_id, network_id=network_id)
    if new:
        _note(connection, "give grant", account, made, role, dataset, network)


def _take(connection: Connection, account: Row[Any], role: str, dataset: str | None, network: str | None) -> None:
    dataset_id, network_id = _place(connection, role, dataset, network)
    for row in accounts.grants(connection, account_id=account.id):
        if (row.role, row.dataset_id, row.network_id) == (role, dataset_id, network_id):
            if role == "administrator" and accounts.is_last_administrator(connection, account.id):
                raise Conflict("This is the last administrator; make another one first.")
            accounts.take(connection, row.id)
            _note(connection, "take grant", account, row.id, role, dataset, network)
            return
    raise NotFound("The account has no such role.")


def _note(
    connection: Connection,
    action: str,
    account: Row[Any],
    grant: UUID,
    role: str,
    dataset: str | None,
    network: str | None,
) -> None:
    detail = {"grant": str(grant), "role": role, "dataset": dataset, "network": network}
    audit.record(connection, None, action, f"account {account.id}", {k: v for k, v in detail.items() if v})
