"""Random numbers inside kernels: one 64-bit state a vehicle (SplitMix64), normal values from a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinpack.filters.kernels import kernel


@kernel
def bits(seeds: NDArray[np.uint64], v: int) -> np.uint64:
    """64 random bits of vehicle `v`, whose state moves on."""
    seeds[v] += np.uint64(0x9E3779B97F4A7C15)
    z = seeds[v]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(z ^ (z >> np.uint64(31)))


@kernel
def uniform(seeds: NDArray[np.uint64], v: int) -> float:
    """A number from 0 to below 1."""
    return float(bits(seeds, v) >> np.uint64(11)) * 1.1102230246251565e-16


@kernel
def normal(seeds: NDArray[np.uint64], v: int, bell: NDArray[np.float32]) -> float:
    """A standard normal number."""
    return float(bell[np.int64(bits(seeds, v) & np.uint64(0xFFF))])
