"""Findings to order, and the events that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.detect.findings import Category, Change, Finding, Level
from twinpack.fleet.events import FINDING, Event, event_id

START_US = 1_700_000_000_000_000
"""Sample time of row 0; each row is a second after the one before."""


def at(row: int) -> int:
    """Sample time of a row of the log."""
    return START_US + row * 1_000_000


def finding(
    row: int,
    change: Change = "raised",
    vehicle: str = "car-1",
    *,
    code: str = "P0AA6",
    subject: str = "",
    level: Level = "alarm",
    severity: int = 2,
    category: Category = "battery",
    since_us: int | None = None,
    status: int = 0x2F,
    evidence: Mapping[str, Any] | None = None,
) -> Event:
    body = Finding(
        lane=0,
        time_us=at(row),
        offset=row,
        code=code,
        subject=subject,
        category=category,
        change=change,
        level=level,
        severity=severity,
        since_us=at(row) if since_us is None else since_us,
        status=status,
        occurrence=1,
        evidence={"text": "isolation is low", "isolation_ohm_per_v": 87.5} if evidence is None else evidence,
    )
    return Event(event_id(vehicle, at(row), FINDING, f"{code}{subject}{change}"), vehicle, at(row), FINDING, row, body)
