"""A few vehicles of a hand-written route prototype, and their routes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tests.twin.garage import DAY_US, START_US, Drives, Outcome, folded, log_of
from twinpack.battery.route import Route, RouteModel, RouteNoise
from twinpack.filters.model import Living
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.twin.settings import LoopSettings, Prototype

Floats = npt.NDArray[np.float64]

PACK = "route_cell"
ROUTE = Route(
    used=(0.0, 0.1, 0.55, 0.8, 0.96, 1.0),
    curve_v=(4.75, 4.50, 4.30, 4.16, 3.76, 3.00),
    speed_kmh=58.0,
    load_kg=4500.0,
    law=(0.45 / 240, 0.10 / 240, 0.45 / 240, 0.0, 0.0, 0.0),
    living=(
        Living("wear", 0.0, 0.01, 1e-4, -0.5, 5.0),
        Living("wear_rate", 0.01, 0.003, 3e-4, -0.5, 0.5, rate_of="wear"),
    ),
    noise=RouteNoise(sensor_v=0.01, temper=20.0),
)
PROTOTYPE = Prototype("e" * 64, PACK, "route", ROUTE.to_dict(), 0.1, "mae", 0)
LOOP = LoopSettings(policy="threshold", least_scored=20)
POINTS = 40


def routes(
    vehicle: str, count: int = 6, rate: float = 0.014, seed: int = 0, points: int = POINTS, **given: Any
) -> Drives:
    """Routes a day apart of a vehicle that loses `rate` of its scale with each; `given` replaces signals."""
    rng = np.random.default_rng([seed, *vehicle.encode()])
    speed = rng.uniform(48.0, 68.0, count)
    load = rng.uniform(3500.0, 5500.0, count)
    share = np.linspace(0.0, 0.97, points)[:, None]
    scale = 1.0 - rate * np.arange(count)
    taken = np.array(
        [RouteModel(ROUTE).consumption({"speed_kmh": v, "load_kg": m}) for v, m in zip(speed, load, strict=True)]
    )
    distance = share * scale / taken
    voltage = scale * np.interp(share, ROUTE.used, ROUTE.curve_v)
    driven = np.concatenate([[0.0], np.cumsum(distance[-1])[:-1]])
    values = {
        "pack_voltage_v": voltage + rng.normal(0.0, 0.003, voltage.shape),
        "speed_kmh": np.broadcast_to(speed, voltage.shape),
        "load_kg": np.broadcast_to(load, voltage.shape),
        "odometer_km": 1000.0 + driven + distance,
        "pack_current_a": np.full(voltage.shape, np.nan),
    }
    time_us = START_US + np.arange(count) * DAY_US + np.round(distance / speed * 3.6e9).astype(np.int64)
    flat = {name: np.array(array.T).ravel() for name, array in values.items()}
    return Drives(vehicle, time_us.T.ravel(), np.repeat(np.arange(1, count + 1), points), flat | given)


def folded_routes(
    *several: Drives, loop: LoopSettings = LOOP, cuts: Any = (), prototype: Prototype = PROTOTYPE
) -> Outcome:
    """What a fold of these vehicles' routes leaves and gives."""
    return folded(log_of(*several, pack=PACK), loop, cuts, first(loop, prototype))


def first(loop: LoopSettings = LOOP, prototype: Prototype = PROTOTYPE) -> ShardState:
    return ShardState.empty(FoldSettings(loop=loop), {PACK: prototype})
