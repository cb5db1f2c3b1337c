"""A table of text with its row numbers: what every reader makes, and what they share in making it."""

import dataclasses
import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from app.errors import RefusedFile
from app.ingest.rules import RULES

MAX_ROWS = 5_000_000
"""Most rows that one table may have: above it the file is refused before its rows are held."""
HEADER_SEARCH = 20
"""How many rows are looked at for the column names, where titles stand above them."""

REMARKS = "observatory_remarks"
"""Name of the column that we add to the file we give back; what is said of the whole table stands behind it."""
_NEUTRAL = "^'([=+@\t\r\n\uff1d\uff0b\uff0d\uff20-])"
_UNNAMED = "\x00"
_NUMBER = re.compile(r"[<>~]?\s*[-+−]?\d[\d.,\s]*%?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingNote:
    """Something worth saying about how the file was read: a rule code, its place and what its message needs."""

    code: str
    details: dict[str, Any]
    row: int | None = None
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A row whose geometry is no point: the rule it breaks, and what was found in its place."""

    row: int
    code: str
    found: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnFault:
    """A column of values none of which can be relied on: the rule it breaks, and what its message needs."""

    column: str
    code: str
    details: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of text. `rows[i]` is the number a spreadsheet shows for `frame[i]`; the header is usually row 1.

    Rows that could not be matched to the header are in `ragged` as (row, number of fields), blank rows between data
    rows in `blank`; neither is in `frame`. `header` is the row of the column names, 0 where they were declared or are
    part of the format. `crs` is what the file itself says of `geometry_x` and `geometry_y`.
    """

    file: str
    sheet: str | None
    frame: pl.DataFrame
    rows: pl.Series
    width: int
    ragged: tuple[tuple[int, int], ...] = ()
    blank: tuple[int, ...] = ()
    notes: tuple[ReadingNote, ...] = ()
    header: int = 1
    crs: str | None = None
    faults: tuple[Fault, ...] = ()
    column_faults: tuple[ColumnFault, ...] = ()
    located: bool = False
    """Whether the columns of the position were made of the geometry."""
    outside: tuple[int, ...] = ()
    """Rows with text above the header, or above or below the rows that were declared: titles, notes, other tables."""
    outside_blank: tuple[int, ...] = ()
    """Blank rows among those."""

    @property
    def rows_read(self) -> int:
        """All rows but the header, up to the last that is not blank."""
        seen = (self.ragged, self.blank, self.outside, self.outside_blank)
        return len(self.rows) + sum(map(len, seen))


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where in a sheet the table stands, as far as it is declared; rows are counted from 1 as a spreadsheet does.

    header_row : the row of the column names, 0 where there is none; without it the first row, or the first that can be
        one below titles.
    names : names of the columns by position, in place of those in the file.
    first_row, last_row : the rows of data; without them all rows below the header.
    """

    header_row: int | None = None
    names: tuple[str, ...] | None = None
    first_row: int | None = None
    last_row: int | None = None

    @property
    def start(self) -> int:
        """Rows above this one (counted from 0) are neither header nor data."""
        if self.header_row:
            return self.header_row - 1
        return (self.first_row or 1) - 1 if self.header_row == 0 else 0

    def body(self, header: int) -> tuple[int, int]:
        """First and last row of data, counted from 0, the last not included; `header` is the row of the names."""
        first = max(header + 1, (self.first_row or 1) - 1)
        return first, sys.maxsize if self.last_row is None else max(first, self.last_row)


def refuse(code: str, message: str, **place: Any) -> RefusedFile:
    """The refusal of a whole file, with the suggestion of its rule."""
    return RefusedFile(message, code=code, suggestion=place.pop("suggestion", RULES[code].suggestion), **place)


def refuse_many_rows(file: str, rows: int, sheet: str | None = None) -> None:
    """Refuse a table with more rows than are held at once."""
    if rows > MAX_ROWS:
        where = f"Sheet {sheet!r} of {file}" if sheet else file
        raise refuse("ROWS_TOO_MANY", f"{where} has {rows:,} rows; the limit is {MAX_ROWS:,}.", file=file)


def find_header(rows: Sequence[Sequence[str]], wanted: frozenset[str]) -> int:
    """Which of the first rows of a sheet holds the column names.

    The first that has all of `wanted`; else the first row, unless it fills less than half as many cells as another:
    then it is a title, and the first row of words below it counts that comes near to the wanted names or the width.
    """
    stripped = [{cell.strip() for cell in row} - {""} for row in rows]
    found = next((i for i, cells in enumerate(stripped) if wanted and wanted <= cells), None)
    if found is not None:
        return found
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    widest = max(filled, default=0)
    likely = 0
    if filled and 2 * filled[0] < widest:
        wide = (i for i, cells in enumerate(stripped) if 2 * filled[i] >= widest and not any(map(_is_number, cells)))
        likely = next(wide, 0)
    nearest = max(range(len(rows)), key=lambda i: len(wanted & stripped[i]), default=0)
    return nearest if len(wanted & stripped[nearest]) > len(wanted & stripped[likely]) else likely


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def header_notes(header: int, first: int) -> list[ReadingNote]:
    """What to say where the column names do not stand in the first row that is filled; both counted from 1."""
    if header <= first:
        return []
    return [ReadingNote(code="HEADER_BELOW", details={"header": header}, row=header)]


def left_out(sheets: Sequence[str]) -> list[ReadingNote]:
    """What to say of sheets that have the wanted columns too: only one table is read."""
    if not sheets:
        return []
    return [ReadingNote(code="SHEETS_LEFT_OUT", details={"sheets": ", ".join(map(repr, sheets))})]


def choose_sheet(
    sheets: Sequence[tuple[str, frozenset[str]]], sheet: str | None, wanted: frozenset[str], file: str
) -> str:
    """Which of several sheets or layers is meant: the one that is named, or the first with all of the wanted columns.

    sheets : names and columns. Raises RefusedFile.
    """
    names = [name for name, _ in sheets]
    if sheet is not None:
        if sheet in names:
            return sheet
        near = difflib.get_close_matches(sheet, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"{file} has no sheet {sheet!r}; its sheets are: {', '.join(names)}.{hint}"
        raise refuse("SHEET_MISSING", message, file=file)
    if len(names) == 1:
        return names[0]
    found = next((name for name, columns in sheets if wanted <= columns), None)
    if found is not None:
        return found
    nearest = max(sheets, key=lambda item: len(wanted & item[1]))
    n = len(wanted & nearest[1])
    missing = f" {nearest[0]!r} comes nearest, with {n} of {len(wanted)}." if n else ""
    message = (
        f"None of the {len(names)} sheets of {file} has the required columns ({', '.join(sorted(wanted))}).{missing}"
    )
    raise refuse("SHEET_MISSING", message, file=file)


def declared_names(names: Sequence[str], width: int, file: str) -> list[str]:
    """Names declared by position, for a table that is `width` columns wide."""
    if len(names) > width:
        message = f"{len(names)} columns are declared, {file} has {width}."
        raise refuse("HEADER_MISMATCH", message, file=file)
    return [*names, *[""] * (width - len(names))]


def column_names(header: Sequence[str], file: str, row: int, sheet: str | None = None) -> list[str]:
    """Column names; an unnamed column gets a name that no mapping can refer to."""
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            message = f"Columns {seen[name]} and {position} of {sheet or file} are both named {name!r}."
            raise refuse("HEADER_DUPLICATE", message, file=file, row=row, column=name)
        seen[name] = position
    return [name or f"{_UNNAMED}{position}" for position, name in enumerate(header, start=1)]


def outside(rows: Sequence[tuple[int, bool]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows that are not part of the table, given as (number, whether it is blank): those with text and the blank ones.

    Blank rows at the end are not counted.
    """
    last = max((row for row, blank in rows if not blank), default=0)
    return tuple(row for row, blank in rows if not blank), tuple(row for row, blank in rows if blank and row < last)


def _without_remarks(table: Table) -> Table:
    """The table as it was before we wrote remarks into its file: people correct that file and send it again.

    Text tables lose the apostrophe that we put before what a spreadsheet would take for a formula.
    """
    marked = [name for name in table.frame.columns if name.startswith(REMARKS)]
    if not marked:
        return table
    frame = table.frame.drop(marked)
    if table.sheet is None:
        frame = frame.with_columns(pl.all().str.replace(_NEUTRAL, "$1"))
        names = {name: re.sub(_NEUTRAL, r"\1", name) for name in frame.columns}
        if len(set(names.values())) == len(names):
            frame = frame.rename(names)
    note = ReadingNote(code="REMARKS_LEFT_OUT", details={}, row=table.header or None)
    return dataclasses.replace(table, frame=frame, notes=(*table.notes, note))


def finish(table: Table) -> Table:
    """The table without blank rows, unnamed columns and remarks; blank rows behind the last with text do not count."""
    table = _without_remarks(table)
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
        ReadingNote(code="HEADER_EMPTY", details={"position": name.removeprefix(_UNNAMED)}, row=table.header or None)
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
