"""Publications beside each other, and what a release says of itself."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from app.db import datasets, samples, session
from app.db.session import Database
from app.pipelines import deriving, publishing
from tests.builders import DEFAULTS, Site, store

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def engine(another: Callable[[str], Database], request: pytest.FixtureRequest) -> Iterator[Engine]:
    with session.disposing(another(f"publishing_{abs(hash(request.node.name))}").worker_engine()) as here:
        yield here


def line(n: int, soc: float = 20.0) -> list[Site]:
    return [Site(key=f"s{i}", lon=37 + i / 9, lat=0.4, region="country-KEN", soc=(soc + i,)) for i in range(n)]


def publish(engine: Engine, slug: str, n: int) -> None:
    with engine.begin() as connection:
        dataset = store(connection, slug, line(n))
        deriving.derive(connection, dataset)
        publishing.publish_dataset(connection, dataset)


def in_thread(engine: Engine, deed: Callable[..., object]) -> tuple[threading.Thread, list[BaseException]]:
    failed: list[BaseException] = []

    def act() -> None:
        try:
            with engine.begin() as connection:
                deed(connection)
        except BaseException as fault:  # noqa: BLE001 - whatever it was, the test tells
            failed.append(fault)

    thread = threading.Thread(target=act)
    thread.start()
    return thread, failed


def until_somebody_waits(engine: Engine) -> None:
    pause = threading.Event()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
        for _ in range(600):
            if watching.scalar(WAITS):
                return
            pause.wait(0.05)
    raise AssertionError("nobody waits")


def test_computing_anew_waits_for_who_replaces_a_dataset(engine: Engine):
    publish(engine, "first", 12)
    publish(engine, "second", 12)
    with engine.connect() as replacing, replacing.begin():
        dataset = datasets.register(replacing, {**DEFAULTS, "slug": "first"}, ["Tester"])
        samples.remove(replacing, dataset)
        thread, failed = in_thread(engine, publishing.refresh)
        until_somebody_waits(engine)
        deriving.derive(replacing, store(replacing, "first", line(15, 40.0)))
        # It publishes in the same transaction, as an upload does: nobody may hold the turn and wait for its dataset.
        publishing.publish_dataset(replacing, dataset)
    thread.join()
    assert failed == []
    with engine.connect() as connection:
        shown = connection.scalar(text("SELECT count(*) FROM pub.site WHERE released_to IS NULL"))
        assert shown == 27


def test_withdrawing_beside_a_publication_of_the_same_dataset_ends_withdrawn(engine: Engine):
    publish(engine, "first", 12)
    with engine.connect() as publishing_it, publishing_it.begin():
        found = datasets.find(publishing_it, "first")
        assert found is not None
        publishing.publish_dataset(publishing_it, found.id)
        thread, failed = in_thread(engine, lambda c: publishing.withdraw_dataset(c, "first"))
        until_somebody_waits(engine)
    thread.join()
    assert failed == []
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pub.site WHERE released_to IS NULL")) == 0
        assert connection.scalar(text("SELECT state FROM core.dataset")) == "withdrawn"


def test_kinds_of_releases_say_what_happened(engine: Engine):
    publish(engine, "first", 12)
    with engine.begin() as connection:
        dataset = store(connection, "first-again", line(3))
        deriving.derive(connection, dataset)
        publishing.publish_dataset(connection, dataset)
        samples.remove(connection, dataset)
        deriving.derive(connection, store(connection, "first-again", line(4)))
        publishing.publish_dataset(connection, dataset)
        datasets.change(connection, dataset, {"title": "Another title"})
        publishing.publish_dataset(connection, dataset)
        publishing.withdraw_dataset(connection, "first-again", reason="An error.")
        publishing.restore_dataset(connection, "first-again")
        said = connection.execute(
            text("SELECT kind, changes FROM pub.release WHERE dataset_id = :d ORDER BY number"), {"d": dataset}
        ).all()
    assert [row.kind for row in said] == ["publish", "supersede", "terms", "withdraw", "restore"]
    assert said[1].changes["sites"] == {"added": 4, "changed": 0, "removed": 3}
    assert said[2].changes["terms"] == {"added": 0, "changed": 1, "removed": 0}
    assert said[3].changes["reason"] == "An error."


def test_every_release_has_its_own_hash(engine: Engine):
    publish(engine, "first", 3)
    publish(engine, "second", 3)
    with engine.connect() as connection:
        hashes = connection.scalars(text("SELECT content_hash FROM pub.release")).all()
    assert len({bytes(one) for one in hashes}) == len(hashes) == 3
