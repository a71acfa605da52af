"""A twin now and at a moment, its errors and parameters, its versions, and the way back to an earlier one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from tests.views.conftest import begun
from tests.views.lives import COUNT, HOUR_US, STEPS, decided_us, lived, start_us
from tests.views.seers import LEAD, NORTH, OWNER, READER, seer
from twinpack.errors import AccessError, InputError, NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.store.workspace import Workspace
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.twin import RollbackRequest
from twinpack.views.sight import Reach, Right, Role, Span
from twinpack.views.twin.explain import explanation
from twinpack.views.twin.history import twin_history, worst_of_each
from twinpack.views.twin.predictions import prediction
from twinpack.views.twin.rollback import roll_back, rollback_preview
from twinpack.views.twin.state import twin
from twinpack.views.twin.trips import trip_points
from twinpack.views.twin.versions import compared, version_of, version_page


@pytest.fixture
def views(workspace: Workspace) -> Iterator[Views]:
    with workspace.registry() as registry:
        begun(registry)
        lived(workspace, registry, "north-1", "south-1")
    with Views(workspace) as views:
        yield views


@pytest.fixture
def reach(views: Views) -> Reach:
    return views.reach(NORTH, "north-1", Right.TWIN)


def for_a_time(reach: Reach, from_us: int | None, until_us: int | None) -> Reach:
    return replace(reach, span=Span(from_us, until_us))


# --- now and then ---------------------------------------------------------------------------------------------------


def test_a_twin_as_it_stands(views: Views, reach: Reach) -> None:
    now = twin(views, reach)
    assert (now.version, now.deployed_version, now.soc_pct, now.trips_scored) == (4, 4, 66.0, COUNT - 1)
    assert (now.policy, now.threshold_v, now.chain) == ("always", 1.2, "verified")
    capacity, resistance = now.parameters
    assert (capacity.label, capacity.unit, capacity.mean, capacity.sd) == ("Capacity", "Ah", 141.0, 2.0)
    assert (capacity.never, resistance.never) == (150.0, 1.2)
    assert [step.title for step in now.loop] == [
        "Predict trip 4, v2",
        "Measure 1.50 V",
        "Decide over the limit",
        "Recalibrate 2 parameters",
        "Accepted as v4, 0.60 V",
    ]
    every, *_ = now.coverage
    assert (every.name, every.updated_pct, every.trips) == ("All trips", 95.0, 4)


def test_a_twin_as_it_stood_knows_nothing_of_what_came_later(views: Views, reach: Reach) -> None:
    then = twin(views, reach, moment(start_us(4) + 100_000_000))
    assert (then.version, then.deployed_version, then.trips_scored) == (3, 2, 2)
    assert then.parameters[0].mean == 146.0
    assert then.loop[-1].title.startswith("Refused as v3")
    before = twin(views, reach, moment(start_us(0)))
    assert (before.version, before.deployed_version, before.parameters, before.loop) == (None, None, [], [])


def test_the_charge_of_a_past_moment_is_that_of_the_last_step_before(views: Views, reach: Reach) -> None:
    assert twin(views, reach, moment(start_us(3) + 101_000_000)).soc_pct == pytest.approx(70.0)
    assert twin(views, reach, moment(start_us(3) + 30 * HOUR_US)).soc_pct == pytest.approx(80.0 - STEPS + 1)
    assert twin(views, reach, moment(start_us(0))).soc_pct is None
    assert twin(views, reach, moment(start_us(0)).replace(tzinfo=None)).at == moment(start_us(0))


def test_a_vehicle_without_a_twin_is_told_as_such(views: Views) -> None:
    reach = views.reach(NORTH, "north-2", Right.TWIN)
    none = twin(views, reach)
    assert (none.version, none.parameters, none.chain, none.model) == (None, [], "empty", "")
    assert twin_history(views, reach).errors.trip == []
    assert version_page(views, reach).items == []
    assert explanation(views, reach).total == []


def test_a_history_that_was_altered_is_told(workspace: Workspace, views: Views, reach: Reach) -> None:
    engine = create_engine(workspace.registry_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin_versions SET kind = 'refused' WHERE number = 2"))
    engine.dispose()
    now = twin(views, reach)
    assert now.chain == "broken"
    assert "version 2" in now.chain_note


# --- history --------------------------------------------------------------------------------------------------------


def test_errors_and_parameters_over_a_life(views: Views, reach: Reach) -> None:
    history = twin_history(views, reach)
    assert history.errors.trip == [2, 3, 4, 5]
    assert history.errors.updated_rmse_v == [1.2, 1.0, 0.8, 0.6]
    assert history.errors.decision == ["accepted", "refused", "accepted", "kept"]
    assert history.errors.version == [1, 2, 2, 4]
    capacity = history.parameters[0]
    assert (capacity.version, capacity.mean, capacity.never) == ([1, 2, 4], [150.0, 146.0, 141.0], 150.0)
    assert capacity.time_ms == [decided_us(trip) // 1000 for trip in (0, 2, 4)]
    assert capacity.axis is not None and capacity.axis[0] <= 137.0


def test_of_many_trips_those_that_matter_stay() -> None:
    sessions = [
        {"number": n, "kind": "driving", "start_us": n, "end_us": n, "distance_km": None, "c_rate_rms": None}
        | {"soc_start_pct": None, "soc_end_pct": None}
        for n in range(1, 10)
    ]
    scored = [
        {"trip_number": n, "deployed_rmse_v": error, "decision": "accepted" if n == 4 else "kept"}
        for n, error in enumerate((1.0, 3.0, 2.0, 0.1, 9.0, 9.0, 1.0, 1.0, 5.0), start=1)
    ]
    trips = trip_points(sessions, scored)
    assert [trip.number for trip in worst_of_each(trips, 3)] == [2, 4, 9]
    assert len(worst_of_each(trips, 100)) == 9
    assert worst_of_each([], 100) == []


# --- versions -------------------------------------------------------------------------------------------------------


def test_versions_say_what_they_did(views: Views, reach: Reach) -> None:
    page = version_page(views, reach)
    assert [(one.number, one.kind, one.deployed) for one in page.items] == [
        (4, "accepted", True),
        (3, "refused", False),
        (2, "accepted", False),
        (1, "prototype", False),
    ]
    fourth, third, second, first = page.items
    assert second.effect.startswith("Error 1.50 → 1.00 V. Capacity health 100.0 ± 2.7 → 97.3 ± 2.7 %: −2.7 pts, ")
    assert third.effect.startswith("Capacity health 86.7 % was proposed, 97.3 ± 2.7 kept; resistance R₀ 1.20 × new")
    assert (first.effect, fourth.next_rmse_v) == ("Learned from the fleet.", 0.6)
    assert fourth.parent_hash == third.hash


def test_versions_come_page_by_page(views: Views, reach: Reach) -> None:
    first = version_page(views, reach, limit=3)
    rest = version_page(views, reach, first.page.next_cursor, 3)
    assert [one.number for one in (*first.items, *rest.items)] == [4, 3, 2, 1]
    assert (rest.page.next_cursor, rest.page.total) == (None, 4)
    with pytest.raises(InputError, match="cursor"):
        version_page(views, reach, "nonsense")


def test_two_versions_beside_each_other(views: Views, reach: Reach) -> None:
    found = compared(views, reach, 1, 4)
    capacity = found.parameters[0]
    assert (found.a.number, found.b.number) == (1, 4)
    assert (capacity.mean_a, capacity.mean_b, capacity.change) == (150.0, 141.0, -9.0)
    assert capacity.change_in_sd == pytest.approx(-9.0 / 8.0**0.5)
    with pytest.raises(NotFoundError, match="no version 9"):
        compared(views, reach, 1, 9)


def test_only_versions_of_the_times_that_may_be_seen_are_told(views: Views, reach: Reach) -> None:
    clipped = for_a_time(reach, start_us(3), start_us(4))
    assert [one.number for one in version_page(views, clipped).items] == [3]
    assert twin(views, clipped).deployed_version == 2
    assert twin_history(views, clipped).errors.trip == [3]
    with pytest.raises(NotFoundError):
        version_of(views, clipped, 4)
    with pytest.raises(NotFoundError):
        version_of(views, clipped, 1)
    assert str(_refusal(views, clipped, 1)) == str(_refusal(views, clipped, 99)).replace("99", "1")
    told = explanation(views, clipped, 0)
    assert [one.version for one in told.versions] == [3]


def _refusal(views: Views, reach: Reach, number: int) -> NotFoundError:
    with pytest.raises(NotFoundError) as told:
        version_of(views, reach, number)
    return told.value


def test_changes_are_explained_newest_first(views: Views) -> None:
    owned = views.reach(OWNER, "north-1", Right.VEHICLE)
    told = explanation(views, owned, 2)
    assert [one.version for one in told.versions] == [4, 3]
    assert told.versions[0].text.startswith("Version 4 replaced version 2 after trip 4")
    capacity = told.total[0]
    assert capacity.change == pytest.approx(capacity.wear + capacity.knowledge)
    assert len(explanation(views, owned, 0).versions) == 4


# --- predictions ----------------------------------------------------------------------------------------------------


def test_a_trip_as_measured_and_predicted(views: Views, reach: Reach) -> None:
    found = prediction(views, reach, 3)
    assert (found.trip, found.version, found.samples, found.scored_from_s) == (3, 2, STEPS, 50.0)
    assert found.updated_rmse_v == 1.0
    gap = found.measured_v.index(None)
    assert found.time_s[gap - 1 : gap + 2] == [190.0, 190.0, 1100.0]
    assert {len(found.updated_v), len(found.never_sd_v), len(found.challenger_v)} == {STEPS + 1}
    assert set(found.challenger_v) == {None}


def test_a_long_trip_is_thinned_to_what_was_asked_for(views: Views, reach: Reach) -> None:
    found = prediction(views, reach, 3, 12)
    assert found.samples == STEPS
    assert len(found.time_s) <= 12
    known = [value for value in found.measured_v if value is not None]
    assert (max(known), min(known)) == (380.0, 380.0 - STEPS + 1)


@pytest.mark.parametrize("number", [0, 99])
def test_a_trip_that_is_not_there_is_refused(views: Views, reach: Reach, number: int) -> None:
    with pytest.raises(NotFoundError, match=f"no predicted trip {number}"):
        prediction(views, reach, number)


def test_a_trip_of_other_times_is_told_as_one_that_is_not_there(views: Views, reach: Reach) -> None:
    for span in ((decided_us(3), None), (None, decided_us(3))):
        with pytest.raises(NotFoundError, match="no predicted trip 3 "):
            prediction(views, for_a_time(reach, *span), 3)


# --- the way back ---------------------------------------------------------------------------------------------------


def test_a_rollback_is_told_before_it_is_done(views: Views) -> None:
    reach = views.reach(NORTH, "north-1", Right.ROLLBACK)
    found = rollback_preview(views, reach, 2)
    assert (found.new_version, found.last_trip, found.allowed, found.why_not) == (5, 5, True, "")
    assert (found.rmse_now_v, found.rmse_then_v) == (0.6, 0.8)
    assert "refused" in rollback_preview(views, reach, 3).why_not
    assert "already" in rollback_preview(views, reach, 4).why_not
    with pytest.raises(NotFoundError):
        rollback_preview(views, reach, 7)


def test_a_rollback_is_a_row_of_the_log(workspace: Workspace, views: Views) -> None:
    reach = views.reach(NORTH, "north-1", Right.ROLLBACK)
    ordered = roll_back(views, reach, RollbackRequest(to_version=2, reason=" sensor swap "))
    assert not ordered.done
    assert "twinpack run" in ordered.note
    (text_,) = SegmentLog(workspace.log_dir).commands()
    body = json.loads(text_)
    assert (body["type"], body["vehicle"], body["to"]) == ("rollback", "north-1", 2)
    assert (body["mean"], body["reason"], body["who"]) == ([146.0, 1.2], "sensor swap", NORTH.who)
    with workspace.runtime_lock():
        assert "seconds" in roll_back(views, reach, RollbackRequest(to_version=1)).note


def test_what_cannot_be_deployed_again_is_refused(workspace: Workspace, views: Views) -> None:
    reach = views.reach(LEAD, "north-1", Right.ROLLBACK)
    for number in (3, 4):
        with pytest.raises(InputError, match="to_version"):
            roll_back(views, reach, RollbackRequest(to_version=number))
    assert list(SegmentLog(workspace.log_dir).commands()) == []


def test_those_who_may_only_read_cannot_go_back(views: Views) -> None:
    for who in (READER, OWNER, seer(Role.TECHNICIAN, "north")):
        with pytest.raises(AccessError):
            views.reach(who, "north-1", Right.ROLLBACK)
