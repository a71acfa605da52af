"""Tables of the lake: their columns, and the order rows are read in.

Every table but the dead letters has `offset`, the log offset of the row that brought a record about: a fold that is
repeated after a crash adds nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from twinpack.fleet.events import PREDICTION, TRIP, Event
from twinpack.telemetry.daily import CELL_FIGURES, WHOLE
from twinpack.telemetry.daily_charge import COLUMNS as CHARGE_FIGURES
from twinpack.telemetry.schema import TELEMETRY as SAMPLES

TELEMETRY = "telemetry"
FEATURES = "features"
TRIPS = "trips"
PREDICTIONS = "predictions"
PREDICTION_STEPS = "prediction_steps"
DEAD_LETTERS = "dead_letters"
ANOMALY_SCORES = "anomaly_scores"
VERSION_HEADS = "version_heads"
HEALTH = "health"
FORECASTS = "forecasts"
FORECAST_ENDS = "forecast_ends"
OFFSET = "offset"
SAMPLE_TIME = "sample_time"
DAY = "day"
BUCKET = "bucket"
MONTH = "month"
MODEL_HASH = "model_hash"
MADE = "made"
"""First day of the month from which on a forecast tells."""
QUANTILES = ("p05", "p10", "p25", "p50", "p75", "p90", "p95")
INTERVAL = ("p05", "p50", "p95")
CONTEXT = ("pack", "fleet", "model_year", "climate")
"""What is known of a vehicle and stands beside each of its samples."""

PREDICTORS = ("deployed", "never", "challenger")
"""Who predicts each trip: the deployed version, the never-updated prototype, the shadow as the trip began."""

_VEHICLE = pa.field("vehicle_id", pa.string(), nullable=False)
_OFFSET = pa.field(OFFSET, pa.int64(), nullable=False)
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class LakeTable:
    """One table.

    Attributes:
        name: Its name and folder.
        schema: Its columns; a release adds columns, never renames or drops one.
        order: Columns that rows are sorted by when read.
        event_kind: Kind of the events whose bodies are its rows, "" when rows come another way.
        partitions: Columns by whose values its files are put into folders.
    """

    name: str
    schema: pa.Schema
    order: tuple[str, ...]
    event_kind: str = ""
    partitions: tuple[str, ...] = ()


def _floats(*names: str, kind: pa.DataType | None = None) -> list[pa.Field]:
    return [pa.field(name, kind or pa.float64()) for name in names]


def _each_predictor(*suffixes: str, kind: pa.DataType | None = None) -> list[pa.Field]:
    return _floats(*(f"{who}_{suffix}" for who in PREDICTORS for suffix in suffixes), kind=kind)


_CONTEXT = [("pack", pa.string()), ("fleet", pa.string()), ("model_year", pa.int32()), ("climate", pa.string())]

_TELEMETRY = pa.schema(
    [
        *SAMPLES,
        *_CONTEXT,
        _OFFSET,
        pa.field(DAY, pa.date32(), nullable=False),
        pa.field(BUCKET, pa.int32(), nullable=False),
    ]
)

_FEATURES = pa.schema(
    [
        _VEHICLE,
        pa.field(DAY, pa.date32(), nullable=False),
        *_CONTEXT,
        ("samples", pa.int64()),
        ("first_sample", TIME),
        ("last_sample", TIME),
        *_floats("observed_s", "energy_out_kwh", "energy_in_kwh", "ah_out", "ah_in", "soc_min_pct", "soc_max_pct"),
        *_floats("temp_min_c", "temp_max_c", "temp_mean_c", "ambient_mean_c", "voltage_min_v", "voltage_max_v"),
        *_floats("distance_km", "c_rate_max"),
        ("charges", pa.int32()),
        *_floats("cell_spread_mean_v", "cell_spread_max_v"),
        *_floats("silence_max_s", "parked_h", "c_rate_rms", "charge_fast_share", "charge_end_v"),
        *_floats("temp_rise_k_kwh", "odometer_km", "isolation_min_kohm"),
        *_floats(*CHARGE_FIGURES),
        ("cell_frames", pa.int32()),
        ("cell_invalid_share", pa.float64()),
        *(pa.field(name, pa.int32() if name in WHOLE else pa.float64()) for name in CELL_FIGURES),
        ("cell_sag_v", pa.float64()),
        ("cell_sag", pa.int32()),
        *_floats("probe_invalid_share", "probe_spread_mean_k", "probe_low_k"),
        ("probe_low", pa.int32()),
        ("probe_high_k", pa.float64()),
        ("probe_high", pa.int32()),
        _OFFSET,
        pa.field(MONTH, pa.date32(), nullable=False),
    ]
)

_SCORES = pa.schema(
    [
        _VEHICLE,
        pa.field(DAY, pa.date32(), nullable=False),
        ("pack", pa.string()),
        pa.field(MODEL_HASH, pa.string(), nullable=False),
        *_floats("score", "odder_than"),
        ("reasons", pa.list_(pa.string())),
        _OFFSET,
    ]
)

_MADE = [
    _VEHICLE,
    pa.field("pack", pa.string(), nullable=False),
    pa.field(MADE, pa.date32(), nullable=False),
]
_MADE_BY = [pa.field(MODEL_HASH, pa.string(), nullable=False), ("version_number", pa.int32()), _OFFSET]

_FORECASTS = pa.schema(
    [
        *_MADE,
        pa.field("ahead", pa.date32(), nullable=False),
        *_floats(*(f"capacity_{level}_pct" for level in QUANTILES), kind=pa.float32()),
        *_floats(*(f"energy_{level}_pct" for level in INTERVAL), kind=pa.float32()),
        *_floats(*(f"resistance_{level}_x" for level in INTERVAL), kind=pa.float32()),
        *_MADE_BY,
    ]
)

_FORECAST_ENDS = pa.schema(
    [
        *_MADE,
        pa.field("kind", pa.string(), nullable=False),
        ("name", pa.string()),
        ("health", pa.string()),
        *_floats("limit_pct"),
        ("until", pa.date32()),
        *_floats("probability"),
        *((level, pa.date32()) for level in QUANTILES),
        *_floats("left_share", "months_left", "cycles_left", "km_left"),
        ("why_not", pa.string()),
        *_MADE_BY,
    ]
)

_TRIPS = pa.schema(
    [
        _VEHICLE,
        ("number", pa.int32()),
        ("kind", pa.string()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("samples", pa.int64()),
        *_floats("energy_out_kwh", "energy_in_kwh", "ah_out", "ah_in", "soc_start_pct", "soc_end_pct"),
        *_floats("temp_min_c", "temp_max_c", "temp_mean_c", "distance_km", "c_rate_max", "c_rate_rms"),
        ("closed_by", pa.string()),
        _OFFSET,
    ]
)

_PREDICTIONS = pa.schema(
    [
        _VEHICLE,
        ("trip_number", pa.int32()),
        ("version_number", pa.int32()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("scored_samples", pa.int64()),
        ("threshold_v", pa.float64()),
        ("decision", pa.string()),
        ("policy", pa.string()),
        *_each_predictor("rmse_v", "mae_v", "coverage_95", "interval_score_v"),
        _OFFSET,
    ]
)

# Single precision: rows are many, and 400 V keep 30 microvolts.
_STEPS = pa.schema(
    [
        _VEHICLE,
        ("trip_number", pa.int32()),
        ("sample_time", TIME),
        *_floats("measured_v", "current_a", "temp_c", "soc", kind=pa.float32()),
        *_each_predictor("v", "sd_v", kind=pa.float32()),
        ("scored", pa.bool_()),
        _OFFSET,
    ]
)

_HEADS = pa.schema(
    [
        _VEHICLE,
        pa.field("versions", pa.int32(), nullable=False),
        pa.field("head_hash", pa.string(), nullable=False),
        pa.field("signature", pa.string(), nullable=False),
        _OFFSET,
    ]
)

_HEALTH = pa.schema(
    [
        _VEHICLE,
        pa.field(SAMPLE_TIME, TIME, nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        *_floats("value", "sd", "low", "high"),
        ("unit", pa.string()),
        ("version_number", pa.int32()),
        ("reason", pa.string()),
        _OFFSET,
    ]
)

_LETTERS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("vehicle_id", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("action", pa.string()),
        ("raw", pa.string()),
        ("profile", pa.string()),
        ("import_id", pa.string()),
        ("imported_at", TIME),
    ]
)

TABLES: dict[str, LakeTable] = {
    table.name: table
    for table in (
        LakeTable(TELEMETRY, _TELEMETRY, ("vehicle_id", SAMPLE_TIME, OFFSET), partitions=(DAY, BUCKET)),
        LakeTable(FEATURES, _FEATURES, ("vehicle_id", DAY, OFFSET), partitions=(MONTH,)),
        LakeTable(TRIPS, _TRIPS, (OFFSET, "vehicle_id", "number"), TRIP),
        LakeTable(PREDICTIONS, _PREDICTIONS, (OFFSET, "vehicle_id", "trip_number"), PREDICTION),
        LakeTable(PREDICTION_STEPS, _STEPS, (OFFSET, "vehicle_id", "trip_number", "sample_time")),
        LakeTable(VERSION_HEADS, _HEADS, (OFFSET, "vehicle_id", "versions")),
        LakeTable(ANOMALY_SCORES, _SCORES, (MODEL_HASH, DAY, "vehicle_id"), partitions=(MODEL_HASH,)),
        LakeTable(HEALTH, _HEALTH, ("vehicle_id", "kind", SAMPLE_TIME, OFFSET)),
        LakeTable(FORECASTS, _FORECASTS, ("pack", "vehicle_id", "ahead"), partitions=("pack",)),
        LakeTable(FORECAST_ENDS, _FORECAST_ENDS, (MADE, "vehicle_id", "kind", "name"), partitions=(MADE,)),
        LakeTable(DEAD_LETTERS, _LETTERS, ("imported_at", "file", "row")),
    )
}
"""Every table of the lake, by name."""


def rows_of(name: str, events: Sequence[Event]) -> pa.Table:
    """Rows of a table from the events it keeps; their bodies have the columns as attributes.

    Args:
        name: `TRIPS` or `PREDICTIONS`.
        events: What a fold gave back; events of other kinds are passed over.
    """
    table = TABLES[name]
    mine = [event for event in events if event.kind == table.event_kind]
    columns = [_column(field, mine) for field in table.schema]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _column(field: pa.Field, events: Sequence[Event]) -> pa.Array:
    values: list[Any] = [event.offset if field.name == OFFSET else getattr(event.body, field.name) for event in events]
    return pa.array(values, field.type)


def conform(name: str, table: pa.Table) -> pa.Table:
    """A table with exactly the columns and types of a table of the lake.

    Raises:
        ValueError: Columns are missing or unknown.
    """
    schema = TABLES[name].schema
    given, wanted = set(table.column_names), set(schema.names)
    if given != wanted:
        raise ValueError(
            f"table {name!r}: missing columns {sorted(wanted - given)}, unknown columns {sorted(given - wanted)}"
        )
    return table.select(schema.names).cast(schema)
