"""Takes one job, runs its pipeline in one transaction, records the outcome, repeats."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.db import datasets, jobs
from app.db.session import Database
from app.errors import DatabaseUnavailable
from app.ingest.keeping import Store
from app.pipelines import comparing, exporting, publishing, rechecking, remarking, uploading
from app.pipelines.uploading import Interrupted, Stopped, Work
from app.settings import Settings

ATTEMPTS_MAX = 3
"""How often a job may fail by itself before it is given up."""
ENDING_S = 10.0
"""How long a job may go on once its worker is asked to end; then it is cut off, and done again later [s]."""
LOOKING_S = 20.0
"""How often a worker looks for jobs whose worker died [s]."""
HEARTBEAT_TRUSTED_S = 7 * 24 * 3600.0
"""Heartbeats stop while a large file is parsed; life is told by a lock instead, so a missing one means nothing [s]."""

PAUSE_S = 1.0
"""Pause before a worker that died is started again; doubled each time [s]."""
PAUSE_MAX_S = 60.0

log = structlog.get_logger()


class Retry(BaseRetryStrategy):
    """What to do with a job that ended with an exception."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """At once where the worker is to end; a little later, and later each time, where something failed."""
        now = datetime.now(UTC)
        if isinstance(exception, Interrupted):
            return RetryDecision(retry_at=now)
        if last_attempt(exception, job):
            return None
        return RetryDecision(retry_at=now + timedelta(seconds=min(5 ** (job.attempts + 1), 600)))


def last_attempt(exception: BaseException, job: Job) -> bool:
    """Whether a failed job is given up. A database that went away says nothing about the job."""
    away = isinstance(exception, OperationalError | psycopg.OperationalError | DatabaseUnavailable)
    return job.attempts + 1 >= (jobs.REVIVALS_MAX if away else ATTEMPTS_MAX)


class Living(JobManager):
    """Gives each worker a lock on its number, held on a connection of its own for as long as the process lives."""

    def __init__(self, connector: PsycopgConnector, conninfo: str) -> None:
        super().__init__(connector)
        self._conninfo = conninfo
        self._life: psycopg.Connection[Any] | None = None

    async def register_worker(self) -> int:
        """The number of this worker, locked before it takes its first job."""
        while True:
            number = await super().register_worker()
            if await asyncio.to_thread(self._hold, number):
                return number

    def _hold(self, number: int) -> bool:
        self.end()
        self._life = psycopg.connect(self._conninfo, autocommit=True, application_name="observatory worker")
        self._life.execute("SELECT pg_advisory_lock(%s::int, %s::int)", [jobs.SIGN_OF_LIFE, number])
        # Somebody may have taken it for dead between its number and its lock.
        return bool(self._life.execute("SELECT 1 FROM procrastinate_workers WHERE id = %s", [number]).fetchone())

    def end(self) -> None:
        """Let go of the lock."""
        if self._life is not None:
            self._life.close()
            self._life = None


def create_queue(database: Database, engine: Engine, settings: Settings) -> tuple[App, Work]:
    """The queue with its tasks, which run on `engine`; and what stops them."""
    conninfo = database.worker.set(drivername="postgresql").render_as_string(hide_password=False)
    connector = PsycopgConnector(conninfo=conninfo)
    queue = App(connector=connector)
    queue.job_manager = Living(connector, conninfo)
    work = work_of(engine, settings)

    @queue.task(name="publish_dataset", retry=Retry())
    def publish_dataset(dataset: str, left: list[str]) -> int:
        with engine.begin() as connection:
            release = publishing.publish_dataset(connection, UUID(dataset), left)
        log.info("published", dataset=dataset, release=release)
        return release

    @queue.task(name="check_upload", retry=Retry(), pass_context=True)
    def check_upload(context: Any, upload: str) -> None:
        with _upload_job(work, context.job, upload):
            log.info("checked", upload=upload, state=uploading.check_upload(work, UUID(upload)))

    @queue.task(name="store_upload", retry=Retry(), pass_context=True)
    def store_upload(context: Any, upload: str) -> None:
        with _upload_job(work, context.job, upload):
            log.info("stored", upload=upload, state=uploading.store_upload(work, UUID(upload)))

    @queue.task(name="withdraw_upload", retry=Retry())
    def withdraw_upload(upload: str, account: str | None) -> None:
        release = uploading.withdraw_upload(work, UUID(upload), UUID(account) if account else None)
        log.info("withdrawn", upload=upload, release=release)

    @queue.task(name="write_remarks", retry=Retry(), pass_context=True)
    def write_remarks(context: Any, upload: str) -> None:
        try:
            remarking.write(work, remarks_folder(settings), UUID(upload))
        except Exception as fault:
            if last_attempt(fault, context.job) and not isinstance(fault, Interrupted):
                remarking.give_up(work, remarks_folder(settings), UUID(upload))
            raise

    @queue.periodic(cron="7 0 * * *")
    @queue.task(name="publish_due", retry=Retry(), lock=jobs.PUBLICATION, queueing_lock="publish_due")
    def publish_due(timestamp: int) -> None:
        with engine.begin() as connection:
            found = publishing.publish_due(connection)
        log.info("embargoes ended", at=timestamp, releases=found)

    @queue.periodic(cron="23 2 * * *")
    @queue.task(name="tidy", retry=Retry(), queueing_lock="tidy")
    def tidy(timestamp: int) -> None:
        log.info("tidied", at=timestamp, files=uploading.tidy(work, remarks_folder(settings)))

    _add_rechecking(queue, engine)
    _add_exporting(queue, engine, settings)
    return queue, work


def _add_exporting(queue: App, engine: Engine, settings: Settings) -> None:
    """The tasks that make files of datasets, and remove them a day later."""
    folder = settings.data_dir / "exports"

    @queue.task(name="make_export", retry=Retry(), pass_context=True)
    def make_export(context: Any, export: str) -> None:
        try:
            with engine.begin() as connection:
                file = exporting.make_export(connection, UUID(export), folder)
        except Exception as fault:
            if last_attempt(fault, context.job):
                with engine.begin() as connection:
                    exporting.give_up(connection, UUID(export))
            raise
        log.info("exported", export=export, file=file)

    @queue.periodic(cron="41 * * * *")
    @queue.task(name="tidy_exports", retry=Retry(), queueing_lock="tidy_exports")
    def tidy_exports(timestamp: int) -> None:
        with engine.begin() as connection:
            log.info("exports removed", at=timestamp, files=exporting.tidy(connection, folder))


def _add_rechecking(queue: App, engine: Engine) -> None:
    """The task that checks stored data again: asked for by reviewers, and after each of their decisions."""

    @queue.task(name="recheck_dataset", retry=Retry())
    def recheck_dataset(dataset: str) -> int:
        with engine.begin() as connection:
            slug = datasets.by_id(connection, UUID(dataset)).slug
            found = rechecking.recheck(connection, slug, today=datetime.now(UTC).date())
        log.info("checked again", dataset=dataset, changed=found.changed)
        return found.changed

    @queue.task(name="settle_duplicates", retry=Retry())
    def settle_duplicates(dataset: str) -> int:
        with engine.begin() as connection:
            return comparing.settle_duplicates(connection, UUID(dataset))

    @queue.task(name="settle_flag", retry=Retry())
    def settle_flag(dataset: str, kind: str, record: str, code: str) -> bool:
        with engine.begin() as connection:
            return comparing.settle_flag(connection, UUID(dataset), kind, record, code)


def work_of(engine: Engine, settings: Settings) -> Work:
    """What the jobs of uploads need."""
    return Work(
        engine=engine,
        files=Store(settings.uploads_dir),
        scratch=settings.data_dir / "scratch",
        max_bytes=settings.max_upload_mb * 1_000_000,
    )


def remarks_folder(settings: Settings) -> Path:
    """Where the files with remarks lie until they are fetched."""
    return settings.data_dir / "remarks"


@contextlib.contextmanager
def _upload_job(work: Work, job: Job, upload: str) -> Iterator[None]:
    """A job of an upload: where it is no longer wanted it ends, where it is given up the upload says so."""
    structlog.contextvars.bind_contextvars(upload=upload, job=job.id)
    try:
        yield
    except Stopped:
        log.info("stopped", task=job.task_name)
    except Interrupted:
        raise
    except Exception as fault:
        if last_attempt(fault, job):
            log.exception("given up", task=job.task_name)
            uploading.fail(work, job.task_name, dict(job.task_kwargs))
        else:
            log.warning("to be tried again", task=job.task_name, exc_info=True)
        raise
    finally:
        structlog.contextvars.unbind_contextvars("upload", "job")


def revive(work: Work) -> None:
    """Let the jobs of dead workers wait again, and say of uploads that end every worker that they failed."""
    with work.engine.begin() as connection:
        given_up = jobs.revive(connection)
    for task, arguments in given_up:
        log.error("given up: its worker died too often", task=task, **arguments)
        uploading.fail(work, task, arguments)


def _catch_up(engine: Engine) -> None:
    """Ask for what is due once a day: the machine may have been off when it was."""
    with engine.begin() as connection:
        for task, lock in (("publish_due", jobs.PUBLICATION), ("tidy", None)):
            jobs.enqueue(connection, task, lock=lock, once=task, timestamp=int(time.time()))


def work(database: Database, settings: Settings, *, wait: bool, supervised: bool = False) -> None:
    """Do the waiting jobs, and with `wait` those that come, until interrupted.

    supervised : end as soon as standard input is closed, which happens when the process that started this one ends.
    """
    engine = database.worker_engine()
    queue, duty = create_queue(database, engine, settings)
    revive(duty)
    if wait:
        _catch_up(engine)

    async def working() -> None:
        async with queue.open_async():
            # Finished jobs are deleted: what they did is in the releases, and a long history slows the queue.
            worker = Worker(
                app=queue,
                name="observatory",
                wait=wait,
                concurrency=1,
                delete_jobs="successful",
                install_signal_handlers=False,
                stalled_worker_timeout=HEARTBEAT_TRUSTED_S,
                fetch_job_polling_interval=2.0,
            )
            with _ending(worker, duty) if wait else contextlib.nullcontext():
                looking = asyncio.create_task(_look_for_orphans(duty)) if wait else None
                if supervised:
                    threading.Thread(target=_until_closed, daemon=True).start()
                try:
                    await worker.run()  # type: ignore[no-untyped-call]
                finally:
                    if looking:
                        looking.cancel()

    try:
        asyncio.run(working())
    finally:
        if isinstance(queue.job_manager, Living):
            queue.job_manager.end()
        engine.dispose()


async def _look_for_orphans(duty: Work) -> None:
    while True:
        await asyncio.sleep(LOOKING_S)
        try:
            await asyncio.to_thread(revive, duty)
        except OperationalError:
            log.warning("the database gives no answer; looking again later")


@contextlib.contextmanager
def _ending(worker: Worker, duty: Work) -> Iterator[None]:
    """SIGTERM and Ctrl-C: no new job, the present one stops at its next step, and is cut off if that takes too long."""
    loop = asyncio.get_running_loop()
    timer = threading.Timer(ENDING_S, _cut_off)
    timer.daemon = True

    def end() -> None:
        if not duty.stopping.is_set():
            duty.stopping.set()
            worker.stop()  # type: ignore[no-untyped-call]
            timer.start()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        timer.cancel()
        for number in numbers:
            loop.remove_signal_handler(number)


def _cut_off() -> None:
    """End at once: what was not committed never happened, and the job waits for the next worker."""
    log.warning("a job was cut off; the next worker does it again")
    os._exit(0)


def _until_closed() -> None:
    """Wait for the end of standard input, then end this process as if told to."""
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


class Supervisor:
    """Keeps a worker running beside the service: started again when it dies, ended with the service."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._process = self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        process = self._process
        if process is not None:
            if process.stdin:
                process.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        self._thread.join(ENDING_S + 10)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    @staticmethod
    def _start() -> "subprocess.Popen[bytes]":
        # Its standard input is our promise to be there: the kernel closes it however this process ends.
        return subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--supervised"],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal must reach us, who end it in order
        )

    def _watch(self) -> None:
        pause = PAUSE_S
        while self._process is not None:
            began = time.monotonic()
            code = self._process.wait()
            if self._ended.is_set():
                return
            if time.monotonic() - began > PAUSE_MAX_S:
                pause = PAUSE_S
            log.error("the worker ended; another is started", code=code, after_s=pause)
            if self._ended.wait(pause):
                return
            pause = min(pause * 2, PAUSE_MAX_S)
            self._process = self._start()
