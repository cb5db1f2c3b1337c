"""From what the laboratory measured to organic carbon of the oven-dry fine earth, with the uncertainty it adds.

Every conversion has a name and a version, and carries both with its result. Its factor is an error common to all
values it is applied to: it goes to `u_systematic` and does not shrink in a mean. No conversion is applied twice: a
result remembers what made it, and a laboratory's own correction has to be stated. What cannot be converted has no
value but a reason, value by value, so that one bad row stops nothing.

Contents are in [g/kg] of the oven-dry fine earth (< 2 mm), as everywhere in this room, unless stated otherwise.
Never mix conversions within one trend: a change of method between two dates does not average out.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.properties import PROPERTIES
from app.soil.reasons import first_reason
from app.soil.units import UnknownUnit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[Any]

CARBON_IN_CARBONATE = 0.12
"""Mass of carbon per mass of calcium carbonate: 12.011 / 100.087 [g/g]."""

ORGANIC_MATTER_FACTOR = 2.0
"""Organic matter per organic carbon where the laboratory states no factor: half of organic matter is carbon [g/g]."""

ORGANIC_MATTER_FACTORS = (1.4, 2.5)
"""Factors found in soils; the traditional 1.724 (Van Bemmelen) is too low for most of them [g/g]."""

WALKLEY_BLACK_FACTOR = 1.3
"""Organic carbon per carbon oxidised without external heat: a recovery of 77 % [g/g]."""

WALKLEY_BLACK_FACTORS = (1.0, 1.385)
"""Factors found in soils, from deserts of China to rubber plantations of Kerala [g/g]."""

LARGEST_WALKLEY_BLACK_FACTOR = 1.6
"""A stated factor above this is no recovery; 1.724 would be one to organic matter [g/g]."""

CARBONATE_FREE_PH = 6.5
"""pH in water below which a soil holds no carbonate worth counting."""

INORGANIC_SHARE = 0.5
"""Share of inorganic in total carbon above which the difference of the two is of little use [g/g]."""

TOLERATED_DIFFERENCE = -0.5
"""Lowest difference of total and inorganic carbon that is an error of measurement [g/kg]."""

STRUCTURAL_WATER = 0.1
"""Mass that clay loses on ignition at 550 °C without holding carbon, per mass of clay [g/g]."""

CENSORED_SHARE = 0.15
"""Share of values below the detection limit up to which half the limit stands for them in a mean."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "There is no value to convert.",
        "already_converted": "The value is already organic carbon by a conversion; none is applied twice.",
        "out_of_range": "The value cannot be true.",
        "carbonates_possible": "Nothing excludes carbonates, so total carbon may be partly inorganic.",
        "inorganic_exceeds_total": "There is more inorganic than total carbon.",
        "correction_not_stated": "The source does not say whether the laboratory already corrected for recovery.",
        "factor_out_of_range": "The stated factor is none that is found in soils.",
        "calibration_missing": "There is no local calibration.",
        "calibration_exceeded": "The value lies outside the range of the local calibration.",
        "error_not_stated": "The source does not give the error of the prediction.",
        "water_out_of_range": "The water content cannot be true.",
        "result_out_of_range": "What the value converts to cannot be true.",
    }
)
"""Why a value was not converted: stable code to sentence."""

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "inorganic_dominates": "More than half of the carbon is inorganic: the difference is uncertain.",
        "difference_below_zero": "The difference was slightly negative and was set to zero.",
        "factor_not_stated": "The laboratory's factor is not known; the general one was used.",
        "loi_uncalibrated": "Half of the loss on ignition: a rough figure.",
        "correction_assumed": "Corrected and uncorrected are both possible: their middle was used.",
    }
)
"""What a reader should know about a converted value: code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """One named way from a reported quantity to another. `source`, `target` : what it takes and gives."""

    id: str
    version: str
    source: str
    target: str
    equation: str
    reference: str


_ALL = (
    Conversion(
        id="oven_dry",
        version="1",
        source="any content, air-dry",
        target="the same, oven-dry",
        equation="C_od = C_ad / (1 - w)",
        reference="ISO 11465:1993",
    ),
    Conversion(
        id="total_carbon",
        version="1",
        source="total_c",
        target="soc",
        equation="SOC = TC",
        reference="ISO 10694:1995",
    ),
    Conversion(
        id="total_less_inorganic",
        version="1",
        source="total_c, inorganic_c",
        target="soc",
        equation="SOC = TC - IC",
        reference="ISO 10694:1995",
    ),
    Conversion(
        id="carbonate",
        version="1",
        source="caco3",
        target="inorganic_c",
        equation="IC = 0.12 CaCO3",
        reference="GloSIS InOrgC_calcul-caco3; ISO 10693:1995",
    ),
    Conversion(
        id="organic_matter",
        version="1",
        source="organic_matter",
        target="soc",
        equation="SOC = OM / f",
        reference="Pribyl 2010, Geoderma 156:75, doi:10.1016/j.geoderma.2010.02.003",
    ),
    Conversion(
        id="loss_on_ignition_calibrated",
        version="1",
        source="loss on ignition",
        target="soc",
        equation="SOC = a LOI + b",
        reference="Hoogsteen et al. 2015, Eur. J. Soil Sci. 66:320, doi:10.1111/ejss.12224",
    ),
    Conversion(
        id="loss_on_ignition",
        version="1",
        source="loss on ignition",
        target="soc",
        equation="SOC = LOI / 2",
        reference="Hoogsteen et al. 2015, Eur. J. Soil Sci. 66:320, doi:10.1111/ejss.12224",
    ),
    Conversion(
        id="walkley_black",
        version="1",
        source="soc by wet oxidation",
        target="soc",
        equation="SOC = 1.3 C",
        reference="Walkley & Black 1934, Soil Sci. 37:29, doi:10.1097/00010694-193401000-00003",
    ),
    Conversion(
        id="spectroscopy",
        version="1",
        source="soc predicted from spectra",
        target="soc",
        equation="SOC = C",
        reference="as reported, with the error of its validation",
    ),
)

CONVERSIONS: Mapping[str, Conversion] = MappingProxyType({entry.id: entry for entry in _ALL})
"""All conversions by id."""

_TO_SOC = frozenset(entry.id for entry in _ALL if entry.target == "soc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """Values of one property made from those of another; arrays of the shape of the input.

    property : code of app.soil.properties. value : NaN where `reason` says why. [g/kg]
    u_random, u_systematic : standard uncertainty of its own, and common to all values of one conversion. [g/kg]
    source : where each value comes from, a word that app.soil.carbon takes as a status.
    conversions : id and version of everything applied so far, in order.
    reason : None or a key of REASONS. flag : None or a key of FLAGS.
    """

    property: str
    value: Floats
    u_random: Floats
    u_systematic: Floats
    source: Objects
    conversions: tuple[str, ...]
    reason: Objects
    flag: Objects


def oven_dry(
    values: "ArrayLike | Converted",
    water: ArrayLike,
    *,
    u_values: ArrayLike = 0.0,
    u_water: ArrayLike = 0.0,
    of: str = "soc",
) -> Converted:
    """Content of the oven-dry soil from that of the air-dry soil (ISO 11465).

    values : content per mass of air-dry soil [g/kg]. water : mass lost at 105 °C per mass of air-dry soil [0-1].
    u_values, u_water : their standard uncertainties [as the values]. of : code of the property.

        C_od = C_ad / (1 - w)

    By hand: 19.6 g/kg in soil with 2 % of water is 20 g/kg. Two per cent are five years of 4 per mille. Refused where
    the water is missing, negative or half of the mass and more, and where it was applied before.
    """
    given = _given(values, u_values, of, "oven_dry")
    share = _like(water, given.value, "water")
    possible = (share >= 0) & (share < 0.5)
    dry = np.where(possible, 1.0 - share, np.nan)
    faults = given.faults | {"water_out_of_range": ~possible}
    value = given.value / dry
    random = np.hypot(given.u_random / dry, value / dry * _like(u_water, given.value, "u_water"))
    return _converted(given, "oven_dry", of, given.source, value, random, given.u_systematic / dry, faults)


def soc_from_total_carbon(
    total: "ArrayLike | Converted",
    *,
    ph_h2o: ArrayLike = np.nan,
    carbonate_free: ArrayLike = False,
    u_total: ArrayLike = 0.0,
) -> Converted:
    """Organic carbon of a soil without carbonates: all of its total carbon by dry combustion (ISO 10694).

    total : total carbon [g/kg]. ph_h2o : pH in water, NaN if not measured. carbonate_free : no fizz with acid, or
    carbonates measured as none. u_total : standard uncertainty [g/kg].

        SOC = TC        valid if pH(H2O) < 6.5 or a test finds no carbonate

    Refused where neither holds: in calcareous soil inorganic carbon would count as organic.
    """
    given = _given(total, u_total, "total_c", "total_carbon")
    ph = _like(ph_h2o, given.value, "ph_h2o")
    free = np.broadcast_to(np.asarray(carbonate_free, dtype=np.bool_), given.value.shape)
    faults = given.faults | {"carbonates_possible": ~(free | (ph < CARBONATE_FREE_PH))}
    return _converted(
        given, "total_carbon", "soc", "measured_dc", given.value, given.u_random, given.u_systematic, faults
    )


def soc_from_total_and_inorganic_carbon(
    total: "ArrayLike | Converted",
    inorganic: "ArrayLike | Converted",
    *,
    u_total: ArrayLike = 0.0,
    u_inorganic: ArrayLike = 0.0,
) -> Converted:
    """Organic carbon as the difference of total and inorganic carbon (ISO 10694).

    total, inorganic : [g/kg]; inorganic may be the result of inorganic_from_carbonate. u_total, u_inorganic :
    standard uncertainties [g/kg].

        SOC = TC - IC        u² = u_TC² + u_IC²

    Flagged where more than half of the carbon is inorganic. A difference down to -0.5 g/kg is an error of measurement
    and becomes zero, flagged; a lower one is refused. By hand: 30 ± 0.6 less 18 ± 0.8 is 12 ± 1.0 g/kg.
    """
    given = _given(total, u_total, "total_c", "total_less_inorganic")
    other = _given(inorganic, u_inorganic, "inorganic_c", "total_less_inorganic", given.value)
    difference = given.value - other.value
    faults = {code: given.faults[code] | other.faults[code] for code in given.faults}
    faults["inorganic_exceeds_total"] = difference < TOLERATED_DIFFERENCE
    flag = np.where(other.value > INORGANIC_SHARE * given.value, "inorganic_dominates", _NO_FLAG)
    return _converted(
        given,
        "total_less_inorganic",
        "soc",
        "measured_dc",
        np.maximum(difference, 0.0),
        np.hypot(given.u_random, other.u_random),
        given.u_systematic + other.u_systematic,
        faults,
        np.where(difference < 0, "difference_below_zero", flag),
        other.conversions,
    )


def inorganic_from_carbonate(caco3: "ArrayLike | Converted", *, u_caco3: ArrayLike = 0.0) -> Converted:
    """Inorganic carbon from carbonates expressed as calcium carbonate (GloSIS InOrgC_calcul-caco3).

    caco3 : calcium carbonate equivalent [g/kg]. u_caco3 : standard uncertainty [g/kg].

        IC = 0.12 CaCO3        0.12 = 12.011 / 100.087

    Exact by the definition of the equivalent, so the factor adds no uncertainty. By hand: 150 g/kg hold 18 g/kg of
    carbon.
    """
    given = _given(caco3, u_caco3, "caco3", "carbonate")
    value, random, systematic = (
        CARBON_IN_CARBONATE * part for part in (given.value, given.u_random, given.u_systematic)
    )
    return _converted(given, "carbonate", "inorganic_c", "measured", value, random, systematic, given.faults)


def soc_from_organic_matter(
    organic_matter: "ArrayLike | Converted", factor: ArrayLike = np.nan, *, u_organic_matter: ArrayLike = 0.0
) -> Converted:
    """Organic carbon from organic matter (Pribyl 2010).

    organic_matter : as reported [g/kg]. factor : organic matter per organic carbon with which the laboratory had
    computed it, often 1.724, NaN if not stated [g/g]. u_organic_matter : standard uncertainty [g/kg].

        SOC = OM / f        f as stated, otherwise 2

    A stated factor only undoes the laboratory's own step and adds no uncertainty. Without one f lies anywhere between
    1.4 and 2.5: as a rectangular distribution u_f = 1.1 / √12 = 0.32, that is 16 % of the value, common to all, and
    flagged. Refused for a factor outside that range. By hand: 34.48 g/kg stated with 1.724 are 20 g/kg; 40 g/kg
    without a factor are 20 ± 3.2 g/kg.
    """
    given = _given(organic_matter, u_organic_matter, "organic_matter", "organic_matter")
    stated = _like(factor, given.value, "factor")
    low, high = ORGANIC_MATTER_FACTORS
    general = np.isnan(stated)
    possible = general | ((stated >= low) & (stated <= high))
    used = np.where(general, ORGANIC_MATTER_FACTOR, np.where(possible, stated, np.nan))
    value = given.value / used
    return _converted(
        given,
        "organic_matter",
        "soc",
        "om_converted",
        value,
        given.u_random / used,
        np.hypot(given.u_systematic / used, np.where(general, value * _rectangular(low, high) / used, 0.0)),
        given.faults | {"factor_out_of_range": ~possible},
        np.where(general, "factor_not_stated", _NO_FLAG),
    )


def soc_from_calibrated_loss_on_ignition(
    loss: ArrayLike,
    *,
    slope: float,
    intercept: float,
    rmse: float,
    calibrated: tuple[float, float] = (0.0, 1000.0),
    u_loss: ArrayLike = 0.0,
) -> Converted:
    """Organic carbon from loss on ignition with a local calibration (Hoogsteen et al. 2015).

    loss : loss on ignition [g/kg]. slope [g/g], intercept [g/kg] and rmse [g/kg] : of the regression of organic
    carbon on loss for soils of the same kind. calibrated : range of loss in it [g/kg]. u_loss : [g/kg].

        SOC = a LOI + b        u² = (a u_LOI)² + RMSE²

    Refused without a calibration and outside its range. By hand: 60 g/kg with a = 0.5 and b = -4 are 26 g/kg.
    """
    given = _given(loss, u_loss, None, "loss_on_ignition_calibrated")
    known = bool(np.isfinite([slope, intercept, rmse]).all()) and rmse >= 0 and slope > 0
    outside = ~((given.value >= calibrated[0]) & (given.value <= calibrated[1]))
    faults = given.faults | {
        "calibration_missing": np.full(given.value.shape, not known),
        "calibration_exceeded": outside & ~given.faults["missing"],
    }
    return _converted(
        given,
        "loss_on_ignition_calibrated",
        "soc",
        "loi_converted",
        slope * given.value + intercept,
        np.hypot(slope * given.u_random, rmse),
        slope * given.u_systematic,
        faults,
    )


def soc_from_loss_on_ignition(loss: ArrayLike, *, clay: ArrayLike = np.nan, u_loss: ArrayLike = 0.0) -> Converted:
    """Organic carbon from loss on ignition without a calibration: half of it, always flagged.

    loss : loss on ignition at about 550 °C [g/kg]. clay : [%], NaN if not known. u_loss : [g/kg].

        SOC = LOI / 2

    Not valid above about 700 °C, where carbonates decay. Two errors are common to all values: the factor, as for
    organic matter 16 %; and the water in clay, up to a = 0.1 of the mass of clay, never organic, as a rectangular
    distribution from nothing to all of it about the value a / √3, halved. Without clay the second is not counted.
    By hand: 60 g/kg with 20 % of clay are 30 g/kg, u = √((30 x 0.159)² + (0.5 x 20 / √3)²) = 7.5 g/kg.
    """
    given = _given(loss, u_loss, None, "loss_on_ignition")
    value = given.value / ORGANIC_MATTER_FACTOR
    share = _like(clay, given.value, "clay")
    water = np.where(np.isnan(share), 0.0, STRUCTURAL_WATER * 10.0 * share) / ORGANIC_MATTER_FACTOR / np.sqrt(3.0)
    factor = value * _rectangular(*ORGANIC_MATTER_FACTORS) / ORGANIC_MATTER_FACTOR
    return _converted(
        given,
        "loss_on_ignition",
        "soc",
        "loi_converted",
        value,
        given.u_random / ORGANIC_MATTER_FACTOR,
        np.hypot(factor, water),
        given.faults | {"out_of_range": given.faults["out_of_range"] | (share < 0) | (share > 100)},
        np.full(value.shape, "loi_uncalibrated", dtype=object),
    )


def soc_from_walkley_black(
    carbon: "ArrayLike | Converted",
    applied_factor: ArrayLike,
    *,
    both_readings: bool = False,
    u_carbon: ArrayLike = 0.0,
) -> Converted:
    """Organic carbon from wet oxidation without external heat (Walkley & Black 1934).

    carbon : as reported [g/kg]. applied_factor : what the laboratory already multiplied with: 1 for none, 1.3 or the
    like if corrected, NaN if not stated [g/g]. both_readings : compute values of unstated correction as well.
    u_carbon : standard uncertainty [g/kg].

        SOC = 1.3 C        if nothing was applied, a recovery of 77 %
        SOC = C            if the laboratory applied its own factor

    The factor is no constant: 1.0 in deserts of China (Wang et al. 2012, doi:10.1371/journal.pone.0044334), 1.385
    under rubber in Kerala (Abraham 2013). As a rectangular distribution that is u = 0.385 / √12 = 0.11, or 8.5 % of
    the value, common to all. Refused where the correction is not stated, since applying it twice adds 30 %; with
    both_readings the middle of C and 1.3 C is given, flagged, and half of their distance added to the uncertainty.
    By hand: 10 g/kg uncorrected are 13 ± 1.1 g/kg; 13 g/kg corrected stay 13 ± 1.1 g/kg.
    """
    given = _given(carbon, u_carbon, "soc", "walkley_black")
    stated = _like(applied_factor, given.value, "applied_factor")
    unstated = np.isnan(stated)
    middle = (1.0 + WALKLEY_BLACK_FACTOR) / 2.0
    factor = np.where(stated == 1.0, WALKLEY_BLACK_FACTOR, np.where(unstated, middle, 1.0))
    value = given.value * factor
    recovery = value * _rectangular(*WALKLEY_BLACK_FACTORS) / WALKLEY_BLACK_FACTOR
    readings = np.where(unstated, given.value * (WALKLEY_BLACK_FACTOR - 1.0) / 2.0, 0.0)
    return _converted(
        given,
        "walkley_black",
        "soc",
        np.where(unstated, "measured_wc_assumed", "measured_wc_corrected").astype(object),
        value,
        given.u_random * factor,
        np.hypot(np.hypot(given.u_systematic * factor, recovery), readings),
        given.faults
        | {
            "correction_not_stated": unstated & (not both_readings),
            "factor_out_of_range": (stated < 1.0) | (stated > LARGEST_WALKLEY_BLACK_FACTOR),
        },
        np.where(unstated, "correction_assumed", _NO_FLAG),
    )


def soc_from_spectroscopy(carbon: ArrayLike, rmse: ArrayLike) -> Converted:
    """Organic carbon predicted from vis-NIR or MIR spectra: as reported, with the error of its validation.

    carbon : [g/kg]. rmse : root mean square error on independent samples [g/kg].

        SOC = C        u = RMSE

    The error is shared by all samples of one model and does not average out. Refused without it.
    """
    given = _given(carbon, 0.0, "soc", "spectroscopy")
    error = _like(rmse, given.value, "rmse")
    faults = given.faults | {"error_not_stated": ~(error >= 0) | np.isinf(error)}
    return _converted(given, "spectroscopy", "soc", "spectral", given.value, given.u_random, error, faults)


@dataclass(frozen=True, kw_only=True, slots=True)
class CensoredMean:
    """Mean of values some of which lie below a detection limit. `mean` is None where `reason` says why.

    share : share of values below their limit [0-1]. n : values that counted. reason : None, no_values,
    too_many_below_limit or above_range.
    """

    mean: float | None
    share: float
    n: int
    reason: str | None


def half_of_limit(values: ArrayLike, qualifiers: ArrayLike) -> Floats:
    """Values for a mean: half the detection limit where the qualifier is '<', the value itself where it is '='.

    values : measured values or, with '<', detection limits. qualifiers : '=', '<' or '>' for each value.

    The convention of the Brazilian soil data febr. A value above the range of the method, '>', has no such figure:
    NaN. Raises ValueError for another qualifier and for arrays of unequal shape.
    """
    value, said = np.asarray(values, dtype=np.float64), np.asarray(qualifiers, dtype=object)
    if value.shape != said.shape:
        raise ValueError(f"qualifiers has shape {said.shape}, values has {value.shape}")
    below, above = np.asarray(said == "<", dtype=np.bool_), np.asarray(said == ">", dtype=np.bool_)
    stray = ~(below | above | np.asarray(said == "=", dtype=np.bool_))
    if stray.any():
        raise ValueError(f"unknown qualifier '{said[stray][0]}'; accepted are =, <, >")
    return np.where(above, np.nan, np.where(below, value / 2.0, value))


def censored_mean(values: ArrayLike, qualifiers: ArrayLike) -> CensoredMean:
    """Mean of values of which few lie below the detection limit, half the limit standing for them.

    Parameters and errors as in half_of_limit; NaN is no value.

        mean = Σ y / n        y = x, or x / 2 where the result is < x; only if fewer than 15 % are

    With more, the mean would be that of the limits; with one value above the range of the method there is none. By
    hand: 4, 6, 8, 10, 6, 4, 8 and < 2 give 47 / 8 = 5.875, share 0.125.
    """
    value = np.asarray(values, dtype=np.float64)
    half = half_of_limit(value, qualifiers)
    said = np.asarray(qualifiers, dtype=object)
    has = ~np.isnan(value)
    n = int(has.sum())
    if n == 0:
        return CensoredMean(mean=None, share=0.0, n=0, reason="no_values")
    share = float((said[has] == "<").mean())
    if np.isnan(half[has]).any():
        return CensoredMean(mean=None, share=share, n=n, reason="above_range")
    if share >= CENSORED_SHARE:
        return CensoredMean(mean=None, share=share, n=n, reason="too_many_below_limit")
    return CensoredMean(mean=float(half[has].mean()), share=share, n=n, reason=None)


STOCK_UNITS: Mapping[str, float] = MappingProxyType(
    {"t/ha": 1.0, "Mg/ha": 1.0, "kg/m2": 10.0, "g/cm2": 100.0, "g/m2": 0.01, "kg/ha": 0.001}
)
"""Units of a published stock and their factors to [t/ha]."""

CARBON_DENSITY_UNITS: Mapping[str, float] = MappingProxyType({"kg/m3": 1.0, "hg/m3": 0.1, "g/dm3": 1.0, "t/m3": 1000.0})
"""Units of organic carbon per volume of soil and their factors to [kg/m3]; SoilGrids gives hg/m3."""


def stock_to_t_ha(values: ArrayLike, unit: str) -> Floats:
    """Published stocks in [t/ha], same shape as `values`. Raises UnknownUnit for anything but mass per area."""
    return _in_unit(values, unit, STOCK_UNITS, "Carbon stock")


def carbon_density_to_kg_m3(values: ArrayLike, unit: str) -> Floats:
    """Organic carbon per volume of soil in [kg/m3]. Raises UnknownUnit for anything but mass per volume."""
    return _in_unit(values, unit, CARBON_DENSITY_UNITS, "Carbon density")


# From here on: the steps of the functions above.

_NO_FLAG = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Given:
    value: Floats
    u_random: Floats
    u_systematic: Floats
    source: Objects
    conversions: tuple[str, ...]
    faults: dict[str, Bools]


def _rectangular(low: float, high: float) -> float:
    """Standard deviation of a quantity that lies anywhere between two limits (JCGM 100, 4.3.7)."""
    return (high - low) / float(np.sqrt(12.0))


def _words(word: str, like: Floats) -> Objects:
    return np.full(like.shape, word, dtype=object)


def _like(values: ArrayLike, other: Floats, name: str) -> Floats:
    try:
        return np.broadcast_to(np.asarray(values, dtype=np.float64), other.shape)
    except ValueError:
        raise ValueError(f"{name} has shape {np.shape(values)}, the values have {other.shape}") from None


def _given(
    values: "ArrayLike | Converted",
    uncertainty: ArrayLike,
    expected: str | None,
    conversion: str,
    like: Floats | None = None,
) -> _Given:
    """The input of a conversion as floats, with what is wrong with it before anything is computed."""
    if isinstance(values, Converted):
        applied = {step.split("/")[0] for step in values.conversions}
        twice = conversion in applied or (conversion != "oven_dry" and bool(applied & _TO_SOC))
        if not twice and values.property != expected:
            raise ValueError(f"{conversion} converts {expected}, not {values.property}")
        value, random, systematic = values.value, values.u_random, values.u_systematic
        source, steps = values.source, values.conversions
    else:
        value = np.array(values, dtype=np.float64)
        random, systematic = _like(uncertainty, value, "uncertainty"), np.zeros(value.shape)
        source, steps, twice = _words("measured", value), (), False
    if like is not None and value.shape != like.shape:
        value, random, systematic = (_like(part, like, "values") for part in (value, random, systematic))
    low, high = PROPERTIES[expected].possible if expected else (0.0, 1000.0)
    faults = {
        "missing": np.isnan(value),
        "already_converted": np.full(value.shape, twice),
        "out_of_range": (value < low) | (value > high) | ~(random >= 0) | np.isinf(random),
    }
    value = np.where(faults["out_of_range"], np.nan, value)
    return _Given(
        value=value, u_random=random, u_systematic=systematic, source=source, conversions=steps, faults=faults
    )


def _converted(
    given: _Given,
    conversion: str,
    target: str,
    source: str | Objects,
    value: Floats,
    u_random: Floats,
    u_systematic: Floats,
    faults: dict[str, Bools],
    flag: Objects | None = None,
    other_steps: tuple[str, ...] = (),
) -> Converted:
    low, high = PROPERTIES[target].possible
    found = faults | {"result_out_of_range": (value < low) | (value > high)}
    reason = first_reason({code: found[code] for code in REASONS if code in found})
    bad = np.logical_or.reduce(list(found.values()))
    flags = np.full(value.shape, None, dtype=object)
    if flag is not None:
        said = ~bad & np.asarray(flag != _NO_FLAG, dtype=np.bool_)
        flags[said] = np.asarray(flag, dtype=object)[said]
    return Converted(
        property=target,
        value=np.where(bad, np.nan, value),
        u_random=np.where(bad, np.nan, u_random),
        u_systematic=np.where(bad, np.nan, u_systematic),
        source=_words(source, value) if isinstance(source, str) else source,
        conversions=(*given.conversions, *other_steps, f"{conversion}/{CONVERSIONS[conversion].version}"),
        reason=reason,
        flag=flags,
    )


def _in_unit(values: ArrayLike, unit: str, table: Mapping[str, float], quantity: str) -> Floats:
    text = "".join(unicodedata.normalize("NFKC", unit).replace("\N{MINUS SIGN}", "-").split()).replace("^", "")
    written = {spelling: factor for key, factor in table.items() for spelling in _spellings(key)}
    if text not in written:
        raise UnknownUnit(f"{quantity}: unknown unit '{unit.strip()}'; accepted are {', '.join(table)}")
    return np.asarray(np.asarray(values, dtype=np.float64) * written[text], dtype=np.float64)


def _spellings(unit: str) -> tuple[str, str]:
    """A unit such as `kg/m2` with a stroke, and with a negative power, `kgm-2`."""
    mass, per = unit.split("/")
    return unit, f"{mass}{per.rstrip('23')}-{per[-1] if per[-1] in '23' else '1'}"
