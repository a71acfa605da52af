"""100,000 vehicles looked ahead for ten years, month by month, with intervals, against one vehicle after the other.

All of it counts: each vehicle's posterior out of its history of four years, 128 lives of each, quantiles of capacity
and resistance in 120 months, dates of two ends of life. It is measured in a process of its own, on one core.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.result import Result
from twinpack.battery.laws import law_named
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.stress import MONTHS, Stress, Usage
from twinpack.forecast.outlook import LEVELS, outlook
from twinpack.learn.ageing import AgeingModel, Histories, Rates, learn_ageing

VEHICLES, AHEAD = 100_000, 120
LOOPED = 100
"""Vehicles that the loop is timed on; its time is scaled to all."""

MOST_MB = 4096.0
_LAW, _LIVED, _POINTS, _KINDS = "schmalstieg-nmc", 48, 24, 500


@dataclass(frozen=True)
class Taken:
    """Seconds of both, of all vehicles, and the most memory that ours held, MB."""

    seconds: float
    loop_seconds: float
    memory_mb: float


def vehicles_per_s() -> Result:
    """Vehicles looked ahead in a second."""
    taken = measured()
    return Result(VEHICLES / taken.seconds, "vehicles/s", VEHICLES / taken.loop_seconds)


def seconds() -> Result:
    """Seconds for all of them."""
    taken = measured()
    return Result(taken.seconds, "s", taken.loop_seconds, higher_is_better=False)


def memory() -> Result:
    """Most memory that the process held, beside what it may hold, MB."""
    return Result(measured().memory_mb, "MB", MOST_MB, higher_is_better=False)


@cache
def measured() -> Taken:
    """Both measured, in a process whose memory is its own."""
    command = [sys.executable, "-m", "benchmarks.forecast"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return Taken(**json.loads(told.stdout.splitlines()[-1]))


def fleet(vehicles: int) -> tuple[Histories, Usage, PackSpec]:
    """Vehicles of `_KINDS` different lives, over and over."""
    pack, chance = load_pack("sim_nmc_96s"), np.random.default_rng(1)
    usage = Usage(
        temp_c=12.0
        - 9.0 * np.cos(2.0 * np.pi * (np.arange(MONTHS)[:, None] + 0.5) / MONTHS)
        + chance.normal(0, 3, _KINDS),
        parked_soc=chance.uniform(0.4, 0.85, _KINDS),
        cycled_soc=chance.uniform(0.4, 0.75, _KINDS),
        depth=chance.uniform(0.25, 0.65, _KINDS),
        c_rate=np.full(_KINDS, 0.4),
        fast_share=chance.uniform(0.0, 0.7, _KINDS),
        cycles_per_day=chance.uniform(0.1, 0.3, _KINDS),
        km_per_day=chance.uniform(20.0, 60.0, _KINDS),
    )
    stress = usage.months(600, _LIVED)
    law = law_named(_LAW)
    scale = np.exp(0.25 * chance.standard_normal((2, _KINDS)) - 0.3)
    lost = sum(scale[k] * np.cumsum(p.passed(stress, pack.ocv), axis=0) ** p.power for k, p in enumerate(law.capacity))
    gain = sum(np.cumsum(p.passed(stress, pack.ocv), axis=0) ** p.power for p in law.resistance)
    rows = np.linspace(1, _LIVED - 1, _POINTS).astype(int)
    noise = chance.standard_normal((2, _POINTS, _KINDS))
    sd = np.full((_POINTS, _KINDS), 0.008)
    histories = Histories(
        tuple(map(str, range(_KINDS))),
        600,
        Stress(**{name: np.asarray(getattr(stress, name)) for name in Stress.__dataclass_fields__}),
        np.repeat(rows[:, None] + 1.0, _KINDS, axis=1),
        1.0 - np.asarray(lost)[rows] + 0.008 * noise[0],
        sd,
        1.0 + np.asarray(gain)[rows] + 0.02 * noise[1],
        2.5 * sd,
    )
    which = (np.arange(vehicles) % _KINDS).tolist()
    return histories.take(which), usage.take(which), pack


def looped(model: AgeingModel, rates: Rates, usage: Usage, pack: PackSpec) -> None:
    """A vehicle, then the next: random lives by the law in plain NumPy, quantiles of each month."""
    law, chance = law_named(model.law), np.random.default_rng(1)
    for v in range(len(rates.vehicle_ids)):
        stress = usage.take([v]).months(rates.month, AHEAD)
        for parts, mean, cov, passed, sign in (
            (law.capacity, rates.mean[:, v], rates.cov[:, :, v], rates.passed[:2, v], -1.0),
            (law.resistance, rates.resistance_mean[:, v], rates.resistance_cov[:, :, v], rates.passed[2:, v], 1.0),
        ):
            states = chance.multivariate_normal(mean, cov, 128, check_valid="ignore")
            change = states[:, 3] + np.zeros((AHEAD, 1))
            for k, part in enumerate(parts):
                then = (passed[k] + np.cumsum(part.passed(stress, pack.ocv)[:, 0])) ** part.power
                now, scale = passed[k] ** part.power, np.exp(states[:, 1 + k])
                change = change + scale * (now + (then[:, None] - now) * np.exp(states[:, 4]))
            health = np.exp(states[:, 0]) * (1.0 + sign * change)
            np.quantile(health, LEVELS, axis=1)
            for limit in (0.8, 0.7):
                (health <= limit).argmax(axis=0)


def main() -> None:
    """Measure once and print a line of JSON."""
    few, used, pack = fleet(_KINDS)
    model = learn_ageing(few, pack, _LAW)
    some = model.rates(few.take(list(range(LOOPED))), pack.ocv)
    begin = time.perf_counter()
    looped(model, some, used.take(list(range(LOOPED))), pack)
    loop = (time.perf_counter() - begin) * VEHICLES / LOOPED
    histories, usage, pack = fleet(VEHICLES)
    begin = time.perf_counter()
    outlook(model, model.rates(histories, pack.ocv), usage, pack.ocv, AHEAD)
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    sys.stdout.write(json.dumps({"seconds": took, "loop_seconds": loop, "memory_mb": peak}) + "\n")


if __name__ == "__main__":
    main()
