"""How the loops over samples are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A function compiled at its first call and kept on disk; it lets other threads run meanwhile.

    Division by zero gives infinity or NaN as in NumPy. Sums keep their order, so that results repeat bit for bit.
    """
    compiled: Callable[_P, _R] = njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled
