"""Times that may be seen of a vehicle."""

from __future__ import annotations

from twinpack.views.sight import Span

LONG_AGO, FAR_OFF = -(2**62), 2**62


def within(span: Span, start_us: int, end_us: int) -> tuple[int, int]:
    """What of a range may be seen; it ends before it begins where that is nothing."""
    start = start_us if span.from_us is None else max(start_us, span.from_us)
    end = end_us if span.until_us is None else min(end_us, span.until_us)
    return start, end


def holds(span: Span, time_us: int) -> bool:
    """Whether a moment may be seen."""
    start, end = within(span, LONG_AGO, FAR_OFF)
    return start <= time_us < end


def whole(span: Span) -> bool:
    """Whether all times may be seen."""
    return span.from_us is None and span.until_us is None
