"""Steps in order, one transaction each: the only place where science meets the database.

A file becomes observations (`import_file`), observations become derived stocks (`derive`), and what is stored becomes
what is published (`publish_dataset`, `withdraw_dataset`, `refresh`), one release after the other.
"""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import Connection

from app.db import datasets, estimates, jobs, reference, regions, releases, samples
from app.errors import InputRefused, NotFound
from app.geo import boundaries
from app.ingest.mapping import LICENCE_CLASSES, SLUG, Dataset, MappingFile
from app.ingest.read import files_of, read
from app.ingest.report import Report
from app.ingest.rules import RULES_VERSION
from app.soil import carbon
from app.soil.estimate import describe_sample
from app.soil.indicators import INDICATORS, Indicator
from app.soil.layers import soc_status_of_method
from app.soil.properties import PROPERTIES

Progress = Callable[[str], None]
"""Told what is being done, in a few words."""

DENSITIES = {
    "bulk_density_fine_per_total": "fine_per_total",
    "bulk_density_fine_earth": "fine_earth",
    "bulk_density_whole": "whole",
    "bulk_density": "unknown",
}
"""Bulk densities by how directly they give the fine earth per total volume, and what each is the density of."""
FRAGMENTS = {"coarse_fragments_volume": "volume", "coarse_fragments_mass": "mass", "coarse_fragments": "unknown"}


def silent(_what: str) -> None:
    """No progress is shown."""


# --- Reference data -------------------------------------------------------------------------------------------------


def load_reference(connection: Connection, folder: Path, progress: Progress = silent) -> None:
    """Store and publish what the observatory stands on: properties, countries, objectives, partners.

    folder : holds countries.geojson, objectives.csv, partners.csv and agreements.csv.
    """
    progress("properties and objectives")
    reference.write_properties(connection, PROPERTIES.values())
    reference.write_objectives(connection, pl.read_csv(folder / "objectives.csv"))
    progress("countries")
    regions.replace(connection, "country", boundaries.countries(folder / "countries.geojson"))
    progress("partners")
    reference.write_partners(
        connection,
        pl.read_csv(folder / "partners.csv", infer_schema=False),
        pl.read_csv(folder / "agreements.csv", infer_schema=False),
    )
    number = releases.begin(
        connection,
        kind="reference",
        summary="Countries and partners of the Initiative.",
        content=_digest(folder / name for name in ("countries.geojson", "partners.csv", "agreements.csv")),
    )
    regions.publish(connection, "country", number)
    releases.publish_partners(connection, number)


def _digest(files: Iterator[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


# --- Import ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a file. dataset is None where nothing was stored."""

    slug: str
    dataset: UUID | None
    report: Report | None
    """None where the dataset held this very file already, read by the same rules: nothing was done."""


def import_file(
    connection: Connection,
    path: Path,
    mapping: MappingFile,
    *,
    max_bytes: int,
    today: dt.date,
    slug: str | None = None,
    title: str | None = None,
    replace: bool = False,
    strict: bool = False,
    progress: Progress = silent,
) -> Imported:
    """Read, check, harmonise and store one file: all that is valid in one transaction, or nothing.

    path : the file, or the folder that holds the files of the mapping.
    slug, title : name the dataset otherwise than the mapping or the file does.
    replace : whether a dataset that has observations already may be replaced by this file.
    strict : whether a single refused row refuses the file.
    A file of which no row can be stored is refused as well. Publication is enqueued in the same transaction. Raises InputRefused for a file that cannot be read or understood.
    """
    if slug and not SLUG.fullmatch(slug):
        raise InputRefused(
            f"{slug!r} cannot name a dataset.", code="NAME_INVALID", suggestion="Use small letters, digits and hyphens."
        )
    if regions.count(connection, "country") == 0:
        raise InputRefused(
            "There are no countries to place sites in.", code="NO_REGIONS", suggestion="Run: observatory seed"
        )
    progress("reading, checking and placing sites")
    found = read(
        path,
        mapping,
        max_bytes=max_bytes,
        today=today,
        locate=lambda sites: _locate(connection, sites),
    )
    given = dataclasses.replace(found.dataset, slug=slug or found.dataset.slug, title=title or found.dataset.title)
    files = files_of(path, mapping)
    digest = _sha256(files)
    record = _record(given)
    known = datasets.find(connection, given.slug)
    held = None if known is None else datasets.stored_upload(connection, known.id)
    if known is not None and held is not None and not replace:
        same_file = (held.sha256, held.rules_version) == (digest, RULES_VERSION)
        if same_file and all(getattr(known, name) == value for name, value in record.items()):
            return Imported(slug=given.slug, dataset=known.id, report=None)
        raise InputRefused(
            f"The dataset {given.slug!r} has observations already, from the file {held.filename}"
            f"{', under other terms or withdrawn' if same_file else ''}.",
            code="DATASET_EXISTS",
            suggestion="Name another dataset with --dataset, or put the new file in its place with --replace.",
        )
    if found.sites.is_empty() or (strict and found.report.rows_refused):
        return Imported(slug=given.slug, dataset=None, report=found.report)
    progress("storing")
    dataset = datasets.register(connection, record, given.owners or (given.title,))
    left = releases.regions_of(connection, dataset)
    samples.remove(connection, dataset)
    upload = datasets.record_upload(
        connection,
        {
            "dataset_id": dataset,
            "filename": path.name,
            "size_bytes": sum(file.stat().st_size for file in files),
            "sha256": digest,
            "mapping": mapping.name,
            "rules_version": RULES_VERSION,
            "state": "stored",
            "report": found.report.to_json(),
            "rows_read": found.report.rows_read,
            "rows_stored": found.report.rows_stored,
            "rows_refused": found.report.rows_refused,
            "rows_ignored": found.report.rows_ignored,
        },
    )
    samples.store(
        connection,
        dataset=dataset,
        upload=upload,
        sites=found.sites.with_columns(boundaries.points_ewkb(found.sites["longitude"], found.sites["latitude"])),
        visits=found.visits,
        layers=found.layers,
        results=found.results,
        located=found.located,
    )
    progress("computing stocks")
    derive(connection, dataset)
    jobs.enqueue(connection, "publish_dataset", dataset=str(dataset), left=left)
    return Imported(slug=given.slug, dataset=dataset, report=found.report)


def _record(given: Dataset) -> dict[str, Any]:
    """A dataset's terms as columns of core.dataset."""
    if given.licence_class == "display_generalised_only" and given.location_precision == "exact":
        raise InputRefused(
            f"The licence of {given.slug!r} allows generalised positions only, and its location precision is exact.",
            code="TERMS_CONTRADICT",
            suggestion="Set location_precision to 100m, 1km, 10km or region.",
        )
    licence_url = given.licence_url
    if licence_url is None and given.licence in LICENCE_CLASSES:
        licence_url = f"https://spdx.org/licenses/{given.licence}.html"
    record = dataclasses.asdict(given)
    for name in ("owners", "contact_orcid"):
        del record[name]
    return {**record, "licence_url": licence_url, "state": "published"}


def _sha256(files: Sequence[Path]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.digest()


def _locate(connection: Connection, sites: pl.DataFrame) -> pl.DataFrame:
    """The country of each site, how far it is from the declared one, and a repair where it is in neither."""
    positions = sites.select("site_key", boundaries.points_ewkb(sites["longitude"], sites["latitude"]), "country_code")
    found = regions.locate(connection, positions)
    lost = found.filter(pl.col("region_id").is_null() | (pl.col("declared_distance_m").fill_null(0) > regions.NEAR_M))[
        "site_key"
    ]
    repairs = regions.repairs(connection, lost.to_list())
    regions.end_locating(connection)
    names = regions.names(connection)
    return found.with_columns(
        region=pl.col("region_id").replace_strict(names, default=None, return_dtype=pl.String),
        declared=pl.col("declared_id").replace_strict(names, default=None, return_dtype=pl.String),
        repair=pl.Series([repairs.get(key) for key in found["site_key"]], dtype=pl.String),
    ).drop("declared_id")


# --- Derived values -------------------------------------------------------------------------------------------------


def derive(connection: Connection, dataset: UUID) -> None:
    """Compute every indicator's value for each profile of a dataset, or the reason why it cannot be computed."""
    visits = samples.visits(connection, dataset)
    long = samples.layers(connection, dataset, ("soc", *DENSITIES, *FRAGMENTS))
    layers, rock = _layers(long, visits)
    frames = [
        _derived(indicator, depth, layers, rock, visits)
        for indicator in INDICATORS.values()
        for depth in indicator.depths
    ]
    samples.replace_derived(connection, dataset, pl.concat(frames))


def _layers(long: pl.DataFrame, visits: pl.Series) -> tuple[carbon.Layers, np.ndarray[Any, np.dtype[np.float64]]]:
    """Layers as arrays for the science, one row a layer, and the rock depth of each profile."""
    # A property given in several columns of a file counts once: the best status first.
    order = pl.col("status").replace_strict({"measured": 0, "unknown": 1, "estimated": 2, "assumed": 3}, default=None)
    one = long.sort("layer_id", order, maintain_order=True).unique(["layer_id", "property"], keep="first")
    one = _with_methods(one)
    base = long.unique("layer_id", keep="first", maintain_order=True).select(
        "visit_id", "rock_depth_cm", "layer_id", "top_cm", "bottom_cm", "kind"
    )

    def quantity(name: str, codes: dict[str, str]) -> pl.DataFrame:
        rank = {code: place for place, code in enumerate(codes)}
        return (
            one.filter(pl.col("property").is_in(list(codes)))
            .with_columns(rank=pl.col("property").replace_strict(rank, default=None))
            .sort("layer_id", "rank")
            .unique("layer_id", keep="first")
            .select(
                "layer_id",
                pl.col("value").alias(name),
                pl.col("property").replace_strict(codes, default=None).alias(f"{name}_basis"),
                pl.col("status").alias(f"{name}_status"),
                pl.col("uncertainty").alias(f"u_{name}"),
            )
        )

    wide = base
    for name, codes in (("soc", {"soc": "soc"}), ("bulk_density", DENSITIES), ("coarse_fragments", FRAGMENTS)):
        wide = wide.join(quantity(name, codes), on="layer_id", how="left")
    place = pl.DataFrame({"visit_id": visits, "profile": np.arange(len(visits))})
    wide = wide.join(place, on="visit_id", how="left")
    rock = place.join(base.unique("visit_id").select("visit_id", "rock_depth_cm"), on="visit_id", how="left").sort(
        "profile"
    )

    def numbers(name: str) -> Any:
        return wide[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def words(name: str) -> Any:
        return wide[name].fill_null("unknown").to_numpy().astype(object)

    layers = carbon.Layers(
        profile=wide["profile"].to_numpy().astype(np.intp),
        top=numbers("top_cm"),
        bottom=numbers("bottom_cm"),
        organic=(wide["kind"] == "organic").to_numpy(),
        soc=numbers("soc"),
        soc_status=words("soc_status"),
        bulk_density=numbers("bulk_density"),
        bulk_density_basis=words("bulk_density_basis"),
        bulk_density_status=words("bulk_density_status"),
        coarse_fragments=numbers("coarse_fragments"),
        coarse_fragments_basis=words("coarse_fragments_basis"),
        coarse_fragments_status=words("coarse_fragments_status"),
        u_soc=numbers("u_soc"),
        u_bulk_density=numbers("u_bulk_density"),
    )
    return layers, rock["rock_depth_cm"].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _with_methods(results: pl.DataFrame) -> pl.DataFrame:
    """Carbon values with the finer status that their laboratory procedure gives them."""
    pairs = results.filter(pl.col("property") == "soc").select("property", "method", "status").unique()
    finer = pairs.with_columns(
        finer=pl.Series([soc_status_of_method(m, s) for _, m, s in pairs.iter_rows()], dtype=pl.String)
    )
    joined = results.join(finer, on=["property", "method", "status"], how="left", nulls_equal=True)
    return joined.with_columns(pl.coalesce("finer", "status").alias("status")).drop("finer", "method")


def _derived(
    indicator: Indicator, depth: tuple[int, int], layers: carbon.Layers, rock: Any, visits: pl.Series
) -> pl.DataFrame:
    upper, lower = depth
    found = indicator.compute(layers, len(visits), upper, lower, rock)
    has = ~np.isnan(found.value)

    def number(values: Any) -> pl.Series:
        return pl.Series(np.where(has, values, np.nan)).fill_nan(None)

    def word(values: Any) -> pl.Series:
        return pl.Series(values.tolist(), dtype=pl.String)

    return pl.DataFrame(
        {
            "visit_id": visits,
            "quantity": pl.Series([indicator.id] * len(visits), dtype=pl.String),
            "upper_cm": pl.Series([float(upper)] * len(visits), dtype=pl.Float64),
            "lower_cm": pl.Series([float(lower)] * len(visits), dtype=pl.Float64),
            "mass_basis": pl.Series(["fixed_depth"] * len(visits), dtype=pl.String),
            "value": number(found.value),
            "u_random": number(found.u_random),
            "u_systematic": number(found.u_systematic),
            "coverage": pl.Series(np.clip(found.coverage, 0, 1)),
            "reason": word(found.reason),
            "depth_status": word(found.depth_status),
            "soc_source": word(found.soc_source),
            "bd_source": word(found.bd_source),
            "cf_source": word(found.cf_source),
            "tier": word(found.tier),
            "flags": pl.Series([list(f) for f in found.flags], dtype=pl.List(pl.String)),
            "method_version": pl.Series([carbon.METHOD_VERSION] * len(visits), dtype=pl.String),
        }
    )


# --- Publication ----------------------------------------------------------------------------------------------------


def publish_dataset(
    connection: Connection, dataset: UUID, left: Sequence[str] = (), progress: Progress = silent
) -> int:
    """Publish the present state of a dataset as a new release and bring the estimates of its regions up to date.

    left : regions in which the dataset had sites before and may have none now.
    Running it twice publishes the same rows again: a release more, the same data. A dataset that was withdrawn since
    the job was enqueued stays withdrawn, without a release. Returns the number of the release that is current then.
    """
    releases.await_turn(connection)
    record = datasets.by_id(connection, dataset)
    if record.state != "published":
        return releases.current(connection)
    number = releases.begin(
        connection, kind="publish", summary=f"Published {record.slug}: {record.title}.", content=str(dataset)
    )
    progress(f"publishing {record.slug}")
    releases.publish_dataset(connection, dataset, number)
    progress("choosing points for low zooms")
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    estimate_regions(connection, sorted({*left, *releases.regions_of(connection, dataset)}), number)
    return number


def withdraw_dataset(connection: Connection, slug: str, *, forget: bool = False, progress: Progress = silent) -> int:
    """Take a dataset out of publication as a new release; with `forget` its observations are deleted as well."""
    record = datasets.find(connection, slug)
    if record is None:
        raise NotFound(f"There is no dataset {slug!r}.")
    releases.await_turn(connection)
    touched = releases.regions_of(connection, record.id)
    if record.state == "withdrawn" and not (forget and touched):
        raise InputRefused(f"The dataset {slug!r} is withdrawn already.", code="ALREADY_WITHDRAWN")
    number = releases.begin(
        connection, kind="withdraw", summary=f"Withdrew {slug}: {record.title}.", content=str(record.id)
    )
    datasets.set_state(connection, record.id, "withdrawn")
    if forget:
        samples.remove(connection, record.id)
        datasets.forget_uploads(connection, record.id)
    releases.close_dataset(connection, record.id, number)
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    estimate_regions(connection, touched, number)
    return number


def refresh(connection: Connection, progress: Progress = silent) -> tuple[int, int]:
    """Compute derived values and estimates of all published datasets anew. Returns the release and what changed."""
    releases.await_turn(connection)
    for record in datasets.everything(connection):
        if record.state == "published":
            progress(f"computing {record.slug}")
            derive(connection, record.id)
    everywhere = regions.with_sites(connection)
    number = releases.begin(
        connection,
        kind="refresh",
        summary="Computed all indicators anew.",
        content=f"carbon {carbon.METHOD_VERSION}",
    )
    for record in datasets.everything(connection):
        if record.state == "published":
            releases.publish_dataset(connection, record.id, number)
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    return number, estimate_regions(connection, everywhere, number)


# --- Estimates ------------------------------------------------------------------------------------------------------

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
