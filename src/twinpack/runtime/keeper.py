"""What a fold gave, kept: registry at once, signed heads and lake when flushed, the state in snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.detect.findings import RAISED
from twinpack.fleet.commands import registers
from twinpack.fleet.detection import latest_faults
from twinpack.fleet.events import FINDING, PREDICTION, STEPS, TRIP, VERSION, Event
from twinpack.fleet.state import ShardState
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.snapshots import Snapshots
from twinpack.store.tables import PREDICTION_STEPS, PREDICTIONS, TABLES, TRIPS, rows_of
from twinpack.store.workspace import Workspace
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import SampleBatch
from twinpack.twin.versions import ACCEPTED, MEASURED, REFUSED

ALARM = "alarm"
"""What a finding of that level which was raised is counted as."""
COUNTED = (TRIP, PREDICTION, VERSION, ACCEPTED, REFUSED, MEASURED, ALARM)
_COMPACT_AT = 64
TOLD_AGAIN_US = 30_000_000
"""The latest state of a vehicle of which nothing else is to tell follows its samples at such a distance."""


class Keeper:
    """Keeps the outcome of batch after batch.

    The registry is the first to know, in one transaction a batch. Heads and lake may follow later, many batches at
    once, as each write to a table of the lake makes a file; they recognise what they have. A snapshot is saved only
    after a flush: wherever a run is cut off, the next one folds on from rows whose outcome is whole.

    Attributes:
        counts: How many events of each kind of `COUNTED` were committed.
        waiting_rows: Rows for the lake that wait for a flush.
    """

    def __init__(self, workspace: Workspace, registry: Registry) -> None:
        """Keep in a workspace; `registry` is its open one."""
        self._registry = registry
        self._lake = workspace.lake()
        self._keep_replaced_h = workspace.settings.lake.keep_replaced_h
        self._heads = workspace.heads()
        self._snapshots: Snapshots = workspace.snapshots(registry)
        self._waiting: list[Event] = []
        self._told_us = np.zeros(0, dtype=np.int64)
        self._end = 0
        self.waiting_rows = 0
        self.counts = dict.fromkeys(COUNTED, 0)

    def commit(self, state: ShardState, batch: SampleBatch, events: Sequence[Event]) -> None:
        """Keep a batch in the registry; its rows for the lake wait for `flush`.

        Repeating a commit that failed is harmless.
        """
        self._registry.fleet.keep_packs(_specifications(batch))
        touched = {event.vehicle_id for event in events if event.vehicle_id} | _registered(batch)
        touched |= {state.vehicle_ids[lane] for lane in self._behind(state)}
        self._registry.commit_batch(
            MAIN_STREAM, batch.first_offset, batch.end_offset, events, _latest(state, touched), _records(state, batch)
        )
        self._waiting += events
        self._end = batch.end_offset
        self.waiting_rows += sum(len(event.body.columns["vehicle"]) if event.kind == STEPS else 1 for event in events)
        for event in events:
            for kind in _kinds(event):
                if kind in self.counts:
                    self.counts[kind] += 1

    def _behind(self, state: ShardState) -> list[int]:
        """Lanes whose latest state is that of a while ago: charge and time of a twin go on within a trip, too."""
        newest = state.steps.newest_us
        self._told_us = np.concatenate([self._told_us, np.zeros(len(newest) - len(self._told_us), dtype=np.int64)])
        lanes = np.flatnonzero(newest > self._told_us + TOLD_AGAIN_US)
        self._told_us[lanes] = newest[lanes]
        return lanes.tolist()

    def flush(self) -> None:
        """Sign the heads and append to the lake what waits."""
        if self._waiting:
            self._heads.sign(self._waiting, self._end)
            for name in (TRIPS, PREDICTIONS):
                self._lake.append(name, rows_of(name, self._waiting), self._end)
            self._lake.append(PREDICTION_STEPS, _step_rows(self._waiting), self._end)
        self._waiting, self.waiting_rows = [], 0

    def save(self, state: ShardState, offset: int) -> None:
        """Flush, then save the state at a log offset, before which everything is committed."""
        self.flush()
        self._snapshots.save(state.to_bytes(), offset)

    def tidy(self) -> None:
        """Join small files of the lake."""
        for name in (TRIPS, PREDICTIONS, PREDICTION_STEPS):
            self._lake.compact(name, min_files=_COMPACT_AT, keep_hours=self._keep_replaced_h)


def _kinds(event: Event) -> tuple[str, ...]:
    """What an event is counted as."""
    if event.kind == VERSION:
        return event.kind, event.body.kind
    if event.kind == FINDING and event.body.change == RAISED:
        return (event.body.level,)
    return (event.kind,)


def _registered(batch: SampleBatch) -> set[str]:
    return {body["vehicle"] for _, body in batch.commands if registers(body)}


def _specifications(batch: SampleBatch) -> set[str]:
    """Packs that a batch registers vehicles with and that are not shipped: the log holds the text, not a name."""
    packs = {body["pack"] for _, body in batch.commands if registers(body)}
    return {pack for pack in packs if pack != load_pack(pack).name}


def _records(state: ShardState, batch: SampleBatch) -> list[VehicleRecord]:
    """Vehicles registered in a batch; one that was registered before keeps its pack, whatever it is called now."""
    records = []
    packs = dict(zip(state.vehicle_ids, state.packs, strict=True)) if batch.commands else {}
    for row, body in batch.commands:
        if registers(body):
            pack = load_pack(packs.get(body["vehicle"], body["pack"])).name
            prototype = state.prototypes.get(pack)
            seen = int(batch.sample_time_us[row])
            records.append(VehicleRecord(body["vehicle"], pack, prototype.model_hash if prototype else "", seen))
    return records


def _latest(state: ShardState, vehicles: set[str]) -> dict[str, dict[str, Any]]:
    """Latest state of some vehicles, for people and the API."""
    lanes = {name: lane for lane, name in enumerate(state.vehicle_ids) if name in vehicles}
    faults = latest_faults(state, lanes)
    found: dict[str, dict[str, Any]] = {name: {} for name in lanes}
    for name in faults:  # a vehicle has these from its first sample on, a twin once there is a model
        lane = lanes[name]
        if (newest := int(state.steps.newest_us[lane])) != NEVER:
            found[name] = {
                "last_seen_us": newest,
                "late_samples": int(state.steps.late[lane]),
                "repeated_samples": int(state.steps.repeated[lane]),
            }
    wanted = {lane: name for name, lane in lanes.items()}
    for group in state.groups.values():
        for at in np.flatnonzero(np.isin(group.members, list(wanted)) & (group.state.version > 0)).tolist():
            lane = int(group.members[at])
            values = dict(zip(group.twins.names, group.state.deployed_mean[:, at].tolist(), strict=True))
            # Twins of routes have no dynamic state: they do not know a charge.
            charge = {"soc": float(group.state.shadow_mean[0, at])} if group.twins.states else {}
            found[wanted[lane]] |= charge | {
                "last_seen_us": int(group.state.last_us[at]),
                "version": int(group.state.version[at]),
                "deployed_version": int(group.state.deployed_version[at]),
                "parameters": values,
                "late_samples": int(state.steps.late[lane]),
                "repeated_samples": int(state.steps.repeated[lane]),
            }
    for name, known in faults.items():
        found[name]["faults"] = known
    return {name: body for name, body in found.items() if body}


def _step_rows(events: Sequence[Event]) -> pa.Table:
    schema = TABLES[PREDICTION_STEPS].schema
    tables = [_step_table(event.body, schema) for event in events if event.kind == STEPS]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _step_table(body: Any, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name == "vehicle_id":
            index = pa.array(body.columns["vehicle"])
            columns.append(pa.DictionaryArray.from_arrays(index, pa.array(body.vehicle_ids)).cast(pa.string()))
        elif field.name == "sample_time":
            columns.append(pa.array(body.columns[field.name], pa.int64()).cast(field.type))
        else:
            values = body.columns[field.name]
            floats = pa.types.is_floating(field.type)
            columns.append(pa.array(values.astype(np.float32) if floats else values, field.type, from_pandas=floats))
    return pa.Table.from_arrays(columns, schema=schema)
