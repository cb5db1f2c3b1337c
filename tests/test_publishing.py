"""Publications beside each other, and what a release says of itself."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import DBAPIError

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


def zooms_from_scratch(connection: Connection, table: str, group: str, order: str) -> dict[UUID, int]:
    """What each current row's zoom must be, by the definition: one a cell, the site whose id hashes lowest."""
    rows = connection.execute(
        text(
            f"SELECT id, {group} AS kind, {'id' if table == 'site' else 'site_id'} AS site, morton, "
            f"hashtextextended({'id' if table == 'site' else 'site_id'}::text, 0) AS luck "
            f"FROM pub.{table} WHERE released_to IS NULL ORDER BY {order}"
        )
    ).all()
    first = {(row.kind, row.site): row for row in reversed(rows)}
    found = {row.id: 14 for row in rows}
    for zoom in range(13, -1, -1):
        cells: dict[tuple[object, int], Row[Any]] = {}
        for row in first.values():
            cell = (row.kind, row.morton >> (2 * (18 - zoom)))
            if cell not in cells or row.luck < cells[cell].luck:
                cells[cell] = row
        found |= {row.id: zoom for row in cells.values()}
    return found


def assert_zooms_are_right(connection: Connection) -> None:
    for table, group, order in (
        ("site", "''", "id"),
        ("observation", "property", "top_cm, sampled_from DESC NULLS LAST, id"),
    ):
        rows = connection.execute(text(f"SELECT id, min_zoom FROM pub.{table} WHERE released_to IS NULL"))
        assert {row.id: row.min_zoom for row in rows} == zooms_from_scratch(connection, table, group, order)


def test_low_zooms_stay_right_whatever_comes_changes_and_goes(engine: Engine):
    publish(engine, "first", 25)
    with engine.begin() as connection:
        assert_zooms_are_right(connection)
        # The same places again, and some between: points of two datasets compete for the cells.
        near = [Site(key=f"n{i}", lon=37 + i / 40, lat=0.4, region="country-KEN", soc=(9.0, 8.0)) for i in range(30)]
        second = store(connection, "second", near)
        deriving.derive(connection, second)
        publishing.publish_dataset(connection, second)
        assert_zooms_are_right(connection)
        connection.execute(
            text("UPDATE core.site SET geom = ST_Translate(geom, 0.2, 0.1) WHERE dataset_id = :d AND own_id < 'n15'"),
            {"d": second},
        )
        connection.execute(
            text("UPDATE core.layer SET bottom_cm = top_cm + 7 WHERE id IN (SELECT max(id) FROM core.layer)")
        )
        publishing.publish_dataset(connection, second)
        assert_zooms_are_right(connection)
        publishing.withdraw_dataset(connection, "first")
        assert_zooms_are_right(connection)
        publishing.restore_dataset(connection, "first")
        assert_zooms_are_right(connection)


def test_only_what_differs_is_written(engine: Engine):
    publish(engine, "first", 12)
    state = text("SELECT fid, ctid::text, xmin::text FROM pub.observation ORDER BY fid")
    with engine.begin() as connection:
        dataset = connection.scalar(text("SELECT id FROM core.dataset"))
        before = connection.execute(state).all()
        publishing.publish_dataset(connection, dataset)
        assert connection.execute(state).all() == before
        connection.execute(
            text("UPDATE core.layer SET result_values[1] = 99 WHERE id = (SELECT min(id) FROM core.layer)")
        )
        number = publishing.publish_dataset(connection, dataset)
        changes = connection.scalar(text("SELECT changes FROM pub.release WHERE number = :n"), {"n": number})
        assert changes["observations"] == {"added": 0, "changed": 1, "removed": 0}
        after = connection.execute(state).all()
        assert len(after) == len(before) + 1
        assert len(set(before) - set(after)) == 1
        shown = connection.scalars(
            text("SELECT value FROM pub.observation WHERE released_from = :n"), {"n": number}
        ).all()
        assert shown == [99.0]


def test_ids_of_values_cannot_be_worked_out_without_the_salt(engine: Engine):
    publish(engine, "first", 3)
    with engine.begin() as connection:
        ids = set(connection.scalars(text("SELECT id FROM pub.observation")))
        guess = text("SELECT core.result_id(:salt, l.visit_id, l.id, p) FROM core.layer l, generate_series(1, 9) AS p")
        kept = connection.scalar(text("SELECT value FROM core.secret WHERE name = 'result ids'"))
        assert len(kept) == 32
        assert ids <= set(connection.scalars(guess, {"salt": kept}))
        assert not ids & set(connection.scalars(guess, {"salt": b""}))
        assert {one.version for one in ids} == {8}


def test_who_serves_requests_cannot_read_the_salt(another: Callable[[str], Database]):
    with session.disposing(another("publishing_salt").owner_engine()) as owner:
        for role in ("observatory_web", "observatory_desk"):
            with owner.connect() as connection:
                connection.execute(text(f"SET ROLE {role}"))
                with pytest.raises(DBAPIError, match="permission denied"):
                    connection.execute(text("SELECT value FROM core.secret"))


def test_rows_name_releases_that_are_there_and_none_is_deleted(engine: Engine):
    publish(engine, "first", 3)
    for deed, message in (
        ("UPDATE pub.observation SET released_to = 4711", "refers to release 4711"),
        ("UPDATE pub.site SET released_to = 4711", "refers to release 4711"),
        ("DELETE FROM pub.release", "append-only"),
        ("UPDATE pub.release SET number = number + 1", "append-only"),
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError, match=message):
            connection.execute(text(deed))
