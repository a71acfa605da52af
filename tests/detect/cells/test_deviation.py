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


def test_without_a_current_cells_are_judged_all_the_same() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(0.0, 13 * HOUR, 30.0)
    volts = 3.75 + 0.001 * rng.standard_normal((len(time), CELLS))
    volts[:, 4] -= 0.020
    found = run(time, volts, np.full(len(time), np.nan))
    assert [(one.subject, one.level) for one in found] == [("cell 5", "watch"), ("cell 5", "alarm")]
    assert found[-1].evidence["regime"] == "without current"


def test_a_cell_is_normal_again_after_three_days_of_normal_blocks() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(0.0, 8 * 24 * HOUR, 300.0)
    volts = 3.75 + 0.001 * rng.standard_normal((len(time), CELLS))
    volts[time < 48 * HOUR, 4] -= 0.020
    found = run(time, volts, np.zeros(len(time)))
    low = [one for one in found if one.code == "TP-CELL-LOW"]
    assert [(one.change, one.level) for one in low] == [("raised", "watch"), ("raised", "alarm"), ("gone", "watch")]
    assert low[-1].time_us == (48 + 72) * HOUR * 1e6


def test_a_deviation_at_the_gate_does_not_flap() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(0.0, 40 * 24 * HOUR, 600.0)
    volts = 3.75 + 0.001 * rng.standard_normal((len(time), CELLS))
    volts[:, 4] -= 0.015 + 0.002 * np.sin(2.0 * np.pi * time / (30.0 * HOUR))
    low = [one for one in run(time, volts, np.zeros(len(time))) if one.code == "TP-CELL-LOW"]
    assert len(low) <= 2
    assert "gone" not in {one.change for one in low}


def test_a_masked_cell_and_a_pack_without_peers_are_not_judged() -> None:
    time = np.arange(0.0, 13 * HOUR, 30.0)
    volts = np.full((len(time), CELLS), 3.75)
    volts[:, 4] = np.nan
    frames, clean = sampled(time, volts, np.zeros(len(time)), np.full(len(time), 0.5))
    known = dict(clean.quantities) | {"cell_v_median": np.full(len(time), 3.75)}
    clean = replace(clean, quantities=known)
    assert cells(CellsState.empty(1, cells=CELLS, probes=0), frames, clean, PACK)[1] == []
    few = np.full((len(time), 2), 3.75)
    few[:, 1] = 3.5
    frames, clean = sampled(time, few, np.zeros(len(time)), np.full(len(time), 0.5))
    assert cells(CellsState.empty(1, cells=2, probes=0), frames, clean, replace(PACK, series=2))[1] == []


def by_plain_python(time: Floats, volts: Floats) -> dict[int, tuple[float, float]]:
    """Mean deviation and z of cell 5 over each block at rest, in plain Python."""
    blocks: dict[int, list[tuple[float, list[float]]]] = {}
    for row in range(1, len(time)):
        if time[row] >= 300.0:
            values = sorted(volts[row].tolist())
            median = 0.5 * (values[CELLS // 2 - 1] + values[CELLS // 2])
            weight = min(time[row] - time[row - 1], 1800.0)
            blocks.setdefault(int(time[row] // 21_600), []).append((weight, [v - median for v in volts[row].tolist()]))
    result = {}
    for block, rows in blocks.items():
        total = sum(weight for weight, _ in rows)
        mean = [sum(weight * parts[cell] for weight, parts in rows) / total for cell in range(CELLS)]
        order = sorted(mean)
        centre = 0.5 * (order[CELLS // 2 - 1] + order[CELLS // 2])
        apart = sorted(abs(value - centre) for value in mean)
        mad = 0.5 * (apart[CELLS // 2 - 1] + apart[CELLS // 2])
        tenth = int(0.1 * (CELLS - 1) + 0.5)
        scale = max(1.4826 * mad, (order[-1 - tenth] - order[tenth]) / 2.563, 0.003)
        result[block] = (mean[4] - centre, (mean[4] - centre) / scale)
    return result


@pytest.mark.parametrize("spread_v", [0.001, 0.004])
def test_deviations_and_z_are_those_of_plain_python(spread_v: float) -> None:
    rng = np.random.default_rng(5)
    time = np.cumsum(rng.uniform(5.0, 900.0, 300))
    volts = np.round(3.75 + spread_v * rng.standard_normal(CELLS) + 0.001 * rng.standard_normal((300, CELLS)), 3)
    volts[:, 4] -= 0.030 + 8.0 * spread_v
    plain = by_plain_python(time, volts)
    found = run(time, volts, np.zeros(len(time)))
    assert len(found) == 2
    for one in found:
        deviation, z = plain[int(one.time_us / 1e6 // 21_600) - 1]
        assert one.evidence["deviation_mv"] == pytest.approx(1e3 * deviation, abs=0.006)
        assert one.evidence["z"] == pytest.approx(z, abs=0.006)
