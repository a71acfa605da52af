"""`twinpack report` on a workspace without vehicles: the page is there, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.cli.report import write_report
from twinpack.store.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Workspace.open(tmp_path / "home")
    return tmp_path / "home"


def test_the_page_goes_into_the_workspace_and_its_path_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--home", str(home)]) == 0

    path = Path(capsys.readouterr().out.strip())
    assert path == (home / "report" / "index.html").resolve()
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_another_place_and_json(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "fleet.html"

    assert main(["report", "--home", str(home), "--out", str(out), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told == {"path": str(out.resolve()), "bytes": out.stat().st_size, "vehicles": 0, "pages": 0}


def test_a_title_is_text_not_markup(home: Path) -> None:
    written = write_report(home, title="<b>Harbour</b>")

    assert "<title>&lt;b&gt;Harbour" in Path(written.path).read_text(encoding="utf-8")


def test_without_a_workspace_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--home", str(tmp_path / "none")]) == 2

    assert "there is no workspace" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
