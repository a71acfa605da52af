"""The evaluation on NASA's 18650 cells: capacity from one charge from 3.8 V up, of cells left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twinpack.learn.charging import Charge
from twinpack.learn.charging_upper import CellCycles, Upper, UpperModel, learn_upper, reference_of, upper_of

Metrics = dict[str, Any]

RATED_AH = 2.0
FROM_V, FULL_V = 3.8, 4.2
PLAUSIBLE_AH = (0.5, 2.1)
"""Capacities outside are aborted tests."""

_CHARGE, _DISCHARGE = "charge", "discharge"


def evaluate(data: Path, quick: bool) -> Metrics:
    """Each cell by what the others teach, after its own five reference cycles; conditions that are new abstain."""
    cells = _cells(data, 4 if quick else None)
    answered: list[float] = []
    inside: list[bool] = []
    asked = 0
    by_cell: dict[str, Any] = {}
    forced: list[float] = []
    for name, cell in cells.items():
        model = learn_upper([other for key, other in cells.items() if key != name], RATED_AH)
        told = _judge(model, cell)
        by_cell[name] = told["shown"]
        answered += told["errors"]
        inside += told["inside"]
        forced += told["forced"]
        asked += told["asked"]
    return {
        "capacity_mae_pct": float(np.mean(answered)),
        "capacity_p90_pct": float(np.quantile(answered, 0.9)),
        "coverage_90_pct": 100.0 * float(np.mean(inside)),
        "answered_pct": 100.0 * len(answered) / max(asked, 1),
        "forced_where_it_abstains_mae_pct": float(np.mean(forced)) if forced else None,
        "cells": by_cell,
        "n": len(answered),
        "split": "by cell; a cell's own five reference cycles; errors in % of 2 Ah",
    }


def _judge(model: UpperModel, cell: CellCycles) -> dict[str, Any]:
    found = reference_of(cell)
    if isinstance(found, str):
        return {"errors": [], "inside": [], "forced": [], "asked": len(cell.uppers), "shown": found}
    reference, after = found
    errors, inside, forced, reasons = [], [], [], []
    for upper, capacity in zip(cell.uppers[after:], cell.capacity_ah[after:], strict=True):
        told = model.capacity(upper, reference)
        if not told.known:
            reasons.append(told.why_not)
            forced.append(100.0 * abs(model.forced(upper, reference).value - capacity) / RATED_AH)
            continue
        errors.append(100.0 * abs(told.value - capacity) / RATED_AH)
        low, high = told.interval_90
        inside.append(low <= capacity <= high)
    shown = f"{np.mean(errors):.2f} % of {len(errors)} charges" if errors else f"abstains: {reasons[0]}"
    return {"errors": errors, "inside": inside, "forced": forced, "asked": len(errors) + len(forced), "shown": shown}


def _cells(data: Path, most: int | None) -> dict[str, CellCycles]:
    tests = pq.read_table(data / "cycles.parquet")
    names = sorted(path.stem for path in (data / "timeseries").glob("*.parquet"))[:most]
    return {name: _cell(data / "timeseries" / f"{name}.parquet", _tests(tests, name)) for name in names}


def _tests(tests: pa.Table, name: str) -> list[dict[str, Any]]:
    """Charges and discharges of a cell in the order in which they were made."""
    rows = [row for row in tests.to_pylist() if row["battery_id"] == name and row["type"] in (_CHARGE, _DISCHARGE)]
    return sorted(rows, key=lambda row: row["test_id"])


def _cell(path: Path, tests: list[dict[str, Any]]) -> CellCycles:
    """Each charge with the capacity measured right after it."""
    charges = _charges(path)
    uppers: list[Upper] = []
    capacities: list[float] = []
    last: int | None = None
    for test in tests:
        if test["type"] == _CHARGE:
            last = test["test_id"]
            continue
        capacity, charge, last = test["capacity_Ah"], charges.get(last), None
        if charge is None or capacity is None or not PLAUSIBLE_AH[0] < capacity < PLAUSIBLE_AH[1]:
            continue
        upper = upper_of(charge, RATED_AH, FROM_V, FULL_V)
        if not isinstance(upper, str):
            uppers.append(upper)
            capacities.append(float(capacity))
    return CellCycles(tuple(uppers), tuple(capacities))


def _charges(path: Path) -> dict[int | None, Charge]:
    """Charges by test; current is negative in discharge there too."""
    columns = ["test_id", "time_s", "voltage_V", "current_A", "temp_C"]
    rows = pq.read_table(path, columns=[*columns, "type"])
    rows = rows.filter(pc.equal(rows.column("type"), _CHARGE))
    rows = rows.sort_by([("test_id", "ascending"), ("time_s", "ascending")])
    test, *signals = (rows.column(name).cast(pa.float64()).to_numpy() for name in columns)
    ids, starts = np.unique(test, return_index=True)
    stops = np.append(starts[1:], len(test))
    return {
        int(one): Charge.of(*(signal[start:stop] for signal in signals))
        for one, start, stop in zip(ids, starts, stops, strict=True)
    }
