"""The fade of a fleet: histories of health as curves over a vehicle's age, and what is to come, month by month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twinpack.learn.ageing import Histories
from twinpack.learn.fade import FadeModel, learn_fade
from twinpack.learn.fade_curves import LEAST_POINTS, FadeCurve
from twinpack.learn.fade_forecast import LEVELS

Floats = npt.NDArray[np.float64]


def fleet_curves(histories: Histories) -> list[FadeCurve]:
    """The capacity of each vehicle over its age in months, counted from the first interval that it lived through.

    A vehicle of which nothing is known gives a curve without points.
    """
    born = _born(histories)
    curves = []
    for vehicle, name in enumerate(histories.vehicle_ids):
        at, capacity = histories.at[:, vehicle] - born[vehicle], histories.capacity[:, vehicle]
        known = np.isfinite(at) & np.isfinite(capacity)
        clock, first = np.unique(at[known], return_index=True)
        curves.append(FadeCurve(name, clock, capacity[known][first]))
    return curves


def learn_fleet_fade(histories: Histories) -> FadeModel:
    """Learn how the capacity of a fleet goes on from what is known of it.

    Raises:
        LearningError: Too few vehicles, or too few have faded at all; says what is missing.
    """
    return learn_fade(fleet_curves(histories))


def fade_health(model: FadeModel, histories: Histories, months: int = 120) -> Floats:
    """Capacity health of every vehicle at the end of each month to come, % of rated.

    Below the deepest drop that the fleet has shown it goes on along its last slope: a law of ageing knows more there.

    Args:
        model: How the fleet's capacity goes on.
        histories: What is known of each vehicle.
        months: How far to look, H.

    Returns:
        Quantiles `LEVELS`, shape (L, H, V); NaN for a vehicle of which too little is known.
    """
    found = np.full((len(LEVELS), months, histories.vehicles), np.nan)
    curves = fleet_curves(histories)
    some = [number for number, one in enumerate(curves) if len(one.at) >= LEAST_POINTS and one.at[-1] > 0.0]
    now = histories.stress.days.shape[0] - _born(histories)
    clocks = [np.maximum(now[at] + np.arange(1.0, months + 1.0), curves[at].at[-1] + 1e-6) for at in some]
    told = model.forecasts([curves[at] for at in some], clocks, beyond=True)
    for at, one in zip(some, told, strict=True):
        found[:, :, at] = 100.0 * one.capacity
    return found


def ends_of(capacity_pct: Floats, limits_pct: Sequence[float]) -> Floats:
    """When quantiles of health fall to limits, between months linearly.

    Args:
        capacity_pct: Quantiles (L, H, V) at the end of each month, as `fade_health` gives them.
        limits_pct: The limits, %.

    Returns:
        Months from now, shape (limits, L, V): 0 to 1 where it comes within the first month, infinite where it does not
        within the horizon.
    """
    below = np.minimum.accumulate(capacity_pct, axis=1)[None] <= np.asarray(limits_pct)[:, None, None, None]
    came, first = below.any(axis=2), below.argmax(axis=2)
    before = np.maximum(first - 1, 0)
    every = np.broadcast_to(capacity_pct, (len(limits_pct), *capacity_pct.shape))
    high = np.take_along_axis(every, before[:, :, None], axis=2)[:, :, 0]
    low = np.take_along_axis(every, first[:, :, None], axis=2)[:, :, 0]
    goal = np.asarray(limits_pct)[:, None, None]
    share = np.where(first > 0, (high - goal) / np.maximum(high - low, 1e-12), 1.0)
    return np.asarray(np.where(came, before + (first > 0) + np.clip(share, 0.0, 1.0), np.inf))


def _born(histories: Histories) -> npt.NDArray[np.int64]:
    """Month in which each vehicle's life began, from the first of the histories, shape (V,)."""
    lived = np.broadcast_to(histories.stress.days, (histories.stress.days.shape[0], histories.vehicles)) > 0.0
    return np.where(lived.any(axis=0), lived.argmax(axis=0), 0)
