"""Learn the route model from the first route of each vehicle: a falling curve and a consumption law, fitted together.

At a fixed voltage one over the distance is quadratic in speed and linear in load: that gives a first law, which
brings the routes of all vehicles onto one curve. Curve and law are then fitted together to whole routes, in volts,
by Gauss and Newton. Where the curve bends its grid is dense: points are kept that a straight line would miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import isotonic_regression

from twinpack.battery.families import ROUTE
from twinpack.battery.pack import PackSpec
from twinpack.battery.route import Route, RouteNoise, law_terms
from twinpack.errors import LearningError
from twinpack.filters.model import Living
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.model import Learned

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_ROUTES = 5
"""Fewer routes do not tell speed from load."""

LEAST_SPREAD = 0.01
"""Speed or load that differs by less between routes, over its mean, teaches nothing of consumption."""

LEVELS = 24
MOST_KNOTS = 160
MOST_POINTS = 20_000
LEAST_STEP_V = 5e-4
"""Nearer than this to a straight line the curve has no knot."""

HELD_OUT = 5
"""One vehicle in five is left out to see the error on vehicles that were not learned from."""

THRESHOLD_SHARE = 0.05
"""Error over the curve's range of voltage that calls for a recalibration."""

DEAD_SHARE = 0.5
"""A model whose error is a larger share of the voltage's scatter is none."""

WARM_UP = 5
"""First routes of a vehicle that update its twin whatever the policy: they tell its level and pace."""

_ROUNDS, _STEPS = 3, 4
_TINY = 1e-9


@dataclass(frozen=True)
class RouteTrip:
    """A route of a vehicle as measured; arrays over its N steps.

    Attributes:
        vehicle_id: The vehicle.
        number: Number of the session, ascending over the vehicle's life.
        start_us: When it began, microseconds since the epoch.
        speed_kmh: Speed, shape (N,).
        load_kg: Load, shape (N,).
        distance_km: Distance since the route began, shape (N,).
        voltage_v: Voltage of the pack, NaN where missing, shape (N,).
    """

    vehicle_id: str
    number: int
    start_us: int
    speed_kmh: Floats
    load_kg: Floats
    distance_km: Floats
    voltage_v: Floats


@dataclass(frozen=True)
class Points:
    """Known points of many routes, one after the other, N of R routes.

    Attributes:
        route: Which route each is of, ascending, shape (N,).
        speed_kmh: Speed, shape (N,).
        load_kg: Load, shape (N,).
        distance_km: Distance since the route began, shape (N,).
        voltage_v: Voltage of the pack, V, shape (N,).
    """

    route: Integers
    speed_kmh: Floats
    load_kg: Floats
    distance_km: Floats
    voltage_v: Floats

    @classmethod
    def of(cls, trips: Sequence[RouteTrip]) -> Points:
        """The points of some routes at which everything is known."""
        route = np.repeat(np.arange(len(trips)), [len(trip.voltage_v) for trip in trips])
        names = ("speed_kmh", "load_kg", "distance_km", "voltage_v")
        none = [np.zeros(0)]
        columns = [np.concatenate([getattr(trip, name) for trip in trips] or none) for name in names]
        known = np.isfinite(np.stack(columns)).all(axis=0)
        return cls(route[known].astype(np.int64), *(column[known] for column in columns))

    def taken(self, rows: npt.NDArray[Any]) -> Points:
        """Some of the points."""
        columns = (self.route, self.speed_kmh, self.load_kg, self.distance_km, self.voltage_v)
        return Points(*(column[rows] for column in columns))


@dataclass(frozen=True)
class Curve:
    """A consumption law and the curve over what was taken; `Route` has the meaning of each."""

    used: Floats
    curve_v: Floats
    speed_kmh: float
    load_kg: float
    law: Floats

    def terms(self, points: Points) -> Floats:
        """What the law's coefficients multiply, shape (N, 6)."""
        terms = law_terms(points.speed_kmh / self.speed_kmh, points.load_kg / self.load_kg)
        return np.stack(np.broadcast_arrays(*terms), axis=1)

    def voltage(self, points: Points) -> Floats:
        """Voltage of a new battery at the points, V, shape (N,)."""
        return np.interp((self.terms(points) @ self.law) * points.distance_km, self.used, self.curve_v)


def learn_route(trips: Sequence[RouteTrip], pack: PackSpec) -> Learned:
    """Fit a route prototype to the first route of each vehicle.

    How a fleet wears is not in first routes: `learn.wear.learn_wear` refines what this gives.

    Args:
        trips: Routes; of each vehicle only the first is used, when its battery is as new as it gets.
        pack: What they were driven with.

    Raises:
        LearningError: Too few routes, nothing known in them, speed or load always the same, no curve that falls, or
            one that leaves most of the voltage's scatter.
    """
    first = first_routes(trips)
    points = _checked(first)
    curve = fit_curve(points)
    within = np.asarray(curve.voltage(points) - points.voltage_v)
    error = _held_out_error(first) if len(first) >= 2 * LEAST_ROUTES else within
    _refuse_dead(error, points)
    route = _route(curve, error, within, points)
    threshold = round(THRESHOLD_SHARE * float(curve.curve_v.max() - curve.curve_v.min()), 4)
    artifact = {
        "pack": pack.name,
        "kind": ROUTE,
        "model": route.to_dict(),
        "threshold_v": threshold,
        "threshold_on": "mae",
        "warm_up": WARM_UP,
    }
    return Learned(artifact, _card(first, points, within, error, pack, threshold))


def _refuse_dead(error: Floats, points: Points) -> None:
    """A curve that leaves most of the voltage's scatter says nothing of the routes."""
    left, scatter = float(np.sqrt(np.mean(error**2))), float(points.voltage_v.std())
    if not left <= DEAD_SHARE * scatter:
        raise LearningError(
            f"voltage does not go with speed, load and distance: the model leaves {left:.2g} V of {scatter:.2g} V. "
            "Routes are of constant speed and begin fully charged; where the pack's current is known, learn a "
            "thevenin model"
        )


def first_routes(trips: Iterable[RouteTrip]) -> list[RouteTrip]:
    """The first route of each vehicle, in the order in which vehicles are met."""
    first: dict[str, RouteTrip] = {}
    for trip in trips:
        known = first.get(trip.vehicle_id)
        if known is None or trip.number < known.number:
            first[trip.vehicle_id] = trip
    return list(first.values())


def _checked(trips: Sequence[RouteTrip]) -> Points:
    points = Points.of(trips)
    known = len(np.unique(points.route))
    if known < LEAST_ROUTES:
        raise LearningError(
            f"a route model needs first routes of {LEAST_ROUTES} vehicles with speed, load, distance and voltage; "
            f"{known} of {len(trips)} have them: import more vehicles"
        )
    for name, values in (("speed_kmh", points.speed_kmh), ("load_kg", points.load_kg)):
        if not float(np.std(values)) > LEAST_SPREAD * abs(float(np.mean(values))):
            raise LearningError(
                f"{name} is the same on all {known} first routes: what it does to consumption cannot be learned; "
                "give routes that differ in it"
            )
    return points


def fit_curve(points: Points) -> Curve:
    """Fit law and curve to the points of new batteries.

    Raises:
        LearningError: The voltage does not fall along the routes.
    """
    curve = _first_law(points)
    for _ in range(_ROUNDS):
        curve = _with_knots(curve, points)
        curve = _fitted(curve, points)
    return curve


def _first_law(points: Points) -> Curve:
    """A law from the distances at which routes pass levels of voltage, by turns with how far each level is."""
    speed, load = float(np.mean(points.speed_kmh)), float(np.mean(points.load_kg))
    levels = np.quantile(points.voltage_v, np.linspace(0.98, 0.02, LEVELS))
    crossed = [_crossing(points.taken(points.route == one), levels) for one in np.unique(points.route)]
    distance = np.stack([one[0] for one in crossed])
    terms = np.stack(np.broadcast_arrays(*law_terms(*(np.array([one[1] for one in crossed]).T / [[speed], [load]]))))
    passed = np.isfinite(distance) & (np.isfinite(distance).sum(axis=0) >= 3)
    if not passed.any():
        raise LearningError("the voltage does not fall along the first routes: there is no curve to learn")
    row, level = np.nonzero(passed)
    x, d = terms.T[row], distance[row, level]
    law = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for _ in range(30):
        share = (x @ law) * d
        mean = np.bincount(level, share, LEVELS) / np.maximum(np.bincount(level, minlength=LEVELS), 1)
        ridge = 1e-4 * np.sqrt(len(d)) * np.eye(6)
        a = np.vstack([x * (d / mean[level])[:, None], ridge])
        law = np.linalg.lstsq(a, np.concatenate([np.ones(len(d)), ridge @ law]), rcond=None)[0]
    end = float(((x @ law) * d).max())
    return Curve(np.array([0.0, 1.0]), np.zeros(2), speed, load, law / end)


def _crossing(points: Points, levels: Floats) -> tuple[Floats, tuple[float, float]]:
    """Where one route passes levels of voltage, km, NaN where it does not, and its mean speed and load."""
    falling = np.minimum.accumulate(points.voltage_v)
    distance = np.interp(-levels, -falling, points.distance_km, left=np.nan, right=np.nan)
    distance = np.where(distance > 0.02 * points.distance_km[-1], distance, np.nan)
    return distance, (float(points.speed_kmh.mean()), float(points.load_kg.mean()))


def _with_knots(curve: Curve, points: Points) -> Curve:
    """The curve anew: the routes' points on one axis, made to fall, with a knot wherever a straight line would miss."""
    used = (curve.terms(points) @ curve.law) * points.distance_km
    order = np.argsort(used, kind="stable")
    x, v = used[order], points.voltage_v[order]
    falling = np.asarray(isotonic_regression(v, increasing=False), dtype=np.float64)
    noise = float(np.sqrt(np.mean((v - falling) ** 2)))
    knots = straightened(x, falling, max(LEAST_STEP_V, noise))
    scale = float(x[-1])
    return Curve(x[knots] / scale, falling[knots], curve.speed_kmh, curve.load_kg, curve.law / scale)


def straightened(x: Floats, y: Floats, tolerance: float) -> Integers:
    """Fewest points that straight lines between come within a tolerance of all: Douglas and Peucker's rule.

    Args:
        x: Ascending, shape (N,).
        y: Shape (N,).
        tolerance: In the unit of `y`.

    Returns:
        Indices of the points kept, ascending in `x`, the first and last among them.
    """
    kept = {0, len(x) - 1}
    open_ = [(0, len(x) - 1)]
    while open_ and len(kept) < MOST_KNOTS:
        low, high = open_.pop(0)
        if high - low < 2 or x[high] - x[low] < _TINY:
            continue
        line = y[low] + (y[high] - y[low]) * (x[low:high] - x[low]) / (x[high] - x[low])
        worst = low + int(np.argmax(np.abs(y[low:high] - line)))
        if abs(y[worst] - line[worst - low]) > tolerance:
            kept.add(worst)
            open_ += [(low, worst), (worst, high)]
    index = np.array(sorted(kept), dtype=np.int64)
    apart = np.append(np.diff(x[index]) > _TINY, True)
    return np.asarray(index[apart])


def _fitted(curve: Curve, points: Points) -> Curve:
    """Law and values at the knots that leave the least squared error in volts over whole routes."""
    some = points.taken(np.arange(0, len(points.route), -(-len(points.route) // MOST_POINTS)))
    terms, size = curve.terms(some), len(curve.used)
    best, least = curve, np.inf
    law, values = curve.law, curve.curve_v
    for _ in range(_STEPS):
        used = (terms @ law) * some.distance_km
        hats, slope = _hats(used, curve.used, values)
        left = some.voltage_v - hats @ values
        # Scaling the law and stretching the axis are the same: the law's own step is held back a little.
        a = np.hstack([hats, slope[:, None] * terms * some.distance_km[:, None]])
        held = np.concatenate([np.full(size, 1e-3), np.full(len(law), 1e-2 * np.abs(law).sum())])
        step = np.linalg.solve(a.T @ a + np.diag(1e-3 / held**2 * np.mean(left**2) + _TINY), a.T @ left)
        values = np.minimum.accumulate(values + step[:size])
        law = law + step[size:]
        tried = Curve(curve.used, values, curve.speed_kmh, curve.load_kg, law)
        error = float(np.mean((tried.voltage(some) - some.voltage_v) ** 2))
        if error < least:
            best, least = tried, error
    return best


def _hats(used: Floats, knots: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Weight of each knot in the curve's value, shape (N, knots), and the curve's slope, shape (N,)."""
    inside = np.clip(used, knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    width = np.diff(knots)[left]
    share = (inside - knots[left]) / width
    hats = np.zeros((len(used), len(knots)))
    rows = np.arange(len(used))
    hats[rows, left], hats[rows, left + 1] = 1.0 - share, share
    slope = np.where(inside == used, np.diff(values)[left] / width, 0.0)
    return hats, slope


def _held_out_error(trips: Sequence[RouteTrip]) -> Floats:
    """Errors on every fifth vehicle, of a fit to the others, V."""
    out = Points.of(trips[::HELD_OUT])
    fit = fit_curve(Points.of([trip for at, trip in enumerate(trips) if at % HELD_OUT]))
    return np.asarray(fit.voltage(out) - out.voltage_v)


def _route(curve: Curve, error: Floats, within: Floats, points: Points) -> Route:
    """The prototype; until lives were seen wear goes on at a pace that hardly anything is known of."""
    living = (
        Living("wear", 0.0, 0.01, 1e-3, -0.5, 5.0),
        Living("wear_rate", 1e-3, 5e-3, 2e-4, -0.5, 0.5, rate_of="wear"),
    )
    return Route(
        used=_tuple(curve.used),
        curve_v=_tuple(curve.curve_v),
        speed_kmh=curve.speed_kmh,
        load_kg=curve.load_kg,
        law=_tuple(curve.law),
        living=living,
        noise=RouteNoise(sensor_v=max(_rms(error), 1e-4), temper=temper_of(points.route, within)),
    )


def temper_of(route: Integers, error: Floats) -> float:
    """How many times wider errors that go together make the mean of a route than independent ones would.

    Args:
        route: Which route each error is of, shape (N,).
        error: Shape (N,).
    """
    count = np.bincount(route)
    total = np.bincount(route, error)
    size = np.bincount(route, error**2)
    used = count > 0
    return float(
        np.clip(np.sum(total[used] ** 2 / count[used]) / max(np.sum(size) / len(error), 1e-30) / used.sum(), 1, 100)
    )


def _card(
    trips: Sequence[RouteTrip], points: Points, within: Floats, error: Floats, pack: PackSpec, threshold: float
) -> dict[str, Any]:
    metrics = {"rmse_v": _rms(within)}
    if len(trips) >= 2 * LEAST_ROUTES:
        metrics["held_out_rmse_v"] = _rms(error)
    return make_card(
        pack=pack.name,
        kind=ROUTE,
        data=data_of(trips),
        metrics=metrics,
        limits={
            "speed_kmh": span([points.speed_kmh]),
            "load_kg": span([points.load_kg]),
            "distance_km": span([points.distance_km]),
        },
        figures={"threshold_v": threshold, "threshold_on": "mae"},
        settings={"most_knots": MOST_KNOTS, "least_step_v": LEAST_STEP_V, "held_out_one_in": HELD_OUT},
        warnings=() if len(trips) >= 2 * LEAST_ROUTES else ("Too few vehicles to leave some out and judge the fit.",),
    )


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
