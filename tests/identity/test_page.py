"""docs/accounts.md and the roles say the same."""

import re
from pathlib import Path

from app.identity import keys, tokens
from app.identity.roles import ACTIONS, ROLE_ACTIONS, SCOPE_ACTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text(encoding="utf-8")


def table(first: str) -> dict[str, set[str]]:
    """Rows of the table whose head begins with that word: name, and the codes in the last cell."""
    body = re.findall(rf"(?m)^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE)[0]
    rows = [line.strip("|\n").split(" | ") for line in body.splitlines()]
    return {row[0].strip(" `"): set(re.findall(r"`([\w.]+)`", row[-1])) for row in rows}


def test_table_of_roles_is_the_one_of_the_code():
    said = table("Role")
    assert said.pop("administrator") == set()
    assert ROLE_ACTIONS["administrator"] == set(ACTIONS)
    assert said == {role: set(actions) for role, actions in ROLE_ACTIONS.items() if role != "administrator"}


def test_table_of_scopes_is_the_one_of_the_code():
    assert table("Scope") == {scope: set(actions) for scope, actions in SCOPE_ACTIONS.items()}


def test_numbers_on_the_page_are_those_of_the_code():
    for said in (
        f"after {keys.DAYS_DEFAULT} days",
        f"at most {keys.DAYS_MAX}",
        f"at most {keys.KEYS_MAX} live keys",
        f"first {keys.SHOWN} characters",
        f"{tokens.LEEWAY_S} seconds apart",
        f"every {tokens.COOLDOWN_S:.0f} seconds",
        f"RSA of {tokens.RSA_BITS_MIN} bits",
    ):
        assert said in " ".join(PAGE.split()), said
    assert (tokens.FRESH_S, tokens.STALE_S) == (600, 3600)  # "ten minutes", "an hour"
