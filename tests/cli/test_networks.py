"""A hybrid and a network by the commands a user types, on a fleet whose cells do what no circuit of ours does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.cli.main import main

pytestmark = pytest.mark.slow  # kernels of two new models are compiled


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fleet with a step of voltage between charge and discharge."""
    out = tmp_path_factory.mktemp("networks")
    fleet = ["--vehicles", "5", "--trips", "12", "--years", "0.4", "--period-s", "10", "--out", str(out)]
    assert main(["simulate", *fleet]) == 0
    for path in (out / "telemetry").rglob("*.parquet"):
        table = pq.read_table(path)
        at = table.schema.get_field_index("pack_voltage_v")
        current = table.column("pack_current_a").to_numpy(zero_copy_only=False)
        volts = table.column(at).to_numpy(zero_copy_only=False) + 3.0 * np.tanh(current / 8.0)
        table = table.set_column(at, table.schema.field(at), pa.array(volts, table.schema.field(at).type))
        pq.write_table(table, path)
    return out / "telemetry"


@pytest.mark.parametrize("kind", ["hybrid", "network"])
def test_it_is_learned_run_and_calibrated(
    kind: str, telemetry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path / "home")
    assert main(["import", str(telemetry), "--pack", "sim_nmc_96s", "--home", home]) == 0
    capsys.readouterr()
    assert main(["learn", "model", "--kind", kind, "--trips", "first:8", "--home", home, "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["kind"] == kind and card["metrics"]["held_out_rmse_v"] > 0.0
    if kind == "hybrid":
        assert card["figures"]["gain_pct"] > 10.0
    assert main(["run", "--home", home]) == 0
    capsys.readouterr()
    trips = "SELECT avg(deployed_rmse_v) AS error, count(*) AS n FROM predictions WHERE scored_samples > 0"
    assert main(["query", trips, "--json", "--home", home]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["n"] > 60 and row["error"] < (1.0 if kind == "hybrid" else 5.0)
    assert main(["twins", "--home", home]) == 0
    assert main(["audit", "verify", "--home", home]) == 0
