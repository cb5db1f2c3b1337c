"""Measured decimals as whole numbers, so that a value on the border of a class falls on the stated side.

45.1 + 27.3 + 27.6 is not 100 in binary floating point, and 13 x 20 / 260 need not be 1. Soil data are decimals with
few digits: as whole millionths their sums and products are exact.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Whole = NDArray[np.int64]

MILLION = 10**6
LARGEST = 10**6
"""Largest size of a value, so that sums and products with class limits stay inside 64 bits."""


def millionths(values: ArrayLike) -> Whole:
    """Values times a million, rounded to the nearest whole number.

    More than six decimals are noise of the conversion that produced them. What is not a number, or beyond a million in
    size, becomes 0: no such value is a soil property, and the caller refuses it by its own range.

    Example: 45.1, 27.3 and 27.6 give 45100000, 27300000 and 27600000, whose sum is exactly 100 millions.
    """
    given = np.asarray(values, dtype=np.float64)
    usable = np.abs(given) <= LARGEST
    return np.asarray(np.rint(np.where(usable, given, 0.0) * MILLION), dtype=np.int64)
