"""A few vehicles of a hand-written prototype, their drives, and folds over them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.thevenin import Circuit, Noise, Start
from twinpack.filters.model import Living
from twinpack.fleet.events import PREDICTION, STEPS, TRIP, VERSION, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE, command_rows, tick_row, to_log
from twinpack.twin.score import TripScore
from twinpack.twin.settings import LoopSettings, Prototype
from twinpack.twin.versions import TwinVersion

Floats = npt.NDArray[np.float64]

PACK = "sim_nmc_96s"
START_US = 1_600_000_000_000_000
DAY_US = 86_400_000_000
STEP_S = 10
ROWS = 60
SIGNALS = ("pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct", "speed_kmh")

CIRCUIT = Circuit(
    series=96,
    capacity_ah=150.0,
    soc=(0.0, 0.25, 0.5, 0.75, 1.0),
    ocv_v=(3.2, 3.55, 3.7, 3.9, 4.15),
    r_soc=(0.0, 0.5, 1.0),
    r0_ohm=(0.0010, 0.0008, 0.0008),
    pairs_ohm=((0.0003, 0.0002, 0.0002), (0.0004, 0.0003, 0.0003)),
    tau_s=(30.0, 400.0),
    ea0_j_mol=15e3,
    ea1_j_mol=15e3,
    living=(
        Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
        Living("r0_scale", 1.0, 0.2, 0.01, 0.2, 5.0),
        Living("r_scale", 1.0, 0.2, 0.01, 0.1, 6.0),
        Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
    ),
    noise=Noise(sensor_v=0.002, resistive=0.02, slow_v=0.002, fast_v=0.001),
    start=Start(),
    transfer_share=0.0,
)
NAMES = tuple(one.name for one in CIRCUIT.living)
PROTOTYPE = Prototype("c" * 64, PACK, "thevenin-2rc", CIRCUIT.to_dict(), 1.0)
ARTIFACT = {"pack": PACK, "kind": PROTOTYPE.kind, "model": PROTOTYPE.model, "threshold_v": PROTOTYPE.threshold_v}

LOOP = LoopSettings(start_soc_sd=0.01, least_scored=20)


@dataclass(frozen=True)
class Drives:
    """A vehicle's samples, N rows; a test may change the arrays of a copy."""

    vehicle: str
    time_us: npt.NDArray[np.int64]
    trip: npt.NDArray[np.int64]
    values: Mapping[str, Floats]

    def changed(self, where: Any, **values: Any) -> Drives:
        """A copy with other values in some rows."""
        new = {name: array.copy() for name, array in self.values.items()}
        for name, value in values.items():
            new[name][where] = value
        return replace(self, values=new)

    def kept(self, where: npt.NDArray[np.bool_]) -> Drives:
        values = {name: array[where] for name, array in self.values.items()}
        return Drives(self.vehicle, self.time_us[where], self.trip[where], values)

    def since_s(self) -> Floats:
        """Seconds since each row's trip began."""
        first = np.array([self.time_us[self.trip == one][0] for one in self.trip])
        since: Floats = (self.time_us - first) / 1e6
        return since

    def table(self) -> pa.Table:
        times = pa.array(self.time_us).cast(TIME_TYPE)
        given = {"vehicle_id": pa.array([self.vehicle] * len(self.time_us)), "sample_time": times}
        given["receipt_time"] = times
        given |= {name: pa.array(values, from_pandas=True) for name, values in self.values.items()}
        columns = [given.get(part.name, pa.nulls(len(self.time_us), part.type)) for part in TELEMETRY]
        return pa.Table.from_arrays(columns, schema=TELEMETRY)


def drives(vehicle: str, truths: Sequence[Mapping[str, float]], seed: int = 0, rows: int = ROWS) -> Drives:
    """Trips a day apart, each with its own true parameters (what is not named is as the prototype has it)."""
    rng = np.random.default_rng([seed, *vehicle.encode()])
    count = len(truths)
    blocks = rng.uniform(-330.0, 30.0, size=(rows // 6 + 1, count))
    current = np.repeat(blocks, 6, axis=0)[:rows]
    temp = 20.0 + rng.uniform(-8.0, 8.0, count) + np.linspace(0.0, 3.0, rows)[:, None]
    start = rng.uniform(0.85, 0.95, count)
    voltage = _voltage(current, temp, start, truths) + rng.normal(0.0, 0.05, current.shape)
    offsets = np.arange(rows)[:, None] * STEP_S * 1_000_000 + np.arange(count) * DAY_US
    values = {
        "pack_voltage_v": voltage,
        "pack_current_a": current,
        "cell_temp_avg_c": temp,
        "soc_pct": np.repeat(100.0 * start[None] + rng.normal(0.0, 0.3, count), rows, axis=0),
        "speed_kmh": np.full(current.shape, 50.0),
    }
    flat = {name: np.ascontiguousarray(array.T).ravel() for name, array in values.items()}
    return Drives(vehicle, (START_US + offsets).T.ravel(), np.repeat(np.arange(1, count + 1), rows), flat)


def _voltage(current: Floats, temp: Floats, start: Floats, truths: Sequence[Mapping[str, float]]) -> Floats:
    """The circuit written a second time, so that the model is not judged by itself."""
    c = CIRCUIT
    true = {one.name: np.array([t.get(one.name, one.mean) for t in truths]) for one in c.living}
    warm0, warm1 = (np.exp(ea / 8.314462618 * (1 / (temp + 273.15) - 1 / 298.15)) for ea in (c.ea0_j_mol, c.ea1_j_mol))
    before = np.vstack([current[:1], current[:-1]])
    passed = np.vstack([np.zeros_like(start), 0.5 * (before + current)[1:] * STEP_S])
    soc = start + np.cumsum(passed, axis=0) / (3600.0 * c.capacity_ah * true["capacity_scale"])
    ohmic = np.interp(soc, c.r_soc, c.r0_ohm) * current
    cell = np.interp(soc, c.soc, c.ocv_v) + true["offset_v"] + true["r0_scale"] * ohmic * warm0
    for ohm, tau in zip(c.pairs_ohm, c.tau_s, strict=True):
        resistance = np.interp(soc, c.r_soc, ohm) * true["r_scale"]
        u, stay = np.zeros_like(start), np.exp(-STEP_S / tau)
        for k in range(1, len(current)):
            ramp = current[k] - stay * before[k] - (1 - stay) * tau / STEP_S * (current[k] - before[k])
            u = stay * u + resistance[k - 1] * warm1[k] * ramp
            cell[k] += u
    pack: Floats = c.series * cell
    return pack


def healthy(vehicle: str, trips: int = 4, seed: int = 0, rows: int = ROWS) -> Drives:
    return drives(vehicle, [{}] * trips, seed, rows)


def worn(vehicle: str, trips: int = 4, seed: int = 0, rows: int = ROWS, **more: float) -> Drives:
    """A vehicle with half as much resistance again as the prototype."""
    return drives(vehicle, [{"r0_scale": 1.5, **more}] * trips, seed, rows)


def register(vehicle: str, pack: str = PACK) -> pa.Table:
    return command({"type": "register", "vehicle": vehicle, "pack": pack}, START_US)


def command(body: Mapping[str, Any], at_us: int) -> pa.Table:
    return command_rows([str(body.get("vehicle", ""))], [at_us], [json.dumps(body)])


def log_of(*several: Drives, tick: bool = True, pack: str = PACK) -> pa.Table:
    """Registrations, samples in the order of their receipt, and a tick an hour after the last."""
    names = dict.fromkeys(one.vehicle for one in several)
    samples = pa.concat_tables([one.table() for one in several]).sort_by("receipt_time")
    parts = [*(register(name, pack) for name in names), to_log(samples)]
    if tick:
        parts.append(tick_row(int(max(one.time_us[-1] for one in several)) + 3_600_000_000))
    return pa.concat_tables(parts)


@dataclass(frozen=True)
class Outcome:
    """What a fold left and gave."""

    state: ShardState
    events: list[Event] = field(default_factory=list)

    def bodies(self, kind: str, vehicle: str = "") -> list[Any]:
        return [one.body for one in self.events if one.kind == kind and vehicle in ("", one.vehicle_id)]

    def versions(self, vehicle: str = "") -> list[TwinVersion]:
        return self.bodies(VERSION, vehicle)

    def scores(self, vehicle: str = "") -> list[TripScore]:
        return self.bodies(PREDICTION, vehicle)

    def steps(self, vehicle: str, trip: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """Every predicted step of a vehicle, joined, by column."""
        parts = []
        for body in self.bodies(STEPS):
            mine = np.array([name == vehicle for name in body.vehicle_ids])[body.columns["vehicle"]]
            if trip is not None:
                mine &= body.columns["trip_number"] == trip
            parts.append({name: values[mine] for name, values in body.columns.items() if name != "vehicle"})
        names = parts[0] if parts else {}
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def told(self, offsets: bool = True) -> dict[tuple[str, str], list[str]]:
        """Events of each vehicle and kind in order, to the last bit, steps joined.

        Without offsets two logs compare whose rows stand elsewhere.
        """
        kinds = (TRIP, PREDICTION, VERSION, STEPS)
        found: dict[tuple[str, str], list[str]] = {(who, kind): [] for who in self.state.vehicle_ids for kind in kinds}
        for one in self.events:
            if one.kind != STEPS:
                found[one.vehicle_id, one.kind].append(repr(one if offsets else replace(one, offset=0)))
        for who in self.state.vehicle_ids:
            columns = self.steps(who)
            names = [name for name in columns if offsets or name != "offset"]
            found[who, STEPS] = [f"{name} {columns[name].dtype} {columns[name].tobytes().hex()}" for name in names]
        return found


def first_state(loop: LoopSettings = LOOP, prototype: Prototype = PROTOTYPE) -> ShardState:
    return ShardState.empty(FoldSettings(loop=loop), {prototype.pack: prototype})


def folded(
    log: pa.Table | Sequence[pa.Table],
    loop: LoopSettings = LOOP,
    cuts: Sequence[int] = (),
    state: ShardState | None = None,
    first_offset: int = 0,
) -> Outcome:
    """Fold a log, cut into batches before the rows named."""
    table = log if isinstance(log, pa.Table) else pa.concat_tables(log)
    state = first_state(loop) if state is None else state
    events: list[Event] = []
    edges = sorted({0, *(min(cut, table.num_rows) for cut in cuts), table.num_rows})
    for start, stop in itertools.pairwise(edges):
        part = SampleBatch.from_arrow(table.slice(start, stop - start), first_offset + start)
        state, more = fold(state, part)
        events += more
    return Outcome(state, events)
