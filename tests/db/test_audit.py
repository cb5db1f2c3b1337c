"""What was done stays written: no role of the service can change or drop an entry of the log."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import audit, session
from app.db.session import Database

WAYS = (
    "UPDATE core.audit SET action = 'nothing'",
    "DELETE FROM core.audit",
    "TRUNCATE core.audit",
    """INSERT INTO core.audit (entry, action, target) OVERRIDING SYSTEM VALUE VALUES (1, 'forged', 'x')
       ON CONFLICT (entry) DO UPDATE SET action = 'forged'""",
)


@pytest.fixture(scope="module")
def own(another: Callable[[str], Database]) -> Database:
    made = another("auditlog")
    with session.disposing(made.worker_engine()) as engine, engine.begin() as connection:
        audit.record(connection, None, "do deed", "thing 1", {"how": "well"})
    return made


@pytest.mark.parametrize("way", WAYS, ids=["update", "delete", "truncate", "upsert"])
@pytest.mark.parametrize("role", ["desk", "worker", "owner"])
def test_entry_cannot_be_changed_or_dropped(own: Database, role: str, way: str):
    engine = own.desk_engine(pool_size=1, timeout_s=5) if role == "desk" else getattr(own, f"{role}_engine")()
    with (
        session.disposing(engine),
        engine.connect() as connection,
        pytest.raises(DBAPIError, match=r"permission denied|append-only"),
    ):
        connection.execute(text(way))
    with session.disposing(own.worker_engine()) as reader, reader.connect() as connection:
        assert [tuple(r) for r in connection.execute(text("SELECT action, target FROM core.audit"))] == [
            ("do deed", "thing 1")
        ]


def test_public_role_cannot_read_accounts_keys_or_the_log(own: Database):
    with session.disposing(own.web_engine(pool_size=1, timeout_s=5)) as engine:
        for table in ("audit", "account", "api_key", '"grant"'):
            with engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
                connection.execute(text(f"SELECT * FROM core.{table}"))


def test_entry_of_a_deed_that_was_undone_is_undone_with_it(own: Database):
    with session.disposing(own.desk_engine(pool_size=1, timeout_s=5)) as engine, engine.connect() as connection:
        audit.record(connection, None, "do deed", "thing 2")
        connection.rollback()
        assert connection.scalar(text("SELECT count(*) FROM core.audit WHERE target = 'thing 2'")) == 0
