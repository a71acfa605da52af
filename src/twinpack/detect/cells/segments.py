"""The end of a segment: its means go into the block. Compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

from twinpack.detect.cells.state import WEIGHT


@njit(cache=True, nogil=True, error_model="numpy")
def close_segment(s: Any, lane: int, gates: Any, room: Any) -> None:
    """Add the segment of a vehicle to its block and begin another."""
    cells = s.segment_v.shape[2]
    for regime in range(4):
        mean = s.segment_mean[lane, regime]
        seconds = mean[WEIGHT]
        if not seconds > 0.0:
            continue
        s.block_mean[lane, regime] += mean
        for cell in range(cells):
            value = s.segment_v[lane, regime, cell]
            if value == value:  # a cell that was masked for one sample is left out of the segment
                s.block_v[lane, regime, cell] += value
                s.block_s[lane, regime, cell] += seconds
        mean[:] = 0.0
        s.segment_v[lane, regime] = 0.0
