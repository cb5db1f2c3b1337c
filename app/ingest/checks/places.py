"""Checks of vague positions: rounded, put into a middle, on a lattice, or far from all others.

Where a check tells how vague a position is, the site's uncertainty is set to that, unless a larger one was given.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks.finding import FEWEST_FOR_A_PATTERN, rows_where
from app.ingest.draft import Draft, Finding
from app.ingest.positions import METRES_PER_DEGREE, is_geographic

COARSE_DECIMALS = 2
"""Digits of a degree up to which a position counts as rounded: 0.01 degree is 1.1 km."""
MINUTES = (5.0, 1.0)
"""Roundings of degrees and minutes, the coarser first. [minute of arc]"""
FINEST_LATTICE = 0.01
"""Width from which a lattice of positions is coarse. [degree]"""
FEWEST_LINES = 4
"""Different longitudes, and latitudes, without which regularity may be chance."""
FEWEST_FOR_A_CLOUD = 20
FAR_M = 100_000.0
"""Distance below which no site is far from its dataset. [m]"""
ROBUST_Z = 10.0
RARE = 0.05
"""Share of outlying sites above which they are a second cloud. [1]"""

VAGUE_CODES = ("COORD_ROUNDED", "COORD_MINUTES", "COORD_CENTROID", "COORD_TOWN", "COORD_LATTICE")
"""Rules that set the uncertainty of a position."""


def datum_not_stated(draft: Draft) -> list[Finding]:
    """A mapping that names no coordinate reference system is read as WGS 84, and says so once."""
    if draft.mapping.crs_stated or not draft.frames["sites"].height:
        return []
    return [Finding(code="DATUM_NOT_STATED", on="sites", where=pl.DataFrame({"i": [0]}))]


def position_rounded(draft: Draft) -> list[Finding]:
    """Two decimals of a degree or fewer."""
    if not is_geographic(draft.mapping.crs):
        return []
    sites = draft.frame("sites").with_columns(
        uncertainty=METRES_PER_DEGREE * (10.0 ** -pl.col("coord_decimals").cast(pl.Float64))
    )
    coarse = (pl.col("coord_decimals") <= COARSE_DECIMALS) & pl.col("longitude").is_not_null() & _vaguer()
    found = rows_where(
        "COORD_ROUNDED",
        "sites",
        sites,
        coarse,
        decimals=pl.col("coord_decimals"),
        uncertainty=pl.col("uncertainty"),
    )
    return [_widened(draft, found)]


def position_minutes(draft: Draft) -> list[Finding]:
    """Both coordinates are whole minutes of arc, within their last digit.

    With four decimals chance does that to one position in 20,000; with three, one in 250: then only where most are so.
    """
    if not is_geographic(draft.mapping.crs):
        return []
    sites = draft.frame("sites").filter("alive", pl.col("coord_decimals") > COARSE_DECIMALS)
    slack = 0.6 * 10.0 ** -pl.col("coord_decimals").cast(pl.Float64)
    sites = sites.with_columns(x=_as_given("longitude"), y=_as_given("latitude"), slack=slack)
    findings = []
    taken = pl.Series("i", [], dtype=pl.Int64)
    for minutes in MINUTES:
        on_minutes = _multiple("x", minutes / 60) & _multiple("y", minutes / 60)
        found = sites.filter(on_minutes, ~pl.col("i").is_in(taken.implode()))
        three = sites.filter(pl.col("coord_decimals") == COARSE_DECIMALS + 1)
        few = three.filter(on_minutes).height < max(FEWEST_FOR_A_PATTERN, three.height / 2)
        if few:
            found = found.filter(pl.col("coord_decimals") > COARSE_DECIMALS + 1)
        taken = taken.append(found["i"])
        found = found.with_columns(
            uncertainty=pl.lit(round(METRES_PER_DEGREE * minutes / 60)).cast(pl.Float64), minutes=pl.lit(f"{minutes:g}")
        )
        shown = {name: pl.col(name) for name in ("longitude", "latitude", "minutes", "uncertainty")}
        findings.append(_widened(draft, rows_where("COORD_MINUTES", "sites", found, _vaguer(), **shown)))
    return findings


def position_in_middle(draft: Draft) -> list[Finding]:
    """The middle of a country, region or town, as the database told when it placed the sites."""
    near = draft.middles
    if not near.height:
        return []
    sites = draft.frame("sites", "site_key", "coord_uncertainty_m").filter("alive").join(near, on="site_key")
    shown = {name: pl.col(name) for name in ("middle", "place", "distance", "uncertainty")}
    sites = sites.with_columns(
        distance=pl.col("distance_m").round(0),
        uncertainty=(pl.col("radius_m") / 100).round() * 100,
        town=pl.col("middle") == "town",
    )
    return [
        _widened(draft, rows_where(code, "sites", sites, condition & _vaguer(), **shown))
        for code, condition in (("COORD_CENTROID", ~pl.col("town")), ("COORD_TOWN", pl.col("town")))
    ]


def position_on_lattice(draft: Draft) -> list[Finding]:
    """All positions lie on lines of equal distance, at least 0.01 degree apart, in both directions."""
    sites = draft.frame("sites", "longitude", "latitude", "coord_uncertainty_m").filter("alive")
    x, y = (np.unique(sites[name].drop_nulls().to_numpy().round(6)) for name in ("longitude", "latitude"))
    places = sites.select("longitude", "latitude").n_unique() if sites.height else 0
    if min(len(x), len(y)) < FEWEST_LINES or places < FEWEST_FOR_A_PATTERN:
        return []
    across, along = _step(x), _step(y)
    if across is None or along is None:
        return []
    step = max(across, along)
    sites = sites.with_columns(
        sites=pl.lit(sites.height),
        step=pl.lit(round(step, 4)),
        uncertainty=pl.lit(float(round(METRES_PER_DEGREE * step))),
    )
    shown = {name: pl.col(name) for name in ("sites", "step", "uncertainty")}
    return [_widened(draft, rows_where("COORD_LATTICE", "sites", sites, _vaguer(), **shown))]


def position_outlying(draft: Draft) -> list[Finding]:
    """Far from the middle of the dataset, measured by how far its other sites usually are."""
    sites = draft.frame("sites", "longitude", "latitude").filter("alive")
    if sites.height < FEWEST_FOR_A_CLOUD:
        return []
    far = _distance_from_middle(sites["longitude"].to_numpy(), sites["latitude"].to_numpy())
    usual = float(np.median(far))
    spread = 1.4826 * float(np.median(np.abs(far - usual)))
    limit = max(usual + ROBUST_Z * spread, FAR_M)
    off = far > limit
    if off.mean() > RARE:
        return []
    where = sites.select("i").with_columns(
        distance=pl.Series(np.round(far / 1000)), usual=pl.lit(float(np.ceil(limit / 1000)))
    )
    return [Finding(code="COORD_OUTLIER", on="sites", where=where.filter(pl.Series(off)))]


def _vaguer() -> pl.Expr:
    return pl.col("coord_uncertainty_m").fill_null(0.0) < pl.col("uncertainty")


def _widened(draft: Draft, found: Finding) -> Finding:
    """The finding; its sites are as uncertain now as it says."""
    if found.where.height:
        sites = draft.frames["sites"]
        metres = sites["coord_uncertainty_m"].scatter(
            found.where["i"].cast(pl.UInt32), found.where["uncertainty"].cast(pl.Float64)
        )
        draft.frames["sites"] = sites.with_columns(metres.alias("coord_uncertainty_m"))
    return found


def _as_given(name: str) -> pl.Expr:
    """The coordinate as it was written; a datum shift would hide a whole minute."""
    text = pl.col(f"{name}_text").str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False).fill_null(pl.col(name)).abs()


def _multiple(name: str, step: float) -> pl.Expr:
    return (pl.col(name) - (pl.col(name) / step).round() * step).abs() <= pl.col("slack")


def _step(values: NDArray[np.float64]) -> float | None:
    """The distance of the lines on which sorted values lie, None where they lie on none or on fine ones."""
    step = float(np.diff(values).min())
    if step < FINEST_LATTICE - 1e-6:
        return None
    lines = (values - values[0]) / step
    return step if bool((np.abs(lines - np.round(lines)) < 0.02).all()) else None


def _distance_from_middle(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each position from the median of all [m], through the sphere, so that no meridian is a border."""
    x, y = np.radians(longitude), np.radians(latitude)
    on_sphere = np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
    middle = np.median(on_sphere, axis=1)
    chord = np.linalg.norm(on_sphere - middle[:, None], axis=0)
    return np.asarray(np.degrees(chord) * METRES_PER_DEGREE)
