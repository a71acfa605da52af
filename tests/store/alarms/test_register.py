"""What people do about alarms, one after the other and two at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.postgresql import Server
from tests.store.alarms.made import at, finding
from twinpack.errors import ChangedError, InputError, NotFoundError
from twinpack.fleet.events import Event
from twinpack.store.alarms.narrowing import Within
from twinpack.store.alarms.records import Alarm
from twinpack.store.alarms.register import UNHANDLED, Alarms, Wanted
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.records import now_us
from twinpack.store.registry import MAIN_STREAM, Registry

HOUR_US = 3_600_000_000


def commit(registry: Registry, *events: Event) -> None:
    registry.commit_batch(MAIN_STREAM, registry.offset(), max(event.offset for event in events) + 1, events, {})


def raised(registry: Registry, *events: Event) -> list[Alarm]:
    """The alarms that some findings opened, in the order of their rows."""
    commit(registry, *events)
    return sorted(registry.alarms.alarms(), key=lambda alarm: alarm.first_us)


def one(registry: Registry) -> Alarm:
    return raised(registry, finding(1))[0]


# --- states ---------------------------------------------------------------------------------------------------------


def test_from_active_to_acknowledged_to_cleared_with_who_and_why(registry: Registry) -> None:
    alarm, before_us = one(registry), now_us()
    seen = registry.alarms.acknowledge(alarm.alarm_id, "Kim", "called the driver")
    given = registry.alarms.assign(alarm.alarm_id, " Robin ", "Kim", "next to the depot")
    done = registry.alarms.clear(alarm.alarm_id, "Robin", "cable dried")
    assert (seen.state, given.state, given.assignee, done.state) == ("acknowledged", "acknowledged", "Robin", "cleared")
    assert registry.alarms.alarm(alarm.alarm_id) == done
    history = registry.alarms.history(alarm.alarm_id)
    assert [(line.number, line.who, line.action, line.comment) for line in history] == [
        (1, "twinpack", "raised", "alarm, severity 2"),
        (2, "Kim", "acknowledged", "called the driver"),
        (3, "Kim", "assigned", "to Robin: next to the depot"),
        (4, "Robin", "cleared", "cable dried"),
    ]
    assert all(before_us - HOUR_US < line.at_us <= now_us() for line in history)
    assert [line.sample_time_us for line in history] == [at(1), None, None, None]


def test_an_alarm_may_be_cleared_without_being_acknowledged(registry: Registry) -> None:
    assert registry.alarms.clear(one(registry).alarm_id, "Kim", "a test").state == "cleared"


def test_assigned_to_nobody_again(registry: Registry) -> None:
    alarm = one(registry)
    registry.alarms.assign(alarm.alarm_id, "Robin", "Kim")
    assert registry.alarms.assign(alarm.alarm_id, "", "Kim").assignee == ""
    assert registry.alarms.history(alarm.alarm_id)[-1].comment == "to nobody"


def test_acknowledged_and_taken_back(registry: Registry) -> None:
    alarm = one(registry)
    registry.alarms.acknowledge(alarm.alarm_id, "Kim")
    assert registry.alarms.unacknowledge(alarm.alarm_id, "Kim").state == "active"
    assert registry.alarms.acknowledge(alarm.alarm_id, "Robin").state == "acknowledged"
    lines = registry.alarms.history(alarm.alarm_id)[1:]
    assert [line.action for line in lines] == ["acknowledged", "unacknowledged", "acknowledged"]


def test_snoozed_and_woken(registry: Registry) -> None:
    alarm, until_us = one(registry), now_us() + HOUR_US
    assert registry.alarms.snooze(alarm.alarm_id, until_us, "Kim").snoozed(now_us())
    assert not registry.alarms.alarm(alarm.alarm_id).snoozed(until_us)
    assert registry.alarms.unsnooze(alarm.alarm_id, "Kim").snoozed_until_us is None
    assert [line.action for line in registry.alarms.history(alarm.alarm_id)][1:] == ["snoozed", "woken"]


def test_a_cleared_alarm_may_still_be_commented(registry: Registry) -> None:
    alarm = one(registry)
    registry.alarms.clear(alarm.alarm_id, "Kim", "done")
    assert registry.alarms.comment(alarm.alarm_id, "it was the plug", "Robin").state == "cleared"
    assert registry.alarms.history(alarm.alarm_id)[-1].comment == "it was the plug"


ILLEGAL: dict[str, tuple[Callable[[Alarms, str], object], str]] = {
    "cleared, then acknowledged": (lambda a, i: (a.clear(i, "K", "x"), a.acknowledge(i, "R")), "was cleared, by K on"),
    "cleared twice": (lambda a, i: (a.clear(i, "K", "x"), a.clear(i, "R", "y")), "opens as another when it is raised"),
    "cleared, then snoozed": (
        lambda a, i: (a.clear(i, "K", "x"), a.snooze(i, now_us() + HOUR_US, "R")),
        "was cleared, by K",
    ),
    "acknowledged twice": (
        lambda a, i: (a.acknowledge(i, "K"), a.acknowledge(i, "R")),
        "was acknowledged before, by K on .*comment [0-9a-f]{12}` adds to it",
    ),
    "assigned to whom it is": (
        lambda a, i: (a.assign(i, "Robin", "K"), a.assign(i, "Robin", "K")),
        "assigned to Robin already",
    ),
    "assigned to nobody when it is": (lambda a, i: a.assign(i, " ", "K"), "assigned to nobody already"),
    "snoozed into the past": (lambda a, i: a.snooze(i, now_us() - 1, "K"), "that one has passed"),
    "taken back before it was acknowledged": (lambda a, i: a.unacknowledge(i, "K"), "is not acknowledged"),
    "woken while awake": (lambda a, i: a.unsnooze(i, "K"), "is not snoozed"),
    "cleared without a reason": (lambda a, i: a.clear(i, "K", " "), "reason is empty"),
    "an empty comment": (lambda a, i: a.comment(i, " ", "K"), "comment is empty"),
    "by nobody": (lambda a, i: a.acknowledge(i, "  "), "who is empty"),
    "by a name without end": (lambda a, i: a.acknowledge(i, "K" * 129), "who has 129 characters"),
    "by a name with a line break": (lambda a, i: a.acknowledge(i, "K\nim"), "control characters"),
    "assigned to a name without end": (lambda a, i: a.assign(i, "K" * 129, "K"), "assignee has 129 characters"),
    "a comment without end": (lambda a, i: a.comment(i, "x" * 2001, "K"), "comment has 2,001 characters"),
    "a comment that rings": (lambda a, i: a.comment(i, "\x07", "K"), "control characters"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_what_is_not_allowed_says_what_to_do_and_changes_nothing(name: str) -> None:
    act, message = ILLEGAL[name]
    with Registry.open("sqlite://") as registry:
        registry.upgrade()
        alarm = one(registry)
        with pytest.raises(InputError, match=message):
            act(registry.alarms, alarm.alarm_id)
        assert len(registry.alarms.history(alarm.alarm_id)) == registry.alarms.alarm(alarm.alarm_id).actions <= 2


def test_what_a_fault_did_itself_is_told_when_it_was_over(registry: Registry) -> None:
    alarm = one(registry)
    commit(registry, finding(2, "gone"))
    with pytest.raises(InputError, match=r"was cleared, by twinpack on"):
        registry.alarms.acknowledge(alarm.alarm_id, "Kim")


# --- finding one ----------------------------------------------------------------------------------------------------


def test_an_alarm_is_found_by_its_first_digits(registry: Registry) -> None:
    alarms = raised(registry, *(finding(row, subject=f"cell {row}") for row in range(40)))
    first = alarms[0]
    assert registry.alarms.alarm(first.alarm_id) == first
    assert registry.alarms.alarm(first.alarm_id[:6]) == first
    shared = next(digit for digit in "0123456789abcdef" if sum(a.alarm_id.startswith(digit) for a in alarms) > 1)
    with pytest.raises(InputError, match=rf"several alarms begin with '{shared}': {shared}[0-9a-f]{{11}}, {shared}"):
        registry.alarms.alarm(shared)


@pytest.mark.parametrize(("identity", "message"), [("0" * 12, "--all` lists"), ("", "0-9 and a-f"), ("%", "0-9 and a")])
def test_an_alarm_that_does_not_exist_is_refused(registry: Registry, identity: str, message: str) -> None:
    one(registry)
    with pytest.raises(NotFoundError, match=message):
        registry.alarms.alarm(identity)


def test_where_there_are_no_alarms_it_says_so(registry: Registry) -> None:
    assert registry.alarms.alarms() == []
    assert registry.alarms.counts() == {0: 0, 1: 0, 2: 0, 3: 0}
    with pytest.raises(NotFoundError, match="nor any other: nothing was found so far"):
        registry.alarms.acknowledge("abc", "Kim")
    with pytest.raises(NotFoundError, match="no finding 'x'"):
        registry.alarms.finding("x")


# --- lists ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(registry: Registry) -> Registry:
    """Alarms a to f: of three vehicles, one of them entered by nobody."""
    registry.fleet.create_fleet(FleetRecord("north"))
    registry.fleet.enter([VehicleEntry("car-1", "north", "p"), VehicleEntry("car-2", pack="p", label="Blue van")])
    commit(
        registry,
        finding(1, code="a", severity=1),
        finding(2, code="b", severity=3, vehicle="car-2"),
        finding(3, code="c", severity=3, level="watch"),
        finding(4, code="d", severity=0, category="data", vehicle="car-3"),
        finding(5, code="e", severity=2, category="sensor"),
        finding(6, "passed", code="e"),
        finding(7, code="f"),
        finding(8, "gone", code="f"),
    )
    by_code = {alarm.code: alarm.alarm_id for alarm in registry.alarms.alarms()}
    registry.alarms.acknowledge(by_code["a"], "Kim")
    registry.alarms.assign(by_code["b"], "Robin", "Kim")
    registry.alarms.snooze(by_code["c"], now_us() + HOUR_US, "Kim")
    return registry


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        (Wanted(), "cbead"),
        (Wanted(states=("cleared",)), "f"),
        (Wanted(states=("active", "acknowledged", "cleared")), "cbfead"),
        (Wanted(states=("acknowledged",)), "a"),
        (Wanted(vehicle="car-2"), "b"),
        (Wanted(fleet="north"), "cea"),
        (Wanted(fleet="default"), "bd"),
        (Wanted(fleet="south"), ""),
        (Wanted(code="e"), "e"),
        (Wanted(category="data"), "d"),
        (Wanted(min_severity=2), "cbe"),
        (Wanted(min_level="alarm"), "bead"),
        (Wanted(assignee="Robin"), "b"),
        (Wanted(assignee=""), "cead"),
        (Wanted(snoozed=True), "c"),
        (Wanted(snoozed=False), "bead"),
        (Wanted(present=False), "e"),
        (Wanted(since_us=at(3)), "ced"),
        (Wanted(limit=2), "cb"),
        (UNHANDLED, "bed"),
        (Wanted(fleet="north", min_severity=1, min_level="alarm"), "ea"),
        (Wanted(severities=(0, 3)), "cbd"),
        (Wanted(level="watch"), "c"),
        (Wanted(text="CAR-1"), "cea"),
        (Wanted(text=" blue v"), "b"),
        (Wanted(text="%"), ""),
        (Wanted(within=Within({"north"})), "cea"),
        (Wanted(within=Within(())), ""),
        (Wanted(within=Within({"default"}, {"car-1": (at(2), at(5))})), "cbd"),
        (Wanted(within=Within((), {"car-1": (None, None)}), min_severity=2), "ce"),
    ],
)
def test_lists_show_what_is_wanted_the_most_severe_and_latest_first(
    fleet: Registry, wanted: Wanted, codes: str
) -> None:
    assert "".join(alarm.code for alarm in fleet.alarms.alarms(wanted)) == codes
    if wanted.limit is None:
        assert sum(fleet.alarms.counts(wanted).values()) == len(codes)


def test_a_list_goes_on_where_a_page_ended(fleet: Registry) -> None:
    last, pages = None, ""
    while page := fleet.alarms.alarms(Wanted(limit=2, after=last)):
        pages += "".join(alarm.code for alarm in page)
        last = (page[-1].severity, page[-1].last_us, page[-1].alarm_id)
        assert sum(fleet.alarms.counts(Wanted(after=last)).values()) == 5
    assert pages == "cbead"


def test_findings_are_looked_up_by_their_events(fleet: Registry) -> None:
    first = [alarm.first_event for alarm in fleet.alarms.alarms()]
    assert sorted(found.code for found in fleet.alarms.findings([*first, "none"]).values()) == list("abcde")


def test_alarms_are_counted_by_severity(fleet: Registry) -> None:
    assert fleet.alarms.counts() == {0: 1, 1: 1, 2: 1, 3: 2}


@pytest.mark.parametrize(
    "wanted", [Wanted(states=("open",)), Wanted(min_level="panic"), Wanted(min_severity=4), Wanted(level="panic")]
)
def test_a_list_of_what_cannot_be_is_refused(wanted: Wanted) -> None:
    with Registry.open("sqlite://") as registry, pytest.raises(InputError):
        registry.upgrade()
        registry.alarms.alarms(wanted)


def test_whoever_follows_the_log_gets_findings_in_its_order(fleet: Registry) -> None:
    def codes(start: int, stop: int, limit: int | None = None) -> str:
        return "".join(found.code for found in fleet.alarms.findings_of_rows(start, stop, limit))

    assert codes(0, 100) == "abcdeeff"
    assert codes(3, 6) == "cde"
    assert codes(3, 100, 2) == "cd"


# --- two at once ----------------------------------------------------------------------------------------------------


def test_a_change_of_what_another_changed_meanwhile_is_refused(registry: Registry) -> None:
    alarm = one(registry)
    registry.alarms.assign(alarm.alarm_id, "Robin", "Kim", revision=alarm.revision)
    with pytest.raises(ChangedError, match=r"was changed meanwhile, assigned by Kim on .*; look at it again"):
        registry.alarms.assign(alarm.alarm_id, "Sam", "Alex", revision=alarm.revision)
    assert registry.alarms.alarm(alarm.alarm_id).assignee == "Robin"


def test_what_findings_do_meanwhile_refuses_nobody(registry: Registry) -> None:
    alarm = one(registry)
    commit(registry, finding(2, severity=3), finding(3, "passed"))
    after = registry.alarms.acknowledge(alarm.alarm_id, "Kim", revision=alarm.revision)
    assert (after.state, after.severity, after.present) == ("acknowledged", 3, False)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A registry that several connections write to."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.new_database()
        yield url
        server.drop(url)
    else:
        yield f"sqlite:///{tmp_path / 'registry.db'}"


def test_of_many_who_acknowledge_at_once_one_does(shared_url: str) -> None:
    with Registry.open(shared_url) as registry:
        registry.upgrade()
        alarm = one(registry)

    def acknowledge(name: str) -> bool:
        with Registry.open(shared_url) as mine, suppress(InputError):
            mine.alarms.acknowledge(alarm.alarm_id, name)
            return True
        return False

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(acknowledge, [f"person {number}" for number in range(6)]))
    assert done.count(True) == 1
    with Registry.open(shared_url) as registry:
        assert len(registry.alarms.history(alarm.alarm_id)) == 2


def test_findings_and_people_at_once_lose_nothing(shared_url: str) -> None:
    """The run raises and heals; people comment and clear meanwhile. Every action is there once, in a gapless order."""
    with Registry.open(shared_url) as registry:
        registry.upgrade()
        commit(registry, *(finding(row, subject=f"cell {row}") for row in range(8)))

    def fold() -> None:
        with Registry.open(shared_url) as mine:
            for row in range(8, 88, 2):
                cell = f"cell {row // 2 % 8}"
                commit(mine, finding(row, subject=cell), finding(row + 1, "passed", subject=cell))

    def talk(name: str) -> int:
        said = 0
        with Registry.open(shared_url) as mine:
            for turn in range(20):
                for alarm in mine.alarms.alarms()[turn % 8 :: 8]:
                    with suppress(InputError):
                        mine.alarms.comment(alarm.alarm_id, f"{turn}", name)
                        said += 1
                        if turn == 10:
                            mine.alarms.clear(alarm.alarm_id, name, "done")
                            said += 1
        return said

    with ThreadPoolExecutor(3) as pool:
        folding = pool.submit(fold)
        talking = [pool.submit(talk, name) for name in ("Kim", "Robin")]
        folding.result()
        said = sum(one_of.result() for one_of in talking)
    with Registry.open(shared_url) as registry:
        every = registry.alarms.alarms(Wanted(states=("active", "acknowledged", "cleared")))
        by_people = 0
        for alarm in every:
            history = registry.alarms.history(alarm.alarm_id)
            assert [line.number for line in history] == list(range(1, alarm.actions + 1))
            mine = sum(line.who != "twinpack" for line in history)
            assert mine == alarm.revision
            by_people += mine
            raises = [f for f in registry.alarms.findings_of(alarm.alarm_id) if f.change == "raised"]
            assert len(raises) == alarm.count
        assert by_people == said > 0
        assert sum(alarm.count for alarm in every) == 48
        assert len({alarm.key for alarm in every if alarm.state != "cleared"}) == sum(
            alarm.state != "cleared" for alarm in every
        )
