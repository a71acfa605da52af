"""`twinpack models` as users type it: learn, run, learn another, compare, promote, run, go back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinpack.cli.main import main
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import PROMOTED

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet that lives by a model of one pair, with another of two pairs beside it."""
    folder = tmp_path_factory.mktemp("models")
    made = ["--vehicles", "3", "--trips", "6", "--years", "0.5", "--period-s", "20", "--out", str(folder / "fleet")]
    at = ["--home", str(folder / "home")]
    assert main(["simulate", *made]) == 0
    assert main(["import", str(folder / "fleet"), *at]) == 0
    for kind in ("thevenin-1rc", "thevenin-2rc"):
        assert main(["learn", "model", "--kind", kind, "--trips", "first:1", *at]) == 0
        assert main(["run", *at]) == 0
    return folder / "home"


@pytest.fixture
def home(learned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(learned, tmp_path / "home"))


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command and gives its exit code, and what it printed: parsed where it is JSON."""

    def of(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = main([*arguments, "--home", str(home)])
        told = capsys.readouterr()
        return code, json.loads(told.out) if "--json" in arguments and code == 0 else told.out, told.err

    return of


def statuses(run: Run) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in run("models", "list", "--json")[1]}


def test_a_model_is_compared_promoted_and_taken_back(home: Path, run: Run) -> None:
    before = statuses(run)
    old, new = before["thevenin-1rc"]["hash"], before["thevenin-2rc"]["hash"]
    assert {kind: (one["status"], one["vehicles"]) for kind, one in before.items()} == {
        "thevenin-1rc": ("champion", 3),
        "thevenin-2rc": ("challenger", 0),
    }
    code, told, _ = run("models", "compare", new[:6])
    assert code in (0, 1) and "RMSE V" in told and "the challenger is " in told
    code, done, _ = run("models", "promote", new[:6], "--reason", "fits", "--without-backtest", "--json")
    assert (code, done["model_hash"], done["former_hash"], done["vehicles"]) == (0, new, old, 3)
    assert run("run")[0] == 0
    with Workspace.open(home, create=False).registry() as registry:
        vehicles = [one.vehicle_id for one in registry.vehicles()]
        heads = [registry.head(vehicle) for vehicle in vehicles]
        actions = [one.action for one in registry.model_actions.all()]
    assert [head and (head.kind, head.model_hash) for head in heads] == [(PROMOTED, new)] * 3
    assert actions == ["compare", "promote"]
    after = statuses(run)
    assert [after[kind]["status"] for kind in ("thevenin-1rc", "thevenin-2rc")] == ["retired", "champion"]
    assert after["thevenin-2rc"]["vehicles"] == 3
    assert run("audit", "verify")[0] == 0
    assert "brought a new model in place of" in run("explain", vehicles[0])[1]
    code, _, error = run("rollback", vehicles[0], "1")
    assert code == 2 and "was made under model" in error
    assert run("models", "rollback", "--reason", "worse in the cold")[0] == 0
    assert run("run")[0] == 0
    assert statuses(run)["thevenin-1rc"]["status"] == "champion"
    assert "no model was promoted" in run("models", "rollback", "--reason", "again")[2]
    shown = run("models", "show", old[:8])[1]
    assert "champion, 3 vehicles on it" in shown and "worse in the cold" in shown


def test_what_cannot_be_done_is_said_and_nothing_is_ordered(home: Path, run: Run) -> None:
    now = statuses(run)
    old, new = now["thevenin-1rc"]["hash"], now["thevenin-2rc"]["hash"]
    for arguments, words in (
        (["show", "zz"], "no model 'zz' here"),
        (["promote", old, "--reason", "x"], "is the champion of sim_nmc_96s already"),
        (["promote", new, "--pack", "lfp_104s", "--reason", "x"], "is for pack sim_nmc_96s, not for lfp_104s"),
        (["rollback", "--reason", "x"], "no model was promoted"),
    ):
        code, _, error = run("models", *arguments)
        assert code == 2 and words in error
    folder = next(path.parent for path in home.rglob(f"{new}.json"))
    path = folder / f"{new}.json"
    path.write_text(path.read_text().replace("thevenin-2rc", "thevenin-3rc"))
    for name in ("show", "compare"):
        code, _, error = run("models", name, new)
        assert code == 2 and "altered or damaged" in error
    path.unlink()
    assert "is not in" in run("models", "show", new)[2]
    with Workspace.open(home, create=False).registry() as registry:
        assert registry.model_actions.all() == []


def test_an_ambiguous_hash_is_refused(home: Path, run: Run) -> None:
    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        for which in range(17):
            workspace.artifacts(registry).save({"which": which}, pack="sim_nmc_96s")
        hashes = [one.hash for one in registry.models()]
    first = next(one[0] for one in hashes if sum(other[0] == one[0] for other in hashes) > 1)
    code, _, error = run("models", "show", first)
    assert code == 2 and "is ambiguous" in error
