"""Checks of positions: impossible, misread, in conflict, in another country."""

import polars as pl

from app.ingest.checks.finding import about_site, rows_where
from app.ingest.draft import Draft, Finding
from app.ingest.positions import distance_m, inside, to_wgs84

SAME_PLACE_M = 50.0
"""Positions of one site identifier that are nearer than this are one place. [m]"""

NEAR_COUNTRY_M = 10_000.0
"""How far outside a country's boundary a position may lie: at 1:50 million coasts are off by several kilometres. [m]"""


def position_missing(draft: Draft) -> list[Finding]:
    """A site without a position belongs to no region."""
    sites = draft.frame("sites")
    return [rows_where("COORD_MISSING", "sites", sites, pl.col("longitude").is_null(), site_key=pl.col("site_key"))]


def position_out_of_range(draft: Draft) -> list[Finding]:
    """Longitude is within 180 degrees, latitude within 90; a projection may answer infinity."""
    sites = draft.frame("sites")
    off = ~(pl.col("longitude").is_between(-180, 180) & pl.col("latitude").is_between(-90, 90))
    return [about_site("COORD_OUT_OF_RANGE", sites, off.fill_null(value=False))]


def position_zero(draft: Draft) -> list[Finding]:
    """0, 0 lies in the Gulf of Guinea and is the default of many programs."""
    sites = draft.frame("sites").filter("alive")
    zero = (pl.col("longitude") == 0) & (pl.col("latitude") == 0)
    return [rows_where("COORD_ZERO", "sites", sites, zero, site_key=pl.col("site_key"))]


def position_equal(draft: Draft) -> list[Finding]:
    """The same number twice is a slip of copy and paste."""
    sites = draft.frame("sites").filter("alive")
    same = pl.col("longitude_text") == pl.col("latitude_text")
    return [
        rows_where("COORD_EQUAL", "sites", sites, same, site_key=pl.col("site_key"), longitude=pl.col("longitude_text"))
    ]


def position_outside_declared_area(draft: Draft) -> list[Finding]:
    """Outside the area that the mapping declares: with the repair that would put it inside, if any."""
    if draft.mapping.area is None:
        return []
    box = draft.mapping.area
    outside = (
        draft.frame("sites", "longitude", "latitude")
        .filter("alive")
        .filter(~inside("longitude", "latitude", box))
        .with_columns(minus_x=-pl.col("longitude"), minus_y=-pl.col("latitude"))
        .with_columns(
            swapped=inside("latitude", "longitude", box),
            signed=inside("minus_x", "latitude", box)
            | inside("longitude", "minus_y", box)
            | inside("minus_x", "minus_y", box),
            area=pl.lit(draft.mapping.area_name),
        )
    )
    swapped, signed = pl.col("swapped"), pl.col("signed")
    kept = {name: pl.col(name) for name in ("longitude", "latitude", "area")}
    return [
        rows_where("COORD_SWAPPED", "sites", outside, swapped, **kept),
        rows_where("COORD_SIGN", "sites", outside, signed & ~swapped, **kept),
        rows_where("COORD_OUTSIDE_AREA", "sites", outside, ~signed & ~swapped, **kept),
    ]


def position_conflict(draft: Draft) -> list[Finding]:
    """One site identifier, positions more than 50 m apart."""
    entries = draft.frame("entries", "site", "longitude", "latitude")
    given = entries.filter(
        pl.col("site").is_not_null() & pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null()
    )
    places = given.select("site", "longitude", "latitude").unique(maintain_order=True)
    x, y = to_wgs84(places["longitude"], places["latitude"], draft.mapping.crs)
    if draft.mapping.western_longitudes:
        x = x.zip_with(x <= 0, -x)
    sites = draft.frames["sites"]
    own = sites.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("site"),
        "site_key",
        pl.col("longitude").alias("own_x"),
        pl.col("latitude").alias("own_y"),
    )
    apart = (
        places.select("site", x.alias("x"), y.alias("y"))
        .join(own, on="site", how="inner")
        .with_columns(distance=distance_m(pl.col("x"), pl.col("y"), pl.col("own_x"), pl.col("own_y")))
        .filter(pl.col("distance") > SAME_PLACE_M)
        .group_by("site", "site_key")
        .agg(pl.col("distance").max().round(0))
        .sort("site")
    )
    return [
        Finding(
            code="COORD_CONFLICT",
            on="sites",
            where=apart.select(pl.col("site").cast(pl.Int64).alias("i"), "site_key", "distance"),
        )
    ]


def position_shared(draft: Draft) -> list[Finding]:
    """Many sites on one point: the middle of a field, a farm or a town."""
    sites = draft.frame("sites").filter("alive", pl.col("cluster").is_null())
    shared = sites.with_columns(sites=pl.len().over("longitude", "latitude"))
    return [rows_where("POSITION_SHARED", "sites", shared, pl.col("sites") > 1, sites=pl.col("sites"))]


def position_in_country(draft: Draft) -> list[Finding]:
    """Far outside the declared country, or in no country at all: with the repair that would put it into one, if any."""
    if draft.locate is None:
        return []
    sites = draft.frame("sites").filter("alive")
    found = draft.locate(sites.select("site_key", "longitude", "latitude", "country_code"))
    draft.located = found.filter(pl.col("region_id").is_not_null()).select("site_key", "region_id", "distance_m")
    if "middle" in found.columns:
        draft.middles = found.filter(pl.col("middle").is_not_null()).select(
            "site_key", "middle", "place", pl.col("middle_distance_m").alias("distance_m"), "radius_m"
        )
    placed = sites.join(found, on="site_key", how="left", maintain_order="left").with_columns(
        repair=pl.format(" With {} it would lie inside.", "repair").fill_null("")
    )
    elsewhere = pl.col("declared_distance_m").fill_null(0) > NEAR_COUNTRY_M
    nowhere = pl.col("region_id").is_null()
    kept = {name: pl.col(name) for name in ("longitude", "latitude", "repair")}
    km = {"distance": (pl.col("declared_distance_m") / 1000).round(1), "declared": pl.col("declared")}
    near = ~elsewhere & ~nowhere & (pl.col("distance_m") > 0)
    return [
        rows_where("COORD_OTHER_COUNTRY", "sites", placed, elsewhere, **kept, **km),
        rows_where("COORD_NO_COUNTRY", "sites", placed, nowhere & ~elsewhere, **kept),
        rows_where(
            "COORD_NEAR_BORDER",
            "sites",
            placed,
            near,
            distance=(pl.col("distance_m") / 1000).round(1),
            country=pl.col("region"),
        ),
    ]
