"""The inbox: who sees which alarms, what is told of them, and what people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.store.alarms.made import at, finding
from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER, READER, seer
from twinpack.errors import AccessError, ChangedError, InputError, NotFoundError
from twinpack.fleet.events import Event
from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.views.alarms.acting import act, act_on_many
from twinpack.views.alarms.detail import alarm_detail
from twinpack.views.alarms.list import AlarmsAsked, alarm_page
from twinpack.views.cursors import Place
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.alarms import ActionRequest, AlarmAction, BulkRequest
from twinpack.views.sight import Role, Sight, Span, hidden

NOTHING = ActionRequest()
ANY = AlarmsAsked()
FAR = Place("alarms", f"3 {10**30}", "0").cursor()
ISOLATION = {
    "text": "Isolation lost: isolation_ohm_per_v 34.7 ohm/V",
    "condition": "isolation_ohm_per_v < limit.lowest_ohm_per_v",
    "limits": {"lowest_ohm_per_v": 100.0},
    "frame": {"isolation_ohm_per_v": 34.72, "soc_pct": 50.0},
    "first_us": at(2),
}


def commit(views: Views, *events: Event) -> None:
    registry = views.registry
    registry.commit_batch(MAIN_STREAM, registry.offset(), max(event.offset for event in events) + 1, events, {})


@pytest.fixture
def alarmed(views: Views) -> Views:
    """Alarms a (north-1), b (south-1), c (north-2, watch) and isolation lost in north-1."""
    commit(
        views,
        finding(1, vehicle="north-1", code="TP-SPREAD", severity=1, status=0, evidence={"growth_mv_per_month": 7.5}),
        finding(2, vehicle="south-1", code="P0A7E", severity=3),
        finding(3, vehicle="north-2", code="TP-CELL-LOW", subject="cell 17", level="watch", severity=1, status=0),
        finding(4, vehicle="north-1", severity=3, evidence=ISOLATION),
    )
    return views


def codes(views: Views, who: Sight, asked: AlarmsAsked = ANY) -> list[str]:
    return [row.code for row in alarm_page(views, who, asked).items]


def id_of(views: Views, code: str) -> str:
    return next(row.alarm_id for row in alarm_page(views, LEAD, AlarmsAsked(code=code)).items)


def test_each_sees_the_alarms_of_the_vehicles_that_may_be_seen(alarmed: Views) -> None:
    assert codes(alarmed, LEAD) == ["P0AA6", "P0A7E", "TP-CELL-LOW", "TP-SPREAD"]
    for who in (NORTH, MECHANIC, READER):
        page = alarm_page(alarmed, who, AlarmsAsked())
        assert [row.code for row in page.items] == ["P0AA6", "TP-CELL-LOW", "TP-SPREAD"]
        assert (page.page.total, page.by_severity) == (3, [0, 2, 0, 1])
    assert codes(alarmed, NORTH, AlarmsAsked(fleet="south")) == []
    assert codes(alarmed, NORTH, AlarmsAsked(text="south")) == []
    assert codes(alarmed, seer(Role.ANALYST)) == []
    with pytest.raises(AccessError):
        alarm_page(alarmed, OWNER, AlarmsAsked())


def test_a_vehicle_that_is_granted_for_a_time_shows_alarms_of_that_time(alarmed: Views) -> None:
    granted = seer(Role.TECHNICIAN, vehicles={"north-1": Span(at(2), at(5))})
    assert codes(alarmed, granted) == ["P0AA6"]
    assert alarm_detail(alarmed, granted, id_of(alarmed, "P0AA6")).rule.raised == 1
    with pytest.raises(NotFoundError):
        alarm_detail(alarmed, granted, id_of(alarmed, "TP-SPREAD"))


def test_filters_narrow_the_list(alarmed: Views) -> None:
    act(alarmed, LEAD, id_of(alarmed, "P0A7E"), "acknowledge", NOTHING)
    assert codes(alarmed, LEAD, AlarmsAsked(states=["acknowledged"])) == ["P0A7E"]
    assert codes(alarmed, LEAD, AlarmsAsked(severities=[3])) == ["P0AA6", "P0A7E"]
    assert codes(alarmed, LEAD, AlarmsAsked(level="watch")) == ["TP-CELL-LOW"]
    assert codes(alarmed, LEAD, AlarmsAsked(code="p0aa6", vehicle_id="north-1")) == ["P0AA6"]
    assert codes(alarmed, LEAD, AlarmsAsked(text="cell 17")) == ["TP-CELL-LOW"]
    assert codes(alarmed, LEAD, AlarmsAsked(assignee="")) == codes(alarmed, LEAD)


def test_pages_follow_each_other_though_alarms_come_in_between(alarmed: Views) -> None:
    first = alarm_page(alarmed, LEAD, AlarmsAsked(), limit=2)
    commit(alarmed, finding(9, vehicle="south-1", code="P0AFB", severity=3))
    rest = alarm_page(alarmed, LEAD, AlarmsAsked(), first.page.next_cursor, 2)
    assert [row.code for row in (*first.items, *rest.items)] == ["P0AA6", "P0A7E", "TP-CELL-LOW", "TP-SPREAD"]
    assert (first.page.total, rest.page.total, rest.page.next_cursor) == (4, 5, None)


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsImFsYXJtcyIsImEgYiIsIiJd", "WzEsImFsYXJtcyIsbnVsbCwiIl0", FAR])
def test_a_cursor_that_no_page_gave_is_refused(alarmed: Views, cursor: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        alarm_page(alarmed, LEAD, AlarmsAsked(), cursor)


def test_an_alarm_tells_what_its_code_means_and_what_was_compared(alarmed: Views) -> None:
    detail = alarm_detail(alarmed, NORTH, id_of(alarmed, "P0AA6"))
    assert (detail.alarm.title, detail.alarm.vehicle_label, detail.alarm.fleet) == (
        "Isolation lost",
        "North-1",
        "north",
    )
    assert detail.condition == "Isolation over voltage below 100 Ω/V"
    assert detail.debounce_s is not None
    assert detail.about.endswith("Severity 3: stop or call rescue.")
    (evidence,) = detail.evidence
    assert evidence.text == "Isolation lost: isolation over voltage 34.72 Ω/V"
    assert evidence.freeze_frame == {"isolation_ohm_per_v": 34.72, "soc_pct": 50.0}
    assert evidence.figures["first"] == moment(at(2)).isoformat()
    assert [(event.who, event.action) for event in detail.history] == [("", "raised")]


def test_a_finding_by_comparison_has_words_of_its_own(alarmed: Views) -> None:
    detail = alarm_detail(alarmed, NORTH, id_of(alarmed, "TP-SPREAD"))
    assert detail.alarm.title == "Cells drift apart"
    assert (detail.condition, detail.debounce_s) == ("", None)
    assert detail.evidence[0].text == "the spread of the cells at rest grows by 7.5 mV a month"


def test_a_code_that_no_rule_has_any_more_keeps_its_code(views: Views) -> None:
    commit(views, finding(1, vehicle="north-1", code="OLD-1"))
    assert alarm_page(views, LEAD, AlarmsAsked()).items[0].title == "OLD-1"


def test_what_may_not_be_seen_is_told_as_what_is_not_there(alarmed: Views) -> None:
    for alarm_id in (id_of(alarmed, "P0A7E"), "0" * 12, "nonsense", id_of(alarmed, "P0AA6")[:6], ""):
        for ask in (lambda one: alarm_detail(alarmed, NORTH, one), lambda one: _comment(alarmed, NORTH, one)):
            with pytest.raises(NotFoundError) as told:
                ask(alarm_id)
            assert str(told.value) == str(hidden())


def _comment(views: Views, who: Sight, alarm_id: str) -> None:
    act(views, who, alarm_id, "comment", ActionRequest(comment="seen"))


def test_who_may_do_nothing_is_refused_whatever_is_named(alarmed: Views) -> None:
    for alarm_id in (id_of(alarmed, "P0AA6"), "0" * 12):
        with pytest.raises(AccessError):
            _comment(alarmed, READER, alarm_id)
    assert alarm_detail(alarmed, READER, id_of(alarmed, "P0AA6")).may == []
    with pytest.raises(AccessError):
        act_on_many(alarmed, READER, BulkRequest(alarm_ids=["0" * 12], action="acknowledge"))


def test_similar_vehicles_are_those_that_may_be_seen(alarmed: Views) -> None:
    commit(alarmed, finding(10, vehicle="north-2"), finding(11, vehicle="south-1"))
    mine = id_of_vehicle(alarmed, "north-1")
    assert [one.vehicle_id for one in alarm_detail(alarmed, NORTH, mine).similar] == ["north-2"]
    assert [one.vehicle_id for one in alarm_detail(alarmed, LEAD, mine).similar] == ["south-1", "north-2"]
    assert alarm_detail(alarmed, NORTH, mine).rule.raised == 2


def id_of_vehicle(views: Views, vehicle: str) -> str:
    return alarm_page(views, LEAD, AlarmsAsked(code="P0AA6", vehicle_id=vehicle)).items[0].alarm_id


# --- actions --------------------------------------------------------------------------------------------------------


def test_an_alarm_goes_from_hand_to_hand(alarmed: Views) -> None:
    one = id_of(alarmed, "P0AA6")
    seen = act(alarmed, MECHANIC, one, "acknowledge", ActionRequest(comment="on my way", revision=0))
    assert (seen.state, seen.revision) == ("acknowledged", 1)
    assert act(alarmed, MECHANIC, one, "assign", ActionRequest(assignee="kim")).assignee == "kim"
    until = moment(alarmed.now_us()) + timedelta(hours=1)
    assert act(alarmed, MECHANIC, one, "snooze", ActionRequest(until=until)).snoozed_until == until
    assert "unsnooze" in alarm_detail(alarmed, MECHANIC, one).may
    assert act(alarmed, MECHANIC, one, "unsnooze", NOTHING).snoozed_until is None
    events = alarm_detail(alarmed, NORTH, one).history
    assert [event.action for event in events] == ["raised", "acknowledged", "assigned", "snoozed", "woken"]
    assert {event.who for event in events[1:]} == {MECHANIC.who}


def test_an_acknowledgement_can_be_taken_back(alarmed: Views) -> None:
    one = id_of(alarmed, "P0AA6")
    assert "unacknowledge" not in alarm_detail(alarmed, MECHANIC, one).may
    act(alarmed, MECHANIC, one, "acknowledge", NOTHING)
    assert {"acknowledge", "unacknowledge"} & set(alarm_detail(alarmed, MECHANIC, one).may) == {"unacknowledge"}
    assert act(alarmed, MECHANIC, one, "unacknowledge", NOTHING).state == "active"


def test_of_two_who_saw_the_same_alarm_the_second_is_told(alarmed: Views) -> None:
    one = id_of(alarmed, "P0AA6")
    act(alarmed, MECHANIC, one, "acknowledge", ActionRequest(revision=0))
    with pytest.raises(ChangedError, match="changed meanwhile"):
        act(alarmed, NORTH, one, "assign", ActionRequest(assignee="kim", revision=0))


def test_clearing_tells_the_twin_and_judges_the_rule(alarmed: Views) -> None:
    one = id_of(alarmed, "P0AA6")
    done = act(alarmed, NORTH, one, "clear", ActionRequest(comment="cable dried", confirmed=True))
    assert done.state == "cleared"
    detail = alarm_detail(alarmed, NORTH, one)
    assert (detail.rule.confirmed, detail.rule.false, detail.rule.open, detail.may) == (1, 0, 0, ["comment"])
    assert [event.action for event in detail.history] == ["raised", "cleared", "confirmed"]
    commands = list(SegmentLog(alarmed.workspace.log_dir).commands())
    assert len(commands) == 1 and "P0AA6" in commands[0]


def test_a_false_alarm_counts_against_its_rule(alarmed: Views) -> None:
    one = id_of(alarmed, "TP-SPREAD")
    act(alarmed, NORTH, one, "clear", ActionRequest(comment="balanced as planned", confirmed=False))
    rule = alarm_detail(alarmed, NORTH, one).rule
    assert (rule.raised, rule.confirmed, rule.false, rule.open) == (1, 0, 1, 0)
    assert list(SegmentLog(alarmed.workspace.log_dir).commands()) == []


def test_a_repair_soon_after_confirms_an_alarm(alarmed: Views) -> None:
    one = id_of(alarmed, "TP-CELL-LOW")
    assert alarm_detail(alarmed, NORTH, one).rule.confirmed == 0
    day = (moment(at(3)) + timedelta(days=20)).date().isoformat()
    alarmed.registry.workshop.add(
        MaintenanceRecord("north-2", "repair", "module 2 replaced", "done", done_on=day, who="kim")
    )
    assert alarm_detail(alarmed, NORTH, one).rule.confirmed == 1


@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("snooze", NOTHING, "until is missing"),
        ("snooze", ActionRequest(until=moment(at(1))), "has passed"),
        ("snooze", ActionRequest(until=datetime.max.replace(tzinfo=UTC)), "ten years"),
        ("clear", NOTHING, "say why"),
        ("comment", NOTHING, "comment is empty"),
        ("unsnooze", NOTHING, "not snoozed"),
    ],
)
def test_what_cannot_be_done_says_why(alarmed: Views, action: AlarmAction, body: ActionRequest, message: str) -> None:
    with pytest.raises(InputError, match=message):
        act(alarmed, NORTH, id_of(alarmed, "P0AA6"), action, body)


def test_of_many_each_stands_for_itself(alarmed: Views) -> None:
    mine, others = id_of(alarmed, "P0AA6"), id_of(alarmed, "P0A7E")
    act(alarmed, NORTH, id_of(alarmed, "TP-SPREAD"), "acknowledge", NOTHING)
    asked = BulkRequest(
        alarm_ids=[others, id_of(alarmed, "TP-SPREAD"), mine, mine],
        action="acknowledge",
        body=ActionRequest(revision=7),
    )
    found = act_on_many(alarmed, NORTH, asked).items
    assert [(one.alarm_id, one.done) for one in found] == [(others, False), (asked.alarm_ids[1], False), (mine, True)]
    assert (found[0].detail, found[0].alarm) == (str(hidden()), None)
    assert "acknowledged before" in found[1].detail
    assert found[2].alarm is not None and found[2].alarm.state == "acknowledged"
