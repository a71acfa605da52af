"""`twinpack learn energy` and `twinpack range` as users type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.test_ranges import CAR, live, telemetry
from twinpack.cli.main import main
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = live(tmp_path_factory.mktemp("range") / "home", telemetry()).home
    assert main(["learn", "energy", "--home", str(home)]) == 0
    return home


def told(capsys: pytest.CaptureFixture[str], *arguments: str, home: Path, code: int = 0) -> str:
    """What a command prints; with another exit code, what it says on standard error."""
    capsys.readouterr()
    asked = main([*arguments, "--home", str(home)])
    captured = capsys.readouterr()
    assert asked == code, captured.err
    return captured.err if code else captured.out


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(capsys, "range", CAR, *arguments, "--json", home=home))
    return found


def test_what_was_learned_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "learn", "energy", home=home)
    assert "consumption of sim_nmc_96s from 24 trips of 3 vehicles: " in text and " kWh/100 km" in text
    assert "from what is known before" in text and "with measured heating" in text and "by the mean a kilometre" in text
    (learned,) = json.loads(told(capsys, "learn", "energy", "--json", home=home))["models"]
    assert learned["card"]["metrics"]["mape_pct"] < learned["card"]["metrics"]["mape_mean_per_km_pct"]


def test_a_range_is_told_hot_mild_and_cold(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "range", CAR, "--soc-pct", "80", "--ambient-c", "5", "--reserve-pct", "10", home=home)
    assert text.splitlines()[0] == f"{CAR}, sim_nmc_96s, 80.0 % charge, 10 % left"
    for row in ("today (5 °C)", "hot (35 °C)", "mild (20 °C)", "cold (−10 °C)"):
        assert row in text
    assert "discharge 10 s" in text and "charge 30 s" in text
    found = answer(capsys, "--soc-pct", "80", "--ambient-c", "5", home=home)
    at = {one["name"]: one for one in found["at"]}
    assert at["cold"]["km"]["p50"] < at["mild"]["km"]["p50"]
    assert at["cold"]["power"][0]["power_kw"]["p50"] < at["hot"]["power"][0]["power_kw"]["p50"]
    assert list(at["today"]["km"].values()) == sorted(at["today"]["km"].values())


def test_a_plan_is_driven_and_a_picture_is_drawn(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, picture = tmp_path / "way.csv", tmp_path / "pictures" / "range.png"
    plan.write_text("distance_km,speed_kmh,elevation_m\n0,0,400\n2,50,410\n20,100,500\n", encoding="utf-8")
    typed = ["range", CAR, "--soc-pct", "60", "--plan", str(plan), "--picture", str(picture)]
    text = told(capsys, *typed, home=home)
    assert "plan: 20.0 km in " in text and "arrives with " in text and "not to arrive: 0.0 %" in text
    assert "too few points to hold stops" in text and f"drawn {picture}" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    far = tmp_path / "far.csv"
    far.write_text("time_s,speed_kmh\n0,130\n36000,130\n", encoding="utf-8")
    assert "not to arrive: 100.0 %" in told(capsys, "range", CAR, "--plan", str(far), home=home)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["--soc-pct", "150"], "the state of charge is 150 %; it must lie between 0 and 100 %"),
        (["--soc-pct", "nan"], "the state of charge is nan %"),
        (["--ambient-c", "400"], "the outside temperature is 400 °C; it must lie between -50 and 60 °C"),
        (["--load-kg", "-5"], "the load is -5 kg"),
        (["--reserve-pct", "100"], "the reserve is 100 %"),
        (["--plan", "missing.csv"], "there is no file missing.csv"),
    ],
)
def test_bad_input_is_refused_by_name(
    typed: list[str], why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in told(capsys, "range", CAR, *typed, home=home, code=2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("time_s,speed\n0,1\n1,1\n", "line 1: column 'speed_kmh' is missing"),
        ("distance_km,speed_kmh\n0,50\n-3,50\n", "line 3, column 'distance_km': -3 is not possible"),
        ("time_s,speed_kmh\n0,50\n10,NaN\n", "line 3, column 'speed_kmh': NaN is not possible"),
        ("time_s,speed_kmh\n0,50\n10,50\n9,50\n", "line 4, column 'time_s': 9 comes after 10; it must rise"),
    ],
)
def test_a_bad_plan_is_refused_by_line_and_column(
    text: str, why: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "way.csv"
    plan.write_text(text, encoding="utf-8")
    said = told(capsys, "range", CAR, "--plan", str(plan), home=home, code=2)
    assert why in said and str(plan) in said and said.count("\n") == 1
    plan.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as text" in told(capsys, "range", CAR, "--plan", str(plan), home=home, code=2)


def test_an_unknown_vehicle_and_an_empty_workspace_are_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "did you mean SIM-0001 or " in told(capsys, "range", "sim-0001", home=home, code=2)
    Workspace.open(tmp_path / "empty")
    assert "no telemetry" in told(capsys, "range", CAR, home=tmp_path / "empty", code=2)
    assert "nothing to learn from" in told(capsys, "learn", "energy", home=tmp_path / "empty", code=2)


def test_a_twin_of_routes_abstains_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    for typed in (
        ["simulate", "--kind", "routes", "--vehicles", "5", "--trips", "3", "--out", str(tmp_path / "sim")],
        ["import", str(tmp_path / "sim"), "--pack", "route_cell", "--home", str(home)],
        ["learn", "model", "--kind", "route", "--trips", "first:1", "--home", str(home)],
        ["run", "--home", str(home)],
    ):
        assert main(typed) == 0
    text = told(capsys, "range", "ROUTE-0001", home=home)
    assert "no range: its twin tells the scale of its range along routes, not capacity: " in text
    assert "% of new" in text
    found = json.loads(told(capsys, "range", "ROUTE-0001", "--json", home=home))
    assert found["at"] == [] and found["reason"]
    assert "tell consumption, at least 8 are needed" in told(capsys, "learn", "energy", home=home, code=2)
