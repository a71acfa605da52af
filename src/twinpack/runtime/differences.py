"""What late samples would have made different in one vehicle's past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.fleet.events import VERSION, Event
from twinpack.runtime.arrivals import LateRows
from twinpack.store.registry import Registry
from twinpack.store.tables import OFFSET, PREDICTIONS, TRIPS, rows_of
from twinpack.store.workspace import Workspace
from twinpack.twin.figures import standard_deviations
from twinpack.twin.versions import REFUSED, TwinVersion

_OWN = ("number", "trip_number", "version_number", OFFSET)
"""Columns that count on from what came before, and so are no difference in themselves."""


@dataclass(frozen=True)
class FigureDifference:
    """A deployed parameter as it is, and as it would be, each with its standard deviation."""

    name: str
    before: float
    before_sd: float
    after: float
    after_sd: float


@dataclass(frozen=True)
class VehicleDifference:
    """What is different of a vehicle.

    Attributes:
        vehicle_id: The vehicle.
        late: Samples that came late.
        first_late_us: Sample time of the first of them, microseconds since the epoch.
        last_late_us: Sample time of the last.
        versions_before: Versions that are recorded for the rows replayed.
        versions_after: Versions that came of them.
        versions_same: How many of them, from the first on, are the same.
        trips_added: Starts of trips that were not there, microseconds since the epoch.
        trips_removed: Starts of trips that are no more.
        trips_changed: Starts of trips that are longer, or have other figures.
        predictions_changed: How many trips have other scores, or another decision.
        rmse_before_v: Mean error of the deployed version over the trips scored, volts; None without any.
        rmse_after_v: The same with the late samples in place.
        figures: Deployed parameters.
    """

    vehicle_id: str
    late: int
    first_late_us: int
    last_late_us: int
    versions_before: int
    versions_after: int
    versions_same: int
    trips_added: tuple[int, ...]
    trips_removed: tuple[int, ...]
    trips_changed: tuple[int, ...]
    predictions_changed: int
    rmse_before_v: float | None
    rmse_after_v: float | None
    figures: tuple[FigureDifference, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is different."""
        versions = self.versions_before == self.versions_after == self.versions_same
        trips = self.trips_added or self.trips_removed or self.trips_changed or self.predictions_changed
        return bool(trips) or not versions


def difference(
    workspace: Workspace,
    registry: Registry,
    vehicle_id: str,
    late: LateRows,
    rows: tuple[int, int],
    events: Sequence[Event],
) -> VehicleDifference:
    """Compare what a replay gave for a vehicle with what is recorded.

    Args:
        workspace: Where the lake is.
        registry: Its open registry.
        vehicle_id: The vehicle.
        late: Its late samples.
        rows: Offsets of the rows replayed, from and to before.
        events: What came of them.
    """
    chain = [row for row in registry.version_rows(vehicle_id) if row.offset < rows[1]]
    recorded = [row.version() for row in chain if row.offset >= rows[0]]
    earlier = [row.version() for row in chain if row.offset < rows[0]]
    given = [event.body for event in events if event.kind == VERSION]
    trips = _compared(_recorded(workspace, TRIPS, vehicle_id, rows), rows_of(TRIPS, events))
    before, after = _recorded(workspace, PREDICTIONS, vehicle_id, rows), rows_of(PREDICTIONS, events)
    return VehicleDifference(
        vehicle_id=vehicle_id,
        late=late.rows,
        first_late_us=late.first_us,
        last_late_us=late.last_us,
        versions_before=len(recorded),
        versions_after=len(given),
        versions_same=_same(recorded, given),
        trips_added=trips[0],
        trips_removed=trips[1],
        trips_changed=trips[2],
        predictions_changed=sum(map(len, _compared(before, after))),
        rmse_before_v=_mean_error(before),
        rmse_after_v=_mean_error(after),
        figures=_figures(_deployed([*earlier, *recorded]), _deployed([*earlier, *given])),
    )


def _recorded(workspace: Workspace, name: str, vehicle_id: str, rows: tuple[int, int]) -> pa.Table:
    table = workspace.lake().read(name, vehicle=vehicle_id)
    offset = table.column(OFFSET)
    return table.filter(pc.and_(pc.greater_equal(offset, rows[0]), pc.less(offset, rows[1])))


def _compared(before: pa.Table, after: pa.Table) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Starts of what was added, removed and changed."""
    was, now = _by_start(before), _by_start(after)
    changed = (start for start in was.keys() & now.keys() if was[start] != now[start])
    return tuple(sorted(now.keys() - was.keys())), tuple(sorted(was.keys() - now.keys())), tuple(sorted(changed))


def _by_start(table: pa.Table) -> dict[int, str]:
    kept = [name for name in table.column_names if name not in _OWN]
    # As text, in which a missing number (NaN) is the same as itself.
    return {row["start_us"]: repr(row) for row in table.select(kept).to_pylist()}


def _same(recorded: Sequence[TwinVersion], given: Sequence[TwinVersion]) -> int:
    pairs = zip(recorded, given, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0].hash == pair[1].hash, pairs))


def _mean_error(predictions: pa.Table) -> float | None:
    errors = predictions.column("deployed_rmse_v").to_numpy(zero_copy_only=False).astype(np.float64)
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else None


def _deployed(versions: Sequence[TwinVersion]) -> TwinVersion | None:
    return next((version for version in reversed(versions) if version.kind != REFUSED), None)


def _figures(before: TwinVersion | None, after: TwinVersion | None) -> tuple[FigureDifference, ...]:
    if before is None or after is None or before.parameters != after.parameters:
        return ()
    columns = (before.parameters, before.mean, standard_deviations(before), after.mean, standard_deviations(after))
    return tuple(FigureDifference(*each) for each in zip(*columns, strict=True))
