"""Replay: fold the past again with late samples in place, tell what would have been different, and add it as versions.

Nothing that is recorded changes. Where nothing came late, the fold must give again what it gave, hash for hash. What
came late makes a difference report; applied, its outcome becomes a command in the log for each vehicle that differs.
Folding that row deploys the outcome as a new version, so a later fold from the first row gives the same chain.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from twinpack.errors import CheckError, NotFoundError, WorkspaceError
from twinpack.fleet.commands import REPLAY
from twinpack.fleet.events import STEPS, VERSION, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import Group, ShardState
from twinpack.ingest.log import open_log
from twinpack.runtime.arrivals import Found, LateRows, find_late, in_place, rearranged
from twinpack.runtime.differences import VehicleDifference, difference
from twinpack.runtime.genesis import KEY, first_state
from twinpack.runtime.run import on_every_core, run
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import command_rows
from twinpack.twin.orders import learned, resumable
from twinpack.twin.settings import Policy

Tell = Callable[[int, int], None]
"""Called with rows folded and rows to fold."""


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found.

    Attributes:
        from_us: Sample time from which late samples were put in place, microseconds since the epoch.
        base_offset: Log offset of the state it began with: a snapshot's, or 0.
        end_offset: Log offset it ended at: what the newest snapshot holds.
        rows: Rows folded.
        events: Trips, predictions and versions that came of them.
        versions: Versions among them.
        unfolded: Rows behind it that no run has folded and saved yet.
        older: Late samples from before `from_us`; they stay out.
        settled: Late samples whose replay was applied before.
        vehicles: Vehicles with late samples, by name, and what is different.
        unexpected: Vehicles without late samples that did not come out the same.
        applied: Vehicles whose outcome was added as a version.
        notes: For people.
    """

    from_us: int
    base_offset: int
    end_offset: int
    rows: int
    events: int
    versions: int
    unfolded: int
    older: int
    settled: int
    vehicles: tuple[VehicleDifference, ...]
    unexpected: tuple[str, ...]
    applied: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[VehicleDifference, ...]:
        """Vehicles that late samples would have made different."""
        return tuple(one for one in self.vehicles if one.changed)

    @property
    def same(self) -> bool:
        """Whether the past comes out as it was recorded."""
        return not self.changed and not self.unexpected


def replay(
    workspace: Workspace, from_us: int, *, apply: bool = False, policy: Policy | None = None, tell: Tell | None = None
) -> ReplayReport:
    """Fold again what was folded, with late samples from a time on in place.

    Args:
        workspace: Where log, registry and lake are.
        from_us: Sample time from which late samples are put in place, microseconds since the epoch.
        apply: Whether to add what is different as new versions; a second time adds nothing.
        policy: As for `run`.
        tell: Progress.

    Raises:
        NotFoundError: No run has folded anything yet.
        WorkspaceError: The rows needed were retired; or there are rows to fold before an outcome can be applied.
        WorkspaceBusyError: To be applied while another process runs on the workspace.
        CheckError: To be applied while vehicles without late samples do not come out the same.
    """
    with ExitStack() as stack:
        if apply:
            stack.enter_context(workspace.runtime_lock())
        registry = stack.enter_context(workspace.registry())
        work = _Replay(workspace, registry, policy)
        report, orders = work.run(from_us, tell or (lambda done, total: None))
        if not apply or not orders:
            return report
        work.append(report, orders)
    run(workspace, policy=policy)
    return replace(report, applied=tuple(order["vehicle"] for order in orders))


class _Replay:
    """One replay on one workspace."""

    def __init__(self, workspace: Workspace, registry: Registry, policy: Policy | None) -> None:
        self._workspace = workspace
        self._registry = registry
        self._policy = policy
        self._log = open_log(workspace)

    def run(self, from_us: int, tell: Tell) -> tuple[ReplayReport, list[dict[str, Any]]]:
        """What is different, and the commands that would make it so."""
        saved = self._registry.snapshots()
        if not saved or self._registry.genesis(KEY) is None:
            raise NotFoundError(
                "nothing was folded here yet, or its state is not saved: `twinpack run` does both; `twinpack serve` "
                "saves every ten minutes, and when it stops"
            )
        end = saved[0].offset
        state, base, found = self._begin(from_us, end)
        outcome = _Outcome(self._registry, set(found.late))
        after = self._fold(state, base, end, found, outcome, tell)
        differences = tuple(
            difference(self._workspace, self._registry, name, found.late[name], (base, end), outcome.events[name])
            for name in sorted(found.late)
        )
        orders, notes = self._orders(after, found, [one for one in differences if one.changed], outcome)
        report = ReplayReport(
            from_us=found.from_us,
            base_offset=base,
            end_offset=end,
            rows=end - base,
            events=outcome.count,
            versions=outcome.versions,
            unfolded=self._log.end_offset - end,
            older=found.older,
            settled=found.settled,
            vehicles=differences,
            unexpected=self._unexpected(after, base, end, outcome, set(found.late)),
            notes=tuple(notes),
        )
        return report, orders

    def append(self, report: ReplayReport, orders: Sequence[dict[str, Any]]) -> None:
        """Append the commands, all in one segment.

        Raises:
            WorkspaceError: There are rows that no run has folded.
            CheckError: What is recorded does not come out again.
        """
        if report.unexpected:
            raise CheckError(
                f"not applied: {_some(report.unexpected)} came out otherwise though nothing came late; another release "
                "or machine recorded them"
            )
        if report.unfolded or self._registry.offset() != report.end_offset:
            raise WorkspaceError(
                f"not applied: the log holds {report.unfolded:,} rows that no run has folded yet; `twinpack run` first"
            )
        asked_at = datetime.now(UTC)
        # Wall-clock time may be years after the data: it would look like silence. It is kept for people, in the row.
        at_us = self._log.last_receipt_us()
        texts = [json.dumps({**order, "asked_at": asked_at.isoformat(timespec="seconds")}) for order in orders]
        names = [order["vehicle"] for order in orders]
        self._log.append([command_rows(names, [at_us] * len(names), texts)], {"source": "replay"})

    def _begin(self, from_us: int, end: int) -> tuple[ShardState, int, Found]:
        """Where to fold on from, and what came late since; an earlier replay that is done over moves it back."""
        while True:
            state, base = self._base(from_us, end)
            found = find_late(self._log, state, base, end, from_us)
            if found.from_us == from_us:
                return state, base, found
            from_us = found.from_us

    def _base(self, from_us: int, end: int) -> tuple[ShardState, int]:
        """The newest state that has taken no sample from a time on."""
        start, earliest = self._log.start_offset, from_us
        for state, offset in self._states():
            if start <= offset <= end:
                newest = int(state.steps.newest_us.max(initial=0))
                if newest < from_us or offset == 0:
                    return state, offset
                earliest = newest
        whole_s = earliest // 1_000_000 + 1
        raise WorkspaceError(
            f"cannot replay from {told(from_us)}: the log begins at row {start:,}, and no snapshot holds only samples "
            f"from before; the earliest is {told(whole_s * 1_000_000)}"
        )

    def _states(self) -> Iterator[tuple[ShardState, int]]:
        """Those of snapshots, the newest first, and the one before the first row."""
        artifacts, settings = self._workspace.artifacts(self._registry), self._workspace.settings
        first = first_state(self._registry, artifacts, settings, self._policy, set, on_every_core)
        for loaded in self._workspace.snapshots(self._registry).newest_first():
            if loaded.data is None:
                yield first, 0
                return
            try:
                yield ShardState.from_bytes(loaded.data, on_every_core), loaded.offset
            except ValueError:
                continue  # another release saved it

    def _fold(self, state: ShardState, base: int, end: int, found: Found, outcome: _Outcome, tell: Tell) -> ShardState:
        order = in_place(self._log, state, base, end, found)
        # Predictions of single steps are for pictures: they change nothing, and are many.
        loop = replace(state.settings.loop, keep_steps=False)
        state = replace(state, settings=replace(state.settings, loop=loop))
        rows = self._workspace.settings.runtime.batch_rows
        for batch in rearranged(self._log, base, end, order, rows):
            state, events = fold(state, batch)
            outcome.take(events)
            tell(min(batch.end_offset, end) - base, end - base)
        return state

    def _unexpected(self, after: ShardState, base: int, end: int, outcome: _Outcome, late: set[str]) -> tuple[str, ...]:
        """Vehicles without late samples of which events or versions are not those recorded."""
        recorded = self._registry.events_of_rows(base, end)
        heads = self._registry.heads(end)
        odd = set(outcome.unknown)
        odd |= {name for name in recorded.keys() | outcome.known.keys() if recorded.get(name, 0) != outcome.known[name]}
        for name, group, at in _twins(after):
            number, digest = heads.get(name, (0, ""))
            if int(group.state.version[at]) != number or group.state.head[at].decode() != digest:
                odd.add(name)
        return tuple(sorted(odd - late))

    def _orders(
        self, after: ShardState, found: Found, changed: Sequence[VehicleDifference], outcome: _Outcome
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """The command for each vehicle that differs; one whose outcome is not finite has none."""
        twins = {name: (group, at) for name, group, at in _twins(after)}
        newest = dict(zip(after.vehicle_ids, after.steps.newest_us.tolist(), strict=True))
        orders, notes = [], []
        for one in changed:
            group, at = twins[one.vehicle_id]
            state = group.state.take(np.array([at], dtype=np.intp))
            late = found.late[one.vehicle_id]
            order = {
                "type": REPLAY,
                "vehicle": one.vehicle_id,
                "model_hash": group.twins.prototype.model_hash,
                **learned(group.twins, state),
                "from_us": found.from_us,
                "window": [late.first_us, newest[one.vehicle_id]],
                "late_samples": late.rows,
                "replayed_versions": one.versions_after,
                "replayed_head": state.head[0].decode(),
                "reason": _reason(one, late),
            }
            if resumable(order, group.twins, state):
                orders.append(order)
            else:
                notes.append(f"{one.vehicle_id}: the replay does not come to finite parameters, so it is not applied")
        return orders, notes


class _Outcome:
    """What a replay gave: kept for vehicles with late samples, else compared with what is recorded and let go."""

    def __init__(self, registry: Registry, late: set[str]) -> None:
        self.events: dict[str, list[Event]] = {name: [] for name in late}
        self.known: Counter[str] = Counter()
        self.unknown: set[str] = set()
        self.count = 0
        self.versions = 0
        self._registry = registry

    def take(self, events: Sequence[Event]) -> None:
        """Take in what a batch gave."""
        told = [event for event in events if event.kind != STEPS]
        self.count += len(told)
        self.versions += sum(event.kind == VERSION for event in told)
        others = []
        for event in told:
            if event.vehicle_id in self.events:
                self.events[event.vehicle_id].append(event)
            else:
                others.append(event)
        known = self._registry.known_events([event.event_id for event in others])
        for event in others:
            self.known[event.vehicle_id] += 1
            if event.event_id not in known:
                self.unknown.add(event.vehicle_id)


def _twins(state: ShardState) -> Iterator[tuple[str, Group, int]]:
    """Every vehicle with a twin, its group and its place in it."""
    for group in state.groups.values():
        for at, lane in enumerate(group.members.tolist()):
            yield state.vehicle_ids[lane], group, at


def _reason(one: VehicleDifference, late: LateRows) -> str:
    what = "1 sample that came late" if late.rows == 1 else f"{late.rows:,} samples that came late"
    verb = "stands in its place" if late.rows == 1 else "stand in their places"
    return (
        f"{what} ({told(late.first_us)} to {told(late.last_us)}) {verb}: "
        f"{one.versions_before - one.versions_same} of {one.versions_before} versions since would have been others."
    )


def told(time_us: int) -> str:
    """A time in words, in UTC to the second."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
