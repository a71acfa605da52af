"""What people do about alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from twinpack.errors import InputError, TwinpackError
from twinpack.runtime.repairs import clear_code
from twinpack.store.alarms.records import Alarm
from twinpack.views.alarms.detail import seen_alarm
from twinpack.views.alarms.rows import row_of
from twinpack.views.moments import micros_of
from twinpack.views.shapes.alarms import (
    ActionRequest,
    AlarmAction,
    AlarmRow,
    BulkOutcome,
    BulkRequest,
    BulkResult,
)
from twinpack.views.sight import Right, Sight

if TYPE_CHECKING:
    from twinpack.views.opened import Views

_LONGEST_US = 10 * 366 * 86_400_000_000


def act(views: Views, seer: Sight, alarm_id: str, action: AlarmAction, body: ActionRequest) -> AlarmRow:
    """Do something about an alarm; returns it as it is then.

    Raises:
        AccessError: The one who asks may do nothing about any alarm.
        NotFoundError: There is no such alarm, or it may not be seen.
        InputError: What is asked for cannot be done, as the alarm stands.
        ChangedError: Another person has changed it since the revision that was seen.
    """
    alarm, reach = seen_alarm(views, seer, alarm_id, Right.ALARMS_ACT)
    return row_of(views, _ACTIONS[action](views, alarm, reach.who, body))


def act_on_many(views: Views, seer: Sight, asked: BulkRequest) -> BulkResult:
    """The same about many alarms, each for itself: one that cannot be done keeps no other from it.

    Raises:
        AccessError: The one who asks may do nothing about any alarm.
    """
    seer.need(Right.ALARMS_ACT)
    body = asked.body.model_copy(update={"revision": None})  # of which of them would it be?
    return BulkResult(items=[_outcome(views, seer, one, asked.action, body) for one in dict.fromkeys(asked.alarm_ids)])


def _outcome(views: Views, seer: Sight, alarm_id: str, action: AlarmAction, body: ActionRequest) -> BulkOutcome:
    try:
        return BulkOutcome(alarm_id=alarm_id, done=True, alarm=act(views, seer, alarm_id, action, body))
    except TwinpackError as error:
        return BulkOutcome(alarm_id=alarm_id, done=False, detail=str(error))


def _acknowledge(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    return views.registry.alarms.acknowledge(alarm.alarm_id, who, body.comment, body.revision)


def _unacknowledge(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    return views.registry.alarms.unacknowledge(alarm.alarm_id, who, body.comment, body.revision)


def _assign(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    return views.registry.alarms.assign(alarm.alarm_id, body.assignee, who, body.comment, body.revision)


def _comment(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    return views.registry.alarms.comment(alarm.alarm_id, body.comment, who)


def _snooze(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    if body.until is None:
        raise InputError("until is missing: say until when the alarm is to be left alone")
    until_us = micros_of(body.until)
    if until_us > views.now_us() + _LONGEST_US:
        raise InputError("until is more than ten years ahead: clear the alarm instead, and say why")
    return views.registry.alarms.snooze(alarm.alarm_id, until_us, who, body.comment, body.revision)


def _unsnooze(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    return views.registry.alarms.unsnooze(alarm.alarm_id, who, body.comment, body.revision)


def _clear(views: Views, alarm: Alarm, who: str, body: ActionRequest) -> Alarm:
    """End it, and let the twin's own trouble code be cleared with a row of the log."""
    cleared = views.registry.alarms.clear(alarm.alarm_id, who, body.comment, body.revision, body.confirmed)
    clear_code(views.workspace, views.registry, cleared, who, body.comment)
    return cleared


_ACTIONS: Mapping[AlarmAction, Callable[[Views, Alarm, str, ActionRequest], Alarm]] = {
    "acknowledge": _acknowledge,
    "unacknowledge": _unacknowledge,
    "assign": _assign,
    "comment": _comment,
    "snooze": _snooze,
    "unsnooze": _unsnooze,
    "clear": _clear,
}
