"""The same fold while rows still arrive: it follows the log of a gateway, in the gateway's process.

What comes of a batch is in the registry before the next one is folded. The lake follows some seconds later and the
state is saved now and then, as in a run; a process that is killed folds again from its last snapshot and ends with the
same versions. While a store does not answer, the fold waits and the log grows; nothing is held in memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, TypeVar

from twinpack.battery.pack import load_pack, shipped_packs
from twinpack.errors import AuditError, WorkspaceError
from twinpack.fleet.fold import fold
from twinpack.fleet.state import ShardState
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.keeper import Keeper
from twinpack.runtime.models import give_models
from twinpack.runtime.problem import Problem, Tell
from twinpack.runtime.run import ReadableLog, batches, recovered
from twinpack.runtime.stages import Stages
from twinpack.runtime.warm import warm
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.twin.settings import Policy

T = TypeVar("T")


class GrowingLog(ReadableLog, Protocol):
    """A log that says when it grew."""

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Wait until there is a row at `offset`; whether there is."""
        ...

    def seal(self) -> None:
        """Make a segment of what is durable."""
        ...


@dataclass(frozen=True)
class Pace:
    """How often things are done, seconds.

    Attributes:
        fold_s: Least time between two batches, so that their fixed costs stay small.
        flush_s: Longest that rows wait for the lake.
        flush_rows: Rows that do not wait longer.
        save_s: Longest between two snapshots while there are new rows.
        model_s: Between two looks for a model while there is none.
        again_s: Pause after the fold broke off for a reason nobody foresaw.
        retry_s: First pause after a store did not answer; it doubles up to a minute.
    """

    fold_s: float = 0.2
    flush_s: float = 20.0
    flush_rows: int = 200_000
    save_s: float = 600.0
    model_s: float = 5.0
    again_s: float = 60.0
    retry_s: float = 0.5


class LiveFold:
    """Follows a log in a thread of its own until it is stopped.

    Attributes:
        offset: Log offset up to which rows are folded and committed.
        counts: How many events of each kind were committed.
    """

    def __init__(
        self,
        workspace: Workspace,
        log: GrowingLog,
        *,
        policy: Policy | None = None,
        tell: Tell = lambda text: None,
        pace: Pace | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            workspace: Where registry, lake and snapshots are.
            log: Its log, as the gateway of this process writes it.
            policy: As for `run`.
            tell: Told each problem once, and when it is over.
            pace: How often things are done.
        """
        self.offset = 0
        self.counts: dict[str, int] = {}
        self._workspace = workspace
        self._log = log
        self._policy = policy
        self._tell = tell
        self._problem = Problem(tell)
        self._pace = pace or Pace()
        self._stop = threading.Event()
        self._owned = ExitStack()
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)

    @property
    def problem(self) -> str:
        """What it waits for or why it broke off, "" while all is well."""
        return self._problem.text

    def start(self) -> None:
        """Take the workspace and begin.

        Raises:
            WorkspaceBusyError: Another process runs on it.
        """
        self._owned.enter_context(self._workspace.runtime_lock())
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand, with everything flushed and saved where the stores allow."""
        self._stop.set()
        self._thread.join()
        self._owned.close()

    def __enter__(self) -> LiveFold:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def wait_for(self, offset: int, timeout_s: float) -> bool:
        """Wait until rows up to an offset are folded and committed; whether they are."""
        until = time.monotonic() + timeout_s
        while self.offset < offset and time.monotonic() < until and self._thread.is_alive():
            self._stop.wait(0.02)
        return self.offset >= offset

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._until_it_works(self._workspace.registry) as registry:
                    self._follow(registry)
            except _StoppedError:
                pass
            except Exception as error:  # noqa: BLE001 - the thread's boundary; the gateway goes on, the reason is told
                self._problem.say(f"the fold broke off, and begins again from its last snapshot: {error}")
                self._stop.wait(self._pace.again_s)

    def _follow(self, registry: Registry) -> None:
        state, self.offset = self._begun(registry)
        work = _Work(Keeper(self._workspace, registry), self.offset)
        self.counts = work.keeper.counts
        while not self._stop.is_set():
            began = time.monotonic()
            for batch in self._coming():
                state = self._fold(work, state, batch)
                if self._stop.is_set():
                    break
            self._keep_up(work, state)
            self._give_models(work, registry, state)
            self._stop.wait(max(self._pace.fold_s - (time.monotonic() - began), 0.0))
            self._log.wait(self.offset, 1.0)
        self._save(work, state)

    def _coming(self) -> Iterator[SampleBatch]:
        return batches(self._log, self.offset, self._workspace.settings.runtime.batch_rows)

    def _fold(self, work: _Work, state: ShardState, batch: SampleBatch) -> ShardState:
        after, events = fold(state, batch)
        self._until_it_works(lambda: work.keeper.commit(after, batch, events))
        self.offset = batch.end_offset
        self._keep_up(work, after)
        return after

    def _keep_up(self, work: _Work, state: ShardState) -> None:
        """Flush and save when it is time to."""
        now = time.monotonic()
        settings, pace = self._workspace.settings.runtime, self._pace
        if self.offset - work.saved >= settings.snapshot_every_rows or (
            self.offset > work.saved and now - work.saved_at >= pace.save_s
        ):
            self._until_it_works(lambda: self._save(work, state))
        elif work.keeper.waiting_rows and (
            work.keeper.waiting_rows >= pace.flush_rows or now - work.flushed_at >= pace.flush_s
        ):
            self._until_it_works(work.keeper.flush)
            work.flushed_at = now

    def _save(self, work: _Work, state: ShardState) -> None:
        if self.offset > work.saved:
            work.keeper.save(state, self.offset)
            work.keeper.tidy()
            work.saved, work.saved_at = self.offset, time.monotonic()
            work.flushed_at = work.saved_at

    def _begun(self, registry: Registry) -> tuple[ShardState, int]:
        """The state to go on from."""
        # Sealed rows name the packs of a first run.
        self._until_it_works(self._log.seal)
        log = SegmentLog(self._workspace.log_dir)
        state, offset, notes = self._until_it_works(
            lambda: recovered(self._workspace, registry, log, self._policy, Stages(), without_model=True)
        )
        for note in notes:
            self._tell(note)
        self._problem.say("")
        own = {self._workspace.settings.workspace.pack} & set(shipped_packs())
        warm(state, sorted({*state.packs, *own}))
        return state, offset

    def _give_models(self, work: _Work, registry: Registry, state: ShardState) -> None:
        """Look now and then whether a model was learned for vehicles that wait for one."""
        waiting = {load_pack(pack).name for pack in set(state.packs)} - set(state.prototypes)
        if not waiting or time.monotonic() - work.looked_at < self._pace.model_s:
            return
        work.looked_at = time.monotonic()
        log = SegmentLog(self._workspace.log_dir)
        if any(self._until_it_works(lambda: give_models(self._workspace, registry, log))):
            self._problem.say("")
        else:
            listed = ", ".join(sorted(waiting))
            self._problem.say(
                f"no model for {listed}: faults are found, twins begin once `twinpack learn model` was run"
            )

    def _until_it_works(self, action: Callable[[], T]) -> T:
        """Do something that needs a store, again and again while the store does not answer."""
        pause = self._pace.retry_s
        failed = False
        while True:
            try:
                result = action()
            except (WorkspaceError, AuditError, OSError) as error:  # of the last: its key is gone for now
                failed = True
                self._problem.say(f"the fold waits, nothing is lost: {error}")
                self._pause(pause)
                pause = min(2 * pause, 60.0)
            else:
                if failed:
                    self._problem.say("")
                return result

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _StoppedError


@dataclass
class _Work:
    """What a following fold keeps with, and when it last did."""

    keeper: Keeper
    saved: int
    saved_at: float = 0.0
    flushed_at: float = 0.0
    looked_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.saved_at = self.flushed_at = time.monotonic()


class _StoppedError(Exception):
    """It was stopped while it waited."""
