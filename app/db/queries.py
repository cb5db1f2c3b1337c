"""Loads the named queries of `sql/*.sql`: a header `-- name --`, a sentence above the statement, then the statement."""

import re
from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text

HEADER = re.compile(r"^-- (\w+) --\n", re.MULTILINE)


@cache
def _all() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(files("app.db").joinpath("sql").iterdir(), key=lambda f: f.name):
        _, *parts = HEADER.split(file.read_text(encoding="utf-8"))
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"Two queries are named {name}.")
            found[name] = body.strip().removesuffix(";")
    return found


def sql(name: str) -> str:
    """The statement's text; a KeyError names what is missing."""
    return _all()[name]


def query(name: str) -> TextClause:
    """The statement, ready to be executed with its parameters."""
    return text(sql(name))
