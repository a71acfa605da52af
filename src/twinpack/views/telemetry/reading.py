"""What a vehicle sent over time, cut into as many steps as a picture has points."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from twinpack.errors import InputError
from twinpack.telemetry.schema import SCALAR_SIGNALS, SIGNALS
from twinpack.views.fleet.rows import column
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import SignalSeries, Telemetry
from twinpack.views.sight import Reach, Sight
from twinpack.views.spans import within
from twinpack.views.telemetry.marks import marks_of
from twinpack.views.telemetry.rows import telemetry_schema
from twinpack.views.telemetry.steps import Ints, Stepping, Steps, step_us, times_of, values_of

USUAL = ("pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct")
"""Signals that are shown when none is named."""

USUAL_US = 2 * 3600 * 1_000_000
"""How much time is shown when none is named."""

EARLIEST_US = -2_208_988_800_000_000
"""Beginning of 1900: before it, no time is asked for."""
LATEST_US = 7_258_118_400_000_000
"""Beginning of 2200."""

_DECIMALS = 4


@dataclass(frozen=True)
class Cut:
    """Signals of a vehicle cut into steps.

    Attributes:
        start_us: Where the first step begins, microseconds since the epoch.
        end_us: Where the range ends.
        step_us: Width of a step, 0 where each sample stands for itself.
        samples: Samples in the range.
        time_us: Where each step begins, shape (P,).
        signals: Each signal over the steps.
    """

    start_us: int
    end_us: int
    step_us: int
    samples: int
    time_us: Ints
    signals: dict[str, Steps]


def signals_named(text: str | None) -> tuple[str, ...]:
    """Signals by their names with commas between; the usual ones when none is named.

    Raises:
        InputError: A name is none of a signal that has one value; names those that are.
    """
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip())) or USUAL
    for name in names:
        if name not in SCALAR_SIGNALS:
            raise InputError(f"signals: there is no signal {name[:64]!r}; known: {', '.join(SCALAR_SIGNALS)}")
    return names


def cut(
    views: Views, reach: Reach, start_us: int | None, end_us: int | None, signals: Sequence[str], points: int
) -> Cut:
    """Signals of a vehicle over a range, at most `points` steps of it.

    Where there are no more samples than points, each stands for itself.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        start_us: Microseconds since the epoch; two hours before the end when None.
        end_us: The same; just after the newest sample when None.
        signals: Names of signals.
        points: Most steps.

    Raises:
        InputError: The range ends before it starts.
        WorkspaceError: Telemetry cannot be read.
    """
    start, end = range_of(views, reach, start_us, end_us)
    pieces = views.samples.pieces(reach.vehicle_id, *within(reach.span, start, end), signals)
    few: list[pa.Table] = []
    for rows in pieces:
        few.append(rows)
        if sum(part.num_rows for part in few) > points:
            return _in_steps(itertools.chain(few, pieces), start, end, signals, points)
    return _each(few, start, end, signals)


def _each(few: Sequence[pa.Table], start_us: int, end_us: int, signals: Sequence[str]) -> Cut:
    """Samples that stand for themselves."""
    rows = pa.concat_tables([telemetry_schema(signals).empty_table(), *few])
    time_us = times_of(rows)
    values = {name: values_of(rows, name) for name in signals}
    return Cut(start_us, end_us, 0, len(time_us), time_us, {name: Steps(one, one, one) for name, one in values.items()})


def _in_steps(pieces: Iterable[pa.Table], start_us: int, end_us: int, signals: Sequence[str], points: int) -> Cut:
    """Samples cut into steps."""
    width = step_us(start_us, end_us, points)
    count = -(-(end_us - start_us) // width)
    cutting = {name: Stepping(start_us, width, count) for name in signals}
    samples = 0
    for rows in pieces:
        samples += rows.num_rows
        time_us = times_of(rows)
        for name, one in cutting.items():
            if rows.column(name).null_count < rows.num_rows:
                one.add(time_us, values_of(rows, name))
    found = {name: one.steps() for name, one in cutting.items()}
    return Cut(start_us, end_us, width, samples, start_us + width * np.arange(count), found)


def telemetry(views: Views, seer: Sight, reach: Reach, found: Cut) -> Telemetry:
    """Signals cut into steps, with what happened meanwhile as far as the one who looks may see it."""
    return Telemetry.model_construct(
        vehicle_id=reach.vehicle_id,
        start=moment(found.start_us),
        end=moment(found.end_us),
        step_ms=found.step_us // 1000,
        samples=found.samples,
        time_ms=(found.time_us // 1000).tolist(),
        signals=[_series(name, steps) for name, steps in found.signals.items()],
        marks=marks_of(views, seer, reach, found.start_us, found.end_us),
    )


def telemetry_table(found: Cut) -> pa.Table:
    """The same as a table: `time`, then lowest, highest and mean of each signal."""
    columns: dict[str, pa.Array] = {"time": pa.array(found.time_us).cast(pa.timestamp("us", "UTC"))}
    for name, steps in found.signals.items():
        for part, values in (("min", steps.low), ("max", steps.high), ("mean", steps.mean)):
            columns[f"{name}_{part}"] = pa.array(values, from_pandas=True)
    return pa.table(columns, metadata={"step_ms": str(found.step_us // 1000), "samples": str(found.samples)})


def arrow_stream(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def range_of(views: Views, reach: Reach, start_us: int | None, end_us: int | None) -> tuple[int, int]:
    """The range that is asked for; what is left out ends just after the newest sample, and is two hours long.

    Raises:
        InputError: The range ends before it starts, or lies where no time is told.
    """
    for name, time_us in (("start", start_us), ("end", end_us)):
        if time_us is not None and not EARLIEST_US <= time_us <= LATEST_US:
            raise InputError(f"{name}: give a time between the years 1900 and 2200")
    if end_us is None:
        newest = views.samples.last_seen_us(reach.vehicle_id, reach.span)
        end_us = (views.now_us() if newest is None else newest) + 1
        if start_us is not None and end_us <= start_us:  # nothing came since
            end_us = start_us + 1
    start = end_us - USUAL_US if start_us is None else start_us
    if start >= end_us:
        raise InputError("start: the range must end after it starts; give an `end` that is later than `start`")
    return start, end_us


def _series(name: str, steps: Steps) -> SignalSeries:
    mean = column(steps.mean, _DECIMALS)
    if steps.low is steps.mean:
        return SignalSeries.model_construct(name=name, unit=SIGNALS[name].unit, min=mean, max=mean, mean=mean)
    low, high = column(steps.low, _DECIMALS), column(steps.high, _DECIMALS)
    return SignalSeries.model_construct(name=name, unit=SIGNALS[name].unit, min=low, max=high, mean=mean)
