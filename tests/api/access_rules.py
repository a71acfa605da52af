"""What every operation of the API needs: read beside the access matrix, which fails for one that is not here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from twinpack.views.sight import Right

About = Literal["nobody", "oneself", "vehicle", "alarm", "record", "grant", "share", "user", "key", "list", "events"]
"""What an operation is about: one thing of a vehicle, an account or key, many things, oneself, or open to anybody."""


@dataclass(frozen=True)
class Rule:
    """What an operation needs.

    Attributes:
        right: The right, None for anybody who is signed in.
        about: What it is about.
        query: Its query.
        body: Makes its body for a vehicle, from the names of the things it has.
        by_vehicle: Whether a list can be asked for one vehicle by `vehicle_id`.
    """

    right: Right | None
    about: About
    query: dict[str, Any] = field(default_factory=dict)
    body: Callable[[dict[str, str]], dict[str, Any]] | None = None
    by_vehicle: bool = False


def nothing(things: dict[str, str]) -> dict[str, Any]:
    return {}


RULES: dict[str, Rule] = {
    "POST /v1/auth/sign-in": Rule(None, "nobody"),
    "POST /v1/auth/token": Rule(None, "nobody"),
    "POST /v1/auth/refresh": Rule(None, "nobody"),
    "GET /.well-known/jwks.json": Rule(None, "nobody"),
    "POST /v1/auth/sign-out": Rule(None, "oneself"),
    "GET /v1/me": Rule(None, "oneself"),
    "PUT /v1/me/preferences": Rule(None, "oneself", body=nothing),
    "POST /v1/me/password": Rule(None, "oneself", body=lambda one: {"old": "x" * 12, "new": "y" * 12}),
    "GET /v1/me/data": Rule(None, "oneself"),
    "DELETE /v1/me/data": Rule(None, "oneself"),
    "GET /v1/users": Rule(Right.USERS, "list"),
    "POST /v1/users": Rule(Right.USERS, "list", body=lambda one: {"username": "newcomer", "role": "owner"}),
    "PATCH /v1/users/{username}": Rule(Right.USERS, "user", body=nothing),
    "DELETE /v1/users/{username}": Rule(Right.USERS, "user"),
    "GET /v1/grants": Rule(Right.GRANTS, "list", by_vehicle=True),
    "DELETE /v1/grants/{grant_id}": Rule(Right.GRANTS, "grant"),
    "GET /v1/vehicles/{vehicle_id}/shares": Rule(Right.SHARE, "vehicle"),
    "POST /v1/vehicles/{vehicle_id}/shares": Rule(
        Right.SHARE, "vehicle", body=lambda one: {"username": "tim", "until_at": "2090-01-01T00:00:00Z"}
    ),
    "DELETE /v1/vehicles/{vehicle_id}/shares/{grant_id}": Rule(Right.SHARE, "share"),
    "GET /v1/keys": Rule(Right.KEYS, "list"),
    "POST /v1/keys": Rule(Right.KEYS, "list", body=lambda one: {"name": "robot", "role": "analyst"}),
    "DELETE /v1/keys/{key_id}": Rule(Right.KEYS, "key"),
    "GET /v1/audit-log": Rule(Right.AUDIT, "list"),
    "GET /v1/fleets": Rule(Right.FLEET, "list"),
    "GET /v1/fleet/summary": Rule(Right.FLEET, "list"),
    "GET /v1/fleet/scatter": Rule(Right.FLEET, "list"),
    "GET /v1/vehicles": Rule(Right.FIND, "list"),
    "GET /v1/search": Rule(Right.FIND, "list", query={"q": "1"}),
    "GET /v1/vehicles/{vehicle_id}": Rule(Right.FIND, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/latest": Rule(Right.TELEMETRY, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/telemetry": Rule(Right.TELEMETRY, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/cells": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/cells/{cell}": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/spread": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/trips": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/health": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/twin": Rule(Right.TWIN, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/twin/history": Rule(Right.TWIN, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/versions": Rule(Right.TWIN, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/versions/compare": Rule(Right.TWIN, "vehicle", query={"a": 1, "b": 2}),
    "GET /v1/vehicles/{vehicle_id}/versions/{number}": Rule(Right.TWIN, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/rollback": Rule(Right.ROLLBACK, "vehicle", query={"to_version": 1}),
    "POST /v1/vehicles/{vehicle_id}/rollback": Rule(Right.ROLLBACK, "vehicle", body=lambda one: {"to_version": 1}),
    "GET /v1/vehicles/{vehicle_id}/explain": Rule(Right.VEHICLE, "vehicle"),
    "GET /v1/vehicles/{vehicle_id}/trips/{number}/prediction": Rule(Right.TWIN, "vehicle"),
    "GET /v1/alarms": Rule(Right.ALARMS, "list", by_vehicle=True),
    "POST /v1/alarms/bulk": Rule(
        Right.ALARMS_ACT,
        "list",
        body=lambda one: {"alarm_ids": [one["alarm"]], "action": "comment", "body": {"comment": "x"}},
    ),
    "GET /v1/alarms/{alarm_id}": Rule(Right.ALARMS, "alarm"),
    "GET /v1/alarms/{alarm_id}/signals": Rule(Right.ALARMS, "alarm"),
    "POST /v1/alarms/{alarm_id}/{action}": Rule(Right.ALARMS_ACT, "alarm", body=lambda one: {"comment": "seen"}),
    "GET /v1/maintenance": Rule(Right.MAINTENANCE, "list", by_vehicle=True),
    "POST /v1/vehicles/{vehicle_id}/maintenance": Rule(
        Right.MAINTENANCE_WRITE,
        "vehicle",
        body=lambda one: {"kind": "inspection", "title": "look", "status": "done", "done_on": "2026-01-02"},
    ),
    "PATCH /v1/maintenance/{record_id}": Rule(Right.MAINTENANCE_WRITE, "record", body=lambda one: {"notes": "x"}),
    "DELETE /v1/maintenance/{record_id}": Rule(Right.MAINTENANCE_WRITE, "record"),
    "GET /v1/ingest": Rule(Right.DATA, "list"),
    "GET /v1/imports": Rule(Right.DATA, "list"),
    "GET /v1/dead-letters": Rule(Right.DATA, "list", by_vehicle=True),
    "POST /v1/query": Rule(Right.QUERY, "list", body=lambda one: {"sql": "select * from vehicles"}),
    "GET /v1/events": Rule(None, "events"),
    # The last of those that change something: an owner who hands the vehicle on sees it no more.
    "POST /v1/grants": Rule(
        Right.GRANTS, "vehicle", body=lambda one: {"vehicle_id": one["vehicle"], "username": "bert", "transfer": True}
    ),
}
