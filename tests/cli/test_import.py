from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.lake import Lake

HEADER = "vehicle_id,sample_time,pack_voltage_v,pack_current_a\n"
GOOD = "v1,2025-01-01T00:00:00Z,380,-1\nv1,2025-01-01T00:00:01Z,381,-1\n"
BAD = "v1,2025-01-01T00:00:02Z,380,inf\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.csv").write_text(HEADER + GOOD + BAD)
    return folder


def _import(path: Path, home: Path, *more: str) -> int:
    return main(["import", str(path), "--pack", "sim_nmc_96s", "--home", str(home), *more])


def test_a_file_is_imported_and_summed_up(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    assert _import(files / "a.csv", home, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows_imported"], told["rejected"], told["vehicles"]) == (2, {"infinite": 1}, ["v1"])
    letters = Lake(home / "lake").read("dead_letters").to_pylist()
    assert [(letter["file"], letter["row"], letter["reason"]) for letter in letters] == [("a.csv", 3, "infinite")]
    assert LakeDeadLetters(Lake(home / "lake")).held(letters[0]["import_id"]) == 1


def test_the_second_time_adds_nothing(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(files, tmp_path / "home") == 0
    capsys.readouterr()
    assert _import(files, tmp_path / "home") == 0
    out = capsys.readouterr().out
    assert "files imported before" in out
    assert Lake(tmp_path / "home" / "lake").read("dead_letters").num_rows == 1


def test_a_bad_file_in_a_folder_is_named_and_the_code_is_2(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "empty.csv").write_text("")
    assert _import(files, tmp_path / "home") == 2
    told = capsys.readouterr()
    assert "rows imported" in told.out
    assert [line for line in told.err.splitlines() if line.startswith("twinpack:")] == [
        f"twinpack: {files / 'empty.csv'}: the file is empty"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing-here"], "there is no such file"),
        (["{file}", "--watch"], "needs a folder"),
        (["{file}", "--profile", "none"], "bdf, bmw_i3, "),
        (["{file}", "--pack", "none"], "sim_nmc_96s"),
        (["{file}", "--profile", "bmw_i3"], "no column 'time_s'"),
        (["{file}"], "which pack?"),
    ],
)
def test_bad_use_is_one_line_and_2(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    given = [argument.format(file=files / "a.csv") for argument in arguments]
    assert main(["import", *given, "--home", str(tmp_path / "home")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert words in told[0]
