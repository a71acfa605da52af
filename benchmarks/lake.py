"""A lake of 20 million rows: one vehicle's last day out of it, and the latest state of the whole fleet.

The lake is made once, under build/, by the code that makes every lake: batches as they come in, then compaction.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.result import Result
from twinpack.cli import output
from twinpack.store.lake import Lake
from twinpack.store.maintenance import clean_up, compact_telemetry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.tables import TELEMETRY
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_files import VehicleContext

VEHICLES, DAYS, PER_DAY = 10_000, 5, 400
BATCHES_A_DAY = 8
FOLDER = Path("build/bench-lake")
LAYOUT = "1"
"""Changed when the lake has to be made anew."""

_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_PACK = "sim_nmc_96s"
_STEP_US = 86_400_000_000 // PER_DAY
_ROUNDS, _FEWER = 200, 20


def vehicle_day() -> Result:
    """Milliseconds to read one vehicle's last day, p95 over random vehicles; beside it, out of the unsorted day."""
    lake = made()
    since = _FIRST + timedelta(days=DAYS - 1)
    chance = np.random.default_rng(1)
    columns = ["sample_time", "pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct", "speed_kmh"]

    def read() -> None:
        rows = lake.read(TELEMETRY, columns, vehicle=_name(int(chance.integers(VEHICLES))), since=since)
        if rows.num_rows != PER_DAY:
            raise RuntimeError(f"{rows.num_rows} rows of a day that has {PER_DAY}")

    unsorted = ds.dataset(FOLDER / "unsorted.parquet")

    def search() -> None:
        unsorted.to_table(columns, filter=pc.field("vehicle_id") == _name(int(chance.integers(VEHICLES))))

    return Result(_p95_ms(read, _ROUNDS), "ms", _p95_ms(search, _FEWER), higher_is_better=False)


def fleet_latest() -> Result:
    """Milliseconds to read the latest state of every vehicle, p95; beside it, their newest samples in the lake."""
    lake = made()
    since = _FIRST + timedelta(days=DAYS - 1)

    def newest() -> None:
        rows = lake.read(TELEMETRY, ["vehicle_id", "sample_time", "soc_pct"], since=since)
        rows.group_by("vehicle_id").aggregate([("sample_time", "max"), ("soc_pct", "max")])

    with Registry.open(f"sqlite:///{FOLDER / 'registry.db'}") as registry:
        if len(registry.latest_figures()) != VEHICLES:
            raise RuntimeError("the registry does not hold the fleet")
        taken = _p95_ms(registry.latest_figures, _ROUNDS)
    return Result(taken, "ms", _p95_ms(newest, 3), higher_is_better=False)


def made() -> Lake:
    """The lake, made when it is not there yet."""
    mark = FOLDER / "made"
    lake = Lake(FOLDER / "lake")
    if not (mark.is_file() and mark.read_text(encoding="utf-8") == LAYOUT):
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        output.note(f"making a lake of {VEHICLES * DAYS * PER_DAY:,} rows in {FOLDER}")
        _make(lake)
        mark.write_text(LAYOUT, encoding="utf-8")
    return lake


def _make(lake: Lake) -> None:
    table = TelemetryTable(lake)
    context = {
        _name(number): VehicleContext(_PACK, f"fleet-{number % 7}", 2020 + number % 6) for number in range(VEHICLES)
    }
    end = 0
    for batch in _batches():
        offset = pa.array(np.arange(end, end + batch.num_rows))
        end += batch.num_rows
        table.append(batch.append_column("offset", offset), end, context)
    last = lake.read(TELEMETRY, since=_FIRST + timedelta(days=DAYS - 1)).sort_by("offset")
    pq.write_table(last, FOLDER / "unsorted.parquet", compression="zstd")
    compact_telemetry(lake)
    clean_up(lake, TELEMETRY, 0)
    _fill_registry()


def _batches() -> Iterator[pa.Table]:
    """Samples of all vehicles in the order of time."""
    rng = np.random.default_rng(7)
    names = pa.array([_name(number) for number in range(VEHICLES)])
    each = PER_DAY // BATCHES_A_DAY
    first = int(_FIRST.timestamp() * 1e6)
    for start in range(0, DAYS * PER_DAY, each):
        step = np.arange(start, start + each)[:, None]
        time_us = (first + step * _STEP_US + rng.integers(0, _STEP_US, (1, VEHICLES))).ravel()
        index = np.broadcast_to(np.arange(VEHICLES, dtype=np.int32), (each, VEHICLES)).ravel()
        size = index.size
        moment = pa.array(time_us).cast(pa.timestamp("us", tz="UTC"))
        yield pa.table(
            {
                "vehicle_id": pa.DictionaryArray.from_arrays(pa.array(index), names),
                "sample_time": moment,
                "receipt_time": moment,
                "pack_voltage_v": np.round(350 + 20 * rng.standard_normal(size), 1),
                "pack_current_a": np.round(60 * rng.standard_normal(size), 1),
                "cell_temp_avg_c": np.round(25 + 5 * rng.standard_normal(size) * 2) / 2,
                "soc_pct": rng.integers(20, 200, size) / 2,
                "speed_kmh": np.round(np.maximum(50 + 40 * rng.standard_normal(size), 0), 1),
                "odometer_km": np.round(20_000.0 + np.broadcast_to(step, (each, VEHICLES)).ravel() * 0.5, 1),
                "ambient_temp_c": np.round(10 + 5 * rng.standard_normal(size)),
                "is_charging": index % 9 == 0,
            }
        )


def _fill_registry() -> None:
    with Registry.open(f"sqlite:///{FOLDER / 'registry.db'}") as registry:
        registry.upgrade()
        records = [VehicleRecord(_name(number), _PACK, "0" * 64, 0) for number in range(VEHICLES)]
        rng = np.random.default_rng(3)
        names = ("capacity_scale", "r0_scale", "r1_scale", "soc_offset", "ocv_2")
        latest = {
            _name(number): {
                "last_seen_us": 1_772_000_000_000_000 + number,
                "soc": float(rng.random()),
                "version": 7,
                "deployed_version": 6,
                "parameters": {name: float(rng.random()) for name in names},
                "late_samples": 0,
                "repeated_samples": 0,
            }
            for number in range(VEHICLES)
        }
        registry.commit_batch(MAIN_STREAM, 0, 1, [], latest, records)


def _name(number: int) -> str:
    return f"CAR-{number:05d}"


def _p95_ms(call: Callable[[], object], rounds: int) -> float:
    call()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.percentile(taken, 95)) * 1e3
