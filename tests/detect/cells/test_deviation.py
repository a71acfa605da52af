"""A cell against its pack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.detect.cells.made import Floats, sampled
from twinpack.battery.pack import load_pack
from twinpack.detect.cells import CellSettings, CellsState, cells
from twinpack.detect.findings import Finding

CELLS = 24
PACK = replace(load_pack("sim_nmc_96s"), series=CELLS)
HOUR = 3600.0


def pack_at_rest(hours: float, deviation_v: float, step_s: float = 30.0, from_hour: float = 0.0) -> list[Finding]:
    """Findings of a pack at rest whose cell 5 deviates from an hour on."""
    rng = np.random.default_rng(1)
    time = np.arange(0.0, hours * HOUR, step_s)
    volts = 3.75 + 0.001 * rng.standard_normal((len(time), CELLS))
    volts[time >= from_hour * HOUR, 4] += deviation_v
    return run(time, volts, np.zeros(len(time)))


def run(time: Floats, volts: Floats, c_rate: Floats, settings: CellSettings | None = None) -> list[Finding]:
    frames, clean = sampled(time, volts, c_rate, np.full(len(time), 0.5))
    return cells(CellsState.empty(1, cells=CELLS, probes=0), frames, clean, PACK, settings)[1]


@pytest.mark.parametrize("step_s", [1.0, 10.0, 30.0, 60.0, 1800.0])
def test_a_low_cell_is_watched_after_one_block_and_alarms_after_two(step_s: float) -> None:
    found = pack_at_rest(13.0, -0.020, step_s)
    assert [(one.code, one.subject, one.level, one.severity) for one in found] == [
        ("TP-CELL-LOW", "cell 5", "watch", 1),
        ("TP-CELL-LOW", "cell 5", "alarm", 2),
    ]
    alarm = found[-1]
    assert alarm.time_us == 12 * HOUR * 1e6
    assert alarm.since_us == 0
    assert alarm.evidence["deviation_mv"] == pytest.approx(-20.0, abs=1.0)
    assert alarm.evidence["z"] == pytest.approx(-20.0 / 3.0, abs=0.4)
    assert (alarm.evidence["regime"], alarm.evidence["blocks"]) == ("rest", 2)


def test_a_high_cell_is_told_apart() -> None:
    assert {one.code for one in pack_at_rest(13.0, 0.020)} == {"TP-CELL-HIGH"}


@pytest.mark.parametrize("deviation_v", [0.0, -0.011])
def test_a_cell_within_the_gates_is_normal(deviation_v: float) -> None:
    assert pack_at_rest(48.0, deviation_v) == []
