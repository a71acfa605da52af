"""The model of a pack: the checked formulas, exact at any step, and the round trip of its prototype."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.battery import ecm
from twinpack.battery.thevenin import (
    TRANSFER_V,
    UNTOLD_SOC_SD,
    Circuit,
    Noise,
    Start,
    Thevenin,
    circuit_from_dict,
    knot_name,
)
from twinpack.filters import Living

Floats = npt.NDArray[np.float64]
CHECKS = json.loads((Path(__file__).parent / "cell_model_checks.json").read_text(encoding="utf-8"))
HELD = [check for check in CHECKS if check["model"] == "thevenin_zoh"]
RAMPS = [check for check in CHECKS if check["model"] == "thevenin_foh"]
TOLERANCE = 1e-5  # of the values as they are written down, relative

LIVING = (
    Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
    Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
    Living("r_scale", 1.0, 0.15, 0.006, 0.1, 6.0),
    Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
)
FLAT = Circuit(
    series=1,
    capacity_ah=5.0,
    soc=(0.0, 0.5, 1.0),
    ocv_v=(3.0, 3.7, 4.2),
    r_soc=(0.0, 1.0),
    r0_ohm=(0.02, 0.02),
    pairs_ohm=((0.015, 0.015), (0.01, 0.01)),
    tau_s=(30.0, 600.0),
    ea0_j_mol=20e3,
    ea1_j_mol=25e3,
    living=LIVING,
    transfer_share=0.0,
)
SLOPED = replace(
    FLAT,
    series=96,
    r_soc=(0.0, 0.25, 1.0),
    r0_ohm=(0.04, 0.02, 0.01),
    transfer_share=0.5,
    pairs_ohm=((0.03, 0.015, 0.01), (0.02, 0.01, 0.005)),
)

currents = st.floats(-300.0, 300.0)
seconds = st.floats(0.1, 3000.0)
temperatures = st.floats(-20.0, 50.0)


def state(model: Thevenin, **values: float) -> dict[str, Any]:
    means = dict.fromkeys(model.dynamic, 0.0) | {one.name: one.mean for one in model.living}
    return {name: np.array([value]) for name, value in (means | values).items()}


def inputs(first: float, last: float, dt_s: float, temp_c: float = 25.0) -> dict[str, Any]:
    values = {"current_a": last, "interval_start_a": first, "interval_end_a": last, "dt_s": dt_s, "temp_c": temp_c}
    return {name: np.array([value]) for name, value in values.items()}


def moved(model: Thevenin, x: Mapping[str, Any], u: Mapping[str, Any]) -> dict[str, Any]:
    return dict(x) | dict(zip(model.dynamic, model.transition(x, u), strict=True))


def volts(model: Thevenin, x: Mapping[str, Any], u: Mapping[str, Any]) -> float:
    return float(np.ravel(model.measure(x, u))[0])


def cell_of(x: Mapping[str, Any]) -> Circuit:
    return replace(
        FLAT,
        ocv_v=(x["ocv"],) * 3,
        r0_ohm=(x["r0"],) * 2,
        pairs_ohm=((x["r1"],) * 2, (x["r2"],) * 2),
        tau_s=(x["r1"] * x["c1"], x["r2"] * x["c2"]),
    )


@pytest.mark.parametrize("check", HELD, ids=lambda check: str(check["id"]))
def test_check_values_at_held_current(check: dict[str, Any]) -> None:
    x = check["inputs"]
    model = Thevenin(cell_of(x))
    u = inputs(x["i_a"], x["i_a"], x["t_s"])
    found = moved(model, state(model, soc=0.5), u)
    if "then_rest_s" in x:
        u = inputs(0.0, 0.0, x["then_rest_s"])
        found = moved(model, found, u)
    value = volts(model, found, u) if x["state"] == "terminal_v" else float(found[x["state"]][0])
    assert value == pytest.approx(check["expected"], rel=TOLERANCE)


@pytest.mark.parametrize("check", RAMPS, ids=lambda check: str(check["id"]))
def test_check_values_on_a_ramp(check: dict[str, Any]) -> None:
    x = check["inputs"]
    model = Thevenin(replace(FLAT, pairs_ohm=((x["r"],) * 2,), tau_s=(x["r"] * x["c"],)))
    found = moved(model, state(model, soc=0.5), inputs(x["i0_a"], x["i1_a"], x["dt_s"]))
    assert float(found["u1_v"][0]) == pytest.approx(check["expected"], rel=TOLERANCE)


@given(first=currents, last=currents, dt_s=seconds, parts=st.integers(2, 12), temp_c=temperatures)
@settings(deadline=None, max_examples=60)
def test_a_step_may_be_cut_anywhere(first: float, last: float, dt_s: float, parts: int, temp_c: float) -> None:
    model = Thevenin(FLAT)
    start = state(model, soc=0.5, u1_v=0.02, u2_v=-0.03, capacity_scale=0.9, r_scale=1.3)
    whole = moved(model, start, inputs(first, last, dt_s, temp_c))
    found = start
    for k in range(parts):
        start_a, end_a = (first + (last - first) * share / parts for share in (k, k + 1))
        found = moved(model, found, inputs(start_a, end_a, dt_s / parts, temp_c))
    for name in model.dynamic:
        assert float(found[name][0]) == pytest.approx(float(whole[name][0]), rel=1e-9, abs=1e-6)


def test_ten_steps_of_a_second_are_one_of_ten() -> None:
    model = Thevenin(FLAT)
    whole = moved(model, state(model, soc=0.5), inputs(-5.0, -5.0, 10.0))
    found = state(model, soc=0.5)
    for _ in range(10):
        found = moved(model, found, inputs(-5.0, -5.0, 1.0))
    for name in model.dynamic:
        assert float(found[name][0]) == pytest.approx(float(whole[name][0]), abs=1e-12)


@given(first=currents, last=currents, dt_s=seconds, temp_c=temperatures, soc=st.floats(0.0, 1.0))
@settings(deadline=None)
def test_a_step_is_the_formulas_with_the_tables_read(
    first: float, last: float, dt_s: float, temp_c: float, soc: float
) -> None:
    model = Thevenin(SLOPED)
    start = state(
        model,
        soc=soc,
        u1_v=0.01,
        u2_v=-0.02,
        capacity_scale=0.9,
        r_scale=1.2,
        r0_scale=1.1,
        offset_v=0.003,
        trip_v=0.005,
    )
    u = inputs(first, last, dt_s, temp_c)
    found = moved(model, start, u)
    warm = float(ecm.arrhenius_ratio(SLOPED.ea1_j_mol, temp_c))
    after = [soc + 0.5 * (first + last) * dt_s / 3600.0 / (0.9 * 5.0)]
    for before, table, tau in zip((0.01, -0.02), SLOPED.pairs_ohm, SLOPED.tau_s, strict=True):
        ohm = 1.2 * warm * np.interp(soc, SLOPED.r_soc, table)
        after.append(float(ecm.rc_step_ramp(before, first, last, dt_s, ohm, tau)))
    after.append(0.005)
    assert [float(found[name][0]) for name in model.dynamic] == pytest.approx(after, rel=1e-7, abs=1e-6)
    x = start | {"soc": np.array([soc])}
    hot = 1.1 * float(ecm.arrhenius_ratio(SLOPED.ea0_j_mol, temp_c))
    ohmic = hot * np.interp(soc, SLOPED.r_soc, SLOPED.r0_ohm) * last
    drop = 0.5 * ohmic + TRANSFER_V * np.arcsinh(0.5 * ohmic / TRANSFER_V)
    cell = np.interp(soc, SLOPED.soc, SLOPED.ocv_v) + 0.003 + drop + 0.01 - 0.02 + 0.005
    assert volts(model, x, u) == pytest.approx(96 * cell, rel=1e-10)


def test_a_pause_leaves_the_charge_and_lets_the_pairs_die_away() -> None:
    model = Thevenin(FLAT)
    found = moved(model, state(model, soc=0.4, u1_v=0.1, u2_v=0.2), inputs(0.0, 0.0, 30.0))
    assert float(found["soc"][0]) == 0.4
    assert float(found["u1_v"][0]) == pytest.approx(0.1 * np.exp(-1.0))
    assert float(found["u2_v"][0]) == pytest.approx(0.2 * np.exp(-0.05))


def test_no_time_changes_nothing() -> None:
    model = Thevenin(FLAT)
    start = state(model, soc=0.4, u1_v=0.1, u2_v=0.2)
    found = moved(model, start, inputs(-100.0, 50.0, 0.0))
    for name in model.dynamic:
        assert float(found[name][0]) == pytest.approx(float(start[name][0]), abs=1e-6)


def test_beyond_full_and_empty_the_voltage_goes_on_and_the_resistance_stays() -> None:
    model = Thevenin(SLOPED)
    rest, load = inputs(0.0, 0.0, 1.0), inputs(-10.0, -10.0, 1.0)
    drops = []
    for soc in (0.0, -0.1):
        drops.append(volts(model, state(model, soc=soc), load) - volts(model, state(model, soc=soc), rest))
    assert drops[0] == pytest.approx(drops[1])
    assert volts(model, state(model, soc=-0.1), rest) == pytest.approx(96 * (3.0 - 0.1 * 1.4))
    assert volts(model, state(model, soc=1.1), rest) == pytest.approx(96 * (4.2 + 0.1 * 1.0))


@given(first=seconds, second=seconds, current=currents)
def test_process_variance_composes_over_time(first: float, second: float, current: float) -> None:
    model = Thevenin(replace(FLAT, pairs_ohm=(*FLAT.pairs_ohm, (0.01, 0.01)), tau_s=(5.0, 45.0, 600.0)))
    one, other, whole = (
        [float(np.ravel(v)[0]) for v in model.process_variance(inputs(current, current, t))]
        for t in (first, second, first + second)
    )
    assert whole[0] == pytest.approx(one[0] + other[0], rel=1e-12)
    assert whole[-1] == one[-1] == 0.0
    for a, b, both, tau in zip(one[1:-1], other[1:-1], whole[1:-1], model.circuit.tau_s, strict=True):
        assert both == pytest.approx(a * np.exp(-2.0 * second / tau) + b, rel=1e-9, abs=1e-18)


def test_process_variance_ends_at_the_models_error() -> None:
    noise = Noise(slow_v=0.006, fast_v=0.002)
    for pairs, current, expected in ((1, 0.0, [0.006]), (2, 0.0, [0.002, 0.006]), (2, 30.0, None)):
        circuit = replace(FLAT, pairs_ohm=((0.01, 0.01),) * pairs, tau_s=(45.0, 600.0)[-pairs:], noise=noise)
        model = Thevenin(circuit)
        u = inputs(current, current, 1e6)
        late = [float(np.ravel(value)[0]) for value in model.process_variance(u)[1 : 1 + pairs]]
        assert expected is None or np.sqrt(late).tolist() == pytest.approx(expected)
        beyond = float((model.prediction_variance(u) - model.measurement_variance(u))[0])
        assert beyond == pytest.approx(sum(late))


def test_measurement_variance_is_the_sensors_and_a_share_of_the_drop() -> None:
    noise = Noise(sensor_v=0.004, resistive=0.1, temper=3.0)
    model = Thevenin(replace(FLAT, series=10, noise=noise))
    for current, drop in ((0.0, 0.0), (-40.0, 0.1 * 0.020 * 40.0)):
        u = inputs(0.0, current, 1.0)
        assert float(model.measurement_variance(u)[0]) == pytest.approx(100 * (0.004**2 + drop**2))
        assert float(model.learning_variance(u)[0]) == pytest.approx(100 * (3.0 * 0.004**2 + drop**2))


def test_a_session_starts_where_it_is_told_or_else_where_the_voltage_says() -> None:
    model = Thevenin(replace(FLAT, series=2))
    u = {name: np.repeat(values, 3) for name, values in inputs(0.0, 0.0, 0.0).items()}
    u["current_a"] = np.array([0.0, -10.0, 0.0])
    drop = 2 * 0.02 * 10.0
    measured, told = np.array([7.4, 2 * 3.35 - drop, np.nan]), np.array([0.8, np.nan, np.nan])
    mean, sd = model.start(measured, u, told, 0.03)
    assert mean.shape == sd.shape == (4, 3)
    assert mean[0].tolist() == pytest.approx([0.8, 0.25, 0.5])
    assert sd[0].tolist() == [0.03, UNTOLD_SOC_SD, 0.3]
    assert not mean[1:].any()
    assert sd[1:].tolist() == [[0.010] * 3, [0.020] * 3, [0.015] * 3]


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_the_slowest_pairs_take_the_last_deviations_of_the_start(pairs: int) -> None:
    circuit = replace(FLAT, pairs_ohm=((0.01, 0.01),) * pairs, tau_s=(5.0, 45.0, 600.0)[-pairs:])
    nothing = np.array([np.nan])
    _, sd = Thevenin(circuit).start(nothing, inputs(0.0, 0.0, 0.0), nothing, 0.03)
    assert sd[1:, 0].tolist() == [*[0.002, 0.010, 0.020][-pairs:], 0.015]


def with_knots(knots: tuple[float, ...]) -> Circuit:
    corrections = tuple(Living(knot_name(knot), 0.0, 0.01, 0.0003, -0.5, 0.5) for knot in knots)
    return replace(FLAT, living=(*LIVING[:3], *corrections), ocv_knots=knots)


def test_living_knots_bend_the_open_circuit_voltage() -> None:
    model, rest = Thevenin(with_knots((0.0, 0.5, 1.0))), inputs(0.0, 0.0, 1.0)
    assert model.names == (*FLAT_NAMES[:7], "ocv_00_v", "ocv_50_v", "ocv_100_v")
    for soc, ocv, correction in ((0.0, 3.0, 0.01), (0.25, 3.35, 0.02), (0.5, 3.7, 0.03), (0.9, 4.1, -0.018)):
        x = state(model, soc=soc, ocv_00_v=0.01, ocv_50_v=0.03, ocv_100_v=-0.03)
        assert volts(model, x, rest) == pytest.approx(ocv + correction)
    beyond = state(model, soc=1.2, ocv_00_v=0.01, ocv_50_v=0.03, ocv_100_v=-0.03)
    assert volts(model, beyond, rest) == pytest.approx(4.4 - 0.03)


FLAT_NAMES = ("soc", "u1_v", "u2_v", "trip_v", "capacity_scale", "r0_scale", "r_scale", "offset_v")


def test_names_are_states_then_parameters() -> None:
    assert Thevenin(FLAT).names == FLAT_NAMES


def test_the_slowest_pair_may_have_a_scale_of_its_own_and_each_its_temperature_dependence() -> None:
    names = ("slow_scale", "ea0_scale", "ea1_scale", "ea2_scale")
    own = (*LIVING, *(Living(name, 1.0, 0.1, 0.0, 0.0, 9.0) for name in names))
    model, u = Thevenin(replace(FLAT, living=own)), inputs(-5.0, -5.0, 1e6, 0.0)
    start = state(model, soc=0.5, r_scale=2.0, slow_scale=3.0, ea0_scale=2.0, ea1_scale=0.5, ea2_scale=1.5)
    found = moved(model, start, u)
    warm = [float(ecm.arrhenius_ratio(share * FLAT.ea1_j_mol, 0.0)) for share in (0.5, 1.5)]
    assert float(found["u1_v"][0]) == pytest.approx(-5.0 * 0.015 * 2.0 * warm[0])
    assert float(found["u2_v"][0]) == pytest.approx(-5.0 * 0.010 * 3.0 * warm[1])
    ohmic = -5.0 * 0.02 * float(ecm.arrhenius_ratio(2.0 * FLAT.ea0_j_mol, 0.0))
    assert volts(model, start, u) == pytest.approx(3.7 + ohmic)


@pytest.mark.parametrize(
    "circuit",
    [
        FLAT,
        SLOPED,
        replace(FLAT, prior_covariance=((0.1, 0.0), (0.0, 0.2))),
        replace(with_knots((0.0, 0.5, 1.0)), noise=Noise(sensor_v=0.1 + 0.2), start=Start((0.1, 0.2), 0.3)),
    ],
)
def test_a_circuit_survives_json(circuit: Circuit) -> None:
    text = json.dumps(circuit.to_dict(), allow_nan=False)
    assert circuit_from_dict(json.loads(text)) == circuit
    assert json.dumps(circuit_from_dict(json.loads(text)).to_dict(), allow_nan=False) == text
