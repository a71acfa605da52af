"""Temperature probes, the cooling, and the spread of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from tests.detect.cells.made import DAY, HOUR, Floats, alarms, sampled
from twinpack.battery.pack import load_pack
from twinpack.detect.cells import CellsState, cells
from twinpack.detect.findings import Finding

PACK = load_pack("sim_nmc_96s")
PROBES = 8


def run(time: Floats, rate: Floats, probes: Floats, coolant: Floats | None = None) -> list[Finding]:
    """Findings of samples that tell of temperatures alone."""
    frames, clean = sampled(time, np.full((len(time), 1), 3.8), rate, np.full(len(time), 0.5), probes)
    none = type(frames.cells).none(len(time))
    known = dict(clean.quantities) | ({} if coolant is None else {"coolant_temp_c": coolant})
    clean = type(clean)(clean.aside, none, clean.probes, known)
    return cells(CellsState.empty(1, cells=PACK.series, probes=0), frames, clean, PACK)[1]


def parked(days: float, shift_k: float, from_day: float, step: float = 0.5, seed: int = 1) -> list[Finding]:
    """A pack that stands, its third probe off from a day on; the air swings."""
    rng = np.random.default_rng(seed)
    time = np.arange(0.0, days * DAY, 900.0)
    pack = 15.0 + 6.0 * np.sin(2.0 * np.pi * time / DAY) + 4.0 * np.sin(2.0 * np.pi * time / (20.0 * DAY))
    probes = pack[:, None] + 0.3 * rng.standard_normal(PROBES) + 0.15 * rng.standard_normal((len(time), PROBES))
    probes[time >= from_day * DAY, 2] += shift_k
    return run(time, np.zeros(len(time)), np.round(probes / step) * step)


@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("shift_k", [-1.0, 1.0])
def test_a_probe_that_shifts_by_1_k_is_found(shift_k: float, step: float) -> None:
    found = parked(30.0, shift_k, 20.0, step)
    assert alarms(found) == {("TP-PROBE", "probe 3")}
    told = next(one for one in found if one.level == "alarm")
    assert told.category == "sensor"
    assert told.time_us <= 24 * DAY * 1e6
    assert told.evidence["shift_k"] == pytest.approx(shift_k, abs=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_sound_probes_are_left_alone(seed: int) -> None:
    assert parked(60.0, 0.0, 0.0, 1.0, seed) == []


def test_a_probe_far_from_the_others_needs_no_history() -> None:
    found = parked(1.0, 8.0, 0.0)
    assert alarms(found) == {("TP-PROBE", "probe 3")}
    assert found[-1].evidence["deviation_k"] == pytest.approx(8.0, abs=1.0)


def cooled(days: int, cooling_per_h: float, lost_per_h: float, from_day: float) -> list[Finding]:
    """A pack that is driven hard twice a day, heated by its current and cooled towards its coolant."""
    rng = np.random.default_rng(3)
    times, rates, temps, coolants = [], [], [], []
    temp = 20.0
    for day in range(days):
        for start in (8.0, 18.0):
            coolant = 12.0 + 3.0 * rng.random()
            temp += 6.0 * rng.random()
            for at in np.arange(0.0, HOUR, 30.0):
                time = day * DAY + start * HOUR + at
                rate = -0.8 + 0.3 * rng.standard_normal()
                per_h = lost_per_h if time >= from_day * DAY else cooling_per_h
                heat = rate**2 * np.exp(2500.0 * (1.0 / (temp + 273.15) - 1.0 / 298.15))
                temp += (30.0 * heat - per_h * (temp - coolant)) * 30.0 / HOUR
                times.append(time)
                rates.append(rate)
                temps.append(temp)
                coolants.append(coolant)
    warm = np.array(temps)
    probes = np.round(warm[:, None] + 0.1 * rng.standard_normal((len(warm), PROBES)), 1)
    return run(np.array(times), np.array(rates), probes, np.array(coolants))


def test_a_cooling_that_is_lost_is_found_and_a_sound_one_is_not() -> None:
    assert [one for one in cooled(40, 6.0, 6.0, 0.0) if one.code == "TP-COOLING"] == []
    found = [one for one in cooled(30, 6.0, 2.0, 20.0) if one.code == "TP-COOLING" and one.level == "alarm"]
    assert len(found) == 1
    assert 20 * DAY * 1e6 <= found[0].time_us <= 25 * DAY * 1e6
    assert found[0].evidence["cooling_per_h_before"] == pytest.approx(6.0, rel=0.25)
    assert found[0].evidence["fall_pct"] > 50.0


@pytest.mark.parametrize("growth_v_month", [0.0, 0.012])
def test_a_spread_that_grows_is_watched(growth_v_month: float) -> None:
    rng = np.random.default_rng(2)
    time = np.arange(0.0, 60 * DAY, 1800.0)
    volts = 3.75 + 0.001 * rng.standard_normal((len(time), PACK.series)) + np.linspace(-0.02, 0.02, PACK.series)
    volts += np.linspace(-0.5, 0.5, PACK.series) * growth_v_month * time[:, None] / (30.0 * DAY)
    frames, clean = sampled(time, volts, np.zeros(len(time)), np.full(len(time), 0.5))
    found = cells(CellsState.empty(1, cells=PACK.series, probes=0), frames, clean, PACK)[1]
    spread = [one for one in found if one.code == "TP-SPREAD"]
    assert [one.level for one in spread] == (["watch"] if growth_v_month else [])
    if spread:
        assert spread[0].evidence["growth_mv_per_month"] == pytest.approx(1e3 * growth_v_month, rel=0.2)
        assert (spread[0].evidence["highest_cell"], spread[0].evidence["lowest_cell"]) == (96, 1)
