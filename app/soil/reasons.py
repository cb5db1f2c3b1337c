"""Why a value has no result: the first fault found, as a code that reports and tables can carry."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Objects = NDArray[Any]


def first_reason(faults: Mapping[str, Bools]) -> Objects:
    """Code of the first fault of each value, None where there is none; `faults` in the order they are looked for."""
    shape = np.broadcast_shapes(*(np.shape(where) for where in faults.values()))
    reason = np.full(shape, None, dtype=object)
    for code, where in reversed(list(faults.items())):
        reason[np.broadcast_to(where, shape)] = code
    return reason


def is_given(reason: Objects) -> Bools:
    """Where no reason speaks against a result."""
    return np.asarray(reason == np.array(None, dtype=object), dtype=np.bool_)
