"""A fleet of routes by the commands a user types: simulated, imported, learned, run, and looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.store.workspace import Workspace

VEHICLES, ROUTES = 8, 9
ONE = "ROUTE-0001"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("routes")
    home = folder / "home"
    fleet = ["--vehicles", str(VEHICLES), "--trips", str(ROUTES), "--out", str(folder / "sim")]
    for typed in (
        ["simulate", "--kind", "routes", *fleet],
        ["import", str(folder / "sim"), "--pack", "route_cell", "--home", str(home)],
        ["learn", "model", "--kind", "route", "--trips", "first:1", "--home", str(home)],
        ["run", "--home", str(home)],
    ):
        assert main(typed) == 0
    return home


def told(home: Path, capsys: pytest.CaptureFixture[str], *typed: str) -> str:
    assert main([*typed, "--home", str(home)]) == 0
    return capsys.readouterr().out


def test_a_twin_of_routes_tells_its_range_and_no_capacity(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(home, capsys, "twin", ONE)
    assert "capacity is not known" in text.splitlines()[0]
    assert "Range scale      " in text and " % of new" in text and "% a trip" in text
    assert "Capacity health" not in text and " Ah" not in text
    values = json.loads(told(home, capsys, "twin", ONE, "--json"))
    assert values["capacity_health_pct"] is None and values["resistance_x_new"] is None
    # Each route takes about one and a half percent.
    assert 82.0 < values["range_scale_pct"] < 95.0
    assert values["scored_trips"] == ROUTES
    assert values["rmse_with_updates_v"] < 0.5 * values["rmse_without_updates_v"]


def test_no_state_of_charge_is_made_up(home: Path) -> None:
    with Workspace.open(home, create=False).registry() as registry:
        assert registry.latest_of(ONE).get("soc") is None
        assert registry.latest_of(ONE)["deployed_version"] > 1


def test_the_fleet_is_listed_by_its_range(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(home, capsys, "twins")
    assert "health of a vehicle of routes: the scale of its range, % of new" in text
    assert "not known yet" not in text
    healths = [one["range_scale_pct"] for one in json.loads(told(home, capsys, "twins", "--json"))["vehicles"]]
    assert len(healths) == VEHICLES and healths == sorted(healths)


def test_its_versions_are_explained_and_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(home, capsys, "explain", ONE, "--last", "0")
    assert "range scale" in text.splitlines()[1] and "wear" in text
    assert "Mean absolute error" in text
    assert "chain verified" in told(home, capsys, "audit", "verify")
    rows = json.loads(told(home, capsys, "query", "SELECT count(*) AS n FROM predictions", "--json"))
    assert str(VEHICLES * ROUTES) in json.dumps(rows)


def test_a_roll_back_is_deployed_as_of_now(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vehicle = "ROUTE-0002"
    before = json.loads(told(home, capsys, "twin", vehicle, "--json"))
    told(home, capsys, "rollback", vehicle, "3", "--reason", "a try")
    told(home, capsys, "run")
    after = json.loads(told(home, capsys, "twin", vehicle, "--json"))
    assert after["range_scale_pct"] == pytest.approx(before["range_scale_pct"], abs=2.0)
    assert after["range_scale_2sigma_pts"] > before["range_scale_2sigma_pts"]
    assert "went back to version 3" in told(home, capsys, "explain", vehicle, "--last", "1")


def test_the_report_shows_it(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert main(["report", "--out", str(page), "--home", str(home)]) == 0
    text = page.read_text("utf-8")
    assert ONE in text and "Range scale" in text


def test_wear_is_learned_from_the_lives_and_challenges_the_champion(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion = json.loads(told(home, capsys, "models", "list", "--json"))[0]["hash"]
    text = told(home, capsys, "learn", "noise")
    assert f"refines {champion[:12]}; challenges {champion[:12]}; next: twinpack models compare" in text
    assert "wear a route 0.01" in text
    listed = json.loads(told(home, capsys, "models", "list", "--json"))
    assert [one["status"] for one in listed] == ["challenger", "champion"] and listed[0]["parent"] == champion
