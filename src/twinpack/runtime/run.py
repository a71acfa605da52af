"""The loop that feeds the fold from the log and commits events and offset together.

Killed at any moment and started again, it ends with the same versions, hash for hash: it folds on from the last
snapshot, and what was committed before is recognised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from twinpack.errors import WorkspaceVersionError
from twinpack.filters import Filter, Model, compile
from twinpack.fleet.events import PREDICTION, TRIP, VERSION, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import ShardState
from twinpack.ingest.log import SegmentLog, open_log
from twinpack.ingest.threads import Behind, read_ahead
from twinpack.runtime.features import build_features
from twinpack.runtime.genesis import first_state
from twinpack.runtime.keeper import ALARM, Keeper
from twinpack.runtime.lake import build_telemetry
from twinpack.runtime.models import give_models, registered_packs
from twinpack.runtime.stages import COMMIT, COMPACT, FOLD, LAKE, READ, SNAPSHOT, Stages
from twinpack.runtime.timed import timed
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.twin.settings import Policy
from twinpack.twin.versions import ACCEPTED, MEASURED, REFUSED

Tell = Callable[[int, int], None]
"""Called with rows folded and rows to fold."""


class ReadableLog(Protocol):
    """A log that can be folded: sealed segments, or those with what a gateway has made durable since."""

    @property
    def end_offset(self) -> int:
        """Offset the next row will have."""
        ...

    def read(
        self, start: int = 0, max_rows: int = ..., signals: Sequence[str] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Rows from an offset on, with the offset of the first of each table."""
        ...


@dataclass(frozen=True)
class RunSummary:
    """What a run did: rows of the log folded, and what came of them; notes are for people.

    `alarms` counts findings of level `alarm` that were raised, first or again.
    """

    rows: int
    trips: int
    predictions: int
    accepted: int
    refused: int
    versions: int
    alarms: int
    late: int
    repeated: int
    unknown: int
    vehicles: int
    without_model: tuple[str, ...]
    notes: tuple[str, ...] = ()
    measured: int = 0


def run(
    workspace: Workspace,
    *,
    policy: Policy | None = None,
    tell: Tell | None = None,
    stages: Stages | None = None,
    without_model: bool = False,
) -> RunSummary:
    """Fold everything in the log that was not folded yet, and bring its samples to the lake.

    Args:
        workspace: Where log, registry and lake are; another run on it is refused.
        policy: When trips propose updates, instead of the settings; only a first run may choose.
        tell: Progress.
        stages: Counts what reading, folding and writing take.
        without_model: Whether to find faults though no model was learned for any pack.

    Raises:
        WorkspaceBusyError: Another process runs on the workspace.
        NotFoundError: No model was learned for its packs.
    """
    with workspace.runtime_lock(), workspace.registry() as registry:
        clock = stages or Stages()
        runner = _Runner(workspace, registry, clock, without_model)
        summary = runner.run(policy, tell or (lambda done, total: None))
        with clock.within(LAKE):
            build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
            build_features(workspace, registry)
        return summary


class _Runner:
    """One run on one workspace."""

    def __init__(self, workspace: Workspace, registry: Registry, stages: Stages, without_model: bool) -> None:
        self._without_model = without_model
        self._workspace = workspace
        self._registry = registry
        self._stages = stages
        self._log = open_log(workspace)
        self._keeper = Keeper(workspace, registry)

    def run(self, policy: Policy | None, tell: Tell) -> RunSummary:
        state, start, notes = recovered(
            self._workspace, self._registry, self._log, policy, self._stages, without_model=self._without_model
        )
        give_models(self._workspace, self._registry, self._log)
        total = self._log.end_offset - start
        settings = self._workspace.settings.runtime
        offset = saved = start
        # One batch is read and one is written while another is folded; no more are under way.
        with Behind() as behind, closing(read_ahead(batches(self._log, start, settings.batch_rows))) as coming:
            while (batch := self._next(coming)) is not None:
                with self._stages.within(FOLD):
                    state, events = fold(state, batch)
                offset = batch.end_offset
                with self._stages.within(COMMIT):
                    behind.do(self._keep, state, batch, events)
                if offset - saved >= settings.snapshot_every_rows:
                    self._save(behind, state, offset)
                    saved = offset
                tell(offset - start, max(total, offset - start))
            if offset > saved:
                self._save(behind, state, offset)
                with self._stages.within(COMPACT):
                    self._keeper.tidy()
        return self._summary(state, offset - start, notes)

    def _next(self, coming: Iterator[SampleBatch]) -> SampleBatch | None:
        with self._stages.within(READ):
            return next(coming, None)

    def _keep(self, state: ShardState, batch: SampleBatch, events: Sequence[Event]) -> None:
        self._keeper.commit(state, batch, events)
        self._keeper.flush()

    def _save(self, behind: Behind, state: ShardState, offset: int) -> None:
        """Save the state once everything before it is committed."""
        with self._stages.within(COMMIT):
            behind.wait()
        with self._stages.within(SNAPSHOT):
            self._keeper.save(state, offset)

    def _summary(self, state: ShardState, rows: int, notes: tuple[str, ...]) -> RunSummary:
        covered = {int(lane) for group in state.groups.values() for lane in group.members}
        counts = self._keeper.counts
        return RunSummary(
            rows=rows,
            trips=counts[TRIP],
            predictions=counts[PREDICTION],
            accepted=counts[ACCEPTED],
            refused=counts[REFUSED],
            versions=counts[VERSION],
            alarms=counts[ALARM],
            late=int(state.steps.late.sum()),
            repeated=int(state.steps.repeated.sum()),
            unknown=state.unknown,
            vehicles=len(state.vehicle_ids),
            without_model=tuple(name for lane, name in enumerate(state.vehicle_ids) if lane not in covered),
            notes=notes,
            measured=counts[MEASURED],
        )


def recovered(
    workspace: Workspace,
    registry: Registry,
    log: SegmentLog,
    policy: Policy | None,
    stages: Stages,
    *,
    without_model: bool = False,
) -> tuple[ShardState, int, tuple[str, ...]]:
    """The state to fold on from: that of the newest usable snapshot, else the one before the first row.

    Returns:
        The state, the log offset it stands at, and what people should know.

    Raises:
        NotFoundError: No model was learned for the packs of a workspace that has not run yet.
        WorkspaceVersionError: Another release saved the state.
    """
    make = timed(on_every_core, stages)
    artifacts, settings = workspace.artifacts(registry), workspace.settings

    def packs() -> set[str]:
        return registered_packs(log)

    state = first_state(registry, artifacts, settings, policy, packs, make, without_model=without_model)
    loaded = workspace.snapshots(registry).load_newest()
    if loaded.data is None:
        return state, 0, loaded.skipped
    try:
        return ShardState.from_bytes(loaded.data, make), loaded.offset, loaded.skipped
    except ValueError as error:
        raise WorkspaceVersionError(
            f"the saved state of {workspace.home} cannot be gone on from ({error}): another release computed its "
            "twins. Import the same files into a new workspace and run there"
        ) from error


def batches(log: ReadableLog, start: int, rows: int) -> Iterator[SampleBatch]:
    """The rows of a log from an offset to its present end, so many at a time."""
    for first, table in log.read(start, rows):
        yield SampleBatch.from_arrow(table, first)


def on_every_core(model: Model, *, alpha: float = 1.0) -> Filter:
    """The filter of a model, its vehicles shared by as many threads as this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return compile(model, alpha=alpha, threads=cores)
