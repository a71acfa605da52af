"""Types of the formulas: float64 arrays, and numbers or arrays that broadcast against each other."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = float | Floats
