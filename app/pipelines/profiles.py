"""Profiles with their layers and the values that indicators need, as arrays for the science.

They come from the frames of an import that was just stored, or are read back from the database; both ways end in the
same arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.db import samples
from app.soil import carbon
from app.soil.layers import soc_status_of_method

DENSITIES = {
    "bulk_density_fine_per_total": "fine_per_total",
    "bulk_density_fine_earth": "fine_earth",
    "bulk_density_whole": "whole",
    "bulk_density": "unknown",
}
"""Bulk densities by how directly they give the fine earth per total volume, and what each is the density of."""
FRAGMENTS = {"coarse_fragments_volume": "volume", "coarse_fragments_mass": "mass", "coarse_fragments": "unknown"}
NEEDED = ("soc", *DENSITIES, *FRAGMENTS)

_BEST_FIRST = {"measured": 0, "unknown": 1, "estimated": 2, "assumed": 3}
_UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiles:
    """Profiles, their layers, and exact values of the properties in NEEDED.

    visits : id of each profile.      rock : depth of hard rock of each profile, NaN where unknown [cm].
    site_flags : codes of the rules raised on the site of each profile, as lists.
    layers : profile (place in visits), top_cm, bottom_cm [cm], kind, flags; one row a layer.
    values : layer (place in layers), property, value [canonical unit], status, uncertainty, method, flags.
    Flags of layers and values are codes with a space between, null where there are none.
    """

    visits: pl.Series
    rock: NDArray[np.float64]
    site_flags: pl.Series
    layers: pl.DataFrame
    values: pl.DataFrame


def of_frames(
    ids: pl.Series, sites: pl.DataFrame, visits: pl.DataFrame, layers: pl.DataFrame, results: pl.DataFrame
) -> Profiles:
    """Profiles of an import; ids are those under which its visits were stored, the frames are those of app/ingest."""
    place = visits.select("visit_key", pl.int_range(pl.len(), dtype=pl.Int64).alias("profile"))
    numbered = layers.select("visit_key", "top_cm", "bottom_cm", "kind", "flags").join(
        place, on="visit_key", how="left", maintain_order="left"
    )
    keys = layers.select("layer_key", pl.int_range(pl.len(), dtype=pl.Int64).alias("layer"))
    # Lazily: only rows and columns that are needed are ever copied out of millions.
    values = (
        results.lazy()
        .filter(pl.col("property").is_in(list(NEEDED)), pl.col("qualifier") == "=")
        .select("layer_key", "property", "value", "status", "uncertainty", "method", "flags")
        .collect()
        .join(keys, on="layer_key", how="left", maintain_order="left")
    )
    return Profiles(
        visits=ids,
        rock=_floats(visits["rock_depth_cm"]) if "rock_depth_cm" in visits.columns else np.full(len(visits), np.nan),
        site_flags=visits.join(sites.select("site_key", "flags"), on="site_key", how="left", maintain_order="left")[
            "flags"
        ].alias("site_flags"),
        layers=numbered.with_columns(_joined(numbered["flags"])),
        values=values.with_columns(_joined(values["flags"])),
    )


def of_dataset(connection: Connection, dataset: UUID) -> Profiles:
    """Profiles of a stored dataset."""
    visits = samples.visits(connection, dataset)
    place = visits.select("visit_id", pl.int_range(pl.len(), dtype=pl.Int64).alias("profile"))
    layers = samples.layers(connection, dataset).join(place, on="visit_id", how="left", maintain_order="left")
    keys = layers.select("layer_id", pl.int_range(pl.len(), dtype=pl.Int64).alias("layer"))
    values = samples.values_of_layers(connection, dataset, NEEDED).join(
        keys, on="layer_id", how="left", maintain_order="left"
    )
    flags = visits["site_flags"].str.split(" ").fill_null(pl.Series([[]], dtype=pl.List(pl.String)))
    return Profiles(
        visits=visits["visit_id"], rock=_floats(visits["rock_depth_cm"]), site_flags=flags, layers=layers, values=values
    )


def arrays(profiles: Profiles) -> carbon.Layers:
    """Layers as arrays, in the order of `profiles.layers`."""
    layers, values = profiles.layers, profiles.values
    soc = _Quantity.chosen(_with_methods(values.filter(pl.col("property") == "soc")), {"soc": "soc"}, len(layers))
    density = _Quantity.chosen(values, DENSITIES, len(layers))
    fragments = _Quantity.chosen(values, FRAGMENTS, len(layers))
    return carbon.Layers(
        profile=layers["profile"].to_numpy().astype(np.intp),
        top=layers["top_cm"].to_numpy(),
        bottom=layers["bottom_cm"].to_numpy(),
        organic=(layers["kind"] == "organic").to_numpy(),
        soc=soc.value,
        soc_status=soc.status,
        bulk_density=density.value,
        bulk_density_basis=density.basis,
        bulk_density_status=density.status,
        coarse_fragments=fragments.value,
        coarse_fragments_basis=fragments.basis,
        coarse_fragments_status=fragments.status,
        u_soc=soc.uncertainty,
        u_bulk_density=density.uncertainty,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Quantity:
    """One quantity of every layer: NaN and `unknown` where no value says it."""

    value: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    status: NDArray[Any]
    basis: NDArray[Any]

    @classmethod
    def chosen(cls, values: pl.DataFrame, codes: Mapping[str, str], n_layers: int) -> "_Quantity":
        """Of several values of a layer the first property of `codes` counts, and of one property the best status."""
        mine = values.filter(pl.col("property").is_in(list(codes)))
        layer = mine["layer"].to_numpy()
        rank, property_words = _numbered(mine["property"], {code: place for place, code in enumerate(codes)})
        # Finer words for measured values stand for `measured` here.
        order, _ = _numbered(mine["status"], _BEST_FIRST, other=0)
        merit = rank * len(_BEST_FIRST) + order
        # Written from the worst to the best, and the first of equals last: what is written last stays.
        rows = np.arange(len(layer))[::-1] if not np.any(merit) else np.argsort(merit, kind="stable")[::-1]
        chosen = np.full(n_layers, -1, dtype=np.int64)
        chosen[layer[rows]] = rows
        here = chosen >= 0
        row = chosen[here]
        basis = np.array([codes[word] for word in property_words], dtype=object)

        def numbers(column: pl.Series) -> NDArray[np.float64]:
            found = np.full(n_layers, np.nan)
            found[here] = _floats(column)[row]
            return found

        def words(column: NDArray[Any]) -> NDArray[Any]:
            found = np.full(n_layers, _UNKNOWN, dtype=object)
            found[here] = column[row]
            return found

        return cls(
            value=numbers(mine["value"]),
            uncertainty=numbers(mine["uncertainty"]),
            status=words(_objects(mine["status"])),
            basis=words(basis[rank] if len(rank) else np.array([], dtype=object)),
        )


def _numbered(words: pl.Series, numbers: Mapping[str, int], other: int = -1) -> tuple[NDArray[np.int64], list[str]]:
    """The number of each word, and the words in the order of their numbers."""
    kinds = words.cast(pl.Categorical) if words.dtype == pl.String else words
    distinct = kinds.unique().drop_nulls()
    of_code = np.full(int(distinct.to_physical().max() or 0) + 1, other, dtype=np.int64)  # type: ignore[arg-type]
    for code, word in zip(distinct.to_physical().to_list(), distinct.cast(pl.String).to_list(), strict=True):
        of_code[code] = numbers.get(word, other)
    found = of_code[kinds.to_physical().to_numpy()] if len(words) else np.array([], dtype=np.int64)
    return found, sorted(numbers, key=lambda word: numbers[word])


def _objects(words: pl.Series) -> NDArray[Any]:
    """Words as objects, each made once."""
    distinct = words.unique().drop_nulls().cast(pl.String).to_list()
    found, names = _numbered(words, {word: place for place, word in enumerate(distinct)})
    return np.array([*names, _UNKNOWN], dtype=object)[found]


def _with_methods(carbon_values: pl.DataFrame) -> pl.DataFrame:
    """Carbon values with the finer status that their laboratory procedure gives them."""
    pairs = carbon_values.select("method", "status").unique()
    words = pairs.select(pl.all().cast(pl.String))
    finer = pairs.with_columns(
        finer=pl.Series([soc_status_of_method(m, s) for m, s in words.iter_rows()], dtype=pl.String)
    )
    joined = carbon_values.join(finer, on=["method", "status"], how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(status=pl.coalesce("finer", pl.col("status").cast(pl.String))).drop("finer")


def _floats(column: pl.Series) -> NDArray[np.float64]:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy())


def _joined(flags: pl.Series) -> pl.Series:
    """Lists of codes as text, null for none; most are."""
    found = pl.Series("flags", [None], dtype=pl.String).new_from_index(0, len(flags))
    some = (flags.list.len() > 0).arg_true()
    return found.scatter(some, flags.gather(some).list.join(" ")) if len(some) else found
