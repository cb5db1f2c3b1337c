"""Soil observations: canonical frames in, layers for the science out."""

from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import Connection, delete, select

from app.db import bulk, results
from app.db.queries import sql
from app.db.tables import derived, layer, procedure, site, site_region, upload, visit


def store(
    connection: Connection,
    *,
    dataset: UUID,
    upload: UUID,
    sites: pl.DataFrame,
    visits: pl.DataFrame,
    layers: pl.DataFrame,
    results: pl.DataFrame,
    located: pl.DataFrame,
    visit_ids: pl.Series | None = None,
) -> None:
    """Store canonical frames (see app/ingest) under one dataset and upload.

    sites carries `geom` as hexadecimal EWKB; located has site_key, region_id and distance_m; visit_ids are from new_ids
    where the caller needs them.
    """
    sites = sites.with_columns(new_ids(len(sites)))
    visits = visits.with_columns((new_ids(len(visits)) if visit_ids is None else visit_ids).alias("id"))
    source = {"file": "source_file", "sheet": "source_sheet", "row": "source_row"}
    bulk.copy_in(
        connection,
        site,
        sites.rename({**source, "site_key": "own_id", "country_code": "declared_country"}, strict=False)
        .with_columns(pl.lit(str(dataset)).alias("dataset_id"), pl.lit(str(upload)).alias("upload_id"))
        .drop("longitude", "latitude"),
    )
    keys = sites.select("site_key", pl.col("id").alias("site_id"))
    bulk.copy_in(
        connection,
        site_region,
        located.drop_nulls("region_id").join(keys, on="site_key").select("site_id", "region_id", "distance_m"),
    )
    bulk.copy_in(
        connection,
        visit,
        visits.join(keys, on="site_key", how="left", maintain_order="left")
        .rename({**source, "profile_id": "own_id"})
        .with_columns(pl.col("replicate").fill_null(""), pl.col("sampling_kind").fill_null("unknown"))
        .drop("visit_key", "site_key"),
    )
    _store_layers(connection, upload, visits, layers.rename(source), results)


def new_ids(n: int) -> pl.Series:
    """Ids of rows to be stored. They ascend: side by side they go into indexes several times faster than at random."""
    return bulk.random_ids(n).sort()


def _store_layers(
    connection: Connection, upload: UUID, visits: pl.DataFrame, layers: pl.DataFrame, values: pl.DataFrame
) -> None:
    """Layers with the arrays of their values, some at a time: memory holds each value once."""
    if layers.is_empty():
        return
    visit_ids = layers.select("visit_key").join(
        visits.select("visit_key", pl.col("id").alias("visit_id")), on="visit_key", how="left", maintain_order="left"
    )
    numbered = values.select(
        _places(layers["layer_key"], values["layer_key"]),
        results.describe(connection, upload, values),
        "value",
        "reported_value",
        "qualifier",
        "uncertainty" if "uncertainty" in values.columns else pl.lit(None, pl.Float64).alias("uncertainty"),
        "flags",
    )
    own = layers.drop("layer_key", "visit_key").with_columns(visit_ids["visit_id"])
    bulk.copy_parts(
        connection,
        layer,
        [*own.columns, *results.COLUMNS],
        (
            pl.concat([own[which], arrays], how="horizontal")
            for which, arrays in results.by_layer(numbered, len(layers))
        ),
    )


def _places(keys: pl.Series, wanted: pl.Series) -> pl.Series:
    """Where among the keys of the layers each wanted one stands, from 0."""
    if np.array_equal(keys.to_numpy(), np.arange(len(keys))):
        return wanted.alias("layer")
    place = keys.to_frame("key").with_row_index("layer").cast(pl.Int64)
    return wanted.to_frame("key").join(place, on="key", how="left", maintain_order="left")["layer"]


def remove(connection: Connection, dataset: UUID) -> None:
    """Forget the observations of a dataset; its uploads and published releases stay."""
    connection.execute(delete(site).where(site.c.dataset_id == dataset))
    uploads = select(upload.c.id).where(upload.c.dataset_id == dataset)
    connection.execute(delete(procedure).where(procedure.c.upload_id.in_(uploads)))


VISITS = {"visit_id": pl.String, "rock_depth_cm": pl.Float64, "site_flags": pl.String}
LAYERS = {
    "visit_id": pl.String,
    "layer_id": pl.Int64,
    "top_cm": pl.Float64,
    "bottom_cm": pl.Float64,
    "kind": pl.String,
    "flags": pl.String,
}
LAYER_VALUES = {
    "layer_id": pl.Int64,
    "property": pl.String,
    "value": pl.Float64,
    "status": pl.String,
    "uncertainty": pl.Float64,
    "method": pl.String,
    "flags": pl.String,
}


def visits(connection: Connection, dataset: UUID) -> pl.DataFrame:
    """Profiles of a dataset, in order; columns as in VISITS."""
    return bulk.copy_out(connection, sql("visits_of_dataset"), {"dataset": dataset}, VISITS)


def layers(connection: Connection, dataset: UUID) -> pl.DataFrame:
    """Layers of a dataset, in profile and depth order; columns as in LAYERS."""
    return bulk.copy_out(connection, sql("layers_of_dataset"), {"dataset": dataset}, LAYERS)


def values_of_layers(connection: Connection, dataset: UUID, properties: tuple[str, ...]) -> pl.DataFrame:
    """Exact values of some properties of the layers of a dataset; columns as in LAYER_VALUES."""
    given = {"dataset": dataset, "properties": list(properties)}
    return bulk.copy_out(connection, sql("values_of_layers"), given, LAYER_VALUES)


def forget_derived(connection: Connection, dataset: UUID) -> None:
    """Delete what was derived for the profiles of a dataset."""
    own = (
        visit.join(site, site.c.id == visit.c.site_id)
        .select()
        .with_only_columns(visit.c.id)
        .where(site.c.dataset_id == dataset)
    )
    connection.execute(delete(derived).where(derived.c.visit_id.in_(own)))


def store_derived(connection: Connection, frame: pl.DataFrame) -> None:
    """Store what was derived for profiles that have nothing derived yet."""
    bulk.copy_in(connection, derived, frame)


VALUES = {
    "region_id": pl.String,
    "dataset_id": pl.String,
    "site_id": pl.String,
    "unit": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "year": pl.Int32,
    "sampled": pl.Date,
    "quantity": pl.String,
    "upper_cm": pl.Float64,
    "lower_cm": pl.Float64,
    "value": pl.Float64,
    "reason": pl.String,
    "tier": pl.String,
    "bd_source": pl.String,
    "own_id": pl.String,
}


def values(connection: Connection, regions: list[str]) -> pl.DataFrame:
    """Derived values of all published profiles in some regions; columns as in VALUES."""
    return bulk.copy_out(connection, sql("values_of_regions"), {"regions": regions}, VALUES)
