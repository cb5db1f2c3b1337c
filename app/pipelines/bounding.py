"""Boundaries of a file become regions: measured, placed below their parents, given their sites, published."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
from sqlalchemy import Connection

from app.db import regions, releases
from app.errors import RefusedFile
from app.geo import boundary_files
from app.geo.boundary_files import Boundaries, Columns, Mended
from app.pipelines.estimating import estimate_regions
from app.pipelines.progress import Progress, silent

Kind = Literal["first_level", "network", "twin", "custom"]


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """What became of a file of boundaries."""

    ids: tuple[str, ...]
    mended: tuple[Mended, ...]
    overlaps: tuple[tuple[str, str, float], ...]
    """Pairs that share ground, and how much [km²]; their sums count it twice."""
    n_sites: int
    release: int


def import_boundaries(
    connection: Connection,
    path: Path,
    *,
    kind: Kind,
    columns: Columns,
    source: str,
    licence: str,
    crs: str | None = None,
    progress: Progress = silent,
) -> Bounded:
    """Store a file's boundaries as regions, find the sites in them, and estimate and publish them as a new release.

    First-level units get their country as parent, from the file's column or from where they lie, and may not overlap;
    other kinds may. Running it again with a newer file updates the regions whose codes it holds. Raises RefusedFile.
    """
    progress("reading boundaries")
    found = boundary_files.read(path, kind=kind, columns=columns, crs=crs)
    frame = found.frame.with_columns(source=pl.lit(source), licence=pl.lit(licence))
    if kind == "first_level":
        frame = _below_countries(connection, found, path, frame)
    shared = boundary_files.overlaps(Boundaries(frame=_with_parent(frame), mended=()))
    if shared and kind == "first_level":
        first, second, common = shared[0]
        raise RefusedFile(
            f"{first} and {second} share {common:.1f} km², so that their areas would be counted twice; "
            f"{len(shared)} pairs do.",
            code="BOUNDARY_OVERLAP",
            file=path.name,
            suggestion="Correct the boundaries, or import them as custom regions.",
        )
    ids = frame["id"].to_list()
    progress(f"storing {len(ids)} regions")
    regions.store(connection, frame.drop("parent"))
    n_sites = regions.assign_sites(connection, ids)
    releases.await_turn(connection)
    number = releases.begin(
        connection, kind="reference", summary=f"Boundaries of {len(ids)} regions from {source}.", content="\n".join(ids)
    )
    regions.publish(connection, ids, number)
    progress("estimating regions")
    figures = estimate_regions(connection, ids, number)
    releases.seal(connection, number, releases.Changes(), figures=figures)
    return Bounded(ids=tuple(ids), mended=found.mended, overlaps=shared, n_sites=n_sites, release=number)


def _with_parent(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(parent=pl.col("parent_id")) if "parent_id" in frame.columns else frame


def _below_countries(connection: Connection, found: Boundaries, path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the country of each unit as parent_id."""
    known = regions.countries_by_code(connection)
    lying = regions.countries_of(connection, dict(found.frame.select("id", "label_point").iter_rows()))
    parents: list[str] = []
    for region_id, given in frame.select("id", "parent").iter_rows():
        parent = known.get(given) if given else lying.get(region_id)
        if parent is None:
            raise RefusedFile(
                f"{region_id} belongs to no country that is known: {given or 'it lies in none'}.",
                code="BOUNDARY_PARENT",
                file=path.name,
                suggestion="Name a column with the country's ISO 3166-1 code.",
            )
        parents.append(parent)
    return frame.with_columns(pl.Series("parent_id", parents))
