"""Every failure is a problem document, and the service lives on."""

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from app import errors
from app.db import session
from app.db.session import Database
from app.main import create_app
from app.routers import problems
from app.routers.around import Around
from app.settings import Settings


def every(kind: type[errors.ObservatoryError]) -> list[type[errors.ObservatoryError]]:
    return [kind, *(below for sub in kind.__subclasses__() for below in every(sub))]


@pytest.fixture
def failing() -> TestClient:
    app = FastAPI()
    problems.register(app)
    app.add_middleware(Around, max_body_bytes=1000)

    @app.get("/fail/{name}")
    def fail(name: str) -> None:
        if name == "Unforeseen":
            raise RuntimeError("password=secret")
        kind = getattr(errors, name)
        raise (
            kind("parameter", "said")
            if name == "InvalidParameter"
            else (kind("said", code="CODE") if issubclass(kind, errors.InputRefused) else kind("said"))
        )

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", every(errors.ObservatoryError), ids=lambda k: k.__name__)
def test_each_error_has_a_status_and_a_stable_type(failing: TestClient, kind: type[errors.ObservatoryError]):
    answer = failing.get(f"/fail/{kind.__name__}")
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code >= 400
    assert body["type"].startswith("urn:soil-health-observatory:problem:")
    assert "said" in body["detail"]
    assert (answer.status_code in {429, 503}) == ("retry-after" in answer.headers)
    assert (answer.status_code == 401) == (answer.headers.get("www-authenticate", "").startswith("Bearer"))


def test_tree_in_the_docstring_is_the_tree_of_the_code():
    for kind in every(errors.ObservatoryError):
        assert kind.__name__ in str(errors.__doc__)


def test_unforeseen_failure_tells_nothing_of_the_inside(failing: TestClient):
    answer = failing.get("/fail/Unforeseen")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_unforeseen_failure_is_logged_under_the_request_id_of_its_answer(failing: TestClient):
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answer = failing.get("/fail/Unforeseen", headers={"X-Request-ID": "mine"})
    assert answer.headers["x-request-id"] == "mine"
    assert [(entry["event"], entry["request_id"]) for entry in logged] == [("unforeseen", "mine"), ("request", "mine")]


def test_wrong_method_is_405_with_what_is_allowed(client: TestClient):
    answer = client.delete("/collections/sites/items")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["200000000", "x"])
def test_body_over_the_limit_is_413_before_it_is_read(client: TestClient, length: str):
    answer = client.post("/collections", headers={"Content-Length": length}, content=b"")
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["detail"]


def test_each_answer_carries_the_request_id_it_was_given(client: TestClient):
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"


def test_request_id_that_could_forge_a_log_line_is_replaced(client: TestClient):
    given = "a b"
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] != given


def test_database_that_gives_no_answer_is_503_and_not_an_empty_collection(served: str):
    settings = Settings(database_url=served, log_level="error", features_timeout_s=0.3, _env_file=None)
    owner = create_engine(served)
    with (
        TestClient(create_app(settings), raise_server_exceptions=False) as client,
        session.disposing(owner),
        owner.begin() as connection,
    ):
        connection.execute(text("LOCK TABLE pub.region IN ACCESS EXCLUSIVE MODE"))
        answer = client.get("/collections/regions/items")
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("busy")


def test_service_refuses_to_start_on_a_database_of_another_schema(database: Database):
    from app.errors import DatabaseUnavailable

    url = database.owner.set(database="postgres").render_as_string(hide_password=False)
    app = create_app(Settings(database_url=url, log_level="error", _env_file=None))
    with pytest.raises(DatabaseUnavailable, match="observatory migrate"), TestClient(app):
        pass


def test_browsers_are_sent_to_the_map_and_programs_are_not(client: TestClient):
    browser = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (browser.status_code, browser.headers["location"]) == (303, "map/")
    assert client.get("/", headers={"Accept": "application/json"}).json()["links"]


def test_every_declared_path_is_described(client: TestClient):
    paths = client.get("/openapi.json").json()["paths"]
    assert "/collections/{collection_id}/items" in paths
    operations = [operation for path in paths.values() for operation in path.values()]
    assert all(operation.get("summary") for operation in operations)
    assert all({"400", "404", "429", "503"} <= set(operation["responses"]) for operation in operations)
    assert all(any(status.startswith("2") for status in operation["responses"]) for operation in operations)
    assert all("422" not in operation["responses"] for operation in operations)
