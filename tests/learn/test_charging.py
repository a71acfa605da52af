"""Health from one charge, on made-up cells whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import InputError, LearningError
from twinpack.learn.charging import Charge, Floats
from twinpack.learn.charging_upper import (
    CellCycles,
    Reference,
    Upper,
    UpperModel,
    learn_upper,
    reference_of,
    upper_of,
)
from twinpack.learn.charging_windows import FullCharge, WindowModel, learn_windows

RATED_AH = 2.0


def charge(capacity_ah: float = 2.0, resistance: float = 0.05, temp_c: float = 25.0, begin: float = 0.0) -> Charge:
    """Constant current of 1.5 A to 4.2 V, then held there until it has tapered; the OCV is a line from 3.5 V."""
    rows, soc, amps = [(0.0, 3.5 + 0.65 * begin, 0.0)], begin, 1.5
    for second in range(10, 20_000, 10):
        ocv = 3.5 + 0.65 * soc
        amps = min(1.5, (4.2 - ocv) / resistance)
        rows.append((float(second), ocv + amps * resistance, amps))
        soc += amps * 10.0 / 3600.0 / capacity_ah
        if amps < 0.04:
            break
    time, volts, current = np.array(rows).T
    return Charge.of(time, volts, current, np.full(len(time), temp_c))


def ageing(name: int, cycles: int = 40, temp_c: float = 25.0, share: float = 1.04) -> CellCycles:
    """A cell that loses a third; of what goes in below the voltage, less and less."""
    rng = np.random.default_rng(name)
    capacity = np.linspace(1.9, 1.3, cycles)
    lost = np.log(capacity[0] / capacity)
    told = 1.0 + (share - 1.0) * np.exp(-lost / 0.06) + 0.001 * rng.standard_normal(cycles)
    uppers = tuple(Upper(float(q / r), temp_c, 0.75) for q, r in zip(capacity, told, strict=True))
    return CellCycles(uppers, tuple(capacity.tolist()))


# --- a charge ---------------------------------------------------------------------------------------------------------


def test_a_charge_counts_what_goes_in_and_leaves_out_what_is_not_known() -> None:
    found = Charge.of(np.array([0.0, 1800.0, 3600.0]), np.full(3, 3.9), np.array([2.0, 2.0, -1.0]), np.full(3, 20.0))
    assert found.charged_ah[-1] == pytest.approx(1.5)
    gaps = Charge.of(np.arange(4.0), np.array([3.9, np.nan, 3.9, 3.9]), np.ones(4), np.full(4, 20.0))
    assert len(gaps) == 3


def test_columns_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="different lengths"):
        Charge.of(np.arange(3.0), np.ones(2), np.ones(3), np.ones(3))
    with pytest.raises(InputError, match="goes backwards"):
        Charge.of(np.array([0.0, 2.0, 1.0]), np.ones(3), np.ones(3), np.ones(3))


# --- from a voltage up ------------------------------------------------------------------------------------------------


def test_the_upper_part_is_what_goes_in_from_the_voltage_on() -> None:
    found = upper_of(charge(), RATED_AH, 3.8, 4.2)
    assert isinstance(found, Upper)
    # the terminal is at 3.8 V where the OCV is at 3.725 V (34.6 %), and tapers off where it is at 4.198 V (107.4 %)
    assert found.ah == pytest.approx(2.0 * (1.074 - 0.346), rel=0.01)
    assert found.c_rate == pytest.approx(0.75, rel=0.01)
    assert found.temp_c == 25.0


def test_a_broken_sensor_at_the_start_is_no_voltage() -> None:
    good = charge()
    volts = good.voltage_v.copy()
    volts[1] = 8.4
    found, whole = upper_of(replace(good, voltage_v=volts), RATED_AH, 3.8, 4.2), upper_of(good, RATED_AH, 3.8, 4.2)
    assert isinstance(found, Upper) and isinstance(whole, Upper)
    assert found.ah == pytest.approx(whole.ah, rel=0.01)


def test_charges_that_say_nothing_say_why() -> None:
    assert "began above 3.8 V" in str(upper_of(charge(begin=0.6), RATED_AH, 3.8, 4.2))
    whole = charge()
    short = Charge(*(one[:200] for one in (whole.time_s, whole.voltage_v, whole.current_a, whole.temp_c)))
    assert "did not reach 4.2 V" in str(upper_of(short, RATED_AH, 3.8, 4.2))
    held = int((whole.voltage_v >= 4.199).argmax()) + 3
    cut = Charge(*(one[:held] for one in (whole.time_s, whole.voltage_v, whole.current_a, whole.temp_c)))
    assert "before its current had tapered off" in str(upper_of(cut, RATED_AH, 3.8, 4.2))


def test_references_are_the_first_five_in_a_row_that_agree() -> None:
    cell = ageing(1)
    aborted = CellCycles((Upper(1.8, 25.0, 0.75), *cell.uppers), (0.7, *cell.capacity_ah))
    found = reference_of(aborted)
    assert not isinstance(found, str)
    assert found[1] == 6
    wild = CellCycles(cell.uppers[:6], (1.9, 1.2, 1.9, 1.2, 1.9, 1.2))
    assert "No 5 reference cycles in a row agree" in str(reference_of(wild))


def test_a_cell_left_out_is_told_within_its_interval() -> None:
    model = learn_upper([ageing(one) for one in range(2, 6)], RATED_AH)
    cell = ageing(1)
    found = reference_of(cell)
    assert not isinstance(found, str)
    reference, after = found
    errors, inside = [], []
    for upper, capacity in zip(cell.uppers[after:], cell.capacity_ah[after:], strict=True):
        told = model.capacity(upper, reference)
        low, high = told.interval_90
        errors.append(abs(told.value - capacity))
        inside.append(low <= capacity <= high)
    assert np.mean(errors) < 0.01
    assert np.mean(inside) > 0.7
    without = [abs(reference.share * one.ah - q) for one, q in zip(cell.uppers, cell.capacity_ah, strict=True)]
    assert np.mean(errors) < 0.5 * np.mean(without)


def test_new_conditions_abstain() -> None:
    model = learn_upper([ageing(one) for one in range(2, 6)], RATED_AH)
    reference = Reference(1.04, 1.8, 25.0, 0.75)
    assert model.capacity(Upper(1.7, 28.0, 0.75), reference).known
    cold = model.capacity(Upper(1.7, 4.0, 0.75), reference)
    assert not cold.known and "21 K from any cell" in cold.why_not
    fast = model.capacity(Upper(1.7, 25.0, 1.5), reference)
    assert not fast.known and "1.5 C" in fast.why_not


def test_too_few_cells_teach_nothing() -> None:
    with pytest.raises(LearningError, match="2 cells with reference cycles"):
        learn_upper([ageing(1), ageing(2)], RATED_AH)


def test_the_model_survives_being_written_down_and_damage_is_refused() -> None:
    model = learn_upper([ageing(one) for one in range(2, 6)], RATED_AH)
    artifact = json.loads(json.dumps(model.to_dict()))
    assert UpperModel.from_dict(artifact) == model
    for damage in ({"format": 9}, {"sd": float("nan")}, {"temps_c": [1.0]}, {"fading": "x"}):
        with pytest.raises(LearningError):
            UpperModel.from_dict({**artifact, **damage})


# --- any part of a flat curve -----------------------------------------------------------------------------------------


def flat(soc: Floats, offset_v: float = 0.0) -> Floats:
    """A curve with two steps between plateaus."""
    steps = 0.03 / (1.0 + np.exp(-(soc - 0.3) / 0.02)) + 0.03 / (1.0 + np.exp(-(soc - 0.7) / 0.02))
    return np.asarray(3.25 + 0.02 * soc + steps + offset_v)


def lfp(health: float, rated_ah: float = 100.0, amps: float = 50.0, offset_v: float = 0.0) -> Charge:
    hours = health * rated_ah / amps
    time = np.linspace(0.0, 3600.0 * hours, 200)
    soc = time / time[-1]
    return Charge.of(time, flat(soc, offset_v), np.full(200, amps), np.full(200, 30.0))


def part(whole: Charge, begin: float, end: float) -> Charge:
    at = np.linspace(begin, end, 60)
    columns = (whole.time_s, whole.voltage_v, whole.current_a, whole.temp_c)
    return Charge(*(np.interp(at, np.linspace(0, 1, len(whole)), one) for one in columns))


@pytest.fixture(scope="module")
def windows() -> WindowModel:
    return learn_windows([FullCharge(lfp(one), float(one)) for one in np.linspace(0.7, 1.0, 40)], 100.0)


@given(health=st.floats(0.74, 0.98), begin=st.floats(0.05, 0.5), off=st.floats(-0.03, 0.03))
def test_a_part_with_a_step_in_it_tells_health(windows: WindowModel, health: float, begin: float, off: float) -> None:
    told = windows.told(part(lfp(health, offset_v=0.004), begin, begin + 0.45), begin + off)
    assert told.known
    assert abs(told.value - health) < 4.0 * told.sd + 0.005


def test_where_the_curve_is_flat_the_answer_is_wide(windows: WindowModel) -> None:
    whole = lfp(0.85)
    over_both = windows.told(part(whole, 0.25, 0.75), 0.25)
    between = windows.told(part(whole, 0.40, 0.62), 0.40)
    assert between.sd > 2.0 * over_both.sd


def test_another_rate_or_temperature_abstains(windows: WindowModel) -> None:
    fast = windows.told(part(lfp(0.9, amps=100.0), 0.2, 0.7), 0.2)
    assert not fast.known and "1 C; the curve is known at 0.5 C" in fast.why_not
    cold = part(lfp(0.9), 0.2, 0.7)
    told = windows.told(replace(cold, temp_c=cold.temp_c - 40.0), 0.2)
    assert not told.known and "-10 °C" in told.why_not


def test_what_fits_no_curve_abstains(windows: WindowModel) -> None:
    whole = part(lfp(0.9), 0.2, 0.7)
    odd = replace(whole, voltage_v=whole.voltage_v + 0.05 * np.sin(np.arange(len(whole))))
    assert "fits no curve" in windows.told(odd, 0.2).why_not


def test_curves_of_different_rates_are_not_mixed() -> None:
    mixed = [FullCharge(lfp(0.9, amps=amps), 0.9) for amps in (50.0, 100.0) for _ in range(15)]
    with pytest.raises(LearningError, match="learn each rate by itself"):
        learn_windows(mixed, 100.0)
    with pytest.raises(LearningError, match="3 whole charges"):
        learn_windows(mixed[:3], 100.0)


def test_curves_survive_being_written_down_and_damage_is_refused(windows: WindowModel) -> None:
    artifact = json.loads(json.dumps(windows.to_dict()))
    again = WindowModel.from_dict(artifact)
    assert np.array_equal(again.voltage_v, windows.voltage_v)
    for damage in ({"format": 2}, {"health": [0.9, 0.8]}, {"voltage_v": [[1.0]]}, {"temp_c": None}):
        with pytest.raises(LearningError):
            WindowModel.from_dict({**artifact, **damage})
