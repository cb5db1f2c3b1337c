"""A server that others run: an owner who is no superuser migrates, works, and serves through the public role."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import cluster, migrations, session
from app.errors import DatabaseUnavailable
from app.settings import Settings


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[str]:
    """URL of a database whose owner may make roles but is no superuser; PostGIS was installed for them."""
    with cluster.running(tmp_path / "elsewhere", purpose="test", guest=False) as here:
        with psycopg.connect(here.url(), autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN CREATEROLE")
            connection.execute("CREATE DATABASE given OWNER plain")
        with psycopg.connect(here.url(database="given"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
        yield here.url("plain", "given")


def test_owner_without_superuser_migrates_and_serves_through_the_public_role(outside: str):
    with session.opened(Settings(database_url=outside), purpose="test") as here:
        with session.disposing(here.owner_engine()) as owner:
            migrations.upgrade(owner)
        with session.disposing(here.web_engine(pool_size=1, timeout_s=5)) as web:
            session.check(web)
            assert session.cannot_read_exact_positions(web)
            with web.connect() as connection:
                assert connection.scalar(text("SELECT count(*) FROM pub.site")) == 0
                with pytest.raises(DBAPIError, match="permission denied"):
                    connection.execute(text("SELECT * FROM core.site"))


def test_owner_who_may_not_install_postgis_is_told_so(outside: str):
    with session.opened(Settings(database_url=outside), purpose="test") as here:
        superuser = outside.replace("plain@", "observatory@")
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("DROP EXTENSION postgis")
        with (
            session.disposing(here.owner_engine()) as owner,
            pytest.raises(DatabaseUnavailable, match="permission denied to create extension"),
        ):
            migrations.upgrade(owner)
