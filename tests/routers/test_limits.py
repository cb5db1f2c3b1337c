"""How often one client may ask, and that nobody gets around it or suffers from another."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db import session
from app.db.session import Database
from app.identity.buckets import Buckets, Policy
from app.identity.keys import new_key
from app.identity.roles import Grant
from app.main import create_app
from app.routers.limits import Gate
from app.settings import Settings
from tests.people import Person, key_of, person

READS, CONTROL, UPLOADS, FAILURES = 6, 4, 3, 2


# --- Buckets --------------------------------------------------------------------------------------------------------


def test_bucket_gives_its_quota_at_once_and_then_as_fast_as_it_fills():
    buckets, policy = Buckets(), Policy("reads", 10, 60)
    assert [buckets.take(policy, "a", 0.0).allowed for _ in range(11)] == [True] * 10 + [False]
    refused = buckets.take(policy, "a", 0.0)
    assert (refused.remaining, refused.wait_s, refused.reset_s) == (0, 6, 60)
    assert not buckets.take(policy, "a", 5.9).allowed
    assert buckets.take(policy, "a", 6.0).allowed
    assert [buckets.take(policy, "a", 1000.0).allowed for _ in range(11)] == [True] * 10 + [False]


def test_refused_requests_do_not_lengthen_the_wait():
    buckets, policy = Buckets(), Policy("reads", 1, 10)
    buckets.take(policy, "a", 0.0)
    for second in range(10):
        assert not buckets.take(policy, "a", float(second)).allowed
    assert buckets.take(policy, "a", 10.0).allowed


def test_one_subject_or_policy_does_not_drain_another():
    buckets, policy = Buckets(), Policy("reads", 1, 60)
    assert buckets.take(policy, "a", 0.0).allowed
    assert buckets.take(policy, "b", 0.0).allowed
    assert buckets.take(Policy("control", 1, 60), "a", 0.0).allowed
    assert not buckets.take(policy, "a", 0.0).allowed


def test_looking_takes_nothing():
    buckets, policy = Buckets(), Policy("reads", 1, 60)
    assert all(buckets.take(policy, "a", 0.0, cost=0).allowed for _ in range(5))
    assert len(buckets) == 0
    assert buckets.take(policy, "a", 0.0).allowed
    assert not buckets.take(policy, "a", 0.0, cost=0).allowed


def test_clock_that_stands_still_or_goes_back_fills_nothing():
    buckets, policy = Buckets(), Policy("reads", 1, 60)
    assert buckets.take(policy, "a", 100.0).allowed
    assert not buckets.take(policy, "a", 50.0).allowed


def test_memory_is_bounded_and_the_busy_are_remembered():
    buckets, policy = Buckets(most=100), Policy("reads", 1, 60)
    for i in range(10_000):
        buckets.take(policy, "busy", 0.0)
        buckets.take(policy, i, 0.0)
    assert len(buckets) == 100
    assert not buckets.take(policy, "busy", 0.0).allowed


# --- Over HTTP ------------------------------------------------------------------------------------------------------


@dataclass
class Street:
    """The service with small limits and a clock that stands still until it is moved."""

    url: str
    clients: list[TestClient] = field(default_factory=list)
    now: float = 0.0

    def client(self, address: str = "192.0.2.1", **more: Any) -> TestClient:
        return TestClient(self.app, client=(address, 50_000), raise_server_exceptions=False, **more)

    def open(self) -> None:
        settings = Settings(
            database_url=self.url,
            rate_limits=True,
            reads_per_minute=READS,
            control_per_minute=CONTROL,
            uploads_per_hour=UPLOADS,
            failures_per_hour=FAILURES,
            log_level="error",
            _env_file=None,
        )
        self.app = create_app(settings)
        self.gate: Gate = self.app.state.gate
        self.gate.clock = lambda: self.now


@pytest.fixture(scope="module")
def own(another: Callable[[str], Database]) -> Database:
    return another("limits")


@pytest.fixture
def street(own: Database) -> Iterator[Street]:
    here = Street(own.owner.render_as_string(hide_password=False))
    here.open()
    with here.client():
        yield here


@pytest.fixture
def somebody(own: Database) -> Person:
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        return person(connection, "Somebody", Grant("contributor"))


def test_over_the_limit_is_a_429_that_says_when_to_come_back(street: Street):
    client = street.client()
    for left in range(READS - 1, -1, -1):
        answer = client.get("/conformance")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"reads";q={READS};w=60'
        assert re.fullmatch(rf'"reads";r={left};t=\d+', answer.headers["ratelimit"])
    refused = client.get("/conformance", headers={"X-Request-ID": "mine"})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith(":too-many-requests")
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["ratelimit"] == '"reads";r=0;t=60'
    assert refused.headers["x-request-id"] == "mine"
    assert refused.headers["cache-control"] == "no-store"
    street.now = 9.0
    assert client.get("/conformance").status_code == 429
    street.now = 10.0
    assert client.get("/conformance").status_code == 200


def test_refusal_can_be_read_by_scripts_of_other_origins(street: Street):
    client = street.client()
    for _ in range(READS):
        client.get("/conformance")
    refused = client.get("/conformance", headers={"Origin": "https://elsewhere.example"})
    assert refused.status_code == 429
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


def test_addresses_have_limits_of_their_own_and_probes_none(street: Street):
    one, two = street.client(), street.client("192.0.2.2")
    for _ in range(READS + 1):
        one.get("/conformance")
    assert one.get("/conformance").status_code == 429
    assert two.get("/conformance").status_code == 200
    assert [one.get("/healthz").status_code for _ in range(20)] == [200] * 20


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.9", "192.0.2.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("not an address", "not an address", True),
    ],
)
def test_network_of_one_customer_counts_as_one_address(street: Street, first: str, second: str, *, same: bool):
    for _ in range(READS):
        street.client(first).get("/conformance")
    assert (street.client(second).get("/conformance").status_code == 429) == same


def test_forwarded_address_is_not_believed_by_the_limit_itself(street: Street):
    client = street.client()
    codes = [
        client.get("/conformance", headers={"X-Forwarded-For": f"10.0.0.{i}"}).status_code for i in range(READS + 1)
    ]
    assert codes[-1] == 429


def test_changes_and_files_are_counted_apart_from_reading(street: Street):
    client = street.client()
    assert [client.post("/keys", json={}).status_code for _ in range(CONTROL + 1)][-1] == 429
    assert [client.post("/uploads").status_code for _ in range(UPLOADS + 1)].index(429) == UPLOADS
    assert client.delete("/keys/x").status_code == 429
    assert client.get("/conformance").status_code == 200


def test_key_has_a_limit_of_its_own_once_it_proved_to_be_one(street: Street, somebody: Person):
    crowd = street.client()
    assert crowd.get("/account", headers=somebody.headers).status_code == 200  # counted by address: not known yet
    assert [crowd.get("/account", headers=somebody.headers).status_code for _ in range(READS)] == [200] * READS
    assert crowd.get("/account", headers=somebody.headers).status_code == 429
    assert street.client("192.0.2.77").get("/account", headers=somebody.headers).status_code == 429
    assert [crowd.get("/conformance").status_code for _ in range(READS - 1)] == [200] * (READS - 1)
    assert crowd.get("/conformance").status_code == 429


def test_key_works_where_its_neighbours_used_up_the_address(street: Street, somebody: Person):
    crowd = street.client()
    crowd.get("/account", headers=somebody.headers)
    for _ in range(READS):
        crowd.get("/conformance")
    assert crowd.get("/conformance").status_code == 429
    assert crowd.get("/account", headers=somebody.headers).status_code == 200


def test_invented_key_per_request_earns_no_limit_of_its_own(street: Street):
    client = street.client()
    codes = [
        client.get("/conformance", headers={"Authorization": f"Bearer {new_key().secret}"}).status_code
        for _ in range(READS + 1)
    ]
    assert codes == [200] * READS + [429]


def test_guessing_keys_ends_after_a_few(street: Street, somebody: Person):
    client = street.client()
    client.get("/account", headers=somebody.headers)

    def guess() -> Any:
        return client.get("/account", headers={"Authorization": f"Bearer {new_key().secret}"})

    assert [guess().status_code for _ in range(FAILURES)] == [401] * FAILURES
    refused = guess()
    assert refused.status_code == 429
    assert "wrong keys" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) == 3600 // FAILURES
    # Neither the anonymous nor who holds a proven key at the same address pays for it; elsewhere nobody does.
    assert client.get("/conformance").status_code == 200
    assert client.get("/account", headers=somebody.headers).status_code == 200
    assert street.client("192.0.2.50").get("/account").status_code == 401


def test_wrong_headers_of_any_form_count_as_guesses(street: Street):
    client = street.client()
    for sent in ("Basic eDp5", "Bearer", "nonsense")[:FAILURES]:
        assert client.get("/account", headers={"Authorization": sent}).status_code == 401
    assert client.get("/account", headers={"Authorization": "Bearer x"}).status_code == 429


def test_program_that_keeps_sending_one_wrong_key_shuts_nobody_out(street: Street, somebody: Person):
    client = street.client()
    stale = {"Authorization": f"Bearer {new_key().secret}"}
    assert [client.get("/account", headers=stale).status_code for _ in range(READS - 1)] == [401] * (READS - 1)
    assert client.get("/account", headers=somebody.headers).status_code == 200


def test_request_without_a_key_is_no_failure(street: Street):
    client = street.client()
    assert [client.get("/account").status_code for _ in range(READS)] == [401] * READS


def test_revoked_key_loses_its_standing(street: Street, somebody: Person, own: Database):
    client = street.client()
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        _, secret = key_of(connection, somebody.account)
    mine = {"Authorization": f"Bearer {secret}"}
    key = client.get("/account", headers=mine).json()["key"]["id"]
    assert street.gate.known(secret) == f"key {key}"
    assert client.delete(f"/keys/{key}", headers=mine).status_code == 204
    assert client.get("/account", headers=mine).status_code == 401
    assert street.gate.known(secret) is None


def test_standing_of_a_key_ends_by_itself(street: Street, somebody: Person):
    street.client().get("/account", headers=somebody.headers)
    assert street.gate.known(somebody.key)
    street.now += 3601
    assert street.gate.known(somebody.key) is None


def test_switched_off_limits_nothing_and_says_nothing(own: Database):
    settings = Settings(
        database_url=own.owner.render_as_string(hide_password=False),
        rate_limits=False,
        reads_per_minute=1,
        log_level="error",
        _env_file=None,
    )
    with TestClient(create_app(settings)) as client:
        answers = [client.get("/conformance") for _ in range(5)]
        assert client.get("/limits").json()["rates"] == []
    assert [a.status_code for a in answers] == [200] * 5
    assert "ratelimit" not in answers[0].headers


def test_limits_are_told_as_they_are_configured(street: Street):
    said = street.client().get("/limits").json()
    assert {r["policy"]: (r["requests"], r["window_s"]) for r in said["rates"]} == {
        "reads": (READS, 60),
        "control": (CONTROL, 60),
        "uploads": (UPLOADS, 3600),
        "failures": (FAILURES, 3600),
    }
    defaults = Settings(_env_file=None)
    assert said["bytes"]["upload"] == defaults.max_upload_mb * 1_000_000
    assert said["pages"]["features"] == defaults.items_limit_max
    assert said["keys"] == {"per_account": 25, "days_default": 365, "days": 730}


def test_map_and_its_first_tiles_fit_into_the_default_many_times():
    assert Settings(_env_file=None).reads_per_minute >= 20 * 300
