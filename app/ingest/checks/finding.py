"""What checks share: how rows of a frame become a finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.draft import Draft, Finding, FrameName
from app.soil.properties import PROPERTIES

Check = Callable[[Draft], list[Finding]]

FEWEST_FOR_A_PATTERN = 10
"""Values below which a column says nothing about defaults or units."""
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
    row: NDArray[np.int64]
    """Their rows in the frame of results."""


def exact(draft: Draft, code: str) -> Exact | None:
    """What layers that stand have of a property, detection limits left out; None where no layer has any.

    Where two columns give one property, the first counts.
    """
    results = draft.frames["results"]
    rows = np.flatnonzero(
        (results["property"].to_physical() == PROPERTY_NUMBER[code]).fill_null(value=False).to_numpy()
    )
    layer = results["layer"].gather(rows).to_numpy()
    good = draft.marks["results"].alive[rows] & draft.marks["layers"].alive[layer]
    good &= (results["qualifier"].gather(rows) == "=").to_numpy()
    if not good.any():
        return None
    rows, layer = rows[good][::-1], layer[good][::-1]
    value = np.full(draft.frames["layers"].height, np.nan)
    row = np.full(len(value), -1, dtype=np.int64)
    value[layer] = results["value"].gather(rows).to_numpy()
    row[layer] = rows
    return Exact(value, row)


def each_of(code: str, layers: NDArray[np.bool_], parts: Sequence[Exact], **details: NDArray[Any] | str) -> Finding:
    """A finding about each of several results of the same layers; details are as long as the layers, or one word."""
    at = np.flatnonzero(layers)
    columns = {name: item if isinstance(item, str) else item[at] for name, item in details.items()}
    frames = [
        pl.DataFrame({"i": part.row[at]}).with_columns(
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
    """Results of organic carbon, some columns of them."""
    return draft.frame("results", "property", *columns).lazy().filter(pl.col("property") == "soc").collect()
