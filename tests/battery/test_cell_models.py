"""Every formula against check values worked out independently (six digits)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinpack.battery import ageing, ecm, thermal

CHECKS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cell_model_checks.json").read_text("utf-8"))


def thevenin(x: dict[str, Any]) -> Any:
    u1 = u2 = 0.0
    current = float(x["i_a"])
    for current_a, seconds in ((current, x["t_s"]), (0.0, x.get("then_rest_s", 0.0))):
        u1 = float(ecm.rc_step(u1, current_a, seconds, x["r1"], x["r1"] * x["c1"]))
        u2 = float(ecm.rc_step(u2, current_a, seconds, x["r2"], x["r2"] * x["c2"]))
    if "then_rest_s" in x:
        current = 0.0
    voltage = ecm.terminal_voltage(x["ocv"], current, x["r0"], u1, u2)
    return {"u1_v": u1, "u2_v": u2, "terminal_v": voltage}[x["state"]]


def limit(x: dict[str, Any]) -> Any:
    pairs = [(x["r1"], x["r1"] * x["c1"]), (x["r2"], x["r2"] * x["c2"])]
    return ecm.current_limit(x["v_limit"], x["ocv"], x["pulse_s"], x["r0"], *pairs)


def two_sinks(x: dict[str, Any]) -> Any:
    sinks = [(x["g_cool_w_k"], x["t_cool_c"]), (x["g_amb_w_k"], x["t_amb_c"])]
    return thermal.temperature_step(x["t0_c"], x["q_w"], x["t_s"], x["c_j_k"], *sinks)


def explicit(x: dict[str, Any]) -> Any:
    y: Any = 0.0
    for k, days in zip(x["k"], x["dx"], strict=True):
        for _ in range(days // x["step"]):
            y = ageing.grow_explicit(y, k, x["step"], x["p"])
    return y


def calendar(coefficient: Callable[..., Any], power: float, *names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda x: ageing.grow(0.0, coefficient(*(x[n] for n in names)), x["days"], power)


def cycling(coefficient: Callable[..., Any], power: float, amount: str, *names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda x: ageing.grow(0.0, coefficient(*(x[n] for n in names)), x[amount], power)


MODELS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "thevenin_zoh": thevenin,
    "thevenin_foh": lambda x: ecm.rc_step_ramp(0.0, x["i0_a"], x["i1_a"], x["dt_s"], x["r"], x["r"] * x["c"]),
    "ecm_current_limit": limit,
    "coulomb_counting": lambda x: ecm.coulomb_count(x["soc0"], x["i_a"], x["t_s"], x["q_ah"], x["eta_charge"]),
    "arrhenius_resistance_ratio": lambda x: ecm.arrhenius_ratio(x["ea_j_mol"], x["t_c"], x["t_ref_c"]),
    "lumped_thermal": lambda x: thermal.temperature_step(
        x["t0_c"], x["q_w"], x["t_s"], x["m_kg"] * x["cp_j_kgk"], (x["ha_w_k"], x["t_amb_c"])
    ),
    "reversible_heat": lambda x: thermal.reversible_heat(x["i_a"], x["t_k"], x["du_dt_v_k"]),
    "lumped_thermal_two_sinks": two_sinks,
    "plett_hysteresis": lambda x: ecm.hysteresis_step(x["h0"], x["i_a"], x["t_s"], x["q_ah"], x["gamma"], x["eta"]),
    "schmalstieg_calendar_capacity_loss": calendar(ageing.schmalstieg_calendar_capacity, 0.75, "v", "t_k"),
    "schmalstieg_calendar_resistance_gain": calendar(ageing.schmalstieg_calendar_resistance, 0.75, "v", "t_k"),
    "schmalstieg_cycle_capacity_loss": cycling(ageing.schmalstieg_cycle_capacity, 0.5, "q_ah", "v_mean", "dod"),
    "schmalstieg_cycle_resistance_gain": cycling(ageing.schmalstieg_cycle_resistance, 1.0, "q_ah", "v_mean", "dod"),
    "wang_cycle_loss_pct": lambda x: 100.0 * cycling(ageing.wang_cycle, 0.55, "ah", "c_rate", "t_k")(x),
    "nca_calendar_loss": calendar(ageing.nca_calendar, 0.512, "soc", "t_k"),
    "nca_cycle_loss": cycling(ageing.nca_cycle, 0.699, "efc", "c_rate", "dod", "t_k"),
    "graphite_ua": lambda x: ageing.graphite_potential(x["soc"]),
    "lfp250_calendar_loss": calendar(ageing.lfp250_calendar, 0.526, "soc", "t_k"),
    "lfp250_cycle_loss": cycling(ageing.lfp250_cycle, 0.828, "efc", "c_rate", "dod", "t_k"),
    "power_law_virtual_time": lambda x: ageing.accumulate(np.array(x["k"]), np.array(x["dx"]), x["p"])[-1],
    "power_law_euler_daily": explicit,
    "power_law_euler_30d": explicit,
}


def test_all_check_values_are_here() -> None:
    assert len(CHECKS) == 71
    assert {check["model"] for check in CHECKS} == set(MODELS)


@pytest.mark.parametrize("check", CHECKS, ids=[check["id"] for check in CHECKS])
def test_formula_gives_its_check_value(check: dict[str, Any]) -> None:
    assert float(MODELS[check["model"]](check["inputs"])) == pytest.approx(check["expected"], rel=1e-4)
