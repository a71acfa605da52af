"""Trip energy of the i3's evaluation, on made drives in the form of its files; and ranges of a simulated fleet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from twinpack.cli.evaluations import simulated_range
from twinpack.cli.evaluations.i3_energy import COLUMNS, energy_metrics
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings

LIAR = "A03"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen drives of one vehicle, the warmer half as A; one has a heater that claims what the pack never gave."""
    folder = tmp_path_factory.mktemp("i3")
    fleet = FleetSettings(vehicles=1, trips=16, years=1.0, period_s=2.0, charge_share=0.0, disturbances=False)
    drives = list(PhysicsFleet(fleet).tables())
    warmth = [pc.mean(one.column("ambient_temp_c")).as_py() for one in drives]
    for rank, at in enumerate(np.argsort(warmth)[::-1]):
        name = f"{'A' if rank < 8 else 'B'}{rank:02d}"
        rows = drives[at].sort_by("sample_time")
        time_us = rows.column("sample_time").cast(pa.int64()).to_numpy()
        columns = {file: rows.column(signal) for signal, file in COLUMNS.items()}
        columns["time_s"] = pa.array((time_us - time_us[0]) / 1e6)
        if name == LIAR:
            columns["heating_power_kW"] = pa.array(np.full(len(time_us), 6.0))
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def test_trips_left_out_are_predicted_better_than_by_means(folder: Path) -> None:
    told = energy_metrics(folder)
    assert told["energy_trips"] == 16
    assert told["energy_heating_disbelieved"] == [LIAR]
    assert told["energy_mape_pct"] < 11.0 and told["energy_mape_measured_heating_pct"] < 8.0
    assert told["energy_mape_pct"] < 0.7 * told["energy_mape_mean_per_km_pct"]
    assert told["energy_mape_believed_heating_pct"] < told["energy_mape_pct"]
    assert {"energy_mape_summer_pct", "energy_mape_winter_pct", "energy_coverage_90_pct"} <= told.keys()
    assert told["energy_mape_without_cabin_pct"] == told["energy_mape_pct"], "no cabin is told here"


def test_a_liar_spoils_nothing(folder: Path, tmp_path: Path) -> None:
    for file in folder.glob("*.parquet"):
        if file.stem != LIAR:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    without, told = energy_metrics(tmp_path), energy_metrics(folder)
    assert abs(told["energy_mape_pct"] - without["energy_mape_pct"]) < 2.0


def test_few_trips_are_no_evaluation(tmp_path: Path) -> None:
    assert energy_metrics(tmp_path) == {}


@pytest.mark.slow
def test_ranges_cover_how_far_vehicles_come() -> None:
    told = simulated_range.evaluate(Path(), True)
    assert told["range_mape_pct"] < 9.0 and told["range_coverage_90_pct"] >= 75.0
    assert told["n"] == 32
