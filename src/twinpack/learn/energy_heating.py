"""Energy of a trip's heating and cooling as measured, and whether that can be true.

A pack that is neither driven hard nor charged by braking gives at least what heater and air conditioning take. Where a
heater claims more than the pack gives, its signal is wrong, by the conservation of energy; no name or list says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MARGIN_KW = 0.3
"""Sensors and delays may differ by so much."""
MOST_WRONG = 0.3
"""Share of the testable time from which a trip's signal is not believed at all; below it those samples are left out."""
LEAST_TESTED_S = 20.0
_BRAKES_MS2, _STANDS_MS = -0.1, 0.1


@dataclass(frozen=True)
class Comfort:
    """What heating and cooling took on a trip.

    Attributes:
        energy_kwh: Energy; NaN where it was not measured, or cannot be true.
        wrong_share: Share of the testable time in which more was claimed than the pack gave; NaN where none is.
        why: Why it is not believed, "" where it is or was not measured.
    """

    energy_kwh: float
    wrong_share: float = float("nan")
    why: str = ""


def comfort_energy(time_s: Floats, power_kw: Floats, speed_kmh: Floats, claimed_kw: Floats) -> Comfort:
    """Energy of heating and cooling over a trip, held against what the pack gave.

    Args:
        time_s: Of the samples, s, not falling, shape (N,).
        power_kw: Given by the pack, kW, shape (N,).
        speed_kmh: Speed, shape (N,).
        claimed_kw: Heating and cooling by their signals, kW, NaN where missing, shape (N,).
    """
    known = np.isfinite(claimed_kw)
    if not len(time_s) or known.mean() < 0.5:
        return Comfort(float("nan"))
    weight = np.gradient(time_s) if len(time_s) > 1 else np.ones(1)
    wrong = known & (claimed_kw > np.maximum(power_kw, 0.0) + MARGIN_KW)
    standing, steady = (known & np.isfinite(power_kw) & one for one in _testable(time_s, speed_kmh))
    share = _worst([_share(weight, part, wrong) for part in (standing, steady)])
    if share > MOST_WRONG:
        return Comfort(
            float("nan"), share, f"heating takes more than the pack gives in {100 * share:.0f} % of the time"
        )
    testable = standing | steady
    believed = known & ~(testable & wrong)
    if not believed.any():
        return Comfort(float("nan"), share)
    filled = np.interp(time_s, time_s[believed], claimed_kw[believed])
    return Comfort(float(np.trapezoid(filled, time_s)) / 3600.0, share)


def _share(weight: Floats, part: Flags, wrong: Flags) -> float:
    """Of some time, the share in which the claim is wrong; NaN where it is too short to say."""
    tested_s = float(weight[part].sum())
    return float(weight[part & wrong].sum()) / tested_s if tested_s >= LEAST_TESTED_S else float("nan")


def _worst(shares: list[float]) -> float:
    return max((one for one in shares if np.isfinite(one)), default=float("nan"))


def _testable(time_s: Floats, speed_kmh: Floats) -> tuple[Flags, Flags]:
    """Where it stands, and where it moves at a speed that does not fall: only a slope brings energy back there."""
    speed = np.maximum(speed_kmh, 0.0) / 3.6
    standing = speed < _STANDS_MS
    if len(speed) < 2:
        return standing, ~standing
    # over some seconds: speed comes in steps
    width = max(1, min(len(speed) // 2, round(2.0 / max(float(np.median(np.diff(time_s))), 1e-3))))
    at = np.arange(len(speed))
    later, earlier = np.minimum(at + width, len(speed) - 1), np.maximum(at - width, 0)
    slope = (speed[later] - speed[earlier]) / np.maximum(time_s[later] - time_s[earlier], 1e-3)
    return standing, ~standing & (slope > _BRAKES_MS2)
