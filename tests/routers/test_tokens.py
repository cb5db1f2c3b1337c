"""Signing in at a real OpenID Connect provider on loopback, from discovery to the account."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import session
from app.db.session import Database
from app.identity import tokens
from app.identity.tokens import Verifier
from app.main import create_app
from app.settings import Settings
from tests.identity.provider import CLIENT, Provider, free_port


def configured(url: str, provider: Provider, **more: Any) -> Settings:
    return Settings(
        database_url=url,
        oidc_issuers=provider.issuer,
        oidc_audiences=CLIENT,
        log_level="error",
        _env_file=None,
        **more,
    )


@dataclass
class House:
    url: str
    client: TestClient
    engine: Engine
    provider: Provider
    clock: float = 0.0

    def account(self, token: str) -> Any:
        return self.client.get("/account", headers={"Authorization": f"Bearer {token}"})

    def refusal(self, token: str) -> str:
        answer = self.account(token)
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert token[-40:] not in answer.text
        return str(answer.json()["detail"])


@pytest.fixture(scope="module")
def house(another: Callable[[str], Database]) -> Iterator[House]:
    own = another("signin")
    provider = Provider(free_port()).start()
    try:
        url = own.owner.render_as_string(hide_password=False)
        app = create_app(configured(url, provider))
        with session.disposing(own.worker_engine()) as engine, TestClient(app, raise_server_exceptions=False) as client:
            here = House(url, client, engine, provider)
            app.state.tokens = Verifier([provider.issuer], [CLIENT], clock=lambda: here.clock)
            yield here
    finally:
        provider.stop()


def test_person_who_signs_in_gets_an_account_once_and_without_roles(house: House):
    first = house.account(house.provider.token("alice")).json()
    again = house.account(house.provider.token("alice")).json()
    assert (first["name"], first["issuer"], first["grants"], first["key"]) == (
        "Alice Liddell",
        house.provider.issuer,
        [],
        None,
    )
    assert again["id"] == first["id"]
    assert again["scopes"] == ["read", "contribute", "review", "administer"]
    bob = house.account(house.provider.token("bob", name="Bob")).json()
    assert bob["id"] != first["id"]
    with house.engine.connect() as connection:
        log = connection.execute(
            text("SELECT action, detail FROM core.audit WHERE account_id = :a"), {"a": first["id"]}
        ).all()
    assert [tuple(row) for row in log] == [("create account", {"issuer": house.provider.issuer})]


def test_person_who_signed_in_makes_a_key(house: House):
    mine = {"Authorization": f"Bearer {house.provider.token('keymaker')}"}
    key = house.client.post("/keys", headers=mine, json={"name": "script", "scopes": ["read"]}).json()["key"]
    assert house.account(key).json()["id"] == house.account(mine["Authorization"][7:]).json()["id"]


def test_token_for_another_client_is_refused(house: House):
    assert "another audience" in house.refusal(house.provider.token("alice", client="another-service"))


def test_forged_token_is_refused(house: House):
    head, body, sign = house.provider.token("alice").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    raised = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "root"}).encode()).rstrip(b"=").decode()
    house.refusal(f"{head}.{raised}.{sign}")
    house.refusal(jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256"))
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert "algorithm" in house.refusal(f"{unsigned}.{body}.")
    modulus = house.provider.issuer.encode() * 2
    assert "algorithm" in house.refusal(jwt.encode(claims, modulus, algorithm="HS256"))


def test_token_of_a_provider_that_is_not_configured_is_refused(house: House):
    other = Provider(free_port()).start()
    try:
        assert "issuer" in house.refusal(other.token("alice"))
    finally:
        other.stop()


def test_expired_token_is_refused(house: House):
    late = Provider(free_port(), token_s=-3600).start()
    try:
        house.client.app.state.tokens = Verifier([late.issuer], [CLIENT])  # type: ignore[attr-defined]
        assert "expired" in house.refusal(late.token("alice"))
    finally:
        late.stop()
        house.client.app.state.tokens = Verifier(  # type: ignore[attr-defined]
            [house.provider.issuer], [CLIENT], clock=lambda: house.clock
        )


def test_provider_that_changes_its_key_is_followed_and_the_old_key_ends(house: House):
    old = house.provider.token("alice")
    assert house.account(old).status_code == 200
    house.provider.stop()
    house.provider.start()
    new = house.provider.token("alice")
    house.clock += tokens.COOLDOWN_S + 1
    assert house.account(new).status_code == 200
    house.refusal(old)


def test_closed_account_stays_closed_for_a_good_token(house: House):
    token = house.provider.token("carol")
    account = house.account(token).json()["id"]
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE core.account SET closed_at = now() WHERE id = :a"), {"a": account})
    assert "closed" in house.refusal(token)


def test_two_first_requests_at_once_make_one_account(house: House):
    from concurrent.futures import ThreadPoolExecutor

    token = house.provider.token("dora")
    with ThreadPoolExecutor(6) as pool:
        answers = [a.json()["id"] for a in pool.map(house.account, [token] * 12)]
    assert len(set(answers)) == 1


def test_provider_may_be_set_to_give_newcomers_the_role_of_a_contributor(house: House):
    app = create_app(configured(house.url, house.provider, oidc_first_role="contributor"))
    token = house.provider.token("erin")
    with TestClient(app) as client:
        grants = client.get("/account", headers={"Authorization": f"Bearer {token}"}).json()["grants"]
    assert [(g["role"], g["dataset"], g["network"]) for g in grants] == [("contributor", None, None)]
