"""What checks share: how rows of a frame become a finding."""

from collections.abc import Callable

import polars as pl

from app.ingest.draft import Draft, Finding, FrameName

Check = Callable[[Draft], list[Finding]]

FEWEST_FOR_A_PATTERN = 10
"""Values below which a column says nothing about defaults or units."""


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


def side_by_side(draft: Draft, *codes: str) -> pl.DataFrame:
    """One row for each layer that has an exact value of all properties: layer, the values, and their rows as i_<code>.

    Where two columns give one property, the first counts.
    """
    results = draft.frame("results", "layer", "property", "value", "qualifier").lazy()
    exact = results.filter(pl.col("property").is_in(list(codes)), pl.col("qualifier") == "=", "alive").collect()
    joined: pl.DataFrame | None = None
    for code in codes:
        part = exact.filter(pl.col("property") == code).select(
            "layer", pl.col("value").alias(code), pl.col("i").alias(f"i_{code}")
        )
        if part["layer"].is_duplicated().any():
            part = part.unique("layer", keep="first", maintain_order=True)
        joined = part if joined is None else joined.join(part, on="layer", how="inner", maintain_order="left")
    return joined if joined is not None else pl.DataFrame()


def each_of(code: str, frame: pl.DataFrame, properties: tuple[str, ...], details: tuple[str, ...]) -> Finding:
    """A finding about each of several results of the same layer."""
    where = pl.concat([frame.select(pl.col(f"i_{name}").alias("i"), *details) for name in properties])
    return Finding(code=code, on="results", where=where)


def carbon(draft: Draft, *columns: str) -> pl.DataFrame:
    """Results of organic carbon, some columns of them."""
    return draft.frame("results", "property", *columns).lazy().filter(pl.col("property") == "soc").collect()
