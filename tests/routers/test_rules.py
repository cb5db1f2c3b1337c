"""The rules over HTTP: read by everybody, run again and overruled by reviewers, and nothing betrayed on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.db.session import Database
from app.identity.roles import Grant
from app.ingest.rules import RULES, RULES_VERSION
from tests.people import Person
from tests.test_pipelines import HEADER, ROW
from tests.uploads import Desk, desk_on, problem


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("rules"), tmp_path_factory.mktemp("rules")) as here:
        yield here


COLUMNS = HEADER.split(",")


def line(**changes: Any) -> str:
    cells = dict(zip(COLUMNS, ROW.split(","), strict=True))
    return ",".join(str({**cells, **changes}[name]) for name in COLUMNS)


def content(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


RISING = content(line(top_cm=0, bottom_cm=30, soc=9), line(top_cm=30, bottom_cm=60, soc=33))


@pytest.fixture(scope="module")
def coordinator(desk: Desk) -> Person:
    desk.dataset("of-north", network="north")
    return desk.person("Cora", Grant("coordinator", network=desk.network("north")))


def test_catalogue_is_whole_and_every_rule_has_its_address(desk: Desk):
    found = desk.client.get("/rules").json()
    assert found["version"] == RULES_VERSION == found["history"][-1]["version"]
    assert [rule["code"] for rule in found["rules"]] == list(RULES)
    one = desk.client.get("/rules/PH_ORDER").json()
    assert (one["severity"], one["effect"], one["since"], one["page"]) == (
        "warning",
        "flag",
        "2",
        "/docs/rules/PH_ORDER",
    )
    assert "Minasny" in one["source"]


@pytest.mark.parametrize("address", ["/docs/rules/PH_ORDER", "/docs/rules/PH_ORDER.md"])
def test_page_of_a_rule_is_the_file_of_the_documentation(desk: Desk, address: str):
    page = desk.client.get(address).text
    assert page == (Path(__file__).parents[2] / "docs" / "rules" / "PH_ORDER.md").read_text("utf-8")


@pytest.mark.parametrize("address", ["/rules/NOT_A_RULE", "/docs/rules/..%2Frules", "/docs/rules/README.md"])
def test_rule_that_is_not_there_is_a_problem(desk: Desk, address: str):
    assert desk.client.get(address).status_code == 404


def test_unknown_parameters_are_refused(desk: Desk):
    assert "colour" in desk.client.get("/rules", params={"colour": "red"}).text
    assert desk.client.get("/rules", params={"colour": "red"}).status_code == 400


def test_issue_of_a_report_names_the_page_of_its_rule(desk: Desk):
    desk.dataset("pages")
    upload = desk.checked("pages", RISING)
    report = desk.get(f"/uploads/{upload}/report").json()
    (issue,) = [item for item in report["issues"] if item["code"] == "SOC_RISES_WITH_DEPTH"]
    assert issue["page"] == "/docs/rules/SOC_RISES_WITH_DEPTH"
    assert desk.client.get(issue["page"]).status_code == 200


# Run again


def test_only_who_may_runs_the_rules_again_and_the_run_is_told(desk: Desk, coordinator: Person):
    dataset = desk.dataset("again", network="north")
    problem(desk.post("/datasets/again/recheck", by=coordinator), 409)
    store_reviewed(desk, "again", RISING)
    problem(desk.client.post("/datasets/again/recheck"), 401)
    problem(desk.post("/datasets/again/recheck", by=desk.person("Nobody")), 403)
    problem(desk.post("/datasets/again/recheck"), 403)
    desk.run(
        "UPDATE core.layer l SET result_flags = NULL FROM core.visit v JOIN core.site s ON s.id = v.site_id "
        "WHERE v.id = l.visit_id AND s.dataset_id = :d",
        d=dataset,
    )
    asked = desk.post("/datasets/again/recheck", by=coordinator)
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    desk.jobs()
    (run,) = desk.get("/datasets/again/recheck").json()["runs"]
    assert run["added"]["SOC_RISES_WITH_DEPTH"] == 1
    assert (run["rules_version"], run["impossible"]) == (RULES_VERSION, [])
    deeds = desk.get("/audit", by=desk.administrator, action="recheck dataset").json()
    assert "again" in str(deeds)


def store_reviewed(desk: Desk, dataset: str, file: bytes) -> str:
    """Send a file, accept it, and let the network's reviewer approve."""
    upload = desk.checked(dataset, file)
    desk.post(f"/uploads/{upload}/accept")
    approved = desk.post(f"/uploads/{upload}/review", {"decision": "approve", "note": "fine"}, by=desk.administrator)
    assert approved.status_code == 202, approved.text
    desk.jobs()
    assert desk.state(upload) == "stored"
    return upload


def test_reviewer_dismisses_a_flag_and_it_leaves_the_map_with_the_value_unchanged(desk: Desk):
    dataset = desk.dataset("flags", network="north")
    store_reviewed(desk, "flags", RISING)
    reviewer = desk.person("Rita", Grant("reviewer", dataset=dataset))

    def observations() -> dict[float, Any]:
        found = desk.client.get(
            "/collections/observations/items", params={"dataset": "flags", "property": "soc"}
        ).json()
        return {feature["properties"]["value"]: feature for feature in found["features"]}

    assert "SOC_RISES_WITH_DEPTH" in observations()[33]["properties"]["flags"]
    body = {
        "observation": observations()[33]["id"],
        "code": "SOC_RISES_WITH_DEPTH",
        "decision": "dismiss",
        "note": "a buried horizon, see the profile description",
    }
    problem(desk.post("/flags", body), 403)
    problem(desk.post("/flags", {**body, "code": "PH_ORDER"}, by=reviewer), 409)
    problem(desk.post("/flags", {**body, "decision": "restore"}, by=reviewer), 409)
    problem(desk.post("/flags", {**body, "observation": str(uuid4())}, by=reviewer), 404)
    problem(desk.post("/flags", {**body, "site": str(uuid4())}, by=reviewer), 400)
    assert desk.post("/flags", {**body, "value": 3}, by=reviewer).status_code in {400, 422}
    done = desk.post("/flags", body, by=reviewer)
    assert (done.status_code, done.json()["on"]) == (202, "result")
    desk.jobs()
    assert "SOC_RISES_WITH_DEPTH" not in observations()[33]["properties"]["flags"]
    assert desk.post("/flags", {**body, "decision": "restore"}, by=reviewer).status_code == 202
    desk.jobs()
    assert "SOC_RISES_WITH_DEPTH" in observations()[33]["properties"]["flags"]
    assert set(observations()) == {9, 33}


# Duplicates


@pytest.fixture(scope="module")
def twice(desk: Desk) -> tuple[str, str]:
    for slug in ("national", "world"):
        desk.dataset(slug, location_precision="exact", network=slug)
        store_reviewed(desk, slug, content(line(site_id=slug, soc=21.7, top_cm=0, bottom_cm=30)))
    return "national", "world"


def test_reviewer_sees_and_decides_candidates(desk: Desk, twice: tuple[str, str]):
    first, _ = twice
    reviewer = desk.person("Rolf", Grant("reviewer", network=desk.network(first)))
    found = desk.get("/duplicates", by=reviewer, dataset=first).json()
    (candidate,) = found["candidates"]
    assert found["numberMatched"] == 1
    assert {side["dataset"] for side in candidate["profiles"]} == set(twice)
    assert (candidate["distance_m"], candidate["state"]) == (0, "open")
    body = {"decision": "different", "note": "two trenches"}
    problem(desk.post(f"/duplicates/{candidate['id']}", body), 403)
    assert desk.post(f"/duplicates/{candidate['id']}", body, by=reviewer).json()["state"] == "different"
    assert desk.get("/duplicates", by=reviewer, dataset=first).json()["numberMatched"] == 0
    assert desk.get("/duplicates", by=reviewer, dataset=first, state="different").json()["numberMatched"] == 1
    desk.jobs()
    shown = desk.client.get("/collections/observations/items", params={"dataset": first}).json()["features"]
    assert all("POSSIBLE_DUPLICATE" not in feature["properties"]["flags"] for feature in shown)


def test_candidate_with_a_dataset_of_hidden_positions_is_not_shown_nor_counted(desk: Desk, twice: tuple[str, str]):
    first, _ = twice
    desk.dataset("hidden", location_precision="10km", network="hidden")
    store_reviewed(desk, "hidden", content(line(site_id="h", soc=21.7, top_cm=0, bottom_cm=30)))
    reviewer = desk.person("Ruth", Grant("reviewer", network=desk.network(first)))
    seen = desk.get("/duplicates", by=reviewer, dataset=first, state="all").json()
    assert "hidden" not in str(seen)
    everything = desk.get("/duplicates", by=desk.administrator, dataset=first, state="all").json()
    (secret,) = [c for c in everything["candidates"] if "hidden" in str(c)]
    assert everything["numberMatched"] == seen["numberMatched"] + 1
    problem(desk.post(f"/duplicates/{secret['id']}", {"decision": "same"}, by=reviewer), 404)


def test_duplicates_need_a_reviewer_and_a_dataset(desk: Desk, twice: tuple[str, str]):
    problem(desk.client.get("/duplicates", params={"dataset": twice[0]}), 401)
    problem(desk.get("/duplicates", dataset=twice[0]), 403)
    problem(desk.get("/duplicates", by=desk.administrator), 400)
    problem(desk.get("/duplicates", by=desk.administrator, dataset="nowhere"), 404)
    problem(desk.get("/duplicates", by=desk.administrator, dataset=twice[0], state="merged"), 400)
