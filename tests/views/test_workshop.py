"""Maintenance: who sees and enters which, and what the twin is told of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER, READER, seer
from twinpack.errors import AccessError, ChangedError, InputError, NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.store.workshop.records import today
from twinpack.views.moments import micros_of
from twinpack.views.opened import Views
from twinpack.views.shapes.workshop import Maintenance, MaintenanceRequest
from twinpack.views.sight import Right, Role, Sight, Span, hidden
from twinpack.views.workshop import add_maintenance, change_maintenance, maintenance_page, remove_maintenance

TODAY = date.fromisoformat(today())


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def add(views: Views, vehicle: str = "north-1", who: Sight = LEAD, **fields: Any) -> Maintenance:
    asked = MaintenanceRequest.model_validate({"kind": "inspection", "title": "yearly"} | fields)
    return add_maintenance(views, views.reach(who, vehicle, Right.MAINTENANCE_WRITE), asked)


def listed(views: Views, who: Sight, **asked: Any) -> list[str]:
    return [record.title for record in maintenance_page(views, who, **asked).items]


@pytest.fixture
def kept(views: Views) -> Views:
    add(views, title="old", done_on=day(90))
    add(views, title="new", done_on=day(9))
    add(views, title="some day")
    add(views, title="soon", planned_on=day(-3))
    add(views, "south-1", title="far", done_on=day(50))
    return views


def test_what_is_planned_comes_first_then_the_latest(kept: Views) -> None:
    assert listed(kept, LEAD) == ["soon", "some day", "new", "far", "old"]
    assert listed(kept, LEAD, status="done") == ["new", "far", "old"]
    assert listed(kept, LEAD, vehicle_id="south-1") == ["far"]


def test_each_sees_the_vehicles_that_may_be_seen(kept: Views) -> None:
    for who in (NORTH, MECHANIC, READER, OWNER):
        assert listed(kept, who) == ["soon", "some day", "new", "old"]
    assert listed(kept, NORTH, vehicle_id="south-1") == []
    assert listed(kept, seer(Role.ANALYST)) == []
    with pytest.raises(AccessError):
        maintenance_page(kept, seer(Role.DEVICE, vehicles={"north-1": Span()}))


def test_an_owner_sees_what_was_done_in_the_own_time(kept: Views) -> None:
    since = micros_of(datetime.combine(day(30), time.min, UTC))
    assert listed(kept, seer(Role.OWNER, vehicles={"north-1": Span(since, None)})) == ["soon", "some day", "new"]
    assert listed(kept, seer(Role.OWNER, vehicles={"north-1": Span(None, since)})) == ["old"]


def test_pages_follow_each_other_though_records_come_and_go(kept: Views) -> None:
    first = maintenance_page(kept, LEAD, limit=3)
    remove_maintenance(kept, LEAD, first.items[-1].record_id)
    add(kept, title="between", done_on=day(70))
    rest = maintenance_page(kept, LEAD, cursor=first.page.next_cursor, limit=3)
    assert [one.title for one in (*first.items, *rest.items)] == ["soon", "some day", "new", "far", "between", "old"]
    assert rest.page.next_cursor is None
    with pytest.raises(InputError, match="cursor"):
        maintenance_page(kept, LEAD, cursor="nonsense")


def test_entered_by_whom_and_with_what_follows(views: Views) -> None:
    planned = add(views, who=MECHANIC, reference="W-17", odometer_km=1234.4)
    assert (planned.status, planned.who, planned.odometer_km, planned.revision) == ("planned", MECHANIC.who, 1234, 0)
    done = change_maintenance(views, NORTH, planned.record_id, MaintenanceRequest(status="done", revision=0))
    assert (done.status, done.done_on, done.who, done.reference) == ("done", TODAY, NORTH.who, "W-17")
    again = change_maintenance(views, NORTH, planned.record_id, MaintenanceRequest(odometer_km=None, title="twice"))
    assert (again.odometer_km, again.title, again.done_on, again.who) == (None, "twice", TODAY, NORTH.who)
    back = change_maintenance(views, MECHANIC, planned.record_id, MaintenanceRequest(status="cancelled"))
    assert (back.status, back.done_on) == ("cancelled", None)
    assert list(SegmentLog(views.workspace.log_dir).commands()) == []


def test_a_repair_is_told_to_the_twin_once_and_stays(views: Views) -> None:
    repair = add(views, kind="repair", title="module 2", planned_on=day(0))
    assert list(SegmentLog(views.workspace.log_dir).commands()) == []
    done = change_maintenance(views, MECHANIC, repair.record_id, MaintenanceRequest(status="done"))
    (command,) = SegmentLog(views.workspace.log_dir).commands()
    assert json.loads(command)["type"] == "repair"
    change_maintenance(views, MECHANIC, done.record_id, MaintenanceRequest(notes="all cells"))
    assert len(list(SegmentLog(views.workspace.log_dir).commands())) == 1
    with pytest.raises(InputError, match="stays"):
        remove_maintenance(views, MECHANIC, done.record_id)


def test_of_two_who_saw_the_same_record_the_second_is_told(views: Views) -> None:
    one = add(views)
    change_maintenance(views, NORTH, one.record_id, MaintenanceRequest(notes="a", revision=0))
    with pytest.raises(ChangedError):
        change_maintenance(views, MECHANIC, one.record_id, MaintenanceRequest(notes="b", revision=0))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ""}, "title is missing"),
        ({"kind": None}, "kind is missing"),
        ({"kind": "party"}, "kind 'party'"),
        ({"done_on": day(-30)}, "a day to come"),
        ({"status": "planned", "done_on": day(1)}, "yet the status is planned"),
    ],
)
def test_what_cannot_be_says_why(views: Views, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        add(views, **fields)


def test_what_may_not_be_seen_is_told_as_what_is_not_there(kept: Views) -> None:
    theirs = maintenance_page(kept, LEAD, vehicle_id="south-1").items[0].record_id
    for record_id in (theirs, "0" * 12, theirs[:5], "", "%"):
        for ask in (
            lambda one: change_maintenance(kept, NORTH, one, MaintenanceRequest(notes="x")),
            lambda one: remove_maintenance(kept, NORTH, one),
        ):
            with pytest.raises(NotFoundError) as told:
                ask(record_id)
            assert str(told.value) == str(hidden())
    for who in (READER, OWNER):
        with pytest.raises(AccessError):
            remove_maintenance(kept, who, theirs)
