"""Positions of sites: WGS 84, with the position as given kept beside, and an uncertainty where digits are missing."""

import polars as pl
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from app.errors import MappingInvalid

WGS84 = "EPSG:4326"
METRES_PER_DEGREE = 111_320.0
"""Length of one degree of latitude, and of longitude at the equator. [m]"""


def to_wgs84(longitude: pl.Series, latitude: pl.Series, crs: str) -> tuple[pl.Series, pl.Series]:
    """Longitude and latitude in WGS 84 [degree] from x (east) and y (north) in `crs`; null stays null."""
    if crs == WGS84:
        return longitude, latitude
    transformer = Transformer.from_crs(_known(crs), WGS84, always_xy=True)
    x, y = transformer.transform(
        longitude.fill_null(float("nan")).to_numpy(), latitude.fill_null(float("nan")).to_numpy()
    )
    return pl.Series("longitude", x).fill_nan(None), pl.Series("latitude", y).fill_nan(None)


def is_geographic(crs: str) -> bool:
    """Whether coordinates are degrees."""
    return bool(_known(crs).is_geographic)


def distance_m(longitude: pl.Expr, latitude: pl.Expr, longitude2: pl.Expr, latitude2: pl.Expr) -> pl.Expr:
    """Distance of two places that are near each other [m], on a plane at their latitude."""
    east = (longitude - longitude2) * latitude.radians().cos()
    north = latitude - latitude2
    return METRES_PER_DEGREE * (east**2 + north**2).sqrt()


def inside(longitude: str, latitude: str, box: tuple[float, float, float, float]) -> pl.Expr:
    """Whether the place in two columns lies in a box (west, south, east, north), edges included.

    A box with west > east crosses the antimeridian.
    """
    west, south, east, north = box
    x, y = pl.col(longitude), pl.col(latitude)
    along = (x >= west) | (x <= east) if west > east else (x >= west) & (x <= east)
    return along & y.is_between(south, north)


def _known(crs: str) -> CRS:
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        message = f"The coordinate reference system {crs!r} is not known."
        raise MappingInvalid(message, code="MAPPING_INVALID", column="position.crs") from error
