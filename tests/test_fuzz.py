"""Every operation of the described API, asked with what its description allows and with what it does not.

Whatever is sent with a contributor's key: no answer is a 5xx, and every refusal is a problem document. Every other
request names things that exist, so that more than the search for them is tried. `OBSERVATORY_FUZZ_EXAMPLES` asks more
of each operation than a normal run does.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from app.db.session import Database
from tests.uploads import CSV, MIXED, Desk, desk_on

EXAMPLES = int(os.environ.get("OBSERVATORY_FUZZ_EXAMPLES", "6"))
ENDLESS = ("/events",)
"""Answers that last as long as the job they tell of are read by tests of their own."""


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("fuzzed"), tmp_path_factory.mktemp("fuzz"), max_upload_mb=1, rate_limits=False) as here:
        here.dataset("published")
        here.stored("published", CSV)
        here.dataset("draft")
        yield here


@pytest.fixture(scope="module")
def known(desk: Desk) -> dict[str, list[str]]:
    """Things that exist, by the name of the path parameter that names them."""
    uploads = [desk.checked("draft", MIXED), desk.send("draft", CSV).json()["id"]]
    sites = desk.client.get("/collections/sites/items?dataset=published").json()["features"]
    account = desk.get("/account").json()
    return {
        "slug": ["published", "draft"],
        "upload_id": uploads,
        "collection_id": ["sites", "observations", "regions", "partners"],
        "feature_id": [sites[0]["id"], "country-KEN"],
        "region_id": ["country-KEN", "country-BRA"],
        "tile_matrix_set": ["WebMercatorQuad"],
        "tile_matrix": ["3"],
        "tile_row": ["2"],
        "tile_col": ["4"],
        "name": ["standard", "febr"],
        "code": ["DEPTH_INVERTED"],
        "page": ["stocks.md"],
        "account_id": [account["id"]],
    }


@pytest.fixture(scope="module")
def described(desk: Desk) -> Any:
    """The API as it describes itself."""
    return schemathesis.openapi.from_dict(desk.client.get("/openapi.json").json())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_no_request_breaks_the_service(
    described: Any, desk: Desk, known: dict[str, list[str]], mode: GenerationMode
) -> None:
    statuses: set[int] = set()
    for found in described.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith(ENDLESS):
            statuses |= _asked(operation, mode, desk, known)
    assert statuses & {400, 404}, "nothing was refused: the requests did not reach the service"


def _asked(operation: Any, mode: GenerationMode, desk: Desk, known: dict[str, list[str]]) -> set[int]:
    """Ask one operation in many ways; the statuses of the answers."""
    statuses = set()
    turn = itertools.count()

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        n = next(turn)
        for name in [] if n % 2 else case.path_parameters:
            there = known.get(name, [case.path_parameters[name]])
            case.path_parameters[name] = there[n // 2 % len(there)]
        statuses.add(_answered(desk, case))

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters cannot be asked wrongly
        ask()
    return statuses


def _answered(desk: Desk, case: Any) -> int:
    sent = case.as_transport_kwargs(base_url="http://testserver")
    headers = {name: value for name, value in sent.pop("headers", {}).items() if name.lower() != "authorization"}
    if isinstance(sent.get("data"), bytes | str):
        sent["content"] = sent.pop("data")
    if sent.get("files"):
        parts = sent["files"].items() if isinstance(sent["files"], dict) else sent["files"]
        sent["files"] = [(str(name), _part(part)) for name, part in parts]
    answer = desk.client.request(
        headers={**headers, **desk.owner.headers}, **{k: v for k, v in sent.items() if v is not None and k != "cookies"}
    )
    assert answer.status_code < 500, (case.as_curl_command(), answer.text[:500])
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", case.as_curl_command()
        told = json.loads(answer.content)
        assert told["status"] == answer.status_code
        assert told["detail"]
        assert told["type"].startswith("urn:")
    return int(answer.status_code)


def _part(part: Any) -> Any:
    """A part of a form that the client can send: numbers and lists, which are no file, as their text."""
    if isinstance(part, tuple):
        return (part[0], _part(part[1]), *part[2:])
    return part if isinstance(part, bytes | str) else str(part).encode()
