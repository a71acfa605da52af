"""The route model: its formula, its living scale, and the round trip of its prototype."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery.families import KINDS, ROUTE, model_of
from twinpack.battery.route import LEAST_SCALE, Route, RouteModel, route_from_dict, scale_of, wear_of
from twinpack.filters import Living

ROUTE_ = Route(
    used=(0.0, 0.1, 0.8, 1.0),
    curve_v=(4.75, 4.5, 4.1, 2.0),
    speed_kmh=60.0,
    load_kg=4500.0,
    law=(0.003, 0.0, 0.0005, 0.0005, 0.0, 0.0),
    living=(Living("wear", 0.0, 0.01, 1e-4), Living("wear_rate", 1e-3, 1e-4, rate_of="wear")),
    bend=30.0,
)


def _voltage(wear: float, speed: float, load: float, distance: float) -> float:
    given = {"speed_kmh": speed, "load_kg": load, "distance_km": distance}
    return float(RouteModel(ROUTE_).measure({"wear": wear}, given))


def test_a_new_battery_follows_the_curve_and_a_worn_one_starts_lower_and_ends_sooner() -> None:
    usual = (60.0, 4500.0)
    assert _voltage(0.0, *usual, 0.0) == pytest.approx(4.75)
    assert _voltage(0.0, *usual, 0.1 / 0.004) == pytest.approx(4.5)
    wear = float(wear_of(np.array(0.5), 30.0))
    assert _voltage(wear, *usual, 0.0) == pytest.approx(0.5 * 4.75)
    assert _voltage(wear, *usual, 0.5 * 0.1 / 0.004) == pytest.approx(0.5 * 4.5)


def test_beyond_the_data_the_voltage_stays_at_the_curve_s_end() -> None:
    assert _voltage(0.0, 60.0, 4500.0, 1e4) == pytest.approx(2.0)
    assert _voltage(0.0, 60.0, 4500.0, -5.0) == pytest.approx(4.75)
    assert _voltage(1.0, 60.0, 4500.0, 0.0) == pytest.approx(LEAST_SCALE * 4.75)


def test_speed_and_load_take_more() -> None:
    usual = _voltage(0.0, 60.0, 4500.0, 100.0)
    assert _voltage(0.0, 75.0, 4500.0, 100.0) < usual
    assert _voltage(0.0, 60.0, 6000.0, 100.0) < usual


@given(st.floats(0.1, 1.0), st.sampled_from([-1.0, -0.5, 0.0, 1e-9, 5.0, 34.0]))
def test_wear_and_scale_are_inverse(scale: float, bend: float) -> None:
    assert scale_of(wear_of(np.array(scale), bend), bend) == pytest.approx(scale, rel=1e-9)


def test_the_prototype_comes_back_from_json_and_is_a_kind() -> None:
    values = json.loads(json.dumps(ROUTE_.to_dict()))
    assert route_from_dict(values) == ROUTE_
    assert ROUTE in KINDS
    model = model_of(ROUTE, values)
    assert model.names == ("wear", "wear_rate") and model.clock == "sessions"
    assert model.living[1].rate_of == "wear"
