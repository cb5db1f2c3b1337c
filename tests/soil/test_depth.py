import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.depth import (
    ENDS,
    check_depths,
    covered_length,
    overlap_length,
    profile_end,
    slab_mean,
    slab_mean_by_mass,
    to_mineral_surface,
)

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


def test_mean_by_fine_earth_mass_times_the_mass_is_the_sum_of_the_layers():
    mean, coverage = slab_mean_by_mass([0, 0], [0, 10], [10, 20], [40.0, 10.0], [1.0, 1.5], 1, upper=0, lower=20)
    assert mean == pytest.approx([22.0])
    assert coverage.tolist() == [1.0]


@pytest.mark.parametrize("density", [NAN, 0.0, -1.0])
def test_a_layer_without_mass_is_left_out_of_the_mean_by_mass(density: float):
    mean, coverage = slab_mean_by_mass([0, 0], [0, 10], [10, 20], [40.0, 10.0], [1.0, density], 1, upper=0, lower=20)
    assert (mean[0], coverage[0]) == (40.0, 0.5)


def test_slab_means_of_no_layers_are_missing():
    mean, coverage = slab_mean([], [], [], [], 2, upper=0, lower=30)
    assert np.isnan(mean).all()
    assert coverage.tolist() == [0.0, 0.0]


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6), st.floats(0, 10), st.floats(11, 60))
def test_slab_mean_lies_between_the_values_it_averages(values: list[float], upper: float, lower: float):
    top = np.arange(len(values)) * 10.0
    mean, _ = slab_mean([0] * len(values), top, top + 10, values, 1, upper=upper, lower=lower)
    assert min(values) - 1e-9 <= mean[0] <= max(values) + 1e-9


def test_zero_on_top_of_the_organic_layers_is_moved_to_the_mineral_surface():
    tops, bottoms = to_mineral_surface([0, 0, 0, 1], [4, 0, 2, 0], [20, 2, 4, 10], [False, True, True, False], 2)
    assert tops.tolist() == [0, -4, -2, 0]
    assert bottoms.tolist() == [16, -2, 0, 10]


def test_a_buried_organic_layer_does_not_move_the_surface():
    tops, bottoms = to_mineral_surface([0, 0, 0], [0, 20, 30], [20, 30, 50], [False, True, False], 1)
    assert (tops.tolist(), bottoms.tolist()) == ([0, 20, 30], [20, 30, 50])


def test_missing_depths_stay_missing_when_the_surface_moves():
    tops, bottoms = to_mineral_surface([0, 0, 0], [0, 4, NAN], [4, 20, 30], [True, False, False], 1)
    assert tops[:2].tolist() == [-4, 0]
    assert np.isnan(tops[2])
    assert bottoms.tolist() == [0, 16, 26]


def test_moving_the_surface_needs_one_flag_per_layer():
    with pytest.raises(ValueError, match="one entry per layer"):
        to_mineral_surface([0, 0], [0, 4], [4, 20], [True], 1)


def test_a_profile_that_ends_on_rock_is_not_one_that_merely_stopped():
    end, cause = profile_end([0, 0, 1, 2, 3], [0, 10, 0, 0, 0], [10, 25, 25, 25, 30], 5, [25.5, NAN, 60, 25, 25])
    assert end.tolist()[:4] == [25, 25, 25, 30]
    assert np.isnan(end[4])
    assert cause.tolist() == ["rock", "stopped", "stopped", "rock_contradicted", "no_layer"]
    assert set(cause) <= set(ENDS)


def test_one_centimetre_from_the_rock_is_on_the_rock_and_more_is_not():
    _, cause = profile_end([0, 1, 2, 3], [0] * 4, [24, 23.995, 26, 26.005], 4, [25] * 4)
    assert cause.tolist() == ["rock", "stopped", "rock", "rock_contradicted"]


def test_layers_without_sound_depths_do_not_end_a_profile():
    end, cause = profile_end([0, 0, 0], [0, 30, 10], [20, 10, NAN], 1, [NAN])
    assert (end.tolist(), cause.tolist()) == ([20.0], ["stopped"])


def test_rock_depths_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="rock_depth"):
        profile_end([0], [0], [20], 1, [20.0, 30.0])
