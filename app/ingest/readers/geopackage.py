"""GeoPackage (OGC 12-128): an SQLite database, read as data and never trusted as a program.

The database is opened read-only with an authoriser that allows nothing but reading columns of plain tables. Views,
virtual tables and computed columns could run what their author wrote, so a layer made of them is refused.
"""

import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from app.ingest.readers.points import Points, crs_name, number, one_crs, reserved_free
from app.ingest.readers.table import ReadingNote, Table, choose_sheet, column_names, finish, refuse, refuse_many_rows

MAGIC = b"SQLite format 3\x00"
_APPLICATION_AT = 68
_ROWS_AT_ONCE = 20_000
_MAX_COLUMNS = 2_000
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}
_FUNCTIONS = {"count", "lower"}
_PRAGMAS = {"table_xinfo", "trusted_schema", "mmap_size", "cell_size_check"}
_ENVELOPE_DOUBLES = (0, 4, 6, 6, 8)


def is_geopackage(start: bytes) -> bool:
    """Whether a file that begins so is a GeoPackage, by the application id of its header."""
    return start.startswith(MAGIC) and start[_APPLICATION_AT : _APPLICATION_AT + 4] in {b"GPKG", b"GP10", b"GP11"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    name: str
    geometry: str | None
    srs: int | None


def read_geopackage(path: Path, sheet: str | None, wanted: frozenset[str]) -> Table:
    """Read one layer: the one that is named, or the first that has all of `wanted`.

    The row number is the number of the feature in the order of its primary key.
    """
    name = path.name
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.set_authorizer(_allow)
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50_000_000)
            for pragma in ("trusted_schema = 0", "mmap_size = 0", "cell_size_check = 1"):
                database.execute(f"PRAGMA {pragma}")
            layers = _layers(database, name)
            columns = {layer.name: _columns(database, layer, name) for layer in layers}
            found = choose_sheet(
                [(layer.name, frozenset(columns[layer.name])) for layer in layers], sheet, wanted, name
            )
            layer = next(layer for layer in layers if layer.name == found)
            return finish(_table(database, layer, columns[layer.name], name))
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        message = f"{name} cannot be read as a GeoPackage: {str(error)[:120]}."
        raise refuse("GEOFILE_BROKEN", message, file=name) from error


def _allow(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _PRAGMAS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _layers(database: sqlite3.Connection, name: str) -> list[_Layer]:
    geometries = {
        str(table): (str(column), srs)
        for table, column, srs in database.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns")
    }
    contents = "SELECT table_name FROM gpkg_contents WHERE lower(data_type) IN ('features', 'attributes')"
    tables = [str(row[0]) for row in database.execute(contents)]
    if not tables:
        raise refuse("FILE_EMPTY", f"{name} holds no layer of features.", file=name)
    return [
        _Layer(name=table, geometry=geometries.get(table, (None, None))[0], srs=geometries.get(table, (None, None))[1])
        for table in tables
    ]


def _columns(database: sqlite3.Connection, layer: _Layer, name: str) -> list[str]:
    """Names of the columns of a layer, once it is sure that it is a plain table."""
    made = database.execute(
        "SELECT type, sql FROM sqlite_master WHERE lower(name) = lower(?) AND type IN ('table', 'view')",
        (layer.name,),
    ).fetchall()
    sql = str(made[0][1] or "").lstrip().upper() if len(made) == 1 else ""
    if len(made) != 1 or made[0][0] != "table" or not sql.startswith("CREATE TABLE"):
        message = f"The layer {layer.name[:60]!r} of {name} is a view or virtual table, not stored features."
        raise refuse("GEOFILE_UNSAFE", message, file=name)
    info = database.execute(f"PRAGMA table_xinfo({_quoted(layer.name)})").fetchall()
    if any(row[6] for row in info):
        message = f"The layer {layer.name[:60]!r} of {name} has computed columns."
        raise refuse("GEOFILE_UNSAFE", message, file=name)
    if len(info) > _MAX_COLUMNS:
        message = f"The layer {layer.name[:60]!r} of {name} has {len(info)} columns; the limit is {_MAX_COLUMNS}."
        raise refuse("SHEET_TOO_LARGE", message, file=name)
    return [str(row[1]) for row in info]


def _table(database: sqlite3.Connection, layer: _Layer, columns: list[str], name: str) -> Table:
    (count,) = database.execute(f"SELECT count(*) FROM {_quoted(layer.name)}").fetchone()  # noqa: S608 - quoted
    refuse_many_rows(name, count, layer.name)
    geometry = next((column for column in columns if column.casefold() == (layer.geometry or "").casefold()), None)
    plain = [column for column in columns if column != geometry]
    titles = column_names([column.strip() for column in plain], name, 1, layer.name)
    reserved_free(titles if geometry else [], name)
    chosen = ", ".join(_quoted(column) for column in [*plain, *([geometry] if geometry else [])])
    cursor = database.execute(f"SELECT {chosen} FROM {_quoted(layer.name)}")  # noqa: S608 - names are quoted
    points, systems, nested, pieces = Points(), set[int](), set[str](), list[pl.DataFrame]()
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        cells = list(zip(*rows, strict=True))
        for title, column in zip(titles, cells, strict=False):
            if any(isinstance(cell, bytes) for cell in column):
                nested.add(title)
        texts = (
            pl.Series(title, [_shown(cell) for cell in column], dtype=pl.String)
            for title, column in zip(titles, cells, strict=False)
        )
        pieces.append(pl.DataFrame(list(texts)))
        for blob in cells[-1] if geometry else ():
            _add(points, blob, systems)
    if not count:
        raise refuse("FILE_EMPTY", f"The layer {layer.name[:60]!r} of {name} holds no feature.", file=name)
    crs = _crs(database, layer, systems | points.srids, name) if geometry else None
    frame = pl.concat(pieces).drop(nested)
    return Table(
        file=name,
        sheet=layer.name,
        frame=frame.with_columns(points.columns() if geometry else []),
        rows=pl.int_range(1, count + 1, dtype=pl.Int64, eager=True).alias("row"),
        width=frame.width + (2 if geometry else 0),
        notes=(
            *(points.notes(crs) if geometry else ()),
            *(ReadingNote(code="COLUMN_NESTED", details={}, column=title) for title in sorted(nested)),
        ),
        header=0,
        crs=crs,
        faults=tuple(points.faults),
    )


def _add(points: Points, blob: object, systems: set[int]) -> None:
    """Add a geometry: a header with the number of its system and an envelope, then well-known binary."""
    if blob is None:
        points.miss("GEOMETRY_EMPTY", "nothing")
        return
    if not isinstance(blob, bytes) or len(blob) < 8 or not blob.startswith(b"GP"):
        points.miss("GEOMETRY_NOT_POINT", "damaged")
        return
    flags = blob[3]
    (srs,) = struct.unpack_from("<i" if flags & 1 else ">i", blob, 4)
    systems.add(srs)
    envelope = flags >> 1 & 7
    if envelope >= len(_ENVELOPE_DOUBLES) or flags & 0x20:
        points.miss("GEOMETRY_NOT_POINT", "an extended geometry")
    else:
        points.add_wkb(blob[8 + 8 * _ENVELOPE_DOUBLES[envelope] :])


def _crs(database: sqlite3.Connection, layer: _Layer, systems: set[int], name: str) -> str | None:
    """The one system of layer and features; None where the file says that it is undefined."""
    names = set()
    for srs in {*systems, *({layer.srs} if layer.srs is not None else ())}:
        row = database.execute(
            "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
            (srs,),
        ).fetchone()
        if srs in {0, -1}:
            continue
        if row is None:
            raise refuse("CRS_UNKNOWN", f"{name} does not describe its coordinate system {srs}.", file=name)
        organisation, number_there, definition = row
        known = str(organisation).upper() in {"EPSG", "ESRI", "OGC", "IGNF"}
        names.add(crs_name(f"{str(organisation).upper()}:{number_there}" if known else str(definition), name))
    return one_crs(names, name)


def _shown(cell: object) -> str | None:
    if cell is None or isinstance(cell, bytes):
        return None
    return number(cell) if isinstance(cell, float) else str(cell)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
