"""How a fleet of routes wears: priors and noise by the log marginal likelihood of whole vehicles' lives.

Of each route the living scale is found by least squares, with its variance: the model's curve is known, and one
number is left. A vehicle's scales, told as wear, are a level that follows its rate, both walking at random; what is
left of the likelihood after that is one linear Kalman filter over a vehicle's life, for all vehicles at a time. Its
maximum gives the bend that makes wear an even level, how even (the drifts), how fast and how alike vehicles are (the
prior). A weak prior over each keeps what a few short lives cannot tell near what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from twinpack.battery.families import ROUTE
from twinpack.battery.route import LEAST_SCALE, Route, RouteNoise, route_from_dict, wear_of
from twinpack.errors import LearningError
from twinpack.filters.model import Living
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.model import Learned
from twinpack.learn.route import Curve, Points, RouteTrip, temper_of

Floats = npt.NDArray[np.float64]

LEAST_VEHICLES, LEAST_LIFE = 2, 4
"""Fewer vehicles, or lives of fewer routes, say nothing of how a fleet wears."""

BENDS = (-1.0, -0.5, 0.0, 1.0, 3.0, 8.0, 16.0, 25.0, 36.0, 50.0, 80.0)
"""Where the search for the bend begins; the best of them is refined."""

LEAST_BEND = -1.04
"""With a stronger one there is no wear at which the scale is `LEAST_SCALE`."""

LEAST_SENSOR_V = 1e-4
MOST_POINTS = 60
"""Points of a route that its scale is found from."""

MISFIT_SHARE, MISFIT_TIMES = 0.02, 5.0
"""A route with a larger error than this share of the curve's range, and so many times the usual one, is left aside."""

_PASSES = 12
_WEAK = 3.0
"""Standard deviation of the weak priors, in logarithms."""


@dataclass(frozen=True)
class Lives:
    """Living scales of V vehicles over up to T routes, NaN past a vehicle's last.

    Attributes:
        scale: Estimate of each route, shape (V, T).
        variance: Its variance, shape (V, T).
        sensor_v: Error that the routes leave about the curve at those scales, V.
        temper: How much those errors go together within a route.
    """

    scale: Floats
    variance: Floats
    sensor_v: float
    temper: float


@dataclass(frozen=True)
class Wear:
    """How a fleet wears, in units of wear and one route.

    Attributes:
        bend: What makes wear an even level.
        start_sd: Standard deviation of a new vehicle's wear.
        rate: Mean rate.
        rate_sd: Standard deviation of a vehicle's rate about it.
        drift: Of the level, after one route.
        rate_drift: Of the rate.
        error_sd: Error of a route's wear beyond what its own least squares says.
    """

    bend: float
    start_sd: float
    rate: float
    rate_sd: float
    drift: float
    rate_drift: float
    error_sd: float


def learn_wear(artifact: Mapping[str, Any], lives: Sequence[RouteTrip], parent: str = "") -> Learned:
    """Refine a route prototype by the lives of a fleet.

    Args:
        artifact: Of kind `route`, as `learn.route.learn_route` gives.
        lives: Routes of the fleet; at least `LEAST_VEHICLES` vehicles with `LEAST_LIFE` each.
        parent: Hash of the artifact.

    Returns:
        The artifact with priors, wear and noise of this fleet, and the card of that.

    Raises:
        LearningError: The artifact is of another kind, or the lives are too few or too short.
    """
    if artifact.get("kind") != ROUTE:
        raise LearningError(f"wear is learned for models of kind {ROUTE!r}, this one is {artifact.get('kind')!r}")
    route = route_from_dict(artifact["model"])
    seen = scales_of(route, lives)
    vehicles = int((np.isfinite(seen.scale).sum(axis=1) >= LEAST_LIFE).sum())
    if vehicles < LEAST_VEHICLES:
        raise LearningError(
            f"wear needs {LEAST_VEHICLES} vehicles with {LEAST_LIFE} routes each, {vehicles} have them: "
            "run the fleet for longer, or learn from more of it"
        )
    wear, likelihood = most_likely(seen)
    refined = _refined(route, wear, seen)
    card = make_card(
        pack=artifact["pack"],
        kind=ROUTE,
        data=data_of(lives),
        metrics={"rmse_v": seen.sensor_v, "log_likelihood": likelihood},
        limits={"wear": span([wear_of(seen.scale, wear.bend)]), "scale": span([seen.scale])},
        parent=parent,
        figures={"threshold_v": artifact["threshold_v"], **asdict(wear)},
    )
    return Learned({**artifact, "model": refined.to_dict()}, card)


def _refined(route: Route, wear: Wear, seen: Lives) -> Route:
    worst = float(wear_of(np.array(LEAST_SCALE), wear.bend))
    # A start that is known to rounding leaves the filter nothing to factor.
    start_sd = max(wear.start_sd, 0.05 * wear.drift)
    living = (
        Living("wear", 0.0, start_sd, wear.drift, -0.3 * worst, worst),
        Living("wear_rate", wear.rate, wear.rate_sd, wear.rate_drift, -0.5 * worst, 0.5 * worst, rate_of="wear"),
    )
    noise = RouteNoise(sensor_v=max(seen.sensor_v, LEAST_SENSOR_V), temper=_temper(wear, seen))
    return replace(route, bend=wear.bend, living=living, noise=noise)


def _temper(wear: Wear, seen: Lives) -> float:
    """Errors that go together, and those of the model that no single route shows, as one factor on the variance."""
    slope = 1.0 / (1.0 + wear.bend * (1.0 - seen.scale))
    own = float(np.nanmedian(seen.variance * slope**2))
    return float(np.clip(seen.temper * (1.0 + wear.error_sd**2 / own), 1.0, 1e4))


def scales_of(route: Route, trips: Sequence[RouteTrip]) -> Lives:
    """The living scale of each route by Gauss and Newton, all routes at a time.

    Args:
        route: The prototype; its own wear does not matter.
        trips: Routes of any number of vehicles.
    """
    points = Points.of([_thinned(trip) for trip in trips])
    count = len(trips)
    curve = Curve(np.array(route.used), np.array(route.curve_v), route.speed_kmh, route.load_kg, np.array(route.law))
    taken = (curve.terms(points) @ curve.law) * points.distance_km
    first = np.searchsorted(points.route, np.arange(count))
    present = np.bincount(points.route, minlength=count) > 1
    first = np.minimum(first, len(taken) - 1)
    scale = np.where(present, points.voltage_v[first] / curve.curve_v[0], 1.0)
    for _ in range(_PASSES):
        left, slope = _at_scale(curve, taken, points, scale)
        step = np.bincount(points.route, slope * left, count) / _weight(points, slope, count)
        scale = np.clip(scale + np.clip(step, -0.2 * scale, 0.2 * scale), LEAST_SCALE, 2.0)
    left, slope = _at_scale(curve, taken, points, scale)
    fits = _fits(points.route, left, float(np.ptp(curve.curve_v)), count)
    present &= fits
    points, left, slope = points.taken(fits[points.route]), left[fits[points.route]], slope[fits[points.route]]
    sensor = _sensor_v(points.route, left)
    temper = temper_of(points.route, left)
    variance = temper * sensor**2 / _weight(points, slope, count)
    return Lives(*_by_vehicle(trips, present, scale, variance), sensor, temper)


def _fits(route: npt.NDArray[np.int64], left: Floats, span_v: float, count: int) -> npt.NDArray[np.bool_]:
    """Routes that the curve fits at some scale, shape (count,); the others show something else than wear."""
    each = np.sqrt(np.bincount(route, left**2, count) / np.maximum(np.bincount(route, minlength=count), 1))
    return np.asarray(each <= max(MISFIT_SHARE * span_v, MISFIT_TIMES * float(np.median(each))))


def _sensor_v(route: npt.NDArray[np.int64], left: Floats) -> float:
    """Error of the model and the sensor, V: of all routes, and at least half of what one in a hundred exceeds.

    Where the curve is a little off, few routes pass, with errors that the mean over all would not let through.
    """
    count = np.bincount(route)
    each = np.bincount(route, left**2)[count > 0] / count[count > 0]
    return float(np.sqrt(max(np.mean(left**2), 0.25 * np.quantile(each, 0.99))))


def _thinned(trip: RouteTrip) -> RouteTrip:
    every = -(-len(trip.voltage_v) // MOST_POINTS)
    columns = {name: getattr(trip, name)[::every] for name in ("speed_kmh", "load_kg", "distance_km", "voltage_v")}
    return replace(trip, **columns)


def _at_scale(curve: Curve, taken: Floats, points: Points, scale: Floats) -> tuple[Floats, Floats]:
    """What is left of the voltage at the routes' scales, and the voltage's slope over the scale; (N,) each."""
    one = scale[points.route]
    used = taken / one
    inside = np.clip(used, curve.used[0], curve.used[-1])
    piece = np.clip(np.searchsorted(curve.used, inside, side="right") - 1, 0, len(curve.used) - 2)
    steep = (np.diff(curve.curve_v) / np.diff(curve.used))[piece]
    volts = curve.curve_v[piece] + steep * (inside - curve.used[piece])
    return points.voltage_v - one * volts, volts - np.where(inside == used, steep, 0.0) * used


def _weight(points: Points, slope: Floats, count: int) -> Floats:
    return np.maximum(np.bincount(points.route, slope**2, count), 1e-12)


def _by_vehicle(
    trips: Sequence[RouteTrip], present: npt.NDArray[np.bool_], scale: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """One row a vehicle, its routes in the order of their numbers; one that shows nothing stays a gap."""
    rows: dict[str, list[int]] = {}
    for at in sorted(range(len(trips)), key=lambda at: trips[at].number):
        rows.setdefault(trips[at].vehicle_id, []).append(at)
    longest = max(map(len, rows.values()), default=0)
    both = np.full((2, len(rows), longest), np.nan)
    for row, own in enumerate(rows.values()):
        known = np.where(present[own], 1.0, np.nan)
        both[0, row, : len(own)] = scale[own] * known
        both[1, row, : len(own)] = variance[own] * known
    return both[0], both[1]


def most_likely(seen: Lives) -> tuple[Wear, float]:
    """The wear under which a fleet's lives are most likely, and the logarithm of that likelihood.

    Args:
        seen: The fleet's scales.
    """
    starts = [_guess(seen, bend) for bend in BENDS]
    start = min(starts, key=lambda one: _cost(_packed(one), one, seen))
    found = minimize(_cost, _packed(start), (start, seen), method="L-BFGS-B", options={"maxiter": 60})
    wear = _unpacked(found.x if np.isfinite(found.fun) else _packed(start))
    return wear, log_likelihood(wear, seen)


def _guess(seen: Lives, bend: float) -> Wear:
    """Moments of the steps of wear: where the search begins."""
    step = np.diff(wear_of(seen.scale, bend), axis=1)
    known = np.isfinite(step)
    each = np.nansum(step, axis=1)[known.any(axis=1)] / known.sum(axis=1)[known.any(axis=1)]
    rate = max(float(np.nanmean(step)), 1e-7)
    drift = max(float(np.nanstd(step)), 1e-3 * rate)
    return Wear(
        bend=bend,
        start_sd=max(float(np.nanstd(wear_of(seen.scale[:, 0], bend))), 0.1 * drift),
        rate=rate,
        rate_sd=max(float(each.std()), 0.005 * rate),
        drift=drift,
        rate_drift=0.003 * rate,
        error_sd=0.03 * drift,
    )


def _packed(wear: Wear) -> Floats:
    return np.log(
        [
            wear.bend - LEAST_BEND,
            *(wear.start_sd, wear.rate, wear.rate_sd, wear.drift, wear.rate_drift, wear.error_sd),
        ]
    )


def _unpacked(values: Floats) -> Wear:
    bend, *others = (float(value) for value in np.exp(np.clip(values, -40.0, 8.0)))
    return Wear(bend + LEAST_BEND, *others)


def _cost(values: Floats, about: Wear, seen: Lives) -> float:
    """Negative log posterior: the likelihood, and weak priors about the first guess."""
    held = float(np.sum(((values - _packed(about)) / _WEAK) ** 2))
    likelihood = log_likelihood(_unpacked(values), seen)
    return 0.5 * held - likelihood if np.isfinite(likelihood) else 1e12


def log_likelihood(wear: Wear, seen: Lives) -> float:
    """Log marginal likelihood of a fleet's scales: a Kalman filter over each life, vehicles side by side.

    Level and rate as in `filters.trends`; the scales are told as wear, whose Jacobian counts.
    """
    stretch = 1.0 + wear.bend * (1.0 - seen.scale)
    level = wear_of(seen.scale, wear.bend)
    noise = seen.variance / stretch**2 + wear.error_sd**2
    known = np.isfinite(level)
    level, noise = np.where(known, level, 0.0).T, np.where(known, noise, 1.0).T
    total = -float(np.sum(np.log(stretch[known])))
    vehicles = len(seen.scale)
    x, v = np.zeros(vehicles), np.full(vehicles, wear.rate)
    pxx, pxv, pvv = np.full(vehicles, wear.start_sd**2), np.zeros(vehicles), np.full(vehicles, wear.rate_sd**2)
    q, r = wear.drift**2, wear.rate_drift**2
    for at, here in enumerate(known.T):
        if at:
            x = x + v
            pxx, pxv, pvv = pxx + 2.0 * pxv + pvv + q + r / 3.0, pxv + pvv + r / 2.0, pvv + r
        variance = pxx + noise[at]
        off = np.where(here, level[at] - x, 0.0)
        gx, gv = np.where(here, pxx / variance, 0.0), np.where(here, pxv / variance, 0.0)
        total -= 0.5 * float(np.sum(np.where(here, np.log(2.0 * np.pi * variance) + off * off / variance, 0.0)))
        x, v = x + gx * off, v + gv * off
        pvv, pxv, pxx = pvv - gv * pxv, pxv - gv * pxx, pxx - gx * pxx
    return total
