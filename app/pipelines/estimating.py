"""Estimates of regions from the values of published profiles, disclosure control included."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import estimates, regions, releases, samples
from app.geo import boundaries
from app.soil import carbon
from app.soil.estimate import describe_sample
from app.soil.indicators import INDICATORS, Indicator

WEAKEST_TIER = "C"
"""Profiles with two or more estimated inputs are published as they are but say nothing of a region's status."""
OPEN_CLASSES = ("open", "attribution", "non_commercial")
"""Licence classes under which every value is public anyway, so that a figure can betray nobody."""


def estimate_regions(connection: Connection, region_ids: Sequence[str], release: int) -> int:
    """Bring all estimates of some regions up to date; returns how many changed."""
    if not region_ids:
        return 0
    values = samples.values(connection, list(region_ids))
    values = values.with_columns(
        pl.Series(
            "cell", boundaries.cells(values["longitude"].to_list(), values["latitude"].to_list()), dtype=pl.String
        )
    )
    all_sites = releases.site_counts(connection, region_ids)
    # Read last: an import may commit a dataset between these statements, and each dataset met above needs its terms.
    terms = releases.dataset_terms(connection)
    cells = regions.cell_counts(connection, region_ids)
    rows: list[dict[str, Any]] = []
    for region_id in region_ids:
        here = {key[1]: n for key, n in all_sites.items() if key[0] == region_id}
        # Invented data never share a number with measured ones.
        measured = {d for d in here if not terms[d].synthetic}
        used = measured or set(here)
        of_region = values.filter(
            (pl.col("region_id") == region_id) & pl.col("dataset_id").is_in([str(d) for d in used])
        )
        place = _Place(
            region_id=region_id, n_sites=sum(here[d] for d in used), n_cells=cells[region_id], synthetic=not measured
        )
        for indicator in INDICATORS.values():
            for depth in indicator.depths:
                rows += _estimates(indicator, depth, of_region, place, terms)
    return estimates.write(connection, region_ids, rows, release)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What an estimate says of its region."""

    region_id: str
    n_sites: int
    n_cells: int
    synthetic: bool


def _estimates(
    indicator: Indicator, depth: tuple[int, int], values: pl.DataFrame, place: _Place, terms: Any
) -> Iterator[dict[str, Any]]:
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
        yield {
            "indicator": indicator.id,
            "region_id": place.region_id,
            "upper_cm": upper,
            "lower_cm": lower,
            "mass_basis": "fixed_depth",
            "period": period,
            "slice": "all",
            **_estimate(within, place, terms),
        }


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
        last.sort("site_id", "tier", nulls_last=True)
        .group_by("site_id", maintain_order=True)
        .agg(
            pl.col("value").mean(),
            pl.col("tier").max(),
            (pl.col("bd_source") == "measured").all().alias("bd_measured"),
            (pl.col("bd_source") != "not_needed").all().alias("bd_needed"),
            pl.col("dataset_id", "unit", "cell", "year").first(),
        )
        .sort("site_id")
    )


def _estimate(rows: pl.DataFrame, place: _Place, terms: Any) -> dict[str, Any]:
    weak = rows["tier"] == WEAKEST_TIER
    sites = latest_per_site(rows.filter(~weak.fill_null(value=False)))
    of_site = [terms[UUID(d)] for d in sites["dataset_id"]]
    designs = {t.sampling_design for t in of_site}
    one_sample = len(designs) == 1 and sites["dataset_id"].n_unique() == 1
    found = describe_sample(
        sites["value"].to_numpy(),
        units=sites["unit"].to_list(),
        owners=holders([set(t.owners) or {t.slug} for t in of_site]),
        is_open=[t.licence_class in OPEN_CLASSES for t in of_site],
        design=designs.pop() if one_sample else "mixed",
    )
    secret = found.refused in {"too_few_owners", "dominant_owner"}
    needed = bool(len(sites)) and not secret and bool(sites["bd_needed"].all())
    tiers = dict(sites.group_by("tier").len().iter_rows()) if len(sites) and not secret else {}
    reasons = dict(
        rows.filter(pl.col("value").is_null()).group_by("reason").len().sort("reason").iter_rows() if not secret else []
    )
    per_dataset = sorted(sites.group_by("dataset_id").len().iter_rows())
    return {
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
            "cells_occupied": sites["cell"].n_unique(),
            "cells_in_region": place.n_cells,
            "first_year": sites["year"].min(),
            "last_year": sites["year"].max(),
            "profiles_without_value": reasons,
            "profiles_left_out_tier_c": int(weak.sum()),
        },
        "quality": {
            **{tier: round(n / len(sites), 4) for tier, n in sorted(tiers.items()) if tier},
            **({"bulk_density_measured": round(int(sites["bd_measured"].sum()) / len(sites), 4)} if needed else {}),
        },
        "synthetic": "all" if place.synthetic else "none",
        "datasets": [{"id": dataset, "n_sites": n} for dataset, n in per_dataset],
        "method_version": carbon.METHOD_VERSION,
    }
