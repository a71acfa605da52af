"""One alarm: what was found and why, what was done about it, who else has it, and how good its rule has been."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twinpack.detect.rules.quantities import pack_constants
from twinpack.detect.words import sentence
from twinpack.errors import NotFoundError
from twinpack.store.alarms.records import ACTIVE, CLEARED, ITSELF, STATES, Action, Alarm, FindingRecord
from twinpack.store.alarms.register import Wanted
from twinpack.views.alarms.list import within
from twinpack.views.alarms.panels import condition_of, limits_of
from twinpack.views.alarms.rows import row_of
from twinpack.views.alarms.words import condition_in_words, figures_in_words
from twinpack.views.moments import moment
from twinpack.views.shapes.alarms import AlarmDetail, AlarmEvent, Evidence, RuleRecord, SimilarVehicle
from twinpack.views.sight import Reach, Right, Sight, hidden

if TYPE_CHECKING:
    from twinpack.views.opened import Views

_ALARM_ID = re.compile(r"[0-9a-f]{12}")
_MOST_FINDINGS = 50
_MOST_SIMILAR = 10
_JUDGED = 5_000
"""Alarms of a code, the newest, by which its rule is judged."""
_WORKSHOP_DAYS = 60
"""A repair within so many days after an alarm was last raised confirms it."""


def seen_alarm(views: Views, seer: Sight, alarm_id: str, right: Right = Right.ALARMS) -> tuple[Alarm, Reach]:
    """An alarm that may be seen, by its whole identity, and the reach to its vehicle.

    Raises:
        AccessError: The right is lacking for every alarm.
        NotFoundError: There is no such alarm, or it may not be seen.
    """
    seer.need(right)
    if not _ALARM_ID.fullmatch(alarm_id):
        raise hidden()
    try:
        alarm = views.registry.alarms.alarm(alarm_id)
    except NotFoundError:
        raise hidden() from None
    reach = views.reach(seer, alarm.vehicle_id, right)
    start, end = reach.span.from_us, reach.span.until_us
    if (start is not None and alarm.first_us < start) or (end is not None and alarm.first_us >= end):
        raise hidden()
    return alarm, reach


def alarm_detail(views: Views, seer: Sight, alarm_id: str) -> AlarmDetail:
    """An alarm with its evidence; errors as of `seen_alarm`."""
    alarm, _ = seen_alarm(views, seer, alarm_id)
    alarms = views.registry.alarms
    found = alarms.findings_of(alarm.alarm_id, _MOST_FINDINGS)
    meaning = views.meanings.of(alarm.code)
    debounce_s = None if meaning.rule is None else meaning.rule.debounce_us / 1e6
    same = alarms.alarms(Wanted(STATES, code=alarm.code, within=within(seer.scope(Right.ALARMS)), limit=_JUDGED))
    return AlarmDetail(
        alarm=row_of(views, alarm),
        about=meaning.about,
        condition=_condition(views, alarm, found),
        debounce_s=debounce_s,
        history=[_event(action) for action in alarms.history(alarm.alarm_id)],
        evidence=[_evidence(one) for one in found],
        similar=_similar(alarm, same),
        rule=_record(views, alarm.code, same),
        may=may_do(seer, alarm, views.now_us()),
    )


def may_do(seer: Sight, alarm: Alarm, now_us: int) -> list[str]:
    """What may be done about an alarm as it stands."""
    if not seer.may(Right.ALARMS_ACT):
        return []
    if alarm.state == CLEARED:
        return ["comment"]
    first = "acknowledge" if alarm.state == ACTIVE else "unacknowledge"
    snooze = ["snooze", "unsnooze"] if alarm.snoozed(now_us) else ["snooze"]
    return [first, "assign", "comment", *snooze, "clear"]


def _condition(views: Views, alarm: Alarm, found: Sequence[FindingRecord]) -> str:
    """What was compared with what when it was last raised, in words."""
    raised = next((one for one in found if one.event_id == alarm.last_event), None)
    condition = None if raised is None else condition_of(raised.evidence)
    if raised is None or condition is None:
        return ""
    try:
        pack = views.registry.fleet.specification(views.registry.vehicle(alarm.vehicle_id).pack)
    except NotFoundError:
        pack = None
    return condition_in_words(condition, limits_of(raised.evidence), pack_constants(pack) if pack else {})


def _event(action: Action) -> AlarmEvent:
    by_itself = action.who == ITSELF and action.sample_time_us is not None
    at_us = action.at_us if action.sample_time_us is None else action.sample_time_us
    return AlarmEvent(
        at=moment(at_us), who="" if by_itself else action.who, action=action.action, comment=action.comment
    )


def _evidence(found: FindingRecord) -> Evidence:
    frame = found.evidence.get("frame")
    figures = {name: value for name, value in found.evidence.items() if name not in ("frame", "text")}
    return Evidence(
        event_id=found.event_id,
        at=moment(found.sample_time_us),
        change=found.change,
        status=found.status,
        text=_text(found),
        freeze_frame=dict(frame) if isinstance(frame, Mapping) else {},
        figures=_plain(figures),
    )


def _text(found: FindingRecord) -> str:
    """What was seen, in a sentence; names of quantities in words."""
    told, condition, frame = sentence(found.evidence), condition_of(found.evidence), found.evidence.get("frame")
    if condition is None or not isinstance(frame, Mapping):
        return told
    figures = figures_in_words(condition, frame)
    name = told.partition(":")[0]
    return f"{name}: {figures}" if figures else name


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with moments as text."""
    return {
        name.removesuffix("_us"): moment(value).isoformat()
        if name.endswith("_us") and isinstance(value, int)
        else value
        for name, value in figures.items()
    }


def _similar(alarm: Alarm, same: Iterable[Alarm]) -> list[SimilarVehicle]:
    """The last alarm of the same code of other vehicles, those that are open first."""
    newest: dict[str, Alarm] = {}
    for other in sorted(same, key=lambda one: (one.state == CLEARED, -one.last_us)):
        if other.vehicle_id != alarm.vehicle_id:
            newest.setdefault(other.vehicle_id, other)
    return [
        SimilarVehicle(
            vehicle_id=other.vehicle_id, alarm_id=other.alarm_id, last_at=moment(other.last_us), state=other.state
        )
        for other in list(newest.values())[:_MOST_SIMILAR]
    ]


def _record(views: Views, code: str, same: Sequence[Alarm]) -> RuleRecord:
    verdicts = views.registry.alarms.verdicts(code)
    repaired = views.registry.workshop.repairs()
    confirmed = [alarm for alarm in same if verdicts.get(alarm.alarm_id, _repaired(alarm, repaired))]
    return RuleRecord(
        raised=len(same),
        confirmed=len(confirmed),
        false=sum(verdicts.get(alarm.alarm_id) is False for alarm in same),
        open=sum(alarm.state != CLEARED for alarm in same),
    )


def _repaired(alarm: Alarm, repairs: Mapping[str, Sequence[str]]) -> bool:
    first = moment(alarm.first_us).date().isoformat()
    last = (moment(alarm.last_us) + timedelta(days=_WORKSHOP_DAYS)).date().isoformat()
    return any(first <= day <= last for day in repairs.get(alarm.vehicle_id, ()))
