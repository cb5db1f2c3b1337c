"""XLSX workbooks: cells as a spreadsheet shows them, formulas as their stored results."""

import datetime as dt
import difflib
import itertools
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

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
    outside,
    refuse,
    refuse_many_rows,
)

MAX_CELLS = 20_000_000
"""Largest extent of a sheet, empty cells included: a million rows of twenty columns."""
UNPACKED_RATIO = 10
"""How many times the limit in bytes a workbook may have when unpacked."""
_ROWS_AT_ONCE = 20_000

_CELL_COLUMN = re.compile(rb"""\br=["']([A-Z]+)\d""")
_CELL_ROW = re.compile(rb"""\br=["'][A-Z]*(\d+)["']""")
_UNCOMPUTED = re.compile(rb"<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)")
_ERROR_CELL = re.compile(rb'<c\b[^>]*\bt="e"')


def read_workbook(path: Path, sheet: str | None, wanted: frozenset[str], layout: Layout, max_bytes: int) -> Table:
    """Read one sheet: the one that is named, or the first whose header holds all of `wanted`."""
    name = path.name
    members = _sheet_members(path, max_bytes)
    try:
        workbook = CalamineWorkbook.from_path(path)
        found = _choose(workbook, sheet, wanted, name)
        return finish(_table(found, name, layout, wanted, _sheet_notes(path, members.get(found.name))))
    except CalamineError as error:
        raise refuse("XLSX_BROKEN", f"{name} cannot be read as a workbook: {error}.", file=name) from error


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
    return Table(
        file=name,
        sheet=sheet.name,
        frame=pl.DataFrame([column.alias(title) for title, column in zip(names, columns, strict=False)]),
        rows=pl.int_range(begin + 1, begin + 1 + count, dtype=pl.Int64, eager=True).alias("row"),
        width=len(names),
        notes=notes,
        header=header + 1,
        **_outside(sheet, header, begin, end),
    )


def _outside(sheet: CalamineSheet, header: int, begin: int, end: int) -> dict[str, tuple[int, ...]]:
    """Rows above and below the table, the header aside."""
    height = _extent(sheet)[0]
    if not (begin > header + 1 or header > 0 or end < height):
        return {}
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


def _sheet_members(path: Path, max_bytes: int) -> dict[str, str]:
    """Sheet names and their parts in the package, after checking that it is whole and unpacks to a sane size."""
    name = path.name
    try:
        with zipfile.ZipFile(path) as package:
            unpacked = sum(item.file_size for item in package.infolist())
            if unpacked > UNPACKED_RATIO * max_bytes:
                limit = UNPACKED_RATIO * max_bytes
                message = f"{name} unpacks to {unpacked / 1e6:.0f} MB; the limit is {limit / 1e6:g} MB."
                raise refuse("FILE_TOO_LARGE", message, file=name)
            if package.testzip() is not None:
                raise refuse("XLSX_BROKEN", f"{name} is damaged: a checksum is wrong.", file=name)
            if "xl/workbook.xml" not in package.namelist():
                raise refuse("NOT_XLSX", f"{name} is a ZIP archive but no XLSX workbook.", file=name)
            members = _relations(package)
            for sheet, member in members.items():
                _refuse_far_cells(package.read(member), sheet, name)
    except (zipfile.BadZipFile, ET.ParseError, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise refuse("XLSX_BROKEN", f"{name} is not a whole XLSX workbook: {error}.", file=name) from error
    return members


def _relations(package: zipfile.ZipFile) -> dict[str, str]:
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    targets = {
        item.get("Id"): (item.get("Target") or "").lstrip("/")
        for item in ET.fromstring(package.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  (expat >= 2.4.1 bounds entities)
    }
    book = ET.fromstring(package.read("xl/workbook.xml"))  # noqa: S314
    parts: dict[str, str] = {}
    for item in book.iter():
        if item.tag.rpartition("}")[2] == "sheet":
            target = targets.get(item.get(relation), "")
            member = target if target.startswith("xl/") else f"xl/{target}"
            if member in package.namelist():
                parts[item.get("name") or ""] = member
    return parts


def _refuse_far_cells(xml: bytes, sheet: str, name: str) -> None:
    """Calamine holds every cell from the first to the farthest, so one stray cell can ask for gigabytes."""
    height = max(map(int, _CELL_ROW.findall(xml)), default=0)
    farthest = max(set(_CELL_COLUMN.findall(xml)), key=lambda letters: (len(letters), letters), default=b"")
    width = 0
    for letter in farthest:
        width = 26 * width + letter - 64
    if height * width > MAX_CELLS:
        message = f"Sheet {sheet!r} of {name} spans {height} rows and {width} columns; the limit is {MAX_CELLS} cells."
        raise refuse("SHEET_TOO_LARGE", message, file=name, row=height)


def _sheet_notes(path: Path, member: str | None) -> tuple[ReadingNote, ...]:
    if member is None:
        return ()
    with zipfile.ZipFile(path) as package:
        xml = package.read(member)
    notes = []
    for code, pattern in (("FORMULA_UNCOMPUTED", _UNCOMPUTED), ("CELL_ERROR", _ERROR_CELL)):
        n = sum(1 for _ in pattern.finditer(xml))
        if n:
            notes.append(ReadingNote(code=code, details={"cells": n}))
    return tuple(notes)


def _choose(workbook: CalamineWorkbook, sheet: str | None, wanted: frozenset[str], name: str) -> CalamineSheet:
    names = workbook.sheet_names
    if sheet is not None:
        if sheet in names:
            return workbook.get_sheet_by_name(sheet)
        near = difflib.get_close_matches(sheet, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"{name} has no sheet {sheet!r}; its sheets are: {', '.join(names)}.{hint}"
        raise refuse("SHEET_MISSING", message, file=name)
    if len(names) == 1:
        return workbook.get_sheet_by_index(0)
    nearest: tuple[int, str] = (0, "")
    for candidate in names:
        found = workbook.get_sheet_by_name(candidate)
        top = list(_top(found, HEADER_SEARCH).values())
        header = set(top[find_header(top, wanted)]) if top else set()
        if wanted <= header:
            return found
        nearest = max(nearest, (len(wanted & header), candidate))
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
