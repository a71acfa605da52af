"""Jobs whose steps leave a trace, and wait or fail when a file tells them to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import until
from twinpack.errors import NotFoundError, WorkspaceError
from twinpack.runtime.jobs import JobRunner
from twinpack.runtime.jobs.steps import Step, StepContext
from twinpack.store.workspace import Workspace

NAMES = ("one", "two", "three")
MANY = 40

CHILD = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.runtime.job_probe import work
work(sys.argv[1])
"""


def probe(name: str) -> Step:
    """A step that writes its name into `trace`; it waits while `hold-NAME` is there and fails while `fail-NAME` is."""

    def run(context: StepContext) -> dict[str, Any]:
        home = context.workspace.home
        with (home / "trace").open("a") as file:
            file.write(f"{name}\n")
        until(lambda: not (home / f"hold-{name}").exists())
        if (home / f"fail-{name}").exists():
            raise WorkspaceError(f"no room for {name}")
        if (home / f"refuse-{name}").exists():
            raise NotFoundError(f"no {name} here")
        context.tell(f"{name} went well")
        return {"name": name}

    return Step(name, run)


STEPS = {
    "compact": tuple(probe(name) for name in NAMES),
    "learn": (probe("learn"),),
    "lake": tuple(probe(str(at)) for at in range(MANY)),
}


def runner(workspace: Workspace, **options: Any) -> JobRunner:
    """A runner of such jobs."""
    return JobRunner(workspace, **{"steps": STEPS, "pauses_s": (0.01, 0.01), "look_s": 0.05, **options})


def trace(workspace: Workspace) -> list[str]:
    """Steps in the order in which they began."""
    path = workspace.home / "trace"
    return path.read_text().split() if path.exists() else []


def work(home: str) -> None:
    """In a child: work until nobody holds its standard input."""
    with runner(Workspace.open(home, create=False)):
        sys.stdout.write("works\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def worker(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(workspace.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "works\n"
            yield child
        finally:
            child.kill()
