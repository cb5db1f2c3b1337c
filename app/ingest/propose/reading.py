"""From a file to a proposal: sheet, heading, decimal mark, what each column is, and what has to be asked."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from app.errors import RefusedFile
from app.ingest import exchange
from app.ingest.columns import required_columns
from app.ingest.mapping import available_mappings, load_mapping, mapping_to_json
from app.ingest.numbers import Decimal
from app.ingest.propose.asking import Asking
from app.ingest.propose.columns import UNKNOWN, decimal_mark, look, meaning
from app.ingest.propose.headings import unit_of
from app.ingest.propose.proposal import Guess, Proposal
from app.ingest.readers import MAX_BYTES, Table, read_table
from app.ingest.wide import needed

ROWS = 5_000
"""Rows that are looked at; what they show is taken for the whole."""
COLUMNS = 500
"""Columns that are looked at."""
_SHEETS = 20
_FEWEST = 3
"""Columns that a known source must share with a file before it is taken for that source."""


def propose(
    path: Path, *, max_bytes: int = MAX_BYTES, country: str | None = None, boundaries: Path | None = None
) -> Proposal:
    """What the columns of a file are taken for, and what only its owner can say.

    max_bytes : limit of the file size. [byte]
    country : alpha-2 code of the country that the owner names; it ranks coordinate reference systems.
    boundaries : GeoJSON of countries with `iso_a2`, by which positions are placed.

    Raises RefusedFile where the file cannot be read as a table at all.
    """
    if path.is_dir():
        return _of_folder(path, max_bytes)
    by_name = _by_name(path, max_bytes)
    if by_name is not None:
        return _as_known(*by_name)
    tables = _tables(path, max_bytes)
    known = _known(tables)
    if known is not None:
        return _as_known(*known)
    table = max(tables, key=_score)
    frame, units, first_row = _without_units(table)
    surplus = frame.width - COLUMNS
    frame = frame[:, :COLUMNS]
    decimal, open_mark = decimal_mark(frame.get_columns())
    columns = [
        look(name, position, frame[name], decimal, units.get(name))
        for position, name in enumerate(frame.columns, start=1)
    ]
    asking = Asking(
        columns=columns,
        frame=frame,
        crs=table.crs,
        country=country.upper() if country else None,
        boundaries=boundaries,
        decimal=decimal,
        decimal_is_open=open_mark,
        source=_source(path, table, decimal, first_row),
        name=_slug(path.stem),
        title=path.stem,
    )
    guesses, questions, build = asking.finish()
    notes = list(asking.notes)
    if unread := [t.sheet for t in tables if t is not table and t.sheet is not None]:
        notes.insert(
            0,
            f"Only the sheet {table.sheet!r} is read. These hold tables too and are not read: "
            f"{', '.join(map(repr, unread))}. What belongs together must stand in one sheet, with a column for what "
            "tells the sheets apart, such as the depth.",
        )
    if surplus > 0:
        notes.insert(0, f"Only the first {COLUMNS} columns are looked at; {surplus} more are not read.")
    if table.header > 1:
        notes.insert(0, f"Column names stand in row {table.header}; the rows above are not read.")
    if units:
        notes.insert(0, f"Row {table.rows[0]} holds units and no values.")
    return Proposal(
        file=path.name,
        sheet=table.sheet,
        header_row=table.header,
        layout="wide" if asking.wide else "long",
        rows_looked_at=frame.height,
        columns=guesses,
        questions=questions,
        notes=tuple(notes),
        build=build,
    )


def _tables(path: Path, max_bytes: int) -> list[Table]:
    """The tables of a file: one, or one for each sheet of a workbook that holds any."""
    names = _sheets(path, max_bytes)
    if len(names) < 2:
        return [read_table(path, max_bytes=max_bytes, last_row=ROWS)]
    found, refused = [], []
    for name in names[:_SHEETS]:
        try:
            found.append(read_table(path, sheet=name, max_bytes=max_bytes, last_row=ROWS))
        except RefusedFile as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return found


def _sheets(path: Path, max_bytes: int) -> list[str]:
    if path.suffix.lower() not in {".xlsx", ".xlsm"}:
        return []
    try:
        # This looks through the package before anything of it is unpacked.
        read_table(path, max_bytes=max_bytes, last_row=ROWS)
    except RefusedFile as error:
        if error.code in {"FILE_NOT_FOUND", "FILE_TOO_LARGE", "XLSX_BROKEN", "NOT_XLSX", "SHEET_TOO_LARGE"}:
            raise
    try:
        return list(CalamineWorkbook.from_path(path).sheet_names)
    except CalamineError:
        return []


def _score(table: Table) -> int:
    frame = table.frame.head(200)[:, :COLUMNS]
    decimal, _ = decimal_mark(frame.get_columns())
    seen = [look(name, i, frame[name], decimal) for i, name in enumerate(frame.columns)]
    return sum(meaning(column).kind != UNKNOWN for column in seen)


def _without_units(table: Table) -> tuple[pl.DataFrame, dict[str, str], int | None]:
    """The rows of data; units, where the first row holds nothing else; and the first row of data then."""
    if table.frame.height < 2:
        return table.frame, {}, None
    cells = {name: (cell or "").strip() for name, cell in table.frame.row(0, named=True).items()}
    filled = {name: cell for name, cell in cells.items() if cell}
    units = {name: unit for name, cell in filled.items() if (unit := unit_of(cell.strip("()[] "))) is not None}
    numbers = sum(
        any(mark.isdigit() for mark in cell) and unit_of(cell.strip("()[] ")) is None for cell in filled.values()
    )
    if len(units) < 2 or 2 * len(units) < len(filled) or numbers:
        return table.frame, {}, None
    return table.frame.slice(1), units, int(table.rows[1])


def _source(path: Path, table: Table, decimal: Decimal, first_row: int | None) -> dict[str, object]:
    """The table as an entry of a mapping."""
    source: dict[str, object] = {"name": "layers", "role": "layers"}
    if table.sheet is not None:
        source["sheet"] = table.sheet
    if decimal != "auto":
        source["decimal"] = decimal
    if path.suffix.lower() in {".xlsx", ".xlsm", ".csv", ".tsv", ".txt"} and (table.header > 1 or first_row):
        source["header_row"] = table.header
    if first_row is not None:
        source["rows"] = [first_row]
    return source


def _by_name(path: Path, max_bytes: int) -> tuple[str, Table] | None:
    """A sheet made for people has no columns to know it by: its mapping names the file, and the place in it."""
    for name in available_mappings():
        main = load_mapping(name).main
        # Our file with remarks is the file itself, corrected.
        stem = path.stem.removesuffix("-remarks")
        if main.names is None or main.file is None or Path(main.file).stem != stem:
            continue
        try:
            table = read_table(
                path,
                sheet=main.sheet,
                header_row=main.header_row,
                names=main.names,
                first_row=main.first_row,
                last_row=main.last_row,
                max_bytes=max_bytes,
            )
        except RefusedFile:
            continue
        return name, table
    return None


def _of_folder(folder: Path, max_bytes: int) -> Proposal:
    """The source whose files a folder holds; how files of any other source belong together is not guessed."""
    files = sorted(file.name for file in folder.iterdir())
    best: tuple[int, str, Table] | None = None
    for name in available_mappings():
        mapping = load_mapping(name)
        named = {table.file for table in mapping.tables}
        main = mapping.main
        if main.file is None or not named <= set(files) or (best is not None and len(named) <= best[0]):
            continue
        try:
            table = read_table(folder / main.file, sheet=main.sheet, max_bytes=max_bytes, last_row=ROWS)
        except RefusedFile:
            continue
        if set(needed(main, required_columns(mapping, main))) <= set(table.frame.columns):
            best = (len(named), name, table)
    if best is None:
        raise RefusedFile(
            f"The archive holds {len(files)} files ({', '.join(files[:10])}). How they belong together is not guessed.",
            code="ARCHIVE_REFUSED",
            suggestion="Name the mapping that joins them, or send the one file that holds everything.",
        )
    return _as_known(*best[1:])


def _known(tables: Sequence[Table]) -> tuple[str, Table] | None:
    """The packaged mapping whose columns the file has, if there is one: that with the most.

    What we export ourselves holds our columns too, and more: it must not be read as our template, without the rest.
    """
    best: tuple[tuple[bool, int], str, Table] | None = None
    for name in available_mappings():
        mapping = load_mapping(name)
        main = mapping.main
        columns = set(needed(main, required_columns(mapping, main)))
        if mapping.prepare == "exchange":
            columns |= set(exchange.FIELDS.values())
        for table in tables:
            if main.sheet is not None and table.sheet is not None and main.sheet != table.sheet:
                continue
            if len(columns) < _FEWEST or not columns <= set(table.frame.columns):
                continue
            fit = (mapping.prepare == "glosis", len(columns))
            if best is None or fit > best[0]:
                best = (fit, name, table)
    return None if best is None else best[1:]


def _as_known(name: str, table: Table) -> Proposal:
    """The proposal to read a file with a packaged mapping: nothing is left to ask."""
    mapping = load_mapping(name)
    read = (
        set(required_columns(mapping, mapping.main))
        | {column for source in mapping.fields.values() for item in source for column in item.columns}
        | {value.column for value in mapping.values}
    )
    others = sorted({t.file for t in mapping.tables if t.file and t is not mapping.main})
    reason = f"The file has the columns of the source {name}."
    return Proposal(
        file=table.file,
        sheet=table.sheet,
        header_row=table.header,
        layout="long" if mapping.main.wide is None else "wide",
        rows_looked_at=table.frame.height,
        columns=tuple(
            Guess(
                column=column,
                position=position,
                role="read" if column in read else UNKNOWN,
                unit=None,
                confidence=1.0 if column in read else 0.0,
                reason=reason if column in read else "The mapping does not read it.",
            )
            for position, column in enumerate(table.frame.columns, start=1)
        ),
        questions=(),
        notes=(
            f"This is {mapping.title}.",
            *([f"It is read together with {', '.join(others)}."] if others else []),
        ),
        known=name,
        build=lambda _: mapping_to_json(mapping),
    )


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:60].strip("-") or "file"
