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
COLUMNS = (
    "procedures",
    "result_values",
    "result_texts",
    "result_qualifiers",
    "result_uncertainties",
    "result_flags",
)
_LAYERS_AT_ONCE = 50_000
_NEEDS_QUOTES = r"[^0-9A-Za-z.+<>=-]|^(?i:null)$|^$"
_EMPTY = "{}"
_MOST = 2**63


def describe(connection: Connection, upload: UUID, results: pl.DataFrame) -> pl.Series:
    """Store how the results of an upload were obtained; returns the number of the procedure of each result."""
    if results.is_empty():
        return pl.Series("procedure", [], dtype=pl.Int32)
    words = results.select(DESCRIPTION)
    codes = words.select(pl.col(name).cast(pl.Categorical).to_physical().alias(name) for name in DESCRIPTION)
    key = np.zeros(len(words), dtype=np.uint64)
    for name in DESCRIPTION:
        size = int(codes[name].fill_null(0).to_numpy().max()) + 2
        if int(key.max()) > _MOST // size:
            key = np.unique(key, return_inverse=True)[1].astype(np.uint64)
        key = key * np.uint64(size) + codes[name].fill_null(size - 1).to_numpy().astype(np.uint64)
    kinds = pl.DataFrame({"key": key}).with_row_index("first").unique("key", keep="first", maintain_order=True)
    described = words[kinds["first"]]
    ids = [
        row.id
        for row in connection.execute(
            text("SELECT nextval('core.procedure_id_seq') AS id FROM generate_series(1, :n)"), {"n": len(described)}
        )
    ]
    kinds = kinds.with_columns(pl.Series("id", ids, dtype=pl.Int32))
    bulk.copy_in(
        connection,
        procedure,
        described.select(pl.all().cast(pl.String))
        .rename({"column": "source_column"})
        .with_columns(kinds["id"], pl.lit(str(upload)).alias("upload_id")),
    )
    return pl.DataFrame({"key": key}).join(kinds, on="key", how="left", maintain_order="left")["id"].alias("procedure")


def by_layer(results: pl.DataFrame, n_layers: int) -> Iterator[tuple[slice, pl.DataFrame]]:
    """Arrays of the values of each layer as COPY reads them, some layers at a time.

    results : layer (place of the layer, from 0), procedure, value, reported_value, qualifier, uncertainty, flags.
    Yields which layers, and COLUMNS for them.
    """
    runs = _runs(results["layer"].to_numpy())
    special = {
        "result_qualifiers": bool((results["qualifier"] != "=").any()),
        "result_uncertainties": results["uncertainty"].null_count() < len(results),
        "result_flags": bool((results["flags"].list.len() > 0).any()),
    }
    layer = results["layer"].to_numpy()
    for first in range(0, n_layers, _LAYERS_AT_ONCE):
        last = min(first + _LAYERS_AT_ONCE, n_layers)
        cuts = [(begin + np.searchsorted(layer[begin:end], (first, last))).tolist() for begin, end in runs]
        part = pl.concat([results[begin:end] for begin, end in cuts], rechunk=False)
        yield slice(first, last), _arrays(part, first, last, special)


def _runs(layer: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches in which the layers ascend: the values of one column of a file are one."""
    edges = np.flatnonzero(np.diff(layer) < 0) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(layer)], strict=True))


def _arrays(part: pl.DataFrame, first: int, last: int, special: dict[str, bool]) -> pl.DataFrame:
    everyone = pl.DataFrame({"layer": pl.int_range(first, last, dtype=pl.Int64, eager=True)})
    if part.is_empty():
        empty = [pl.lit(_EMPTY).alias(name) for name in COLUMNS[:3]]
        return everyone.select(*empty, *(pl.lit(None, pl.String).alias(name) for name in COLUMNS[3:]))
    reported = pl.col("reported_value")
    if part["reported_value"].str.contains(_NEEDS_QUOTES).any():
        escaped = '"' + reported.str.replace_all(r'([\\"])', r"\$1") + '"'
        reported = pl.when(reported.str.contains(_NEEDS_QUOTES)).then(escaped).otherwise(reported)
    wanted = [
        pl.col("procedure").cast(pl.String).str.join(",").alias("procedures"),
        pl.col("value").cast(pl.String).str.join(",").alias("result_values"),
        reported.str.join(",").alias("result_texts"),
    ]
    if special["result_qualifiers"]:
        wanted.append(pl.col("qualifier").cast(pl.String).str.join("").alias("result_qualifiers"))
    if special["result_uncertainties"]:
        wanted.append(
            pl.when(pl.col("uncertainty").is_not_null().any())
            .then(pl.col("uncertainty").cast(pl.String).fill_null("NULL").str.join(","))
            .alias("result_uncertainties")
        )
    if special["result_flags"]:
        place = pl.int_range(1, pl.len() + 1).cast(pl.String)
        flagged = pl.col("flags").list.len() > 0
        codes = '"' + place + '":["' + pl.col("flags").list.join('","') + '"]'
        wanted.append(codes.filter(flagged).str.join(",").alias("result_flags"))
    found = part.sort("layer", maintain_order=True).group_by("layer", maintain_order=True).agg(wanted)
    joined = everyone.join(found, on="layer", how="left", maintain_order="left")

    def array(name: str) -> pl.Expr:
        return ("{" + pl.col(name) + "}").alias(name)

    missing = [pl.lit(None, pl.String).alias(name) for name in COLUMNS[3:] if name not in joined.columns]
    joined = joined.with_columns(missing)
    plain = pl.col("result_qualifiers").str.contains("[<>]")
    return joined.select(
        *(array(name).fill_null(_EMPTY) for name in COLUMNS[:3]),
        pl.when(plain).then("result_qualifiers").alias("result_qualifiers"),
        array("result_uncertainties"),
        pl.when(pl.col("result_flags") != "").then("{" + pl.col("result_flags") + "}").alias("result_flags"),
    )
