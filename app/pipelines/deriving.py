"""Observations become values of indicators for each profile, or the reasons why they cannot be computed."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import Connection

from app.db import samples
from app.soil import carbon
from app.soil.indicators import INDICATORS, Indicator
from app.soil.layers import soc_status_of_method

DENSITIES = {
    "bulk_density_fine_per_total": "fine_per_total",
    "bulk_density_fine_earth": "fine_earth",
    "bulk_density_whole": "whole",
    "bulk_density": "unknown",
}
"""Bulk densities by how directly they give the fine earth per total volume, and what each is the density of."""
FRAGMENTS = {"coarse_fragments_volume": "volume", "coarse_fragments_mass": "mass", "coarse_fragments": "unknown"}


_BITS = 62
"""Rule codes in one whole number, a bit each."""


def derive(connection: Connection, dataset: UUID) -> None:
    """Compute every indicator's value for each profile of a dataset, or the reason why it cannot be computed."""
    visits = samples.visits(connection, dataset)
    long = samples.layers(connection, dataset, ("soc", *DENSITIES, *FRAGMENTS))
    layers, rock, layer_ids = _layers(long, visits)
    of_sites = _site_flags(long, visits)
    frames = []
    for indicator in INDICATORS.values():
        flagged = replace(layers, rule_ids=_rule_ids(long, layer_ids, indicator.inputs))
        frames += [_derived(indicator, depth, flagged, rock, visits, of_sites) for depth in indicator.depths]
    samples.replace_derived(connection, dataset, pl.concat(frames))


def _layers(
    long: pl.DataFrame, visits: pl.Series
) -> tuple[carbon.Layers, np.ndarray[Any, np.dtype[np.float64]], pl.Series]:
    """Layers as arrays for the science, one row a layer, the rock depth of each profile, and the ids of the layers."""
    # A property given in several columns of a file counts once: the best status first.
    order = pl.col("status").replace_strict({"measured": 0, "unknown": 1, "estimated": 2, "assumed": 3}, default=None)
    one = long.sort("layer_id", order, maintain_order=True).unique(["layer_id", "property"], keep="first")
    one = _with_methods(one)
    base = long.unique("layer_id", keep="first", maintain_order=True).select(
        "visit_id", "rock_depth_cm", "layer_id", "top_cm", "bottom_cm", "kind"
    )

    def quantity(name: str, codes: dict[str, str]) -> pl.DataFrame:
        rank = {code: place for place, code in enumerate(codes)}
        return (
            one.filter(pl.col("property").is_in(list(codes)))
            .with_columns(rank=pl.col("property").replace_strict(rank, default=None))
            .sort("layer_id", "rank")
            .unique("layer_id", keep="first")
            .select(
                "layer_id",
                pl.col("value").alias(name),
                pl.col("property").replace_strict(codes, default=None).alias(f"{name}_basis"),
                pl.col("status").alias(f"{name}_status"),
                pl.col("uncertainty").alias(f"u_{name}"),
            )
        )

    wide = base
    for name, codes in (("soc", {"soc": "soc"}), ("bulk_density", DENSITIES), ("coarse_fragments", FRAGMENTS)):
        wide = wide.join(quantity(name, codes), on="layer_id", how="left")
    place = pl.DataFrame({"visit_id": visits, "profile": np.arange(len(visits))})
    wide = wide.join(place, on="visit_id", how="left")
    rock = place.join(base.unique("visit_id").select("visit_id", "rock_depth_cm"), on="visit_id", how="left").sort(
        "profile"
    )

    def numbers(name: str) -> Any:
        return wide[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def words(name: str) -> Any:
        return wide[name].fill_null("unknown").to_numpy().astype(object)

    layers = carbon.Layers(
        profile=wide["profile"].to_numpy().astype(np.intp),
        top=numbers("top_cm"),
        bottom=numbers("bottom_cm"),
        organic=(wide["kind"] == "organic").to_numpy(),
        soc=numbers("soc"),
        soc_status=words("soc_status"),
        bulk_density=numbers("bulk_density"),
        bulk_density_basis=words("bulk_density_basis"),
        bulk_density_status=words("bulk_density_status"),
        coarse_fragments=numbers("coarse_fragments"),
        coarse_fragments_basis=words("coarse_fragments_basis"),
        coarse_fragments_status=words("coarse_fragments_status"),
        u_soc=numbers("u_soc"),
        u_bulk_density=numbers("u_bulk_density"),
    )
    return layers, rock["rock_depth_cm"].cast(pl.Float64).fill_null(np.nan).to_numpy(), wide["layer_id"]


def _rule_ids(long: pl.DataFrame, layer_ids: pl.Series, inputs: tuple[str, ...]) -> Any:
    """Codes of the rules raised on each layer or on its values of some properties: an array of tuples, () for none.

    Most layers have none, and those that have share few sets of codes: each set is made once.
    """
    # Rows of one layer follow each other, so a running number stands for its id, which is text and slow to group by.
    numbered = long.with_columns(number=pl.col("layer_id").rle_id())
    of_layers = numbered.unique("number", keep="first", maintain_order=True)
    cells = pl.concat(
        [
            numbered.filter(pl.col("property").is_in(list(inputs))).select("number", flags="result_flags"),
            of_layers.select("number", flags="layer_flags"),
        ]
    ).drop_nulls("flags")
    texts = cells["flags"].unique().sort()
    codes = sorted({code for text in texts for code in text.split(" ")})
    columns = len(codes) // _BITS + 1
    bits = np.zeros((len(texts), columns), dtype=np.int64)
    for place, text in enumerate(texts):
        for code in text.split(" "):
            bits[place, codes.index(code) // _BITS] |= 1 << codes.index(code) % _BITS
    of_cell = cells["flags"].replace_strict(texts, range(len(texts)), return_dtype=pl.Int64).cast(pl.Int64).to_numpy()
    raised = np.zeros((len(of_layers), columns), dtype=np.int64)
    np.bitwise_or.at(raised, cells["number"].to_numpy(), bits[of_cell])
    sets = pl.DataFrame(raised, schema=[f"bits_{column}" for column in range(columns)])
    kinds = sets.unique(maintain_order=True).with_row_index("kind")
    known = np.empty(len(kinds), dtype=object)
    for place, row in enumerate(kinds.drop("kind").rows()):
        known[place] = tuple(code for i, code in enumerate(codes) if row[i // _BITS] >> i % _BITS & 1)
    of_ids = sets.join(kinds, on=sets.columns, how="left", maintain_order="left").select(of_layers["layer_id"], "kind")
    return known[layer_ids.to_frame().join(of_ids, on="layer_id", how="left", maintain_order="left")["kind"].to_numpy()]


def _site_flags(long: pl.DataFrame, visits: pl.Series) -> pl.Series:
    """Codes of the rules raised on the site of each profile, as lists."""
    of_visits = long.drop_nulls("site_flags").unique("visit_id").select("visit_id", pl.col("site_flags").str.split(" "))
    joined = visits.to_frame("visit_id").join(of_visits, on="visit_id", how="left", maintain_order="left")
    return joined["site_flags"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def _with_methods(results: pl.DataFrame) -> pl.DataFrame:
    """Carbon values with the finer status that their laboratory procedure gives them."""
    pairs = results.filter(pl.col("property") == "soc").select("property", "method", "status").unique()
    finer = pairs.with_columns(
        finer=pl.Series([soc_status_of_method(m, s) for _, m, s in pairs.iter_rows()], dtype=pl.String)
    )
    joined = results.join(finer, on=["property", "method", "status"], how="left", nulls_equal=True)
    return joined.with_columns(pl.coalesce("finer", "status").alias("status")).drop("finer", "method")


def _derived(
    indicator: Indicator,
    depth: tuple[int, int],
    layers: carbon.Layers,
    rock: Any,
    visits: pl.Series,
    of_sites: pl.Series,
) -> pl.DataFrame:
    """Values of one indicator at one depth for all profiles.

    Its flags are those of the computation, then the codes of the rules raised on what it was computed from. Rules ride
    along; only where a value comes from decides the tier.
    """
    upper, lower = depth
    found = indicator.compute(layers, len(visits), upper, lower, rock)
    has = ~np.isnan(found.value)

    def number(values: Any) -> pl.Series:
        return pl.Series(np.where(has, values, np.nan)).fill_nan(None)

    def word(values: Any) -> pl.Series:
        return pl.Series(values.tolist(), dtype=pl.String)

    return pl.DataFrame(
        {
            "visit_id": visits,
            "quantity": pl.Series([indicator.id] * len(visits), dtype=pl.String),
            "upper_cm": pl.Series([float(upper)] * len(visits), dtype=pl.Float64),
            "lower_cm": pl.Series([float(lower)] * len(visits), dtype=pl.Float64),
            "mass_basis": pl.Series([found.mass_basis] * len(visits), dtype=pl.String),
            "value": number(found.value),
            "u_random": number(found.u_random),
            "u_systematic": number(found.u_systematic),
            "coverage": pl.Series(np.clip(found.coverage, 0, 1)),
            "reason": word(found.reason),
            "depth_status": word(found.depth_status),
            "soc_source": word(found.soc_source),
            "bd_source": word(found.bd_source),
            "cf_source": word(found.cf_source),
            "tier": word(found.tier),
            "flags": _lists(found.flags).list.concat(_lists(found.rule_ids)).list.concat(of_sites),
            "method_version": pl.Series([found.algorithm_version] * len(visits), dtype=pl.String),
        }
    )


def _lists(words: tuple[tuple[str, ...], ...]) -> pl.Series:
    """The same as lists; profiles share few of them, and each is made once."""
    places: dict[tuple[str, ...], int] = {}
    which = [places.setdefault(each, len(places)) for each in words]
    return pl.Series([list(each) for each in places], dtype=pl.List(pl.String)).gather(which)
