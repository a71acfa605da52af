"""The tests of one LG HG2 cell, read from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from twinpack.learn.prototype import TrainingTrip

STEP_S = 5.0
_COLUMNS = ("time_s", "voltage_V", "current_A", "temp_C")


@dataclass(frozen=True)
class LgTest:
    """One test: chamber temperature in whole °C, its name (`UDDS`, `Mixed1`, `C20`, `Cap_1C`), and it as steps."""

    chamber_c: int
    test: str
    trip: TrainingTrip


def chamber_name(temp_c: int) -> str:
    """How metrics call a chamber temperature: `25c`, `m10c`."""
    return f"{'m' if temp_c < 0 else ''}{abs(temp_c)}c"


def lg_tests(folder: Path, step_s: float = STEP_S) -> list[LgTest]:
    """Every test of a folder, in the order of the files' names, as means over steps of a width."""
    return [_test(path, step_s) for path in sorted(folder.glob("*.parquet"))]


def _test(path: Path, step_s: float) -> LgTest:
    import pyarrow.parquet as pq

    from twinpack.learn.prototype import TrainingTrip

    table = pq.read_table(path)
    values = {name: table.column(name).to_numpy().astype(np.float64) for name in _COLUMNS}
    # Slow curves tell no charge: they begin full, as every test does.
    known = "soc_ref" in table.column_names
    start = float(table.column("soc_ref")[0].as_py()) if known else 1.0
    bins = np.floor((values["time_s"] - values["time_s"][0]) / step_s).astype(np.int64)
    _, group = np.unique(bins, return_inverse=True)
    count = np.bincount(group)
    mean = {name: np.bincount(group, column) / count for name, column in values.items()}
    trip = TrainingTrip(
        path.stem,
        mean["time_s"] - mean["time_s"][0],
        mean["voltage_V"],
        mean["current_A"],
        mean["temp_C"],
        start,
    )
    return LgTest(round(float(table.column("chamber_C")[0].as_py())), str(table.column("test")[0].as_py()), trip)
