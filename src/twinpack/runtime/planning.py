"""A plan of inspections, out of a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from twinpack.errors import LearningError, NotFoundError
from twinpack.forecast.outlook import Outlook
from twinpack.forecast.planning import Suggestion, suggest
from twinpack.forecast.risk import FailureRisk
from twinpack.forecast.vehicle import VehicleForecast
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.forecasts import forecast_pack, outlook_of
from twinpack.runtime.risks import failure_risks
from twinpack.runtime.usage import bring_up
from twinpack.store.registry import Registry
from twinpack.store.tables import FEATURES
from twinpack.store.workshop.records import DONE, PLANNED, MaintenanceRecord
from twinpack.store.workspace import Workspace


@dataclass(frozen=True)
class Planned:
    """A line of the plan.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack.
        fleet: The fleet it is in.
        risk: Its risk of failure.
        forecast: What is to come of it; None where there is no ageing model of its pack.
        planned_on: Day of the next work planned, "" for none.
        overdue: Whether that day is past.
        last_done: Day of the last work done, "" for none.
        last_title: What it was.
        suggestion: By which day it should be looked at, and why.
        covered: Whether what is planned comes in time for it.
    """

    vehicle_id: str
    pack: str
    fleet: str
    risk: FailureRisk
    forecast: VehicleForecast | None
    planned_on: str
    overdue: bool
    last_done: str
    last_title: str
    suggestion: Suggestion
    covered: bool


@dataclass(frozen=True)
class Plan:
    """The plan of a workspace.

    Attributes:
        today: The day it is made for: that of the newest sample.
        rows: One a vehicle in service: first by the day it should be looked at, then by risk and remaining life.
        notes: What could not be told, and why.
    """

    today: date
    rows: tuple[Planned, ...]
    notes: tuple[str, ...]


def plan(
    workspace: Workspace,
    registry: Registry,
    fleet: str | None = None,
    pack: str | None = None,
    tell: Tell = silent,
) -> Plan:
    """Rank the vehicles in service by risk and remaining life, and say which should be looked at when.

    Args:
        workspace: Whose vehicles; its lake is brought up to what was folded first, and forecasts are made anew.
        registry: Its registry.
        fleet: Only this fleet.
        pack: Only this pack.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such fleet or pack, or no vehicle was seen.
    """
    bring_up(workspace, registry)
    known = {name: one for name, one in registry.fleet.known().items() if not one.retired}
    packs = sorted({one.pack_name for one in known.values() if one.registered})
    if pack is not None and pack not in packs:
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are {', '.join(packs) or 'none'}")
    forecasts, outlooks, notes = _forecasts(workspace, registry, packs if pack is None else [pack], tell)
    risks = failure_risks(workspace, registry, None, outlooks)
    if not risks:
        raise NotFoundError("no vehicle was seen yet; `twinpack import` and `twinpack run` first")
    today = _today(workspace)
    records: dict[str, list[MaintenanceRecord]] = {}
    for record in registry.workshop.records():
        records.setdefault(record.vehicle_id, []).append(record)
    wanted = {
        name: one
        for name, one in known.items()
        if name in risks and fleet in (None, one.fleet) and pack in (None, one.pack_name)
    }
    rows = [
        _planned(name, one.pack_name, one.fleet, risks[name], forecasts.get(name), records.get(name, []), today)
        for name, one in wanted.items()
    ]
    return Plan(today, tuple(sorted(rows, key=_order)), tuple(notes))


def _planned(
    name: str,
    pack: str,
    fleet: str,
    risk: FailureRisk,
    forecast: VehicleForecast | None,
    records: Sequence[MaintenanceRecord],
    today: date,
) -> Planned:
    planned = sorted(record.planned_on for record in records if record.status == PLANNED and record.planned_on)
    done = max((record for record in records if record.status == DONE), key=lambda one: one.done_on, default=None)
    first = planned[0] if planned else ""
    suggestion = suggest(today, risk, forecast)
    return Planned(
        vehicle_id=name,
        pack=pack,
        fleet=fleet,
        risk=risk,
        forecast=forecast,
        planned_on=first,
        overdue=bool(first) and first < today.isoformat(),
        last_done=done.done_on if done else "",
        last_title=done.title if done else "",
        suggestion=suggestion,
        covered=suggestion.on is not None and bool(first) and first <= suggestion.on.isoformat(),
    )


def _order(row: Planned) -> tuple[Any, ...]:
    ends = row.forecast.ends if row.forecast is not None else ()
    months = ends[0].months.p50 if ends else None
    day = row.suggestion.on or date.max
    return (day, -row.risk.p90, float("inf") if months is None else months, row.vehicle_id)


def _forecasts(
    workspace: Workspace, registry: Registry, packs: Iterable[str], tell: Tell
) -> tuple[dict[str, VehicleForecast], dict[str, Outlook], list[str]]:
    """Forecasts by vehicle, outlooks by pack, and why other packs have none."""
    found: dict[str, VehicleForecast] = {}
    outlooks: dict[str, Outlook] = {}
    notes: list[str] = []
    for name in packs:
        try:
            fleet = forecast_pack(workspace, registry, name, tell=tell)
            outlooks[name] = outlook_of(workspace, registry, name, months=12).outlook
        except (NotFoundError, LearningError) as error:
            notes.append(f"remaining life of {name} is not known: {error}")
            continue
        found |= {one.vehicle_id: one for one in fleet.vehicles}
    return found, outlooks, notes


def _today(workspace: Workspace) -> date:
    """The day of the newest sample, or today's where that is at most a week ago."""
    last = pc.max(workspace.lake().read(FEATURES, ["last_sample"]).column("last_sample")).as_py()
    now = datetime.now(UTC)
    return now.date() if last is None or now - last < timedelta(days=7) else last.date()
