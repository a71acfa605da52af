"""Samples made for tests: rows of a log of several vehicles, and what the codes make of them in any split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from twinpack.battery.pack import load_pack
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import PackRules, parse_rules
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import ListValues

PACK = load_pack("sim_nmc_96s")
SIGNALS = ("pack_current_a", "speed_kmh", "is_charging")
TICK = -1
START = 1_700_000_000.0

Row = tuple[int, float, float, Mapping[str, float]]
"""Vehicle (`TICK` for a tick), sample time and receipt time in seconds, and what is known."""


def rule(
    code: str = "T1", condition: str = "cell_v_max > 4", debounce_s: float = 3, severity: int = 3, **more: Any
) -> str:
    """One rule as TOML."""
    fields = {"code": code, "name": code, "description": "made", "condition": condition}
    fields |= {"debounce_s": debounce_s, "severity": severity} | more
    return "[[rule]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def pack_rules(*texts: str) -> PackRules:
    """Rules of `PACK`."""
    return parse_rules("\n".join(texts)).for_pack(PACK)


def microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def batch(rows: Sequence[Row], first_offset: int, newest: dict[int, int]) -> tuple[Frames, dict[str, Any], Ticks]:
    """Rows of the log as the codes are given them; `newest` is the time of each vehicle's newest sample."""
    order = sorted((vehicle, at) for at, (vehicle, *_) in enumerate(rows) if vehicle != TICK)
    lane = np.array([vehicle for vehicle, _ in order], np.int32)
    taken = [rows[at] for _, at in order]
    time = [microseconds(one[1]) for one in taken]
    before = []
    for vehicle, at in zip(lane.tolist(), time, strict=True):
        before.append(newest.get(vehicle, NEVER))
        newest[vehicle] = at
    known = {name for one in taken for name in one[3]} | set(SIGNALS)
    values = {name: np.array([one[3].get(name, np.nan) for one in taken], np.float64) for name in sorted(known)}
    frames = Frames(
        lane=lane,
        time_us=np.array(time, np.int64),
        before_us=np.array(before, np.int64),
        receipt_us=np.array([microseconds(one[2]) for one in taken], np.int64),
        offset=np.array([first_offset + at for _, at in order], np.int64),
        signals={name: values[name] for name in SIGNALS},
        cells=ListValues.none(len(taken)),
        probes=ListValues.none(len(taken)),
    )
    ticks = [(first_offset + at, microseconds(one[2])) for at, one in enumerate(rows) if one[0] == TICK]
    told = np.array(ticks, np.int64).reshape(-1, 2)
    return frames, values, Ticks(told[:, 0], told[:, 1])


def run(
    rules: PackRules, rows: Sequence[Row], vehicles: int = 1, cuts: Sequence[int] = (), state: CodesState | None = None
) -> tuple[CodesState, list[Finding]]:
    """Take rows in batches that end at `cuts`."""
    state = CodesState.empty(vehicles, rules=len(rules)) if state is None else state
    newest = {lane: int(at) for lane, at in enumerate(state.last_us) if at != NEVER}
    findings: list[Finding] = []
    edges = [0, *sorted(cuts), len(rows)]
    for start, stop in pairwise(edges):
        frames, values, ticks = batch(rows[start:stop], start, newest)
        state, more = codes(state, frames, values, ticks, rules)
        findings += more
    return state, findings


def steady(seconds: float, period: float, start: float = 0.0, vehicle: float = 0, **values: float) -> list[Row]:
    """Samples of one vehicle that show the same for some time, the first at `start`."""
    count = round(seconds / period)
    return [(int(vehicle), START + start + at * period, START + start + at * period, values) for at in range(count)]


def same(a: CodesState, b: CodesState) -> bool:
    """Whether two states are the same, bit for bit."""
    return all(values.tobytes() == b.arrays()[name].tobytes() for name, values in a.arrays().items())
