"""Which reader a file needs, after its size and its first bytes are looked at."""

import re
from pathlib import Path
from typing import NoReturn

from app.ingest.readers.geojson import is_json, read_geojson
from app.ingest.readers.geopackage import is_geopackage, read_geopackage
from app.ingest.readers.parquet import read_parquet
from app.ingest.readers.shapefile import is_shapefile, read_shapefile
from app.ingest.readers.table import Layout, Table, refuse
from app.ingest.readers.text import read_text
from app.ingest.readers.workbook import read_workbook

MAX_BYTES = 100_000_000
"""Largest file read when the caller names no limit [byte]."""

_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old .xls or a password-protected workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "an SQLite database but no GeoPackage"),
    (b"\x00\x00\x27\x0a", "a part of a Shapefile, which is read from one ZIP with all of its parts"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{\\rtf", "an RTF document"),
)
_KINDS = {
    ".xlsx": "an XLSX workbook",
    ".xlsm": "an XLSX workbook",
    ".gpkg": "a GeoPackage",
    ".geojson": "GeoJSON",
    ".geojsonl": "GeoJSON",
    ".geojsons": "GeoJSON",
    ".parquet": "Parquet",
    ".geoparquet": "Parquet",
}
"""Names that promise a kind of content: anything else under them is refused."""
_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<\?xml)", re.IGNORECASE)


def read_table(
    path: Path,
    *,
    sheet: str | None = None,
    wanted: frozenset[str] = frozenset(),
    delimiter: str | None = None,
    encoding: str | None = None,
    header_row: int | None = None,
    names: tuple[str, ...] | None = None,
    first_row: int | None = None,
    last_row: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """Read a text table, XLSX workbook, GeoJSON, GeoPackage, zipped Shapefile or (Geo)Parquet file as text.

    sheet : name of the sheet of a workbook or the layer of a geographic file; without it the first that holds all of
        `wanted`.
    delimiter, encoding : what is declared; without them they are found out, and what was found is noted.
    header_row : the row with the column names, counted from 1, 0 where there is none; without it the first row, or the
        first below titles that holds all of `wanted` or fills most cells with words, which is noted.
    names : names of the columns by position, in place of those in the file; an empty one leaves its column out.
    first_row, last_row : the rows of data, counted from 1; other rows are not read.
    max_bytes : limit of the file size. [byte]
    """
    if header_row == 0 and names is None:
        message = f"No row of {path.name} holds column names, and none are declared."
        raise refuse("HEADER_MISMATCH", message, file=path.name)
    layout = Layout(header_row=header_row, names=names, first_row=first_row, last_row=last_row)
    size = _size(path, max_bytes)
    if size == 0:
        raise refuse("FILE_EMPTY", f"{path.name} is empty.", file=path.name)
    with path.open("rb") as stream:
        start = stream.read(512)
    promised = _KINDS.get(path.suffix.lower())
    kind = _kind(path, start)
    if promised is not None and kind != promised:
        _refuse_other_content(path, start, promised)
    match kind:
        case "an XLSX workbook":
            return read_workbook(path, sheet, wanted, layout, max_bytes)
        case "a Shapefile":
            return read_shapefile(path, sheet, wanted, encoding, max_bytes)
        case "a GeoPackage":
            return read_geopackage(path, sheet, wanted)
        case "Parquet":
            return read_parquet(path, max_bytes)
        case "GeoJSON":
            return read_geojson(path)
    _refuse_other_formats(path, start)
    return read_text(path, delimiter, encoding, layout, wanted)


def _kind(path: Path, start: bytes) -> str | None:
    """What the content is, whatever the name says; None for text."""
    if start.startswith(b"PK\x03\x04"):
        return "a Shapefile" if is_shapefile(path) else "an XLSX workbook"
    if is_geopackage(start):
        return "a GeoPackage"
    if start.startswith(b"PAR1"):
        return "Parquet"
    return "GeoJSON" if is_json(start) else None


def _size(path: Path, max_bytes: int) -> int:
    if not path.is_file():
        raise refuse("FILE_NOT_FOUND", f"There is no file {path.name}.", file=path.name)
    size = path.stat().st_size
    if size > max_bytes:
        message = f"{path.name} has {size / 1e6:.1f} MB; the limit is {max_bytes / 1e6:g} MB."
        raise refuse("FILE_TOO_LARGE", message, file=path.name)
    return size


def _refuse_other_content(path: Path, start: bytes, promised: str) -> NoReturn:
    found = _known(start) or "plain text or something else"
    code = "NOT_XLSX" if promised == "an XLSX workbook" else "CONTENT_MISMATCH"
    message = f"{path.name} is not {promised}: its content is {found}."
    raise refuse(code, message, file=path.name)


def _refuse_other_formats(path: Path, start: bytes) -> None:
    if found := _known(start):
        raise refuse("FORMAT_UNSUPPORTED", f"{path.name} is {found}, no table.", file=path.name)


def _known(start: bytes) -> str | None:
    """The name of a format that is no table, or that cannot be read as it is."""
    found = next((name for magic, name in _MAGIC if start.startswith(magic)), None)
    return "a web page or XML" if found is None and _HTML.match(start) else found
