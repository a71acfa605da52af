"""The fleet's figures follow what is committed, entered and sent, and only what changed is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.ingest.log.logs import opened
from tests.store.alarms.made import finding
from tests.store.chains import chain, version_event
from tests.views.samples import built, rows, sealed, vehicles_since
from tests.waiting import until
from twinpack.fleet.events import Event
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.tables import TABLES, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.twin.figures import deployed_version, health
from twinpack.twin.versions import REFUSED, TwinVersion
from twinpack.views.fleet.sources import RegistryReader
from twinpack.views.fleet.table import NEVER, REPORTING, SILENT, STALE
from twinpack.views.opened import Views

FIRST_US = 1_600_000_000_000_000


def commit(views: Views, *events: Event, **latest: dict[str, object]) -> None:
    registry = views.registry
    before = registry.offset()
    after = max([event.offset for event in events] + [before]) + 1
    named = {name.replace("_", "-"): state for name, state in latest.items()}
    registry.commit_batch(MAIN_STREAM, before, after, events, named)


def trip(vehicle: str, number: int, km: float, offset: int, kind: str = "driving") -> pa.Table:
    given = {"vehicle_id": vehicle, "number": number, "kind": kind, "distance_km": km, "offset": offset}
    return pa.Table.from_pylist([{name: given.get(name) for name in TABLES[TRIPS].schema.names}], TABLES[TRIPS].schema)


def test_health_is_that_of_the_version_deployed(views: Views) -> None:
    versions = chain("north-1", 3)
    versions.append(replace(versions[-1], number=4, kind=REFUSED, parent_hash=versions[-1].hash, hash="").sealed())
    commit(views, *(version_event(body, place) for place, body in enumerate(versions)))
    table = views.fleet
    at = table.at["north-1"]
    pack = views.packs.get("sim_nmc_96s")
    deployed = deployed_version(versions)
    assert pack is not None
    assert deployed is not None
    state = health(deployed, pack.capacity_ah)
    told = (table.health_pct[at], table.health_sd_pct[at], table.resistance_x[at], table.resistance_sd_x[at])
    assert told == (state.capacity_pct, state.capacity_sd_pct, state.resistance_x, state.resistance_sd_x)
    assert table.deployed[at] == 3
    other = table.at["north-2"]
    assert np.isnan(table.health_pct[other])
    assert table.deployed[other] == 0


def test_what_is_committed_later_is_seen_and_the_rest_stays(views: Views) -> None:
    commit(views, version_event(chain("north-1", 1)[0], 0), north_1={"last_seen_us": FIRST_US, "soc": 0.5})
    before = views.fleet
    assert before.soc_pct[before.at["north-1"]] == 50.0
    versions = chain("north-1", 2)
    commit(views, version_event(versions[1], 5), north_2={"last_seen_us": FIRST_US + 9, "soc": 0.25})
    after = views.fleet
    assert (after.deployed[after.at["north-1"]], after.soc_pct[after.at["north-2"]]) == (2, 25.0)
    assert after.soc_pct[after.at["north-1"]] == 50.0
    assert before.deployed[before.at["north-1"]] == 1  # who holds the former ones sees no change
    assert views.fleet.health_pct is after.health_pct  # nothing changed, nothing is made


def test_entries_and_alarms_are_followed(views: Views) -> None:
    assert views.fleet_of("north-1") == "north"
    views.registry.fleet.change("north-1", fleet="south", label="Moved")
    assert views.fleet_of("north-1") == "south"
    assert views.fleet.entries[views.fleet.at["north-1"]].label == "Moved"
    views.registry.fleet.enter([VehicleEntry("north-9", "north", "lfp_104s")])
    assert views.fleet_of("north-9") == "north"
    assert views.fleet_of("nobody") is None
    commit(views, finding(0, vehicle="north-2", severity=3), finding(1, vehicle="north-2", code="X", severity=1))
    table = views.fleet
    assert table.alarms[table.at["north-2"]].tolist() == [0, 1, 0, 1]
    (first, _) = views.registry.alarms.alarms()
    views.registry.alarms.clear(first.alarm_id, "me", "repaired")
    assert views.fleet.alarms[table.at["north-2"]].tolist() == [0, 1, 0, 0]


def test_a_vehicle_that_the_log_brought_has_the_pack_of_its_twin(views: Views) -> None:
    views.registry.commit_batch(MAIN_STREAM, 0, 1, [], {}, [VehicleRecord("wild", "lfp_104s", "0" * 64, FIRST_US)])
    table = views.fleet
    at = table.at["wild"]
    assert (table.pack[at], table.fleet[at], table.first_seen_us[at]) == ("lfp_104s", "default", FIRST_US)
    assert list(table.vehicle_id) == sorted(table.vehicle_id)


def test_distance_is_that_of_trips_until_the_vehicle_tells_its_odometer(views: Views, workspace: Workspace) -> None:
    lake = workspace.lake()
    lake.append(TRIPS, trip("north-1", 1, 10.0, 0), 1)
    assert views.fleet.distance_km[views.fleet.at["north-1"]] == 10.0
    lake.append(TRIPS, trip("north-1", 2, 5.0, 1), 2)
    lake.append(TRIPS, trip("north-1", 3, 0.0, 2, "resting"), 3)
    table = views.fleet
    assert (table.distance_km[table.at["north-1"]], table.trips[table.at["north-1"]]) == (15.0, 2)
    assert np.isnan(table.distance_km[table.at["north-2"]])
    sealed(workspace, rows("north-1", [10, 20, 30], odometer_km=[700.0, 701.0, None]), rows("north-2", [10]))
    assert views.fleet.distance_km[table.at["north-1"]] == 701.0
    built(workspace)
    with Views(workspace) as late:
        assert late.fleet.distance_km[table.at["north-1"]] == 701.0
        with opened(workspace.log_dir) as log:
            log.append(rows("north-1", [40], odometer_km=702.5))
            assert late.fleet.distance_km[table.at["north-1"]] == 702.5


def test_how_a_vehicle_reports_follows_the_clock(workspace: Workspace) -> None:
    now = 1_000_000_000_000
    with Views(workspace, lambda: now) as views:
        views.registry.fleet.enter([VehicleEntry("a", pack="sim_nmc_96s"), VehicleEntry("b", pack="sim_nmc_96s")])
        sealed(workspace, rows("a", [now / 1e6 - 30]))
        table = views.fleet
        assert table.reporting.tolist() == [REPORTING, SILENT]
        assert table.last_seen_us.tolist() == [now - 30_000_000, NEVER]
        now += 25 * 3600 * 1_000_000
        assert views.fleet.reporting.tolist() == [STALE, SILENT]
        assert views.fleet.as_of_us == now


def test_a_twin_is_overdue_when_nothing_was_accepted_while_it_went_on_sending(views: Views) -> None:
    version = replace(chain("north-1", 1)[0], sample_time_us=FIRST_US, hash="").sealed()
    day = 86_400_000_000
    commit(views, version_event(version, 0), north_1={"last_seen_us": FIRST_US + 29 * day})
    at = views.fleet.at["north-1"]
    assert not views.fleet.overdue[at]
    commit(views, north_1={"last_seen_us": FIRST_US + 31 * day})
    assert views.fleet.overdue[at]


def test_the_trend_is_what_was_known_at_the_end_of_each_month(views: Views) -> None:
    year = 365.25 * 86_400e6
    versions: list[TwinVersion] = []
    for number, (month, capacity) in enumerate([(0.0, 150.0), (6.5, 135.0), (11.9, 120.0)], 1):
        body = replace(
            chain("north-1", number)[-1],
            sample_time_us=FIRST_US + round(month * year / 12),
            mean=(capacity, 1.0),
            parent_hash=versions[-1].hash if versions else "",
            hash="",
        )
        versions.append(body.sealed())
    events = [version_event(body, place) for place, body in enumerate(versions)]
    commit(views, *events, north_1={"last_seen_us": FIRST_US + round(year)})
    table = views.fleet
    np.testing.assert_allclose(table.trend_pct(table.at["north-1"]), [100.0] * 6 + [90.0] * 5 + [80.0])
    assert np.isnan(table.trend_pct(table.at["north-2"])).all()


def test_followed_figures_come_without_anyone_asking(views: Views, workspace: Workspace) -> None:
    views.follow()
    assert views.fleet_of("late") is None
    views.registry.fleet.enter([VehicleEntry("late", "south", "sim_nmc_96s")])
    until(lambda: views.fleet_of("late") == "south")
    with opened(workspace.log_dir) as log:
        log.append(rows("late", [7], soc_pct=50.0))
        until(lambda: views.fleet.last_seen_us[views.fleet.at["late"]] == 7_000_000)
        until(lambda: vehicles_since(views.tail, 0) == {"late"})
    assert views.problem == ""


def test_a_registry_that_was_set_back_is_read_anew(views: Views) -> None:
    commit(views, version_event(chain("north-1", 1)[0], 7))
    reader = RegistryReader(views.registry, views.packs)
    reader.facts.offset = 99  # as one that has read further
    assert reader.refresh()
    assert (reader.facts.offset, reader.facts.deployed["north-1"].number) == (8, 1)
    assert not reader.refresh()


@pytest.mark.parametrize("table", ["trips", "predictions", "features"])
def test_rows_of_no_table_are_none(views: Views, table: str) -> None:
    assert getattr(views.rows, table)("north-1").num_rows == 0
