"""Cumulative sums (Page 1954): a lasting shift against own history, its onset and its size. Compiled."""

from __future__ import annotations

from typing import Any

from twinpack.detect.cells.tracks import ALARM, BETWEEN, NORMAL, WATCH
from twinpack.filters.kernels import kernel

SUSPECT = 0.4
"""From this part of the limit on, what is watched does not teach its own history."""
_RECENT = 0.15
"""Weight of the newest block in the size of a shift."""


@kernel
def summed(
    cusum: Any, moved: Any, onset: Any, blocks: Any, at: int, gates: Any, z: float, shift: float, start: int
) -> None:
    """Take a block into the upward and the downward sum; all written in place.

    Args:
        cusum: Upward and downward sums, in scatters, (2, subjects).
        moved: Size of the shift since they left zero, (2, subjects).
        onset: When they did, minutes, (2, subjects).
        blocks: Blocks since, (2, subjects).
        at: Which subject.
        gates: `CellSettings`.
        z: The block's shift over its scatter.
        shift: The shift itself.
        start: Start of the block, minutes.
    """
    step = min(max(z, -gates.shift_clip), gates.shift_clip)
    for side in range(2):
        before = cusum[side, at]
        now = max(0.0, before + (step if side == 0 else -step) - gates.shift_slack)
        cusum[side, at] = min(now, 2.0 * gates.shift_limit)
        if now == 0.0:
            moved[side, at] = 0.0
            blocks[side, at] = 0
            continue
        if before == 0.0:
            onset[side, at] = start
        blocks[side, at] = min(blocks[side, at] + 1, 127)
        moved[side, at] += max(_RECENT, 1.0 / blocks[side, at]) * (shift - moved[side, at])


@kernel
def verdict(total: float, blocks: int, size: float, gates: Any, alarm: float, watch: float) -> int:
    """Level of a sum that counts so many blocks and a shift of such a size."""
    if total >= gates.shift_limit and blocks >= gates.shift_blocks and abs(size) >= watch:
        return ALARM if abs(size) >= alarm else WATCH
    return BETWEEN if total > SUSPECT * gates.shift_limit else NORMAL


@kernel
def suspect(cusum: Any, at: int, gates: Any) -> bool:
    """Whether a subject's newest blocks may be those of a shift."""
    return bool(max(cusum[0, at], cusum[1, at]) > SUSPECT * gates.shift_limit)
