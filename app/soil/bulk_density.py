"""Bulk density and coarse fragments: four quantities with one name, brought to the one a carbon stock needs.

With V the volume of the undisturbed sample, V_c the volume and m_c the dry mass of coarse fragments (> 2 mm) and m_f
the dry mass of the fine earth, and ρ_c = m_c / V_c:

    fine_per_total   ρ_ft = m_f / V               what a stock needs
    fine_earth       ρ_fe = m_f / (V - V_c)
    whole            ρ_w = (m_f + m_c) / V
    by volume        φ_v = V_c / V
    by mass          φ_m = m_c / (m_f + m_c)

The conversions are exact identities. Applying one in the place of another overestimates stony soils by more than
100 %: Poeplau et al. 2017, SOIL 3:61, doi:10.5194/soil-3-61-2017; Hobley et al. 2018, SOIL 4:169,
doi:10.5194/soil-4-169-2018. Densities are in [g/cm3], shares are fractions [0-1]; NaN in is NaN out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STONE_DENSITY = 2.65
"""Density of coarse fragments where none is given: that of quartz. Weathered or porous rock is lighter [g/cm3]."""

DENSITY_BASES = ("fine_earth", "whole", "fine_per_total", "unknown")
STONE_BASES = ("volume", "mass", "unknown")

FIELD_CLASSES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "none": (0.0, 0.0),
        "very_few": (0.0, 0.02),
        "few": (0.02, 0.05),
        "common": (0.05, 0.15),
        "many": (0.15, 0.40),
        "abundant": (0.40, 0.80),
        "dominant": (0.80, 1.0),
    }
)
"""Abundance of coarse fragments estimated in the field, by volume (FAO 2006, Guidelines for soil description) [0-1]."""

NEGLIGIBLE_STONES = 0.05
"""Volume share up to which an unstated basis is read as fine earth and stones by volume, and only flagged."""

WIDEST_SPREAD = 0.25
"""Half the range of the possible readings, relative to their middle, beyond which no density is given."""


def from_fine_earth_and_volume(density: ArrayLike, stones: ArrayLike) -> Floats:
    """Fine-earth mass per total volume from the density of the fine earth and stones by volume [g/cm3].

        ρ_ft = ρ_fe (1 - φ_v)

    Example: 1.40 g/cm3 and 25 vol.% of stones give 1.40 x 0.75 = 1.05 g/cm3.
    """
    return np.asarray(np.asarray(density) * (1.0 - np.asarray(stones)), dtype=np.float64)


def from_whole_and_mass(density: ArrayLike, stones: ArrayLike) -> Floats:
    """Fine-earth mass per total volume from the density of the whole soil and stones by mass [g/cm3].

        ρ_ft = ρ_w (1 - φ_m)

    Example: 1.60 g/cm3 and 25 mass-% of stones give 1.60 x 0.75 = 1.20 g/cm3.
    """
    return np.asarray(np.asarray(density) * (1.0 - np.asarray(stones)), dtype=np.float64)


def from_whole_and_volume(density: ArrayLike, stones: ArrayLike, stone_density: float = STONE_DENSITY) -> Floats:
    """Fine-earth mass per total volume from the density of the whole soil and stones by volume [g/cm3].

        ρ_ft = ρ_w - φ_v ρ_c

    Example: 1.60 g/cm3 and 20 vol.% of stones of 2.65 g/cm3 give 1.60 - 0.53 = 1.07 g/cm3. A result of zero or less
    says that the two inputs contradict each other.
    """
    return np.asarray(np.asarray(density) - np.asarray(stones) * stone_density, dtype=np.float64)


def stones_by_volume(stones_by_mass: ArrayLike, fine_earth: ArrayLike, stone_density: float = STONE_DENSITY) -> Floats:
    """Stones by volume from stones by mass and the density of the fine earth [0-1].

        φ_v = (φ_m / ρ_c) / (φ_m / ρ_c + (1 - φ_m) / ρ_fe)

    Example: 50 mass-% of stones of 2.65 g/cm3 in fine earth of 1.325 g/cm3 take one third of the volume.
    """
    mass = np.asarray(stones_by_mass, dtype=np.float64)
    stone_volume = mass / stone_density
    return np.asarray(stone_volume / (stone_volume + (1.0 - mass) / np.asarray(fine_earth)), dtype=np.float64)


def from_fine_earth_and_mass(density: ArrayLike, stones: ArrayLike, stone_density: float = STONE_DENSITY) -> Floats:
    """Fine-earth mass per total volume from the density of the fine earth and stones by mass [g/cm3].

    ρ_ft = ρ_fe (1 - φ_v)        φ_v from φ_m as in stones_by_volume
    """
    return from_fine_earth_and_volume(density, stones_by_volume(stones, density, stone_density))


def stones_of_field_class(classes: ArrayLike) -> tuple[Floats, Floats]:
    """Stones by volume of the classes of a field description, and their standard uncertainty [0-1].

    classes : keys of FIELD_CLASSES, None where not described, which is NaN and not `none`.

        φ_v = (low + high) / 2        u = (high - low) / √12

    The middle of the class, as a rectangular distribution; mark such a value `field_class`. Raises ValueError for
    another word. Example: common, 5 to 15 %, is 0.10 ± 0.03.
    """
    words = np.asarray(classes, dtype=object)
    stray = sorted({str(word) for word in words.reshape(-1).tolist() if word is not None and word not in FIELD_CLASSES})
    if stray:
        raise ValueError(f"unknown class of coarse fragments '{stray[0]}'; accepted are {', '.join(FIELD_CLASSES)}")
    missing = (np.nan, np.nan)
    ends = np.array([FIELD_CLASSES.get(word, missing) for word in words.reshape(-1).tolist()], dtype=np.float64)
    low, high = ends.reshape(*words.shape, 2)[..., 0], ends.reshape(*words.shape, 2)[..., 1]
    return (low + high) / 2.0, (high - low) / np.sqrt(12.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class FineEarthMass:
    """Fine-earth mass per total volume of each layer, and how it was obtained; arrays of equal length.

    value : the density; NaN where it is not computable. [g/cm3]
    spread : half the range of the readings an unstated basis allows, 0 where there is one reading. [g/cm3]
    stones : volume share of stones that was used. [0-1]
    stones_needed : the density needs the stones; not so where it already is fine earth per total volume.
    stones_assumed_zero : no stones were given although the density needs them; computed with none.
    basis_assumed : the basis of the density was not stated and stones make it matter.
    stones_basis_assumed : the same for the basis of the stones.
    density_basis_unknown, stones_basis_unknown : why a value is missing: the possible readings lie too far apart.
    """

    value: Floats
    spread: Floats
    stones: Floats
    stones_needed: Bools
    stones_assumed_zero: Bools
    basis_assumed: Bools
    stones_basis_assumed: Bools
    density_basis_unknown: Bools
    stones_basis_unknown: Bools


def fine_earth_per_total(
    density: ArrayLike,
    basis: ArrayLike,
    stones: ArrayLike,
    stones_basis: ArrayLike,
    *,
    stone_density: float = STONE_DENSITY,
) -> FineEarthMass:
    """Fine-earth mass per total volume of layers from whatever density and stone content were reported.

    density : bulk density, NaN if missing. [g/cm3]
    basis : one of DENSITY_BASES for each layer.
    stones : coarse fragments, NaN if missing. [0-1]
    stones_basis : one of STONE_BASES for each layer.
    stone_density : of the coarse fragments themselves, ρ_c; it matters where the density is of the whole soil and the
    stones by volume, or the density of the fine earth and the stones by mass. [g/cm3]

    Missing stones are computed as none and marked. Where a basis is not stated and stones exceed 5 % of the volume,
    all readings the words allow are computed: the value is the middle of their range, the spread half of it. If that
    half exceeds a quarter of the middle, or one reading is impossible, there is no value and the unstated basis is
    named. Up to 5 % the density is read as that of the fine earth and the stones as by volume. Impossible input (a
    density of zero or less, a share outside 0-1) has no value.

    Raises ValueError for a basis that is none of the words, the basis of a missing value not being looked at, and for
    a stone density that is not a positive number.
    """
    if not 0 < stone_density < np.inf:
        raise ValueError(f"the density of stones must be a positive number, got {stone_density:g}")
    rho = np.atleast_1d(np.asarray(density, dtype=np.float64))
    given = np.broadcast_to(np.asarray(stones, dtype=np.float64), rho.shape)
    is_basis = _one_hot(basis, DENSITY_BASES, "bulk density basis", ~np.isnan(rho))
    is_stones = _one_hot(stones_basis, STONE_BASES, "coarse fragments basis", ~np.isnan(given))
    rho = np.where((rho > 0) & np.isfinite(rho), rho, np.nan)
    none_given = np.isnan(given)
    phi = np.where(none_given, 0.0, np.where((given >= 0) & (given < 1), given, np.nan))

    readings = np.stack(
        [
            from_fine_earth_and_volume(rho, phi),
            from_fine_earth_and_mass(rho, phi, stone_density),
            from_whole_and_volume(rho, phi, stone_density),
            from_whole_and_mass(rho, phi),
        ]
    )
    volume_share = np.where(is_stones["mass"], stones_by_volume(phi, rho, stone_density), phi)
    unstated_basis, unstated_stones = is_basis["unknown"] & (phi > 0), is_stones["unknown"] & (phi > 0)
    matters = volume_share > NEGLIGIBLE_STONES
    fine = is_basis["fine_earth"] | is_basis["unknown"]
    whole = is_basis["whole"] | (is_basis["unknown"] & matters)
    by_volume = is_stones["volume"] | is_stones["unknown"]
    by_mass = is_stones["mass"] | (is_stones["unknown"] & matters)
    allowed = np.stack([fine & by_volume, fine & by_mass, whole & by_volume, whole & by_mass])

    low = np.where(allowed, readings, np.inf).min(axis=0)
    high = np.where(allowed, readings, -np.inf).max(axis=0)
    direct = is_basis["fine_per_total"]
    low, high = np.where(direct, rho, low), np.where(direct, rho, high)
    middle, spread = (low + high) / 2, (high - low) / 2
    ambiguous = (unstated_basis | (unstated_stones & ~direct)) & matters & ~np.isnan(rho)
    refused = ambiguous & ((low <= 0) | (spread > WIDEST_SPREAD * middle))
    return FineEarthMass(
        value=np.where(refused, np.nan, middle),
        spread=np.where(refused | np.isnan(spread), 0.0, spread),
        stones=np.where(direct, 0.0, volume_share),
        stones_needed=~direct,
        stones_assumed_zero=none_given & ~direct & ~np.isnan(rho),
        basis_assumed=unstated_basis & ~refused,
        stones_basis_assumed=unstated_stones & ~direct & ~refused,
        density_basis_unknown=refused & unstated_basis,
        stones_basis_unknown=refused & ~unstated_basis,
    )


def _one_hot(words: ArrayLike, known: tuple[str, ...], what: str, needed: Bools) -> dict[str, Bools]:
    """One boolean array per known word; anything else is refused by name. What is not needed counts as unknown."""
    given = np.broadcast_to(np.asarray(words, dtype=object), needed.shape).reshape(-1).tolist()
    place = {word: number for number, word in enumerate(known)}
    codes = np.fromiter(map(place.get, given, repeat(-1)), dtype=np.int8, count=len(given)).reshape(needed.shape)
    codes = np.where(needed, codes, place["unknown"])
    if (codes < 0).any():
        stray = given[int(np.argmax(codes.reshape(-1) < 0))]
        raise ValueError(f"unknown {what} '{stray}'; accepted are {', '.join(known)}")
    return {word: codes == number for word, number in place.items()}
