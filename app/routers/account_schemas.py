"""The shapes of answers about accounts, keys, grants and the log. Times are RFC 3339 in UTC."""

from typing import Any

from typing_extensions import TypedDict

from app.identity.roles import Role, Scope


class Link(TypedDict):
    """Where to go on."""

    href: str
    rel: str
    type: str
    title: str


class Who(TypedDict):
    """An account as others see it."""

    id: str
    name: str


class Key(TypedDict):
    """A key, without what would let anybody use it."""

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: str
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None
    """To the hour."""


class ShownKey(Key):
    """A key that was just made: the only answer that has it."""

    key: str


class Keys(TypedDict):
    """Keys of an account, those in use first."""

    keys: list[Key]


class Granted(TypedDict):
    """A role of an account: for a dataset, for a network, or for neither where both are null."""

    id: str
    account: Who
    role: Role
    dataset: str | None
    network: str | None
    created_at: str
    granted_by: str | None
    """Id of the account that gave it; null: an operator at the command line."""


class Grants(TypedDict):
    """Who may do what."""

    grants: list[Granted]


class Account(TypedDict):
    """A person or program."""

    id: str
    name: str
    email: str | None
    orcid: str | None
    issuer: str | None
    """OpenID Connect provider that vouches for the person."""
    created_at: str
    closed_at: str | None


class AccountWithGrants(Account):
    """A person or program, and what they may do."""

    grants: list[Granted]


class OwnAccount(AccountWithGrants):
    """Who asks, and with what."""

    scopes: list[Scope]
    key: Key | None


class Accounts(TypedDict):
    """A page of accounts."""

    accounts: list[Account]
    links: list[Link]


class Entry(TypedDict):
    """A deed. `account` is null for an operator at the command line."""

    entry: int
    at: str
    account: Who | None
    action: str
    target: str
    request_id: str | None
    detail: dict[str, Any]


class Entries(TypedDict):
    """A page of the log, the newest first."""

    entries: list[Entry]
    links: list[Link]


class Rate(TypedDict):
    """How many requests one client may send."""

    policy: str
    applies_to: str
    requests: int
    window_s: int
    by: str


class Limits(TypedDict):
    """All limits of the service."""

    rates: list[Rate]
    bytes: dict[str, int]
    values_of_a_body: int
    seconds: dict[str, float]
    pages: dict[str, int]
    keys: dict[str, int]
