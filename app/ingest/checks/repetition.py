"""Checks of repetition: profiles of one file that are the same under two names, or contradict each other."""

import numpy as np
import polars as pl

from app.ingest.checks.finding import each_of, exact
from app.ingest.draft import Draft, Finding

FEWEST_SHARED_VALUES = 3
"""Values that two profiles must share to be called the same: fewer agree by chance."""


def profile_repeated(draft: Draft) -> list[Finding]:
    """Profiles with the same position, date, depths and values: all of them are named."""
    soc = exact(draft, "soc")
    if soc is None:
        return []
    visits = _visits(draft)
    layers = draft.frames["layers"]
    # A cheap mark of each profile first; what it brings together is compared value by value.
    parts = layers.select("visit", "top_cm", "bottom_cm", value=pl.Series(soc.value)).filter(
        pl.col("visit").is_not_null(), pl.col("value").is_not_nan()
    )
    marks = (
        parts.select("visit", mark=pl.col("value") * (pl.col("top_cm") * 31 + pl.col("bottom_cm") + 7))
        .group_by("visit")
        .agg(pl.len().alias("layers"), pl.col("mark").sum().round(6))
    )
    place = ["longitude", "latitude", "sampled_from", "layers", "mark"]
    suspects = visits.join(marks, on="visit").filter(pl.len().over(place) > 1)
    if not suspects.height:
        return []
    alike = _alike(draft, suspects)
    at = layers.with_row_index("i").join(alike, on="visit", how="inner").sort("i")
    return [Finding(code="PROFILE_REPEATED", on="layers", where=at.select(pl.col("i").cast(pl.Int64), "times"))]


def _alike(draft: Draft, suspects: pl.DataFrame) -> pl.DataFrame:
    """Of profiles at one position and date, those that share all values: visit, times."""
    layer = draft.frames["layers"].with_row_index("layer").join(suspects.select("visit"), on="visit", how="semi")
    alive = pl.Series(draft.alive("results"))
    results = draft.frames["results"]
    near = results["layer"].is_in(layer["layer"].cast(pl.UInt32).implode()) & alive
    # Zeros and defaults agree without being the same.
    told = (pl.col("value") != 0) & ~pl.col("status").cast(pl.String).is_in(["assumed", "estimated"])
    values = (
        results.filter(near)
        .filter(told)
        .select(pl.col("layer").cast(pl.UInt32), pl.col("property").cast(pl.String), "value", "qualifier")
        .join(layer.select(pl.col("layer").cast(pl.UInt32), "visit", "top_cm", "bottom_cm"), on="layer")
        .sort("visit", "top_cm", "bottom_cm", "property", "value")
        .group_by("visit")
        .agg(
            pl.len().alias("values"),
            pl.concat_str("top_cm", "bottom_cm", "property", "qualifier", "value", separator=" ")
            .str.join("|")
            .alias("all"),
        )
    )
    same = ["longitude", "latitude", "sampled_from", "all"]
    return (
        suspects.join(values, on="visit")
        .with_columns(times=pl.len().over(same))
        .filter(pl.col("times") > 1, pl.col("values") >= FEWEST_SHARED_VALUES)
        .select("visit", "times")
    )


def profile_contradicted(draft: Draft) -> list[Finding]:
    """Profiles of one site and day, none a replicate, with other carbon at the same depths."""
    soc = exact(draft, "soc")
    if soc is None:
        return []
    visits = _visits(draft).filter(pl.col("date_precision") == "day", pl.col("replicate").is_null())
    several = visits.filter(pl.len().over("site", "sampled_from") > 1).select("visit", "site", "sampled_from")
    if not several.height:
        return []
    layers = draft.frames["layers"].select("visit", "top_cm", "bottom_cm", value=pl.Series(soc.value))
    place = ["site", "sampled_from", "top_cm", "bottom_cm"]
    differing = (
        layers.with_row_index("layer")
        .filter(pl.col("value").is_not_nan())
        .join(several, on="visit")
        .with_columns(low=pl.col("value").min().over(place), high=pl.col("value").max().over(place))
        .filter(pl.col("low") < pl.col("high"))
        .with_columns(other=pl.when(pl.col("value") == pl.col("low")).then("high").otherwise("low"))
    )
    off = np.zeros(layers.height, dtype=np.bool_)
    other = np.full(layers.height, np.nan)
    at = differing["layer"].to_numpy()
    off[at] = True
    other[at] = differing["other"].to_numpy()
    return [each_of("PROFILE_CONTRADICTED", off, (soc,), other=other)]


def _visits(draft: Draft) -> pl.DataFrame:
    """Profiles with what tells them apart, and the position of their site."""
    sites = draft.frames["sites"]
    visits = draft.frames["visits"].select("site", "sampled_from", "date_precision", "replicate")
    site = visits["site"].fill_null(0)
    return visits.with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("visit"),
        sites["longitude"].gather(site).alias("longitude"),
        sites["latitude"].gather(site).alias("latitude"),
    )
