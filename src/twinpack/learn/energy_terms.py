"""What a trip asks of the battery, term by term: speed profile, elevation, weather and load as physics sees them.

At the wheels of a vehicle of mass m (laden) and drag area A, over a step of ds metres with speed v:

    work = m (g c_r ds + g dh + 1.05 d(v²/2)) + A rho/2 v² ds

Where it is positive the drive takes it over its efficiency, where it is negative braking gives a part of it back. To it
come electronics by the hour, what cold adds, and heating and cooling of the cabin by the weather: what the cabin loses
in each hour, and what it takes once to bring it to a comfortable temperature. Each is one term of about the size it has
in a usual vehicle of this pack, so that its coefficient is about 1 and a fit starts from physics (`learn.energy`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SUMS = ("hours", "distance_km", "driven_km", "driven_climb", "driven_drag", "braked", "braked_drag")
"""What is kept of a course: hours; km; km that were driven (not braked); work of climbing and of gaining speed while
driving, kWh a tonne; of drag then, kWh a m² at usual air; and both (rolling with climbing) while braking, negative."""

TRACTION = (
    *("rolling", "drag", "climbing", "recuperation", "electronics"),
    *("cold_rolling", "cold_drive", "cold_recuperation"),
)
COMFORT = ("heat_loss", "heat_up", "cool_loss", "cool_down")
TERMS = (*TRACTION, *COMFORT)
"""Terms of a trip's energy; those of `COMFORT` are what the cabin takes."""

PRIOR_MEAN = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.2, 0.03, 0.2, 1.0, 1.0, 1.0, 1.0])
PRIOR_SD = np.array([0.4, 0.4, 0.3, 0.3, 1.0, 0.2, 0.10, 0.3, 0.7, 0.7, 0.7, 0.7])
"""What is known of the coefficients before any trip: the efficiencies and losses of electric cars."""

LEAST = np.array([0.3, 0.3, 0.5, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
"""Least of each that is possible: trips that tell two terms apart badly would give one of them the wrong sign."""

GRAVITY = 9.81
ROTATING = 1.05
"""Of the mass: what turns has to be turned faster as well."""
USUAL_AIR_C = 20.0
_AIR_KG_M3, _AIR_HEIGHT_M, _KELVIN = 1.204, 8400.0, 273.15
_DRIVE_EFFICIENCY, _RECUPERATION = 0.90, 0.65
_ROLLING, _ELECTRONICS_KW = 0.010, 0.40
_LOSS_KW_K, _HEAT_UP_KWH_K, _COOL_DOWN_KWH_K = 0.12, 0.04, 0.02
_WARM_C, _COOL_C = 20.0, 22.0
_SETTLED_H = 1.0 / 6.0
_COLD_K = 20.0
_KWH = 1.0 / 3.6e6

GRID_S = 1.0
SMOOTH_M = 75.0
"""Speed is read each second; height is a mean over so many metres either way: sensors of height step and wander."""


@dataclass(frozen=True)
class Body:
    """A usual vehicle of a pack, which coefficients are told against.

    Attributes:
        mass_kg: With its driver, without load.
        drag_area_m2: Drag coefficient times frontal area.
    """

    mass_kg: float = 1900.0
    drag_area_m2: float = 0.65

    def to_dict(self) -> dict[str, float]:
        """As JSON values."""
        return asdict(self)


def body_of(energy_kwh: float) -> Body:
    """A usual car with a pack of some energy: larger packs are in larger cars (registered cars of 2012 to 2024)."""
    return Body(mass_kg=float(np.clip(1100.0 + 14.0 * energy_kwh, 900.0, 12_000.0)))


@dataclass(frozen=True)
class Course:
    """A trip as planned or driven, N points.

    Attributes:
        time_s: Since its start, s, not falling.
        speed_kmh: Speed.
        elevation_m: Height; NaN where it is not known, which counts as level.
    """

    time_s: Floats
    speed_kmh: Floats
    elevation_m: Floats


@dataclass(frozen=True)
class Weather:
    """What is known of T trips before they begin, shape (T,) each or a number; NaN where it is not known.

    Attributes:
        ambient_c: Outside air, °C.
        load_kg: Payload; not known counts as none.
        battery_c: Battery at the start; not known counts as the air.
        cabin_c: Cabin at the start; not known counts as the air.
    """

    ambient_c: Any
    load_kg: Any = 0.0
    battery_c: Any = np.nan
    cabin_c: Any = np.nan


def sums_of(course: Course, body: Body, load_kg: float = 0.0) -> Floats:
    """What is kept of a course, shape (len(SUMS),); NaN where it has no two points of known time and speed."""
    time, speed = _grid(course)
    if not len(time):
        return np.full(len(SUMS), np.nan)
    step_m = 0.5 * (speed[1:] + speed[:-1]) * np.diff(time)
    height = _height(course, time, step_m)
    climb = GRAVITY * np.diff(height) + 0.5 * ROTATING * (speed[1:] ** 2 - speed[:-1] ** 2)
    middle = 0.5 * (speed[1:] + speed[:-1])
    thin = np.exp(-np.clip(0.5 * (height[1:] + height[:-1]), -500.0, 9000.0) / _AIR_HEIGHT_M)
    drag = 0.5 * _AIR_KG_M3 * thin * middle**2 * step_m
    rolling = GRAVITY * _ROLLING * step_m
    driving = (body.mass_kg + load_kg) * (rolling + climb) + body.drag_area_m2 * drag > 0.0
    braking = ~driving
    return np.array(
        [
            (time[-1] - time[0]) / 3600.0,
            step_m.sum() / 1000.0,
            step_m[driving].sum() / 1000.0,
            1000.0 * _KWH * climb[driving].sum(),
            _KWH * drag[driving].sum(),
            1000.0 * _KWH * (rolling + climb)[braking].sum(),
            _KWH * drag[braking].sum(),
        ]
    )


def terms_of(sums: Floats, weather: Weather, body: Body) -> Floats:
    """The terms of T trips, kWh each, shape (T, len(TERMS)).

    Args:
        sums: Shape (T, len(SUMS)).
        weather: Of each trip, or the same for all.
        body: The usual vehicle.
    """
    hours, _, driven_km, climb, drag, braked, braked_drag = np.asarray(sums, dtype=np.float64).T
    known = _known(weather, len(hours))
    ambient, load, battery, cabin = known
    tonnes = (body.mass_kg + load) / 1000.0
    air = body.drag_area_m2 * (USUAL_AIR_C + _KELVIN) / (ambient + _KELVIN)
    rolling = tonnes * 1e6 * GRAVITY * _ROLLING * driven_km * _KWH / _DRIVE_EFFICIENCY
    dragged, climbed = air * drag / _DRIVE_EFFICIENCY, tonnes * climb / _DRIVE_EFFICIENCY
    back = _RECUPERATION * (tonnes * braked + air * braked_drag)
    cold_air, cold = (np.clip((_COLD_K - one) / _COLD_K, 0.0, 3.0) for one in (ambient, battery))
    settled = 1.0 - np.exp(-hours / _SETTLED_H)
    columns = [
        rolling,
        dragged,
        climbed,
        back,
        _ELECTRONICS_KW * hours,
        rolling * cold_air,
        np.maximum(rolling + dragged + climbed, 0.0) * cold,
        -back * cold,
        _LOSS_KW_K * np.maximum(_WARM_C - ambient, 0.0) * hours,
        _HEAT_UP_KWH_K * np.maximum(_WARM_C - cabin, 0.0) * settled,
        _LOSS_KW_K * np.maximum(ambient - _COOL_C, 0.0) * hours,
        _COOL_DOWN_KWH_K * np.maximum(ambient - _COOL_C, 0.0) * settled,
    ]
    return np.stack(columns, axis=1)


def _known(weather: Weather, trips: int) -> tuple[Floats, ...]:
    def over(values: Any) -> Floats:
        return np.broadcast_to(np.asarray(values, dtype=np.float64), (trips,))

    ambient = over(weather.ambient_c)
    ambient = np.where(np.isfinite(ambient), ambient, USUAL_AIR_C)
    load = np.nan_to_num(over(weather.load_kg))
    battery, cabin = (
        np.where(np.isfinite(one), one, ambient) for one in map(over, (weather.battery_c, weather.cabin_c))
    )
    return ambient, load, battery, cabin


def _grid(course: Course) -> tuple[Floats, Floats]:
    """Times a second apart and speed there, m/s, a mean over three: speeds are told in steps. Empty for no trip."""
    known = np.isfinite(course.time_s) & np.isfinite(course.speed_kmh)
    at, speed = course.time_s[known], np.maximum(course.speed_kmh[known], 0.0) / 3.6
    if len(at) < 2 or at[-1] - at[0] < GRID_S:
        return np.zeros(0), np.zeros(0)
    time = np.arange(at[0], at[-1] + 0.5 * GRID_S, GRID_S)
    read = np.interp(time, at, speed)
    wide = np.pad(read, 1, mode="edge")
    return time, (wide[:-2] + wide[1:-1] + wide[2:]) / 3.0


def _height(course: Course, time: Floats, step_m: Floats) -> Floats:
    """Height at each time as a mean over the way around it; 0 where none is known."""
    known = np.isfinite(course.elevation_m) & np.isfinite(course.time_s)
    if not known.any():
        return np.zeros(len(time))
    height = np.interp(time, course.time_s[known], course.elevation_m[known])
    way = np.concatenate([[0.0], np.cumsum(step_m)])
    area = np.concatenate([[0.0], np.cumsum(0.5 * (height[1:] + height[:-1]) * step_m)])
    low, high = np.maximum(way - SMOOTH_M, 0.0), np.minimum(way + SMOOTH_M, way[-1])
    width = high - low
    mean = (np.interp(high, way, area) - np.interp(low, way, area)) / np.maximum(width, 1e-9)
    return np.asarray(np.where(width > 1.0, mean, height))


__all__ = [
    *("Body", "COMFORT", "Course", "LEAST", "PRIOR_MEAN", "PRIOR_SD", "SUMS", "TERMS", "TRACTION", "Weather"),
    *("body_of", "sums_of", "terms_of"),
]
