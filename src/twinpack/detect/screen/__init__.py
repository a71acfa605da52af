"""Data faults are not battery faults: sentinels, dead and frozen channels are found first and kept from the rules."""

from __future__ import annotations

from twinpack.detect.screen.settings import ScreenSettings
from twinpack.detect.screen.stage import QUANTITIES, Screened, screen
from twinpack.detect.screen.state import ScreenState, reset

__all__ = ["QUANTITIES", "ScreenSettings", "ScreenState", "Screened", "reset", "screen"]
