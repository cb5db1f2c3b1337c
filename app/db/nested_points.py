"""Which points low zooms show: one a cell, such that none vanishes on zooming in."""

import numpy as np
from numpy.typing import NDArray

LAST = 14
"""From this zoom on all points are drawn."""
_CELL_BITS = 18
"""Levels of a Morton key of 24 that lie below a cell of zoom 0: a cell is 1/64 of the side of a tile."""


def smallest_zooms(group: NDArray[np.int64], key: NDArray[np.int64], luck: NDArray[np.int64]) -> NDArray[np.int16]:
    """The smallest zoom at which each point is drawn.

    group : points of different groups do not meet. key : Morton keys of 24 levels. luck : of the points of a group in one
    cell of 1/64 of a tile's side, the one with the least is drawn; of equal ones the first.
    Cells nest, so whoever is drawn at a zoom is drawn at all further ones. From LAST on all are.
    """
    found = np.full(len(key), LAST, dtype=np.int16)
    if not len(key):
        return found
    rank = np.empty(len(key), dtype=np.int64)
    rank[np.argsort(luck, kind="stable")] = np.arange(len(key))
    order = np.lexsort((key, group))
    groups, keys, ranks = group[order], key[order], rank[order]
    new_group = np.diff(groups, prepend=groups[0]) != 0
    for zoom in range(LAST - 1, -1, -1):
        cell = keys >> (2 * (_CELL_BITS - zoom))
        starts = np.flatnonzero(new_group | (np.diff(cell, prepend=cell[0] - 1) != 0))
        least = np.minimum.reduceat(ranks, starts)
        drawn = ranks == np.repeat(least, np.diff(starts, append=len(keys)))
        found[order[drawn]] = zoom
    return found
