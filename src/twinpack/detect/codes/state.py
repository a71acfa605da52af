"""What is kept of each vehicle's trouble codes between batches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twinpack.detect.status_byte import CLEARED
from twinpack.telemetry.arrivals import NEVER, Bools, Ints
from twinpack.telemetry.lanes import LaneArrays, lane_array

Small = npt.NDArray[np.uint8]

NONE, PARKED, DRIVING, CHARGING = 0, 1, 2, 3
"""What a vehicle does, and what opened its operation cycle."""


@dataclass(frozen=True)
class CodesState(LaneArrays):
    """Trouble codes of V vehicles by R rules (size `rules`); 38 bytes a vehicle and rule, 47 a vehicle.

    Attributes:
        last_us: Sample time of the newest sample, `NEVER` before the first, shape (V,).
        receipt_us: Its receipt time, shape (V,).
        period_s: Time that usually lies between receipts in use, 0 while unknown, s, shape (V,).
        activity: What the vehicle does by its newest sample, shape (V,).
        in_use: Its newest sample was taken in use, so that silence after it is a fault, shape (V,).
        cycle: What opened its operation cycle, `NONE` once that is over, shape (V,).
        cycle_us: When the newest cycle began, shape (V,).
        used_us: When it was last in the use that the cycle is of, shape (V,).
        turned_us: Since when it has been in the other use, `NEVER` when it is not, shape (V,).
        status: Status byte of ISO 14229, shape (V, R).
        failed_cycles: Operation cycles with a failure since the code became pending, shape (V, R).
        good_cycles: Operation cycles tested without a failure since it last failed, shape (V, R).
        occurrence: How often it was raised, shape (V, R).
        verdict: Last known verdict, with `BROKEN` where it no longer stands, shape (V, R).
        count_us: For how long it fails (above 0) or passes (below), up to debounce and pass time, shape (V, R).
        known_us: Sample time of the last known verdict, shape (V, R).
        since_us: First failing sample of the newest run of failures, shape (V, R).
        first_us: When it was first raised, `NEVER` when not, shape (V, R).
    """

    lanes_first = True

    last_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    receipt_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    period_s: npt.NDArray[np.float32] = field(metadata=lane_array(np.float32, 0.0))
    activity: Small = field(metadata=lane_array(np.uint8, PARKED))
    in_use: Bools = field(metadata=lane_array(np.bool_, False))
    cycle: Small = field(metadata=lane_array(np.uint8, NONE))
    cycle_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    used_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    turned_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    status: Small = field(metadata=lane_array(np.uint8, CLEARED, rows="rules"))
    failed_cycles: Small = field(metadata=lane_array(np.uint8, 0, rows="rules"))
    good_cycles: Small = field(metadata=lane_array(np.uint8, 0, rows="rules"))
    occurrence: npt.NDArray[np.uint16] = field(metadata=lane_array(np.uint16, 0, rows="rules"))
    verdict: Small = field(metadata=lane_array(np.uint8, 0, rows="rules"))
    count_us: Ints = field(metadata=lane_array(np.int64, 0, rows="rules"))
    known_us: Ints = field(metadata=lane_array(np.int64, NEVER, rows="rules"))
    since_us: Ints = field(metadata=lane_array(np.int64, NEVER, rows="rules"))
    first_us: Ints = field(metadata=lane_array(np.int64, NEVER, rows="rules"))
