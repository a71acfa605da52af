"""The route model: voltage along a route of constant speed and load, from a learned curve and a learned consumption.

    V = a f(e(v, m) d / a),   a = 1 - (exp(k w) - 1) / k

f is the discharge curve of the new battery over what was taken from it, e what a kilometre takes at speed v with load
m, and a the living scale: a worn battery starts lower and is empty sooner, both by a. Where k > 0 wear w of an even
pace eats the scale ever faster, where k < 0 ever slower (k = -1 is an exponential decay), and k = 0 is a straight
line: k is learned, so that wear is a level with a rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Clock, Living, Model, Scalar
from twinpack.filters.ops import exp, interp, maximum, minimum

Floats = npt.NDArray[np.float64]

INPUTS = ("speed_kmh", "load_kg", "distance_km")

LEAST_SCALE = 0.05
"""Scale below which a battery is dead: sigma points do not go further."""

LEAST_SHARE = 0.05
"""Lowest consumption over the usual one: a learned quadratic means nothing far outside its data."""

_STRAIGHT = 1e-6


@dataclass(frozen=True)
class RouteNoise:
    """How wrong the model and the sensor are.

    Attributes:
        sensor_v: Standard deviation of the measured voltage about the model, V.
        temper: Times the variance when a filter learns: errors within a trip go together, so that many samples say
            less than as many independent ones.
    """

    sensor_v: float = 0.005
    temper: float = 4.0


@dataclass(frozen=True)
class Route:
    """The learned prototype: everything a twin of this model shares with the fleet.

    Attributes:
        used: Grid of what was taken from the battery, 1 where the new one is empty, shape (N,).
        curve_v: Voltage of the pack on it when new, V, not rising, shape (N,).
        speed_kmh: Usual speed, the unit of the consumption law's.
        load_kg: Usual load, likewise.
        law: Taken a kilometre, 1/km: coefficients of 1, v, v², m, m v, m v², shape (6,).
        living: `wear` and its rates.
        bend: k above.
        noise: Noise.
        clock: What wear goes with.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        alpha: Spread of the filter's sigma points.
    """

    used: tuple[float, ...]
    curve_v: tuple[float, ...]
    speed_kmh: float
    load_kg: float
    law: tuple[float, ...]
    living: tuple[Living, ...]
    bend: float = 0.0
    noise: RouteNoise = field(default_factory=RouteNoise)
    clock: Clock = "sessions"
    prior_covariance: tuple[tuple[float, ...], ...] = ()
    alpha: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def route_from_dict(values: Mapping[str, Any]) -> Route:
    """The prototype that `Route.to_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: The values are not those of a route model.
    """
    plain = {name: _tuples(value) for name, value in values.items()}
    plain["living"] = tuple(Living(**one) for one in values["living"])
    plain["noise"] = RouteNoise(**values["noise"])
    return Route(**plain)


def route_model_from_dict(values: Mapping[str, Any]) -> RouteModel:
    """The model of the prototype that `Route.to_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: The values are not those of a route model.
    """
    return RouteModel(route_from_dict(values))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def scale_of(wear: Scalar, bend: float) -> Scalar:
    """The living scale a of a battery with some wear; 1 when new."""
    lost = wear if abs(bend) < _STRAIGHT else (exp(bend * wear) - 1.0) / bend
    return maximum(1.0 - lost, LEAST_SCALE)


def wear_of(scale: Floats, bend: float) -> Floats:
    """The wear at a living scale: the inverse of `scale_of` above `LEAST_SCALE`."""
    lost = 1.0 - np.asarray(scale, dtype=np.float64)
    return lost if abs(bend) < _STRAIGHT else np.log1p(bend * lost) / bend


def law_terms(speed: Scalar, load: Scalar) -> tuple[Scalar, ...]:
    """What the coefficients of the consumption law multiply, at speed and load over the usual ones."""
    return (1.0, speed, speed * speed, load, load * speed, load * speed * speed)


class RouteModel(Model):
    """The model of a `Route`: no dynamic state, so that a route's whole curve is predicted as it begins.

    Attributes:
        route: The prototype.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        alpha: Spread of the filter's sigma points.
    """

    dynamic = ()
    inputs = INPUTS

    def __init__(self, route: Route) -> None:
        """Take the prototype."""
        self.route = route
        self.living, self.clock = route.living, route.clock
        self.prior_covariance, self.alpha = route.prior_covariance, route.alpha
        self._used, self._curve = np.array(route.used), np.array(route.curve_v)

    def to_dict(self) -> dict[str, Any]:
        """The prototype as JSON values."""
        return self.route.to_dict()

    def consumption(self, u: Mapping[str, Scalar]) -> Scalar:
        """What a kilometre takes at a speed and load, 1/km."""
        route = self.route
        terms = law_terms(u["speed_kmh"] / route.speed_kmh, u["load_kg"] / route.load_kg)
        taken: Scalar = sum(one * term for one, term in zip(route.law, terms, strict=True))
        return maximum(taken, LEAST_SHARE * sum(route.law))

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Nothing moves along a route."""
        return ()

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Pack voltage, V; outside the curve's data the voltage at its end."""
        scale = scale_of(x["wear"], self.route.bend)
        used = self.consumption(u) * u["distance_km"] / scale
        inside = maximum(float(self._used[0]), minimum(float(self._used[-1]), used))
        return scale * interp(inside, self._used, self._curve)

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Nothing moves along a route."""
        return ()

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Of the sensor and the curve, V²."""
        return self.route.noise.sensor_v**2

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The same, tempered, V²."""
        return self.route.noise.temper * self.route.noise.sensor_v**2
