"""The median of a few values, without a sort."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.filters.kernels import kernel

_ALL_BUT_SIGN = 0x7FFFFFFF
_LEAST = -(2**31)


@kernel
def median_of(values: Any, count: int) -> float:
    """Median of `values[:count]`, the mean of the middle two of an even number; NaN of none. They are lost.

    Bits of floats, read as whole numbers, are in the order of the floats (the negative ones once turned round). The
    middle one is found by halving between the least and the greatest, each time with a count, which has no branches:
    on values in no order that is twice as fast as selection by exchange.

    Args:
        values: Finite values, float32, contiguous.
        count: How many of them.
    """
    if count == 0:
        return np.nan
    keys = values.view(np.int32)
    low, high = keys[0], keys[0]
    for k in range(count):
        keys[k] ^= (keys[k] >> 31) & _ALL_BUT_SIGN
        low, high = min(low, keys[k]), max(high, keys[k])
    least, most = np.int64(low), np.int64(high)
    while least < most:
        middle = (least + most) >> 1
        reached = 0
        for k in range(count):
            reached += keys[k] <= middle
        if 2 * reached > count:
            most = middle
        else:
            least = middle + 1
    below = 0
    lower = np.int64(_LEAST)
    for k in range(count):
        under = keys[k] < most
        below += under
        lower = max(lower, keys[k] if under else np.int64(_LEAST))
    if count % 2 == 1 or 2 * below < count:
        lower = most
    keys[0] = lower ^ ((lower >> 31) & _ALL_BUT_SIGN)
    first = np.float64(values[0])
    keys[0] = most ^ ((most >> 31) & _ALL_BUT_SIGN)
    return 0.5 * (first + np.float64(values[0]))
