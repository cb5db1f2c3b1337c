"""XLSX workbooks: cells as a spreadsheet shows them, formulas as their stored results."""

import datetime as dt
import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from app.ingest.readers.package import look_through
from app.ingest.readers.table import (
    HEADER_SEARCH,
    Layout,
    ReadingNote,
    Table,
    column_names,
    declared_names,
    find_header,
    finish,
    header_notes,
    left_out,
    outside,
    refuse,
    refuse_many_rows,
)

_ROWS_AT_ONCE = 20_000


def read_workbook(path: Path, sheet: str | None, wanted: frozenset[str], layout: Layout, max_bytes: int) -> Table:
    """Read one sheet: the one that is named, or the first whose header holds all of `wanted`."""
    name = path.name
    parts = look_through(path, max_bytes)
    try:
        workbook = CalamineWorkbook.from_path(path)
        found, alike = _choose(workbook, sheet, wanted, name)
        notes = parts[found.name].notes if found.name in parts else ()
        return finish(_table(found, name, layout, wanted, (*notes, *left_out(alike))))
    except CalamineError as error:
        raise refuse("XLSX_BROKEN", f"{name} cannot be read as a workbook: {error}.", file=name) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """All cells of a sheet as text, from its first row and column on."""

    columns: list[pl.Series]
    height: int
    notes: tuple[ReadingNote, ...]


def read_sheets(path: Path, names: Sequence[str], max_bytes: int) -> dict[str, Sheet]:
    """Those of the named sheets that a workbook has and that are not empty, cell by cell. Raises RefusedFile."""
    if not path.is_file():
        raise refuse("FILE_NOT_FOUND", f"There is no file {path.name}.", file=path.name)
    size = path.stat().st_size
    if size > max_bytes:
        message = f"{path.name} has {size / 1e6:.1f} MB; the limit is {max_bytes / 1e6:g} MB."
        raise refuse("FILE_TOO_LARGE", message, file=path.name)
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            raise refuse("NOT_XLSX", f"{path.name} is not an XLSX workbook.", file=path.name)
    parts = look_through(path, max_bytes)
    found = {}
    try:
        workbook = CalamineWorkbook.from_path(path)
        for name in names:
            if name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                refuse_many_rows(path.name, _extent(sheet)[0], name)
                columns, height = _columns(sheet, 0, _extent(sheet)[0])
                if height:
                    notes = parts[name].notes if name in parts else ()
                    found[name] = Sheet(columns=columns, height=height, notes=notes)
    except CalamineError as error:
        raise refuse("XLSX_BROKEN", f"{path.name} cannot be read as a workbook: {error}.", file=path.name) from error
    return found


def _table(
    sheet: CalamineSheet, name: str, layout: Layout, wanted: frozenset[str], notes: tuple[ReadingNote, ...]
) -> Table:
    top = _top(sheet, max(HEADER_SEARCH, layout.start + 1))
    if not top:
        raise refuse("FILE_EMPTY", f"Sheet {sheet.name!r} of {name} is empty.", file=name)
    refuse_many_rows(name, _extent(sheet)[0], sheet.name)
    if layout.header_row == 0:
        header, cells = layout.start - 1, []
    elif layout.header_row is not None:
        header, cells = layout.start, top.get(layout.start, [])
        if not any(cells):
            message = f"Sheet {sheet.name!r} of {name} has no column names in row {layout.header_row}."
            raise refuse("HEADER_MISMATCH", message, file=name, row=layout.header_row)
    else:
        header = list(top)[find_header(list(top.values()), wanted if layout.names is None else frozenset())]
        cells = top[header]
        notes += tuple(header_notes(header + 1, next(iter(top)) + 1))
    begin, end = layout.body(header)
    columns, count = _columns(sheet, begin, end)
    while cells and not cells[-1] and columns[len(cells) - 1].is_null().all():
        cells.pop()
    names = column_names(
        cells if layout.names is None else declared_names(layout.names, len(columns), name),
        name,
        header + 1,
        sheet.name,
    )
    others, others_blank = _outside(sheet, header, begin, end)
    return Table(
        file=name,
        sheet=sheet.name,
        frame=pl.DataFrame([column.alias(title) for title, column in zip(names, columns, strict=False)]),
        rows=pl.int_range(begin + 1, begin + 1 + count, dtype=pl.Int64, eager=True).alias("row"),
        width=len(names),
        notes=notes,
        header=header + 1,
        outside=others,
        outside_blank=others_blank,
    )


def _outside(sheet: CalamineSheet, header: int, begin: int, end: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows above and below the table, the header aside."""
    height = _extent(sheet)[0]
    if not (begin > header + 1 or header > 0 or end < height):
        return (), ()
    beside = ((i, row) for i, row in enumerate(sheet.iter_rows(), start=1) if not begin < i <= end and i != header + 1)
    return outside([(i, all(cell == "" for cell in row)) for i, row in beside])


def _top(sheet: CalamineSheet, rows: int) -> dict[int, list[str]]:
    """The rows that are not empty among the first, by their place counted from 0."""
    cells = sheet.to_python(skip_empty_area=False, nrows=(sheet.start or (0, 0))[0] + rows)
    shown = {i: [_shown(cell).strip() for cell in row] for i, row in enumerate(cells)}
    return {i: row for i, row in shown.items() if any(row)}


def _extent(sheet: CalamineSheet) -> tuple[int, int]:
    """Rows and columns from the first cell of the sheet to the last that is filled."""
    end = sheet.end or (-1, -1)
    return end[0] + 1, end[1] + 1


def _columns(sheet: CalamineSheet, begin: int, end: int) -> tuple[list[pl.Series], int]:
    """All columns of the rows from `begin` to before `end`, and how many rows these are.

    Rows are taken in pieces, so that the cells of a large sheet are never all Python objects at once.
    """
    left = [""] * (sheet.start or (0, 0))[1]
    pieces: list[pl.DataFrame] = []
    rows = itertools.islice(sheet.iter_rows(), begin, min(end, _extent(sheet)[0]))
    while piece := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        texts: list[list[str | None]] = [[None] * len(piece) for _ in left]
        texts += ([None if cell == "" else _shown(cell) for cell in column] for column in zip(*piece, strict=True))
        pieces.append(pl.DataFrame([pl.Series(f"{i}", text, dtype=pl.String) for i, text in enumerate(texts)]))
    if not pieces:
        return [pl.Series(f"{i}", [], dtype=pl.String) for i in range(_extent(sheet)[1])], 0
    whole = pl.concat(pieces, rechunk=True)
    return whole.get_columns(), whole.height


def _choose(
    workbook: CalamineWorkbook, sheet: str | None, wanted: frozenset[str], name: str
) -> tuple[CalamineSheet, list[str]]:
    """The sheet that is meant, and those others that have all of the wanted columns too."""
    names = workbook.sheet_names
    if sheet is not None:
        if sheet in names:
            return workbook.get_sheet_by_name(sheet), []
        near = difflib.get_close_matches(sheet, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"{name} has no sheet {sheet!r}; its sheets are: {', '.join(names)}.{hint}"
        raise refuse("SHEET_MISSING", message, file=name)
    if len(names) == 1:
        return workbook.get_sheet_by_index(0), []
    nearest: tuple[int, str] = (0, "")
    fitting: list[str] = []
    for candidate in names:
        found = workbook.get_sheet_by_name(candidate)
        top = list(_top(found, HEADER_SEARCH).values())
        header = set(top[find_header(top, wanted)]) if top else set()
        if wanted <= header:
            fitting.append(candidate)
        nearest = max(nearest, (len(wanted & header), candidate))
    if fitting:
        return workbook.get_sheet_by_name(fitting[0]), fitting[1:] if wanted else []
    missing = f" {nearest[1]!r} comes nearest, with {nearest[0]} of {len(wanted)}." if nearest[0] else ""
    message = (
        f"None of the {len(names)} sheets of {name} has the required columns in one of its first rows "
        f"({', '.join(sorted(wanted))}).{missing}"
    )
    raise refuse("SHEET_MISSING", message, file=name)


def _shown(cell: object) -> str:
    """The cell as a spreadsheet shows it: 1948 and not 1948.0, a date without its midnight, 15 digits."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time(0)
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ", timespec="seconds")
    return str(cell)
