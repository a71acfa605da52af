"""`twinpack learn anomaly` and `twinpack fleet ranking` as users type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.segments import write
from tests.runtime.test_anomaly import PACK, PLANTED, put, telemetry
from twinpack.cli.main import main
from twinpack.runtime.anomaly import KIND
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the telemetry of a fleet, folded."""
    workspace = Workspace.open(tmp_path_factory.mktemp("anomaly") / "home")
    put(workspace, telemetry())
    return workspace.home


def told(capsys: pytest.CaptureFixture[str], *arguments: str, home: Path, code: int = 0) -> str:
    """What a command prints; with another exit code, what it says on standard error."""
    capsys.readouterr()
    asked = main([*arguments, "--home", str(home)])
    captured = capsys.readouterr()
    assert asked == code, captured.err
    return captured.err if code else captured.out


def vehicles(text: str) -> list[str]:
    (ranking,) = json.loads(text)["rankings"]
    found: list[dict[str, Any]] = ranking["vehicles"]
    return [one["vehicle_id"] for one in found]


def test_it_learns_ranks_and_shows_the_ranking_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "learn", "anomaly", "--to", "2020-04-15", "--limit", "2", home=home)
    for vehicle, cell in PLANTED.items():
        assert f"{vehicle}: cell {cell} " in text
    assert "learned from 2020-01-06 to 2020-04-15, 14 vehicles" in text
    assert "and 12 more vehicles; --limit 0 lists all" in text
    assert told(capsys, "fleet", "ranking", "--limit", "2", home=home) == text
    listed = told(capsys, "fleet", "ranking", "--json", home=home)
    assert set(vehicles(listed)[:2]) == set(PLANTED)
    assert vehicles(told(capsys, "learn", "anomaly", "--score", "latest", "--json", home=home)) == vehicles(listed)
    assert "more vehicle" not in told(capsys, "fleet", "ranking", "--limit", "0", home=home)


def test_nothing_left_to_score_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "learn", "anomaly", "--from", "2020-01-20", "--to", "2021-01-01", home=home)
    assert "no day after 2020-07-0" in text and "to score yet" in text


def test_a_model_for_odd_vehicles_is_no_prototype(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.open(empty_home)
    write(empty_home, telemetry().slice(0, 5))
    with workspace.registry() as registry:
        workspace.artifacts(registry).save({"kind": KIND}, pack=PACK, kind=KIND)
    assert "there is telemetry but no model yet" in told(capsys, "twin", "SIM-0001", home=empty_home, code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2020-02-01", "--to", "2020-01-01"], "--to 2020-01-01 is before --from 2020-02-01"),
        (["--to", "yesterday"], "--to yesterday: not a day; write 2026-01-31"),
        (["--score", "latest", "--to", "2020-01-01"], "--score uses a model that was learned already"),
        (["--score", "12345678"], "'12345678' names no anomaly model"),
        (["--pack", "other"], "no day of pack 'other' here; there are sim_nmc_96s"),
        (["--to", "2020-01-10"], "pack sim_nmc_96s: 0 vehicles of 14 with 7 days of telemetry or more"),
    ],
)
def test_bad_use_is_named(home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert message in told(capsys, "learn", "anomaly", *arguments, home=home, code=2)


def test_a_workspace_without_a_model_says_what_makes_one(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workspace.open(empty_home)
    assert "`twinpack learn anomaly` makes one" in told(capsys, "fleet", "ranking", home=empty_home, code=2)
