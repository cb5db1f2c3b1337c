"""Columns of Arrow become columns of text: shortest numbers, ISO dates, no nested values."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from app.ingest.readers.points import number
from app.ingest.readers.table import refuse

MAX_TEXT_RATIO = 10
"""How many times the limit in bytes all texts of a table together may have."""


def is_nested(kind: pa.DataType) -> bool:
    """Whether cells of this type hold more than one value, or bytes that are no text."""
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return bool(pa.types.is_nested(kind) or binary)


class Texts:
    """Columns of text in the making, from record batches; the size of all texts is bounded."""

    def __init__(self, names: list[str], file: str, max_bytes: int) -> None:
        self._pieces: dict[str, list[pl.Series]] = {name: [] for name in names}
        self._left = MAX_TEXT_RATIO * max_bytes
        self._limit = MAX_TEXT_RATIO * max_bytes
        self._file = file

    def add(self, name: str, column: pa.Array) -> None:
        """Take a piece of a column."""
        self._left -= _size(column)
        if self._left < 0:
            message = f"{self._file} unpacks to more than {self._limit / 1e6:g} MB of text."
            raise refuse("FILE_TOO_LARGE", message, file=self._file)
        self._pieces[name].append(_text(column))

    def columns(self) -> Iterator[pl.Series]:
        """The columns, whole."""
        for name, pieces in self._pieces.items():
            yield pl.concat(pieces).alias(name) if pieces else pl.Series(name, [], dtype=pl.String)


def _size(column: pa.Array) -> int:
    """Bytes of a column once each cell is a text of its own."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pl.Series([len(str(word)) for word in column.dictionary.to_pylist()], dtype=pl.Int64)
    places = pl.from_arrow(column.indices)
    return int(lengths.gather(places.drop_nulls().cast(pl.UInt32)).sum()) if isinstance(places, pl.Series) else 0


def _text(column: pa.Array) -> pl.Series:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text(column.dictionary_decode())
    if pa.types.is_timestamp(kind) or pa.types.is_date64(kind):
        column = column.cast(pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else None))
        return _each(column, _moment)
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return _each(column, lambda value: str(np.float32(value)).removesuffix(".0"))
    if pa.types.is_boolean(kind):
        return _each(column, lambda truth: "TRUE" if truth else "FALSE")
    return _each(column, number if pa.types.is_float64(kind) else str)


def _each(column: pa.Array, show: Any) -> pl.Series:
    return pl.Series([None if cell is None else show(cell) for cell in column.to_pylist()], dtype=pl.String)


def _moment(moment: Any) -> str:
    """A date, with its time where it has one."""
    text = moment.isoformat(sep=" ", timespec="seconds")
    return str(text.removesuffix("+00:00").removesuffix(" 00:00:00"))
