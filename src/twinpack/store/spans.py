"""Spans of time as people write them in settings and rules: 500ms, 10s, 5min, 1h, 1d."""

from __future__ import annotations

import re

EXAMPLES = '"10s", "5min", "1h" or "1d"'

_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|min|h|d)", re.ASCII)
_UNITS_US = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST_US = 366 * _UNITS_US["d"]


def span_us(value: object) -> int | None:
    """A span in microseconds, up to a year; None where it is none, or none that lasts."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    span = round(float(found[1]) * _UNITS_US[found[2]])
    return span if 0 < span <= _LONGEST_US else None
