"""Trend of carbon over three or more campaigns, sites revisited: a straight line with sites that differ in level.

A regression that forgets which values come from one site has the wrong standard error, in either direction. The mixed
model knows: y = β0 + β1 t + u_site + ε. It is fitted by restricted maximum likelihood with statsmodels; standard
errors and the degrees of freedom of Satterthwaite, which statsmodels does not give, are computed here from the fitted
variances (Kuznetsova et al. 2017, J. Stat. Softw. 82(13), doi:10.18637/jss.v082.i13).

    rate = 1000 β1 / β0        [‰/yr of the fitted value at the origin]

Two campaigns are compared by app.soil.change, whose words for verdicts and whose rules for short intervals hold here.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from app.soil.change import (
    AS_GOOD_AS_CERTAIN,
    FULL_N,
    HEADLINE_YEARS,
    RELATIVE_U_LAB,
    SHORTEST_YEARS,
    WEAK_BASELINE,
    fieller_interval,
    verdict,
)
from app.soil.columns import aligned
from app.soil.sampling_units import label_codes

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Block = tuple[Floats, Floats, Floats]
"""Values of one site, with the columns of the fixed and of the random effects."""

FEWEST_CAMPAIGNS = 3
FEWEST_SITES = 3
NEGLIGIBLE_VARIANCE = 1e-6
"""Variance between sites, relative to that within, too small to be told from none."""

LARGEST_DECREMENT = 1e-12
"""Gain in -2 log likelihood that a Newton step may still promise for the fit to count as converged."""

NEWTON_STEPS = 50

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "impossible_value": "A value is negative or infinite, or a time infinite.",
        "too_few_campaigns": "Fewer than 3 campaigns have values: two are compared, not fitted by a line.",
        "too_few_sites": "Fewer than 3 sites have values.",
        "no_site_revisited": "No site was visited twice, so its level cannot be told from the trend.",
        "no_variation": "The values lie on a line without scatter: there is no standard error.",
        "model_not_estimable": "The variances of the model cannot be estimated from these data.",
    }
)
"""Why there is no trend: stable code to sentence."""

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "few_units": "Fewer than 10 sites: the interval rests on few of them.",
        "method_changed": "Laboratory or method changed during the series; its bias is part of the uncertainty.",
        "sites_do_not_differ": "No variance between sites was found: the line is that of a plain regression.",
        "interval_too_short": "The campaigns span less than 3 years: no rate is given.",
        "interval_short": "The campaigns span less than 5 years: the rate is not for headlines.",
        "baseline_not_positive": "The line is not above zero at its origin, so there is no rate.",
        "baseline_weak": "The level at the origin is uncertain, so the interval of the rate is Fieller's.",
        "baseline_not_significant": "The level at the origin cannot be told from zero: the rate has no interval.",
    }
)
"""What a reader should know about a trend that is given: stable code to sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """Line through several campaigns with everything needed to judge it, or the reason it is refused.

    n_values, n_sites, n_campaigns : values after averaging replicates, sites, distinct times. span : first to last [yr].
    origin : time at which the baseline is read. baseline, baseline_se : level of the line there. [unit of the values]
    per_year, se : slope and its standard error from sampling. u_lab : standard uncertainty of the slope from a changed
    method. u : both. lower, upper, level, df : Student t interval of the slope. [unit of the values per year]
    rate, rate_u, rate_lower, rate_upper : slope relative to the baseline. [‰/yr]
    var_site, var_slope, var_residual : variances between sites of level, of slope (0 if common), and within.
    verdict, headline : as in app.soil.change. refused : None or a key of REFUSALS. notes : keys of NOTES.

    None means that there is no such number. No field is ever NaN.
    """

    n_values: int
    n_sites: int
    n_campaigns: int
    span: float | None = None
    origin: float | None = None
    baseline: float | None = None
    baseline_se: float | None = None
    per_year: float | None = None
    se: float | None = None
    u_lab: float = 0.0
    u: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.95
    df: float | None = None
    rate: float | None = None
    rate_u: float | None = None
    rate_lower: float | None = None
    rate_upper: float | None = None
    var_site: float | None = None
    var_slope: float | None = None
    var_residual: float | None = None
    verdict: str | None = None
    headline: bool = False
    refused: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """The sentence of the refusal, None if there is none."""
        return None if self.refused is None else REFUSALS[self.refused]


def mixed_trend(
    values: ArrayLike,
    times: ArrayLike,
    sites: ArrayLike,
    *,
    origin: float | None = None,
    random_slope: bool = False,
    level: float = 0.95,
    method_changed: bool = False,
    u_lab: float | None = None,
    shortest_years: float = SHORTEST_YEARS,
) -> Trend:
    """Linear trend of sites visited in three or more campaigns, by restricted maximum likelihood.

    values : stocks or contents, NaN for a missing one. times : decimal years. sites : site, or sampling unit, of each.
    origin : time whose level is the baseline of the rate; the first campaign if not given.
    random_slope : let the slope differ between sites, too; needs several campaigns per site.
    method_changed : laboratory or method changed during the series. Then u_lab, 3 % of the baseline unless given,
        divided by the span, is added to the standard error of the slope in quadrature.
    shortest_years : span below which no rate is given.

        y = β0 + β1 t + u_site + ε        V = σ_u² 1 1' + σ² I  for the values of one site
        β = (X' V⁻¹ X)⁻¹ X' V⁻¹ y         Cov(β) = (X' V⁻¹ X)⁻¹
        df = 2 Var(β1)² / Var(Var(β1))    after Satterthwaite, from the observed information of the variances

    Values of one site at one time are replicates and averaged first. Where sites do not differ in level the line is
    that of ordinary least squares with n - 2 degrees of freedom.

    Where all sites are visited each time, the slope is that of the campaign means and its error that of the scatter
    within sites, with N - n - 1 degrees of freedom for N values of n sites.

    Example: three sites at 0, 5 and 10 years with 40, 43, 43; 50, 51, 55 and 60, 62, 64 t/ha: 0.4 ± 0.073 t/ha/yr.
    """
    y, t = aligned(values=values, times=times)
    site = label_codes(sites, y.shape, "sites")
    has = ~np.isnan(y) & ~np.isnan(t)
    panel = _averaged(y[has], t[has], site[has])
    empty = Trend(
        n_values=panel.y.size,
        n_sites=panel.n_sites,
        n_campaigns=np.unique(panel.t).size,
        level=level,
        notes=("few_units",) if panel.n_sites < FULL_N else (),
    )
    refused = _refusal(panel, empty)
    if refused is not None:
        return replace(empty, refused=refused)
    start = float(panel.t.min()) if origin is None else origin
    span = float(np.ptp(panel.t))
    fit = _fit(panel, start, random_slope=random_slope)
    if isinstance(fit, str):
        return replace(empty, refused=fit)
    u_slope = 0.0
    notes = empty.notes + (("sites_do_not_differ",) if fit.plain else ())
    if method_changed:
        u_slope = (RELATIVE_U_LAB * abs(fit.beta[0]) if u_lab is None else u_lab) / span
        notes += ("method_changed",)
    variance = float(fit.covariance[1, 1])
    u = float(np.sqrt(variance + u_slope**2))
    df = min(fit.df * (1.0 + u_slope**2 / variance) ** 2, AS_GOOD_AS_CERTAIN)
    slope, half = float(fit.beta[1]), float(stats.t.ppf((1.0 + level) / 2.0, df)) * u
    found = replace(
        empty,
        span=span,
        origin=start,
        baseline=float(fit.beta[0]),
        baseline_se=float(np.sqrt(fit.covariance[0, 0])),
        per_year=slope,
        se=float(np.sqrt(variance)),
        u_lab=float(u_slope),
        u=u,
        lower=slope - half,
        upper=slope + half,
        df=df,
        var_site=fit.var_site,
        var_slope=fit.var_slope,
        var_residual=fit.var_residual,
        notes=notes,
    )
    return _with_rate(found, fit, shortest_years)


# From here on: the steps of mixed_trend.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """One value per site and time."""

    y: Floats
    t: Floats
    site: Ints

    @property
    def n_sites(self) -> int:
        return int(np.unique(self.site).size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fit:
    """Level at the origin and slope with their covariance, degrees of freedom of the slope, and the variances."""

    beta: Floats
    covariance: Floats
    df: float
    var_site: float
    var_slope: float
    var_residual: float
    plain: bool


def _averaged(y: Floats, t: Floats, site: Ints) -> _Panel:
    keys, where, count = np.unique(np.column_stack((site, t)), axis=0, return_inverse=True, return_counts=True)
    means = np.bincount(where.ravel(), weights=y, minlength=count.size) / count
    return _Panel(y=means.astype(np.float64), t=keys[:, 1].astype(np.float64), site=keys[:, 0].astype(np.intp))


def _refusal(panel: _Panel, counts: Trend) -> str | None:
    if np.isinf(panel.y).any() or (panel.y < 0).any() or np.isinf(panel.t).any():
        return "impossible_value"
    if counts.n_campaigns < FEWEST_CAMPAIGNS:
        return "too_few_campaigns"
    if counts.n_sites < FEWEST_SITES:
        return "too_few_sites"
    return "no_site_revisited" if counts.n_values == counts.n_sites else None


def _fit(panel: _Panel, origin: float, *, random_slope: bool) -> _Fit | str:
    """The fitted line, or the code of the reason there is none."""
    # Times and values of size one, around zero, keep the optimiser from stopping early.
    middle, width, level = float(panel.t.mean()), float(panel.t.std()), float(panel.y.mean())
    x = np.column_stack((np.ones(panel.t.size), (panel.t - middle) / width))
    centred = panel.y - level
    scatter = float(np.sqrt(np.mean((centred - x @ np.linalg.lstsq(x, centred, rcond=None)[0]) ** 2)))
    random = x if random_slope else x[:, :1]
    if _scatter_within(_blocks(panel.site, centred, x, random)) <= 1e-9 * float(np.abs(panel.y).max()):
        return "no_variation"
    blocks = _blocks(panel.site, centred / scatter, x, random)
    plain = not random_slope and _likelihood_falls_from_zero(blocks)
    if plain:
        psi, sigma2, df = *_plain_variances(blocks), float(panel.y.size - 2)
    else:
        start = _fitted_variances(panel.site, centred / scatter, x, random)
        maximum = None if start is None else _maximum(blocks, *start)
        if maximum is None:
            return "model_not_estimable"
        psi, sigma2, df = maximum
    beta, covariance = _least_squares(blocks, psi, sigma2)
    back = np.array([[1.0, (origin - middle) / width], [0.0, 1.0 / width]])
    # At the origin the line of one site deviates by its level and, if slopes differ, by that of its slope.
    at_origin = back[0, : psi.shape[0]]
    return _Fit(
        beta=scatter * (back @ beta) + np.array([level, 0.0]),
        covariance=scatter**2 * (back @ covariance @ back.T),
        df=df,
        var_site=float(scatter**2 * (at_origin @ psi @ at_origin)),
        var_slope=float(scatter**2 * psi[1, 1] / width**2) if random_slope else 0.0,
        var_residual=scatter**2 * sigma2,
        plain=plain,
    )


def _scatter_within(blocks: list[Block]) -> float:
    """Root mean square of the values around one line with a level, and where slopes differ a slope, for each site."""
    columns = blocks[0][2].shape[1]
    if columns > 1:
        residuals = [y - random @ np.linalg.lstsq(random, y, rcond=None)[0] for y, _, random in blocks]
    else:
        y = np.concatenate([y - y.mean() for y, _, _ in blocks])
        t = np.concatenate([x[:, 1] - x[:, 1].mean() for _, x, _ in blocks])
        squares = float(t @ t)
        residuals = [y - t * (float(t @ y) / squares if squares else 0.0)]
    return float(np.sqrt(np.mean(np.concatenate(residuals) ** 2)))


def _likelihood_falls_from_zero(blocks: list[Block]) -> bool:
    """Whether the restricted likelihood is greatest where sites do not differ: its slope at no variance is not up."""
    beta, covariance = _least_squares(blocks, np.zeros((1, 1)), 1.0)
    residuals = [y - x @ beta for y, x, _ in blocks]
    sums = [x.sum(axis=0) for _, x, _ in blocks]
    n = sum(r.size for r in residuals)
    trace = n - sum(float(total @ covariance @ total) for total in sums)
    between = sum(float(r.sum() ** 2) for r in residuals)
    return between * (n - 2) <= trace * sum(float(r @ r) for r in residuals)


def _plain_variances(blocks: list[Block]) -> tuple[Floats, float]:
    beta, _ = _least_squares(blocks, np.zeros((1, 1)), 1.0)
    residual = np.concatenate([y - x @ beta for y, x, _ in blocks])
    return np.zeros((1, 1)), float(residual @ residual / (residual.size - 2))


def _fitted_variances(site: Ints, y: Floats, x: Floats, random: Floats) -> tuple[Floats, float] | None:
    """Covariance of the random effects and variance of the residuals; None if the model does not give any."""
    with warnings.catch_warnings():
        # Near variances of zero this optimiser gives up, with many words; _maximum goes on from there.
        warnings.simplefilter("ignore")
        try:
            model = MixedLM(y, x, groups=site, exog_re=random).fit(reml=True, gtol=1e-9)
        except (np.linalg.LinAlgError, ValueError):
            return None
    psi, sigma2 = np.asarray(model.cov_re, dtype=np.float64), float(model.scale)
    return (psi, sigma2) if np.isfinite(psi).all() and _is_inside(psi, sigma2) else None


def _is_inside(psi: Floats, sigma2: float) -> bool:
    return sigma2 > 0 and float(np.linalg.eigvalsh(psi)[0]) > NEGLIGIBLE_VARIANCE * sigma2


def _blocks(site: Ints, y: Floats, x: Floats, random: Floats) -> list[Block]:
    """The values of each site."""
    ends = np.flatnonzero(np.diff(site)) + 1
    return list(zip(np.split(y, ends), np.split(x, ends), np.split(random, ends), strict=True))


def _weights(random: Floats, psi: Floats, sigma2: float) -> Floats:
    """Inverse of the covariance of the values of one site."""
    covariance = random @ psi @ random.T + sigma2 * np.eye(random.shape[0])
    return np.asarray(np.linalg.inv(covariance), dtype=np.float64)


def _least_squares(blocks: list[Block], psi: Floats, sigma2: float) -> tuple[Floats, Floats]:
    information, score = np.zeros((2, 2)), np.zeros(2)
    for y, x, random in blocks:
        weighted = x.T @ _weights(random, psi, sigma2)
        information += weighted @ x
        score += weighted @ y
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return covariance @ score, covariance


@dataclass(frozen=True, kw_only=True, slots=True)
class _Curvature:
    """Slopes and second derivatives of -2 log restricted likelihood, and slopes of Var(β1), by the variances."""

    slopes: Floats
    hessian: Floats
    variance: float
    variance_slopes: Floats


def _curvature(blocks: list[Block], psi: Floats, sigma2: float) -> _Curvature:
    """Derivatives by the variances θ, of which V is a linear function with derivatives V_k.

    With W = V⁻¹, P = W - W X C X' W and r = P y:

        dC/dθ_k = C X' W V_k W X C
        -2 dl/dθ_k = tr(P V_k) - r' V_k r
        -2 d²l/dθ_k dθ_l = -tr(P V_k P V_l) + 2 r' V_k P V_l r
    """
    beta, covariance = _least_squares(blocks, psi, sigma2)
    shapes = _parameter_shapes(psi.shape[0])
    n = len(shapes) + 1
    slopes, traces, crosses, quadratic = np.zeros(n), np.zeros((n, n)), np.zeros((n, n, 2, 2)), np.zeros((n, n))
    inner, edges = np.zeros((n, 2, 2)), np.zeros((n, 2))
    for y, x, random in blocks:
        w = _weights(random, psi, sigma2)
        wx, r = w @ x, w @ (y - x @ beta)
        derivatives = [random @ shape @ random.T for shape in shapes] + [np.eye(y.size)]
        weighted = [w @ derivative for derivative in derivatives]
        for k, (derivative, wv) in enumerate(zip(derivatives, weighted, strict=True)):
            slopes[k] += float(np.trace(wv)) - float(r @ derivative @ r)
            inner[k] += wx.T @ derivative @ wx
            edges[k] += wx.T @ derivative @ r
            for m in range(n):
                traces[k, m] += float(np.sum(wv * weighted[m].T))
                crosses[k, m] += wx.T @ derivative @ weighted[m] @ wx
                quadratic[k, m] += float(r @ derivative @ weighted[m] @ r)
    hessian = np.zeros((n, n))
    for k in range(n):
        slopes[k] -= float(np.trace(covariance @ inner[k]))
        for m in range(n):
            trace = traces[k, m] - 2.0 * np.trace(covariance @ crosses[k, m])
            trace += np.trace(covariance @ inner[k] @ covariance @ inner[m])
            hessian[k, m] = -trace + 2.0 * (quadratic[k, m] - edges[k] @ covariance @ edges[m])
    variance_slopes = np.array([(covariance @ part @ covariance)[1, 1] for part in inner])
    return _Curvature(slopes=slopes, hessian=hessian, variance=float(covariance[1, 1]), variance_slopes=variance_slopes)


def _maximum(blocks: list[Block], psi: Floats, sigma2: float) -> tuple[Floats, float, float] | None:
    """Variances at the maximum of the restricted likelihood and degrees of freedom of the slope there; None if none.

    Newton's steps, shortened to stay inside, from where the general optimiser stopped.
    """
    shapes = _parameter_shapes(psi.shape[0])
    for _ in range(NEWTON_STEPS):
        here = _curvature(blocks, psi, sigma2)
        if np.linalg.eigvalsh(here.hessian)[0] <= 0:
            return None
        step = np.linalg.solve(here.hessian, here.slopes)
        if here.slopes @ step <= LARGEST_DECREMENT:
            spread = 2.0 * here.variance_slopes @ np.linalg.solve(here.hessian, here.variance_slopes)
            return psi, sigma2, float(2.0 * here.variance**2 / spread)
        change = sum((size * shape for size, shape in zip(step, shapes, strict=False)), np.zeros(psi.shape))
        while not _is_inside(psi - change, sigma2 - float(step[-1])):
            change, step = change / 2.0, step / 2.0
            if float(np.abs(step).max()) < NEGLIGIBLE_VARIANCE * NEGLIGIBLE_VARIANCE:
                return None
        psi, sigma2 = psi - change, sigma2 - float(step[-1])
    return None


def _parameter_shapes(size: int) -> list[Floats]:
    """How each variance and covariance enters the covariance of the random effects."""
    shapes = []
    for row in range(size):
        for column in range(row + 1):
            shape = np.zeros((size, size))
            shape[row, column] = shape[column, row] = 1.0
            shapes.append(shape)
    return shapes


def _with_rate(found: Trend, fit: _Fit, shortest_years: float) -> Trend:
    level, slope, span = float(fit.beta[0]), float(fit.beta[1]), float(found.span or 0.0)
    if span < shortest_years:
        return replace(found, notes=(*found.notes, "interval_too_short"))
    if not level > 0:
        return replace(found, notes=(*found.notes, "baseline_not_positive"))
    relative = slope / level
    headline = span >= HEADLINE_YEARS
    notes = found.notes if headline else (*found.notes, "interval_short")
    var0, var1, shared = (float(fit.covariance[i, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    var1 += found.u_lab**2
    u = float(np.sqrt(max(var1 - 2.0 * relative * shared + relative**2 * var0, 0.0))) / level
    t = float(stats.t.ppf((1.0 + found.level) / 2.0, float(found.df or 1.0)))
    bounds: tuple[float, float] | None = (relative - t * u, relative + t * u)
    if level < WEAK_BASELINE * float(np.sqrt(var0)):
        bounds = fieller_interval(level, slope, var0, var1, shared, t)
        notes = (*notes, "baseline_not_significant" if bounds is None else "baseline_weak")
    found = replace(found, rate=1000.0 * relative, rate_u=1000.0 * u, headline=headline, notes=notes)
    if bounds is None:
        return found
    lower, upper = (1000.0 * bound for bound in bounds)
    return replace(found, rate_lower=lower, rate_upper=upper, verdict=verdict(lower, upper))
