"""The tests of one LG HG2 cell, read from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]

STEP_S = 5.0
GAP_S = 120.0
"""Over a longer gap in a record the cycler's count of charge says what flowed."""

_COLUMNS = ("time_s", "voltage_V", "current_A", "temp_C")


@dataclass(frozen=True)
class LgTest:
    """One test of the cell.

    Attributes:
        chamber_c: Temperature of the chamber, whole °C.
        test: Its name (`UDDS`, `Mixed1`, `C20`, `Cap_1C`).
        trip: It as steps.
        soc: True state of charge at each step, by the cycler's count; empty where the file does not tell it.
    """

    chamber_c: int
    test: str
    trip: TrainingTrip
    soc: Floats


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
    # Slow curves tell no charge: they begin full, as every test does.
    known = "soc_ref" in table.column_names
    names = (*_COLUMNS, "ah", "soc_ref") if known else _COLUMNS
    values = {name: table.column(name).to_numpy().astype(np.float64) for name in names}
    start = float(values["soc_ref"][0]) if known else 1.0
    bins = np.floor((values["time_s"] - values["time_s"][0]) / step_s).astype(np.int64)
    _, group = np.unique(bins, return_inverse=True)
    count = np.bincount(group)
    mean = {name: np.bincount(group, column) / count for name, column in values.items()}
    mean = _bridged(mean, step_s) if known else mean
    trip = TrainingTrip(
        path.stem,
        mean["time_s"] - mean["time_s"][0],
        mean["voltage_V"],
        mean["current_A"],
        mean["temp_C"],
        start,
    )
    chamber, test = round(float(table.column("chamber_C")[0].as_py())), str(table.column("test")[0].as_py())
    return LgTest(chamber, test, trip, mean["soc_ref"] if known else np.empty(0))


def _bridged(columns: dict[str, Floats], step_s: float) -> dict[str, Floats]:
    """Gaps filled with steps at which nothing was measured but what flowed in all."""
    time = columns["time_s"]
    for gap in np.flatnonzero(np.diff(time) > GAP_S)[::-1]:
        last, first = time[gap], time[gap + 1]
        inside = np.arange(last + step_s, first - step_s / 2, step_s)
        steps = {name: np.interp(inside, [last, first], column[gap : gap + 2]) for name, column in columns.items()}
        steps["voltage_V"] = np.full(len(inside), np.nan)
        steps["current_A"] = np.full(len(inside), 3600.0 * np.diff(columns["ah"][gap : gap + 2])[0] / (first - last))
        columns = {name: np.insert(column, gap + 1, steps[name]) for name, column in columns.items()}
    return columns
