"""Checks of values: ranges, sums, and columns that look filled in or in another unit."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks.finding import FEWEST_FOR_A_PATTERN, carbon, each_of, exact
from app.ingest.draft import Draft, Finding
from app.soil.properties import PROPERTIES

TEXTURE_SUM = (99.0, 101.0)

TEXTURE_SUM_POSSIBLE = (95.0, 105.0)

_UNITS = {code: "" if entry.unit == "1" else entry.unit for code, entry in PROPERTIES.items()}


def value_impossible(draft: Draft) -> list[Finding]:
    """Values outside what can be true."""
    return [_outside("VALUE_IMPOSSIBLE", draft, {code: entry.possible for code, entry in PROPERTIES.items()})]


def value_unusual(draft: Draft) -> list[Finding]:
    """Values that are rare in mineral soil."""
    usual = {code: entry.usual for code, entry in PROPERTIES.items() if entry.usual}
    mineral = (draft.frames["layers"]["kind"] == "mineral").fill_null(value=False).to_numpy()
    of_mineral_soil = mineral[draft.frames["results"]["layer"].to_numpy()]
    return [_outside("VALUE_UNUSUAL", draft, usual, draft.alive("results") & of_mineral_soil)]


def _outside(
    code: str, draft: Draft, ranges: Mapping[str, tuple[float, float]], among: NDArray[np.bool_] | None = None
) -> Finding:
    """Results outside the closed range of their property; those without a value or a range are passed over."""
    results = draft.frames["results"]
    number = results["property"].to_physical().fill_null(len(PROPERTIES)).to_numpy()
    lower = np.array([*(ranges.get(name, (-np.inf, np.inf))[0] for name in PROPERTIES), -np.inf])
    upper = np.array([*(ranges.get(name, (-np.inf, np.inf))[1] for name in PROPERTIES), np.inf])
    value = results["value"].to_numpy()
    off = (value < lower[number]) | (value > upper[number])
    rows = np.flatnonzero(off if among is None else off & among)
    where = pl.DataFrame(
        {"i": rows, "canonical": value[rows], "lower": lower[number[rows]], "upper": upper[number[rows]]}
    ).with_columns(
        results["property"].gather(rows).cast(pl.String).replace_strict(_UNITS, return_dtype=pl.String).alias("unit")
    )
    return Finding(code=code, on="results", where=where)


def texture_sum(draft: Draft) -> list[Finding]:
    """Sand, silt and clay are all of the mineral fine earth."""
    parts = [part for code in ("sand", "silt", "clay") if (part := exact(draft, code)) is not None]
    if len(parts) < 3:
        return []
    # Rounded, so that three tenths add up in binary too.
    total = np.round(parts[0].value + parts[1].value + parts[2].value, 6)
    whole = ~np.isnan(total)
    possible = (total >= TEXTURE_SUM_POSSIBLE[0]) & (total <= TEXTURE_SUM_POSSIBLE[1])
    usual = (total >= TEXTURE_SUM[0]) & (total <= TEXTURE_SUM[1])
    return [
        each_of("TEXTURE_SUM_WRONG", whole & ~possible, parts, total=total),
        each_of("TEXTURE_SUM_OFF", possible & ~usual, parts, total=total),
    ]


def values_identical(draft: Draft) -> list[Finding]:
    """Ten or more values and all the same: a default, perhaps."""
    results = draft.frame("results", "column", "value").filter("alive")
    same = (
        results.group_by("column", maintain_order=True)
        .agg(
            pl.col("i").first(),
            pl.len().alias("count"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
        .filter((pl.col("low") == pl.col("high")) & (pl.col("count") >= FEWEST_FOR_A_PATTERN))
    )
    return [Finding(code="VALUES_IDENTICAL", on="results", where=same.select("i", "count"))]


def values_all_tens(draft: Draft) -> list[Finding]:
    """Ten or more values, not all the same, and all multiples of 10 as they were given."""
    results = draft.frame("results", "column", "value", "reported_value").filter("alive")
    findings = []
    for column in results.partition_by("column", maintain_order=True) if results.height else []:
        if column.height < FEWEST_FOR_A_PATTERN or not _tens(column["reported_value"].head(64)).all():
            continue
        if not _tens(column["reported_value"]).all():
            continue
        numbers = pl.col("reported_value").str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        low, high, highest = column.select(
            pl.col("value").min().alias("low"), pl.col("value").max().alias("high"), numbers.max().alias("given")
        ).row(0)
        # The digits of mg/kg and kg/m3 are finer than the analysis: tens are no sign there.
        if low < high and high >= 0.01 * highest:
            first = column.head(1).select("i", pl.lit(column.height).alias("count"))
            findings.append(Finding(code="VALUES_ALL_TENS", on="results", where=first))
    return findings


def _tens(text: pl.Series) -> pl.Series:
    return text.str.contains(r"^[+-]?(\d*0|\d+[.,]0+)$") & text.str.contains(r"^[+-]?\d*0([.,]0+)?$")


def unit_suspect(draft: Draft) -> list[Finding]:
    """Carbon in g/kg whose values look like per cent or like fractions. Nothing is changed: a person must look."""
    soc = carbon(draft, "value", "reported_unit").filter("alive", pl.col("reported_unit") == "g/kg")
    if soc.height < FEWEST_FOR_A_PATTERN:
        return []
    highest, median = soc.select(pl.col("value").max(), pl.col("value").median().alias("median")).row(0)
    if highest <= 1:
        detail = f"All values lie in 0 to {highest:g} g/kg: probably kg/kg, or % typed as a fraction."
    elif highest < 12 and median < 2.5:
        detail = f"The highest value is {highest:g} g/kg and the median {median:g} g/kg: probably %."
    else:
        return []
    return [Finding(code="UNIT_SUSPECT", on="results", where=soc.head(1).select("i", pl.lit(detail).alias("detail")))]
