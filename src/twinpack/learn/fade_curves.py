"""Curves of capacity over a clock, and what one tells of its own future: only what was known at its end.

The clock is a plain number that counts from when the battery was new: cycles, equivalent full cycles, months. Features
are made free of its unit where they can be: slopes over shares of the age, times as logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WINDOW = 5
"""Points of the median behind each point: a level counts as passed when the median has passed it."""

LEAST_POINTS = 6
"""Points of a curve that something can be told from."""

SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Parts of the age, from its end, over which slopes are taken."""

PAST = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
"""Levels above the present one whose passing is looked up, by the reference."""

_TINY = 1e-6


@dataclass(frozen=True)
class FadeCurve:
    """One battery's capacity over its clock, up to now.

    Attributes:
        name: Of the battery.
        at: The clock at N points, rising; its age when it is counted from new.
        capacity: Capacity by the reference, shape (N,): 1 is a new battery's.
        extras: Other quantities at the same points that may tell of ageing, such as charge or time of the parts of a
            charge: positive numbers, shape (N,) each.
        size: The reference by the rated capacity, where both are known: small or large for its kind.
    """

    name: str
    at: Floats
    capacity: Floats
    extras: Mapping[str, Floats] = field(default_factory=dict)
    size: float = 1.0

    def __post_init__(self) -> None:
        """Check that the parts fit.

        Raises:
            LearningError: They are of different lengths, not finite, or the clock does not rise.
        """
        for name, values in (("capacity", self.capacity), *self.extras.items()):
            if values.shape != self.at.shape or self.at.ndim != 1:
                raise LearningError(f"curve {self.name}: {name} has shape {values.shape}, its clock {self.at.shape}")
        if not (np.isfinite(self.at).all() and np.isfinite(self.capacity).all()):
            raise LearningError(f"curve {self.name}: clock or capacity is not finite")
        if (np.diff(self.at) <= 0.0).any():
            raise LearningError(f"curve {self.name}: its clock does not rise")

    def first(self, count: int) -> FadeCurve:
        """Its first so many points: what was known then."""
        extras = {name: values[:count] for name, values in self.extras.items()}
        return FadeCurve(self.name, self.at[:count], self.capacity[:count], extras, self.size)


def trailing_median(values: Floats, window: int = WINDOW) -> Floats:
    """Median of each value and those before it, `window` in all (an odd number), shape (N,): nothing later enters."""
    if len(values) < window:
        return np.array([np.median(values[: end + 1]) for end in range(len(values))])
    early = [float(np.median(values[: end + 1])) for end in range(window - 1)]
    inside = np.sort(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)[:, window // 2]
    return np.concatenate([early, inside])


def line(at: Floats, values: Floats) -> tuple[float, float, float]:
    """Least-squares line: its slope, its value at the last point, and the root mean square about it."""
    if len(at) < 3:
        return 0.0, float(values[-1]), 0.0
    away = at - at.mean()
    slope = float(away @ (values - values.mean()) / (away @ away))
    left = values - values.mean() - slope * away
    return slope, float(values.mean() + slope * away[-1]), float(np.sqrt(np.mean(left**2)))


def level(curve: FadeCurve) -> float:
    """Capacity now: a line through the last eighth of the points, within their range; the median where they are few."""
    count = min(max(WINDOW, len(curve.at) // 8), 20)
    recent = curve.capacity[-count:]
    if count == WINDOW:
        return float(np.median(recent))
    return float(np.clip(line(curve.at[-count:], recent)[1], recent.min(), recent.max()))


def scatter(curve: FadeCurve) -> float:
    """Root mean square of the last points about their line: what a single measurement strays by."""
    count = min(max(2 * WINDOW, len(curve.at) // 8), 40)
    return line(curve.at[-count:], curve.capacity[-count:])[2]


def features(curve: FadeCurve, extras: tuple[str, ...] = ()) -> Floats:
    """What a curve tells at its end, shape (F,); quantities it lacks give NaN.

    Raises:
        LearningError: It has fewer points than `LEAST_POINTS`, or its clock ends at 0 or below.
    """
    if len(curve.at) < LEAST_POINTS:
        raise LearningError(f"curve {curve.name}: {len(curve.at)} points; something is told from {LEAST_POINTS} on")
    if curve.at[-1] <= 0.0:
        raise LearningError(f"curve {curve.name}: its clock ends at {curve.at[-1]:g}; it counts from a new battery on")
    told = [*_of_shape(curve), *_of_past(curve), *_of_series(curve.at, curve.capacity, 0.005)]
    for name in extras:
        values = curve.extras.get(name)
        known = values is not None and np.isfinite(values).all()
        some = np.log(np.maximum(values, _TINY)) if known and values is not None else np.full(len(curve.at), np.nan)
        told += _of_series(curve.at, some, 0.005)
    return np.array([*told, curve.size])


def _of_shape(curve: FadeCurve) -> list[float]:
    """Age, level, slopes over parts of the age, bends and noise."""
    at, capacity = curve.at, curve.capacity
    age, now, tick = float(at[-1]), level(curve), float(np.median(np.diff(at)))
    smooth = trailing_median(capacity)
    told = [np.log(age), now, now - float(smooth.max()), now - float(smooth[min(len(smooth) - 1, 9)])]
    slopes = []
    for share in SHARES:
        count = min(max(WINDOW, int(np.ceil(share * len(at)))), len(at))
        slope, _, rms = line(at[-count:], capacity[-count:])
        slopes.append(slope)
        told += [_signed(-slope * age, 0.002), _signed(-slope * tick, 1e-5)]
        if share in (1.0, 0.25):
            told.append(np.log(rms + 1e-5))
    half = max(len(at) // 2, 3)
    told += [_signed((slopes[2] - slopes[0]) * age, 0.002), _signed((slopes[4] - slopes[2]) * age, 0.002)]
    told.append(_signed(-line(at[:half], capacity[:half])[0] * age, 0.002))
    told.append(float(np.log(1e-5 + 1.4826 * np.median(np.abs(np.diff(capacity[-40:]))))))
    return [float(one) for one in told]


def _of_past(curve: FadeCurve) -> list[float]:
    """How long ago the capacity lay at levels above the present one; twice the age where it never did."""
    now, smooth = level(curve), trailing_median(curve.capacity)
    age, tick = float(curve.at[-1]), float(np.median(np.diff(curve.at)))
    told = []
    for above in PAST:
        then = np.flatnonzero(smooth >= now + above)
        since = age - float(curve.at[then[-1]]) if len(then) else 2.0 * age
        told.append(float(np.log(since + tick)))
    return told


def _of_series(at: Floats, values: Floats, unit: float) -> list[float]:
    """Where a series began, how it has changed since and since half-time, how it bends, and how it scatters."""
    count = len(at)
    width, half = max(WINDOW, count // 10), count // 2
    begin = float(np.median(values[1 : 1 + width]))
    end = float(np.median(values[-width:]))
    middle = float(np.median(values[max(half - width // 2, 0) : half + width // 2 + 1]))
    slope = line(at[half:], values[half:])[0]
    noise = float(np.median(np.abs(values - trailing_median(values)))) if np.isfinite(values).all() else np.nan
    bend = (end - middle) - (middle - begin)
    moved = [_signed(end - begin, unit), _signed(end - middle, unit), _signed(slope * float(at[-1]), unit)]
    return [begin, *moved, _signed(bend, unit), float(np.log(noise + 1e-5))]


def _signed(value: float, unit: float) -> float:
    """Nearly a logarithm on both sides of zero, a straight line within a unit of it."""
    return float(np.arcsinh(value / unit))


def times_to(curve: FadeCurve, count: int, drops: Floats) -> Floats:
    """Time from a curve's first `count` points until its capacity has dropped by each of K, shape (K,).

    NaN where the record ends before: that it took at least until then is all that is known.
    """
    now, begin = level(curve.first(count)), float(curve.at[count - 1])
    smooth = trailing_median(curve.capacity)
    deepest = np.minimum.accumulate(smooth[count:])
    if not len(deepest):
        return np.full(len(drops), np.nan)
    goals = now - drops
    reached = np.searchsorted(-deepest, -goals)
    found = reached < len(deepest)
    after = np.minimum(reached, len(deepest) - 1) + count
    before = smooth[after - 1]
    share = np.clip((before - goals) / np.maximum(before - smooth[after], 1e-9), 0.0, 1.0)
    clock = curve.at[after - 1] + share * (curve.at[after] - curve.at[after - 1])
    least = 0.5 * float(curve.at[count] - begin)
    return np.where(found, np.maximum(clock - begin, least), np.nan)


def origins(curve: FadeCurve, count: int, age: float | None = None) -> Ints:
    """Numbers of points from whose end a curve teaches.

    Args:
        curve: The whole record.
        count: How many at most.
        age: Only about this age; evenly over the logarithm of the age and over the levels passed without.
    """
    total, least = len(curve.at), LEAST_POINTS + 4
    if total <= least:
        return np.array([], dtype=np.int64)
    if age is not None:
        ages = age * np.exp(np.linspace(-0.16, 0.16, count))
        found = np.searchsorted(curve.at, ages * (1.0 + 1e-12), side="right")
        near = np.abs(np.log(np.maximum(curve.at[np.maximum(found - 1, 0)], 1e-9) / age)) < 0.25
        return np.unique(found[near & (found >= least) & (found < total)])
    deepest = np.minimum.accumulate(trailing_median(curve.capacity))
    levels = np.linspace(deepest[least - 1], deepest[-1], count // 2)
    by_level = np.searchsorted(-deepest, -levels) + 1
    by_age = np.geomspace(least, total - 1, count - count // 2).astype(np.int64)
    return np.unique(np.clip(np.concatenate([by_age, by_level]), least, total - 1)).astype(np.int64)
