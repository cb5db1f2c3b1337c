"""Layers of many profiles as arrays: what each one is known to be, how well, and what of it cannot be true.

Fixed-depth stocks and equivalent soil mass both start from here, so that they refuse the same layers for the same
reasons and give the same errors to the same measurements.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from itertools import repeat
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.soil.bulk_density import STONE_DENSITY, FineEarthMass, fine_earth_per_total
from app.soil.conversions import LARGEST_WALKLEY_BLACK_FACTOR
from app.soil.pedotransfer import PEDOTRANSFERS, carbon_sensitivity
from app.soil.properties import PROPERTIES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Objects = NDArray[Any]

STATUSES = ("measured", "estimated", "assumed", "unknown")
"""How a value came about, for any property."""

_PEDOTRANSFERS = tuple(f"ptf:{name}" for name in PEDOTRANSFERS)

ACCEPTED_STATUSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "soc_status": (
            *STATUSES,
            "measured_dc",
            "measured_wc_corrected",
            "measured_wc_assumed",
            "spectral",
            "om_converted",
            "loi_converted",
        ),
        "bulk_density_status": (*STATUSES, "other_campaign", *_PEDOTRANSFERS),
        "coarse_fragments_status": (*STATUSES, "field_class"),
    }
)
"""Words for where a value comes from, by column: the general ones, and finer ones where the source is known."""

STATUS_OF_SOC_METHOD: Mapping[str, str] = MappingProxyType(
    {
        "*-spec": "spectral",
        "*-loi": "loi_converted",
        "OrgC_dc*": "measured_dc",
        "OrgC_acid-dc*": "measured_dc",
        "OrgC_wc*": "measured_wc_assumed",
    }
)
"""What a GloSIS procedure code says of measured carbon: pattern to status, the first that fits counts."""

_FACTOR_APPLIED = re.compile(r"\bfactor\s+(\d+(?:\.\d+)?)\s+applied\b")

SOURCES = (
    "not_needed",
    "measured_dc",
    "measured",
    "measured_wc_corrected",
    "measured_wc_assumed",
    "spectral",
    "other_campaign",
    "field_class",
    "om_converted",
    "loi_converted",
    "estimated",
    *_PEDOTRANSFERS,
    "assumed",
    "assumed_zero",
    "unknown",
)
"""All of these words from the best to the weakest; the weakest among its layers is the source of a figure."""

RANK: Mapping[str, int] = MappingProxyType({word: place for place, word in enumerate(SOURCES)})
BEST = RANK["measured"]
"""The weakest word that leaves a figure in tier A."""

SOC_RANGE = PROPERTIES["soc"].possible
FINE_EARTH_MASS_RANGE = (0.02, 2.65)

# Standard uncertainties where the source gives none: of the size reported in inter-laboratory comparisons.
RELATIVE_U_SOC = 0.07
LEAST_U_SOC = 0.5
RELATIVE_U_MEASURED_DENSITY = 0.05
RELATIVE_U_ESTIMATED_DENSITY = 0.15
U_STONES = 0.05
U_THICKNESS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Soil layers of many profiles as arrays of equal length, in any order.

    profile : which profile a layer belongs to, 0 .. n_profiles - 1.
    top, bottom : depths, signed, zero at the mineral surface [cm]. organic : L, F, H and O layers.
    soc : organic carbon of the fine earth, NaN if missing [g/kg].
    bulk_density : [g/cm3], NaN if missing; what it means is in bulk_density_basis: fine_earth, whole, fine_per_total
    or unknown (see app.soil.bulk_density).
    coarse_fragments : [0-1], NaN if missing; coarse_fragments_basis: volume, mass or unknown.
    ..._status : measured, estimated, assumed or unknown, or one of the finer words of ACCEPTED_STATUSES.
    u_soc, u_bulk_density : standard uncertainties, where the source gives them, else NaN [as the value].
    rule_ids : for each layer a tuple or list of the ids of quality rules raised on it, or None.
    """

    profile: Ints
    top: Floats
    bottom: Floats
    organic: Bools
    soc: Floats
    soc_status: Objects
    bulk_density: Floats
    bulk_density_basis: Objects
    bulk_density_status: Objects
    coarse_fragments: Floats
    coarse_fragments_basis: Objects
    coarse_fragments_status: Objects
    u_soc: Floats | None = None
    u_bulk_density: Floats | None = None
    rule_ids: Objects | None = None

    def __post_init__(self) -> None:
        for column in fields(self):
            values = getattr(self, column.name)
            if values is not None and np.shape(values) != np.shape(self.profile):
                raise ValueError(f"{column.name} has shape {np.shape(values)}, profile has {np.shape(self.profile)}")

    def take(self, rows: Ints) -> "Layers":
        """Only these layers, in this order."""
        if rows.size == self.profile.size and bool((rows == np.arange(rows.size)).all()):
            return self
        columns = ((column.name, getattr(self, column.name)) for column in fields(self))
        chosen: dict[str, Any] = {
            name: None if values is None else np.asarray(values)[rows] for name, values in columns
        }
        return Layers(**chosen)

    def checked_profile(self, n_profiles: int) -> Ints:
        """The profile numbers. Raises ValueError for one outside 0 .. n_profiles - 1."""
        profile = np.asarray(self.profile, dtype=np.intp)
        if profile.size and not 0 <= profile.min() <= profile.max() < n_profiles:
            raise ValueError(f"profile numbers must lie in 0 .. {n_profiles - 1}")
        return profile


def soc_status_of_method(method: str | None, status: str) -> str:
    """Status of an organic carbon value, made finer by its GloSIS procedure code where that says more.

    method : GloSIS procedure code, also with a remark after a semicolon. status : a word of ACCEPTED_STATUSES.

    Only `measured` is made finer, by STATUS_OF_SOC_METHOD; every other word already says more, or less, than a code
    could. Wet oxidation is `measured_wc_assumed`: the code does not say whether the laboratory corrected for what it
    does not reach. It is `measured_wc_corrected` if the remark says with which factor above 1, as in `OrgC_wc; factor
    1.3 applied`; a factor of 1 says that nothing was corrected, and one above 1.6 cannot be that of a recovery. Example:
    OrgC_acid-dc-ht is measured_dc, OrgC_acid-dc-spec is spectral.
    """
    if status != "measured" or method is None:
        return status
    code, _, remark = method.partition(";")
    finer = next((word for pattern, word in STATUS_OF_SOC_METHOD.items() if fnmatchcase(code.strip(), pattern)), status)
    if finer == "measured_wc_assumed" and (factor := _FACTOR_APPLIED.search(remark)):
        corrected = 1.0 < float(factor[1]) <= LARGEST_WALKLEY_BLACK_FACTOR
        return "measured_wc_corrected" if corrected else finer
    return finer


def fine_earth_of(layers: Layers, stone_density: float = STONE_DENSITY) -> FineEarthMass:
    """Fine-earth mass per total volume of each layer, see fine_earth_per_total [g/cm3]."""
    return fine_earth_per_total(
        layers.bulk_density,
        layers.bulk_density_basis,
        layers.coarse_fragments,
        layers.coarse_fragments_basis,
        stone_density=stone_density,
    )


def rules_raised(layers: Layers, rows: Ints, n_profiles: int) -> tuple[tuple[str, ...], ...]:
    """Ids of the rules raised on some of the layers, for each profile sorted and each once."""
    if layers.rule_ids is None:
        return ((),) * n_profiles
    raised = rows[layers.rule_ids[rows].astype(np.bool_)]
    union: dict[int, set[str]] = {}
    for profile, ids in zip(layers.profile[raised].tolist(), layers.rule_ids[raised].tolist(), strict=True):
        union.setdefault(profile, set()).update(ids)
    found: list[tuple[str, ...]] = [()] * n_profiles
    for profile, ids in union.items():
        found[profile] = tuple(sorted(ids))
    return tuple(found)


def take_mass(mass: FineEarthMass, rows: Ints) -> FineEarthMass:
    """Only the densities of these layers, in this order."""
    return FineEarthMass(**{column.name: getattr(mass, column.name)[rows] for column in fields(mass)})


def ranks(status: Objects, column: str, needed: Bools | None = None) -> Ints:
    """Place of each status word in SOURCES: the higher, the weaker.

    needed : where a word is needed; elsewhere it is not looked at and counts as unknown. Raises ValueError for a word
    that the column does not accept.
    """
    accepted = ACCEPTED_STATUSES[column]
    place = {word: RANK[word] for word in accepted}
    words = np.asarray(status, dtype=object).tolist()
    found = np.fromiter(map(place.get, words, repeat(-1)), dtype=np.intp, count=len(words))
    if needed is not None:
        found = np.where(needed, found, RANK["unknown"])
    if (found < 0).any():
        stray = words[int(np.argmax(found < 0))]
        raise ValueError(f"unknown {column} '{stray}'; accepted are {', '.join(accepted)}")
    return found


def stone_ranks(layers: Layers, mass: FineEarthMass) -> Ints:
    """As ranks, for the coarse fragments: not needed, assumed to be none, or as their status says."""
    given = ranks(layers.coarse_fragments_status, "coarse_fragments_status", ~np.isnan(layers.coarse_fragments))
    found = np.where(mass.stones_assumed_zero, RANK["assumed_zero"], given)
    return np.where(mass.stones_needed, found, RANK["not_needed"])


def weakest(ranked: Ints, profile: Ints, n_profiles: int) -> Ints:
    """Weakest rank among the layers of each profile, that of `not_needed` for a profile without layers."""
    found = np.zeros(n_profiles, dtype=np.intp)
    np.maximum.at(found, profile, ranked)
    return found


def carbon_faults(layers: Layers) -> dict[str, Bools]:
    """What is wrong with the carbon content of each layer, by reason code."""
    return {
        "soc_missing": np.isnan(layers.soc),
        "soc_out_of_range": ~((layers.soc >= SOC_RANGE[0]) & (layers.soc <= SOC_RANGE[1])),
    }


def density_faults(layers: Layers, mass: FineEarthMass) -> dict[str, Bools]:
    """What is wrong with the density and the stones of each layer, by reason code."""
    stones = layers.coarse_fragments
    low, high = FINE_EARTH_MASS_RANGE
    return {
        "bulk_density_missing": np.isnan(layers.bulk_density),
        "coarse_fragments_out_of_range": (stones < 0) | (stones >= 1),
        "bulk_density_basis_unknown": mass.density_basis_unknown,
        "coarse_fragments_basis_unknown": mass.stones_basis_unknown,
        "bulk_density_out_of_range": ~((mass.value >= low) & (mass.value <= high)),
    }


def first_fault(faults: Mapping[str, Bools], codes: tuple[str, ...]) -> Ints:
    """Place in `codes` of the first fault of each layer, their number for a layer without."""
    none = len(codes)
    first = np.full(next(iter(faults.values())).shape, none, dtype=np.intp)
    for code, where in faults.items():
        np.minimum(first, np.where(where, codes.index(code), none), out=first)
    return first


def u_carbon(layers: Layers) -> tuple[Floats, Floats]:
    """Random and systematic standard uncertainty of the carbon content of each layer [g/kg].

    A default is split in two equal variances: repeatability, and the bias of the laboratory common to all layers.
    """
    default = np.maximum(RELATIVE_U_SOC * layers.soc, LEAST_U_SOC)
    given = np.full(default.shape, np.nan) if layers.u_soc is None else np.asarray(layers.u_soc, dtype=np.float64)
    is_given = ~np.isnan(given)
    half = default / np.sqrt(2.0)
    return np.where(is_given, given, half), np.where(is_given, 0.0, half)


def relative_u_density(layers: Layers, measured: Bools) -> Floats:
    """Standard uncertainty of the bulk density of each layer, relative to it."""
    default = np.where(measured, RELATIVE_U_MEASURED_DENSITY, RELATIVE_U_ESTIMATED_DENSITY)
    if layers.u_bulk_density is None:
        return default
    density = np.where(layers.bulk_density > 0, layers.bulk_density, np.nan)
    return np.where(np.isnan(layers.u_bulk_density), default, layers.u_bulk_density / density)


def u_stones(mass: FineEarthMass) -> tuple[Floats, Floats]:
    """Random and systematic standard uncertainty of a layer's fine-earth mass from its stones, relative to it."""
    random = np.where(mass.stones_needed & ~mass.stones_assumed_zero, U_STONES / (1.0 - mass.stones), 0.0)
    return random, np.where(mass.stones_assumed_zero, U_STONES, 0.0)


def carbon_share_of_error(layers: Layers, density_rank: Ints) -> Floats:
    """Factor on the error of carbon in a stock: below one where the density was predicted from that carbon."""
    factor = np.ones(layers.soc.shape)
    first, last = RANK[_PEDOTRANSFERS[0]], RANK[_PEDOTRANSFERS[-1]]
    if not ((density_rank >= first) & (density_rank <= last)).any():
        return factor
    for word in _PEDOTRANSFERS:
        rows = np.flatnonzero(density_rank == RANK[word])
        if rows.size:
            share = carbon_sensitivity(word.removeprefix("ptf:"), layers.soc[rows], layers.bulk_density[rows])
            factor[rows] = np.where(np.isfinite(share), np.abs(share), 1.0)
    return factor
