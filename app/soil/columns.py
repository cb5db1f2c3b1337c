"""Columns of values that belong together row by row: brought to one shape, or refused by name."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def aligned(**named: ArrayLike) -> tuple[Floats, ...]:
    """The arguments as arrays of numbers of one shape, at least one-dimensional; single numbers are repeated.

    Raises ValueError with the names and shapes of arguments that do not go together.
    """
    arrays = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in named.items()}
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"these do not have one shape: {shapes}") from None
