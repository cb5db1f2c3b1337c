"""Pedotransfer functions: bulk density from carbon and texture where none was measured, one function per source.

A measured density always wins. A predicted one is off by 0.2 to 0.45 g/cm3 on soils the function was not made from,
15 to 40 % of a stock; its bias is common to all samples it is used for. It serves status figures, marked; never
equivalent soil mass, where carbon would correct itself, and never a trend.

The plain functions compute what the paper prints, anywhere. `predict` adds what a user needs: refusal outside the
range of use, the error on independent soils, and the word that marks the value. Which soils a function was made from,
where it may be used, how wrong it was and how we know stands in app.soil.calibrations. Organic carbon is in [g/kg],
texture in [%], density in [g/cm3]; where a paper takes carbon or organic matter in per cent, the function converts,
organic matter as 1.724 x carbon, the factor of those authors. NaN in is NaN out, and so is carbon below zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.calibrations import CALIBRATIONS, Calibration
from app.soil.reasons import first_reason

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[Any]

METHOD_VERSION = "2"
"""Rises whenever a density computed from the same inputs would change."""

ORGANIC_MATTER_OF_CARBON = 1.724
"""Organic matter per organic carbon in the functions that want organic matter: their authors' factor, not ours [g/g]."""

LEAST_RELATIVE_U = 0.15
"""Least standard uncertainty of a predicted density, relative to it."""

ADAMS_MINERAL_DENSITY = 1.30
"""Density of the mineral part in Adams 1973, who found 1.27 to 1.33 [g/cm3]."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "input_missing": "A property the function needs is missing.",
        "outside_calibration": "A property or the depth lies outside the range the function may be used in.",
    }
)
"""Why there is no predicted density: stable code to sentence."""


def alexander1980_a(soc: ArrayLike) -> Floats:
    """Bulk density of soils of California (Alexander 1980, his function A).

    soc : [g/kg]. With C in [%]:

        ρ = 1.66 - 0.308 √C
    """
    return np.asarray(1.66 - 0.308 * np.sqrt(_per_cent(soc)))


def alexander1980_b(soc: ArrayLike) -> Floats:
    """Bulk density of alluvial soils of California (Alexander 1980, his function B).

    soc : [g/kg]. With C in [%]:

        ρ = 1.72 - 0.294 √C
    """
    return np.asarray(1.72 - 0.294 * np.sqrt(_per_cent(soc)))


def manrique_jones1991(soc: ArrayLike) -> Floats:
    """Bulk density of soils of the USA and other countries (Manrique & Jones 1991, their function B).

    soc : [g/kg]. With C in [%]:

        ρ = 1.660 - 0.318 √C
    """
    return np.asarray(1.660 - 0.318 * np.sqrt(_per_cent(soc)))


def honeysett_ratkowsky1989(soc: ArrayLike) -> Floats:
    """Bulk density of forest soils of Tasmania (Honeysett & Ratkowsky 1989).

    soc : [g/kg]. With OM = 1.724 C in [%]:

        ρ = 1 / (0.564 + 0.0556 OM)
    """
    return np.asarray(1.0 / (0.564 + 0.0556 * _organic_matter(soc)))


def tomasella_hodnett1998(soc: ArrayLike, silt: ArrayLike, clay: ArrayLike) -> Floats:
    """Bulk density of soils of Brazilian Amazonia (Tomasella & Hodnett 1998).

    soc : [g/kg]. silt, clay : [%]. With C in [%]:

        ρ = 1.578 - 0.054 C - 0.006 silt - 0.004 clay
    """
    return np.asarray(1.578 - 0.054 * _per_cent(soc) - 0.006 * np.asarray(silt) - 0.004 * np.asarray(clay))


def bernoux1998(soc: ArrayLike, clay: ArrayLike) -> Floats:
    """Bulk density of soils of Brazilian Amazonia (Bernoux et al. 1998).

    soc : [g/kg]. clay : [%]. With C in [%]:

        ρ = 1.398 - 0.042 C - 0.0047 clay
    """
    return np.asarray(1.398 - 0.042 * _per_cent(soc) - 0.0047 * np.asarray(clay))


def kaur2002(soc: ArrayLike, clay: ArrayLike, silt: ArrayLike) -> Floats:
    """Bulk density of soils of Himalayan watersheds (Kaur et al. 2002).

    soc : [g/kg]. clay, silt : [%]. With C in [%]:

        ρ = exp(0.313 - 0.191 C + 0.02102 clay - 0.000476 clay² - 0.00432 silt)

    Above 45 % of clay the square takes over: 0.40 g/cm3 at 60 % is arithmetic, not soil.
    """
    c, si = np.asarray(clay, dtype=np.float64), np.asarray(silt, dtype=np.float64)
    return np.asarray(np.exp(0.313 - 0.191 * _per_cent(soc) + 0.02102 * c - 0.000476 * c**2 - 0.00432 * si))


def hollis2012_cultivated(soc: ArrayLike, sand: ArrayLike, clay: ArrayLike) -> Floats:
    """Bulk density of cultivated topsoils of Europe (Hollis et al. 2012).

    soc : [g/kg]. sand, clay : [%]. With C in [%]:

        ρ = 0.80806 + 0.823844 exp(-0.27993 C) + 0.0014065 sand - 0.0010299 clay
    """
    carbon = 0.823844 * np.exp(-0.27993 * _per_cent(soc))
    return np.asarray(0.80806 + carbon + 0.0014065 * np.asarray(sand) - 0.0010299 * np.asarray(clay))


def hollis2012_mineral(soc: ArrayLike, sand: ArrayLike, clay: ArrayLike) -> Floats:
    """Bulk density of the other mineral horizons of Europe (Hollis et al. 2012).

    soc : [g/kg]. sand, clay : [%]. With C in [%]:

        ρ = 0.69794 + 0.750636 exp(-0.230355 C) + 0.0008687 sand - 0.0005164 clay
    """
    carbon = 0.750636 * np.exp(-0.230355 * _per_cent(soc))
    return np.asarray(0.69794 + carbon + 0.0008687 * np.asarray(sand) - 0.0005164 * np.asarray(clay))


def hollis2012_organic(soc: ArrayLike) -> Floats:
    """Bulk density of organic horizons of Europe (Hollis et al. 2012).

    soc : [g/kg]. With C in [%] and the natural logarithm:

        ρ = 1.4903 - 0.33293 ln(C)
    """
    return np.asarray(1.4903 - 0.33293 * np.log(_positive(_per_cent(soc))))


def jeffrey1970(soc: ArrayLike) -> Floats:
    """Bulk density of topsoils of Australia (Jeffrey 1970).

    soc : [g/kg]. With OM = 1.724 C in [%] and the logarithm to base 10, which some software takes for the natural one:

        ρ = 1.482 - 0.6786 log10(OM)
    """
    return np.asarray(1.482 - 0.6786 * np.log10(_positive(_organic_matter(soc))))


def adams1973(soc: ArrayLike, mineral_density: float = ADAMS_MINERAL_DENSITY) -> Floats:
    """Bulk density of uncultivated podzols of Wales, organic and mineral part mixed by volume (Adams 1973).

    soc : [g/kg]. mineral_density : of the soil without organic matter, ρ_m [g/cm3]. With OM = 1.724 C in [%]:

        ρ = 100 / (OM / 0.244 + (100 - OM) / ρ_m)

    Some software takes the density of quartz, 2.65, for that of the mineral soil with its pores, and gets twice the
    density.
    """
    matter = _organic_matter(soc)
    return np.asarray(100.0 / (matter / 0.244 + (100.0 - matter) / mineral_density))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pedotransfer:
    """One pedotransfer function and what is known of it.

    calibration : its soils, the range in which it may be used, its errors, and where each of these is from.
    density : the function, called with its inputs by name. slope : change of density with carbon, from carbon [g/kg]
    and density [g/cm3] to [g/cm3 per g/kg].
    """

    id: str
    calibration: Calibration
    density: Callable[..., Floats]
    slope: Callable[[Floats, Floats], Floats]

    @property
    def domain(self) -> Mapping[str, tuple[float, float]]:
        """Inputs and the closed range in which the function may be used, soc in [g/kg], texture in [%]."""
        return self.calibration.domain

    @property
    def rmse(self) -> float:
        """Largest root mean square error found on independent soils [g/cm3]."""
        return self.calibration.rmse


def _root_slope(factor: float) -> Callable[[Floats, Floats], Floats]:
    return lambda soc, _: -factor / (20.0 * np.sqrt(soc / 10.0))


def _constant_slope(slope: float) -> Callable[[Floats, Floats], Floats]:
    return lambda soc, _: np.full(soc.shape, slope)


def _exponential_slope(factor: float, rate: float) -> Callable[[Floats, Floats], Floats]:
    return lambda soc, _: np.asarray(-factor * rate / 10.0 * np.exp(-rate * soc / 10.0))


_HOW: Mapping[str, tuple[Callable[..., Floats], Callable[[Floats, Floats], Floats]]] = {
    "alexander1980_a": (alexander1980_a, _root_slope(0.308)),
    "alexander1980_b": (alexander1980_b, _root_slope(0.294)),
    "manrique_jones1991": (manrique_jones1991, _root_slope(0.318)),
    "honeysett_ratkowsky1989": (
        honeysett_ratkowsky1989,
        lambda _, density: -(density**2) * 0.0556 * ORGANIC_MATTER_OF_CARBON / 10.0,
    ),
    "tomasella_hodnett1998": (tomasella_hodnett1998, _constant_slope(-0.0054)),
    "bernoux1998": (bernoux1998, _constant_slope(-0.0042)),
    "kaur2002": (kaur2002, lambda _, density: -0.0191 * density),
    "hollis2012_cultivated": (hollis2012_cultivated, _exponential_slope(0.823844, 0.27993)),
    "hollis2012_mineral": (hollis2012_mineral, _exponential_slope(0.750636, 0.230355)),
    "hollis2012_organic": (hollis2012_organic, lambda soc, _: -0.33293 / soc),
    "jeffrey1970": (jeffrey1970, lambda soc, _: -0.6786 / (np.log(10.0) * soc)),
    "adams1973": (
        adams1973,
        lambda _, density: (
            -(density**2) / 1000.0 * ORGANIC_MATTER_OF_CARBON * (1.0 / 0.244 - 1.0 / ADAMS_MINERAL_DENSITY)
        ),
    ),
}

PEDOTRANSFERS: Mapping[str, Pedotransfer] = MappingProxyType(
    {
        name: Pedotransfer(id=name, calibration=CALIBRATIONS[name], density=density, slope=slope)
        for name, (density, slope) in _HOW.items()
    }
)
"""All pedotransfer functions by id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """Predicted bulk densities; arrays of the shape of the inputs.

    value : NaN where `reason` says why. [g/cm3] u : standard uncertainty, common to all values. [g/cm3]
    reason : None or a key of REASONS. source : `ptf:` and the id, the status of such a density in a stock.
    version : of the method.
    """

    value: Floats
    u: Floats
    reason: Objects
    source: str
    version: str


def predict(
    function: str,
    *,
    soc: ArrayLike,
    clay: ArrayLike = np.nan,
    silt: ArrayLike = np.nan,
    sand: ArrayLike = np.nan,
    top: ArrayLike | None = None,
) -> Predicted:
    """Bulk density of the fine earth by one pedotransfer function, where it may be used.

    function : a key of PEDOTRANSFERS. soc : [g/kg]. clay, silt, sand : [%]; only those the function takes are used.
    top : upper depth of the layers [cm]; one that begins below the deepest sample of the calibration, where that is
    known, is refused. Without it depth is not looked at, and NaN counts as not known.

        u = max(0.15 ρ, RMSE)        RMSE : the largest found on independent soils

    A missing input or one outside the range of use has no value but a reason. Raises ValueError for an unknown
    function and for inputs whose shapes do not fit. By hand: manrique_jones1991 at 40 g/kg gives 1.660 - 0.318 x 2 =
    1.024 g/cm3, u = 0.24 g/cm3.
    """
    if function not in PEDOTRANSFERS:
        raise ValueError(f"unknown pedotransfer function '{function}'; accepted are {', '.join(PEDOTRANSFERS)}")
    record = PEDOTRANSFERS[function]
    given = {"soc": soc, "clay": clay, "silt": silt, "sand": sand}
    arrays = np.broadcast_arrays(
        np.nan if top is None else np.asarray(top, dtype=np.float64),
        *(np.asarray(given[name], dtype=np.float64) for name in record.domain),
    )
    inputs: dict[str, Floats] = dict(zip(record.domain, arrays[1:], strict=True))
    missing = np.logical_or.reduce([np.isnan(values) for values in inputs.values()])
    inside = np.logical_and.reduce(
        [(inputs[name] >= low) & (inputs[name] <= high) for name, (low, high) in record.domain.items()]
    )
    if record.calibration.deepest is not None:
        inside &= ~(arrays[0] >= record.calibration.deepest)
    value = record.density(**{name: np.where(inside, values, np.nan) for name, values in inputs.items()})
    return Predicted(
        value=value,
        u=np.maximum(LEAST_RELATIVE_U * value, record.rmse),
        reason=first_reason({"input_missing": missing, "outside_calibration": ~inside}),
        source=f"ptf:{function}",
        version=METHOD_VERSION,
    )


def carbon_sensitivity(function: str, soc: ArrayLike, density: ArrayLike) -> Floats:
    """Relative change of a stock per relative change of its carbon, when the density is predicted from that carbon.

    function : a key of PEDOTRANSFERS. soc : [g/kg]. density : as predicted [g/cm3].

        (∂S/∂C) (C/S) = 1 + C g'(C) / g(C)        since S = 0.1 T (1 - φ) C g(C)

    Below one, because soil rich in carbon is light: part of an error of carbon cancels in the density. An error
    counted in both would be counted twice. NaN at zero carbon for functions with a root or logarithm.
    """
    carbon, rho = np.broadcast_arrays(np.asarray(soc, dtype=np.float64), np.asarray(density, dtype=np.float64))
    positive = _positive(carbon)
    return np.asarray(1.0 + positive * PEDOTRANSFERS[function].slope(positive, rho) / rho)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """Bulk densities with the gaps filled: value and standard uncertainty [g/cm3], NaN where unknown, and the status."""

    value: Floats
    u: Floats
    status: Objects


def fill_missing(
    measured: ArrayLike, status: ArrayLike, other_campaign: ArrayLike, predicted: Predicted, u_measured: ArrayLike
) -> Filled:
    """Bulk density of each layer from the best that there is, and the word for where it comes from.

    measured : bulk density of the layer, NaN if missing [g/cm3], with its `status` and `u_measured` [g/cm3].
    other_campaign : measured at the same site and depth at another time, NaN if not [g/cm3].
    predicted : by a pedotransfer function for these layers.

        measured, else other_campaign, else ptf:<id>, else NaN with status unknown

    The uncertainty of a density of another campaign is 15 %, as that of any density not measured then. Raises
    ValueError for arrays of unequal shape.
    """
    own, other = np.asarray(measured, dtype=np.float64), np.asarray(other_campaign, dtype=np.float64)
    words, error = np.asarray(status, dtype=object), np.asarray(u_measured, dtype=np.float64)
    if not own.shape == other.shape == words.shape == error.shape == predicted.value.shape:
        raise ValueError("densities, status and uncertainties must have the same shape")
    has_own = ~np.isnan(own)
    has_other = ~has_own & ~np.isnan(other)
    has_predicted = ~has_own & ~has_other & ~np.isnan(predicted.value)
    which = [has_own, has_other, has_predicted]
    found = np.full(own.shape, "unknown", dtype=object)
    found[has_own] = words[has_own]
    found[has_other] = "other_campaign"
    found[has_predicted] = predicted.source
    return Filled(
        value=np.select(which, [own, other, predicted.value], np.nan),
        u=np.select(which, [error, LEAST_RELATIVE_U * other, predicted.u], np.nan),
        status=found,
    )


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


def _per_cent(soc: ArrayLike) -> Floats:
    """Carbon in per cent; impossible values become NaN."""
    carbon = np.asarray(soc, dtype=np.float64)
    return np.where(carbon >= 0, carbon / 10.0, np.nan)


def _organic_matter(soc: ArrayLike) -> Floats:
    return np.asarray(ORGANIC_MATTER_OF_CARBON * _per_cent(soc))
