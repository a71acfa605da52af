from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.learn.aged import Aged, aged
from twinpack.forecast.baselines import linear
from twinpack.forecast.curves import ends_of, fade_health, fleet_curves, learn_fleet_fade
from twinpack.learn.fade import FadeModel
from twinpack.learn.fade_forecast import LEVELS

BEYOND = 18


@cache
def fleet() -> Aged:
    return aged(vehicles=24, months=48, beyond=BEYOND, sd=0.003)


@cache
def model() -> FadeModel:
    return learn_fleet_fade(fleet().histories)


def test_a_fleets_health_goes_on_as_it_does() -> None:
    known = fleet().histories
    told = fade_health(model(), known, BEYOND)
    truth = 100.0 * fleet().capacity[49:]
    assert told.shape == (len(LEVELS), BEYOND, 24)
    assert (np.diff(told, axis=0) >= 0.0).all()
    middle = told[LEVELS.index(0.5)]
    line = [100.0 * linear(one.at, one.capacity, 48.0 + np.arange(1.0, BEYOND + 1.0)) for one in fleet_curves(known)]
    assert np.abs(middle - truth).mean() < 0.5 * np.abs(np.array(line).T - truth).mean()
    inside = (truth >= told[0]) & (truth <= told[-1])
    assert inside.mean() > 0.8


def test_age_counts_from_the_first_month_that_a_vehicle_lived() -> None:
    histories = fleet().histories
    days = histories.stress.days.copy()
    days[:10, 3] = 0.0
    late = replace(histories, stress=replace(histories.stress, days=days))
    one, other = fleet_curves(late)[3], fleet_curves(histories)[3]
    assert one.at == pytest.approx(other.at - 10.0)
    assert np.array_equal(one.capacity, other.capacity)


def test_a_vehicle_of_which_little_is_known_gets_nothing() -> None:
    histories = fleet().histories
    capacity = histories.capacity.copy()
    capacity[4:, 5] = np.nan
    capacity[:, 6] = np.nan
    told = fade_health(model(), replace(histories, capacity=capacity), 6)
    assert np.isnan(told[:, :, [5, 6]]).all()
    assert np.isfinite(np.delete(told, [5, 6], axis=2)).all()


def test_ends_lie_where_quantiles_cross() -> None:
    course = np.array([99.0, 95.0, 91.0, 87.0])[None, :, None] + np.array([0.0, 4.0])[:, None, None]
    ends = ends_of(course, (93.0, 80.0, 99.5))
    assert ends[:, :, 0] == pytest.approx(np.array([[2.5, 3.5], [np.inf, np.inf], [1.0, 1.875]]))
