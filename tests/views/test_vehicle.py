"""One vehicle: figures, newest values, trips, health, marks; and what of it each may see."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from tests.ingest.log.logs import opened
from tests.store.alarms.made import finding
from tests.store.chains import chain, version_event
from tests.views.samples import DAY_S, built, rows, sealed
from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER
from tests.views.test_fleet_figures import commit
from twinpack.errors import InputError, NotFoundError
from twinpack.store.tables import PREDICTIONS, TABLES, TRIPS
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, REFUSED, ROLLBACK, TwinVersion
from twinpack.views.fleet.search import search_result
from twinpack.views.fleet.summary import fleet_list, fleet_scatter, fleet_summary, histogram
from twinpack.views.opened import Views
from twinpack.views.shapes.fleet import FleetSummary, Scatter
from twinpack.views.shapes.vehicle import HealthHistory, Latest, TripPage, VehicleDetail
from twinpack.views.sight import Reach, Right, Role, Sight, Span
from twinpack.views.telemetry.marks import marks_of
from twinpack.views.vehicle.detail import last_change, vehicle_detail
from twinpack.views.vehicle.health import health_history
from twinpack.views.vehicle.latest import latest
from twinpack.views.vehicle.trips import trip_of, trip_page

S = 1_000_000


KINDS = (PROTOTYPE, ACCEPTED, REFUSED, ROLLBACK)


def reach(views: Views, right: Right = Right.VEHICLE, who: Sight = LEAD, vehicle: str = "north-1") -> Reach:
    return views.reach(who, vehicle, right)


def detail(views: Views, who: Sight = LEAD) -> VehicleDetail:
    found = vehicle_detail(views, who, reach(views, Right.FIND, who))
    return VehicleDetail.model_validate(found.model_dump())


def versions() -> list[TwinVersion]:
    """Four versions at 100, 200, 300 and 400 s: two that lower capacity, one refused, one that went back."""
    made: list[TwinVersion] = []
    for number, (kind, mean) in enumerate(
        [("prototype", 150.0), (ACCEPTED, 141.0), (REFUSED, 141.0), (ROLLBACK, 150.0)]
    ):
        body = chain("north-1", number + 1)[-1]
        made.append(
            replace(
                body,
                kind=kind,
                mean=(mean, 1.0),
                sample_time_us=(number + 1) * 100 * S,
                parent_hash=made[-1].hash if made else "",
                hash="",
            ).sealed()
        )
    return made


def lake_rows(table: str, *given: dict[str, object]) -> pa.Table:
    schema = TABLES[table].schema
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in given], schema)


@pytest.fixture
def told(views: Views, workspace: Workspace) -> Views:
    """A vehicle with samples, four versions, three trips, an alarm and work done."""
    sealed(
        workspace,
        rows("north-1", range(0, 500), pack_voltage_v=370.0, pack_current_a=-0.5, soc_pct=81.0, odometer_km=1000.0),
        rows("north-1", [500], pack_current_a=30.0, speed_kmh=0.0, is_charging=True),
    )
    built(workspace)
    lake = workspace.lake()
    common = {"vehicle_id": "north-1", "samples": 10, "closed_by": "gap"}
    trips = [
        {"number": 1, "kind": "driving", "start_us": 10 * S, "end_us": 90 * S, "distance_km": 20.0, "offset": 1},
        {"number": 2, "kind": "resting", "start_us": 90 * S, "end_us": 110 * S, "distance_km": 0.0, "offset": 2},
        {"number": 3, "kind": "charging", "start_us": 120 * S, "end_us": 190 * S, "offset": 3, "energy_in_kwh": 30.0},
    ]
    driven = {"energy_out_kwh": 5.0, "energy_in_kwh": 1.0, "c_rate_max": 0.8}
    lake.append(TRIPS, lake_rows(TRIPS, *(common | driven | trip for trip in trips)), 4)
    score = {
        "vehicle_id": "north-1",
        "trip_number": 1,
        "version_number": 1,
        "decision": "kept",
        "deployed_rmse_v": 0.5,
        "never_rmse_v": 2.5,
        "deployed_coverage_95": 0.96,
        "offset": 1,
    }
    lake.append(PREDICTIONS, lake_rows(PREDICTIONS, score), 4)
    events = [version_event(body, place) for place, body in enumerate(versions())]
    state = {"last_seen_us": 500 * S, "soc": 0.8, "faults": {"codes": {"P0AA6": 0x2F, "P0A7F": 0x50}}}
    commit(views, *events, finding(9, vehicle="north-1", severity=3), north_1=state)
    return views


def test_a_vehicle_is_told_with_its_four_kinds_of_health(told: Views) -> None:
    found = detail(told)
    assert (found.row.vehicle_id, found.row.distance_km, found.row.alarms.critical) == ("north-1", 1000.0, 1)
    assert found.pack is not None
    assert (found.pack.series, found.pack.modules, found.pack.cells_per_module) == (96, 12, 8)
    assert (found.capacity.value, found.capacity_ah.value, found.resistance.value) == (100.0, 150.0, 1.0)
    assert found.capacity.low == pytest.approx(100.0 - 1.96 / 1.5, abs=1e-3)
    assert found.resistance_ohm.value is None
    assert found.resistance_ohm.why_unknown
    assert found.bms_offset_pts.value == pytest.approx(1.0)
    assert (found.state, found.trips, found.versions, found.deployed_version) == ("charging", 2, 4, 4)
    assert found.change is not None
    assert (found.change.from_version, found.change.to_version) == (2, 4)
    assert "went back" in found.change.text
    assert "rollback" in found.may


def test_charges_of_different_moments_are_not_compared(told: Views) -> None:
    commit(told, north_1={"last_seen_us": 300 * S, "soc": 0.6})
    offset = detail(told).bms_offset_pts
    assert offset.value is None and "not followed" in offset.why_unknown


def test_wear_and_better_knowledge_make_up_the_change() -> None:
    change = last_change(versions()[:3], 150.0)
    assert change is not None
    assert (change.from_version, change.to_version) == (1, 2)
    assert change.change_pts == pytest.approx(-6.0)
    assert change.wear_pts + change.knowledge_pts == pytest.approx(change.change_pts)
    assert last_change(versions()[:1], 150.0) is None
    assert last_change([], None) is None


def test_what_is_not_known_yet_says_why_and_what_helps(views: Views) -> None:
    found = detail(views)
    assert found.capacity.value is None
    assert "no twin" in found.capacity.why_unknown
    assert "trips" in found.capacity.what_helps
    assert (found.state, found.change, found.deployed_version, found.imbalance_mv) == ("unknown", None, None, None)
    assert found.bms_offset_pts.value is None


def test_a_technician_finds_the_vehicle_and_no_figure_of_it(told: Views) -> None:
    found = detail(told, MECHANIC)
    assert found.capacity.value is None
    assert "not shown to your account" in found.capacity.why_unknown
    assert (found.row.health_pct, found.trips, found.versions, found.state) == (None, 0, 0, "unknown")
    assert found.row.alarms.critical == 1
    assert (found.in_service_since, found.change, found.vin) == (None, None, None)
    assert "figures" not in found.may
    assert "alarm_actions" in found.may


def test_the_vin_is_for_those_who_may_see_it(told: Views) -> None:
    told.registry.fleet.change("north-1", vin="WVWZZZ1JZXW000001", notes="for the fleet")
    assert detail(told).vin == detail(told, NORTH).vin == "WVWZZZ1JZXW000001"
    for who in (MECHANIC, OWNER, replace(NORTH, rights=NORTH.rights - {Right.VIN})):
        assert detail(told, who).vin is None
    assert detail(told, OWNER).notes == ""
    assert detail(told, NORTH).notes == "for the fleet"


def test_an_owner_sees_what_was_while_the_vehicle_was_its_own(told: Views) -> None:
    second = replace(OWNER, vehicles={"north-1": Span(150 * S)})
    found = detail(told, second)
    assert (found.versions, found.trips) == (3, 1)
    assert found.in_service_since is not None
    assert [version for version in health_history(told, reach(told, who=second)).version] == [2, 4]
    assert [trip.number for trip in trip_page(told, reach(told, who=second), None, None, 10).items] == []
    new = replace(OWNER, vehicles={"north-1": Span(450 * S)})
    found = detail(told, new)  # what is known of the battery today, and nothing of how it came about
    assert (found.versions, found.deployed_version, found.capacity.value, found.change) == (0, 4, 100.0, None)
    first = replace(OWNER, vehicles={"north-1": Span(None, 150 * S)})
    assert [trip.number for trip in trip_page(told, reach(told, who=first), None, None, 10).items] == [2, 1]
    assert detail(told, first).deployed_version == 1
    newest = latest(told, first, reach(told, Right.TELEMETRY, first))
    assert newest.at is not None
    assert newest.at.timestamp() == 149
    assert newest.soc_twin_pct is None


def test_the_newest_value_of_each_signal_has_its_own_time(told: Views, workspace: Workspace) -> None:
    found = Latest.model_validate(latest(told, LEAD, reach(told, Right.TELEMETRY)).model_dump())
    values = {signal.name: (signal.value, signal.at.timestamp()) for signal in found.signals}
    assert values["pack_voltage_v"] == (370.0, 499)
    assert values["is_charging"] == (True, 500)
    assert "cell_temp_avg_c" not in values
    assert (found.soc_twin_pct, found.faults) == (80.0, ["P0AA6"])
    assert latest(told, OWNER, reach(told, Right.TELEMETRY, OWNER)).faults == []
    nothing = latest(told, LEAD, reach(told, Right.TELEMETRY, vehicle="south-1"))
    assert (nothing.at, nothing.signals) == (None, [])


def test_newest_values_are_followed_from_the_lake_to_the_end_of_the_log(told: Views, workspace: Workspace) -> None:
    def volts() -> tuple[float, int]:
        told.refresh()
        return told.samples.newest_values("north-1", Span()).values["pack_voltage_v"]

    assert volts() == (370.0, 499 * S)
    with opened(workspace.log_dir) as log:
        log.append(rows("north-1", [DAY_S, 600], pack_voltage_v=[371.0, 300.0]))
        log.append(rows("new-1", [5], soc_pct=50.0))
        assert volts() == (371.0, DAY_S * S)
        log.append(rows("north-1", [700], pack_voltage_v=302.0, load_kg=75.0))  # late, with a signal of its own
        assert volts() == (371.0, DAY_S * S)
    found = told.samples.newest_values("north-1", Span())
    assert (found.get("load_kg"), found.values["load_kg"][1], found.at_us) == (75.0, 700 * S, DAY_S * S)
    assert told.samples.newest_values("new-1", Span()).get("soc_pct") == 50.0
    built(workspace)
    sealed(workspace, rows("north-1", [2 * DAY_S], pack_voltage_v=372.0))
    built(workspace)  # while nobody looked
    assert volts() == (372.0, 2 * DAY_S * S)


def test_trips_have_their_scores_and_come_newest_first_page_by_page(told: Views) -> None:
    first = TripPage.model_validate(trip_page(told, reach(told), None, None, 2).model_dump())
    assert [trip.number for trip in first.items] == [3, 2]
    assert first.page.total == 3
    rest = trip_page(told, reach(told), None, first.page.next_cursor, 2)
    (drive,) = rest.items
    assert rest.page.next_cursor is None
    assert (drive.kind, drive.kwh_per_100km, drive.updated_rmse_v, drive.updated_coverage_pct) == (
        "driving",
        20.0,
        0.5,
        96.0,
    )
    assert (first.items[0].updated_rmse_v, first.items[0].decision, first.items[0].distance_km) == (None, "", None)
    assert [trip.number for trip in trip_page(told, reach(told), "charging", None, 2).items] == [3]
    with pytest.raises(InputError, match="cursor"):
        trip_page(told, reach(told), None, "x", 2)


def test_health_is_told_after_each_version_that_was_deployed(told: Views) -> None:
    found = HealthHistory.model_validate(health_history(told, reach(told)).model_dump())
    assert found.version == [1, 2, 4]
    assert found.capacity_pct == [100.0, 94.0, 100.0]
    assert found.time_ms == [100_000, 200_000, 400_000]
    assert found.distance_km == [1000.0] * 3
    assert found.new_capacity_ah == 150.0
    assert found.cohort_median_pct == [None] * 3


def test_marks_tell_what_happened_as_far_as_it_may_be_seen(told: Views) -> None:
    told.registry.workshop.add(
        MaintenanceRecord("north-1", "repair", "New contactor", status="done", done_on="2026-03-01", who="me")
    )
    end = 2_000_000_000 * S

    def kinds(who: Sight, start: int = 0, stop: int = end) -> list[str]:
        return [mark.kind for mark in marks_of(told, who, reach(told, Right.FIND, who), start, stop)]

    own = ["drive", "charge", "recalibration", "refused", "rollback"]
    assert kinds(LEAD) == [*own, "alarm", "maintenance"]
    assert kinds(OWNER) == [*own, "maintenance"]
    assert kinds(MECHANIC) == ["alarm", "maintenance"]
    device = Sight("d", Role.DEVICE, frozenset({Right.FIND, Right.TELEMETRY}), vehicles={"north-1": Span()})
    assert kinds(device) == []
    assert kinds(LEAD, 150 * S, 250 * S) == ["charge", "recalibration"]
    later = replace(OWNER, vehicles={"north-1": Span(150 * S, 250 * S)})
    (charge, update) = marks_of(told, later, reach(told, Right.FIND, later), 0, end)
    assert (charge.at.timestamp(), update.ref) == (150, "2")


def test_one_of_another_fleet_is_told_as_one_that_is_not_there(told: Views) -> None:
    with pytest.raises(NotFoundError) as other:
        told.reach(NORTH, "south-1", Right.FIND)
    with pytest.raises(NotFoundError) as none:
        told.reach(NORTH, "no-such", Right.FIND)
    assert str(other.value) == str(none.value)


def test_figures_over_a_fleet_are_of_the_vehicles_that_may_be_seen(told: Views) -> None:
    found = FleetSummary.model_validate(fleet_summary(told.fleet, LEAD, 30.0, None, None).model_dump())
    assert (found.vehicles, found.health_known, found.health_median_pct) == (3, 1, 100.0)
    assert (found.stale, found.never, found.alarms.critical) == (1, 2, 1)
    assert [(pack.pack, pack.vehicles) for pack in found.packs] == [("sim_nmc_96s", 3)]
    assert (found.histogram.from_pct, found.histogram.vehicles) == ([100.0], [1])
    assert fleet_summary(told.fleet, NORTH, 30.0, None, None).vehicles == 2
    assert fleet_summary(told.fleet, NORTH, 30.0, "south", None).vehicles == 0
    empty = fleet_summary(told.fleet, LEAD, 30.0, None, "other")
    assert (empty.vehicles, empty.health_median_pct, empty.histogram.from_pct) == (0, None, [])
    scatter = Scatter.model_validate(fleet_scatter(told.fleet, LEAD, None, None).model_dump())
    assert (scatter.vehicle_id, scatter.distance_km, scatter.by_distance) == (["north-1"], [1000.0], [])


def test_fleets_are_listed_with_their_vehicles(told: Views) -> None:
    fleets = told.registry.fleet.fleets()
    assert [(one.name, one.vehicles) for one in fleet_list(told.fleet, fleets, LEAD).items] == [
        ("default", 0),
        ("north", 2),
        ("south", 1),
    ]
    assert [one.name for one in fleet_list(told.fleet, fleets, NORTH).items] == ["north"]


def test_histogram_steps_of_one_per_cent() -> None:
    import numpy as np

    found = histogram(np.array([80.0, 80.99, 82.5]))
    assert (found.from_pct, found.vehicles) == ([80.0, 81.0, 82.0], [2, 0, 1])


def test_search_finds_names_codes_alarms_and_versions(told: Views) -> None:
    def labels(q: str, who: Sight = LEAD) -> list[str]:
        return [hit.label for hit in search_result(told, who, q).items]

    assert labels("NORTH") == ["north-1", "north-2"]
    assert labels("-1") == ["north-1", "south-1"]
    assert labels("north-1 v2") == ["north-1 v2"]
    assert labels("north-1 v9") == labels("   ") == []
    assert labels("p0a") == ["P0AA6"]
    (alarm,) = told.registry.alarms.alarms()
    assert labels(alarm.alarm_id[:6]) == [alarm.alarm_id]
    assert labels("-1", NORTH) == ["north-1"]
    assert labels("p0a", OWNER) == labels("north-1 v2", OWNER) == labels("north-1 v2", MECHANIC) == []
    south = replace(NORTH, fleets=frozenset({"south"}))
    assert labels("p0a", south) == labels(alarm.alarm_id, south) == []


def test_a_trip_whose_current_was_never_told_tells_no_energy() -> None:
    record = {
        **dict.fromkeys(("soc_start_pct", "soc_end_pct", "temp_mean_c"), None),
        **{"number": 1, "kind": "driving", "start_us": 0, "end_us": 1, "samples": 9, "distance_km": 80.0},
        **{"energy_out_kwh": 0.0, "energy_in_kwh": 0.0},
    }
    for c_rate in (None, float("nan")):
        told = trip_of({**record, "c_rate_max": c_rate}, {})
        assert told.energy_out_kwh is told.energy_in_kwh is told.kwh_per_100km is None
    assert trip_of({**record, "c_rate_max": 0.5, "energy_out_kwh": 16.0}, {}).kwh_per_100km == 20.0
