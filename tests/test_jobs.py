"""Jobs outlive their workers, and only the dead ones lose theirs."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job
from sqlalchemy.exc import OperationalError

from app import worker
from app.db import jobs
from app.db.session import Database
from app.pipelines.uploading import Interrupted
from tests.uploads import Desk, desk_on


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("jobs"), tmp_path_factory.mktemp("jobs"), rate_limits=False) as here:
        yield here


def conninfo(desk: Desk) -> str:
    return desk.database.worker.set(drivername="postgresql").render_as_string(hide_password=False)


def being_done(desk: Desk, slug: str, number: int | None, attempts: int = 0) -> str:
    """An upload whose check a worker has begun."""
    desk.dataset(slug)
    upload = str(desk.send(slug).json()["id"])
    desk.run(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :w, attempts = :a WHERE args ->> 'upload' = :u",
        w=number,
        a=attempts,
        u=upload,
    )
    desk.run("UPDATE core.upload SET state = 'checking' WHERE id = :u", u=upload)
    return upload


def status(desk: Desk, upload: str) -> str | None:
    found: str | None = desk.run(
        "SELECT status::text FROM procrastinate_jobs WHERE args ->> 'upload' = :u", u=upload
    ).scalar()
    return found


def test_job_of_a_living_worker_is_left_to_it_and_waits_again_once_the_worker_is_gone(desk: Desk):
    async def living() -> tuple[worker.Living, int]:
        connector = PsycopgConnector(conninfo=conninfo(desk))
        await connector.open_async()
        try:
            manager = worker.Living(connector, conninfo(desk))
            return manager, await manager.register_worker()
        finally:
            await connector.close_async()

    # In a thread of its own: the browser tests keep an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        manager, number = pool.submit(asyncio.run, living()).result()
    upload = being_done(desk, "living", number)
    # No heartbeat for a week: a large file is being parsed.
    desk.run("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '6 days'")
    worker.revive(desk.work)
    assert status(desk, upload) == "doing"
    desk.jobs()
    assert desk.state(upload) == "checking"
    manager.end()
    worker.revive(desk.work)
    assert status(desk, upload) == "todo"
    assert desk.run("SELECT count(*) FROM procrastinate_workers WHERE id = :n", n=number).scalar() == 0
    desk.jobs()
    assert desk.state(upload) == "checked"


def test_upload_that_ends_every_worker_is_given_up_and_says_so(desk: Desk):
    upload = being_done(desk, "poison", None, attempts=jobs.REVIVALS_MAX)
    worker.revive(desk.work)
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], status(desk, upload)) == ("failed", "failed")
    assert "Nothing was stored" in found["fault"]


def test_job_asked_for_again_meanwhile_is_done_once(desk: Desk):
    upload = being_done(desk, "once", None)
    with desk.engine.begin() as connection:
        assert jobs.enqueue(connection, "check_upload", lock=f"upload {upload}", upload=upload) is not None
    worker.revive(desk.work)
    with desk.engine.begin() as connection:
        assert jobs.enqueue(connection, "check_upload", lock=f"upload {upload}", upload=upload) is None
    left = desk.run("SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'upload' = :u", u=upload).scalar()
    assert left == 1


def job(attempts: int) -> Job:
    return Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="t", attempts=attempts)


@pytest.mark.parametrize(
    ("fault", "attempts", "again"),
    [
        (RuntimeError("a mistake of ours"), 0, True),
        (RuntimeError("a mistake of ours"), 2, False),
        (OperationalError("x", {}, psycopg.OperationalError("gone")), 2, True),
        (OperationalError("x", {}, psycopg.OperationalError("gone")), 19, False),
        (Interrupted(), 500, True),
    ],
)
def test_failed_job_is_tried_again_as_often_as_makes_sense(
    fault: Exception,
    attempts: int,
    again: bool,  # noqa: FBT001 - a value of the table above
):
    decision: Any = worker.Retry().get_retry_decision(exception=fault, job=job(attempts))
    assert (decision is not None) is again
