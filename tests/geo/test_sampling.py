"""Positions drawn on the ground: even per area whatever the latitude, inside whatever the shape, and repeatable."""

import math
from typing import Any

import numpy as np
import pytest
import shapely

from app.errors import TooLarge
from app.geo import sampling
from app.geo.boundaries import area_km2
from app.geo.sampling import Area, AreaRefused, area_of, draw, geometry_of


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def area(*shapes: dict[str, Any]) -> Area:
    return area_of([geometry_of(shape) for shape in shapes], "it")


def test_the_density_at_60_degrees_north_is_that_at_the_equator():
    # A strip from the equator to 61° N: a box of one degree at 60.5° has less than half the ground of one at 0.5°.
    found = draw(area(box(0, 0, 10, 61)), 200_000, np.random.default_rng(1))
    south, north = box(0, 0, 10, 1), box(0, 60, 10, 61)
    densities, errors = [], []
    for part in (south, north):
        here = area(part)
        count = int(sampling.inside(here.shape, found).sum())
        densities.append(count / here.km2)
        errors.append(1 / math.sqrt(count))
    assert densities[0] / densities[1] == pytest.approx(1, abs=4 * math.hypot(*errors))
    whole = area(box(0, 0, 10, 61)).km2
    assert densities[0] == pytest.approx(200_000 / whole, rel=4 * errors[0])


def test_the_area_is_the_geodesic_one():
    for shape in (box(20, 50, 23, 52), {"type": "Polygon", "coordinates": [[[0, 0], [9, 60], [3, 70], [0, 0]]]}):
        assert area(shape).km2 == pytest.approx(area_km2(area(shape).shape), rel=1e-6)


def test_halves_of_a_thin_area_get_equal_shares():
    ring = [[0, 0], [40, 40], [40.01, 40], [0.01, 0], [0, 0]]
    thin = area({"type": "Polygon", "coordinates": [ring]})
    found = draw(thin, 4000, np.random.default_rng(2))
    lower = shapely.intersection(thin.shape, shapely.box(-1, -1, 41, 20))
    share = area_of([lower], "it").km2 / thin.km2
    assert sampling.inside(lower, found).mean() == pytest.approx(share, abs=4 * math.sqrt(0.25 / 4000))


def test_positions_lie_inside_also_with_holes_and_parts():
    holed = {"type": "Polygon", "coordinates": [box(0, 0, 3, 3)["coordinates"][0], box(1, 1, 2, 2)["coordinates"][0]]}
    here = area(holed, box(50, 10, 50.2, 10.2))
    found = draw(here, 3000, np.random.default_rng(3))
    assert sampling.inside(here.shape, found).all()
    assert not sampling.inside(shapely.box(1, 1, 2, 2), found).any()
    assert (found[:, 0] > 49).sum() > 0


def test_an_area_over_the_antimeridian_is_sampled_on_both_sides():
    here = area(box(179, -18, -179, -17))
    assert [entry.code for entry in here.mended] == ["ANTIMERIDIAN_CUT"]
    assert here.km2 == pytest.approx(area(box(9, -18, 11, -17)).km2, rel=1e-6)
    found = draw(here, 2000, np.random.default_rng(4))
    assert np.abs(found[:, 0]).min() >= 179
    assert (found[:, 0] > 0).mean() == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 2000))


def test_the_whole_globe_can_be_sampled():
    globe = area(box(-180, -90, 180, 90))
    assert globe.km2 == pytest.approx(510_065_622, rel=1e-8)
    found = draw(globe, 5000, np.random.default_rng(5))
    # Half of the ground lies within 30 degrees of the equator, on a sphere.
    assert (np.abs(found[:, 1]) < 30).mean() == pytest.approx(0.5, abs=0.03)


def test_the_same_seed_draws_the_same_positions():
    here = area(box(0, 0, 1, 1))
    one, same, other = (draw(here, 50, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_a_crossing_ring_is_repaired_and_it_is_said():
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    here = area(bow)
    assert [entry.code for entry in here.mended] == ["RING_REPAIRED"]
    assert here.km2 == pytest.approx(area(box(0, 0, 1, 1)).km2 / 2, rel=0.001)


def test_a_ring_with_many_vertices_that_crosses_itself_is_refused():
    ring = np.random.default_rng(1).random((sampling.REPAIRED_MAX + 1, 2))
    shape = {"type": "Polygon", "coordinates": [[*ring.tolist(), ring[0].tolist()]]}
    with pytest.raises(AreaRefused, match="crosses itself"):
        area(shape)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "must be a GeoJSON Polygon"),
        ({"type": "Feature", "geometry": None}, "must be a GeoJSON Polygon"),
        ({"type": "Polygon"}, "coordinates"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1, 1], [0, 0]]]}, "coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [1, 1], [0, 0]]]}, "coordinates"),
        ({"type": "Polygon", "coordinates": {"a": [1]}}, "coordinates"),
        (box(0, 0, 1, 91), "not on Earth"),
        (box(0, 0, 1e-5, 1e-5), "at least 100 m²"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, "no area"),
    ],
)
def test_what_is_no_area_is_refused_with_its_reason(given: dict[str, Any], said: str):
    with pytest.raises(AreaRefused, match=said):
        area(given)


def test_too_many_vertices_are_refused():
    angle = np.linspace(0, 2 * np.pi, sampling.VERTICES_MAX + 2)[:-1]
    ring = np.column_stack((np.cos(angle), np.sin(angle))).tolist()
    with pytest.raises(TooLarge, match="at most 100,000"):
        geometry_of({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def test_near_places_are_near_across_the_seam():
    x = sampling.geocentric(np.array([[179.9995, 0.0], [-179.9995, 0.0], [170.0, 0.0]]))
    assert np.linalg.norm(x[0] - x[1]) == pytest.approx(111.3, abs=0.1)
