"""Who may do what: each role, each scope, and nothing that nobody said."""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from app.errors import Forbidden, NotFound, Unauthenticated
from app.identity.roles import ACTIONS, ANONYMOUS, ROLES, SCOPE_ACTIONS, SCOPES, Action, Grant, Principal, Role

DATASET, OTHER, NETWORK, ELSEWHERE = (uuid4() for _ in range(4))


def person(*grants: Grant, scopes: tuple[str, ...] = SCOPES) -> Principal:
    return Principal(uuid4(), "Person", grants, frozenset(scopes), None)


def allowed(who: Principal, dataset: UUID | None, networks: tuple[UUID, ...]) -> set[Action]:
    return {action for action in ACTIONS if who.may(action, dataset=dataset, networks=networks)}


def test_anonymous_may_nothing_that_needs_an_account():
    assert allowed(ANONYMOUS, DATASET, (NETWORK,)) == set()
    assert allowed(ANONYMOUS, None, ()) == set()


def test_account_without_grants_may_nothing():
    assert allowed(person(), DATASET, (NETWORK,)) == allowed(person(), None, ()) == set()


def test_administrator_may_everything_everywhere():
    root = person(Grant("administrator"))
    assert allowed(root, None, ()) == allowed(root, DATASET, (NETWORK,)) == set(ACTIONS)


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (Grant("reader", DATASET), {"dataset.read", "upload.read"}),
        (Grant("reader", None, NETWORK), {"dataset.read", "upload.read"}),
        (
            Grant("reviewer", None, NETWORK),
            {"dataset.read", "upload.read", "upload.review", "positions.read", "duplicates.decide"},
        ),
        (
            Grant("contributor", DATASET),
            {
                "dataset.read",
                "dataset.edit",
                "dataset.withdraw",
                "upload.read",
                "upload.write",
                "positions.read",
                "mapping.write",
            },
        ),
        (Grant("contributor", None, NETWORK), set()),
        (Grant("contributor"), set()),
        (Grant("coordinator", None, NETWORK), set(ACTIONS) - {"account.manage", "audit.read"}),
    ],
    ids=str,
)
def test_each_role_allows_on_a_reviewed_dataset_what_the_table_says(grant: Grant, expected: set[Action]):
    assert allowed(person(grant), DATASET, (NETWORK,)) == expected


@pytest.mark.parametrize("role", ROLES)
def test_grant_for_one_dataset_or_network_holds_nowhere_else(role: Role):
    if role == "administrator":
        return
    bound = person(Grant(role, DATASET), Grant(role, None, NETWORK))
    assert allowed(bound, OTHER, (ELSEWHERE,)) == allowed(bound, OTHER, ()) == set()


def test_owner_publishes_unless_a_network_reviews_the_dataset():
    owner = person(Grant("contributor", DATASET))
    assert owner.may("dataset.publish", dataset=DATASET)
    assert not owner.may("dataset.publish", dataset=DATASET, networks=(NETWORK,))


def test_contributor_of_a_network_begins_datasets_there_and_not_in_another():
    member = person(Grant("contributor", None, NETWORK))
    assert member.may("dataset.create", networks=(NETWORK,))
    assert member.may("dataset.create")
    assert not member.may("dataset.create", networks=(ELSEWHERE,))
    assert not member.may("dataset.create", networks=(NETWORK, ELSEWHERE))
    assert person(Grant("contributor")).may("dataset.create", networks=(ELSEWHERE,))


@pytest.mark.parametrize(
    "grant", [Grant("reader", DATASET), Grant("reviewer", None, NETWORK), Grant("contributor", DATASET)]
)
def test_role_in_one_dataset_does_not_begin_another(grant: Grant):
    assert not person(grant).may("dataset.create")


@pytest.mark.parametrize("role", ["reader", "reviewer", "coordinator"])
def test_role_that_is_bound_to_nothing_opens_nothing(role: Role):
    assert not {a for a in ACTIONS if person(Grant(role)).may(a, dataset=DATASET, networks=(NETWORK,))}


def test_coordinator_manages_the_own_network_only():
    one = person(Grant("coordinator", None, NETWORK))
    assert one.may("network.manage", networks=(NETWORK,))
    assert not one.may("network.manage", networks=(ELSEWHERE,))
    assert not one.may("network.manage")
    assert not one.may("rules.rerun")


@pytest.mark.parametrize("scope", SCOPES)
def test_key_does_no_more_than_its_scope(scope: str):
    root = person(Grant("administrator"), scopes=(scope,))
    assert allowed(root, DATASET, ()) == {a for s, actions in SCOPE_ACTIONS.items() if s == scope for a in actions}


def test_every_action_is_in_a_scope_and_reading_never_opens_exact_positions():
    assert set().union(*SCOPE_ACTIONS.values()) == set(ACTIONS)
    assert not person(Grant("administrator"), scopes=("read",)).may("positions.read", dataset=DATASET)
    assert allowed(person(Grant("administrator"), scopes=()), DATASET, ()) == set()
    assert allowed(person(Grant("administrator"), scopes=("everything",)), DATASET, ()) == set()


def test_more_scopes_never_allow_less():
    root = [allowed(person(Grant("administrator"), scopes=SCOPES[:n]), DATASET, ()) for n in range(5)]
    assert all(less < more for less, more in pairwise(root))


def test_refusal_asks_the_anonymous_to_sign_in_and_tells_others_what_is_missing():
    with pytest.raises(Unauthenticated, match="Authorization: Bearer"):
        ANONYMOUS.require("dataset.edit", dataset=DATASET)
    with pytest.raises(Forbidden, match=r"no role that allows dataset\.edit on the dataset kenya"):
        person().require("dataset.edit", dataset=DATASET, what="the dataset kenya")
    with pytest.raises(Forbidden, match=r"key .* scope for dataset.edit \(contribute\)"):
        person(Grant("contributor", DATASET), scopes=("read",)).require("dataset.edit", dataset=DATASET)


def test_private_thing_does_not_exist_for_those_who_may_not_see_it():
    for who in (ANONYMOUS, person(Grant("contributor", OTHER))):
        with pytest.raises(NotFound, match="the dataset kenya"):
            who.require("dataset.edit", dataset=DATASET, what="the dataset kenya", public=False)
    with pytest.raises(Forbidden):
        person(Grant("reader", DATASET)).require("dataset.edit", dataset=DATASET, public=False)
