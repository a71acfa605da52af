"""Finding vehicles, alarms, trouble codes and versions by what people type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twinpack.store.alarms.register import Wanted
from twinpack.views.fleet.seen import inside
from twinpack.views.fleet.table import FleetTable
from twinpack.views.opened import Views
from twinpack.views.shapes.fleet import SearchHit, SearchResult
from twinpack.views.sight import Right, Sight

MOST = 20
"""Hits that are shown."""

_MOST_OF_A_KIND = 8
_ALARM_DIGITS = re.compile(r"[0-9a-f]{4,12}")
_VERSION = re.compile(r"(\S+)\s+(?:v|version\s*)(\d{1,6})", re.IGNORECASE)


def search_result(views: Views, seer: Sight, q: str) -> SearchResult:
    """What is found, best first: names that are the same, then such that begin so, then such that hold it.

    Raises:
        AccessError: No vehicle may be found at all.
    """
    table = views.fleet
    text = q.strip().casefold()
    if not text:
        return SearchResult(items=[])
    seen = inside(table, seer.scope(Right.FIND))
    places = [place for place, name in enumerate(table.names_folded) if text in name and seen[place]]
    places.sort(key=lambda place: _rank(table.names_folded[place].split("\n")[0], text))
    found = [_vehicle(table, place) for place in places[:_MOST_OF_A_KIND]]
    found += _versions(views, seer, q)
    if seer.may(Right.ALARMS):
        found += _alarms(views, seer, text)
    return SearchResult(items=found[:MOST])


def _rank(name: str, text: str) -> tuple[int, str]:
    return (0 if name == text else 1 if name.startswith(text) else 2), name


def _vehicle(table: FleetTable, place: int) -> SearchHit:
    entry = table.entries[place]
    detail = ", ".join(part for part in (entry.label, entry.pack, entry.fleet) if part)
    return SearchHit(kind="vehicle", label=entry.vehicle_id, detail=detail, path=f"/vehicles/{entry.vehicle_id}")


def _alarms(views: Views, seer: Sight, text: str) -> Iterator[SearchHit]:
    """Open alarms by their code or identity, of vehicles that may be seen."""
    table, scope = views.fleet, seer.scope(Right.ALARMS)
    alarms = [
        alarm
        for alarm in views.registry.alarms.alarms(Wanted())
        if alarm.vehicle_id in table.at and scope.holds(alarm.vehicle_id, table.fleet[table.at[alarm.vehicle_id]])
    ]
    codes: dict[str, int] = {}
    for alarm in alarms:
        if text in alarm.code.casefold():
            codes[alarm.code] = codes.get(alarm.code, 0) + 1
    for code, count in sorted(codes.items(), key=lambda item: _rank(item[0].casefold(), text))[:_MOST_OF_A_KIND]:
        told = "1 open alarm" if count == 1 else f"{count} open alarms"
        yield SearchHit(kind="code", label=code, detail=told, path=f"/alarms?code={code}")
    if _ALARM_DIGITS.fullmatch(text):
        for alarm in alarms:
            if alarm.alarm_id.startswith(text):
                detail = f"{alarm.code} of {alarm.vehicle_id}"
                yield SearchHit(kind="alarm", label=alarm.alarm_id, detail=detail, path=f"/alarms/{alarm.alarm_id}")


def _versions(views: Views, seer: Sight, q: str) -> Iterator[SearchHit]:
    """A version, written as the vehicle and `v` with its number."""
    asked = _VERSION.fullmatch(q.strip())
    table = views.fleet
    place = None if asked is None else {name.casefold(): at for name, at in table.at.items()}.get(asked[1].casefold())
    if asked is None or place is None or not seer.may(Right.TWIN):
        return
    name = table.vehicle_id[place]
    scope = seer.scope(Right.TWIN)
    if not scope.holds(name, table.fleet[place]):
        return
    for version in views.registry.versions(name):
        if version.number == int(asked[2]):
            path = f"/vehicles/{name}/twin?version={version.number}"
            yield SearchHit(kind="version", label=f"{name} v{version.number}", detail=version.kind, path=path)
