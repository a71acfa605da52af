"""A fleet for fault detection, a day at a time, in the order of receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats, Index
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.simulate.faults.days import Plan, plan_days
from twinpack.simulate.faults.kernel import run_day
from twinpack.simulate.faults.kinds import HEALTHY, KINDS, Faults, plan_faults
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.simulate.faults.state import COLUMNS, Rows, State, begin, room
from twinpack.simulate.faults.stream import Sent, disturb, send
from twinpack.simulate.faults.tables import make_tables
from twinpack.simulate.faults.traits import PROBES, Traits, draw_traits
from twinpack.simulate.settings import DAYS_PER_YEAR, vehicle_ids
from twinpack.telemetry.batch import ListValues, SampleBatch
from twinpack.telemetry.schema import KIND_SAMPLE, SCALAR_SIGNALS, SIGNALS, TELEMETRY, TIME_TYPE

Block = TypeVar("Block", Traits, Plan, Faults, State)

_VEHICLES_AT_ONCE = 256
_DAY_S = 86_400.0
_BOOLS = tuple(name for name in COLUMNS if SIGNALS[name].kind == "bool")


@dataclass(frozen=True)
class FleetDay:
    """What was received of the fleet on one day, N rows in the order of receipt.

    Attributes:
        number: Number of the day from 0.
        vehicle_ids: Every vehicle of the fleet.
        vehicle: Index into them, shape (N,), int32.
        sample_time_us: By the vehicle's clock, microseconds since the epoch, shape (N,).
        receipt_time_us: Microseconds since the epoch, shape (N,), rising.
        scalars: Signals by name, NaN is missing, shape (N,).
        cells: Cell voltages as sent, sentinels and all, V, shape (N, cells), float32.
        probes: Probe temperatures as sent, °C, shape (N, probes), float32.
    """

    number: int
    vehicle_ids: tuple[str, ...]
    vehicle: NDArray[np.int32]
    sample_time_us: Index
    receipt_time_us: Index
    scalars: dict[str, Floats]
    cells: NDArray[np.float32]
    probes: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.vehicle)

    def batch(self, first_offset: int = 0) -> SampleBatch:
        """The rows as the fold gets them: what import and gateway clear is missing.

        Args:
            first_offset: Log offset of the first row.
        """
        missing = np.full(len(self), np.nan)
        return SampleBatch(
            first_offset=first_offset,
            vehicle_ids=self.vehicle_ids,
            vehicle=self.vehicle,
            kind=np.full(len(self), KIND_SAMPLE, np.int8),
            sample_time_us=self.sample_time_us,
            receipt_time_us=self.receipt_time_us,
            signals={name: self.scalars.get(name, missing) for name in SCALAR_SIGNALS},
            lists={
                "cell_voltage_v": _list_values(_possible(self.cells, "cell_voltage_v")),
                "cell_temp_c": _list_values(_possible(self.probes, "cell_temp_c")),
            },
        )

    def table(self) -> pa.Table:
        """The rows as they were sent, in the `TELEMETRY` schema."""
        given: dict[str, pa.Array] = {
            "vehicle_id": pa.array(self.vehicle_ids).take(pa.array(self.vehicle)),
            "sample_time": pa.array(self.sample_time_us).cast(TIME_TYPE),
            "receipt_time": pa.array(self.receipt_time_us).cast(TIME_TYPE),
            "cell_voltage_v": _list_array(self.cells),
            "cell_temp_c": _list_array(self.probes),
        }
        for name, values in self.scalars.items():
            column = pa.array(values, from_pandas=True)
            given[name] = column.cast(pa.bool_()) if name in _BOOLS else column
        nothing = {field.name: pa.nulls(len(self), field.type) for field in TELEMETRY if field.name not in given}
        return pa.Table.from_arrays([{**given, **nothing}[field.name] for field in TELEMETRY], schema=TELEMETRY)


class FaultFleet:
    """The fleet of `FaultFleetSettings`; what it does is decided at the start, except for the noise."""

    def __init__(self, settings: FaultFleetSettings) -> None:
        """Draw vehicles, days and faults.

        Raises:
            NotFoundError: No pack of that name is shipped.
            PackSpecError: The pack's text is wrong.
        """
        self.settings = settings
        self.pack: PackSpec = load_pack(settings.pack)
        self.vehicle_ids = tuple(vehicle_ids(settings.prefix, settings.vehicles))
        self.faults: Faults = plan_faults(settings, self.pack, PROBES)
        self._traits, self._charge, self._seeds = draw_traits(settings, self.pack)
        self._plan = plan_days(settings)
        start = datetime.combine(settings.start, datetime.min.time(), tzinfo=UTC)
        self._start_us = round(start.timestamp()) * 1_000_000

    def days(self) -> Iterator[FleetDay]:
        """What is received on each day; what was taken before midnight and comes after it belongs to the next.

        The watch ends at midnight of the last day.
        """
        tables, state = make_tables(self.pack), begin(self._traits, self._charge, self._seeds)
        periods = np.array([self.settings.use_period_s, self.settings.parked_period_s])
        rows_each = int(_DAY_S / min(self.settings.use_period_s, 30.0)) + 64
        waiting: list[_Part] = []
        for day in range(self.settings.days):
            parts = waiting
            for first in range(0, self.settings.vehicles, _VEHICLES_AT_ONCE):
                block = slice(first, first + _VEHICLES_AT_ONCE)
                traits, plan = _some(self._traits, block), _some(self._plan, block)
                faults, mine = _some(self.faults, block), _some(state, block)
                rows = room(len(mine.time_s), rows_each, self.pack.series)
                count = run_day(traits, plan, faults, mine, tables, periods, day, rows)
                disturb(rows, count, traits)
                parts.append(_Part.of(rows, send(rows, count), first))
            today, waiting = _split(parts, (day + 1) * _DAY_S)
            yield self._day(day, today)

    def tables(self) -> Iterator[pa.Table]:
        """What is received on each day, in the `TELEMETRY` schema."""
        return (day.table() for day in self.days())

    def truth(self) -> pa.Table:
        """The fault of each vehicle that has one.

        Columns: vehicle_id, fault (a name of `KINDS`), subject (`cell 12`, `probe 3` from 1, or ""), size (positive),
        unit, onset and onset_us (when it begins), full_us (when it has its whole size), runaway_us (of a thermal
        runaway, else null), end_us (when the vehicle falls silent for good, null if it does not).
        """
        faults = self.faults
        which = np.flatnonzero(faults.kind != HEALTHY)
        kinds = [KINDS[kind] for kind in faults.kind[which].tolist()]
        onset_us = self._us(faults.onset_s[which])
        columns: dict[str, Any] = {
            "vehicle_id": [self.vehicle_ids[v] for v in which.tolist()],
            "fault": [kind.name for kind in kinds],
            "subject": [self._subject(v) for v in which.tolist()],
            "size": faults.size[which],
            "unit": [kind.unit for kind in kinds],
            "onset": pa.array(onset_us).cast(TIME_TYPE),
            "onset_us": onset_us,
            "full_us": self._us(faults.onset_s[which] + faults.ramp_s[which]),
            "runaway_us": self._us_or_none(faults.runaway_s[which]),
            "end_us": self._us_or_none(faults.end_s[which]),
        }
        return pa.table(columns)

    def silences(self) -> dict[str, list[tuple[int, int]]]:
        """When nothing is heard of a vehicle though it goes on: start and end, µs since the epoch, by vehicle."""
        starts, ends = self._plan.gap_start_s, self._plan.gap_end_s
        found = {}
        for v, vehicle_id in enumerate(self.vehicle_ids):
            planned = np.isfinite(starts[v])
            spans = np.stack([starts[v][planned], np.maximum.accumulate(ends[v][planned])], axis=1)
            found[vehicle_id] = [(start, end) for start, end in self._us(spans).tolist()]
            if np.isfinite(self.faults.end_s[v]):
                last = int(self._us(np.array(self.settings.days * _DAY_S)))
                found[vehicle_id].append((int(self._us(self.faults.end_s[v])), last))
        return found

    def vehicle_years(self) -> float:
        """How long all vehicles are watched together."""
        watched_s = np.minimum(self.faults.end_s, self.settings.days * _DAY_S)
        return float(watched_s.sum() / (DAYS_PER_YEAR * _DAY_S))

    def _subject(self, v: int) -> str:
        cell, probe = int(self.faults.cell[v]), int(self.faults.probe[v])
        return f"cell {cell + 1}" if cell >= 0 else f"probe {probe + 1}" if probe >= 0 else ""

    def _us(self, seconds: Floats) -> Index:
        return np.asarray(self._start_us + np.round(seconds * 1e6), dtype=np.int64)

    def _us_or_none(self, seconds: Floats) -> pa.Array:
        """Null where it never comes, or after the last day."""
        never = seconds >= self.settings.days * _DAY_S
        return pa.array(self._us(np.where(never, 0.0, seconds)), mask=never)

    def _day(self, number: int, part: _Part) -> FleetDay:
        return FleetDay(
            number=number,
            vehicle_ids=self.vehicle_ids,
            vehicle=part.vehicle,
            sample_time_us=self._us(part.time_s + self._traits.clock_s[part.vehicle]),
            receipt_time_us=self._us(part.received_s),
            scalars={name: np.ascontiguousarray(part.scalars[:, i]) for i, name in enumerate(COLUMNS)},
            cells=part.cells,
            probes=part.probes,
        )


@dataclass(frozen=True)
class _Part:
    """Rows in the order of receipt."""

    vehicle: NDArray[np.int32]
    time_s: Floats
    received_s: Floats
    scalars: Floats
    cells: NDArray[np.float32]
    probes: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Rows, sent: Sent, first: int) -> _Part:
        row = sent.row
        return cls(
            (rows.vehicle[row] + first).astype(np.int32),
            rows.time_s[row],
            sent.received_s,
            rows.scalars[row],
            rows.cells[row],
            rows.probes[row],
        )

    def take(self, which: Index) -> _Part:
        return _Part(*(values[which] for values in self.__dict__.values()))


def _some(arrays: Block, block: slice) -> Block:
    """Some vehicles' entries of a tuple of arrays; what is changed there is changed in the whole."""
    return type(arrays)._make(values[block] for values in arrays)


def _split(parts: list[_Part], until_s: float) -> tuple[_Part, list[_Part]]:
    """Those received before a time, in order, and those that were not."""
    names = _Part.__dataclass_fields__
    whole = _Part(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    order = np.argsort(whole.received_s, kind="stable")
    count = int(np.searchsorted(whole.received_s[order], until_s))
    return whole.take(order[:count]), [whole.take(order[count:])]


def _possible(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    signal = SIGNALS[name]
    return np.where((values >= signal.minimum) & (values <= signal.maximum), values, np.float32(np.nan))


def _list_values(values: NDArray[np.float32]) -> ListValues:
    rows, each = values.shape
    return ListValues(values.ravel(), np.arange(rows, dtype=np.int64) * each, np.full(rows, each, np.int64))


def _list_array(values: NDArray[np.float32]) -> pa.ListArray:
    offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))
