"""Rows that a network learns from: some steps of each trip, as evenly spread as many of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.regression import Task
from twinpack.learn.residual import Residual

Floats = npt.NDArray[np.float64]

LEAST_A_TRIP = 40
"""Rows of a trip at least, however many trips there are."""

NOISE_ROWS = 4_000
"""Rows of a trip that tell its noise at most."""


@dataclass(frozen=True)
class TripRows:
    """What a network could be asked at each step of one trip and what it should say.

    Attributes:
        trip: The trip.
        values: Its inputs and others by name, shape (N,) each.
        target: NaN where nothing was measured, shape (N,).
    """

    trip: TrainingTrip
    values: Mapping[str, Floats]
    target: Floats

    def some(self, most: int) -> npt.NDArray[np.intp]:
        """Measured steps, evenly spread over the trip."""
        known = np.flatnonzero(np.isfinite(self.target))
        return known[:: max(1, -(-len(known) // most))]

    def inputs(self, names: Sequence[str]) -> Floats:
        """A network's inputs, shape (N, inputs)."""
        return np.stack([self.values[name] for name in names], axis=1)


def least_scale(name: str, capacity_ah: float) -> float:
    """What an input must vary by to tell anything: charge 5 %, temperature 5 °C, current C/20, a voltage 5 mV."""
    return {"soc": 0.05, "temp_c": 5.0}.get(name, 0.005 if name.endswith("_v") else 0.05 * capacity_ah)


def task_of(trips: Sequence[TripRows], names: tuple[str, ...], capacity_ah: float, rows: int) -> Task:
    """The task that some trips are: trips count alike, since a long rest tells no more than a short drive."""
    most = max(rows // max(len(trips), 1), LEAST_A_TRIP)
    chosen = [one.some(most) for one in trips]
    groups = group_of_trips([one.trip for one in trips])
    return Task(
        names,
        tuple(least_scale(name, capacity_ah) for name in names),
        np.concatenate([one.inputs(names)[at] for one, at in zip(trips, chosen, strict=True)]),
        np.concatenate([one.target[at] for one, at in zip(trips, chosen, strict=True)]),
        np.concatenate([np.full(len(at), group) for group, at in zip(groups, chosen, strict=True)]),
    )


def group_of_trips(trips: Sequence[TrainingTrip]) -> list[int]:
    """Number of the group that each trip is left out with: its vehicle, or itself when there is one vehicle."""
    names = sorted({trip.vehicle_id for trip in trips})
    return [names.index(trip.vehicle_id) for trip in trips] if len(names) > 1 else list(range(len(trips)))


def rmse(errors: Sequence[Floats]) -> float:
    """Root of the mean square over what is known, each trip as much as any other."""
    squares = [float(np.mean(one[np.isfinite(one)] ** 2)) for one in errors if np.isfinite(one).any()]
    return float(np.sqrt(np.mean(squares))) if squares else float("nan")


def residuals(trips: Sequence[TripRows], errors: Sequence[Floats], drops: Sequence[Floats]) -> list[Residual]:
    """What a model misses of each trip, ready to be split into noise."""
    found = []
    for one, error, drop in zip(trips, errors, drops, strict=True):
        at = one.some(NOISE_ROWS)
        found.append(Residual(one.trip.time_s[at], error[at], drop[at]))
    return found
