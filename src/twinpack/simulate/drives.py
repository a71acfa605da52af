"""Drive cycles: weather, speed, hills and the electric power they ask of the battery. Arrays are drives x samples.

A drive leaves town, reaches the motorway and comes back to town; how long each part is follows from the driver.
Speed within a part wanders, town has stops. Power is rolling friction, drag, slope and acceleration of the laden
vehicle, with regeneration, plus what heater, air conditioning and electronics take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import Life, Vehicles, generator, season_c

DRIVE_SAMPLES = 451
CHARGE_SAMPLES = 361

_PERIODS_S = np.array([8.0, 9.0, 10.0])
_GRAVITY, _AIR_KG_M3 = 9.81, 1.2
_DRIVE_EFFICIENCY, _REGENERATION_EFFICIENCY = 0.90, 0.68
_REGENERATION_MAX_W, _ELECTRONICS_W = 70_000.0, 450.0
# mean speed and its wander, km/h: town, country road, motorway
_MEAN_KMH = np.array([34.0, 76.0, 112.0])
_WANDER_KMH = np.array([13.0, 10.0, 8.0])
# share of a sample's wander that the next one keeps; about 25 s at 8 s a sample
_SPEED_MEMORY = 0.72
_TERRAIN_M, _TERRAIN_MEMORY, _TERRAIN_HEIGHT_M = 320.0, 0.88, 1500.0


@dataclass(frozen=True)
class Draws:
    """Random numbers of a block of drives: uniform, normal, series (3 a sample) and sensor noise."""

    uniform: Floats
    normal: Floats
    series: Floats
    noise: Floats
    stream: Floats


@dataclass(frozen=True)
class Drives:
    """A block of drives, drives x samples unless said otherwise.

    Attributes:
        vehicle: Index of the vehicle, one a drive.
        trip: Index of the drive in its vehicle's life.
        period_s: Seconds between samples, one a drive.
        count: Samples, one a drive; what lies behind is standstill.
        load_kg: One a drive.
        ambient_c: Air temperature.
        cell_start_c: Battery temperature at the start, one a drive.
        speed_kmh: Speed.
        distance_km: Since the start.
        elevation_m: Height.
        heating_kw: Cabin heater.
        aircon_kw: Air conditioning.
        demand_w: Electric power asked of the pack, positive into the pack.
    """

    vehicle: Index
    trip: Index
    period_s: Floats
    count: Index
    load_kg: Floats
    ambient_c: Floats
    cell_start_c: Floats
    speed_kmh: Floats
    distance_km: Floats
    elevation_m: Floats
    heating_kw: Floats
    aircon_kw: Floats
    demand_w: Floats


def draw(settings: FleetSettings, first: int, end: int) -> Draws:
    """Random numbers of the drives first..end of every vehicle, drive by drive, each from its own generator."""
    generators = [generator(settings.seed, v, k) for k in range(first, end) for v in range(settings.vehicles)]
    size = (len(generators), DRIVE_SAMPLES + CHARGE_SAMPLES)
    draws = Draws(
        np.empty((size[0], 24)),
        np.empty((size[0], 16)),
        np.empty((size[0], 3, DRIVE_SAMPLES)),
        np.empty((size[0], 4, size[1])),
        np.empty((size[0], 3, size[1])),
    )
    for i, g in enumerate(generators):
        g.random(out=draws.uniform[i])
        g.standard_normal(out=draws.normal[i])
        g.standard_normal(out=draws.series[i])
        g.standard_normal(out=draws.noise[i])
        g.random(out=draws.stream[i])
    np.clip(draws.normal, -2.5, 2.5, out=draws.normal)
    return draws


def plan_drives(settings: FleetSettings, vehicles: Vehicles, life: Life, first: int, end: int, draws: Draws) -> Drives:
    """The drives first..end of every vehicle; the outer order is the drive, the inner the vehicle."""
    trip = np.repeat(np.arange(first, end), settings.vehicles)
    vehicle = np.tile(np.arange(settings.vehicles), end - first)
    u, n = draws.uniform, draws.normal
    period_s = _PERIODS_S[(u[:, 0] * 3.0).astype(np.int64)]
    count = (300.0 + 150.0 * u[:, 1]).astype(np.int64)
    load_kg = np.round(vehicles.usual_load_kg[vehicle] * np.exp(0.4 * n[:, 0]), 0)
    ambient_c = _weather(vehicles, life.start_s[vehicle, trip], vehicle, n[:, 1])
    speed_ms = _speed(vehicles, vehicle, count, draws) / 3.6
    distance_m = np.cumsum(_between(speed_ms) * period_s[:, None], axis=1)
    grade, elevation_m = _hills(vehicles, vehicle, distance_m, draws)
    heating_kw, aircon_kw = _comfort(ambient_c, period_s, u[:, 2])
    mechanical_w = _traction(vehicles, vehicle, load_kg, speed_ms, grade, period_s)
    aux_w = _ELECTRONICS_W * (0.8 + 0.5 * u[:, 3])[:, None] + 1000.0 * (heating_kw + aircon_kw)
    return Drives(
        vehicle=vehicle,
        trip=trip,
        period_s=period_s,
        count=count,
        load_kg=load_kg,
        ambient_c=ambient_c,
        cell_start_c=_parked_c(vehicles, life.start_s[vehicle, trip], vehicle, n),
        speed_kmh=speed_ms * 3.6,
        distance_km=distance_m / 1000.0,
        elevation_m=elevation_m,
        heating_kw=heating_kw,
        aircon_kw=aircon_kw,
        demand_w=-mechanical_w - aux_w,
    )


def _weather(vehicles: Vehicles, start_s: Floats, vehicle: Index, chance: Floats) -> Floats:
    """Air temperature at each sample: season, weather of the day, time of day."""
    day = start_s / 86400.0
    season = season_c(vehicles, day[None, :].repeat(len(vehicles.mean_c), 0))[vehicle, np.arange(len(vehicle))]
    daily = -vehicles.daily_c[vehicle] * np.cos(2.0 * np.pi * (day % 1.0 - 3.0 / 24.0))
    return np.clip(season + daily + 3.0 * chance, -22.0, 42.0)[:, None].repeat(DRIVE_SAMPLES, axis=1)


def _parked_c(vehicles: Vehicles, start_s: Floats, vehicle: Index, n: Floats) -> Floats:
    """A battery parked for long has the mean temperature of the day, less extreme in a garage."""
    day = start_s / 86400.0
    season = season_c(vehicles, day[None, :].repeat(len(vehicles.mean_c), 0))[vehicle, np.arange(len(vehicle))]
    return np.clip(season + 2.5 * n[:, 1] + vehicles.garage_c[vehicle] + 1.5 * n[:, 2], -10.0, 38.0)


def _speed(vehicles: Vehicles, vehicle: Index, count: Index, draws: Draws) -> Floats:
    """Speed in km/h: parts of the route, wander, stops in town, standstill at both ends."""
    at = np.arange(DRIVE_SAMPLES)[None, :] / count[:, None]
    urban = np.clip(vehicles.urban[vehicle] * np.exp(0.4 * draws.normal[:, 3]), 0.05, 0.45)[:, None]
    motorway = np.clip(vehicles.motorway[vehicle] + 0.10 * draws.normal[:, 4], 0.12, 0.72)[:, None]
    rural = np.maximum(1.0 - urban - motorway, 0.05)
    scale = 1.0 / (urban + rural + motorway)
    edges = np.cumsum(np.stack([0.5 * urban, 0.5 * rural, motorway, 0.5 * rural]) * scale, axis=0)
    part = np.array([0, 1, 2, 1, 0])[np.sum(at[None, :, :] >= edges, axis=0)]
    wander = _wander(draws.series[:, 0], _SPEED_MEMORY)
    pace = vehicles.aggressiveness[vehicle][:, None] ** 0.7
    speed = _MEAN_KMH[part] * pace + _WANDER_KMH[part] * wander * vehicles.aggressiveness[vehicle][:, None]
    stopped = (part == 0) & (_wander(draws.series[:, 1], 0.6) > 0.9)
    samples = np.arange(DRIVE_SAMPLES)[None, :]
    standing = (samples < 4) | (samples >= count[:, None] - 2)
    speed = np.where(stopped | standing, 0.0, np.maximum(speed, 5.0))
    # nobody changes speed at once: mean of neighbours, but a stop stays a stop
    smooth = speed.copy()
    smooth[:, 1:-1] = 0.25 * speed[:, :-2] + 0.5 * speed[:, 1:-1] + 0.25 * speed[:, 2:]
    return np.where(stopped | standing, 0.0, np.minimum(smooth, 165.0))


def _hills(vehicles: Vehicles, vehicle: Index, distance_m: Floats, draws: Draws) -> tuple[Floats, Floats]:
    """Grade and height along the way: a landscape of points `_TERRAIN_M` apart with straight slopes between."""
    terrain = _wander(_wander(draws.series[:, 2], _TERRAIN_MEMORY), _TERRAIN_MEMORY)
    terrain *= (vehicles.hilliness[vehicle] * _TERRAIN_HEIGHT_M)[:, None]
    place = np.minimum(distance_m / _TERRAIN_M, DRIVE_SAMPLES - 1.001)
    before = place.astype(np.int64)
    low = np.take_along_axis(terrain, before, axis=1)
    rise = np.take_along_axis(terrain, before + 1, axis=1) - low
    height_m = vehicles.height_m[vehicle][:, None] + low + rise * (place - before)
    return rise / _TERRAIN_M, height_m


def _comfort(ambient_c: Floats, period_s: Floats, mood: Floats) -> tuple[Floats, Floats]:
    """Heater and air conditioning, kW: strong at first, then what the cabin loses."""
    minutes = np.arange(DRIVE_SAMPLES)[None, :] * period_s[:, None] / 60.0
    warm_up = 1.0 + 0.9 * np.exp(-minutes / 6.0)
    taste = 0.8 + 0.4 * mood[:, None]
    heating = np.clip(0.085 * (17.0 - ambient_c), 0.0, 3.4) * warm_up * taste
    cooling = np.clip(0.11 * (ambient_c - 23.0), 0.0, 2.0) * warm_up * taste
    return heating, cooling


def _traction(
    vehicles: Vehicles, vehicle: Index, load_kg: Floats, speed_ms: Floats, grade: Floats, period_s: Floats
) -> Floats:
    """Power at the motor's terminals, W; negative while regenerating."""
    mass = (vehicles.mass_kg[vehicle] + load_kg)[:, None]
    acceleration = np.gradient(speed_ms, axis=1) / period_s[:, None]
    resistance_n = mass * _GRAVITY * (vehicles.rolling[vehicle][:, None] * (speed_ms > 0.1) + grade)
    drag_n = 0.5 * _AIR_KG_M3 * vehicles.drag_area_m2[vehicle][:, None] * speed_ms**2
    # 5 % for what turns
    wheels_w = (1.05 * mass * acceleration + resistance_n + drag_n) * speed_ms
    driven = wheels_w / _DRIVE_EFFICIENCY
    return np.where(wheels_w > 0.0, driven, np.maximum(wheels_w * _REGENERATION_EFFICIENCY, -_REGENERATION_MAX_W))


def _wander(noise: Floats, memory: float) -> Floats:
    """Standard normal values of which each keeps a share of the one before."""
    return np.asarray(lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], noise, axis=-1))


def _between(values: Floats) -> Floats:
    """Mean of each sample and the one before; 0 at the first."""
    out = np.zeros_like(values)
    out[:, 1:] = 0.5 * (values[:, 1:] + values[:, :-1])
    return out
