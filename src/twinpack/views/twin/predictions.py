"""One trip as it was measured and predicted: with updates, never updated, and by the challenger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import NotFoundError
from twinpack.store.tables import SAMPLE_TIME
from twinpack.views.columns import FloatColumn, micros, numbers, records
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.sampling import gap_after, keep_extremes
from twinpack.views.shapes.twin import Prediction
from twinpack.views.sight import Reach
from twinpack.views.spans import holds
from twinpack.views.twin.facts import column

_VALUES = ("measured_v", "deployed_v", "deployed_sd_v", "never_v", "never_sd_v", "challenger_v")
_READ = (SAMPLE_TIME, "trip_number", "scored", *_VALUES)


def prediction(views: Views, reach: Reach, number: int, points: int = 1000) -> Prediction:
    """A trip's voltage, measured and predicted.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        number: The trip.
        points: Points at most; of more, those are kept where the voltage or the error is highest or lowest.

    Raises:
        NotFoundError: There is no such trip that may be seen, or it was not predicted.
        WorkspaceError: The lake cannot be read.
    """
    trip, score = _trip(views, reach, number)
    steps = _steps(views, reach.vehicle_id, trip)
    if not steps.num_rows:
        raise _not_there(reach, number)
    times_us = micros(steps, SAMPLE_TIME)
    values = {name: numbers(steps, name) for name in _VALUES}
    gaps = gap_after(times_us)
    kept = _kept(values, gaps, points)
    time_s = (times_us[kept] - times_us[0]) / 1e6
    # A hole is a point without values, so that no line is drawn across it.
    holes = np.searchsorted(kept, gaps) + 1
    shown = {name: column(np.insert(found[kept], holes, np.nan)) for name, found in values.items()}
    scored = np.flatnonzero(np.asarray(steps.column("scored").to_numpy(zero_copy_only=False), dtype=bool))
    return Prediction(
        vehicle_id=reach.vehicle_id,
        trip=number,
        kind=trip["kind"],
        start=moment(int(times_us[0])),
        version=score.get("version_number") or 0,
        samples=len(times_us),
        scored_from_s=float((times_us[scored[0]] - times_us[0]) / 1e6) if len(scored) else 0.0,
        time_s=column(np.insert(time_s, holes, time_s[holes - 1]), 3),
        measured_v=shown["measured_v"],
        updated_v=shown["deployed_v"],
        updated_sd_v=shown["deployed_sd_v"],
        never_v=shown["never_v"],
        never_sd_v=shown["never_sd_v"],
        challenger_v=shown["challenger_v"],
        updated_rmse_v=score.get("deployed_rmse_v"),
        never_rmse_v=score.get("never_rmse_v"),
        challenger_rmse_v=score.get("challenger_rmse_v"),
    )


def _trip(views: Views, reach: Reach, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A trip that lies within the times that may be seen, and its score."""
    trips = records(views.rows.trips(reach.vehicle_id))
    trip = next((one for one in trips if one["number"] == number), None)
    if trip is None or not (holds(reach.span, trip["start_us"]) and holds(reach.span, trip["end_us"])):
        raise _not_there(reach, number)
    scores = records(views.rows.predictions(reach.vehicle_id))
    return trip, next((one for one in scores if one["trip_number"] == number), {})


def _steps(views: Views, vehicle_id: str, trip: dict[str, Any]) -> pa.Table:
    """The steps of a trip; files and groups of rows of other times are not opened."""
    steps = views.steps.rows(vehicle_id, trip["start_us"], trip["end_us"], _READ)
    return steps.filter(pc.equal(steps.column("trip_number"), trip["number"]))


def _kept(
    values: dict[str, FloatColumn], gaps: np.typing.NDArray[np.int64], points: int
) -> np.typing.NDArray[np.int64]:
    """Points to keep: both ends of gaps, and the extremes of the voltage and of the error."""
    measured, most = values["measured_v"], max(points - 3 * len(gaps), 8)
    if len(measured) <= most:
        return np.arange(len(measured), dtype=np.int64)
    error = values["deployed_v"] - measured
    chosen = (keep_extremes(measured, most // 2), keep_extremes(error, most // 2), gaps, gaps + 1)
    return np.unique(np.concatenate(chosen))


def _not_there(reach: Reach, number: int) -> NotFoundError:
    return NotFoundError(f"vehicle {reach.vehicle_id!r} has no predicted trip {number} that may be seen")
