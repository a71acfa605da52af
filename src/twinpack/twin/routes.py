"""Twins of the route model: no dynamic state, a route's whole curve predicted from what was known as it began.

Speed and load drive the model over the distance since the route began: by the odometer, else by the speed. Where
speed or load is not known, a step is neither predicted nor learned from; a route without them is not scored.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from twinpack.battery.families import model_of
from twinpack.battery.route import RouteModel
from twinpack.errors import InputError
from twinpack.twin.living import S_US, Driven, Flags, Floats, Following, LivingTwins, Run, filled, running
from twinpack.twin.settings import Prototype
from twinpack.twin.state import TwinState

SPEED, LOAD, ORIGIN, BY_SPEED, LOST, APART, DISTANCE = range(7)
WAY = 7
"""Rows of `TwinState.way`: last speed and load; odometer where the route began, NaN before it is known; distance by
the speed; steps whose distance nothing tells; by how much the odometer's last is more; and the distance told last."""


class RouteTwins(LivingTwins):
    """The loop for the vehicles of one route model."""

    signals = ("speed_kmh", "load_kg", "odometer_km")
    # What a route's errors are made of does not change with the seasons, and few routes must do to find its width.
    following = Following(sizes=False, rate=6.0, least_band=(-3.0, -3.0))
    model: RouteModel

    @staticmethod
    def model_of(prototype: Prototype) -> RouteModel:
        """The route model."""
        model = model_of(prototype.kind, prototype.model)
        if not isinstance(model, RouteModel):
            raise InputError(f"a model of kind {prototype.kind!r} is driven by current, not by routes")
        return model

    def new_state(self, vehicles: int) -> TwinState:
        """Twins that have seen nothing."""
        return TwinState.new(self.filter, self.prior_mean, self.prior_cov, vehicles, way=WAY)

    def driven(self, state: TwinState, run: Run) -> Driven:
        """Speed, load and distance along the route."""
        way = way_along(run.time_us, run.present, run.opens, run.more, state.way, state.last_us)
        speed, load, distance = way[SPEED], way[LOAD], way[DISTANCE]
        told = told_along(way)
        # What is not used must still be finite for a filter to pass over it.
        inputs = {
            "speed_kmh": np.where(told, speed, self.model.route.speed_kmh),
            "load_kg": np.where(told, load, self.model.route.load_kg),
            "distance_km": distance,
        }
        return Driven(inputs, told, told, self._flown(state, run, inputs, told), way)

    def start(self, run: Run, inputs: Mapping[str, Floats], rest_s: Floats) -> tuple[Floats, Floats]:
        """Nothing is dynamic."""
        return np.zeros((0, len(run.opens))), np.zeros((0, len(run.opens)))

    def gathered(self, state: TwinState, run: Run, driven: Driven) -> TwinState:
        """Where the route stands."""
        if driven.way is None:
            return state
        last = np.maximum(run.present.sum(axis=0) - 1, 0)[None, None]
        return state.with_(way=np.take_along_axis(driven.way, last, axis=1)[:, 0])

    def shown(self, state: TwinState) -> Floats:
        """A route shows its scale whenever there is a voltage: nothing more is needed."""
        return np.zeros((2, state.vehicles))

    def evidence(self, seen: Floats) -> dict[str, float]:
        """Nothing."""
        return {}

    def told_by(self) -> dict[str, float]:
        """The bend, by which wear is the scale of the range."""
        return {"bend": self.model.route.bend}

    def _flown(self, state: TwinState, run: Run, inputs: Mapping[str, Floats], told: Flags) -> Floats:
        """What the route model says the distance of each step takes of a new battery."""
        if self.model.clock != "throughput":
            return np.zeros_like(inputs["distance_km"])
        before = np.where(run.opens, 0.0, state.way[DISTANCE])
        driven = np.diff(inputs["distance_km"], axis=0, prepend=before[None])
        taken = np.maximum(driven, 0.0) * self.model.consumption(inputs)
        return np.asarray(np.where(told, taken, 0.0))


def way_along(
    time_us: npt.NDArray[np.int64],
    present: Flags,
    opens: Flags,
    signals: Mapping[str, Floats],
    way: Floats,
    last_us: npt.NDArray[np.int64],
) -> Floats:
    """Where routes stand after each step of a run.

    Args:
        time_us: Sample times, shape (T, B).
        present: Whether the vehicle has such a step, shape (T, B).
        opens: Whether the first step begins a route, shape (B,).
        signals: `RouteTwins.signals` by name, NaN where missing, shape (T, B).
        way: Where they stood before, as `TwinState.way`, shape (W, B).
        last_us: Time of the step before, shape (B,).

    Returns:
        The rows of `TwinState.way`, shape (W, T, B).
    """
    begun = np.array([np.nan] * 3 + [0.0] * (WAY - 3))[:, None]
    before = np.where(opens, begun, way)
    speed = filled(signals["speed_kmh"], before[SPEED])
    load = filled(signals["load_kg"], before[LOAD])
    odometer = signals["odometer_km"]
    previous_us = np.vstack([np.where(opens, time_us[0], last_us)[None], time_us[:-1]])
    hours = np.where(present, (time_us - previous_us) / S_US, 0.0) / 3600.0
    driven = _driven_km(hours, speed, before[SPEED])
    by_speed = running(before[BY_SPEED], np.where(np.isnan(driven), 0.0, driven))
    lost = running(before[LOST], np.isnan(driven).astype(np.float64))
    # The odometer first seen tells where the route began, unless some of the way until then is not known.
    origin = _first(np.where(lost == 0.0, odometer - by_speed, np.nan), before[ORIGIN])
    apart = filled(odometer - origin - by_speed, before[APART])
    return np.stack([speed, load, origin, by_speed, lost, apart, by_speed + apart])


def told_along(way: Floats) -> Flags:
    """Where speed, load and distance are known along a way, shape (T, B)."""
    known = np.isfinite(way[SPEED]) & np.isfinite(way[LOAD])
    return np.asarray(known & ((way[LOST] == 0.0) | np.isfinite(way[ORIGIN])))


def _driven_km(hours: Floats, speed: Floats, carried: Floats) -> Floats:
    """Distance of each step by the mean of the speeds at its ends; NaN where time passes and neither is known."""
    previous = np.vstack([carried[None], speed[:-1]])
    mean = 0.5 * (np.where(np.isnan(previous), speed, previous) + speed)
    return np.where(hours == 0.0, 0.0, mean * hours)


def _first(values: Floats, carried: Floats) -> Floats:
    """From each step on, the first value that is known, NaN before it."""
    at = np.argmax(~np.isnan(values), axis=0)
    first = np.take_along_axis(values, at[None], axis=0)
    found = np.where(np.arange(len(values))[:, None] >= at, first, np.nan)
    return np.where(np.isnan(carried), found, carried)
