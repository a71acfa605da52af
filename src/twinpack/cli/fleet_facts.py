"""What the commands about twins look up: vehicles by name, their errors and trips, and what to do when there are none.

Heavy modules are imported inside the functions, as in the commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twinpack.cli.options import DEFAULT_HOME
from twinpack.errors import NotFoundError
from twinpack.twin.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from twinpack.store.lake import Lake
    from twinpack.store.records import VehicleRecord
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace
    from twinpack.twin.versions import TwinVersion


@dataclass(frozen=True)
class Errors:
    """Median over scored trips of the RMSE of pack voltage, volts.

    Attributes:
        trips: Scored trips.
        with_updates_v: Of the version deployed when each trip began.
        without_updates_v: Of the prototype that was never updated.
    """

    trips: int = 0
    with_updates_v: float | None = None
    without_updates_v: float | None = None


@dataclass(frozen=True)
class Trips:
    """Driving and charging sessions.

    Attributes:
        count: How many.
        last_us: End of the last, microseconds since the epoch.
        drives: How many were drives.
        days: From the start of the first to that of the last.
        charge_ah: What flowed in them, either way.
    """

    count: int = 0
    last_us: int | None = None
    drives: int = 0
    days: float = 0.0
    charge_ah: float = 0.0

    def as_of_now(self, version: TwinVersion, capacity_ah: float | None) -> TwinVersion:
        """A version as it stands at the last session, gone on along its rates."""
        from twinpack.twin.figures import onward

        readings = {"sessions": self.drives - 1.0, "days": self.days}
        if capacity_ah:
            readings["throughput"] = self.charge_ah / capacity_ah
        reading, since = readings.get(str(version.evidence.get("clock"))), version.evidence.get("clock_at")
        return version if reading is None or since is None else onward(version, reading - float(since))


def find_vehicle(workspace: Workspace, registry: Registry, vehicle_id: str) -> VehicleRecord:
    """The vehicle of that name.

    Raises:
        NotFoundError: There is none; names those that are spelled alike, or what to do when there are none at all.
    """
    from difflib import get_close_matches

    known = {record.vehicle_id: record for record in registry.vehicles()}
    if vehicle_id in known:
        return known[vehicle_id]
    if not known:
        raise NotFoundError(f"no twin {vehicle_id!r}: {next_step(workspace, registry)}")
    folded = {name.casefold(): name for name in known}
    similar = [folded[name] for name in get_close_matches(vehicle_id.casefold(), folded, n=3)]
    hint = f"did you mean {' or '.join(similar)}?" if similar else f"{counted(len(known), 'vehicle')} known"
    raise NotFoundError(f"no vehicle {vehicle_id!r} here; {hint}; {command('twins', workspace.home)} lists all")


def next_step(workspace: Workspace, registry: Registry) -> str:
    """What to do in a workspace that has no twins yet."""
    from twinpack.ingest.log import open_log

    run = f"{command('run', workspace.home)} makes the twins"
    if open_log(workspace).end_offset == 0:
        return f"there is no telemetry here yet; {command('import PATH', workspace.home)} brings it in"
    if not any(model.kind == "prototype" for model in registry.models()):
        return f"there is telemetry but no model yet; {command('learn model', workspace.home)} fits one, then {run}"
    return f"there are no twins yet; {run}"


def not_looked(workspace: Workspace, registry: Registry) -> str:
    """What to do where telemetry waits of which nothing was ever folded, "" elsewhere."""
    from twinpack.ingest.log import open_log
    from twinpack.store.registry import MAIN_STREAM

    if registry.streams().get(MAIN_STREAM) or open_log(workspace).end_offset == 0:
        return ""
    return f"nobody has looked for faults here yet: {command('run --without-model', workspace.home)} does"


def command(text: str, home: Path) -> str:
    """A command to type, for this workspace."""
    return f"`twinpack {text}`" if home == DEFAULT_HOME else f"`twinpack {text} --home {home}`"


def errors_of(lake: Lake, vehicle: str | Sequence[str] | None = None) -> dict[str, Errors]:
    """Errors by vehicle, for those with scored trips."""
    import numpy as np

    from twinpack.store.tables import PREDICTIONS
    from twinpack.views.columns import by_vehicle, numbers

    columns = ["vehicle_id", "deployed_rmse_v", "never_rmse_v"]
    found = {}
    for name, table in by_vehicle(lake.read(PREDICTIONS, columns, vehicle=vehicle)):
        updated, never = numbers(table, "deployed_rmse_v"), numbers(table, "never_rmse_v")
        scored = np.isfinite(updated) & np.isfinite(never)
        if scored.any():
            found[name] = Errors(int(scored.sum()), float(np.median(updated[scored])), float(np.median(never[scored])))
    return found


def trips_of(lake: Lake, vehicle: str | Sequence[str] | None = None) -> dict[str, Trips]:
    """Sessions by vehicle; rests are left out."""
    import pyarrow.compute as pc

    from twinpack.store.tables import TRIPS

    columns = ["vehicle_id", "kind", "start_us", "end_us", "ah_in", "ah_out"]
    rows = lake.read(TRIPS, columns, [("kind", "!=", "resting")], vehicle)
    rows = rows.append_column("drives", pc.cast(pc.equal(rows.column("kind"), "driving"), "int64"))
    sums = [("end_us", "count"), ("end_us", "max"), ("start_us", "min"), ("start_us", "max")]
    grouped = rows.group_by("vehicle_id").aggregate([*sums, *((name, "sum") for name in ("drives", "ah_in", "ah_out"))])
    return {
        row["vehicle_id"]: Trips(
            count=row["end_us_count"],
            last_us=row["end_us_max"],
            drives=row["drives_sum"] or 0,
            days=((row["start_us_max"] or 0) - (row["start_us_min"] or 0)) / 86_400e6,
            charge_ah=(row["ah_in_sum"] or 0.0) + (row["ah_out_sum"] or 0.0),
        )
        for row in grouped.to_pylist()
    }


def day(time_us: int | None) -> str:
    """The day of a moment, UTC."""
    return "not known yet" if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC).date().isoformat()


def moment(time_us: int | None) -> datetime | None:
    """A moment as JSON shows it."""
    return None if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC)


def doubled(sd: float | None) -> float | None:
    """Two standard deviations."""
    return None if sd is None else 2.0 * sd
