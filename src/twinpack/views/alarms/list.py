"""The inbox: the alarms that may be seen, the most severe first, of these the last raised first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twinpack.errors import InputError
from twinpack.store.alarms.narrowing import Within
from twinpack.store.alarms.records import OPEN_STATES, Alarm
from twinpack.store.alarms.register import Wanted
from twinpack.views.alarms.rows import by_severity, rows_of
from twinpack.views.cursors import Place, place_of
from twinpack.views.shapes.alarms import AlarmPage
from twinpack.views.shapes.common import PageInfo
from twinpack.views.sight import Right, Scope, Sight

if TYPE_CHECKING:
    from twinpack.views.opened import Views

_ORDER = "alarms"
_FAR_OFF = 2**62


@dataclass(frozen=True)
class AlarmsAsked:
    """Which alarms are asked for; None and "" are for any.

    Attributes:
        states: In these states; the open ones when None.
        severities: Of these severities.
        level: `alarm` or `watch`.
        code: With this code.
        vehicle_id: Of this vehicle.
        fleet: Of the vehicles of this fleet.
        assignee: Assigned to this person; "" for nobody.
        snoozed: Whether they are snoozed now.
        text: What a search finds.
    """

    states: Sequence[str] | None = None
    severities: Sequence[int] | None = None
    level: str | None = None
    code: str | None = None
    vehicle_id: str | None = None
    fleet: str | None = None
    assignee: str | None = None
    snoozed: bool | None = None
    text: str = ""


def alarm_page(views: Views, seer: Sight, asked: AlarmsAsked, cursor: str | None = None, limit: int = 100) -> AlarmPage:
    """A page of the alarms that may be seen.

    Raises:
        AccessError: No alarm may be seen at all.
        InputError: A filter or the cursor cannot be.
    """
    wanted = _wanted(asked, seer.scope(Right.ALARMS))
    alarms = views.registry.alarms
    found = alarms.alarms(replace(wanted, after=_after(cursor), limit=limit + 1))
    shown = found[:limit]
    counts = by_severity(alarms.counts(wanted).items())
    following = _cursor(shown[-1]) if len(found) > limit else None
    page = PageInfo(next_cursor=following, total=sum(counts))
    return AlarmPage(items=rows_of(views, shown), page=page, by_severity=counts)


def within(scope: Scope) -> Within:
    """Whose alarms a scope holds."""
    return Within(scope.fleets, {name: (span.from_us, span.until_us) for name, span in scope.vehicles.items()})


def _wanted(asked: AlarmsAsked, scope: Scope) -> Wanted:
    return Wanted(
        states=tuple(asked.states or OPEN_STATES),
        vehicle=asked.vehicle_id,
        fleet=asked.fleet,
        code=None if asked.code is None else asked.code.upper(),
        assignee=asked.assignee,
        snoozed=asked.snoozed,
        severities=None if asked.severities is None else tuple(asked.severities),
        level=asked.level,
        text=asked.text,
        within=within(scope),
    )


def _cursor(last: Alarm) -> str:
    return Place(_ORDER, f"{last.severity} {last.last_us}", last.alarm_id).cursor()


def _after(cursor: str | None) -> tuple[int, int, str] | None:
    if not cursor:
        return None
    place = place_of(cursor, _ORDER)
    try:
        severity, last_us = map(int, str(place.value).split(" "))
        if not (0 <= severity <= 3 and abs(last_us) < _FAR_OFF):
            raise ValueError
    except ValueError as error:
        raise InputError(
            "cursor: it is not one that this list gave; leave it out to begin at the first page"
        ) from error
    return severity, last_us, place.name
