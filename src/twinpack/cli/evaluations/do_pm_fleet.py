"""The evaluation on the fleet of the published living-twin example: routes of constant speed, predicted one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.cli import output

if TYPE_CHECKING:
    from twinpack.evaluate.routes import Lived
    from twinpack.learn.route import RouteTrip
    from twinpack.twin.settings import LoopSettings, Policy

Metrics = dict[str, Any]

THRESHOLD_V = 0.218
"""The published threshold: 5 % of the range of voltage in this data."""

POLICIES: tuple[Policy, ...] = ("threshold", "change", "always")

KM, KG = 1.609344, 0.45359237
"""A mile in kilometres, a pound in kilograms."""

QUICK_VEHICLES, QUICK_ROUTES = 16, 40
SIMULATED_VEHICLES, SIMULATED_ROUTES, SIMULATED_NOISE_V = 40, 80, 0.005
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_START_US = 18_262 * _DAY_US + 8 * _HOUR_US  # 2020-01-01, eight in the morning


def evaluate(folder: Path, quick: bool, pictures: Path | None = None) -> Metrics:
    """Each route predicted before it is used, by the three policies; wear and noise cross-fitted by vehicle.

    Args:
        folder: Has `points.parquet` and `trips.parquet`.
        quick: Fewer vehicles and routes.
        pictures: Folder for pictures of what came of it, None for none.
    """
    trips = read_routes(folder, *((QUICK_VEHICLES, QUICK_ROUTES) if quick else (None, None)))
    return _judged(trips, THRESHOLD_V, pictures)


def evaluate_simulated(_: Path, quick: bool, pictures: Path | None = None) -> Metrics:
    """The same on the simulator's routes, which wear by another law and have a noisy sensor."""
    from twinpack.evaluate.routes import routes_of
    from twinpack.simulate.routes import RouteFleet
    from twinpack.simulate.settings import RouteSettings

    vehicles, routes = (12, 30) if quick else (SIMULATED_VEHICLES, SIMULATED_ROUTES)
    fleet = RouteFleet(RouteSettings(vehicles=vehicles, routes=routes, noise_v=SIMULATED_NOISE_V))
    return _judged(routes_of(fleet.tables()), None, pictures)


def read_routes(folder: Path, vehicles: int | None = None, routes: int | None = None) -> list[RouteTrip]:
    """The routes of the published example, in the units of the telemetry.

    Args:
        folder: Has `points.parquet` and `trips.parquet`.
        vehicles: Only the first so many.
        routes: Only the first so many of each.
    """
    import numpy as np
    import pyarrow.parquet as pq

    from twinpack.learn.route import RouteTrip

    points = pq.read_table(folder / "points.parquet").sort_by(
        [("vehicle", "ascending"), ("route", "ascending"), ("distance_mi", "ascending")]
    )
    plan = pq.read_table(folder / "trips.parquet")
    names = ("vehicle", "route", "planned_distance_mi", "planned_duration_h", "load_lb")
    rows = zip(*(plan.column(name).to_pylist() for name in names), strict=True)
    planned = {(vehicle, route): (miles / hours, load) for vehicle, route, miles, hours, load in rows}
    vehicle, route = (points.column(name).to_numpy().astype(np.int64) for name in ("vehicle", "route"))
    way = points.column("distance_mi").to_numpy().astype(np.float64) * KM
    volts = points.column("voltage_v").to_numpy().astype(np.float64)
    starts = np.flatnonzero(np.diff(vehicle, prepend=-1) | np.diff(route, prepend=-1))
    wanted = {int(one) for one in np.unique(vehicle)[:vehicles]}
    found = []
    for start, stop in zip(starts, [*starts[1:], len(way)], strict=True):
        who, which = int(vehicle[start]), int(route[start])
        if who not in wanted or (routes is not None and which >= routes):
            continue
        speed_mph, load_lb = planned[who, which]
        even = np.ones(stop - start)
        found.append(
            RouteTrip(
                vehicle_id=f"DOPM-{who:03d}",
                number=which,
                start_us=_START_US + which * _DAY_US,
                speed_kmh=speed_mph * KM * even,
                load_kg=load_lb * KG * even,
                distance_km=way[start:stop],
                voltage_v=volts[start:stop],
            )
        )
    return found


def loop_settings(policy: Policy, threshold_v: float | None) -> LoopSettings:
    """The loop as it is judged: the product's own settings, but for policy and threshold."""
    from twinpack.twin.settings import LoopSettings

    return replace(LoopSettings(policy=policy), threshold_v=threshold_v)


def _judged(trips: Sequence[RouteTrip], threshold_v: float | None, pictures: Path | None) -> Metrics:
    from twinpack.evaluate.routes import FOLDS, cross_fitted, figures, from_first_routes, live

    begun = time.perf_counter()
    artifacts = cross_fitted(trips)
    trained = time.perf_counter() - begun
    limit = threshold_v if threshold_v is not None else next(iter(artifacts.values()))["threshold_v"]
    metrics: Metrics = {}
    lives: dict[str, Lived] = {}
    shown = next(iter(artifacts)) if pictures is not None else None
    with output.progress("live", len(POLICIES), "policies") as bar:
        for done, policy in enumerate(POLICIES, 1):
            from_s = time.perf_counter()
            lived = live(trips, artifacts, loop_settings(policy, threshold_v), [shown] if shown else [])
            lives[policy] = lived
            metrics |= figures(lived, policy, limit)
            metrics[f"{policy}_refused"] = lived.refused
            metrics[f"{policy}_seconds"] = round(time.perf_counter() - from_s, 1)
            bar.set(done)
    never = lives[POLICIES[0]]
    metrics |= _never(never, limit)
    metrics["training_seconds"] = round(trained, 1)
    metrics["seconds"] = round(time.perf_counter() - begun, 1)
    alone = live(trips, from_first_routes(trips), loop_settings(POLICIES[0], threshold_v))
    told = figures(alone, "first_routes_alone", limit)
    metrics |= {name: value for name, value in told.items() if name.endswith(("rmse_v", "over_pct", "vehicle"))}
    if pictures is not None and shown is not None:
        from twinpack.report.routes import draw

        draw(lives, shown, limit, pictures, published=threshold_v is not None)
    return metrics | {
        "n": never.rmse_v[:, 1:].size,
        "split": f"{len(artifacts)} vehicles; prototype from all first routes, wear and noise from the vehicles of the "
        f"other {FOLDS - 1} of {FOLDS} folds; later routes judged, each predicted before it is used",
    }


def _never(lived: Lived, threshold_v: float) -> Metrics:
    import numpy as np

    known = np.isfinite(lived.never_mae_v[:, 1:])
    return {
        "as_new_rmse_v": float(np.nanmean(lived.new_rmse_v[:, 1:])),
        "never_rmse_v": float(np.nanmean(lived.never_rmse_v[:, 1:])),
        "never_over_pct": 100.0 * float(np.mean(lived.never_mae_v[:, 1:][known] > threshold_v)),
    }
