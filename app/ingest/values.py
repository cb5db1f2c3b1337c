"""Value columns become results: one row for each cell that is not empty, in the canonical unit of its property."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from app.ingest.draft import Finding
from app.ingest.fields import resolve
from app.ingest.mapping import Value
from app.ingest.numbers import Decimal, Numbers, parse_numbers
from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, factor

PROPERTY = pl.Enum(list(PROPERTIES))
_WORDS = pl.Categorical()

RESULTS_SCHEMA: dict[str, pl.DataType] = {
    "layer": pl.UInt32(),
    "column": _WORDS,
    "property": PROPERTY,
    "value": pl.Float64(),
    "qualifier": pl.Enum(["=", "<", ">"]),
    "uncertainty": pl.Float64(),
    "reported_value": pl.String(),
    "reported_unit": _WORDS,
    "method": _WORDS,
    "laboratory": _WORDS,
    "status": pl.Enum(["measured", "estimated", "assumed", "unknown"]),
}
"""Words that repeat in millions of rows are kept once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Results of one value column, and what was found in its cells.

    results : RESULTS_SCHEMA; `value` is null where a finding refuses the cell
    findings : their `i` counts rows of `results`, not of the table
    numbers : the column as it was read, as long as the table
    """

    results: pl.DataFrame
    findings: tuple[Finding, ...]
    numbers: Numbers


def read_values(value: Value, frame: pl.DataFrame, decimal: Decimal) -> Cells:
    """Read one value column of a table of text. A unit that is not known refuses its cells and nothing else."""
    numbers = parse_numbers(frame[value.column], decimal=decimal)
    rows = (~numbers.missing).arg_true()
    read = frame.select(name for name in _columns(value) if name in frame.columns)
    part = read[rows] if len(rows) < frame.height else read
    codes, strange = resolve(value.property, part)
    status, _ = resolve(value.status, part)
    columns = {
        "layer": rows,
        "column": pl.Series([value.column], dtype=pl.String).new_from_index(0, len(rows)),
        "property": codes,
        "value": numbers.value.gather(rows),
        "qualifier": numbers.qualifier.gather(rows),
        "uncertainty": _uncertainty(value, part, decimal),
        "reported_value": part[value.column],
        "reported_unit": resolve(value.unit, part)[0],
        "method": resolve(value.method, part)[0],
        "laboratory": resolve(value.laboratory, part)[0],
        "status": status.fill_null("unknown"),
    }
    results = pl.DataFrame([column.cast(RESULTS_SCHEMA[name]).alias(name) for name, column in columns.items()])
    found = [_unread(numbers.refused.gather(rows)), _unknown_words(value, strange, codes)]
    results, unit_findings = _to_canonical(value, results)
    if "complement" in value.transforms:
        results = results.with_columns(value=1 - pl.col("value"))
    if value.assumed_when is not None:
        same = pl.col("reported_value") == value.assumed_when
        found.append([Finding(code="STATUS_ASSUMED", on="results", where=_where(results, same))])
        assumed = pl.lit("assumed", RESULTS_SCHEMA["status"])
        results = results.with_columns(status=pl.when(same).then(assumed).otherwise("status"))
    if (numbers.qualifier != "=").any():
        censored = pl.col("qualifier") != "="
        found.append([Finding(code="VALUE_CENSORED", on="results", where=_where(results, censored))])
    return Cells(
        results=results,
        findings=tuple(item for group in (*found, unit_findings) for item in group if item.where.height),
        numbers=numbers,
    )


def _columns(value: Value) -> tuple[str, ...]:
    """Columns of the table that the results of one value column come from."""
    fields = (value.property, value.unit, value.method, value.laboratory, value.status)
    names = [name for field in fields for source in field for name in source.columns]
    return tuple(dict.fromkeys([value.column, *names, *([value.uncertainty] if value.uncertainty else [])]))


def _where(frame: pl.DataFrame, condition: pl.Expr, *columns: str | pl.Expr) -> pl.DataFrame:
    return (
        frame.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), *columns, condition.alias("here"))
        .filter("here")
        .drop("here")
    )


def _unread(refused: pl.Series) -> list[Finding]:
    frame = pl.DataFrame({"refused": refused})
    return [
        Finding(code=code, on="results", where=_where(frame, pl.col("refused") == code))
        for code in refused.unique().drop_nulls().sort()
    ]


def _unknown_words(value: Value, strange: pl.Series, codes: pl.Series) -> list[Finding]:
    source = value.property[0]
    frame = pl.DataFrame({"word": strange.fill_null(""), "code": codes})
    allowed = ", ".join(source.words)
    where = _where(frame, pl.col("code").is_null(), "word").with_columns(
        word_column=pl.lit(source.column), allowed=pl.lit(allowed)
    )
    return [Finding(code="WORD_UNKNOWN", on="results", where=where)]


def _uncertainty(value: Value, part: pl.DataFrame, decimal: Decimal) -> pl.Series:
    if value.uncertainty is None or value.uncertainty not in part.columns:
        return pl.Series([None], dtype=pl.Float64).new_from_index(0, part.height)
    found = parse_numbers(part[value.uncertainty], decimal=decimal).value
    return found.set((found <= 0).fill_null(value=False), None)


def _to_canonical(value: Value, results: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Values multiplied to the canonical unit, pair by pair of property and unit."""
    if not results.height:
        return results, []
    pairs = results.select("property", "reported_unit").unique(maintain_order=True)
    factors: list[tuple[float, str | None]] = []
    for code, unit in pairs.iter_rows():
        if code is None or unit is None:
            factors.append((np.nan, None))
            continue
        try:
            factors.append((factor(code, unit), None))
        except UnknownUnit as error:
            factors.append((np.nan, str(error)))
    pairs = pairs.with_columns(
        pl.Series("factor", [item[0] for item in factors], dtype=pl.Float64).fill_nan(None),
        pl.Series("detail", [item[1] for item in factors], dtype=pl.String),
    )
    if pairs.height == 1:
        joined = results.with_columns(factor=pl.lit(pairs["factor"][0], pl.Float64), detail=pl.lit(pairs["detail"][0]))
    else:
        joined = results.join(
            pairs, on=["property", "reported_unit"], how="left", nulls_equal=True, maintain_order="left"
        )
    unit_column = next((source.column for source in value.unit if source.column), None) or "its column"
    missing = _where(joined, pl.col("reported_unit").is_null()).with_columns(unit_column=pl.lit(unit_column))
    unknown = _where(joined, pl.col("detail").is_not_null(), "detail", pl.col("reported_unit").alias("value"))
    canonical = joined.with_columns(
        value=pl.col("value") * pl.col("factor"), uncertainty=pl.col("uncertainty") * pl.col("factor")
    ).drop("factor", "detail")
    return canonical, [
        Finding(code="UNIT_MISSING", on="results", where=missing),
        Finding(code="UNIT_UNKNOWN", on="results", where=unknown, column=unit_column),
    ]
