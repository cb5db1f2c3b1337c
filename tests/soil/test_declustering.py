from typing import Any

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil.declustering import H3_RESOLUTIONS, REASONS, declustered_mean, h3_cells, square_cells

NAN = np.nan


def test_every_occupied_cell_counts_the_same():
    found = declustered_mean([10, 20, 30, 60], ["a", "a", "a", "b"])
    assert found.weights.tolist() == pytest.approx([1 / 6] * 3 + [1 / 2])
    assert (found.mean, found.plain_mean, found.median, found.n_points, found.n_cells) == (40, 30, 30, 4, 2)


def test_points_of_different_cells_weigh_the_same():
    found = declustered_mean([10, 20, 60], ["a", "b", "c"])
    assert found.mean == found.plain_mean == 30


points = st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abcdef")), min_size=1, max_size=40)


@settings(derandomize=True)
@given(points, st.randoms(use_true_random=False))
def test_weights_add_up_to_one_and_follow_their_points(rows: list[tuple[float, str]], random: Any):
    found = declustered_mean([value for value, _ in rows], [cell for _, cell in rows])
    assert found.weights.sum() == pytest.approx(1)
    for cell in {cell for _, cell in rows}:
        share = found.weights[[name == cell for _, name in rows]].sum()
        assert share == pytest.approx(1 / found.n_cells)
    order = list(range(len(rows)))
    random.shuffle(order)
    again = declustered_mean([rows[i][0] for i in order], [rows[i][1] for i in order])
    assert again.weights.tolist() == found.weights[order].tolist()
    assert again.mean == pytest.approx(found.mean)


def test_points_without_value_or_cell_weigh_nothing_and_say_why():
    cells = np.array(["a", "a", "b", None], dtype=object)
    found = declustered_mean([10, NAN, np.inf, 40], cells)
    assert found.reason.tolist() == [None, "value_missing", "value_not_finite", "position_missing"]
    assert found.weights.tolist() == [1, 0, 0, 0]
    assert (found.mean, found.n_cells) == (10, 1)
    assert set(found.reason) - {None} == set(REASONS)


@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_no_usable_points_have_no_mean(values: list[float]):
    found = declustered_mean(values, ["a"] * len(values))
    assert (found.mean, found.median, found.plain_mean, found.n_points, found.n_cells) == (None, None, None, 0, 0)


def test_points_on_a_border_belong_to_the_cell_above_and_to_the_right():
    assert square_cells([250, 199.9, 200, -1], [100, 99.9, 0, 0], 100).tolist() == ["2/1", "1/0", "2/0", "-1/0"]
    assert square_cells(250, 100, 100, origin=(50, 1)).tolist() == ["2/0"]


def test_points_without_position_lie_in_no_cell():
    assert square_cells([NAN, 1, np.inf], [1, NAN, 1], 10).tolist() == [None] * 3
    assert h3_cells([NAN, 181, 0, 0], [0, 0, 91, NAN], 5).tolist() == [None] * 4
    assert square_cells([], [], 10).size == h3_cells([], [], 5).size == 0


def test_paris_lies_in_its_hexagon():
    assert h3_cells(2.3522, 48.8566, 5).tolist() == ["851fb467fffffff"]


def test_hexagons_of_both_resolutions_have_the_size_they_are_chosen_for():
    area = {kind: h3.average_hexagon_area(resolution, unit="km^2") for kind, resolution in H3_RESOLUTIONS.items()}
    assert area["country"] == pytest.approx(250, rel=0.05)
    assert area["district"] == pytest.approx(5, rel=0.05)


def test_impossible_cells_and_columns_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match="cell size is 0"):
        square_cells(1, 1, 0)
    with pytest.raises(ValueError, match="H3 resolution is 16"):
        h3_cells(1, 1, 16)
    with pytest.raises(ValueError, match=r"x \(2,\), y \(3,\)"):
        square_cells([1, 2], [1, 2, 3], 1)
    with pytest.raises(ValueError, match="cells has shape"):
        declustered_mean([1, 2], ["a"])
