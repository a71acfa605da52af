"""The outlook of many vehicles at once: health month by month with its quantiles, and when life ends.

Every vehicle is the same set of normal points (Sobol's sequence) seen through its own posterior, so that quantiles
need no random numbers and a vehicle's do not depend on its neighbours. A point is a life: scales of the law's parts,
what has come of rates that wandered and how they wander on, how fast charging counts, and when a knee comes and how
sharp it is. The points are computed in single precision, month by month: rounding is a millionth of what they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from twinpack.battery.laws import Part, law_named
from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import MONTHS, Stress, Usage
from twinpack.battery.warranty import END_OF_LIFE_PCT
from twinpack.learn.ageing import AgeingModel, Rates
from twinpack.learn.ageing_knee import POWER
from twinpack.learn.ageing_lived import filled

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are told."""

POINTS = 128
_CHUNK = 800
_RISK, _WANDER, _BEND, _FAST = 1, 2, 3, 4
_OWN = (0, 5, 6, 7, 8)
_DIMENSIONS = 9
"""What each of a point's numbers stands for: `_OWN` for the states, the first one for most of what they do."""

_SCRAMBLED = 21
"""Of the first few scramblings the one whose quantiles lie nearest to those of 8192 points: within 5 % of the width."""

_SURE = 1e-9
_TOWARDS = 60


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
    count, limits = len(rates.vehicle_ids), tuple(limits_pct)
    made = _Made.empty(count, months, len(limits))
    for start in range(0, count, _CHUNK):
        some = slice(start, min(start + _CHUNK, count))
        _look(model, rates.take(some), usage.take(some), ocv, limits, made.part(some))
    ends = tuple(
        EndOfLife(limit, made.dates[at], made.by_then[at], health_left(made.now[_MEDIAN], limit))
        for at, limit in enumerate(limits)
    )
    return Outlook(rates.vehicle_ids, rates.month, made.capacity, made.resistance, made.now, ends)


def paths(
    model: AgeingModel, rates: Rates, usage: Usage, ocv: OcvTable, months: int, beside: Usage | None = None
) -> Paths:
    """Every path of a few vehicles, if they are used as `usage` says from now on.

    Args:
        model: How their pack ages.
        rates: What is known of each vehicle.
        usage: How each is used.
        ocv: Open-circuit voltage of a cell.
        months: How far to look.
        beside: Another usage whose paths these are compared with one by one: path s is then the same draw of what is
            not known in both.
    """
    course = list(_course(model, rates, usage, ocv, months, beside))
    return Paths(*(np.stack([each[which] for each in course]).astype(np.float64) for which in range(2)))


def told(found: Paths, limits_pct: Sequence[float]) -> tuple[Floats, Floats, Floats, list[EndOfLife]]:
    """Of paths: quantiles of capacity and resistance month by month, of the capacity now, and the ends of life."""
    capacity, resistance = (
        np.stack([_quantiles(np.sort(each, axis=1)) for each in one], axis=1)
        for one in (found.capacity_pct, found.resistance_x)
    )
    now, later = capacity[:, 0], capacity[:, 1:]
    ends = []
    for limit in limits_pct:
        by_then = np.maximum.accumulate((found.capacity_pct[1:] <= limit).mean(axis=2), axis=0)
        ends.append(EndOfLife(limit, _crossing(capacity, limit), by_then, health_left(now[_MEDIAN], limit)))
    return later, resistance[:, 1:], now, ends


def reached(health: Floats, limit: float) -> Floats:
    """Months until paths (H + 1, V, S) first lie at a limit, between months linearly, (V, S); infinite where none."""
    return _crossing(np.moveaxis(health, 0, 1), limit)


_MEDIAN = LEVELS.index(0.5)


@dataclass(frozen=True)
class _Made:
    """What an outlook is filled into, as in `Outlook`; `by_then` and `dates` are (H, V) and (L, V) of each limit."""

    capacity: Floats
    resistance: Floats
    now: Floats
    by_then: Floats
    dates: Floats

    @classmethod
    def empty(cls, vehicles: int, months: int, limits: int) -> _Made:
        told = len(LEVELS)
        shapes = (told, months), (told, months), (told,), (limits, months), (limits, told)
        return cls(*(np.empty((*shape, vehicles)) for shape in shapes))

    def part(self, some: slice) -> _Made:
        return _Made(*(one[..., some] for one in (self.capacity, self.resistance, self.now, self.by_then, self.dates)))


def _look(
    model: AgeingModel, rates: Rates, usage: Usage, ocv: OcvTable, limits: tuple[float, ...], made: _Made
) -> None:
    """Fill in the outlook of some vehicles."""
    for month, (health, grown) in enumerate(_course(model, rates, usage, ocv, made.capacity.shape[1])):
        health.sort(axis=1)
        if month == 0:
            made.now[:] = _quantiles(health)
            continue
        grown.sort(axis=1)
        made.capacity[:, month - 1] = _quantiles(health)
        made.resistance[:, month - 1] = _quantiles(grown)
        for at, limit in enumerate(limits):
            made.by_then[at, month - 1] = (health <= limit).mean(axis=1)
    np.maximum.accumulate(made.by_then, axis=1, out=made.by_then)
    path = np.concatenate([made.now[:, None], made.capacity], axis=1)
    for at, limit in enumerate(limits):
        made.dates[at] = _crossing(path, limit)


def _course(
    model: AgeingModel, rates: Rates, usage: Usage, ocv: OcvTable, months: int, beside: Usage | None = None
) -> Iterator[tuple[Singles, Singles]]:
    """Capacity, % of rated, and resistance by that when new, of every life: now, then at the end of each month."""
    law = law_named(model.law)
    stress = filled(usage.months(rates.month, months))
    usual = stress if beside is None else filled(beside.months(rates.month, months))
    points = _points()
    both = (stress, usual)
    lost = _Lives.of(law.capacity, both, ocv, rates.passed[:2], rates.mean, rates.cov, points, -1.0)
    gained = _Lives.of(
        law.resistance, both, ocv, rates.passed[2:], rates.resistance_mean, rates.resistance_cov, points, 1.0
    )
    fast = _fast(model, rates, usage, points[_FAST])
    knee, bend = _knees(model, rates, lost.law_now, points)
    by_new = np.float32(100.0) * lost.new
    # the mean of a Brownian motion from now to then has a third of its variance
    wander = np.sqrt(np.arange(months + 1) / MONTHS / 3.0)[:, None] * points[_WANDER]
    drifts = [np.exp(one.noise.drift * wander).astype(np.float32) for one in (model.capacity, model.resistance)]
    for month in range(months + 1):
        loss = lost.law(month, drifts[0][month], fast)
        health = by_new * (1.0 - lost.level - loss - bend * np.maximum(loss - knee, 0.0))
        grown = gained.new * (1.0 + gained.level + gained.law(month, drifts[1][month], None))
        yield health, grown


@dataclass(frozen=True)
class _Lives:
    """The lives that each of V vehicles may have, S points of each; single precision.

    Attributes:
        new: Value when new, shape (V, S).
        level: What rates that wandered have left by now, (V, S).
        pace: What rates are now by what they were in the mean, (V, S).
        scale: Scales of both parts, (2, V, S).
        law_now: Loss (gain, of resistance) by the law now, (V, S).
        ahead: What each adds up to the end of each month, the first one now, (2, H + 1, V, 1).
    """

    new: Singles
    level: Singles
    pace: Singles
    scale: Singles
    law_now: Singles
    ahead: Singles

    @classmethod
    def of(
        cls,
        parts: tuple[Part, Part],
        both: tuple[Stress, Stress],
        ocv: OcvTable,
        passed: Floats,
        mean: Floats,
        cov: Floats,
        points: Floats,
        sign: float,
    ) -> _Lives:
        """Those of a posterior; sign -1 where the law's part is lost, 1 where it is gained.

        `both` is the stress to come, and that by which the lives are told apart (`_root`).
        """
        before, ahead, usual = [], [], []
        stress, other = both
        for part, time in zip(parts, passed, strict=True):
            gone = part.passed(stress, ocv)
            sums = np.concatenate([np.zeros((1, len(time))), np.cumsum(gone, axis=0)])
            begun = time**part.power
            before.append(begun.astype(np.float32)[:, None])
            ahead.append((time + sums) ** part.power - begun)
            told_by = gone if other is stress else part.passed(other, ocv)
            usual.append((time + told_by[:_TOWARDS].sum(axis=0)) ** part.power - begun)
        added = np.exp(np.clip(mean[1:3], -6.0, 6.0)) * np.stack(usual)
        lost = np.exp(np.clip(mean[1:3], -6.0, 6.0)) * np.stack(before)[:, :, 0] + added
        slopes = np.stack([np.full(len(mean.T), sign), *lost, np.ones(len(mean.T)), added.sum(axis=0)], axis=1)
        states = mean.T[:, :, None] + _root(np.moveaxis(cov, -1, 0), slopes) @ points[[*_OWN]]  # (V, 5, S)
        new, calendar, cycle, level, pace = (states[:, at].astype(np.float32) for at in range(len(_OWN)))
        scale = np.exp(np.clip(np.stack([calendar, cycle]), -6.0, 6.0))
        scale *= _straight(scale, mean, cov, np.stack(before))
        law_now = scale[0] * before[0] + scale[1] * before[1]
        steps = np.stack(ahead).astype(np.float32)[:, :, :, None]
        return cls(np.exp(new), level, np.exp(np.clip(pace, -2.0, 2.0)), scale, law_now, steps)

    def law(self, month: int, drift: Singles, fast: Singles | None) -> Singles:
        """Loss by the law at the end of a month.

        Args:
            month: Which, 0 now.
            drift: What rates are then by what they are now, in the mean until then, (S,).
            fast: Factor on what the cycle part adds, (V, S).
        """
        cycle = self.scale[1] * self.ahead[1, month]
        added = self.scale[0] * self.ahead[0, month] + (cycle if fast is None else cycle * fast)
        return np.asarray(self.law_now + added * (self.pace * drift))


def _straight(scale: Singles, mean: Floats, cov: Floats, before: Singles) -> Singles:
    """Factor on both scales (2, V, S) that makes the loss by now normal where it is well known, (V, S).

    What is measured is the sum of both parts, in which the scales are straight. Their logarithms are normal and apart:
    where one is high the other is low, and the sum of two such exponentials is too high on both sides.
    """
    usual = np.exp(np.clip(mean[1:3], -6.0, 6.0))[:, :, None] * before  # (2, V, 1)
    whole = usual.sum(axis=0)
    spread = np.sqrt(np.maximum(np.einsum("ivs,ijv,jvs->vs", usual, cov[1:3, 1:3], usual), 0.0))
    known = np.clip((0.35 - spread / np.maximum(whole, _SURE)) / 0.15, 0.0, 1.0) * (whole > _SURE)
    moved = np.log(np.maximum(scale, 1e-6)) - np.clip(mean[1:3], -6.0, 6.0)[:, :, None]
    straight = whole + (usual * moved).sum(axis=0)
    bent = np.maximum((scale * before).sum(axis=0), _SURE)
    return np.asarray(1.0 + known * (np.clip(straight / bent, 0.3, 1.5) - 1.0), dtype=np.float32)


def _fast(model: AgeingModel, rates: Rates, usage: Usage, points: Floats) -> Singles:
    """Factor on the cycle part of what comes, if another share is charged fast than was, (V, S)."""
    effect, sd = model.fast_effect
    share = np.where(np.isfinite(usage.fast_share), usage.fast_share, rates.fast_share)
    more = np.clip(share, 0.0, 1.0) - rates.fast_share
    return np.exp(np.clip(effect + sd * points, 0.0, None) * more[:, None]).astype(np.float32)


def _knees(model: AgeingModel, rates: Rates, now: Singles, points: Floats) -> tuple[Singles, Singles]:
    """The law's loss at which each life has its knee, and how much faster it goes beyond it, (V, S) each."""
    risk, shown = model.knee, np.isfinite(rates.knees.loss)[:, None]
    chance = -np.log(np.clip(1.0 - ndtr(points[_RISK]), _SURE, 1.0))
    to_come = (np.maximum(now, 0.0) ** POWER + chance / max(risk.rate, _SURE)) ** (1.0 / POWER)
    usual = np.exp(risk.log_bend + risk.log_bend_sd * points[_BEND])
    own = np.maximum(rates.knees.bend[:, None] + rates.knees.bend_sd[:, None] * points[_BEND], 0.0)
    knee = np.where(shown, rates.knees.loss[:, None], to_come)
    return knee.astype(np.float32), np.where(shown, own, usual).astype(np.float32)


def _root(cov: Floats, slopes: Floats) -> Floats:
    """A root of each covariance (V, 5, 5) whose first column is all that a sum of the states with slopes (V, 5) sees.

    The first of the points' numbers, of which each stands for an equal share of chance, then carries most of what
    health differs by. What is certain, or what rounding has made less than that, counts as certain.
    """
    seen = np.einsum("vij,vj->vi", cov, slopes)
    first = seen / np.sqrt(np.maximum((seen * slopes).sum(axis=1), 1e-30))[:, None]
    values, vectors = np.linalg.eigh(cov - first[:, :, None] * first[:, None, :])
    rest = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return np.concatenate([first[:, :, None], rest[:, :, 1:]], axis=2)


def _points() -> Floats:
    """The same normal points for every vehicle, (9, POINTS)."""
    sequence = qmc.Sobol(_DIMENSIONS, scramble=True, rng=np.random.default_rng(_SCRAMBLED)).random(POINTS)
    return np.ascontiguousarray(ndtri(np.clip(sequence, 1e-6, 1.0 - 1e-6)).T)


def _quantiles(ordered: Singles) -> Floats:
    """Quantiles `LEVELS` of points in order (V, S), shape (L, V): the middle of each point counts (Hazen's rule)."""
    at = np.clip(np.array(LEVELS) * POINTS - 0.5, 0.0, POINTS - 1.0)
    low = at.astype(np.intp)
    share = (at - low)[:, None]
    return np.asarray(ordered[:, low].T * (1.0 - share) + ordered[:, low + 1].T * share)


def _crossing(health: Floats, limit: float) -> Floats:
    """When health (L, H + 1, V), its first row now, first lies at a limit, months from now, (L, V).

    0 where it does now, infinite where never.

    No health rises, so that the share of lives that have ended is a probability when the quantile of that
    probability is at the limit: the quantiles of the dates are the dates of the quantiles.
    """
    below = health <= limit
    first, came = below.argmax(axis=1), below.any(axis=1)
    before = np.maximum(first - 1, 0)
    high = np.take_along_axis(health, before[:, None], axis=1)[:, 0]
    low = np.take_along_axis(health, first[:, None], axis=1)[:, 0]
    share = np.clip((high - limit) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    months = np.where(first > 0, before + share, 0.0)
    return np.where(came, months, np.inf)
