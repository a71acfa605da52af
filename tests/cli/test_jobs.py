"""`twinpack jobs` as users type it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.job_probe import runner, trace, worker
from tests.waiting import until
from twinpack.cli.main import main
from twinpack.runtime.jobs import Jobs, database
from twinpack.store.workspace import Workspace

WORK = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.runtime.job_probe import STEPS
from twinpack.cli.main import main
from twinpack.runtime.jobs import steps
steps.STEPS.update(STEPS)
sys.exit(main(["jobs", "work", "--home", sys.argv[1]]))
"""


def told(capsys: pytest.CaptureFixture[str], *arguments: str, home: Path, code: int = 0) -> Any:
    """What a command prints as JSON; with another exit code, what it says on standard error."""
    asked = main(["jobs", *arguments, "--home", str(home), *([] if code else ["--json"])])
    captured = capsys.readouterr()
    assert asked == code, captured.err
    return captured.err if code else json.loads(captured.out)


def test_a_job_waits_for_a_worker_and_is_done(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, home=empty_home) == []
    assert not (empty_home / "jobs.db").exists(), "looking makes nothing"
    started = told(capsys, "start", "compact", home=empty_home)
    assert (started["state"], started["worker"], started["trigger"]) == ("queued", False, "by hand")
    assert main(["jobs", "work", "--once", "--home", str(empty_home)]) == 0
    capsys.readouterr()
    (listed,) = told(capsys, home=empty_home)
    assert (listed["job_id"], listed["state"]) == (started["job_id"], "done")
    shown = told(capsys, "show", started["job_id"], home=empty_home)
    assert shown["steps"][0]["error"] == ""
    assert told(capsys, "logs", started["job_id"], home=empty_home)[-1].endswith(" done")


def test_waiting_does_the_work_and_tells_why_it_failed(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, "start", "learn", "--arg", "trips=2", "--wait", home=empty_home, code=2)
    assert "failed: NotFoundError: nothing to learn from" in said
    (job,) = told(capsys, home=empty_home)
    assert (job["arguments"]["trips"], job["state"]) == (2, "failed")
    assert main(["jobs", "show", job["job_id"], "--home", str(empty_home)]) == 0
    text = capsys.readouterr().out
    assert "failed: NotFoundError: nothing to learn from" in text and "trips=2" in text
    assert told(capsys, "retry", job["job_id"], home=empty_home)["state"] == "queued"
    assert told(capsys, "cancel", job["job_id"], home=empty_home)["state"] == "cancelled"
    assert "nothing to cancel" in told(capsys, "cancel", job["job_id"], home=empty_home, code=2)


def test_a_second_worker_is_refused(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with worker(Workspace.open(empty_home, create=False)) as child:
        assert f"another process ({child.pid}) works" in told(capsys, "work", home=empty_home, code=2)
        assert told(capsys, "start", "compact", "--wait", home=empty_home)["state"] == "done"


def test_a_second_interruption_leaves_the_step_to_the_next_worker(empty_home: Path) -> None:
    hold = empty_home / "hold-two"
    hold.touch()
    workspace = Workspace.open(empty_home)
    command = [sys.executable, "-c", WORK, str(empty_home)]
    with Jobs(workspace) as jobs, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        stderr = child.stderr
        try:
            assert stderr.readline().startswith("Works on jobs")
            job_id = jobs.start("compact")
            until(lambda: trace(workspace) == ["one", "two"])
            child.send_signal(signal.SIGINT)
            until(lambda: "Waits for the step at hand" in stderr.readline())
            child.send_signal(signal.SIGINT)
            assert child.wait(60) == 130
        finally:
            child.kill()
        hold.unlink()
        with runner(workspace):
            assert jobs.wait(job_id, 60).state == "done"
    assert trace(workspace) == ["one", "two", "two", "three"]


def test_what_starts_jobs_is_listed(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["name"] for one in told(capsys, "triggers", home=empty_home)] == ["retention", "compact", "forecast"]
    assert main(["jobs", "triggers", "--home", str(empty_home)]) == 0
    assert "0 30 2 * * *" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["start", "clean"],
            "there is no job 'clean'; there are compact, retention, lake, learn, anomaly, sensitivity",
        ),
        (["start", "learn", "--arg", "trips"], "'trips' is not of the form KEY=VALUE"),
        (["start", "learn", "--arg", "trips=many"], "argument trips must be a whole number"),
        (["start", "compact", "--arg", "trips=1"], "unknown argument 'trips'; known: none"),
        (["start", "backup"], "argument to is missing: folder for backups, outside the workspace"),
        (["start", "backup", "--arg", "to=backups"], "argument to must be a whole path, such as /var/backups"),
        (["show", "compact-1"], "there is no job 'compact-1'; `twinpack jobs` lists them"),
        (["logs", "../settings"], "there is no job '../settings'"),
    ],
)
def test_bad_use_is_named(
    empty_home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in told(capsys, *arguments, home=empty_home, code=2)


def test_the_workspace_may_be_named_in_front(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.open(empty_home)
    with Jobs(workspace) as jobs:
        job_id = jobs.start("compact")
    for words in (["--home", str(empty_home), "jobs"], ["jobs", "--home", str(empty_home)]):
        assert main([*words, "show", job_id]) == 0
        assert "queued" in capsys.readouterr().out
    assert database.worker_process(workspace) == ""
