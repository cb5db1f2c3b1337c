"""What checks share: how rows of a frame become a finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.draft import Draft, Finding, FrameName
from app.soil.properties import PROPERTIES

Check = Callable[[Draft], list[Finding]]

FEWEST_FOR_A_PATTERN = 10
"""Values below which a column says nothing about defaults or units."""
FEW_RUNS = 10_000
PROPERTY_NUMBER = {code: number for number, code in enumerate(PROPERTIES)}
"""How the frame of results counts properties."""


def rows_where(code: str, on: FrameName, frame: pl.DataFrame, condition: pl.Expr, **details: pl.Expr) -> Finding:
    """Rows of a frame that meet a condition, with the details that the rule's message names."""
    # Lazily, so that only the columns that are spoken of are copied.
    where = frame.lazy().filter(condition).select("i", **details).collect()
    return Finding(code=code, on=on, where=where)


def about_site(code: str, sites: pl.DataFrame, condition: pl.Expr) -> Finding:
    """Sites that meet a condition, with their key and position."""
    return rows_where(
        code,
        "sites",
        sites,
        condition,
        site_key=pl.col("site_key"),
        longitude=pl.col("longitude"),
        latitude=pl.col("latitude"),
    )


def standing(draft: Draft) -> pl.DataFrame:
    """Layers that nothing has stopped and that have a profile and both depths."""
    return draft.frame("layers", "visit", "top_cm", "bottom_cm").filter(
        "alive", pl.col("visit").is_not_null(), pl.col("top_cm").is_not_null(), pl.col("bottom_cm").is_not_null()
    )


@dataclass(frozen=True, slots=True)
class Exact:
    """The exact values of one property, one place for each layer: NaN and -1 where a layer has none."""

    value: NDArray[np.float64]
    row: NDArray[np.int32]
    """Their rows in the frame of results."""


def rows_of(draft: Draft, column: str) -> dict[int, NDArray[np.int32]]:
    """Rows of the frame of results for each property, or each column of the file, by its number in the frame.

    Kept for the checks that follow: the frame stays as it is while values are checked.
    """
    results = draft.frames["results"]
    kept = draft.memo.get(f"rows of {column}")
    if kept is None or kept[0] != results.height:
        numbers = results[column].to_physical()
        # Nulls get a number of their own, which nobody asks for.
        above = int(numbers.drop_nulls().to_numpy().max(initial=0)) + 1
        codes = numbers.fill_null(above).to_numpy() if numbers.null_count() else numbers.to_numpy()
        kept = (results.height, _rows_by_code(codes))
        draft.memo[f"rows of {column}"] = kept
    rows: dict[int, NDArray[np.int32]] = kept[1]
    return rows


def _rows_by_code(codes: NDArray[Any]) -> dict[int, NDArray[np.int32]]:
    """Places of each number. In a file the values of a column follow each other: a few runs instead of a search each."""
    if not len(codes):
        return {}
    begins = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [len(codes)]))
    if len(begins) > FEW_RUNS:
        return {int(code): np.flatnonzero(codes == code).astype(np.int32) for code in np.unique(codes)}
    runs: dict[int, list[NDArray[np.int32]]] = {}
    for begin, end in pairwise(begins.tolist()):
        runs.setdefault(int(codes[begin]), []).append(np.arange(begin, end, dtype=np.int32))
    return {code: parts[0] if len(parts) == 1 else np.concatenate(parts) for code, parts in runs.items()}


def take(series: pl.Series, rows: NDArray[np.int32]) -> pl.Series:
    """Some rows of a column in ascending order, without a copy where they follow each other."""
    if len(rows) and int(rows[-1]) - int(rows[0]) + 1 == len(rows):
        return series.slice(int(rows[0]), len(rows))
    return series.gather(rows)


def exact(draft: Draft, code: str) -> Exact | None:
    """What layers that stand have of a property, detection limits left out; None where no layer has any.

    Where two columns give one property, the first counts.
    """
    rows = rows_of(draft, "property").get(PROPERTY_NUMBER[code])
    if rows is None:
        return None
    stops = (draft.marks["results"].stopped, draft.marks["layers"].stopped)
    kept = draft.memo.get(f"exact {code}")
    if kept is not None and kept[0] == stops:
        found: Exact | None = kept[1]
        return found
    results = draft.frames["results"]
    layer = take(results["layer"], rows).to_numpy()
    good = draft.marks["results"].alive_at(rows) & draft.marks["layers"].alive_at(layer)
    good &= (take(results["qualifier"], rows) == "=").to_numpy()
    if not good.all():
        rows, layer = rows[good], layer[good]
    found = None
    if len(rows):
        value = np.full(draft.frames["layers"].height, np.nan)
        row = np.full(len(value), -1, dtype=np.int32)
        value[layer[::-1]] = take(results["value"], rows).to_numpy()[::-1]
        row[layer[::-1]] = rows[::-1]
        found = Exact(value, row)
    if code == "soc":
        # Half of the checks ask for it; to keep the others would hold every value twice.
        draft.memo[f"exact {code}"] = (stops, found)
    return found


def each_of(code: str, layers: NDArray[np.bool_], parts: Sequence[Exact], **details: NDArray[Any] | str) -> Finding:
    """A finding about each of several results of the same layers; details are as long as the layers, or one word."""
    at = np.flatnonzero(layers)
    columns = {name: item if isinstance(item, str) else item[at] for name, item in details.items()}
    frames = [
        pl.DataFrame({"i": part.row[at].astype(np.int64)}).with_columns(
            pl.lit(item).alias(name) if isinstance(item, str) else pl.Series(name, item)
            for name, item in columns.items()
        )
        for part in parts
    ]
    return Finding(code=code, on="results", where=pl.concat(frames))


def of_kind(draft: Draft, kind: str) -> NDArray[np.bool_]:
    """Which layers are mineral, or organic."""
    return (draft.frames["layers"]["kind"] == kind).fill_null(value=False).to_numpy()


def carbon(draft: Draft, *columns: str) -> pl.DataFrame:
    """Results of organic carbon, some columns of them, with `i` and `alive` as in `Draft.frame`."""
    rows = rows_of(draft, "property").get(PROPERTY_NUMBER["soc"], np.empty(0, dtype=np.int32))
    found = pl.DataFrame([take(draft.frames["results"][name], rows) for name in ("layer", *columns)])
    alive = draft.marks["results"].alive_at(rows) & draft.marks["layers"].alive_at(found["layer"].to_numpy())
    return found.with_columns(pl.Series("i", rows, dtype=pl.Int64), pl.Series("alive", alive))
