"""IPCC Tier 1: default stocks of organic carbon and how land use changes them. Inventory context, not measurement.

Defaults of the 2019 Refinement to the 2006 IPCC Guidelines, volume 4: reference stocks of table 2.3 for 0-30 cm under
native vegetation, stock change factors of tables 5.5 and 6.2. Stocks of the 2006 edition differ much (88 t C/ha where
64 stands here); editions are never mixed. Use them as a band of plausibility, or labelled "Tier 1 default" where a
region has no data.

One value is in doubt, see DOUBTFUL: it is refused unless asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.columns import aligned

Floats = NDArray[np.float64]

CLIMATES = (
    "polar_dry",
    "polar_moist",
    "boreal_dry",
    "boreal_moist",
    "cool_temperate_dry",
    "cool_temperate_moist",
    "warm_temperate_dry",
    "warm_temperate_moist",
    "tropical_dry",
    "tropical_moist",
    "tropical_wet",
    "tropical_montane",
)

NOMINAL = "nominal"
"""Category whose factor is 1 by definition: native land, nominal management (full tillage), medium input."""

TRANSITION_YEARS = 20.0
"""Time in which a stock moves from one level to the next [yr]."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "soil_unknown": "The soil is not one of the groups of table 2.3.",
        "climate_unknown": "The climate is not one of the zones of the IPCC.",
        "category_unknown": "The land use, management or input is not one of the categories.",
        "categories_of_two_land_uses": "Categories of cropland and of grassland are mixed.",
        "no_default": "The IPCC gives no default for this combination.",
        "value_in_doubt": "The default is in doubt: two readings of the table differ, and neither was checked.",
    }
)
"""Why there is no default: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Default:
    """One default of the IPCC.

    value : stock [t C/ha in 0-30 cm] or factor [1]; None where `reason` says why. error : half-width of its 95 %
    interval, relative to the value; 0 for a factor that is 1 by definition. [%]
    n : profiles it rests on, None where not given. other : the other reading of a value in doubt.
    reason : None or a key of REASONS.
    """

    value: float | None = None
    error: float | None = None
    n: int | None = None
    other: float | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier1Stock:
    """Default stock of a piece of land with its 95 % interval [t C/ha in 0-30 cm], or the reason there is none.

    reference, land_use, management, input : the defaults it is the product of. error : relative half-width. [%]
    """

    reference: Default
    land_use: Default
    management: Default
    input: Default
    value: float | None = None
    error: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: str | None = None


_STOCKS: dict[str, tuple[tuple[float, float, int | None] | None, ...]] = {
    "high_activity_clay": (
        (59, 41, 24),
        (59, 41, 24),
        (63, 18, 35),
        (63, 18, 35),
        (43, 8, 177),
        (81, 5, 334),
        (24, 5, 781),
        (64, 5, 489),
        (21, 5, 554),
        (40, 7, 226),
        (60, 8, 137),
        (51, 10, 114),
    ),
    "low_activity_clay": (
        None,
        None,
        None,
        None,
        (33, 90, None),
        (76, 51, 6),
        (19, 16, 41),
        (55, 8, 183),
        (19, 10, 135),
        (38, 5, 326),
        (52, 6, 271),
        (44, 11, 84),
    ),
    "sandy": (
        (27, 67, 18),
        (27, 67, 18),
        (10, 90, None),
        (10, 90, None),
        (13, 33, 10),
        (51, 13, 126),
        (10, 5, 338),
        (36, 23, 39),
        (9, 9, 164),
        (27, 12, 76),
        (46, 20, 43),
        (52, 34, 11),
    ),
    "spodic": (
        None,
        None,
        (117, 90, None),
        (117, 90, None),
        None,
        (128, 14, 45),
        None,
        (143, 30, 9),
        None,
        None,
        None,
        None,
    ),
    "volcanic": (
        None,
        None,
        (20, 90, None),
        (20, 90, None),
        (20, 90, None),
        (136, 14, 28),
        (84, 65, 10),
        (138, 12, 42),
        (50, 90, None),
        (70, 90, None),
        (77, 27, 14),
        (96, 31, 10),
    ),
    "wetland": (
        None,
        None,
        (116, 65, 6),
        (116, 65, 6),
        (87, 90, None),
        (128, 13, 42),
        (74, 17, 49),
        (135, 28, 28),
        (22, 17, 32),
        (68, 17, 55),
        (49, 19, 33),
        (82, 50, 12),
    ),
}

_FACTORS: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("land_use", "perennial_crops"): (
        (0.72, 22),
        (0.72, 22),
        (0.72, 22),
        (0.72, 22),
        (0.72, 22),
        (0.72, 22),
        (1.01, 25),
        (1.01, 25),
        (1.01, 25),
        (1.01, 50),
    ),
    ("land_use", "paddy_rice_cultivation"): (
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
        (1.35, 4),
    ),
    ("land_use", "annual_crops_wet"): (
        (0.71, 41),
        (0.71, 41),
        (0.71, 41),
        (0.71, 41),
        (0.71, 41),
        (0.71, 41),
        (0.92, 13),
        (0.83, 11),
        (0.83, 11),
        (0.86, 50),
    ),
    ("land_use", "annual_crops"): (
        (0.77, 14),
        (0.7, 12),
        (0.77, 14),
        (0.7, 12),
        (0.76, 12),
        (0.69, 16),
        (0.92, 13),
        (0.83, 11),
        (0.83, 11),
        (0.86, 50),
    ),
    ("land_use", "set_aside"): (
        (0.93, 11),
        (0.82, 17),
        (0.93, 11),
        (0.82, 17),
        (0.93, 11),
        (0.82, 17),
        (0.93, 11),
        (0.82, 17),
        (0.82, 17),
        (0.88, 50),
    ),
    ("management", "severely_degraded"): (
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
        (0.7, 40),
    ),
    ("management", "improved_grassland"): (
        (1.14, 11),
        (1.14, 11),
        (1.14, 11),
        (1.14, 11),
        (1.14, 11),
        (1.14, 11),
        (1.17, 9),
        (1.17, 9),
        (1.17, 9),
        (1.16, 40),
    ),
    ("management", "high_intensity_grazing"): (
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
        (0.9, 8),
    ),
    ("management", "reduced_tillage"): (
        (0.98, 5),
        (1.04, 4),
        (0.98, 5),
        (1.04, 4),
        (0.99, 3),
        (1.05, 4),
        (0.99, 7),
        (1.04, 7),
        (1.04, 7),
        (1.02, 50),
    ),
    ("management", "no_tillage"): (
        (1.03, 4),
        (1.09, 4),
        (1.03, 4),
        (1.09, 4),
        (1.04, 3),
        (1.1, 4),
        (1.04, 7),
        (1.1, 5),
        (1.1, 5),
        (1.08, 50),
    ),
    ("input", "grassland_high"): (
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
        (1.11, 7),
    ),
    ("input", "cropland_high_with_manure"): (
        (1.37, 12),
        (1.44, 13),
        (1.37, 12),
        (1.44, 13),
        (1.37, 12),
        (1.44, 13),
        (1.37, 12),
        (1.44, 13),
        (1.44, 13),
        (1.41, 50),
    ),
    ("input", "cropland_high_without_manure"): (
        (1.04, 13),
        (1.11, 10),
        (1.04, 13),
        (1.11, 10),
        (1.04, 13),
        (1.11, 10),
        (1.04, 13),
        (1.11, 10),
        (1.11, 10),
        (1.08, 50),
    ),
    ("input", "cropland_low"): (
        (0.95, 13),
        (0.92, 14),
        (0.95, 13),
        (0.92, 14),
        (0.95, 13),
        (0.92, 14),
        (0.95, 13),
        (0.92, 14),
        (0.92, 14),
        (0.94, 50),
    ),
}

SOILS = tuple(_STOCKS)

REFERENCE_STOCKS: Mapping[tuple[str, str], Default] = MappingProxyType(
    {
        (soil, climate): Default(value=float(entry[0]), error=float(entry[1]), n=entry[2])
        for soil, row in _STOCKS.items()
        for climate, entry in zip(CLIMATES, row, strict=True)
        if entry is not None
    }
)
"""Stock under native vegetation by soil and climate: table 2.3 [t C/ha in 0-30 cm]."""

FACTORS: Mapping[tuple[str, str, str], Default] = MappingProxyType(
    {
        (kind, category, climate): Default(value=float(value), error=float(error))
        for (kind, category), row in _FACTORS.items()
        for climate, (value, error) in zip(CLIMATES[2:], row, strict=True)
    }
)
"""Stock change factor by kind (land_use, management, input), category and climate; none for polar zones [1]."""

GRASSLAND = frozenset({"improved_grassland", "high_intensity_grazing", "severely_degraded", "grassland_high"})
"""Categories of grassland; the others are of cropland."""

MISREAD: Mapping[tuple[str, str, str], float] = MappingProxyType(
    {("land_use", "perennial_crops", climate): 1.1 for climate in ("tropical_dry", "tropical_moist", "tropical_wet")}
)
"""Factors that software carries with another value: the library of HESTIA has 1.1 where table 5.5 has 1.01. The table
was transcribed independently, for the land use change model jdluc (cornerstone-data): 0.72 in temperate zones, 1.01 in
the tropics, 1.35 for paddy rice and 0.69 to 0.92 for annual crops, all other numbers equal to ours."""

DOUBTFUL: Mapping[tuple[str, str, str], float] = MappingProxyType(
    {("land_use", "perennial_crops", "tropical_montane"): 1.1}
)
"""Values in doubt and their other reading. For perennial crops of tropical mountains the library of HESTIA has 1.1,
which it also has, wrongly, for the rest of the tropics; no transcription names the mountains. Open the table first."""


def reference_stock(soil: str, climate: str) -> Default:
    """Default stock under native vegetation in 0-30 cm [t C/ha].

    soil : one of SOILS. climate : one of CLIMATES. Anything else, or a combination without default, gives a reason.

    Example: high activity clay soils in the warm temperate moist zone hold 64 t C/ha ± 5 %.
    """
    if soil not in SOILS:
        return Default(reason="soil_unknown")
    if climate not in CLIMATES:
        return Default(reason="climate_unknown")
    return REFERENCE_STOCKS.get((soil, climate), Default(reason="no_default"))


def stock_change_factor(kind: str, category: str, climate: str, *, accept_doubtful: bool = False) -> Default:
    """Default factor by which land use, management or input changes a stock in 20 years [1].

    kind : land_use, management or input. category : of FACTORS, or nominal, which is 1. climate : one of CLIMATES.
    accept_doubtful : give a value in doubt, with its other reading, instead of refusing it.

    Example: long-term annual crops in the warm temperate moist zone leave 0.69 of the stock.
    """
    if climate not in CLIMATES:
        return Default(reason="climate_unknown")
    if category == NOMINAL:
        return Default(value=1.0, error=0.0)
    if (kind, category) not in _FACTORS:
        return Default(reason="category_unknown")
    found = FACTORS.get((kind, category, climate), Default(reason="no_default"))
    other = DOUBTFUL.get((kind, category, climate))
    if other is None:
        return found
    if not accept_doubtful:
        return Default(other=other, reason="value_in_doubt")
    return Default(value=found.value, error=found.error, other=other)


def tier1_stock(
    soil: str,
    climate: str,
    *,
    land_use: str = NOMINAL,
    management: str = NOMINAL,
    input_level: str = NOMINAL,
    accept_doubtful: bool = False,
) -> Tier1Stock:
    """Default stock of land under a use, after 20 years of it [t C/ha in 0-30 cm].

    soil, climate : as in reference_stock. land_use, management, input_level : categories, see stock_change_factor.

        SOC = SOC_REF F_LU F_MG F_I        error² = Σ of the squared relative errors

    2006 IPCC Guidelines, volume 4, equation 2.25; errors by the product rule of volume 1, equation 3.1.

    Example: annual crops without tillage on high activity clay, warm temperate moist: 64 x 0.69 x 1.10 = 48.6 t C/ha.
    """
    parts = (
        reference_stock(soil, climate),
        stock_change_factor("land_use", land_use, climate, accept_doubtful=accept_doubtful),
        stock_change_factor("management", management, climate, accept_doubtful=accept_doubtful),
        stock_change_factor("input", input_level, climate, accept_doubtful=accept_doubtful),
    )
    found = Tier1Stock(reference=parts[0], land_use=parts[1], management=parts[2], input=parts[3])
    return _multiplied(found, parts, (land_use, management, input_level))


def annual_change(current: ArrayLike, earlier: ArrayLike, area: ArrayLike = 1.0, *, elapsed: float = 20.0) -> Floats:
    """Yearly change of the stock of land that changed its use [t C/yr, for an area of 1 ha t C/ha/yr].

    current, earlier : default stocks of the uses now and before. [t C/ha]        area : [ha]
    elapsed : years between the two inventories. [yr]

        ΔC = Σ A (SOC_0 - SOC_(0-T)) / D        D : 20 years, or the time elapsed if it is longer

    One number per piece of land, to be added up. NaN in is NaN out; negative stocks or areas are NaN. Raises
    ValueError for a time not above zero.

    Example: from 44.2 to 64 t C/ha on 10 ha: 10 x 19.8 / 20 = 9.9 t C/yr.
    """
    if not elapsed > 0:
        raise ValueError(f"elapsed is {elapsed:g} years; it must be above zero")
    now, before, hectares = aligned(current=current, earlier=earlier, area=area)
    usable = (now >= 0) & (before >= 0) & (hectares >= 0)
    change = np.where(usable, now - before, np.nan) * hectares / max(TRANSITION_YEARS, elapsed)
    return np.asarray(change, dtype=np.float64)


def _multiplied(found: Tier1Stock, parts: tuple[Default, ...], categories: tuple[str, ...]) -> Tier1Stock:
    reasons = [part.reason for part in parts if part.reason is not None]
    named = [category for category in categories if category != NOMINAL]
    if not reasons and len({category in GRASSLAND for category in named}) > 1:
        reasons = ["categories_of_two_land_uses"]
    if reasons:
        return replace(found, reason=reasons[0])
    value = float(np.prod([part.value or 0.0 for part in parts]))
    error = float(np.sqrt(sum((part.error or 0.0) ** 2 for part in parts)))
    half = value * error / 100.0
    return replace(found, value=value, error=error, lower=max(value - half, 0.0), upper=value + half)
