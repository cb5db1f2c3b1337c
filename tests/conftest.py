"""What every test may use: where the public datasets lie, and a real PostGIS with real migrations."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from app.db import migrations, session
from app.db.session import Database, opened
from app.pipelines import seeding
from app.settings import Settings

_shared = Path(os.environ.get("OBSERVATORY_TEST_DATA", Path(__file__).parents[2] / "shared"))
SHARED: Path | None = _shared if _shared.is_dir() else None
"""The folder of public datasets and reference numbers; None where it is absent, and its tests skip."""

LIMITS = "OBSERVATORY_RATE_LIMITS"
os.environ[LIMITS] = "false"
"""Tests ask more often than any client does; those of the limits themselves switch them on."""

SAMPLES = Path(__file__).parents[1] / "data" / "samples"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say what they need; a developer's own configuration must not reach them."""
    for name in list(os.environ):
        if name.startswith(("OBSERVATORY_", "DATABASE_")) and name != LIMITS:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A private cluster for the whole run, at this version's schema."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), _env_file=None)
    with opened(settings, purpose="tests") as here:
        owner = here.owner_engine()
        # A test's data need not outlive a power cut, and disks of test machines are slow.
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("ALTER SYSTEM SET full_page_writes = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        migrations.upgrade(owner)
        owner.dispose()
        yield here


@pytest.fixture(scope="session")
def worker_engine(database: Database) -> Iterator[Engine]:
    """The role that imports and publishes."""
    engine = database.worker_engine()
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def reference(database: Database) -> Database:
    """A database with countries, partners and vocabularies: what `another` copies. No test changes it."""
    own = _create(database, "reference", "observatory")
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        seeding.load_reference(connection, SAMPLES)
    return own


@pytest.fixture(scope="session")
def another(reference: Database) -> Callable[[str], Database]:
    """Makes a database of its own, with the reference data, for tests that publish."""
    return lambda name: _create(reference, name, "reference")


def _create(database: Database, name: str, template: str) -> Database:
    with (
        session.disposing(database.engine(database.owner.set(database="postgres"))) as engine,
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        # Sessions on the template would refuse the copy.
        ending = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        connection.execute(ending, {"name": template})
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return Database(**{role: getattr(database, role).set(database=name) for role in ("owner", "worker", "desk", "web")})


@pytest.fixture
def connection(worker_engine: Engine) -> Iterator[Connection]:
    """A connection of the working role; nothing that a test does to it survives."""
    with worker_engine.connect() as here:
        yield here
        here.rollback()
