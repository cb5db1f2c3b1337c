import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil import map_uncertainty
from app.soil.map_uncertainty import (
    REASONS,
    exponential_correlogram,
    log_sd_from_quantiles,
    map_mean_error,
    sd_from_quantiles,
    spherical_correlogram,
)

NAN = np.nan


def test_two_cells_by_hand():
    found = map_mean_error([3, 4], [1, 1], [0, 1], 0, correlogram=lambda d: np.where(d == 0, 1.0, 0.5))
    assert (found.se_independent, found.se_dependent) == (2.5, 3.5)
    assert found.se == pytest.approx(np.sqrt(9.25))
    assert (found.n_cells, found.simulation_se, found.reason) == (2, 0, None)


def test_without_a_correlogram_only_the_bounds_are_given():
    found = map_mean_error([3, 4], [1, 1])
    assert (found.se, found.simulation_se, found.se_independent) == (None, None, 2.5)


def test_unit_of_the_weights_does_not_matter():
    assert map_mean_error([3, 4], [250, 250]) == map_mean_error([3, 4], [1, 1])


cells = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0.1, 5), st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=25
)


@settings(derandomize=True)
@given(cells, st.floats(1, 200), st.floats(0, 1), st.booleans())
def test_the_error_lies_between_its_bounds_whatever_the_range(
    rows: list[tuple[float, float, float, float]],
    scale: float,
    nugget: float,
    exponential: bool,  # noqa: FBT001
):
    model = exponential_correlogram if exponential else spherical_correlogram
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    found = map_mean_error(*columns, correlogram=lambda d: model(d, scale, nugget))
    assert found.se is not None
    assert found.se_independent is not None
    assert found.se_dependent is not None
    assert found.se_independent * (1 - 1e-9) <= found.se <= found.se_dependent * (1 + 1e-9)
    backwards = map_mean_error(*(column[::-1] for column in columns), correlogram=lambda d: model(d, scale, nugget))
    assert backwards.se == pytest.approx(found.se)


def test_shared_errors_give_the_upper_and_separate_ones_the_lower_bound():
    sd, x = [3, 4, 5], [0, 10, 20]
    far = map_mean_error(sd, 1, x, 0, correlogram=lambda d: exponential_correlogram(d, 1e-3))
    near = map_mean_error(sd, 1, x, 0, correlogram=lambda d: exponential_correlogram(d, 1e9))
    assert far.se == pytest.approx(far.se_independent)
    assert near.se == pytest.approx(near.se_dependent)


def test_blocks_do_not_change_the_sum(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(6)
    sd, weights, x, y = rng.random((4, 50))
    whole = map_mean_error(sd, weights, x, y, correlogram=lambda d: exponential_correlogram(d, 0.3))
    monkeypatch.setattr(map_uncertainty, "BLOCK_CELLS", 7)
    blocks = map_mean_error(sd, weights, x, y, correlogram=lambda d: exponential_correlogram(d, 0.3))
    assert blocks.se == pytest.approx(whole.se)


def test_random_pairs_find_the_same_error_within_their_own():
    rng = np.random.default_rng(6)
    sd, weights, x, y = rng.random((4, 300))
    exact = map_mean_error(sd, weights, x, y, correlogram=lambda d: exponential_correlogram(d, 0.3, 0.1))
    drawn = map_mean_error(
        sd, weights, x, y, correlogram=lambda d: exponential_correlogram(d, 0.3, 0.1), pairs=20_000, seed=1
    )
    assert exact.se is not None
    assert drawn.se is not None
    assert drawn.simulation_se is not None
    assert 0 < drawn.simulation_se < 0.01 * exact.se
    assert abs(drawn.se - exact.se) < 3 * drawn.simulation_se
    assert map_mean_error([0, 0], 1, correlogram=lambda d: d, pairs=10).se == 0


def test_error_of_the_draw_is_how_far_draws_differ():
    rng = np.random.default_rng(6)
    sd, weights, x, y = rng.random((4, 100))
    drawn = [
        map_mean_error(sd, weights, x, y, correlogram=lambda d: exponential_correlogram(d, 0.3), pairs=500, seed=seed)
        for seed in range(200)
    ]
    errors = [found.se for found in drawn if found.se is not None]
    assert np.std(errors) == pytest.approx(np.mean([found.simulation_se or 0 for found in drawn]), rel=0.15)


def test_correlograms_by_hand():
    assert exponential_correlogram([0, 3, 6], 3).tolist() == pytest.approx([1, np.exp(-1), np.exp(-2)])
    assert exponential_correlogram([0, 3], 3, 0.4).tolist() == pytest.approx([1, 0.6 * np.exp(-1)])
    assert spherical_correlogram([0, 5, 10, 20], 10).tolist() == pytest.approx([1, 0.3125, 0, 0])
    assert spherical_correlogram([5], 10, 0.2).tolist() == pytest.approx([0.25])


def test_standard_deviations_from_quantiles():
    assert sd_from_quantiles([20, NAN, 5], [52.9, 50, 4])[0] == pytest.approx(10)
    assert np.isnan(sd_from_quantiles([20, NAN, 5], [52.9, 50, 4])[1:]).all()
    assert log_sd_from_quantiles(20, 80)[0] == pytest.approx(0.42137, abs=1e-5)
    assert np.isnan(log_sd_from_quantiles([0, -1, NAN, 5], [1, 1, 1, 4])).all()
    assert sd_from_quantiles(7, 7)[0] == log_sd_from_quantiles(7, 7)[0] == 0


@pytest.mark.parametrize(
    ("sd", "weights", "x", "reason"),
    [
        ([], [], [], "no_cells"),
        ([1, 1], [0, NAN], 0, "no_cells"),
        ([1, NAN], [1, 1], 0, "cell_incomplete"),
        ([1, 1], [1, 1], [0, NAN], "cell_incomplete"),
        ([1, 1], [1, np.inf], 0, "cell_incomplete"),
        ([1, -1], [1, 1], 0, "sd_negative"),
        ([1, 1], [1, -1], 0, "weight_negative"),
    ],
)
def test_cells_that_allow_no_error_are_refused_with_a_reason(
    sd: list[float], weights: list[float], x: list[float], reason: str
):
    found = map_mean_error(sd, weights, x, correlogram=lambda d: exponential_correlogram(d, 1))
    assert (found.reason, found.se, found.se_independent, found.se_dependent) == (reason, None, None, None)
    assert reason in REASONS


def test_cells_outside_the_region_may_lack_their_numbers():
    assert map_mean_error([3, 4, NAN], [1, 1, 0]).se_independent == 2.5


def test_impossible_models_and_columns_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match="scale 0 must be above zero"):
        exponential_correlogram(1, 0)
    with pytest.raises(ValueError, match="nugget 2 within 0-1"):
        spherical_correlogram(1, 1, 2)
    with pytest.raises(ValueError, match="pairs is 1"):
        map_mean_error([1], [1], correlogram=lambda d: d, pairs=1)
    with pytest.raises(ValueError, match=r"sd \(2,\), weights \(3,\)"):
        map_mean_error([1, 2], [1, 2, 3])
