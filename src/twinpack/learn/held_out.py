"""A learned model tried on trips that it was not learned from: the next one of each vehicle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from twinpack.battery.families import pack_model
from twinpack.learn.card import Session
from twinpack.learn.learned import Learned
from twinpack.learn.paths import open_loop
from twinpack.learn.prototype import TrainingTrip

T = TypeVar("T", bound=Session)


def parted(sessions: Sequence[T], count: int) -> tuple[list[T], list[T]]:
    """The first so many sessions of each vehicle, and the others, both in the order given."""
    seen: dict[str, int] = {}
    first: list[T] = []
    later: list[T] = []
    for one in sessions:
        seen[one.vehicle_id] = seen.get(one.vehicle_id, 0) + 1
        (first if seen[one.vehicle_id] <= count else later).append(one)
    return first, later


def with_next_trips(learned: Learned, trips: Sequence[TrainingTrip]) -> dict[str, Any]:
    """The card with the error on trips it was not learned from, open loop from the charge told at their start.

    Args:
        learned: A model that is driven by current.
        trips: Of the same pack; without any the card stays as it is.
    """
    if not trips:
        return learned.card
    model = pack_model(learned.artifact["kind"], learned.artifact["model"])
    paths = open_loop(model, trips)
    error = np.concatenate([path.voltage_v - trip.voltage_v for path, trip in zip(paths, trips, strict=True)])
    known = error[np.isfinite(error)]
    if not len(known):
        return learned.card
    rmse = float(f"{model.series * np.sqrt(np.mean(known**2)):.4g}")
    return {**learned.card, "metrics": {**learned.card["metrics"], "next_trips_rmse_v": rmse}}
