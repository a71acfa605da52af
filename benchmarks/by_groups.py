"""Trouble codes by group-bys over a data frame, as an analyst does it: masks over all rows, runs by cumulative sums.

Each rule is one mask and three group-bys. Every quantity must be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twinpack.detect.rules import PackRules
from twinpack.telemetry.arrivals import Bools, Ints, Lanes
from twinpack.telemetry.batch import Floats


def failed_by_groups(
    rules: PackRules, lane: Lanes, at_us: Ints, columns: Mapping[str, Floats]
) -> dict[tuple[int, str], int]:
    """Sample time at which each test of each vehicle first failed, µs; samples are by vehicle and time."""
    import pandas as pd

    frame = pd.DataFrame({"vehicle": lane, "at_us": at_us, **columns})
    names = {name: frame[name].to_numpy() for name in columns}
    frame["since_us"] = frame.groupby("vehicle")["at_us"].diff()
    first: dict[tuple[int, str], int] = {}
    for one in rules.rules:
        fails, _ = one.judge(names)
        runs = np.ones(len(frame), np.bool_) if one.judge_when is None else one.judge_when(names)[0]
        first |= _first(frame, fails, runs, one.rule.debounce_us, one.rule.hold_us, one.rule.code)
    return first


def _first(
    frame: Any, fails: Bools, runs: Bools, debounce_us: int, hold_us: int, code: str
) -> dict[tuple[int, str], int]:
    work = frame[["vehicle", "at_us", "since_us"]].assign(fails=fails & runs, passes=~fails & runs)
    work["failed_before"] = work.groupby("vehicle")["fails"].shift(fill_value=False)
    work["run"] = work.groupby("vehicle")["passes"].cumsum()
    counts = work["fails"] & work["failed_before"]
    work["stood"] = work["since_us"].clip(upper=hold_us).where(counts, 0.0)
    work["failing_us"] = work.groupby(["vehicle", "run"])["stood"].cumsum()
    tripped = work[work["fails"] & (work["failing_us"] >= debounce_us)]
    found = tripped.groupby("vehicle")["at_us"].min()
    return {(int(vehicle), code): int(at) for vehicle, at in found.items()}
