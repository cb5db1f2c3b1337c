"""Checks of layers: the depths of one, and order, gaps and overlaps of several."""

import numpy as np
import polars as pl

from app.ingest.checks.finding import rows_where, standing
from app.ingest.draft import Draft, Finding
from app.soil.depth import bottom_above, check_depths, depth_order

DEEPEST_CM = 1000.0

USUALLY_DEEPEST_CM = 300.0

DEPTHS = {"top_cm": pl.col("top_cm"), "bottom_cm": pl.col("bottom_cm")}


def depth_inverted(draft: Draft) -> list[Finding]:
    """The bottom of a layer lies below its top (depthLogic of aqp)."""
    layers = draft.frame("layers")
    return [rows_where("DEPTH_INVERTED", "layers", layers, pl.col("bottom_cm") < pl.col("top_cm"), **DEPTHS)]


def depth_zero_thickness(draft: Draft) -> list[Finding]:
    """A layer has a thickness (sameDepth of aqp)."""
    layers = draft.frame("layers")
    return [rows_where("DEPTH_ZERO_THICKNESS", "layers", layers, pl.col("bottom_cm") == pl.col("top_cm"), **DEPTHS)]


def depth_impossible(draft: Draft) -> list[Finding]:
    """Nobody digs deeper than ten metres for soil, and no organic layer is thicker."""
    layers = draft.frame("layers")
    off = (pl.col("bottom_cm") > DEEPEST_CM) | (pl.col("top_cm") < -DEEPEST_CM)
    return [rows_where("DEPTH_IMPOSSIBLE", "layers", layers, off, **DEPTHS)]


def depth_above_surface(draft: Draft) -> list[Finding]:
    """Mineral soil starts at the mineral surface."""
    layers = draft.frame("layers")
    off = (pl.col("kind") == "mineral") & (pl.col("top_cm") < 0) & (pl.col("bottom_cm") > pl.col("top_cm"))
    return [rows_where("DEPTH_ABOVE_SURFACE", "layers", layers, off, **DEPTHS)]


def depth_deep(draft: Draft) -> list[Finding]:
    """Layers below three metres are rare; often the unit is wrong."""
    layers = draft.frame("layers")
    return [rows_where("DEPTH_DEEP", "layers", layers, pl.col("bottom_cm") > USUALLY_DEEPEST_CM, **DEPTHS)]


def layer_duplicate(draft: Draft) -> list[Finding]:
    """The same depths twice in one profile: neither is known to be the right one."""
    layers = standing(draft)
    if not _repeats(layers):
        return []
    again = layers.with_columns(times=pl.len().over("visit", "top_cm", "bottom_cm"))
    return [rows_where("LAYER_DUPLICATE", "layers", again, pl.col("times") > 1, times=pl.col("times"), **DEPTHS)]


def _repeats(layers: pl.DataFrame) -> bool:
    """Whether any profile has the same depths twice; much faster than counting them."""
    profile = layers["visit"].to_numpy().astype(np.intp)
    top, bottom = layers["top_cm"].to_numpy(), layers["bottom_cm"].to_numpy()
    order = depth_order(profile, top, bottom)
    profile, top, bottom = profile[order], top[order], bottom[order]
    return bool(((profile[1:] == profile[:-1]) & (top[1:] == top[:-1]) & (bottom[1:] == bottom[:-1])).any())


def layer_overlap(draft: Draft) -> list[Finding]:
    """Layers that overlap, all of them: which depth is wrong cannot be told."""
    layers = standing(draft)
    if not layers.height:
        return []
    profile = layers["visit"].to_numpy().astype(np.intp)
    top, bottom = layers["top_cm"].to_numpy(), layers["bottom_cm"].to_numpy()
    order = depth_order(profile, top, bottom)
    above = bottom_above(profile[order], bottom[order])
    group = np.cumsum(np.isnan(above) | (top[order] >= above))
    crowded = np.bincount(group)[group] > 1
    found = layers[np.sort(order[crowded])]
    return [Finding(code="LAYER_OVERLAP", on="layers", where=found.select("i", "top_cm", "bottom_cm"))]


def layer_sequence(draft: Draft) -> list[Finding]:
    """Gaps between layers, and profiles that do not reach up to the surface."""
    layers = standing(draft)
    if not layers.height:
        return []
    profile = layers["visit"].to_numpy().astype(np.intp)
    top, bottom = layers["top_cm"].to_numpy(), layers["bottom_cm"].to_numpy()
    flags = check_depths(profile, top, bottom)
    order = depth_order(profile, top, bottom)
    above = np.empty(len(top))
    above[order] = bottom_above(profile[order], bottom[order])
    layers = layers.with_columns(
        pl.Series("gap", flags.gap), pl.Series("below", flags.below_surface), pl.Series("above_cm", above)
    )
    return [
        rows_where("LAYER_GAP", "layers", layers, pl.col("gap"), above_cm=pl.col("above_cm"), top_cm=pl.col("top_cm")),
        rows_where("LAYER_FIRST_NOT_AT_ZERO", "layers", layers, pl.col("below"), top_cm=pl.col("top_cm")),
    ]
