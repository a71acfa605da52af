"""`twinpack learn ageing` and `twinpack forecast` as users type them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.servers.small_fleet import VEHICLES, pristine_fleet
from twinpack.cli.main import main

__all__ = ["pristine_fleet"]


@pytest.fixture(scope="module")
def learned(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an ageing model and a kept forecast."""
    home = Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("forecast") / "home"))
    assert main(["learn", "ageing", "--home", str(home)]) == 0
    assert main(["forecast", "--home", str(home)]) == 0
    return home


def asked(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json", "--home", str(home)]) == 0
    return json.loads(capsys.readouterr().out)


def refused(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments, "--home", str(home)]) == 2
    return capsys.readouterr().err


def test_one_vehicle_is_told_with_dates_and_what_is_left(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = asked(learned, capsys, "forecast", "SIM-0002", "--limit-pct", "80")
    assert len(told["months"]) == 120
    (end,) = told["ends"]
    now = told["now_pct"][3]
    assert end["left"] == pytest.approx(min(max((now - 80.0) / 20.0, 0.0), 1.0), abs=1e-6)
    assert told["warranties"][0]["name"] == "UN GTR 22, 5 years"
    assert told["version"] > 0 and told["measured"]
    assert {one["name"] for one in told["baselines"]} == {"linear", "last_half", "smoothing"}
    assert 0.0 < told["failure"]["p30"] < told["failure"]["p90"] < 1.0
    assert main(["forecast", "SIM-0002", "--home", str(learned)]) == 0
    out = capsys.readouterr().out
    assert "capacity health now" in out and "Euro 7 M1, 8 years" in out and "10 years" in out


def test_the_fleet_is_told_the_soonest_first_and_kept(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet,) = asked(learned, capsys, "forecast")["forecasts"]
    medians = [one["ends"][0]["months"]["p50"] for one in fleet["vehicles"] if not one["why_not"]]
    known = [one for one in medians if one is not None]
    assert len(fleet["vehicles"]) == VEHICLES
    assert known == sorted(known) and medians[: len(known)] == known
    rows = asked(learned, capsys, "query", "select count(*) n, count(distinct vehicle_id) v from forecasts")
    assert rows == [{"n": 120 * len(medians), "v": len(medians)}]
    ends = asked(learned, capsys, "query", "select count(*) n from forecast_ends where kind = 'warranty'")
    assert ends == [{"n": 5 * len(medians)}]
    failures = "select name, count(*) n from forecast_ends where kind = 'failure' group by name order by name"
    assert asked(learned, capsys, "query", failures) == [{"name": f"{days} days", "n": VEHICLES} for days in (30, 90)]


def test_a_forecast_made_again_is_not_kept_twice(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = "select (select count(*) from forecasts) f, (select count(*) from forecast_ends) e"
    before = asked(learned, capsys, "query", count)
    assert main(["forecast", "--home", str(learned)]) == 0
    assert asked(learned, capsys, "query", count) == before


def test_a_picture_is_drawn(learned: Path, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    assert main(["forecast", "SIM-0003", "--picture", str(picture), "--home", str(learned)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["NOBODY"], "there is no vehicle 'NOBODY'"),
        (["--months", "0"], "an outlook of 0 months: it must be 1 to 600"),
        (["SIM-0001", "--months", "10000"], "it must be 1 to 600"),
        (["--limit-pct", "180"], "an end of life at 180 %: it must be 1 to 99 %"),
        (["--limit-pct", "nan"], "an end of life at nan %"),
        (["--pack", "other"], "no vehicle of pack 'other' here; there are sim_nmc_96s"),
        (["--fleet", "nowhere"], "nowhere"),
        (["--model", "123456"], "no ageing model"),
        (["--picture", "x.png"], "--picture draws one vehicle"),
        (["SIM-0001", "--pack", "sim_nmc_96s"], "leave them out, or the vehicle"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    learned: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in refused(learned, capsys, "forecast", *arguments)


def test_without_a_model_it_says_which_command_makes_one(
    pristine_fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(shutil.copytree(pristine_fleet, tmp_path / "home"))
    assert "`twinpack learn ageing` makes one" in refused(home, capsys, "forecast")
    assert "`twinpack learn ageing` makes one" in refused(home, capsys, "forecast", "SIM-0001")
    assert "there is no ageing law 'x'" in refused(home, capsys, "learn", "ageing", "--law", "x")
