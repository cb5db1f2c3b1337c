"""The country boundaries are valid, unique, of the right size, and in the region the Initiative counts them in."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyproj import Geod
from shapely.geometry import MultiPolygon, Point, shape

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
FEATURES: list[dict[str, Any]] = json.loads((SAMPLES / "countries.geojson").read_text(encoding="utf-8"))["features"]


def multipolygon(geometry: dict[str, Any]) -> MultiPolygon:
    land = shape(geometry)
    assert isinstance(land, MultiPolygon)
    return land


PROPERTIES = {feature["properties"]["code"]: feature["properties"] for feature in FEATURES}
LAND = {feature["properties"]["code"]: multipolygon(feature["geometry"]) for feature in FEATURES}
GEOD = Geod(ellps="WGS84")
REGIONS = {"Africa", "Asia and Pacific", "Europe", "Latin America and Caribbean", "North America"}


def area_km2(code: str) -> float:
    """Signed area: positive where every shell runs counter-clockwise."""
    return float(GEOD.geometry_area_perimeter(LAND[code])[0]) / 1e6


def country_at(longitude: float, latitude: float) -> set[str]:
    return {code for code, land in LAND.items() if land.contains(Point(longitude, latitude))}


def test_every_code_is_unique():
    assert len(PROPERTIES) == len(FEATURES) == 249
    for key in ("iso_a3", "iso_a2", "iso_n3"):
        given = [p[key] for p in PROPERTIES.values() if p[key] is not None]
        assert len(given) == len(set(given)) == 245


def test_code_is_the_iso_code_where_there_is_one():
    own = {code for code, p in PROPERTIES.items() if p["iso_a3"] != code}
    assert own == {"XKX", "XNC", "XSG", "XSL"}
    assert all(PROPERTIES[code]["iso_a3"] is None for code in own)


@pytest.mark.parametrize(("code", "a2", "n3"), [("FRA", "FR", "250"), ("NOR", "NO", "578"), ("NAM", "NA", "516")])
def test_codes_that_boundary_files_often_lose_are_there(code: str, a2: str, n3: str):
    assert (PROPERTIES[code]["iso_a2"], PROPERTIES[code]["iso_n3"]) == (a2, n3)


def test_every_geometry_is_valid_and_on_the_globe():
    for code, land in LAND.items():
        assert shapely.is_valid_reason(land) == "Valid Geometry", code
        west, south, east, north = land.bounds
        assert -180 <= west < east <= 180, code
        assert -90 <= south < north <= 90, code


def test_shells_run_counter_clockwise_as_rfc_7946_asks():
    assert all(part.exterior.is_ccw for land in LAND.values() for part in land.geoms)


def test_no_part_spans_the_map_where_a_polygon_crosses_180_degrees():
    wide = {code for code, land in LAND.items() for part in land.geoms if part.bounds[2] - part.bounds[0] > 180}
    assert wide == {"ATA"}


def test_countries_do_not_overlap():
    codes, shapes = list(LAND), list(LAND.values())
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    shared = {(codes[a], codes[b]): shapely.area(shapely.intersection(shapes[a], shapes[b])) for a, b in pairs if a < b}
    assert {pair: area for pair, area in shared.items() if area > 1e-9} == {}


def test_file_is_small_enough_to_live_in_the_repository():
    assert (SAMPLES / "countries.geojson").stat().st_size < 2_500_000


# Published areas with inland waters [km²]: Brazil IBGE; metropolitan France IGN, measured on the map; Kenya with the Ilemi
# Triangle, which Natural Earth draws inside it.
@pytest.mark.parametrize(("code", "published"), [("BRA", 8_510_346), ("FRA", 551_500), ("KEN", 591_971)])
def test_area_is_within_two_per_cent_of_the_published_one(code: str, published: float):
    assert area_km2(code) == pytest.approx(published, rel=0.02)


def test_areas_add_up_to_the_land_of_the_earth():
    total = sum(area_km2(code) for code in LAND)
    assert total - area_km2("ATA") == pytest.approx(134.9e6, rel=0.01)  # all land but Antarctica
    assert total == pytest.approx(148.0e6, rel=0.015)


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [
        (2.35, 48.86, "FRA"),
        (-53.0, 4.0, "GUF"),
        (55.5, -21.1, "REU"),
        (-61.0, 14.7, "MTQ"),
        (10.75, 59.9, "NOR"),
        (17.5, 78.1, "SJM"),
        (-47.9, -15.8, "BRA"),
        (36.8, -1.3, "KEN"),
        (178.0, -17.8, "FJI"),
        (-175.0, 66.8, "RUS"),
        (179.0, 67.5, "RUS"),
        (0.0, -89.0, "ATA"),
        (-150.0, 64.0, "USA"),
    ],
)
def test_point_lies_in_exactly_one_country(longitude: float, latitude: float, code: str):
    assert country_at(longitude, latitude) == {code}


def test_label_point_lies_in_its_country():
    for code, p in PROPERTIES.items():
        assert LAND[code].contains(Point(p["label_lon"], p["label_lat"])), code


def test_label_of_france_stands_in_metropolitan_france():
    p = PROPERTIES["FRA"]
    assert (0 < p["label_lon"] < 5, 44 < p["label_lat"] < 49) == (True, True)


def test_territory_names_the_country_it_was_split_from():
    split = {code: p["part_of"] for code, p in PROPERTIES.items() if p["part_of"]}
    assert {code for code, holder in split.items() if holder == "FRA"} == {"GUF", "GLP", "MTQ", "MYT", "REU"}
    assert {split["SJM"], split["BES"], split["TKL"], split["CXR"], split["CCK"]} == {"NOR", "NLD", "NZL", "AUS"}


def test_names_are_given_in_three_languages():
    assert [PROPERTIES["DEU"][f"name_{language}"] for language in ("en", "fr", "es")] == [
        "Germany",
        "Allemagne",
        "Alemania",
    ]
    for code, p in PROPERTIES.items():
        for language in ("en", "fr", "es"):
            name = p[f"name_{language}"]
            assert name == name.strip(), code
            assert len(name) >= 3, code
            assert "&" not in name, code


def test_every_country_but_antarctica_is_in_one_of_the_five_regions():
    assert {code for code, p in PROPERTIES.items() if p["initiative_region"] is None} == {"ATA"}
    assert {p["initiative_region"] for p in PROPERTIES.values()} - {None} == REGIONS


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("MEX", "Latin America and Caribbean"),
        ("TUR", "Asia and Pacific"),
        ("GEO", "Asia and Pacific"),
        ("RUS", "Europe"),
        ("EGY", "Africa"),
        ("GRL", "North America"),
        ("MTQ", "Latin America and Caribbean"),
    ],
)
def test_doubtful_cases_follow_un_m49_as_documented(code: str, region: str):
    assert PROPERTIES[code]["initiative_region"] == region


def test_forum_countries_are_in_the_region_the_initiative_names_them_under():
    with (SAMPLES / "network_statistics.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["dimension"] == "region"]
    named = {code: row["region"] for row in rows for code in row["forum_countries_iso3"].split(";")}
    assert len(named) == 44
    assert {code: PROPERTIES[code]["initiative_region"] for code in named} == named
