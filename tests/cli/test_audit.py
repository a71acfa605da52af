"""`twinpack audit verify` on a workspace with a short history."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.chains import chain, version_events
from twinpack.cli.commands import COMMANDS
from twinpack.cli.main import main
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(COMMANDS, "audit", "twinpack.cli.audit")
    workspace = Workspace.open(tmp_path)
    events = version_events(chain("car-1", 3), 0)
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 0, 3, events, {})
    workspace.heads().sign(events[:2], 3)
    return tmp_path


def tamper(home: Path) -> None:
    with closing(sqlite3.connect(home / "registry.db")) as connection, connection:
        connection.execute("UPDATE twin_versions SET content = '{}' WHERE number = 2")


def test_a_sound_history_is_said_to_be_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--home", str(home)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "3 versions of 1 vehicle, 1 signed head",
        "1 version not signed yet; the next `twinpack run` signs what it made",
        "chain verified",
    ]


def test_a_broken_link_is_named_and_the_exit_code_is_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(home)
    assert main(["audit", "verify", "--home", str(home)]) == 1
    told = capsys.readouterr()
    assert "chain verified" not in told.out
    assert told.err.count("\n") == 1
    assert "vehicle car-1, version 2: its content does not have its hash" in told.err


def test_the_json_says_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--json", "--home", str(home)]) == 0
    sound = json.loads(capsys.readouterr().out)
    assert (sound["verified"], sound["versions"], sound["unsigned_versions"], sound["broken"]) == (True, 3, 1, [])
    tamper(home)
    assert main(["audit", "verify", "--json", "--home", str(home)]) == 1
    broken = json.loads(capsys.readouterr().out)
    assert not broken["verified"]
    assert (broken["broken"][0]["vehicle"], broken["broken"][0]["version"]) == ("car-1", 2)


def test_no_workspace_is_bad_use(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--home", str(home / "nowhere")]) == 2
    assert "there is no workspace at" in capsys.readouterr().err
