"""Hybrids and networks learned from drives whose cell does something that no circuit of ours does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import OCV_V, SOC_GRID, drives
from twinpack.battery.families import pack_model
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.errors import LearningError
from twinpack.learn.hybrid import learn_hybrid
from twinpack.learn.learned import Learned
from twinpack.learn.model import learn_circuit, learn_model
from twinpack.learn.network import learn_network
from twinpack.learn.paths import open_loop
from twinpack.learn.prototype import TrainingTrip

TABLE = OcvTable("made", "NMC", SOC_GRID, tuple(float(v) for v in OCV_V))
PACK: PackSpec = replace(load_pack("sim_nmc_96s"), capacity_ah=60.0, ocv=TABLE)


def odd(vehicles: int, each: int, seed: int) -> list[TrainingTrip]:
    """Drives of cells with a step of voltage between charge and discharge."""
    return [
        replace(one, voltage_v=one.voltage_v + 0.03 * np.tanh(one.current_a / 10.0))
        for one in drives(vehicles, each, steps=90, seed=seed)
    ]


@pytest.fixture(scope="module")
def physics() -> Learned:
    return learn_circuit(odd(5, 3, 1), PACK, "thevenin-2rc")


def error(learned: Learned, trips: list[TrainingTrip]) -> float:
    """Of trips of other vehicles, open loop, V a cell."""
    model = pack_model(learned.artifact["kind"], json.loads(json.dumps(learned.artifact["model"])))
    paths = open_loop(model, trips)
    return float(np.sqrt(np.mean([(p.voltage_v - t.voltage_v) ** 2 for p, t in zip(paths, trips, strict=True)])))


def test_a_hybrid_predicts_vehicles_it_has_not_seen_better_than_its_physics(physics: Learned) -> None:
    learned = learn_hybrid(odd(5, 3, 1), PACK, physics)
    unseen = odd(3, 2, 8)
    assert error(learned, unseen) < 0.7 * error(physics, unseen)
    card = learned.card
    assert card["metrics"]["held_out_rmse_v"] < card["metrics"]["physics_rmse_v"]
    assert card["figures"]["gain_pct"] > 30.0 and card["figures"]["physics"] == "thevenin-2rc"
    assert learned.artifact["model"]["physics"]["living"] == physics.artifact["model"]["living"]
    assert learned.artifact["threshold_v"] < physics.artifact["threshold_v"]
    assert json.dumps(learn_hybrid(odd(5, 3, 1), PACK, physics).artifact) == json.dumps(learned.artifact)


def test_where_physics_leaves_noise_a_hybrid_is_refused() -> None:
    trips = drives(4, 3, steps=70, noise_v=0.02)
    with pytest.raises(LearningError, match="learn thevenin-2rc alone"):
        learn_hybrid(trips, PACK, learn_circuit(trips, PACK, "thevenin-2rc"))


def test_a_network_predicts_vehicles_it_has_not_seen() -> None:
    learned = learn_network(odd(6, 4, 1), PACK)
    unseen = odd(3, 2, 8)
    spread = float(np.std(np.concatenate([one.voltage_v for one in unseen])))
    assert error(learned, unseen) < 0.25 * spread
    assert learned.card["metrics"]["held_out_rmse_v"] > learned.card["metrics"]["rmse_v"] > 0.0
    assert {"capacity_scale", "r0_scale", "offset_v"} < {one["name"] for one in learned.artifact["model"]["living"]}


def test_both_are_learned_by_their_kind() -> None:
    with pytest.raises(LearningError, match="the least to learn from"):
        learn_model(odd(1, 1, 1), PACK, "network")
    assert learn_model(odd(4, 3, 1), PACK, "network").artifact["kind"] == "network"
