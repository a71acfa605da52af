"""Findings in words that a technician reads: severity, status byte, figures of the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from twinpack.detect.status_byte import (
    CONFIRMED,
    FAILED,
    FAILED_IN_CYCLE,
    FAILED_SINCE_CLEAR,
    LAMP,
    PENDING,
    UNTESTED,
    UNTESTED_IN_CYCLE,
)

SEVERITIES = ("none", "drives normally", "limited performance", "stop or call rescue")
"""What each severity, 0 to 3, means for the vehicle."""

CATEGORIES = {"battery": "battery fault", "sensor": "sensor fault", "data": "data fault"}

_BITS = (
    (FAILED, "test failed"),
    (FAILED_IN_CYCLE, "failed this cycle"),
    (PENDING, "pending"),
    (CONFIRMED, "confirmed"),
    (UNTESTED, "not tested since clear"),
    (FAILED_SINCE_CLEAR, "failed since clear"),
    (UNTESTED_IN_CYCLE, "not tested this cycle"),
    (LAMP, "lamp requested"),
)

_ANOMALIES = {
    "deviation_mv": "{} mV from the median cell of the pack",
    "deviation_k": "{} K from the median probe of the pack",
    "shift_k": "moved by {} K against its own history",
    "capacity_lack_pct": "{:} % less capacity than the median cell",
    "resistance_mv_per_c": "{:} mV more than the median cell at 1 C",
    "loss_pct_per_day": "loses {:} % of its charge a day against the median cell",
    "growth_mv_per_month": "the spread of the cells at rest grows by {:} mV a month",
    "fall_pct": "cooling takes away {:} % less heat than before",
}
"""The figure that an anomaly rests on, and what it says; `{}` is its place, with its sign."""
_OWN = "moved by {} mV against its own history"
_REGIMES = {"rest": "at rest", "load": "under load", "charge": "while charging", "use": "in use"}
_MINUS = "\N{MINUS SIGN}"

_SHOWN_VALUES = 8
_TEXT = "text"
"""The key of the evidence that says it in a sentence."""


def status_bits(status: int) -> list[str]:
    """What each set bit of a status byte (ISO 14229-1) says, the lowest first."""
    return [words for bit, words in _BITS if status & bit]


def status_words(status: int) -> str:
    """Where a trouble code stands, by its status byte: active, pending, confirmed, healed, or passed."""
    if status & CONFIRMED:
        stands = "confirmed, active" if status & FAILED else "confirmed, not failing now"
        return f"{stands}, lamp requested" if status & LAMP else stands
    if status & PENDING:
        return "pending, failing" if status & FAILED else "pending"
    if status & FAILED:
        return "failing"
    return "not tested since cleared" if status & UNTESTED else "passed"


def sentence(evidence: Mapping[str, Any]) -> str:
    """The evidence in a sentence, of anomalies made of their figures; "" when it tells none."""
    text = evidence.get(_TEXT)
    return " ".join(text.split()) if isinstance(text, str) else _of_figures(evidence)


def _of_figures(evidence: Mapping[str, Any]) -> str:
    for name, words in _ANOMALIES.items():
        value = evidence.get(name)
        if isinstance(value, (int, float)):
            how = _OWN if name == "deviation_mv" and "cusum" in evidence else words
            signed = "+" if "{:" not in how else ""
            shown = f"{value:{signed}.3g}".replace("-", _MINUS)
            parts = [how.replace("{}", shown).replace("{:}", shown), _REGIMES.get(str(evidence.get("regime")), "")]
            parts += [_figure("z", evidence.get("z")), _figure("days", evidence.get("days"))]
            return ", ".join(part for part in parts if part)
    return ""


def _figure(name: str, value: Any) -> str:
    if not isinstance(value, (int, float)) or (name == "days" and value <= 0):
        return ""
    shown = f"{value:.3g}".replace("-", _MINUS)
    if name == "days":
        return f"for {shown} day" if shown == "1" else f"for {shown} days"
    return f"{name} {shown}"


def figures(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each figure of the evidence but its sentence, those within another as `frame: soc pct`."""
    for name, value in evidence.items():
        if name == _TEXT or value is None:
            continue
        if name.endswith("_us") and isinstance(value, int):
            yield _words(name.removesuffix("_us")), moment(value)
        elif isinstance(value, Mapping):
            yield from ((f"{_words(name)}: {inner}", told) for inner, told in figures(value))
        else:
            yield _words(name), _told(value)


def moment(time_us: int) -> str:
    """A moment for people: UTC, to the second."""
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}" if math.isfinite(value) else "not known"
    if isinstance(value, Sequence) and not isinstance(value, str):
        shown = [_told(each) for each in value[:_SHOWN_VALUES]]
        more = len(value) - _SHOWN_VALUES
        return ", ".join(shown) + (f", … {more} more" if more > 0 else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name)} {_told(inner)}" for name, inner in value.items())
    return " ".join(str(value).split())


def _words(name: str) -> str:
    return name.replace("_", " ")
