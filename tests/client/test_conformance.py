"""Every method of the client, through both doors: over the network, and straight from the disk."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest

import twinpack
from tests.servers.small_fleet import FAULTY, TRIPS, VEHICLES, pristine_fleet
from tests.web.site import Site
from twinpack.client import Client, Table
from twinpack.errors import ChangedError, InputError, NotFoundError
from twinpack.views.shapes.common import Shape

__all__ = ["pristine_fleet"]

Door = Literal["network", "disk"]
QUIET = "SIM-0002"


@pytest.fixture(scope="module", params=["network", "disk"])
def client(
    request: pytest.FixtureRequest, pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """One of a copy of the small fleet."""
    home = Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp(request.param) / "fleet"))
    if request.param == "disk":
        with twinpack.open(home) as opened:
            yield opened
        return
    site = Site(home, "--only", "api", "--no-auth")
    site.start()
    with twinpack.connect(site.url) as connected:
        yield connected
    site.stop()


# --- the fleet ------------------------------------------------------------------------------------------------------


def test_who_asks_may_do_all(client: Client) -> None:
    me = client.me()

    assert me.role == "admin"
    assert {"fleet.read", "twin.rollback", "alarms.act", "query"} <= set(me.may)


def test_fleets_are_listed(client: Client) -> None:
    assert dict(zip(client.fleets()["name"], client.fleets()["vehicles"], strict=True)) == {"default": VEHICLES}


def test_figures_over_the_fleet(client: Client) -> None:
    summary = client.summary()

    assert summary.vehicles == VEHICLES
    assert summary.alarms.critical == 1
    assert client.summary(fleet="default").vehicles == VEHICLES


def test_vehicles_are_a_table_in_the_order_asked_for(client: Client) -> None:
    table = client.vehicles(sort="vehicle_id")

    assert table["vehicle_id"] == [f"SIM-{number:04}" for number in range(1, VEHICLES + 1)]
    assert table["alarms_critical"][0] == 1
    assert all(health > 50 for health in table["health_pct"])
    assert client.vehicles(sort="-vehicle_id", most=3)["vehicle_id"] == ["SIM-0008", "SIM-0007", "SIM-0006"]


def test_vehicles_are_filtered(client: Client) -> None:
    assert client.vehicles(severity=3)["vehicle_id"] == [FAULTY]
    assert client.vehicles(q="0004")["vehicle_id"] == ["SIM-0004"]
    assert len(client.vehicles(health_min=200)) == 0
    with pytest.raises(InputError, match="sort"):
        client.vehicles(sort="colour")


def test_dots_of_the_fleet(client: Client) -> None:
    table = client.scatter()

    assert len(table) == VEHICLES
    assert {"distance_km", "age_years", "health_pct"} <= set(table.columns)


def test_a_search_finds_a_vehicle(client: Client) -> None:
    found = client.search("SIM-0004")

    assert ("vehicle", "/vehicles/SIM-0004") in zip(found["kind"], found["path"], strict=True)


# --- one vehicle ----------------------------------------------------------------------------------------------------


def test_a_vehicle_has_its_figures(client: Client) -> None:
    vehicle = client.vehicle(FAULTY)

    assert vehicle.row.vehicle_id == FAULTY
    assert vehicle.capacity.value is not None
    assert vehicle.capacity.low is not None and vehicle.capacity.low < vehicle.capacity.value


@pytest.mark.parametrize("vehicle_id", ["SIM-9999", "no such car", "../fleets", "a?b#c"])
def test_a_vehicle_that_is_not_there_is_not_found(client: Client, vehicle_id: str) -> None:
    with pytest.raises(NotFoundError):
        client.vehicle(vehicle_id)


def test_newest_values(client: Client) -> None:
    latest = client.latest(FAULTY)

    assert latest.at is not None
    assert "pack_voltage_v" in {signal.name for signal in latest.signals}


def test_signals_over_time(client: Client) -> None:
    end = _newest(client)

    table = client.telemetry(FAULTY, start=end - timedelta(hours=2), end=end, signals=["pack_voltage_v"], points=50)

    assert 0 < len(table) <= 51
    assert "pack_voltage_v_mean" in table.columns
    assert table.arrow.schema.field(0).type == pa.timestamp("us", tz="UTC")
    assert len(client.telemetry(FAULTY)) > 0
    with pytest.raises(InputError, match="time zone"):
        client.telemetry(FAULTY, start=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_what_happened(client: Client) -> None:
    end = _newest(client)

    marks = client.marks(FAULTY, start=end - timedelta(days=2), end=end)

    assert "alarm" in marks["kind"]


def test_cells_at_a_moment(client: Client) -> None:
    table = client.cells(FAULTY)

    assert table["cell"] == list(range(1, len(table) + 1))
    assert min(table["rank"]) == 1
    assert table.about["vehicle_id"] == FAULTY
    assert len(client.cells(QUIET)) == 0 or client.cells(QUIET).about["at"] is not None


def test_one_cell_over_time(client: Client) -> None:
    table = client.cell(FAULTY, 17, points=20)

    assert table.about["cell"] == 17
    assert {"time", "voltage_v", "median_v"} <= set(table.columns)
    with pytest.raises((NotFoundError, InputError)):
        client.cell(FAULTY, 4000)


def test_spread_of_the_cells(client: Client) -> None:
    assert {"day", "spread_mean_mv"} <= set(client.spread(FAULTY, days=3660).columns)
    assert "deviation_mv" in client.weakest_cells(FAULTY).columns


def test_trips_newest_first(client: Client) -> None:
    table = client.trips(FAULTY)

    assert table["number"] == sorted(table["number"], reverse=True)
    assert len(client.trips(FAULTY, kind="driving")) == TRIPS
    assert len(client.trips(FAULTY, most=2)) == 2


def test_health_as_it_was_known(client: Client) -> None:
    table = client.health(FAULTY)

    assert table["version"] == sorted(table["version"])
    assert {"time", "capacity_pct", "capacity_sd_pct", "resistance_x"} <= set(table.columns)


def _newest(client: Client) -> datetime:
    at = client.latest(FAULTY).at
    assert at is not None
    return at


# --- its twin -------------------------------------------------------------------------------------------------------


def test_the_twin_as_it_stands_and_as_it_stood(client: Client) -> None:
    now = client.twin(FAULTY)
    then = client.twin(FAULTY, at=client.version(FAULTY, 2).at)

    assert now.chain == "verified"
    assert now.deployed_version is not None
    assert then.version is not None and then.version < now.deployed_version


def test_errors_with_and_without_updates(client: Client) -> None:
    table = client.errors(FAULTY)

    assert len(table) > TRIPS / 2
    assert len(table["updated_rmse_v"]) == len(table["never_rmse_v"])


def test_parameters_over_the_versions(client: Client) -> None:
    table = client.parameters(FAULTY)

    assert "capacity_scale" in table["name"]
    assert {"version", "mean", "sd", "unit"} <= set(table.columns)


def test_versions_newest_first(client: Client) -> None:
    table = client.versions(FAULTY)

    assert table["number"] == list(range(len(table), 0, -1))
    assert client.version(FAULTY, 1).kind == "prototype"
    with pytest.raises(NotFoundError):
        client.version(FAULTY, 4000)


def test_two_versions_beside_each_other(client: Client) -> None:
    difference = client.compare(FAULTY, 1, 2)

    assert (difference.a.number, difference.b.number) == (1, 2)
    assert difference.parameters


def test_changes_in_words(client: Client) -> None:
    assert all(one.text for one in client.explain(FAULTY, last=3).versions)


def test_one_trip_predicted(client: Client) -> None:
    table = client.prediction(FAULTY, client.errors(FAULTY)["trip"][-1], points=100)

    assert len(table) > 10
    assert {"time_s", "measured_v", "updated_v", "updated_sd_v", "never_v"} <= set(table.columns)
    assert table.about["version"] is not None


def test_a_roll_back_is_ordered(client: Client) -> None:
    preview = client.preview_rollback(QUIET, 1)

    ordered = client.rollback(QUIET, 1, reason="sensor swap")

    assert preview.to_version == 1
    assert ordered.offset > 0
    with pytest.raises((InputError, NotFoundError)):
        client.rollback(QUIET, 4000)


# --- alarms ---------------------------------------------------------------------------------------------------------


def _alarm(client: Client) -> str:
    return str(client.alarms(vehicle_id=FAULTY, severity=[3])["alarm_id"][0])


def test_alarms_are_listed(client: Client) -> None:
    table = client.alarms()

    assert FAULTY in table["vehicle_id"]
    assert len(client.alarms(state=["cleared"])) == 0
    assert len(client.alarms(code="P0AA6", most=1)) == 1


def test_one_alarm_with_its_evidence(client: Client) -> None:
    alarm = client.alarm(_alarm(client))

    assert alarm.alarm.code == "P0AA6"
    assert alarm.evidence
    with pytest.raises(NotFoundError):
        client.alarm("000000000000")


def test_signals_around_an_alarm(client: Client) -> None:
    signals = client.alarm_signals(_alarm(client), minutes=5)

    assert signals.signals
    assert signals.start < signals.raised_at < signals.end


def test_people_act_on_an_alarm(client: Client) -> None:
    alarm_id = _alarm(client)

    assert client.acknowledge(alarm_id, comment="I look at it").state == "acknowledged"
    assert client.unacknowledge(alarm_id).state == "active"
    assert client.assign(alarm_id, "kern").assignee == "kern"
    assert client.assign(alarm_id, "").assignee == ""
    until = datetime.now(UTC) + timedelta(hours=1)
    assert client.snooze(alarm_id, until).snoozed_until is not None
    assert client.unsnooze(alarm_id).snoozed_until is None
    row = client.comment(alarm_id, "a loose plug")
    with pytest.raises(ChangedError):
        client.acknowledge(alarm_id, comment="too late", revision=row.revision - 1)
    assert "a loose plug" in [event.comment for event in client.alarm(alarm_id).history]


def test_many_alarms_at_once(client: Client) -> None:
    outcome = client.bulk([_alarm(client), "000000000000"], "comment", comment="seen")

    assert outcome["done"] == [True, False]


def test_an_alarm_is_cleared(client: Client) -> None:
    watch = str(client.alarms(level="watch")["alarm_id"][0])

    assert client.clear(watch, confirmed=False, comment="a bad plug").state == "cleared"


# --- maintenance ----------------------------------------------------------------------------------------------------


def test_maintenance_is_entered_changed_and_removed(client: Client) -> None:
    added = client.add_maintenance(QUIET, kind="inspection", status="planned", title="Look", planned_on="2027-01-04")

    changed = client.change_maintenance(added.record_id, notes="look twice", revision=added.revision)
    assert (changed.title, changed.notes) == ("Look", "look twice")
    assert client.maintenance(vehicle_id=QUIET, status="planned")["record_id"] == [added.record_id]
    with pytest.raises(ChangedError):
        client.change_maintenance(added.record_id, notes="too late", revision=added.revision)
    client.remove_maintenance(added.record_id)
    assert len(client.maintenance(vehicle_id=QUIET)) == 0


# --- data -----------------------------------------------------------------------------------------------------------


def test_how_data_comes_in(client: Client) -> None:
    ingest = client.ingest()

    assert ingest.gateway == "stopped"
    assert ingest.log_rows > 0


def test_imports_and_dead_letters(client: Client) -> None:
    imports = client.imports()

    assert len(imports) >= 1
    assert len(client.dead_letters(import_id=imports["import_id"][0])) == sum(imports["dead_letters"])


def test_sql(client: Client) -> None:
    table = client.query("select vehicle_id, count(*) as trips from trips group by 1 order by 1")

    assert table["vehicle_id"][0] == FAULTY
    assert len(client.query("select * from trips", limit=2)) == 2
    with pytest.raises(InputError):
        client.query("drop table trips")


# --- live -----------------------------------------------------------------------------------------------------------


def test_an_alarm_that_is_acted_on_is_an_event(client: Client) -> None:
    alarm_id = _alarm(client)
    with client.events(["alarm"]) as events:
        client.comment(alarm_id, "told to all that listen")

        event = next(events)

    assert (event.kind, event.data["alarm_id"], event.data["action"]) == ("alarm", alarm_id, "commented")
    with client.events(["alarm"], after=event.event_id) as events:
        client.comment(alarm_id, "and again")
        assert next(events).event_id != event.event_id


# --- the suite itself -------------------------------------------------------------------------------------------------


def test_every_method_is_used_above() -> None:
    methods = [name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]
    source = Path(__file__).read_text(encoding="utf-8")

    assert not [name for name in methods if name != "close" and not re.search(rf"client\.{name}\(", source)]


def test_every_answer_is_a_table_or_a_shape() -> None:
    answers: dict[str, Callable[..., object]] = dict(inspect.getmembers(Client, inspect.isfunction))
    told = {name: inspect.signature(method, eval_str=True).return_annotation for name, method in answers.items()}

    for name, kind in told.items():
        if not name.startswith("_") and name not in ("close", "events", "remove_maintenance"):
            assert kind is Table or issubclass(kind, Shape), name
