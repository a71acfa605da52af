"""What an anomaly model makes of a simulated fleet in which every other vehicle gets a fault."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from twinpack.learn.anomaly import AnomalyModel, learn_anomaly
from twinpack.learn.signs import Days
from twinpack.simulate.faults.fleet import FaultFleet
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.telemetry.daily import DAILY_SIGNALS, daily

DAYS, HEALTHY_DAYS = 60, 24
SHOWN = {"weak_cell", "imbalance", "internal_short", "cell_sensor_drift", "probe_drift", "isolation_loss"}
"""Faults that daily features show; the others are for rules: they last minutes, or are of single signals."""


@pytest.fixture(scope="module")
def watched() -> tuple[FaultFleet, Days, AnomalyModel]:
    """Two months of twenty vehicles, and what was learned while all were healthy."""
    fleet = FaultFleet(FaultFleetSettings(vehicles=20, days=DAYS, seed=5))
    days = Days.of(pa.concat_tables(list(features(fleet))))
    return fleet, days, learn_anomaly(days.where(days.day < days.day.min() + HEALTHY_DAYS), "p")


def features(fleet: FaultFleet) -> Iterator[pa.Table]:
    """The features of each day of the fleet's clocks; what is sent after midnight of the day before is left out."""
    order = [("vehicle_id", "ascending"), ("sample_time", "ascending")]
    for day in fleet.days():
        rows = day.table()
        date = rows.column("sample_time").cast(pa.date32())
        rows = rows.filter(pa.compute.equal(date, date[len(date) // 2])).sort_by(order)
        rows = rows.append_column("pack", pa.array(["p"] * rows.num_rows))
        yield daily(rows.select(["vehicle_id", "sample_time", "pack", *DAILY_SIGNALS]), {"p": fleet.pack.capacity_ah})


def test_vehicles_with_faults_of_cells_probes_and_isolation_rank_first(
    watched: tuple[FaultFleet, Days, AnomalyModel],
) -> None:
    fleet, days, model = watched
    truth = {row["vehicle_id"]: row["fault"] for row in fleet.truth().to_pylist()}
    scores = model.scores(days)
    last = {name: np.flatnonzero(days.vehicle == name)[-7:] for name in fleet.vehicle_ids}
    ranked = sorted(fleet.vehicle_ids, key=lambda name: -float(scores.score[last[name]].mean()))
    wanted = {name for name, fault in truth.items() if fault in SHOWN}
    assert wanted <= set(ranked[:7]), [(name, truth.get(name)) for name in ranked]
    assert [name for name in ranked[:7] if name not in truth] == []


def test_reasons_name_the_cell_or_probe_of_the_fault(watched: tuple[FaultFleet, Days, AnomalyModel]) -> None:
    fleet, days, model = watched
    scores = model.scores(days)
    for row in fleet.truth().to_pylist():
        last = np.flatnonzero(days.vehicle == row["vehicle_id"])[-1:]
        (reasons,) = model.reasons(days, scores, last)
        if row["fault"] in SHOWN:
            assert scores.odder_than[last] > 0.8, row
            named = row["subject"] or "isolation"
            assert any(reason.startswith(f"{named} ") for reason in reasons[:2]), (row, reasons)
        if row["fault"] == "isolation_loss":
            assert float(reasons[0].split()[1]) == pytest.approx(row["size"], rel=0.1)


def test_healthy_vehicles_are_as_odd_as_before(watched: tuple[FaultFleet, Days, AnomalyModel]) -> None:
    fleet, days, model = watched
    healthy = set(fleet.vehicle_ids) - set(fleet.truth().column("vehicle_id").to_pylist())
    later = (days.day > model.last_day) & np.isin(days.vehicle.astype(str), sorted(healthy))
    assert 0.3 < model.scores(days).odder_than[later].mean() < 0.6
