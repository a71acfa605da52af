"""Sensitivity on real trips: what matters is found, the living set is chosen by its rule, what is not told is said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import TRUTH, drives
from tests.learn.test_model import PACK
from tests.learn.test_route import routes
from twinpack.battery.families import pack_model
from twinpack.battery.pack import load_pack
from twinpack.battery.route import RouteModel, route_from_dict
from twinpack.battery.thevenin import Thevenin
from twinpack.errors import LearningError
from twinpack.filters import Living
from twinpack.learn.courses import courses_of, prior
from twinpack.learn.identify import identified
from twinpack.learn.network import learn_network
from twinpack.learn.route import learn_route
from twinpack.learn.sensitivity import Sensitivity, analyse, choose, living_factors, over_inputs, to_dict
from twinpack.learn.sobol import Indices

LIVING = (
    Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
    Living("r0_scale", 1.0, 0.2, 0.004, 0.2, 5.0),
    Living("r_scale", 1.0, 0.02, 0.006, 0.1, 6.0),
    Living("offset_v", 0.0, 1e-5, 0.0, -0.1, 0.1),
)
MODEL = Thevenin(replace(TRUTH, living=LIVING))
WORN = (replace(LIVING[0], mean=0.93), replace(LIVING[1], mean=1.3), *LIVING[2:])


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    return analyse(MODEL, drives(3, 4, steps=60, living=WORN), 64)


def test_what_hardly_moves_the_voltage_does_not_live(found: Sensitivity) -> None:
    judged = dict(zip(found.living.indices.names, found.living.indices.total, strict=True))
    assert set(found.chosen.names) == {"r0_scale", "capacity_scale"} and found.chosen.left < 0.05
    assert judged["offset_v"] < 1e-4 and judged["r_scale"] < 0.05
    assert found.living.runs == 64 * 10 * found.living.trips


def test_the_living_set_captures_what_trips_of_worn_packs_show(found: Sensitivity) -> None:
    left = found.residual
    assert left.all_v <= left.set_v < 0.5 * left.none_v
    assert left.captured is not None and left.captured > 0.95


def test_trips_that_differ_by_what_was_not_chosen_are_told() -> None:
    sure = Thevenin(replace(TRUTH, living=(*LIVING[:2], replace(LIVING[2], sd=0.08), LIVING[3])))
    slow = drives(3, 3, steps=60, living=(*LIVING[:2], replace(LIVING[2], mean=2.5), LIVING[3]))
    found = analyse(sure, slow, 64)
    assert "r_scale" not in found.chosen.names
    assert found.residual.captured is not None and found.residual.captured < 0.9
    assert any("of what all take away: trips differ by" in note for note in found.notes)


def test_the_trips_tell_what_matters_and_not_what_does_not(found: Sensitivity) -> None:
    told = {one.name: one for one in found.identified}
    assert told["r0_scale"].told and not told["offset_v"].told
    assert all(0.0 < one.posterior_sd <= one.prior_sd * (1 + 1e-9) for one in told.values())


def test_inputs_are_judged_beside_the_parameters(found: Sensitivity) -> None:
    assert found.both is not None
    assert found.both.indices.names == (*(one.name for one in LIVING), "temperature", "current", "start charge")
    factors = {one.name: one for one in found.both.factors}
    assert factors["current"].lower < 1.0 < factors["current"].upper
    assert found.both.indices.total[-1] > 0.3  # drives of all charges: nothing makes more of their voltage


def test_what_is_kept_is_json(found: Sensitivity) -> None:
    kept = json.loads(json.dumps(to_dict(found), allow_nan=False))
    assert kept["chosen"]["names"] == list(found.chosen.names) and len(kept["living"]["second"]) == 4


def test_wear_is_the_living_parameter_of_a_fleet_of_routes() -> None:
    trips = routes(8, count=4)
    model = RouteModel(route_from_dict(learn_route(trips, load_pack("lg_hg2_3ah")).artifact["model"]))
    found = analyse(model, trips, 512)
    assert found.chosen.names == ("wear",)
    assert found.living.indices.first[0] == pytest.approx(1.0, abs=0.05)
    assert found.both is not None and found.both.indices.names == ("wear", "speed", "load", "distance")
    assert {one.name for one in found.identified} == {"wear", "wear_rate"}
    assert all(one.told for one in found.identified)  # four routes in a row tell the rate as well
    assert any("wear_rate" in note for note in found.notes)


def test_priors_grow_with_what_passes_and_follow_rates() -> None:
    model = RouteModel(route_from_dict(learn_route(routes(8), load_pack("lg_hg2_3ah")).artifact["model"]))
    mean, cov = prior(model, 10.0)
    assert mean[0] == pytest.approx(10 * model.living[1].mean)
    assert cov[0, 0] > model.living[0].sd ** 2 + (10 * model.living[1].sd) ** 2
    (wear,) = living_factors(model, 10.0)
    assert wear.mean == pytest.approx(mean[0]) and wear.sd == pytest.approx(np.sqrt(cov[0, 0]))


def test_resting_trips_leave_resistance_untold() -> None:
    still = [replace(trip, current_a=np.zeros(len(trip.current_a))) for trip in drives(1, 2, steps=40)]
    told = {one.name: one for one in identified(MODEL, courses_of(MODEL, still))}
    assert not told["r0_scale"].told
    assert told["r0_scale"].posterior_sd == pytest.approx(told["r0_scale"].prior_sd, rel=1e-6)


def test_a_parameter_that_is_known_to_begin_with_is_left_out() -> None:
    known = Thevenin(replace(TRUTH, living=(*LIVING[:2], replace(LIVING[2], sd=0.0, drift=0.0), LIVING[3])))
    found = analyse(known, drives(2, 2, steps=40), 64)
    assert found.living.indices.names == ("capacity_scale", "r0_scale", "offset_v")
    assert [one.name for one in found.identified] == ["capacity_scale", "r0_scale", "offset_v"]


def test_the_start_is_varied_within_what_the_trip_leaves_of_the_battery() -> None:
    deep = [
        replace(trip, current_a=np.full(40, -270.0), soc=soc)
        for trip, soc in zip(drives(1, 3, steps=40), (0.55, 0.7, 0.9), strict=True)
    ]
    both = over_inputs(MODEL, courses_of(MODEL, deep), 64)
    assert both is not None
    (start,) = [one for one in both.factors if one.name == "start charge"]
    assert start.lower > 270.0 * 390.0 / 3600.0 / 60.0 > 0.45
    assert both.indices.sd < 0.2


def test_the_set_is_chosen_until_the_upper_ends_of_the_others_are_little() -> None:
    zero = np.zeros(3)
    judged = Indices(
        ("a", "b", "c"), zero, zero, np.array([0.04, 0.9, 0.03]), np.array([0.02, 0.1, 0.01]), zero, zero, 1
    )
    assert choose(judged, 0.05).names == ("b", "a") and choose(judged, 0.2).names == ("b",)
    assert choose(judged, 0.05).left == pytest.approx(0.04)


def test_trips_without_voltage_are_refused() -> None:
    silent = [replace(trip, voltage_v=np.full(len(trip.time_s), np.nan)) for trip in drives(1, 2, steps=20)]
    with pytest.raises(LearningError, match="none of 2 trips has 5 measured steps"):
        analyse(MODEL, silent, 64)


def test_a_network_is_analysed_like_any_other_model() -> None:
    learned = learn_network(drives(5, 3, steps=90), PACK)
    model = pack_model("network", learned.artifact["model"])
    found = analyse(model, drives(2, 2, steps=60, seed=8), 64)
    assert found.living.indices.names == tuple(one.name for one in model.living)
    assert "r0_scale" in found.chosen.names and "beyond_scale" not in found.chosen.names
