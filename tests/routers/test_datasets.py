"""Terms over HTTP: registered, narrowed at once, widened with consent, withdrawn with a page that stays."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import session
from app.db.session import Database
from app.identity.roles import Grant
from app.main import create_app
from app.pipelines import deriving, publishing
from app.settings import Settings
from tests.builders import Site, store
from tests.people import Person, key_of, person

TOMORROW = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).date()


@dataclass(frozen=True)
class World:
    """The service, its database, and people."""

    client: TestClient
    engine: Engine
    owner: Person
    other: Person
    admin: Person
    network: UUID
    coordinator: Person

    def published(self, slug: str, *, n: int = 12, **terms: Any) -> UUID:
        """A dataset that the owner contributed, published."""
        lat = 0.3 + (sum(map(ord, slug)) % 50) / 50
        sites = [Site(key=f"s{i}", lon=37.01 + i / 7, lat=lat, region="country-KEN", soc=(20.0 + i,)) for i in range(n)]
        with self.engine.begin() as connection:
            dataset = store(connection, slug, sites, **terms)
            deriving.derive(connection, dataset)
            publishing.publish_dataset(connection, dataset)
            connection.execute(
                text("INSERT INTO core.\"grant\" (account_id, role, dataset_id) VALUES (:a, 'contributor', :d)"),
                {"a": self.owner.account, "d": dataset},
            )
        return dataset

    def work(self) -> None:
        """Do what jobs were asked for: the same as the worker does with them."""
        with self.engine.begin() as connection:
            waiting = connection.execute(
                text("DELETE FROM procrastinate_jobs WHERE task_name = 'publish_dataset' RETURNING args")
            ).scalars()
            for arguments in waiting.all():
                publishing.publish_dataset(connection, UUID(arguments["dataset"]), arguments["left"])

    def get(self, path: str, who: Person | None = None, **query: Any) -> Any:
        return self.client.get(path, params=query, headers=who.headers if who else {})

    def ask(self, method: str, path: str, who: Person | None, body: Any = None) -> Any:
        return self.client.request(method, path, json=body, headers=who.headers if who else {})

    def sites(self, slug: str) -> list[Any]:
        found: list[Any] = self.get("/collections/sites/items", dataset=slug, limit=100).json()["features"]
        return found

    def value(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            return connection.scalar(text(statement), values)


@pytest.fixture(scope="module")
def world(another: Callable[[str], Database]) -> Iterator[World]:
    own = another("terms")
    url = own.owner.render_as_string(hide_password=False)
    app = create_app(Settings(database_url=url, log_level="error", _env_file=None))
    with session.disposing(own.worker_engine()) as engine, TestClient(app, raise_server_exceptions=False) as client:
        with engine.begin() as connection:
            network = connection.scalar(
                text("INSERT INTO core.network (code, name_en) VALUES ('north', 'North') RETURNING id")
            )
            owner = person(connection, "Olga", Grant("contributor"))
            other = person(connection, "Otto", Grant("contributor"))
            admin = person(connection, "Ada", Grant("administrator"))
            coordinator = person(connection, "Cora", Grant("coordinator", None, network))
        yield World(client, engine, owner, other, admin, network, coordinator)


def terms(slug: str, **more: Any) -> dict[str, Any]:
    return {"slug": slug, "title": "Fields of the north", "owners": ["Olga Ova"], "licence": "CC-BY-4.0", **more}


# --- Registering ----------------------------------------------------------------------------------------------------


def test_registered_dataset_belongs_to_who_registered_it_and_nobody_else_knows_of_it(world: World):
    made = world.ask("POST", "/datasets", world.owner, terms("mine"))
    assert made.status_code == 201, made.text
    assert made.headers["location"].endswith("/datasets/mine")
    body = made.json()
    assert (body["state"], body["licence_class"], body["location_precision"]) == ("draft", "attribution", "1km")
    assert [who["role"] for who in body["who_may_see"]["accounts"]] == ["contributor"]
    assert world.get("/datasets/mine", world.owner).json()["registered"]["licence"] == "CC-BY-4.0"
    for path in ("", "/history", "/citation"):
        for who in (None, world.other):
            unknown = world.get(f"/datasets/mine{path}", who)
            never = world.get(f"/datasets/none{path}", who)
            assert unknown.status_code == never.status_code == 404
            assert unknown.json()["detail"].replace("mine", "none") == never.json()["detail"]
    assert world.ask("PATCH", "/datasets/mine", world.other, {"title": "Otto's"}).status_code == 404
    assert world.ask("POST", "/datasets/mine/withdraw", world.other, {"reason": "x"}).status_code == 404
    named = {one["slug"] for one in world.get("/datasets").json()["datasets"]}
    assert "mine" not in named
    assert "mine" in {one["slug"] for one in world.get("/datasets", world.owner).json()["datasets"]}
    assert (
        world.value("SELECT count(*) FROM core.audit WHERE action = 'register dataset' AND detail->>'slug' = 'mine'")
        == 1
    )


def test_registering_needs_an_account_with_the_role(world: World):
    assert world.ask("POST", "/datasets", None, terms("nobodys")).status_code == 401
    with world.engine.begin() as connection:
        reader = person(connection, "Rita")
    assert world.ask("POST", "/datasets", reader, terms("nobodys")).status_code == 403


def test_name_is_given_once(world: World):
    assert world.ask("POST", "/datasets", world.owner, terms("twice")).status_code == 201
    again = world.ask("POST", "/datasets", world.other, terms("twice"))
    assert again.status_code == 409
    assert world.value("SELECT count(*) FROM core.dataset WHERE slug = 'twice'") == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"licence": "CC-BY-4.0", "licence_class": "aggregate_only"}, "TERMS_CONTRADICT"),
        ({"licence": "CC-BY-NC-4.0", "licence_class": "open"}, "TERMS_CONTRADICT"),
        (
            {"licence": "Ours", "licence_class": "display_generalised_only", "location_precision": "exact"},
            "TERMS_CONTRADICT",
        ),
        ({"licence": "Ours"}, "LICENCE_CLASS_MISSING"),
        ({"location_precision": "exact"}, "CONSENT_MISSING"),
        ({"location_precision": "100m"}, "CONSENT_MISSING"),
    ],
)
def test_terms_that_cannot_hold_are_refused_by_code(world: World, more: dict[str, Any], code: str):
    answer = world.ask("POST", "/datasets", world.owner, terms("wrong", **more))
    assert answer.status_code == 400
    assert code in answer.json()["detail"]


@pytest.mark.parametrize(
    "more",
    [
        {"slug": "No"},
        {"doi": "https://doi.org/10.1/x"},
        {"owners": []},
        {"licence": "a\u0000b"},
        {"title": "x" * 201},
        {"embargo_until": "soon"},
        {"unknown": 1},
        {"networks": ["nowhere"]},
        {"licence_url": "javascript:alert(1)"},
    ],
)
def test_malformed_terms_are_a_400_that_names_the_field(world: World, more: dict[str, Any]):
    answer = world.ask("POST", "/datasets", world.owner, {**terms("wrong"), **more})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["parameter"].split(".")[0] in {*more, "0"}


def test_exact_positions_with_consent_are_taken(world: World):
    answer = world.ask(
        "POST", "/datasets", world.owner, terms("agreed", location_precision="exact", consent="Signed forms, 2024.")
    )
    assert answer.status_code == 201


# --- Changing -------------------------------------------------------------------------------------------------------


def test_coarser_positions_take_effect_at_once_and_the_job_publishes_them_anew(world: World):
    world.published("narrowing")
    assert {s["properties"]["location_precision"] for s in world.sites("narrowing")} == {"exact"}
    answer = world.ask("PATCH", "/datasets/narrowing", world.owner, {"location_precision": "10km"})
    assert answer.status_code == 200, answer.text
    effect = answer.json()["effect"]
    assert effect["pending"]
    assert effect["release"] == world.get("/readyz").json()["release"]
    assert world.sites("narrowing") == []  # before any job ran
    world.work()
    assert {s["properties"]["location_precision"] for s in world.sites("narrowing")} == {"10km"}
    kinds = [one["kind"] for one in world.get("/datasets/narrowing/history").json()["releases"]]
    assert kinds == ["terms", "terms", "publish"]
    said = world.value(
        "SELECT detail FROM core.audit WHERE action = 'change terms' ORDER BY entry DESC LIMIT 1",
    )
    assert (said["before"], said["after"]) == ({"location_precision": "exact"}, {"location_precision": "10km"})


def test_licence_that_closes_takes_the_figures_along(world: World):
    world.published("closing", owners=("Solo",))
    before = world.value(
        "SELECT count(*) FROM pub.estimate WHERE released_to IS NULL AND datasets @> "
        "(SELECT jsonb_build_array(jsonb_build_object('id', id)) FROM core.dataset WHERE slug = 'closing')"
    )
    assert before > 0
    answer = world.ask(
        "PATCH", "/datasets/closing", world.owner, {"licence": "For figures only", "licence_class": "aggregate_only"}
    )
    assert answer.status_code == 200, answer.text
    assert world.sites("closing") == []
    stock = world.get("/regions/country-KEN/indicators", indicator="soc_stock").json()["estimates"]
    assert stock == []
    world.work()
    assert world.sites("closing") == []
    assert world.get("/datasets/closing").json()["licence_class"] == "aggregate_only"


def test_what_shows_more_needs_consent_in_the_same_request(world: World):
    world.published("widening", location_precision="10km", consent="Given once for 10 km.")
    refused = world.ask("PATCH", "/datasets/widening", world.owner, {"location_precision": "1km"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == "consent"
    assert {s["properties"]["location_precision"] for s in world.sites("widening")} == {"10km"}
    taken = world.ask(
        "PATCH", "/datasets/widening", world.owner, {"location_precision": "1km", "consent": "Asked again in 2026."}
    )
    assert taken.status_code == 200
    world.work()
    assert {s["properties"]["location_precision"] for s in world.sites("widening")} == {"1km"}


def test_embargo_takes_everything_back_and_its_end_brings_it_again(world: World):
    dataset = world.published("resting")
    answer = world.ask("PATCH", "/datasets/resting", world.owner, {"embargo_until": TOMORROW.isoformat()})
    assert answer.status_code == 200, answer.text
    assert world.sites("resting") == []
    assert world.get("/datasets/resting").status_code == 404
    world.work()
    with world.engine.begin() as connection:
        assert publishing.publish_due(connection) == []
        connection.execute(text("UPDATE core.dataset SET embargo_until = current_date WHERE id = :d"), {"d": dataset})
        (number,) = publishing.publish_due(connection)
        assert publishing.publish_due(connection) == []
    assert len(world.sites("resting")) == 12
    assert world.get("/datasets/resting").json()["release"] == number


def test_change_of_a_title_reaches_everybody_by_the_job(world: World):
    world.published("renaming", location_precision="10km")
    answer = world.ask("PATCH", "/datasets/renaming", world.owner, {"title": "A better name"})
    assert answer.json()["effect"] == {"release": None, "pending": True}
    assert len(world.sites("renaming")) == 12
    world.work()
    assert world.get("/datasets/renaming").json()["title"] == "A better name"


@pytest.mark.parametrize("body", [{"title": None}, {"slug": "other"}, {"location_precision": "5km"}, {"owners": None}])
def test_what_cannot_be_changed_is_refused(world: World, body: dict[str, Any]):
    if not world.value("SELECT count(*) FROM core.dataset WHERE slug = 'fixed'"):
        world.published("fixed")
    assert world.ask("PATCH", "/datasets/fixed", world.owner, body).status_code == 400


def test_stranger_may_not_change_or_withdraw_what_everybody_sees(world: World):
    world.published("public")
    assert world.ask("PATCH", "/datasets/public", world.other, {"title": "Mine"}).status_code == 403
    assert world.ask("POST", "/datasets/public/withdraw", world.other, {"reason": "Mine"}).status_code == 403
    assert world.ask("POST", "/datasets/public/withdraw", None, {"reason": "Mine"}).status_code == 401
    assert "who_may_see" not in world.get("/datasets/public", world.other).json()
    assert "registered" not in world.get("/datasets/public").json()


# --- Withdrawing ----------------------------------------------------------------------------------------------------


def test_withdrawn_dataset_is_gone_at_once_and_keeps_a_page_that_says_why(world: World):
    world.published("leaving")
    answer = world.ask("POST", "/datasets/leaving/withdraw", world.owner, {"reason": "An error in the laboratory."})
    assert answer.status_code == 200, answer.text
    assert world.sites("leaving") == []
    world.work()
    page = world.get("/datasets/leaving").json()
    assert (page["state"], page["title"]) == ("withdrawn", "A set made for a test")
    assert page["withdrawn"]["reason"] == "An error in the laboratory."
    assert page["withdrawn"]["release"] == answer.json()["effect"]["release"]
    assert "Withdrawn" in world.get("/datasets/leaving/citation").text
    assert world.ask("POST", "/datasets/leaving/withdraw", world.owner, {"reason": "Again."}).status_code == 409
    back = world.ask("POST", "/datasets/leaving/restore", world.owner)
    assert back.status_code == 202, back.text
    world.work()
    assert len(world.sites("leaving")) == 12
    kinds = [one["kind"] for one in world.get("/datasets/leaving/history").json()["releases"]]
    assert kinds == ["restore", "settle", "withdraw", "publish"]
    assert world.ask("POST", "/datasets/leaving/restore", world.owner).status_code == 409


def test_change_waits_for_the_job_while_another_publishes(world: World):
    world.published("busy")
    with world.engine.begin() as holding:
        holding.execute(text("SELECT pg_advisory_xact_lock(4000005)"))
        answer = world.ask("POST", "/datasets/busy/withdraw", world.owner, {"reason": "A mistake."})
        assert answer.status_code == 200, answer.text
        assert answer.json()["effect"] == {"release": None, "pending": True}
    world.work()
    assert world.sites("busy") == []
    (gone, _) = world.get("/datasets/busy/history").json()["releases"]
    assert (gone["kind"], gone["changes"]["reason"], gone["changes"]["sites"]["removed"]) == (
        "withdraw",
        "A mistake.",
        12,
    )


# --- History and citation -------------------------------------------------------------------------------------------


def test_history_says_what_each_release_changed(world: World):
    world.published("counted")
    (first,) = world.get("/datasets/counted/history").json()["releases"]
    assert first["changes"]["sites"] == {"added": 12, "changed": 0, "removed": 0}
    assert first["changes"]["observations"] == {"added": 36, "changed": 0, "removed": 0}
    assert len(first["content_hash"]) == 64
    assert "uploads" not in world.get("/datasets/counted/history").json()
    (upload,) = world.get("/datasets/counted/history", world.owner).json()["uploads"]
    assert (upload["state"], upload["release"]) == ("stored", first["number"])


def test_citation_in_four_forms(world: World):
    world.published("cited", title="50 % of {fields} & more", owners=("Ova, O.", "Soil Institute"))
    bib = world.get("/datasets/cited/citation", format="bibtex")
    assert bib.headers["content-type"].startswith("application/x-bibtex")
    assert r"title = {{50 \% of \{fields\} \& more}}" in bib.text
    assert "author = {{Ova, O.} and {Soil Institute}}" in bib.text
    (csl,) = world.get("/datasets/cited/citation", format="csl").json()
    assert (csl["type"], csl["DOI"], len(csl["author"])) == ("dataset", "10.1234/test", 2)
    datacite = world.get("/datasets/cited/citation", format="datacite").json()
    assert datacite["types"]["resourceTypeGeneral"] == "Dataset"
    assert datacite["rightsList"] == [
        {"rights": "CC-BY-4.0", "rightsUri": "https://creativecommons.org/licenses/by/4.0/"}
    ]
    line = world.get("/datasets/cited/citation").text
    assert line.startswith("Tester, T. (2026). Release ")
    assert world.get("/datasets/cited/citation", format="pdf").json()["errors"][0]["parameter"] == "format"


# --- Networks -------------------------------------------------------------------------------------------------------


def test_networks_are_made_by_administrators_and_kept_by_coordinators(world: World):
    assert world.ask("POST", "/networks", world.coordinator, {"code": "west", "name_en": "West"}).status_code == 403
    made = world.ask("POST", "/networks", world.admin, {"code": "west", "name_en": "West", "languages": ["fr"]})
    assert made.status_code == 201
    assert world.ask("POST", "/networks", world.admin, {"code": "west", "name_en": "West"}).status_code == 409
    assert world.ask("PATCH", "/networks/west", world.coordinator, {"name_fr": "Ouest"}).status_code == 403
    named = world.ask("PATCH", "/networks/north", world.coordinator, {"name_fr": "Nord"})
    assert named.json()["names"] == {"en": "North", "fr": "Nord", "es": None}
    partner = world.get("/collections/partners/items", limit=1).json()["features"][0]["id"]
    assert world.ask("PUT", f"/networks/north/members/{partner}", world.coordinator).status_code == 204
    assert [m["id"] for m in world.get("/networks/north").json()["members"]] == [partner]
    assert world.ask("DELETE", f"/networks/north/members/{partner}", world.coordinator).status_code == 204


def test_dataset_of_a_network_is_seen_by_its_people_and_left_by_coordinators_only(world: World):
    world.ask("POST", "/datasets", world.owner, terms("joint", networks=["north"]))
    assert world.get("/datasets/joint", world.coordinator).json()["state"] == "draft"
    assert [d["slug"] for d in world.get("/networks/north", world.coordinator).json()["datasets"]] == ["joint"]
    assert world.get("/networks/north").json()["datasets"] == []
    assert world.ask("DELETE", "/networks/north/datasets/joint", world.owner).status_code == 403
    assert world.ask("DELETE", "/networks/north/datasets/joint", world.coordinator).status_code == 204
    assert world.get("/datasets/joint", world.coordinator).status_code == 404
    assert world.ask("PUT", "/networks/north/datasets/joint", world.coordinator).status_code == 404
    assert world.ask("PUT", "/networks/north/datasets/joint", world.owner).status_code == 204
    assert world.get("/datasets/joint", world.coordinator).status_code == 200


# --- Bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/datasets/{}", "/datasets/{}/history", "/datasets/{}/citation", "/networks/{}"])
@pytest.mark.parametrize("name", ["%00", "..%2f..%2fetc", "a" * 3000, "%F0%9F%8C%B1", "'; DROP TABLE core.dataset; --"])
def test_strange_names_are_refused_and_never_an_error_of_ours(world: World, path: str, name: str):
    for who in (None, world.owner):
        answer = world.get(path.format(name), who)
        assert answer.status_code in {400, 404}
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "sent",
    [b"{", b"[]", b'{"title": "\\ud800"}', b'{"title": 1e999}', b'{"embargo_until": "0000-13-40"}', b"\xff", b"null"],
)
def test_bodies_that_are_no_terms_are_a_400(world: World, sent: bytes):
    for method, path in (("POST", "/datasets"), ("PATCH", "/datasets/public"), ("POST", "/datasets/public/withdraw")):
        answer = world.client.request(
            method, path, content=sent, headers={**world.owner.headers, "Content-Type": "application/json"}
        )
        assert answer.status_code == 400, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


def test_parameters_that_are_not_known_are_refused(world: World):
    for path in ("/datasets", "/datasets/public", "/datasets/public/history", "/datasets/public/citation", "/networks"):
        assert world.get(path, foo="1").status_code == 400
    assert world.get("/datasets", limit=0).status_code == 400
    assert world.get("/datasets", cursor="\x00").status_code == 400


def test_pages_of_datasets_follow_each_other(world: World):
    first = world.get("/datasets", world.admin, limit=2).json()
    (onward,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    second = world.client.get(onward, headers=world.admin.headers).json()
    slugs = [d["slug"] for d in first["datasets"] + second["datasets"]]
    assert slugs == sorted(set(slugs))
    assert len(slugs) == 4


def test_key_for_reading_cannot_change_terms(world: World):
    with world.engine.begin() as connection:
        _, secret = key_of(connection, world.owner.account, scopes={"read"})
    headers = {"Authorization": f"Bearer {secret}"}
    assert world.client.patch("/datasets/public", json={"title": "x"}, headers=headers).status_code == 403
    assert world.client.post("/datasets", json=terms("bykey"), headers=headers).status_code == 403
