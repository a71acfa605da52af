"""Thresholds of the cell anomalies, each a field, so that what hangs on one can be tried."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np


class CellSettings(NamedTuple):
    """What counts as a cell, a probe or a cooling system gone wrong. Times in the unit of their name.

    Attributes:
        segment_s: Means of this length are what regressions are fed.
        block_s: Blocks, counted from the epoch, over which deviations are judged; a multiple of `segment_s`.
        rest_c_rate: At or below this rate no current flows.
        active_c_rate: At or above this rate a pack is under load or in charge.
        rest_settle_s: Rest counts after this long without current.
        charge_settle_s: Charge counts after this long of it.
        hold_active_s: Longest time a sample under current stands for.
        hold_rest_s: Longest time a sample at rest stands for.
        block_enough_s: A block of a regime with less is not judged.
        deviation_floor_v: Least robust scale of deviations within a pack.
        deviation_alarm_z: Robust z from which on a block of a cell is bad.
        deviation_alarm_v: Deviation from the pack's median from which on it is bad.
        deviation_alarm_blocks: Bad blocks in a row of one regime for an alarm; fewer are a watch.
        deviation_slope_v: Where the open-circuit voltage is steeper than this, V a unit of charge, deviations may be
            larger in proportion.
        deviation_rate_v: What honest differences of resistance make at 1 C and 25 °C: under current deviations may be
            larger by so much a rate.
        deviation_watch_z: The same, for a watch.
        deviation_watch_v: The same, for a watch.
        deviation_watch_blocks: The same, for a watch.
        normal_part: Below this part of the watch's deviation a block is normal; between, nothing changes.
        heal_blocks: Normal blocks after which a finding is gone.
        learning_days: Days with data before a cell is judged by its own history.
        forget_days: Time constant of a cell's own history.
        shift_floor_v: Least scatter of a cell's blocks.
        shift_slack: Allowance of the CUSUM, in scatters.
        shift_limit: Decision limit of the CUSUM, in scatters.
        shift_clip: Largest weight of one block in the CUSUM, in scatters.
        shift_alarm_v: Mean shift since its onset from which on it is an alarm.
        shift_watch_v: The same, for a watch.
        shift_blocks: Blocks since its onset before it is told.
        row_correlation: Segments in a row that tell about as much as one.
        trend_z: Robust z of a cell's capacity or self-discharge among its pack's cells.
        trend_t: Figure over its own standard error.
        trend_days: Judgements (one a day with data) in a row for an alarm.
        capacity_alarm: Capacity below the median cell's, as a fraction, for an alarm.
        capacity_watch: The same, for a watch.
        capacity_floor: Least robust scale of relative capacities.
        capacity_change: Loss against the cell's own history for an alarm.
        resistance_z: Robust z of a cell's resistance: cells at busbars differ honestly.
        resistance_alarm_v: Voltage at 1 C and 25 °C beyond the median cell's, for an alarm.
        resistance_watch_v: The same, for a watch.
        resistance_change_v: Growth against the cell's own history for an alarm.
        resistance_floor_v: Least robust scale of those.
        selfdischarge_alarm: Loss of charge against the median cell, as a fraction of capacity a day, for an alarm.
        selfdischarge_watch: The same, for a watch.
        selfdischarge_floor: Least robust scale of those.
        selfdischarge_days: Days of data behind a slope.
        slope_information_v: Least mean slope of the open-circuit voltage, V a unit of charge, where charge shows.
        spread_watch_v_month: Growth of the spread of cells at rest for a watch.
        spread_alarm_v_month: The same, for an alarm.
        spread_least_v: A smaller spread is no finding.
        probe_settle_s: Probes at rest count after this long without current.
        probe_forget_days: Time constant of a probe's own history.
        probe_floor_k: Least robust scale of probes, and least scatter of one.
        probe_alarm_z: Robust z from which on a block of a probe is bad.
        probe_alarm_k: Deviation from the median probe, at rest, from which on it is bad.
        probe_active_factor: Under current that deviation is this much larger.
        probe_blocks: Bad blocks in a row.
        probe_shift_floor_k: Least scatter of a probe's blocks against its own history.
        probe_shift_alarm_k: Mean shift of a probe against its own history for an alarm.
        probe_shift_watch_k: The same, for a watch.
        cooling_c_rate: A slower charge tells nothing of the cooling, which may be off.
        cooling_least_k: A step with less than this between pack and coolant tells nothing of the cooling.
        cooling_alarm: Fall of the heat taken away per kelvin, as a fraction of what it was, for an alarm.
        cooling_watch: The same, for a watch.
        cooling_t: That fall over its own standard error.
        cooling_cusum: Decision limit of the CUSUM over steps, in scatters.
        cooling_recent_steps: Steps of five minutes that are recent.
        cooling_memory_steps: Steps that are remembered.
    """

    segment_s: float = 1800.0
    block_s: float = 21_600.0
    rest_c_rate: float = 0.02
    active_c_rate: float = 0.05
    rest_settle_s: float = 300.0
    charge_settle_s: float = 120.0
    hold_active_s: float = 120.0
    hold_rest_s: float = 1800.0
    block_enough_s: float = 600.0
    deviation_floor_v: float = 0.003
    deviation_alarm_z: float = 5.0
    deviation_alarm_v: float = 0.015
    deviation_alarm_blocks: float = 2.0
    deviation_slope_v: float = 1.0
    deviation_rate_v: float = 0.02
    deviation_watch_z: float = 4.0
    deviation_watch_v: float = 0.012
    deviation_watch_blocks: float = 3.0
    normal_part: float = 0.75
    heal_blocks: float = 12.0
    learning_days: float = 10.0
    forget_days: float = 30.0
    shift_floor_v: float = 0.0012
    shift_slack: float = 2.0
    shift_limit: float = 10.0
    shift_clip: float = 5.0
    shift_alarm_v: float = 0.0075
    shift_watch_v: float = 0.005
    shift_blocks: float = 4.0
    row_correlation: float = 8.0
    trend_z: float = 5.0
    trend_t: float = 6.0
    trend_days: float = 3.0
    capacity_alarm: float = 0.028
    capacity_watch: float = 0.02
    capacity_floor: float = 0.0045
    capacity_change: float = 0.013
    resistance_z: float = 8.0
    resistance_alarm_v: float = 0.012
    resistance_watch_v: float = 0.008
    resistance_change_v: float = 0.015
    resistance_floor_v: float = 0.002
    selfdischarge_alarm: float = 0.0004
    selfdischarge_watch: float = 0.0003
    selfdischarge_floor: float = 0.00006
    selfdischarge_days: float = 14.0
    slope_information_v: float = 0.2
    spread_watch_v_month: float = 0.005
    spread_alarm_v_month: float = 0.02
    spread_least_v: float = 0.03
    probe_settle_s: float = 3600.0
    probe_forget_days: float = 120.0
    probe_floor_k: float = 0.7
    probe_alarm_z: float = 5.0
    probe_alarm_k: float = 5.0
    probe_active_factor: float = 1.6
    probe_blocks: float = 2.0
    probe_shift_floor_k: float = 0.12
    probe_shift_alarm_k: float = 0.7
    probe_shift_watch_k: float = 0.5
    cooling_c_rate: float = 0.4
    cooling_least_k: float = 1.5
    cooling_alarm: float = 0.5
    cooling_watch: float = 0.42
    cooling_t: float = 4.5
    cooling_cusum: float = 8.0
    cooling_recent_steps: float = 20.0
    cooling_memory_steps: float = 150.0


@lru_cache(maxsize=64)
def gates_of(settings: CellSettings) -> Any:
    """Settings as one record, which compiled code is handed by its address."""
    kind = np.dtype([(name, np.float64) for name in CellSettings._fields])
    return np.array([tuple(settings)], dtype=kind)[0]


def varied(settings: CellSettings, part: float = 0.25) -> Iterator[tuple[str, float, CellSettings]]:
    """The settings with one threshold lower or higher at a time: its name, the factor, and all of them.

    Args:
        settings: Where to start.
        part: By how much, as a part of each.
    """
    for name in CellSettings._fields:
        for factor in (1.0 - part, 1.0 + part):
            yield name, factor, settings._replace(**{name: factor * getattr(settings, name)})
