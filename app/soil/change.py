"""Change of carbon between two campaigns, as a rate per thousand of the baseline, and what may be said of it.

4 per 1000 is a growth of the stock by 0.4 % per year of its baseline, linear in time: an aspiration, not a target for
each plot (Minasny et al. 2017, Geoderma 292:59, doi:10.1016/j.geoderma.2017.01.002; Rumpel et al. 2020, Ambio 49:350,
doi:10.1007/s13280-019-01165-2). A verdict comes from the interval of the rate, never from its point: most changes are
too small for most samples. The rate of a region is that of its mean, not the mean of the rates of its sites, which
sites with little carbon dominate.

    rate = 1000 (mean1 / mean0 - 1) / years        [‰/yr]

Means are stocks [t/ha] or contents [g/kg] of the same depth or, better, the same mineral mass. Sites that share a
sampling unit are averaged first. Data that allow no figure give a Change with its reason, never an exception.

Brus 2022, Spatial Sampling with R, CRC, chapters 12 and 15; Cochran 1977, Sampling Techniques, Wiley, chapter 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from app.soil.sampling_units import label_codes, unit_means

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ASPIRATION = 4.0
"""Growth the Initiative aspires to [‰/yr of the baseline]."""

CO2_PER_C = 44.0 / 12.0
"""Mass of CO2 per mass of carbon as the IPCC takes it; with atomic masses of today it is 3.6641."""

SHORTEST_YEARS = 3.0
HEADLINE_YEARS = 5.0
WEAK_BASELINE = 5.0
FEWEST_UNITS = 3
FULL_N = 10
RELATIVE_U_LAB = 0.03
DAYS_PER_YEAR = 365.25
AS_GOOD_AS_CERTAIN = 1e6
"""Degrees of freedom beyond which Student's t is the normal distribution."""
CREDITED_PROBABILITY = 2.0 / 3.0

ESTIMATORS: Mapping[str, str] = MappingProxyType(
    {
        "paired": "Mean change of sites visited twice",
        "unpaired": "Difference of the means of two independent probability samples",
        "stratified": "Mean change of sites visited twice, weighted by stratum area",
        "partial_overlap": "Difference of the best means of two samples that share some sites",
    }
)

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "impossible_value": "A value is negative or infinite.",
        "too_few_units": "Fewer than 3 sampling units have the values this needs.",
        "time_unknown": "The time between the campaigns is not known or not above zero.",
        "not_a_probability_sample": (
            "The two campaigns visited different sites that were not drawn by a probability design: their difference "
            "would be one of places, so two states are given and no change."
        ),
        "stratum_without_area": "A site lies in a stratum whose area is not given.",
        "too_few_controls": "Fewer than 3 control sites have values: what would have happened anyway is not known.",
    }
)
"""Why there is no change: stable code to sentence."""

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "few_units": "Fewer than 10 sampling units: the interval rests on few values.",
        "method_changed": "Laboratory or method changed between the campaigns; its bias is part of the uncertainty.",
        "no_variation": "All values change alike, so there is no standard error.",
        "single_unit_stratum": "A stratum has a single sampling unit, so there is no standard error.",
        "strata_not_sampled": "Some strata have no site: the change is that of the strata with sites only.",
        "interval_too_short": "Less than 3 years lie between the campaigns: no rate is given.",
        "interval_short": "Less than 5 years lie between the campaigns: the rate is not for headlines.",
        "baseline_not_positive": "The mean of the first campaign is not above zero, so there is no rate.",
        "baseline_weak": "The mean of the first campaign is uncertain, so the interval of the rate is Fieller's.",
        "baseline_not_significant": "The first campaign does not tell its mean from zero: the rate has no interval.",
    }
)
"""What a reader should know about a change that is given: stable code to sentence."""

VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "above_path": "above the 4 ‰ path",
        "increase_compatible": "increase, compatible with 4 ‰",
        "increase_below": "increase, below",
        "no_change_detected": "no change detected",
        "decrease": "decrease",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Change between two campaigns with everything needed to judge it, or the reason it is refused.

    estimator : a key of ESTIMATORS. n0, n1 : sampling units of each campaign; n_both : of both.
    mean0, mean1, value : means and their difference mean1 - mean0. [unit of the values]
    se : standard error from sampling. u_lab : standard uncertainty of a changed method. u : both together.
    lower, upper, level, df : Student t interval of the difference, with effective degrees of freedom.
    detectable : smallest difference found with probability 0.8 at 5 % error. [unit of the values]
    correlation : between the campaigns, over units of both.
    years : between the campaigns. per_year : value per year.
    ratio, ratio_se : mean1 / mean0 and its standard error from sampling.
    rate, rate_u, rate_lower, rate_upper : per year and relative to the baseline. [‰/yr]
    verdict : a key of VERDICTS, from the interval of the rate alone. headline : at least 5 years apart.
    refused : None or a key of REFUSALS. notes : keys of NOTES. covered_share : of the area [0-1].

    None means that there is no such number. No field is ever NaN.
    """

    estimator: str
    n0: int
    n1: int
    n_both: int
    mean0: float | None = None
    mean1: float | None = None
    value: float | None = None
    se: float | None = None
    u_lab: float = 0.0
    u: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.95
    df: float | None = None
    detectable: float | None = None
    correlation: float | None = None
    years: float | None = None
    per_year: float | None = None
    ratio: float | None = None
    ratio_se: float | None = None
    rate: float | None = None
    rate_u: float | None = None
    rate_lower: float | None = None
    rate_upper: float | None = None
    verdict: str | None = None
    headline: bool = False
    refused: str | None = None
    notes: tuple[str, ...] = ()
    covered_share: float = 1.0

    @property
    def reason(self) -> str | None:
        """The sentence of the refusal, None if there is none."""
        return None if self.refused is None else REFUSALS[self.refused]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """Effect of an intervention: change of the treated sites less change of the controls, or why it is refused.

    value : the effect. change_impact, change_control : mean changes. [unit of the values]
    se, df, lower, upper, level : Student t interval. n_impact, n_control : sampling units.
    refused : None or a key of REFUSALS. notes : keys of NOTES.
    """

    n_impact: int
    n_control: int
    change_impact: float | None = None
    change_control: float | None = None
    value: float | None = None
    se: float | None = None
    df: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.95
    refused: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What may be credited of a gain: `credited` [unit of the gain] and the `deduction` taken from it [%]."""

    credited: float
    deduction: float


def co2_equivalent(carbon: ArrayLike) -> Floats:
    """Mass of CO2 that a mass of carbon corresponds to [as the carbon].

        CO2e = 44/12 C

    A gain is a removal only while it lasts: report carbon first. Example: 1 t C/ha is 3.667 t CO2/ha.
    """
    return np.asarray(CO2_PER_C * np.asarray(carbon, dtype=np.float64), dtype=np.float64)


def years_between(first: ArrayLike, second: ArrayLike) -> float | None:
    """Years between the mean sampling dates of two campaigns; None if one of them has no date.

    first, second : dates as numpy datetime64 or ISO strings; NaT for a missing one. A year is 365.25 days.
    """
    days = [np.asarray(dates, dtype="datetime64[D]").ravel() for dates in (first, second)]
    known = [dates[~np.isnat(dates)].astype(np.float64) for dates in days]
    if not all(dates.size for dates in known):
        return None
    return float((known[1].mean() - known[0].mean()) / DAYS_PER_YEAR)


def annual_rate(baseline: ArrayLike, current: ArrayLike, years: ArrayLike) -> Floats:
    """Linear rate of change of single stocks, relative to the baseline [‰/yr].

        rate = 1000 (S1 - S0) / (S0 years)

    For one site or one total; of several sites take their means first, see paired_change. NaN where the baseline or
    the time is not above zero, or a value is missing, negative or infinite. Example: from 50 to 52 t/ha in 10 years
    is 4 ‰/yr.
    """
    first, second, time = (np.asarray(x, dtype=np.float64) for x in (baseline, current, years))
    usable = (first > 0) & (second >= 0) & (time > 0) & np.isfinite(first) & np.isfinite(second) & np.isfinite(time)
    safe = np.where(usable, first * time, 1.0)
    return np.where(usable, 1000.0 * (second - first) / safe, np.nan)


def compound_rate(baseline: ArrayLike, current: ArrayLike, years: ArrayLike) -> Floats:
    """Compound rate that leads from one stock to the other [‰/yr]; a detail, never mixed with the linear rate.

        rate = 1000 ((S1 / S0)^(1 / years) - 1)

    NaN as in annual_rate. Example: from 50 to 52 t/ha in 10 years is 3.93 ‰/yr.
    """
    linear = annual_rate(baseline, current, years)
    usable = ~np.isnan(linear)
    first, second, time = (np.where(usable, np.asarray(x, dtype=np.float64), 1.0) for x in (baseline, current, years))
    return np.where(usable, 1000.0 * ((second / first) ** (1.0 / time) - 1.0), np.nan)


def aspiration_path(baseline: ArrayLike, years: ArrayLike) -> Floats:
    """Stock that grows by 4 ‰ of its baseline each year [as the baseline].

        S = S0 (1 + 0.004 years)

    Example: 50 t/ha become 54 t/ha after 20 years.
    """
    growth = 1.0 + ASPIRATION / 1000.0 * np.asarray(years, dtype=np.float64)
    return np.asarray(np.asarray(baseline, dtype=np.float64) * growth, dtype=np.float64)


def verdict(lower: float, upper: float) -> str:
    """What the interval of a rate allows to say, a key of VERDICTS.

    lower, upper : 95 % interval of the rate. [‰/yr]

    The first that holds: decrease, upper < 0; no_change_detected, the interval contains 0; above_path, lower > 4;
    increase_compatible, it contains 4; increase_below. Our judgement.
    """
    if upper < 0:
        return "decrease"
    if lower <= 0:
        return "no_change_detected"
    if lower > ASPIRATION:
        return "above_path"
    return "increase_compatible" if upper >= ASPIRATION else "increase_below"


def fieller_interval(
    mean0: float, mean1: float, var0: float, var1: float, covariance: float, t: float
) -> tuple[float, float] | None:
    """Fieller's interval of mean1 / mean0, for a denominator too uncertain to be linearised; None if unbounded.

    var0, var1, covariance : of the two means. t : quantile of Student's t for the level and degrees of freedom.

        (mean0² - t² var0) R² - 2 (mean0 mean1 - t² covariance) R + (mean1² - t² var1) = 0

    Its two solutions are the bounds, if mean0 differs from zero by more than t standard errors. Fieller 1954,
    J. R. Stat. Soc. B 16:175. Example: 10 and 12 with variances 1 and covariance 0.5, t = 2: 1.00 to 1.46.
    """
    a = mean0**2 - t**2 * var0
    b = mean0 * mean1 - t**2 * covariance
    c = mean1**2 - t**2 * var1
    if a <= 0:
        return None
    root = float(np.sqrt(max(b**2 - a * c, 0.0)))
    return (b - root) / a, (b + root) / a


def difference_variance(var0: float, var1: float, correlation: float) -> float:
    """Variance of a difference of two estimates [square of their unit].

        V = V0 + V1 - 2 r sqrt(V0 V1)

    The correlation is known only from sites visited twice; without them it is 0.
    """
    return var0 + var1 - 2.0 * correlation * float(np.sqrt(var0 * var1))


def paired_change(
    first: ArrayLike,
    second: ArrayLike,
    *,
    years: float | None,
    units: ArrayLike | None = None,
    level: float = 0.95,
    method_changed: bool = False,
    u_lab: float | None = None,
    shortest_years: float = SHORTEST_YEARS,
) -> Change:
    """Change of sites that were visited twice.

    first, second : values of the same sites at the two campaigns; a site without one of them (NaN) is left out.
    years : between the campaigns, see years_between; None if unknown.
    units : sampling unit of each site; each site its own if not given.
    method_changed : laboratory or method differ between the campaigns. Then u_lab, 3 % of the second mean unless
        given, is added to the standard error in quadrature: no number of samples makes it smaller.
    shortest_years : below it no rate is given.

        d = mean(y1 - y0)        SE = s_d / √n        df = n - 1
        R = mean1 / mean0        e = y1 - R y0        SE(R) = √(Σ e² / (n - 1) / n) / mean0

    The rate has SE 1000 SE(R) / years and a t interval; where mean0 is less than 5 of its standard errors, Fieller's.
    With u_lab the degrees of freedom are those of Welch and Satterthwaite, u_lab counting as certain (JCGM 100, G.4).
    Fewer than 3 units are refused. Rules that protect owners are not applied here, see app.soil.estimate.

    Example: 50, 52, 48 and 54, 54, 51 t/ha 10 years apart: change 3 ± 0.58 t/ha, rate 6 ± 1.09 ‰/yr.
    """
    y0, y1 = _columns(first=first, second=second)
    unit = np.arange(y0.size) if units is None else label_codes(units, y0.shape, "units")
    both = ~np.isnan(y0) & ~np.isnan(y1)
    a, b = unit_means(y0[both], unit[both]), unit_means(y1[both], unit[both])
    empty = Change(estimator="paired", n0=a.size, n1=a.size, n_both=a.size, level=level)
    refused = _refusal(y0, y1, years, a.size)
    if refused is not None:
        return replace(empty, refused=refused)
    covariance = np.cov(a, b) / a.size
    means = _Means(
        mean0=float(a.mean()),
        mean1=float(b.mean()),
        var0=float(covariance[0, 0]),
        var1=float(covariance[1, 1]),
        covariance=float(covariance[0, 1]),
        df=float(a.size - 1),
    )
    rules = _Rules(years=years, method_changed=method_changed, u_lab=u_lab, shortest_years=shortest_years)
    return _judged(replace(empty, correlation=_correlation(a, b)), means, rules)


def unpaired_change(
    first: ArrayLike,
    second: ArrayLike,
    *,
    years: float | None,
    probability_samples: bool,
    first_units: ArrayLike | None = None,
    second_units: ArrayLike | None = None,
    level: float = 0.95,
    method_changed: bool = False,
    u_lab: float | None = None,
    shortest_years: float = SHORTEST_YEARS,
) -> Change:
    """Change between two independent samples of different sites.

    first, second : values of the two campaigns, NaN for a missing one.
    probability_samples : whether both were drawn by a probability design. If not, the means are given as two states
        and the change is refused: models of two such sets have shown +76 % in 14 years where 30 sites sampled twice
        showed none (Schillaci et al. 2021, doi:10.1186/s13021-021-00182-7).
    Other parameters as in paired_change.

        d = mean1 - mean0        SE = √(s1² / n1 + s0² / n0)        df after Welch

    Example: 50, 52, 48 and 54, 54, 51 t/ha of different sites: the same change of 3, but ± 1.53 t/ha.
    """
    y0, y1 = np.atleast_1d(np.asarray(first, np.float64)), np.atleast_1d(np.asarray(second, np.float64))
    samples = []
    for values, units, what in ((y0, first_units, "first_units"), (y1, second_units, "second_units")):
        unit = np.arange(values.size) if units is None else label_codes(units, values.shape, what)
        has = ~np.isnan(values)
        samples.append(unit_means(values[has], unit[has]))
    a, b = samples
    empty = Change(estimator="unpaired", n0=a.size, n1=b.size, n_both=0, level=level)
    refused = _refusal(y0, y1, years, min(a.size, b.size))
    if refused is not None:
        return replace(empty, refused=refused)
    mean0, mean1 = float(a.mean()), float(b.mean())
    if not probability_samples:
        return replace(empty, refused="not_a_probability_sample", mean0=mean0, mean1=mean1, years=years)
    var0, var1 = float(a.var(ddof=1) / a.size), float(b.var(ddof=1) / b.size)
    means = _Means(
        mean0=mean0,
        mean1=mean1,
        var0=var0,
        var1=var1,
        covariance=0.0,
        df=_satterthwaite((var0, var1), (a.size - 1, b.size - 1)),
    )
    rules = _Rules(years=years, method_changed=method_changed, u_lab=u_lab, shortest_years=shortest_years)
    return _judged(empty, means, rules)


def stratified_change(
    first: ArrayLike,
    second: ArrayLike,
    *,
    strata: ArrayLike,
    areas: Mapping[str, float],
    years: float | None,
    units: ArrayLike | None = None,
    level: float = 0.95,
    method_changed: bool = False,
    u_lab: float | None = None,
    shortest_years: float = SHORTEST_YEARS,
) -> Change:
    """Change of sites that were visited twice, drawn in strata.

    strata : stratum of each site. areas : area of every stratum of the region, in any one unit.
    Other parameters as in paired_change.

        d = Σ w_h d_h        SE = √(Σ w_h² s_dh² / n_h)        df = n - H        w_h = area_h / Σ area

    The ratio is that of the weighted means. A stratum with a single unit leaves no standard error; one without sites
    is not like the rest: the change is that of the others, and covered_share says how much that is.

    Example: changes of 1 and 3 t/ha in a stratum of one quarter, 4 and 6 in one of three quarters:
    0.25 x 2 + 0.75 x 5 = 4.25 t/ha.
    """
    y0, y1 = _columns(first=first, second=second)
    unit = np.arange(y0.size) if units is None else label_codes(units, y0.shape, "units")
    stratum = np.asarray(strata, dtype=object)
    label_codes(stratum, y0.shape, "strata")
    both = ~np.isnan(y0) & ~np.isnan(y1)
    names = [name for name in areas if (stratum[both] == name).any()]
    pairs = []
    for name in names:
        here = both & np.asarray(stratum == name, dtype=np.bool_)
        pairs.append((unit_means(y0[here], unit[here]), unit_means(y1[here], unit[here])))
    n = sum(a.size for a, _ in pairs)
    empty = Change(estimator="stratified", n0=n, n1=n, n_both=n, level=level)
    refused = _refusal(y0, y1, years, n)
    if set(stratum[both].tolist()) - set(areas):
        refused = "stratum_without_area"
    if refused is not None:
        return replace(empty, refused=refused)
    covered = sum(areas[name] for name in names)
    weight = np.array([areas[name] / covered for name in names])
    moments = np.zeros((2, 2))
    single = any(a.size < 2 for a, _ in pairs)
    if not single:
        moments = sum((w**2 * np.cov(a, b) / a.size for w, (a, b) in zip(weight, pairs, strict=True)), moments)
    means = _Means(
        mean0=float(weight @ [a.mean() for a, _ in pairs]),
        mean1=float(weight @ [b.mean() for _, b in pairs]),
        var0=float(moments[0, 0]),
        var1=float(moments[1, 1]),
        covariance=float(moments[0, 1]),
        df=float(n - len(names)),
    )
    share = covered / sum(areas.values())
    notes = ("strata_not_sampled",) if share < 1.0 else ()
    empty = replace(empty, covered_share=share, notes=(*notes, "single_unit_stratum") if single else notes)
    rules = _Rules(years=years, method_changed=method_changed, u_lab=u_lab, shortest_years=shortest_years)
    return _judged(empty, means, rules)


def partial_overlap_change(
    first: ArrayLike,
    first_sites: ArrayLike,
    second: ArrayLike,
    second_sites: ArrayLike,
    *,
    years: float | None,
    level: float = 0.95,
    method_changed: bool = False,
    u_lab: float | None = None,
    shortest_years: float = SHORTEST_YEARS,
) -> Change:
    """Change between two simple random samples that share some of their sites, as in a rotating panel.

    first, second : values of the campaigns. first_sites, second_sites : which site, or sampling unit, each belongs to.
    Other parameters as in paired_change.

        β = (X' C⁻¹ X)⁻¹ X' C⁻¹ e        Cov(β) = (X' C⁻¹ X)⁻¹

    e are the means of the sites of both campaigns and of one only, C their covariance from s0² and s1² of all sites
    and the correlation of those visited twice, X says to which campaign each mean belongs: generalised least squares
    of the two spatial means. At least 3 sites must be shared; degrees of freedom are their number less 1, on the safe
    side. If all are shared the result is that of paired_change. Brus 2022, chapter 15.
    """
    y0, y1 = np.atleast_1d(np.asarray(first, np.float64)), np.atleast_1d(np.asarray(second, np.float64))
    table0, table1 = _by_site(y0, first_sites, "first_sites"), _by_site(y1, second_sites, "second_sites")
    shared = [site for site in table0 if site in table1]
    only0 = np.array([value for site, value in table0.items() if site not in table1])
    only1 = np.array([value for site, value in table1.items() if site not in table0])
    a, b = np.array([table0[site] for site in shared]), np.array([table1[site] for site in shared])
    empty = Change(estimator="partial_overlap", n0=len(table0), n1=len(table1), n_both=len(shared), level=level)
    refused = _refusal(y0, y1, years, len(shared))
    if refused is not None:
        return replace(empty, refused=refused)
    s0 = np.concatenate((a, only0)).std(ddof=1)
    s1 = np.concatenate((b, only1)).std(ddof=1)
    correlation = _correlation(a, b)
    r = 0.0 if correlation is None else correlation
    parts = [(a.mean(), (1, 0)), (b.mean(), (0, 1))]
    parts += [(only0.mean(), (1, 0))] if only0.size else []
    parts += [(only1.mean(), (0, 1))] if only1.size else []
    e, x = np.array([mean for mean, _ in parts]), np.array([which for _, which in parts], dtype=np.float64)
    sizes = [a.size, b.size, *(group.size for group in (only0, only1) if group.size)]
    c = np.diag([(s0**2 if first_time else s1**2) / n for (first_time, _), n in zip(x, sizes, strict=True)])
    c[0, 1] = c[1, 0] = r * s0 * s1 / a.size
    beta, covariance = _least_squares(e, x, c)
    means = _Means(
        mean0=float(beta[0]),
        mean1=float(beta[1]),
        var0=float(covariance[0, 0]),
        var1=float(covariance[1, 1]),
        covariance=float(covariance[0, 1]),
        df=float(a.size - 1),
    )
    rules = _Rules(years=years, method_changed=method_changed, u_lab=u_lab, shortest_years=shortest_years)
    return _judged(replace(empty, correlation=correlation), means, rules)


def baci_effect(
    impact_before: ArrayLike,
    impact_after: ArrayLike,
    control_before: ArrayLike,
    control_after: ArrayLike,
    *,
    impact_units: ArrayLike | None = None,
    control_units: ArrayLike | None = None,
    level: float = 0.95,
    equal_variances: bool = False,
) -> Effect:
    """Effect of an intervention from before and after, at treated and at control sites.

    Values of sites visited twice, NaN for a missing one; units as in paired_change.
    equal_variances : pool the variances of the two groups instead of Welch's degrees of freedom.

        effect = (mean IA - mean IB) - (mean CA - mean CB)        SE = √(s_dI² / n_I + s_dC² / n_C)

    Controls share soil, climate, land use and the trend before; at least 3 are asked for. Without controls a
    difference is a change, not an effect. Stewart-Oaten et al. 1986, Ecology 67:929, doi:10.2307/1939815.

    Example: changes of 1, 2, 3 at treated and -1, 0, 1 t/ha at control sites: effect 2 ± 0.82 t/ha.
    """
    groups = (
        (impact_before, impact_after, impact_units, "impact"),
        (control_before, control_after, control_units, "control"),
    )
    changes, impossible = [], False
    for before, after, units, what in groups:
        y0, y1 = _columns(**{f"{what}_before": before, f"{what}_after": after})
        unit = np.arange(y0.size) if units is None else label_codes(units, y0.shape, f"{what}_units")
        both = ~np.isnan(y0) & ~np.isnan(y1)
        impossible |= _impossible(y0) or _impossible(y1)
        changes.append(unit_means((y1 - y0)[both], unit[both]) if not impossible else np.empty(0))
    impact, control = changes
    empty = Effect(n_impact=impact.size, n_control=control.size, level=level)
    if impossible:
        return replace(empty, refused="impossible_value")
    if impact.size < FEWEST_UNITS:
        return replace(empty, refused="too_few_units")
    if control.size < FEWEST_UNITS:
        return replace(empty, refused="too_few_controls")
    found = replace(
        empty,
        change_impact=float(impact.mean()),
        change_control=float(control.mean()),
        value=float(impact.mean() - control.mean()),
        notes=("few_units",) if min(impact.size, control.size) < FULL_N else (),
    )
    dfs = (impact.size - 1, control.size - 1)
    if equal_variances:
        pooled = (dfs[0] * impact.var(ddof=1) + dfs[1] * control.var(ddof=1)) / sum(dfs)
        variances = (float(pooled / impact.size), float(pooled / control.size))
        df = float(sum(dfs))
    else:
        variances = (float(impact.var(ddof=1) / impact.size), float(control.var(ddof=1) / control.size))
        df = _satterthwaite(variances, dfs)
    if sum(variances) == 0:
        return replace(found, notes=(*found.notes, "no_variation"))
    se = float(np.sqrt(sum(variances)))
    half = _t(level, df) * se
    value = float(impact.mean() - control.mean())
    return replace(found, se=se, df=df, lower=value - half, upper=value + half)


def credited(gain: float, se: float, df: float, *, probability: float = CREDITED_PROBABILITY) -> Credit:
    """Part of a gain that is exceeded with a given probability: what uncertainty leaves to be credited.

    gain, se, df : gain, its standard error and degrees of freedom. [t/ha or t]
    probability : 2/3 deducts one third of the quantiles as carbon standards do; 0.9 is stricter.

        credited = gain - t(probability, df) SE        deduction = 100 (gain - credited) / gain

    Nothing is credited for a gain of zero or less, nor where the deduction takes all. Verra VM0042 version 2, section
    on uncertainty; t tends to 0.4307 for many degrees of freedom.

    Example: 3 ± 1 t/ha with many degrees of freedom: 3 - 0.43 = 2.57 t/ha, a deduction of 14.4 %.
    """
    if not gain > 0:
        return Credit(credited=0.0, deduction=100.0)
    left = max(gain - float(stats.t.ppf(probability, df)) * se, 0.0)
    return Credit(credited=left, deduction=100.0 * (gain - left) / gain)


def detectable_difference(sd: float, n: float, *, paired: bool, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest difference that a comparison finds with probability `power` in a two-sided test [as sd].

    sd : standard deviation of the differences of pairs, or between the sites of each of two samples.
    n : number of pairs, or of sites in each of two samples; at least 2. alpha : error of the first kind.

        P(t'(df, δ / SE) > t(1 - α/2, df)) = power        SE = sd / √n  or  sd √(2 / n)        df = n - 1  or  2 n - 2

    t' is the non-central t distribution: exact, as R's power.t.test. A difference found with the wrong sign is not
    found. Raises ValueError for a sample or probabilities that allow no test.

    Example: 30 pairs whose differences have sd 5 t/ha: 2.65 t/ha, which is 13 years of 4 ‰ on 50 t/ha.
    """
    _check_plan(sd, alpha, power)
    if not n >= 2:
        raise ValueError(f"n is {n:g}; a standard deviation needs at least 2")
    se, df = _design(sd, n, paired=paired)
    return _noncentrality(df, alpha, power) * se


def sample_size(difference: float, sd: float, *, paired: bool, alpha: float = 0.05, power: float = 0.8) -> float:
    """Number of pairs, or of sites in each of two samples, that finds a difference; a decimal, to be rounded up.

    difference : to be found, above zero. Other parameters and equation as in detectable_difference.

    Example: a difference of 2 t/ha in pairs with sd 5 t/ha needs 51.01, so 52 pairs.
    """
    _check_plan(sd, alpha, power)
    if not difference > 0:
        raise ValueError(f"difference is {difference:g}; it must be above zero")

    def lacking(n: float) -> float:
        return detectable_difference(sd, n, paired=paired, alpha=alpha, power=power) - difference

    if lacking(2.0) <= 0:
        return 2.0
    upper = 4.0
    while lacking(upper) > 0:
        upper *= 4.0
    return float(optimize.brentq(lacking, 2.0, upper, xtol=1e-9, rtol=1e-13))


# From here on: the steps of the functions above.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Means:
    """Means of the two campaigns with the variances and covariance of these means, and degrees of freedom."""

    mean0: float
    mean1: float
    var0: float
    var1: float
    covariance: float
    df: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    years: float | None
    method_changed: bool
    u_lab: float | None
    shortest_years: float


def _columns(**named: ArrayLike) -> tuple[Floats, ...]:
    arrays = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in named.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"these do not have one shape: {shapes}")
    return tuple(arrays.values())


def _impossible(values: Floats) -> bool:
    return bool(np.isinf(values).any() or (values < 0).any())


def _refusal(first: Floats, second: Floats, years: float | None, n: int) -> str | None:
    if _impossible(first) or _impossible(second):
        return "impossible_value"
    if n < FEWEST_UNITS:
        return "too_few_units"
    return "time_unknown" if years is None or not 0 < years < np.inf else None


def _by_site(values: Floats, sites: ArrayLike, what: str) -> dict[object, float]:
    """Mean of the values of each site that has one."""
    codes = label_codes(sites, values.shape, what)
    labels = np.asarray(sites, dtype=object)
    has = ~np.isnan(values)
    used, where = np.unique(codes[has], return_index=True)
    means = unit_means(values[has], codes[has])
    return {labels[has][where[i]]: float(means[i]) for i in range(used.size)}


def _correlation(a: Floats, b: Floats) -> float | None:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _least_squares(e: Floats, x: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Best linear estimate of the two means; from the shared sites alone if they leave nothing to weigh."""
    shared = c[:2, :2]
    certain = shared[0, 0] * shared[1, 1] - shared[0, 1] ** 2 <= 1e-9 * shared[0, 0] * shared[1, 1]
    if certain or e.size == 2:
        return e[:2], shared
    weight = np.linalg.inv(c)
    covariance = np.linalg.inv(x.T @ weight @ x)
    return np.asarray(covariance @ x.T @ weight @ e, np.float64), np.asarray(covariance, np.float64)


def _satterthwaite(variances: tuple[float, float], dfs: tuple[int, int]) -> float:
    total = sum(variances)
    if total == 0:
        return float(sum(dfs))
    return float(total**2 / sum(v**2 / df for v, df in zip(variances, dfs, strict=True)))


def _t(level: float, df: float) -> float:
    return float(stats.t.ppf((1.0 + level) / 2.0, df))


def _design(sd: float, n: float, *, paired: bool) -> tuple[float, float]:
    return (sd / np.sqrt(n), n - 1.0) if paired else (sd * np.sqrt(2.0 / n), 2.0 * n - 2.0)


def _noncentrality(df: float, alpha: float, power: float) -> float:
    """Difference in standard errors that is found with probability `power`."""
    critical = float(stats.t.ppf(1.0 - alpha / 2.0, df))
    upper = critical + 10.0
    while stats.nct.sf(critical, df, upper) < power:
        upper *= 2.0
    return float(optimize.brentq(lambda nc: stats.nct.sf(critical, df, nc) - power, 0.0, upper, xtol=1e-12))


def _check_plan(sd: float, alpha: float, power: float) -> None:
    if not sd > 0:
        raise ValueError(f"sd is {sd:g}; it must be above zero")
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha {alpha:g} and power {power:g} must lie between 0 and 1, alpha below power")


def _judged(found: Change, means: _Means, rules: _Rules) -> Change:
    """Everything that follows from the two means and their variances."""
    years = float(rules.years or 0.0)
    value = means.mean1 - means.mean0
    u_lab = 0.0
    if rules.method_changed:
        u_lab = RELATIVE_U_LAB * means.mean1 if rules.u_lab is None else rules.u_lab
    notes = found.notes
    notes += ("method_changed",) if rules.method_changed else ()
    notes += ("few_units",) if min(found.n0, found.n1, found.n_both or found.n0) < FULL_N else ()
    found = replace(
        found,
        mean0=means.mean0,
        mean1=means.mean1,
        value=value,
        years=years,
        per_year=value / years,
        u_lab=u_lab,
        notes=notes,
    )
    variance = means.var0 + means.var1 - 2.0 * means.covariance
    # What rounding leaves of equal changes is no variation.
    if variance <= 1e-12 * (means.var0 + means.var1):
        silent = () if "single_unit_stratum" in notes else ("no_variation",)
        return _with_rate(replace(found, notes=notes + silent), means, rules, None)
    u = float(np.sqrt(variance + u_lab**2))
    df = min(means.df * (1.0 + u_lab**2 / variance) ** 2, AS_GOOD_AS_CERTAIN)
    half = _t(found.level, df) * u
    found = replace(
        found,
        se=float(np.sqrt(variance)),
        u=u,
        df=df,
        lower=value - half,
        upper=value + half,
        detectable=_noncentrality(df, 0.05, 0.8) * u,
    )
    return _with_rate(found, means, rules, df)


def _with_rate(found: Change, means: _Means, rules: _Rules, df: float | None) -> Change:
    """Ratio and rate with their interval and verdict; `df` None where there is no standard error."""
    if not means.mean0 > 0:
        return replace(found, notes=(*found.notes, "baseline_not_positive"))
    years = float(rules.years or 0.0)
    ratio = means.mean1 / means.mean0
    per_ratio = 1000.0 / years
    short = years < rules.shortest_years
    if short:
        found = replace(found, ratio=ratio, notes=(*found.notes, "interval_too_short"))
    else:
        headline = years >= HEADLINE_YEARS
        notes = found.notes if headline else (*found.notes, "interval_short")
        found = replace(found, ratio=ratio, rate=per_ratio * (ratio - 1.0), headline=headline, notes=notes)
    if df is None:
        return found
    sampling = means.var1 - 2.0 * ratio * means.covariance + ratio**2 * means.var0
    found = replace(found, ratio_se=float(np.sqrt(max(sampling, 0.0))) / means.mean0)
    if short:
        return found
    u_ratio = float(np.sqrt(max(sampling, 0.0) + found.u_lab**2)) / means.mean0
    t = _t(found.level, df)
    if means.mean0 < WEAK_BASELINE * float(np.sqrt(means.var0)):
        var1 = means.var1 + found.u_lab**2
        bounds = fieller_interval(means.mean0, means.mean1, means.var0, var1, means.covariance, t)
        note = "baseline_not_significant" if bounds is None else "baseline_weak"
        found = replace(found, notes=(*found.notes, note))
    else:
        bounds = ratio - t * u_ratio, ratio + t * u_ratio
    found = replace(found, rate_u=per_ratio * u_ratio)
    if bounds is None:
        return found
    lower, upper = (per_ratio * (bound - 1.0) for bound in bounds)
    return replace(found, rate_lower=lower, rate_upper=upper, verdict=verdict(lower, upper))
