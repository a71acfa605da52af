"""A vehicle's whole measured voltage: one pass over the log, minimum and maximum of equal stretches of each session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twinpack.report.data import VoltageHistory
from twinpack.views.columns import FloatColumn, by_vehicle, micros, numbers

POINTS = 1200
_FEWEST, _MOST = 4, 240


class _Sessions:
    """Extremes of one vehicle's sessions while the log goes by."""

    def __init__(self, table: pa.Table) -> None:
        start_us = micros(table, "start_us")
        order = np.argsort(start_us, kind="stable")
        self.start_us, self.end_us = start_us[order], micros(table, "end_us")[order]
        self.trip = np.asarray(table.column("number").to_numpy())[order]
        self.samples = 0
        self.buckets = min(max(POINTS // max(len(order), 1), _FEWEST), _MOST)
        self.low = np.full((len(order), self.buckets), np.inf)
        self.high = np.full((len(order), self.buckets), -np.inf)

    def add(self, times_us: NDArray[np.int64], volts: FloatColumn) -> None:
        session = np.searchsorted(self.start_us, times_us, side="right") - 1
        inside = (session >= 0) & np.isfinite(volts)
        inside &= times_us <= self.end_us[np.maximum(session, 0)]
        session, times_us, volts = session[inside], times_us[inside], volts[inside]
        span = np.maximum(self.end_us[session] - self.start_us[session], 1)
        bucket = np.minimum((times_us - self.start_us[session]) * self.buckets // span, self.buckets - 1)
        np.minimum.at(self.low, (session, bucket), volts)
        np.maximum.at(self.high, (session, bucket), volts)
        self.samples += int(inside.sum())

    def history(self) -> VoltageHistory:
        low, high = np.where(np.isinf(self.low), np.nan, self.low), np.where(np.isinf(self.high), np.nan, self.high)
        seen = np.flatnonzero(np.isfinite(low).any(axis=1))
        return VoltageHistory(
            start_us=tuple(self.start_us[seen].tolist()),
            end_us=tuple(self.end_us[seen].tolist()),
            trip=tuple(self.trip[seen].tolist()),
            min_v=tuple(low[seen]),
            max_v=tuple(high[seen]),
            samples=self.samples,
        )


def voltage_histories(log: Iterable[pa.Table], trips: Mapping[str, pa.Table]) -> dict[str, VoltageHistory]:
    """Voltage history of each vehicle in `trips`.

    Args:
        log: Tables of the log in order, with vehicle_id, sample_time and pack_voltage_v.
        trips: For each vehicle its sessions, with number, start_us and end_us.
    """
    sessions = {vehicle_id: _Sessions(table) for vehicle_id, table in trips.items() if table.num_rows}
    for table in log:
        slim = table.select(["vehicle_id", "sample_time", "pack_voltage_v"])
        for vehicle_id, rows in by_vehicle(slim.filter(pc.is_valid(slim.column("pack_voltage_v")))):
            if vehicle_id in sessions:
                sessions[vehicle_id].add(micros(rows, "sample_time"), numbers(rows, "pack_voltage_v"))
    return {vehicle_id: found.history() for vehicle_id, found in sessions.items()}


def no_history() -> VoltageHistory:
    """The history of a vehicle without measured voltage."""
    return VoltageHistory((), (), (), (), ())
