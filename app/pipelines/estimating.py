"""Estimates of regions from the values of published profiles, disclosure control included."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import estimates, regions, releases, samples
from app.geo import boundaries
from app.ingest.terms import OPEN_CLASSES
from app.pipelines import disclosure
from app.soil import carbon
from app.soil.estimate import FULL_N, describe_sample
from app.soil.indicators import INDICATORS, Indicator

WEAKEST_TIER = "C"
"""Profiles with two or more estimated inputs are published as they are but say nothing of a region's status."""
SPREAD = ("sd", "se", "lower", "upper", "level", "df", "median", "q1", "q3")
"""Columns that, with a mean of few values, let single ones be worked out."""
STATISTICS = ("value", *SPREAD)


def estimate_regions(connection: Connection, region_ids: Sequence[str], release: int) -> int:
    """Bring all estimates of some regions up to date; returns how many changed."""
    if not region_ids:
        return 0
    # Regions that share sites are looked at together: a part can be what its whole and the other parts leave over.
    region_ids = releases.regions_sharing(connection, region_ids)
    values = _with_cells(samples.values(connection, list(region_ids)))
    all_sites = releases.site_counts(connection, region_ids)
    # Read last: an import may commit a dataset between these statements, and each dataset met above needs its terms.
    terms = releases.dataset_terms(connection)
    cells = regions.cell_counts(connection, region_ids)
    figures: list[_Figure] = []
    per_region = values.partition_by("region_id", as_dict=True)
    for region_id in region_ids:
        here = {key[1]: n for key, n in all_sites.items() if key[0] == region_id}
        # Invented data never share a number with measured ones.
        measured = {d for d in here if not terms[d].synthetic}
        used = measured or set(here)
        of_region = per_region.get((region_id,), values.clear()).filter(
            pl.col("dataset_id").is_in([str(d) for d in used])
        )
        place = _Place(
            region_id=region_id, n_sites=sum(here[d] for d in used), n_cells=cells[region_id], synthetic=not measured
        )
        for indicator in INDICATORS.values():
            for depth in indicator.depths:
                figures += _estimates(indicator, depth, of_region, place, terms)
    _withhold_what_others_betray(figures)
    _hold_back_what_earlier_ones_betray(connection, region_ids, figures)
    estimates.remember(connection, {f.key: f.gave for f in figures if f.gave and f.is_shown})
    return estimates.write(connection, region_ids, [f.row for f in figures], release)


def _with_cells(values: pl.DataFrame) -> pl.DataFrame:
    """Values with the grid cell of their published position; none where only the country is published."""
    placed = values.select("longitude", "latitude").unique().drop_nulls()
    cells = boundaries.cells(placed["longitude"].to_list(), placed["latitude"].to_list())
    return values.join(
        placed.with_columns(pl.Series("cell", cells, dtype=pl.String)), on=["longitude", "latitude"], how="left"
    )


@dataclass(kw_only=True)
class _Figure:
    """An estimate on its way: its row, and the sites of data that are not open behind it."""

    row: dict[str, Any]
    gave: dict[str, str]
    """What each of these sites gave, hashed; sites by dataset and own id, which a new upload keeps."""
    holder: dict[str, str]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.row[name] for name in estimates.DISCLOSED)

    @property
    def is_shown(self) -> bool:
        """Whether it tells a number."""
        return any(self.row[name] is not None for name in STATISTICS)

    def withhold(self, reason: str = "could_betray") -> None:
        """Say why there is no number instead."""
        self.row.update(dict.fromkeys(STATISTICS), refused=reason, notes=[], quality={})
        self.row["coverage"] = _withheld(self.row["coverage"])


def _withheld(coverage: dict[str, Any]) -> dict[str, Any]:
    """Coverage without what tells of single sites."""
    return {**coverage, "first_year": None, "last_year": None, "profiles_without_value": {}}


def _withhold_what_others_betray(figures: Sequence[_Figure]) -> None:
    """Refuse figures that would let withheld ones be worked out: of periods, slices and regions alike."""
    quantities = {f.key[1:4] for f in figures}
    for quantity in sorted(quantities):
        of_quantity = [f for f in figures if f.key[1:4] == quantity]
        # What a site gave belongs to its name: of a site that was visited twice, each time is an unknown of its own.
        sites = {f.key: frozenset(f"{site} {gave}" for site, gave in f.gave.items()) for f in of_quantity if f.is_shown}
        holders = {f"{site} {gave}": f.holder[site] for f in of_quantity for site, gave in f.gave.items()}
        gone = disclosure.to_withhold(sites, holders)
        for figure in of_quantity:
            if figure.key in gone:
                figure.withhold()


def _hold_back_what_earlier_ones_betray(
    connection: Connection, region_ids: Sequence[str], figures: Sequence[_Figure]
) -> None:
    """Keep a figure as it was published before where the difference would betray who changed, or withhold it.

    Data that came or were corrected wait until enough owners have changed theirs. Data that were taken back cannot
    stay in the old figure, so there is none.
    """
    earlier = estimates.contributions(connection, region_ids)
    current = estimates.current(connection, region_ids)
    for figure in figures:
        before = earlier.get(figure.key)
        if before is None or not figure.gave or not figure.is_shown:
            continue
        came, gone = disclosure.changed(before, figure.gave)
        holder = {**{site: site.split("/", maxsplit=1)[0] for site in before}, **figure.holder}
        if disclosure.safe(came, holder) and disclosure.safe(gone, holder):
            continue
        old = current.get(tuple(figure.row[name] for name in estimates.KEY))
        if gone or old is None or old["refused"] is not None:
            figure.withhold()
        else:
            figure.row = {**old, "notes": sorted({*old["notes"], "held_back"})}
            figure.gave = before


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What an estimate says of its region."""

    region_id: str
    n_sites: int
    n_cells: int
    synthetic: bool


def _estimates(
    indicator: Indicator, depth: tuple[int, int], values: pl.DataFrame, place: _Place, terms: Any
) -> Iterator[_Figure]:
    """One indicator over all years and over each decade in which it has a value."""
    upper, lower = depth
    rows = values.filter(
        (pl.col("quantity") == indicator.id) & (pl.col("upper_cm") == upper) & (pl.col("lower_cm") == lower)
    )
    if place.n_sites == 0:
        return
    decades = rows.filter(pl.col("value").is_not_null())["year"].drop_nulls().unique().sort() // 10 * 10
    periods = [("all", rows)] + [
        (f"{first}/{first + 9}", rows.filter(pl.col("year").is_between(first, first + 9)))
        for first in decades.unique().sort()
    ]
    for period, within in periods:
        figure = _estimate(within, place, terms)
        figure.row |= {
            "indicator": indicator.id,
            "region_id": place.region_id,
            "upper_cm": upper,
            "lower_cm": lower,
            "mass_basis": "fixed_depth",
            "period": period,
            "slice": "all",
        }
        yield figure


def holders(owners: Sequence[set[str]]) -> list[str]:
    """Who holds each site's data: owners who share a dataset count as one, for each of them knows the other's."""
    groups: list[set[str]] = []
    for names in {frozenset(n) for n in owners}:
        shared = [group for group in groups if group & names]
        groups = [group for group in groups if not group & names] + [set(names).union(*shared)]
    return [min(next(group for group in groups if group & names)) for names in owners]


def latest_per_site(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a site: the mean of its profiles of the latest date that has values (an unknown date is the earliest).

    A status is the state as last seen, and replicates of one date are one observation of the site.
    """
    has = rows.filter(pl.col("value").is_not_null()).with_columns(day=pl.col("sampled").fill_null(dt.date(1, 1, 1)))
    last = has.filter(pl.col("day") == pl.col("day").max().over("site_id"))
    return (
        last.sort("site_id", "tier", "value", nulls_last=True)
        .group_by("site_id", maintain_order=True)
        .agg(
            pl.col("value").mean(),
            pl.col("tier").max(),
            (pl.col("bd_source") == "measured").all().alias("bd_measured"),
            (pl.col("bd_source") != "not_needed").all().alias("bd_needed"),
            pl.col("dataset_id", "unit", "cell", "year", "own_id", "day").first(),
        )
        # By names that a new upload keeps: sums in another order differ in the last digit, and figures with them.
        .sort("dataset_id", "own_id", "site_id")
    )


def _estimate(rows: pl.DataFrame, place: _Place, terms: Any) -> _Figure:
    weak = rows["tier"] == WEAKEST_TIER
    sites = latest_per_site(rows.filter(~weak.fill_null(value=False)))
    of_dataset = {d: terms[UUID(d)] for d in rows["dataset_id"].unique()}
    of_site = [of_dataset[d] for d in sites["dataset_id"]]
    designs = {t.sampling_design for t in of_site}
    one_sample = len(designs) == 1 and sites["dataset_id"].n_unique() == 1
    owners = holders([set(t.owners) or {t.slug} for t in of_site])
    is_open = [t.licence_class in OPEN_CLASSES for t in of_site]
    found = describe_sample(
        sites["value"].to_numpy(),
        units=sites["unit"].to_list(),
        owners=owners,
        is_open=is_open,
        design=designs.pop() if one_sample else "mixed",
    )
    closed = any(one.licence_class not in OPEN_CLASSES for one in of_dataset.values())
    # Of three values the median is one of them, and a mean with quartiles gives all of five away.
    secret = closed and found.refused not in {None, "no_sites"}
    few = closed and found.refused is None and found.n_units < FULL_N
    needed = bool(len(sites)) and not secret and bool(sites["bd_needed"].all())
    tiers = Counter(sites["tier"].to_list()) if not secret else Counter()
    without = rows["reason"].filter(rows["value"].is_null())
    reasons = dict(sorted(Counter(without.to_list()).items())) if not secret else {}
    per_dataset = sorted(Counter(sites["dataset_id"].to_list()).items())
    row = {
        "value": found.value,
        "sd": found.sd,
        "se": found.se,
        "lower": found.lower,
        "upper": found.upper,
        "level": None if found.lower is None else found.level,
        "df": found.df,
        "median": found.median,
        "q1": found.q1,
        "q3": found.q3,
        "n_sites": found.n_sites,
        "n_units": found.n_units,
        "n_effective": None,
        "n_owners": found.n_owners,
        "estimator": found.estimator,
        "representative": found.representative,
        "indicative": found.indicative,
        "refused": found.refused,
        "notes": list(found.notes),
        "coverage": {
            "sites_in_region": place.n_sites,
            "sites_with_value": len(sites),
            "cells_occupied": sites["cell"].drop_nulls().n_unique(),
            "cells_in_region": place.n_cells,
            "first_year": sites["year"].min(),
            "last_year": sites["year"].max(),
            "profiles_without_value": reasons,
            "profiles_left_out_tier_c": int(weak.sum()),
        },
        "quality": {
            **{tier: round(tiers[tier] / len(sites), 4) for tier in sorted(filter(None, tiers))},
            **({"bulk_density_measured": round(int(sites["bd_measured"].sum()) / len(sites), 4)} if needed else {}),
        },
        "synthetic": "all" if place.synthetic else "none",
        "datasets": [{"id": dataset, "n_sites": n} for dataset, n in per_dataset],
        "method_version": carbon.METHOD_VERSION,
    }
    if few:
        row.update(dict.fromkeys(SPREAD), notes=["spread_withheld"])
    named = [f"{d}/{own}" for d, own in zip(sites["dataset_id"], sites["own_id"], strict=True)]
    given = zip(named, sites["value"], sites["day"], owners, is_open, strict=True)
    behind = [(site, _hashed(value, day), owner) for site, value, day, owner, open_ in given if not open_]
    figure = _Figure(
        row=row,
        gave={site: gave for site, gave, _ in behind},
        holder={site: owner for site, _, owner in behind},
    )
    if secret:
        figure.withhold("could_betray" if found.refused == "median_only" else str(found.refused))
    return figure


def _hashed(value: float, day: dt.date) -> str:
    """What a site gave, such that it can be compared and not read."""
    return hashlib.sha256(f"{value!r} {day}".encode()).hexdigest()[:16]
