"""Small sets of observations, made by hand: what a test is about stands in the test, the rest comes from here."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import datasets, samples
from app.geo import boundaries


@dataclass(kw_only=True)
class Site:
    """A site with one profile of one layer per entry of `soc`."""

    key: str
    lon: float
    lat: float
    region: str
    soc: tuple[float, ...] = (20.0,)
    density: float | None = 1.3
    thickness: float = 30.0
    year: int | None = 2015
    cluster: str | None = None
    flags: list[str] = field(default_factory=list)


DEFAULTS: dict[str, Any] = {
    "title": "A set made for a test",
    "licence": "CC-BY-4.0",
    "licence_url": "https://creativecommons.org/licenses/by/4.0/",
    "licence_class": "attribution",
    "citation": "Tester, T. (2026)",
    "doi": "10.1234/test",
    "location_precision": "exact",
    "synthetic": False,
    "surface_convention": "mineral",
    "bulk_density_basis": "fine_earth",
    "coarse_fragments_basis": "volume",
    "sampling_design": "srs",
    "state": "published",
}


def store(
    connection: Connection, slug: str, sites: list[Site], *, owners: tuple[str, ...] = ("Tester",), **terms: Any
) -> UUID:
    """Store sites as a dataset, as an import would."""
    dataset = datasets.register(connection, {**DEFAULTS, "slug": slug, **terms}, owners)
    upload = datasets.record_upload(
        connection,
        {
            "dataset_id": dataset,
            "filename": "made.csv",
            "size_bytes": 1,
            "sha256": b"x" * 32,
            "mapping": "standard",
            "rules_version": "1",
            "state": "stored",
            "report": {},
        },
    )
    source = {"file": "made.csv", "sheet": None}
    layers = [
        (site, number, top, value)
        for site in sites
        for number, (top, value) in enumerate((i * site.thickness, v) for i, v in enumerate(site.soc))
    ]
    results = []
    for key, (site, _, _, value) in enumerate(layers):
        results.append({"layer_key": key, "property": "soc", "value": value, "reported_unit": "g/kg", "column": "soc"})
        if site.density is not None:
            results.append(
                {
                    "layer_key": key,
                    "property": "bulk_density_fine_earth",
                    "value": site.density,
                    "reported_unit": "g/cm3",
                    "column": "bd",
                }
            )
            results.append(
                {
                    "layer_key": key,
                    "property": "coarse_fragments_volume",
                    "value": 0.0,
                    "reported_unit": "1",
                    "column": "cf",
                }
            )
    samples.store(
        connection,
        dataset=dataset,
        upload=upload,
        sites=pl.DataFrame(
            [
                {
                    "site_key": s.key,
                    "longitude": s.lon,
                    "latitude": s.lat,
                    "position_text": f"{s.lon} {s.lat}",
                    "position_crs": "EPSG:4326",
                    "coord_uncertainty_m": None,
                    "country_code": None,
                    "cluster": s.cluster,
                    "name": None,
                    "flags": s.flags,
                    **source,
                    "row": i + 2,
                }
                for i, s in enumerate(sites)
            ],
            schema_overrides={"flags": pl.List(pl.String), "coord_uncertainty_m": pl.Float64, "sheet": pl.String},
            infer_schema_length=None,
        ).with_columns(boundaries.points_ewkb(pl.Series([s.lon for s in sites]), pl.Series([s.lat for s in sites]))),
        visits=pl.DataFrame(
            [
                {
                    "visit_key": s.key,
                    "site_key": s.key,
                    "profile_id": "1",
                    "replicate": None,
                    "sampling_kind": "single",
                    "sampled_from": dt.date(s.year, 6, 1) if s.year else None,
                    "sampled_to": dt.date(s.year, 6, 1) if s.year else None,
                    "date_precision": "day" if s.year else "unknown",
                    **source,
                    "row": i + 2,
                }
                for i, s in enumerate(sites)
            ],
            infer_schema_length=None,
            schema_overrides={"replicate": pl.String, "sheet": pl.String},
        ),
        layers=pl.DataFrame(
            [
                {
                    "layer_key": key,
                    "visit_key": site.key,
                    "own_id": None,
                    "top_cm": top,
                    "bottom_cm": top + site.thickness,
                    "kind": "mineral",
                    "horizon": None,
                    "flags": [],
                    **source,
                    "row": key + 2,
                }
                for key, (site, _, top, _) in enumerate(layers)
            ],
            schema_overrides={
                "flags": pl.List(pl.String),
                "own_id": pl.String,
                "horizon": pl.String,
                "sheet": pl.String,
            },
        ),
        results=pl.DataFrame(results).with_columns(
            pl.lit("=").alias("qualifier"),
            pl.lit("measured").alias("status"),
            pl.col("value").cast(pl.String).alias("reported_value"),
            pl.lit([], dtype=pl.List(pl.String)).alias("flags"),
            pl.lit(None, dtype=pl.String).alias("method"),
            pl.lit(None, dtype=pl.String).alias("laboratory"),
            pl.lit(None, dtype=pl.Float64).alias("uncertainty"),
        ),
        located=pl.DataFrame(
            {
                "site_key": [s.key for s in sites],
                "region_id": [s.region for s in sites],
                "distance_m": [0.0] * len(sites),
            }
        ),
    )
    return dataset
