"""What a rise or a fall is measured from: a look at the values some seconds ago, not at the sample before.

At one sample a second a step of 1 °C would be 1 K/s. Two looks are kept, at least so many seconds apart: the newer one
is measured from once it is old enough, till then the older one.
"""

from __future__ import annotations

from typing import Any

from twinpack.filters.kernels import kernel
from twinpack.telemetry.arrivals import NEVER

NONE, OLD, NEW = 0, 1, 2


@kernel
def look(now_us: int, old_us: int, new_us: int, least_s: float, most_s: float) -> int:
    """From which look to measure: `OLD`, `NEW`, or `NONE` if there is none of a fitting age."""
    if new_us == NEVER or now_us - new_us > most_s * 1e6:
        return NONE
    if now_us - new_us >= least_s * 1e6:
        return NEW
    if old_us == NEVER or now_us - old_us > most_s * 1e6:
        return NONE
    return OLD


@kernel
def renews(which: int, now_us: int, new_us: int, most_s: float) -> bool:
    """Whether the present becomes the newer look; the one before becomes the older one if it was measured from."""
    return which == NEW or new_us == NEVER or now_us - new_us > most_s * 1e6


@kernel
def keep(known: Any, shown: Any) -> None:
    """Write what is shown over what was known, one by one: a slice would have its checks of shape compiled as well."""
    for place in range(len(known)):
        known[place] = shown[place]
