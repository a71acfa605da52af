"""The samples that detection is given: those that the fold uses, by vehicle and in arrival order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.arrivals import NEVER, Arrivals, Ints, Lanes
from twinpack.telemetry.batch import Floats, ListValues, SampleBatch
from twinpack.telemetry.schema import LIST_SIGNALS


@dataclass(frozen=True)
class Frames:
    """Samples of a batch, M of them, by lane and in time order within a lane.

    Attributes:
        lane: Vehicle of each, ascending, shape (M,), int32.
        time_us: Sample time, rising within a lane, shape (M,), int64.
        before_us: Sample time of the vehicle's sample before, `NEVER` at its first, shape (M,), int64.
        receipt_us: Receipt time, shape (M,), int64.
        offset: Log offset, shape (M,), int64.
        signals: Scalar signals by name, NaN is missing, booleans are 0 and 1, shape (M,), float64.
        cells: Cell voltages, V.
        probes: Temperatures of the probes, °C.
    """

    lane: Lanes
    time_us: Ints
    before_us: Ints
    receipt_us: Ints
    offset: Ints
    signals: Mapping[str, Floats]
    cells: ListValues
    probes: ListValues

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.lane)

    @classmethod
    def of(cls, batch: SampleBatch, arrived: Arrivals) -> Frames:
        """The samples of a batch that are used."""
        row = arrived.row
        lists = {
            name: batch.lists[name].rows(row) if name in batch.lists else ListValues.none(len(row))
            for name in LIST_SIGNALS
        }
        return cls(
            lane=arrived.lane,
            time_us=batch.sample_time_us[row],
            before_us=arrived.before_us,
            receipt_us=batch.receipt_time_us[row],
            offset=batch.first_offset + row,
            signals={name: values[row] for name, values in batch.signals.items()},
            cells=lists["cell_voltage_v"],
            probes=lists["cell_temp_c"],
        )

    def rows(self, which: npt.NDArray[Any]) -> Frames:
        """Some of them, in the order they have."""
        return Frames(
            lane=self.lane[which],
            time_us=self.time_us[which],
            before_us=self.before_us[which],
            receipt_us=self.receipt_us[which],
            offset=self.offset[which],
            signals={name: values[which] for name, values in self.signals.items()},
            cells=self.cells.rows(which),
            probes=self.probes.rows(which),
        )

    def of_lanes(self, lanes: Ints) -> tuple[Frames, Ints]:
        """Those of some vehicles, as lanes of their own, and which they are.

        Args:
            lanes: The vehicles wanted, ascending, shape (L,).
        """
        place = np.minimum(np.searchsorted(lanes, self.lane), len(lanes) - 1)
        which = np.flatnonzero(lanes[place] == self.lane)
        some = replace(self.rows(which), lane=place[which].astype(np.int32))
        return some, which

    def seconds(self) -> Floats:
        """Time since the vehicle's sample before, s; NaN at its first, shape (M,)."""
        known = self.before_us > NEVER
        passed = np.where(known, self.time_us - np.where(known, self.before_us, 0), 0) / 1e6
        seconds: Floats = np.where(known, passed, np.nan)
        return seconds
