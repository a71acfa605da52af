"""A cell group that heats itself: it smoulders for hours, flares up within some ten minutes, then runs away."""

from __future__ import annotations

import math

from twinpack.filters.kernels import kernel
from twinpack.simulate.faults.kinds import Faults

_SMOULDER_K, _FLARE_K, _STEEP = 15.0, 65.0, 3.0
_RUNAWAY_K_S, _RUNAWAY_MOST_K = 4.0, 500.0
_COLLAPSE_FROM = 0.85


@kernel
def hot_spot_k(faults: Faults, v: int, t: float) -> float:
    """How much hotter the cell's zone is than it would be, K."""
    since = t - faults.onset_s[v]
    if since <= 0.0:
        return 0.0
    smoulder_s = faults.ramp_s[v]
    if since < smoulder_s:
        return float(_SMOULDER_K * (since / smoulder_s) ** 2)
    if t < faults.runaway_s[v]:
        share = (since - smoulder_s) / (faults.runaway_s[v] - faults.onset_s[v] - smoulder_s)
        return float(_SMOULDER_K + _FLARE_K * math.expm1(_STEEP * share) / math.expm1(_STEEP))
    return float(min(_SMOULDER_K + _FLARE_K + _RUNAWAY_K_S * (t - faults.runaway_s[v]), _RUNAWAY_MOST_K))


@kernel
def collapse(faults: Faults, v: int, t: float) -> float:
    """Share of its voltage that the cell has lost: it sags while it smoulders and breaks down as it flares up."""
    since = t - faults.onset_s[v]
    if since <= 0.0:
        return 0.0
    smoulder_s = faults.ramp_s[v]
    if since < smoulder_s:
        return float(0.01 * since / smoulder_s)
    share = (t - faults.onset_s[v] - smoulder_s) / (faults.runaway_s[v] - faults.onset_s[v] - smoulder_s)
    return float(
        min(0.97, 0.01 + 0.05 * share + 0.9 * max(0.0, (share - _COLLAPSE_FROM) / (1.0 - _COLLAPSE_FROM)) ** 2)
    )
