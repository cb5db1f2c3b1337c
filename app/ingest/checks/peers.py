"""The check of peers: organic carbon that is possible, and still far from all others of its place, depth and land use."""

import numpy as np
import polars as pl

from app.ingest.checks.finding import exact, of_kind
from app.ingest.draft import Draft, Finding

DEPTH_CLASSES = (10.0, 30.0, 60.0, 100.0)
"""Limits of the depth classes, by the middle of a layer. [cm]"""
FEWEST_PEERS = 10
ROBUST_Z = 5.0
LEAST_SPREAD = 0.1
"""Spread of the natural logarithm that even the most uniform peers are granted: 10 %."""
LEAST_CARBON = 0.1
"""Below this, the logarithm would see differences that no laboratory can. [g/kg]"""

_LETTERS = pl.Enum([chr(letter) for letter in range(ord("A"), ord("Z") + 1)])
"""FAO land use begins with a letter."""

PEER = {
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "middle_cm": pl.Float64,
    "land_use": pl.String,
    "soc": pl.Float64,
}
"""What is asked of a peer: position [degree], middle of the layer [cm], FAO land use, organic carbon [g/kg]."""


def peer_outlier(draft: Draft) -> list[Finding]:
    """Organic carbon with a robust z above 5 among its peers in the file."""
    mine = own_values(draft)
    if mine.height < FEWEST_PEERS:
        return []
    return [Finding(code="PEER_OUTLIER", on="results", where=outliers(mine))]


def own_values(draft: Draft) -> pl.DataFrame:
    """Organic carbon of mineral layers as peers: PEER, and `i`, the row of the result."""
    soc = exact(draft, "soc")
    if soc is None:
        return pl.DataFrame(schema={"i": pl.Int64, **PEER})
    layers, visits, sites = (draft.frames[name] for name in ("layers", "visits", "sites"))
    known = ~np.isnan(soc.value) & of_kind(draft, "mineral") & layers["visit"].is_not_null().to_numpy()
    at = pl.Series(np.flatnonzero(known).astype(np.uint32))
    visit = layers["visit"].gather(at)
    site = visits["site"].gather(visit)
    return pl.DataFrame(
        {
            "i": soc.row[known],
            "longitude": sites["longitude"].gather(site),
            "latitude": sites["latitude"].gather(site),
            "middle_cm": (layers["top_cm"].gather(at) + layers["bottom_cm"].gather(at)) / 2,
            "land_use": visits["land_use"].gather(visit),
            "soc": soc.value[known],
        }
    )


def outliers(mine: pl.DataFrame, others: pl.DataFrame | None = None) -> pl.DataFrame:
    """Which values are far from their peers: i, soc, peers, median and z.

    mine : PEER with `i`. others : PEER, values to compare with beside one's own; they are never named.
    """
    everything = (
        mine
        if others is None
        else pl.concat([mine, others.with_columns(pl.lit(None, pl.Int64).alias("i"))], how="diagonal")
    )
    classes = sum((pl.col("middle_cm") >= limit for limit in DEPTH_CLASSES), start=pl.lit(0, pl.Int64))
    letter = pl.col("land_use").cast(pl.String).str.head(1).str.to_uppercase()
    use = letter.cast(_LETTERS, strict=False).to_physical().fill_null(31).cast(pl.Int64)
    keyed = everything.lazy().select(
        "i",
        "soc",
        pl.col("soc").clip(LEAST_CARBON).log().alias("log"),
        (
            (
                (pl.col("longitude").floor().cast(pl.Int64) * 256 + pl.col("latitude").floor().cast(pl.Int64)) * 8
                + classes
            )
            * 32
            + use
        ).alias("place"),
    )
    group = ["place"]
    middles = keyed.group_by(group).agg(pl.len().alias("peers"), pl.col("log").median().alias("middle"))
    away = (
        keyed.join(middles.filter(pl.col("peers") > FEWEST_PEERS), on=group)
        .with_columns(away=(pl.col("log") - pl.col("middle")).abs())
        .collect()
    )
    # Even the most uniform peers are granted some spread: most groups need no second look.
    crowded = away.filter(pl.col("away") > ROBUST_Z * LEAST_SPREAD).select(group).unique()
    spread = (
        away.join(crowded, on=group, how="semi")
        .group_by(group)
        .agg((1.4826 * pl.col("away").median()).clip(LEAST_SPREAD).alias("spread"))
    )
    return (
        away.filter(pl.col("i").is_not_null(), pl.col("away") > ROBUST_Z * LEAST_SPREAD)
        .join(spread, on=group)
        .with_columns(z=(pl.col("away") / pl.col("spread")).round(1))
        .filter(pl.col("z") > ROBUST_Z)
        .select("i", "soc", pl.col("peers") - 1, median=pl.col("middle").exp().round(1), z="z")
        .sort("i")
    )
