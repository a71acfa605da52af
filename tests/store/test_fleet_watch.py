"""What changes in a registry while a fleet is looked at."""

from __future__ import annotations

from dataclasses import replace

from tests.store.alarms.made import finding
from tests.store.chains import chain, version_event
from twinpack.store.alarms.register import Wanted
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.twin.versions import REFUSED


def begun(registry: Registry) -> None:
    """Two vehicles with two versions each, the second of b refused."""
    registry.fleet.enter([VehicleEntry("a", pack="sim_nmc_96s", label="A", retired=True)])
    first, second = chain("a", 2), chain("b", 2)
    second[1] = replace(second[1], kind=REFUSED, hash="").sealed()
    bodies = [first[0], second[0], first[1], second[1]]
    events = [version_event(body, offset) for offset, body in enumerate(bodies)]
    events.append(finding(4, vehicle="b", severity=3))
    events.append(finding(4, vehicle="a", severity=1, level="watch"))
    records = [VehicleRecord(name, "sim_nmc_96s", "a" * 64, 7) for name in "ab"]
    registry.commit_batch(MAIN_STREAM, 0, 5, events, {"a": {"soc": 0.5}}, records)
    registry.commit_batch(MAIN_STREAM, 5, 6, [], {"b": {"soc": 0.25}})


def test_entries_and_those_whom_the_log_brought(registry: Registry) -> None:
    begun(registry)
    (entry,) = registry.watch.entries()
    assert VehicleEntry(*entry) == registry.fleet.entry("a")
    assert sorted(registry.watch.met()) == [("a", "sim_nmc_96s", 7), ("b", "sim_nmc_96s", 7)]


def test_latest_state_since_an_offset(registry: Registry) -> None:
    begun(registry)
    assert sorted(registry.watch.latest()) == [("a", '{"soc":0.5}'), ("b", '{"soc":0.25}')]
    assert len(registry.watch.latest(5)) == 2
    assert registry.watch.latest(6) == [("b", '{"soc":0.25}')]
    assert registry.watch.latest(7) == []


def test_versions_that_were_deployed_and_whose_they_are(registry: Registry) -> None:
    begun(registry)
    rows = list(registry.watch.deployed())
    assert [(row.vehicle_id, row.number) for row in rows] == [("a", 1), ("a", 2), ("b", 1)]
    body = registry.version("a", 2)
    assert (rows[1].numbers.parameters, rows[1].numbers.mean) == (body.parameters, body.mean)
    assert (rows[1].numbers.covariance, rows[1].sample_time_us) == (body.covariance, body.sample_time_us)
    assert [row.number for row in registry.watch.deployed_of(["b"])] == [1]
    assert sorted(registry.watch.with_new_versions(0)) == ["a", "b"]
    assert registry.watch.with_new_versions(3) == ["b"]
    assert registry.watch.with_new_versions(4) == []


def test_open_alarms_are_counted(registry: Registry) -> None:
    begun(registry)
    assert registry.watch.open_alarms() == [("b", 3, 1)]
    (alarm,) = registry.alarms.alarms(Wanted(vehicle="b"))
    registry.alarms.clear(alarm.alarm_id, "me", "repaired")
    assert registry.watch.open_alarms() == []
