"""What a step in a code's life is told as: a finding with the samples' figures and the reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twinpack.detect.codes.kernel import (
    AGED,
    DROPPED,
    FIRST,
    HEALED,
    OCCURRENCE,
    RULE,
    SINCE,
    STATUS,
    TURNED_CONFIRMED,
    TURNED_PASSED,
    TURNED_PENDING,
    WHAT,
)
from twinpack.detect.codes.silence import Told
from twinpack.detect.findings import GONE, PASSED, PENDING, RAISED, Change, Finding, Moment
from twinpack.detect.rules import QUANTITIES, PackRule, PackRules
from twinpack.telemetry.arrivals import NEVER, Ints
from twinpack.telemetry.batch import Floats

FRAME = (
    *("soc_pct", "pack_voltage_v", "pack_current_a", "cell_v_min", "cell_v_min_cell", "cell_v_max", "cell_v_max_cell"),
    *("temp_min_c", "temp_max_c", "odometer_km", "speed_kmh", "ambient_temp_c"),
)
"""Quantities of every freeze frame."""

_CHANGES: dict[int, tuple[Change, str]] = {
    TURNED_PENDING: (PENDING, "failed"),
    TURNED_CONFIRMED: (RAISED, "failed"),
    TURNED_PASSED: (PASSED, "passed"),
    HEALED: (GONE, "healed"),
    DROPPED: (GONE, "never confirmed"),
    AGED: (GONE, "aged"),
}


def frame_of(rule: PackRule, quantities: Mapping[str, Floats], row: int) -> dict[str, float]:
    """The freeze frame of a rule at a sample: what is known of it, rounded to seven figures."""
    names = dict.fromkeys((*FRAME, *rule.rule.quantities, *rule.rule.freeze))
    values = {name: float(quantities[name][row]) for name in names if name in quantities}
    return {name: float(f"{value:.7g}") for name, value in values.items() if np.isfinite(value)}


def finding(lane: int, time_us: int, offset: int, event: Ints, rules: PackRules, frame: Mapping[str, float]) -> Finding:
    """What is told of an event of the kernel.

    Args:
        lane: The vehicle.
        time_us: Sample time of what brought it about.
        offset: Its log offset.
        event: The event, shape (8,).
        rules: The rules.
        frame: The freeze frame.
    """
    one = rules.rules[int(event[RULE])]
    change, because = _CHANGES[int(event[WHAT])]
    failing = change in (PENDING, RAISED)
    since_us = int(event[SINCE])
    evidence: dict[str, Any] = {
        "text": told_in_words(one, because, frame if failing else {}),
        "because": because,
        "condition": one.rule.condition.text,
        "limits": {name: _plain(value) for name, value in one.limits.items()},
        "frame": dict(frame),
    }
    if event[FIRST] != NEVER:
        evidence["first_us"] = int(event[FIRST])
    at = Moment(lane, time_us, offset)
    return finding_of(one, at, change, since_us, int(event[STATUS]), int(event[OCCURRENCE]), evidence)


def finding_of(
    one: PackRule, at: Moment, change: Change, since_us: int, status: int, occurrence: int, evidence: Mapping[str, Any]
) -> Finding:
    """The finding that a code changed; one that has no failing sample is since now."""
    return Finding(
        lane=at.lane,
        time_us=at.time_us,
        offset=at.offset,
        code=one.rule.code,
        subject="",
        category=one.rule.category,
        change=change,
        level=one.rule.level,
        severity=one.rule.severity,
        since_us=at.time_us if since_us == NEVER else since_us,
        status=status,
        occurrence=occurrence,
        evidence=evidence,
    )


def silence_frame(told: Told) -> dict[str, float]:
    """What is known of a silence."""
    known = {"silence_s": told.silence_s, "period_s": told.period_s}
    return {name: float(f"{value:.7g}") for name, value in known.items()}


def told_in_words(rule: PackRule, because: str, frame: Mapping[str, float]) -> str:
    """A code in one line, with the figures that its condition read."""
    read = [f"{name} {frame[name]:.5g}{_unit(name)}" for name in rule.rule.condition.quantities if name in frame]
    limits = [f"{name} {value:.5g}" for name, value in rule.limits.items() if isinstance(value, float)]
    figures = ", ".join(read) + (f"; limits: {', '.join(limits)}" if read and limits else "")
    ending = "" if because == "failed" else f" ({because})"
    return f"{rule.rule.name}{ending}" + (f": {figures}" if figures else "")


def _unit(name: str) -> str:
    unit = QUANTITIES[name].unit if name in QUANTITIES else ""
    return f" {unit}" if unit else ""


def _plain(value: Any) -> Any:
    return [list(pair) for pair in value] if isinstance(value, tuple) else value
