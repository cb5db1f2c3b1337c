"""Mappings over HTTP: saved, versioned, shared or kept, and refused by their place."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import mappings, session
from app.db.session import Database
from app.errors import NotFound
from app.identity.roles import Grant
from app.ingest.mapping import available_mappings, load_mapping, mapping_to_json, parse_mapping
from app.main import create_app
from app.pipelines.mappings import mapping_named
from app.settings import Settings
from tests.ingest.builders import mapping_of
from tests.people import Person, person


@dataclass(frozen=True)
class World:
    """Three contributors and a reader."""

    client: TestClient
    engine: Engine
    ada: Person
    bob: Person
    carol: Person
    reader: Person

    def save(self, who: Person, name: str, **more: Any) -> Any:
        body = {"name": name, "title": "My survey", "body": MINE, **more}
        return self.client.post("/mappings", json=body, headers=who.headers)


MINE = {key: part for key, part in mapping_to_json(mapping_of()).items() if key not in {"name", "title"}}


@pytest.fixture(scope="module")
def world(another: Callable[[str], Database]) -> Iterator[World]:
    own = another("mappings")
    url = own.owner.render_as_string(hide_password=False)
    app = create_app(Settings(database_url=url, log_level="error", _env_file=None))
    with session.disposing(own.worker_engine()) as engine, TestClient(app, raise_server_exceptions=False) as client:
        with engine.begin() as connection:
            people = {
                "ada": person(connection, "Ada", Grant("contributor")),
                "bob": person(connection, "Bob", Grant("contributor")),
                "carol": person(connection, "Carol", Grant("contributor")),
                "reader": person(connection, "Rea"),
            }
        yield World(client=client, engine=engine, **people)


def test_packaged_mappings_are_shown_to_everybody(world: World):
    listed = world.client.get("/mappings").json()
    assert tuple(item["name"] for item in listed["packaged"]) == available_mappings()
    shown = world.client.get("/mappings/febr").json()
    assert (shown["source"], shown["body"]) == ("packaged", mapping_to_json(load_mapping("febr")))


def test_mapping_as_toml_is_the_one_that_the_command_line_reads(world: World):
    answer = world.client.get("/mappings/npctr?f=toml")
    assert answer.headers["content-type"].startswith("application/toml")
    assert parse_mapping(answer.text) == load_mapping("npctr")


def test_saved_mapping_gets_a_version_each_time_and_keeps_the_old_ones(world: World):
    first = world.save(world.ada, "ada-survey")
    assert (first.status_code, first.json()["version"], first.json()["own"]) == (201, 1, True)
    assert world.client.get(first.headers["location"], headers=world.ada.headers).status_code == 200
    changed = {**MINE, "depths": {"unit": "m"}}
    second = world.save(world.ada, "ada-survey", title="In metres", body=changed)
    assert second.json()["version"] == 2
    newest = world.client.get("/mappings/ada-survey", headers=world.ada.headers).json()
    assert (newest["version"], newest["title"], newest["versions"]) == (2, "In metres", [2, 1])
    assert newest["body"]["depths"] == {"unit": "m"}
    older = world.client.get("/mappings/ada-survey?version=1", headers=world.ada.headers).json()
    assert (older["title"], "depths" in older["body"]) == ("My survey", False)


def test_own_mapping_is_nobody_elses_until_it_is_shared(world: World):
    world.save(world.ada, "ada-private")
    for headers in (world.bob.headers, {}):
        answer = world.client.get("/mappings/ada-private", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        names = [item["name"] for item in world.client.get("/mappings", headers=headers).json()["saved"]]
        assert "ada-private" not in names
    world.save(world.ada, "ada-private", shared=True)
    shown = world.client.get("/mappings/ada-private", headers=world.bob.headers).json()
    assert (shown["version"], shown["own"], shown["versions"], shown["saved_by"]) == (2, False, [2], "Ada")
    assert world.client.get("/mappings/ada-private?version=1", headers=world.bob.headers).status_code == 404


def test_name_of_another_account_or_of_a_packaged_mapping_is_taken(world: World):
    world.save(world.ada, "taken")
    other = world.save(world.bob, "taken")
    assert (other.status_code, "another account" in other.json()["detail"]) == (409, True)
    assert world.save(world.bob, "febr").status_code == 409


def test_saving_needs_an_account_with_a_role(world: World):
    assert world.client.post("/mappings", json={"name": "x", "title": "x", "body": MINE}).status_code == 401
    assert world.save(world.reader, "by-reader").status_code == 403


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"values": [{"column": "c", "property": "soc", "unit": "t/ha"}]}, "body.values[1].unit", "unknown unit"),
        ({"surprise": 1}, "body.surprise", "is not understood"),
        ({"name": "other"}, "body.name", "leave it out"),
        ({"tables": [{"name": "l", "role": "layers", "file": "../../etc/passwd"}]}, "body.tables[1].file", "folder"),
        ({"position": {"area_name": "a\x00b"}}, "body.position.area_name", "no text may hold"),
        ({"dates": {"forms": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]}}, None, "nested too deep"),
    ],
)
def test_mistake_in_a_mapping_is_named_by_its_place(world: World, change: dict[str, Any], field: str, words: str):
    answer = world.save(world.ada, "wrong", body={**MINE, **change})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    if field:
        assert answer.json()["errors"][0]["parameter"] == field


def test_unknown_fields_and_parameters_are_refused(world: World):
    assert world.save(world.ada, "more", extra=1).status_code == 400
    assert world.save(world.ada, "Not a name").status_code == 400
    assert world.client.get("/mappings?colour=red").status_code == 400
    assert world.client.get("/mappings/febr?version=1").status_code == 400
    assert world.client.get("/mappings/febr?f=xml").status_code == 400
    assert world.client.get("/mappings/ada-survey?version=99999999999").status_code == 404
    assert world.client.get("/mappings/%00").status_code == 400


def test_number_that_is_none_is_refused_with_its_place(world: World):
    text_form = json.dumps({"name": "nan", "title": "t", "body": {**MINE, "position": {"area": [1, 2, 3, "NAN"]}}})
    answer = world.client.post(
        "/mappings",
        content=text_form.replace('"NAN"', "NaN"),
        headers={**world.ada.headers, "content-type": "application/json"},
    )
    assert answer.status_code == 400


def test_pages_of_saved_mappings_follow_each_other(world: World):
    for i in range(3):
        world.save(world.bob, f"page-{i}")
    seen: list[str] = []
    address = "/mappings?limit=2"
    for _ in range(50):
        page = world.client.get(address, headers=world.bob.headers).json()
        seen += [item["name"] for item in page["saved"]]
        following = [item["href"] for item in page["links"] if item["rel"] == "next"]
        if not following:
            break
        address = following[0]
    assert seen == sorted(set(seen))
    assert {"page-0", "page-1", "page-2"} <= set(seen)


def test_saving_is_written_in_the_log(world: World):
    world.save(world.ada, "logged", shared=True)
    with world.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM core.audit WHERE target = 'mapping logged'")).one()
    assert (row.action, row.account_id, row.detail) == (
        "save mapping", world.ada.account, {"shared": True, "version": 1},
    )  # fmt: skip


def test_two_first_versions_at_once_become_one_and_two(world: World):
    def save() -> None:
        with world.engine.begin() as connection:
            mappings.save(connection, name="race", title="t", body=MINE, shared=False, account=world.ada.account)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.engine.connect() as connection:
        assert mappings.versions(connection, "race", world.ada.account) == [4, 3, 2, 1]


def test_account_may_save_so_many_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mappings, "MOST_VERSIONS", 1)
    assert world.save(world.carol, "many").status_code == 201
    refused = world.save(world.carol, "many")
    assert (refused.status_code, "the limit is 1" in refused.json()["detail"]) == (409, True)


def test_name_stands_for_a_packaged_mapping_before_a_saved_one(world: World):
    world.save(world.ada, "found")
    with world.engine.connect() as connection:
        assert mapping_named(connection, "npctr") == load_mapping("npctr")
        assert mapping_named(connection, "found", world.ada.account).title == "My survey"
        assert mappings.find(connection, "found", world.ada.account)["name"] == "found"
        with pytest.raises(NotFound, match="'found'"):
            mapping_named(connection, "found", world.bob.account)
