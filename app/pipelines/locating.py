"""Sites are placed in countries: most by the boundaries in memory, the doubtful ones by the database."""

import polars as pl
from sqlalchemy import Connection

from app.db import regions
from app.geo import boundaries


def countries_of(connection: Connection, sites: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """The country of each site and how far it is from the declared one, and repairs of sites that are in neither.

    sites : site_key, longitude, latitude [degree], country_code (declared, ISO alpha-2, may be empty).
    Returns site_key, region_id, distance_m (0 inside), declared_id and declared_distance_m in any order, empty where
    there is none; and the repair of each site that one would put into its country.
    """
    countries = regions.countries(connection)
    known = countries.drop_nulls("iso_a2").select("iso_a2", pl.col("id").alias("declared_id"))
    inside = boundaries.first_inside(regions.parts(connection, "country"), sites["longitude"], sites["latitude"])
    found = (
        sites.select("site_key", "longitude", "latitude", "country_code", inside.alias("region_id"))
        .join(known, left_on="country_code", right_on="iso_a2", how="left")
        .join(countries.select(pl.col("id").alias("region_id"), "territory_of"), on="region_id", how="left")
    )
    declared = pl.col("declared_id")
    agrees = declared.is_null() | (declared == pl.col("region_id")) | declared.eq_missing(pl.col("territory_of"))
    sure = pl.col("region_id").is_not_null() & agrees
    placed = found.filter(sure).select(
        "site_key",
        "region_id",
        pl.lit(0.0).alias("distance_m"),
        "declared_id",
        pl.when(declared.is_not_null()).then(0.0).alias("declared_distance_m"),
    )
    doubtful = found.filter(~sure)
    if not len(doubtful):
        return placed, {}
    measured, repairs = _measured(connection, doubtful)
    return pl.concat([placed, measured]), repairs


def _measured(connection: Connection, sites: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Sites outside all boundaries or in another country than declared: geodesic distances take the database."""
    positions = sites.select("site_key", boundaries.points_ewkb(sites["longitude"], sites["latitude"]), "country_code")
    found = regions.locate(connection, positions)
    far = pl.col("declared_distance_m").fill_null(0) > regions.NEAR_M
    lost = found.filter(pl.col("region_id").is_null() | far)["site_key"]
    repairs = regions.repairs(connection, lost.to_list())
    regions.end_locating(connection)
    return found, repairs
