"""Series of different lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def side_by_side(columns: Sequence[Floats]) -> Floats:
    """Columns as lanes, shape (T, B), T that of the longest; past its last row each repeats it."""
    rows = np.arange(max(len(column) for column in columns))
    return np.stack([column[np.minimum(rows, len(column) - 1)] for column in columns], axis=1)
