"""From the values of sites to the figure of a region: what the sample allows to be said, and no more.

Sites that share a sampling unit (plots of one farm or experiment) are not independent: they are averaged first, and
all statistics are those of the units. A probability sample supports an interval for the region; legacy and purposive
data describe the sites that happen to have been sampled, and say so. Small samples and data that would betray their
owner are refused with a reason, never shown as zero or as empty.

Estimators: Brus 2022, Spatial Sampling with R, CRC, chapters 3, 4 and 6; de Gruijter et al. 2006, Sampling for
Natural Resource Monitoring, Springer. Values keep the unit they come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

FULL_N = 10
INDICATIVE_N = 5
MEDIAN_N = 3
FEWEST_OWNERS = 3
LARGEST_SHARE = 0.8
APPROXIMATE_N = 20
APPROXIMATE_SKEWNESS = 2.0

DESIGNS: Mapping[str, str] = MappingProxyType(
    {
        "srs": "simple random sample",
        "stratified": "stratified random sample",
        "grid": "systematic grid or monitoring network",
        "purposive": "sites chosen on purpose",
        "legacy": "data collected for other ends, or of unknown design",
        "mixed": "data of several designs",
    }
)

ESTIMATORS: Mapping[str, str] = MappingProxyType(
    {
        "srs_mean": "Mean of a simple random sample",
        "grid_mean": "Mean of a systematic grid, interval as for a simple random sample",
        "stratified_mean": "Mean of a stratified random sample, weighted by stratum area",
        "sample_description": "Description of the sampled sites",
    }
)

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "no_sites": "No site in this region has a value.",
        "too_few_sites": (
            "Fewer than 3 independent sites (sampling units) have a value: a figure would say nothing about the region."
        ),
        "median_only": (
            "Only 3 or 4 independent sites (sampling units) have a value: their median is given, a mean is not."
        ),
        "too_few_owners": "Fewer than 3 owners contributed the data that are not open: a figure could betray theirs.",
        "dominant_owner": "One owner holds more than 80 % of the data that are not open: a figure could betray theirs.",
    }
)
"""Why there is no mean: stable code to sentence."""

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "single_unit_stratum": "A stratum has a single sampling unit, so there is no standard error.",
        "strata_not_sampled": "Some strata have no site: the figure is that of the strata with sites only.",
        "interval_approximate": "Few or skewed values: the Student t interval is approximate.",
    }
)
"""What a reader should know about a figure that is given: stable code to sentence."""

MEANING_REPRESENTATIVE = "With the stated probability, an interval computed this way contains the mean of the sampled area; the sites were drawn by a sampling design."
MEANING_DESCRIPTIVE = "The interval describes the mean of the sampled sites only. These sites were not drawn by a probability design, so it does not cover the region."


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """One figure with everything needed to judge it, or the reason it is refused.

    value : the mean; None if refused. sd : standard deviation between sampling units; se : standard error of the mean.
    lower, upper, level, df : Student t interval of the mean, its confidence level and degrees of freedom.
    median, q1, q3 : quartiles of the sampling units.
    n_sites, n_units, n_owners : sites with a value, independent sampling units, data owners.
    estimator : a key of ESTIMATORS. representative : the interval covers the sampled area, not only the sampled sites.
    indicative : fewer than 10 sampling units.
    refused : None or a key of REFUSALS; `median_only` still gives the quartiles' median.
    notes : keys of NOTES. covered_share : share of the area in strata that have a site [0-1].

    None means that there is no such number. No field is ever NaN.
    """

    value: float | None = None
    sd: float | None = None
    se: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.95
    df: float | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None
    n_sites: int
    n_units: int
    n_owners: int
    estimator: str
    representative: bool
    indicative: bool = False
    refused: str | None = None
    notes: tuple[str, ...] = ()
    covered_share: float = 1.0

    @property
    def meaning(self) -> str:
        """What the interval says and what it does not, in a sentence for readers."""
        return MEANING_REPRESENTATIVE if self.representative else MEANING_DESCRIPTIVE

    @property
    def reason(self) -> str | None:
        """The sentence of the refusal, None if there is none."""
        return None if self.refused is None else REFUSALS[self.refused]


def standard_error(values: ArrayLike, population_size: int | None = None) -> float | None:
    """Standard error of the mean of a simple random sample; None for fewer than two values, where it is unknown.

    `population_size` is given only if the sample was drawn from a list of that many units; it adds the factor
    1 - n/N to the variance.
    """
    sample = np.asarray(values, dtype=np.float64)
    return None if sample.size < 2 else _standard_error(sample, population_size)


def t_interval(mean: float, se: float, df: float, level: float = 0.95) -> tuple[float, float]:
    """Student t interval of a mean from its standard error and degrees of freedom."""
    half = float(stats.t.ppf((1.0 + level) / 2.0, df)) * se
    return mean - half, mean + half


def weighted_quantile(values: ArrayLike, weights: ArrayLike, share: float) -> float:
    """Smallest value at which the cumulative share of the weights reaches `share` [0-1].

    The rule of R survey's svyquantile(qrule = "math"). By hand: values 1, 2, 3 with weights 1, 1, 2 have median 2.
    """
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(weight[order]) / weight.sum()
    return float(value[order][np.searchsorted(cumulative, share - 1e-12)])


def describe_sample(
    values: ArrayLike,
    *,
    units: ArrayLike,
    owners: ArrayLike,
    is_open: ArrayLike = True,
    design: str = "legacy",
    level: float = 0.95,
    population_size: int | None = None,
) -> Estimate:
    """Mean, interval and quartiles of the values of sites, or the reason for giving none.

    values : one per site; NaN for a site without a value.
    units : sampling unit of each site; sites sharing one are averaged first.
    owners : owner of each site's data. is_open : whether those data are open, per site or for all.
    design : a key of DESIGNS. Only srs and grid make the interval one of the sampled area.
    population_size : as in standard_error.

    From 10 sampling units all statistics; from 5 the same, marked indicative; 3 or 4 the median; fewer are refused.
    Sites of one unit are not independent, so however many there are they count once. Data that
    are not open are refused unless at least 3 owners contributed them and none holds more than 80 %; open data are
    known to everybody, so they hide nobody.

    Raises ValueError for an unknown design, infinite values and arrays of unequal length.
    """
    if design not in DESIGNS:
        raise ValueError(f"unknown sampling design '{design}'; accepted are {', '.join(DESIGNS)}")
    sites = _sites(values, units, owners, is_open)
    base = _counted(sites, {"srs": "srs_mean", "grid": "grid_mean"}.get(design, "sample_description"), level)
    if base.refused is not None:
        return base
    means = _unit_means(sites.value, sites.unit)
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(means)))
    return _with_interval(base, means, population_size)


def stratified_mean(
    values: ArrayLike,
    *,
    strata: ArrayLike,
    areas: Mapping[str, float],
    units: ArrayLike,
    owners: ArrayLike,
    is_open: ArrayLike = True,
    level: float = 0.95,
    population_sizes: Mapping[str, int] | None = None,
    satterthwaite: bool = False,
) -> Estimate:
    """Mean of a stratified random sample, weighted by the areas of the strata, from an independent map.

    strata : stratum of each site. areas : area of every stratum of the region, in any one unit.
    population_sizes : number of units in each stratum, only if they were drawn from a list.
    satterthwaite : degrees of freedom (Σ v_h)² / Σ (v_h² / (n_h - 1)) instead of n - H.

        mean = Σ a_h mean_h        V = Σ a_h² s_h² / n_h        a_h = area_h / Σ area

    A stratum without a site is not like the others: the figure is for the strata with sites and `covered_share` says
    how much that is. A stratum with one unit has no variance, so there is no standard error. Rules of refusal and
    other parameters as in describe_sample. Raises ValueError for a site in a stratum without an area.
    """
    sites = _sites(values, units, owners, is_open, strata)
    base = _counted(sites, "stratified_mean", level)
    if base.refused is not None:
        return base
    unknown = set(np.unique(sites.stratum).tolist()) - set(areas)
    if unknown:
        raise ValueError(f"no area given for stratum {', '.join(sorted(unknown))}")
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(_unit_means(sites.value, sites.unit))))

    names = [name for name in areas if (sites.stratum == name).any()]
    samples = [_unit_means(sites.value[sites.stratum == h], sites.unit[sites.stratum == h]) for h in names]
    covered = sum(areas[name] for name in names)
    share = np.array([areas[name] / covered for name in names])
    n = np.array([sample.size for sample in samples])
    mean = float(share @ [sample.mean() for sample in samples])
    errors = [
        standard_error(sample, population_sizes[name] if population_sizes else None)
        for name, sample in zip(names, samples, strict=True)
    ]
    pooled, weight = np.concatenate(samples), np.repeat(share / n, n)
    covered_share = covered / sum(areas.values())
    notes = ("strata_not_sampled",) if covered_share < 1.0 else ()
    estimate = replace(
        base,
        value=mean,
        median=weighted_quantile(pooled, weight, 0.5),
        q1=weighted_quantile(pooled, weight, 0.25),
        q3=weighted_quantile(pooled, weight, 0.75),
        n_units=int(n.sum()),
        covered_share=covered_share,
    )
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return replace(estimate, notes=(*notes, "single_unit_stratum"))
    part = (share * known) ** 2
    variance = float(part.sum())
    df = float(variance**2 / (part**2 / (n - 1)).sum()) if satterthwaite else float(n.sum() - n.size)
    lower, upper = t_interval(mean, float(np.sqrt(variance)), df, level)
    return replace(
        estimate,
        # Variance in space of the area: mean square less squared mean, freed of the bias of the latter.
        sd=float(np.sqrt(max(float(weight @ pooled**2) - mean**2 + variance, 0.0))),
        se=float(np.sqrt(variance)),
        lower=lower,
        upper=upper,
        df=df,
        notes=notes + _approximate(pooled),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sites:
    value: Floats
    unit: Ints
    stratum: NDArray[np.object_]
    owner: Ints
    is_open: Bools


def _codes(labels: ArrayLike, shape: tuple[int, ...], what: str) -> Ints:
    """Labels of any kind as integers; equal labels get equal integers, None is a label like others."""
    given = np.asarray(labels, dtype=object)
    if given.shape != shape:
        raise ValueError(f"{what} has shape {given.shape}, values has {shape}")
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in given.tolist()], dtype=np.intp)


def _sites(
    values: ArrayLike, units: ArrayLike, owners: ArrayLike, is_open: ArrayLike, strata: ArrayLike | None = None
) -> _Sites:
    value = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if np.isinf(value).any():
        raise ValueError("values must be finite; use NaN for a site without a value")
    stratum = np.full(value.shape, "") if strata is None else np.asarray(strata)
    if stratum.shape != value.shape:
        raise ValueError(f"strata has shape {stratum.shape}, values has {value.shape}")
    has = ~np.isnan(value)
    return _Sites(
        value=value[has],
        unit=_codes(units, value.shape, "units")[has],
        stratum=stratum.astype(object)[has],
        owner=_codes(owners, value.shape, "owners")[has],
        is_open=np.broadcast_to(np.asarray(is_open, dtype=np.bool_), value.shape)[has],
    )


def _counted(sites: _Sites, estimator: str, level: float) -> Estimate:
    """An estimate with its counts and, where it must be refused whole, the reason."""
    n_units = np.unique(sites.unit).size
    return Estimate(
        level=level,
        n_sites=sites.value.size,
        n_units=n_units,
        n_owners=np.unique(sites.owner).size,
        estimator=estimator,
        representative=estimator != "sample_description",
        indicative=n_units < FULL_N,
        refused=_refusal(sites, n_units),
    )


def _refusal(sites: _Sites, n_units: int) -> str | None:
    if sites.value.size == 0:
        return "no_sites"
    if n_units < MEDIAN_N:
        return "too_few_sites"
    held = np.unique(sites.owner[~sites.is_open], return_counts=True)[1]
    if held.size == 0:
        return None
    if held.size < FEWEST_OWNERS:
        return "too_few_owners"
    return "dominant_owner" if held.max() > LARGEST_SHARE * held.sum() else None


def _standard_error(sample: Floats, population_size: int | None) -> float:
    factor = 1.0 if population_size is None else 1.0 - sample.size / population_size
    return float(np.sqrt(sample.var(ddof=1) / sample.size * factor))


def _unit_means(value: Floats, unit: Ints) -> Floats:
    index, count = np.unique(unit, return_inverse=True, return_counts=True)[1:]
    return np.asarray(np.bincount(index, weights=value) / count, dtype=np.float64)


def _approximate(sample: Floats) -> tuple[str, ...]:
    constant = bool(np.ptp(sample) == 0)
    skewed = not constant and sample.size > 2 and abs(float(stats.skew(sample, bias=False))) > APPROXIMATE_SKEWNESS
    return ("interval_approximate",) if sample.size < APPROXIMATE_N or skewed else ()


def _with_interval(base: Estimate, means: Floats, population_size: int | None) -> Estimate:
    mean = float(means.mean())
    q1, median, q3 = (float(q) for q in np.quantile(means, (0.25, 0.5, 0.75)))
    estimate = replace(base, value=mean, median=median, q1=q1, q3=q3)
    se = _standard_error(means, population_size)
    df = float(means.size - 1)
    lower, upper = t_interval(mean, se, df, base.level)
    return replace(
        estimate, sd=float(means.std(ddof=1)), se=se, lower=lower, upper=upper, df=df, notes=_approximate(means)
    )
