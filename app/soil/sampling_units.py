"""Sampling units: what was drawn independently, and the mean of the sites that share one.

Plots of a farm, cores of a plot and duplicates of a laboratory are not independent of each other. However many there
are, the unit counts once, and its value is the mean of its sites.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def label_codes(labels: ArrayLike, shape: tuple[int, ...], what: str) -> Ints:
    """Labels of any kind as whole numbers; equal labels get equal numbers, None is a label like others.

    Raises ValueError, naming `what`, if the labels do not have the shape of the values.
    """
    given = np.asarray(labels, dtype=object)
    if given.shape != shape:
        raise ValueError(f"{what} has shape {given.shape}, values has {shape}")
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in given.tolist()], dtype=np.intp)


def unit_means(value: Floats, unit: Ints) -> Floats:
    """Mean of the values of each sampling unit, in the order of the unit numbers that occur."""
    index, count = np.unique(unit, return_inverse=True, return_counts=True)[1:]
    return np.asarray(np.bincount(index, weights=value) / count, dtype=np.float64)
