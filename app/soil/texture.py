"""Texture of the fine earth: classes from sand, silt and clay, exact at their borders, and limits between fractions.

Shares are in [%] of the mineral fine earth. Clay is below 2 µm; where silt ends depends on the country, and a class is
only meant for the limits it was drawn for: 2 - 50 - 2000 µm. Shares are compared as whole millionths of a per cent, so
that 27 % of clay is not below 27 %.

USDA classes: Soil Science Division Staff 2017, Soil Survey Manual, USDA Handbook 18, chapter 3; Benham et al. 2009,
NRCS Soil Survey Technical Note. HYPRES classes: Wösten et al. 1999, Geoderma 90:169,
doi:10.1016/S0016-7061(98)00132-3. Silt limits: Nemes et al. 1999, Geoderma 90:187,
doi:10.1016/S0016-7061(99)00014-2, who found the log-linear rule the least accurate of four.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned
from app.soil.exact import MILLION, Whole, millionths
from app.soil.reasons import first_reason, is_given

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[Any]

USDA_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "s": "sand",
        "ls": "loamy sand",
        "sl": "sandy loam",
        "l": "loam",
        "sil": "silt loam",
        "si": "silt",
        "scl": "sandy clay loam",
        "cl": "clay loam",
        "sicl": "silty clay loam",
        "sc": "sandy clay",
        "sic": "silty clay",
        "c": "clay",
    }
)

HYPRES_CLASSES: Mapping[str, str] = MappingProxyType(
    {"VF": "very fine", "F": "fine", "MF": "medium fine", "C": "coarse", "M": "medium"}
)

PARTICLE_SIZE_LIMITS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "2-50-2000": (2.0, 50.0, 2000.0),
        "2-20-2000": (2.0, 20.0, 2000.0),
        "2-60-2000": (2.0, 60.0, 2000.0),
        "2-63-2000": (2.0, 63.0, 2000.0),
        "2-64-2000": (2.0, 64.0, 2000.0),
        "1-50-1000": (1.0, 50.0, 1000.0),
    }
)
"""Upper limits of clay, silt and sand [µm]: USDA and FAO; ISSS and Australia; UK; ISO 11277, WRB and Germany; GloSIS;
Russia (Kachinsky)."""

CLAY_LIMIT, CLASS_SILT_LIMIT, SAND_LIMIT = 2.0, 50.0, 2000.0
"""Limits the classes are drawn for [µm]."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "fraction_missing": "Fewer than two of sand, silt and clay are given.",
        "fraction_out_of_range": "Sand, silt or clay lies outside 0-100 %.",
        "texture_sum_out_of_range": "Sand, silt and clay add up to less than 95 % or more than 105 %.",
        "particle_size_limits_unknown": "The limits between clay, silt and sand are not stated, or not known here.",
        "particle_size_limits_not_convertible": (
            "Clay does not end at 2 µm or sand at 2000 µm, so the fractions are not those of the class."
        ),
    }
)
"""Why there is no class: stable code to sentence, in the order in which they are looked for."""

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "third_by_difference": "One fraction was not given; it is what the other two leave of 100 %.",
        "rescaled": "The fractions add up to 95-99 or 101-105 % and were divided by their sum.",
        "psd_converted": "The silt limit was converted by log-linear interpolation of the cumulative curve.",
    }
)

WHOLE_SUM = 100 * MILLION
ACCEPTED_SUM = (99 * MILLION, 101 * MILLION)
RESCALED_SUM = (95 * MILLION, 105 * MILLION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fractions:
    """Sand, silt and clay that add up to 100 %, or the reason there are none; arrays of equal length.

    sand, silt, clay : NaN where `reason` says why. [%]
    reason : None or a key of REASONS.
    third_by_difference, rescaled, psd_converted : see FLAGS.
    """

    sand: Floats
    silt: Floats
    clay: Floats
    reason: Objects
    third_by_difference: Bools
    rescaled: Bools
    psd_converted: Bools


@dataclass(frozen=True, kw_only=True, slots=True)
class TextureClasses:
    """One class per soil: `code` is a key of the class table, None where `reason` says why there is none."""

    code: Objects
    reason: Objects
    fractions: Fractions


def convert_silt_limit(silt: ArrayLike, sand: ArrayLike, *, source: float, target: float) -> tuple[Floats, Floats]:
    """Silt and sand for another upper limit of silt, by log-linear interpolation of the cumulative curve [%].

    silt, sand : shares, silt from 2 µm and sand up to 2000 µm; clay keeps its share. [%]
    source, target : upper limit of silt that was used and that is wanted, between 2 and 2000. [µm]

        P(x) = P(a) + (P(b) - P(a)) ln(x/a) / ln(b/a)        a, b : the known limits on either side of x

    The curve between two limits is not straight: expect errors of several per cent where much lies between them, and
    mark the result. NaN in is NaN out. Raises ValueError for a limit that is not between 2 and 2000 µm.

    Example: 40 % silt up to 63 µm is 40 ln(50/2) / ln(63/2) = 37.32 % up to 50 µm; the other 2.68 % become sand.
    """
    if not (CLAY_LIMIT < source < SAND_LIMIT and CLAY_LIMIT < target < SAND_LIMIT):
        raise ValueError(f"silt limits {source:g} and {target:g} µm must lie between 2 and 2000 µm")
    medium, coarse = np.asarray(silt, dtype=np.float64), np.asarray(sand, dtype=np.float64)
    if target <= source:
        moved = medium * np.log(target / CLAY_LIMIT) / np.log(source / CLAY_LIMIT)
    else:
        moved = medium + coarse * np.log(target / source) / np.log(SAND_LIMIT / source)
    return np.asarray(moved, dtype=np.float64), np.asarray(medium + coarse - moved, dtype=np.float64)


def close_fractions(sand: ArrayLike, silt: ArrayLike, clay: ArrayLike, *, limits: ArrayLike) -> Fractions:
    """Sand, silt and clay as shares of 100 % with silt up to 50 µm.

    sand, silt, clay : shares, NaN if missing; of a single missing one the others leave the rest. [%]
    limits : a key of PARTICLE_SIZE_LIMITS for each soil or for all; anything else is unknown.

    A sum of 99-101 % is rounding, one of 95-105 % is marked; both are divided by the sum, because the class limits
    cover the triangle only where the three add up to 100. Beyond that nothing is given. Raises ValueError only for
    arrays of different shapes.

    Example: 40.4, 40.4 and 20.2 % add up to 101 and become 40, 40 and 20 %.
    """
    named = np.atleast_1d(np.asarray(limits, dtype=object))
    given = np.stack(aligned(sand=sand, silt=silt, clay=clay, limits=np.zeros(named.shape))[:3])
    named = np.broadcast_to(named, given.shape[1:])
    missing = np.isnan(given)
    parts = millionths(given)
    n_missing = np.asarray(missing.sum(axis=0))
    by_difference = n_missing == 1
    rest = WHOLE_SUM - parts.sum(axis=0)
    parts = np.where(missing & by_difference, rest, parts)
    total = parts.sum(axis=0)
    silt_limit = np.full(named.shape, np.nan)
    foreign = np.zeros(named.shape, dtype=np.bool_)
    for name, (clay_ends, silt_ends, sand_ends) in PARTICLE_SIZE_LIMITS.items():
        here = np.asarray(named == name, dtype=np.bool_)
        silt_limit[here] = silt_ends
        foreign |= here & ((clay_ends, sand_ends) != (CLAY_LIMIT, SAND_LIMIT))
    reason = first_reason(
        {
            "fraction_missing": n_missing > 1,
            "fraction_out_of_range": _any(~missing & ~((given >= 0) & (given <= 100))),
            "texture_sum_out_of_range": _outside(total, RESCALED_SUM) | _any(parts < 0),
            "particle_size_limits_unknown": np.isnan(silt_limit),
            "particle_size_limits_not_convertible": foreign,
        }
    )
    fine = is_given(reason)
    total = np.where(fine, total, WHOLE_SUM)
    # Only two are rounded; the third is the rest, so that the three still add up exactly.
    sands, clays = (np.rint(part * (WHOLE_SUM / total)).astype(np.int64) for part in (parts[0], parts[2]))
    silts = WHOLE_SUM - sands - clays
    converted = fine & (silt_limit != CLASS_SILT_LIMIT)
    for limit in np.unique(silt_limit[converted]):
        here = converted & (silt_limit == limit)
        moved, _ = convert_silt_limit(silts[here], sands[here], source=float(limit), target=CLASS_SILT_LIMIT)
        silts[here] = np.rint(moved).astype(np.int64)
        sands[here] = WHOLE_SUM - silts[here] - clays[here]
    return Fractions(
        sand=_percent(sands, fine),
        silt=_percent(silts, fine),
        clay=_percent(clays, fine),
        reason=reason,
        third_by_difference=fine & by_difference,
        rescaled=fine & _outside(total, ACCEPTED_SUM),
        psd_converted=converted,
    )


def usda_texture(sand: ArrayLike, silt: ArrayLike, clay: ArrayLike, *, limits: ArrayLike) -> TextureClasses:
    """USDA texture class of each soil, one of USDA_CLASSES.

    Parameters and refusals as in close_fractions. The limits are those of the Soil Survey Manual, read from the top,
    the first that fits is taken; every point of the triangle has exactly one class.

    Example: 40 % sand, 40 % silt and 20 % clay are loam; with 27 % clay and 33 % silt it is clay loam.
    """
    fractions = close_fractions(sand, silt, clay, limits=limits)
    s, u, t = (millionths(share) for share in (fractions.sand, fractions.silt, fractions.clay))
    return _classified(_usda_rules(s, u, t), fractions)


def hypres_texture(sand: ArrayLike, silt: ArrayLike, clay: ArrayLike, *, limits: ArrayLike) -> TextureClasses:
    """HYPRES texture class of each soil, one of HYPRES_CLASSES: the five classes of the soil map of Europe.

    Parameters and refusals as in close_fractions. The publication leaves the borders open; here the lower limit of
    clay belongs to the finer class and coarse needs more than 65 % sand.

    Example: 40 % sand, 40 % silt and 20 % clay are medium.
    """
    fractions = close_fractions(sand, silt, clay, limits=limits)
    s, t = millionths(fractions.sand), millionths(fractions.clay)
    m = MILLION
    rules = {
        "VF": t >= 60 * m,
        "F": t >= 35 * m,
        "MF": s < 15 * m,
        "C": (t < 18 * m) & (s > 65 * m),
        "M": np.ones(s.shape, dtype=np.bool_),
    }
    return _classified(rules, fractions)


def _usda_rules(sand: Whole, silt: Whole, clay: Whole) -> dict[str, Bools]:
    """Conditions of the classes in the order in which they are read; arguments in millionths of a per cent."""
    m = MILLION
    sandy = silt + 2 * clay < 30 * m
    return {
        "s": 2 * silt + 3 * clay < 30 * m,
        "ls": sandy,
        "sl": ((clay >= 7 * m) & (clay < 20 * m) & (sand > 52 * m)) | ((clay < 7 * m) & (silt < 50 * m)),
        "l": (clay >= 7 * m) & (clay < 27 * m) & (silt >= 28 * m) & (silt < 50 * m) & (sand <= 52 * m),
        "sil": ((silt >= 50 * m) & (clay >= 12 * m) & (clay < 27 * m))
        | ((silt >= 50 * m) & (silt < 80 * m) & (clay < 12 * m)),
        "si": (silt >= 80 * m) & (clay < 12 * m),
        "scl": (clay >= 20 * m) & (clay < 35 * m) & (silt < 28 * m) & (sand > 45 * m),
        "cl": (clay >= 27 * m) & (clay < 40 * m) & (sand > 20 * m) & (sand <= 45 * m),
        "sicl": (clay >= 27 * m) & (clay < 40 * m) & (sand <= 20 * m),
        "sc": (clay >= 35 * m) & (sand > 45 * m),
        "sic": (clay >= 40 * m) & (silt >= 40 * m),
        "c": (clay >= 40 * m) & (sand <= 45 * m) & (silt < 40 * m),
    }


def _classified(rules: Mapping[str, Bools], fractions: Fractions) -> TextureClasses:
    code = first_reason(rules)
    code[~is_given(fractions.reason)] = None
    return TextureClasses(code=code, reason=fractions.reason, fractions=fractions)


def _any(where: Bools) -> Bools:
    """Where one of the three fractions is concerned."""
    return np.asarray(where.any(axis=0), dtype=np.bool_)


def _outside(total: Whole, bounds: tuple[int, int]) -> Bools:
    return np.asarray((total < bounds[0]) | (total > bounds[1]), dtype=np.bool_)


def _percent(parts: Whole, fine: Bools) -> Floats:
    return np.where(fine, parts / MILLION, np.nan)
