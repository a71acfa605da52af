"""Tables for SQL and for export, made of what the registry holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from twinpack.store.alarms.records import STATES
from twinpack.store.alarms.register import Wanted
from twinpack.store.registry import Registry
from twinpack.store.tables import TIME
from twinpack.store.workshop.records import TEST_FIELDS

_VEHICLES = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        ("fleet", pa.string()),
        ("pack", pa.string()),
        ("model_year", pa.int32()),
        ("climate", pa.string()),
        ("retired", pa.bool_()),
        ("first_seen", TIME),
    ]
)

_LATEST = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        ("last_seen", TIME),
        ("soc", pa.float64()),
        ("version", pa.int64()),
        ("deployed_version", pa.int64()),
        ("late_samples", pa.int64()),
        ("repeated_samples", pa.int64()),
        ("parameters", pa.map_(pa.string(), pa.float64())),
    ]
)

_ALARMS = pa.schema(
    [
        pa.field("alarm_id", pa.string(), nullable=False),
        ("vehicle_id", pa.string()),
        ("code", pa.string()),
        ("subject", pa.string()),
        ("category", pa.string()),
        ("level", pa.string()),
        ("severity", pa.int32()),
        ("state", pa.string()),
        ("present", pa.bool_()),
        ("raises", pa.int64()),
        ("passes", pa.int64()),
        ("first_raised", TIME),
        ("last_raised", TIME),
        ("since", TIME),
        ("muted_by", pa.string()),
        ("assignee", pa.string()),
        ("snoozed_until", TIME),
        ("opened_at", TIME),
        ("changed_at", TIME),
    ]
)

_ALARM_ACTIONS = pa.schema(
    [
        pa.field("alarm_id", pa.string(), nullable=False),
        ("number", pa.int32()),
        ("at", TIME),
        ("sample_time", TIME),
        ("who", pa.string()),
        ("action", pa.string()),
        ("comment", pa.string()),
    ]
)

_FINDINGS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        ("vehicle_id", pa.string()),
        ("code", pa.string()),
        ("subject", pa.string()),
        ("category", pa.string()),
        ("change", pa.string()),
        ("level", pa.string()),
        ("severity", pa.int32()),
        ("status", pa.int32()),
        ("occurrence", pa.int32()),
        ("sample_time", TIME),
        ("since", TIME),
        ("offset", pa.int64()),
        ("alarm_id", pa.string()),
        ("effect", pa.string()),
        ("muted_by", pa.string()),
        ("recorded_at", TIME),
        ("evidence", pa.string()),
    ]
)

_MAINTENANCE = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        ("vehicle_id", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("title", pa.string()),
        ("planned_on", pa.string()),
        ("done_on", pa.string()),
        ("odometer_km", pa.int64()),
        ("reference", pa.string()),
        ("notes", pa.string()),
        ("who", pa.string()),
        *((name, pa.float64()) for name in TEST_FIELDS),
        ("offset", pa.int64()),
        ("test_offset", pa.int64()),
        ("entered_at", TIME),
        ("changed_at", TIME),
    ]
)


def _vehicles(registry: Registry) -> pa.Table:
    met = {record.vehicle_id: record.first_seen_us for record in registry.vehicles()}
    rows = [
        {
            "vehicle_id": name,
            "fleet": one.fleet,
            "pack": one.pack_name,
            "model_year": one.model_year,
            "climate": one.climate or None,
            "retired": one.retired,
            "first_seen": met.get(name),
        }
        for name, one in registry.fleet.known().items()
    ]
    return pa.Table.from_pylist(rows, _VEHICLES)


def _latest(registry: Registry) -> pa.Table:
    rows = [
        {
            **{name: body.get(name) for name in _LATEST.names},
            "vehicle_id": vehicle,
            "last_seen": body.get("last_seen_us"),
            "parameters": list((body.get("parameters") or {}).items()),
        }
        for vehicle, body in registry.latest().items()
    ]
    return pa.Table.from_pylist(rows, _LATEST)


def _alarms(registry: Registry) -> pa.Table:
    others = {"raises": "count", "first_raised": "first_us", "last_raised": "last_us", "opened_at": "raised_at_us"}
    return _table(_ALARMS, registry.alarms.alarms(Wanted(states=STATES)), others)


def _alarm_actions(registry: Registry) -> pa.Table:
    return _table(_ALARM_ACTIONS, registry.alarms.actions(), {})


def _findings(registry: Registry) -> pa.Table:
    found = registry.alarms.findings_of_rows(0, registry.offset())
    made = _table(_FINDINGS, found, {"evidence": "code"})  # any text in its place
    texts = pa.array([json.dumps(one.evidence) for one in found], pa.string())
    return made.set_column(_FINDINGS.get_field_index("evidence"), "evidence", texts)


def _maintenance(registry: Registry) -> pa.Table:
    return _table(_MAINTENANCE, registry.workshop.records(), {"offset": "log_offset"})


def _table(columns: pa.Schema, records: Iterable[Any], others: dict[str, str]) -> pa.Table:
    """Records as a table: a column is the attribute of its name, of a time that with `_us`, or what `others` says."""
    listed = list(records)
    attributes = {
        column.name: others.get(column.name, f"{column.name}_us" if column.type == TIME else column.name)
        for column in columns
    }
    values = {name: [getattr(record, attribute) for record in listed] for name, attribute in attributes.items()}
    return pa.table(values, schema=columns)


REGISTRY_TABLES: dict[str, tuple[pa.Schema, Callable[[Registry], pa.Table]]] = {
    "vehicles": (_VEHICLES, _vehicles),
    "latest": (_LATEST, _latest),
    "alarms": (_ALARMS, _alarms),
    "alarm_actions": (_ALARM_ACTIONS, _alarm_actions),
    "findings": (_FINDINGS, _findings),
    "maintenance": (_MAINTENANCE, _maintenance),
}
"""Tables made of what the registry holds: columns, and how they are made."""
