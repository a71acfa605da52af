"""Alarms: the inbox, one with its evidence, and what people do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from twinpack.api.audit import tell
from twinpack.api.dependencies import Looked, Seer
from twinpack.api.problems import documented
from twinpack.views.alarms.acting import act as act_on
from twinpack.views.alarms.acting import act_on_many
from twinpack.views.alarms.detail import alarm_detail
from twinpack.views.alarms.list import AlarmsAsked, alarm_page
from twinpack.views.alarms.signals import alarm_signals
from twinpack.views.shapes.alarms import (
    ActionRequest,
    AlarmAction,
    AlarmDetail,
    AlarmPage,
    AlarmRow,
    AlarmSignals,
    AlarmState,
    BulkRequest,
    BulkResult,
)

Severity = Annotated[int, Field(ge=0, le=3)]

router = APIRouter(prefix="/alarms", tags=["alarms"], responses=documented(404))


@router.get("")
def alarms(
    seer: Seer,
    views: Looked,
    state: Annotated[list[AlarmState] | None, Query(description="Active and acknowledged ones when left out.")] = None,
    severity: Annotated[list[Severity] | None, Query(description="Any of these.")] = None,
    level: Annotated[str | None, Query(description="alarm or watch.")] = None,
    code: str | None = None,
    vehicle_id: str | None = None,
    fleet: str | None = None,
    assignee: str | None = None,
    snoozed: bool | None = None,
    q: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlarmPage:
    """Alarms: severity, then newest."""
    asked = AlarmsAsked(
        states=state,
        severities=severity,
        level=level,
        code=code,
        vehicle_id=vehicle_id,
        fleet=fleet,
        assignee=assignee,
        snoozed=snoozed,
        text=q or "",
    )
    return alarm_page(views, seer, asked, cursor, limit)


@router.post("/bulk")
def bulk(body: BulkRequest, seer: Seer, views: Looked, request: Request) -> BulkResult:
    """The same action on many alarms; each stands for itself."""
    found = act_on_many(views, seer, body)
    tell(request, action=body.action, alarms=[one.alarm_id for one in found.items if one.done])
    return found


@router.get("/{alarm_id}")
def alarm(alarm_id: str, seer: Seer, views: Looked) -> AlarmDetail:
    """One alarm with its evidence."""
    return alarm_detail(views, seer, alarm_id)


@router.get("/{alarm_id}/signals")
def signals(
    alarm_id: str, seer: Seer, views: Looked, minutes: Annotated[float, Query(gt=0, le=1440)] = 10.0
) -> AlarmSignals:
    """The signals around the moment an alarm was raised, against their limits."""
    return alarm_signals(views, seer, alarm_id, minutes)


@router.post("/{alarm_id}/{action}", responses=documented(404, 409))
def act(
    alarm_id: str, action: AlarmAction, body: ActionRequest, seer: Seer, views: Looked, request: Request
) -> AlarmRow:
    """Acknowledge, assign, comment, snooze, wake or clear."""
    done = act_on(views, seer, alarm_id, action, body)
    tell(request, vehicle=done.vehicle_id)
    return done
