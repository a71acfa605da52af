"""Forecasts as rows of the lake's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.stress import Usage
from twinpack.forecast.outlook import LEVELS, Outlook
from twinpack.forecast.vehicle import VehicleForecast, first_of
from twinpack.forecast.warranty import Claims
from twinpack.store.tables import FORECAST_ENDS, FORECASTS, INTERVAL, OFFSET, QUANTILES, TABLES

Floats = npt.NDArray[np.float64]

SPREAD = (0.05, 0.5, 0.95)
"""Levels of an interval with its median."""


@dataclass(frozen=True)
class Block:
    """The outlook of V vehicles over H months, with energy and warranties.

    Attributes:
        outlook: Their outlook.
        energy_pct: Energy health at the levels of `SPREAD`, shape (3, H, V).
        claims: Their warranties.
        usage: How they are used.
        known: Whether anything can be told of each, shape (V,).
        versions: Number of each twin's version, 0 for none.
    """

    outlook: Outlook
    energy_pct: Floats
    claims: tuple[Claims, ...]
    usage: Usage
    known: npt.NDArray[np.bool_]
    versions: tuple[int, ...]


def ahead_rows(block: Block, pack: str, digest: str, offset: int) -> pa.Table:
    """Rows of `forecasts` of some vehicles; of those that nothing is told of there are none."""
    lanes = np.flatnonzero(block.known)
    found, horizon = block.outlook, block.outlook.capacity_pct.shape[1]
    months = pa.array([first_of(found.month + row) for row in range(horizon)], pa.date32())
    which = pa.array(np.repeat(lanes, horizon))
    row = pa.array(np.tile(np.arange(horizon), len(lanes)))
    count = len(which)

    def flat(values: Floats) -> pa.Array:
        return pa.array(np.ascontiguousarray(values[:, lanes].T).ravel().astype(np.float32))

    columns: dict[str, Any] = {
        "vehicle_id": pa.array(list(found.vehicle_ids)).take(which),
        "pack": pa.array([pack] * count),
        "made": pa.array([first_of(found.month)] * count, pa.date32()),
        "ahead": months.take(row),
        "model_hash": pa.array([digest] * count),
        "version_number": pa.array(list(block.versions), pa.int32()).take(which),
        OFFSET: pa.array([offset] * count, pa.int64()),
    }
    columns |= {f"capacity_{name}_pct": flat(found.capacity_pct[at]) for at, name in enumerate(QUANTILES)}
    columns |= {f"energy_{name}_pct": flat(block.energy_pct[at]) for at, name in enumerate(INTERVAL)}
    levels = [LEVELS.index(level) for level in SPREAD]
    spreads = zip(INTERVAL, levels, strict=True)
    columns |= {f"resistance_{name}_x": flat(found.resistance_x[level]) for name, level in spreads}
    schema = TABLES[FORECASTS].schema
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def end_rows(told_now: Sequence[VehicleForecast], pack: str, digest: str, offset: int) -> pa.Table:
    """Rows of `forecast_ends`."""
    rows: list[dict[str, Any]] = []
    for one in told_now:
        same = {
            "vehicle_id": one.vehicle_id,
            "pack": pack,
            "made": one.begins,
            "model_hash": digest,
            "version_number": one.version,
            OFFSET: offset,
        }
        if one.why_not:
            rows.append({**same, "kind": "unknown", "name": "health", "why_not": one.why_not})
        for end in one.ends:
            rows.append(
                {
                    **same,
                    "kind": "life",
                    "name": f"{end.limit_pct:g} %",
                    "health": "capacity",
                    "limit_pct": end.limit_pct,
                    "probability": end.probability,
                    **dict(zip(QUANTILES, end.date, strict=True)),
                    "left_share": end.left,
                    "months_left": end.months.p50,
                    "cycles_left": end.cycles.p50,
                    "km_left": end.km.p50,
                    "why_not": "",
                }
            )
        if one.failure is not None:
            for days, probability in ((30, one.failure.p30), (90, one.failure.p90)):
                rows.append(
                    {
                        **same,
                        "kind": "failure",
                        "name": f"{days} days",
                        "until": one.begins + timedelta(days),
                        "probability": probability,
                        "why_not": "",
                    }
                )
        for risk in one.warranties:
            rows.append(
                {
                    **same,
                    "kind": "warranty",
                    "name": risk.name,
                    "health": risk.health,
                    "limit_pct": risk.least_pct,
                    "until": risk.until,
                    "probability": risk.probability,
                    "why_not": risk.why_not,
                }
            )
    return pa.Table.from_pylist(rows, TABLES[FORECAST_ENDS].schema)
