"""A physics fleet with hidden truth: it proves a living twin against what the twin cannot see.

Vehicles differ in driver, climate, load and battery; each battery is a pack of 2RC cells with spread, heat and ageing
(`cells`, `vehicles`). Some drives of each life are sampled, spread evenly over the years; what happens between them
is computed, not sampled. `tables` is what the vehicles report (`sensors`), `truth` is what was so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.battery.arrays import Floats, Index
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.simulate import sensors
from twinpack.simulate.cells import Batteries, FastOcv, batteries, resistance_ratio
from twinpack.simulate.drives import CHARGE_SAMPLES, Draws, Drives, draw, drive_samples, plan_drives
from twinpack.simulate.sessions import Charges, Record, run_charges, run_drives
from twinpack.simulate.settings import FleetSettings, vehicle_ids
from twinpack.simulate.vehicles import draw_vehicles, live
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE

_SESSIONS_AT_ONCE = 600


class PhysicsFleet:
    """A simulated fleet; the same settings give the same tables and the same truth.

    Attributes:
        settings: What was asked for.
        pack: The specification of every vehicle's pack.
        vehicle_ids: Ids, in order.
    """

    def __init__(self, settings: FleetSettings) -> None:
        """Draw the vehicles and compute how they age; drives are simulated when `tables` is read.

        Raises:
            NotFoundError: No pack of that name is shipped.
            PackSpecError: The pack's text is wrong.
        """
        self.settings = settings
        self.pack: PackSpec = load_pack(settings.pack)
        self.vehicle_ids = vehicle_ids(settings.prefix, settings.vehicles)
        self._samples = drive_samples(settings)
        self._ocv = FastOcv(self.pack.ocv)
        self._vehicles = draw_vehicles(settings, self.pack)
        self._life = live(settings, self.pack, self._vehicles)
        start = datetime.combine(settings.start, datetime.min.time(), tzinfo=UTC)
        self._start_us = round(start.timestamp()) * 1_000_000

    def tables(self) -> Iterator[pa.Table]:
        """Samples in the `TELEMETRY` schema, one table a drive of the whole fleet, in order of receipt."""
        step = max(1, _SESSIONS_AT_ONCE // self.settings.vehicles)
        for first in range(0, self.settings.trips, step):
            yield from self._block(first, min(first + step, self.settings.trips))

    def truth(self) -> pa.Table:
        """What was so at the start of each sampled drive, by vehicle and drive.

        Columns: vehicle_id, trip_number (order of the drives, from 1), sample_time and sample_time_us (first sample,
        by the vehicle's clock), capacity_ah, capacity_health_pct (of the rated capacity), resistance_ratio, r0_ratio,
        rc_ratio (over the mean new pack at equal state and temperature), soc_start_pct, charged_after.
        """
        settings, life = self.settings, self._life
        time_us = self._us(life.start_s + self._vehicles.clock_s[:, None]).ravel()
        columns: dict[str, Any] = {
            "vehicle_id": np.repeat(self.vehicle_ids, settings.trips),
            "trip_number": np.tile(np.arange(1, settings.trips + 1), settings.vehicles),
            "sample_time": pa.array(time_us).cast(TIME_TYPE),
            "sample_time_us": time_us,
            "capacity_ah": life.capacity_ah.ravel(),
            "capacity_health_pct": (100.0 * life.capacity_ah / self.pack.capacity_ah).ravel(),
            "resistance_ratio": resistance_ratio(life.r0_ratio, life.rc_ratio).ravel(),
            "r0_ratio": life.r0_ratio.ravel(),
            "rc_ratio": life.rc_ratio.ravel(),
            "soc_start_pct": 100.0 * life.soc_start.ravel(),
            "charged_after": life.charged.ravel(),
        }
        return pa.table(columns)

    def _us(self, seconds: Floats) -> Index:
        return np.asarray(self._start_us + np.round(seconds * 1e6), dtype=np.int64)

    def _block(self, first: int, end: int) -> Iterator[pa.Table]:
        draws = draw(self.settings, first, end)
        drives = plan_drives(self.settings, self._vehicles, self._life, first, end, draws)
        cells = self._batteries(drives)
        at = (drives.vehicle, drives.trip)
        driven, count, state = run_drives(cells, drives, self._life.soc_start[at])
        habit = self._vehicles.charge_habit[drives.vehicle]
        charges = run_charges(cells, drives, state, self._life.charged[at], habit, draws)
        record = driven.then(charges.record)
        columns = self._signals(drives, record, count, draws)
        times_s = self._times(drives, count, charges)
        stream = sensors.travel(draws, count, charges.count, self.settings.period_s, self.settings.disturbances)
        for k in range(end - first):
            rows = slice(k * self.settings.vehicles, (k + 1) * self.settings.vehicles)
            yield self._table(rows, drives, times_s, stream, columns, (cells, record, draws))

    def _batteries(self, drives: Drives) -> Batteries:
        at = (drives.vehicle, drives.trip)
        spare = self._vehicles.cell_capacity.sum(axis=1) - 1.0
        spare = (spare / (self.pack.series - 1) if self.pack.series > 1 else np.ones_like(spare))[drives.vehicle]
        life = self._life
        return batteries(self.pack, life.capacity_ah[at], spare, life.r0_ratio[at], life.rc_ratio[at], self._ocv)

    def _times(self, drives: Drives, count: Index, charges: Charges) -> Floats:
        """True time of every sample, s since the start of the simulation."""
        start = self._life.start_s[drives.vehicle, drives.trip]
        driving = start[:, None] + np.arange(self._samples) * drives.period_s
        plugged = start + (count - 1) * drives.period_s + charges.pause_s
        charging = plugged[:, None] + np.arange(CHARGE_SAMPLES) * charges.period_s[:, None]
        return np.concatenate([driving, charging], axis=1)

    def _signals(self, drives: Drives, record: Record, count: Index, draws: Draws) -> Mapping[str, Floats]:
        """Every reported signal, sessions x samples, NaN where there is none."""
        v, t = drives.vehicle, drives.trip
        life, vehicles = self._life, self._vehicles
        faults = sensors.Instruments(
            vehicles.current_gain[v],
            vehicles.current_offset_a[v],
            vehicles.soc_bias[v],
            life.capacity_ah[v, t],
            life.bms_capacity_ah[v, t],
        )
        odometer = life.odometer_km[v, t][:, None] + drives.distance_km
        last = np.arange(len(v)), count - 1
        distance = np.round(drives.distance_km[last] * (1.0 + 0.03 * draws.normal[:, 8]))
        duration = 60.0 * np.round(count * drives.period_s * (1.0 + 0.05 * draws.normal[:, 9]) / 60.0)
        shown = drives.speed_kmh + 0.3 * draws.noise[:, 3, : self._samples]
        speed = np.where(drives.speed_kmh > 0.0, np.clip(np.round(shown, 1), 0.0, None), 0.0)
        none, zero = np.full(len(v), np.nan), np.zeros(len(v))
        return {
            "pack_voltage_v": sensors.measured_voltage(record.voltage_v, draws),
            "pack_current_a": sensors.measured_current(record.current_a, faults, draws),
            "cell_temp_avg_c": sensors.measured_temp(record.temp_c, draws),
            "soc_pct": sensors.bms_soc_pct(record.soc, faults, draws),
            "speed_kmh": _then(speed, zero),
            "odometer_km": np.round(_then(odometer, odometer[last]), 1),
            "ambient_temp_c": np.repeat(np.round(2.0 * drives.ambient_c[:, None]) / 2.0, record.soc.shape[1], axis=1),
            "elevation_m": np.round(_then(drives.elevation_m, drives.elevation_m[last]), 1),
            "load_kg": _then(drives.load_kg[:, None].repeat(self._samples, 1), none),
            "planned_distance_km": _then(distance[:, None].repeat(self._samples, 1), none),
            "planned_duration_s": _then(duration[:, None].repeat(self._samples, 1), none),
            "heating_power_kw": np.round(_then(drives.heating_kw, none), 2),
            "aircon_power_kw": np.round(_then(drives.aircon_kw, none), 2),
        }

    def _table(
        self,
        rows: slice,
        drives: Drives,
        times_s: Floats,
        stream: sensors.Stream,
        columns: Mapping[str, Floats],
        hidden: tuple[Batteries, Record, Draws],
    ) -> pa.Table:
        """The rows of one drive of every vehicle, in order of receipt."""
        copies = stream.copies[rows].ravel()
        flat = np.repeat(np.arange(copies.size), copies)
        received_us = self._us(times_s[rows] + stream.delay_s[rows]).ravel()[flat]
        order = np.argsort(received_us, kind="stable")
        flat, received_us = flat[order], received_us[order]
        vehicle = drives.vehicle[rows][flat // times_s.shape[1]]
        sampled_us = self._us(times_s[rows] + self._vehicles.clock_s[drives.vehicle[rows]][:, None]).ravel()[flat]
        charging = pa.array(flat % times_s.shape[1] >= self._samples)
        given: dict[str, pa.Array] = {
            "vehicle_id": pa.array(self.vehicle_ids).take(pa.array(vehicle)),
            "sample_time": pa.array(sampled_us).cast(TIME_TYPE),
            "receipt_time": pa.array(received_us).cast(TIME_TYPE),
            "is_charging": charging,
            "plug_connected": charging,
        }
        for name, values in columns.items():
            given[name] = pa.array(values[rows].ravel()[flat], from_pandas=True)
        if self.settings.cell_voltages:
            given["cell_voltage_v"] = self._cell_voltages(rows, flat, vehicle, hidden)
        nothing = {field.name: pa.nulls(len(flat), field.type) for field in TELEMETRY if field.name not in given}
        return pa.Table.from_arrays([{**given, **nothing}[field.name] for field in TELEMETRY], schema=TELEMETRY)

    def _cell_voltages(
        self, rows: slice, flat: Index, vehicle: Index, hidden: tuple[Batteries, Record, Draws]
    ) -> pa.Array:
        """Voltage of every cell group: its own capacity and resistance, noise of 1.5 mV."""
        cells, record, draws = hidden
        soc, voltage, current = (
            values[rows].ravel()[flat] for values in (record.soc, record.voltage_v, record.current_a)
        )
        noise = draws.noise[rows, 3].ravel()[flat]
        capacity, resistance = self._vehicles.cell_capacity[vehicle], self._vehicles.cell_resistance[vehicle]
        spare = ((capacity.sum(axis=1) - 1.0) / max(cells.series - 1, 1))[:, None]
        mean = (cells.ocv(soc) + (cells.series - 1) * cells.ocv(1.0 - (1.0 - soc) / spare[:, 0])) / cells.series
        over = (voltage / cells.series - mean)[:, None] * resistance / resistance.mean(axis=1, keepdims=True)
        values = cells.ocv(1.0 - (1.0 - soc[:, None]) / capacity) + over
        # one draw a row, turned from cell to cell: cheap, and not the same for all of them
        turn = np.sin(np.arange(cells.series) * 2.399 + 40.0 * (noise + current)[:, None])
        values = np.round(values + 0.0021 * turn, 3).astype(np.float32)
        offsets = np.arange(0, values.size + 1, cells.series, dtype=np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))


def _then(driving: Floats, charging: Floats) -> Floats:
    """A signal of the drive, then one value a session while charging."""
    return np.asarray(np.concatenate([driving, charging[:, None].repeat(CHARGE_SAMPLES, axis=1)], axis=1), np.float64)
