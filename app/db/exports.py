"""Exports of stored datasets: what was asked for, and the rows that go into the file."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.db import bulk
from app.db.queries import sql
from app.db.tables import dataset, dataset_owner, export, pub_dataset, release

LAYERS = {
    "layer": pl.Int64,
    "site_id": pl.String,
    "site_name": pl.String,
    "cluster": pl.String,
    "profile_id": pl.String,
    "replicate": pl.String,
    "sampling_kind": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "position_text": pl.String,
    "coord_uncertainty_m": pl.Float64,
    "country_code": pl.String,
    "sampled_from": pl.Date,
    "date_precision": pl.String,
    "campaign": pl.String,
    "layer_id": pl.String,
    "top_cm": pl.Float64,
    "bottom_cm": pl.Float64,
    "layer_kind": pl.String,
    "horizon": pl.String,
    "land_use": pl.String,
    "management": pl.String,
    "bedrock_depth_cm": pl.Float64,
    "wrb": pl.String,
    "wrb_version": pl.String,
    "usda": pl.String,
    "stratum": pl.String,
    "inclusion_weight": pl.Float64,
    "remarks": pl.String,
}
RESULTS = {
    "layer": pl.Int64,
    "property": pl.String,
    "value": pl.Float64,
    "qualifier": pl.String,
    "uncertainty": pl.Float64,
    "status": pl.String,
    "reported_value": pl.String,
    "reported_unit": pl.String,
    "method": pl.String,
    "laboratory": pl.String,
    "place": pl.Int64,
}


def layers(connection: Connection, dataset_id: UUID, *, exact: bool) -> pl.DataFrame:
    """Layers of a dataset with profile and site, at their exact or their published positions; columns as in LAYERS."""
    return bulk.copy_out(connection, sql("export_layers"), {"dataset": dataset_id, "exact": exact}, LAYERS)


def results(connection: Connection, dataset_id: UUID, *, exact: bool) -> pl.DataFrame:
    """Values of the same layers; columns as in RESULTS."""
    return bulk.copy_out(connection, sql("export_results"), {"dataset": dataset_id, "exact": exact}, RESULTS)


def owners(connection: Connection, dataset_id: UUID) -> tuple[str, ...]:
    """Owners of a dataset as the citation names them."""
    statement = select(dataset_owner.c.name).where(dataset_owner.c.dataset_id == dataset_id)
    return tuple(connection.scalars(statement.order_by(dataset_owner.c.name)))


def add(connection: Connection, dataset_id: UUID, account: UUID | None, kind: str, positions: str) -> UUID:
    """Note that an export was asked for; returns its id."""
    values = {"dataset_id": dataset_id, "account_id": account, "kind": kind, "positions": positions, "state": "waiting"}
    made: UUID = connection.execute(insert(export).values(values).returning(export.c.id)).scalar_one()
    return made


def is_released(connection: Connection, dataset_id: UUID) -> bool:
    """Whether the dataset is published now: its record alone says what is wanted, the release what is."""
    statement = select(func.count()).where(pub_dataset.c.id == dataset_id, pub_dataset.c.released_to.is_(None))
    return bool(connection.scalar(statement))


def changed_since(connection: Connection, dataset_id: UUID, moment: dt.datetime) -> bool:
    """Whether a release about the dataset was made after that moment: its terms may have become narrower."""
    statement = select(func.count()).where(release.c.dataset_id == dataset_id, release.c.created_at > moment)
    return bool(connection.scalar(statement))


def waiting(connection: Connection, account: UUID | None) -> int:
    """Exports that an account waits for."""
    statement = select(func.count()).where(export.c.account_id == account, export.c.state == "waiting")
    return int(connection.scalar(statement) or 0)


def find(connection: Connection, export_id: UUID) -> Row[Any] | None:
    """An export with the short name of its dataset."""
    return connection.execute(
        select(export, dataset.c.slug.label("dataset_slug"))
        .join(dataset, dataset.c.id == export.c.dataset_id)
        .where(export.c.id == export_id)
    ).first()


def finish(connection: Connection, export_id: UUID, *, path: str | None = None, fault: str | None = None) -> None:
    """Note that the file is made, or why it could not be."""
    connection.execute(
        update(export)
        .where(export.c.id == export_id)
        .values(state="failed" if fault else "ready", path=path, fault=fault, finished_at=func.now())
    )


def forget(connection: Connection, *, before: dt.datetime) -> Sequence[str]:
    """Forget exports that were asked for earlier; returns the paths of their files."""
    gone = connection.execute(delete(export).where(export.c.created_at < before).returning(export.c.path))
    return [row.path for row in gone if row.path]
