"""The evaluation on LFP cells of 102 Ah: health from any 30 Ah of a charge, of cells left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from twinpack.learn.charging import Charge
from twinpack.learn.charging_windows import BEGIN, FullCharge, WindowModel, learn_windows

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

RATED_AH = 102.0
WINDOW_AH = 30.0
SEED = 11
_SAME_RATE = 0.1
_MOST_CYCLES = 150


def evaluate(data: Path, quick: bool) -> Metrics:
    """Each cell by the curve that the others of its current teach; at a current that no other has, it abstains.

    The begin of each part is told with an error drawn evenly from -3 to 3 % of the charge; where in the charge it lies
    is drawn too.
    """
    cells = {path.stem.removesuffix("_charge"): _full(path) for path in sorted(data.glob("Cell*_charge.parquet"))}
    every, parts = (12, 1) if quick else (2, 2)
    errors: list[float] = []
    inside: list[bool] = []
    forced: list[float] = []
    asked = 0
    by_cell: dict[str, str] = {}
    for name, own in cells.items():
        others = [one for key, found in cells.items() if key != name for one in found]
        model, same_rate = _model(own, others)
        told = [_asked(model, one, part, begin) for one in own[::every] for part, begin in _parts(one, parts, name)]
        asked += len(told)
        known = [one for one in told if one["known"]]
        errors += [one["error"] for one in known]
        inside += [one["inside"] for one in known]
        forced += [one["error"] for one in told if not one["known"]]
        by_cell[name] = (
            f"{np.mean([one['error'] for one in known]):.2f} % of {len(known)} parts"
            if known
            else f"abstains ({'seen' if same_rate else 'unseen'} rate): {told[0]['why_not']}"
        )
    return {
        "soh_mae_pct": float(np.mean(errors)),
        "soh_p90_pct": float(np.quantile(errors, 0.9)),
        "coverage_90_pct": 100.0 * float(np.mean(inside)),
        "answered_pct": 100.0 * len(errors) / max(asked, 1),
        "forced_where_it_abstains_mae_pct": float(np.nanmean(forced)) if np.isfinite(forced).any() else None,
        "cells": by_cell,
        "n": len(errors),
        "split": "by cell; any 30 Ah of a charge, its begin told within 3 %; errors in points of health",
    }


def _rate(charges: list[FullCharge]) -> float:
    return float(np.median([np.median(one.charge.current_a) for one in charges])) / RATED_AH


def _model(own: list[FullCharge], others: list[FullCharge]) -> tuple[WindowModel, bool]:
    """The curve at the cell's own current where other cells have it, else that at the nearest current."""
    rates = np.array([float(np.median(one.charge.current_a)) / RATED_AH for one in others])
    nearest = rates[np.abs(rates - _rate(own)).argmin()]
    alike = [one for one, rate in zip(others, rates, strict=True) if abs(rate / nearest - 1.0) < _SAME_RATE]
    thinned = alike[:: max(1, len(alike) // (4 * _MOST_CYCLES))]
    return learn_windows(thinned, RATED_AH), abs(nearest / _rate(own) - 1.0) < _SAME_RATE


def _asked(model: WindowModel, one: FullCharge, part: Charge, begin: float) -> dict[str, Any]:
    told = model.told(part, begin)
    answer = told if told.known else model.forced(part, begin)
    low, high = answer.interval_90
    return {
        "known": told.known,
        "why_not": told.why_not,
        "error": 100.0 * abs(answer.value - one.health),
        "inside": low <= one.health <= high,
    }


def _parts(one: FullCharge, count: int, name: str) -> Iterator[tuple[Charge, float]]:
    """Parts of a charge, and where each begins as it is told."""
    charged = one.charge.charged_ah
    if charged[-1] < WINDOW_AH + 1.0:
        return
    rng = np.random.default_rng([SEED, sum(name.encode()), len(one.charge), round(1e6 * one.health)])
    for _ in range(count):
        begin = float(rng.uniform(0.0, charged[-1] - WINDOW_AH))
        yield _cut(one.charge, charged, begin), begin / charged[-1] + float(rng.uniform(-BEGIN, BEGIN))


def _cut(charge: Charge, charged: Floats, begin: float) -> Charge:
    """The part between two charges, its ends laid between samples."""
    inner = charged[(charged > begin) & (charged < begin + WINDOW_AH)]
    at = np.concatenate([[begin], inner, [begin + WINDOW_AH]])
    columns = (charge.time_s, charge.voltage_v, charge.current_a, charge.temp_c)
    return Charge(*(np.interp(at, charged, column) for column in columns))


def _full(path: Path) -> list[FullCharge]:
    """Every charge of a cell with its health; positive current charges there."""
    columns = ["cycle", "time_s", "voltage_V", "current_A", "temp_C"]
    rows = pq.read_table(path, columns=columns).sort_by([("cycle", "ascending"), ("time_s", "ascending")])
    cycle, *signals = (rows.column(name).cast(pa.float64()).to_numpy() for name in columns)
    table = pq.read_table(path.with_name(path.name.replace("_charge", "_cycles")), columns=["cycle", "SOH"]).to_pylist()
    health = {row["cycle"]: float(row["SOH"]) for row in table}
    numbers, starts = np.unique(cycle, return_index=True)
    stops = np.append(starts[1:], len(cycle))
    return [
        FullCharge(Charge.of(*(signal[start:stop] for signal in signals)), health[int(number)])
        for number, start, stop in zip(numbers, starts, stops, strict=True)
        if int(number) in health
    ]
