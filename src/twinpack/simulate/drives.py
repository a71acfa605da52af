"""Drive cycles: weather, speed, hills and the electric power they ask of the battery. Arrays are drives x samples.

A drive leaves town, reaches the motorway and comes back to town; how long each part is follows from the driver.
Speed within a part wanders, town has stops. Power is rolling friction, drag, slope and acceleration of the laden
vehicle, with regeneration, plus what heater, air conditioning and electronics take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import Life, Vehicles, generator, season_c

Singles = NDArray[np.float32]

CHARGE_SAMPLES = 361

_SHORTEST_S, _LONGEST_S = 600.0, 1200.0
_GRAVITY, _AIR_KG_M3 = 9.81, 1.2
_DRIVE_EFFICIENCY, _REGENERATION_EFFICIENCY = 0.90, 0.68
_REGENERATION_MAX_W, _ELECTRONICS_W = 70_000.0, 450.0
# mean speed and its wander, km/h: town, country road, motorway
_MEAN_KMH = np.array([34.0, 76.0, 112.0])
_WANDER_KMH = np.array([13.0, 10.0, 8.0])
# Wander and stops are smoothed twice with these; together a wish lasts for some 25 s, a stop for some 15 s.
_WANDER_S, _STOP_S = 12.0, 9.0
_STOPPED_ABOVE = 0.9
_STANDS_FIRST_S, _STANDS_LAST_S, _BRAKES_FOR_S = 20.0, 20.0, 15.0
# what a driver asks of the vehicle: less of it at speed, where its power ends
_ACCELERATION_MS2, _BRAKING_MS2, _SPECIFIC_POWER_W_KG = 1.5, 2.0, 18.0
_EASED_S = 5.0
_TERRAIN_M, _TERRAIN_MEMORY, _TERRAIN_HEIGHT_M = 320.0, 0.88, 1500.0
# further than anybody comes at 165 km/h
_TERRAIN_POINTS = int(_LONGEST_S * 165.0 / 3.6 / _TERRAIN_M) + 3


@dataclass(frozen=True)
class Draws:
    """Random numbers of a block of drives.

    Attributes:
        uniform: Shape (drives, 24).
        normal: Shape (drives, 16).
        speed: Normal, for wander and stops, shape (drives, 2, samples of a drive).
        terrain: Normal, shape (drives, points of the landscape).
        noise: Of the sensors, normal, shape (drives, 4, samples of a drive and a charge).
        stream: Uniform, shape (drives, 3, samples of a drive and a charge).
    """

    uniform: Floats
    normal: Floats
    speed: Floats
    terrain: Floats
    noise: Singles
    stream: Singles


@dataclass(frozen=True)
class Drives:
    """A block of drives, drives x samples unless said otherwise.

    Attributes:
        vehicle: Index of the vehicle, one a drive.
        trip: Index of the drive in its vehicle's life.
        period_s: Seconds between samples.
        count: Samples, one a drive; what lies behind is standstill.
        load_kg: One a drive.
        ambient_c: Air temperature, one a drive.
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
    period_s: float
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


def drive_samples(settings: FleetSettings) -> int:
    """Samples of the longest drive."""
    return int(_LONGEST_S / settings.period_s) + 1


def draw(settings: FleetSettings, first: int, end: int) -> Draws:
    """Random numbers of the drives first..end of every vehicle, drive by drive, each from its own generator."""
    generators = [generator(settings.seed, v, k) for k in range(first, end) for v in range(settings.vehicles)]
    drives, samples = len(generators), drive_samples(settings)
    draws = Draws(
        np.empty((drives, 24)),
        np.empty((drives, 16)),
        np.empty((drives, 2, samples)),
        np.empty((drives, _TERRAIN_POINTS)),
        np.empty((drives, 4, samples + CHARGE_SAMPLES), dtype=np.float32),
        np.empty((drives, 3, samples + CHARGE_SAMPLES), dtype=np.float32),
    )
    for i, g in enumerate(generators):
        g.random(out=draws.uniform[i])
        g.standard_normal(out=draws.normal[i])
        g.standard_normal(out=draws.speed[i])
        g.standard_normal(out=draws.terrain[i])
        # single precision is finer than any sensor's steps
        g.standard_normal(out=draws.noise[i], dtype=np.float32)
        g.random(out=draws.stream[i], dtype=np.float32)
    np.clip(draws.normal, -2.5, 2.5, out=draws.normal)
    return draws


def plan_drives(settings: FleetSettings, vehicles: Vehicles, life: Life, first: int, end: int, draws: Draws) -> Drives:
    """The drives first..end of every vehicle; the outer order is the drive, the inner the vehicle."""
    trip = np.repeat(np.arange(first, end), settings.vehicles)
    vehicle = np.tile(np.arange(settings.vehicles), end - first)
    u, n = draws.uniform, draws.normal
    period_s = settings.period_s
    count = ((_SHORTEST_S + (_LONGEST_S - _SHORTEST_S) * u[:, 1]) / period_s).astype(np.int64) + 1
    load_kg = np.round(vehicles.usual_load_kg[vehicle] * np.exp(0.4 * n[:, 0]), 0)
    ambient_c = _weather(vehicles, life.start_s[vehicle, trip], vehicle, n[:, 1])
    speed_ms = _speed(vehicles, vehicle, count, period_s, draws)
    distance_m = np.cumsum(_between(speed_ms) * period_s, axis=1)
    grade, elevation_m = _hills(vehicles, vehicle, distance_m, draws)
    heating_kw, aircon_kw = _comfort(ambient_c, period_s * np.arange(float(speed_ms.shape[1])), u[:, 2])
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
    """Air temperature: season, weather of the day, time of day."""
    day = start_s / 86400.0
    season = season_c(vehicles, day[None, :].repeat(len(vehicles.mean_c), 0))[vehicle, np.arange(len(vehicle))]
    daily = -vehicles.daily_c[vehicle] * np.cos(2.0 * np.pi * (day % 1.0 - 3.0 / 24.0))
    return np.clip(season + daily + 3.0 * chance, -22.0, 42.0)


def _parked_c(vehicles: Vehicles, start_s: Floats, vehicle: Index, n: Floats) -> Floats:
    """A battery parked for long has the mean temperature of the day, less extreme in a garage."""
    day = start_s / 86400.0
    season = season_c(vehicles, day[None, :].repeat(len(vehicles.mean_c), 0))[vehicle, np.arange(len(vehicle))]
    return np.clip(season + 2.5 * n[:, 1] + vehicles.garage_c[vehicle] + 1.5 * n[:, 2], -10.0, 38.0)


def _speed(vehicles: Vehicles, vehicle: Index, count: Index, period_s: float, draws: Draws) -> Floats:
    """Speed in m/s: parts of the route, wander, stops in town, standstill at both ends."""
    sample = np.arange(draws.speed.shape[2])[None, :]
    part = _part(vehicles, vehicle, sample / count[:, None], draws)
    wander = _eased_wander(draws.speed[:, 0], np.exp(-period_s / _WANDER_S))
    stop = _eased_wander(draws.speed[:, 1], np.exp(-period_s / _STOP_S))
    aggressiveness = vehicles.aggressiveness[vehicle][:, None]
    wish = _MEAN_KMH[part] * aggressiveness**0.7 + _WANDER_KMH[part] * wander * aggressiveness
    left_s = (count[:, None] - 1 - sample) * period_s
    standing = (sample * period_s < _STANDS_FIRST_S) | (left_s < _STANDS_LAST_S + _BRAKES_FOR_S)
    stopped = standing | ((part == 0) & (stop > _STOPPED_ABOVE))
    speed = _followed(np.where(stopped, 0.0, np.clip(wish, 5.0, 165.0) / 3.6), period_s)
    return _eased(speed, max(int(_EASED_S / period_s), 1))


def _part(vehicles: Vehicles, vehicle: Index, at: Floats, draws: Draws) -> Index:
    """Town 0, country road 1 or motorway 2 at each share of the way."""
    urban = np.clip(vehicles.urban[vehicle] * np.exp(0.4 * draws.normal[:, 3]), 0.05, 0.45)[:, None]
    motorway = np.clip(vehicles.motorway[vehicle] + 0.10 * draws.normal[:, 4], 0.12, 0.72)[:, None]
    rural = np.maximum(1.0 - urban - motorway, 0.05)
    scale = 1.0 / (urban + rural + motorway)
    edges = np.cumsum(np.stack([0.5 * urban, 0.5 * rural, motorway, 0.5 * rural]) * scale, axis=0)
    passed = np.zeros(at.shape, dtype=np.int64)
    for edge in edges:
        passed += at >= edge
    return np.asarray(np.array([0, 1, 2, 1, 0])[passed])


def _followed(wish_ms: Floats, period_s: float) -> Floats:
    """Speed of a driver who comes to the wished speed as fast as is usual."""
    speed, now = np.empty(wish_ms.T.shape), np.zeros(len(wish_ms))
    for j, wished in enumerate(np.ascontiguousarray(wish_ms.T)):
        gain = np.minimum(_ACCELERATION_MS2, _SPECIFIC_POWER_W_KG / np.maximum(now, 1.0)) * period_s
        now = now + np.minimum(np.maximum(wished - now, -_BRAKING_MS2 * period_s), gain)
        speed[j] = now
    return np.ascontiguousarray(speed.T)


def _eased(speed: Floats, samples: int) -> Floats:
    """The mean over the samples around each: nobody changes acceleration at once."""
    wide = np.pad(speed, ((0, 0), (samples // 2, (samples - 1) // 2)), mode="edge")
    parts = [wide[:, k : k + speed.shape[1]] for k in range(samples)]
    # neither a running sum nor one over an axis: rounding would leave a crawl where the vehicle stands
    total = parts[0].copy()
    for values in parts[1:]:
        total += values
    return np.asarray(total / samples)


def _hills(vehicles: Vehicles, vehicle: Index, distance_m: Floats, draws: Draws) -> tuple[Floats, Floats]:
    """Grade and height along the way: a landscape of points `_TERRAIN_M` apart with straight slopes between."""
    terrain = _wander(_wander(draws.terrain, _TERRAIN_MEMORY), _TERRAIN_MEMORY)
    terrain *= (vehicles.hilliness[vehicle] * _TERRAIN_HEIGHT_M)[:, None]
    place = distance_m / _TERRAIN_M
    before = place.astype(np.int64)
    low = np.take_along_axis(terrain, before, axis=1)
    rise = np.take_along_axis(terrain, before + 1, axis=1) - low
    height_m = vehicles.height_m[vehicle][:, None] + low + rise * (place - before)
    return rise / _TERRAIN_M, height_m


def _comfort(ambient_c: Floats, since_s: Floats, mood: Floats) -> tuple[Floats, Floats]:
    """Heater and air conditioning, kW: strong at first, then what the cabin loses."""
    warm_up = 1.0 + 0.9 * np.exp(-since_s / 360.0)
    taste = 0.8 + 0.4 * mood
    heating = np.clip(0.085 * (17.0 - ambient_c), 0.0, 3.4) * taste
    cooling = np.clip(0.11 * (ambient_c - 23.0), 0.0, 2.0) * taste
    return heating[:, None] * warm_up, cooling[:, None] * warm_up


def _traction(
    vehicles: Vehicles, vehicle: Index, load_kg: Floats, speed_ms: Floats, grade: Floats, period_s: float
) -> Floats:
    """Power at the motor's terminals, W; negative while regenerating."""
    mass = (vehicles.mass_kg[vehicle] + load_kg)[:, None]
    acceleration = np.gradient(speed_ms, period_s, axis=1)
    resistance_n = mass * _GRAVITY * (vehicles.rolling[vehicle][:, None] * (speed_ms > 0.1) + grade)
    drag_n = 0.5 * _AIR_KG_M3 * vehicles.drag_area_m2[vehicle][:, None] * speed_ms**2
    # 5 % for what turns
    wheels_w = (1.05 * mass * acceleration + resistance_n + drag_n) * speed_ms
    driven = wheels_w / _DRIVE_EFFICIENCY
    return np.where(wheels_w > 0.0, driven, np.maximum(wheels_w * _REGENERATION_EFFICIENCY, -_REGENERATION_MAX_W))


def _wander(noise: Floats, memory: float) -> Floats:
    """Standard normal values of which each keeps a share of the one before."""
    return np.asarray(lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], noise, axis=-1))


def _eased_wander(noise: Floats, memory: float) -> Floats:
    """The same, smoothed once more, so that it has a rate of change."""
    spread = np.sqrt((1.0 + memory**2) / (1.0 - memory**2))
    return np.asarray(_wander(_wander(noise, memory), memory) / spread)


def _between(values: Floats) -> Floats:
    """Mean of each sample and the one before; 0 at the first."""
    out = np.zeros_like(values)
    out[:, 1:] = 0.5 * (values[:, 1:] + values[:, :-1])
    return out
