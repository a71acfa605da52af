"""The loop that feeds the fold from the log and commits events and offset together.

Killed at any moment and started again, it ends with the same versions, hash for hash: it folds on from the last
snapshot, and what was committed before is recognised.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.errors import WorkspaceVersionError
from twinpack.filters import Filter, Model, compile
from twinpack.fleet.commands import registers
from twinpack.fleet.events import PREDICTION, STEPS, TRIP, VERSION, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import ShardState
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.threads import Behind, read_ahead
from twinpack.runtime.genesis import first_state
from twinpack.runtime.stages import COMMIT, COMPACT, FOLD, READ, SNAPSHOT, Stages
from twinpack.runtime.timed import timed
from twinpack.store.lake import Lake
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.snapshots import Snapshots
from twinpack.store.tables import PREDICTION_STEPS, PREDICTIONS, TABLES, TRIPS, rows_of
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.steps import STEP_SIGNALS
from twinpack.twin.settings import Policy
from twinpack.twin.versions import ACCEPTED, REFUSED

Tell = Callable[[int, int], None]
"""Called with rows folded and rows to fold."""

_COMPACT_AT = 64


@dataclass(frozen=True)
class RunSummary:
    """What a run did: rows of the log folded, and what came of them; notes are for people."""

    rows: int
    trips: int
    predictions: int
    accepted: int
    refused: int
    versions: int
    late: int
    repeated: int
    unknown: int
    vehicles: int
    without_model: tuple[str, ...]
    notes: tuple[str, ...] = ()


def run(
    workspace: Workspace, *, policy: Policy | None = None, tell: Tell | None = None, stages: Stages | None = None
) -> RunSummary:
    """Fold everything in the log that was not folded yet.

    Args:
        workspace: Where log, registry and lake are; another run on it is refused.
        policy: When trips propose updates, instead of the settings; only a first run may choose.
        tell: Progress.
        stages: Counts what reading, folding and writing take.

    Raises:
        WorkspaceBusyError: Another process runs on the workspace.
        NotFoundError: No model was learned for its packs.
    """
    with workspace.runtime_lock(), workspace.registry() as registry:
        runner = _Runner(workspace, registry, stages or Stages())
        return runner.run(policy, tell or (lambda done, total: None))


class _Runner:
    """One run on one workspace."""

    def __init__(self, workspace: Workspace, registry: Registry, stages: Stages) -> None:
        self._workspace = workspace
        self._stages = stages
        self._registry = registry
        self._log = SegmentLog(workspace.log_dir)
        self._lake: Lake = workspace.lake()
        self._heads = workspace.heads()
        self._snapshots: Snapshots = workspace.snapshots(registry)
        self._counts = dict.fromkeys((TRIP, PREDICTION, VERSION, ACCEPTED, REFUSED), 0)

    def run(self, policy: Policy | None, tell: Tell) -> RunSummary:
        state, start, notes = self._state(policy)
        total = self._log.end_offset - start
        settings = self._workspace.settings.runtime
        offset = saved = start
        # One batch is read and one is written while another is folded; no more are under way.
        with Behind() as behind, closing(read_ahead(self._batches(start, settings.batch_rows))) as batches:
            while (batch := self._next(batches)) is not None:
                with self._stages.within(FOLD):
                    state, events = fold(state, batch)
                offset = batch.end_offset
                with self._stages.within(COMMIT):
                    behind.do(self._commit, state, batch, events)
                if offset - saved >= settings.snapshot_every_rows:
                    self._save(behind, state, offset)
                    saved = offset
                tell(offset - start, max(total, offset - start))
            if offset > saved:
                self._save(behind, state, offset)
                self._tidy()
        return self._summary(state, offset - start, notes)

    def _batches(self, start: int, rows: int) -> Iterator[SampleBatch]:
        for first, table in self._log.read(start, rows, STEP_SIGNALS):
            yield SampleBatch.from_arrow(table, first)

    def _next(self, batches: Iterator[SampleBatch]) -> SampleBatch | None:
        with self._stages.within(READ):
            return next(batches, None)

    def _state(self, policy: Policy | None) -> tuple[ShardState, int, tuple[str, ...]]:
        artifacts = self._workspace.artifacts(self._registry)
        make = timed(_on_every_core, self._stages)
        state = first_state(self._registry, artifacts, self._workspace.settings, policy, self._packs, make)
        loaded = self._snapshots.load_newest()
        if loaded.data is None:
            return state, 0, loaded.skipped
        try:
            return ShardState.from_bytes(loaded.data, make), loaded.offset, loaded.skipped
        except ValueError as error:
            raise WorkspaceVersionError(
                f"the saved state of {self._workspace.home} cannot be gone on from ({error}): another release computed "
                "its twins. Import the same files into a new workspace and run there"
            ) from error

    def _packs(self) -> set[str]:
        return {body["pack"] for body in map(json.loads, self._log.commands()) if registers(body)}

    def _commit(self, state: ShardState, batch: SampleBatch, events: Sequence[Event]) -> None:
        """Registry first, in one transaction; lake and signed heads recognise what they have.

        Batches are committed one after the other, and a snapshot is saved only when its batch was: wherever a run is
        cut off, the next one folds on from rows whose outcome is whole.
        """
        touched = {event.vehicle_id for event in events if event.vehicle_id} | _registered(batch)
        self._registry.commit_batch(
            MAIN_STREAM, batch.first_offset, batch.end_offset, events, _latest(state, touched), _records(state, batch)
        )
        self._heads.sign(events, batch.end_offset)
        for name in (TRIPS, PREDICTIONS):
            self._lake.append(name, rows_of(name, events), batch.end_offset)
        steps = _step_rows(events)
        if steps.num_rows:
            self._lake.append(PREDICTION_STEPS, steps, batch.end_offset)
        for event in events:
            if event.kind in self._counts:
                self._counts[event.kind] += 1
            if event.kind == VERSION and event.body.kind in self._counts:
                self._counts[event.body.kind] += 1

    def _save(self, behind: Behind, state: ShardState, offset: int) -> None:
        """Save the state once everything before it is committed."""
        with self._stages.within(COMMIT):
            behind.wait()
        with self._stages.within(SNAPSHOT):
            self._snapshots.save(state.to_bytes(), offset)

    def _tidy(self) -> None:
        with self._stages.within(COMPACT):
            for name in (TRIPS, PREDICTIONS, PREDICTION_STEPS):
                self._lake.compact(name, min_files=_COMPACT_AT)

    def _summary(self, state: ShardState, rows: int, notes: tuple[str, ...]) -> RunSummary:
        covered = {int(lane) for group in state.groups.values() for lane in group.members}
        return RunSummary(
            rows=rows,
            trips=self._counts[TRIP],
            predictions=self._counts[PREDICTION],
            accepted=self._counts[ACCEPTED],
            refused=self._counts[REFUSED],
            versions=self._counts[VERSION],
            late=int(state.steps.late.sum()),
            repeated=int(state.steps.repeated.sum()),
            unknown=state.unknown,
            vehicles=len(state.vehicle_ids),
            without_model=tuple(name for lane, name in enumerate(state.vehicle_ids) if lane not in covered),
            notes=notes,
        )


def _on_every_core(model: Model, *, alpha: float = 1.0) -> Filter:
    """The filter of a model, its vehicles shared by as many threads as this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return compile(model, alpha=alpha, threads=cores)


def _registered(batch: SampleBatch) -> set[str]:
    return {body["vehicle"] for _, body in batch.commands if registers(body)}


def _records(state: ShardState, batch: SampleBatch) -> list[VehicleRecord]:
    """Vehicles registered in a batch."""
    records = []
    for row, body in batch.commands:
        if registers(body):
            pack = load_pack(body["pack"]).name
            prototype = state.prototypes.get(pack)
            seen = int(batch.sample_time_us[row])
            records.append(VehicleRecord(body["vehicle"], pack, prototype.model_hash if prototype else "", seen))
    return records


def _latest(state: ShardState, vehicles: set[str]) -> dict[str, dict[str, Any]]:
    """Latest state of some vehicles, for people and the API."""
    found: dict[str, dict[str, Any]] = {}
    for group in state.groups.values():
        for at, lane in enumerate(group.members):
            vehicle = state.vehicle_ids[int(lane)]
            if vehicle in vehicles and group.state.version[at]:
                values = dict(zip(group.twins.names, group.state.deployed_mean[:, at].tolist(), strict=True))
                found[vehicle] = {
                    "last_seen_us": int(group.state.last_us[at]),
                    "soc": float(group.state.shadow_mean[0, at]),
                    "version": int(group.state.version[at]),
                    "deployed_version": int(group.state.deployed_version[at]),
                    "parameters": values,
                    "late_samples": int(state.steps.late[lane]),
                    "repeated_samples": int(state.steps.repeated[lane]),
                }
    return found


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
