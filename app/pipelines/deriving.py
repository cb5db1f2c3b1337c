"""Observations become values of indicators for each profile, or the reasons why they cannot be computed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import Connection

from app.db import samples
from app.pipelines import profiles
from app.pipelines.profiles import Profiles
from app.soil import carbon
from app.soil.indicators import INDICATORS, Indicator

_BITS = 62
"""Rule codes in one whole number, a bit each."""


def derive(connection: Connection, dataset: UUID) -> None:
    """Compute every indicator's value for each stored profile of a dataset, in place of what was derived before."""
    found = profiles.of_dataset(connection, dataset)
    samples.forget_derived(connection, dataset)
    for frame in figures(found):
        samples.store_derived(connection, frame)


def figures(found: Profiles) -> Iterator[pl.DataFrame]:
    """Every indicator's value for each profile, or the reason why it cannot be computed, as core.derived keeps them."""
    layers = profiles.arrays(found)
    for indicator in INDICATORS.values():
        flagged = replace(layers, rule_ids=_rule_ids(found, indicator.inputs))
        for depth in indicator.depths:
            yield _derived(indicator, depth, flagged, found)


def _rule_ids(found: Profiles, inputs: tuple[str, ...]) -> Any:
    """Codes of the rules raised on each layer or on its values of some properties: an array of tuples, () for none.

    Most layers have none, and those that have share few sets of codes: each set is made once.
    """
    of_layers = found.layers.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("layer"), "flags")
    of_values = found.values.filter(pl.col("property").is_in(list(inputs)))
    cells = pl.concat([of_values.select("layer", "flags"), of_layers]).drop_nulls("flags")
    texts = cells["flags"].unique().sort()
    codes = sorted({code for text in texts for code in text.split(" ")})
    columns = len(codes) // _BITS + 1
    bits = np.zeros((len(texts), columns), dtype=np.int64)
    for row, text in enumerate(texts):
        for code in text.split(" "):
            bits[row, codes.index(code) // _BITS] |= 1 << codes.index(code) % _BITS
    of_cell = cells["flags"].replace_strict(texts, range(len(texts)), return_dtype=pl.Int64).cast(pl.Int64).to_numpy()
    layer, place = np.unique(cells["layer"].to_numpy(), return_inverse=True)
    raised = np.zeros((len(layer), columns), dtype=np.int64)
    np.bitwise_or.at(raised, place, bits[of_cell])
    sets, kind = np.unique(raised, axis=0, return_inverse=True)
    known = np.empty(len(sets) + 1, dtype=object)
    known[-1] = ()
    for row, numbers in enumerate(sets.tolist()):
        known[row] = tuple(code for i, code in enumerate(codes) if numbers[i // _BITS] >> i % _BITS & 1)
    of_layer = np.full(len(found.layers), len(sets), dtype=np.int64)
    of_layer[layer] = kind.ravel()
    return known[of_layer]


def _derived(indicator: Indicator, depth: tuple[int, int], layers: carbon.Layers, profiles: Profiles) -> pl.DataFrame:
    """Values of one indicator at one depth for all profiles.

    Its flags are those of the computation, then the codes of the rules raised on what it was computed from. Rules ride
    along; only where a value comes from decides the tier.
    """
    upper, lower = depth
    visits = profiles.visits
    found = indicator.compute(layers, len(visits), upper, lower, profiles.rock)
    has = ~np.isnan(found.value)

    def number(values: Any) -> pl.Series:
        return pl.Series(np.where(has, values, np.nan)).fill_nan(None)

    def word(values: Any) -> pl.Series:
        return pl.Series(values.tolist(), dtype=pl.String)

    return pl.DataFrame(
        {
            "visit_id": visits,
            "quantity": pl.Series([indicator.id], dtype=pl.String).new_from_index(0, len(visits)),
            "upper_cm": pl.Series([float(upper)], dtype=pl.Float64).new_from_index(0, len(visits)),
            "lower_cm": pl.Series([float(lower)], dtype=pl.Float64).new_from_index(0, len(visits)),
            "mass_basis": pl.Series([found.mass_basis], dtype=pl.String).new_from_index(0, len(visits)),
            "value": number(found.value),
            "u_random": number(found.u_random),
            "u_systematic": number(found.u_systematic),
            "coverage": pl.Series(np.clip(found.coverage, 0, 1)),
            "n_layers": pl.Series(found.n_layers, dtype=pl.Int32),
            "interpolation": pl.Series([found.interpolation], dtype=pl.String).new_from_index(0, len(visits)),
            "reason": word(found.reason),
            "depth_status": word(found.depth_status),
            "soc_source": word(found.soc_source),
            "bd_source": word(found.bd_source),
            "cf_source": word(found.cf_source),
            "tier": word(found.tier),
            "flags": _lists(found.flags).list.concat(_lists(found.rule_ids)).list.concat(profiles.site_flags),
            "method_version": pl.Series([found.algorithm_version], dtype=pl.String).new_from_index(0, len(visits)),
        }
    )


def _lists(words: tuple[tuple[str, ...], ...]) -> pl.Series:
    """The same as lists; profiles share few of them, and each is made once."""
    places: dict[tuple[str, ...], int] = {}
    which = [places.setdefault(each, len(places)) for each in words]
    return pl.Series([list(each) for each in places], dtype=pl.List(pl.String)).gather(which)
