"""Classes of single soil values: carbon to clay, pH, densities that stop roots, and the change of SDG 15.3.1.

Every bound is compared in whole numbers: a soil with 20 g/kg carbon and 26 % clay lies exactly at 1/13, and which side
it falls on must not depend on binary rounding. A class is a word, and a soil without one carries its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned
from app.soil.exact import MILLION, millionths
from app.soil.properties import is_possible
from app.soil.reasons import first_reason, is_given
from app.soil.texture import USDA_CLASSES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[Any]

SOC_CLAY_CLASSES: Mapping[str, int] = MappingProxyType({"very good": 8, "good": 10, "moderate": 13})
"""Least ratio of organic carbon to clay of each class as one over this number; below the last one it is degraded."""

DIRECTIVE_RATIO = 13
"""Carbon to clay above one over this number is the target of Directive (EU) 2025/2360, Annex I part A."""

ORGANIC_SOC = 120.0
LEAST_CLAY = 5.0

PH_CLASSES: Mapping[str, int] = MappingProxyType(
    {
        "ultra acid": 34,
        "extremely acid": 44,
        "very strongly acid": 50,
        "strongly acid": 55,
        "moderately acid": 60,
        "slightly acid": 65,
        "neutral": 73,
        "slightly alkaline": 78,
        "moderately alkaline": 84,
        "strongly alkaline": 90,
        "very strongly alkaline": 140,
    }
)
"""Highest pH of each class, in tenths."""

ROOT_RESTRICTING_DENSITY: Mapping[str, float] = MappingProxyType(
    {
        "s": 1.80,
        "ls": 1.80,
        "sl": 1.80,
        "l": 1.75,
        "scl": 1.75,
        "cl": 1.75,
        "si": 1.75,
        "sil": 1.65,
        "sicl": 1.65,
        "sc": 1.58,
        "sic": 1.58,
        "c": 1.47,
    }
)
"""Bulk density above which roots are restricted, by USDA texture class [g/cm3]. Two classes depend on clay, see
root_restriction."""

RICH_CLAY_LOAM = 35.0
POOR_CLAY = 45.0
DENSITY_OF_RICH_LOAM_AND_POOR_CLAY = 1.58

SDG_CHANGE = 10
"""Per cent of the baseline by which the stock must change to be degraded or improved."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "soc_missing": "No organic carbon content is given.",
        "soc_out_of_range": "The organic carbon content cannot be true.",
        "clay_missing": "No clay content is given.",
        "clay_out_of_range": "The clay content cannot be true.",
        "organic_soil": "With more than 120 g/kg organic carbon the soil is not mineral; the ratio to clay says nothing.",
        "clay_too_low": "With so little clay, less than 5 % unless set otherwise, the ratio rewards sand; no class is given.",
        "ph_missing": "No pH is given.",
        "ph_out_of_range": "The pH cannot be true.",
        "texture_class_unknown": "The texture class is missing or not one of the USDA classes.",
        "bulk_density_missing": "No bulk density is given.",
        "bulk_density_out_of_range": "The bulk density cannot be true.",
        "stock_missing": "One of the two stocks is missing.",
        "baseline_not_positive": "The baseline stock is not above zero, so a relative change has no meaning.",
        "stock_out_of_range": "A stock is negative or not finite.",
    }
)
"""Why there is no class: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SocClay:
    """Carbon to clay of each soil.

    ratio : organic carbon per clay, both as mass shares; NaN where `reason` says why. [1]
    code : very good, good, moderate or degraded (Prout et al. 2021); None without a ratio.
    meets_directive : whether the ratio lies above 1/13; None without a ratio.
    reason : None or a key of REASONS.
    """

    ratio: Floats
    code: Objects
    meets_directive: Objects
    reason: Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Classes:
    """One class per soil: a word, None where `reason`, a key of REASONS, says why there is none."""

    code: Objects
    reason: Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class RootRestriction:
    """Whether density stops roots: `limit` [g/cm3], `restricts` True or False, None where `reason` says why."""

    limit: Floats
    restricts: Objects
    reason: Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class SdgChange:
    """Class of the change of carbon stocks, for SDG indicator 15.3.1.

    change : change of the stock, relative to the baseline; NaN where `reason` says why. [%]
    status : -1 degraded, 0 stable, 1 improved by size alone; None without a change.
    significant : whether the interval of the change leaves out zero; None where no interval was given.
    supported : the status where the change is significant, 0 where it is not; None where that is not known.
    reason : None or a key of REASONS.
    """

    change: Floats
    status: Objects
    significant: Objects
    supported: Objects
    reason: Objects


def soc_to_clay(soc: ArrayLike, clay: ArrayLike, *, least_clay: float = LEAST_CLAY) -> SocClay:
    """Organic carbon to clay of mineral topsoils, its class and the target of the Soil Monitoring Directive.

    soc : organic carbon of the fine earth, of 0-20 or 0-30 cm. [g/kg]
    clay : particles below 2 µm. [%]
    least_clay : clay below which no class is given. [%]

        ratio = SOC / (10 clay)        at least 1/8 very good, 1/10 good, 1/13 moderate, below degraded

    At exactly 1/13 the class is moderate, while the Directive asks for more than 1/13. Compared as 13 SOC against
    10 clay in whole millionths. Refused above 120 g/kg carbon and below 5 % clay, where the ratio misleads: our judgement, no authority's. It punishes
    clay soils and rewards sands everywhere: Poeplau & Don 2023, doi:10.1111/sum.12921; Mäkipää et al. 2024,
    doi:10.1016/j.geoderma.2024.116862.

    Prout et al. 2021, Eur. J. Soil Sci. 72:2493, doi:10.1111/ejss.13012, after Johannes et al. 2017, Geoderma 302:14,
    doi:10.1016/j.geoderma.2017.04.021; Directive (EU) 2025/2360, Annex I part A.

    Example: 20 g/kg carbon and 26 % clay give 20/260 = 1/13: moderate, and the target is not met.
    """
    carbon, particles = aligned(soc=soc, clay=clay)
    reason = first_reason(
        {
            "soc_missing": np.isnan(carbon),
            "soc_out_of_range": ~is_possible("soc", carbon),
            "clay_missing": np.isnan(particles),
            "clay_out_of_range": ~is_possible("clay", particles),
            "organic_soil": carbon > ORGANIC_SOC,
            "clay_too_low": (particles < least_clay) | (particles == 0),
        }
    )
    given = is_given(reason)
    c, t = millionths(carbon), 10 * millionths(particles)
    code = first_reason({name: least * c >= t for name, least in SOC_CLAY_CLASSES.items()})
    code[is_given(code)] = "degraded"
    ratio = np.full(carbon.shape, np.nan)
    np.divide(carbon, 10.0 * particles, out=ratio, where=given)
    return SocClay(
        ratio=ratio,
        code=_only(code, given),
        meets_directive=_only(DIRECTIVE_RATIO * c > t, given),
        reason=reason,
    )


def ph_class(ph_h2o: ArrayLike) -> Classes:
    """Reaction class of the USDA from the pH in water (1:1), one of PH_CLASSES.

    ph_h2o : not pH in calcium or potassium chloride, which lie 0.5 to 1 lower. [1]

    The pH is rounded to one decimal first, halves up. Soil Science Division Staff 2017, Soil Survey Manual, USDA
    Handbook 18, chapter 3: ultra acid lies below 3.5, so 3.5 is extremely acid.

    Example: 5.04 is read as 5.0, very strongly acid; 5.05 as 5.1, strongly acid.
    """
    (ph,) = aligned(ph_h2o=ph_h2o)
    reason = first_reason({"ph_missing": np.isnan(ph), "ph_out_of_range": ~is_possible("ph_h2o", ph)})
    tenths = (millionths(ph) + MILLION // 20) // (MILLION // 10)
    code = first_reason({name: tenths <= highest for name, highest in PH_CLASSES.items()})
    return Classes(code=_only(code, is_given(reason)), reason=reason)


def root_restriction(usda_class: ArrayLike, clay: ArrayLike, bulk_density: ArrayLike) -> RootRestriction:
    """Whether bulk density restricts the growth of roots, by texture.

    usda_class : key of app.soil.texture.USDA_CLASSES for each soil.
    clay : particles below 2 µm, needed for clay loam and clay. [%]
    bulk_density : dry bulk density of the soil without coarse fragments. [g/cm3]

    Restricted above ROOT_RESTRICTING_DENSITY. Clay loam from 35 % clay and clay up to 45 % take 1.58 g/cm3. The source
    names loam and silt loam in two rows; the stricter one holds here. It does not name clay of 40-45 %, which takes
    the limit of the rows beside it. These are not the numbers of Directive (EU) 2025/2360.

    USDA NRCS 2008, Soil Quality Indicators: Bulk Density.

    Example: clay loam with 30 % clay is restricted above 1.75 g/cm3, with 35 % above 1.58 g/cm3.
    """
    names = np.atleast_1d(np.asarray(usda_class, dtype=object))
    particles, density, _ = aligned(clay=clay, bulk_density=bulk_density, usda_class=np.zeros(names.shape))
    names = np.broadcast_to(names, density.shape)
    needs_clay = np.asarray((names == "cl") | (names == "c"), dtype=np.bool_)
    known = np.zeros(density.shape, dtype=np.bool_)
    limit = np.full(density.shape, np.nan)
    for name in USDA_CLASSES:
        here = np.asarray(names == name, dtype=np.bool_)
        known |= here
        limit[here] = ROOT_RESTRICTING_DENSITY[name]
    rich_loam = (names == "cl") & (particles >= RICH_CLAY_LOAM)
    poor_clay = (names == "c") & (particles <= POOR_CLAY)
    limit[np.asarray(rich_loam | poor_clay, dtype=np.bool_)] = DENSITY_OF_RICH_LOAM_AND_POOR_CLAY
    reason = first_reason(
        {
            "texture_class_unknown": ~known,
            "clay_missing": needs_clay & np.isnan(particles),
            "clay_out_of_range": needs_clay & ~is_possible("clay", particles),
            "bulk_density_missing": np.isnan(density),
            "bulk_density_out_of_range": ~is_possible("bulk_density_fine_earth", density),
        }
    )
    given = is_given(reason)
    return RootRestriction(
        limit=np.where(given, limit, np.nan),
        restricts=_only(millionths(density) > millionths(limit), given),
        reason=reason,
    )


def sdg_15_3_1(
    baseline: ArrayLike,
    current: ArrayLike,
    *,
    lower: ArrayLike = np.nan,
    upper: ArrayLike = np.nan,
    bound_counts: bool = True,
) -> SdgChange:
    """Change of carbon stocks in the classes of SDG indicator 15.3.1, by size and by significance.

    baseline, current : stocks of the same depth or mass. [t/ha]
    lower, upper : confidence interval of the difference current - baseline, NaN where unknown. [t/ha]
    bound_counts : whether a change of exactly 10 % counts as one, as Trends.Earth computes it. The text of the
        guidance says more than 10 %: False.

        change = 100 (current - baseline) / baseline        -10 % or less degraded, +10 % or more improved

    UNCCD 2021, Good Practice Guidance SDG Indicator 15.3.1, version 2.

    Example: from 50 to 45 t/ha is exactly -10 %: degraded, and stable if the bound does not count.
    """
    first, second, low, high = aligned(baseline=baseline, current=current, lower=lower, upper=upper)
    reason = first_reason(
        {
            "stock_missing": np.isnan(first) | np.isnan(second),
            "stock_out_of_range": ~np.isfinite(first) | ~np.isfinite(second) | (second < 0),
            "baseline_not_positive": ~(first > 0),
        }
    )
    given = is_given(reason)
    whole = 100 * (millionths(second) - millionths(first))
    bound = SDG_CHANGE * millionths(first)
    falls, rises = (whole <= -bound, whole >= bound) if bound_counts else (whole < -bound, whole > bound)
    status = rises.astype(np.int64) - falls.astype(np.int64)
    judged = given & ~np.isnan(low) & ~np.isnan(high)
    significant = (low > 0) | (high < 0)
    change = np.full(first.shape, np.nan)
    np.divide(100.0 * (second - first), first, out=change, where=given)
    return SdgChange(
        change=change,
        status=_only(status, given),
        significant=_only(significant, judged),
        supported=_only(np.where(significant, status, 0), judged),
        reason=reason,
    )


def _only(values: NDArray[Any], given: Bools) -> Objects:
    """Values as plain objects, None where nothing is given."""
    found = values.astype(object)
    found[~given] = None
    return found
