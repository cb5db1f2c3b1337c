"""Exports over HTTP: for whom, with which positions, and for how long."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import datasets, session
from app.db.session import Database
from app.identity.roles import Grant
from app.main import create_app
from app.pipelines import deriving, exporting, publishing
from app.settings import Settings
from tests.builders import Site, store
from tests.people import Person, key_of, person


@dataclass(frozen=True)
class World:
    """The service, its database, people and datasets."""

    client: TestClient
    engine: Engine
    folder: Path
    owner: Person
    reader: Person
    other: Person
    datasets: dict[str, UUID]

    def ask(self, slug: str, who: Person | None = None, **body: Any) -> Any:
        return self.client.post(f"/datasets/{slug}/export", json=body, headers=who.headers if who else {})

    def get(self, path: str, who: Person | None = None) -> Any:
        return self.client.get(path, headers=who.headers if who else {})

    def work(self) -> list[str | None]:
        """Do what jobs were asked for: the same as the worker does with them."""
        with self.engine.begin() as connection:
            waiting = connection.execute(
                text("DELETE FROM procrastinate_jobs WHERE task_name = 'make_export' RETURNING args")
            ).scalars()
            return [
                exporting.make_export(connection, UUID(job["export"]), self.folder / "exports") for job in waiting.all()
            ]

    def file(self, slug: str, who: Person, **body: Any) -> Any:
        """The answer with the file, once it was made."""
        asked = self.ask(slug, who, **body)
        assert asked.status_code == 202
        self.work()
        return self.get(f"/exports/{asked.json()['id']}/file", who)

    def audited(self, action: str) -> int:
        with self.engine.connect() as connection:
            found = text("SELECT count(*) FROM core.audit WHERE action = :a")
            return int(connection.scalar(found, {"a": action}) or 0)


@pytest.fixture(scope="module")
def world(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database, folder = another("exports"), tmp_path_factory.mktemp("data")
    with session.disposing(database.worker_engine()) as engine:
        made = {}
        terms: dict[str, dict[str, Any]] = {
            "open-set": {"location_precision": "10km"},
            "closed-set": {"location_precision": "10km", "licence_class": "display_generalised_only"},
            "draft-set": {},
        }
        with engine.begin() as connection:
            for number, (slug, said) in enumerate(terms.items()):
                sites = [
                    Site(
                        key=f"s{i}", lon=37.012345 + i / 7, lat=0.312345 + number, region="country-KEN", soc=(20.0 + i,)
                    )
                    for i in range(4)
                ]
                made[slug] = store(connection, slug, sites, **said)
                if slug != "draft-set":
                    deriving.derive(connection, made[slug])
                    publishing.publish_dataset(connection, made[slug])
            grants = [Grant("contributor", dataset=which, network=None) for which in made.values()]
            owner = person(connection, "Owner", *grants)
            reader = person(connection, "Reader", Grant("reader", dataset=made["draft-set"], network=None))
            other = person(connection, "Other")
        settings = Settings(
            database_url=database.owner.render_as_string(hide_password=False),
            data_dir=folder,
            log_level="error",
            _env_file=None,
        )
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield World(client, engine, folder, owner, reader, other, made)


def longitudes(answer: Any) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        lines = archive.read("data.csv").decode().splitlines()
    place = lines[0].split(",").index("longitude")
    return {line.split(",")[place] for line in lines[1:]}


def test_owner_takes_exact_positions_away_and_it_is_written_down(world: World):
    before = world.audited("read exact positions")
    asked = world.ask("open-set", world.owner, format="csv", positions="exact")
    assert asked.status_code == 202
    document = asked.json()
    assert (document["state"], document["format"], document["dataset"]) == ("waiting", "csv", "open-set")
    assert asked.headers["location"].endswith(f"/exports/{document['id']}")
    assert world.get(f"/exports/{document['id']}/file", world.owner).status_code == 409
    assert world.work() == [f"{document['id']}.zip"]
    ready = world.get(f"/exports/{document['id']}", world.owner)
    assert ready.json()["state"] == "ready"
    assert ready.headers["cache-control"] == "private, no-store"
    (link,) = [link["href"] for link in ready.json()["links"] if link["rel"] == "enclosure"]
    answer = world.get(link.removeprefix("http://testserver"), world.owner)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "open-set" in answer.headers["content-disposition"]
    assert "37.012345" in longitudes(answer)
    assert world.audited("read exact positions") == before + 1


def test_everybody_with_an_account_takes_what_is_published_as_it_is_published(world: World):
    answer = world.file("open-set", world.other, format="csv")
    assert answer.status_code == 200
    with world.engine.connect() as connection:
        published = set(
            connection.execute(
                text("SELECT ST_X(geom) FROM pub.site WHERE dataset_id = :d AND released_to IS NULL"),
                {"d": world.datasets["open-set"]},
            ).scalars()
        )
    assert {float(x) for x in longitudes(answer)} == published


def test_workbook_is_made_too(world: World):
    answer = world.file("open-set", world.owner, format="glosis", positions="exact")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert "Specimen Data" in book.sheetnames
    assert answer.headers["content-type"] == exporting.MEDIA["glosis"]


@pytest.mark.parametrize(
    ("slug", "positions", "who", "status"),
    [
        ("open-set", "exact", "other", 403),
        ("open-set", "published", None, 401),
        ("closed-set", "published", "other", 403),
        ("draft-set", "published", "other", 404),
        ("draft-set", "exact", "other", 404),
        ("draft-set", "exact", "reader", 403),
        ("no-such-set", "published", "owner", 404),
        ("a%00b", "published", "owner", 400),
    ],
)
def test_who_may_not_is_told_so_and_no_more(world: World, slug: str, positions: str, who: str | None, status: int):
    answer = world.ask(slug, getattr(world, who) if who else None, positions=positions)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_reader_of_a_draft_is_told_why_there_is_nothing(world: World):
    asked = world.ask("draft-set", world.reader)
    assert asked.status_code == 202
    world.work()
    document = world.get(f"/exports/{asked.json()['id']}", world.reader).json()
    assert (document["state"], "is published" in document["fault"]) == ("failed", True)
    assert world.get(f"/exports/{asked.json()['id']}/file", world.reader).status_code == 409


def test_nobody_else_sees_an_export(world: World):
    asked = world.ask("open-set", world.owner, positions="exact").json()["id"]
    world.work()
    for path in (f"/exports/{asked}", f"/exports/{asked}/file"):
        assert world.get(path, world.other).status_code == 404
        assert world.get(path).status_code == 401
    assert world.get("/exports/not-a-uuid", world.owner).status_code == 404


def test_lost_right_ends_the_access_to_a_file_already_made(world: World):
    with world.engine.begin() as connection:
        grant = Grant("contributor", dataset=world.datasets["open-set"], network=None)
        passing = person(connection, "Passing", grant)
    asked = world.ask("open-set", passing, positions="exact").json()["id"]
    world.work()
    assert world.get(f"/exports/{asked}/file", passing).status_code == 200
    with world.engine.begin() as connection:
        connection.execute(text('DELETE FROM core."grant" WHERE account_id = :a'), {"a": passing.account})
    assert world.get(f"/exports/{asked}/file", passing).status_code == 403


def test_key_without_the_scope_cannot_take_exact_positions(world: World):
    with world.engine.begin() as connection:
        key_id, key = key_of(connection, world.owner.account, scopes=["read"])
    narrow = Person(world.owner.account, key_id, key)
    allowed = world.ask("open-set", narrow, positions="exact").status_code
    assert allowed in {202, 403}
    world.work()


def test_file_is_gone_after_its_day(world: World):
    asked = world.ask("open-set", world.owner).json()["id"]
    world.work()
    file = world.folder / "exports" / f"{asked}.zip"
    assert file.is_file()
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE core.export SET created_at = now() - interval '25 hours' WHERE id = :e"), {"e": asked}
        )
    assert world.get(f"/exports/{asked}/file", world.owner).status_code == 404
    with world.engine.begin() as connection:
        assert exporting.tidy(connection, world.folder / "exports") == 1
    assert not file.exists()


def test_leftovers_of_a_killed_process_are_removed(world: World):
    left = world.folder / "exports" / ".left.zip.part"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"x")
    with world.engine.begin() as connection:
        exporting.tidy(connection, left.parent)
        assert left.exists()
        os.utime(left, (0, 0))
        exporting.tidy(connection, left.parent)
    assert not left.exists()


def test_published_file_is_not_handed_out_once_terms_may_have_changed(world: World):
    asked = world.ask("open-set", world.owner).json()["id"]
    world.work()
    with world.engine.begin() as connection:
        datasets.change(connection, world.datasets["open-set"], {"title": "Another title"})
        publishing.publish_dataset(connection, world.datasets["open-set"])
    answer = world.get(f"/exports/{asked}/file", world.owner)
    assert (answer.status_code, "ask for the export again" in answer.json()["detail"]) == (409, True)
    assert world.file("open-set", world.owner).status_code == 200


def test_too_many_at_once_are_refused(world: World):
    states = [world.ask("open-set", world.other).status_code for _ in range(6)]
    assert states == [202] * 5 + [409]
    world.work()


@pytest.mark.parametrize("body", [{"format": "pdf"}, {"positions": "all"}, {"colour": "red"}, []])
def test_other_wishes_are_refused(world: World, body: Any):
    answer = world.client.post("/datasets/open-set/export", json=body, headers=world.owner.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_template_is_for_everybody(world: World, kind: str):
    answer = world.get(f"/template?format={kind}")
    assert answer.status_code == 200
    assert f"observatory-template.{kind}" in answer.headers["content-disposition"]
    if kind == "csv":
        assert answer.text.startswith("site_id,")
    else:
        assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames[0] == "layers"
    assert world.get("/template?format=pdf").status_code == 400
    assert world.get("/template?form=csv").status_code == 400
