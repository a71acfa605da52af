"""Forecasts of health from the past are judged by what came, and know nothing of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.learn.aged import FIRST_MONTH, LAW, PACK, Aged, aged
from twinpack.errors import LearningError
from twinpack.evaluate import health_forecasts
from twinpack.evaluate.health_forecasts import FADE, HealthBacktest, backtest_health, origin_months, usage_before
from twinpack.forecast.curves import learn_fleet_fade
from twinpack.learn.ageing import Histories
from twinpack.learn.fade import FadeModel


@cache
def fleet() -> Aged:
    return aged(vehicles=24, months=60, sd=0.004)


@cache
def tried() -> HealthBacktest:
    return backtest_health(fleet().histories, PACK, LAW)


def test_the_law_beats_lines_on_a_fleet_that_obeys_it_and_covers() -> None:
    law, line, half = (tried().of(name) for name in (health_forecasts.LAW, "linear", "last_half"))
    assert law is not None and line is not None and half is not None
    assert law.mae_pct < 0.7 and law.mae_pct < 0.7 * line.mae_pct and law.crps_pct < line.crps_pct
    assert law.coverage_90_pct is not None and 75.0 < law.coverage_90_pct <= 100.0
    assert abs(law.bias_pct) < 0.4
    assert line.coverage_90_pct is None and line.crps_pct == line.mae_pct
    assert line.quantile_loss_pct == pytest.approx(0.5 * line.mae_pct, rel=0.2)
    scores = [one.crps_pct for one in tried().methods]
    assert scores == sorted(scores), "the best first"


def test_every_way_is_judged_by_the_same_measurements() -> None:
    found = tried()
    assert found.vehicles == 24 and found.points > 200
    assert {"linear", "last_half", "smoothing", health_forecasts.LAW, FADE} >= {one.name for one in found.methods}
    assert len(found.origins) == 3 and found.horizon_months > 24.0
    known = fleet().histories.at
    expected = sum(int((known >= month - FIRST_MONTH).sum()) for month in found.origins)
    assert found.points <= expected


def test_what_comes_later_changes_no_forecast() -> None:
    histories = fleet().histories
    month = origin_months(histories, 1)[0]
    later = histories.at >= month - FIRST_MONTH
    spoiled = replace(histories, capacity=np.where(later, histories.capacity - 0.05, histories.capacity))
    plain, judged = (backtest_health(one, PACK, LAW, 1) for one in (histories, spoiled))
    for one in plain.methods:
        other = judged.of(one.name)
        assert other is not None and other.bias_pct - one.bias_pct == pytest.approx(5.0, abs=1e-6)


def test_use_is_that_of_the_months_before() -> None:
    usage = usage_before(fleet().histories)
    truth = fleet().usage
    assert usage.cycles_per_day == pytest.approx(truth.cycles_per_day)
    assert usage.parked_soc == pytest.approx(truth.parked_soc)
    assert usage.temp_c == pytest.approx(np.roll(truth.temp_c, FIRST_MONTH % 12, axis=0))
    half_a_year = usage_before(fleet().histories.until(FIRST_MONTH + 6))
    assert np.isfinite(half_a_year.temp_c).all()


def test_a_past_too_short_is_said() -> None:
    short = aged(vehicles=4, months=5, per_month=1.0).histories
    with pytest.raises(LearningError, match="no back-test of pack 'sim_nmc_96s': "):
        backtest_health(short, PACK, LAW)
    unknown = replace(short, capacity=np.full(short.capacity.shape, np.nan))
    assert origin_months(unknown, 3) == []
    with pytest.raises(LearningError, match="no vehicle was measured"):
        backtest_health(unknown, PACK, LAW)


def test_of_a_large_fleet_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.evaluate.health_forecasts.MOST_VEHICLES", 8)
    found = backtest_health(fleet().histories, PACK, LAW, 1)
    assert found.vehicles == 8


def test_a_data_driven_model_that_cannot_be_learned_everywhere_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = learn_fleet_fade

    def young(histories: Histories) -> FadeModel:
        if histories.end_month < FIRST_MONTH + 40:
            raise LearningError("too young")
        return learned(histories)

    monkeypatch.setattr(health_forecasts, "learn_fleet_fade", young)
    found = backtest_health(fleet().histories, PACK, LAW, 2)
    assert found.of(FADE) is None and found.of(health_forecasts.LAW) is not None
    assert "could be learned from 1 of 2 moments: on " in found.notes[0]
