"""What batteries lived through and what was measured of them, made ready for learning how they age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from twinpack.battery.arrays import Floats, Which, places
from twinpack.battery.laws import Part
from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS, Stress
from twinpack.errors import LearningError

MOST_POINTS = 72
"""More measurements of a vehicle than this are taken together, neighbours first."""

POSSIBLE = (0.2, 1.5)
POSSIBLE_RESISTANCE = (0.2, 10.0)
_USUAL = {
    "days": 0.0,
    "cycles": 0.0,
    "temp_c": 15.0,
    "parked_soc": 0.6,
    "cycled_soc": 0.6,
    "depth": 0.4,
    "c_rate": 0.3,
    "fast_share": 0.1,
}
_MEASURED = ("at", "capacity", "capacity_sd", "resistance", "resistance_sd")


@dataclass(frozen=True)
class Histories:
    """What is known of the health of V vehicles, month by month.

    Attributes:
        vehicle_ids: The vehicles.
        first_month: Month of the first interval, counted from January 1970.
        stress: What they lived through in N months up to now, shapes (N, V).
        at: When their health was measured, months after the begin of `first_month`, shape (M, V); NaN pads.
        capacity: Capacity by the rated one then, shape (M, V).
        capacity_sd: Its standard deviation, shape (M, V).
        resistance: Resistance by that when new then, shape (M, V); NaN where it is not known.
        resistance_sd: Its standard deviation, shape (M, V).

    Raises:
        LearningError: The shapes do not fit together; names the array.
    """

    vehicle_ids: tuple[str, ...]
    first_month: int
    stress: Stress
    at: Floats
    capacity: Floats
    capacity_sd: Floats
    resistance: Floats
    resistance_sd: Floats

    def __post_init__(self) -> None:
        """Check the shapes."""
        count = len(self.vehicle_ids)
        for name in _MEASURED:
            shape = getattr(self, name).shape
            if shape != (self.at.shape[0], count):
                raise LearningError(f"histories of {count} vehicles: {name!r} has shape {shape}")
        for one in fields(Stress):
            shape = getattr(self.stress, one.name).shape
            if len(shape) != 2 or shape[1] != count or shape[0] not in (1, self.stress.days.shape[0]):
                raise LearningError(f"histories of {count} vehicles: stress {one.name!r} has shape {shape}")

    @property
    def vehicles(self) -> int:
        """V."""
        return len(self.vehicle_ids)

    @property
    def end_month(self) -> int:
        """The month after the last interval: where a forecast begins."""
        return self.first_month + int(self.stress.days.shape[0])

    def take(self, vehicles: Sequence[int]) -> Histories:
        """Those of some vehicles."""
        return self.some(np.asarray(vehicles, dtype=np.intp))

    def some(self, which: Which) -> Histories:
        """Those of some vehicles, a slice or their places."""
        measured = (getattr(self, name)[:, places(which)] for name in _MEASURED)
        ids = tuple(np.asarray(self.vehicle_ids, dtype=object)[places(which)])
        return Histories(ids, self.first_month, self.stress.take(which), *measured)

    def until(self, month: int) -> Histories:
        """What was known at the begin of a month, counted from January 1970: nothing later is left in it."""
        count = min(max(month - self.first_month, 0), self.stress.days.shape[0])
        rows = {name: getattr(self.stress, name)[:count] for name in Stress.__dataclass_fields__}
        seen = self.at < count
        some = (np.where(seen, getattr(self, name), np.nan) for name in _MEASURED)
        return Histories(self.vehicle_ids, self.first_month, Stress(**rows), *some)


@dataclass(frozen=True)
class Measured:
    """What was measured of V vehicles, at M times at most, in order; unknown entries count as not there.

    Attributes:
        at: When, months, shape (V, M); 0 where unknown.
        known: Where there is something, shape (V, M).
        value: What was measured, shape (V, M); 0 where unknown.
        sd: Its own standard deviation, shape (V, M); 1 where unknown.
        parts: The published law then: both parts of the loss, shape (2, V, M).
        grid: The whole of the published loss or gain at times in between, shape (2, V, G), the last one now.
        years: Length of the intervals between those, years, shape (V, G - 1).
        renewed: 1 where health once rose as no battery's does and earlier measurements are left out, shape (V,).
    """

    at: Floats
    known: Floats
    value: Floats
    sd: Floats
    parts: Floats
    grid: Floats
    years: Floats
    renewed: Floats

    def take(self, some: Which) -> Measured:
        """That of some vehicles."""
        both = {name: getattr(self, name)[:, some] for name in ("parts", "grid")}
        one = {name: getattr(self, name)[some] for name in ("at", "known", "value", "sd", "years", "renewed")}
        return Measured(**both, **one)


@dataclass(frozen=True)
class Lived:
    """The published law over the histories of V vehicles.

    Attributes:
        parts: The law.
        passed: Virtual time of both parts at the begin of every month and at the end, shape (2, V, N + 1).
        age: Years lived then, shape (V, N + 1).
        fast_share: Share of fast charging so far, by the cycles in which it was, shape (V,).
    """

    parts: tuple[Part, Part]
    passed: Floats
    age: Floats
    fast_share: Floats

    @classmethod
    def of(cls, histories: Histories, parts: tuple[Part, Part], ocv: OcvTable) -> Lived:
        """That of histories; a stress that is not known counts as the vehicle's, the fleet's, or what is usual."""
        stress = filled(histories.stress)
        passed = np.stack([np.cumsum(part.passed(stress, ocv), axis=0).T for part in parts])
        age = np.cumsum(stress.days, axis=0).T / (MONTHS * DAYS_PER_MONTH)
        weight = np.maximum(stress.cycles, 1e-9)
        share = (weight * stress.fast_share).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
        begun = np.pad(passed, ((0, 0), (0, 0), (1, 0)))
        return cls(parts, begun, np.pad(age, ((0, 0), (1, 0))), share)

    @property
    def total(self) -> Floats:
        """Virtual time in all, shape (2, V)."""
        return self.passed[:, :, -1]

    def loss(self, which: Which) -> Floats:
        """The published loss of both parts at the begin of some months, shape (2, V, ...)."""
        return np.stack([self.passed[k][:, which] ** part.power for k, part in enumerate(self.parts)])

    def measured(self, histories: Histories, name: str) -> Measured:
        """What was measured of `capacity` or `resistance`, with the law beside it."""
        low, high = POSSIBLE if name == "capacity" else POSSIBLE_RESISTANCE
        at, value, sd = _ordered(histories, name, low, high)
        known = np.isfinite(value)
        renewed = np.zeros(len(value))
        if name == "capacity":
            since = _since_repair(value, sd)
            renewed = (known & ~since).any(axis=1).astype(np.float64)
            known &= since
        at, value, sd = np.where(known, at, 0.0), np.where(known, value, 0.0), np.where(known, sd, 1.0)
        parts = np.stack([_between(self.passed[k], at) ** part.power for k, part in enumerate(self.parts)])
        count = self.passed.shape[2]
        edges = np.unique(np.linspace(0, count - 1, min(count, _GRID)).round().astype(np.intp))
        years = np.diff(self.age[:, edges], axis=1)
        return Measured(at, known.astype(np.float64), value, sd, parts, self.loss(edges), years, renewed)


_GRID = 17


def filled(stress: Stress) -> Stress:
    """A stress without gaps: what is not known is the vehicle's mean, else the fleet's, else what is usual."""
    whole = {}
    for one in fields(Stress):
        values = np.broadcast_to(np.asarray(getattr(stress, one.name), dtype=np.float64), stress.days.shape)
        known = np.isfinite(values)
        if not known.all():
            sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
            fleet = sums.sum() / counts.sum() if counts.any() else _USUAL[one.name]
            own = np.where(counts > 0, sums / np.maximum(counts, 1), fleet)
            values = np.where(known, values, 0.0 if one.name == "days" else own)
        whole[one.name] = values
    whole["days"] = np.clip(whole["days"], 0.0, 366.0)
    whole["cycles"] = np.clip(whole["cycles"], 0.0, 10.0 * np.maximum(whole["days"], 1.0))
    for name in ("parked_soc", "cycled_soc", "depth", "fast_share"):
        whole[name] = np.clip(whole[name], 0.0, 1.0)
    whole["temp_c"] = np.clip(whole["temp_c"], -40.0, 80.0)
    whole["c_rate"] = np.clip(whole["c_rate"], 0.0, 10.0)
    return Stress(**whole)


def _ordered(histories: Histories, name: str, low: float, high: float) -> tuple[Floats, Floats, Floats]:
    """Time, value and standard deviation of what is possible, in order of time, (V, M) with NaN at the end."""
    at, value, sd = (np.asarray(one, dtype=np.float64).T for one in (histories.at, *_pair(histories, name)))
    span = histories.stress.days.shape[0]
    fits = np.isfinite(at) & (at >= 0.0) & (at <= span) & (value > low) & (value < high)
    sd = np.clip(np.where(np.isfinite(sd) & (sd > 0.0), sd, _TYPICAL_SD), *_CREDIBLE_SD[name])
    order = np.argsort(np.where(fits, at, np.inf), axis=1, kind="stable")
    columns = [np.take_along_axis(np.where(fits, one, np.nan), order, axis=1) for one in (at, value, sd)]
    most = max(int(fits.sum(axis=1).max(initial=0)), 1)
    at, value, sd = (one[:, :most] for one in columns)
    if at.shape[1] < most:
        at, value, sd = (np.pad(one, ((0, 0), (0, 1)), constant_values=np.nan) for one in (at, value, sd))
    return _together(at, value, sd) if most > MOST_POINTS else (at, value, sd)


_TYPICAL_SD = 0.01
_CREDIBLE_SD = {"capacity": (5e-4, 0.03), "resistance": (5e-4, 1.0)}
"""What a measurement may say of its own doubt: how far off the whole of a fleet's capacities are, its likelihood finds,
and what they are off by alike stands in `ageing.steady_sd`."""


def _since_repair(value: Floats, sd: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which measurements are of the battery as it is now: those after a lasting jump upwards, where there is one.

    The median of all later ones lies above that of the five before by 4 points, and by far more than their noise.
    """
    since = np.ones(value.shape, dtype=np.bool_)
    counts = np.isfinite(value).sum(axis=1)
    typical = np.nanmedian(np.where(counts[:, None] > 0, sd, 1.0), axis=1)
    most = np.maximum(_REPAIR_RISE, 4.0 * typical)
    # a rise of the highest that comes over the lowest that was: where there is none, there is no jump to look for
    highest = np.maximum.accumulate(np.nan_to_num(value, nan=-np.inf)[:, ::-1], axis=1)[:, ::-1]
    lowest = np.minimum.accumulate(np.nan_to_num(value, nan=np.inf), axis=1)
    rise = (highest[:, 1:] - lowest[:, :-1]).max(axis=1, initial=-np.inf)
    for v in np.flatnonzero((counts >= 2 * _REPAIR_POINTS) & (rise > most)):
        own, least = value[v, : counts[v]], most[v]
        rises = [
            np.median(own[k : k + 5]) - np.median(own[max(k - 5, 0) : k])
            for k in range(_REPAIR_POINTS, counts[v] - _REPAIR_POINTS + 1)
        ]
        k = int(np.argmax(rises)) + _REPAIR_POINTS
        if rises[k - _REPAIR_POINTS] > least and np.median(own[k:]) - np.median(own[:k]) > 0.5 * least:
            # medians blur where it was: the steepest step nearby is it
            near = slice(max(k - 3, 1), k + 3)
            since[v, : near.start + int(np.argmax(np.diff(own)[near.start - 1 : near.stop - 1]))] = False
    return since


_REPAIR_POINTS, _REPAIR_RISE = 3, 0.04


def _pair(histories: Histories, name: str) -> tuple[Floats, Floats]:
    return getattr(histories, name), getattr(histories, f"{name}_sd")


def _together(at: Floats, value: Floats, sd: Floats) -> tuple[Floats, Floats, Floats]:
    """Neighbours taken together: their mean time, their median, and their mean standard deviation.

    It is not made smaller by their number: successive posteriors know the same.
    """
    counts = np.isfinite(value).sum(axis=1)
    sizes = np.maximum(-(-counts // MOST_POINTS), 1)
    made = np.full((3, len(at), MOST_POINTS), np.nan)
    for size in np.unique(sizes):
        some = sizes == size
        wide = np.pad(np.stack([at, value, sd])[:, some], ((0, 0), (0, 0), (0, MOST_POINTS * int(size))), **_NONE)
        blocks = wide[:, :, : MOST_POINTS * int(size)].reshape(3, -1, MOST_POINTS, int(size))
        known = np.isfinite(blocks[1]).any(axis=2)
        blocks = np.where(known[None, :, :, None], blocks, 0.0)
        joined = np.nanmean(blocks[0], axis=2), np.nanmedian(blocks[1], axis=2), np.nanmean(blocks[2], axis=2)
        made[:, some] = np.where(known, np.stack(joined), np.nan)
    at, value, sd = made
    return at, value, sd


_NONE: dict[str, Any] = {"constant_values": np.nan}


def _between(rows: Floats, at: Floats) -> Floats:
    """Rows (V, N + 1) at positions (V, M) between them, linearly."""
    position = np.clip(at, 0.0, rows.shape[1] - 1)
    low = np.minimum(position.astype(np.intp), max(rows.shape[1] - 2, 0))
    high = np.minimum(low + 1, rows.shape[1] - 1)
    share = position - low
    lower, upper = np.take_along_axis(rows, low, axis=1), np.take_along_axis(rows, high, axis=1)
    return np.asarray(lower * (1.0 - share) + upper * share)
