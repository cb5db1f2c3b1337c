"""Columns in and out by COPY: never an object per row."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy import Connection, Table, text

# A word that no spreadsheet holds stands for "nothing", so that empty text stays empty text.
NOTHING = "\N{SYMBOL FOR NULL}"
# ASCII's own mark between fields: commas of arrays and texts need no quotes, which either side would have to read past.
_BETWEEN = "\x1f"
_ROWS_AT_ONCE = 50_000

T = TypeVar("T")


def driver(connection: Connection) -> "psycopg.Connection[Any]":
    """The driver's own connection, inside the same transaction."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def copy_in(connection: Connection, table: Table | str, frame: pl.DataFrame) -> None:
    """Append a frame; its column names are the table's. Lists become arrays; geometry is hexadecimal EWKB."""
    if not frame.is_empty():
        copy_parts(connection, table, frame.columns, frame.iter_slices(_ROWS_AT_ONCE))


def copy_parts(connection: Connection, table: Table | str, columns: list[str], parts: Iterable[pl.DataFrame]) -> None:
    """Append frames of the same columns, one COPY for all; each is made while the one before is stored."""
    name = sql.Identifier(table) if isinstance(table, str) else sql.Identifier(table.schema or "public", table.name)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL {}, DELIMITER {})").format(
        name, sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Literal(NOTHING), sql.Literal(_BETWEEN)
    )
    with driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for body in ahead(_text(part) for part in parts):
            copy.write(body)


def _text(frame: pl.DataFrame) -> bytes:
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    # Rule codes are upper-case words, so array literals need no escaping.
    plain = frame.with_columns(("{" + pl.col(name).list.join(",") + "}").alias(name) for name in lists)
    return plain.write_csv(
        include_header=False, separator=_BETWEEN, null_value=NOTHING, quote_style="necessary"
    ).encode("utf-8")


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items; while one is used, the next is made beside."""
    iterator = iter(items)
    with ThreadPoolExecutor(max_workers=1) as beside:
        waiting = beside.submit(next, iterator, None)
        while (item := waiting.result()) is not None:
            waiting = beside.submit(next, iterator, None)
            yield item


def copy_out(
    connection: Connection, statement: str, parameters: Mapping[str, Any], schema: Mapping[str, Any]
) -> pl.DataFrame:
    """The rows of a query with psycopg parameters, as a frame of the given column types."""
    copying = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL {})").format(
        sql.SQL(cast("Any", statement)), sql.Literal(NOTHING)
    )
    with driver(connection).cursor() as cursor, cursor.copy(copying, parameters) as copy:
        body = b"".join(bytes(block) for block in copy)
    if not body:
        return pl.DataFrame(schema=dict(schema))
    return pl.read_csv(body, has_header=False, schema=dict(schema), null_values=[NOTHING])


def refresh_statistics(connection: Connection) -> None:
    """Let the planner know what was written: without it, queries on fresh data are planned for empty tables."""
    connection.execute(text("SELECT core.refresh_statistics()"))


def random_ids(n: int) -> pl.Series:
    """Random (version 4) UUIDs as text, made as columns."""
    raw = np.frombuffer(np.random.default_rng().bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    digits = raw.tobytes().hex()
    whole = pl.Series("id", [digits[i : i + 32] for i in range(0, 32 * n, 32)], dtype=pl.String)
    return whole.str.replace(r"^(.{8})(.{4})(.{4})(.{4})(.{12})$", "$1-$2-$3-$4-$5")
