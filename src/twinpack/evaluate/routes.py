"""The living loop over a fleet of routes, in memory and cross-fitted by vehicle, exactly as a run makes it.

The prototype is learned from the first route of all vehicles. How a fleet wears, what a new vehicle is like and how
wrong the model is are learned from the lives of the other vehicles alone: vehicles are dealt to folds, and a twin
starts from the artifact of the others. Every route is predicted before anything of it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.battery.route import RouteModel, route_from_dict
from twinpack.fleet.events import PREDICTION, STEPS, VERSION
from twinpack.fleet.fold import fold
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.learn.route import RouteTrip, learn_route
from twinpack.learn.wear import learn_wear
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE, tick_row, to_log
from twinpack.twin.settings import Z95, LoopSettings, Prototype
from twinpack.twin.versions import ACCEPTED

Floats = npt.NDArray[np.float64]

FOLDS = 4
DAY_US = 86_400_000_000

GOOD_COVERAGE = (0.90, 0.99)
"""A vehicle whose share of points inside the 95 % band lies between these is covered."""

_PACK = """
name = "{name}"
chemistry = "one cell"
series = 1
parallel = 1
capacity_ah = 3.0
energy_kwh = 0.0108
cell_voltage_min_v = 0.5
cell_voltage_max_v = 5.0
charge_current_max_a = 6.0
discharge_current_max_a = 20.0
temp_min_c = -25.0
temp_max_c = 75.0
ocv = "nmc811"
"""


@dataclass(frozen=True)
class Lived:
    """What became of V vehicles over T routes; NaN where a route was not scored.

    Attributes:
        vehicle_ids: The vehicles.
        scored: Points of each route, shape (V, T).
        rmse_v: Error of the deployed version, V, shape (V, T).
        mae_v: Mean absolute error of it, V, shape (V, T).
        covered: Share of points inside its 95 % band, shape (V, T).
        width_v: Mean full width of the band, V, shape (V, T).
        interval_score_v: Interval score of the band, V, shape (V, T).
        never_rmse_v: Error of the never-updated prototype, V, shape (V, T).
        never_mae_v: Mean absolute error of it, V, shape (V, T).
        new_rmse_v: Error of taking the battery for new all its life, V, shape (V, T).
        updated: Whether a version was accepted at the end of the route, shape (V, T).
        refused: Updates that were refused.
        points: Predicted points of the vehicles asked for, by column.
    """

    vehicle_ids: tuple[str, ...]
    scored: Floats
    rmse_v: Floats
    mae_v: Floats
    covered: Floats
    width_v: Floats
    interval_score_v: Floats
    never_rmse_v: Floats
    never_mae_v: Floats
    new_rmse_v: Floats
    updated: npt.NDArray[np.bool_]
    refused: int = 0
    points: Mapping[str, Mapping[str, npt.NDArray[Any]]] = field(default_factory=dict)


def cross_fitted(trips: Sequence[RouteTrip], folds: int = FOLDS) -> dict[str, dict[str, Any]]:
    """An artifact for each vehicle that saw only first routes and the lives of vehicles of other folds.

    Args:
        trips: Routes of the fleet.
        folds: How many folds vehicles are dealt to.

    Returns:
        The artifact by vehicle; vehicles of one fold share one, whose pack has the fold's name.
    """
    prototypes = from_first_routes(trips)
    vehicles, prototype = list(prototypes), next(iter(prototypes.values()))
    found = {}
    for number in range(min(folds, len(vehicles))):
        own = set(vehicles[number::folds])
        refined = learn_wear(prototype, [trip for trip in trips if trip.vehicle_id not in own]).artifact
        refined["pack"] = f"routes-{number}"
        found.update({vehicle: refined for vehicle in own})
    return {vehicle: found[vehicle] for vehicle in vehicles}


def from_first_routes(trips: Sequence[RouteTrip]) -> dict[str, dict[str, Any]]:
    """One artifact for every vehicle, from first routes alone: nothing is known of how the fleet wears.

    Args:
        trips: Routes of the fleet.
    """
    prototype = learn_route(trips, load_pack(_pack("routes"))).artifact
    return {trip.vehicle_id: prototype for trip in trips}


def live(
    trips: Sequence[RouteTrip],
    artifacts: Mapping[str, Mapping[str, Any]],
    settings: LoopSettings,
    keep: Iterable[str] = (),
) -> Lived:
    """Fold the fleet's routes, day by day.

    Args:
        trips: Routes of the fleet, any order.
        artifacts: The artifact that each vehicle's twin starts from.
        settings: How twins live; `keep_steps` must be set.
        keep: Vehicles whose predicted points are kept.
    """
    prototypes = {one["pack"]: Prototype.from_artifact(dict(one), f"fold {one['pack']}") for one in artifacts.values()}
    state = ShardState.empty(FoldSettings(loop=settings), prototypes)
    state = state.registered((vehicle, _pack(one["pack"])) for vehicle, one in artifacts.items())
    gathered = _Gathered(artifacts, trips, set(keep))
    for batch in batches(trips):
        state, events = fold(state, batch)
        for event in events:
            gathered.take(event.kind, event.body)
    return gathered.lived()


def _pack(name: str) -> str:
    return _PACK.format(name=name)


def batches(trips: Sequence[RouteTrip]) -> Iterator[SampleBatch]:
    """A day of the fleet at a time in the order of receipt, and a tick at the end that closes what is open."""
    odometer: dict[str, float] = {}
    offset, last_us = 0, 0
    for today in _days(trips):
        table = samples(today, odometer)
        for trip in today:
            odometer[trip.vehicle_id] = odometer.get(trip.vehicle_id, 0.0) + float(trip.distance_km[-1])
        batch = SampleBatch.from_arrow(to_log(table), offset)
        offset, last_us = batch.end_offset, int(batch.sample_time_us[-1])
        yield batch
    yield SampleBatch.from_arrow(tick_row(last_us + DAY_US), offset)


def _days(trips: Sequence[RouteTrip]) -> Iterator[list[RouteTrip]]:
    days: dict[int, list[RouteTrip]] = {}
    for trip in trips:
        days.setdefault(trip.start_us // DAY_US, []).append(trip)
    for day in sorted(days):
        yield days[day]


def samples(trips: Sequence[RouteTrip], odometer_km: Mapping[str, float]) -> pa.Table:
    """Routes as samples in the `TELEMETRY` schema, in the order of time.

    Args:
        trips: Routes; a vehicle's follow each other.
        odometer_km: What each vehicle has driven before.
    """
    count = [len(trip.voltage_v) for trip in trips]
    since_us = np.concatenate([trip.distance_km / trip.speed_kmh for trip in trips]) * 3.6e9
    time_us = np.repeat([trip.start_us for trip in trips], count) + np.round(since_us).astype(np.int64)
    order = np.argsort(time_us, kind="stable")
    before = np.repeat([odometer_km.get(trip.vehicle_id, 0.0) for trip in trips], count)
    times = pa.array(time_us[order]).cast(TIME_TYPE)
    ids = pa.array([trip.vehicle_id for trip in trips]).take(pa.array(np.repeat(np.arange(len(trips)), count)[order]))
    given = {
        "vehicle_id": ids,
        "sample_time": times,
        "receipt_time": times,
        "pack_voltage_v": pa.array(_joined(trips, "voltage_v")[order], from_pandas=True),
        "speed_kmh": pa.array(_joined(trips, "speed_kmh")[order]),
        "load_kg": pa.array(_joined(trips, "load_kg")[order]),
        "odometer_km": pa.array((before + _joined(trips, "distance_km"))[order]),
        "is_charging": pa.array(np.zeros(len(order), np.bool_)),
    }
    rows = len(order)
    columns = [given.get(one.name, pa.nulls(rows, one.type)) for one in TELEMETRY]
    return pa.Table.from_arrays(columns, schema=TELEMETRY)


def _joined(trips: Sequence[RouteTrip], name: str) -> Floats:
    return np.concatenate([np.asarray(getattr(trip, name), np.float64) for trip in trips])


def routes_of(tables: Iterable[pa.Table]) -> list[RouteTrip]:
    """The routes in samples of the `TELEMETRY` schema, one a vehicle and table.

    Args:
        tables: A day each, as `simulate.routes.RouteFleet.tables` gives.
    """
    found: list[RouteTrip] = []
    for number, table in enumerate(tables, 1):
        column = table.column("vehicle_id").combine_chunks().dictionary_encode()
        index = column.indices.to_numpy()
        names = ("speed_kmh", "load_kg", "odometer_km", "pack_voltage_v")
        speed, load, odometer, volts = (table.column(name).to_numpy() for name in names)
        time_us = table.column("sample_time").cast(pa.int64()).to_numpy()
        for at, vehicle in enumerate(column.dictionary.to_pylist()):
            rows = np.flatnonzero(index == at)
            way = odometer[rows] - odometer[rows[0]]
            found.append(RouteTrip(vehicle, number, int(time_us[rows[0]]), speed[rows], load[rows], way, volts[rows]))
    return found


def as_new(model: RouteModel, trip: RouteTrip) -> Floats:
    """Voltage along a route of a battery as new as the prototype, V, shape (N,)."""
    given = {"speed_kmh": trip.speed_kmh, "load_kg": trip.load_kg, "distance_km": trip.distance_km}
    return np.asarray(model.measure({"wear": 0.0}, given))


class _Gathered:
    """Fills the arrays of `Lived` from events."""

    def __init__(self, artifacts: Mapping[str, Mapping[str, Any]], trips: Sequence[RouteTrip], keep: set[str]) -> None:
        """Prepare for the routes of these vehicles, in the order of their start."""
        self._ids = tuple(artifacts)
        self._row = {vehicle: row for row, vehicle in enumerate(self._ids)}
        self._trips: dict[str, list[RouteTrip]] = {vehicle: [] for vehicle in self._ids}
        for trip in sorted(trips, key=lambda one: one.start_us):
            self._trips[trip.vehicle_id].append(trip)
        self._begun = {vehicle: np.array([one.start_us for one in own]) for vehicle, own in self._trips.items()}
        shape = (len(self._ids), max(map(len, self._trips.values())))
        names = ("scored", "rmse_v", "mae_v", "covered", "width_v", "interval_score_v", "never_rmse_v", "never_mae_v")
        self._figures = {name: np.full(shape, np.nan) for name in names}
        self._updated = np.zeros(shape, np.bool_)
        self._refused = 0
        self._width, self._count = np.zeros(shape), np.zeros(shape)
        self._keep = keep
        routes = {id(one): RouteModel(route_from_dict(one["model"])) for one in artifacts.values()}
        self._models = {vehicle: routes[id(one)] for vehicle, one in artifacts.items()}
        self._points: dict[str, list[dict[str, npt.NDArray[Any]]]] = {vehicle: [] for vehicle in keep}

    def take(self, kind: str, body: Any) -> None:
        """Take what the fold gave back."""
        if kind == STEPS:
            self._take_steps(body.vehicle_ids, body.columns)
        elif kind == PREDICTION:
            self._take_score(body)
        elif kind == VERSION and body.kind == ACCEPTED:
            self._updated[self._at(body.vehicle_id, body.window_end_us)] = True
        elif kind == VERSION and body.kind == "refused":
            self._refused += 1

    def _at(self, vehicle_id: str, time_us: int) -> tuple[int, int]:
        """Row and route of a moment within or at the end of a route."""
        return self._row[vehicle_id], int(np.searchsorted(self._begun[vehicle_id], time_us, side="right")) - 1

    def _take_score(self, score: Any) -> None:
        at = self._at(score.vehicle_id, score.start_us)
        told = (
            *(score.scored_samples, score.deployed_rmse_v, score.deployed_mae_v, score.deployed_coverage_95),
            *(np.nan, score.deployed_interval_score_v, score.never_rmse_v, score.never_mae_v),
        )
        for values, value in zip(self._figures.values(), told, strict=True):
            values[at] = value

    def _take_steps(self, vehicle_ids: Sequence[str], columns: Mapping[str, npt.NDArray[Any]]) -> None:
        lane, time_us = columns["vehicle"], columns["sample_time"]
        for index, vehicle in enumerate(vehicle_ids):
            mine = (lane == index) & columns["scored"]
            if not mine.any():
                continue
            row, route = self._at(vehicle, int(time_us[mine][0]))
            self._width[row, route] += 2.0 * Z95 * float(np.sum(columns["deployed_sd_v"][mine]))
            self._count[row, route] += int(mine.sum())
            if vehicle in self._keep:
                kept = {name: values[mine] for name, values in columns.items()}
                trip = self._trips[vehicle][route]
                hours = (kept["sample_time"] - trip.start_us) / 3.6e9
                kept["new_v"] = np.interp(hours, trip.distance_km / trip.speed_kmh, as_new(self._models[vehicle], trip))
                self._points[vehicle].append({**kept, "route": np.full(int(mine.sum()), route)})

    def lived(self) -> Lived:
        """Everything gathered."""
        with np.errstate(invalid="ignore", divide="ignore"):
            self._figures["width_v"] = self._width / self._count
        points = {
            vehicle: {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            for vehicle, parts in self._points.items()
            if parts
        }
        told: dict[str, Any] = {**self._figures, "updated": self._updated, "refused": self._refused, "points": points}
        return Lived(self._ids, new_rmse_v=self._as_new(), **told)

    def _as_new(self) -> Floats:
        """Error of each route, had the battery stayed as new as the prototype."""
        found = np.full(self._updated.shape, np.nan)
        for vehicle, row in self._row.items():
            for route, trip in enumerate(self._trips[vehicle]):
                left = as_new(self._models[vehicle], trip) - trip.voltage_v
                found[row, route] = np.sqrt(np.nanmean(left**2))
        return found


def figures(lived: Lived, prefix: str, threshold_v: float) -> dict[str, Any]:
    """The figures of a policy over all routes but each vehicle's first.

    Args:
        lived: What became of the fleet.
        prefix: Put before each name.
        threshold_v: A route whose mean absolute error is more counts as over.
    """
    later = slice(1, None)
    known = np.isfinite(lived.rmse_v[:, later])
    weight = np.where(known, lived.scored[:, later], 0.0)
    covered = np.nansum(lived.covered[:, later] * weight, axis=1) / weight.sum(axis=1)
    good = (covered >= GOOD_COVERAGE[0]) & (covered <= GOOD_COVERAGE[1])
    told = {
        "rmse_v": float(np.nanmean(lived.rmse_v[:, later])),
        "over_pct": 100.0 * float(np.mean(lived.mae_v[:, later][known] > threshold_v)),
        "updates_per_vehicle": float(lived.updated.sum(axis=1).mean()),
        "coverage_95_pct": 100.0 * float(np.nansum(lived.covered[:, later] * weight) / weight.sum()),
        "band_width_v": float(np.nansum(lived.width_v[:, later] * weight) / weight.sum()),
        "interval_score_v": float(np.nansum(lived.interval_score_v[:, later] * weight) / weight.sum()),
        "vehicles_covered_pct": 100.0 * float(good.mean()),
    }
    return {f"{prefix}_{name}": value for name, value in told.items()}


def coverage_by_vehicle(lived: Lived) -> Floats:
    """Share of points inside the 95 % band over all routes but the first, shape (V,)."""
    weight = np.where(np.isfinite(lived.rmse_v), lived.scored, 0.0)[:, 1:]
    return np.asarray(np.nansum(lived.covered[:, 1:] * weight, axis=1) / weight.sum(axis=1))
