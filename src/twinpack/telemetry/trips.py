"""Sessions (driving, charging, resting) cut from steps as a fold, with the record of each that ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.telemetry.batch import Floats
from twinpack.telemetry.lanes import LaneArrays, lane_array
from twinpack.telemetry.steps import Ints, Steps

RESTING, DRIVING, CHARGING = 0, 1, 2
KINDS = ("resting", "driving", "charging")
"""Names of `RESTING`, `DRIVING` and `CHARGING`."""


@dataclass(frozen=True)
class CutSettings:
    """Where sessions end.

    Attributes:
        gap_us: Time without samples that ends a session.
        rest_us: Time at rest that ends driving or charging.
        rest_current_c_rate: Current up to this is rest (1 is the current that fills the pack in an hour).
        switch_us: Time of driving that ends charging, and of charging that ends driving.
        moving_kmh: Speed above this is driving.
    """

    gap_us: int = 600_000_000
    rest_us: int = 300_000_000
    rest_current_c_rate: float = 0.02
    switch_us: int = 60_000_000
    moving_kmh: float = 1.0


@dataclass(frozen=True)
class Trip:
    """A session that has ended; floats that are not known are NaN.

    Attributes:
        vehicle_id: The vehicle.
        number: 1, 2, 3 in the order of the vehicle's sessions.
        kind: `driving`, `charging` or `resting`: what the vehicle did when it began.
        start_us: Time of the first sample.
        end_us: Time of the last sample.
        samples: Number of samples used.
        energy_out_kwh: Energy taken from the pack.
        energy_in_kwh: Energy brought into the pack.
        ah_out: Charge taken from the pack.
        ah_in: Charge brought into the pack.
        soc_start_pct: First charge told by the BMS.
        soc_end_pct: Last charge told by the BMS.
        temp_min_c: Lowest mean cell temperature.
        temp_max_c: Highest mean cell temperature.
        temp_mean_c: Mean over the steps.
        distance_km: Distance by the odometer, else by the speed.
        c_rate_max: Highest current either way, as C-rate.
        c_rate_rms: Root mean square over time of the current, as C-rate.
        closed_by: `gap`, `rest`, `kind` (something else was done) or `tick` (silence).
    """

    vehicle_id: str
    number: int
    kind: str
    start_us: int
    end_us: int
    samples: int
    energy_out_kwh: float
    energy_in_kwh: float
    ah_out: float
    ah_in: float
    soc_start_pct: float
    soc_end_pct: float
    temp_min_c: float
    temp_max_c: float
    temp_mean_c: float
    distance_km: float
    c_rate_max: float
    c_rate_rms: float
    closed_by: str


@dataclass(frozen=True)
class Segment:
    """The part of a session that lies in one batch: `steps[start:stop]`, which may be empty when it only ends.

    Attributes:
        lane: The vehicle.
        start: Its first step.
        stop: The step after its last.
        number: Number of the session, 1, 2, 3 per vehicle.
        kind: `driving`, `charging` or `resting`.
        opens: The session's first step is in this batch.
        closed_by: Why it ended, None while it goes on.
        trip: Its record when it ended.
        offset: Log offset of what ended it (the next session's first step, or a tick), else of its last step.
    """

    lane: int
    start: int
    stop: int
    number: int
    kind: str
    opens: bool
    closed_by: str | None
    trip: Trip | None
    offset: int


@dataclass(frozen=True)
class Cuts:
    """Sessions of a batch, and what each step needs from the one before.

    Attributes:
        segments: By lane, in time order.
        number: Session of each step, shape (M,), int64.
        dt_s: Time since the session's step before, 0 at its first, shape (M,).
        prev_current_a: Last known current of the session before the step, else the step's own, shape (M,).
    """

    segments: list[Segment]
    number: Ints
    dt_s: Floats
    prev_current_a: Floats


@dataclass(frozen=True)
class TripCarry(LaneArrays):
    """The open session of each vehicle between batches."""

    number: Ints = lane_array(np.int64, 0)


def cut(
    carry: TripCarry,
    steps: Steps,
    vehicle_ids: Sequence[str],
    capacity_ah: Floats,
    settings: CutSettings,
) -> tuple[TripCarry, Cuts]:
    """Cut steps into sessions.

    Args:
        carry: State before the batch.
        steps: The batch's steps; the silences in them must have been found with `settings.gap_us`.
        vehicle_ids: Vehicle of each lane.
        capacity_ah: Capacity of each lane's pack, shape (lanes,).
        settings: Where sessions end.

    Returns:
        State after the batch, and its sessions.
    """
    raise NotImplementedError
