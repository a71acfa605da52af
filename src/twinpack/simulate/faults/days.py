"""The days of each vehicle: when it drives and how, where it is charged, the weather, and when it is silent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.simulate.vehicles import generator

DAY_S = 86_400.0
_FAST_SHARE = 0.22
"""Days on which a fast charger lies on the way; it is used about once a week."""
_GAP_SHARE, _LONG_GAP_SHARE = 0.12, 0.004
_HOLIDAYS = 2


class Plan(NamedTuple):
    """What is planned, a row a vehicle; a plain tuple of arrays, for the kernel. Times in s since the start.

    Attributes:
        start_s: Start of each drive, rising, the last infinite, shape (V, drives + 1).
        lasts_s: How long it lasts.
        mean_kmh: Mean speed of its open road.
        last: Whether it is the last of its day: it ends at home.
        fast: Whether it ends at a fast charger, if there is need.
        wait_s: How long a plugged vehicle waits for its charge, by day, shape (V, days).
        weather_c: Air temperature over that of the season, by day.
        wet: Share of the dry isolation left, by day.
        gap_start_s, gap_end_s: When nothing is heard, rising, the last infinite, shape (V, gaps + 1).
    """

    start_s: Floats
    lasts_s: Floats
    mean_kmh: Floats
    last: NDArray[np.bool_]
    fast: NDArray[np.bool_]
    wait_s: Floats
    weather_c: Floats
    wet: Floats
    gap_start_s: Floats
    gap_end_s: Floats


def plan_days(settings: FaultFleetSettings) -> Plan:
    """The days of every vehicle."""
    days = settings.days
    draws = [(generator(settings.seed, v, 1), generator(settings.seed, v, 2)) for v in range(settings.vehicles)]
    u = np.stack([g.random((days, 32)) for g, _ in draws])
    n = np.stack([g.standard_normal((days, 4)) for _, g in draws])
    start, lasts, kmh = _drives(settings, u)
    driven = lasts > 0.0
    later = np.cumsum(driven[:, :, ::-1], axis=2)[:, :, ::-1]
    last = driven & (later == 1)
    weekly = u[:, :, 20] < _FAST_SHARE
    fast = driven & weekly[:, :, None] & (later <= 2)
    start, (lasts, kmh, ends, quick) = _in_order(np.where(driven, start, np.inf), (lasts, kmh, _f(last), _f(fast)))
    gap_start, gap_end = _gaps(u)
    return Plan(
        start_s=start,
        lasts_s=lasts,
        mean_kmh=kmh,
        last=ends > 0.0,
        fast=quick > 0.0,
        wait_s=np.floor(3600.0 * 4.0 * np.clip(u[:, :, 21] - 0.3, 0.0, None)),
        weather_c=_weather(n[:, :, 0], 0.75, 3.0),
        wet=np.clip(1.0 - 0.45 * np.clip(_weather(n[:, :, 1], 0.6, 1.0), 0.0, 2.0), 0.25, 1.0),
        gap_start_s=gap_start,
        gap_end_s=gap_end,
    )


def _drives(settings: FaultFleetSettings, u: Floats) -> tuple[Floats, Floats, Floats]:
    """Start (s since the start of all), length (s, 0 for none) and speed of up to four drives a day, (V, days, 4)."""
    days = settings.days
    weekday = (settings.start.weekday() + np.arange(days)) % 7 < 5
    commute = np.where(weekday, u[:, :, 0] < 0.93, False)
    outing = np.where(weekday, False, u[:, :, 0] < 0.6)
    trait = u[:, 0, 31, None]
    way_s = 60.0 * (12.0 + 26.0 * trait + 8.0 * u[:, :, 1])
    out_s = 60.0 * (20.0 + 110.0 * u[:, :, 2] ** 2)
    away = _away(u)
    hours = [
        np.where(commute, 6.5 + 1.5 * u[:, :, 3], 9.0 + 2.0 * u[:, :, 3]),
        np.full_like(way_s, 13.2) + 1.0 * u[:, :, 4],
        np.where(commute, 16.0 + 2.4 * u[:, :, 5], 15.5 + 2.0 * u[:, :, 5]),
        20.3 + 1.0 * u[:, :, 6],
    ]
    errand_s = 60.0 * (8.0 + 15.0 * u[:, :, 7])
    lengths = [
        np.where(commute, way_s, np.where(outing, out_s, 0.0)),
        np.where(u[:, :, 8] < 0.12, errand_s, 0.0),
        np.where(commute, way_s, np.where(outing, out_s, 0.0)),
        np.where(u[:, :, 9] < 0.2, errand_s, 0.0),
    ]
    day_s = DAY_S * np.arange(days)[None, :, None]
    start = np.asarray(day_s + np.floor(3600.0 * np.stack(hours, axis=2)), np.float64)
    lasts = np.where(away[:, :, None], 0.0, np.floor(np.stack(lengths, axis=2)))
    kmh = 32.0 + 50.0 * u[:, :, 10:14] * np.sqrt(np.maximum(lasts, 0.0) / 3600.0 + 0.3)
    return start, lasts, kmh


def _away(u: Floats) -> NDArray[np.bool_]:
    """Days on which the vehicle stands still: holidays of one to three weeks, about twice a year."""
    begins = u[:, :, 14] < _HOLIDAYS / 365.0
    length = 7 + np.floor(14.0 * u[:, :, 15])
    day = np.arange(u.shape[1])
    until = np.maximum.accumulate(np.where(begins, day + length, 0.0), axis=1)
    return np.asarray(day < until)


def _weather(n: Floats, memory: float, spread: float) -> Floats:
    """Days that resemble the day before."""
    values = np.empty_like(n)
    values[:, 0] = n[:, 0]
    for day in range(1, n.shape[1]):
        values[:, day] = memory * values[:, day - 1] + np.sqrt(1.0 - memory**2) * n[:, day]
    return spread * values


def _gaps(u: Floats) -> tuple[Floats, Floats]:
    """Silences: minutes to an hour on one day in eight, hours to four days once or twice a year."""
    day_s = DAY_S * np.arange(u.shape[1])
    short, long = u[:, :, 16] < _GAP_SHARE, u[:, :, 17] < _LONG_GAP_SHARE
    start = day_s + np.floor(DAY_S * u[:, :, 18])
    lasts = np.where(long, 3600.0 * (3.0 + 93.0 * u[:, :, 19] ** 2), 60.0 * np.exp(np.log(60.0) * u[:, :, 19]) + 60.0)
    begins: Floats = np.where(short | long, start, np.inf)
    begins, (lasts,) = _in_order(begins[:, :, None], (lasts[:, :, None],))
    return begins, begins + lasts


def _f(flags: NDArray[np.bool_]) -> Floats:
    return flags.astype(np.float64)


def _in_order(start: Floats, others: tuple[Floats, ...]) -> tuple[Floats, list[Floats]]:
    """Those of all days in the order of their start, then one that never comes; absent ones (infinite) are left out."""
    flat = start.reshape(len(start), -1)
    order = np.argsort(flat, axis=1, kind="stable")
    most = int(np.isfinite(flat).sum(axis=1).max(initial=0))
    order = order[:, : most + 1]
    sorted_start = np.take_along_axis(flat, order, axis=1)
    end = np.full((len(flat), 1), np.inf)
    taken = [np.take_along_axis(each.reshape(len(flat), -1), order, axis=1) for each in others]
    return np.concatenate([sorted_start, end], axis=1), [
        np.concatenate([t, np.zeros((len(flat), 1))], axis=1) for t in taken
    ]
