"""A workspace of 10,000 vehicles and 20 million rows of telemetry, for the benchmarks of the API.

It is made once, under build/, by writing the lake's files and the registry's rows directly: a fold of so many rows
takes much longer than what is measured. Some vehicles have a whole day of one sample a second.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twinpack.cli import output
from twinpack.detect.findings import Finding
from twinpack.fleet.events import FINDING, VERSION, Event, event_id
from twinpack.runtime.features import build_features
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.lake import Lake
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.tables import PREDICTIONS, TABLES, TRIPS
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_files import VehicleContext
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, TwinVersion

FOLDER = Path("build/bench-api")
LAYOUT = "1"
"""Changed when the workspace has to be made anew."""

VEHICLES, DAYS, PER_DAY = 10_000, 5, 331
WHOLE_DAYS = 40
"""Vehicles that sent a sample a second on the last day: `name(0)` and so on."""
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LAST_DAY_US = int(FIRST.timestamp() * 1e6) + (DAYS - 1) * 86_400_000_000
FLEETS = ("harbour", "north", "south", "hills")
PACK = "sim_nmc_96s"

Ints = NDArray[np.int64]

_VERSIONS, _TRIPS, _ALARMS = 8, 20, 600
_DAY_US = 86_400_000_000
_YEARS_US = 3 * 365 * _DAY_US
_COVARIANCE = (5e-5, 0.0, 4e-5, 0.0, 0.0, 3e-4)
_CODES = (("P0AA6", 3), ("TP-CELL-LOW", 2), ("P0A7F", 1))


def name(number: int) -> str:
    """Name of a vehicle."""
    return f"HF-{number:05d}"


def made(folder: Path = FOLDER) -> Workspace:
    """The workspace, made when it is not there yet."""
    mark = folder / "made"
    if not (mark.is_file() and mark.read_text(encoding="utf-8") == LAYOUT):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        output.note(f"making a workspace of {VEHICLES:,} vehicles in {folder}")
        _make(Workspace.open(folder / "home"))
        mark.write_text(LAYOUT, encoding="utf-8")
    return Workspace.open(folder / "home", create=False)


def _make(workspace: Workspace) -> None:
    lake = workspace.lake()
    end = _fill_telemetry(lake)
    _fill_trips(lake, end)
    with workspace.registry() as registry:
        _fill_registry(registry, end)
        build_features(workspace, registry)


def _fill_telemetry(lake: Lake) -> int:
    table = TelemetryTable(lake)
    context = {name(number): VehicleContext(PACK, _fleet(number), 2020 + number % 6) for number in range(VEHICLES)}
    end = 0
    for batch in _days():
        offset = pa.array(np.arange(end, end + batch.num_rows))
        end += batch.num_rows
        table.append(batch.append_column("offset", offset), end, context)
    return end


def _days() -> Iterator[pa.Table]:
    rng = np.random.default_rng(7)
    names = pa.array([name(number) for number in range(VEHICLES)])
    for day in range(DAYS):
        vehicle, second = _moments(rng, WHOLE_DAYS if day == DAYS - 1 else 0)
        time_us = int(FIRST.timestamp() * 1e6) + day * _DAY_US + second * 1_000_000
        yield _samples(rng, names, vehicle, time_us, day)


def _moments(rng: np.random.Generator, whole: int) -> tuple[Ints, Ints]:
    """Vehicle and second of the day of each row."""
    few = np.repeat(np.arange(VEHICLES, dtype=np.int64), PER_DAY)
    step = 86_400 // PER_DAY
    at = (np.arange(PER_DAY)[None, :] * step + rng.integers(0, step, (VEHICLES, 1))).ravel()
    sparse = few >= whole
    many = np.repeat(np.arange(whole, dtype=np.int64), 86_400)
    return np.concatenate([many, few[sparse]]), np.concatenate([np.tile(np.arange(86_400), whole), at[sparse]])


def _samples(rng: np.random.Generator, names: pa.Array, vehicle: Ints, time_us: Ints, day: int) -> pa.Table:
    size = len(vehicle)
    moment = pa.array(time_us).cast(pa.timestamp("us", tz="UTC"))
    noise = rng.standard_normal(size)
    return pa.table(
        {
            "vehicle_id": pa.DictionaryArray.from_arrays(pa.array(vehicle.astype(np.int32)), names),
            "sample_time": moment,
            "receipt_time": moment,
            "pack_voltage_v": np.round(360 + 12 * noise, 1),
            "pack_current_a": np.round(60 * noise, 1),
            "cell_temp_avg_c": np.round(50 + 10 * noise) / 2,
            "soc_pct": np.round(120 + 40 * np.sin(time_us / 9e9)) / 2,
            "speed_kmh": np.round(np.maximum(50 + 40 * noise, 0), 1),
            "odometer_km": np.round(20_000.0 + vehicle + 40.0 * day + (time_us % _DAY_US) / _DAY_US * 40.0, 1),
            "ambient_temp_c": np.full(size, 11.0),
            "is_charging": noise > 1.5,
        }
    )


def _fill_trips(lake: Lake, end: int) -> None:
    rng = np.random.default_rng(5)
    count = VEHICLES * _TRIPS
    vehicle = np.repeat(np.arange(VEHICLES), _TRIPS)
    number = np.tile(np.arange(1, _TRIPS + 1), VEHICLES)
    start_us = LAST_DAY_US - _YEARS_US + (number - 1) * (_YEARS_US // _TRIPS) + vehicle * 1_000_000
    common = {
        "vehicle_id": [name(each) for each in vehicle.tolist()],
        "start_us": start_us,
        "end_us": start_us + 1_800_000_000,
        "offset": np.arange(count) * (end // count),
    }
    kind = np.where(number % 3 == 0, "charging", "driving")
    trips = common | {"number": number, "kind": kind, "samples": np.full(count, 1800), "closed_by": ["gap"] * count}
    trips |= {"distance_km": np.where(number % 3 == 0, 0.0, 20.0 + vehicle % 50), "energy_out_kwh": np.full(count, 4.0)}
    lake.append(TRIPS, _filled(TRIPS, trips, count), end)
    scores = common | {"trip_number": number, "version_number": np.full(count, _VERSIONS), "decision": ["kept"] * count}
    scores |= {"deployed_rmse_v": 0.4 + 0.1 * rng.random(count), "never_rmse_v": 2.0 + rng.random(count)}
    lake.append(PREDICTIONS, _filled(PREDICTIONS, scores, count), end)


def _filled(table: str, values: dict[str, Any], count: int) -> pa.Table:
    schema = TABLES[table].schema
    columns = [pa.array(values[f.name], f.type) if f.name in values else pa.nulls(count, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _fill_registry(registry: Registry, end: int) -> None:
    for fleet in FLEETS:
        registry.fleet.create_fleet(FleetRecord(fleet))
    registry.fleet.enter(
        [VehicleEntry(name(n), _fleet(n), PACK, f"Car {n}", model_year=2020 + n % 6) for n in range(VEHICLES)]
    )
    records = [VehicleRecord(name(n), PACK, "a" * 64, LAST_DAY_US - _YEARS_US) for n in range(VEHICLES)]
    chains = [_chain(number) for number in range(VEHICLES)]
    latest = {name(number): _latest(chain) for number, chain in enumerate(chains)}
    events = [_version_event(version, 2 * place) for chain in chains for place, version in enumerate(chain)]
    events += [_finding(number, end - 1) for number in range(_ALARMS)]
    registry.commit_batch(MAIN_STREAM, 0, end, events, latest, records)


def _chain(number: int) -> list[TwinVersion]:
    """A vehicle that loses some per cent over three years, and is recalibrated now and then."""
    rng = np.random.default_rng(number)
    fade = 0.08 + 0.05 * rng.random()
    found: list[TwinVersion] = []
    for place in range(_VERSIONS):
        at_us = LAST_DAY_US - _YEARS_US + place * (_YEARS_US // _VERSIONS)
        mean = (1.0 - fade * place / _VERSIONS, 1.0 + 0.03 * place, 1.0)
        found.append(_version(number, place + 1, at_us, mean, found[-1].hash if found else ""))
    return found


def _version(number: int, place: int, at_us: int, mean: tuple[float, ...], parent: str) -> TwinVersion:
    return TwinVersion(
        vehicle_id=name(number),
        number=place,
        kind=PROTOTYPE if place == 1 else ACCEPTED,
        sample_time_us=at_us,
        model_hash="a" * 64,
        trip_number=0 if place == 1 else place * 2,
        window_start_us=at_us - 1_800_000_000,
        window_end_us=at_us,
        reason="Error 0.73 V over the limit of 0.70 V.",
        deployed_rmse_v=0.73,
        challenger_rmse_v=0.5,
        never_rmse_v=2.5,
        parameters=("capacity_scale", "r0_scale", "r_scale"),
        mean=mean,
        covariance=_COVARIANCE,
        parent_hash=parent,
    ).sealed()


def _latest(chain: list[TwinVersion]) -> dict[str, Any]:
    last = chain[-1]
    return {
        "last_seen_us": LAST_DAY_US + _DAY_US - 300_000_000,
        "soc": 0.6,
        "version": last.number,
        "deployed_version": last.number,
        "parameters": dict(zip(last.parameters, last.mean, strict=True)),
        "late_samples": 0,
        "repeated_samples": 0,
    }


def _version_event(version: TwinVersion, offset: int) -> Event:
    identity = event_id(version.vehicle_id, version.sample_time_us, VERSION, str(version.number))
    return Event(identity, version.vehicle_id, version.sample_time_us, VERSION, offset, version)


def _finding(number: int, offset: int) -> Event:
    code, severity = _CODES[number % len(_CODES)]
    vehicle, at_us = name(number * 13 % VEHICLES), LAST_DAY_US + number * 1_000_000
    body = Finding(
        lane=0,
        time_us=at_us,
        offset=offset,
        code=code,
        subject="",
        category="battery",
        change="raised",
        level="alarm",
        severity=severity,
        since_us=at_us,
        status=0x2F,
        occurrence=1,
        evidence={"text": "isolation is low"},
    )
    return Event(event_id(vehicle, at_us, FINDING, code), vehicle, at_us, FINDING, offset, body)


def _fleet(number: int) -> str:
    return FLEETS[number % len(FLEETS)]
