"""The median of a few values, without a full sort."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.kernels import kernel


@kernel
def median_of(values: Any, count: int) -> float:
    """Median of `values[:count]`, the mean of the middle two of an even number; NaN of none. Their order is lost.

    Hoare's selection: on average three looks at each value.
    """
    if count == 0:
        return np.nan
    middle = count // 2
    left, right = 0, count - 1
    while left < right:
        pivot = values[(left + right) // 2]
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < middle:
            left = i
        if middle < i:
            right = j
    upper = np.float64(values[middle])
    if count % 2 == 1:
        return upper
    lower = values[0]
    for k in range(1, middle):
        lower = max(lower, values[k])
    return 0.5 * (np.float64(lower) + upper)
