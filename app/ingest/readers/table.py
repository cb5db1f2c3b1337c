"""A table of text with its row numbers: what every reader makes, and what they share in making it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from app.errors import RefusedFile
from app.ingest.rules import RULES

_UNNAMED = "\x00"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingNote:
    """Something worth saying about how the file was read: a rule code, its place and what its message needs."""

    code: str
    details: dict[str, Any]
    row: int | None = None
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of text. `rows[i]` is the number a spreadsheet shows for `frame[i]`; the header is usually row 1.

    Rows that could not be matched to the header are in `ragged` as (row, number of fields), blank rows between data
    rows in `blank`; neither is in `frame`.
    """

    file: str
    sheet: str | None
    frame: pl.DataFrame
    rows: pl.Series
    width: int
    ragged: tuple[tuple[int, int], ...] = ()
    blank: tuple[int, ...] = ()
    notes: tuple[ReadingNote, ...] = ()

    @property
    def rows_read(self) -> int:
        """All rows below the header up to the last that is not blank."""
        return self.frame.height + len(self.ragged) + len(self.blank)


def refuse(code: str, message: str, **place: Any) -> RefusedFile:
    """The refusal of a whole file, with the suggestion of its rule."""
    return RefusedFile(message, code=code, suggestion=place.pop("suggestion", RULES[code].suggestion), **place)


def column_names(header: Sequence[str], file: str, row: int, sheet: str | None = None) -> list[str]:
    """Column names; an unnamed column gets a name that no mapping can refer to."""
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            message = f"Columns {seen[name]} and {position} of {sheet or file} are both named {name!r}."
            raise refuse("HEADER_DUPLICATE", message, file=file, row=row, column=name)
        seen[name] = position
    return [name or f"{_UNNAMED}{position}" for position, name in enumerate(header, start=1)]


def finish(table: Table) -> Table:
    """The table without blank rows and unnamed columns; blank rows behind the last row with text are not counted."""
    frame = table.frame
    # Only a row whose first cell is empty can be blank: the others need not be looked at.
    suspect = frame.select(pl.first().fill_null("").str.strip_chars() == "").to_series()
    empty = suspect.clone()
    if suspect.any():
        blank_cells = pl.all_horizontal(pl.all().fill_null("").str.strip_chars() == "")
        empty = empty.scatter(suspect.arg_true(), frame.filter(suspect).select(blank_cells).to_series())
    rows = table.rows.filter(~empty)
    last = max([*rows.tail(1).to_list(), *(row for row, _ in table.ragged[-1:])], default=0)
    if not last:
        message = f"{table.sheet or table.file} has a header and no row below it."
        raise refuse("HEADER_ONLY", message, file=table.file)
    frame = frame.filter(~empty)
    unnamed = [name for name in frame.columns if name.startswith(_UNNAMED)]
    notes = [
        ReadingNote(code="HEADER_EMPTY", details={"position": name.removeprefix(_UNNAMED)}, row=1)
        for name in unnamed
        if frame[name].fill_null("").str.strip_chars().ne("").any()
    ]
    blank = sorted({*table.blank, *table.rows.filter(empty).to_list()})
    return dataclasses.replace(
        table,
        frame=frame.drop(unnamed),
        rows=rows,
        blank=tuple(row for row in blank if row < last),
        notes=(*table.notes, *notes),
    )
