"""Who may do what: roles, where they hold, and what a key may be used for.

A grant gives an account a role for one dataset, for one network, or for neither. A network's roles hold for every
dataset that belongs to the network. The scopes of a key limit further what its account may do with it; a person who
signed in has all scopes. `docs/accounts.md` shows the table; a test holds the page and this module together.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from app.errors import Forbidden, NotFound, Unauthenticated

Role = Literal["reader", "contributor", "reviewer", "coordinator", "administrator"]
Scope = Literal["read", "contribute", "review", "administer"]
Action = Literal[
    "dataset.create",
    "dataset.read",
    "dataset.edit",
    "dataset.publish",
    "dataset.withdraw",
    "upload.read",
    "upload.write",
    "upload.review",
    "positions.read",
    "mapping.write",
    "duplicates.decide",
    "rules.rerun",
    "network.manage",
    "account.manage",
    "audit.read",
]

ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ACTIONS: tuple[Action, ...] = get_args(Action)

SEE: frozenset[Action] = frozenset({"dataset.read", "upload.read"})
"""What a role must allow for somebody to know that an unpublished thing exists."""

ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    "reader": SEE,
    "contributor": SEE
    | {"dataset.edit", "dataset.publish", "dataset.withdraw", "upload.write", "positions.read", "mapping.write"},
    "reviewer": SEE | {"upload.review", "positions.read", "duplicates.decide"},
    "coordinator": frozenset(ACTIONS) - {"account.manage", "audit.read"},
    "administrator": frozenset(ACTIONS),
}
"""What a role allows on the datasets it holds for."""

BEGINNER_ACTIONS: frozenset[Action] = frozenset({"dataset.create", "mapping.write"})
"""What a contributor may do before there is a dataset, and a coordinator as well."""

SCOPE_ACTIONS: dict[Scope, frozenset[Action]] = {
    "read": SEE,
    "contribute": SEE
    | {
        "dataset.create",
        "dataset.edit",
        "dataset.publish",
        "dataset.withdraw",
        "upload.write",
        "positions.read",
        "mapping.write",
    },
    "review": SEE | {"upload.review", "positions.read", "duplicates.decide"},
    "administer": SEE | {"rules.rerun", "network.manage", "account.manage", "audit.read"},
}
"""What a key with a scope may be used for. Exact positions need more than a key for reading."""


def place_fault(role: str, *, dataset: object = None, network: object = None) -> tuple[str, str] | None:
    """Why a role cannot hold there (the parameter, a sentence): it would hold nowhere, or in more places than one."""
    if dataset is not None and network is not None:
        return "network", "A role holds for a dataset or for a network, not for both."
    if role == "administrator" and (dataset is not None or network is not None):
        return "network" if dataset is None else "dataset", "An administrator is one everywhere."
    if role == "coordinator" and network is None:
        return "network", "A coordinator needs the network to coordinate."
    if role in {"reader", "reviewer"} and dataset is None and network is None:
        return "dataset", f"A {role} needs a dataset or a network."
    return None


@dataclass(frozen=True)
class Grant:
    """A role, and the dataset or network it holds for."""

    role: Role
    dataset: UUID | None = None
    network: UUID | None = None

    def allows(self, action: Action, *, dataset: UUID | None, networks: Collection[UUID]) -> bool:
        """Whether the grant alone allows an action on a dataset that belongs to `networks`."""
        if self.role == "administrator":
            return True
        if action in BEGINNER_ACTIONS and dataset is None:
            return self._begins(action, networks)
        if action not in ROLE_ACTIONS[self.role] or not self._holds(dataset, networks):
            return False
        # Where a network reviews a dataset, its owner cannot publish past the reviewers.
        return not (self.role == "contributor" and action == "dataset.publish" and networks)

    def _begins(self, action: Action, networks: Collection[UUID]) -> bool:
        """Whether it allows what needs no dataset yet. A network's member begins only what is the network's, or nobody's."""
        if self.role not in {"contributor", "coordinator"}:
            return False
        if action == "mapping.write":
            return True
        return self.dataset is None and (self.network is None or set(networks) <= {self.network})

    def _holds(self, dataset: UUID | None, networks: Collection[UUID]) -> bool:
        if self.dataset is not None:
            return self.dataset == dataset
        if self.network is None or self.network not in networks:
            return False
        # A contributor of a network may add datasets to it, and owns only those they were given.
        return self.role != "contributor"


@dataclass(frozen=True)
class Principal:
    """Who asks: an account with its grants, and the scopes of the key it came with."""

    account: UUID | None
    name: str
    grants: tuple[Grant, ...]
    scopes: frozenset[str]
    key: UUID | None
    """The key that was used; None for a person who signed in elsewhere."""

    def may(self, action: Action, *, dataset: UUID | None = None, networks: Collection[UUID] = ()) -> bool:
        """Whether the action is allowed on a dataset that belongs to `networks`; closed wherever nothing is said.

        dataset : None for what is about no dataset. networks : of the dataset, or the network that it is about.
        """
        return self._granted(action, dataset, networks) and self._in_scope(action)

    def require(
        self,
        action: Action,
        *,
        dataset: UUID | None = None,
        networks: Collection[UUID] = (),
        what: str = "this",
        public: bool = True,
    ) -> None:
        """Return if the action is allowed.

        what : the thing, as the message names it, such as "the dataset kenya".
        public : whether everybody may know that the thing exists.

        Raises
        ------
        NotFound
            If the thing is not public and the caller may not see it, whoever they are.
        Unauthenticated
            If nobody signed in.
        Forbidden
            If the account, or the key, may not; says which of the two.
        """
        if self.may(action, dataset=dataset, networks=networks):
            return
        if not public and not self._granted("dataset.read", dataset, networks):
            raise NotFound("There is no such thing." if what == "this" else f"There is nothing here named {what}.")
        self.require_account()
        if self._granted(action, dataset, networks):
            needed = " or ".join(scope for scope in SCOPES if action in SCOPE_ACTIONS[scope])
            raise Forbidden(f"The key was made without the scope for {action} ({needed}); use another key for {what}.")
        raise Forbidden(f"The account has no role that allows {action} on {what}.")

    def require_account(self) -> UUID:
        """The account, or Unauthenticated where nobody signed in. Ask before looking anything up."""
        if self.account is None:
            raise Unauthenticated("This needs an account: send Authorization: Bearer with a key or token.")
        return self.account

    @property
    def administrator(self) -> bool:
        """Whether the account has the administrator's role, whatever the key."""
        return any(grant.role == "administrator" for grant in self.grants)

    @property
    def coordinated(self) -> frozenset[UUID]:
        """Networks that the account coordinates."""
        return frozenset(g.network for g in self.grants if g.role == "coordinator" and g.network is not None)

    def _granted(self, action: Action, dataset: UUID | None, networks: Collection[UUID]) -> bool:
        return self.account is not None and any(
            grant.allows(action, dataset=dataset, networks=networks) for grant in self.grants
        )

    def _in_scope(self, action: Action) -> bool:
        return any(action in SCOPE_ACTIONS[scope] for scope in SCOPES if scope in self.scopes)


ANONYMOUS = Principal(account=None, name="anonymous", grants=(), scopes=frozenset(), key=None)
"""Somebody who sent no credential: may read what is public, and validate files."""
