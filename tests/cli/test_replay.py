"""`twinpack replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.test_replay import MISSED, OLD, living
from twinpack.cli.main import main
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return living(tmp_path_factory.mktemp("late") / "home", [OLD.kept(~MISSED)], [OLD.kept(MISSED)])


def replay(workspace: Workspace, *more: str, since: str = "2020-01-01") -> int:
    return main(["replay", "--from", since, "--home", str(workspace.home), *more])


def test_what_is_different_is_told_then_applied_then_the_same(
    late: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(late) == 1
    told = capsys.readouterr().out
    assert "60 samples of 1 vehicle came late from 2020-01-01 00:00:00 on" in told
    assert "old: 60 late samples" in told
    assert "versions since   5 → 6, 3 of them others" in told
    assert "trips            1 added" in told
    assert "--apply adds this" in told
    assert replay(late, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["same"], told["applied"], told["vehicles"][0]["changed"]) == (False, [], True)
    assert replay(late, "--apply") == 0
    assert "added as a new version of 1 vehicle" in capsys.readouterr().out
    assert replay(late, "--apply") == 0
    again = capsys.readouterr()
    assert "everything comes out as it is recorded" in again.out
    assert "late samples in a replay that was applied before: 60" in again.err
    assert main(["audit", "verify", "--home", str(late.home)]) == 0
    assert main(["explain", "old", "--home", str(late.home)]) == 0
    assert "is what a replay of late samples came to, in place of version 5" in capsys.readouterr().out
    assert main(["twin", "old", "--home", str(late.home)]) == 0
    assert "a replay" in capsys.readouterr().out


def test_times_are_in_utc(late: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    after = "2020-09-15T20:00:00"
    assert replay(late, since=after) == 0
    assert "nothing came late from 2020-09-15 20:00:00 on" in capsys.readouterr().out
    assert replay(late, since="2020-09-15T22:00:00+02:00") == 0
    assert "nothing came late from 2020-09-15 20:00:00 on" in capsys.readouterr().out
    assert replay(late, since="yesterday") == 2
    assert "--from 'yesterday' is no time" in capsys.readouterr().err


def test_a_workspace_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--from", "2020-01-01", "--home", str(tmp_path / "none")]) == 2
    assert main(["replay", "--from", "2020-01-01", "--home", str(Workspace.open(tmp_path / "new").home)]) == 2
    assert "nothing was folded here yet" in capsys.readouterr().err
