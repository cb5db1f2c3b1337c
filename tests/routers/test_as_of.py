"""Answers of an old release: the same bytes whatever is published, changed, withdrawn or computed anew since."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.db import datasets, releases, samples, session
from app.db.session import Database
from app.main import create_app
from app.pipelines import deriving, publishing
from app.settings import Settings
from tests.builders import Site, store

SINCE = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
KEN, UGA = "country-KEN", "country-UGA"
QUESTIONS = (
    f"/regions/{KEN}/indicators?",
    f"/regions/{KEN}/indicators?indicator=soc_stock&period=all&",
    f"/regions/{KEN}/indicators?indicator=soc_stock&period=all&f=csv&",
    f"/regions/{KEN}/indicators?indicator=soc_stock&period=all&f=bibtex&",
    f"/regions/{KEN}/indicators?indicator=soc_stock&period=all&f=csl&",
    f"/regions/{KEN}/indicators?indicator=soc_stock&period=all&f=datacite&",
    f"/regions/{KEN}/series?indicator=soc_content&",
    f"/regions/{KEN}/series?indicator=soc_content&f=csv&",
    "/rankings?indicator=soc_stock&",
    "/rankings?indicator=soc_stock&f=csv&",
    "/rankings?indicator=soc_stock&f=geojson&",
    "/rankings?indicator=soc_stock&f=csl&",
    f"/regions/{KEN}/compare?indicator=soc_stock&with={UGA}&",
    f"/regions/{KEN}/compare?indicator=soc_stock&with={UGA}&f=csv&",
    f"/regions/{KEN}/explain?indicator=soc_stock&",
)


def line(region: str, n: int, soc: float = 20.0, lon: float = 37.0) -> list[Site]:
    return [Site(key=f"s{i}", lon=lon + i / 9, lat=0.4, region=region, soc=(soc + i,), year=2012) for i in range(n)]


@dataclass(kw_only=True)
class Past:
    """A service whose database has a past."""

    client: TestClient
    engine: Engine
    desk: Engine
    kenya: UUID
    steps: list[tuple[str, int]]
    """What was done, and the release that it made."""
    heard: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    """Every answer to a question about a release, one for each time it was asked."""

    def asked(self, question: str, as_of: object) -> bytes:
        answer = self.client.get(f"{question}as_of={as_of}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def figure(self, as_of: int | None = None) -> dict[str, Any]:
        said = {} if as_of is None else {"as_of": as_of}
        answer = self.client.get(
            f"/regions/{KEN}/indicators", params={"indicator": "soc_stock", "period": "all", **said}
        )
        (found,) = answer.json()["estimates"]
        return dict(found)

    def step(self, name: str) -> int:
        return dict(self.steps)[name]


def publish(engine: Engine, slug: str, sites: list[Site], **terms: Any) -> tuple[UUID, int]:
    with engine.begin() as connection:
        known = datasets.find(connection, slug)
        if known is not None:
            samples.remove(connection, known.id)
        dataset = store(connection, slug, sites, **terms)
        deriving.derive(connection, dataset)
        return dataset, publishing.publish_dataset(connection, dataset)


@pytest.fixture(scope="module")
def past(another: Callable[[str], Database]) -> Iterator[Past]:
    """A life in steps; after each, all questions to all releases so far are asked again."""
    own = another("remembered")
    settings = Settings(database_url=own.owner.render_as_string(hide_password=False), log_level="error", _env_file=None)
    with (
        session.disposing(own.worker_engine()) as engine,
        session.disposing(own.desk_engine(pool_size=1, timeout_s=60)) as desk,
        TestClient(create_app(settings)) as client,
    ):
        kenya, number = publish(engine, "kenya", line(KEN, 12))
        here = Past(client=client, engine=engine, desk=desk, kenya=kenya, steps=[("first", number)])
        for _ in itertools.chain(["first"], change_everything(here)):
            for question, (_, number) in itertools.product(QUESTIONS, here.steps):
                answer = client.get(f"{question}as_of={number}")
                # After the withdrawal there is nothing to cite or explain.
                assert answer.status_code in {200, 404}, answer.text
                here.heard.setdefault((question, number), []).append(answer.content)
        yield here


def change_everything(past: Past) -> Iterator[str]:
    """One thing after the other happens to the data."""

    def done(name: str, number: int) -> str:
        past.steps.append((name, number))
        return name

    yield done("other", publish(past.engine, "uganda", line(UGA, 12, 30.0, 32.0))[1])
    yield done("upload", publish(past.engine, "kenya", line(KEN, 15, 40.0))[1])
    with past.engine.begin() as connection:
        datasets.change(
            connection, past.kenya, {"title": "Another title", "licence": "CC0-1.0", "licence_class": "open"}
        )
        number = publishing.publish_dataset(connection, past.kenya)
    yield done("terms", number)
    with past.engine.begin() as connection:
        # A method that says otherwise: what a re-run of the computation changes.
        connection.execute(text("UPDATE core.derived SET value = value * 1.1 WHERE quantity = 'soc_stock'"))
        number = publishing.publish_dataset(connection, past.kenya)
    yield done("computed otherwise", number)
    with past.engine.begin() as connection:
        number, changed = publishing.refresh(connection)
        assert changed
    yield done("refresh", number)
    with past.engine.begin() as connection:
        number = publishing.withdraw_dataset(connection, "kenya", reason="An error.", forget=True)
    yield done("withdrawn", number)
    yield done("anew", publish(past.engine, "kenya", line(KEN, 11, 10.0), state="published")[1])
    with past.desk.begin() as connection:
        taken = releases.take_down(
            connection, past.kenya, kind="terms", summary="Taken down.", changes={}, with_figures=False
        )
        assert taken
    yield done("taken down", taken)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_old_release_answers_with_the_same_bytes_whatever_comes(past: Past, question: str):
    for at, (name, number) in enumerate(past.steps):
        heard = past.heard[question, number]
        assert len(heard) == len(past.steps) - at
        assert len(set(heard)) == 1, name
    # They are not the same because they are all alike.
    assert len({past.heard[question, number][0] for _, number in past.steps}) == len(past.steps)


def test_each_release_has_the_figure_and_the_terms_of_its_time(past: Past):
    first, after = past.figure(past.step("first")), past.figure(past.step("upload"))
    assert (first["n_sites"], after["n_sites"]) == (12, 15)
    assert first["value"] == pytest.approx(0.1 * 25.5 * 1.3 * 30)
    assert past.figure(past.step("other")) == first
    title = {n: past.figure(past.step(n))["datasets"][0]["title"] for n in ("upload", "terms", "refresh")}
    assert title == {"upload": "A set made for a test", "terms": "Another title", "refresh": "Another title"}
    assert past.figure(past.step("upload"))["datasets"][0]["licence"] == "CC-BY-4.0"


def test_a_withdrawn_dataset_stays_in_old_releases_and_is_gone_from_new_ones(past: Past):
    assert past.figure(past.step("refresh"))["datasets"][0]["n_sites"] == 15
    gone = past.client.get(f"/regions/{KEN}/indicators", params={"as_of": past.step("withdrawn")}).json()
    assert gone["estimates"] == []


def test_a_dataset_that_is_not_shown_in_a_release_is_a_count_without_a_name(past: Past):
    (part,) = past.figure(past.step("taken down"))["datasets"]
    assert part == dict.fromkeys(part) | {"n_sites": 11}
    assert part["id"] is None
    cited = past.asked(QUESTIONS[3], past.step("taken down")).decode()
    assert "not shown in this release" in cited


def test_versions_of_a_figure_are_told_as_far_as_they_were_known(past: Past):
    def versions(name: str) -> list[tuple[int, int | None, int]]:
        found = past.client.get(f"{QUESTIONS[14]}as_of={past.step(name)}").json()["versions"]
        return [(v["from_release"], v["until_release"], v["n_sites"]) for v in found]

    first, upload, otherwise = (past.step(name) for name in ("first", "upload", "computed otherwise"))
    assert versions("first") == versions("other") == [(first, None, 12)]
    assert versions("terms") == [(first, upload, 12), (upload, None, 15)]
    assert versions("computed otherwise") == [(first, upload, 12), (upload, otherwise, 15), (otherwise, None, 15)]


def test_the_present_answer_is_that_of_the_latest_release(past: Past):
    latest = past.steps[-1][1]
    assert past.figure() == past.figure(latest)
    now, then = (past.client.get(f"{QUESTIONS[0]}{q}").json() for q in ("", f"as_of={latest}"))
    assert now["release"] == then["release"] == latest
    (memento,) = (found["href"] for found in now["links"] if found["rel"] == "memento")
    assert past.client.get(memento).json() == then


def dated(past: Past) -> dict[str, int]:
    """Give the releases days of their own: one a day, the second one in the evening."""
    with past.engine.begin() as connection:
        connection.execute(
            text("UPDATE pub.release SET created_at = CAST(:since AS timestamptz) + number * interval '1 day'"),
            {"since": SINCE},
        )
    return {name: (SINCE + dt.timedelta(days=number)).toordinal() for name, number in past.steps}


def test_a_day_means_its_last_release_and_a_time_the_one_that_was_current(past: Past):
    days = dated(past)
    other = past.step("other")
    day = dt.date.fromordinal(days["other"])
    by_number = past.asked(QUESTIONS[1], other)
    for said in (
        day.isoformat(),
        f"{day}T12:00:00Z",
        f"{day}T23:59:59Z",
        f"{day}T14:00:00%2B02:00",
        f"{day + dt.timedelta(days=1)}T11:59:59Z",
    ):
        assert past.asked(QUESTIONS[1], said) == by_number, said
    assert past.asked(QUESTIONS[1], f"{day}T11:59:59Z") == past.asked(QUESTIONS[1], other - 1)
    assert past.asked(QUESTIONS[1], "2026-10-01") == past.asked(QUESTIONS[1], past.steps[-1][1])


def test_releases_count_in_the_order_of_their_numbers_where_their_times_do_not(past: Past):
    dated(past)
    second = past.step("other")
    with past.engine.begin() as connection:
        # Begun before the release that was published before it: it waited for its turn.
        connection.execute(
            text("UPDATE pub.release SET created_at = :early WHERE number = :number"),
            {"early": SINCE + dt.timedelta(days=second - 1, hours=-6), "number": second},
        )
    day = (SINCE + dt.timedelta(days=second - 1)).date()
    assert past.asked(QUESTIONS[1], f"{day}T08:00:00Z") == past.asked(QUESTIONS[1], second - 2)
    assert past.asked(QUESTIONS[1], f"{day}T12:00:00Z") == past.asked(QUESTIONS[1], second)


def test_an_answer_by_number_is_kept_for_ever_and_one_by_day_is_asked_again(past: Past):
    dated(past)
    number = past.step("first")
    found = past.client.get(f"{QUESTIONS[0]}as_of={number}")
    assert "immutable" in found.headers["cache-control"]
    again = past.client.get(f"{QUESTIONS[0]}as_of={number}", headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    by_day = past.client.get(f"{QUESTIONS[0]}as_of=2026-10-01")
    assert by_day.headers["cache-control"] == "public, no-cache"
    assert by_day.headers["etag"] != found.headers["etag"]


@pytest.mark.parametrize(
    ("text_form", "said"),
    [
        ("0", "counted from 1"),
        ("99999", "no release 99999 yet"),
        ("9" * 30, "no release"),
        ("2020-01-01", "no release at '2020-01-01'"),
        ("2020-01-01T00:00:00Z", "no release at"),
        ("2999-01-01", "not over yet"),
        ("2999-01-01T00:00:00Z", "in the future"),
        ("9999-12-31", "calendar"),
        ("2026-02-30", "calendar"),
        ("2026-W10-1", "not the number of a release"),
        ("yesterday", "not the number of a release"),
        ("-1", "not the number of a release"),
        ("²", "not the number of a release"),
        ("1.0", "not the number of a release"),
        ("", "not the number of a release"),
    ],
)
@pytest.mark.parametrize("question", [QUESTIONS[0], QUESTIONS[6], QUESTIONS[8], QUESTIONS[12]])
def test_a_state_that_there_is_not_is_refused(past: Past, question: str, text_form: str, said: str):
    dated(past)
    answer = past.client.get(f"{question}as_of={text_form}")
    assert answer.status_code == 400, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["parameter"] == "as_of"
    assert said in fault["detail"]


def test_the_day_that_is_not_over_is_refused(past: Past):
    answer = past.client.get(f"{QUESTIONS[0]}as_of={dt.datetime.now(dt.UTC).date()}")
    assert answer.status_code == 400
    assert "not over yet" in answer.json()["detail"]


def test_periods_are_those_of_the_release(past: Past):
    # Uganda's stays; before it was published, and after Kenya's went, the decade is still known from one of the two.
    first = past.step("first")
    assert past.client.get(f"/regions/{KEN}/indicators?period=2010/2019&as_of={first}").status_code == 200
    before = past.client.get(f"/regions/{KEN}/indicators?period=2010/2019&as_of={first - 1}")
    assert before.status_code == 400
    assert before.json()["errors"][0]["parameter"] == "period"


def test_a_region_of_which_nothing_was_published_then_is_not_found(past: Past):
    answer = past.client.get("/regions/country-XXX/indicators?as_of=1")
    assert answer.status_code == 404
    assert "country-XXX" in answer.json()["detail"]
