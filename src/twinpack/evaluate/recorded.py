"""The verdict of detection on the record of one vehicle, at several sampling periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinpack.battery.pack import PackSpec
from twinpack.detect.cells import CellSettings, CellsState, cells
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import RAISED, Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import parse_rules, shipped_rules
from twinpack.detect.screen import ScreenSettings, ScreenState, screen
from twinpack.telemetry.arrivals import NEVER, arrivals
from twinpack.telemetry.batch import SampleBatch

_NONE = np.zeros(0, np.int64)
_SEVERE = 2


@dataclass(frozen=True)
class Verdict:
    """What detection said of a vehicle's record.

    Attributes:
        samples: Samples that were used.
        aside: Those set aside as faults of the data.
        began_us: Time of the first, microseconds since the epoch.
        alarms: Subjects (`cell 81`, `probe 3`, or the code of what has none) that reached an alarm of severity 2 or
            more of the category `battery`, sorted.
        watched: Subjects of battery findings that stayed below, sorted.
        faulty: Codes of sensor and data faults, sorted.
        first_us: When the first of the alarms was raised, None without.
    """

    samples: int
    aside: int
    began_us: int
    alarms: tuple[str, ...]
    watched: tuple[str, ...]
    faulty: tuple[str, ...]
    first_us: int | None

    @property
    def cells(self) -> tuple[int, ...]:
        """Numbers of the cells among the alarms."""
        return tuple(int(one.removeprefix("cell ")) for one in self.alarms if one.startswith("cell "))

    @property
    def first_after_h(self) -> float | None:
        """Hours from the first sample to the first alarm, None without."""
        return None if self.first_us is None else (self.first_us - self.began_us) / 3.6e9


def thinned(batch: SampleBatch, every_s: int) -> Frames:
    """Samples of the one vehicle of a batch: the first in each period.

    Args:
        batch: Its samples.
        every_s: The period, whole seconds.
    """
    used = arrivals(batch, np.zeros(len(batch.vehicle_ids), np.int32), np.full(1, NEVER))
    kept = np.flatnonzero(np.diff(batch.sample_time_us[used.row] // (every_s * 1_000_000), prepend=-1) != 0)
    time_us = batch.sample_time_us[used.row[kept]]
    before_us = np.concatenate([[NEVER], time_us])[:-1]
    return Frames.of(batch, replace(used, row=used.row[kept], lane=used.lane[kept], before_us=before_us))


def verdict(
    frames: Frames,
    pack: PackSpec,
    of_cells: CellSettings | None = None,
    of_data: ScreenSettings | None = None,
) -> Verdict:
    """Run the three stages of detection over a record, with the shipped rules.

    Args:
        frames: Samples of one vehicle, as lane 0; at least one.
        pack: Its pack.
        of_cells: Thresholds of the cell anomalies, None for those shipped.
        of_data: Thresholds of the data faults, None for those shipped.
    """
    rules = parse_rules(shipped_rules(), "the shipped rules").for_pack(pack)
    data = of_data or ScreenSettings()
    _, screened = screen(ScreenState.empty(1, cells=pack.series, probes=0), frames, pack, data)
    empty = CellsState.empty(1, cells=pack.series, probes=0)
    _, anomalies = cells(empty, frames, screened, pack, of_cells)
    ticks = Ticks(_NONE, _NONE)
    _, told = codes(CodesState.empty(1, rules=len(rules)), frames, screened.quantities, ticks, rules)
    return _summed(frames, int(screened.aside.sum()), [*anomalies, *told])


def _summed(frames: Frames, aside: int, found: Sequence[Finding]) -> Verdict:
    raised = [one for one in found if one.change == RAISED]
    battery = [one for one in raised if one.category == "battery"]
    severe = [one for one in battery if one.level == "alarm" and one.severity >= _SEVERE]
    alarms = {_of(one) for one in severe}
    return Verdict(
        samples=len(frames),
        aside=aside,
        began_us=int(frames.time_us[0]),
        alarms=_sorted(alarms),
        watched=_sorted({_of(one) for one in battery} - alarms),
        faulty=_sorted({one.code for one in raised if one.category != "battery"}),
        first_us=min((one.time_us for one in severe), default=None),
    )


def _of(finding: Finding) -> str:
    return finding.subject or finding.code


def _sorted(subjects: set[str]) -> tuple[str, ...]:
    return tuple(sorted(subjects, key=lambda one: (one.split()[0], len(one), one)))
