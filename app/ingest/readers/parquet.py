"""GeoParquet 1.x, and Parquet without a geometry: read piece by piece, bounded by what it unpacks to."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from app.ingest.readers.arrow import Texts, is_nested
from app.ingest.readers.points import WGS84, Points, crs_name, one_crs, reserved_free
from app.ingest.readers.table import ReadingNote, Table, column_names, finish, refuse, refuse_many_rows

_ROWS_AT_ONCE = 20_000
_MAX_COLUMNS = 2_000


def read_parquet(path: Path, max_bytes: int) -> Table:
    """Read a GeoParquet file as a table; the row number is the number of the feature."""
    name = path.name
    try:
        schema = pq.read_schema(path, memory_map=False)
        words = [
            field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        # Texts stay in their dictionaries until their size is known: a file may repeat one long text a million times.
        with pq.ParquetFile(path, read_dictionary=words, thrift_string_size_limit=10_000_000) as file:
            return finish(_table(file, name, max_bytes))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        message = f"{name} cannot be read as Parquet: {str(error).splitlines()[0][:120]}."
        raise refuse("GEOFILE_BROKEN", message, file=name) from error


def _table(opened: pq.ParquetFile, name: str, max_bytes: int) -> Table:
    refuse_many_rows(name, opened.metadata.num_rows)
    schema = opened.schema_arrow
    if len(schema.names) > _MAX_COLUMNS:
        message = f"{name} has {len(schema.names)} columns; the limit is {_MAX_COLUMNS}."
        raise refuse("SHEET_TOO_LARGE", message, file=name)
    geometry, crs = _geometry(schema, name)
    nested = [field.name for field in schema if is_nested(field.type) and field.name != geometry]
    plain = [field.name for field in schema if not is_nested(field.type) and field.name != geometry]
    titles = column_names([title.strip() for title in plain], name, row=1)
    reserved_free(titles if geometry else [], name)
    texts, points, count = Texts(titles, name, max_bytes), Points(), 0
    for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=[*plain, *([geometry] if geometry else [])]):
        count += batch.num_rows
        for title, column in zip(titles, plain, strict=True):
            texts.add(title, batch.column(column))
        if geometry:
            _add(points, batch.column(geometry), name)
    if not count:
        raise refuse("FILE_EMPTY", f"{name} holds no row.", file=name)
    if points.srids:
        crs = one_crs({crs or WGS84, *(crs_name(f"EPSG:{srid}", name) for srid in points.srids)}, name)
    notes = [ReadingNote(code="COLUMN_NESTED", details={}, column=column) for column in nested]
    frame = pl.DataFrame([*texts.columns(), *(points.columns() if geometry else [])])
    return Table(
        file=name,
        sheet=None,
        frame=frame,
        rows=pl.int_range(1, count + 1, dtype=pl.Int64, eager=True).alias("row"),
        width=frame.width,
        notes=(*(points.notes(crs) if geometry else ()), *notes),
        header=0,
        crs=crs if geometry else None,
        faults=tuple(points.faults),
    )


def _add(points: Points, column: pa.Array, name: str) -> None:
    if pa.types.is_struct(column.type):
        names = [field.name for field in column.type]
        for item in column.to_pylist():
            if item is None:
                points.miss("GEOMETRY_EMPTY", "nothing")
            else:
                points.add(repr(item["x"]), repr(item["y"]), height="z" in names)
    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        for blob in column.to_pylist():
            points.add_wkb(blob)
    else:
        message = f"The geometry of {name} is neither WKB nor points but {column.type}."
        raise refuse("FORMAT_UNSUPPORTED", message, file=name)


def _geometry(schema: pa.Schema, name: str) -> tuple[str | None, str | None]:
    """The column of the geometry and its coordinate reference system, as the metadata say."""
    said = (schema.metadata or {}).get(b"geo")
    if said is None:
        return None, None
    try:
        geo: dict[str, Any] = json.loads(said)
        column = geo["primary_column"]
        about = geo["columns"][column]
        crs = about.get("crs", WGS84)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise refuse("GEOFILE_BROKEN", f"The metadata of {name} do not name its geometry.", file=name) from error
    if column not in schema.names:
        raise refuse("GEOFILE_BROKEN", f"{name} has no column {str(column)[:60]!r} for its geometry.", file=name)
    # Without the entry it is WGS 84; the entry null says that nobody knows.
    return column, None if crs is None else crs_name(crs, name)
