"""How soon the command line answers, against loading everything it could need."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.result import Result, seconds_side_by_side

EVERYTHING = "numpy, scipy.interpolate, pyarrow.parquet, sqlalchemy, alembic.command, duckdb, deltalake, rich.table"


def run() -> Result:
    """Milliseconds from starting a process to the end of `twinpack --help`."""
    answer = [sys.executable, "-m", "twinpack", "--help"]
    load = [sys.executable, "-c", f"import twinpack.cli.main, {EVERYTHING}"]
    value_s, baseline_s = seconds_side_by_side(lambda: _process(answer), lambda: _process(load))
    return Result(1e3 * value_s, "ms", 1e3 * baseline_s, higher_is_better=False)


def _process(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
