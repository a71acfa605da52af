"""`twinpack evaluate simulated_faults`: the whole way from a simulated fleet to its score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from twinpack.cli.evaluations import simulated_faults
from twinpack.cli.evaluations.simulated_faults import with_ticks
from twinpack.cli.main import main
from twinpack.simulate.faults.fleet import FaultFleet
from twinpack.simulate.faults.kinds import KINDS
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK

HOUR_US = 3_600_000_000


def test_a_small_fleet_is_watched_and_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_faults, "QUICK_VEHICLES", 20)
    monkeypatch.setattr(simulated_faults, "QUICK_DAYS", 60)
    out = tmp_path / "evaluate.json"
    assert main(["evaluate", "simulated_faults", "--quick", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    (metrics,) = json.loads(out.read_text(encoding="utf-8")).values()
    assert metrics["n"] == len(KINDS)
    # what stands out at once is found within days
    for kind in ("contactor_welded", "isolation_loss", "thermal_runaway", "dead_channel", "internal_short"):
        assert metrics[f"{kind}_recall_pct"] == 100.0
        assert metrics[f"{kind}_delay_h"] < 15 * 24
        assert f"{kind}_delay_h" in shown
    assert metrics["thermal_runaway_lead_h"] > 0.0
    assert metrics["recall_pct"] >= 60.0
    assert metrics["false_battery_alarms"] <= 1
    assert len(metrics["missed"]) == round(0.01 * (100.0 - metrics["recall_pct"]) * metrics["n"])
    assert all(missed in shown for missed in metrics["missed"])


def test_ticks_come_between_rows_at_full_hours() -> None:
    day = next(FaultFleet(FaultFleetSettings(vehicles=2, days=60)).days())
    plain = day.batch(7)
    ticked = with_ticks(plain)
    tick = ticked.kind == KIND_TICK
    assert ticked.first_offset == 7
    assert tick.sum() == 23
    assert (ticked.receipt_time_us[tick] % HOUR_US == 0).all()
    assert (np.diff(ticked.receipt_time_us) >= 0).all()
    assert (ticked.vehicle[tick] == -1).all()
    kept = ticked.slice(0, len(ticked))
    np.testing.assert_array_equal(kept.sample_time_us[~tick], plain.sample_time_us)
    np.testing.assert_array_equal(kept.lists["cell_voltage_v"].start[~tick], plain.lists["cell_voltage_v"].start)
    assert (kept.lists["cell_voltage_v"].count[tick] == 0).all()
    assert (kept.kind[~tick] == KIND_SAMPLE).all()
    np.testing.assert_array_equal(kept.signals["soc_pct"][~tick], plain.signals["soc_pct"])
    assert len(with_ticks(plain.slice(0, 0))) == 0
