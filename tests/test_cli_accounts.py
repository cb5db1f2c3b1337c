"""Accounts and keys at the command line, and the key that the first start prints."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app import cli
from app.commands.accounts import first_key
from app.db import session
from app.db.session import Database
from app.errors import Conflict, InputRefused, NotFound
from app.identity.keys import FORM, digest
from tests.test_cli import Service

Run = Callable[..., str]


@pytest.fixture(scope="module")
def own(another: Callable[[str], Database]) -> Database:
    return another("operator")


@pytest.fixture
def run(own: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command on the database; its standard output, or the error it ends with."""
    monkeypatch.setenv("DATABASE_URL", own.owner.render_as_string(hide_password=False))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)

    def running(*words: str) -> str:
        done: Result = CliRunner().invoke(cli.cli, words)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return running


def stored(own: Database, query: str) -> list[tuple[object, ...]]:
    with session.disposing(own.worker_engine()) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_operator_makes_an_account_gives_it_a_role_and_a_key(own: Database, run: Run):
    account = run("accounts", "create", "Zoë [of] Lab", "--email", "Zoe@example.org").strip()
    assert run("accounts", "grant", "zoe@example.org", "contributor") == "Given.\n"
    assert re.search(rf"{account} +Zoë \[of\] Lab +zoe@example.org +contributor", run("accounts", "list"))
    key = run("keys", "create", account, "--scope", "read", "--scope", "contribute", "--days", "30").strip()
    assert FORM.fullmatch(key)
    ((digested, scopes),) = stored(own, f"SELECT hash, scopes FROM core.api_key WHERE account_id = '{account}'")
    assert bytes(digested) == digest(key)  # type: ignore[call-overload]
    assert scopes == ["read", "contribute"]
    listed = run("keys", "list", account)
    assert key not in listed
    assert key[:12] in listed
    key_id = listed.splitlines()[1].split()[0]
    assert run("keys", "revoke", key_id) == "Revoked.\n"
    assert run("keys", "revoke", key_id) == "It was revoked before.\n"
    assert run("accounts", "grant", account, "contributor", "--take") == "Taken.\n"
    assert run("accounts", "close", account) == "Closed.\n"
    deeds = stored(
        own,
        f"SELECT action, account_id FROM core.audit WHERE target LIKE '%{account}' OR detail->>'account' = '{account}' ORDER BY entry",
    )
    assert deeds == [
        (deed, None)
        for deed in ("create account", "give grant", "create key", "revoke key", "take grant", "close account")
    ]
    assert key not in str(stored(own, "SELECT * FROM core.audit"))


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (("keys", "create", "nobody@example.org"), NotFound, "nobody@example.org"),
        (("keys", "create", "00000000-0000-0000-0000-000000000000"), NotFound, "00000000"),
        (("keys", "revoke", "no-id"), NotFound, "no key"),
        (("accounts", "grant", "ann@example.org", "king"), InputRefused, "no role king"),
        (("accounts", "grant", "ann@example.org", "reviewer"), InputRefused, "needs a dataset or a network"),
        (("accounts", "grant", "ann@example.org", "coordinator", "--dataset", "x"), InputRefused, "network"),
        (("accounts", "grant", "ann@example.org", "reader", "--dataset", "x"), NotFound, "no dataset x"),
        (("accounts", "grant", "ann@example.org", "reader", "--network", "x"), NotFound, "no network x"),
        (("accounts", "grant", "ann@example.org", "contributor", "--take"), NotFound, "no such role"),
        (("accounts", "create", "Ann", "--email", "ANN@example.org"), Conflict, "e-mail"),
        (("accounts", "create", " "), InputRefused, "name"),
        (("keys", "create", "ann@example.org", "--scope", "all"), InputRefused, "no scope all"),
    ],
)
def test_wrong_wish_is_refused_in_words(
    own: Database, run: Run, words: tuple[str, ...], kind: type[Exception], said: str
):
    if not stored(own, "SELECT 1 FROM core.account WHERE email = 'ann@example.org'"):
        run("accounts", "create", "Ann", "--email", "ann@example.org")
    before = stored(own, "SELECT count(*) FROM core.audit")
    with pytest.raises(kind, match=said):
        run(*words)
    assert stored(own, "SELECT count(*) FROM core.audit") == before


def test_first_start_makes_one_administrator_with_a_key_and_no_second(another: Callable[[str], Database]):
    own = another("firststart")
    with session.disposing(own.worker_engine()) as engine:
        with engine.begin() as connection:
            key = first_key(connection)
        with engine.begin() as connection:
            assert first_key(connection) is None
    assert key
    ((digested, scopes, role),) = stored(
        own, 'SELECT k.hash, k.scopes, g.role FROM core.api_key k JOIN core."grant" g USING (account_id)'
    )
    assert bytes(digested) == digest(key)  # type: ignore[call-overload]
    assert (scopes, role) == (["read", "contribute", "review", "administer"], "administrator")
    assert [row[0] for row in stored(own, "SELECT action FROM core.audit ORDER BY entry")] == [
        "create account",
        "give grant",
        "create key",
    ]


def test_last_administrator_cannot_be_closed_by_mistake(
    another: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
):
    own = another("lastone")
    monkeypatch.setenv("DATABASE_URL", own.owner.render_as_string(hide_password=False))
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        first_key(connection)
    ((account,),) = stored(own, "SELECT id FROM core.account")
    for words in (("accounts", "close", str(account)), ("accounts", "grant", str(account), "administrator", "--take")):
        with pytest.raises(Conflict, match="last administrator"):
            raise CliRunner().invoke(cli.cli, words).exception or AssertionError("it was done")


def test_service_prints_a_key_that_works_at_its_first_start_and_never_again(tmp_path: Path):
    first = Service(tmp_path)
    printed = first.end(signal.SIGTERM)
    (key,) = set(FORM.findall(printed))
    assert printed.count(key) == 1
    assert not any(key in line for line in printed.splitlines() if line.startswith("{"))
    second = Service(tmp_path)
    try:
        mine = {"Authorization": f"Bearer {key}"}
        said = httpx.get(f"http://127.0.0.1:{second.port}/account", headers=mine, timeout=30).json()
    finally:
        printed = second.end(signal.SIGTERM)
    assert said["grants"][0]["role"] == "administrator"
    assert "sho_" not in printed
