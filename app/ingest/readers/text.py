"""Text tables with a delimiter: encoding and delimiter are found out or declared, quoted line breaks are kept."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.errors import RefusedFile
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

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|"}
_SNIFF_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_QUOTE = 0x22
_NEWLINE = 0x0A

Ints = NDArray[np.int64]


def read_text(path: Path, delimiter: str | None, encoding: str | None, layout: Layout, wanted: frozenset[str]) -> Table:
    """Read a text table; delimiter, encoding and header are found out where they are not declared."""
    name = path.name
    data, notes = _utf8(path.read_bytes(), name, encoding)
    refuse_many_rows(name, max(data.count(b"\n"), data.count(b"\r")))
    if data.isspace():
        raise refuse("FILE_EMPTY", f"{name} holds no text.", file=name)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    mark = (delimiter or _sniff(data, name, layout.start)).encode()
    if b'\\"' in data:
        # R writes a quote inside a text as \"; before a delimiter the backslash is text and the quote closes.
        data, n = re.subn(rb'\\"(?!' + re.escape(mark) + rb"|\n|\Z)", b'""', data)
        notes += [ReadingNote(code="QUOTE_BACKSLASH", details={"quotes": n})] * bool(n)
    starts, ends, fields = _records(data, mark, name)
    first, header = _header(data, starts, ends, mark.decode(), name, layout, wanted)
    if layout.names is not None:
        header = declared_names(layout.names, len(header) or _width(fields, starts, ends, first, layout), name)
    if layout.header_row is None:
        notes += header_notes(first + 1, int(np.argmax(ends > starts)) + 1)
    width = len(header)
    names = column_names(header, name, row=first + 1)

    begin, end = layout.body(first)
    body = np.arange(begin, min(end, len(starts)))
    beside = [i for i in (*range(begin), *range(min(end, len(starts)), len(starts))) if i != first]
    empty = b'" ' + mark
    others, others_blank = outside([(i + 1, not data[starts[i] : ends[i]].strip(empty)) for i in beside])
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

    frame = _parse(_cut(data, starts, ends, body, body[ragged | blank]), mark.decode(), width)
    if frame.height != len(good):
        message = f"{name} cannot be cut into rows: {frame.height} found by one reading, {len(good)} by another."
        raise refuse("QUOTE_STRAY", message, file=name)
    return finish(
        Table(
            file=name,
            sheet=None,
            frame=frame.rename(dict(zip(frame.columns, names, strict=True))),
            rows=pl.Series("row", good + 1, dtype=pl.Int64),
            width=width,
            ragged=tuple(zip((body[ragged] + 1).tolist(), fields[body[ragged]].tolist(), strict=True)),
            blank=tuple((body[blank] + 1).tolist()),
            notes=tuple(notes),
            header=first + 1,
            outside=others,
            outside_blank=others_blank,
        )
    )


def _width(fields: Ints, starts: Ints, ends: Ints, header: int, layout: Layout) -> int:
    """Fields of the first row of data, where no header says how many columns there are."""
    begin, _ = layout.body(header)
    filled = np.flatnonzero(ends[begin:] > starts[begin:])
    return int(fields[begin + filled[0]]) if len(filled) else 0


def _header(
    data: bytes, starts: Ints, ends: Ints, delimiter: str, name: str, layout: Layout, wanted: frozenset[str]
) -> tuple[int, list[str]]:
    """The record with the column names, counted from 0, and its cells; -1 and none where there is none."""
    if layout.header_row == 0:
        return layout.start - 1, []
    filled = np.flatnonzero(ends > starts)
    if layout.header_row is not None:
        if layout.start >= len(starts) or ends[layout.start] <= starts[layout.start]:
            message = f"{name} has no column names in row {layout.header_row}."
            raise refuse("HEADER_MISMATCH", message, file=name, row=layout.header_row)
        candidates = [layout.start]
    else:
        candidates = filled[:HEADER_SEARCH].tolist()
    rows = [_header_cells(data[starts[i] : ends[i]].decode(), delimiter, name) for i in candidates]
    found = find_header(rows, wanted if layout.names is None else frozenset())
    return candidates[found], rows[found]


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


def _sniff(data: bytes, name: str, start: int) -> str:
    """The delimiter that cuts the first rows from `start` on most evenly into the most fields."""
    sample = data[:_SNIFF_BYTES]
    if len(sample) < len(data):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best, score = "", (0.0, 0)
    for candidate in DELIMITERS:
        counts = np.array([n for n in list(_field_counts(sample, candidate))[start:] if n])
        # Titles above the column names hold few delimiters or other ones.
        for first in {0, *_below_titles(counts)} if len(counts) else ():
            if counts[first] > 1:
                even = float(np.mean(counts[first:] == counts[first]))
                # A tenth of the rows may be ragged before evenness decides against the number of fields.
                merit = (round(even, 1), int(counts[first]))
                if merit > score:
                    best, score = candidate, merit
    if not best and start >= sample.count(b"\n") + 1:
        message = f"{name} has no column names in row {start + 1}: it ends before."
        raise refuse("HEADER_MISMATCH", message, file=name, row=start + 1)
    if not best:
        line = data[: data.find(b"\n") if b"\n" in data else None][:80].decode(errors="replace")
        message = f"{name} has one column only: its header is {line!r}."
        raise refuse("DELIMITER_UNKNOWN", message, file=name, row=1)
    return best


def _below_titles(counts: Ints) -> list[int]:
    """The first record of the commonest number of fields, if it may be a header with more than one row below it."""
    values, times = np.unique(counts, return_counts=True)
    first = int(np.argmax(counts == values[np.argmax(times)]))
    return [first] if 0 < first < min(HEADER_SEARCH, len(counts) - 2) and counts[first] > 2 * counts[0] else []


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


def _cut(data: bytes, starts: Ints, ends: Ints, body: Ints, drop: Ints) -> bytes:
    """The records of the body, without those in `drop`."""
    begin, end = int(starts[body[0]]), min(int(ends[body[-1]]) + 1, len(data))
    if not len(drop):
        return data[begin:end]
    change = np.zeros(len(data) + 2, dtype=np.int8)
    change[starts[drop]] += 1
    change[ends[drop] + 1] -= 1
    keep = np.cumsum(change, dtype=np.int8)[: len(data)] == 0
    keep[:begin] = False
    keep[end:] = False
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
