"""From the values of sites to the figure of a region: what the sample allows to be said, and no more.

Sites that share a sampling unit (plots of one farm or experiment) are not independent: they are averaged first, and
all statistics are those of the units. A probability sample supports an interval for the region; legacy and purposive
data describe the sites that happen to have been sampled, and say so. Small samples and data that would betray their
owner are refused with a reason, never shown as zero or as empty.

Estimators: Brus 2022, Spatial Sampling with R, CRC, chapters 3, 4, 6, 10 and 14; de Gruijter et al. 2006, Sampling for
Natural Resource Monitoring, Springer; Lumley 2010, Complex Surveys, Wiley. Values keep the unit they come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from app.soil.columns import aligned
from app.soil.sampling_units import label_codes, unit_means

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
        "poststratified_mean": "Mean of a simple random sample, weighted afterwards by stratum area",
        "domain_mean": "Mean of a part of the sampled area, its uncertainty from the whole sample",
        "cluster_mean": "Mean of a random sample of clusters in which every site weighs the same",
        "sample_description": "Description of the sampled sites",
    }
)

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "no_sites": "No site in this region has a value.",
        "value_not_finite": "A value is infinite.",
        "stratum_without_area": "A site lies in a stratum whose area is not given.",
        "too_few_sites": (
            "Fewer than 3 independent sites (sampling units) have a value: a figure would say nothing about the region."
        ),
        "median_only": (
            "Only 3 or 4 independent sites (sampling units) have a value: their median is given, a mean is not."
        ),
        "too_few_owners": "Fewer than 3 owners contributed the data that are not open: a figure could betray theirs.",
        "dominant_owner": "One owner holds more than 80 % of the data that are not open: a figure could betray theirs.",
        "could_betray": "Together with other figures, or with an earlier one, this figure could betray data that are not open.",
    }
)
"""Why there is no mean: stable code to sentence."""

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "single_unit_stratum": "A stratum has a single sampling unit, so there is no standard error.",
        "strata_not_sampled": "Some strata have no site: the figure is that of the strata with sites only.",
        "interval_approximate": "Few or skewed values: the Student t interval is approximate.",
        "held_back": "Newer data are not in this figure yet: too few owners changed theirs for the difference to hide them.",
        "spread_withheld": "Fewer than 10 sampling units and data that are not open: the mean only, spread and quartiles could betray single values.",
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

    The rule of R survey's svyquantile(qrule = "math"). Values that are NaN or weigh nothing take no part; of none the
    quantile is NaN. Raises ValueError for a negative weight and for arrays of different shapes.

    By hand: values 1, 2, 3 with weights 1, 1, 2 have median 2.
    """
    value, weight = aligned(values=values, weights=weights)
    if (weight < 0).any():
        raise ValueError("weights must not be negative")
    use = ~np.isnan(value) & (weight > 0)
    value, weight = value[use], weight[use]
    if value.size == 0:
        return float("nan")
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(weight[order]) / weight.sum()
    # Rounding may leave the last share just below one.
    return float(value[order][min(int(np.searchsorted(cumulative, share - 1e-12)), value.size - 1)])


def linearised_standard_error(scores: ArrayLike, *, units: ArrayLike, strata: ArrayLike | None = None) -> float | None:
    """Standard error of an estimate from what each site contributes to it, for units drawn at random in strata.

    scores : linearised contributions z of the sites, zero for sites that take no part; they add up to about zero.
    units : sampling unit of each site. strata : stratum of each site; none if not given.

        V = Σ_h n_h / (n_h - 1) Σ_i (z_hi - mean z_h)²        z_hi : sum over the sites of unit i

    This is R survey's svyrecvar. Software that lets a single unit count as free of error finds 0 where nothing is
    known; here a stratum with a single unit gives None.
    """
    z = np.atleast_1d(np.asarray(scores, dtype=np.float64))
    unit = label_codes(units, z.shape, "units")
    stratum = np.zeros(z.shape, dtype=np.intp) if strata is None else label_codes(strata, z.shape, "strata")
    variance = 0.0
    for h in np.unique(stratum):
        here = stratum == h
        index = np.unique(unit[here], return_inverse=True)[1]
        totals = np.bincount(index, weights=z[here])
        if totals.size < 2:
            return None
        variance += totals.size * float(totals.var(ddof=1))
    return float(np.sqrt(variance)) if z.size else None


def design_effect(se: float, values: ArrayLike, weights: ArrayLike) -> float | None:
    """Variance of an estimated mean relative to that of a simple random sample of the same size.

    se : standard error of the mean. values, weights : of the sampling units; weights are the areas they stand for.

        deff = SE² / (s_w² / n)        s_w² = n / (n - 1) Σ w (y - mean)² / Σ w

    Below one the design is better than simple random, its inverse is the stratification effect. None for fewer than
    two values or values without variation.
    """
    value, weight = aligned(values=values, weights=weights)
    if value.size < 2 or np.ptp(value) == 0:
        return None
    mean = float(weight @ value / weight.sum())
    variance = value.size / (value.size - 1) * float(weight @ (value - mean) ** 2 / weight.sum())
    return se**2 / (variance / value.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """Total of a region: value, standard uncertainty `u` and interval; all None where the mean has no such number."""

    value: float | None
    u: float | None
    lower: float | None
    upper: float | None


def total(mean: Estimate, area: float, u_area: float = 0.0) -> Total:
    """Total of an area from its estimated mean.

    mean : of stocks per area. area, u_area : of the region the mean is for, and its standard uncertainty. [ha]

        T = A mean        u² = A² SE² + mean² u_A²        interval with the t of the mean

    If strata without sites were left out of the mean, A is the area of the others (see covered_share). Raises
    ValueError for an area that is not above zero. Example: 60 ± 4 t/ha on 1000 ± 50 ha: 60,000 ± 5,000 t.
    """
    if not area > 0:
        raise ValueError(f"area is {area:g} ha; it must be above zero")
    if mean.value is None:
        return Total(value=None, u=None, lower=None, upper=None)
    value = area * mean.value
    if mean.se is None or mean.df is None:
        return Total(value=value, u=None, lower=None, upper=None)
    u = float(np.hypot(area * mean.se, mean.value * u_area))
    lower, upper = t_interval(value, u, mean.df, mean.level)
    return Total(value=value, u=u, lower=lower, upper=upper)


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

    Raises ValueError for an unknown design and arrays of unequal length.
    """
    if design not in DESIGNS:
        raise ValueError(f"unknown sampling design '{design}'; accepted are {', '.join(DESIGNS)}")
    sites = _sites(values, units, owners, is_open)
    base = _counted(sites, {"srs": "srs_mean", "grid": "grid_mean"}.get(design, "sample_description"), level)
    if base.refused is not None:
        return base
    means = unit_means(sites.value, sites.unit)
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
    other parameters as in describe_sample; a site in a stratum without an area refuses the figure.
    """
    sites = _sites(values, units, owners, is_open, strata)
    base = _of_strata(_counted(sites, "stratified_mean", level), sites, areas)
    if base.refused is not None:
        return base
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(unit_means(sites.value, sites.unit))))

    names = [name for name in areas if (sites.stratum == name).any()]
    samples = [unit_means(sites.value[sites.stratum == h], sites.unit[sites.stratum == h]) for h in names]
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


def poststratified_mean(
    values: ArrayLike,
    *,
    strata: ArrayLike,
    areas: Mapping[str, float],
    units: ArrayLike,
    owners: ArrayLike,
    is_open: ArrayLike = True,
    level: float = 0.95,
) -> Estimate:
    """Mean of a simple random sample whose strata were known only afterwards, weighted by their areas.

    Parameters as in stratified_mean. The strata must be those of an independent map, not found by looking at values.

        mean = Σ a_h mean_h        z_i = a_h (y_i - mean_h) / n_h        V = n / (n - 1) Σ z_i²        df = n - 1

    A stratum with one unit has a residual of zero whatever its spread, which would count as certainty: there is no
    standard error. Merge it with its nearest neighbour before looking at the values.
    """
    sites = _sites(values, units, owners, is_open, strata)
    base = _of_strata(_counted(sites, "poststratified_mean", level), sites, areas)
    if base.refused is not None:
        return base
    of_unit = _by_unit_and_stratum(sites)
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(of_unit.value)))
    weight, means, counts = np.zeros(of_unit.value.size), np.zeros(of_unit.value.size), []
    covered = sum(areas[name] for name in areas if (of_unit.stratum == name).any())
    for name in areas:
        here = np.asarray(of_unit.stratum == name, dtype=np.bool_)
        if here.any():
            weight[here] = areas[name] / covered / here.sum()
            means[here] = of_unit.value[here].mean()
            counts.append(int(here.sum()))
    covered_share = covered / sum(areas.values())
    base = replace(
        base,
        covered_share=covered_share,
        notes=("strata_not_sampled",) if covered_share < 1.0 else (),
    )
    se = None
    if min(counts) > 1:
        se = linearised_standard_error(weight * (of_unit.value - means), units=of_unit.unit)
    return _weighted(base, of_unit.value, weight, se, float(base.n_units - 1), "single_unit_stratum")


def domain_mean(
    values: ArrayLike,
    *,
    domain: ArrayLike,
    units: ArrayLike,
    owners: ArrayLike,
    is_open: ArrayLike = True,
    level: float = 0.95,
    strata: ArrayLike | None = None,
    areas: Mapping[str, float] | None = None,
) -> Estimate:
    """Mean of a part of the sampled area that the design did not know, such as a region that cuts across strata.

    domain : whether each site lies in the part.
    strata, areas : as in stratified_mean, for a stratified sample; without them the sample is simple random.

        mean = Σ w d y / Σ w d        z_i = w_i d_i (y_i - mean) / Σ w d        V as in linearised_standard_error

    w is area_h / n_h, d is 1 inside the domain and 0 outside. How many sites fall into the domain is chance: the
    sites outside belong to the variance, and dropping them first understates it. Degrees of freedom are the units
    inside less the strata they lie in. Refusals count the units inside; other parameters as in describe_sample.
    """
    sites = _sites(values, units, owners, is_open, strata)
    given = ~np.isnan(np.atleast_1d(np.asarray(values, dtype=np.float64)))
    member = np.asarray(domain, dtype=np.bool_)
    if member.shape != given.shape:
        raise ValueError(f"domain has shape {member.shape}, values has {given.shape}")
    inside = _take(sites, member[given])
    base = _counted(inside, "domain_mean", level)
    known = {"": 1.0} if areas is None else areas
    base = _of_strata(base, sites, known)
    if base.refused is not None:
        return base
    of_unit = _by_unit_and_stratum(inside)
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(of_unit.value)))
    per_unit = {
        name: known[name] / max(np.unique(sites.unit[np.asarray(sites.stratum == name)]).size, 1) for name in known
    }
    weight = np.array([per_unit[name] for name in of_unit.stratum.tolist()])
    weight /= weight.sum()
    mean = float(weight @ of_unit.value)
    outside = _by_unit_and_stratum(_take(sites, ~member[given]))
    se = linearised_standard_error(
        np.concatenate((weight * (of_unit.value - mean), np.zeros(outside.value.size))),
        units=np.concatenate((of_unit.unit, outside.unit)),
        strata=np.concatenate((of_unit.stratum, outside.stratum)),
    )
    df = float(base.n_units - len(set(of_unit.stratum.tolist())))
    return _weighted(base, of_unit.value, weight, se if df > 0 else None, df, "single_unit_stratum")


def cluster_mean(
    values: ArrayLike,
    *,
    units: ArrayLike,
    owners: ArrayLike,
    is_open: ArrayLike = True,
    level: float = 0.95,
) -> Estimate:
    """Mean of a random sample of clusters, such as farms drawn with equal chance, in which every site weighs the same.

    units : cluster of each site. Other parameters as in describe_sample, which weighs every cluster the same instead:
    right where clusters were drawn in proportion to their size, and the same where they are of one size.

        mean = Σ y / n_sites        z_u = Σ_u (y - mean) / n_sites        V = n / (n - 1) Σ z_u²        df = n - 1

    n is the number of clusters: many sites of few clusters do not make a large sample.
    """
    sites = _sites(values, units, owners, is_open)
    base = _counted(sites, "cluster_mean", level)
    if base.refused is not None:
        return base
    if base.n_units < INDICATIVE_N:
        return replace(base, refused="median_only", median=float(np.median(unit_means(sites.value, sites.unit))))
    weight = np.full(sites.value.size, 1.0 / sites.value.size)
    scores = weight * (sites.value - sites.value.mean())
    se = linearised_standard_error(scores, units=sites.unit)
    return _weighted(base, sites.value, weight, se, float(base.n_units - 1), "single_unit_stratum")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sites:
    value: Floats
    unit: Ints
    stratum: NDArray[np.object_]
    owner: Ints
    is_open: Bools


def _sites(
    values: ArrayLike, units: ArrayLike, owners: ArrayLike, is_open: ArrayLike, strata: ArrayLike | None = None
) -> _Sites:
    value = np.atleast_1d(np.asarray(values, dtype=np.float64))
    stratum = np.full(value.shape, "") if strata is None else np.asarray(strata)
    if stratum.shape != value.shape:
        raise ValueError(f"strata has shape {stratum.shape}, values has {value.shape}")
    has = ~np.isnan(value)
    return _Sites(
        value=value[has],
        unit=label_codes(units, value.shape, "units")[has],
        stratum=stratum.astype(object)[has],
        owner=label_codes(owners, value.shape, "owners")[has],
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


def _of_strata(base: Estimate, sites: _Sites, areas: Mapping[str, float]) -> Estimate:
    """The estimate, refused if a site lies in a stratum without area."""
    stray = set(sites.stratum.tolist()) - set(areas)
    return replace(base, refused="stratum_without_area") if stray and base.refused is None else base


def _refusal(sites: _Sites, n_units: int) -> str | None:
    if sites.value.size == 0:
        return "no_sites"
    if np.isinf(sites.value).any():
        return "value_not_finite"
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


def _take(sites: _Sites, where: Bools) -> _Sites:
    return _Sites(
        value=sites.value[where],
        unit=sites.unit[where],
        stratum=sites.stratum[where],
        owner=sites.owner[where],
        is_open=sites.is_open[where],
    )


def _by_unit_and_stratum(sites: _Sites) -> _Sites:
    """One value per sampling unit, or per part of it if it lies in several strata."""
    stratum = label_codes(sites.stratum, sites.value.shape, "strata")
    pair = stratum * (int(sites.unit.max(initial=0)) + 1) + sites.unit
    first = np.unique(pair, return_index=True)[1]
    return replace(_take(sites, first), value=unit_means(sites.value, pair))


def _weighted(base: Estimate, value: Floats, weight: Floats, se: float | None, df: float, without_se: str) -> Estimate:
    """Mean, quartiles and interval of weighted values; the note `without_se` where there is no standard error."""
    mean = float(weight @ value)
    estimate = replace(
        base,
        value=mean,
        median=weighted_quantile(value, weight, 0.5),
        q1=weighted_quantile(value, weight, 0.25),
        q3=weighted_quantile(value, weight, 0.75),
    )
    if se is None:
        return replace(estimate, notes=(*base.notes, without_se))
    lower, upper = t_interval(mean, se, df, base.level)
    spread = value.size / (value.size - 1) * float(weight @ (value - mean) ** 2)
    return replace(
        estimate,
        sd=float(np.sqrt(spread)),
        se=se,
        lower=lower,
        upper=upper,
        df=df,
        notes=base.notes + _approximate(value),
    )


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
