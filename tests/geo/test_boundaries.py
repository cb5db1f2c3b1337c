"""Country boundaries as records: area on the ellipsoid, cells counted, codes kept."""

import math

import h3
import polars as pl
import pytest
import shapely

from app.geo import boundaries
from tests.conftest import SAMPLES


@pytest.fixture(scope="module")
def countries() -> pl.DataFrame:
    return boundaries.countries(SAMPLES / "countries.geojson")


def of(countries: pl.DataFrame, code: str) -> dict[str, object]:
    return countries.row(by_predicate=pl.col("code") == code, named=True)


def test_area_of_a_degree_square_at_the_equator():
    # 110.574 km by 111.320 km on WGS 84.
    assert boundaries.area_km2(shapely.box(0, 0, 1, 1)) == pytest.approx(110.574 * 111.320, rel=1e-3)


def test_edge_along_a_parallel_is_straight_on_the_map():
    # The zone between two parallels of the authalic sphere's ellipsoid has a closed form; 49° to 50°, 60° wide.
    e = math.sqrt(2 / 298.257223563 - (1 / 298.257223563) ** 2)

    def q(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return s / (2 * (1 - e**2 * s**2)) + math.log((1 + e * s) / (1 - e * s)) / (4 * e)

    zone = 6378.137**2 * (1 - e**2) * math.radians(60) * (q(50) - q(49))
    assert boundaries.area_km2(shapely.box(-130, 49, -70, 50)) == pytest.approx(zone, rel=1e-5)


def test_area_does_not_depend_on_the_direction_of_the_ring():
    square = shapely.box(0, 0, 1, 1)
    assert boundaries.area_km2(square.reverse()) == pytest.approx(boundaries.area_km2(square))


def test_cells_fill_an_area_as_their_mean_size_says():
    square = shapely.box(10, 45, 14, 48)
    expected = boundaries.area_km2(square) / h3.average_hexagon_area(boundaries.CELL_RESOLUTION, unit="km^2")
    assert boundaries.cell_count(square) == pytest.approx(expected, rel=0.1)


def test_cells_on_both_sides_of_a_slice_are_counted_once():
    whole, west, east = shapely.box(-1, 0, 1, 1), shapely.box(-1, 0, 0, 1), shapely.box(0, 0, 1, 1)
    assert boundaries.cell_count(whole) == boundaries.cell_count(west) + boundaries.cell_count(east)


def test_country_that_spans_the_globe_has_its_cells(countries: pl.DataFrame):
    russia = of(countries, "RUS")
    mean = h3.average_hexagon_area(boundaries.CELL_RESOLUTION, unit="km^2")
    assert russia["cell_count"] == pytest.approx(float(str(russia["area_km2"])) / mean, rel=0.15)


def test_codes_that_look_like_missing_values_are_kept(countries: pl.DataFrame):
    assert of(countries, "NAM")["iso_a2"] == "NA"


def test_territories_name_their_country_and_come_after_it(countries: pl.DataFrame):
    assert of(countries, "GUF")["territory_of"] == "country-FRA"
    order = countries["id"].to_list()
    for row in countries.filter(pl.col("territory_of").is_not_null()).iter_rows(named=True):
        assert order.index(row["territory_of"]) < order.index(row["id"])


def test_position_is_written_with_its_reference_system():
    geometry = shapely.from_wkb(bytes.fromhex(boundaries.ewkb(shapely.Point(1, 2))))
    assert shapely.get_srid(geometry) == 4326
    assert boundaries.points_ewkb(pl.Series([1.0]), pl.Series([2.0])).to_list() == [
        boundaries.ewkb(shapely.Point(1, 2))
    ]
