"""Recorded vehicles: one with two weak cells, one with a wide but sound pack; screened first, at several periods."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.detect.cells.made import alarms
from tests.detect.real_cars import real_car
from twinpack.battery.pack import PackSpec
from twinpack.detect.cells import CellSettings, CellsState, cells, varied
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.screen import Screened, ScreenState, screen

PERIODS = (1, 10, 30, 60)
WEAK = {("TP-CELL-LOW", "cell 2"), ("TP-CELL-LOW", "cell 81")}


@cache
def screened(car: str, every_s: int) -> tuple[Frames, PackSpec, Screened]:
    frames, pack = real_car(car, every_s)
    _, clean = screen(ScreenState.empty(1, cells=pack.series, probes=0), frames, pack)
    return frames, pack, clean


def found(car: str, every_s: int, settings: CellSettings | None = None) -> list[Finding]:
    frames, pack, clean = screened(car, every_s)
    return cells(CellsState.empty(1, cells=pack.series, probes=0), frames, clean, pack, settings)[1]


@pytest.mark.parametrize("every_s", PERIODS)
def test_exactly_the_two_weak_cells_alarm_within_two_days(every_s: int) -> None:
    told = found("car3", every_s)
    assert alarms(told) == WEAK
    first = {one.subject: one.time_us for one in reversed(told) if one.level == "alarm"}
    start = screened("car3", every_s)[0].time_us[0]
    assert all(at - start <= 48 * 3_600_000_000 for at in first.values())


@pytest.mark.parametrize("every_s", PERIODS)
def test_a_wide_pack_without_a_fault_is_at_most_watched(every_s: int) -> None:
    assert all(one.severity < 2 for one in found("car1", every_s))


def test_the_verdict_hangs_on_no_threshold() -> None:
    changed = []
    for name, factor, settings in varied(CellSettings()):
        if alarms(found("car3", 10, settings)) != WEAK or alarms(found("car1", 10, settings)):
            changed.append((name, factor))
    assert changed == []


def test_evidence_of_the_weak_cells() -> None:
    told = [one for one in found("car3", 10) if one.level == "alarm"]
    assert told
    for one in told:
        assert -50.0 < one.evidence["deviation_mv"] < -15.0
        assert one.evidence["z"] < -5.0
        assert one.evidence["blocks"] >= 2
        assert np.isfinite(one.evidence["soc_pct"])
