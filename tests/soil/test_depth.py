import numpy as np
import pytest

from app.soil.depth import check_depths, covered_length, overlap_length, slab_mean

NAN = np.nan


def test_layers_in_any_order_without_fault_are_valid():
    flags = check_depths([0, 0, 0], [10, 0, 30], [30, 10, 60])
    assert flags.valid([0, 0, 0], 1).tolist() == [True]


def test_profile_without_layers_is_not_valid():
    assert check_depths([1], [0], [10]).valid([1], 2).tolist() == [False, True]


def test_each_fault_is_flagged_at_its_layer():
    flags = check_depths([0] * 4 + [1, 1], [0, 20, 30, NAN, 0, 10], [10, 15, 30, 40, 10, 20])
    assert flags.inverted.tolist() == [False, True, False, False, False, False]
    assert flags.zero_thickness.tolist() == [False, False, True, False, False, False]
    assert flags.missing.tolist() == [False, False, False, True, False, False]


def test_gap_and_overlap_are_told_apart():
    flags = check_depths([0, 0, 1, 1], [0, 15, 0, 5], [10, 30, 10, 30])
    assert flags.gap.tolist() == [False, True, False, False]
    assert flags.overlap.tolist() == [False, False, False, True]


def test_thin_layer_inside_a_thick_one_does_not_hide_the_next_overlap():
    flags = check_depths([0, 0, 0], [0, 10, 25], [30, 12, 60])
    assert flags.overlap.tolist() == [False, True, True]
    assert not flags.gap.any()


def test_depths_with_decimals_touch_without_gap():
    assert check_depths([0, 0], [0, 7.3], [7.3, 30.1]).valid([0, 0], 1).all()


def test_first_layer_below_the_surface_is_flagged():
    assert check_depths([0, 0, 1], [5, 10, 0], [10, 30, 30]).below_surface.tolist() == [True, False, False]


def test_organic_layer_above_the_surface_joins_the_sequence():
    flags = check_depths([0, 0], [-4, 0], [0, 20])
    assert flags.valid([0, 0], 1).tolist() == [True]
    assert not flags.below_surface.any()


def test_no_layers_have_no_flags():
    assert check_depths([], [], []).valid([], 0).size == 0


def test_layers_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="equal length"):
        check_depths([0], [0, 10], [10, 20])


def test_overlap_is_the_part_inside_the_interval():
    assert overlap_length([0, 20, 30, -5], [20, 50, 60, 0], 0, 30).tolist() == [20, 10, 0, 0]
    assert np.isnan(overlap_length(NAN, 20, 0, 30))


def test_overlapping_layers_are_counted_once_in_the_covered_length():
    covered = covered_length([0, 0, 1], [0, 5, 10], [10, 20, 40], 3, upper=0, lower=30)
    assert covered.tolist() == [20.0, 20.0, 0.0]


def test_slab_mean_weights_by_thickness_and_reports_coverage():
    mean, coverage = slab_mean([0, 0, 1], [0, 10, 0], [10, 40, 15], [30.0, 9.0, 7.0], 2, upper=0, lower=30)
    assert mean.tolist() == [16.0, 7.0]
    assert coverage.tolist() == [1.0, 0.5]


def test_slab_mean_leaves_missing_values_out_and_says_so_in_the_coverage():
    mean, coverage = slab_mean([0, 0, 1], [0, 10, 0], [10, 30, 30], [30.0, NAN, NAN], 2, upper=0, lower=30)
    assert mean[0] == 30.0
    assert coverage == pytest.approx([1 / 3, 0.0])
    assert np.isnan(mean[1])


def test_slab_mean_weighted_by_mass_differs_from_that_by_thickness():
    mean, _ = slab_mean([0, 0], [0, 10], [10, 20], [40.0, 10.0], 1, upper=0, lower=20, weights=[1.0, 1.5])
    assert mean == pytest.approx([22.0])
