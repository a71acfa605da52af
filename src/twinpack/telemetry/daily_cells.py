"""How the cells and probes of a vehicle differ from each other over a day, at rest, under load and in charge.

A frame is one sample's list of values. A value that no cell can have (`Limits`) is what a broken channel sends: the
frame is set aside whole, since its other values may be wrong too. A channel that is broken in most frames of a day is
left out instead, so that the others still tell something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float32]

CHUNK_ROWS = 8192
"""Frames that are looked at together: the work arrays then stay in the processor's cache, or near it."""

LEAST_FRAMES = 3
"""Frames of a regime from which a mean is told."""

_ROBUST = 1.4826  # of a normal distribution, the standard deviation by the median absolute deviation


@dataclass(frozen=True)
class Limits:
    """Between which values a channel is believed, both left out."""

    low: float
    high: float


CELLS = Limits(0.1, 4.95)
"""Volts: a broken channel shows 0 V, 5 V or more than can be."""
PROBES = Limits(-39.9, 119.9)
"""Degrees Celsius: -40 and 120 and more are shown by broken probes."""


@dataclass(frozen=True)
class Deviations:
    """What G days came to in R regimes; NaN where fewer than `LEAST_FRAMES` frames tell it.

    Attributes:
        frames: Frames that were used, shape (R, G).
        low: Mean deviation from the frame's median of the channel that is lowest, shape (R, G).
        low_at: Its number, from 1.
        high: The same of the highest.
        high_at: Its number.
        sigma: Robust standard deviation of the channels' mean deviations.
        sag: Lowest difference between a channel's mean deviation in the second and in the first regime, shape (G,).
        sag_at: Its number.
        told: Frames with values, shape (G,).
        aside: Share of them that were set aside or have another number of values than most, shape (G,).
        spread_mean: Mean of the greatest less the least value of a frame that is used, shape (G,).
        spread_max: Its greatest value.
    """

    frames: Floats
    low: Floats
    low_at: Floats
    high: Floats
    high_at: Floats
    sigma: Floats
    sag: Floats
    sag_at: Floats
    told: Floats
    aside: Floats
    spread_mean: Floats
    spread_max: Floats


def deviations(column: pa.ChunkedArray, group: Ints, groups: int, regime: Ints, regimes: int, by: Limits) -> Deviations:
    """How channels differ from each other.

    Args:
        column: Lists of values, N of them.
        group: Day that each belongs to, ascending, shape (N,).
        groups: How many days.
        regime: Regime of each, -1 for none, shape (N,); frames without one count for spread and shares alone.
        regimes: How many regimes.
        by: What a channel may show.
    """
    found = _nothing(groups, regimes)
    values, start, count = _lists(column)
    have = np.flatnonzero(count > 0)
    if not len(have):
        return found
    np.add.at(found.told, group[have], 1.0)
    width = _usual_width(group[have], count[have], groups)
    usual = have[count[have] == width[group[have]]]
    used = np.zeros(groups)
    for rows in _chunks(usual, group, width):
        _add(found, used, values[start[rows, None] + np.arange(width[group[rows[0]]])], group[rows], regime[rows], by)
    with np.errstate(invalid="ignore", divide="ignore"):
        found.aside[:] = np.where(found.told > 0, (found.told - used) / found.told, np.nan)
    return found


def _nothing(groups: int, regimes: int) -> Deviations:
    def nan(*shape: int) -> Floats:
        return np.full(shape, np.nan)

    both = (regimes, groups)
    return Deviations(
        np.zeros(both), nan(*both), nan(*both), nan(*both), nan(*both), nan(*both), nan(groups), nan(groups),
        np.zeros(groups), nan(groups), nan(groups), nan(groups),
    )  # fmt: skip


def _lists(column: pa.ChunkedArray) -> tuple[Values, Ints, Ints]:
    """Values of all frames, where those of each begin, and how many it has."""
    lists = column.combine_chunks()
    offsets = lists.offsets.to_numpy().astype(np.int64)
    count = np.where(lists.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
    values = lists.values.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float32), offsets[:-1], count


def _usual_width(group: Ints, count: Ints, groups: int) -> Ints:
    """Number of values that most frames of a day have; the greater of two that are as frequent."""
    base = int(count.max()) + 1
    keys, times = np.unique(group * base + count, return_counts=True)
    order = np.argsort(times, kind="stable")
    width = np.zeros(groups, dtype=np.int64)
    width[keys[order] // base] = keys[order] % base  # the last one written is the most frequent
    return width


def _chunks(rows: Ints, group: Ints, width: Ints) -> Iterator[Ints]:
    """Frames of whole days with one number of values, about `CHUNK_ROWS` at a time."""
    of = group[rows]
    ends = np.append(np.flatnonzero(of[1:] != of[:-1]) + 1, len(rows))
    begin = 0
    for index, end in enumerate(ends.tolist()):
        last = end == len(rows)
        if last or ends[index + 1] - begin > CHUNK_ROWS or width[of[end]] != width[of[begin]]:
            yield rows[begin:end]
            begin = end


def _add(found: Deviations, used: Floats, values: Values, group: Ints, regime: Ints, by: Limits) -> None:
    """Put in what the frames of some whole days tell, shape (frames, channels)."""
    first = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    days, sizes = group[first], np.diff(np.append(first, len(group)))
    bad: Bools = ~np.asarray((values > by.low) & (values < by.high))
    broken = np.zeros((len(days), values.shape[1]), dtype=np.bool_)
    if bad.any():
        broken = np.add.reduceat(bad, first, axis=0, dtype=np.int64) * 2 > sizes[:, None]
    whole: Bools = ~np.asarray(broken.any(axis=1))
    of = np.repeat(np.arange(len(days)), sizes)
    _add_days(found, used, values, bad, days, of, regime, np.flatnonzero(whole[of]), np.arange(values.shape[1]))
    for day in np.flatnonzero(~whole).tolist():
        kept = np.flatnonzero(~broken[day])
        if len(kept) > 1:
            _add_days(found, used, values, bad, days, of, regime, np.flatnonzero(of == day), kept)


def _add_days(
    found: Deviations,
    used: Floats,
    values: Values,
    bad: Bools,
    days: Ints,
    of: Ints,
    regime: Ints,
    rows: Ints,
    kept: Ints,
) -> None:
    """The same for the days of some frames, all of whose `kept` channels work."""
    whole_width = len(kept) == values.shape[1]
    spoilt = bad[rows] if whole_width else bad[np.ix_(rows, kept)]
    rows = rows[~np.asarray(spoilt.any(axis=1))]
    if not len(rows):
        return
    if whole_width:
        part = values if len(rows) == len(values) else values[rows]
    else:
        part = values[np.ix_(rows, kept)]
    of, regime = of[rows], regime[rows]
    spread = (part.max(axis=1) - part.min(axis=1)).astype(np.float64)
    first = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]]))
    day = days[of[first]]
    used[day] = np.diff(np.append(first, len(of)))
    found.spread_mean[day] = np.add.reduceat(spread, first) / used[day]
    found.spread_max[day] = np.maximum.reduceat(spread, first)
    difference = part - np.median(part, axis=1)[:, None]
    means = [_means(found, index, difference, days, of, regime == index, kept) for index in range(len(found.frames))]
    if len(means) > 1:
        _put_lowest(found.sag, found.sag_at, days, means[1] - means[0], kept)


def _means(
    found: Deviations, index: int, difference: Values, days: Ints, of: Ints, here: Bools, kept: Ints
) -> NDArray[Any]:
    """Mean deviation of each channel in a regime by day, put into what is found; NaN where too few frames tell it."""
    means = np.full((len(days), len(kept)), np.nan)
    rows = np.flatnonzero(here)
    if not len(rows):
        return means
    of = of[rows]
    first = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]]))
    sizes = np.diff(np.append(first, len(of)))
    sums = np.add.reduceat(difference if len(rows) == len(difference) else difference[rows], first, axis=0, dtype=float)
    found.frames[index, days[of[first]]] = sizes
    enough = sizes >= LEAST_FRAMES
    at = of[first][enough]
    means[at] = sums[enough] / sizes[enough, None]
    _put_lowest(found.low[index], found.low_at[index], days, means, kept)
    _put_lowest(found.high[index], found.high_at[index], days, -means, kept)
    known = days[at]
    found.high[index, known] *= -1.0
    centre = np.median(means[at], axis=1)[:, None]
    found.sigma[index, known] = _ROBUST * np.median(np.abs(means[at] - centre), axis=1)
    return means


def _put_lowest(value: Floats, number: Floats, days: Ints, means: NDArray[Any], kept: Ints) -> None:
    """Each day's lowest mean and the number of its channel, from 1; days whose means are NaN stay as they are."""
    known = np.flatnonzero(np.isfinite(means[:, 0]))
    lowest = np.argmin(means[known], axis=1)
    value[days[known]] = means[known, lowest]
    number[days[known]] = kept[lowest] + 1.0
