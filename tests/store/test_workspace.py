from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from twinpack.errors import NotFoundError, SettingsError, WorkspaceBusyError, WorkspaceError, WorkspaceVersionError
from twinpack.store.settings import Settings, TripSettings
from twinpack.store.workspace import FORMAT, Workspace


def test_a_new_workspace_has_its_folders_and_documented_settings(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "deep" / "home")
    for folder in (workspace.log_dir, workspace.lake_dir, workspace.models_dir, workspace.snapshots_dir):
        assert folder.is_dir()
    assert stat.S_IMODE(workspace.audit_key_path.parent.stat().st_mode) == 0o700
    assert workspace.settings == Settings()
    assert "gap_s = 600.0" in (workspace.home / "settings.toml").read_text()


def test_a_new_folder_is_for_whoever_begins_it_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    assert stat.S_IMODE(Workspace.open(tmp_path / "new").home.stat().st_mode) == 0o700
    (tmp_path / "shared").mkdir(mode=0o755)
    assert stat.S_IMODE(Workspace.open(tmp_path / "shared").home.stat().st_mode) == 0o755


def test_opening_again_keeps_what_was_changed(tmp_path: Path) -> None:
    home = Workspace.open(tmp_path, settings=replace(Settings(), trips=TripSettings(gap_s=60.0))).home
    assert Workspace.open(home, create=False).settings.trips.gap_s == 60.0
    assert Workspace.open(home, settings=Settings()).settings.trips.gap_s == 60.0


def test_a_mistake_in_the_settings_names_the_file(tmp_path: Path) -> None:
    Workspace.open(tmp_path)
    (tmp_path / "settings.toml").write_text("[trips]\ngap = 1\n")
    with pytest.raises(SettingsError, match=r"settings\.toml \[trips\]: unknown key 'gap'"):
        Workspace.open(tmp_path)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(WorkspaceError, match=r"is not a workspace and holds other files \(thesis.tex\)"):
        Workspace.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_settings_may_be_there_before_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[trips]\ngap_s = 60.0\n")
    assert Workspace.open(tmp_path).settings.trips.gap_s == 60.0
    assert (tmp_path / "log").is_dir()


def test_a_workspace_that_must_exist_and_does_not(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no workspace at"):
        Workspace.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_home_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        Workspace.open(tmp_path / "file")


def test_a_crash_while_beginning_is_made_good(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").write_text(json.dumps({"format": FORMAT}))
    (tmp_path / "log").mkdir()
    assert Workspace.open(tmp_path).lake_dir.is_dir()


def test_a_workspace_of_a_later_release_says_what_to_do(tmp_path: Path) -> None:
    Workspace.open(tmp_path)
    (tmp_path / "workspace.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(WorkspaceVersionError, match=r"pip install --upgrade twinpack"):
        Workspace.open(tmp_path)


def test_a_damaged_format_file_is_named(tmp_path: Path) -> None:
    Workspace.open(tmp_path)
    (tmp_path / "workspace.json").write_text("{")
    with pytest.raises(WorkspaceError, match=r"workspace\.json is damaged"):
        Workspace.open(tmp_path)


def test_the_registry_is_ready_when_opened(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    with workspace.registry() as registry:
        assert registry.offset() == 0
    assert (tmp_path / "registry.db").is_file()


def test_a_second_run_is_refused_with_the_process_that_holds_it(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    with (
        workspace.runtime_lock(),
        pytest.raises(WorkspaceBusyError, match=rf"another run or serve \(process {os.getpid()}\)"),
        Workspace.open(tmp_path).runtime_lock(),
    ):
        pass
    with workspace.runtime_lock():
        pass


HOLD = """
import sys
from twinpack.store.workspace import Workspace
with Workspace.open(sys.argv[1]).runtime_lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusyError, match=f"process {other.pid}"), workspace.runtime_lock():
            pass
        other.kill()
        other.wait()
    with workspace.runtime_lock():
        pass
