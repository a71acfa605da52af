"""The one sample schema: every name, unit, physical range and meaning in one place.

Positive current charges. Times are microseconds since the epoch, UTC. A missing value is null in Arrow and NaN in
arrays. Names follow the COVESA Vehicle Signal Specification where it has the signal (`vss`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

KIND_SAMPLE = 0
KIND_TICK = 1
KIND_COMMAND = 2
KIND_LAKE_SAMPLE = 3
"""A sample that the routing rules keep from the real-time path: the fold passes over it."""
KIND_REALTIME_SAMPLE = 4
"""A sample that the routing rules keep out of the lake."""
SAMPLE_KINDS = (KIND_SAMPLE, KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE)

Kind = Literal["float", "bool", "list"]


@dataclass(frozen=True)
class Signal:
    """One measured or planned quantity of a sample.

    Attributes:
        name: Column name; its suffix is the unit.
        unit: Unit, in words a person reads.
        minimum: Lowest physically possible value, in `unit`.
        maximum: Highest physically possible value, in `unit`.
        meaning: One line for documentation.
        kind: `float`, `bool` (0 or 1 in arrays) or `list` (one value a cell or probe, position from 0).
        vss: Path in the Vehicle Signal Specification, empty where it has none.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    meaning: str
    kind: Kind = "float"
    vss: str = ""


_BATTERY = "Vehicle.Powertrain.TractionBattery"

_SIGNALS = (
    Signal("pack_voltage_v", "V", 0, 1000, "pack voltage, positive", vss=f"{_BATTERY}.CurrentVoltage"),
    Signal("pack_current_a", "A", -2000, 2000, "pack current, positive charges", vss=f"{_BATTERY}.CurrentCurrent"),
    Signal("cell_temp_avg_c", "degC", -40, 120, "mean cell temperature", vss=f"{_BATTERY}.Temperature.Average"),
    Signal("cell_temp_min_c", "degC", -40, 120, "coldest cell or probe", vss=f"{_BATTERY}.Temperature.Min"),
    Signal("cell_temp_max_c", "degC", -40, 120, "hottest cell or probe", vss=f"{_BATTERY}.Temperature.Max"),
    Signal("soc_pct", "%", 0, 100, "state of charge told by the BMS", vss=f"{_BATTERY}.StateOfCharge.Current"),
    Signal("soc_displayed_pct", "%", 0, 100, "charge shown to the driver", vss=f"{_BATTERY}.StateOfCharge.Displayed"),
    Signal("speed_kmh", "km/h", -50, 300, "speed; negative in reverse on some vehicles", vss="Vehicle.Speed"),
    Signal("odometer_km", "km", 0, 2_000_000, "distance driven in the vehicle's life", vss="Vehicle.TraveledDistance"),
    Signal("ambient_temp_c", "degC", -50, 60, "outside air temperature", vss="Vehicle.Exterior.AirTemperature"),
    Signal("elevation_m", "m", -500, 9000, "height above sea level", vss="Vehicle.CurrentLocation.Altitude"),
    Signal("load_kg", "kg", 0, 100_000, "payload"),
    Signal("planned_distance_km", "km", 0, 10_000, "distance of the route as planned"),
    Signal("planned_duration_s", "s", 0, 10_000_000, "duration of the route as planned"),
    Signal("heating_power_kw", "kW", -1, 100, "electric power of the cabin heater"),
    Signal("aircon_power_kw", "kW", -1, 100, "electric power of the air conditioning"),
    Signal("coolant_temp_c", "degC", -50, 120, "temperature of the battery's coolant"),
    Signal("link_voltage_v", "V", 0, 1000, "voltage behind the main contactors, on the vehicle's side"),
    Signal("isolation_resistance_kohm", "kohm", 0, 65_000, "isolation of the high-voltage system"),
    Signal("contactors_closed", "", 0, 1, "main contactors told to be closed", "bool"),
    Signal("hv_interlock_closed", "", 0, 1, "high-voltage interlock loop closed", "bool"),
    Signal("is_charging", "", 0, 1, "charging from outside", "bool", f"{_BATTERY}.Charging.IsCharging"),
    Signal(
        "plug_connected",
        "",
        0,
        1,
        "charging cable connected",
        "bool",
        f"{_BATTERY}.Charging.ChargingPort.AnyPosition.IsChargingCableConnected",
    ),
    Signal("cell_voltage_v", "V", 0, 5, "voltage of each cell", "list", f"{_BATTERY}.CellVoltage.CellVoltages"),
    Signal("cell_temp_c", "degC", -40, 120, "temperature probes", "list", f"{_BATTERY}.Temperature.CellTemperature"),
)

SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _SIGNALS}
"""Every signal by name, in column order."""

SCALAR_SIGNALS: tuple[str, ...] = tuple(signal.name for signal in _SIGNALS if signal.kind != "list")
LIST_SIGNALS: tuple[str, ...] = tuple(signal.name for signal in _SIGNALS if signal.kind == "list")

TIME_TYPE = pa.timestamp("us", tz="UTC")
_ARROW_TYPES = {"float": pa.float64(), "bool": pa.bool_(), "list": pa.list_(pa.float32())}

TELEMETRY: pa.Schema = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        pa.field("sample_time", TIME_TYPE, nullable=False),
        pa.field("receipt_time", TIME_TYPE, nullable=False),
        *(pa.field(signal.name, _ARROW_TYPES[signal.kind]) for signal in _SIGNALS),
    ]
)
"""Columns of a sample: vehicle, sample and receipt time, then the signals, each of which may be missing."""

LOG: pa.Schema = pa.schema(
    [
        *TELEMETRY,
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("command", pa.string()),
    ]
)
"""Columns of a log row: a sample (one of `SAMPLE_KINDS`), a tick (`KIND_TICK`, vehicle empty) or a command (JSON)."""


TIMES = ("sample_time", "receipt_time")

PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": [field.name for field in LOG if field.name not in TIMES],
    "column_encoding": dict.fromkeys(TIMES, "DELTA_BINARY_PACKED"),
}
"""How samples are best written as Parquet: values come in steps, and so repeat; times rise by nearly the same."""


def to_log(samples: pa.Table) -> pa.Table:
    """Add the columns that make samples in the `TELEMETRY` schema rows of the log.

    Args:
        samples: Table in the `TELEMETRY` schema.

    Returns:
        Table in the `LOG` schema, every row of kind `KIND_SAMPLE`.
    """
    rows = samples.num_rows
    kind = pa.repeat(pa.scalar(KIND_SAMPLE, pa.int8()), rows)
    columns = [*samples.columns, kind, pa.nulls(rows, pa.string())]
    return pa.Table.from_arrays(columns, schema=LOG)


def tick_row(receipt_time_us: int) -> pa.Table:
    """One tick: the moment, in microseconds since the epoch, up to which silence is known.

    Returns:
        Table of one row in the `LOG` schema.
    """
    return _bare_rows([""], [receipt_time_us], KIND_TICK, [None])


def command_rows(vehicle_ids: list[str], receipt_time_us: list[int], commands: list[str]) -> pa.Table:
    """Rows of the log that carry commands.

    Args:
        vehicle_ids: Vehicle of each command, empty for one that concerns all.
        receipt_time_us: When each was given, microseconds since the epoch.
        commands: Each command as JSON text.

    Returns:
        Table in the `LOG` schema, one row a command.
    """
    return _bare_rows(vehicle_ids, receipt_time_us, KIND_COMMAND, list(commands))


def _bare_rows(vehicle_ids: list[str], times_us: list[int], kind: int, commands: list[str | None]) -> pa.Table:
    rows = len(vehicle_ids)
    times = pa.array(times_us, pa.int64()).cast(TIME_TYPE)
    given = {
        "vehicle_id": pa.array(vehicle_ids, pa.string()),
        "sample_time": times,
        "receipt_time": times,
        "kind": pa.array([kind] * rows, pa.int8()),
        "command": pa.array(commands, pa.string()),
    }
    columns = [given.get(field.name, pa.nulls(rows, field.type)) for field in LOG]
    return pa.Table.from_arrays(columns, schema=LOG)
