"""`twinpack backup` and `twinpack restore`."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.runtime.workspaces import begin, record
from tests.twin.garage import worn
from twinpack.cli.main import main
from twinpack.runtime.run import run
from twinpack.store.workspace import Workspace

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "backup.md").read_text(encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = begin(tmp_path / "twinpack-data", worn("car-1", 2))
    run(workspace)
    monkeypatch.chdir(tmp_path)
    return workspace


def test_the_commands_of_the_page_run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"^<!-- example: commands -->\n```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.replace("/mnt/backups", "backups").splitlines():
        program, *arguments = shlex.split(line)
        assert (program, main(arguments)) == ("twinpack", 0)
    told = capsys.readouterr().out
    assert re.search(r"^backups/monday: \d+ files, .* MB, .* rows of the log$", told, re.MULTILINE)
    assert re.search(r"^again is as it was on 20", told, re.MULTILINE)
    assert main(["audit", "verify", "--home", "again"]) == 0
    assert record(Workspace.open("again", create=False)) == record(workspace)


def test_the_results_as_json(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace.home / "settings.toml").write_text('[mqtt]\npassword_file = "/run/secrets/mqtt"\n', encoding="utf-8")
    assert main(["backup", "copy", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["folder"], made["left_out"]) == ("copy", ["the file that [mqtt] password_file names"])
    assert made["log_end_offset"] > 100 and made["bytes"] > 10_000
    assert main(["restore", "copy", "--home", "again", "--json"]) == 0
    restored = json.loads(capsys.readouterr().out)
    assert (restored["home"], restored["files"]) == ("again", made["files"])
    assert restored["notes"] == ["not in the backup: the file that [mqtt] password_file names"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["backup", "twinpack-data/copy"], "is inside the workspace"),
        (["backup", "copy", "--home", "nowhere"], "there is no workspace"),
        (["restore", "nowhere", "--home", "again"], "nowhere is not a backup"),
        (["restore", "twinpack-data", "--home", "again"], "twinpack-data is not a backup"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_what_cannot_be_done_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], what: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert what in told
    assert sorted(tmp_path.iterdir()) == before
