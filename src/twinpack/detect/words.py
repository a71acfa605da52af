"""Findings in words that a technician reads: severity, status byte, figures of the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

SEVERITIES = ("no effect", "drives normally", "limited performance", "stop or call rescue")
"""What each severity, 0 to 3, means for the vehicle."""

CATEGORIES = {"battery": "battery fault", "sensor": "sensor fault", "data": "data fault"}

FAILED = 0x01
PENDING = 0x04
CONFIRMED = 0x08
NOT_TESTED_SINCE_CLEAR = 0x10
LAMP = 0x80

_BITS = (
    (0x01, "test failed"),
    (0x02, "failed this cycle"),
    (0x04, "pending"),
    (0x08, "confirmed"),
    (0x10, "not tested since clear"),
    (0x20, "failed since clear"),
    (0x40, "not tested this cycle"),
    (0x80, "lamp requested"),
)

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
    return "not tested since cleared" if status & NOT_TESTED_SINCE_CLEAR else "passed"


def sentence(evidence: Mapping[str, Any]) -> str:
    """The evidence in a sentence, "" when it has none."""
    text = evidence.get(_TEXT)
    return " ".join(text.split()) if isinstance(text, str) else ""


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
    """A moment for people, to the second."""
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
