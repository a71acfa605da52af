"""Jobs on the real job library: what is killed goes on, what is finished is not repeated."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.runtime.job_probe import MANY, NAMES, runner, trace, worker
from tests.servers.postgresql import Server, running_server
from tests.servers.postgresql import postgresql as postgresql
from tests.waiting import until
from twinpack.errors import InputError, JobError, NotFoundError, SettingsError, WorkspaceBusyError, WorkspaceError
from twinpack.runtime.jobs import Jobs, database
from twinpack.runtime.jobs.joblog import MOST_BYTES, JobLogs
from twinpack.runtime.jobs.steps import STEPS
from twinpack.store.jobs import JOBS
from twinpack.store.settings import JobSettings, Settings
from twinpack.store.workspace import Workspace

NO_TRIGGERS = Settings(trigger=())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "home", settings=NO_TRIGGERS)


@pytest.fixture
def jobs(workspace: Workspace) -> Iterator[Jobs]:
    with Jobs(workspace) as found:
        yield found


def mark(workspace: Workspace, name: str) -> Path:
    path = workspace.home / name
    path.touch()
    return path


def test_steps_are_done_in_order_and_what_they_gave_is_kept(workspace: Workspace, jobs: Jobs) -> None:
    job_id = jobs.start("compact")
    assert jobs.get(job_id).state == "queued"
    with runner(workspace):
        job = jobs.wait(job_id, 60)
    assert job.state == "done"
    assert [(step.name, step.result, step.error) for step in job.steps] == [(n, {"name": n}, "") for n in NAMES]
    assert job.started_at is not None and job.ended_at is not None and job.took_s is not None
    assert [job.job_id for job in jobs.list()] == [job_id]
    log = "\n".join(jobs.logs.read(job_id))
    assert "compact begins (by hand)" in log and "two went well" in log and log.endswith(" done")


def test_a_killed_worker_repeats_no_finished_step(workspace: Workspace, jobs: Jobs) -> None:
    hold = mark(workspace, "hold-two")
    with worker(workspace) as child:
        job_id = jobs.start("compact")
        until(lambda: trace(workspace) == ["one", "two"])
        assert jobs.get(job_id).state == "running"
        child.kill()
        child.wait()
    assert jobs.get(job_id).state == "interrupted"
    hold.unlink()
    with runner(workspace):
        assert jobs.wait(job_id, 60).state == "done"
    assert trace(workspace) == ["one", "two", "two", "three"]


@pytest.mark.slow
def test_killed_at_many_moments_no_finished_step_is_repeated(workspace: Workspace, jobs: Jobs) -> None:
    chance = random.Random(5)
    job_id = jobs.start("lake")

    def reached(steps: int) -> bool:
        return len(trace(workspace)) >= steps or jobs.get(job_id).state == "done"

    kills = 0
    while len(trace(workspace)) < MANY:
        with worker(workspace) as child:
            wanted = len(trace(workspace)) + chance.randrange(1, 12)
            until(partial(reached, wanted))
            child.kill()
            child.wait()
        kills += 1
    with runner(workspace):
        assert jobs.wait(job_id, 60).state == "done"
    done = [int(name) for name in trace(workspace)]
    assert kills > 3 and sorted(set(done)) == list(range(MANY))
    assert done == sorted(done), "no step begins again once a later one has begun"
    assert len(done) <= MANY + kills


def test_an_interrupted_job_can_be_cancelled(workspace: Workspace, jobs: Jobs) -> None:
    mark(workspace, "hold-one")
    with worker(workspace) as child:
        job_id = jobs.start("compact")
        until(lambda: trace(workspace) == ["one"])
        child.kill()
        child.wait()
    assert jobs.cancel(job_id).state == "cancelled"
    with runner(workspace) as working:
        assert working.wait_idle(60)
    assert trace(workspace) == ["one"]


def test_a_stopped_worker_ends_the_step_and_the_next_goes_on(workspace: Workspace, jobs: Jobs) -> None:
    hold = mark(workspace, "hold-two")
    first = runner(workspace)
    first.start()
    job_id = jobs.start("compact")
    until(lambda: trace(workspace) == ["one", "two"])
    assert not first.stop(0.01)
    with pytest.raises(WorkspaceBusyError, match="already works"):
        runner(workspace).start()
    hold.unlink()
    assert first.stop(60)
    assert jobs.get(job_id).state == "interrupted"
    with runner(workspace):
        assert jobs.wait(job_id, 60).state == "done"
    assert trace(workspace) == ["one", "two", "three"]


def test_a_cancelled_job_ends_after_its_step_and_can_be_retried(workspace: Workspace, jobs: Jobs) -> None:
    hold = mark(workspace, "hold-two")
    with runner(workspace):
        job_id, waiting = jobs.start("compact"), jobs.start("learn")
        until(lambda: trace(workspace) == ["one", "two"])
        assert jobs.cancel(job_id).state == "cancelling"
        assert jobs.cancel(waiting).state == "cancelled"
        hold.unlink()
        assert jobs.wait(job_id, 60).state == "cancelled"
        assert "cancelled before: three" in jobs.logs.read(job_id)[-1]
        assert trace(workspace) == ["one", "two"], "the one in the queue never began"
        with pytest.raises(JobError, match="is cancelled: there is nothing to cancel"):
            jobs.cancel(job_id)
        jobs.retry(job_id)
        assert jobs.wait(job_id, 60).state == "done"
    assert trace(workspace) == ["one", "two", "three"]


def test_a_step_that_fails_is_tried_again_and_then_fails_the_job(workspace: Workspace, jobs: Jobs) -> None:
    fail = mark(workspace, "fail-two")
    with runner(workspace):
        job_id = jobs.start("compact")
        job = jobs.wait(job_id, 60)
        assert (job.state, job.error) == ("failed", "WorkspaceError: no room for two")
        assert [step.error for step in job.steps] == ["", "WorkspaceError: no room for two"]
        assert trace(workspace) == ["one", "two", "two", "two"]
        assert sum("tried again in" in line for line in jobs.logs.read(job_id)) == 2
        fail.unlink()
        jobs.retry(job_id)
        job = jobs.wait(job_id, 60)
        assert (job.state, job.error) == ("done", "")
        with pytest.raises(JobError, match="is done: only one that failed or was cancelled"):
            jobs.retry(job_id)
    assert trace(workspace) == ["one", "two", "two", "two", "two", "three"]


def test_what_does_not_go_away_by_itself_is_not_tried_again(workspace: Workspace, jobs: Jobs) -> None:
    mark(workspace, "refuse-one")
    told: list[str] = []
    with runner(workspace, tell=told.append):
        job_id = jobs.start("compact")
        assert jobs.wait(job_id, 60).error == "NotFoundError: no one here"
    assert trace(workspace) == ["one"]
    assert told == [f"job {job_id} begins or goes on", f"job {job_id} failed: one: NotFoundError: no one here"]


def test_one_worker_a_workspace(workspace: Workspace, jobs: Jobs) -> None:
    assert database.worker_process(workspace) == ""
    with worker(workspace) as child:
        assert database.worker_process(workspace) == str(child.pid)
        with pytest.raises(WorkspaceBusyError, match=rf"another process \({child.pid}\) works on the jobs"):
            runner(workspace).start()


def test_a_runner_leaves_no_thread_and_says_nothing(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    mark(workspace, "fail-two")
    before = set(threading.enumerate())
    with Jobs(workspace) as jobs, runner(workspace):
        jobs.wait(jobs.start("compact"), 60)
    assert [thread for thread in threading.enumerate() if thread not in before and not thread.daemon] == []
    assert capfd.readouterr() == ("", "")


def test_the_same_name_is_started_once(workspace: Workspace, jobs: Jobs) -> None:
    for _ in range(2):
        assert jobs.start("compact", job_id="nightly-1", trigger="nightly", facts={"due": "today"}) == "nightly-1"
    with runner(workspace):
        job = jobs.wait("nightly-1", 60)
        jobs.start("compact", job_id="nightly-1")
    assert len(jobs.list()) == 1 and trace(workspace) == list(NAMES)
    assert (job.trigger, job.facts) == ("nightly", {"due": "today"})


def test_bad_use_is_named(jobs: Jobs) -> None:
    with pytest.raises(InputError, match="there is no job 'clean'; there are compact, "):
        jobs.start("clean")
    with pytest.raises(InputError, match="unknown argument 'trip'; known: pack, kind, trips"):
        jobs.start("learn", {"trip": 3})
    with pytest.raises(InputError, match="argument trips must be a whole number from 1 to 99999, not 0"):
        jobs.start("learn", {"trips": 0})
    for action in (jobs.get, jobs.retry, jobs.cancel):
        with pytest.raises(NotFoundError, match="there is no job 'compact-1'"):
            action("compact-1")


def test_old_jobs_are_forgotten_with_their_logs(workspace: Workspace, jobs: Jobs) -> None:
    with runner(workspace) as working:
        names = [jobs.start("learn", job_id=f"learn-{number}") for number in range(3)]
        assert working.wait_idle(60)
    assert jobs.forget(keep=1) == 2
    assert [job.job_id for job in jobs.list()] == names[2:]
    assert [bool(jobs.logs.read(name)) for name in names] == [False, False, True]


def test_a_log_is_held_to_a_size(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path)
    for number in range(1_000):
        logs.add("long", f"{number} " + "x" * 500)
    assert (tmp_path / "long.log").stat().st_size <= MOST_BYTES + 600
    lines = logs.read("long")
    assert lines[0] == "(earlier lines were dropped)" and " 999 " in lines[-1]
    with pytest.raises(ValueError, match="cannot be the name of a job"):
        logs.read("../settings")


@pytest.mark.parametrize("url", ["mysql://host/jobs", "nothing"])
def test_a_database_that_cannot_be_is_named(tmp_path: Path, url: str) -> None:
    workspace = Workspace.open(tmp_path, settings=Settings(jobs=JobSettings(database_url=url)))
    with pytest.raises(SettingsError, match=r"\[jobs\]: database_url"):
        Jobs(workspace)


def test_a_damaged_database_is_said_in_one_line(workspace: Workspace) -> None:
    (workspace.home / "jobs.db").write_bytes(b"not a database " * 1_000)
    with pytest.raises(WorkspaceError, match=r"jobs' database .*jobs\.db cannot be used: file is not a database"):
        Jobs(workspace)


def test_every_kind_has_its_steps() -> None:
    assert set(STEPS) == set(JOBS)
    for steps in STEPS.values():
        assert len({step.name for step in steps}) == len(steps)


def test_jobs_of_two_workspaces_keep_apart_on_one_server(tmp_path: Path, postgresql: Server) -> None:
    url = postgresql.new_database()
    settings = Settings(jobs=JobSettings(database_url=url), trigger=())
    homes = [Workspace.open(tmp_path / name, settings=settings) for name in ("first", "second")]
    hold = mark(homes[0], "hold-two")
    with Jobs(homes[0]) as jobs, Jobs(homes[1]) as others:
        with worker(homes[0]) as child:
            job_id = jobs.start("compact", job_id="same")
            until(lambda: trace(homes[0]) == ["one", "two"])
            child.kill()
            child.wait()
        hold.unlink()
        assert others.list() == []
        others.start("learn", job_id="same")
        with runner(homes[1]):
            assert others.wait("same", 60).kind == "learn"
        with runner(homes[0]):
            assert jobs.wait(job_id, 60).state == "done"
    assert (trace(homes[0]), trace(homes[1])) == (["one", "two", "two", "three"], ["learn"])
    assert not (homes[0].home / "jobs.db").exists()


def test_a_server_that_is_gone_is_named_without_the_password(tmp_path: Path, postgresql: Server) -> None:
    gone = postgresql.url("nowhere").replace(f":{postgresql.port}/", ":9/")
    workspace = Workspace.open(tmp_path, settings=Settings(jobs=JobSettings(database_url=gone), trigger=()))
    with pytest.raises(WorkspaceError, match=r"jobs' database postgresql.*cannot be used: .*refused") as caught:
        Jobs(workspace)
    assert "unused-secret" not in str(caught.value)


@pytest.mark.slow
def test_work_goes_on_after_the_server_was_away(tmp_path: Path) -> None:
    with running_server() as server:
        url = server.new_database().replace("postgresql+psycopg", "postgresql")
        settings = Settings(jobs=JobSettings(database_url=url), trigger=())
        workspace = Workspace.open(tmp_path / "home", settings=settings)
        hold = mark(workspace, "hold-two")
        with Jobs(workspace) as jobs, runner(workspace):
            job_id = jobs.start("compact")
            until(lambda: trace(workspace) == ["one", "two"])
            server.stop()
            hold.unlink()
            with pytest.raises(WorkspaceError, match="jobs' database"):
                jobs.list()
            server.start()
            assert jobs.wait(job_id, 60).state == "done"
        assert trace(workspace) == ["one", "two", "three"]
