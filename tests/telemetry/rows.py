"""Rows of the log made by hand or drawn, and folds over any split of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from twinpack.telemetry.arrivals import arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK, SCALAR_SIGNALS
from twinpack.telemetry.steps import StepCarry, Steps, steps

START_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


@dataclass(frozen=True)
class Row:
    """A sample of a vehicle (or a tick where the vehicle is ""), times in seconds from `START_US`."""

    vehicle: str
    time_s: float
    values: tuple[tuple[str, float], ...] = ()
    receipt_s: float | None = None
    kind: int = KIND_SAMPLE


def row(vehicle: str, time_s: float, receipt_s: float | None = None, **values: float) -> Row:
    return Row(vehicle, time_s, tuple(values.items()), receipt_s)


def tick(receipt_s: float) -> Row:
    return Row("", receipt_s, kind=KIND_TICK)


def batch_of(rows: Sequence[Row], first_offset: int = 0) -> SampleBatch:
    ids = tuple(sorted({one.vehicle for one in rows if one.vehicle}))
    signals = {name: np.full(len(rows), np.nan) for name in SCALAR_SIGNALS}
    for index, one in enumerate(rows):
        for name, value in one.values:
            signals[name][index] = value
    receipts = [one.time_s if one.receipt_s is None else one.receipt_s for one in rows]
    return SampleBatch(
        first_offset=first_offset,
        vehicle_ids=ids,
        vehicle=np.array([ids.index(one.vehicle) if one.vehicle else -1 for one in rows], np.int32),
        kind=np.array([one.kind for one in rows], np.int8),
        sample_time_us=in_us([one.time_s for one in rows]),
        receipt_time_us=in_us(receipts),
        signals=signals,
    )


def in_us(times_s: Sequence[float]) -> Any:
    return START_US + np.round(np.array(times_s, np.float64) * SECOND_US).astype(np.int64)


def lanes_of(batch: SampleBatch, lanes: Sequence[str]) -> Any:
    return np.array([lanes.index(name) if name in lanes else -1 for name in batch.vehicle_ids], np.int32)


def split(batch: SampleBatch, cuts: Sequence[int]) -> list[SampleBatch]:
    """The batch in pieces; a piece knows only the vehicles it has."""
    edges = [0, *sorted(min(cut, len(batch)) for cut in cuts), len(batch)]
    return [_narrowed(batch.slice(a, b)) for a, b in itertools.pairwise(edges)]


def _narrowed(batch: SampleBatch) -> SampleBatch:
    used = [index for index in range(len(batch.vehicle_ids)) if index in batch.vehicle][::-1]
    index = np.full(len(batch.vehicle_ids) + 1, -1, np.int32)
    index[used] = np.arange(len(used))
    return replace(batch, vehicle_ids=tuple(batch.vehicle_ids[at] for at in used), vehicle=index[batch.vehicle])


def fold_steps(batches: Sequence[SampleBatch], lanes: Sequence[str], **widths: int) -> tuple[StepCarry, list[Steps]]:
    given = {"step_us": SECOND_US, "close_after_us": 30 * SECOND_US, "gap_us": 600 * SECOND_US, **widths}
    carry, results = StepCarry.empty(len(lanes)), []
    for batch in batches:
        arrived = arrivals(batch, lanes_of(batch, lanes), carry.newest_us)
        carry, found = steps(carry, batch, arrived, **given)
        results.append(found)
    return carry, results


_VALUES = {
    "pack_voltage_v": st.one_of(st.just(np.nan), st.floats(300, 420)),
    "pack_current_a": st.one_of(st.just(np.nan), st.sampled_from([0.0, -1.0]), st.floats(-150, 80)),
    "cell_temp_avg_c": st.one_of(st.just(np.nan), st.floats(-20, 50)),
    "speed_kmh": st.sampled_from([np.nan, 0.0, 0.0, 30.0, 71.3]),
    "is_charging": st.sampled_from([np.nan, np.nan, 0.0, 1.0]),
    "odometer_km": st.one_of(st.just(np.nan), st.floats(0, 1e5)),
    "soc_pct": st.one_of(st.just(np.nan), st.floats(0, 100)),
}
_JUMPS_S = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7, 1.0, 5.0, 20.0, 45.0, 200.0, 700.0, -3.0])


@st.composite
def logs(draw: st.DrawFn, vehicles: Sequence[str] = ("a", "b", "c"), most: int = 40) -> list[Row]:
    """A log with gaps, late and repeated rows, missing values, clock skew and ticks that may go back in time."""
    now = dict.fromkeys(vehicles, 0.0)
    rows = []
    for _ in range(draw(st.integers(1, most))):
        who = draw(st.sampled_from([*vehicles, *vehicles, ""]))
        if not who:
            rows.append(tick(max(now.values()) + draw(st.sampled_from([-500.0, 0.0, 35.0, 650.0]))))
            continue
        now[who] += draw(_JUMPS_S)
        values = tuple((name, draw(value)) for name, value in _VALUES.items())
        rows.append(Row(who, now[who], values, now[who] + draw(st.sampled_from([0.0, 0.0, 2.0, -400.0]))))
    return rows


CUTS = st.lists(st.integers(0, 40), max_size=8)
