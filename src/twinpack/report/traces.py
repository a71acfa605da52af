"""Which trips are shown sample by sample, and their samples made few enough for a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.report.data import TraceSeries
from twinpack.views.columns import micros, numbers
from twinpack.views.sampling import gap_after, keep_extremes
from twinpack.views.twin.records import TripPoint

POINTS = 240
COLUMNS = ("measured_v", "never_v", "never_sd_v", "living_v", "living_sd_v")
_LAKE_NAMES = {"living_v": "deployed_v", "living_sd_v": "deployed_sd_v"}
LAKE_COLUMNS = ("vehicle_id", "trip_number", "sample_time", "scored", *(_LAKE_NAMES.get(n, n) for n in COLUMNS))
"""Columns of `prediction_steps` that a trace is made of."""


def choose_trips(trips: Sequence[TripPoint]) -> dict[int, str]:
    """Trip number -> why it is shown: the first scored, the worst, the update that helped most, the next, the last."""
    scored = [trip for trip in trips if trip.living_v is not None]
    if not scored:
        return {}
    chosen = {scored[0].number: "first", max(scored, key=_error).number: "worst"}
    gains = [
        (_error(before) - _error(after), before.number, after.number)
        for before, after in pairwise(scored)
        if before.decision == "accepted"
    ]
    if gains:
        _, update, after = max(gains, key=lambda gain: (gain[0], -gain[1]))
        chosen[update] = "update"
        chosen[after] = "after"
    chosen.setdefault(scored[-1].number, "last")
    return dict(sorted(chosen.items()))


def of_trip(steps: pa.Table, number: int) -> pa.Table:
    """The steps of one trip."""
    return steps.filter(pc.equal(steps.column("trip_number"), number))


def trace(steps: pa.Table, trip: TripPoint, why: str) -> TraceSeries:
    """One trip's steps, at most `POINTS` of them and one for each gap.

    Args:
        steps: Rows of `prediction_steps` for this vehicle and trip.
        trip: The trip.
        why: See `TraceSeries.why`.
    """
    steps = steps.sort_by("sample_time")
    times_us = micros(steps, "sample_time")
    columns = {name: numbers(steps, _LAKE_NAMES.get(name, name)) for name in COLUMNS}
    gaps = gap_after(times_us)
    kept = np.union1d(keep_extremes(columns["measured_v"], POINTS - 2 * len(gaps)), np.concatenate((gaps, gaps + 1)))
    time_s = (times_us[kept] - times_us[0]) / 1e6
    holes = np.searchsorted(kept, gaps) + 1
    scored = np.flatnonzero(np.asarray(steps.column("scored").to_numpy(zero_copy_only=False), dtype=bool))
    return TraceSeries(
        trip=trip.number,
        why=why,
        start_us=int(times_us[0]),
        version=trip.version,
        samples=len(times_us),
        scored_from_s=float((times_us[scored[0]] - times_us[0]) / 1e6) if len(scored) else 0.0,
        # A hole is a sample without values, so that no line is drawn across it.
        time_s=np.insert(time_s, holes, time_s[holes - 1]),
        **{name: np.insert(column[kept], holes, np.nan) for name, column in columns.items()},
    )


def _error(trip: TripPoint) -> float:
    return trip.living_v or 0.0
