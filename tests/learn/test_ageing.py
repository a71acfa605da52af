from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tests.learn.aged import FIRST_MONTH, LAW, PACK, Aged, aged
from twinpack.battery.laws import law_named
from twinpack.battery.stress import Stress
from twinpack.errors import InputError, LearningError
from twinpack.learn import ageing
from twinpack.learn.ageing import AgeingModel, Histories, Noise, Rates, learn_ageing
from twinpack.learn.ageing_fit import Prior, posterior
from twinpack.learn.ageing_lived import Lived


@cache
def usual() -> tuple[Aged, AgeingModel]:
    fleet = aged(vehicles=40, lasting=0.004, basis=1.015)
    return fleet, learn_ageing(fleet.histories, PACK, LAW)


def measured_as(histories: Histories, change: Any) -> Histories:
    """Histories whose capacities were changed in place by a function."""
    capacity = histories.capacity.copy()
    change(capacity)
    return replace(histories, capacity=capacity)


# --- what is learned ------------------------------------------------------------------------------------------------


def test_a_fleets_scales_and_their_spread_are_found() -> None:
    fleet, model = usual()
    truth = np.log(fleet.scales)
    assert model.capacity.mean[1:] == pytest.approx(truth.mean(axis=1).tolist(), abs=0.12)
    spread = np.sqrt(np.diag(np.array(model.capacity.cov)))
    assert 0.12 < spread[1] < 0.45 and 0.12 < spread[2] < 0.45
    assert (model.vehicles, model.last_month) == (40, FIRST_MONTH + 47)


def test_each_vehicles_scales_are_better_than_the_fleets() -> None:
    fleet, model = usual()
    rates = model.rates(fleet.histories, PACK.ocv)
    truth = np.log(fleet.scales)
    for row in (1, 2):
        z = (rates.mean[row] - truth[row - 1]) / np.sqrt(rates.cov[row, row])
        assert 0.6 < np.sqrt(np.mean(z**2)) < 1.5
    lost = fleet.capacity[0] - fleet.capacity[-1]
    own, usual_loss = (lost_by_now(scales, rates) for scales in (rates.mean, np.array(model.capacity.mean)[:, None]))
    assert np.abs(own - lost).mean() < 0.6 * np.abs(usual_loss - lost).mean()


def lost_by_now(logs: Any, rates: Rates) -> Any:
    return np.exp(logs[1]) * rates.passed[0] ** 0.75 + np.exp(logs[2]) * rates.passed[1] ** 0.5


def test_new_packs_may_have_more_or_less_than_their_rated_capacity() -> None:
    assert usual()[1].capacity.mean[0] == pytest.approx(np.log(1.015), abs=0.006)
    assert learn_ageing(aged(basis=0.95).histories, PACK, LAW).capacity.mean[0] == pytest.approx(np.log(0.95), abs=0.01)


def test_errors_that_last_are_told_from_errors_that_do_not() -> None:
    lasting = learn_ageing(aged(vehicles=30, sd=0.003, lasting=0.009, per_month=1.0).histories, PACK, LAW)
    white = learn_ageing(aged(vehicles=30, sd=0.009, lasting=0.0, per_month=1.0).histories, PACK, LAW)
    assert lasting.capacity.noise.lasting == pytest.approx(0.009, rel=0.35)
    assert white.capacity.noise.lasting < 0.005
    assert white.capacity.noise.told == pytest.approx(1.0, abs=0.15)


def test_noise_that_measurements_do_not_tell_is_found() -> None:
    fleet = aged(sd=0.008)
    shy = replace(fleet.histories, capacity_sd=fleet.histories.capacity_sd / 4.0)
    model = learn_ageing(shy, PACK, LAW)
    total = np.hypot(model.capacity.noise.told * 0.002, model.capacity.noise.lasting)
    assert total == pytest.approx(0.008, rel=0.3)


def test_the_effect_of_fast_charging_is_learned_where_a_fleet_shows_it() -> None:
    strong = learn_ageing(aged(vehicles=60, fast_effect=1.8, spread=0.15).histories, PACK, LAW)
    none = learn_ageing(aged(vehicles=60, fast_effect=0.0, spread=0.15).histories, PACK, LAW)
    alike = aged(vehicles=20)
    alike.histories.stress.fast_share[:] = 0.3
    unseen = learn_ageing(alike.histories, PACK, LAW)
    assert strong.fast_effect[0] > 1.2 and none.fast_effect[0] < 0.5
    assert strong.fast_effect[1] < 0.35
    assert unseen.fast_effect == pytest.approx((ageing.FAST_EFFECT, ageing.FAST_EFFECT_SD))


def test_knees_are_found_and_the_others_are_left_alone() -> None:
    knees = {k: (0.12, 3.0) for k in range(0, 40, 5)}
    fleet = aged(vehicles=40, months=84, knees=knees, mean=(0.1, 0.1), per_month=0.3)
    model = learn_ageing(fleet.histories, PACK, LAW)
    rates = model.rates(fleet.histories, PACK.ocv)
    found = np.flatnonzero(np.isfinite(rates.knees.loss))
    assert set(found) <= set(knees) and len(found) >= 5
    assert rates.knees.loss[found] == pytest.approx(np.full(len(found), 0.12), abs=0.035)
    assert np.median(rates.knees.bend[found]) == pytest.approx(3.0, rel=0.4)
    assert model.knee.seen == len(found)
    without = learn_ageing(aged(vehicles=20, months=84, mean=(0.1, 0.1), per_month=0.3).histories, PACK, LAW)
    assert without.knee.seen == 0 and without.knee.rate < 0.5 * model.knee.rate


def test_resistance_is_learned_too() -> None:
    fleet, model = usual()
    rates = model.rates(fleet.histories, PACK.ocv)
    assert rates.resistance_mean.shape == (5, 40)
    assert np.abs(model.resistance.mean[0]) < 0.02
    blind = replace(fleet.histories, resistance=np.full_like(fleet.histories.resistance, np.nan))
    unseen = learn_ageing(blind, PACK, LAW)
    assert unseen.capacity == model.capacity
    assert unseen.resistance.mean == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


# --- the posterior --------------------------------------------------------------------------------------------------


def test_the_posterior_is_the_likeliest_state_and_its_curvature() -> None:
    """Oracle: the same density, written out by hand, in the hands of a general minimiser."""
    fleet = aged(vehicles=1, months=36, seed=5)
    law = law_named(LAW)
    lived = Lived.of(fleet.histories, law.capacity, PACK.ocv)
    measured = lived.measured(fleet.histories, "capacity")
    mean, cov = np.array([0.01, -0.2, -0.1]), np.diag([0.01, 0.3, 0.3]) ** 2
    noise = Noise(1.0, 0.004, 5.0, 1e-6)
    found = posterior(measured, Prior(mean[None], cov[None]), noise, -1.0)
    at = measured.at[0]
    error = np.diag(measured.sd[0] ** 2) + 0.004**2 * np.exp(-np.abs(at[:, None] - at) / 5.0)

    def cost(own: Any) -> float:
        expected = np.exp(own[0]) * (
            1.0 - np.exp(own[1]) * measured.parts[0, 0] - np.exp(own[2]) * measured.parts[1, 0]
        )
        left, away = measured.value[0] - expected, own - mean
        return float(0.5 * left @ np.linalg.solve(error, left) + 0.5 * away @ np.linalg.solve(cov, away))

    best = minimize(cost, mean, method="BFGS", options={"gtol": 1e-8})
    assert np.all(found.weight > 0.5)
    sd = np.sqrt(np.diag(found.cov[0])[:3])
    assert np.all(np.abs(found.mean[0, :3] - best.x) < 0.15 * sd)
    h, eye = 1e-3, np.eye(3)
    curvature = [
        [
            sum(s * t * cost(best.x + h * (s * eye[i] + t * eye[j])) for s in (1, -1) for t in (1, -1)) / (4.0 * h * h)
            for j in range(3)
        ]
        for i in range(3)
    ]
    assert sd == pytest.approx(np.sqrt(np.diag(np.linalg.inv(curvature))), rel=0.1)


def test_a_vehicle_without_a_history_has_the_fleets_rates() -> None:
    fleet, model = usual()
    none = measured_as(fleet.histories, lambda capacity: capacity.__setitem__((slice(None), 3), np.nan))
    none.stress.fast_share[:, 3] = model.fast_share
    rates = model.rates(none, PACK.ocv)
    assert rates.mean[:3, 3] == pytest.approx(model.capacity.mean)
    assert rates.cov[:3, :3, 3] == pytest.approx(np.array(model.capacity.cov))
    assert rates.points[3] == 0 and rates.points[4] > 0
    unborn = replace(none, stress=replace(none.stress, days=0.0 * none.stress.days, cycles=0.0 * none.stress.cycles))
    assert np.all(model.rates(unborn, PACK.ocv).passed == 0.0)


def test_one_measurement_moves_a_vehicle_a_little_and_many_move_it_more() -> None:
    fleet, model = usual()
    sds = []
    for kept in (0, 1, 5, 24):
        few = measured_as(fleet.histories, lambda capacity, kept=kept: capacity.__setitem__(slice(kept, None), np.nan))
        rates = model.rates(few, PACK.ocv)
        parts = np.exp(rates.mean[1:3]) * np.stack([rates.passed[0] ** 0.75, rates.passed[1] ** 0.5])
        sds.append(np.sqrt(np.einsum("iv,ijv,jv->v", parts, rates.cov[1:3, 1:3], parts)).mean())
    assert sds == sorted(sds, reverse=True) and sds[-1] < 0.6 * sds[0]


def test_a_vehicle_does_not_depend_on_its_neighbours() -> None:
    fleet, model = usual()
    among = model.rates(fleet.histories, PACK.ocv)
    alone = model.rates(fleet.histories.take([7]), PACK.ocv)
    assert np.allclose(among.mean[:, 7], alone.mean[:, 0], atol=1e-9)
    assert np.allclose(among.cov[:, :, 7], alone.cov[:, :, 0], atol=1e-9)
    some = among.take([3, 7])
    assert some.vehicle_ids == ("car-003", "car-007")
    assert np.array_equal(some.mean[:, 1], among.mean[:, 7]) and some.knees.loss.shape == (2,)


# --- what comes in --------------------------------------------------------------------------------------------------


def close(left: Rates, right: Rates, within: float) -> bool:
    return bool(np.abs(left.mean[:3] - right.mean[:3]).max() < within)


def test_gaps_and_nonsense_change_little() -> None:
    fleet, model = usual()
    clean = model.rates(fleet.histories, PACK.ocv)
    stress = {name: getattr(fleet.histories.stress, name).copy() for name in Stress.__dataclass_fields__}
    for name in ("temp_c", "parked_soc", "depth", "c_rate", "fast_share"):
        stress[name][5, :] = np.nan
    gaps = replace(fleet.histories, stress=Stress(**stress), capacity_sd=fleet.histories.capacity_sd.copy())
    gaps.capacity_sd[2, :4] = np.nan
    gaps.capacity_sd[3, :4] = -1.0

    def spoil(capacity: Any) -> None:
        capacity[0, ::2], capacity[1, ::3], capacity[4, ::5] = np.nan, 0.0, np.inf

    assert close(model.rates(measured_as(gaps, spoil), PACK.ocv), clean, 0.35)


def test_an_outlier_is_hardly_believed() -> None:
    fleet, model = usual()
    clean = model.rates(fleet.histories, PACK.ocv)
    odd = model.rates(measured_as(fleet.histories, lambda c: c.__setitem__((12, slice(None)), 0.6)), PACK.ocv)
    assert close(odd, clean, 0.25)
    assert np.isnan(odd.knees.loss).all()


def test_a_battery_with_new_modules_is_judged_by_what_it_is_now() -> None:
    fleet, model = usual()

    def repair(capacity: Any) -> None:
        capacity[14:, 2] += 0.10

    rates = model.rates(measured_as(fleet.histories, repair), PACK.ocv)
    assert rates.points[2] == 10 and rates.points[3] == 24
    assert rates.mean[0, 2] > model.rates(fleet.histories, PACK.ocv).mean[0, 2] + 0.05
    assert close(rates.take([0, 1, 3, 4]), model.rates(fleet.histories, PACK.ocv).take([0, 1, 3, 4]), 1e-9)


def test_very_many_measurements_are_taken_together() -> None:
    fleet = aged(vehicles=6, months=30, per_month=12.0)
    model = learn_ageing(fleet.histories, PACK, LAW)
    rates = model.rates(fleet.histories, PACK.ocv)
    assert rates.points.max() <= 72
    assert np.abs(rates.mean[0]).max() < 0.03


@pytest.mark.parametrize(
    ("vehicles", "points", "span", "words"),
    [
        (2, 10, 1.0, "2 vehicles whose capacity is known at 5 times or more; ageing is learned from 3 or more"),
        (5, 4, 1.0, "0 vehicles whose capacity is known at 5 times"),
        (5, 10, 0.01, "0 vehicles whose capacity is known over 3 months or more"),
    ],
)
def test_too_little_to_learn_from_is_said(vehicles: int, points: int, span: float, words: str) -> None:
    fleet = aged(vehicles=vehicles, per_month=points / 48.0).histories
    with pytest.raises(LearningError, match=words):
        learn_ageing(replace(fleet, at=fleet.at * span), PACK, LAW)


def test_a_fleet_whose_capacity_nothing_tells_is_told_so() -> None:
    fleet = aged(vehicles=4).histories
    unknown = replace(fleet, capacity=np.full_like(fleet.capacity, np.nan))
    with pytest.raises(LearningError, match=r"no vehicle's capacity is known: .*a route model tells its range"):
        learn_ageing(unknown, PACK, LAW)


def test_an_unknown_law_and_shapes_that_do_not_fit_are_refused() -> None:
    fleet = aged(vehicles=3).histories
    with pytest.raises(InputError, match="no ageing law 'x'"):
        learn_ageing(fleet, PACK, "x")
    with pytest.raises(LearningError, match="'capacity' has shape"):
        replace(fleet, capacity=fleet.capacity[:, :2])
    with pytest.raises(LearningError, match="stress 'depth' has shape"):
        replace(fleet, stress=replace(fleet.stress, depth=fleet.stress.depth[:, :2]))


def test_nothing_later_is_left_at_an_earlier_origin() -> None:
    fleet, _ = usual()
    early = fleet.histories.until(FIRST_MONTH + 20)
    assert early.end_month == FIRST_MONTH + 20 and early.stress.days.shape[0] == 20
    assert np.nanmax(early.at) < 20.0
    changed = replace(fleet.histories, capacity=np.where(fleet.histories.at < 20.0, fleet.histories.capacity, 0.3))
    assert learn_ageing(early, PACK, LAW) == learn_ageing(changed.until(FIRST_MONTH + 20), PACK, LAW)


# --- the artifact ---------------------------------------------------------------------------------------------------


def test_the_artifact_is_the_model() -> None:
    _, model = usual()
    assert AgeingModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def spoiled(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads(json.dumps(usual()[1].to_dict()))
    place: Any = artifact
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return artifact


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("format",), 9, "format 9; this release reads 1"),
        (("law",), "magic", "no ageing law 'magic'"),
        (("capacity",), KeyError, "'capacity' is missing"),
        (("capacity", "mean"), [0.0, 0.0], r"2 means"),
        (("capacity", "mean", 0), float("nan"), "capacity mean is nan"),
        (("capacity", "cov"), [[1.0, 0.0], [0.0, 1.0]], r"covariance of shape \(2, 2\)"),
        (("capacity", "cov", 1), [0.0, -1.0, 0.0], "not symmetric and positive"),
        (("capacity", "cov", 0), [1.0, 9.0, 0.0], "not symmetric and positive"),
        (("capacity", "cov", 0), [1.0], "not an ageing model"),
        (("capacity", "noise", "lasting"), 0.0, "capacity lasting is 0.0"),
        (("resistance", "noise"), None, "not an ageing model"),
        (("fast_effect",), [1.0], "not an ageing model"),
        (("fast_share",), 2.0, "fast_share is 2.0; it must be a number from 0 to 1"),
        (("knee", "rate"), -1.0, "knee rate is -1.0"),
        (("vehicles",), "many", "not an ageing model"),
        (("more",), 1, "not an ageing model"),
    ],
)
def test_garbage_is_refused(path: tuple[Any, ...], value: Any, words: str) -> None:
    with pytest.raises(LearningError, match=words):
        AgeingModel.from_dict(spoiled(path, value))


# --- properties -----------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_is_measured_what_is_known_is_finite_and_its_spread_positive(seed: int) -> None:
    fleet, model = usual()
    chance = np.random.default_rng(seed)
    some = fleet.histories.take([0, 1, 2])

    def wild(values: Any) -> Any:
        odd = chance.choice([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e-12, 1e9, 1.2], values.shape)
        return np.where(chance.random(values.shape) < 0.3, odd, values)

    measured = {name: wild(getattr(some, name)) for name in ("at", "capacity", "capacity_sd", "resistance")}
    stress = Stress(**{name: wild(getattr(some.stress, name)) for name in Stress.__dataclass_fields__})
    rates = model.rates(replace(some, stress=stress, **measured), PACK.ocv)
    for mean, cov in ((rates.mean, rates.cov), (rates.resistance_mean, rates.resistance_cov)):
        assert np.all(np.isfinite(mean)) and np.all(np.isfinite(cov))
        assert np.linalg.eigvalsh(np.moveaxis(cov, -1, 0)).min() > -1e-9


def test_the_order_of_vehicles_does_not_matter() -> None:
    fleet, model = usual()
    turned = list(reversed(range(40)))
    again = learn_ageing(fleet.histories.take(turned), PACK, LAW)
    assert again.capacity.mean == pytest.approx(model.capacity.mean, abs=5e-3)
    assert again.capacity.noise.lasting == pytest.approx(model.capacity.noise.lasting, rel=0.05)


def test_the_figures_for_people_are_all_numbers() -> None:
    told = usual()[1].figures()
    assert told["calendar_scale"] == pytest.approx(np.exp(-0.3), rel=0.2)
    assert all(np.isfinite(value) for value in told.values())
