"""Trouble codes of a fleet: 25 rules over 10,000 vehicles, beside the same rules in plain Python and in a data frame.

The samples come as a live stream or a backfill brings them, ten of each vehicle in a batch. All three are asked when
each test first failed, and must say the same before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache

import numpy as np

from benchmarks.by_groups import failed_by_groups
from benchmarks.by_rows import failed_by_rows
from benchmarks.result import Result, seconds_side_by_side
from twinpack.battery.pack import load_pack
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import PackRules, parse_rules, shipped_rules
from twinpack.telemetry.arrivals import NEVER, Ints, Lanes
from twinpack.telemetry.batch import Floats, ListValues

VEHICLES, SAMPLES, BATCHES, RULES = 10_000, 10, 5, 25
PERIOD_US = 10_000_000
LOOPED = 100
"""Vehicles that plain Python is given: it takes as long for each."""

_CALM: dict[str, tuple[float, float]] = {
    "cell_v_max": (3.95, 0.02),
    "cell_v_min": (3.90, 0.02),
    "cell_v_median": (3.92, 0.02),
    "cell_v_spread": (0.02, 0.005),
    "cell_drop": (0.001, 0.0005),
    "pack_voltage_v": (376.0, 1.0),
    "pack_current_a": (-40.0, 15.0),
    "c_rate": (-0.27, 0.1),
    "temp_max_c": (30.0, 1.0),
    "temp_min_c": (25.0, 1.0),
    "temp_rate_k_s": (0.0, 0.01),
    "coolant_temp_c": (26.0, 0.5),
    "isolation_ohm_per_v": (2000.0, 100.0),
    "soc_pct": (60.0, 5.0),
    "capacity_health_pct": (93.0, 0.1),
    "resistance_ratio": (1.1, 0.01),
    "is_charging": (0.0, 0.0),
    "contactors_closed": (1.0, 0.0),
    "hv_interlock_closed": (1.0, 0.0),
    "link_voltage_v": (376.0, 1.0),
}
"""Mean and deviation of what a sound vehicle shows."""
_FAULTS: dict[str, float] = {
    "cell_v_max": 4.3,
    "cell_v_spread": 0.2,
    "temp_max_c": 62.0,
    "isolation_ohm_per_v": 80.0,
    "soc_pct": 4.0,
    "hv_interlock_closed": 0.0,
    "pack_current_a": -520.0,
}
"""What one vehicle in fifty shows for a while."""

Batch = tuple[Frames, Mapping[str, Floats]]
Rows = tuple[Lanes, Ints, dict[str, Floats]]
"""Samples by vehicle and time: vehicle, time in µs, and what they show."""


def samples_per_second() -> Result:
    """Samples a second through all rules, beside a group-by over a data frame."""
    rules, batches = made()
    whole = joined(batches)
    seconds, baseline = seconds_side_by_side(
        lambda: run(rules, batches), lambda: failed_by_groups(rules, *whole), rounds=3
    )
    rows = len(whole[0])
    return Result(rows / seconds, "samples/s", rows / baseline)


def beside_plain_python() -> Result:
    """The same beside plain Python, one vehicle and one sample after the other."""
    rules, batches = made()
    whole = joined(batches)
    few = _of_first(whole)
    run(rules, batches)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        start = time.perf_counter()
        run(rules, batches)
        times[0].append(time.perf_counter() - start)
        start = time.perf_counter()
        failed_by_rows(rules, *few)
        times[1].append(time.perf_counter() - start)
    ours, theirs = (sorted(taken)[1] for taken in times)
    return Result(len(whole[0]) / ours, "samples/s", len(few[0]) / theirs)


@cache
def made() -> tuple[PackRules, list[Batch]]:
    """Rules and batches, once it is sure that all three ways say the same of them."""
    rules, batches = rules_of(RULES), [batch(number, VEHICLES) for number in range(BATCHES)]
    whole = joined(batches)
    ours = first_failures(run(rules, batches))
    if ours != failed_by_groups(rules, *whole) or len(ours) < VEHICLES // 100:
        raise AssertionError("the data frame says otherwise")
    few = {key: at for key, at in ours.items() if key[0] < LOOPED}
    if few != failed_by_rows(rules, *_of_first(whole)) or not few:
        raise AssertionError("plain Python says otherwise")
    return rules, batches


def rules_of(count: int) -> PackRules:
    """The first of the shipped rules that are judged by samples."""
    shipped = parse_rules(shipped_rules()).for_pack(load_pack("sim_nmc_96s"))
    return PackRules(tuple(one for one in shipped.rules if not one.rule.of_silence)[:count])


def run(rules: PackRules, batches: list[Batch]) -> list[Finding]:
    """Everything that detection by rules does, batch by batch."""
    state = CodesState.empty(int(batches[0][0].lane[-1]) + 1, rules=len(rules))
    findings: list[Finding] = []
    for frames, quantities in batches:
        state, more = codes(state, frames, quantities, Ticks.none(), rules)
        findings += more
    return findings


def first_failures(findings: list[Finding]) -> dict[tuple[int, str], int]:
    """Sample time at which each test of each vehicle first failed, µs."""
    first: dict[tuple[int, str], int] = {}
    for one in findings:
        if one.change in ("pending", "raised"):
            first.setdefault((one.lane, one.code), one.time_us)
    return first


def joined(batches: list[Batch]) -> Rows:
    """The samples of all batches."""
    lane = np.concatenate([frames.lane for frames, _ in batches])
    at_us = np.concatenate([frames.time_us for frames, _ in batches])
    order = np.lexsort((at_us, lane))
    columns = {name: np.concatenate([values[name] for _, values in batches])[order] for name in batches[0][1]}
    return lane[order], at_us[order], columns


def _of_first(whole: Rows) -> Rows:
    """The samples of the vehicles that plain Python is given."""
    few = np.flatnonzero(whole[0] < LOOPED)
    return whole[0][few], whole[1][few], {name: values[few] for name, values in whole[2].items()}


def batch(number: int, vehicles: int) -> Batch:
    """Ten samples of each vehicle."""
    draw = np.random.default_rng(number)
    rows = vehicles * SAMPLES
    lane = np.repeat(np.arange(vehicles, dtype=np.int32), SAMPLES)
    at = np.tile(np.arange(SAMPLES) + number * SAMPLES, vehicles)
    columns = {name: draw.normal(mean, sd, rows) for name, (mean, sd) in _CALM.items()}
    for which, (name, value) in enumerate(_FAULTS.items()):
        faulty = (lane % (50 * len(_FAULTS)) == 50 * which) & (at >= 3 + lane % 7) & (at < 30 + lane % 11)
        columns[name][faulty] = value
    time_us = at * PERIOD_US
    frames = Frames(
        lane=lane,
        time_us=time_us,
        before_us=np.where(at > 0, time_us - PERIOD_US, NEVER),
        receipt_us=time_us,
        offset=np.arange(rows) + number * rows,
        signals={name: columns[name] for name in ("pack_current_a", "is_charging")},
        cells=ListValues.none(rows),
        probes=ListValues.none(rows),
    )
    return frames, columns
