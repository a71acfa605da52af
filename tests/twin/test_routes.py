"""Twins of routes: predicted as they begin, learned as a level with a rate, honest about what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.garage import DAY_US, START_US, Drives, Outcome, command, folded, log_of
from tests.twin.garage import PROTOTYPE as CIRCUIT
from tests.twin.routes import LOOP, PACK, PROTOTYPE, ROUTE, first, folded_routes, routes
from twinpack.battery.route import RouteModel
from twinpack.errors import InputError
from twinpack.fleet.commands import rollback_command
from twinpack.fleet.state import ShardState
from twinpack.twin.families import twins_of
from twinpack.twin.loop import Twins
from twinpack.twin.routes import RouteTwins
from twinpack.twin.score import UNSCORED
from twinpack.twin.versions import ACCEPTED, REFUSED, ROLLBACK

ALWAYS = replace(LOOP, policy="always")


def fleet() -> list[Drives]:
    """Three vehicles: one plain; one with signals missing here and there; one whose third route is nonsense."""
    rng = np.random.default_rng(5)
    plain, gappy, sick = routes("a"), routes("b", 6, 0.010), routes("c", 6)
    for name in ("pack_voltage_v", "speed_kmh", "load_kg", "odometer_km"):
        gappy = gappy.changed(rng.random(len(gappy.time_us)) < 0.15, **{name: np.nan})
    return [plain, gappy, sick.changed(sick.trip == 3, pack_voltage_v=9.0)]


@pytest.fixture(scope="module")
def whole() -> Outcome:
    return folded_routes(*fleet(), loop=ALWAYS)


def test_a_route_is_predicted_from_what_was_known_as_it_began() -> None:
    """The same routes, whatever the voltage of the one that is predicted: the same curve."""
    car = routes("a")
    last = car.trip == 6
    wrong = car.changed(last, pack_voltage_v=car.values["pack_voltage_v"][last] - 0.5)
    told, other = (folded_routes(one, loop=ALWAYS).steps("a", 6) for one in (car, wrong))
    for name in ("deployed_v", "never_v", "challenger_v", "deployed_sd_v"):
        np.testing.assert_array_equal(told[name], other[name])


def test_the_first_prediction_is_the_models_own_curve() -> None:
    """Of a new vehicle: the curve at the prior, written a second time, and a band of at least the sensor's width."""
    car, model = routes("a", 1), RouteModel(ROUTE)
    steps = folded_routes(car).steps("a")
    km = car.values["odometer_km"] - car.values["odometer_km"][0]
    inputs = {"speed_kmh": car.values["speed_kmh"], "load_kg": car.values["load_kg"]}
    used = model.consumption(inputs) * km
    np.testing.assert_allclose(steps["deployed_v"], np.interp(used, ROUTE.used, ROUTE.curve_v), atol=0.02)
    assert (steps["deployed_sd_v"] >= 0.8 * ROUTE.noise.sensor_v).all()


def test_the_shadow_finds_level_and_rate_and_is_not_overconfident() -> None:
    truth = 0.014
    outcome = folded_routes(routes("a", 30, truth), loop=ALWAYS)
    last = outcome.versions("a")[-1]
    wear, rate = last.mean
    sd = np.sqrt([last.covariance[0], last.covariance[2]])
    assert abs(wear - 29 * truth) < 3 * sd[0] and abs(rate - truth) < 3 * sd[1]
    assert sd[1] < 0.001
    errors = [score.deployed_rmse_v for score in outcome.scores("a")]
    never = [score.never_rmse_v for score in outcome.scores("a")]
    assert max(errors[5:]) < 0.01 and never[-1] > 0.05


def test_a_deployed_version_goes_on_along_its_rate_and_its_band_grows() -> None:
    """Nothing is deployed after the warm-up, and still the last route is predicted."""
    loop = replace(LOOP, threshold_v=100.0, warm_up=6)
    outcome = folded_routes(routes("a", 30), loop=loop)
    assert [version.kind for version in outcome.versions("a")] == ["prototype", *[ACCEPTED] * 6]
    assert "each of the first 6 trips updates" in outcome.versions("a")[-1].reason
    assert outcome.scores("a")[-1].deployed_rmse_v < 0.1 * outcome.scores("a")[-1].never_rmse_v
    widths = [float(np.mean(outcome.steps("a", trip)["deployed_sd_v"])) for trip in (8, 19, 30)]
    assert widths == sorted(widths)


def test_versions_tell_how_they_go_on(whole: Outcome) -> None:
    chain = whole.versions("a")
    assert [version.evidence["clock_at"] for version in chain] == [0.0, *map(float, range(6))]
    assert all(version.evidence["rate_of"] == [-1, 0] for version in chain)
    assert {version.evidence["clock"] for version in chain} == {"sessions"}
    assert "soc_swing" not in chain[-1].evidence, "a route says nothing of charge"


def test_the_error_held_against_the_limit_is_the_one_asked_for() -> None:
    car = routes("a", 12, 0.02)
    by_mae, by_rmse = (folded_routes(car, loop=replace(LOOP, threshold_on=on)) for on in ("mae", "rmse"))
    for outcome, name in ((by_mae, "deployed_mae_v"), (by_rmse, "deployed_rmse_v")):
        over = [getattr(score, name) > score.threshold_v for score in outcome.scores("a")]
        assert over == [score.decision != "kept" for score in outcome.scores("a")] and any(over)
    assert folded_routes(car).told() == by_mae.told(), "what the settings leave open the model says"
    assert by_mae.versions("a")[1].reason.startswith("Mean absolute error")


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, 3 * 240 + 4), max_size=12))
def test_any_split_gives_the_same(whole: Outcome, cuts: list[int]) -> None:
    other = folded_routes(*fleet(), loop=ALWAYS, cuts=cuts)
    assert other.told() == whole.told()
    assert other.state.to_bytes() == whole.state.to_bytes()


def test_row_by_row_gives_the_same(whole: Outcome) -> None:
    other = folded_routes(*fleet(), loop=ALWAYS, cuts=range(300, 380))
    assert other.told() == whole.told()
    assert other.state.to_bytes() == whole.state.to_bytes()


def test_neighbours_change_nothing(whole: Outcome) -> None:
    alone = folded_routes(fleet()[1], loop=ALWAYS).told(offsets=False)
    beside = whole.told(offsets=False)
    assert all(beside[key] == lines for key, lines in alone.items())


def test_a_snapshot_goes_on_where_it_stood(whole: Outcome) -> None:
    log = log_of(*fleet(), pack=PACK)
    half = folded(log.slice(0, 333), ALWAYS, state=first(ALWAYS))
    state = ShardState.from_bytes(half.state.to_bytes())
    rest = folded(log.slice(333), ALWAYS, state=state, first_offset=333)
    assert rest.state.to_bytes() == whole.state.to_bytes()


def test_a_route_of_nonsense_is_refused_and_the_vehicle_recovers(whole: Outcome) -> None:
    assert [score.decision for score in whole.scores("c")][2] == REFUSED
    assert whole.scores("c")[-1].deployed_rmse_v < 0.05


@pytest.mark.parametrize("missing", ["speed_kmh", "load_kg"])
def test_a_route_without_speed_or_load_is_neither_scored_nor_learned_from(missing: str) -> None:
    car = routes("a", 4)
    whole_life, blind = folded_routes(car, loop=ALWAYS), car.changed(car.trip == 3, **{missing: np.nan})
    if missing == "speed_kmh":  # without speed, something else must say that it drives
        blind = blind.changed(car.trip == 3, pack_current_a=-1.0)
    outcome = folded_routes(blind, loop=ALWAYS)
    third = outcome.scores("a")[2]
    assert (third.decision, third.scored_samples) == (UNSCORED, 0) and np.isnan(third.deployed_rmse_v)
    steps = outcome.steps("a", 3)
    assert np.isnan(steps["deployed_v"]).all() and not steps["scored"].any()
    assert len(outcome.versions("a")) == len(whole_life.versions("a")) - 1
    # The wear clock counts it none the less.
    assert outcome.versions("a")[-1].evidence["clock_at"] == 3.0


def test_without_an_odometer_the_distance_is_that_of_the_speed() -> None:
    car = routes("a", 2)
    bare = car.changed(slice(None), odometer_km=np.nan)
    by_odometer, by_speed = (folded_routes(one).steps("a") for one in (car, bare))
    np.testing.assert_allclose(by_speed["deployed_v"], by_odometer["deployed_v"], atol=1e-4)


def test_an_odometer_that_comes_late_counts_from_where_the_route_began() -> None:
    car = routes("a", 1)
    late = car.changed(np.arange(len(car.time_us)) < 10, odometer_km=np.nan)
    told, other = (folded_routes(one).steps("a")["deployed_v"] for one in (car, late))
    np.testing.assert_allclose(other, told, atol=1e-4)


def test_a_distance_that_nothing_tells_is_not_guessed() -> None:
    """Speed and odometer come only on the way: how far it was until then is not known."""
    car = routes("a", 1)
    early = np.arange(len(car.time_us)) < 10
    blind = car.changed(early, odometer_km=np.nan, speed_kmh=np.nan).changed(slice(None), pack_current_a=-1.0)
    assert not folded_routes(blind).steps("a")["scored"].any()


def test_a_roll_back_deploys_the_version_as_it_would_stand_now() -> None:
    car = routes("a", 12)
    before = folded_routes(car.kept(car.trip <= 9), loop=ALWAYS)
    target = before.versions("a")[4]
    order = command(rollback_command(target, "asked for"), START_US + int(8.5 * DAY_US))
    log = pa.concat_tables(
        [log_of(car.kept(car.trip <= 9), pack=PACK), order, log_of(car.kept(car.trip > 9), pack=PACK)]
    )
    outcome = folded(log, replace(LOOP, threshold_v=100.0), state=first(replace(LOOP, threshold_v=100.0)))
    back = outcome.versions("a")[-1]
    assert back.kind == ROLLBACK
    # The command came before the ninth route: eight had passed when the clock stood at 8.
    passed = back.evidence["clock_at"] - target.evidence["clock_at"]
    assert back.mean[0] == pytest.approx(target.mean[0] + passed * target.mean[1])
    assert outcome.scores("a")[-1].deployed_rmse_v < 0.05


def test_throughput_is_what_the_model_says_a_route_takes() -> None:
    model = replace(ROUTE, clock="throughput")
    prototype = replace(PROTOTYPE, model=model.to_dict())
    outcome = folded_routes(routes("a", 4), prototype=prototype)
    state = next(iter(outcome.state.groups.values())).state
    # Each route takes 97 % of a battery that is a little smaller than the one before.
    taken = [0.97 * (1.0 - 0.014 * route) for route in range(3)]
    assert state.clock[0] == pytest.approx(sum(taken), rel=1e-6)


def test_each_kind_has_its_twins() -> None:
    assert isinstance(twins_of(CIRCUIT, LOOP), Twins)
    assert isinstance(twins_of(PROTOTYPE, LOOP), RouteTwins)
    with pytest.raises(InputError, match="driven by current"):
        RouteTwins(CIRCUIT, LOOP)


def test_a_prototype_says_its_defaults() -> None:
    values: dict[str, Any] = {"pack": PACK, "kind": "route", "model": ROUTE.to_dict(), "threshold_v": 0.1}
    assert (PROTOTYPE.from_artifact(values, "h").threshold_on, PROTOTYPE.from_artifact(values, "h").warm_up) == (
        "rmse",
        0,
    )
    own = PROTOTYPE.from_artifact({**values, "threshold_on": "mae", "warm_up": 3}, "h")
    assert (own.threshold_on, own.warm_up) == ("mae", 3)
    with pytest.raises(ValueError, match="threshold_on"):
        PROTOTYPE.from_artifact({**values, "threshold_on": "median"}, "h")
