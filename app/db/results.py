"""Values of layers, from one row a value to the arrays in which core.layer keeps them, and the procedures they share."""

from collections.abc import Iterator
from uuid import UUID

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from app.db import bulk
from app.db.tables import procedure

DESCRIPTION = ("property", "reported_unit", "method", "laboratory", "status", "column")
"""What a procedure is told apart by."""
ARRAYS = ("procedures", "result_values", "result_texts")
COLUMNS = (*ARRAYS, "result_qualifiers", "result_uncertainties", "result_flags")

_LAYERS_AT_ONCE = 50_000
_MOST_RUNS = 500
_MOST = 2**63
_SMALL = 10_000_000
_NEEDS_QUOTES = r"[^0-9A-Za-z.+<>=-]|^(?i:null)$|^$"


def describe(connection: Connection, upload: UUID, results: pl.DataFrame) -> pl.Series:
    """Store how the results of an upload were obtained; returns the number of the procedure of each result."""
    if results.is_empty():
        return pl.Series("procedure", [], dtype=pl.Int32)
    key = _description_key(results)
    first, kind = _kinds(key)
    ids = connection.scalars(
        text("SELECT nextval('core.procedure_id_seq') FROM generate_series(1, :n)"), {"n": len(first)}
    ).all()
    bulk.copy_in(
        connection,
        procedure,
        results[first]
        .select(pl.col(name).cast(pl.String) for name in DESCRIPTION)
        .rename({"column": "source_column"})
        .with_columns(pl.Series("id", ids, dtype=pl.Int32), pl.lit(str(upload)).alias("upload_id")),
    )
    return pl.Series("procedure", np.asarray(ids, dtype=np.int32)[kind])


def _description_key(results: pl.DataFrame) -> NDArray[np.uint64]:
    """One number for each row, the same for the same description."""
    key = np.zeros(len(results), dtype=np.uint64)
    for name in DESCRIPTION:
        words = results[name]
        if words.dtype == pl.String:
            words = words.cast(pl.Categorical)
        codes = words.to_physical()
        size = int(codes.fill_null(0).to_numpy().max()) + 2
        if int(key.max()) > _MOST // size:
            key = np.unique(key, return_inverse=True)[1].astype(np.uint64)
        # In place: a copy of millions of numbers for each word adds up.
        key *= np.uint64(size)
        key += codes.fill_null(size - 1).to_numpy()
    return key


def _kinds(key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row for each different number, and which of them each row has; like np.unique, without sorting small ones."""
    if int(key.max()) >= _SMALL:
        _, first, kind = np.unique(key, return_index=True, return_inverse=True)
        return first, kind
    row = np.zeros(int(key.max()) + 1, dtype=np.int64)
    row[key] = np.arange(len(key))
    seen = np.zeros(len(row), dtype=np.bool_)
    seen[key] = True
    number = np.cumsum(seen, dtype=np.int32) - np.int32(1)
    return row[seen], number[key]


def by_layer(results: pl.DataFrame, n_layers: int) -> Iterator[tuple[slice, pl.DataFrame]]:
    """Arrays of the values of each layer as COPY reads them, some layers at a time.

    results : layer (place of the layer, from 0), procedure, value, reported_value, qualifier, uncertainty, flags.
    Yields which layers, and COLUMNS for them.
    """
    layer = results["layer"].to_numpy()
    runs = _runs(layer)
    if len(runs) > _MOST_RUNS:
        # Rows in the order of layers: the first values of all layers are brought together, then the second ones.
        order = np.argsort(layer, kind="stable")
        starts = np.flatnonzero(np.diff(layer[order], prepend=-1) > 0)
        place = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        results = results[order[np.argsort(place, kind="stable")]]
        layer = results["layer"].to_numpy()
        runs = _runs(layer)
    kinds = results.select(
        qualifiers=(pl.col("qualifier") != "=").any(),
        uncertainties=pl.col("uncertainty").is_not_null().any(),
        flags=(pl.col("flags").list.len() > 0).any(),
    ).row(0, named=True)
    for first in range(0, n_layers, _LAYERS_AT_ONCE):
        last = min(first + _LAYERS_AT_ONCE, n_layers)
        parts = []
        for begin, end in runs:
            low, high = (begin + np.searchsorted(layer[begin:end], (first, last))).tolist()
            if high > low:
                parts.append((layer[low:high] - first, results[low:high]))
        yield slice(first, last), _arrays(parts, last - first, **kinds)


def _runs(layer: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches in which the layers ascend and none comes twice: the values of one column of a file are one."""
    edges = np.flatnonzero(np.diff(layer) <= 0) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(layer)], strict=True))


def _arrays(
    parts: list[tuple[NDArray[np.int64], pl.DataFrame]],
    size: int,
    *,
    qualifiers: bool,
    uncertainties: bool,
    flags: bool,
) -> pl.DataFrame:
    """One row a layer; each part gives a layer one value at most, at the places that come with it."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, size)
    texts: dict[str, list[pl.Series]] = {name: [] for name in COLUMNS}
    before = np.zeros(size, dtype=np.int64)
    for at, part in parts:
        index = None if len(at) == size else pl.Series(_index(at, size)).replace(-1, None)

        def put(name: str, column: pl.Series, index: pl.Series | None = index) -> None:
            texts[name].append(column if index is None else column.gather(index))

        put("procedures", part["procedure"].cast(pl.String))
        put("result_values", part["value"].cast(pl.String))
        put("result_texts", _quoted(part["reported_value"]))
        if qualifiers:
            put("result_qualifiers", part["qualifier"].cast(pl.String))
        if uncertainties:
            put("result_uncertainties", part["uncertainty"].cast(pl.String).fill_null("NULL"))
        if flags:
            before[at] += 1
            put("result_flags", _flag_entries(part["flags"], before[at]))

    def joined(name: str, mark: str) -> pl.Series:
        if not texts[name]:
            return nothing.alias(name)
        columns = [column.alias(f"{i}") for i, column in enumerate(texts[name])]
        return pl.select(pl.concat_str(columns, separator=mark, ignore_nulls=True).alias(name)).to_series()

    found = pl.DataFrame([joined(name, "" if name == "result_qualifiers" else ",") for name in COLUMNS])
    none_given = pl.col("result_uncertainties").str.contains(r"^(NULL,?)*$")
    return found.select(
        *(("{" + pl.col(name).fill_null("") + "}").alias(name) for name in ARRAYS),
        pl.when(pl.col("result_qualifiers").str.contains("[<>]")).then("result_qualifiers").alias("result_qualifiers"),
        pl.when(~none_given).then("{" + pl.col("result_uncertainties") + "}").alias("result_uncertainties"),
        pl.when(pl.col("result_flags") != "").then("{" + pl.col("result_flags") + "}").alias("result_flags"),
    )


def _index(at: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """For each of so many places which of the rows is there, -1 for none."""
    found = np.full(size, -1, dtype=np.int64)
    found[at] = np.arange(len(at))
    return found


def _quoted(reported: pl.Series) -> pl.Series:
    """Elements of an array literal."""
    special = reported.str.contains(_NEEDS_QUOTES)
    if not special.any():
        return reported
    return reported.zip_with(~special, '"' + reported.str.replace_all(r'(["\\])', r"\$1") + '"')


def _flag_entries(flags: pl.Series, place: NDArray[np.int64]) -> pl.Series:
    """Entries of the object of flags, null where a value has none."""
    entry = pl.format('"{}":["{}"]', "place", pl.col("flags").list.join('","'))
    frame = pl.DataFrame({"flags": flags, "place": place})
    return frame.select(pl.when(pl.col("flags").list.len() > 0).then(entry)).to_series()
