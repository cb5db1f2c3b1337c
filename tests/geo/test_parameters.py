"""Boxes, intervals and tile addresses: what they mean, and what is refused."""

import datetime as dt

import pytest
import shapely

from app.errors import InvalidParameter, NotFound
from app.geo import bbox, interval, tiles


def test_box_is_the_polygon_of_its_edges():
    assert shapely.from_wkt(bbox.parse("-10,-20,30,40")).bounds == (-10, -20, 30, 40)


def test_box_with_west_beyond_east_is_two_parts_that_meet_at_the_antimeridian():
    parts = shapely.get_parts(shapely.from_wkt(bbox.parse("170,-30,-165,0")))
    assert [p.bounds for p in parts] == [(170, -30, 180, 0), (-180, -30, -165, 0)]


def test_degenerate_box_is_a_valid_question():
    assert shapely.from_wkt(bbox.parse("10,20,10,20")).bounds == (10, 20, 10, 20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3", "4 or 6 numbers"),
        ("a,2,3,4", "'a' is not a number"),
        ("1,2,3,inf", "finite"),
        ("1,2,3,nan", "finite"),
        ("1,5,3,4", "South"),
        ("181,0,1,1", "west edge 181"),
        ("0,0,1,91", "north edge 91"),
        ("", "4 or 6"),
    ],
)
def test_malformed_box_is_refused_with_its_fault(text: str, said: str):
    with pytest.raises(InvalidParameter, match=said) as refusal:
        bbox.parse(text)
    assert refusal.value.parameter == "bbox"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020-01-31", dt.date(2020, 1, 31), dt.date(2020, 1, 31)),
        ("2020-01-31T23:00:00Z", dt.date(2020, 1, 31), dt.date(2020, 1, 31)),
        ("2020-01-31T23:00:00-05:00", dt.date(2020, 2, 1), dt.date(2020, 2, 1)),
        ("../2020-01-31", None, dt.date(2020, 1, 31)),
        ("/2020-01-31", None, dt.date(2020, 1, 31)),
        ("2020-01-31/..", dt.date(2020, 1, 31), None),
        ("2020-01-31/", dt.date(2020, 1, 31), None),
        ("2020-01-01/2020-12-31", dt.date(2020, 1, 1), dt.date(2020, 12, 31)),
    ],
)
def test_interval_includes_both_ends(text: str, first: dt.date | None, last: dt.date | None):
    assert interval.parse(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "../..",
        "/",
        "2020-12-31/2020-01-01",
        "2020-13-01",
        "2020-01-31T00:00:00",
        "a/b/c",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_malformed_interval_is_refused(text: str):
    with pytest.raises(InvalidParameter) as refusal:
        interval.parse(text)
    assert refusal.value.parameter == "datetime"


def test_tile_address_comes_back_as_zoom_column_row():
    assert tiles.address("3", "5", "6", min_zoom=0, max_zoom=14) == (3, 6, 5)


@pytest.mark.parametrize(
    ("matrix", "row", "col"), [("15", "0", "0"), ("2", "4", "0"), ("2", "0", "4"), ("0", "0", "1")]
)
def test_tile_outside_its_matrix_does_not_exist(matrix: str, row: str, col: str):
    with pytest.raises(NotFound):
        tiles.address(matrix, row, col, min_zoom=0, max_zoom=14)


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "", "\u0661", "99999999999"])
def test_tile_address_must_be_whole_numbers(text: str):
    with pytest.raises(InvalidParameter):
        tiles.address("2", text, "0", min_zoom=0, max_zoom=14)


def test_limits_hold_the_tile_of_each_corner():
    brazil = (-74.0, -33.8, -34.8, 5.3)
    for limit in tiles.limits(brazil, 0, 8):
        assert 0 <= limit.min_row <= limit.max_row < 2**limit.zoom
        assert 0 <= limit.min_col <= limit.max_col < 2**limit.zoom
    at_2 = tiles.limits(brazil, 2, 2)[0]
    assert (at_2.min_row, at_2.max_row, at_2.min_col, at_2.max_col) == (1, 2, 1, 1)


def test_limits_of_the_whole_world_end_at_the_poles_of_the_projection():
    world = tiles.limits((-180, -90, 180, 90), 3, 3)[0]
    assert (world.min_row, world.max_row, world.min_col, world.max_col) == (0, 7, 0, 7)
