from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.cli.evaluations.cell_capacity_fade import CHARGE, evaluate, read_cells
from twinpack.errors import NotFoundError


def made(folder: Path, name: str, cells: int, batch: str = "", cycles: int = 260) -> None:
    """Cells that fade at a rate of their own, which the time of their charge tells, in the columns of the data set."""
    rng = np.random.default_rng(len(name))
    tables = []
    for number, rate in enumerate(rng.uniform(2e-4, 9e-4, cells)):
        cycle = np.arange(1, cycles + 1)
        capacity = 1.05 * (1.0 - rate * cycle - 2.0 * rate * np.maximum(cycle - 150, 0))
        charge = {column: np.full(cycles, 0.2 + 1e5 * rate * ("time" in column)) for column in CHARGE}
        tables.append(
            pa.table(
                {
                    "dataset": [name] * cycles,
                    "batch": [batch] * cycles,
                    "cell_id": [f"{name}/{number:02d}"] * cycles,
                    "cycle": cycle.astype(np.int32),
                    "capacity_Ah": (capacity + rng.normal(0.0, 1e-4, cycles)).astype(np.float32),
                    **charge,
                }
            )
        )
    pq.write_table(pa.concat_tables(reversed(tables)), folder / f"{name}.parquet")


def test_cells_are_read_by_their_reference_and_nominal_capacity(tmp_path: Path) -> None:
    made(tmp_path, "HUST", 2)
    made(tmp_path, "TJU", 1, "Dataset_3_NCM_NCA_battery")
    cells = read_cells(tmp_path)
    assert [cell.curve.name for cell in cells] == ["HUST/00", "HUST/01", "TJU/00"]
    assert [cell.set_name for cell in cells] == ["HUST", "HUST", "TJU"]
    assert np.median(cells[0].curve.capacity[1:10]) == pytest.approx(1.0)
    assert cells[0].curve.size == pytest.approx(1.05 / 1.1, rel=0.01)
    assert cells[2].curve.size == pytest.approx(1.05 / 2.5, rel=0.01)
    assert set(cells[0].curve.extras) == {"cc_charge", "cc_time", "cv_charge", "cv_time", "cc_rate"}


@pytest.mark.slow
def test_the_figures_asked_for_stand_at_the_top_and_beat_lines(tmp_path: Path) -> None:
    made(tmp_path, "HUST", 60)
    made(tmp_path, "XJTU", 24)
    told = evaluate(tmp_path, quick=True)
    assert {"median_err_pct", "p90_err_pct", "coverage_90_pct", "cycle_100", "cycle_100_HUST", "split"} <= set(told)
    assert told["median_err_pct"] < 0.5 * told["cycle_100"]["linear_median_err_pct"]
    assert told["n"] == 21


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"HUST\.parquet"):
        evaluate(tmp_path, quick=True)
