"""Types of the formulas: float64 arrays, numbers or arrays that broadcast against each other, and indices."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = float | Floats
Index: TypeAlias = NDArray[np.int64]
Which: TypeAlias = slice | list[int] | NDArray[np.intp]
"""Some of many: a slice, or their places."""


def places(some: Which) -> slice | NDArray[np.intp]:
    """The same for indexing: an empty list means none."""
    return np.asarray(some, dtype=np.intp) if isinstance(some, list) else some
