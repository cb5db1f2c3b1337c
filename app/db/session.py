"""Ways into the database: one engine per class of work, each with its role and its patience.

The public role reads `pub` only. Where the server gives it no login of its own, the connection switches to it as
libpq opens it, before any query of ours runs.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.errors import QueryCanceled
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db import cluster
from app.errors import Busy, DatabaseUnavailable, SetupFault
from app.settings import Settings

WEB_ROLE = "observatory_web"
DESK_ROLE = "observatory_desk"
WORKER_ROLE = "observatory_worker"


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the database is, for each role. URLs are SQLAlchemy's, with psycopg as the driver."""

    owner: URL
    worker: URL
    desk: URL
    web: URL

    def engine(self, url: URL, *, pool_size: int = 4, timeout_s: float | None = None) -> Engine:
        """An engine whose statements end after `timeout_s` seconds."""
        options = [url.query.get("options", "")]
        if timeout_s is not None:
            options.append(f"-c statement_timeout={int(timeout_s * 1000)}")
        options.append("-c application_name=observatory -c timezone=UTC")
        return create_engine(
            url.update_query_dict({"options": " ".join(str(o) for o in options if o)}),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            # Plans of tile and page queries depend on their parameters; and a pooler between us may mix sessions.
            connect_args={"prepare_threshold": None},
        )

    def owner_engine(self) -> Engine:
        """For migrations and roles."""
        return self.engine(self.owner, pool_size=2)

    def worker_engine(self) -> Engine:
        """For imports, jobs and publication: reads and writes core and pub."""
        return self.engine(self.worker)

    def desk_engine(self, *, pool_size: int, timeout_s: float) -> Engine:
        """For requests of people with an account: terms, uploads and keys, no observation and no exact position."""
        return self.engine(self.desk, pool_size=pool_size, timeout_s=timeout_s)

    def web_engine(self, *, pool_size: int, timeout_s: float) -> Engine:
        """For public requests: reads pub only."""
        return self.engine(self.web, pool_size=pool_size, timeout_s=timeout_s)


@contextlib.contextmanager
def opened(settings: Settings, *, purpose: str, guest: bool = True) -> Iterator[Database]:
    """The configured server, or the private cluster, running for the length of the block.

    guest : whether to join a private cluster that another process runs; the service itself does not.
    """
    if settings.database_url is None:
        with cluster.running(settings.data_dir, bindir=settings.pg_bindir, purpose=purpose, guest=guest) as private:
            yield Database(
                owner=_url(private.url()),
                worker=_url(private.url(WORKER_ROLE)),
                desk=_url(private.url(DESK_ROLE)),
                web=_url(private.url(WEB_ROLE)),
            )
        return
    owner = _url(settings.database_url.get_secret_value())
    web = settings.database_read_url or settings.database_web_url
    yield Database(
        owner=owner,
        worker=owner,
        desk=_switched(owner, DESK_ROLE),
        web=_url(web.get_secret_value()) if web else _switched(owner, WEB_ROLE),
    )


def _url(text_form: str) -> URL:
    try:
        url = make_url(text_form)
    except ArgumentError:
        raise SetupFault("A database URL must look like postgresql://user:password@host:5432/name.") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SetupFault(f"The database must be PostgreSQL with PostGIS, not {url.get_backend_name()}.")
    return url.set(drivername="postgresql+psycopg")


def _switched(url: URL, role: str) -> URL:
    options = f"{url.query.get('options', '')} -c role={role}".strip()
    return url.update_query_dict({"options": options})


@contextlib.contextmanager
def disposing(engine: Engine) -> Iterator[Engine]:
    """The engine for the length of the block; its connections are closed at the end, however it ends."""
    try:
        yield engine
    finally:
        engine.dispose()


def check(engine: Engine) -> str:
    """The server's version, or DatabaseUnavailable with what it said."""
    try:
        with engine.connect() as connection:
            return str(connection.scalar(text("SHOW server_version")))
    except OperationalError as fault:
        said = str(fault.orig).strip().splitlines()[0]
        raise DatabaseUnavailable(f"The database gives no answer: {said}") from fault


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection in a read-only transaction. The driver's failures come out as ours: Busy or DatabaseUnavailable.

    All that is read belongs to one moment, so that the release an answer names is the one its rows are of.
    """
    with translated(), engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield connection


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Failures of the driver that a caller can do something about, as errors of ours."""
    try:
        yield
    except OperationalError as fault:
        if isinstance(fault.orig, QueryCanceled):
            raise Busy("The answer would take too long; ask for a smaller area or fewer features.") from fault
        raise DatabaseUnavailable("The database gives no answer at the moment.") from fault
    except PoolTimeout as fault:
        raise Busy("All database connections are in use; try again in a moment.") from fault


def postgis(engine: Engine) -> str:
    """The server's PostGIS version, or `not installed`."""
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'"))
        return str(found or "not installed")


def cannot_read_exact_positions(engine: Engine) -> bool:
    """Whether the server refuses this engine's role the exact positions, as it must for the public role."""
    with engine.connect() as connection:
        return not connection.scalar(
            text("SELECT has_schema_privilege('core', 'USAGE') AND has_table_privilege('core.site', 'SELECT')")
        )
