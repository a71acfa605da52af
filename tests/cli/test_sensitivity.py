"""`twinpack sensitivity` as users type it, on a fleet of routes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.runtime.sensitivity import KIND, latest_sensitivity
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two routes of six vehicles and a model learned from them."""
    folder = tmp_path_factory.mktemp("sensitivity")
    home = folder / "home"
    made = ["simulate", "--kind", "routes", "--vehicles", "6", "--trips", "2", "--out", str(folder / "fleet")]
    for arguments in (made, ["import", str(folder / "fleet")], ["learn", "model", "--kind", "route"]):
        at = [] if arguments is made else ["--home", str(home)]
        assert main([*arguments, *at]) == 0
    return home


def test_it_tells_what_lives_and_keeps_it_beside_the_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", "--samples", "64", "--home", str(home)]) == 0
    captured = capsys.readouterr()
    assert "route for route_cell" in captured.out and "on 12 trips of 6 vehicles" in captured.out
    assert "living set: wear" in captured.out and "acts wear_rate" in captured.out
    assert "the set captures 100.0 % of what all do" in captured.out
    assert "simulating: 6 of 6" in captured.err and "calibrating" in captured.err
    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        (model,) = [record for record in registry.models() if record.kind == "prototype"]
        kept = latest_sensitivity(workspace, registry, model.hash)
        latest = workspace.artifacts(registry).latest("route_cell")
    assert kept is not None and kept.found["chosen"]["names"] == ["wear"]
    assert (kept.card["kind"], kept.card["parent"]) == (KIND, model.hash)
    assert latest is not None and latest.hash == model.hash  # an analysis is no model that twins could start from


def test_json_and_pictures(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sensitivity", "--samples", "64", "--json", "--pictures", str(tmp_path), "--home", str(home)]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["both"]["names"] == ["wear", "speed", "load", "distance"]
    assert {Path(file).name for file in told["pictures"]} == {
        "sensitivity-effects.png",
        "sensitivity-interactions.png",
        "sensitivity-identified.png",
    }
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for file in told["pictures"])
    assert main([*arguments, "--svg"]) == 0
    assert "<svg" in (tmp_path / "sensitivity-effects.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samples", "1000"], "1000 samples: Sobol's sequence needs a power of two"),
        (["--model", "0123456789"], "'0123456789' names no model; the last are"),
        (["--pack", "lfp_104s"], "no model of pack 'lfp_104s' here"),
        (["--trips", "all"], "'all' is not of the form first:N"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["sensitivity", *arguments, "--home", str(home)]) == 2
    assert words in capsys.readouterr().err


def test_a_model_that_was_altered_is_refused_by_all_that_read_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = [one for one in (home / "models").iterdir() if '"law"' in one.read_text(encoding="utf-8")]
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"route"', '"rowte"'), encoding="utf-8")
    try:
        for command in (["sensitivity"], ["run"]):
            assert main([*command, "--home", str(home)]) == 2
            error = capsys.readouterr().err
            assert path.name in error and "was altered or damaged: its content does not match its hash" in error
    finally:
        path.write_text(whole, encoding="utf-8")
