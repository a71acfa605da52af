"""A fleet that goes on driving: recorded sessions played round and round, as a pure function of the time.

Every vehicle has its own round: each of its sessions with a pause after it. Where it is in its round follows from the
time alone, so that a player that is stopped and started again sends what it would have sent anyway, and the odometer
goes on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.telemetry.schema import TIME_TYPE

SESSION_GAP_US = 1_800_000_000
"""Silence that parts two recorded sessions, microseconds."""
SHORTEST_PAUSE_US, LONGEST_PAUSE_US = 720_000_000, 2_400_000_000
"""Pauses after a session; a trip is over after the shortest."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class EndlessFleet:
    """Recorded sessions of a fleet, to be had at any time.

    Attributes:
        vehicle_ids: The vehicles.
    """

    def __init__(self, recorded: pa.Table, seed: int = 7) -> None:
        """Lay out the rounds.

        Args:
            recorded: Samples in the `TELEMETRY` schema, of at least one session of each vehicle.
            seed: The same seed gives the same pauses.
        """
        names = pc.unique(recorded.column("vehicle_id")).sort()
        self.vehicle_ids: list[str] = names.to_pylist()
        vehicle = np.asarray(pc.index_in(recorded.column("vehicle_id"), names).to_numpy(), np.int64)
        time_us = recorded.column("sample_time").cast(pa.int64()).to_numpy()
        order = np.lexsort((time_us, vehicle))
        self._samples = recorded.take(pa.array(order))
        self._vehicle, time_us = vehicle[order], time_us[order]
        starts = _session_starts(self._vehicle, time_us)
        self._at_us, self._round_us, self._first_us = _rounds(self._vehicle, time_us, starts, seed)
        odometer = self._samples.column("odometer_km").to_numpy(zero_copy_only=False).astype(np.float64)
        self._odometer_km, self._round_km = _distances(self._vehicle, odometer, starts)

    def samples(self, from_us: int, until_us: int) -> pa.Table:
        """What the fleet sends from a moment until before another, in the order of time.

        Args:
            from_us: Microseconds since the epoch.
            until_us: At most the shortest round later.
        """
        lap = (from_us - self._first_us) // self._round_us
        parts = [self._lap(lap + more, from_us, until_us) for more in (0, 1)]
        found = pa.concat_tables(parts)
        return found.take(pc.sort_indices(found, [("sample_time", "ascending"), ("vehicle_id", "ascending")]))

    def _lap(self, lap: Ints, from_us: int, until_us: int) -> pa.Table:
        begin = (self._first_us + lap * self._round_us)[self._vehicle]
        time_us = begin + self._at_us
        rows = np.flatnonzero((time_us >= from_us) & (time_us < until_us))
        found = self._samples.take(pa.array(rows))
        vehicle = self._vehicle[rows]
        odometer = self._odometer_km[rows] + (lap * self._round_km)[vehicle]
        times = pa.array(time_us[rows]).cast(TIME_TYPE)
        for name, values in (("sample_time", times), ("receipt_time", times), ("odometer_km", pa.array(odometer))):
            at = found.schema.get_field_index(name)
            found = found.set_column(at, found.schema.field(at), values.cast(found.schema.field(at).type))
        return found


def _session_starts(vehicle: Ints, time_us: Ints) -> Ints:
    """Rows at which a session begins, of rows in the order of vehicle and time."""
    new = np.diff(vehicle, prepend=-1) != 0
    new |= np.diff(time_us, prepend=time_us[:1]) > SESSION_GAP_US
    return np.flatnonzero(new)


def _rounds(vehicle: Ints, time_us: Ints, starts: Ints, seed: int) -> tuple[Ints, Ints, Ints]:
    """Each row's time in its vehicle's round, how long the rounds are, and when their first ones began."""
    chance = np.random.default_rng(seed)
    ends = np.append(starts[1:], len(time_us)) - 1
    pause = chance.integers(SHORTEST_PAUSE_US, LONGEST_PAUSE_US, len(starts))
    whole = time_us[ends] - time_us[starts] + pause
    of = vehicle[starts]
    before = np.cumsum(whole) - whole
    begins = before - before[np.searchsorted(of, of)]  # within the vehicle's round
    session = np.repeat(np.arange(len(starts)), ends - starts + 1)
    at_us = begins[session] + time_us - time_us[starts][session]
    round_us = np.bincount(of, weights=whole).astype(np.int64)
    last = np.maximum.reduceat(time_us, np.searchsorted(vehicle, np.arange(len(round_us))))
    return at_us, round_us, last + chance.integers(0, round_us)


def _distances(vehicle: Ints, odometer: Floats, starts: Ints) -> tuple[Floats, Floats]:
    """The odometer of each row in the first round, and how far a round is, km."""
    ends = np.append(starts[1:], len(odometer)) - 1
    first, last = _known(odometer, starts, ends)
    driven = np.maximum(np.nan_to_num(last - first), 0.0)
    of = vehicle[starts]
    before = np.cumsum(driven) - driven
    before -= before[np.searchsorted(of, of)]
    reached = np.full(int(of.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(reached, of, np.nan_to_num(last, nan=0.0))
    session = np.repeat(np.arange(len(starts)), ends - starts + 1)
    shifted: Floats = odometer - first[session] + before[session] + reached[vehicle]
    return shifted, np.bincount(of, weights=driven).astype(np.float64)


def _known(values: Floats, starts: Ints, ends: Ints) -> tuple[Floats, Floats]:
    """The first and the last known value of each stretch, NaN for none."""
    rows = np.arange(len(values))
    known = np.isfinite(values)
    first = np.minimum.reduceat(np.where(known, rows, len(values)), starts)
    last = np.maximum.reduceat(np.where(known, rows, -1), starts)
    padded = np.append(values, np.nan)
    return padded[np.minimum(first, len(values))], padded[np.where(last < 0, len(values), last)]
