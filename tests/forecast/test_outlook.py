from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.learn.aged import LAW, PACK, Aged, aged
from twinpack.battery.laws import law_named
from twinpack.battery.stress import Usage
from twinpack.forecast import outlook as module
from twinpack.forecast.outlook import LEVELS, Outlook, health_left, outlook
from twinpack.learn import ageing
from twinpack.learn.ageing import AgeingModel, KneeRisk, Noise, Rates, learn_ageing
from twinpack.learn.ageing_fit import posterior
from twinpack.learn.ageing_knee import Knees
from twinpack.learn.ageing_lived import Lived

MIDDLE = LEVELS.index(0.5)
NO_KNEES = KneeRisk(rate=1e-12)


@cache
def fleet() -> tuple[Aged, AgeingModel, Rates]:
    lived = aged(vehicles=30, beyond=180, lasting=0.003)
    model = learn_ageing(lived.histories, PACK, LAW)
    return lived, model, model.rates(lived.histories, PACK.ocv)


def ahead(
    model: AgeingModel | None = None, rates: Rates | None = None, usage: Usage | None = None, **more: Any
) -> Outlook:
    lived, learned, known = fleet()
    return outlook(model or learned, rates or known, usage or lived.usage, PACK.ocv, **more)


def certain(model: AgeingModel) -> AgeingModel:
    """The model without drift, knees and doubt of fast charging."""
    still = Noise(1.0, 0.003, 6.0, 1e-9)
    capacity, resistance = (replace(one, noise=still) for one in (model.capacity, model.resistance))
    return replace(model, capacity=capacity, resistance=resistance, knee=NO_KNEES, fast_effect=(0.0, 0.0))


# --- health left ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "limit", "left"),
    [
        (90.0, 80.0, 0.5),
        (100.0, 80.0, 1.0),
        (80.0, 80.0, 0.0),
        (75.0, 80.0, 0.0),
        (85.0, 70.0, 0.5),
        (101.0, 80.0, 1.0),
    ],
)
def test_90_percent_with_end_of_life_at_80_leaves_half(health: float, limit: float, left: float) -> None:
    assert health_left(health, limit) == pytest.approx(left)


def test_the_outlook_tells_what_is_left_of_its_own_health_now() -> None:
    told = ahead(months=24, limits_pct=(80.0, 75.0))
    for end in told.ends:
        expected = np.clip((told.now_pct[MIDDLE] - end.limit_pct) / (100.0 - end.limit_pct), 0.0, 1.0)
        assert end.left == pytest.approx(expected)


# --- paths ----------------------------------------------------------------------------------------------------------


def test_shapes_order_and_months() -> None:
    told = ahead(months=60)
    assert told.capacity_pct.shape == told.resistance_x.shape == (len(LEVELS), 60, 30)
    assert told.now_pct.shape == (len(LEVELS), 30) and told.month == 648
    assert np.all(np.diff(told.capacity_pct, axis=0) >= 0.0) and np.all(np.diff(told.resistance_x, axis=0) >= 0.0)
    assert np.all(np.diff(told.capacity_pct[MIDDLE], axis=0) < 0.0)
    assert np.all(told.capacity_pct[:, 0] < told.now_pct)
    width = told.capacity_pct[-1] - told.capacity_pct[0]
    assert np.all(width[-1] > width[0])


def test_a_life_that_is_known_is_the_law_itself() -> None:
    """Oracle: no doubt, no drift, no knee: the law by hand, in double precision."""
    lived, learned, rates = fleet()
    sure = replace(rates, cov=0.0 * rates.cov, resistance_cov=0.0 * rates.resistance_cov)
    told = ahead(certain(learned), sure, months=120)
    stress = lived.usage.months(rates.month, 120)
    for parts, mean, passed, sign, got, factor in (
        ("capacity", rates.mean, rates.passed[:2], -1.0, told.capacity_pct, 100.0),
        ("resistance", rates.resistance_mean, rates.passed[2:], 1.0, told.resistance_x, 1.0),
    ):
        level, pace, change = mean[3], np.exp(mean[4]), 0.0
        for k, part in enumerate(getattr(law_named(LAW), parts)):
            then = passed[k] + np.cumsum(part.passed(stress, PACK.ocv), axis=0)
            before, after = (np.exp(mean[1 + k]) * time**part.power for time in (passed[k], then))
            change = change + before + (after - before) * pace
        expected = factor * np.exp(mean[0]) * (1.0 + sign * (level + change))
        assert got[MIDDLE] == pytest.approx(expected, rel=2e-6)
        assert got[0] == pytest.approx(got[-1], rel=2e-6)


def test_quantiles_are_those_of_the_exact_posterior() -> None:
    """Oracle: 200,000 random scales of one vehicle, weighed by the density itself, which knows no straight lines."""
    lived, learned, _ = fleet()
    model = certain(learned)
    history, usage = lived.histories.take([4]), lived.usage.take([4])
    rates = model.rates(history, PACK.ocv)
    told = outlook(model, rates, usage, PACK.ocv, months=96)
    law = law_named(LAW)
    measured = Lived.of(history, law.capacity, PACK.ocv).measured(history, "capacity")
    prior, noise = model.capacity.prior(1), model.capacity.noise
    chance = np.random.default_rng(5)
    wide = 2.0 * rates.cov[:3, :3, 0]
    logs = chance.multivariate_normal(rates.mean[:3, 0], wide, 200_000)
    scales = np.exp(logs)
    seen = scales[:, :1] * (1.0 - scales[:, 1:2] * measured.parts[0, 0] - scales[:, 2:] * measured.parts[1, 0])
    at = measured.at[0]
    apart = np.abs(at[:, None] - at)
    weight = posterior(measured, prior, noise, -1.0).weight[0]
    error = np.diag(measured.sd[0] ** 2 / weight) + noise.lasting**2 * np.exp(-apart / noise.months)

    def density(away: Any, cov: Any) -> Any:
        return -0.5 * np.einsum("si,ij,sj->s", away, np.linalg.inv(cov), away)

    weights = density(measured.value[0] - seen, error) + density(logs - prior.mean[0], prior.cov[0])
    weights = np.exp(weights - density(logs - rates.mean[:3, 0], wide))
    weights /= weights.sum()
    steady = np.exp(ageing.steady_sd(PACK.ocv) * chance.standard_normal(200_000))
    stress = usage.months(rates.month, 96)
    for month, quantiles in ((0, told.now_pct), (96, told.capacity_pct[:, -1])):
        lost = np.zeros(200_000)
        for k, part in enumerate(law.capacity):
            passed = rates.passed[k, 0] + part.passed(stress, PACK.ocv)[:month].sum()
            lost += scales[:, 1 + k] * passed**part.power
        health = 100.0 * scales[:, 0] * steady * (1.0 - lost)
        order = np.argsort(health)
        expected = np.interp(LEVELS, np.cumsum(weights[order]), health[order])
        assert np.abs(quantiles[:, 0] - expected).max() < 0.1 * (expected[-1] - expected[0])


def test_the_truth_lies_where_it_is_said_to_lie() -> None:
    lived, _, rates = fleet()
    told = ahead(months=120)
    begin = rates.month - 600
    for month in (12, 60, 120):
        truth = 100.0 * lived.capacity[begin + month]
        inside = (told.capacity_pct[0, month - 1] <= truth) & (truth <= told.capacity_pct[-1, month - 1])
        assert inside.mean() >= 0.8
    assert np.abs(told.capacity_pct[MIDDLE, 11] - 100.0 * lived.capacity[begin + 12]).mean() < 0.8


# --- ends of life ---------------------------------------------------------------------------------------------------


def test_ends_of_life_are_where_health_crosses_its_limit() -> None:
    told = ahead(months=240)
    for end in told.ends:
        assert np.all(np.diff(np.where(np.isinf(end.months), 1e9, end.months), axis=0) >= 0.0)
        assert np.all(np.diff(end.by_then, axis=0) >= 0.0) and end.by_then.max() <= 1.0
        for v, month in enumerate(end.months[MIDDLE]):
            path = np.concatenate([told.now_pct[MIDDLE, v : v + 1], told.capacity_pct[MIDDLE, :, v]])
            if np.isfinite(month):
                assert np.interp(month, np.arange(241), path) == pytest.approx(end.limit_pct, abs=0.02)
                assert end.by_then[max(int(month) - 1, 0), v] <= 0.51 <= end.by_then[min(int(month), 239), v] + 0.02
            else:
                assert path.min() > end.limit_pct and end.by_then[-1, v] < 0.52


def test_an_end_that_is_past_is_at_0_and_one_beyond_the_horizon_is_never() -> None:
    told = ahead(months=3, limits_pct=(99.5, 5.0))
    past, never = told.ends
    assert np.all(past.months == 0.0) and np.all(past.left == 0.0) and np.all(past.by_then == 1.0)
    assert np.all(np.isinf(never.months)) and np.all(never.by_then == 0.0)


def test_the_risk_of_a_knee_brings_early_ends_earlier_and_leaves_the_middle() -> None:
    without, usual = ahead(replace(fleet()[1], knee=NO_KNEES), months=240), ahead(months=240)
    risky = ahead(replace(fleet()[1], knee=KneeRisk(rate=2000.0, seen=9)), months=240)
    early = [np.minimum(told.ends[1].months[0], 240.0).mean() for told in (without, usual, risky)]
    assert early[0] > early[1] > early[2] + 5.0
    near = without.capacity_pct[MIDDLE, 11] - usual.capacity_pct[MIDDLE, 11]
    assert np.abs(near).max() < 0.1


def test_a_knee_that_was_seen_goes_on() -> None:
    _, _, rates = fleet()
    bent = Knees(np.full(30, 0.05), np.full(30, 2.0), np.full(30, 0.2))
    calm = ahead(months=60)
    told = ahead(rates=replace(rates, knees=bent), months=60)
    fall, usual = (one.capacity_pct[MIDDLE, 0] - one.capacity_pct[MIDDLE, -1] for one in (told, calm))
    assert np.median(fall / usual) == pytest.approx(3.0, abs=0.4)


# --- use ------------------------------------------------------------------------------------------------------------


def test_harsher_use_ends_life_sooner() -> None:
    usage = fleet()[0].usage
    before = ahead(months=120).capacity_pct[MIDDLE, -1]
    for name, value in (
        ("parked_soc", np.full(30, 0.95)),
        ("cycles_per_day", 2.0 * usage.cycles_per_day),
        ("temp_c", usage.temp_c + 5.0),
        ("depth", np.full(30, 0.95)),
        ("fast_share", np.full(30, 1.0)),
    ):
        assert np.all(ahead(usage=usage.with_(**{name: value}), months=120).capacity_pct[MIDDLE, -1] < before)


def test_what_is_not_known_of_use_counts_as_ever() -> None:
    usage = fleet()[0].usage
    nothing = usage.with_(fast_share=np.full(30, np.nan))
    assert np.array_equal(ahead(usage=nothing, months=12).capacity_pct, ahead(months=12).capacity_pct) or np.allclose(
        ahead(usage=nothing, months=12).capacity_pct, ahead(months=12).capacity_pct, atol=0.3
    )
    gaps = usage.with_(temp_c=np.where(np.arange(30) == 3, np.nan, usage.temp_c))
    told = ahead(usage=gaps, months=12)
    assert np.all(np.isfinite(told.capacity_pct))


def test_a_vehicle_of_which_nothing_is_known_has_the_widest_outlook() -> None:
    lived, model, _ = fleet()
    blind = replace(lived.histories, capacity=np.full_like(lived.histories.capacity, np.nan))
    told = outlook(model, model.rates(blind, PACK.ocv), lived.usage, PACK.ocv, months=12)
    width = told.now_pct[-1] - told.now_pct[0]
    known = ahead(months=12)
    assert np.all(width > 1.5 * (known.now_pct[-1] - known.now_pct[0]))


# --- many vehicles --------------------------------------------------------------------------------------------------


def test_the_outlook_does_not_depend_on_chunks_and_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ahead(months=24)
    monkeypatch.setattr(module, "_CHUNK", 7)
    chunks = ahead(months=24)
    _, _, rates = fleet()
    some = [29, 3, 11]
    alone = ahead(rates=rates.take(some), usage=fleet()[0].usage.take(some), months=24)
    for name in ("capacity_pct", "resistance_x", "now_pct"):
        assert np.array_equal(getattr(whole, name), getattr(chunks, name))
        assert np.array_equal(getattr(whole, name)[..., some], getattr(alone, name))
    assert np.array_equal(whole.ends[0].by_then[:, some], alone.ends[0].by_then)
    assert alone.vehicle_ids == ("car-029", "car-003", "car-011")


def test_no_vehicle_at_all_is_an_empty_outlook() -> None:
    _, _, rates = fleet()
    told = ahead(rates=rates.take([]), usage=fleet()[0].usage.take([]), months=12)
    assert told.capacity_pct.shape == (len(LEVELS), 12, 0) and told.ends[0].months.shape == (len(LEVELS), 0)
