"""A file becomes observations: read, checked, harmonised, placed and stored in one transaction, or not at all."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import bulk, datasets, jobs, regions, releases, samples
from app.errors import InputRefused
from app.geo import boundaries
from app.geo.middles import TOWN_RADIUS_M, near_middles
from app.ingest import terms
from app.ingest.mapping import LICENCE_CLASSES, SLUG, Dataset, MappingFile
from app.ingest.read import Ingested, files_of, read
from app.ingest.report import Report
from app.ingest.rules import RULES_VERSION
from app.ingest.terms import Terms
from app.pipelines import deriving, profiles
from app.pipelines.comparing import find_duplicates, find_outliers
from app.pipelines.locating import countries_of
from app.pipelines.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a file. dataset is None where nothing was stored."""

    slug: str
    dataset: UUID | None
    report: Report | None
    """None where the dataset held this very file already, read by the same rules: nothing was done."""
    job: int | None = None
    """The job that publishes it; None where nothing was stored."""


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
        locate=lambda sites: locate(connection, sites),
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
    left = put(connection, dataset, upload, found, progress)
    publication: dict[str, Any] = {"dataset": str(dataset), "left": left}
    job = jobs.enqueue(connection, "publish_dataset", **publication) or jobs.pending(
        connection, "publish_dataset", **publication
    )
    return Imported(slug=given.slug, dataset=dataset, report=found.report, job=job)


def put(connection: Connection, dataset: UUID, upload: UUID, found: Ingested, progress: Progress = silent) -> list[str]:
    """Store what was read in place of what the dataset holds, and compute its stocks.

    Returns the regions in which the dataset had sites before.
    """
    left = releases.regions_of(connection, dataset)
    samples.remove(connection, dataset)
    ids = samples.new_ids(len(found.visits))
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Stocks are computed while the server is busy with what they are computed from.
        figures = beside.submit(_figures, ids, found)
        samples.store(
            connection,
            dataset=dataset,
            upload=upload,
            sites=found.sites.with_columns(boundaries.points_ewkb(found.sites["longitude"], found.sites["latitude"])),
            visits=found.visits,
            visit_ids=ids,
            layers=found.layers,
            results=found.results,
            located=found.located,
        )
        regions.assign_dataset(connection, dataset)
        progress("storing stocks")
        for frame in figures.result():
            samples.store_derived(connection, frame)
    bulk.refresh_statistics(connection)
    progress("comparing with other datasets")
    find_duplicates(connection, dataset)
    find_outliers(connection, dataset)
    return left


def _figures(ids: pl.Series, found: Ingested) -> list[pl.DataFrame]:
    return list(deriving.figures(profiles.of_frames(ids, found.sites, found.visits, found.layers, found.results)))


def _record(given: Dataset) -> dict[str, Any]:
    """A dataset's terms as columns of core.dataset."""
    # Consent is not asked for here: whoever imports at the command line has the source and its terms before them.
    terms.require_consistent(
        Terms(
            licence=given.licence,
            licence_class=given.licence_class,
            location_precision=given.location_precision,
            embargo_until=given.embargo_until,
            consent=given.consent,
        ),
        given.slug,
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


def locate(connection: Connection, sites: pl.DataFrame) -> pl.DataFrame:
    """The country of each site, how far it is from the declared one, and a repair where it is in neither."""
    found, repairs = countries_of(connection, sites)
    names = regions.names(connection)
    # The rows come back in an order of the database's own.
    found = sites.select("site_key", "longitude", "latitude").join(found, on="site_key", maintain_order="left")
    found = found.hstack(near_middles(found, regions.middles(connection, TOWN_RADIUS_M))).drop("longitude", "latitude")
    return found.with_columns(
        region=pl.col("region_id").replace_strict(names, default=None, return_dtype=pl.String),
        declared=pl.col("declared_id").replace_strict(names, default=None, return_dtype=pl.String),
        repair=pl.Series([repairs.get(key) for key in found["site_key"]], dtype=pl.String),
    ).drop("declared_id")
