"""Maintenance records: entered, changed, imported, and what the log was told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from twinpack.errors import ChangedError, InputError, NotFoundError, TwinpackError
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workshop.register import Imported

PLAN = MaintenanceRecord("car-1", "inspection", "yearly inspection", planned_on="2026-03-01", who="Kim")
REPAIR = MaintenanceRecord("car-1", "repair", "module 4", "done", done_on="2026-02-12", odometer_km=84_210, who="Kim")


@pytest.fixture
def garage(registry: Registry) -> Registry:
    """One vehicle that a person entered, one that the log alone knows."""
    registry.fleet.enter([VehicleEntry("car-1", pack="p")])
    registry.commit_batch(MAIN_STREAM, 0, 1, [], {}, [VehicleRecord("car-2", "p", "a" * 64, 5)])
    return registry


def line(record: MaintenanceRecord, text: str) -> MaintenanceRecord:
    """A record as a line of a file says it."""
    return replace(record, line_sha256=text.ljust(64, "0"))


def brought(registry: Registry, *records: MaintenanceRecord) -> Imported:
    judged = registry.workshop.judge(records)
    good = [one for one in judged if isinstance(one, MaintenanceRecord)]
    assert len(good) == len(records), judged
    return registry.workshop.enter(good)


def test_a_record_is_entered_and_found(garage: Registry) -> None:
    kept = garage.workshop.add(PLAN)
    assert len(kept.record_id) == 12
    assert kept == replace(
        PLAN, record_id=kept.record_id, entered_at_us=kept.entered_at_us, changed_at_us=kept.entered_at_us
    )
    assert garage.workshop.record(kept.record_id[:6]) == kept
    assert garage.workshop.add(replace(PLAN, vehicle_id="car-2")).vehicle_id == "car-2"


def test_planned_work_comes_first_by_its_day_then_what_is_past_the_latest_first(garage: Registry) -> None:
    titles = {
        "some time": {"planned_on": ""},
        "soon": {"planned_on": "2026-01-01"},
        "later": {"planned_on": "2026-06-01"},
        "old": {"status": "done", "done_on": "2020-01-01"},
        "new": {"status": "done", "done_on": "2025-01-01"},
        "dropped": {"status": "cancelled", "planned_on": "2024-01-01"},
    }
    for title, said in titles.items():
        garage.workshop.add(replace(PLAN, title=title, **said))  # type: ignore[arg-type]
    garage.workshop.add(replace(REPAIR, vehicle_id="car-2"))
    found = [record.title for record in garage.workshop.records("car-1")]
    assert found == ["soon", "later", "some time", "new", "dropped", "old"]
    assert [record.title for record in garage.workshop.records(status="cancelled")] == ["dropped"]
    assert [record.vehicle_id for record in garage.workshop.records(kind="repair")] == ["car-2"]


def test_planned_work_is_done_and_its_repair_is_to_be_told(garage: Registry) -> None:
    kept = garage.workshop.add(replace(PLAN, kind="replacement"))
    assert not kept.resets
    done = garage.workshop.change(kept.record_id, kept.revision, status="done", done_on="2026-03-02", odometer_km=5)
    assert (done.resets, done.log_offset, done.revision, done.odometer_km) == (True, None, 1, 5)
    told = garage.workshop.told(done.record_id, 17)
    assert garage.workshop.record(kept.record_id).log_offset == told.log_offset == 17


def test_an_inspection_that_is_done_resets_nothing(garage: Registry) -> None:
    assert not garage.workshop.add(replace(REPAIR, kind="inspection")).resets


def test_a_repair_that_the_log_tells_of_stays(garage: Registry) -> None:
    kept = garage.workshop.told(garage.workshop.add(REPAIR).record_id, 3)
    with pytest.raises(InputError, match=r"stays: .*'car-1' began anew with it \(row 3 of the log\)"):
        garage.workshop.remove(kept.record_id)
    with pytest.raises(InputError, match=r"status of record .* stays 'done'"):
        garage.workshop.change(kept.record_id, status="cancelled", done_on="")
    with pytest.raises(InputError, match=r"kind of record .* stays 'repair'"):
        garage.workshop.change(kept.record_id, kind="other")
    assert garage.workshop.change(kept.record_id, notes="cells 37 to 48").notes == "cells 37 to 48"


def test_a_record_that_was_entered_by_mistake_is_removed(garage: Registry) -> None:
    kept = garage.workshop.add(REPAIR)
    assert garage.workshop.remove(kept.record_id) == kept
    with pytest.raises(NotFoundError, match="no maintenance record"):
        garage.workshop.record(kept.record_id)


def test_a_change_of_what_another_changed_meanwhile_is_refused(garage: Registry) -> None:
    kept = garage.workshop.add(PLAN)
    garage.workshop.change(kept.record_id, kept.revision, notes="one")
    with pytest.raises(ChangedError, match="changed meanwhile"):
        garage.workshop.change(kept.record_id, kept.revision, notes="two")
    assert garage.workshop.record(kept.record_id).notes == "one"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vehicle_id": "car-9"}, "'car-9' is not known here"),
        ({"vehicle_id": "no such/name"}, "vehicle id"),
        ({"kind": "polish"}, "kind 'polish' is none of inspection, repair"),
        ({"status": "begun"}, "status 'begun' is none of"),
        ({"title": " "}, "title is empty"),
        ({"title": "x" * 201}, "title has 201"),
        ({"planned_on": "31.02.2026"}, "planned_on '31.02.2026' is no day"),
        ({"planned_on": "2026-02-30"}, "planned_on '2026-02-30' is no day"),
        ({"planned_on": "20260228"}, "planned_on '20260228' is no day"),
        ({"planned_on": "0026-02-28"}, "from 1990 to 2100"),
        ({"status": "done"}, "done_on is empty"),
        ({"done_on": "2026-02-28"}, "yet the status is planned"),
        ({"odometer_km": -1}, "odometer_km -1 is not from"),
        ({"odometer_km": 10_000_001}, "odometer_km"),
        ({"reference": "x" * 65}, "reference has 65"),
        ({"notes": "\x00"}, "control characters"),
        ({"who": ""}, "who is empty"),
    ],
)
def test_a_record_that_cannot_be_is_refused(garage: Registry, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TwinpackError, match=message):
        garage.workshop.add(replace(PLAN, **changes))
    (judged,) = garage.workshop.judge([replace(PLAN, **changes)])
    assert isinstance(judged, TwinpackError)
    assert garage.workshop.records() == []


TEST = replace(PLAN, status="done", done_on="2026-02-12", capacity_ah=141.2)


def test_a_test_is_kept_with_the_work_and_stays_once_the_log_tells_of_it(garage: Registry) -> None:
    kept = garage.workshop.add(replace(TEST, resistance_mohm=60.0, soc_pct=50.0, temp_c=-5.0))
    assert garage.workshop.records() == [kept]
    assert kept.tests() == {
        "capacity_ah": 141.2,
        "capacity_sd_ah": pytest.approx(1.412),
        "resistance_mohm": 60.0,
        "resistance_sd_mohm": pytest.approx(3.0),
        "soc_pct": 50.0,
        "temp_c": -5.0,
        "pulse_s": 10.0,
    }
    corrected = garage.workshop.change(kept.record_id, capacity_ah=140.0, capacity_sd_ah=2.0)
    assert corrected.tests()["capacity_sd_ah"] == 2.0
    assert garage.workshop.told_test(kept.record_id, 7).test_offset == 7
    for changes in ({"capacity_ah": 139.0}, {"temp_c": 20.0}, {"done_on": "2026-02-13"}):
        with pytest.raises(InputError, match=rf"{min(changes)} of record .* stays .* took its test in \(row 7"):
            garage.workshop.change(kept.record_id, **changes)
    assert garage.workshop.change(kept.record_id, title="another word").title == "another word"
    with pytest.raises(InputError, match="stays: the twin of vehicle 'car-1' took its test in"):
        garage.workshop.remove(kept.record_id)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity_ah": -1.0}, "capacity_ah -1 is not from 0.1 to 100000"),
        ({"capacity_ah": float("nan")}, "capacity_ah nan is no number"),
        ({"capacity_sd_ah": float("inf")}, "capacity_sd_ah inf is no number"),
        ({"capacity_sd_ah": -1.0}, "capacity_sd_ah -1 is not above 0 and at most 20 % of capacity_ah"),
        ({"capacity_sd_ah": 50.0}, "capacity_sd_ah 50 is not above 0 and at most 20 % of capacity_ah, 28.24"),
        ({"capacity_ah": None, "capacity_sd_ah": 1.0}, "capacity_sd_ah 1 belongs to capacity_ah, which is missing"),
        ({"resistance_mohm": 60.0}, "soc_pct is missing: a resistance says nothing without"),
        ({"resistance_mohm": 60.0, "soc_pct": 50.0}, "temp_c is missing"),
        ({"resistance_mohm": 60.0, "soc_pct": 150.0, "temp_c": 20.0}, "soc_pct 150 is not from 0 to 100"),
        ({"resistance_mohm": 60.0, "soc_pct": 50.0, "temp_c": 293.0}, "temp_c 293 is not from -40 to 80"),
        ({"pulse_s": 10.0}, "pulse_s 10 belongs to a resistance test"),
        ({"status": "planned", "done_on": ""}, "capacity_ah 141.2 is the result of a test, yet the status is planned"),
    ],
)
def test_a_test_that_cannot_be_is_refused_by_its_field(garage: Registry, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        garage.workshop.add(replace(TEST, **changes))
    assert str(caught.value).startswith(message)
    assert garage.workshop.records() == []


def test_a_line_without_a_test_reads_as_it_did_before_there_were_any() -> None:
    """Else a file of an earlier release would change every record when it is imported again."""
    assert PLAN.line_text() == (
        "MaintenanceRecord(vehicle_id='car-1', kind='inspection', title='yearly inspection', status='planned', "
        "planned_on='2026-03-01', done_on='', odometer_km=None, reference='', notes='', who='Kim', record_id='', "
        "log_offset=None, line_sha256='', revision=0, entered_at_us=0, changed_at_us=0)"
    )
    assert TEST.line_text() != replace(TEST, capacity_ah=141.3).line_text()


def test_what_does_not_change_is_refused(garage: Registry) -> None:
    kept = garage.workshop.add(PLAN)
    with pytest.raises(InputError, match="vehicle_id of a record does not change"):
        garage.workshop.change(kept.record_id, vehicle_id="car-2")


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_same_lines_again_change_nothing(garage: Registry) -> None:
    lines = [line(PLAN, "a"), line(REPAIR, "b")]
    assert len(brought(garage, *lines).added) == 2
    kept = garage.workshop.records()
    again = brought(garage, *lines)
    assert (again.added, again.changed, again.unchanged) == ((), (), 2)
    assert garage.workshop.records() == kept


def test_what_a_person_changed_since_stays_when_the_same_line_comes_again(garage: Registry) -> None:
    (kept,) = brought(garage, line(PLAN, "a")).added
    done = garage.workshop.change(kept.record_id, status="done", done_on="2026-03-02")
    assert brought(garage, line(PLAN, "a")).unchanged == 1
    assert garage.workshop.records() == [done]


def test_a_line_that_says_more_of_the_same_work_replaces_what_was_there(garage: Registry) -> None:
    (kept,) = brought(garage, line(replace(PLAN, kind="repair"), "a")).added
    done = replace(PLAN, kind="repair", status="done", done_on="2026-03-02", notes="new")
    (changed,) = brought(garage, line(done, "b")).changed
    assert (changed.record_id, changed.status, changed.notes) == (kept.record_id, "done", "new")
    assert (changed.revision, changed.entered_at_us) == (1, kept.entered_at_us)
    assert garage.workshop.records() == [changed]


def test_a_reference_makes_work_the_same_whatever_else_is_said(garage: Registry) -> None:
    (kept,) = brought(garage, line(replace(PLAN, reference="W-1"), "a")).added
    moved = replace(PLAN, reference="W-1", title="big inspection", planned_on="2026-04-01")
    (changed,) = brought(garage, line(moved, "b")).changed
    assert changed.record_id == kept.record_id
    assert len(brought(garage, line(replace(moved, reference="W-2"), "c")).added) == 1
    assert len(brought(garage, line(replace(moved, vehicle_id="car-2"), "d")).added) == 1


def test_the_same_work_twice_in_a_file_is_refused(garage: Registry) -> None:
    first, second = garage.workshop.judge([line(PLAN, "a"), line(replace(PLAN, notes="x"), "b")])
    assert isinstance(first, MaintenanceRecord)
    assert isinstance(second, InputError) and "the same work stands in a line above" in str(second)


def test_a_line_cannot_take_back_a_repair_that_the_log_tells_of(garage: Registry) -> None:
    (kept,) = brought(garage, line(replace(REPAIR, reference="W-1"), "a")).added
    garage.workshop.told(kept.record_id, 8)
    back = replace(REPAIR, reference="W-1", status="cancelled", done_on="")
    (judged,) = garage.workshop.judge([line(back, "b")])
    assert isinstance(judged, InputError) and "status of record" in str(judged)
    (after,) = brought(garage, line(replace(REPAIR, reference="W-1", notes="more"), "c")).changed
    assert (after.log_offset, after.notes) == (8, "more")
