"""What is stored of a learned model: JSON, the same for the same trips, and usable as a prototype."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import OCV_V, SOC_GRID, drives
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.thevenin import Thevenin, circuit_from_dict
from twinpack.errors import LearningError
from twinpack.learn.model import Learned, learn_model
from twinpack.learn.prototype import TrainingTrip

TABLE = OcvTable("made", "NMC", SOC_GRID, tuple(float(v) for v in OCV_V))
PACK: PackSpec = replace(load_pack("sim_nmc_96s"), capacity_ah=60.0, ocv=TABLE)


@pytest.fixture(scope="module")
def trips() -> list[TrainingTrip]:
    return drives(3, 2, steps=70)


@pytest.fixture(scope="module")
def learned(trips: list[TrainingTrip]) -> Learned:
    return learn_model(trips, PACK, "thevenin-1rc")


def test_the_artifact_is_json_without_numbers_that_are_none(learned: Learned) -> None:
    for record in (learned.artifact, learned.card):
        text = json.dumps(record, allow_nan=False)
        assert json.loads(text) == json.loads(json.dumps(json.loads(text), allow_nan=False))
    assert {"pack", "kind", "model", "threshold_v"} <= set(learned.artifact)
    assert (learned.artifact["pack"], learned.artifact["kind"]) == (PACK.name, "thevenin-1rc")


def test_the_same_trips_give_the_same_bytes(learned: Learned, trips: list[TrainingTrip]) -> None:
    again = learn_model(list(trips), PACK, "thevenin-1rc")
    assert json.dumps(again.artifact) == json.dumps(learned.artifact)
    assert json.dumps(again.card) == json.dumps(learned.card)


def test_the_artifact_holds_a_circuit_that_runs(learned: Learned) -> None:
    circuit = circuit_from_dict(json.loads(json.dumps(learned.artifact["model"])))
    model = Thevenin(circuit)
    assert circuit.series == PACK.series and circuit.capacity_ah == 60.0 and len(circuit.tau_s) == 1
    assert model.names[:3] == ("soc", "u1_v", "trip_v") and {"capacity_scale", "r0_scale", "r_scale"} < set(model.names)
    assert all(one.sd > 0.0 and one.lower < one.mean < one.upper for one in circuit.living)
    assert learned.artifact["threshold_v"] > 0.0
    figures = [*circuit.ocv_v, *circuit.r0_ohm, *circuit.pairs_ohm[0]]
    assert np.isfinite(figures).all() and min(figures) >= 0.0


def test_a_table_that_is_right_needs_one_offset_and_no_knots(learned: Learned) -> None:
    assert "offset_v" in {one["name"] for one in learned.artifact["model"]["living"]}
    assert not learned.artifact["model"]["ocv_knots"]


def test_a_table_that_is_wrong_lives_at_its_knots() -> None:
    off = replace(TABLE, voltage_v=tuple(v + 0.05 * s for v, s in zip(TABLE.voltage_v, SOC_GRID, strict=True)))
    circuit = circuit_from_dict(learn_model(drives(6, 5), replace(PACK, ocv=off), "thevenin-1rc").artifact["model"])
    covariance = np.array(circuit.prior_covariance)
    names = [one.name for one in circuit.living]
    assert circuit.ocv_knots == SOC_GRID
    assert len(names) == 3 + len(SOC_GRID) and "offset_v" not in names
    assert covariance.shape == (len(names), len(names))
    assert np.linalg.eigvalsh(covariance).min() > 0.0
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance)), [one.sd for one in circuit.living], rtol=1e-9)


def test_the_card_tells_what_it_was_learned_from(learned: Learned, trips: list[TrainingTrip]) -> None:
    card = learned.card
    data, limits = card["data"], card["limits"]
    assert (data["vehicles"], data["sessions"], card["kind"], card["pack"]) == (3, 6, "thevenin-1rc", PACK.name)
    assert limits["temp_c"] == pytest.approx(
        [min(float(trip.temp_c.min()) for trip in trips), max(float(trip.temp_c.max()) for trip in trips)], abs=0.051
    )
    assert 0.0 <= limits["soc"][0] < limits["soc"][1] <= 1.0
    assert limits["c_rate"][0] < 0.0 < limits["c_rate"][1]
    assert card["metrics"]["rmse_v"] > 0.0 and card["figures"]["threshold_v"] > 0.0


def test_kinds_that_are_not_known_are_refused(trips: list[TrainingTrip]) -> None:
    with pytest.raises(LearningError, match="'thevenin-9rc' is not known; known are thevenin-1rc"):
        learn_model(trips, PACK, "thevenin-9rc")


def test_without_trips_nothing_is_learned() -> None:
    with pytest.raises(LearningError, match="30 measured steps"):
        learn_model([], PACK, "thevenin-2rc")
