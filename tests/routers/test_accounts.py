"""Accounts, keys and grants over HTTP: what each may do, and what an attacker may not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import accounts, datasets, session
from app.db.session import Database
from app.identity.keys import FORM, KEYS_MAX, digest
from app.identity.roles import Grant
from app.main import create_app
from app.settings import Settings
from tests.builders import DEFAULTS
from tests.people import Person, key_of, person


@dataclass(frozen=True)
class World:
    """Two networks with a dataset each, a free one, and people around them."""

    client: TestClient
    engine: Engine
    admin: Person
    coordinator: Person
    owner: Person
    nobody: Person
    north: UUID
    drafts: dict[str, UUID]

    def person(self, name: str, *grants: Grant, **more: Any) -> Person:
        with self.engine.begin() as connection:
            return person(connection, name, *grants, **more)

    def run(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values)

    def audited(self, action: str) -> list[Any]:
        return list(self.run("SELECT * FROM core.audit WHERE action = :a ORDER BY entry", a=action))


@pytest.fixture(scope="module")
def world(another: Callable[[str], Database]) -> Iterator[World]:
    own = another("accounts")
    url = own.owner.render_as_string(hide_password=False)
    app = create_app(Settings(database_url=url, log_level="error", _env_file=None))
    with session.disposing(own.worker_engine()) as engine, TestClient(app, raise_server_exceptions=False) as client:
        with engine.begin() as connection:
            networks = {
                code: connection.scalar(
                    text("INSERT INTO core.network (code, name_en) VALUES (:c, :c) RETURNING id"), {"c": code}
                )
                for code in ("north", "south")
            }
            people = {
                "admin": person(connection, "Ada", Grant("administrator")),
                "coordinator": person(connection, "Cora", Grant("coordinator", None, networks["north"])),
                "owner": person(connection, "Olga", Grant("contributor")),
                "nobody": person(connection, "Nemo"),
            }
            drafts = {}
            for slug, code in (("of-north", "north"), ("of-south", "south"), ("of-nobody", None)):
                record = {**DEFAULTS, "slug": slug, "state": "draft", "created_by": people["owner"].account}
                drafts[slug] = datasets.register(connection, record, ["Olga"])
                accounts.give(connection, people["owner"].account, "contributor", dataset_id=drafts[slug])
                if code:
                    connection.execute(
                        text("INSERT INTO core.dataset_network VALUES (:d, :n)"),
                        {"d": drafts[slug], "n": networks[code]},
                    )
        yield World(client=client, engine=engine, north=networks["north"], drafts=drafts, **people)


def refused(answer: Any, status: int) -> str:
    """The detail of a problem document with that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


# --- Who is asking ---------------------------------------------------------------------------------------------------


def test_account_says_who_asks_and_with_what(world: World):
    said = world.client.get("/account", headers=world.coordinator.headers).json()
    assert (said["id"], said["name"]) == (str(world.coordinator.account), "Cora")
    assert [(g["role"], g["network"], g["dataset"]) for g in said["grants"]] == [("coordinator", "north", None)]
    assert said["key"]["id"] == str(world.coordinator.key_id)
    assert said["scopes"] == ["read", "contribute", "review", "administer"]


@pytest.mark.parametrize("path", ["/account", "/keys", "/accounts", "/audit", "/grants?network=north"])
def test_without_a_key_an_account_is_asked_for(world: World, path: str):
    answer = world.client.get(path)
    assert "Authorization: Bearer" in refused(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer sho_" + "x" * 43,
        "Bearer nonsense",
        "Bearer ",
        "Bearer",
        "",
        "Basic dXNlcjpwYXNz",
        "sho_" + "x" * 43,
        "Bearer " + "x" * 20_000,
        "Bearer a b",
        "Bearer sho_' OR 1=1 --" + "x" * 28,
        "Bearer é",
    ],
)
def test_wrong_credential_is_refused_and_never_repeated(world: World, sent: str):
    answer = world.client.get("/account", headers=[(b"Authorization", sent.encode())])
    refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    secret = sent.partition(" ")[2]
    assert not secret or secret[:20] not in answer.text


def test_two_credentials_at_once_are_refused(world: World):
    headers = [("Authorization", f"Bearer {p.key}") for p in (world.nobody, world.admin)]
    refused(world.client.get("/account", headers=headers), 401)


def test_expired_and_revoked_keys_and_those_of_closed_accounts_are_refused(world: World):
    who = world.person("Old", Grant("administrator"))
    assert world.client.get("/account", headers=who.headers).status_code == 200
    world.run(
        "UPDATE core.api_key SET created_at = now() - interval '2 day', expires_at = now() - interval '1 day' WHERE id = :k",
        k=who.key_id,
    )
    assert "expired on" in refused(world.client.get("/account", headers=who.headers), 401)

    with world.engine.begin() as connection:
        second, secret = key_of(connection, who.account)
        accounts.revoke(connection, second)
    assert "revoked" in refused(world.client.get("/account", headers={"Authorization": f"Bearer {secret}"}), 401)

    with world.engine.begin() as connection:
        _, third = key_of(connection, who.account)
    world.run("UPDATE core.account SET closed_at = now() WHERE id = :a", a=who.account)
    assert "closed" in refused(world.client.get("/account", headers={"Authorization": f"Bearer {third}"}), 401)


def test_use_of_a_key_is_noted_to_the_hour_and_once(world: World):
    who = world.person("Hourly")
    for _ in range(3):
        world.client.get("/account", headers=who.headers)
    query = "SELECT last_used_at, xmin::text FROM core.api_key WHERE id = :k"
    noted, version = world.run(query, k=who.key_id).one()
    assert (noted.minute, noted.second, noted.microsecond) == (0, 0, 0)
    world.client.get("/account", headers=who.headers)
    assert world.run(query, k=who.key_id).one() == (noted, version)


def test_requests_never_wait_for_a_connection_while_they_hold_another(another: Callable[[str], Database]):
    own = another("starving")
    url = own.owner.render_as_string(hide_password=False)
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        who = person(connection, "Busy")
    app = create_app(Settings(database_url=url, pool_size=1, log_level="error", _env_file=None))
    with TestClient(app, raise_server_exceptions=False) as client, ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(client.get, "/account", headers=who.headers) for _ in range(48)]
        assert {one.result(timeout=60).status_code for one in asked} == {200}


# --- Keys -----------------------------------------------------------------------------------------------------------


def test_key_is_shown_once_stored_as_a_hash_and_works(world: World):
    who = world.person("Maker", scopes=("read", "contribute"))
    answer = world.client.post("/keys", headers=who.headers, json={"name": "laptop", "scopes": ["contribute"]})
    assert answer.status_code == 201
    made = answer.json()
    assert FORM.fullmatch(made["key"])
    assert made["key"].startswith(made["prefix"])
    stored = world.run("SELECT * FROM core.api_key WHERE id = :k", k=made["id"]).one()
    assert bytes(stored.hash) == digest(made["key"])
    assert made["key"] not in str(stored._asdict())
    lasts = stored.expires_at - stored.created_at
    assert lasts.days == 365

    said = world.client.get("/account", headers={"Authorization": f"Bearer {made['key']}"}).json()
    assert said["scopes"] == ["contribute"]
    listed = world.client.get("/keys", headers=who.headers)
    assert {k["id"] for k in listed.json()["keys"]} == {made["id"], str(who.key_id)}
    assert made["key"] not in listed.text
    (entry,) = [e for e in world.audited("create key") if e.account_id == who.account]
    assert entry.target == f"key {made['id']}"
    assert entry.detail["made_with"] == str(who.key_id)
    assert made["key"] not in str(entry)


@pytest.mark.parametrize("scope", ["review", "administer"])
def test_key_cannot_make_one_that_may_more(world: World, scope: str):
    who = world.person("Climber", Grant("administrator"), scopes=("read", "contribute"))
    answer = world.client.post("/keys", headers=who.headers, json={"name": "up", "scopes": ["read", scope]})
    assert f"lacks the scope {scope}" in refused(answer, 403)


def test_administrators_key_without_the_scope_cannot_make_one_for_another_account(world: World):
    who = world.person("Half", Grant("administrator"), scopes=("administer",))
    url = f"/accounts/{world.admin.account}/keys"
    refused(world.client.post(url, headers=who.headers, json={"name": "x", "scopes": ["review"]}), 403)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "days": 731}, "days"),
        ({"name": "x", "days": 1e300}, "days"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({}, "name"),
        ({"name": "x", "account_id": "me"}, "account_id"),
        ({"name": "x", "expires_at": "2999-01-01"}, "expires_at"),
    ],
)
def test_key_that_cannot_be_is_refused_by_field(world: World, body: dict[str, Any], named: str):
    answer = world.client.post("/keys", headers=world.nobody.headers, json=body)
    assert named in refused(answer, 400)
    assert {e["parameter"].partition(".")[0] for e in answer.json()["errors"]} == {named}


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1, "name": "x"}',
        b'{"\\u0000": 1, "name": "x"}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"name": "x", "days": ' + b"9" * 5000 + b"}",
        b'{"name": "x", "days": NaN}',
        b"null",
        b"[]",
        b"",
        b"{",
    ],
    ids=range(11),
)
def test_body_that_is_no_proper_json_is_a_400(world: World, body: bytes):
    headers = {**world.nobody.headers, "Content-Type": "application/json"}
    refused(world.client.post("/keys", headers=headers, content=body), 400)


def test_account_has_a_bounded_number_of_keys(world: World):
    who = world.person("Hoarder")
    for _ in range(KEYS_MAX - 1):
        assert world.client.post("/keys", headers=who.headers, json={"name": "k"}).status_code == 201
    assert str(KEYS_MAX) in refused(world.client.post("/keys", headers=who.headers, json={"name": "k"}), 409)
    assert world.client.delete(f"/keys/{who.key_id}", headers=who.headers).status_code == 204


def test_revoked_key_is_refused_from_the_next_request_on(world: World):
    who = world.person("Careful")
    assert world.client.delete(f"/keys/{who.key_id}", headers=who.headers).status_code == 204
    refused(world.client.get("/account", headers=who.headers), 401)
    (entry,) = [e for e in world.audited("revoke key") if e.account_id == who.account]
    assert entry.target == f"key {who.key_id}"


def test_key_of_another_account_is_not_there_to_be_revoked(world: World):
    for key in (str(world.admin.key_id), str(uuid4())):
        answer = world.client.delete(f"/keys/{key}", headers=world.nobody.headers)
        assert refused(answer, 404) == "There is no such key among yours."
    assert world.client.get("/account", headers=world.admin.headers).status_code == 200


def test_administrator_revokes_the_key_of_another(world: World):
    who = world.person("Leaky")
    assert world.client.delete(f"/keys/{who.key_id}", headers=world.admin.headers).status_code == 204
    refused(world.client.get("/account", headers=who.headers), 401)


# --- Accounts -------------------------------------------------------------------------------------------------------


def test_administrator_makes_an_account_gives_it_a_key_and_closes_it(world: World):
    made = world.client.post(
        "/accounts",
        headers=world.admin.headers,
        json={"name": "Zoë Ωmega", "email": "Zoe@Example.org", "orcid": "0000-0002-1825-0097"},
    )
    assert made.status_code == 201
    account = made.json()["id"]
    assert made.json()["email"] == "zoe@example.org"
    key = world.client.post(
        f"/accounts/{account}/keys", headers=world.admin.headers, json={"name": "first", "scopes": ["contribute"]}
    ).json()["key"]
    mine = {"Authorization": f"Bearer {key}"}
    assert world.client.get("/account", headers=mine).json()["grants"] == []

    closed = world.client.post(f"/accounts/{account}/close", headers=world.admin.headers)
    assert closed.json()["closed_at"]
    refused(world.client.get("/account", headers=mine), 401)
    opened = world.client.post(f"/accounts/{account}/open", headers=world.admin.headers)
    assert opened.json()["closed_at"] is None
    refused(world.client.get("/account", headers=mine), 401)
    deeds = [
        e.action
        for e in world.run("SELECT action FROM core.audit WHERE target = :t ORDER BY entry", t=f"account {account}")
    ]
    assert deeds == ["create account", "close account", "open account"]


def test_second_account_with_the_same_address_is_refused_in_any_case(world: World):
    for email, status in (("one@example.org", 201), ("ONE@example.org", 409)):
        answer = world.client.post("/accounts", headers=world.admin.headers, json={"name": "One", "email": email})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "email": "no"},
        {"name": "x", "email": "a@b\x00"},
        {"name": "x", "orcid": "1"},
        {"name": "x", "closed_at": None},
    ],
)
def test_account_that_cannot_be_is_refused(world: World, body: dict[str, Any]):
    refused(world.client.post("/accounts", headers=world.admin.headers, json=body), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts"),
        ("POST", "/accounts"),
        ("GET", "/accounts/{other}"),
        ("POST", "/accounts/{other}/close"),
        ("POST", "/accounts/{other}/open"),
        ("GET", "/accounts/{other}/keys"),
        ("POST", "/accounts/{other}/keys"),
        ("GET", "/audit"),
    ],
)
def test_only_administrators_manage_accounts_and_read_the_log(world: World, method: str, path: str):
    for target in (world.admin.account, uuid4()):
        for who in (world.nobody, world.owner, world.coordinator):
            answer = world.client.request(
                method, path.format(other=target), headers=who.headers, json={"name": "x"} if method == "POST" else None
            )
            refused(answer, 403)


def test_administrator_needs_a_key_for_administering(world: World):
    who = world.person("Reader", Grant("administrator"), scopes=("read", "contribute", "review"))
    assert "scope" in refused(world.client.get("/accounts", headers=who.headers), 403)


def test_accounts_are_paged_and_found_by_address(world: World):
    seen: list[str] = []
    url: str | None = "/accounts?limit=3"
    while url:
        page = world.client.get(url, headers=world.admin.headers).json()
        assert len(page["accounts"]) <= 3
        seen += [a["id"] for a in page["accounts"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    everybody = {str(r.id) for r in world.run("SELECT id FROM core.account")}
    assert set(seen) == everybody
    assert len(seen) == len(everybody)
    world.client.post("/accounts", headers=world.admin.headers, json={"name": "Findable", "email": "find@me.org"})
    found = world.client.get("/accounts?email=Find@me.org", headers=world.admin.headers).json()["accounts"]
    assert [a["name"] for a in found] == ["Findable"]
    assert not world.client.get("/accounts?email=' OR 1=1", headers=world.admin.headers).json()["accounts"]
    refused(world.client.get("/accounts?email=%00", headers=world.admin.headers), 400)


# --- Grants ---------------------------------------------------------------------------------------------------------


def give(world: World, who: Person, to: UUID, **grant: str) -> Any:
    return world.client.post(f"/accounts/{to}/grants", headers=who.headers, json=grant)


@pytest.mark.parametrize("role", ["reader", "contributor", "reviewer"])
@pytest.mark.parametrize("where", [{"network": "north"}, {"dataset": "of-north"}])
def test_coordinator_gives_and_takes_roles_within_the_own_network(world: World, role: str, where: dict[str, str]):
    who = world.person("Helper")
    answer = give(world, world.coordinator, who.account, role=role, **where)
    assert answer.status_code == 201
    again = give(world, world.coordinator, who.account, role=role, **where)
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    said = world.client.get("/account", headers=who.headers).json()["grants"]
    assert [(g["role"], g["network"], g["dataset"]) for g in said] == [
        (role, where.get("network"), where.get("dataset"))
    ]
    assert said[0]["granted_by"] == str(world.coordinator.account)
    url = f"/accounts/{who.account}/grants/{answer.json()['id']}"
    assert world.client.delete(url, headers=world.coordinator.headers).status_code == 204
    assert world.client.get("/account", headers=who.headers).json()["grants"] == []
    done = [
        e.action
        for e in world.run("SELECT action FROM core.audit WHERE target = :t ORDER BY entry", t=f"account {who.account}")
    ]
    assert done == ["give grant", "take grant"]


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        ({"role": "administrator"}, 403),
        ({"role": "coordinator", "network": "north"}, 403),
        ({"role": "coordinator", "network": "south"}, 403),
        ({"role": "reviewer", "network": "south"}, 403),
        ({"role": "contributor"}, 403),
        ({"role": "reader", "dataset": "of-south"}, 404),
        ({"role": "reader", "dataset": "of-nobody"}, 404),
        ({"role": "reader", "dataset": "no-such-dataset"}, 404),
        ({"role": "reader", "network": "no-such-network"}, 404),
    ],
)
def test_coordinator_gives_nothing_beyond_the_own_network(world: World, grant: dict[str, str], status: int):
    who = world.person("Friend")
    for account in (who.account, world.coordinator.account):
        refused(give(world, world.coordinator, account, **grant), status)
    assert world.client.get("/account", headers=who.headers).json()["grants"] == []


def test_answer_about_a_private_dataset_is_the_one_about_none(world: World):
    one, none = (
        refused(give(world, world.coordinator, world.nobody.account, role="reader", dataset=slug), 404)
        for slug in ("of-south", "no-such")
    )
    assert one.replace("of-south", "X") == none.replace("no-such", "X")


@pytest.mark.parametrize("who", ["nobody", "owner"])
def test_nobody_gives_themselves_a_role(world: World, who: str):
    me: Person = getattr(world, who)
    for grant in ({"role": "administrator"}, {"role": "reviewer", "dataset": "of-nobody"}, {"role": "contributor"}):
        refused(give(world, me, me.account, **grant), 403)
    refused(give(world, me, uuid4(), role="administrator"), 403)


def test_coordinators_key_without_the_scope_gives_nothing(world: World):
    who = world.person("Weak", Grant("coordinator", None, world.north), scopes=("read", "contribute", "review"))
    refused(give(world, who, world.nobody.account, role="reader", network="north"), 403)


def test_coordinator_cannot_take_what_is_not_theirs_to_take(world: World):
    other = world.person("Rival", Grant("coordinator", None, world.north), Grant("administrator"))
    owned = {
        g["dataset"] or "": g["id"] for g in world.client.get("/account", headers=world.owner.headers).json()["grants"]
    }
    rival = {g["role"]: g["id"] for g in world.client.get("/account", headers=other.headers).json()["grants"]}
    for account, grant, status in (
        (other.account, rival["coordinator"], 403),
        (other.account, rival["administrator"], 404),
        (world.owner.account, owned["of-north"], 403),
        (world.owner.account, owned["of-south"], 404),
        (world.owner.account, owned[""], 404),
        (world.nobody.account, owned["of-north"], 404),
        (world.owner.account, str(uuid4()), 404),
    ):
        url = f"/accounts/{account}/grants/{grant}"
        refused(world.client.delete(url, headers=world.coordinator.headers), status)
    assert len(world.client.get("/account", headers=world.owner.headers).json()["grants"]) == 4


def test_coordinator_sees_the_grants_of_the_own_network_only(world: World):
    who = world.person("Both")
    for where in ({"network": "north"}, {"network": "south"}, {"dataset": "of-north"}, {"dataset": "of-south"}):
        assert give(world, world.admin, who.account, role="reader", **where).status_code == 201
    url = f"/accounts/{who.account}/grants"
    seen = world.client.get(url, headers=world.coordinator.headers).json()["grants"]
    assert {(g["network"], g["dataset"]) for g in seen} == {("north", None), (None, "of-north")}
    assert len(world.client.get(url, headers=world.admin.headers).json()["grants"]) == 4
    there = world.client.get("/grants?network=north", headers=world.coordinator.headers).json()["grants"]
    assert str(who.account) in {g["account"]["id"] for g in there}
    refused(world.client.get("/grants?network=south", headers=world.coordinator.headers), 403)
    refused(world.client.get("/grants?dataset=of-south", headers=world.coordinator.headers), 404)
    refused(world.client.get("/grants", headers=world.coordinator.headers), 400)


@pytest.mark.parametrize(
    ("grant", "named"),
    [
        ({"role": "coordinator"}, "network"),
        ({"role": "reviewer"}, "dataset"),
        ({"role": "reader"}, "dataset"),
        ({"role": "administrator", "network": "north"}, "network"),
        ({"role": "reader", "network": "north", "dataset": "of-north"}, "network"),
        ({"role": "king"}, "role"),
        ({"role": "reader", "dataset": "a\x00"}, "dataset"),
        ({"role": "reader", "dataset": "../etc"}, "dataset"),
    ],
)
def test_grant_that_would_hold_nowhere_or_twice_is_refused(world: World, grant: dict[str, str], named: str):
    answer = give(world, world.admin, world.nobody.account, **grant)
    refused(answer, 400)
    assert [e["parameter"] for e in answer.json()["errors"]] == [named]


def test_grant_to_a_closed_account_or_to_none_is_refused(world: World):
    who = world.person("Gone")
    world.client.post(f"/accounts/{who.account}/close", headers=world.admin.headers)
    refused(give(world, world.admin, who.account, role="contributor"), 409)
    refused(give(world, world.admin, uuid4(), role="contributor"), 404)
    refused(world.client.post(f"/accounts/{who.account}/keys", headers=world.admin.headers, json={"name": "k"}), 409)


def test_last_administrator_stays(another: Callable[[str], Database]):
    own = another("lastadmin")
    app = create_app(
        Settings(database_url=own.owner.render_as_string(hide_password=False), log_level="error", _env_file=None)
    )
    with session.disposing(own.worker_engine()) as engine, TestClient(app) as client:
        with engine.begin() as connection:
            one = person(connection, "One", Grant("administrator"))
            two = person(connection, "Two", Grant("administrator"))
        grants = {p: client.get("/account", headers=p.headers).json()["grants"][0]["id"] for p in (one, two)}
        assert client.post(f"/accounts/{two.account}/close", headers=one.headers).status_code == 200
        refused(client.post(f"/accounts/{one.account}/close", headers=one.headers), 409)
        refused(client.delete(f"/accounts/{one.account}/grants/{grants[one]}", headers=one.headers), 409)
        # The grant of the closed one is not what keeps the house open.
        assert client.delete(f"/accounts/{two.account}/grants/{grants[two]}", headers=one.headers).status_code == 204


# --- The log --------------------------------------------------------------------------------------------------------


def test_log_is_read_newest_first_in_pages_and_by_filter(world: World):
    who = world.person("Logged")
    grant = give(world, world.admin, who.account, role="contributor").json()["id"]
    world.client.delete(f"/accounts/{who.account}/grants/{grant}", headers=world.admin.headers)
    target = f"account {who.account}"

    def read(query: dict[str, Any]) -> Any:
        return world.client.get("/audit", params=query, headers=world.admin.headers).json()

    first = read({"target": target, "limit": 1})
    assert [(e["action"], e["account"]["name"]) for e in first["entries"]] == [("take grant", "Ada")]
    second = world.client.get(first["links"][0]["href"], headers=world.admin.headers).json()
    assert [e["action"] for e in second["entries"]] == ["give grant"]
    assert second["links"] == []
    assert second["entries"][0]["detail"]["role"] == "contributor"
    assert [e["action"] for e in read({"target": target, "action": "give grant"})["entries"]] == ["give grant"]
    assert read({"target": target, "account": str(world.nobody.account)})["entries"] == []
    assert read({"target": target, "since": "2999-01-01T00:00:00Z"})["entries"] == []
    assert len(read({"target": target, "since": "2020-01-01"})["entries"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "since=x",
        "since=0001-01-01T00:00:00%2B14:00",
        "account=x",
        "cursor=0",
        "cursor=x",
        "limit=0",
        "action=%00",
        "other=1",
    ],
)
def test_wrong_filter_of_the_log_is_named(world: World, query: str):
    answer = world.client.get(f"/audit?{query}", headers=world.admin.headers)
    refused(answer, 400)
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


def test_entry_carries_the_request_that_asked_for_it(world: World):
    who = world.person("Traced")
    world.client.delete(f"/keys/{who.key_id}", headers={**who.headers, "X-Request-ID": "trace-7"})
    (entry,) = [e for e in world.audited("revoke key") if e.account_id == who.account]
    assert entry.request_id == "trace-7"


def test_refused_deed_leaves_no_entry_and_no_trace(world: World):
    before = world.run("SELECT count(*) FROM core.audit").scalar()
    give(world, world.coordinator, world.nobody.account, role="administrator")
    world.client.post("/keys", headers=world.nobody.headers, json={"name": ""})
    assert world.run("SELECT count(*) FROM core.audit").scalar() == before
