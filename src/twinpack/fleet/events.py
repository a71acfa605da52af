"""What a fold gives back besides its new state."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

TRIP = "trip"
PREDICTION = "prediction"
VERSION = "version"
STEPS = "steps"
FINDING = "finding"


@dataclass(frozen=True)
class Event:
    """One outcome of the fold.

    Attributes:
        event_id: Hash of vehicle, sample time, kind and `code`; the same on every replay.
        vehicle_id: The vehicle.
        sample_time_us: Sample time it is dated at, microseconds since the epoch.
        kind: `TRIP`, `PREDICTION`, `VERSION`, `STEPS` or `FINDING`.
        offset: Offset of the log row that brought it about.
        body: `Trip`, `TripScore`, `TwinVersion`, `StepPredictions` or `Finding`.
    """

    event_id: str
    vehicle_id: str
    sample_time_us: int
    kind: str
    offset: int
    body: Any


def event_id(vehicle_id: str, sample_time_us: int, kind: str, code: str = "") -> str:
    """Deterministic identity of an event, 32 hex digits."""
    text = f"{vehicle_id}\n{sample_time_us}\n{kind}\n{code}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
