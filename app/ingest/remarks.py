"""The user's own file back, with a column of remarks: what each rule says about each row.

All findings are kept, not only examples, in a database file beside the one that is written: a million rows with three
findings each would not fit into memory as objects. Cells are those of the file. Text that a spreadsheet would take for
a formula is written as text.
"""

import codecs
import contextlib
import csv
import datetime as dt
import re
import sqlite3
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import xlsxwriter
from numpy.typing import NDArray
from python_calamine import CalamineWorkbook
from xlsxwriter.exceptions import XlsxWriterException

from app.ingest.draft import code_of
from app.ingest.mapping import MappingFile, TableSource
from app.ingest.readers import Table, read_table
from app.ingest.readers.table import REMARKS, Layout
from app.ingest.readers.text import _sniff as sniff
from app.ingest.report import Notebook, Report
from app.ingest.rules import RULES

TITLE = REMARKS
_TEXTS = (".csv", ".tsv", ".txt", ".tab")
_RANKS = {"error": 0, "warning": 1, "info": 2}
_OUTCOMES = {
    "refuse value": "The value is not stored.",
    "refuse row": "The row is not stored.",
    "refuse site": "No row of the site is stored.",
}
_PIECE = 1 << 20
_SAMPLE = 1 << 16
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # with their full-width forms
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d[\d.,]*(?:[eE][-+]?\d+)?\s?%?")
_CSV_FIELD_MAX = 1 << 30

# NULL stands for what is about a file or sheet as a whole.
_SCHEMA = """
CREATE TABLE remark (file TEXT, sheet TEXT, row INTEGER, code TEXT, said TEXT, rank INTEGER);
CREATE TABLE stopped (file TEXT, sheet TEXT, row INTEGER, code TEXT, said TEXT, rank INTEGER);
CREATE TABLE header (file TEXT, sheet TEXT, row INTEGER);
"""
_ALL = """
SELECT row, said FROM (
    SELECT row, said, rank, rowid AS place, 0 AS kind FROM remark WHERE file IS :file AND sheet IS :sheet
    UNION ALL
    SELECT row, said, rank, rowid, 1 FROM stopped s WHERE file IS :file AND sheet IS :sheet AND NOT EXISTS (
        SELECT 1 FROM remark r WHERE r.file IS s.file AND r.sheet IS s.sheet AND r.row = s.row
            AND r.code = s.code)
)
ORDER BY row, rank, kind, place
"""


class Findings(Notebook):
    """A notebook without limit, on disk."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;")
        self._base.executescript(_SCHEMA)
        self._base.execute("BEGIN")
        self._indexed = False

    def room(self, code: str, file: str | None) -> int:  # noqa: ARG002 - there is room for all
        """There is room for every finding."""
        return sys.maxsize

    def example(
        self,
        code: str,
        details: Mapping[str, Any],
        *,
        file: str | None = None,
        sheet: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        """Take one finding."""
        rule = RULES[code]
        message = rule.message.format_map({"value": value, **details})
        place = f" ({column})" if column and column not in message else ""
        hint = suggestion or rule.suggestion
        outcome = _OUTCOMES.get(rule.effect)
        said = f"{code}{place}: {' '.join(part for part in (message, outcome, hint) if part)}"
        ranked = (file, sheet, row, code, said, _RANKS[rule.severity])
        self._base.execute("INSERT INTO remark VALUES (?, ?, ?, ?, ?, ?)", ranked)

    def rows(self, table: Table, numbers: NDArray[np.uint16]) -> None:
        """Take what became of each row: one that fell with its site or profile has no finding of its own."""
        self._base.execute("INSERT INTO header VALUES (?, ?, ?)", (table.file, table.sheet, table.header))
        if len(numbers) != len(table.rows):
            return  # one row of the file became several; the findings name its row
        stopped = np.flatnonzero(numbers)
        places = table.rows.gather(stopped).to_list()
        self._base.executemany(
            "INSERT INTO stopped VALUES (?, ?, ?, ?, ?, ?)",
            (
                (table.file, table.sheet, row, *_fell(code_of(int(number))))
                for row, number in zip(places, numbers[stopped].tolist(), strict=True)
            ),
        )

    def header(self, file: str, sheet: str | None) -> int | None:
        """The row with the column names; None where the table was not read."""
        found = self._base.execute(
            "SELECT max(row) FROM header WHERE file IS ? AND sheet IS ?", (file, sheet)
        ).fetchone()
        return None if found[0] is None else int(found[0])

    def remarks(self, file: str, sheet: str | None) -> Iterator[tuple[int, str]]:
        """Row and all that is said of it, in the order of the rows; 0 for what is said of the table as a whole."""
        if not self._indexed:
            self._base.execute("CREATE INDEX remark_place ON remark (file, sheet, row)")
            self._base.execute("CREATE INDEX stopped_place ON stopped (file, sheet, row)")
            self._indexed = True
        # A cursor of its own: several tables may be written at the same time.
        found = self._base.cursor().execute(_ALL, {"file": file, "sheet": sheet})
        for row, group in groupby(found, key=lambda r: r[0]):
            yield row or 0, "; ".join(dict.fromkeys(said for _, said in group))

    def close_base(self) -> None:
        """Let go of the database file."""
        self._base.close()


def _fell(code: str) -> tuple[str, str, int]:
    """Code, words and rank of what became of a row that has no finding of its own."""
    rule = RULES[code]
    refused = rule.severity == "error"
    return code, f"{code}: {rule.sentence}{' The row is not stored.' if refused else ''}", _RANKS[rule.severity]


def write(path: Path, mapping: MappingFile, report: Report, found: Findings, target: Path) -> Path:
    """Write the file, or the files of a folder as a ZIP, with their remarks.

    path : what was read. report : of that reading, which says which tables there are.
    target : where to write, without suffix. Returns the file that was written, with the suffix of its kind.
    """
    sources = {table.file: mapping.tables[i] for i, table in enumerate(report.ledger) if i < len(mapping.tables)}
    files = list(dict.fromkeys(table.file for table in report.ledger))
    written: list[tuple[str, Path]] = []
    for file in files:
        here = path / file if path.is_dir() else (path if path.name == file else path.parent / file)
        name = target.with_name(f"{target.name}-{len(written)}")
        written.append((file, _write_one(here, sources[file], report, found, name)))
    if len(written) == 1:
        return written[0][1].rename(target.with_suffix(written[0][1].suffix))
    packed = target.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, one in written:
            own = Path(file)
            # Their mapping knows the files by their names: corrected, the archive can be sent again as it is.
            same = own.suffix.lower() in {*_TEXTS, one.suffix}
            archive.write(one, own.name if same else f"{own.stem}-remarks{one.suffix}")
            one.unlink()
    return packed


def _write_one(path: Path, source: TableSource, report: Report, found: Findings, target: Path) -> Path:
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04") and _is_workbook(path):
        return _write_workbook(path, report, found, target.with_suffix(".xlsx"))
    if start.startswith((b"PK\x03\x04", b"SQLite format 3", b"PAR1", b"{", b"\xef\xbb\xbf{")):
        return _write_as_read(path, source, found, target.with_suffix(".csv"))
    return _write_text(path, source, found, target.with_suffix(".csv"))


def _is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as package:
        return "xl/workbook.xml" in package.namelist()


# Text tables ---------------------------------------------------------------------------------------------------------


def _write_text(path: Path, source: TableSource, found: Findings, target: Path) -> Path:
    encoding = source.encoding or _encoding(path)
    mark = source.delimiter or _delimiter(path, encoding, source)
    header = found.header(path.name, None)
    csv.field_size_limit(_CSV_FIELD_MAX)
    with path.open(encoding=encoding, newline="") as text, _csv(target, mark) as out:
        rows = csv.reader(_lines(text, mark), delimiter=mark)
        _append(((number, row) for number, row in enumerate(rows, start=1)), out, found, path.name, header)
    return target


@contextlib.contextmanager
def _csv(target: Path, mark: str) -> Iterator[Any]:
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        yield csv.writer(file, delimiter=mark, lineterminator="\r\n")


def _append(
    rows: Iterable[tuple[int, Sequence[str]]], out: Any, found: Findings, file: str, header: int | None
) -> None:
    """Write rows with their remarks behind the last column; both come in the order of their numbers."""
    remarks = _Following(found.remarks(file, None))
    whole = remarks.of(0)
    width = 0
    for number, row in rows:
        said = remarks.of(number)
        if number == header:
            width = len(row)
            said = "; ".join(part for part in (TITLE, whole, said) if part)
        if not row and not said:
            out.writerow([])
            continue
        cells = [*map(neutral, row), *[""] * (width - len(row))]
        out.writerow([*cells, neutral(said)] if said or width else cells)


class _Following:
    """Remarks that are asked for in the order in which they come."""

    def __init__(self, remarks: Iterator[tuple[int, str]]) -> None:
        self._remarks = remarks
        self._next = next(remarks, None)

    def of(self, row: int) -> str:
        said = []
        while self._next is not None and self._next[0] <= row:
            said.append(self._next[1])
            self._next = next(self._remarks, None)
        return "; ".join(said)


def _encoding(path: Path) -> str:
    """As the reader finds it: a byte order mark, else UTF-8 where all is, else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(2)
        if start in {b"\xff\xfe", b"\xfe\xff"}:
            return "utf-16"
        try:
            decoder.decode(start)
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _delimiter(path: Path, encoding: str, source: TableSource) -> str:
    with path.open(encoding=encoding) as file:
        sample = file.read(_SAMPLE).encode()
    layout = Layout(header_row=source.header_row, first_row=source.first_row)
    return sniff(sample, path.name, layout.start)


def _lines(text: TextIO, mark: str) -> Iterator[str]:
    r"""The lines, with quotes inside texts doubled where R wrote them as \"."""
    quote = re.compile(r"\\\"(?!" + re.escape(mark) + r"|\r|\n|\Z)")
    for line in text:
        yield quote.sub('""', line) if '\\"' in line else line


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. Numbers, dates and lone signs stay as they are."""
    if cell.startswith(_FORMULA) and len(cell) > 1 and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _write_as_read(path: Path, source: TableSource, found: Findings, target: Path) -> Path:
    """A file of another kind as a text table: the columns as they were read."""
    table = read_table(path, sheet=source.sheet)
    with _csv(target, ",") as out:
        rows = zip(table.rows.to_list(), table.frame.iter_rows(), strict=True)
        remarks = _Following(found.remarks(path.name, table.sheet))
        title = "; ".join(part for part in (TITLE, remarks.of(table.header)) if part)
        out.writerow([*map(neutral, table.frame.columns), title])
        for number, row in rows:
            out.writerow([*(neutral("" if cell is None else str(cell)) for cell in row), neutral(remarks.of(number))])
    return target


# Workbooks -----------------------------------------------------------------------------------------------------------


def _write_workbook(path: Path, report: Report, found: Findings, target: Path) -> Path:
    read = {table.sheet for table in report.ledger if table.file == path.name}
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
            "nan_inf_to_errors": True,
            "tmpdir": str(target.parent),
        },
    )
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    try:
        workbook = CalamineWorkbook.from_path(path)
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            out = _sheet(book, name)
            remarks = _Following(found.remarks(path.name, name) if name in read else iter(()))
            header = found.header(path.name, name)
            behind = (sheet.end or (0, -1))[1] + 1
            whole = remarks.of(0)
            for number, row in enumerate(sheet.iter_rows(), start=1):
                for column, cell in enumerate(row):
                    _write_cell(out, number - 1, column, cell, day, moment)
                said = remarks.of(number)
                if number == header:
                    said = "; ".join(part for part in (TITLE, whole, said) if part)
                if said:
                    out.write_string(number - 1, behind, said[:32_767])
    finally:
        book.close()
    return target


def _sheet(book: xlsxwriter.Workbook, name: str) -> Any:
    try:
        return book.add_worksheet(name)
    except XlsxWriterException:
        return book.add_worksheet()


def _write_cell(out: Any, row: int, column: int, cell: object, day: Any, moment: Any) -> None:
    if cell == "" or cell is None:
        return
    if isinstance(cell, str):
        out.write_string(row, column, cell)
    elif isinstance(cell, bool):
        out.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        out.write_number(row, column, cell)
    elif isinstance(cell, dt.datetime):
        plain = cell.time() == dt.time(0)
        out.write_datetime(row, column, cell, day if plain else moment)
    elif isinstance(cell, dt.date):
        out.write_datetime(row, column, cell, day)
    else:
        out.write_string(row, column, str(cell))
