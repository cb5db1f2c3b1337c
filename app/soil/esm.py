"""Equivalent soil mass: organic carbon stock in the same mass of soil, so that compaction alone changes nothing.

At a fixed depth a denser soil holds more carbon because it is more soil. Here carbon is accumulated from the surface
over mass instead of depth, and read where a reference mass is reached. Sources: Ellert & Bettany 1995, Can. J. Soil
Sci. 75:529, doi:10.4141/cjss95-075; Wendt & Hauser 2013, Eur. J. Soil Sci. 64:58, doi:10.1111/ejss.12002; von Haden,
Yang, DeLucia 2020, Glob. Change Biol. 26:3759, doi:10.1111/gcb.15124.

The choice of the curve between the layers is worth years of a trend: PCHIP misses the published one by up to 0.6 t/ha
at 30 cm. There are two here, each under its name, stored with every result and never mixed: `hyman`, the monotone
cubic of the published scripts, and `linear`. Nothing is extrapolated below a core, and a density that was not measured
is refused: predicted from carbon, it would correct the carbon by itself.

Masses and stocks are in [t/ha], depths in [cm] below the mineral surface, contents in [g/kg].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil import tridiagonal
from app.soil.bulk_density import STONE_DENSITY, FineEarthMass
from app.soil.conversions import ORGANIC_MATTER_FACTOR
from app.soil.depth import depth_order
from app.soil.layers import (
    BEST,
    RANK,
    SOURCES,
    U_THICKNESS,
    Layers,
    carbon_faults,
    density_faults,
    fine_earth_of,
    first_fault,
    ranks,
    relative_u_density,
    rules_raised,
    stone_ranks,
    u_carbon,
    u_stones,
    weakest,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Objects = NDArray[Any]

METHOD_VERSION = "1"
"""Rises whenever a figure computed from the same layers would change."""

MASS_BASES: Mapping[str, str] = MappingProxyType(
    {
        "mineral": "Fine earth without its organic matter (von Haden et al. 2020).",
        "total": "All fine earth (SimpleESM, Ferchaud et al. 2023).",
    }
)
"""What counts as mass: word to sentence."""

INTERPOLATIONS: Mapping[str, str] = MappingProxyType(
    {
        "auto": "The monotone cubic for three layers and more, straight lines for one or two.",
        "hyman": "Monotone cubic: spline of Forsythe, Malcolm & Moler with the filter of Hyman.",
        "linear": "Straight lines: carbon constant within a layer.",
    }
)
"""How the curve runs between the layers: word to sentence."""

LAYERS_FOR_HYMAN = 3

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "reference_mass_missing": "There is no reference mass to compare with.",
        "reference_mass_invalid": "The reference mass is not a positive number.",
        "no_mineral_layer": "The core has no mineral layer.",
        "depth_invalid": "A layer has no depth, no thickness, its bottom above its top, or lies above the surface.",
        "overlap": "Layers overlap.",
        "starts_below_surface": "The first mineral layer begins below the surface.",
        "gap": "There is a gap between the layers.",
        "soc_missing": "A layer has no organic carbon value.",
        "soc_out_of_range": "A layer has an organic carbon value that cannot be true.",
        "bulk_density_missing": "A layer has no bulk density.",
        "bulk_density_not_measured": (
            "The bulk density of a layer was not measured: with a predicted one the result would be circular."
        ),
        "coarse_fragments_out_of_range": "A layer has a stone content that cannot be true.",
        "bulk_density_basis_unknown": "The source does not say whether stones are part of the bulk density.",
        "coarse_fragments_basis_unknown": "The source does not say whether stones are given by volume or by mass.",
        "bulk_density_out_of_range": "The fine-earth mass of a layer cannot be true.",
        "no_mineral_mass": "By its carbon a layer is all organic matter, so it has no mineral mass.",
        "mass_not_reached": "The core is not deep enough to reach the reference mass; nothing is extrapolated.",
        "depth_not_reached": "The core is not deep enough to reach this depth.",
    }
)
"""Why a core has no figure: stable code to sentence. A fault matters only above the reference mass."""

_CODES = tuple(REASONS)
_NONE = len(_CODES)
_WORDS: Objects = np.array([*_CODES, None], dtype=object)
_ROUNDING = 1e-6
_SAME_MASS = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class EquivalentMassStock:
    """Organic carbon stock of each core in its reference mass; every array has length n_profiles.

    value : NaN where `reason` says why. [t C/ha] u_random, u_systematic : standard uncertainty. [t C/ha]
    reference_mass : as given. sampled_mass : mass of the sound layers that follow each other from the surface. [t/ha]
    depth : at which the reference mass is reached, by the same curve. [cm]
    n_layers : layers down to there. reason : None or a key of REASONS.
    interpolation : hyman or linear, None without a figure. mass_basis : esm_mineral or esm_total.
    organic_matter_factor : organic matter per organic carbon, for the mineral mass. [g/g]
    soc_source, bd_source, cf_source, tier, flags : as in app.soil.carbon.ProfileValues. depth_status : complete where
    there is a figure, None elsewhere: a mass is reached or not.
    rule_ids : quality rules raised on the layers down to the reference mass, sorted, for each core; without a figure on
    the layers down to the first that cannot be used. algorithm_version : METHOD_VERSION.
    """

    value: Floats
    u_random: Floats
    u_systematic: Floats
    reference_mass: Floats
    sampled_mass: Floats
    depth: Floats
    n_layers: NDArray[np.int64]
    reason: Objects
    interpolation: Objects
    mass_basis: str
    organic_matter_factor: float
    soc_source: Objects
    bd_source: Objects
    cf_source: Objects
    tier: Objects
    depth_status: Objects
    flags: tuple[tuple[str, ...], ...]
    rule_ids: tuple[tuple[str, ...], ...]
    algorithm_version: str = METHOD_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class MassToDepth:
    """Mass of each core down to a depth, NaN where `reason` says why [t/ha]. reason : None or a key of REASONS."""

    value: Floats
    reason: Objects


def layer_mass(
    fine_earth: ArrayLike,
    thickness: ArrayLike,
    soc: ArrayLike,
    *,
    mass_basis: str = "mineral",
    organic_matter_factor: float = ORGANIC_MATTER_FACTOR,
) -> Floats:
    """Mass of a layer per area [t/ha].

    fine_earth : fine-earth mass per total volume, ρ [g/cm3]. thickness : [cm]. soc : [g/kg].
    mass_basis : mineral, without organic matter, or total.

        M = 100 ρ T (1 - 0.001 f SOC)        total: M = 100 ρ T

    By hand: 1.25 g/cm3, 10 cm, 25 g/kg and f = 2 are 1250 (1 - 0.05) = 1187.5 t/ha of mineral soil. NaN in is NaN
    out. Raises ValueError for an unknown basis and a factor below 1.
    """
    factor = _organic_matter_factor(mass_basis, organic_matter_factor)
    mass = 100.0 * np.asarray(fine_earth, dtype=np.float64) * np.asarray(thickness, dtype=np.float64)
    return np.asarray(mass * (1.0 - 0.001 * factor * np.asarray(soc, dtype=np.float64)), dtype=np.float64)


def mass_of_cores(dry_mass: ArrayLike, n_cores: ArrayLike, inner_diameter: ArrayLike) -> Floats:
    """Mass of a layer per area from what the corer took, without a bulk density (Wendt & Hauser 2013) [t/ha].

    dry_mass : oven-dry fine earth of the layer over all cores, m [g]. n_cores : N.
    inner_diameter : of the corer's cutting edge, d [mm].

        M = 10000 m / (N π (d / 2)²)

    By hand: 1000 g in 5 cores of 40 mm are 10 000 000 / (5 π 400) = 1592 t/ha. NaN for a number of cores or a
    diameter of zero or less and for a negative mass.
    """
    mass, number, diameter = (np.asarray(given, dtype=np.float64) for given in (dry_mass, n_cores, inner_diameter))
    area = np.where((number > 0) & (diameter > 0), number * np.pi * (diameter / 2.0) ** 2, np.nan)
    return np.asarray(np.where(mass >= 0, 10000.0 * mass / area, np.nan), dtype=np.float64)


def mass_to_depth(
    layers: Layers,
    n_profiles: int,
    depth: float,
    rock_depth: ArrayLike | None = None,
    *,
    mass_basis: str = "mineral",
    organic_matter_factor: float = ORGANIC_MATTER_FACTOR,
    stone_density: float = STONE_DENSITY,
) -> MassToDepth:
    """Mass of each core from the surface to a depth, or to the rock where that is shallower [t/ha].

    depth : [cm]. rock_depth : depth of hard rock of each profile, NaN where unknown [cm].
    stone_density : of coarse fragments, as in fixed_depth_stock [g/cm3].

        M(0-D) = Σ M_i overlap_i / T_i

    At the first campaign this is the reference mass of a site; see first_campaign_mass. Refused for the same reasons
    as a stock, and where the layers end above the depth. Raises ValueError for a depth of zero or less.
    """
    if not 0 < depth < np.inf:
        raise ValueError(f"the depth must be positive, got {depth:g}")
    cores = _cores(layers, n_profiles, _organic_matter_factor(mass_basis, organic_matter_factor), stone_density)
    rock = np.full(n_profiles, np.nan) if rock_depth is None else np.asarray(rock_depth, dtype=np.float64)
    if rock.shape != (n_profiles,):
        raise ValueError(f"rock_depth has shape {rock.shape}, expected ({n_profiles},)")
    end = np.fmin(depth, np.where(rock > 0, rock, np.nan))
    length = np.clip(np.minimum(cores.bottom, end[cores.profile]) - cores.top, 0.0, None)
    mass = cores.mass * length / (cores.bottom - cores.top)
    total = np.bincount(cores.profile, weights=mass, minlength=n_profiles).astype(np.float64)
    sampled = np.zeros(n_profiles)
    np.maximum.at(sampled, cores.profile, cores.bottom)
    short = sampled < end - _ROUNDING
    beyond = np.where(cores.stop == _NONE, _CODES.index("depth_not_reached"), cores.stop)
    return MassToDepth(value=np.where(short, np.nan, total), reason=_WORDS[np.where(short, beyond, _NONE)])


def first_campaign_mass(mass: ArrayLike, site: ArrayLike, campaign: ArrayLike) -> Floats:
    """Reference mass of each core: mean mass of the cores of its site's first campaign [t/ha].

    mass : mass of each core to the depth of interest, NaN if it has none, from mass_to_depth [t/ha].
    site : label of the site of each core. campaign : a number that orders the campaigns of a site, such as the year,
    equal for all cores of one campaign; NaN if unknown.

        M* = mean of M over the cores of the site with the lowest campaign

    All campaigns of a site are then compared in the same mass. If no core of the first campaign has a mass there is
    none, NaN: a later campaign does not stand in for it. Raises ValueError for arrays of unequal length.
    """
    masses, when = np.asarray(mass, dtype=np.float64), np.asarray(campaign, dtype=np.float64)
    labels = np.asarray(site, dtype=object)
    if masses.ndim != 1 or not masses.shape == when.shape == labels.shape:
        raise ValueError("mass, site and campaign must be one-dimensional and of equal length")
    seen: dict[object, int] = {}
    index = np.array([seen.setdefault(label, len(seen)) for label in labels.tolist()], dtype=np.intp)
    first = np.full(len(seen), np.inf)
    np.fmin.at(first, index, when)
    use = (when == first[index]) & ~np.isnan(masses)
    total = np.bincount(index[use], weights=masses[use], minlength=len(seen))
    count = np.bincount(index[use], minlength=len(seen))
    mean = np.full(len(seen), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean[index]


def common_mass(mass: ArrayLike) -> float:
    """The largest mass that every core reaches: the lowest of all [t/ha], NaN if no core has one.

    mass : mass of each core, NaN if it has none [t/ha]. For a comparison of groups, which need one mass for all; a
    core without a mass has no say.
    """
    masses = np.asarray(mass, dtype=np.float64)
    known = masses[~np.isnan(masses)]
    return float(known.min()) if known.size else float("nan")


def equivalent_mass_stock(
    layers: Layers,
    n_profiles: int,
    reference_mass: ArrayLike,
    *,
    mass_basis: str = "mineral",
    interpolation: str = "auto",
    organic_matter_factor: float = ORGANIC_MATTER_FACTOR,
    correlation: float = 0.0,
    stone_density: float = STONE_DENSITY,
) -> EquivalentMassStock:
    """Organic carbon stock of each core in its reference mass (von Haden et al. 2020) [t C/ha].

    reference_mass : one for all cores or one for each, M* [t/ha].
    mass_basis : a key of MASS_BASES. interpolation : a key of INTERPOLATIONS.
    organic_matter_factor : organic matter per organic carbon, f [g/g].
    correlation, stone_density : as in fixed_depth_stock; one stone density for all campaigns of a site [g/cm3].

        M_k = Σ 100 ρ_i T_i (1 - 0.001 f SOC_i)        C_k = Σ 0.1 SOC_i ρ_i T_i        both zero at the surface
        S(M*) = C interpolated at M = M*

    Uses the mineral layers that follow each other from the surface without gap or fault; what is wrong below the
    reference mass does not matter. No stock where a core does not reach it, where a density was not measured, or for
    any other of REASONS.

    Uncertainty is first order and of the straight-line curve. An error of mass moves the depth at which M* is reached,
    so it counts with the difference between the carbon of its layer and that of the last one, q_k, both per mass:

        ∂S/∂SOC_i = 0.001 m_i (1 + 0.001 f q_k)        ∂S/∂m_i = 0.001 (1 - 0.001 f SOC_i) (q_i - q_k)

    with m fine-earth mass and q = SOC / (1 - 0.001 f SOC); the reference mass itself is taken as exact. Random and
    common errors are kept apart as in fixed_depth_stock.

    Raises ValueError for unknown words, a factor below 1, a correlation outside -1 .. 1 and a reference mass whose
    shape does not fit. By hand: 0-10 cm 30 g/kg and 10-30 cm 10 g/kg, both 1.0 g/cm3 and total mass: 2000 t/ha hold
    30 + 10 = 40 t/ha by straight lines.
    """
    factor = _organic_matter_factor(mass_basis, organic_matter_factor)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"unknown interpolation '{interpolation}'; accepted are {', '.join(INTERPOLATIONS)}")
    if not -1.0 <= correlation <= 1.0:
        raise ValueError(f"correlation must lie in -1 .. 1, got {correlation:g}")
    try:
        target = np.broadcast_to(np.asarray(reference_mass, dtype=np.float64), (n_profiles,)).copy()
    except ValueError:
        raise ValueError(
            f"reference_mass has shape {np.shape(reference_mass)}, expected one or ({n_profiles},)"
        ) from None
    cores = _cores(layers, n_profiles, factor, stone_density)
    sampled = np.bincount(cores.profile, weights=cores.mass, minlength=n_profiles).astype(np.float64)
    valid = (target > 0) & np.isfinite(target)
    reached = valid & (target <= sampled * (1.0 + _SAME_MASS))
    code = np.where(cores.stop == _NONE, _CODES.index("mass_not_reached"), cores.stop)
    code[reached] = _NONE
    code[~valid] = _CODES.index("reference_mass_invalid")
    code[np.isnan(target)] = _CODES.index("reference_mass_missing")

    read = _read(cores, target, reached, interpolation)
    random, systematic = _errors(cores, target, reached, read.inside, factor, correlation)
    return EquivalentMassStock(
        value=read.carbon,
        u_random=random,
        u_systematic=systematic,
        reference_mass=target,
        sampled_mass=sampled,
        depth=read.depth,
        n_layers=np.where(reached, read.inside + 1, 0).astype(np.int64),
        reason=_WORDS[code],
        interpolation=_chosen(reached, read.hyman),
        mass_basis=f"esm_{mass_basis}",
        organic_matter_factor=organic_matter_factor,
        rule_ids=_rules(layers, cores, reached, read.inside),
        **_quality(cores, reached, read.inside),
    )


def interpolate(mass: ArrayLike, quantity: ArrayLike, at: ArrayLike, *, interpolation: str = "hyman") -> Floats:
    """A cumulative quantity of one core read at some masses, NaN beyond its ends [shape of `at`].

    mass, quantity : cumulative, both beginning with 0 at the surface; mass strictly increasing, quantity increasing.
    at : where to read, as mass. interpolation : hyman or linear.

    Hyman's monotone cubic as R's splinefun(method = "hyman") has it: slopes b of the cubic spline of Forsythe,
    Malcolm & Moler 1977, whose third derivatives at both ends are those of the cubics through the first and the last
    four points (two points give a straight line, three a parabola), then, with the secants s on both sides,

        b ← min(max(b, 0), 3 min(s_left, s_right))        at the ends the one secant counts for both

    (Hyman 1983, SIAM J. Sci. Stat. Comput. 4:645, doi:10.1137/0904045; Dougherty et al. 1989, Math. Comput. 52:471,
    doi:10.1090/S0025-5718-1989-0962209-1), then the cubic through the points with these slopes.

    Raises ValueError for fewer than two points, a mass that does not rise, a quantity that falls, an unknown
    interpolation and arrays of unequal length.
    """
    x, y = np.asarray(mass, dtype=np.float64), np.asarray(quantity, dtype=np.float64)
    points = np.asarray(at, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size < 2:
        raise ValueError("mass and quantity must be one-dimensional, of equal length and at least two points")
    if not ((np.diff(x) > 0).all() and (np.diff(y) >= 0).all()):
        raise ValueError("mass must rise and quantity must not fall")
    if interpolation not in INTERPOLATIONS or interpolation == "auto":
        raise ValueError(f"unknown interpolation '{interpolation}'; accepted are hyman, linear")
    inside = (points >= x[0]) & (points <= x[-1])
    asked = np.where(inside, points, x[0]).reshape(-1)
    columns = np.broadcast_to(x[:, None], (x.size, asked.size))
    values = np.broadcast_to(y[:, None], (y.size, asked.size))
    interval = np.clip(np.searchsorted(x, asked) - 1, 0, x.size - 2)
    slopes = _hyman_slopes(x[:, None], y[:, None]) if interpolation == "hyman" else None
    found = _evaluate(columns, values, slopes, interval, asked)
    return np.where(inside, found.reshape(points.shape), np.nan)


# From here on: the steps of the functions above.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cores:
    """Usable layers of all cores in depth order; `stop` and `count` per core: why it ends there, and how many.

    row : place of the layer among those given; stop_row : of the one that ends the core, per core, -1 if none does.
    total, mass, carbon : of the layer [t/ha]. relative_... : standard uncertainties relative to the layer's mass.
    soc_rank, stone_rank, weak_density, weak_stones : what is known of their sources.
    """

    row: Ints
    profile: Ints
    top: Floats
    bottom: Floats
    soc: Floats
    total: Floats
    mass: Floats
    carbon: Floats
    u_soc_random: Floats
    u_soc_common: Floats
    relative_density: Floats
    relative_stones: Floats
    relative_assumed: Floats
    relative_basis: Floats
    soc_rank: Ints
    stone_rank: Ints
    weak_density: Bools
    weak_stones: Bools
    stop: Ints
    stop_row: Ints
    count: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """Per core: carbon and depth at the reference mass, the place of the layer it lies in, and the curve used."""

    carbon: Floats
    depth: Floats
    inside: Ints
    hyman: Bools


def _organic_matter_factor(mass_basis: str, factor: float) -> float:
    """Organic matter to take off per organic carbon: none where the mass is the total one."""
    if mass_basis not in MASS_BASES:
        raise ValueError(f"unknown mass basis '{mass_basis}'; accepted are {', '.join(MASS_BASES)}")
    if not 1.0 <= factor < np.inf:
        raise ValueError(f"organic matter is at least its own carbon; got a factor of {factor:g}")
    return factor if mass_basis == "mineral" else 0.0


def _cores(layers: Layers, n_profiles: int, factor: float, stone_density: float) -> _Cores:
    """The layers of each core from the surface down to the first that is faulty or does not follow the one above."""
    profile = layers.checked_profile(n_profiles)
    fine = fine_earth_of(layers, stone_density)
    rows = _in_order(layers, profile)
    fault = _faults(layers, fine, rows, factor)

    bad = np.flatnonzero(fault != _NONE)
    end = np.full(n_profiles, rows.size)
    np.minimum.at(end, profile[rows[bad]], bad)
    stop = np.append(fault, _NONE)[end]
    stop_row = np.append(rows, -1)[end]
    stop[np.bincount(profile[rows], minlength=n_profiles) == 0] = _CODES.index("no_mineral_layer")
    rows = rows[np.arange(rows.size) < end[profile[rows]]]

    soc, top, bottom = layers.soc[rows], layers.top[rows], layers.bottom[rows]
    total = 100.0 * fine.value[rows] * (bottom - top)
    random, common = u_carbon(layers)
    own_stones, assumed_stones = u_stones(fine)
    density = relative_u_density(layers, np.ones(profile.size, dtype=np.bool_))
    return _Cores(
        row=rows,
        profile=profile[rows],
        top=top,
        bottom=bottom,
        soc=soc,
        total=total,
        mass=total * (1.0 - 0.001 * factor * soc),
        carbon=0.001 * total * soc,
        u_soc_random=random[rows],
        u_soc_common=common[rows],
        relative_density=density[rows],
        relative_stones=own_stones[rows],
        relative_assumed=assumed_stones[rows],
        relative_basis=fine.spread[rows] / fine.value[rows],
        soc_rank=ranks(layers.soc_status, "soc_status", ~np.isnan(layers.soc))[rows],
        stone_rank=stone_ranks(layers, fine)[rows],
        weak_density=fine.basis_assumed[rows],
        weak_stones=fine.stones_basis_assumed[rows],
        stop=stop,
        stop_row=stop_row,
        count=np.bincount(profile[rows], minlength=n_profiles),
    )


def _in_order(layers: Layers, profile: Ints) -> Ints:
    """The mineral layers by profile and depth. A layer without any depth could lie anywhere, so it comes first."""
    rows = np.flatnonzero(~np.asarray(layers.organic, dtype=np.bool_))
    top, bottom = layers.top[rows], layers.bottom[rows]
    shallow = np.fmin(top, bottom)
    shallow = np.where(np.isnan(shallow), -np.inf, shallow)
    return rows[depth_order(profile[rows], shallow, np.fmax(top, bottom))]


def _faults(layers: Layers, fine: FineEarthMass, rows: Ints, factor: float) -> Ints:
    """Place in REASONS of what keeps each layer, in depth order, from following the one above; _NONE if nothing."""
    profile, top, bottom = np.asarray(layers.profile)[rows], layers.top[rows], layers.bottom[rows]
    first = np.ones(rows.size, dtype=np.bool_)
    first[1:] = profile[1:] != profile[:-1]
    step = np.zeros(rows.size)
    step[1:] = top[1:] - bottom[:-1]
    overlap = ~first & (step < -_ROUNDING)
    overlap[:-1] |= overlap[1:] & ~first[1:]
    known = ~np.isnan(layers.bulk_density)
    unmeasured = known & (ranks(layers.bulk_density_status, "bulk_density_status", known) != RANK["measured"])
    of_place = {
        "depth_invalid": ~((bottom > top) & np.isfinite(bottom - top)) | (top < -_ROUNDING),
        "overlap": overlap,
        "starts_below_surface": first & (top > _ROUNDING),
        "gap": ~first & (step > _ROUNDING),
    }
    of_values = {
        "bulk_density_not_measured": unmeasured,
        "no_mineral_mass": 0.001 * factor * layers.soc >= 1.0,
        **carbon_faults(layers),
        **density_faults(layers, fine),
    }
    return np.minimum(first_fault(of_place, _CODES), first_fault(of_values, _CODES)[rows])


def _read(cores: _Cores, target: Floats, reached: Bools, interpolation: str) -> _Read:
    """Carbon and depth at the reference masses, cores of the same number of layers together."""
    n = target.size
    carbon, depth = np.full(n, np.nan), np.full(n, np.nan)
    inside, hyman = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.bool_)
    start = np.cumsum(cores.count) - cores.count
    for size in np.unique(cores.count[reached]).tolist():
        which = np.flatnonzero(reached & (cores.count == size))
        rows = start[which][None, :] + np.arange(size)[:, None]
        mass, stock = _cumulative(cores.mass[rows]), _cumulative(cores.carbon[rows])
        bottom = np.concatenate([np.zeros((1, which.size)), cores.bottom[rows]])
        at = np.minimum(target[which], mass[-1])
        inside[which] = interval = (mass[1:-1] < at).sum(axis=0)
        cubic = interpolation == "hyman" or (interpolation == "auto" and size >= LAYERS_FOR_HYMAN)
        hyman[which] = cubic
        for found, curve in ((carbon, stock), (depth, bottom)):
            slopes = _hyman_slopes(mass, curve) if cubic else None
            found[which] = _evaluate(mass, curve, slopes, interval, at)
    return _Read(carbon=carbon, depth=depth, inside=inside, hyman=hyman)


def _cumulative(values: Floats) -> Floats:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _hyman_slopes(x: Floats, y: Floats) -> Floats:
    """Slopes of the monotone cubic at the points of each curve [shape: points, curves]."""
    h = np.diff(x, axis=0)
    secant = np.diff(y, axis=0) / h
    slopes = _fmm_slopes(x, h, secant)
    left, right = np.concatenate([secant[:1], secant]), np.concatenate([secant, secant[-1:]])
    return np.asarray(np.minimum(np.maximum(slopes, 0.0), 3.0 * np.minimum(left, right)), dtype=np.float64)


def _fmm_slopes(x: Floats, h: Floats, secant: Floats) -> Floats:
    """Slopes of the cubic spline of Forsythe, Malcolm & Moler: unknowns are sixths of the second derivatives."""
    if h.shape[0] == 1:
        return np.concatenate([secant, secant])
    right = np.zeros((h.shape[0] + 1, h.shape[1]))
    right[1:-1] = np.diff(secant, axis=0)
    if h.shape[0] > 2:
        second = right[1:-1] / (x[2:] - x[:-2])
        third = np.diff(second, axis=0) / (x[3:] - x[:-3])
        right[0], right[-1] = h[0] ** 2 * third[0], -(h[-1] ** 2) * third[-1]
    diagonal = np.concatenate([-h[:1], 2.0 * (h[:-1] + h[1:]), -h[-1:]])
    curvature = tridiagonal.solve(diagonal, h, right)
    slopes = np.empty_like(right)
    slopes[:-1] = secant - h * (curvature[1:] + 2.0 * curvature[:-1])
    slopes[-1] = secant[-1] + h[-1] * (curvature[-2] + 2.0 * curvature[-1])
    return slopes


def _evaluate(x: Floats, y: Floats, slopes: Floats | None, interval: Ints, at: Floats) -> Floats:
    """Each curve read at one point inside the given interval, by straight lines where there are no slopes."""
    column = np.arange(at.size)
    x0, x1 = x[interval, column], x[interval + 1, column]
    y0, y1 = y[interval, column], y[interval + 1, column]
    h, t = x1 - x0, at - x0
    secant = (y1 - y0) / h
    if slopes is None:
        # Exactly the value of the point where the end of the interval is asked for.
        return np.where(t == h, y1, y0 + t * secant)
    slope = np.broadcast_to(slopes, x.shape)
    b0, b1 = slope[interval, column], slope[interval + 1, column]
    curvature, third = (3.0 * secant - 2.0 * b0 - b1) / h, (b0 + b1 - 2.0 * secant) / h**2
    return np.where(t == h, y1, y0 + t * (b0 + t * (curvature + t * third)))


def _errors(
    cores: _Cores, target: Floats, reached: Bools, inside: Ints, factor: float, correlation: float
) -> tuple[Floats, Floats]:
    """Random and systematic standard uncertainty of each core's stock, from those of the layers it uses."""
    n, profile = target.size, cores.profile
    last = _last_layer(cores, inside)[profile]
    position = np.arange(profile.size)
    full, used = position < last, position <= last
    above = np.bincount(profile, weights=cores.mass * full, minlength=n)
    part = np.where(reached, target - above, 0.0)[profile]
    share = 1.0 - 0.001 * factor * cores.soc
    content = cores.soc / share
    by_carbon = np.where(full, cores.total * (1.0 + 0.001 * factor * content[last]), part / share**2)
    by_carbon *= 0.001 * used
    by_mass = 0.001 * full * share * (content - content[last]) * cores.total

    random = by_carbon * cores.u_soc_random
    length = U_THICKNESS / (cores.bottom - cores.top)
    variance = random**2 + by_mass**2 * (cores.relative_density**2 + cores.relative_stones**2 + length**2)
    variance += 2.0 * correlation * random * by_mass * cores.relative_density
    common = np.zeros(n)
    for source in (
        by_carbon * cores.u_soc_common,
        by_mass * cores.relative_basis,
        by_mass * cores.relative_assumed,
    ):
        common += np.bincount(profile, weights=source, minlength=n) ** 2
    own = np.bincount(profile, weights=np.maximum(variance, 0.0), minlength=n)
    return np.where(reached, np.sqrt(own), np.nan), np.where(reached, np.sqrt(common), np.nan)


def _last_layer(cores: _Cores, inside: Ints) -> Ints:
    """Row of the layer in which each core's reference mass is reached, the last for cores without layers."""
    last = np.cumsum(cores.count) - cores.count + inside
    return np.asarray(np.minimum(last, max(cores.profile.size - 1, 0)), dtype=np.intp)


def _rules(layers: Layers, cores: _Cores, reached: Bools, inside: Ints) -> tuple[tuple[str, ...], ...]:
    """Rules raised on the layers each stock rests on; without a stock on all usable ones and the one that ends them."""
    used = np.arange(cores.profile.size) <= _last_layer(cores, inside)[cores.profile]
    rows = cores.row[used | ~reached[cores.profile]]
    ends = cores.stop_row[~reached & (cores.stop_row >= 0)]
    return rules_raised(layers, np.concatenate([rows, ends]), reached.size)


def _chosen(reached: Bools, hyman: Bools) -> Objects:
    words: Objects = np.array(["linear", "hyman", None], dtype=object)
    return words[np.where(reached, hyman.astype(np.intp), 2)]


def _quality(cores: _Cores, reached: Bools, inside: Ints) -> dict[str, Any]:
    """Weakest sources among the layers down to the reference mass, and the tier. Densities are all measured."""
    n = reached.size
    rows = np.flatnonzero(np.arange(cores.profile.size) <= _last_layer(cores, inside)[cores.profile])
    profile = cores.profile[rows]
    assumed = np.zeros((2, n), dtype=np.bool_)
    assumed[0, profile[cores.weak_density[rows]]] = True
    assumed[1, profile[cores.weak_stones[rows]]] = True
    soc, stones = weakest(cores.soc_rank[rows], profile, n), weakest(cores.stone_rank[rows], profile, n)
    weak = (soc > BEST).astype(np.intp) + assumed[0] + ((stones > BEST) | assumed[1])

    zero = stones == RANK["assumed_zero"]
    marks = {
        "soc_estimated": soc > RANK["measured_wc_assumed"],
        "bd_type_assumed": assumed[0],
        "cf_estimated": (stones > BEST) & ~zero,
        "cf_assumed_zero": zero,
        "cf_basis_assumed": assumed[1] & ~zero,
    }
    raised = sum((where & reached).astype(np.intp) << bit for bit, where in enumerate(marks.values()))
    kinds, which = np.unique(np.asarray(raised), return_inverse=True)
    words = [tuple(flag for bit, flag in enumerate(marks) if kind >> bit & 1) for kind in kinds.tolist()]

    def named(words: tuple[str, ...], codes: Ints) -> Objects:
        found: Objects = np.array([*words, None], dtype=object)
        return found[np.where(reached, codes, len(words))]

    return {
        "soc_source": named(SOURCES, soc),
        "bd_source": named(("measured",), np.zeros(n, dtype=np.intp)),
        "cf_source": named(SOURCES, stones),
        "tier": named(("A", "B", "C", "C"), weak),
        "depth_status": named(("complete",), np.zeros(n, dtype=np.intp)),
        "flags": tuple(words[kind] for kind in which.tolist()),
    }
