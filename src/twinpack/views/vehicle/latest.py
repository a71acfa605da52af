"""The newest of everything that a vehicle sent, each value with its own time: an old one is never carried forward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.detect.status_byte import FAILED
from twinpack.telemetry.schema import SCALAR_SIGNALS, SIGNALS
from twinpack.views.fleet.rows import figure, moment_if
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import Latest, SignalValue
from twinpack.views.sight import Reach, Right, Sight
from twinpack.views.spans import holds


def latest(views: Views, seer: Sight, reach: Reach) -> Latest:
    """The newest value of each signal.

    Args:
        views: The workspace.
        seer: Who looks; what it has no right to is left out.
        reach: The vehicle, and of what times it may be seen.

    Raises:
        WorkspaceError: They cannot be read.
    """
    newest = views.samples.newest_values(reach.vehicle_id, reach.span)
    told = views.registry.latest_of(reach.vehicle_id)
    folded = told.get("last_seen_us")
    now = folded is not None and holds(reach.span, folded)
    soc = told.get("soc") if now and (seer.may(Right.VEHICLE) or seer.may(Right.TWIN)) else None
    return Latest(
        vehicle_id=reach.vehicle_id,
        at=moment_if(newest.at_us),
        signals=[_signal(name, *newest.values[name]) for name in SCALAR_SIGNALS if name in newest.values],
        soc_twin_pct=None if soc is None else figure(100.0 * soc, 1),
        faults=_codes(told) if now and seer.may(Right.ALARMS) else [],
    )


def _codes(told: Mapping[str, Any]) -> list[str]:
    codes: Mapping[str, int] = (told.get("faults") or {}).get("codes") or {}
    return sorted(code for code, status in codes.items() if status & FAILED)


def _signal(name: str, value: float, time_us: int) -> SignalValue:
    known = SIGNALS[name]
    told: float | bool = bool(value) if known.kind == "bool" else round(value, 4)
    return SignalValue(name=name, value=told, unit=known.unit, at=moment(time_us))
