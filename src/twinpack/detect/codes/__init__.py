"""Trouble codes: fault detection counters, status bytes and findings, as ISO 14229 has them."""

from __future__ import annotations

from twinpack.detect.codes.orders import awaited, cleared, ended_by_rules, moved
from twinpack.detect.codes.silence import Ticks
from twinpack.detect.codes.state import CodesState
from twinpack.detect.codes.status import CodeStatus, active, counters, listed
from twinpack.detect.codes.step import codes

__all__ = [
    "CodeStatus",
    "CodesState",
    "Ticks",
    "active",
    "awaited",
    "cleared",
    "codes",
    "counters",
    "ended_by_rules",
    "listed",
    "moved",
]
