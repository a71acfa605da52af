"""Kill -9 at any moment and a restart give the same versions and tables, hash for hash, as an undisturbed run."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.runtime.workspaces import begin, record
from tests.twin.garage import Drives, healthy, worn
from twinpack.runtime.run import run
from twinpack.store.audit import verify
from twinpack.store.lake import Lake
from twinpack.store.registry import Registry
from twinpack.store.snapshots import Snapshots
from twinpack.store.workspace import Workspace

SEED = 20
KILLS = 6
MOST_STEPS = 22  # about half of what an undisturbed run writes, so that several kills meet one run

CHILD = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.runtime.test_kill import stepwise
stepwise(Path(sys.argv[1]))
"""


def cars() -> list[Drives]:
    """Two vehicles whose trips are accepted and refused."""
    mad = healthy("mad", 2)
    return [worn("old", 2), mad.changed(mad.trip == 2, pack_voltage_v=395.0)]


def stepwise(home: Path) -> None:
    """In the child: run, but tell before and after each write to disk, and wait to be allowed to go on."""

    def watched(kind: type, name: str) -> None:
        real: Callable[..., Any] = getattr(kind, name)

        def wrapped(self: Any, *args: Any, **named: Any) -> Any:
            wait(f"before {name}")
            result = real(self, *args, **named)
            wait(f"after {name}")
            return result

        setattr(kind, name, wrapped)

    def wait(where: str) -> None:
        sys.stdout.write(where + "\n")
        sys.stdout.flush()
        sys.stdin.readline() or stop()

    def stop() -> NoReturn:
        raise SystemExit("nobody answers")

    watched(Registry, "commit_batch")
    watched(Lake, "append")
    watched(Snapshots, "save")
    run(Workspace.open(home, create=False))


def run_and_kill(home: Path, after: int) -> str | None:
    """Let a run make some steps and kill it with SIGKILL; returns where, None when it came to its end."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        for _ in range(after):
            if not child.stdout.readline():
                assert child.wait() == 0
                return None
            child.stdin.write("\n")
            child.stdin.flush()
        where = child.stdout.readline().strip()
        child.kill()
    return where or None


@pytest.mark.slow
def test_killed_at_many_moments_it_ends_like_an_undisturbed_run(tmp_path: Path) -> None:
    calm = begin(tmp_path / "calm", *cars())
    run(calm)
    struck = begin(tmp_path / "struck", *cars())
    chance = random.Random(SEED)
    killed = []
    for _ in range(KILLS):
        where = run_and_kill(struck.home, chance.randrange(MOST_STEPS))
        killed.append(where)
        with struck.registry() as registry:
            assert verify(registry, struck.heads()).ok, f"what a kill {where} leaves is not damage"
    assert None not in killed, "each run was killed before its end"
    assert len(set(killed)) > 2, "at different places"
    run(struck)
    assert record(struck) == record(calm)
    assert record(calm)["audit"]


class Killed(BaseException):
    """Stands for a kill in this process, where one more run costs no new interpreter."""


@pytest.mark.parametrize("kind, name", [(Registry, "commit_batch"), (Lake, "append"), (Snapshots, "save")])
@pytest.mark.parametrize("side", ["before", "after"])
def test_cut_off_beside_each_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type, name: str, side: str
) -> None:
    """Some writes are cut off; each time the run is started again, until it comes to its end."""
    calm = begin(tmp_path / "calm", *cars())
    run(calm)
    struck = begin(tmp_path / "struck", *cars())
    real: Callable[..., Any] = getattr(kind, name)
    calls = 0

    def cut(self: Any, *args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        strike = calls in (1, 4, 9)
        if strike and side == "before":
            raise Killed
        result = real(self, *args, **named)
        if strike:
            raise Killed
        return result

    monkeypatch.setattr(kind, name, cut)
    cuts = 0
    while True:
        try:
            run(struck)
            break
        except Killed:
            cuts += 1
    assert cuts >= 1
    assert record(struck) == record(calm)
