"""`twinpack jobs`: what is done now and then, by schedule, by event or when asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.errors import JobError

if TYPE_CHECKING:
    from twinpack.runtime.jobs import JobRunner
    from twinpack.runtime.jobs.queue import Job
    from twinpack.store.jobs import JobKind
    from twinpack.store.workspace import Workspace

command = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

JobId = Annotated[str, typer.Argument(help="The job, as `twinpack jobs` names it.")]


@command.callback(invoke_without_command=True)
def jobs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 20,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the jobs, latest first; the sub-commands start, follow and end them."""
    if context.invoked_subcommand is None:
        found = _listed(home, limit)
        if as_json:
            output.json_result([_record(job) for job in found])
        else:
            _show_list(found)


@command.command("start")
def start(
    kind: Annotated[str, typer.Argument(help="compact, retention, lake, learn, anomaly, sensitivity or backup.")],
    arg: Annotated[list[str] | None, typer.Option(help="What the job is told, KEY=VALUE; may be repeated.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; does it here when nobody else does.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Start a job: it is put into the queue, and done by `twinpack serve` or `twinpack jobs work`."""
    from twinpack.runtime.jobs import Jobs, database
    from twinpack.store.jobs import job_kind

    arguments = _arguments(arg or [], job_kind(kind))
    workspace = _open(home)
    with Jobs(workspace) as queue:
        job_id = queue.start(kind, arguments)
        if wait:
            _finish(workspace, job_id)
        job = queue.get(job_id)
    worker = database.worker_process(workspace)
    if as_json:
        output.json_result({**_record(job), "worker": bool(worker)})
    else:
        rest = "" if wait else f"; process {worker} does it" if worker else "; no worker runs: `twinpack jobs work`"
        output.line(f"{job_id}: {job.state}{rest}")
    _check(job)


@command.command("show")
def show(job_id: JobId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show one job: its steps, what they gave, and why it failed."""
    from twinpack.runtime.jobs import Jobs

    with Jobs(_open(home)) as queue:
        job = queue.get(job_id)
    if as_json:
        output.json_result(_record(job, with_steps=True))
        return
    output.line(f"{job.job_id}: {job.kind}, {job.state}, started {_by(job)}")
    if job.arguments:
        output.line("told " + ", ".join(f"{name}={value}" for name, value in job.arguments.items()))
    if job.error:
        output.line(f"failed: {job.error}")
    if job.steps:
        rows = [(step.name, _span(step.took_s), step.error or str(step.result)) for step in job.steps]
        output.table(("step", "took", "result"), rows)


@command.command("logs")
def logs(job_id: JobId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show what a job said while it worked."""
    from twinpack.runtime.jobs import Jobs

    with Jobs(_open(home)) as queue:
        queue.get(job_id)
        lines = queue.logs.read(job_id)
    if as_json:
        output.json_result(lines)
    else:
        for text in lines:
            output.line(text)


@command.command("retry")
def retry(job_id: JobId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Let a job that failed or was cancelled go on with the step it ended in."""
    from twinpack.runtime.jobs import Jobs

    with Jobs(_open(home)) as queue:
        _told(queue.retry(job_id), as_json)


@command.command("cancel")
def cancel(job_id: JobId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take a job out of the queue; one at work ends after the step it is in."""
    from twinpack.runtime.jobs import Jobs

    with Jobs(_open(home)) as queue:
        _told(queue.cancel(job_id), as_json)


@command.command("triggers")
def triggers(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List what starts jobs by itself."""
    found = _open(home).settings.trigger
    if as_json:
        output.json_result(found)
        return
    rows = [(one.name, one.job, one.schedule or _event_words(one)) for one in found]
    output.table(("trigger", "job", "when"), rows)


@command.command("work")
def work(
    once: Annotated[bool, typer.Option("--once", help="End when nothing is queued.")] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Do what is queued and what triggers start, until Ctrl-C or SIGTERM.

    `twinpack serve` does the same beside its other work. There is one worker a workspace. It may be killed: the next
    one goes on where it stood.
    """
    from twinpack.ingest.stopping import stop_on_signals
    from twinpack.runtime.jobs import JobRunner

    runner = JobRunner(_open(home), tell=output.note)
    with stop_on_signals() as stopped:
        runner.start()
        output.note("Works on jobs." if once else "Works on jobs (Ctrl-C stops it after the step at hand).")
        while not stopped.is_set() and not (once and runner.wait_idle(0.5)):
            stopped.wait(0.0 if once else None)
    _leave(runner)


def _leave(runner: JobRunner) -> None:
    """Wait for the step at hand; a second Ctrl-C, or a second SIGTERM, ends it: it is done again another time."""
    if runner.stop(0.5):
        return
    try:
        # Within the reach of what it announces: the second Ctrl-C may come as soon as this is read.
        output.note("Waits for the step at hand; Ctrl-C once more leaves it to the next worker.")
        while not runner.stop(3600.0):
            pass
    except KeyboardInterrupt:
        output.note("Left.")
        os._exit(130)  # an ordinary exit would wait for the thread of the step


def _finish(workspace: Workspace, job_id: str) -> None:
    """Wait for a job's end, doing the work here when nobody does it."""
    from twinpack.errors import WorkspaceBusyError
    from twinpack.runtime.jobs import JobRunner, Jobs

    try:
        with JobRunner(workspace, triggers=False, tell=output.note), Jobs(workspace) as queue:
            queue.wait(job_id)
    except WorkspaceBusyError:
        with Jobs(workspace) as queue:
            queue.wait(job_id)


def _open(home: Any) -> Workspace:
    from twinpack.store.workspace import Workspace

    return Workspace.open(home, create=False)


def _listed(home: Any, limit: int) -> list[Job]:
    from twinpack.runtime.jobs import Jobs, database

    workspace = _open(home)
    if not database.exists(workspace):
        return []
    with Jobs(workspace) as queue:
        return queue.list(limit)


def _arguments(given: Sequence[str], kind: JobKind) -> dict[str, str | int]:
    """What is told as KEY=VALUE, checked: a number where the job takes one."""
    found: dict[str, str | int] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{text!r} is not of the form KEY=VALUE", param_hint="--arg")
        taken = kind.arguments.get(name)
        number = taken is not None and isinstance(taken.default, int) and value.isascii() and value.isdigit()
        found[name] = int(value) if number else value
    return kind.complete(found)


def _record(job: Job, with_steps: bool = False) -> dict[str, Any]:
    """A job as JSON values."""
    names = [part.name for part in fields(job) if with_steps or part.name != "steps"]
    return {name: getattr(job, name) for name in names}


def _show_list(found: Sequence[Job]) -> None:
    if not found:
        output.line("no jobs yet")
        return
    rows = [(job.job_id, job.kind, job.state, _when(job.created_at), _span(job.took_s), job.trigger) for job in found]
    output.table(("job", "kind", "state", "created", "took", "trigger"), rows)


def _told(job: Job, as_json: bool) -> None:
    if as_json:
        output.json_result(_record(job))
    else:
        output.line(f"{job.job_id}: {job.state}")


def _check(job: Job) -> None:
    if job.state in ("failed", "cancelled"):
        raise JobError(f"job {job.job_id} {'failed' if job.error else 'was cancelled'}{job.error and f': {job.error}'}")


def _by(job: Job) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in job.facts.items())
    return job.trigger if job.trigger == "by hand" else f"by trigger {job.trigger}" + (f" ({facts})" if facts else "")


def _event_words(trigger: Any) -> str:
    number = f"each {trigger.every}th " if trigger.every > 1 else ""
    rest = f", at most every {trigger.at_most_every}" if trigger.at_most_every else ""
    return f"{number}{trigger.event}{rest}"


def _when(time: datetime | None) -> str:
    return output.MISSING if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def _span(seconds: float | None) -> str:
    return output.MISSING if seconds is None else f"{output.number(seconds, 1)} s"
