"""Files become frames of text with the row numbers a spreadsheet would show.

Nothing is interpreted here: every cell is the text its author sees. A file that cannot be read as a whole raises
`RefusedFile`, which names the row where it can. Limits are checked before anything is read or unpacked, because a
small file can ask for much memory: a packed workbook, or a sheet with one cell far out.
"""

import csv
import dataclasses
import datetime as dt
import difflib
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
from numpy.typing import NDArray
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from app.errors import RefusedFile
from app.ingest.rules import RULES

MAX_BYTES = 100_000_000
"""Largest file read when the caller names no limit [byte]."""
MAX_CELLS = 20_000_000
"""Largest extent of a sheet, empty cells included: a million rows of twenty columns."""
UNPACKED_RATIO = 10
"""How many times the limit in bytes a workbook may have when unpacked."""

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|"}
_SNIFF_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_QUOTE = 0x22
_NEWLINE = 0x0A
_UNNAMED = "\x00"

_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old .xls or a password-protected workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite or GeoPackage file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{\\rtf", "an RTF document"),
)
_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<\?xml)", re.IGNORECASE)


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


def read_table(
    path: Path,
    *,
    sheet: str | None = None,
    wanted: frozenset[str] = frozenset(),
    delimiter: str | None = None,
    encoding: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """Read a CSV or XLSX file as text.

    sheet : name of the sheet of a workbook; without it the first sheet whose header holds all of `wanted`.
    delimiter, encoding : what is declared; without them they are found out, and what was found is noted.
    max_bytes : limit of the file size. [byte]
    """
    size = _size(path, max_bytes)
    if size == 0:
        raise refuse("FILE_EMPTY", f"{path.name} is empty.", file=path.name)
    with path.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(b"PK\x03\x04"):
        return _read_workbook(path, sheet, wanted, max_bytes)
    _refuse_other_formats(path, start)
    return _read_text(path, delimiter, encoding)


def _size(path: Path, max_bytes: int) -> int:
    if not path.is_file():
        raise refuse("FILE_NOT_FOUND", f"There is no file {path.name}.", file=path.name)
    size = path.stat().st_size
    if size > max_bytes:
        message = f"{path.name} has {size / 1e6:.1f} MB; the limit is {max_bytes / 1e6:g} MB."
        raise refuse("FILE_TOO_LARGE", message, file=path.name)
    return size


def _refuse_other_formats(path: Path, start: bytes) -> None:
    found = next((name for magic, name in _MAGIC if start.startswith(magic)), None)
    if found is None and _HTML.match(start):
        found = "a web page or XML"
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        message = f"{path.name} is not an XLSX workbook: its content is {found or 'plain text or something else'}."
        raise refuse("NOT_XLSX", message, file=path.name)
    if found:
        raise refuse("FORMAT_UNSUPPORTED", f"{path.name} is {found}, no table.", file=path.name)


# Text tables ---------------------------------------------------------------------------------------------------------


def _read_text(path: Path, delimiter: str | None, encoding: str | None) -> Table:
    name = path.name
    data, notes = _utf8(path.read_bytes(), name, encoding)
    if data.isspace():
        raise refuse("FILE_EMPTY", f"{name} holds no text.", file=name)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    mark = (delimiter or _sniff(data, name)).encode()
    if b'\\"' in data:
        # R writes a quote inside a text as \"; before a delimiter the backslash is text and the quote closes.
        data, n = re.subn(rb'\\"(?!' + re.escape(mark) + rb"|\n|\Z)", b'""', data)
        notes += [ReadingNote(code="QUOTE_BACKSLASH", details={"quotes": n})] * bool(n)
    starts, ends, fields = _records(data, mark, name)
    first = int(np.argmax(ends > starts))
    header = _header_cells(data[starts[first] : ends[first]].decode(), mark.decode(), name)
    width = len(header)
    names = _names(header, name, row=first + 1)

    body = np.arange(first + 1, len(starts))
    filled = np.flatnonzero(ends[body] > starts[body])
    body = body[: filled[-1] + 1] if len(filled) else body[:0]
    blank = ends[body] == starts[body]
    surplus = fields[body] - width
    for i in np.flatnonzero((surplus > 0) & ~blank):
        # Spreadsheets write empty fields behind the last column; they say nothing.
        extra, end = int(surplus[i]), int(ends[body[i]])
        if data[end - extra : end] == mark * extra:
            surplus[i] = 0
    ragged = (surplus != 0) & ~blank
    good = body[~ragged & ~blank]
    _refuse_mostly_ragged(name, body[ragged] + 1, fields[body[ragged]], width, len(good))
    if not len(body):
        raise refuse("HEADER_ONLY", f"{name} has a header in row {first + 1} and no row below it.", file=name)

    frame = _parse(_cut(data, starts, ends, first, body[ragged | blank]), mark.decode(), width)
    if frame.height != len(good):
        message = f"{name} cannot be cut into rows: {frame.height} found by one reading, {len(good)} by another."
        raise refuse("QUOTE_STRAY", message, file=name)
    return _finish(
        Table(
            file=name,
            sheet=None,
            frame=frame.rename(dict(zip(frame.columns, names, strict=True))),
            rows=pl.Series("row", good + 1, dtype=pl.Int64),
            width=width,
            ragged=tuple(zip((body[ragged] + 1).tolist(), fields[body[ragged]].tolist(), strict=True)),
            blank=tuple((body[blank] + 1).tolist()),
            notes=tuple(notes),
        )
    )


def _header_cells(line: str, delimiter: str, name: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error as error:
        message = f"{name} does not start with column names: {error}."
        raise refuse("FORMAT_UNSUPPORTED", message, file=name, row=1) from error


def _utf8(data: bytes, name: str, encoding: str | None) -> tuple[bytes, list[ReadingNote]]:
    """The text as UTF-8 bytes without byte order mark, and what was noted on the way."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode(data, "utf-16", name).encode(), [
            ReadingNote(code="ENCODING_ASSUMED", details={"detail": "UTF-16"}, value="byte order mark", row=1)
        ]
    notes = []
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        notes.append(ReadingNote(code="BYTE_ORDER_MARK", details={}, row=1))
    nul = data.find(b"\0")
    if nul >= 0:
        row = data.count(b"\n", 0, nul) + 1
        raise refuse("NUL_BYTES", f"{name} holds NUL bytes, first in row {row}.", file=name, row=row)
    if encoding is not None and encoding.lower() not in {"utf-8", "utf8"}:
        return _decode(data, encoding, name).encode(), notes
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise _encoding_refused(data, error, "UTF-8", name) from error
        notes.append(_assumed(data, error.start))
        return _decode(data, "cp1252", name).encode(), notes
    return data, notes


def _decode(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        label = {"cp1252": "UTF-8 or Windows-1252"}.get(encoding, encoding)
        raise _encoding_refused(data, error, label, name) from error


def _encoding_refused(data: bytes, error: UnicodeDecodeError, label: str, name: str) -> RefusedFile:
    row = data.count(b"\n", 0, error.start) + 1
    message = f"{name} is not {label}: byte {data[error.start]:02X} in row {row} is no text."
    return refuse("ENCODING_UNKNOWN", message, file=name, row=row)


def _assumed(data: bytes, position: int) -> ReadingNote:
    word = re.search(rb"[^\s,;|\"]*$", data[max(0, position - 40) : position])
    start = position - (len(word.group()) if word else 0)
    sample = re.match(rb"[^,;|\"\r\n\t]{1,40}", data[start : start + 60])
    return ReadingNote(
        code="ENCODING_ASSUMED",
        details={"detail": "Windows-1252"},
        row=data.count(b"\n", 0, position) + 1,
        value=sample.group().decode("cp1252", errors="replace") if sample else None,
    )


def _sniff(data: bytes, name: str) -> str:
    """The delimiter that cuts the first rows most evenly into the most fields."""
    sample = data[:_SNIFF_BYTES]
    if len(sample) < len(data):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best, score = "", (0.0, 0)
    for candidate in DELIMITERS:
        counts = np.array([n for n in _field_counts(sample, candidate) if n])
        if len(counts) and counts[0] > 1:
            even = float(np.mean(counts == counts[0]))
            # A tenth of the rows may be ragged before evenness decides against the number of fields.
            merit = (round(even, 1), int(counts[0]))
            if merit > score:
                best, score = candidate, merit
    if not best:
        line = data[: data.find(b"\n") if b"\n" in data else None][:80].decode(errors="replace")
        message = f"{name} has one column only: its header is {line!r}."
        raise refuse("DELIMITER_UNKNOWN", message, file=name, row=1)
    return best


def _field_counts(sample: bytes, delimiter: str) -> Iterator[int]:
    """Fields of each record of a short sample, 0 for a blank one."""
    count, quoted, length = 1, False, 0
    mark = ord(delimiter)
    for byte in sample:
        if byte == _QUOTE:
            quoted = not quoted
        elif not quoted and byte == mark:
            count += 1
        elif not quoted and byte == _NEWLINE:
            yield count if length else 0
            count, length = 1, 0
            continue
        length += 1
    if length:
        yield count


Ints = NDArray[np.int64]


def _records(data: bytes, mark: bytes, name: str) -> tuple[Ints, Ints, Ints]:
    """Start, end (without line feed) and number of fields of each record; a quoted line break ends none."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    quoted = b'"' in data
    line_feeds, delimiters, quotes = [], [], []
    inside = False
    # In pieces that fit the processor's cache: several times faster than over the whole file at once.
    for offset in range(0, len(data), _CHUNK_BYTES):
        chunk = buffer[offset : offset + _CHUNK_BYTES]
        line_feed, delimiter = chunk == _NEWLINE, chunk == ord(mark)
        if quoted:
            quote = chunk == _QUOTE
            within = np.logical_xor.accumulate(quote) ^ inside
            inside = bool(within[-1])
            line_feed &= ~within
            delimiter &= ~within
            quotes.append(np.flatnonzero(quote) + offset)
        line_feeds.append(np.flatnonzero(line_feed) + offset)
        delimiters.append(np.flatnonzero(delimiter) + offset)
    if quoted:
        _refuse_bad_quotes(data, np.concatenate(quotes), mark=mark, name=name)
    ends = np.concatenate(line_feeds)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    before = np.searchsorted(np.concatenate(delimiters), np.append(starts, len(data)))
    return starts, ends, np.diff(before) + 1


def _refuse_bad_quotes(data: bytes, at: Ints, *, mark: bytes, name: str) -> None:
    """Quotes open and close in turn; one opens at the edge of a field, closes at one, or stands for a quote."""
    opens, closes = at[::2], at[1::2]
    if len(opens) > len(closes):
        row = data.count(b"\n", 0, int(opens[-1])) + 1
        raise refuse("QUOTE_UNCLOSED", f"{name}: a quote opened in line {row} is never closed.", file=name, row=row)
    buffer = np.frombuffer(data, dtype=np.uint8)
    edge = np.array([ord(mark), _NEWLINE, _QUOTE], dtype=np.uint8)
    before = opens[opens > 0] - 1
    after = closes[closes < len(buffer) - 1] + 1
    stray = np.concatenate((before[~np.isin(buffer[before], edge)], after[~np.isin(buffer[after], edge)]))
    if len(stray):
        row = data.count(b"\n", 0, int(stray.min())) + 1
        raise refuse("QUOTE_STRAY", f"{name}: a quote stands inside a text in line {row}.", file=name, row=row)


def _refuse_mostly_ragged(name: str, rows: Ints, fields: Ints, width: int, good: int) -> None:
    if len(rows) > good:
        shown = ", ".join(f"row {row} has {n}" for row, n in zip(rows[:5].tolist(), fields[:5].tolist(), strict=True))
        message = f"{name}: the header has {width} fields, but {len(rows)} rows have another number: {shown}."
        raise refuse("ROWS_RAGGED", message, file=name, row=int(rows[0]))


def _cut(data: bytes, starts: Ints, ends: Ints, first: int, drop: Ints) -> bytes:
    """The records after the header, without those in `drop`."""
    begin = int(ends[first]) + 1
    if not len(drop):
        return data[begin:]
    change = np.zeros(len(data) + 2, dtype=np.int8)
    change[starts[drop]] += 1
    change[ends[drop] + 1] -= 1
    keep = np.cumsum(change, dtype=np.int8)[: len(data)] == 0
    keep[:begin] = False
    return bytes(np.frombuffer(data, dtype=np.uint8)[keep])


def _parse(body: bytes, delimiter: str, width: int) -> pl.DataFrame:
    schema = {f"{i}": pl.String for i in range(width)}
    if not body or body.isspace():
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        body,
        has_header=False,
        schema=schema,
        separator=delimiter,
        truncate_ragged_lines=True,
        extra_columns="ignore",
    )


def _names(header: Sequence[str], file: str, row: int, sheet: str | None = None) -> list[str]:
    """Column names; an unnamed column gets a name that no mapping can refer to."""
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            message = f"Columns {seen[name]} and {position} of {sheet or file} are both named {name!r}."
            raise refuse("HEADER_DUPLICATE", message, file=file, row=row, column=name)
        seen[name] = position
    return [name or f"{_UNNAMED}{position}" for position, name in enumerate(header, start=1)]


def _finish(table: Table) -> Table:
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


# Workbooks -----------------------------------------------------------------------------------------------------------

_CELL_COLUMN = re.compile(rb"""\br=["']([A-Z]+)\d""")
_CELL_ROW = re.compile(rb"""\br=["'][A-Z]*(\d+)["']""")
_UNCOMPUTED = re.compile(rb"<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)")
_ERROR_CELL = re.compile(rb'<c\b[^>]*\bt="e"')


def _read_workbook(path: Path, sheet: str | None, wanted: frozenset[str], max_bytes: int) -> Table:
    name = path.name
    members = _sheet_members(path, max_bytes)
    try:
        workbook = CalamineWorkbook.from_path(path)
        found = _choose(workbook, sheet, wanted, name)
        cells = found.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise refuse("XLSX_BROKEN", f"{name} cannot be read as a workbook: {error}.", file=name) from error
    if not any(cell != "" for row in cells for cell in row):
        raise refuse("FILE_EMPTY", f"Sheet {found.name!r} of {name} is empty.", file=name)
    first = next(i for i, row in enumerate(cells) if any(cell != "" for cell in row))
    header = [_shown(cell).strip() for cell in cells[first]]
    while header and not header[-1] and all(row[len(header) - 1] == "" for row in cells):
        header.pop()
    names = _names(header, name, first + 1, found.name)
    body = cells[first + 1 :]
    columns = list(zip(*body, strict=True))[: len(names)] if body else [()] * len(names)
    frame = pl.DataFrame(
        [
            pl.Series(column, [None if cell == "" else _shown(cell) for cell in values], dtype=pl.String)
            for column, values in zip(names, columns, strict=True)
        ]
    )
    return _finish(
        Table(
            file=name,
            sheet=found.name,
            frame=frame,
            rows=pl.int_range(first + 2, first + 2 + len(body), dtype=pl.Int64, eager=True).alias("row"),
            width=len(names),
            notes=_sheet_notes(path, members.get(found.name)),
        )
    )


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
        header = _header(found)
        if wanted <= header:
            return found
        nearest = max(nearest, (len(wanted & header), candidate))
    missing = f" {nearest[1]!r} comes nearest, with {nearest[0]} of {len(wanted)}." if nearest[0] else ""
    message = (
        f"None of the {len(names)} sheets of {name} has the required columns in its first row "
        f"({', '.join(sorted(wanted))}).{missing}"
    )
    raise refuse("SHEET_MISSING", message, file=name)


def _header(sheet: CalamineSheet) -> set[str]:
    for row in sheet.to_python(skip_empty_area=False, nrows=20):
        cells = {_shown(cell).strip() for cell in row if cell != ""}
        if cells:
            return cells
    return set()


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
