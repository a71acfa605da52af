"""`twinpack demo`: a fleet from nothing to its report, and what it says in the end."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from twinpack.cli.demo import WIDTH, Found, findings
from twinpack.cli.demo_ahead import Ahead, in_words
from twinpack.cli.demo_app import App
from twinpack.cli.demo_fault import Caught
from twinpack.cli.demo_live import Lived
from twinpack.cli.main import main
from twinpack.evaluate.metrics import BandQuality, HealthQuality

BAND = BandQuality(n=10, rmse_v=1.0, coverage_95_pct=95.0, interval_score_v=4.0, constant_interval_score_v=5.0)

FAULTS = Caught("car", ("TP-CELL-LOW",), 1_700_000_000_000_000, 10.0, 0, 3)

AHEAD = Ahead(80.0, 1, 3, 9, "car", (date(2027, 1, 5), date(2028, 3, 1), None))


def found(seconds: dict[str, float]) -> Found:
    health = HealthQuality(n=2, mae_pct=0.5, fleet_mean_mae_pct=2.0, inside_2_sigma_pct=100.0)
    live = Lived(90, 3, 2.0, 2)
    return Found(2, 6, BAND, BAND, health, 12, "car: worn.", FAULTS, AHEAD, live, None, Path("report.html"), seconds)


def test_the_share_of_each_stage_is_told() -> None:
    lines = findings(found({"other": 0.1, "simulate": 30.0, "fold": 60.0, "report": 10.0}))
    assert "100 s: simulate 30 %, fold 60 %, report 10 %." in lines
    assert max(map(len, lines)) <= WIDTH


def test_planted_faults_are_told_whether_they_were_found_or_not() -> None:
    told = " ".join(findings(found({})))
    assert "Two faults were planted in car: cell 17 grown weak was found on 2023-11-14 (TP-CELL-LOW)" in told
    assert "was an alarm after 10 s. 0 other alarms in the 2 vehicles, 3 things to watch." in told
    missed = replace(FAULTS, cell_codes=(), isolation_s=math.nan)
    told = " ".join(findings(replace(found({}), faults=missed)))
    assert told.count("was not found") == 2


def test_what_came_live_is_told() -> None:
    told = " ".join(findings(found({})))
    assert "The last 2 trips came live: 90 samples in 3 messages through MQTT" in told


def test_what_is_foreseen_is_told() -> None:
    told = " ".join(findings(found({})))
    assert "1 of 9 batteries has fallen to 80 % of the rated capacity, 3 more will within 5 years." in told
    assert "Next is car, in 2028-03 (2027-01 to later)." in told
    assert in_words(None) == ""
    assert "Next is" not in in_words(replace(AHEAD, next_id=""))


def test_the_app_is_told_with_how_to_sign_in() -> None:
    app = App("http://127.0.0.1:8765", ("admin", "owner"), "secret words", ("fleet page: 2 vehicles",))
    told = "\n".join(findings(replace(found({}), app=app)))
    assert "App: fleet page: 2 vehicles." in told and "http://127.0.0.1:8765/" in told
    assert "Sign in as admin, owner; the password of each is secret words" in told


@pytest.mark.slow
def test_a_small_demo_from_nothing_to_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "demo"
    assert main(["demo", "--vehicles", "2", "--trips", "3", "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["vehicles"] == 2 and told["trips"] >= 6
    assert told["live_trips"] >= 2 and told["live_samples"] > 30 * (told["live_messages"] - 8) > 0
    assert {"simulate", "import", "live", "learn", "read log", "fold", "commit", "verify", "report"} <= set(
        told["seconds"]
    )
    assert all(seconds >= 0.0 for seconds in told["seconds"].values())
    assert told["isolation_alarm_s"] < 60.0
    assert Path(told["report"]).stat().st_size > 10_000
    assert told["app"][0].startswith("fleet page: 2 vehicles") and len(told["app"]) == 4
