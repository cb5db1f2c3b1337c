"""How many sites a campaign needs, and which of many places to visit: sizes, allocation and balanced samples.

The size comes from the power of the later test of change (app/soil/change.py); the sample from a design whose inclusion
probabilities are known, so that what it finds can be said of the whole area.

de Gruijter et al. 2006, Sampling for Natural Resource Monitoring, Springer; Brus 2022, Spatial Sampling with R, CRC,
chapters 4, 9 and 12; Grafström, Lundström & Schelin 2012, Biometrics 68:514, doi:10.1111/j.1541-0420.2011.01699.x.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from app.soil.change import detectable_difference, sample_size

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Revisit = Literal["revisit", "independent"]

FEWEST_OF_STRATUM = 2
"""A stratum with one site has no variance, and the whole sample no standard error."""
NEIGHBOURS = 12
DECIDED = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaigns:
    """Two campaigns that are to be compared.

    sd : standard deviation between sites in one campaign. mean : of the first campaign, above zero. [any one unit]
    years : between them. design : `revisit` the same sites, or draw two `independent` samples.
    correlation : between the values of one site in the two campaigns, for revisits. [-1 to below 1]
    alpha, power : of the two-sided test of the change.
    """

    sd: float
    mean: float
    years: float
    design: Revisit = "revisit"
    correlation: float = 0.0
    alpha: float = 0.05
    power: float = 0.8

    @property
    def spread(self) -> float:
        """The standard deviation that the test has to overcome: of differences, or between the sites of a sample."""
        return difference_sd(self.sd, self.correlation) if self.design == "revisit" else self.sd


def difference_sd(sd: float, correlation: float) -> float:
    """Standard deviation of the differences between two visits of one site [as sd].

        s_d = sd √(2 (1 - r))

    sd : between sites, the same in both campaigns. Example: sd 20 and r 0.9 give 8.944.
    """
    return sd * math.sqrt(2.0 * (1.0 - correlation))


def rate_of(difference: float, campaigns: Campaigns) -> float:
    """A difference of means as a linear rate of the baseline [‰/yr].

        rate = 1000 δ / (mean years)

    Example: 2 t/ha on 50 t/ha in 10 years are 4 ‰/yr.
    """
    return 1000.0 * difference / (campaigns.mean * campaigns.years)


def difference_of(rate: float, campaigns: Campaigns) -> float:
    """The difference of means after a rate [‰/yr] has lasted from campaign to campaign [as mean].

    δ = rate mean years / 1000
    """
    return rate * campaigns.mean * campaigns.years / 1000.0


def sites_needed(difference: float, campaigns: Campaigns) -> int:
    """Sites to visit in each campaign, so that a difference is found with the wanted power; at least 2.

    Exact, by the non-central t distribution (sample_size), rounded up. Raises ValueError for impossible values.
    """
    paired = campaigns.design == "revisit"
    exact = sample_size(difference, campaigns.spread, paired=paired, alpha=campaigns.alpha, power=campaigns.power)
    # The root of an equation: a whole number may come out a hair above itself.
    return max(math.ceil(exact - 1e-6), 2)


def difference_found(n: int, campaigns: Campaigns) -> float:
    """Smallest difference that n sites in each campaign find with the wanted power [as sd]."""
    paired = campaigns.design == "revisit"
    return detectable_difference(campaigns.spread, n, paired=paired, alpha=campaigns.alpha, power=campaigns.power)


def allocate(areas: Mapping[str, float], n: int) -> dict[str, int]:
    """Sites of each stratum in proportion to its area, by largest remainders, and at least 2.

    areas : of the strata, above zero, in any one unit. n : sites in all.

        n_h = n A_h / Σ A

    Strata that would get fewer than 2 get 2, the others share what is left. Of equal remainders the first stratum
    wins. Raises ValueError for an n below twice the number of strata and for areas not above zero.

    Example: areas 60, 30, 10 and n = 11: the third would get 1.1, so it gets 2; 6 and 3 are left for the others.
    """
    if not areas or min(areas.values()) <= 0:
        raise ValueError("every stratum must have an area above zero")
    if n < FEWEST_OF_STRATUM * len(areas):
        raise ValueError(f"n is {n}; {len(areas)} strata need at least {FEWEST_OF_STRATUM} sites each")
    small: set[str] = set()
    while True:
        left = n - FEWEST_OF_STRATUM * len(small)
        rest = {name: area for name, area in areas.items() if name not in small}
        whole = sum(rest.values())
        share = {name: left * area / whole for name, area in rest.items()}
        below = {name for name, value in share.items() if value < FEWEST_OF_STRATUM}
        if not below:
            break
        small |= below
    found = {name: math.floor(share[name]) if name in share else FEWEST_OF_STRATUM for name in areas}
    by_remainder = sorted(share, key=lambda name: found[name] - share[name])
    for name in by_remainder[: n - sum(found.values())]:
        found[name] += 1
    return found


def local_pivotal(places: ArrayLike, n: int, generator: np.random.Generator) -> Ints:
    """A spatially balanced sample of n places, each with the same probability; their numbers, ascending.

    places : coordinates, one row for each place; distances in them are what is balanced. n : 0 to the number of places.

    The second local pivotal method (LPM2): as long as places are undecided, one of them is drawn at random, and it and
    its nearest undecided neighbour fight for their probabilities p and q:

        p + q < 1:   (0, p + q) with probability q / (p + q), else (p + q, 0)
        p + q ≥ 1:   (1, p + q - 1) with probability (1 - q) / (2 - p - q), else (p + q - 1, 1)

    The expectation of each does not change, so every place is drawn with probability n / N; neighbours seldom both are.
    Grafström, Lundström & Schelin 2012. Raises ValueError for an n that is not possible.
    """
    x = np.asarray(places, dtype=np.float64)
    size = x.shape[0]
    if not 0 <= n <= size:
        raise ValueError(f"n is {n}; it must lie between 0 and {size}, the number of places")
    if n in {0, size}:
        return np.arange(n, dtype=np.intp)
    p = np.full(size, n / size)
    undecided = _Undecided(x)
    for draw, fight in generator.random((size, 2)).tolist():
        if len(undecided.left) < 2:
            break
        i = undecided.left[int(draw * len(undecided.left))]
        j = undecided.nearest(i)
        p[i], p[j] = _fought(float(p[i]), float(p[j]), fight)
        for one in (i, j):
            if p[one] < DECIDED or p[one] > 1.0 - DECIDED:
                undecided.remove(one)
    # What rounding leaves of the last place is close to 0 or 1.
    return np.flatnonzero(p > 0.5)


def _fought(p: float, q: float, chance: float) -> tuple[float, float]:
    both = p + q
    if both < 1.0:
        return (0.0, both) if chance * both < q else (both, 0.0)
    return (1.0, both - 1.0) if chance * (2.0 - both) < 1.0 - q else (both - 1.0, 1.0)


class _Undecided:
    """The places that are still in play. Neighbours come from a tree that is built anew each time half have left."""

    def __init__(self, places: Floats) -> None:
        self.places = places
        self.left: list[int] = list(range(places.shape[0]))
        self._where = list(range(places.shape[0]))
        """Position of each place in `left`; -1 once decided."""
        self._build()

    def _build(self) -> None:
        self._members = np.array(sorted(self.left), dtype=np.intp)
        self._tree = cKDTree(self.places[self._members])
        k = min(NEIGHBOURS, self._members.size)
        found = self._members[np.atleast_2d(self._tree.query(self.places[self._members], k=k)[1].reshape(-1, k))]
        self._near = dict(zip(self._members.tolist(), found.tolist(), strict=True))

    def remove(self, place: int) -> None:
        """Take a decided place out."""
        spot, last = self._where[place], self.left[-1]
        self.left[spot], self._where[last] = last, spot
        self.left.pop()
        self._where[place] = -1
        if 2 * len(self.left) < self._members.size and len(self.left) > 1:
            self._build()

    def nearest(self, place: int) -> int:
        """The nearest other undecided place."""
        near = self._near[place]
        k = len(near)
        while True:
            for other in near:
                if other != place and self._where[other] >= 0:
                    return int(other)
            k = min(4 * k, self._members.size)
            near = self._members[self._tree.query(self.places[place], k=k)[1]].tolist()
