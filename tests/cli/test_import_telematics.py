"""`twinpack import` of telematics exports with a column a cell and probe, made and recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.detect.real_cars import CARS, file_of, pack_text
from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.store.lake import Lake
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch


def imported(path: Path, pack: str, home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Import a file as a user would, with a pack of their own."""
    spec = home.parent / "pack.toml"
    spec.write_text(pack, encoding="utf-8")
    given = ["import", str(path), "--profile", "gbt32960", "--pack", str(spec), "--home", str(home), "--json"]
    assert main(given) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def samples_of(home: Path) -> SampleBatch:
    workspace = Workspace.open(home)
    tables = [table for _, table in SegmentLog(workspace.log_dir).read()]
    rows = pa.concat_tables(tables)
    return SampleBatch.from_arrow(rows.filter(pc.equal(rows.column("kind"), 0)))


def test_a_made_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [f"cell_{n}_V" for n in range(1, 97)]
    header = ["vehicle_id", "time", "pack_voltage_V", "pack_current_A", "charge_status", *cells, "temp_probe_1_C"]
    rows = [
        ["ev-1", "2021-05-05 08:00:00", "355.2", "20.0", "3", *["3.700"] * 96, "21"],
        ["ev-1", "2021-05-05 08:00:10", "355.2", "-40.0", "1", *["3.700"] * 95, "65.535", "255"],
    ]
    path = tmp_path / "ev.csv"
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    told = imported(path, pack_text("car1"), tmp_path / "home", capsys)
    assert (told["rows_imported"], told["rejected"], told["cleared"]) == (2, {}, {"range": 2})
    batch = samples_of(tmp_path / "home")
    assert batch.signals["pack_current_a"].tolist() == [-20.0, 40.0]
    assert batch.signals["is_charging"].tolist() == [0.0, 1.0]
    found = batch.lists["cell_voltage_v"]
    assert found.count.tolist() == [96, 96]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.values)), [191])
    letters = Lake(tmp_path / "home" / "lake").read("dead_letters").to_pylist()
    assert {letter["detail"] for letter in letters} == {
        "cell_voltage_v: number 96 is 65.535 V, outside 0 to 5 V",
        "cell_temp_c: number 1 is 255 degC, outside -40 to 120 degC",
    }


@pytest.mark.parametrize(
    ("car", "rows", "sentinels"),
    [("car1", 66_660, 64), ("car3", 49_966, 0)],
)
def test_a_recorded_vehicle(
    car: str, rows: int, sentinels: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = imported(file_of(car), pack_text(car), tmp_path / "home", capsys)
    assert (told["rows_imported"], told["late"], told["notes"]) == (rows, 0, [])
    assert told["cleared"] == ({"range": sentinels} if sentinels else {})
    found = samples_of(tmp_path / "home").lists["cell_voltage_v"]
    assert set(found.count.tolist()) == {CARS[car]}
    missing = np.isnan(found.values).reshape(-1, CARS[car])
    assert missing.any(axis=1).sum() == sentinels
    held = Lake(tmp_path / "home" / "lake")
    letters = [one for one in held.read("dead_letters").to_pylist() if one["reason"] == "range"] if sentinels else []
    assert len(letters) == sentinels
