"""Real trips as a model sees them, whatever its kind: inputs, what was measured, where it starts, and what passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.errors import LearningError
from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.trends import Trends
from twinpack.learn.model import START_SOC_SD
from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.route import RouteTrip

Floats = npt.NDArray[np.float64]

_DAY_US = 86_400_000_000
_LEAST_STEPS = 5


@dataclass(frozen=True)
class Course:
    """One trip for a model; T steps.

    Attributes:
        vehicle_id: Whose.
        inputs: Each of the model's inputs, shape (T,).
        measured: What was measured, NaN where nothing was, shape (T,).
        start: The model's dynamic states as it begins.
        start_sd: Their standard deviations.
        passed: What the model's wear clock showed as it began, from the vehicle's first trip.
    """

    vehicle_id: str
    inputs: Mapping[str, Floats]
    measured: Floats
    start: Floats
    start_sd: Floats
    passed: float = 0.0


def courses_of(model: Model, trips: Sequence[TrainingTrip | RouteTrip]) -> list[Course]:
    """Trips as a model sees them, in the order given, with what passed on its wear clock.

    Raises:
        LearningError: No trip has steps of which the model's inputs are known.
    """
    found, taken = [], []
    for trip in trips:
        course = _of_current(model, trip) if isinstance(trip, TrainingTrip) else _of_route(trip)
        if np.isfinite(course.measured).sum() >= _LEAST_STEPS:
            found.append(course)
            taken.append(trip)
    if not found:
        raise LearningError(
            f"none of {len(trips)} trips has {_LEAST_STEPS} measured steps with every input of the model: "
            "`twinpack import` more telemetry, or raise --trips"
        )
    return [replace(one, passed=at) for one, at in zip(found, _passed(model, taken, found), strict=True)]


def _of_current(model: Model, trip: TrainingTrip) -> Course:
    if not isinstance(model, PackModel):
        raise LearningError(f"{type(model).__name__} is not driven by current: it learns from routes")
    measured = trip.voltage_v * model.series
    first = {name: values[:1] for name, values in trip.inputs.items()}
    start, sd = model.start(measured[:1], first, np.array([trip.soc]), START_SOC_SD)
    return Course(trip.vehicle_id, trip.inputs, measured, start[:, 0], sd[:, 0])


def _of_route(trip: RouteTrip) -> Course:
    inputs = {"speed_kmh": trip.speed_kmh, "load_kg": trip.load_kg, "distance_km": trip.distance_km}
    known = np.isfinite(np.stack([*inputs.values(), trip.voltage_v])).all(axis=0)
    none = np.zeros(0)
    kept = {name: values[known] for name, values in inputs.items()}
    return Course(trip.vehicle_id, kept, trip.voltage_v[known], none, none)


def _passed(model: Model, trips: Sequence[Any], courses: Sequence[Course]) -> list[float]:
    """What passed on the wear clock since the first trip of each one's vehicle."""
    begun: dict[str, float] = {}
    total: dict[str, float] = {}
    passed = []
    for trip, course in zip(trips, courses, strict=True):
        vehicle = course.vehicle_id
        if model.clock == "days":
            passed.append(max(0.0, (trip.start_us - begun.setdefault(vehicle, trip.start_us)) / _DAY_US))
            continue
        if model.clock == "sessions" and isinstance(trip, RouteTrip):
            passed.append(max(0.0, float(trip.number - begun.setdefault(vehicle, trip.number))))
            continue
        passed.append(total.get(vehicle, 0.0))
        total[vehicle] = passed[-1] + (1.0 if model.clock == "sessions" else _throughput(model, course))
    return passed


def _throughput(model: Model, course: Course) -> float:
    if not isinstance(model, PackModel):
        return 1.0
    return float(np.sum(np.abs(course.inputs["current_a"]) * course.inputs["dt_s"])) / 3600.0 / model.capacity_ah


def prior(model: Model, passed: float = 0.0) -> tuple[Floats, Floats]:
    """Mean (p,) and covariance (p, p) of the living parameters once something passed on the wear clock."""
    mean = np.array([one.mean for one in model.living])
    given = getattr(model, "prior_covariance", ())
    cov = np.array(given) if len(given) else np.diag([one.sd**2 for one in model.living])
    if not len(mean):
        return mean, np.zeros((0, 0))
    moved, grown = Trends(model.living).advance(mean[:, None], cov[:, :, None], np.array([passed]))
    return moved[:, 0], grown[:, :, 0]


def carried(model: Model, passed: float) -> Floats:
    """How living parameters go on from the first trip by their rates, shape (p, p)."""
    size = len(model.living)
    zero = np.zeros((size, size, size))
    return np.asarray(Trends(model.living).advance(np.eye(size), zero, np.full(size, passed))[0])


def moves(living: Living) -> bool:
    """Whether a parameter changes what is measured within a trip: a rate acts only between trips."""
    return not living.rate_of


@dataclass(frozen=True)
class Change:
    """How a parameter changes some inputs.

    Attributes:
        name: Of the parameter.
        inputs: Which inputs.
        times: Whether they are multiplied by it; otherwise it is added.
    """

    name: str
    inputs: tuple[str, ...]
    times: bool


class Varied(Model):
    """A model whose inputs are changed by parameters of their own, behind its living ones."""

    def __init__(self, model: Model, changes: Sequence[Change]) -> None:
        """Take both."""
        self.inner, self.changes = model, tuple(changes)
        self.dynamic, self.inputs, self.clock = model.dynamic, model.inputs, model.clock
        extra = (Living(one.name, 1.0 if one.times else 0.0, 1.0) for one in changes)
        self.living = (*model.living, *extra)

    def _changed(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> dict[str, Scalar]:
        found = {name: u[name] for name in self.inputs}
        for one in self.changes:
            for name in one.inputs:
                found[name] = found[name] * x[one.name] if one.times else found[name] + x[one.name]
        return found

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Of the model, with its inputs changed."""
        return self.inner.transition(x, self._changed(x, u))

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Likewise."""
        return self.inner.measure(x, self._changed(x, u))

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Of the model."""
        return self.inner.process_variance(u)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Of the model."""
        return self.inner.measurement_variance(u)
