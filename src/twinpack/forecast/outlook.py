"""The outlook of many vehicles at once: health month by month with its quantiles, and when life ends.

Every vehicle is the same set of normal points (Sobol's sequence) seen through its own posterior, so that quantiles
need no random numbers and a vehicle's do not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from twinpack.battery.laws import law_named
from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import MONTHS, Usage
from twinpack.battery.warranty import END_OF_LIFE_PCT
from twinpack.learn.ageing import AgeingModel, Rates

Floats = npt.NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are told."""

POINTS = 128
_CHUNK = 2_000


@dataclass(frozen=True)
class Paths:
    """The health of V vehicles along S paths over H months, row 0 now; path s of a vehicle is the same in every call.

    Attributes:
        capacity_pct: Capacity health, % of rated, shape (H + 1, V, S).
        resistance_x: Resistance by that when new, shape (H + 1, V, S).
    """

    capacity_pct: Floats
    resistance_x: Floats


@dataclass(frozen=True)
class EndOfLife:
    """When the health of V vehicles falls to a limit.

    Attributes:
        limit_pct: The limit, % of the rated capacity.
        months: Quantiles `LEVELS` of the months from the outlook's begin, shape (L, V): the early date first; 0 where
            it is past, infinite beyond the horizon.
        by_then: Probability that it has come by the end of each month, shape (H, V).
        left: Share of the health between new and the limit that is left now, 1 at 100 %, 0 at the limit; shape (V,).
    """

    limit_pct: float
    months: Floats
    by_then: Floats
    left: Floats


@dataclass(frozen=True)
class Outlook:
    """The outlook of V vehicles over H months.

    Attributes:
        vehicle_ids: The vehicles.
        month: The first month, counted from January 1970; row h of the arrays is the end of month `month + h`.
        capacity_pct: Capacity health, % of rated, at the quantiles `LEVELS`, shape (L, H, V).
        resistance_x: Resistance by that when new, likewise.
        now_pct: Capacity health now at the quantiles `LEVELS`, shape (L, V).
        ends: When life ends, one a limit.
    """

    vehicle_ids: tuple[str, ...]
    month: int
    capacity_pct: Floats
    resistance_x: Floats
    now_pct: Floats
    ends: tuple[EndOfLife, ...]


def health_left(health_pct: Floats | float, limit_pct: float) -> Floats:
    """Share of the health above end of life that is left: 90 % with end of life at 80 % leaves half."""
    return np.asarray(np.clip((np.asarray(health_pct) - limit_pct) / (100.0 - limit_pct), 0.0, 1.0))


def outlook(
    model: AgeingModel,
    rates: Rates,
    usage: Usage,
    ocv: OcvTable,
    months: int = 120,
    limits_pct: Sequence[float] = END_OF_LIFE_PCT,
) -> Outlook:
    """The outlook of every vehicle if it is used as `usage` says from now on.

    Args:
        model: How its pack ages.
        rates: What is known of each vehicle.
        usage: How each is used.
        ocv: Open-circuit voltage of a cell.
        months: How far to look.
        limits_pct: Health at which life ends.
    """
    parts = [
        _chunk(model, rates, usage, ocv, months, tuple(limits_pct), slice(start, start + _CHUNK))
        for start in range(0, len(rates.vehicle_ids), _CHUNK)
    ]
    capacity, resistance, now = (np.concatenate([part[which] for part in parts], axis=-1) for which in range(3))
    ends = tuple(
        EndOfLife(
            limit,
            np.concatenate([part[3][at].months for part in parts], axis=-1),
            np.concatenate([part[3][at].by_then for part in parts], axis=-1),
            np.concatenate([part[3][at].left for part in parts], axis=-1),
        )
        for at, limit in enumerate(limits_pct)
    )
    return Outlook(rates.vehicle_ids, rates.month, capacity, resistance, now, ends)


def _chunk(
    model: AgeingModel,
    rates: Rates,
    usage: Usage,
    ocv: OcvTable,
    months: int,
    limits_pct: tuple[float, ...],
    some: slice,
) -> tuple[Floats, Floats, Floats, list[EndOfLife]]:
    found = paths(model, _some(rates, some), usage.take(some), ocv, months)
    return told(found, limits_pct)


def paths(model: AgeingModel, rates: Rates, usage: Usage, ocv: OcvTable, months: int) -> Paths:
    """Every path of a few vehicles, if they are used as `usage` says from now on.

    Path s of a vehicle sees the same normal point whatever the usage, so that paths may be compared one by one.
    """
    law = law_named(model.law)
    stress = usage.months(rates.month, months)
    points = _points()
    root = np.linalg.cholesky(np.moveaxis(rates.cov, -1, 0))
    own = rates.mean.T[:, :, None] + root @ points[:3]  # (V, 3, S)
    scale = np.exp(np.moveaxis(own, 0, 1))  # (3, V, S)
    years = np.arange(months + 1) / MONTHS
    lost = np.zeros((months + 1, *scale.shape[1:]))
    for which, part in enumerate(law.capacity):
        passed = _lived(part.passed(stress, ocv), rates.passed[which])
        wander = np.exp(model.drift * np.sqrt(years)[:, None, None] * points[3 + which])
        added = (passed**part.power - passed[:1] ** part.power)[:, :, None]
        lost += scale[1 + which] * (passed[:1] ** part.power)[:, :, None] + scale[1 + which] * added * wander
    health = 100.0 * scale[0] * (1.0 - lost)  # (H + 1, V, S)
    gain = np.zeros((months + 1, scale.shape[1]))
    for which, part in enumerate(law.resistance):
        gain += _lived(part.passed(stress, ocv), rates.passed[2 + which]) ** part.power
    growth = np.exp(rates.growth[:, None] + rates.growth_sd[:, None] * points[5])
    grown = 1.0 + gain[:, :, None] * growth
    return Paths(health, grown)


def told(found: Paths, limits_pct: Sequence[float]) -> tuple[Floats, Floats, Floats, list[EndOfLife]]:
    """Of paths: quantiles of capacity and resistance month by month, of the capacity now, and the ends of life."""
    health = found.capacity_pct
    ends = [_end(health, limit) for limit in limits_pct]
    quantiles = np.quantile(health, LEVELS, axis=-1)
    return quantiles[:, 1:], np.quantile(found.resistance_x[1:], LEVELS, axis=-1), quantiles[:, 0], ends


def _some(rates: Rates, some: slice) -> Rates:
    """Those of some vehicles."""
    names = [one.name for one in fields(Rates) if one.name not in ("vehicle_ids", "month")]
    arrays = {name: getattr(rates, name)[..., some] for name in names}
    return replace(rates, vehicle_ids=rates.vehicle_ids[some], **arrays)


def _lived(passed: Floats, before: Floats) -> Floats:
    """Virtual time at the begin and at the end of every month, (H + 1, V)."""
    return np.concatenate([before[None], before + np.cumsum(passed, axis=0)])


def _points() -> Floats:
    """The same normal points for every vehicle, (6, POINTS)."""
    sequence = qmc.Sobol(6, scramble=True, rng=np.random.default_rng(1)).random(POINTS)
    return np.ascontiguousarray(ndtri(np.clip(sequence, 1e-6, 1.0 - 1e-6)).T)


def _end(health: Floats, limit: float) -> EndOfLife:
    """When life ends at a limit of health, from paths (H + 1, V, S)."""
    months = reached(health, limit)
    below = np.minimum.accumulate(health, axis=0)[1:] <= limit
    quantiles = np.quantile(months, LEVELS, axis=-1, method="inverted_cdf")
    now = np.median(health[0], axis=-1)
    return EndOfLife(limit, quantiles, below.mean(axis=-1), health_left(now, limit))


def reached(health: Floats, limit: float) -> Floats:
    """Months until paths (H + 1, V, S) first lie at a limit, between months linearly, (V, S); infinite where none."""
    below = np.minimum.accumulate(health, axis=0) <= limit
    first = below.argmax(axis=0)
    came = below.any(axis=0)
    before = np.maximum(first - 1, 0)
    high = np.take_along_axis(health, before[None], axis=0)[0]
    low = np.take_along_axis(health, first[None], axis=0)[0]
    share = np.where(first > 0, (high - limit) / np.maximum(high - low, 1e-12), 0.0)
    months = np.where(came, before + np.clip(share, 0.0, 1.0), np.inf)
    return np.where(came & (first == 0), 0.0, months)
