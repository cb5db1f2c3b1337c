from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil.zonal import (
    REASONS,
    ellipsoidal_cell_area,
    interpolated_quantile,
    spherical_cell_area,
    zonal_statistics,
)

NAN = np.nan


def test_mean_total_and_area_by_hand():
    found = zonal_statistics([10, 20], [1, 0.5], [2, 4])
    assert (found.mean, found.total, found.area, found.sd) == (15, 60, 4, 5)
    assert (found.minimum, found.maximum, found.covered_share, found.n_cells) == (10, 20, 1, 2)


def test_cells_without_data_leave_mean_and_total_and_lower_the_covered_share():
    found = zonal_statistics([10, NAN, -9999, 20], [1, 1, 0.5, 0.5], nodata=-9999)
    assert found.mean == pytest.approx(20 / 1.5)
    assert (found.covered_share, found.n_cells) == (0.5, 2)


def test_cells_outside_the_region_are_not_looked_at():
    found = zonal_statistics([10, np.inf, 20], [1, 0, 1], [1, NAN, 1])
    assert (found.mean, found.n_cells, found.reason) == (15, 2, None)


def test_a_region_smaller_than_a_cell_has_its_value():
    found = zonal_statistics([10, 20], [0, 0.016])
    assert (found.mean, found.sd) == (20, 0)


@pytest.mark.parametrize(
    ("values", "shares", "areas", "reason"),
    [
        ([], [], [], "no_cells"),
        ([1, 2], [0, 0], 1, "no_cells"),
        ([NAN, NAN], [1, 1], 1, "no_data"),
        ([1, 2], [1, 1.1], 1, "share_out_of_range"),
        ([1, 2], [1, -0.1], 1, "share_out_of_range"),
        ([1, 2], [1, NAN], 1, "share_out_of_range"),
        ([1, 2], [1, 1], [1, 0], "area_not_positive"),
        ([1, 2], [1, 1], [1, NAN], "area_not_positive"),
        ([1, np.inf], [1, 1], 1, "value_not_finite"),
    ],
)
def test_cells_that_allow_no_statistics_are_refused_with_a_reason(values: Any, shares: Any, areas: Any, reason: str):
    found = zonal_statistics(values, shares, areas)
    assert (found.reason, found.mean, found.total) == (reason, None, None)
    assert reason in REASONS
    assert found.covered_share == (0 if reason == "no_data" else None)


cells = st.lists(st.tuples(st.floats(-50, 200), st.floats(0.01, 1), st.floats(0.1, 9)), min_size=1, max_size=30)


@settings(derandomize=True)
@given(cells, st.randoms(use_true_random=False), st.floats(0.1, 100))
def test_order_of_cells_and_unit_of_area_do_not_matter(
    rows: list[tuple[float, float, float]], random: Any, factor: float
):
    value, share, area = (np.array(column) for column in zip(*rows, strict=True))
    order = list(range(value.size))
    random.shuffle(order)
    one = zonal_statistics(value, share, area)
    other = zonal_statistics(value[order], share[order], factor * area[order])
    assert (other.mean, other.sd) == pytest.approx((one.mean, one.sd), rel=1e-6, abs=1e-4)
    assert one.minimum is not None
    assert one.maximum is not None
    assert one.mean is not None
    assert one.minimum - 1e-9 <= one.mean <= one.maximum + 1e-9


@settings(derandomize=True)
@given(cells, st.integers(0, 30))
def test_totals_of_two_parts_add_up(rows: list[tuple[float, float, float]], cut: int):
    value, share, area = (np.array(column) for column in zip(*rows, strict=True))
    parts = [zonal_statistics(value[part], share[part], area[part]) for part in (slice(cut), slice(cut, None))]
    whole = zonal_statistics(value, share, area)
    assert sum(part.total or 0 for part in parts) == pytest.approx(whole.total, abs=1e-9)
    assert sum(part.area or 0 for part in parts) == pytest.approx(whole.area)


def test_the_whole_sphere_and_the_whole_earth():
    assert spherical_cell_area(90, -90, 360)[0] == pytest.approx(4 * np.pi * 6378137.0**2)
    # Area of WGS 84 as published by NIMA TR8350.2: 510,065,621.724 km².
    assert ellipsoidal_cell_area(90, -90, 360)[0] == pytest.approx(510_065_621.724e6, rel=1e-11)


@settings(derandomize=True)
@given(st.floats(-90, 90), st.floats(-90, 90), st.floats(-90, 90), st.floats(0, 360))
def test_cells_add_up_over_latitude_and_longitude(a: float, b: float, c: float, width: float):
    low, middle, high = sorted((a, b, c))
    for area in (spherical_cell_area, ellipsoidal_cell_area):
        parts = area(high, middle, width) + area(middle, low, width)
        assert parts[0] == pytest.approx(area(high, low, width)[0], abs=1)
        assert 2 * area(high, low, width / 2)[0] == pytest.approx(area(high, low, width)[0], abs=1)


def test_the_sphere_is_too_large_at_the_equator_and_too_small_at_the_poles():
    assert spherical_cell_area(1, 0, 1)[0] / ellipsoidal_cell_area(1, 0, 1)[0] == pytest.approx(1.0067, abs=1e-4)
    assert spherical_cell_area(90, 89, 1)[0] / ellipsoidal_cell_area(90, 89, 1)[0] == pytest.approx(0.9933, abs=1e-4)
    assert spherical_cell_area(1, 0, 1)[0] == pytest.approx(12_391.4e6, rel=1e-5)
    assert ellipsoidal_cell_area(1, 0, 1)[0] == pytest.approx(12_308.5e6, rel=1e-5)


def test_cells_that_are_none_have_no_area():
    for area in (spherical_cell_area, ellipsoidal_cell_area):
        assert np.isnan(area([0, 91, 0, NAN, 1], [1, 0, -91, 0, 0], [1, 1, 1, 1, -1])).all()
        assert area([], [], []).size == 0
        assert area(5, 5, 1)[0] == 0


def test_quantile_of_cells_by_hand():
    assert interpolated_quantile([30, 10, 20], [2, 1, 1], 0.5) == pytest.approx(22)
    assert interpolated_quantile([30, 10, 20, NAN, 99], [2, 1, 1, 1, 0], 0.5) == pytest.approx(22)
    assert interpolated_quantile([7], [0.1], 0.9) == 7
    assert np.isnan(interpolated_quantile([], [], 0.5))


@settings(derandomize=True)
@given(st.lists(st.integers(-1000, 1000), min_size=2, unique=True), st.floats(0, 1), st.floats(0.1, 10))
def test_quantile_of_cells_of_one_weight_is_the_usual_one(values: list[int], share: float, weight: float):
    found = interpolated_quantile(values, weight, share)
    assert found == pytest.approx(np.quantile(values, share), abs=1e-6)


def test_columns_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match=r"values \(2,\), shares \(3,\), areas \(1,\)"):
        zonal_statistics([1, 2], [1, 1, 1])
