"""Comparing means that are known with their errors: which cannot be told apart, and how two differ.

Both work on published figures alone: nothing here looks at sites. docs/methods/comparison.md has the equations.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy import stats

LEVEL = 0.95

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "no_estimate": "One of the two regions has no figure for this choice.",
        "side_refused": "One of the two figures is refused.",
        "synthetic_mixed": "One figure is of measured and one of generated data.",
        "not_representative": (
            "At least one sample was not drawn by a probability design: the difference describes the sampled sites, "
            "and a test would say nothing about the regions."
        ),
        "shared_datasets": (
            "The two figures share a dataset, so that they are not independent and the error of their difference is unknown."
        ),
        "method_versions_differ": "The two figures were computed by different versions of the method.",
        "no_standard_error": "At least one figure has no standard error.",
        "no_variation": "Neither figure has an error above zero.",
    }
)
"""Why there is no difference or no test of it: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of two figures. value, se : in the indicator's unit. df : degrees of freedom of the standard error."""

    value: float | None
    se: float | None
    df: float | None
    refused: bool
    representative: bool
    synthetic: bool
    method_version: str
    datasets: Collection[str] = field(default=frozenset())


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How the first figure differs from the second: first less second, in the indicator's unit.

    refused : code of REFUSALS; then there is no test, and where nothing can be compared no value either.
    """

    value: float | None = None
    se: float | None = None
    df: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = LEVEL
    t: float | None = None
    p: float | None = None
    refused: str | None = None


def difference(first: Side, second: Side) -> Difference:
    """Difference of two independent means with its interval and Welch's test, or why there is none.

    se = √(se1² + se2²); df = se⁴ / (se1⁴ / df1 + se2⁴ / df2) (Welch 1947, Biometrika 34:28-35, with Satterthwaite's
    degrees of freedom); p is two-sided.
    """
    reason = _incomparable(first, second)
    if reason is not None or first.value is None or second.value is None:
        return Difference(refused=reason or "side_refused")
    value = first.value - second.value
    reason = _untestable(first, second)
    if reason is not None or first.se is None or second.se is None or not first.df or not second.df:
        return Difference(value=value, refused=reason or "no_standard_error")
    variance = first.se**2 + second.se**2
    if not variance > 0:
        return Difference(value=value, refused="no_variation")
    # Shares of the variance, so that no fourth power overflows or vanishes.
    df = 1 / ((first.se**2 / variance) ** 2 / first.df + (second.se**2 / variance) ** 2 / second.df)
    se = math.sqrt(variance)
    half = float(stats.t.ppf((1 + LEVEL) / 2, df)) * se
    t = value / se
    p = 2 * float(stats.t.sf(abs(t), df))
    return Difference(value=value, se=se, df=df, lower=value - half, upper=value + half, t=t, p=p)


def _incomparable(first: Side, second: Side) -> str | None:
    if first.refused or second.refused or first.value is None or second.value is None:
        return "side_refused"
    return "synthetic_mixed" if first.synthetic != second.synthetic else None


def _untestable(first: Side, second: Side) -> str | None:
    if not (first.representative and second.representative):
        return "not_representative"
    if set(first.datasets) & set(second.datasets):
        return "shared_datasets"
    if first.method_version != second.method_version:
        return "method_versions_differ"
    return None


def holm(p: Sequence[float]) -> list[float]:
    """P values adjusted for being several, in the same order (Holm 1979, Scandinavian Journal of Statistics 6:65-70)."""
    order = np.argsort(p, kind="stable")
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[at]))
        adjusted[at] = highest
    return adjusted


@dataclass(frozen=True, kw_only=True, slots=True)
class Rank:
    """Where a figure stands, counted from 1, the highest first.

    band : figures whose intervals overlap, directly or through others, share one. best, worst : ranks that are possible
    given the intervals that lie wholly above and wholly below its own.
    """

    band: int
    best: int
    worst: int


def ranks(lower: Sequence[float], upper: Sequence[float]) -> list[Rank]:
    """Rank of each interval, in the order given. Intervals that only touch overlap.

    Bands are the smallest groups of which no two hold overlapping intervals: every region of a band lies wholly above
    every region of the next.
    """
    bands = [0] * len(lower)
    band, floor = 0, math.inf
    for at in sorted(range(len(upper)), key=lambda i: -upper[i]):
        if upper[at] < floor:
            band += 1
        floor = min(floor, lower[at])
        bands[at] = band
    falling = np.sort(np.asarray(lower, dtype=np.float64))
    rising = np.sort(np.asarray(upper, dtype=np.float64))
    above = len(lower) - np.searchsorted(falling, upper, side="right")
    below = np.searchsorted(rising, lower, side="left")
    return [
        Rank(band=b, best=1 + int(a), worst=len(lower) - int(u)) for b, a, u in zip(bands, above, below, strict=True)
    ]
