"""A hybrid is its physics plus a bounded correction that fades: it cannot break what lives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.battery.networks import RANGES, bounded
from twinpack.battery.bounded import Bounded, bounded_from_dict
from twinpack.battery.families import pack_model
from twinpack.battery.hybrid import Hybrid, correction
from twinpack.battery.models import thevenin_2rc
from twinpack.errors import InputError
from twinpack.filters.network import Network

OF = ("soc", "current_a", "temp_c")
NET = bounded(*OF)
PHYSICS = thevenin_2rc()


def at(soc: float, current_a: float, temp_c: float) -> tuple[dict[str, Any], dict[str, Any]]:
    x = dict.fromkeys(PHYSICS.dynamic, 0.0) | {one.name: one.mean for one in PHYSICS.living} | {"soc": soc}
    inputs = {"current_a": current_a, "interval_start_a": current_a, "interval_end_a": current_a}
    return x, inputs | {"dt_s": 10.0, "temp_c": temp_c}


def test_inside_its_data_the_network_is_added_to_each_group() -> None:
    x, u = at(0.5, -40.0, 20.0)
    added = Hybrid(PHYSICS, NET).measure(x, u) - PHYSICS.measure(x, u)
    assert added == pytest.approx(PHYSICS.series * NET.network(0.5, -40.0, 20.0), abs=1e-9)


@given(st.floats(-5.0, 5.0), st.floats(-1e4, 1e4), st.floats(-80.0, 120.0))
def test_no_input_makes_more_of_it_than_its_data_do_and_it_fades_beyond(soc: float, amps: float, temp: float) -> None:
    given_ = dict(zip(OF, (soc, amps, temp), strict=True))
    most = NET.network.output_scale * float(np.abs(NET.network.weights[-1]).sum())
    held = {name: min(max(given_[name], low), high) for name, (low, high) in RANGES.items()}
    away = sum(((given_[name] - held[name]) / NET.network.scale[k]) ** 2 for k, name in enumerate(OF))
    found = correction(NET, given_)
    assert abs(found) <= most / (1.0 + away) + 1e-12
    assert found == pytest.approx(NET(held) / (1.0 + away), abs=1e-9)


def test_what_lives_and_what_is_noise_are_those_of_the_physics() -> None:
    hybrid, (x, u) = Hybrid(PHYSICS, NET), at(0.7, -100.0, 10.0)
    assert hybrid.names == PHYSICS.names and hybrid.living == PHYSICS.living
    assert hybrid.transition(x, u) == PHYSICS.transition(x, u)
    assert hybrid.process_variance(u) == PHYSICS.process_variance(u)
    assert hybrid.learning_variance(u) == PHYSICS.learning_variance(u)
    assert hybrid.prediction_variance(u) == PHYSICS.prediction_variance(u)
    lanes = {name: np.array([value]) for name, value in u.items()}
    for own, physics in zip(
        hybrid.start(np.array([360.0]), lanes, np.array([0.6]), 0.02),
        PHYSICS.start(np.array([360.0]), lanes, np.array([0.6]), 0.02),
        strict=True,
    ):
        np.testing.assert_array_equal(own, physics)


def test_about_a_known_charge_the_network_reads_that_charge() -> None:
    x, u = at(0.5, -40.0, 20.0)
    about = u | {"rows": 1.0, "soc_ref": 0.3, "ocv_slope": 0.5}
    tangent = Hybrid(PHYSICS, NET).tangent()
    added = tangent.measure(x, about) - PHYSICS.tangent().measure(x, about)
    assert added == pytest.approx(PHYSICS.series * NET.network(0.3, -40.0, 20.0), abs=1e-9)


def test_an_artifact_gives_the_same_model() -> None:
    values = {"kind": "thevenin-2rc", "physics": PHYSICS.circuit.to_dict(), "residual": NET.to_dict()}
    model = pack_model("hybrid", json.loads(json.dumps(values)))
    x, u = at(0.42, 30.0, 12.0)
    assert model.measure(x, u) == Hybrid(PHYSICS, NET).measure(x, u)


def test_a_network_without_ranges_for_its_inputs_is_refused() -> None:
    net = Network.of([np.ones((2, 1))], [np.zeros(1)])
    with pytest.raises(InputError, match="a range of each of its 2 values"):
        Bounded(net, ("soc", "temp_c"), (0.0,), (1.0,))
    with pytest.raises(InputError, match=r"network.s temp_c is 3\.0 to 1\.0"):
        Bounded(net, ("soc", "temp_c"), (0.0, 3.0), (1.0, 1.0))
    assert bounded_from_dict(NET.to_dict()).of == OF
