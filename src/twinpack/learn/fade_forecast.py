"""What is to come of a curve of capacity: from the times until it has dropped by so much, to quantiles over a clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.learn.fade_curves import FadeCurve, level, scatter

Floats = npt.NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are told."""

_LEAST_NOISE = 5e-4


@dataclass(frozen=True)
class FadeForecast:
    """What is to come of one curve.

    Attributes:
        at: The clock, shape (H,), all later than `begin`.
        capacity: Capacity by the reference at the quantiles `LEVELS`, shape (L, H).
        begin: The clock where the curve ends.
        level: Capacity there.
        drops: Drops from there, shape (K,).
        times: Quantiles `LEVELS` of the time until each, the soonest first, shape (L, K).
    """

    at: Floats
    capacity: Floats
    begin: float
    level: float
    drops: Floats
    times: Floats

    @property
    def median(self) -> Floats:
        """Capacity that lies in the middle, shape (H,)."""
        return np.asarray(self.capacity[LEVELS.index(0.5)])

    def reaches(self, capacity: float) -> Floats:
        """Quantiles `LEVELS` of the clock at which capacity falls to a value, the soonest first, shape (L,).

        It is the clock now where that is past, and infinite below the deepest drop that was learned.
        """
        drop = self.level - capacity
        if drop <= 0.0:
            return np.full(len(LEVELS), self.begin)
        if drop > self.drops[-1]:
            return np.full(len(LEVELS), np.inf)
        knots = np.concatenate([[0.0], self.drops])
        return np.array([self.begin + np.interp(drop, knots, [0.0, *times]) for times in self.times])

    def knee(self, bend: float = 2.0) -> float | None:
        """The clock from which the middle course fades `bend` times as fast as it does now; None if it never does."""
        times = np.concatenate([[0.0], self.times[LEVELS.index(0.5)]])
        drops = np.concatenate([[0.0], self.drops])
        pace = np.diff(drops) / np.maximum(np.diff(times), 1e-12)
        first = max(int(np.searchsorted(drops, 0.01)), 1)
        usual = drops[first] / max(float(times[first]), 1e-12)
        fast = np.flatnonzero(pace[first:] >= bend * usual)
        return float(self.begin + times[first + fast[0]]) if len(fast) else None


def forecast(
    curve: FadeCurve, at: Floats, drops: Floats, centre: Floats, spread: Floats, widths: tuple[float, ...], beyond: bool
) -> FadeForecast:
    """What is to come of a curve.

    Args:
        curve: Up to now.
        at: The clock at which capacity is wanted, shape (H,).
        drops: Drops whose times are told, shape (K,).
        centre: Logarithm of the time until each.
        spread: Its standard deviation.
        widths: For each of `LEVELS`, how many spreads from the centre it lies.
        beyond: Whether capacity goes on along the last slope below the deepest drop.
    """
    now, begin, noise = level(curve), float(curve.at[-1]), noise_of(curve)
    logs = [centre + z * spread for z in widths]
    paths = [path(now, drops, one, at - begin, beyond) for one in logs]
    middle = path(now, drops, centre, at - begin, beyond)
    told = np.array([widened(each, middle, z, noise) for each, z in zip(paths, widths, strict=True)])
    times = np.array([_rising(np.exp(one)) for one in logs])
    return FadeForecast(
        at, np.maximum.accumulate(told, axis=0), begin, now, drops, np.maximum.accumulate(times, axis=0)
    )


def noise_of(curve: FadeCurve) -> float:
    """What a single measurement is taken to stray by at least."""
    return max(scatter(curve), _LEAST_NOISE)


def widened(path: Floats, middle: Floats, z: float, noise: float) -> Floats:
    """A path's distance from the middle with the scatter of a single measurement added in squares."""
    return np.asarray(middle + np.sign(z) * np.hypot(path - middle, z * noise))


def path(now: float, drops: Floats, logs: Floats, horizon: Floats, beyond: bool) -> Floats:
    """Capacity over a horizon (H,) from the logarithms of the times until each drop, shape (H,)."""
    times = _rising(np.exp(logs))
    knots, goals = np.concatenate([[0.0], times]), np.concatenate([[0.0], drops])
    dropped = np.interp(horizon, knots, goals)
    if beyond:
        slope = (goals[-1] - goals[-2]) / max(float(knots[-1] - knots[-2]), 1e-9)
        dropped = dropped + slope * np.maximum(horizon - knots[-1], 0.0)
    return np.asarray(now - dropped)


def _rising(times: Floats) -> Floats:
    """Times that never fall, with a little between them."""
    return np.asarray(np.maximum.accumulate(times) * (1.0 + 1e-9 * np.arange(1, len(times) + 1)))
