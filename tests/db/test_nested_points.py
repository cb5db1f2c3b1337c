"""Which points low zooms show."""

import numpy as np

from app.db.nested_points import LAST, smallest_zooms


def keys_of(columns: list[int], rows: list[int]) -> np.ndarray:
    """Morton keys of cells of the finest level."""
    keys = np.zeros(len(columns), dtype=np.int64)
    for bit in range(24):
        for shift, places in ((0, columns), (1, rows)):
            keys |= ((np.array(places, dtype=np.int64) >> bit) & 1) << (2 * bit + shift)
    return keys


def drawn_one_by_one(group: np.ndarray, key: np.ndarray, luck: np.ndarray) -> list[int]:
    """The same as the definition says it: each cell of each zoom looked at for itself."""
    found = [LAST] * len(key)
    for zoom in range(LAST - 1, -1, -1):
        best: dict[tuple[int, int], int] = {}
        for point in range(len(key)):
            cell = (int(group[point]), int(key[point]) >> (2 * (18 - zoom)))
            if cell not in best or luck[point] < luck[best[cell]]:
                best[cell] = point
        for point in best.values():
            found[point] = zoom
    return found


def test_each_cell_of_each_zoom_has_the_luckiest_point():
    rng = np.random.default_rng(7)
    # Close together and far apart, some at the same place.
    places = np.concatenate([rng.integers(0, 2**24, 150), rng.integers(0, 2**9, 150), np.full(20, 77)])
    group = rng.integers(0, 3, len(places))
    key = keys_of(places.tolist(), rng.permutation(places).tolist())
    luck = rng.integers(-(2**62), 2**62, len(places))
    found = smallest_zooms(group, key, luck)
    assert found.tolist() == drawn_one_by_one(group, key, luck)
    assert set(found.tolist()) >= {0, LAST}


def test_of_equal_points_the_first_is_drawn():
    assert smallest_zooms(np.zeros(3, np.int64), np.full(3, 5), np.array([1, 1, 0])).tolist() == [LAST, LAST, 0]
    assert smallest_zooms(np.zeros(2, np.int64), np.full(2, 5), np.array([1, 1])).tolist() == [0, LAST]


def test_without_points_nothing_is_drawn():
    empty = np.empty(0, np.int64)
    assert smallest_zooms(empty, empty, empty).tolist() == []
