"""What the observatory stands on: properties, countries, objectives, partners."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from sqlalchemy import Connection

from app.db import reference, regions, releases
from app.geo import boundaries
from app.pipelines.progress import Progress, silent
from app.soil.properties import PROPERTIES


def load_reference(connection: Connection, folder: Path, progress: Progress = silent) -> None:
    """Store and publish what the observatory stands on: properties, countries, objectives, partners.

    folder : holds countries.geojson, objectives.csv, partners.csv and agreements.csv.
    """
    progress("properties and objectives")
    reference.write_properties(connection, PROPERTIES.values())
    reference.write_objectives(connection, pl.read_csv(folder / "objectives.csv"))
    progress("countries")
    known = boundaries.with_parents(boundaries.countries(folder / "countries.geojson"))
    regions.store(connection, known)
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
    # The world and the Initiative's regions are kept for the ledger of areas; they have no figures yet.
    regions.publish(connection, known.filter(pl.col("kind") == "country")["id"].to_list(), number)
    releases.publish_partners(connection, number)
    releases.seal(connection, number, releases.Changes())


def _digest(files: Iterator[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()
