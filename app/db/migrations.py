"""Bring a database to the schema of this version, and say whether it is there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.db import session
from app.errors import DatabaseUnavailable

FOLDER = Path(__file__).parents[2] / "migrations"
ADVISORY_LOCK = 4_000_004  # any number of ours: one migration at a time


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine) -> str:
    """Apply what is missing, one process at a time, and return the revision reached."""
    with _explained(), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        _require_postgis(engine)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """What the server refused, in its own words."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as fault:
        said = str(fault.orig if isinstance(fault, DBAPIError) else fault).strip().splitlines()[0]
        raise DatabaseUnavailable(f"The database could not be brought to this version's schema: {said}") from fault


def pending(engine: Engine) -> bool:
    """Whether the database is behind (or has never seen) this version's schema."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != head


def require(engine: Engine, *, ours: bool) -> None:
    """The schema of this version: brought there in a database of ours, demanded of one that others run."""
    session.check(engine)
    if ours:
        upgrade(engine)
    elif pending(engine):
        raise DatabaseUnavailable("The database is behind this version's schema. Run: observatory migrate")


def _require_postgis(engine: Engine) -> None:
    with engine.connect() as connection:
        if not connection.scalar(text("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'")):
            raise DatabaseUnavailable(
                "The database server has no PostGIS. Install the PostGIS package of its PostgreSQL version, "
                "or leave DATABASE_URL empty to use the private database."
            )
