from __future__ import annotations

import pytest

from twinpack.store.spans import span_us


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("500ms", 500_000),
        ("10s", 10_000_000),
        ("1.5min", 90_000_000),
        ("1h", 3_600_000_000),
        ("366d", 31_622_400_000_000),
    ],
)
def test_spans_are_read(text: str, us: int) -> None:
    assert span_us(text) == us


@pytest.mark.parametrize("value", ["", "0s", "-1s", "1 week", "10", "367d", "1e3s", "\u0661s", 10, None, True])
def test_what_is_no_span_is_none(value: object) -> None:
    assert span_us(value) is None
