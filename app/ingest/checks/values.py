"""Checks of values: ranges, sums, and columns that look filled in or in another unit."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks.finding import (
    FEWEST_FOR_A_PATTERN,
    PROPERTY_NUMBER,
    carbon,
    each_of,
    exact,
    of_kind,
    rows_of,
    take,
)
from app.ingest.draft import Draft, Finding
from app.soil.properties import PROPERTIES

TEXTURE_SUM = (99.0, 101.0)

TEXTURE_SUM_POSSIBLE = (95.0, 105.0)

SAMPLE = 64
"""First values of a column that tell whether the others need a look."""

_UNITS = {code: "" if entry.unit == "1" else entry.unit for code, entry in PROPERTIES.items()}


def value_impossible(draft: Draft) -> list[Finding]:
    """Values outside what can be true."""
    return [_outside("VALUE_IMPOSSIBLE", draft, {code: entry.possible for code, entry in PROPERTIES.items()})]


def value_unusual(draft: Draft) -> list[Finding]:
    """Values that are rare in mineral soil."""
    usual = {code: entry.usual for code, entry in PROPERTIES.items() if entry.usual}
    return [_outside("VALUE_UNUSUAL", draft, usual, of_kind(draft, "mineral"))]


def _outside(
    code: str, draft: Draft, ranges: Mapping[str, tuple[float, float]], mineral: NDArray[np.bool_] | None = None
) -> Finding:
    """Results outside the closed range of their property; those without a value or a range are passed over.

    mineral : which layers are; where it is given, only those that stand of mineral layers are asked.
    """
    results = draft.frames["results"]
    parts = []
    for name, (lower, upper) in ranges.items():
        rows = rows_of(draft, "property").get(PROPERTY_NUMBER[name])
        if rows is None:
            continue
        value = take(results["value"], rows).to_numpy()
        off = (value < lower) | (value > upper)
        rows, value = rows[off], value[off]
        if mineral is not None and len(rows):
            layer = results["layer"].gather(rows).to_numpy()
            kept = mineral[layer] & draft.marks["results"].alive_at(rows) & draft.marks["layers"].alive_at(layer)
            rows, value = rows[kept], value[kept]
        parts.append(
            pl.DataFrame({"i": rows.astype(np.int64), "canonical": value}).with_columns(
                lower=pl.lit(float(lower)), upper=pl.lit(float(upper)), unit=pl.lit(_UNITS[name])
            )
        )
    nothing = {"i": pl.Int64, "canonical": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "unit": pl.String}
    where = pl.concat(parts).sort("i") if parts else pl.DataFrame(schema=nothing)
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
    value = draft.frames["results"]["value"]
    found = []
    for rows in _columns(draft):
        first = value.gather(rows[:SAMPLE]).to_numpy()
        if (first == first[0]).all() and (take(value, rows).to_numpy() == first[0]).all():
            found.append((int(rows[0]), len(rows)))
    where = pl.DataFrame(found, schema={"i": pl.Int64, "count": pl.Int64}, orient="row")
    return [Finding(code="VALUES_IDENTICAL", on="results", where=where)]


def values_all_tens(draft: Draft) -> list[Finding]:
    """Ten or more values, not all the same, and all multiples of 10 as they were given."""
    results = draft.frames["results"]
    found = []
    for rows in _columns(draft):
        if not _tens(results["reported_value"].gather(rows[:SAMPLE])).all():
            continue
        text, value = take(results["reported_value"], rows), take(results["value"], rows).to_numpy()
        if not _tens(text).all() or value.min() == value.max():
            continue
        given = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).to_numpy()
        # The digits of mg/kg and kg/m3 are finer than the analysis: tens are no sign there.
        if value.max() >= 0.01 * np.nanmax(given):
            found.append((int(rows[0]), len(rows)))
    where = pl.DataFrame(found, schema={"i": pl.Int64, "count": pl.Int64}, orient="row")
    return [Finding(code="VALUES_ALL_TENS", on="results", where=where)]


def _columns(draft: Draft) -> list[NDArray[np.int32]]:
    """Rows that stand of each column of the file with enough of them to show a pattern."""
    layer = draft.frames["results"]["layer"]
    found = []
    for rows in rows_of(draft, "column").values():
        alive = draft.marks["results"].alive_at(rows) & draft.marks["layers"].alive_at(take(layer, rows).to_numpy())
        kept = rows if alive.all() else rows[alive]
        if len(kept) >= FEWEST_FOR_A_PATTERN:
            found.append(kept)
    return sorted(found, key=lambda rows: int(rows[0]))


def _tens(text: pl.Series) -> pl.Series:
    return text.str.contains(r"^[+-]?(\d*0|\d+[.,]0+)$") & text.str.contains(r"^[+-]?\d*0([.,]0+)?$")


def unit_suspect(draft: Draft) -> list[Finding]:
    """Carbon in g/kg whose values look like per cent or like fractions. Nothing is changed: a person must look."""
    soc = carbon(draft, "value", "reported_unit")
    given = soc["value"].to_numpy()[(soc["alive"] & (soc["reported_unit"] == "g/kg")).fill_null(value=False).to_numpy()]
    given = given[~np.isnan(given)]
    if len(given) < FEWEST_FOR_A_PATTERN:
        return []
    highest, median = float(given.max()), float(np.median(given))
    if highest <= 1:
        detail = f"All values lie in 0 to {highest:g} g/kg: probably kg/kg, or % typed as a fraction."
    elif highest < 12 and median < 2.5:
        detail = f"The highest value is {highest:g} g/kg and the median {median:g} g/kg: probably %."
    else:
        return []
    return [
        Finding(
            code="UNIT_SUSPECT",
            on="results",
            where=soc.filter("alive").head(1).select("i", pl.lit(detail).alias("detail")),
        )
    ]
