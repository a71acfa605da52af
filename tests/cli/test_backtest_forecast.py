"""`twinpack backtest forecast` as users type it, and what it says on the card of what was learned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.servers.small_fleet import pristine_fleet
from twinpack.cli.main import main
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet"]


@pytest.fixture(scope="module")
def home(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("backtest") / "home"))


def test_forecasts_from_the_past_are_held_against_what_came(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "forecast", "--origins", "2", "--home", str(home)]) == 0
    text = capsys.readouterr().out
    assert "sim_nmc_96s by schmalstieg-nmc: " in text and " months ahead" in text
    assert "ageing law" in text and "straight line" in text and "inside 90 %" in text
    assert main(["backtest", "forecast", "--origins", "2", "--json", "--home", str(home)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["packs"]
    scores = {one["name"]: one for one in found["methods"]}
    assert {"law", "linear", "last_half", "smoothing"} <= scores.keys()
    assert scores["law"]["mae_pct"] < 4.0 and scores["linear"]["coverage_90_pct"] is None
    with Workspace.open(home, create=False).registry() as registry:
        assert "ageing" not in {record.kind for record in registry.models()}, "nothing is stored"


def test_the_card_of_what_was_learned_tells_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "ageing", "--home", str(home)]) == 0
    assert "forecasts from the past were off by " in capsys.readouterr().out
    with Workspace.open(home, create=False).registry() as registry:
        card = next(record.card for record in registry.models() if record.kind == "ageing")
    assert card["metrics"]["backtest_law_mae_pct"] < 4.0
    assert card["figures"]["backtest"]["methods"][0]["crps_pct"] >= 0.0


def test_what_cannot_be_tried_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "forecast", "--pack", "another", "--home", str(home)]) == 2
    assert "no vehicle of pack 'another' here" in capsys.readouterr().err
    assert main(["backtest", "forecast", "--law", "none", "--home", str(home)]) == 2
    assert "none" in capsys.readouterr().err
    Workspace.open(tmp_path / "empty")
    assert main(["backtest", "forecast", "--home", str(tmp_path / "empty")]) == 2
    assert "no vehicle is known yet" in capsys.readouterr().err
