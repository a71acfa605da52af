"""A temperature probe against the others, and against its own history. Compiled.

A probe's deviation from the median probe is explained by how far the pack is from the air and from the coolant, and by
the squared rate: some places are cooled better than others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.cusum import summed, suspect, verdict
from twinpack.detect.cells.deviation import counted
from twinpack.detect.cells.history import ENOUGH_BLOCKS, WORST
from twinpack.detect.cells.linear import add_row, cleared, faded, inverted, product, quadratic
from twinpack.detect.cells.segments import LEARNED_DAYS
from twinpack.detect.cells.state import (
    DAYS,
    OUTLIER,
    OVER_AIR,
    OVER_COOLANT,
    PROBE_BLOCKS,
    PROBE_COEFFICIENT,
    PROBE_CUSUM,
    PROBE_FEATURES,
    PROBE_LEVELS,
    PROBE_MOVED,
    PROBE_ONSET,
    PROBE_S,
    PROBE_SCATTER,
    PROBE_SINCE,
    PROBE_SINCE_ONSET,
    PROBE_STREAK,
    PROBE_V,
    PROBE_WEIGHT,
    SHIFTED,
    WARMED,
)
from twinpack.detect.cells.tracks import ALARM, BETWEEN, IN_PROBES, NORMAL, WATCH, judged, middle_and_scale, shown
from twinpack.filters.kernels import kernel

_PRIOR = np.full(PROBE_FEATURES, 0.04)
"""In blocks of 0.2 K: 1 K of offset, 1 K for 10 K over air or coolant, 1 K at 1 C."""
_LEAST_PROBES = 3
_MEMORY_BLOCKS = 500.0
"""The scatter of a probe is learned slowly: one that creeps for weeks must not widen it meanwhile."""
_CLIP = 3.0


@kernel
def take_probes(
    mean: Any, block: Any, place: int, values: Any, seconds: float, air_c: float, coolant_c: float, rate: float
) -> float:
    """Take the temperatures of a sample; gives their mean, NaN of none.

    Args:
        mean: `probe_mean` of the vehicle, written in place.
        block: `probe_block`, written in place.
        place: 0 at rest, 1 else.
        values: Temperatures, °C, NaN for masked ones.
        seconds: How long the sample stands for.
        air_c: Temperature of the air, NaN where unknown.
        coolant_c: Temperature of the coolant, NaN where it is unknown or does not flow.
        rate: C-rate.
    """
    total, many = 0.0, 0
    for value in values:
        if value == value:
            total += value
            many += 1
    if many == 0:
        return np.nan
    middle = total / many
    if seconds > 0.0:
        sums, behind = block[PROBE_V + place], block[PROBE_S + place]
        for probe in range(len(values)):
            if values[probe] == values[probe]:
                sums[probe] += seconds * (values[probe] - middle)
                behind[probe] += seconds
        mean[place, PROBE_WEIGHT] += seconds
        mean[place, OVER_AIR] += seconds * 0.1 * (middle - air_c) if air_c == air_c else 0.0
        mean[place, OVER_COOLANT] += seconds * 0.1 * (middle - coolant_c) if coolant_c == coolant_c else 0.0
        mean[place, WARMED] += seconds * min(rate * rate, 4.0) if rate == rate else 0.0
    return middle


@kernel
def learn_probes(normal: Any, fit: Any, own: Any, keep: float) -> None:
    """At the end of a day: the probes' own histories anew, and a little forgotten."""
    faded(normal, keep)
    faded(fit, keep)
    inverse = inverted(normal, _PRIOR, PROBE_FEATURES)
    for probe in range(fit.shape[1]):
        for place in range(PROBE_FEATURES):
            own[PROBE_COEFFICIENT + place, probe] = product(inverse, place, fit, probe)


@kernel
def judge_probes(
    clock: Any,
    totals: Any,
    mean: Any,
    normal: Any,
    block: Any,
    fit: Any,
    own: Any,
    count: Any,
    when: Any,
    gates: Any,
    start: int,
    out: Any,
    told: int,
) -> int:
    """Close the block of a vehicle's probes, and begin another.

    Args:
        clock: `clock` of the vehicle.
        totals: `totals`; it and the next seven are written in place.
        mean: `probe_mean`.
        normal: `probe_normal`.
        block: `probe_block`.
        fit: `probe_fit`.
        own: `probe_own`.
        count: `probe_count`.
        when: `probe_when`.
        gates: `CellSettings`.
        start: Start of the block, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    probes = block.shape[1]
    if probes < _LEAST_PROBES:
        return told
    value, work, features = np.empty(probes), np.empty(probes), np.ones(PROBE_FEATURES)
    for active in range(2):
        weight = mean[active, PROBE_WEIGHT]
        if weight < gates.block_enough_s:
            continue
        for probe in range(probes):
            seconds = block[PROBE_S + active, probe]
            value[probe] = block[PROBE_V + active, probe] / seconds if seconds >= gates.block_enough_s else np.nan
        centre, scale, many = middle_and_scale(value, work)
        if many < _LEAST_PROBES:
            continue
        for probe in range(probes):
            value[probe] -= centre
        told = _judge_outliers(active, max(scale, gates.probe_floor_k), value, count, when, gates, start, out, told)
        for place in range(1, PROBE_FEATURES):
            features[place] = mean[active, place] / weight
        if clock[DAYS] >= LEARNED_DAYS:
            judging = clock[DAYS] >= gates.learning_days
            told = _judge_shifts(totals, normal, features, value, own, count, when, gates, judging, start, out, told)
        add_row(normal, features, 1.0)
        for row in range(PROBE_FEATURES):
            for probe in range(probes):
                fit[row, probe] += features[row] * value[probe] if value[probe] == value[probe] else 0.0
    cleared(mean)
    cleared(block)
    return told


@kernel
def _judge_outliers(
    active: int, scale: float, value: Any, count: Any, when: Any, gates: Any, start: int, out: Any, told: int
) -> int:
    """Count bad blocks of one regime. What is bad in one is not normal because of the other."""
    limit = gates.probe_alarm_k * (gates.probe_active_factor if active else 1.0)
    levels, since, heal = count[PROBE_LEVELS:], when[PROBE_SINCE:], int(gates.heal_blocks)
    streaks, others = count[PROBE_STREAK + active], count[PROBE_STREAK + 1 - active]
    for probe in range(len(value)):
        if value[probe] != value[probe]:
            continue
        size, sign = abs(value[probe]), 1 if value[probe] > 0.0 else -1
        streaks[probe] = counted(streaks[probe], size >= limit and size / scale >= gates.probe_alarm_z, sign)
        want = NORMAL
        if abs(streaks[probe]) >= gates.probe_blocks:
            want = ALARM
        elif streaks[probe] != 0:
            want = WATCH
        elif others[probe] != 0 or size >= gates.normal_part * limit:
            want = BETWEEN
        if want != NORMAL or levels[OUTLIER, probe] != NORMAL:
            blocks = abs(streaks[probe])
            figures = shown(value[probe] / scale, value[probe], scale, active, blocks, np.nan, np.nan, np.nan)
            told = judged(levels, since, 2, IN_PROBES, OUTLIER, probe, want, start, heal, figures, out, told)
    return told


@kernel
def _judge_shifts(
    totals: Any,
    normal: Any,
    features: Any,
    value: Any,
    own: Any,
    count: Any,
    when: Any,
    gates: Any,
    judging: bool,
    start: int,
    out: Any,
    told: int,
) -> int:
    """Judge probes by their own histories; `value` becomes what they teach those, without what may be a shift."""
    probes, blocks = len(value), totals[PROBE_BLOCKS]
    left, z, work = value.copy(), np.empty(probes), np.empty(probes)
    for place in range(PROBE_FEATURES):
        for probe in range(probes):
            left[probe] -= features[place] * own[PROBE_COEFFICIENT + place, probe]
    middle, _, many = middle_and_scale(left, work)
    for probe in range(probes):
        left[probe] -= middle
    far = 1.0 + quadratic(inverted(normal, _PRIOR, PROBE_FEATURES), features)
    floor = gates.probe_shift_floor_k**2
    scatter = own[PROBE_SCATTER]
    for probe in range(probes):
        known = scatter[probe] > 0.0 and blocks >= ENOUGH_BLOCKS
        z[probe] = left[probe] / np.sqrt(max(scatter[probe], floor) * far) if known else np.nan
    _, spread, many = middle_and_scale(z, work)
    wide, rate = max(spread, 1.0), 1.0 / min(blocks + 1.0, _MEMORY_BLOCKS)
    cusum, moved = own[PROBE_CUSUM : PROBE_CUSUM + 2], own[PROBE_MOVED : PROBE_MOVED + 2]
    onset, since_onset = when[PROBE_ONSET : PROBE_ONSET + 2], count[PROBE_SINCE_ONSET : PROBE_SINCE_ONSET + 2]
    levels, since, heal = count[PROBE_LEVELS:], when[PROBE_SINCE:], int(gates.heal_blocks)
    alarm_k, watch_k = gates.probe_shift_alarm_k, gates.probe_shift_watch_k
    for probe in range(probes):
        if left[probe] != left[probe]:
            continue
        if judging and z[probe] == z[probe] and many >= _LEAST_PROBES:
            summed(cusum, moved, onset, since_onset, probe, gates, z[probe] / wide, left[probe], start)
            side = 0 if cusum[0, probe] >= cusum[1, probe] else 1
            total, size, since_then = cusum[side, probe], moved[side, probe], since_onset[side, probe]
            want = verdict(total, since_then, size, gates, alarm_k, watch_k)
            if want != NORMAL or levels[SHIFTED, probe] != NORMAL:
                begun = onset[side, probe] if want > NORMAL else start
                spread_k = np.sqrt(scatter[probe])
                figures = shown(z[probe] / wide, size, spread_k, total, since_then, np.nan, np.nan, np.nan)
                told = judged(levels, since, 2, IN_PROBES, SHIFTED, probe, want, begun, heal, figures, out, told)
        expected = value[probe] - left[probe]
        if suspect(cusum, probe, gates):
            value[probe] = expected
            continue
        new = left[probe] ** 2 / far
        if scatter[probe] > 0.0:
            most = _CLIP * np.sqrt(max(scatter[probe], floor))
            value[probe] = expected + min(max(left[probe], -most), most)
            new = scatter[probe] + rate * (min(new, WORST * max(scatter[probe], floor)) - scatter[probe])
        scatter[probe] = new
    totals[PROBE_BLOCKS] += 1.0
    return told
