"""The jobs of a workspace, as any process sees them: list, start, retry, cancel."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from twinpack.errors import JobError, NotFoundError
from twinpack.runtime.jobs import database
from twinpack.runtime.jobs.joblog import JobLogs
from twinpack.store.jobs import job_kind
from twinpack.store.workspace import Workspace

if TYPE_CHECKING:
    from dbos import StepInfo, WorkflowStatus

QUEUED = "queued"
RUNNING = "running"
CANCELLING = "cancelling"
INTERRUPTED = "interrupted"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
OPEN = (QUEUED, RUNNING, CANCELLING, INTERRUPTED)

BY_HAND = "by hand"
_OPEN_STATUS = ["ENQUEUED", "DELAYED", "PENDING"]
_STATES = {"ENQUEUED": QUEUED, "DELAYED": QUEUED, "PENDING": RUNNING, "SUCCESS": DONE, "CANCELLED": CANCELLED}
_KILLED = "it ended its process too often, and was given up"


@dataclass(frozen=True)
class JobStep:
    """A step that has come to its end.

    Attributes:
        name: What it did.
        started_at: When it began, UTC.
        took_s: Seconds it took.
        result: What it gave, None when it failed.
        error: Why it failed, "" when it did not.
    """

    name: str
    started_at: datetime | None
    took_s: float | None
    result: Any
    error: str


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        job_id: Its name.
        kind: What it does.
        state: `QUEUED`, `RUNNING`, `CANCELLING` (ends after the step at work), `INTERRUPTED` (goes on with the next
            worker), `DONE`, `FAILED` or `CANCELLED`.
        trigger: What started it: a trigger's name, or `BY_HAND`.
        arguments: What it was told.
        created_at: When it was started, UTC.
        started_at: When a worker took it (last), UTC; None while it waits.
        ended_at: When it ended, UTC.
        took_s: Seconds from there to its end, or until now.
        error: Why it failed, "" when it did not.
        facts: What the trigger noted: the schedule's time, or events and the offset they reach.
        steps: Steps that have ended; only `Jobs.get` fills them.
    """

    job_id: str
    kind: str
    state: str
    trigger: str
    arguments: Mapping[str, Any]
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    took_s: float | None
    error: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[JobStep, ...] = ()


class Jobs:
    """Jobs of a workspace. Use as a context manager."""

    def __init__(self, workspace: Workspace) -> None:
        """Connect, making the database when there is none.

        Raises:
            SettingsError: Its URL cannot be used.
            WorkspaceError: It cannot be reached.
        """
        self._workspace = workspace
        database.prepare(workspace)
        self._client = database.open_client(workspace)
        self.logs = JobLogs(database.folder(workspace) / "logs")
        self._marks = database.folder(workspace) / "cancelled"

    def __enter__(self) -> Jobs:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.destroy()

    def list(self, limit: int | None = None, kind: str | None = None, open_only: bool = False) -> list[Job]:
        """Jobs, latest first."""
        with database.plain_errors(self._workspace):
            found = self._client.list_workflows(
                limit=limit, name=kind, sort_desc=True, status=_OPEN_STATUS if open_only else None
            )
        working = bool(database.worker_process(self._workspace))
        return [self._with_mark(_job(status, working)) for status in found]

    def get(self, job_id: str) -> Job:
        """One job with its steps.

        Raises:
            NotFoundError: There is none of that name.
        """
        with database.plain_errors(self._workspace):
            found = self._client.list_workflows(workflow_ids=[job_id])
            if not found:
                raise NotFoundError(f"there is no job {job_id!r}; `twinpack jobs` lists them")
            steps = self._client.list_workflow_steps(job_id)
        return self._with_mark(_job(found[0], bool(database.worker_process(self._workspace)), steps))

    def start(
        self,
        kind: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        job_id: str | None = None,
        trigger: str = BY_HAND,
        facts: Mapping[str, Any] | None = None,
    ) -> str:
        """Put a job into the queue; one whose name is taken is not started again.

        Args:
            kind: What is to be done.
            arguments: What it is told.
            job_id: Its name; one is made up when there is none.
            trigger: What starts it.
            facts: What the trigger notes.

        Returns:
            Its name.

        Raises:
            InputError: There is no such kind, or an argument is not allowed.
        """
        complete = job_kind(kind).complete(arguments or {})
        name = job_id or f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        request = {"arguments": complete, "trigger": trigger, "facts": dict(facts or {})}
        with database.plain_errors(self._workspace):
            self._client.enqueue(
                {
                    "workflow_name": kind,
                    "queue_name": database.QUEUE,
                    "workflow_id": name,
                    "app_version": database.VERSION,
                },
                request,
            )
        return name

    def retry(self, job_id: str) -> Job:
        """Let a job that failed or was cancelled go on with the step it ended in.

        Raises:
            NotFoundError: There is none of that name.
            JobError: It is in another state.
        """
        job = self.get(job_id)
        if job.state not in (FAILED, CANCELLED):
            raise JobError(f"job {job_id} is {job.state}: only one that failed or was cancelled can be retried")
        self._mark(job_id).unlink(missing_ok=True)
        with database.plain_errors(self._workspace):
            if job.state == FAILED and job.error != _KILLED:
                # Steps are numbered from 1; those that ended well stay.
                first = next((at for at, step in enumerate(job.steps, 1) if step.error), len(job.steps) + 1)
                self._client.rewind_workflow(job_id, start_step=first, queue_name=database.QUEUE)
            else:
                self._client.resume_workflow(job_id, queue_name=database.QUEUE)
        self.logs.add(job_id, "asked to go on")
        return self.get(job_id)

    def cancel(self, job_id: str) -> Job:
        """Take a job out of the queue, or have it end after the step at work, whose outcome is kept.

        Raises:
            NotFoundError: There is none of that name.
            JobError: It has ended.
        """
        job = self.get(job_id)
        if job.state not in OPEN:
            raise JobError(f"job {job_id} is {job.state}: there is nothing to cancel")
        if job.state in (RUNNING, CANCELLING):
            # DBOS would cancel at once, and drop what the step at work comes to: it would be done again by a retry.
            mark = self._mark(job_id)
            mark.parent.mkdir(exist_ok=True)
            mark.touch()
            self.logs.add(job_id, "asked to end after the step at work")
        else:
            self.end_cancelled(job_id, "cancelled")
        return self.get(job_id)

    def is_asked_to_end(self, job_id: str) -> bool:
        """Whether a job that runs is to end before its next step."""
        return self._mark(job_id).exists()

    def end_cancelled(self, job_id: str, words: str) -> None:
        """Make a job cancelled now; `words` go into its log."""
        self.logs.add(job_id, words)
        with database.plain_errors(self._workspace):
            self._client.cancel_workflow(job_id)
        self._mark(job_id).unlink(missing_ok=True)

    def wait(self, job_id: str, timeout_s: float | None = None) -> Job:
        """Wait until a job has ended (or the time is over)."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (job := self.get(job_id)).state in OPEN and (until is None or time.monotonic() < until):
            time.sleep(0.1)
        return job

    def forget(self, keep: int) -> int:
        """Forget all but the latest `keep` jobs that have ended, with their logs; returns how many."""
        old = [job.job_id for job in self.list() if job.state not in OPEN][keep:]
        if old:
            with database.plain_errors(self._workspace):
                self._client.delete_workflows(old)
        for job_id in old:
            self.logs.remove(job_id)
            self._mark(job_id).unlink(missing_ok=True)
        return len(old)

    def _mark(self, job_id: str) -> Path:
        return self._marks / job_id

    def _with_mark(self, job: Job) -> Job:
        return replace(job, state=CANCELLING) if job.state == RUNNING and self.is_asked_to_end(job.job_id) else job


def _job(status: WorkflowStatus, working: bool, steps: Iterable[StepInfo] = ()) -> Job:
    request = status.input["args"][0] if status.input else {}
    state = _STATES.get(status.status, FAILED)
    started, ended = _time(status.dequeued_at), _time(status.completed_at)
    return Job(
        job_id=status.workflow_id,
        kind=status.name,
        state=INTERRUPTED if state == RUNNING and not working else state,
        trigger=str(request.get("trigger", "")),
        arguments=request.get("arguments", {}),
        created_at=_time(status.created_at),
        started_at=started,
        ended_at=ended,
        took_s=((ended or datetime.now(UTC)) - started).total_seconds() if started else None,
        error=_KILLED if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED" else _reason(status.error),
        facts=request.get("facts", {}),
        steps=tuple(_step(step) for step in steps),
    )


def _step(step: StepInfo) -> JobStep:
    began, ended = step["started_at_epoch_ms"], step["completed_at_epoch_ms"]
    took = (ended - began) / 1000 if began is not None and ended is not None else None
    return JobStep(step["function_name"], _time(began), took, step["output"], _reason(step["error"]))


def _reason(error: Exception | None) -> str:
    """The error in a line, with its kind where that is known: it was kept as JSON."""
    if error is None:
        return ""
    name = getattr(error, "name", type(error).__name__)
    return " ".join(f"{name}: {error}".split())


def _time(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)
