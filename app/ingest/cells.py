"""Texts that a spreadsheet could take for formulas: made harmless on the way out, and restored on the way in."""

import re

import polars as pl

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RISKY = r"^'*[=+\-@\t\r\n]"
_GUARDED = r"^'+[=+\-@\t\r\n]"


def guarded(column: pl.Series) -> pl.Series:
    """Texts with an apostrophe before what could begin a formula; numbers stay as they are."""
    risky = column.str.contains(_RISKY) & ~column.str.contains(rf"^{_NUMBER}$")
    if not risky.any():
        return column
    return column.set(risky.fill_null(value=False), None).fill_null("'" + column)


def guarded_text(text: str) -> str:
    """One text, likewise."""
    if re.match(_RISKY, text) and not re.fullmatch(_NUMBER, text):
        return f"'{text}"
    return text


def restored(column: pl.Series) -> pl.Series:
    """The texts that `guarded` was given."""
    return (
        column.str.replace(r"^'(?P<rest>'*[=+\-@\t\r\n])", "$rest") if column.str.contains(_GUARDED).any() else column
    )
