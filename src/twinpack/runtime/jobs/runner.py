"""The process that works on jobs: one a workspace, one job at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from twinpack.errors import InputError, LearningError, NotFoundError, WorkspaceBusyError
from twinpack.runtime.jobs import database
from twinpack.runtime.jobs.events import WorkspaceEvents
from twinpack.runtime.jobs.queue import Jobs
from twinpack.runtime.jobs.steps import STEPS, Step, StepContext
from twinpack.runtime.jobs.triggers import Triggers
from twinpack.store.workspace import Workspace

KEPT_JOBS = 1_000
_MOST_RECOVERIES = 20
_HOPELESS = (InputError, NotFoundError, LearningError)
"""What does not go away by itself: such a step is not tried again."""

_one_in_a_process = threading.Lock()  # DBOS is one object a process


class JobRunner:
    """Works on the jobs of a workspace in threads of this process, and starts those that triggers call for.

    A process may be killed at any moment: the next runner goes on with the step that was cut off.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        tell: Callable[[str], None] = lambda text: None,
        triggers: bool = True,
        look_s: float = 1.0,
        pauses_s: tuple[float, ...] = (1.0, 10.0),
        steps: Mapping[str, Sequence[Step]] = STEPS,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            workspace: The workspace.
            tell: Told what people should know: jobs that begin and end, what goes wrong.
            triggers: Whether to start jobs by the triggers of the settings.
            look_s: Seconds between two looks for what triggers wait for.
            pauses_s: Pauses before a step that failed is tried again, seconds; then the job has failed.
            steps: What each kind of job does.
        """
        self._workspace = workspace
        self._tell = tell
        self._with_triggers = triggers
        self._look_s = look_s
        self._pauses_s = pauses_s
        self._steps = steps
        self._stop = threading.Event()
        self._at_work = 0
        self._changed = threading.Condition()
        self._owned = ExitStack()
        self._watch = threading.Thread(target=self._look, name="job-triggers", daemon=True)
        self._problem = ""

    def start(self) -> None:
        """Take the workspace's jobs and begin.

        Raises:
            WorkspaceBusyError: Another process works on them, or this process does for another workspace.
            SettingsError: The database's URL cannot be used.
            WorkspaceError: The database cannot be reached, or what triggers have seen is damaged.
        """
        with ExitStack() as owned:
            owned.enter_context(_alone_in_process())
            owned.enter_context(database.worker_lock(self._workspace))
            self._jobs = owned.enter_context(Jobs(self._workspace))
            self._jobs.forget(KEPT_JOBS)
            watched = self._triggers(owned)
            owned.callback(_destroy)
            self._launch()
            if watched is not None:
                self._triggers_seen = watched
                self._watch.start()
            self._owned = owned.pop_all()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """End after the step at work.

        Args:
            timeout_s: How long to wait for that step.

        Returns:
            Whether it has ended. When not, the step goes on until this process ends, and the workspace's jobs stay
            taken until then; the job goes on with the next runner.
        """
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()
        with self._changed:
            ended = self._changed.wait_for(lambda: self._at_work == 0, timeout_s)
        if ended:
            self._owned.close()
        return ended

    def __enter__(self) -> JobRunner:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Wait until no job is queued or running; whether that was reached in time."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while self._jobs.list(limit=1, open_only=True):
            if until is not None and time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    # What DBOS runs

    def _launch(self) -> None:
        from dbos import DBOS

        with database.plain_errors(self._workspace):
            DBOS(config=database.config(self._workspace))
            for kind in self._steps:
                DBOS.workflow(name=kind, max_recovery_attempts=_MOST_RECOVERIES)(self._workflow(kind))
            DBOS.launch()

    def _workflow(self, kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def work(request: dict[str, Any]) -> dict[str, Any]:
            with self._counted():
                return self._work(kind, request)

        work.__qualname__ = f"work_{kind}"  # DBOS tells functions apart by it
        return work

    def _work(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        from dbos import DBOS

        job_id = str(DBOS.workflow_id)
        say = self._jobs.logs.add
        say(job_id, "goes on" if self._jobs.logs.read(job_id) else f"{kind} begins ({request['trigger']})")
        self._tell(f"job {job_id} begins or goes on")
        results = {}
        for step in self._steps[kind]:
            self._check(job_id, step)
            results[step.name] = DBOS.run_step({"name": step.name}, self._step, job_id, step, request["arguments"])
        say(job_id, "done")
        self._tell(f"job {job_id} is done")
        return results

    def _check(self, job_id: str, step: Step) -> None:
        """End the job's thread before a step when the worker stops, or when the job was cancelled."""
        if self._jobs.is_asked_to_end(job_id):
            self._jobs.end_cancelled(job_id, f"cancelled before: {step.name}")
            raise _EndedError
        if self._stop.is_set():
            self._jobs.logs.add(job_id, f"the worker stops before: {step.name}")
            raise _EndedError

    def _step(self, job_id: str, step: Step, arguments: dict[str, Any]) -> dict[str, Any]:
        for pause_s in (*self._pauses_s, None):
            began = time.monotonic()
            self._jobs.logs.add(job_id, f"{step.name}: begins")
            try:
                result = step.run(self._context(job_id, arguments))
            except Exception as error:  # noqa: BLE001 - whatever a step raises is told, and fails its job alone
                self._failed(job_id, step, error, pause_s)
            else:
                self._jobs.logs.add(job_id, f"{step.name}: done in {time.monotonic() - began:.1f} s {result}")
                return result
        raise AssertionError  # the last attempt returns or raises

    def _context(self, job_id: str, arguments: dict[str, Any]) -> StepContext:
        workspace = Workspace.open(self._workspace.home, create=False)  # with the settings of now
        return StepContext(job_id, workspace, arguments, lambda text: self._jobs.logs.add(job_id, text))

    def _failed(self, job_id: str, step: Step, error: Exception, pause_s: float | None) -> None:
        """Wait for another attempt, or give up."""
        reason = f"{type(error).__name__}: {error}"
        if pause_s is None or isinstance(error, _HOPELESS):
            self._jobs.logs.add(job_id, f"{step.name}: failed: {reason}")
            self._tell(f"job {job_id} failed: {step.name}: {reason}")
            raise error
        self._jobs.logs.add(job_id, f"{step.name}: failed, tried again in {pause_s:g} s: {reason}")
        self._stop.wait(pause_s)
        self._check(job_id, step)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    # What triggers start

    def _triggers(self, owned: ExitStack) -> Triggers | None:
        if not self._with_triggers or not self._workspace.settings.trigger:
            return None
        events = WorkspaceEvents(self._workspace)
        owned.callback(events.close)
        path = self._workspace.home / "triggers.json"
        return Triggers(self._workspace.settings.trigger, path, events, self._jobs.start)

    def _look(self) -> None:
        while not self._stop.is_set():
            try:
                for job_id in self._triggers_seen.look(datetime.now(UTC)):
                    self._tell(f"job {job_id} was started by its trigger")
                self._problem = ""
            except Exception as error:  # noqa: BLE001 - the thread's boundary; it is told, and the next look makes up
                if str(error) != self._problem:
                    self._problem = str(error)
                    self._tell(f"triggers wait, nothing is missed: {error}")
            self._stop.wait(self._look_s)


class _EndedError(BaseException):
    """Ends a job's thread before a step. Not an `Exception`: DBOS would take that for the job's failure."""


@contextmanager
def _alone_in_process() -> Iterator[None]:
    if not _one_in_a_process.acquire(blocking=False):
        raise WorkspaceBusyError("this process already works on the jobs of a workspace: use another process")
    try:
        yield
    finally:
        _one_in_a_process.release()


def _destroy() -> None:
    from dbos import DBOS

    DBOS.destroy(destroy_registry=True)
