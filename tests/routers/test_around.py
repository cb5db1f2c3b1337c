"""Addresses without credentials, logs without them, caches that keep nothing private, and what browsers may do."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app import logs
from app.db import session
from app.db.session import Database
from app.identity.keys import new_key
from app.identity.roles import Grant
from app.main import create_app
from app.settings import Settings
from tests.people import Person, person

KEY = new_key().secret
TOKEN = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.{KEY[4:]}"  # in the form of one
ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def own(another: Callable[[str], Database]) -> Database:
    return another("around")


@pytest.fixture(scope="module")
def admin(own: Database) -> Person:
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        return person(connection, "Ada", Grant("administrator"))


def served(own: Database, **more: Any) -> TestClient:
    settings = Settings(
        database_url=own.owner.render_as_string(hide_password=False), log_format="json", _env_file=None, **more
    )
    return TestClient(create_app(settings), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(own: Database) -> Iterator[TestClient]:
    with served(own) as here:
        yield here


@pytest.fixture
def lines(client: TestClient) -> Iterator[Callable[[], list[Any]]]:
    """What was logged meanwhile, as it is written."""
    assert client.app is not None  # making it sets up the log
    handler: Any = logging.getLogger().handlers[0]
    before, written = handler.stream, io.StringIO()
    handler.setStream(written)
    logging.getLogger().setLevel("INFO")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


# --- Credentials in addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        f"key={KEY}",
        "api_key=whatever",
        "API_KEY=whatever",
        f"access_token={TOKEN}",
        "token=abc",
        f"bbox={KEY}",
        f"property={TOKEN}",
        KEY,
        f"{KEY}=1",
        f"f=json&x={quote(KEY, safe='').replace('_', '%5F')}",
        f"x={quote(quote(KEY).replace('_', '%5F'))}",
    ],
)
@pytest.mark.parametrize("path", ["/collections", "/account", "/map/", "/nothing/here"])
def test_credential_in_the_query_is_refused_and_hidden(client: TestClient, lines: Any, path: str, query: str):
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":credential-in-url")
    assert "Authorization: Bearer" in answer.json()["detail"]
    (line,) = [entry for entry in lines() if entry["event"] == "request"]
    for secret in (KEY[4:], TOKEN, "whatever", "abc"):
        assert secret not in answer.text
        assert secret not in line["query"]
    assert "(hidden)" in line["query"]


@pytest.mark.parametrize("path", [f"/keys/{KEY}", f"/{TOKEN}", f"/collections/{KEY}/items"])
def test_credential_in_the_path_is_refused_and_hidden(client: TestClient, lines: Any, path: str):
    answer = client.delete(path) if path.startswith("/keys") else client.get(path)
    assert answer.status_code == 400
    assert KEY not in answer.text
    assert TOKEN not in answer.text
    assert KEY not in str(lines())
    assert TOKEN not in str(lines())


def test_usual_query_is_logged_as_it_came(client: TestClient, lines: Any):
    client.get("/conformance?f=json&x=%20a&key2=b")
    assert [e["query"] for e in lines() if e["event"] == "request"] == ["f=json&x=%20a&key2=b"]


def test_addresses_of_people_are_not_logged(client: TestClient, lines: Any, admin: Person):
    answer = client.get("/accounts?email=ana%40example.org&limit=5", headers=admin.headers)
    assert answer.status_code == 200, "it is no credential"
    assert [e["query"] for e in lines() if e["event"] == "request"] == ["email=(hidden)&limit=5"]


def test_header_is_never_logged_nor_is_what_a_trace_quotes(client: TestClient, lines: Any, admin: Person):
    client.get("/account", headers=admin.headers)
    client.get("/account", headers={"Authorization": f"Bearer {TOKEN}"})
    fault = RuntimeError(f"failed with {KEY} and {TOKEN}")
    logging.getLogger("somewhere").error("Could not use %s", KEY, exc_info=fault)
    written = str(lines())
    assert "failed with (hidden) and (hidden)" in written
    for secret in (admin.key, KEY, TOKEN):
        assert secret not in written


def test_message_that_would_repeat_a_credential_hides_it(client: TestClient, admin: Person):
    answer = client.post("/accounts", headers=admin.headers, json={"name": "x", KEY: 1})
    assert answer.status_code == 400
    assert KEY not in answer.text
    assert "(hidden)" in answer.text


def test_every_key_is_of_the_form_that_is_hidden():
    assert all(logs.redacted(f"a {new_key().secret} b") == "a (hidden) b" for _ in range(200))
    assert logs.redacted(KEY[:30]) == "(hidden)"
    assert logs.redacted("sho_ and eyJ. in sho_soil_profiles.csv") == "sho_ and eyJ. in sho_soil_profiles.csv"


# --- Bodies ---------------------------------------------------------------------------------------------------------


def test_body_of_too_many_values_is_refused_before_it_is_parsed(client: TestClient):
    body = json.dumps({"name": "x", **{f"a{i}": 1 for i in range(5_001)}})
    answer = client.post("/keys", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "5000 values" in answer.json()["detail"]


def test_faults_of_one_body_are_listed_up_to_a_bound(client: TestClient, admin: Person):
    body = {"name": "x", **{f"a{i}": 1 for i in range(2_000)}}
    answer = client.post("/accounts", headers=admin.headers, json=body)
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 20
    assert answer.json()["detail"].endswith("and 1980 more")


def test_body_without_a_length_is_bounded_as_well(client: TestClient):
    def endless() -> Iterator[bytes]:
        for _ in range(500):
            yield b"x" * 10_000

    answer = client.post("/keys", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["detail"]


# --- Caches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/account", "/keys", "/accounts", "/audit"])
def test_private_answer_is_stored_nowhere(client: TestClient, admin: Person, path: str):
    for headers in (admin.headers, {}):
        answer = client.get(path, headers=headers)
        assert answer.headers["cache-control"] == "no-store"
        assert "Authorization" in answer.headers["vary"]


def test_shown_key_is_stored_nowhere(client: TestClient, admin: Person):
    answer = client.post("/keys", headers=admin.headers, json={"name": "x"})
    assert answer.headers["cache-control"] == "no-store"


def test_public_answer_is_for_shared_caches_only_without_a_key(client: TestClient, admin: Person):
    path = "/collections/regions/items?limit=1"
    assert client.get(path).headers["cache-control"].startswith("public")
    mine = client.get(path, headers=admin.headers)
    assert "public" not in mine.headers["cache-control"]
    assert "private" in mine.headers["cache-control"]
    assert "Authorization" in mine.headers["vary"]
    release = client.get("/readyz").json()["release"]
    tile = f"/collections/sites/tiles/WebMercatorQuad/0/0/0?release={release}"
    assert "immutable" in client.get(tile).headers["cache-control"]
    assert "private" in client.get(tile, headers=admin.headers).headers["cache-control"]


def test_refusals_are_not_kept(client: TestClient):
    for path in ("/nothing", "/collections?x=1"):
        assert client.get(path).headers["cache-control"] == "no-store"


# --- Browsers -------------------------------------------------------------------------------------------------------


def test_script_of_another_origin_may_send_a_key_and_change_things(client: TestClient):
    answer = client.options(
        "/keys",
        headers={
            "Origin": ELSEWHERE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"POST", "PUT", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_origin_that_was_not_named_gets_no_permission(own: Database):
    with served(own, cors_origins=("https://ours.example",), log_level="error") as client:
        stranger = client.get("/conformance", headers={"Origin": ELSEWHERE})
        ours = client.get("/conformance", headers={"Origin": "https://ours.example"})
        asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "DELETE"}
        assert client.options("/keys/x", headers=asked).status_code == 400
    assert "access-control-allow-origin" not in stranger.headers
    assert ours.headers["access-control-allow-origin"] == "https://ours.example"
    assert "Origin" in ours.headers["vary"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/keys", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/keys/x", {"DELETE", "OPTIONS"}),
        ("/collections/sites/items", {"GET", "HEAD", "OPTIONS"}),
        ("/map/", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_plain_options_says_what_is_possible(client: TestClient, path: str, allowed: set[str]):
    answer = client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_wrong_method_is_told_all_that_are_possible(client: TestClient):
    answer = client.put("/keys")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert client.options("/nothing").status_code == 404


def test_browsers_insist_on_tls_where_the_service_is_reached_by_it(own: Database, client: TestClient):
    assert "strict-transport-security" not in client.get("/conformance").headers
    with served(own, public_url="https://observatory.example", log_level="error") as secure:
        assert secure.get("/conformance").headers["strict-transport-security"] == "max-age=31536000"


def test_every_answer_forbids_guessing_of_its_kind(client: TestClient):
    for path in ("/conformance", "/nothing", "/account", "/?key=x"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


# --- The description ------------------------------------------------------------------------------------------------


def test_description_says_where_a_key_is_needed_and_where_it_is_not(client: TestClient):
    said = client.get("/openapi.json").json()
    assert said["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert set(said["components"]["securitySchemes"]) == {"bearer"}
    paths = said["paths"]
    assert paths["/keys"]["post"]["security"] == [{"bearer": []}]
    assert {"401", "403", "429"} <= set(paths["/keys"]["post"]["responses"])
    assert "security" not in paths["/collections"]["get"]
    assert "429" in paths["/collections"]["get"]["responses"]
