"""Soil organic carbon of profiles to a fixed depth: stock and content, with uncertainty, or the reason there is none.

A stock is the sum over the layers of carbon content x fine-earth mass x length inside the interval. It is given only
if the layers carry every value the sum needs over the whole interval: a partial sum looks like a poor soil. Equation:
FAO 2020, GSOC MRV protocol, and Poeplau et al. 2017, SOIL 3:61, doi:10.5194/soil-3-61-2017. Uncertainty is first
order (JCGM 100, GUM) in two parts that behave differently in an average: random errors shrink with the number of
layers and sites, systematic ones are common to all and do not.

Depths are in [cm] below the mineral surface, contents in [g/kg], densities in [g/cm3], stocks in [t C/ha].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.bulk_density import STONE_DENSITY, FineEarthMass
from app.soil.depth import bottom_above, depth_order, overlap_length
from app.soil.layers import (
    BEST,
    RANK,
    SOURCES,
    U_THICKNESS,
    Layers,
    carbon_faults,
    carbon_share_of_error,
    density_faults,
    fine_earth_of,
    first_fault,
    ranks,
    relative_u_density,
    rules_raised,
    stone_ranks,
    take_mass,
    u_carbon,
    u_stones,
    weakest,
)

__all__ = [
    "FLAGS",
    "JOBBAGY_JACKSON_BETA",
    "METHOD_VERSION",
    "REASONS",
    "Layers",
    "ProfileValues",
    "extrapolated_stock",
    "fixed_depth_content",
    "fixed_depth_stock",
    "layer_stock",
    "layer_stock_uncertainty",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Objects = NDArray[Any]

METHOD_VERSION = "1"
"""Rises whenever a figure computed from the same layers would change."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_mineral_layer": "The profile has no mineral layer in this depth interval.",
        "depth_invalid": "A layer in this depth interval has no depth, no thickness or its bottom above its top.",
        "overlap": "Layers overlap in this depth interval.",
        "rock_above_interval": "Rock begins above this depth interval, so there is no soil in it.",
        "starts_below_surface": "The first mineral layer begins below the surface.",
        "incomplete_depth": "The layers do not cover the depth interval, and no rock explains why.",
        "soc_missing": "A layer in this depth interval has no organic carbon value.",
        "soc_out_of_range": "A layer in this depth interval has an organic carbon value that cannot be true.",
        "bulk_density_missing": "A layer in this depth interval has no bulk density.",
        "coarse_fragments_out_of_range": "A layer in this depth interval has a stone content that cannot be true.",
        "bulk_density_basis_unknown": (
            "The source does not say whether stones are part of the bulk density, and with so many stones it matters too much."
        ),
        "coarse_fragments_basis_unknown": (
            "The source does not say whether stones are given by volume or by mass, and it matters too much here."
        ),
        "bulk_density_out_of_range": "The fine-earth mass of a layer in this depth interval cannot be true.",
    }
)
"""Why a profile has no figure: stable code to sentence, in the order in which they are looked for."""

FLAGS = (
    "stretched",
    "limited_by_rock",
    "rock_depth_contradicted",
    "organic_layer_excluded",
    "soc_estimated",
    "bulk_density_estimated",
    "bd_type_assumed",
    "cf_estimated",
    "cf_assumed_zero",
    "cf_basis_assumed",
    "extrapolated",
)
"""Marks a figure can carry; their meaning is in docs/methods/soc_stock.md."""

TOLERATED_LENGTH = 1.0
TOLERATED_SHARE = 0.03

JOBBAGY_JACKSON_BETA = 0.9786
"""Share of the carbon below any depth that lies below the next centimetre, in a mean soil of the world."""

LEAST_EXTRAPOLATION_U = 0.15
"""Standard uncertainty that an extrapolation adds, relative to the stock."""

_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileValues:
    """One figure per profile for one depth interval; every array has length n_profiles.

    value : stock [t C/ha] or content [g/kg]; NaN where `reason` says why there is none.
    u_random, u_systematic : standard uncertainty, kept apart because only the first shrinks in a mean [as the value].
    coverage : share of the interval, down to rock at most, covered by layers with all needed values [0-1].
    n_layers : mineral layers inside the interval.
    reason : None or a key of REASONS.
    depth_status : complete, stretched, limited_by_rock, extrapolated or incomplete.
    soc_source, bd_source, cf_source : weakest status among the layers used, a word of app.soil.layers.SOURCES; None
    where there is no figure.
    tier : A all measured, carbon by dry combustion where the method is stated; B one of carbon, density and stones
    not; C more than one, or extrapolated; None without a figure.
    flags : keys of FLAGS for each profile.
    rule_ids : quality rules raised on the mineral layers inside the interval, sorted, for each profile; also on those
    without sound depths, which may lie inside.
    mass_basis, interpolation : to a fixed depth, and no curve between the layers. algorithm_version : METHOD_VERSION.
    """

    value: Floats
    u_random: Floats
    u_systematic: Floats
    coverage: Floats
    n_layers: NDArray[np.int64]
    reason: Objects
    depth_status: Objects
    soc_source: Objects
    bd_source: Objects
    cf_source: Objects
    tier: Objects
    flags: tuple[tuple[str, ...], ...]
    rule_ids: tuple[tuple[str, ...], ...]
    mass_basis: str = "fixed_depth"
    interpolation: str = "none"
    algorithm_version: str = METHOD_VERSION


def layer_stock(
    organic_carbon: ArrayLike, bulk_density: ArrayLike, thickness: ArrayLike, coarse_fragments: ArrayLike = 0.0
) -> Floats:
    """Organic carbon stock of one layer [t C/ha].

    organic_carbon : carbon of the fine earth (< 2 mm) [g/kg].
    bulk_density : dry mass of the fine earth per volume of the fine earth [g/cm3].
    thickness : [cm]. coarse_fragments : volume share of fragments > 2 mm [0-1].

        S = 0.1 SOC BD (1 - CF) T

    0.1 because 1 g/kg x 1 g/cm3 x 1 cm = 0.001 g/cm2 and 1 g/cm2 = 100 t/ha. By hand: 20 g/kg, 1.30 g/cm3, 30 cm and
    no stones give 78 t/ha. If the density already is fine-earth mass per total volume, pass no coarse fragments, or
    the stones are counted twice (Poeplau et al. 2017, SOIL 3:61, doi:10.5194/soil-3-61-2017). NaN in is NaN out.
    """
    carbon, density = np.asarray(organic_carbon, dtype=np.float64), np.asarray(bulk_density, dtype=np.float64)
    return np.asarray(0.1 * carbon * density * (1.0 - np.asarray(coarse_fragments)) * np.asarray(thickness))


def layer_stock_uncertainty(
    organic_carbon: ArrayLike,
    bulk_density: ArrayLike,
    thickness: ArrayLike,
    coarse_fragments: ArrayLike = 0.0,
    *,
    u_organic_carbon: ArrayLike = 0.0,
    u_bulk_density: ArrayLike = 0.0,
    u_coarse_fragments: ArrayLike = 0.0,
    u_thickness: ArrayLike = 0.0,
    correlation: float = 0.0,
) -> Floats:
    """Standard uncertainty of the stock of one layer [t C/ha], first order (JCGM 100).

    Inputs as in layer_stock, their standard uncertainties in the same units. `correlation` is that of carbon and
    density; it is usually negative, so 0 is on the safe side.

        (u_S/S)² = (u_SOC/SOC)² + (u_BD/BD)² + (u_CF/(1-CF))² + (u_T/T)² + 2 r (u_SOC/SOC) (u_BD/BD)
    """
    carbon = np.asarray(u_organic_carbon) / np.asarray(organic_carbon, dtype=np.float64)
    density = np.asarray(u_bulk_density) / np.asarray(bulk_density, dtype=np.float64)
    stones = np.asarray(u_coarse_fragments) / (1.0 - np.asarray(coarse_fragments, dtype=np.float64))
    length = np.asarray(u_thickness) / np.asarray(thickness, dtype=np.float64)
    relative = carbon**2 + density**2 + stones**2 + length**2 + 2.0 * correlation * carbon * density
    return np.asarray(layer_stock(organic_carbon, bulk_density, thickness, coarse_fragments) * np.sqrt(relative))


def fixed_depth_stock(
    layers: Layers,
    n_profiles: int,
    upper: float,
    lower: float,
    rock_depth: ArrayLike | None = None,
    *,
    correlation: float = 0.0,
    stone_density: float = STONE_DENSITY,
) -> ProfileValues:
    """Organic carbon stock of the mineral soil between two depths, for each profile [t C/ha].

    rock_depth : depth of hard rock of each profile, NaN where unknown [cm].
    correlation : of the errors of carbon and measured density of a layer; usually negative, so 0 is on the safe side.
    stone_density : of coarse fragments, used where the density is of the whole soil and the stones are by volume, or
    the density of the fine earth and the stones by mass; 2.65 is quartz, weathered or porous rock is lighter [g/cm3].

        S = Σ 0.1 SOC ρ L        ρ fine-earth mass per total volume, L length inside the interval

    A missing length of at most 1 cm or 3 % of the interval, whichever is more, is filled by stretching the layer
    above it (the first layer at the top), and flagged. If rock lies inside the interval, the stock to the rock is the
    stock of the interval. Organic surface layers are a separate pool. Only layers inside the interval need be
    complete. Missing coarse fragments are computed as none and flagged.

    Uncertainty as in layer_stock_uncertainty for each layer. Errors of its own add in quadrature over the layers; those
    common to all layers (bias of the laboratory, an estimated density, an unstated basis, stones assumed to be none)
    add linearly, source by source. Where a density was predicted from the carbon, an error of carbon counts once.

    Raises ValueError for an interval that is empty or begins above the mineral surface, for a profile number outside
    0 .. n_profiles - 1, for an unknown status or basis word, for a correlation outside -1 .. 1 and for a stone density
    that is not a positive number.

    By hand: 0-10 cm 30 g/kg and 1.20 g/cm3, 10-40 cm 10 g/kg and 1.40 g/cm3, no stones: 0.1 (30 x 1.20 x 10 +
    10 x 1.40 x 20) = 36 + 28 = 64 t/ha in 0-30 cm.
    """
    if not -1.0 <= correlation <= 1.0:
        raise ValueError(f"correlation must lie in -1 .. 1, got {correlation:g}")
    inside = _layers_inside(layers, n_profiles, upper, lower)
    sub = inside.layers
    mass = fine_earth_of(sub, stone_density)
    cover = _cover(inside, first_fault(carbon_faults(sub) | density_faults(sub, mass), _CODES), rock_depth)
    sub, mass = sub.take(cover.rows), take_mass(mass, cover.rows)
    per_carbon = layer_stock(1.0, mass.value, cover.length)
    stock = per_carbon * sub.soc
    density = ranks(sub.bulk_density_status, "bulk_density_status")
    random, systematic = _stock_errors(sub, mass, stock, per_carbon, density, correlation)
    parts = _Parts(
        value=stock,
        random=random,
        systematic=systematic,
        soc=ranks(sub.soc_status, "soc_status"),
        density=density,
        stones=stone_ranks(sub, mass),
        marks=_mark("bd_type_assumed", mass.basis_assumed)
        | _mark("cf_assumed_zero", mass.stones_assumed_zero)
        | _mark("cf_basis_assumed", mass.stones_basis_assumed),
    )
    return _sum_up(inside, cover, parts)


def extrapolated_stock(
    layers: Layers,
    n_profiles: int,
    sampled: float,
    lower: float,
    rock_depth: ArrayLike | None = None,
    *,
    correlation: float = 0.0,
    stone_density: float = STONE_DENSITY,
) -> ProfileValues:
    """Stock from the surface to a depth that some profiles do not reach, those extended by a mean curve [t C/ha].

    sampled : depth to which the profiles were sampled at least [cm]. Other parameters and errors as in
    fixed_depth_stock. The curve is the global one of Jobbágy & Jackson 2000, Ecol. Appl. 10:423,
    doi:10.1890/1051-0761(2000)010[0423:TVDOSO]2.0.CO;2:

        S(0-D) = S(0-d) (1 - β^D) / (1 - β^d)        β = 0.9786

    Only a profile that is complete to `sampled` and ends above `lower` without rock is extended, down to the rock at
    most. It is flagged `extrapolated`, of tier C, and its systematic uncertainty has at least 15 % of the stock added
    in quadrature. For status only: never use it in a trend. By hand: 40 t/ha in 0-20 cm become
    40 x 0.4774 / 0.3513 = 54.4 t/ha in 0-30 cm.
    """
    if not 0 < sampled < lower:
        raise ValueError(f"an extrapolation from {sampled:g} to {lower:g} cm goes nowhere")
    whole, known = (
        fixed_depth_stock(
            layers, n_profiles, 0, depth, rock_depth, correlation=correlation, stone_density=stone_density
        )
        for depth in (lower, sampled)
    )
    rock = np.full(n_profiles, np.nan) if rock_depth is None else np.asarray(rock_depth, dtype=np.float64)
    extend = (whole.reason == "incomplete_depth") & np.isin(known.depth_status, ("complete", "stretched"))
    extend &= ~np.isnan(known.value) & ~(rock <= sampled)
    ratio = (1.0 - JOBBAGY_JACKSON_BETA ** np.fmin(rock, lower)) / (1.0 - JOBBAGY_JACKSON_BETA**sampled)
    value = known.value * ratio

    def either(extended: Any, measured: Any) -> Any:
        return np.where(extend, extended, measured)

    return ProfileValues(
        value=either(value, whole.value),
        u_random=either(known.u_random * ratio, whole.u_random),
        u_systematic=either(np.hypot(known.u_systematic * ratio, LEAST_EXTRAPOLATION_U * value), whole.u_systematic),
        coverage=whole.coverage,
        n_layers=whole.n_layers,
        reason=either(None, whole.reason),
        depth_status=either("extrapolated", whole.depth_status),
        soc_source=either(known.soc_source, whole.soc_source),
        bd_source=either(known.bd_source, whole.bd_source),
        cf_source=either(known.cf_source, whole.cf_source),
        tier=either("C", whole.tier),
        flags=tuple(
            (*known.flags[i], "extrapolated") if extended else whole.flags[i]
            for i, extended in enumerate(extend.tolist())
        ),
        rule_ids=whole.rule_ids,
    )


def fixed_depth_content(
    layers: Layers, n_profiles: int, upper: float, lower: float, rock_depth: ArrayLike | None = None
) -> ProfileValues:
    """Organic carbon content of the mineral soil between two depths, weighted by thickness [g/kg].

    Rules of completeness, parameters and errors as in fixed_depth_stock; bulk density and stones are not needed.

        content = Σ SOC L / Σ L        L length inside the interval

    By hand: 0-10 cm 30 g/kg and 10-40 cm 9 g/kg give (30 x 10 + 9 x 20) / 30 = 16 g/kg in 0-30 cm.
    """
    inside = _layers_inside(layers, n_profiles, upper, lower)
    cover = _cover(inside, first_fault(carbon_faults(inside.layers), _CODES), rock_depth)
    sub = inside.layers.take(cover.rows)
    share = cover.length / cover.depth[sub.profile]
    repeat, bias = u_carbon(sub)
    not_needed = np.full(sub.profile.size, RANK["not_needed"])
    parts = _Parts(
        value=share * sub.soc,
        random=share * repeat,
        systematic=(share * bias,),
        soc=ranks(sub.soc_status, "soc_status"),
        density=not_needed,
        stones=not_needed,
        marks=np.zeros(sub.profile.size, dtype=np.int64),
    )
    return _sum_up(inside, cover, parts)


# From here on: the steps of the functions above.

_CODES = tuple(REASONS)
_DEPTH_STATUSES = ("complete", "stretched", "limited_by_rock", "incomplete")
_NONE = len(_CODES)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Inside:
    """Mineral layers with sound depths that reach into the interval, and what is known of their profiles.

    rows, faulty : places in `given`, all layers, of those in `layers` and of those whose depths are not sound.
    """

    given: Layers
    rows: Ints
    faulty: Ints
    layers: Layers
    n_profiles: int
    upper: float
    lower: float
    depth_invalid: Bools
    organic: Bools


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cover:
    """How the layers cover the interval: per layer used `rows` and `length`, the rest per profile."""

    rows: Ints
    length: Floats
    depth: Floats
    coverage: Floats
    n_layers: NDArray[np.int64]
    reason: Ints
    status: Ints
    marks: NDArray[np.int64]
    rule_ids: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """What each used layer adds to its profile; `systematic` holds one array per common source of error."""

    value: Floats
    random: Floats
    systematic: tuple[Floats, ...]
    soc: Ints
    density: Ints
    stones: Ints
    marks: NDArray[np.int64]


def _mark(flag: str, where: Bools) -> NDArray[np.int64]:
    return where.astype(np.int64) << FLAGS.index(flag)


def _layers_inside(layers: Layers, n_profiles: int, upper: float, lower: float) -> _Inside:
    if not 0 <= upper < lower:
        raise ValueError(f"the depth interval {upper:g}-{lower:g} cm is empty or begins above the mineral surface")
    profile = layers.checked_profile(n_profiles)
    mineral = ~np.asarray(layers.organic, dtype=np.bool_)
    sound = layers.bottom > layers.top
    shallow, deep = np.fmin(layers.top, layers.bottom), np.fmax(layers.top, layers.bottom)
    # A layer without any depth could lie anywhere, so it counts as inside.
    outside = (shallow >= lower) | (deep <= upper)
    faulty = np.flatnonzero(mineral & ~sound & ~outside)
    rows = np.flatnonzero(mineral & sound & ~outside)
    return _Inside(
        given=layers,
        rows=rows,
        faulty=faulty,
        layers=layers.take(rows),
        n_profiles=n_profiles,
        upper=upper,
        lower=lower,
        depth_invalid=np.bincount(profile[faulty], minlength=n_profiles).astype(np.bool_),
        organic=np.bincount(profile[~mineral], minlength=n_profiles).astype(np.bool_),
    )


def _floor(inside: _Inside, rock_depth: ArrayLike | None) -> tuple[Floats, Bools]:
    """Lower end of the interval for each profile, at most the rock; and where carbon below it contradicts the rock."""
    rock = np.full(inside.n_profiles, np.nan) if rock_depth is None else np.asarray(rock_depth, dtype=np.float64)
    if rock.shape != (inside.n_profiles,):
        raise ValueError(f"rock_depth has shape {rock.shape}, expected ({inside.n_profiles},)")
    sub = inside.layers
    deeper = ~np.isnan(sub.soc) & (sub.bottom > rock[sub.profile] + TOLERATED_LENGTH)
    contradicted = np.bincount(sub.profile[deeper], minlength=inside.n_profiles).astype(np.bool_)
    floor = np.where(contradicted | np.isnan(rock), inside.lower, np.minimum(rock, inside.lower))
    return floor, contradicted & (rock < inside.lower)


def _cover(inside: _Inside, fault: Ints, rock_depth: ArrayLike | None) -> _Cover:
    sub, n, upper = inside.layers, inside.n_profiles, inside.upper
    floor, contradicted = _floor(inside, rock_depth)
    depth = np.maximum(floor - upper, 0.0)
    rows = np.flatnonzero(overlap_length(sub.top, sub.bottom, upper, floor[sub.profile]) > 0)
    top = np.maximum(sub.top[rows], upper)
    bottom = np.minimum(sub.bottom[rows], floor[sub.profile[rows]])
    order = depth_order(sub.profile[rows], top, bottom)
    rows, top, bottom = rows[order], top[order], bottom[order]
    profile = sub.profile[rows]
    above = bottom_above(profile, bottom)
    new = np.maximum(bottom - np.fmax(top, above), 0.0)

    rule_ids = rules_raised(inside.given, np.concatenate([inside.faulty, inside.rows[rows]]), n)
    usable = fault[rows] == _NONE
    tolerated = max(TOLERATED_LENGTH, TOLERATED_SHARE * (inside.lower - upper)) + _ROUNDING
    uncovered = depth - np.bincount(profile, weights=new, minlength=n)
    covered = np.bincount(profile[usable], weights=new[usable], minlength=n)
    lacking = depth - covered
    n_layers = np.bincount(profile, minlength=n)
    of_layers = np.full(n, _NONE, dtype=np.intp)
    np.minimum.at(of_layers, profile, fault[rows])
    begins = np.zeros(n)
    begins[profile[np.isnan(above)]] = top[np.isnan(above)]

    found = {
        "no_mineral_layer": n_layers == 0,
        "depth_invalid": inside.depth_invalid,
        "overlap": np.bincount(profile[top < above - _ROUNDING], minlength=n).astype(np.bool_),
        "rock_above_interval": floor <= upper,
        "starts_below_surface": (begins > tolerated) & (upper == 0),
        "incomplete_depth": uncovered > tolerated,
    }
    # Rock above the interval leaves no layer in it, and a faulty depth may be the only layer: they say more.
    found["no_mineral_layer"] &= ~(found["depth_invalid"] | found["rock_above_interval"])
    reason = np.minimum(first_fault(found, _CODES), np.where(lacking > tolerated, of_layers, _NONE))

    missing = np.where(reason == _NONE, lacking, uncovered)
    stretched = (missing > _ROUNDING) & (missing <= tolerated)
    by_rock = (floor < inside.lower) & (missing <= tolerated)
    status = np.select([n_layers == 0, missing > tolerated, by_rock, stretched], [3, 3, 2, 1], 0)
    marks = (
        _mark("stretched", stretched & (n_layers > 0))
        | _mark("limited_by_rock", by_rock)
        | _mark("rock_depth_contradicted", contradicted)
        | _mark("organic_layer_excluded", inside.organic)
    )

    keep = usable & (reason[profile] == _NONE)
    rows, top, profile = rows[keep], top[keep], profile[keep]
    coverage = np.zeros(n)
    np.divide(covered, depth, out=coverage, where=depth > 0)
    return _Cover(
        rows=rows,
        length=_stretched_length(profile, top, upper, floor),
        depth=depth,
        coverage=np.clip(coverage, 0.0, 1.0),
        n_layers=n_layers.astype(np.int64),
        reason=reason,
        status=status.astype(np.intp),
        marks=marks,
        rule_ids=rule_ids,
    )


def _stretched_length(profile: Ints, top: Floats, upper: float, floor: Floats) -> Floats:
    """Length of layers in depth order when each reaches down to the next, the first up and the last down to the end."""
    if profile.size == 0:
        return np.empty(0)
    changes = profile[1:] != profile[:-1]
    begin = np.where(np.concatenate(([True], changes)), upper, top)
    end = floor[profile]
    end[:-1] = np.where(changes, end[:-1], top[1:])
    return end - begin


def _stock_errors(
    layers: Layers, mass: FineEarthMass, stock: Floats, per_carbon: Floats, density_rank: Ints, correlation: float
) -> tuple[Floats, tuple[Floats, ...]]:
    """Uncertainty of each layer's stock from errors of its own, and from each source of error common to all layers."""
    measured = density_rank == RANK["measured"]
    once = carbon_share_of_error(layers, density_rank)
    repeat, bias = (per_carbon * once * part for part in u_carbon(layers))
    density = stock * relative_u_density(layers, measured)
    own_density = np.where(measured, density, 0.0)
    own_stones, assumed_stones = u_stones(mass)
    length = U_THICKNESS / (layers.bottom - layers.top)
    variance = repeat**2 + own_density**2 + stock**2 * (own_stones**2 + length**2)
    variance += 2.0 * correlation * repeat * own_density
    basis = stock * mass.spread / mass.value
    common = (bias, np.where(measured, 0.0, density), basis, stock * assumed_stones)
    return np.sqrt(np.maximum(variance, 0.0)), common


def _sum_up(inside: _Inside, cover: _Cover, parts: _Parts) -> ProfileValues:
    """Add what the layers give to their profiles: random errors in quadrature, common ones linearly."""
    n = inside.n_profiles
    profile = inside.layers.profile[cover.rows]
    given = cover.reason == _NONE

    def per_profile(values: Floats) -> Floats:
        return np.bincount(profile, weights=values, minlength=n).astype(np.float64)

    def where_given(values: Floats) -> Floats:
        return np.where(given, values, np.nan)

    common = sum((per_profile(source) ** 2 for source in parts.systematic), np.zeros(n))
    soc, density, stones = (weakest(ranked, profile, n) for ranked in (parts.soc, parts.density, parts.stones))
    marks = cover.marks.copy()
    np.bitwise_or.at(marks, profile, parts.marks)
    marks |= _mark("soc_estimated", soc > RANK["measured_wc_assumed"]) | _mark("bulk_density_estimated", density > BEST)
    marks |= _mark("cf_estimated", (stones > BEST) & (stones != RANK["assumed_zero"]))
    weak = (
        (soc > BEST).astype(np.intp)
        + ((density > BEST) | _has(marks, "bd_type_assumed"))
        + ((stones > BEST) | _has(marks, "cf_basis_assumed"))
    )
    return ProfileValues(
        value=where_given(per_profile(parts.value)),
        u_random=where_given(np.sqrt(per_profile(parts.random**2))),
        u_systematic=where_given(np.sqrt(common)),
        coverage=cover.coverage,
        n_layers=cover.n_layers,
        reason=_words((*_CODES, None), cover.reason),
        depth_status=_words(_DEPTH_STATUSES, cover.status),
        soc_source=_words_where(SOURCES, soc, given),
        bd_source=_words_where(SOURCES, density, given),
        cf_source=_words_where(SOURCES, stones, given),
        tier=_words_where(("A", "B", "C", "C"), weak, given),
        flags=_flag_words(marks),
        rule_ids=cover.rule_ids,
    )


def _has(marks: NDArray[np.int64], flag: str) -> Bools:
    return (marks >> FLAGS.index(flag) & 1).astype(np.bool_)


def _words(words: tuple[str | None, ...], codes: Ints) -> Objects:
    return np.asarray(words, dtype=object)[codes]


def _words_where(words: tuple[str, ...], codes: Ints, where: Bools) -> Objects:
    found = _words(words, codes)
    found[~where] = None
    return found


def _flag_words(marks: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    kinds, which = np.unique(marks, return_inverse=True)
    named = [tuple(flag for bit, flag in enumerate(FLAGS) if kind >> bit & 1) for kind in kinds.tolist()]
    return tuple(named[kind] for kind in which.tolist())
