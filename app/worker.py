"""Takes one job, runs its pipeline in one transaction, records the outcome, repeats."""

import asyncio
from uuid import UUID

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.retry import RetryStrategy
from sqlalchemy import Engine

from app.db import jobs, releases
from app.db.session import Database
from app.pipelines import publishing

log = structlog.get_logger()


def create_queue(database: Database, engine: Engine) -> App:
    """The queue with its tasks, which run on `engine`."""
    queue = App(
        connector=PsycopgConnector(
            conninfo=database.worker.set(drivername="postgresql").render_as_string(hide_password=False)
        )
    )

    @queue.task(name="publish_dataset", retry=RetryStrategy(max_attempts=3, exponential_wait=5))
    def publish_dataset(dataset: str, left: list[str]) -> int:
        with engine.begin() as connection:
            release = publishing.publish_dataset(connection, UUID(dataset), left)
        log.info("published", dataset=dataset, release=release)
        return release

    return queue


def work(database: Database, *, wait: bool) -> None:
    """Do the waiting jobs, and with `wait` those that come, until interrupted."""
    engine = database.worker_engine()
    queue = create_queue(database, engine)
    with engine.begin() as connection:
        releases.await_turn(connection)
        jobs.revive(connection)

    async def working() -> None:
        async with queue.open_async():
            # Finished jobs are deleted: what they did is in the releases, and a long history slows the queue.
            await queue.run_worker_async(
                wait=wait, concurrency=1, delete_jobs="successful", install_signal_handlers=wait, name="observatory"
            )

    try:
        asyncio.run(working())
    finally:
        engine.dispose()
