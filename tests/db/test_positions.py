"""Fixed cells: where a position is published, how far from there it may be, and that nothing more can be read from it."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

SIDES = {"100m": 100, "1km": 1000, "10km": 10_000}
CORNERS = [
    (0.0, 90.0),
    (180.0, 90.0),
    (-180.0, -90.0),
    (180.0, 0.0),
    (-180.0, 0.0),
    (0.0, 0.0),
    (179.9999999, -89.9999999),
]


def one(connection: Connection, statement: str, **parameters: Any) -> Any:
    return connection.execute(text(statement), parameters).one()


def cell(connection: Connection, lon: float, lat: float, precision: str) -> tuple[float, float, float, float]:
    found = one(
        connection,
        "SELECT ST_XMin(c), ST_YMin(c), ST_XMax(c), ST_YMax(c) "
        "FROM pub.grid_cell(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :p) AS c",
        lon=lon,
        lat=lat,
        p=precision,
    )
    return (found[0], found[1], found[2], found[3])


@pytest.mark.parametrize("precision", SIDES)
@pytest.mark.parametrize("lat", [-89.5, -66.6, -45.0, 0.0, 12.3, 51.8, 60.0, 78.2, 89.5])
def test_cell_is_about_as_wide_as_high_at_every_latitude(connection: Connection, precision: str, lat: float):
    wide, high = one(
        connection,
        "SELECT ST_Distance(ST_MakePoint(ST_XMin(c), y)::geography, ST_MakePoint(ST_XMax(c), y)::geography), "
        "ST_Distance(ST_MakePoint(0, ST_YMin(c))::geography, ST_MakePoint(0, ST_YMax(c))::geography) "
        "FROM (SELECT c, ST_Y(ST_Centroid(c)) AS y FROM pub.grid_cell(ST_SetSRID(ST_MakePoint(7.7, :lat), 4326), :p) AS c) x",
        lat=lat,
        p=precision,
    )
    assert high == pytest.approx(SIDES[precision], rel=0.01)
    assert wide == pytest.approx(SIDES[precision], rel=0.1)


@pytest.mark.parametrize("precision", SIDES)
@pytest.mark.parametrize(("lon", "lat"), CORNERS)
def test_cell_at_the_ends_of_the_world_holds_its_position_and_stays_inside(
    connection: Connection, precision: str, lon: float, lat: float
):
    west, south, east, north = cell(connection, lon, lat, precision)
    assert -180 <= west <= lon <= east <= 180
    assert -90 <= south <= lat <= north <= 90
    x, y = one(
        connection,
        "SELECT ST_X(p), ST_Y(p) FROM core.generalised(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :p) AS p",
        lon=lon,
        lat=lat,
        p=precision,
    )
    assert west < x < east
    assert south < y < north


def test_smaller_cells_lie_in_larger_ones_whole(connection: Connection):
    """Else a set that is published finer later on would be cut by the edges of the cell that was published first."""
    outside = connection.scalar(
        text(
            "SELECT count(*) FROM (SELECT ST_SetSRID(ST_MakePoint(-180 + i * 0.359964, -90 + (i * 37 % 1000) * 0.18), 4326) AS p "
            "FROM generate_series(0, 1000) AS i) x WHERE NOT (ST_Covers(ST_Expand(pub.grid_cell(p, '10km'), 1e-9), pub.grid_cell(p, '1km')) "
            "AND ST_Covers(ST_Expand(pub.grid_cell(p, '1km'), 1e-9), pub.grid_cell(p, '100m')))"
        )
    )
    assert outside == 0


def test_all_positions_of_a_cell_are_published_as_one_point_with_one_uncertainty(connection: Connection):
    west, south, east, north = cell(connection, 10.0, 50.0, "10km")
    n = connection.scalar(
        text(
            "SELECT count(DISTINCT (ST_AsEWKB(core.generalised(p, '10km')), core.published_uncertainty(p, '10km', given))) FROM ("
            "SELECT ST_SetSRID(ST_MakePoint(:w + (:e - :w) * (i + 0.5) / 30, :s + (:n - :s) * (j + 0.5) / 30), 4326) AS p, "
            "31 + (i * j) % 60 AS given FROM generate_series(0, 29) AS i, generate_series(0, 29) AS j) positions"
        ),
        {"w": west, "e": east, "s": south, "n": north},
    )
    assert n == 1


def test_published_point_lies_in_the_cell_that_it_stands_for(connection: Connection):
    strange = connection.scalar(
        text(
            "SELECT count(*) FROM (SELECT ST_SetSRID(ST_MakePoint(-180 + i * 0.36, -90 + (i * 73 % 1000) * 0.18), 4326) AS p "
            "FROM generate_series(0, 1000) AS i) x, (VALUES ('100m'), ('1km'), ('10km')) AS w (word) "
            "WHERE NOT ST_Equals(pub.grid_cell(core.generalised(p, word), word), pub.grid_cell(p, word))"
        )
    )
    assert strange == 0


@pytest.mark.parametrize("precision", SIDES)
def test_published_uncertainty_reaches_the_true_position_from_pole_to_pole(connection: Connection, precision: str):
    worst = connection.scalar(
        text(
            "SELECT max(ST_Distance(p::geography, core.generalised(p, :p)::geography) - core.published_uncertainty(p, :p, NULL)) "
            "FROM (SELECT ST_SetSRID(ST_MakePoint(-180 + (i * 97 % 2001) * 0.18, -90 + i * 0.09), 4326) AS p "
            "FROM generate_series(0, 2000) AS i) positions"
        ),
        {"p": precision},
    )
    assert worst is not None
    assert worst <= 0.01


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, 0), (0.5, 10), (10, 10), (10.5, 30), (30, 30), (37, 100), (100, 100), (200, 300), (1001, 3000)],
)
def test_given_uncertainty_is_published_as_a_class(connection: Connection, given: float | None, shown: float):
    assert connection.scalar(text("SELECT core.uncertainty_class(CAST(:u AS float8))"), {"u": given}) == shown


def test_exact_position_keeps_its_own_uncertainty(connection: Connection):
    found = one(
        connection,
        "SELECT ST_X(core.generalised(p, 'exact')), core.published_uncertainty(p, 'exact', 37) "
        "FROM (SELECT ST_SetSRID(ST_MakePoint(1.23456789, 2), 4326) AS p) x",
    )
    assert tuple(found) == (1.23456789, 37)


def test_region_precision_has_no_cell(connection: Connection):
    assert connection.scalar(text("SELECT core.generalised(ST_SetSRID(ST_MakePoint(1, 2), 4326), 'region')")) is None


def test_example_of_the_page_on_terms_is_what_is_published(connection: Connection):
    page = (Path(__file__).parents[2] / "docs" / "terms.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `(\w+)` \| ([\d.-]+) \| ([\d.-]+) \| (\d+) \|$", page)
    assert [row[0] for row in rows] == ["exact", *SIDES]
    _, lon, lat, given = rows[0]
    for precision, x, y, reach in rows:
        found = one(
            connection,
            "SELECT ST_X(core.generalised(p, :w)), ST_Y(core.generalised(p, :w)), core.published_uncertainty(p, :w, :u) "
            "FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS p) given",
            w=precision,
            u=float(given),
            lon=float(lon),
            lat=float(lat),
        )
        assert tuple(found) == (pytest.approx(float(x)), pytest.approx(float(y)), float(reach))
