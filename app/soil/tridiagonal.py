"""Symmetric tridiagonal systems of many profiles at once, as the splines of this room need them.

SciPy solves one banded system per call. Here one step of the elimination is done for all profiles together, so the
number of Python steps is the number of layers of a profile, not the number of profiles.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def solve(diagonal: Floats, off_diagonal: Floats, right: Floats) -> Floats:
    """Solution of each of m systems of n equations [shape: n, m].

    diagonal : [n, m]. off_diagonal : entries beside the diagonal, the same above and below it [n - 1, m].
    right : right-hand sides [n, m]. None of the inputs is changed.

    Gaussian elimination without exchange of rows: right for matrices that are diagonally dominant or become so after
    the first step, as those of cubic and quadratic splines do.
    """
    pivot, solution = diagonal.copy(), right.copy()
    for row in range(1, pivot.shape[0]):
        factor = off_diagonal[row - 1] / pivot[row - 1]
        pivot[row] -= factor * off_diagonal[row - 1]
        solution[row] -= factor * solution[row - 1]
    solution[-1:] /= pivot[-1:]
    for row in range(pivot.shape[0] - 2, -1, -1):
        solution[row] = (solution[row] - off_diagonal[row] * solution[row + 1]) / pivot[row]
    return solution
