"""Depth logic of soil profiles: which layers are impossible, overlap or leave gaps, and how they cover an interval.

Everything works on many profiles at once. Layers come as equal-length arrays in any order: the profile each belongs
to (0 .. n_profiles - 1), and its top and bottom in [cm], signed, zero at the mineral surface, down positive.

The words are those of the R package aqp (Beaudette et al. 2013, Comput. Geosci. 52:258,
doi:10.1016/j.cageo.2012.10.020): inverted (its depthLogic), zero thickness (sameDepth), missing (missingDepth),
overlap and gap, which aqp reports as one and we report apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True)
class DepthFlags:
    """What is wrong with the depths, one flag per layer, in the order the layers were given.

    `overlap` marks a layer that begins above the bottom of an earlier one, `gap` a layer that begins below the bottom
    of all earlier ones, `below_surface` the first layer of a profile if it does not reach up to 0 cm. Layers that are
    inverted, without thickness or without a depth take no part in the last three.
    """

    inverted: Bools
    zero_thickness: Bools
    missing: Bools
    overlap: Bools
    gap: Bools
    below_surface: Bools

    def valid(self, profile: ArrayLike, n_profiles: int) -> Bools:
        """Profiles whose layers follow each other without fault [shape: n_profiles].

        As in aqp, a profile that begins below the surface is still valid; one without layers is not.
        """
        faulty = self.inverted | self.zero_thickness | self.missing | self.overlap | self.gap
        index = np.asarray(profile, dtype=np.intp)
        return ~any_in_profile(faulty, index, n_profiles) & (np.bincount(index, minlength=n_profiles) > 0)


def any_in_profile(flag: Bools, profile: ArrayLike, n_profiles: int) -> Bools:
    """Profiles in which at least one layer carries `flag` [shape: n_profiles]."""
    index = np.asarray(profile, dtype=np.intp)
    return np.bincount(index[flag], minlength=n_profiles).astype(np.bool_)


def depth_order(profile: Ints, top: Floats, bottom: Floats) -> Ints:
    """Positions that sort layers by profile, then top, then bottom."""
    same, level = profile[1:] == profile[:-1], top[1:] == top[:-1]
    deeper = (top[1:] > top[:-1]) | (level & (bottom[1:] >= bottom[:-1]))
    if bool(((profile[1:] > profile[:-1]) | (same & deeper)).all()):
        return np.arange(profile.size)
    return np.lexsort((bottom, top, profile))


def bottom_above(profile: Ints, bottom: Floats) -> Floats:
    """Deepest bottom among the earlier layers of the same profile, NaN for the first. Layers in depth order [cm]."""
    if bottom.size == 0:
        return np.empty(0)
    # The running maximum is taken over ranks, with the profile in front, so that depths stay exact.
    by_rank = np.sort(bottom)
    rank = np.searchsorted(by_rank, bottom)
    running = np.maximum.accumulate(profile.astype(np.int64) * bottom.size + rank)
    before = np.full(bottom.size, np.nan)
    same = profile[1:] == profile[:-1]
    before[1:][same] = by_rank[running[:-1][same] % bottom.size]
    return before


def check_depths(profile: ArrayLike, top: ArrayLike, bottom: ArrayLike) -> DepthFlags:
    """Flags of the depth logic for layers of any number of profiles.

    profile : profile of each layer, 0 .. n_profiles - 1.
    top, bottom : depths of each layer. [cm]

    A missing depth is NaN. Organic layers above the mineral surface have negative depths and are part of the sequence.
    """
    index, tops, bottoms = _layers(profile, top, bottom)
    missing = np.isnan(tops) | np.isnan(bottoms)
    inverted = bottoms < tops
    zero = bottoms == tops
    sound = np.flatnonzero(~(missing | inverted | zero))
    order = sound[depth_order(index[sound], tops[sound], bottoms[sound])]
    above = bottom_above(index[order], bottoms[order])
    overlap, gap, below = (np.zeros(index.size, dtype=np.bool_) for _ in range(3))
    overlap[order] = tops[order] < above
    gap[order] = tops[order] > above
    below[order] = np.isnan(above) & (tops[order] > 0)
    return DepthFlags(
        inverted=inverted, zero_thickness=zero, missing=missing, overlap=overlap, gap=gap, below_surface=below
    )


def overlap_length(top: ArrayLike, bottom: ArrayLike, upper: ArrayLike, lower: ArrayLike) -> Floats:
    """Length of each layer that lies inside the interval from `upper` to `lower`; NaN where a depth is missing [cm]."""
    length = np.minimum(bottom, lower) - np.maximum(top, upper)
    return np.asarray(np.maximum(length, 0.0), dtype=np.float64)


def covered_length(
    profile: ArrayLike, top: ArrayLike, bottom: ArrayLike, n_profiles: int, *, upper: float, lower: float
) -> Floats:
    """Length of the interval covered by the layers of each profile, counting overlaps once [cm, shape: n_profiles]."""
    index, tops, bottoms = _layers(profile, top, bottom)
    inside = np.flatnonzero(overlap_length(tops, bottoms, upper, lower) > 0)
    tops, bottoms, index = np.maximum(tops[inside], upper), np.minimum(bottoms[inside], lower), index[inside]
    order = depth_order(index, tops, bottoms)
    above = bottom_above(index[order], bottoms[order])
    new = np.maximum(bottoms[order] - np.fmax(tops[order], above), 0.0)
    return np.bincount(index[order], weights=new, minlength=n_profiles).astype(np.float64)


def slab_mean(
    profile: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    values: ArrayLike,
    n_profiles: int,
    *,
    upper: float,
    lower: float,
    weights: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Depth-weighted mean of a property between two depths, and the share of the interval it rests on.

    values : the property, one per layer; layers with NaN are left out.
    upper, lower : the interval. [cm]
    weights : weight per cm of layer, for instance fine-earth mass; equal weights if not given.

    Returns the mean, NaN where no layer of the profile has a value inside the interval, and the coverage [0-1], both
    of shape n_profiles. A mean of low coverage is still a number: the caller decides what it is worth.

        v(a, b) = Σ v_i w_i overlap_i / Σ w_i overlap_i
    """
    index, tops, bottoms = _layers(profile, top, bottom)
    value = np.asarray(values, dtype=np.float64)
    weight = np.ones(index.size) if weights is None else np.asarray(weights, dtype=np.float64)
    weight = weight * overlap_length(tops, bottoms, upper, lower)
    use = np.isfinite(value) & (weight > 0)
    index, tops, bottoms = index[use], tops[use], bottoms[use]
    total = np.bincount(index, weights=weight[use], minlength=n_profiles)
    summed = np.bincount(index, weights=weight[use] * value[use], minlength=n_profiles)
    mean = np.full(n_profiles, np.nan)
    np.divide(summed, total, out=mean, where=total > 0)
    return mean, covered_length(index, tops, bottoms, n_profiles, upper=upper, lower=lower) / (lower - upper)


def slab_mean_by_mass(
    profile: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    values: ArrayLike,
    fine_earth: ArrayLike,
    n_profiles: int,
    *,
    upper: float,
    lower: float,
) -> tuple[Floats, Floats]:
    """Mean of a content between two depths, weighted by the fine-earth mass that carries it, and its coverage.

    values : content of the fine earth, for instance organic carbon or nitrogen; layers with NaN are left out.
    fine_earth : fine-earth mass per total volume of each layer; a layer without it, or with none, is left out.
    [g/cm3] Other parameters, result and errors as in slab_mean.

        v(a, b) = Σ v_i ρ_i overlap_i / Σ ρ_i overlap_i

    For a content that is to be multiplied with a mass: this mean times the mass of the slab is the sum of the layers,
    while the mean by thickness times the mean density is not, because layers rich in carbon are light. By hand:
    0-10 cm 40 g/kg at 1.0 g/cm3 and 10-20 cm 10 g/kg at 1.5 g/cm3 give (40 x 1.0 + 10 x 1.5) / 2.5 = 22 g/kg.
    """
    density = np.asarray(fine_earth, dtype=np.float64)
    weights = np.where(density > 0, density, np.nan)
    return slab_mean(profile, top, bottom, values, n_profiles, upper=upper, lower=lower, weights=weights)


SURFACE_CONVENTIONS = ("mineral", "organic_top")
"""Where depth zero lies: at the surface of the mineral soil (FAO, WoSIS), or on top of the O horizon (ISCN)."""


def to_mineral_surface(
    profile: ArrayLike, top: ArrayLike, bottom: ArrayLike, organic: ArrayLike, n_profiles: int
) -> tuple[Floats, Floats]:
    """Depths with zero at the mineral surface, from depths with zero on top of the organic surface layers [cm].

    organic : L, F, H and O layers. Other parameters as in check_depths.

    Every depth of a profile is lessened by the bottom of its organic surface layers: those that follow each other
    from zero down. A buried organic layer, below mineral soil, stays where it is. By hand: O 0-4 cm and A 4-20 cm
    become O -4-0 cm and A 0-16 cm.
    """
    index, tops, bottoms = _layers(profile, top, bottom)
    is_organic = np.asarray(organic, dtype=np.bool_)
    if is_organic.shape != index.shape:
        raise ValueError("organic must have one entry per layer")
    mineral = np.full(n_profiles, np.inf)
    sound = ~is_organic & (bottoms > tops)
    np.minimum.at(mineral, index[sound], tops[sound])
    surface = is_organic & (bottoms > tops) & (bottoms <= mineral[index])
    shift = np.zeros(n_profiles)
    np.maximum.at(shift, index[surface], bottoms[surface])
    return tops - shift[index], bottoms - shift[index]


ENDS = ("no_layer", "rock", "rock_contradicted", "stopped")
"""Why a profile ends where it ends."""


def profile_end(
    profile: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    n_profiles: int,
    rock_depth: ArrayLike,
    *,
    tolerance: float = 1.0,
) -> tuple[Floats, NDArray[np.object_]]:
    """Depth at which each profile ends [cm], NaN without layers, and why: rock, or because sampling stopped.

    rock_depth : depth of hard rock (lithic contact, R horizon) of each profile, NaN where unknown [cm].
    tolerance : difference of the two depths that counts as none [cm]. Other parameters as in check_depths.

    `rock` : the layers reach the rock; there is no soil below, so a stock to any greater depth is complete.
    `stopped` : no rock is known there; what lies below is unknown. `rock_contradicted` : layers lie below the stated
    rock. `no_layer` : there is no layer with sound depths.
    """
    index, tops, bottoms = _layers(profile, top, bottom)
    rock = np.asarray(rock_depth, dtype=np.float64)
    if rock.shape != (n_profiles,):
        raise ValueError(f"rock_depth has shape {rock.shape}, expected ({n_profiles},)")
    end = np.full(n_profiles, -np.inf)
    sound = bottoms > tops
    np.maximum.at(end, index[sound], bottoms[sound])
    none = np.isneginf(end)
    cause = np.select([none, end > rock + tolerance, end >= rock - tolerance], [ENDS[0], ENDS[2], ENDS[1]], ENDS[3])
    return np.where(none, np.nan, end), cause.astype(object)


def _layers(profile: ArrayLike, top: ArrayLike, bottom: ArrayLike) -> tuple[Ints, Floats, Floats]:
    index = np.asarray(profile, dtype=np.intp)
    tops, bottoms = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    if not index.shape == tops.shape == bottoms.shape or index.ndim != 1:
        raise ValueError("profile, top and bottom must be one-dimensional and of equal length")
    return index, tops, bottoms
