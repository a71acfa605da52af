"""Types of the formulas: float64 arrays, numbers or arrays that broadcast against each other, and indices."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = float | Floats
Index: TypeAlias = NDArray[np.int64]
