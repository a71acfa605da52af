"""The list of vehicles: who sees which, in what order, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER, READER, seer
from tests.views.tables import DAY_US, NOW_US, fleet, table
from twinpack.errors import AccessError, InputError
from twinpack.store.fleet_records import VehicleEntry
from twinpack.twin.words import THIN_SPACE
from twinpack.views.fleet.list import WantedVehicles, vehicle_page
from twinpack.views.fleet.table import FleetTable
from twinpack.views.shapes.fleet import VehiclePage, VehicleRow
from twinpack.views.sight import Role, Sight, Span

ANY = WantedVehicles()


def page(
    found: FleetTable, wanted: WantedVehicles = ANY, sort: str = "vehicle_id", who: Sight = LEAD, limit: int = 100
) -> VehiclePage:
    return VehiclePage.model_validate(vehicle_page(found, who, wanted, sort, None, limit).model_dump())


def names(found: VehiclePage) -> list[str]:
    return [row.vehicle_id for row in found.items]


def pages(found: FleetTable, sort: str, limit: int, who: Sight = LEAD) -> Iterator[VehicleRow]:
    cursor: str | None = None
    while True:
        got = vehicle_page(found, who, ANY, sort, cursor, limit)
        assert len(got.items) <= limit
        yield from got.items
        cursor = got.page.next_cursor
        if cursor is None:
            return


SOME = table(
    [
        VehicleEntry("a", "north", "p", label="Delivery One", model_year=2021),
        VehicleEntry("b", "north", "p"),
        VehicleEntry("c", "south", "q"),
        VehicleEntry("d", "south", "q", retired=True),
        VehicleEntry("e", "south", "q"),
    ],
    health={"a": 90.0, "b": 85.0, "c": 95.0, "d": 60.0},
    distance={"a": 10_000.0, "b": 50_000.0, "c": 1_000.0},
    seen_us={"a": NOW_US, "b": NOW_US - 600_000_000, "c": NOW_US - 3 * DAY_US, "d": NOW_US},
    alarms=[("b", 3, 1), ("b", 0, 2), ("c", 2, 5)],
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ANY, "abce"),
        (WantedVehicles(retired=True), "abcde"),
        (WantedVehicles(fleet="north"), "ab"),
        (WantedVehicles(fleet="no such"), ""),
        (WantedVehicles(pack="q"), "ce"),
        (WantedVehicles(q="delivery o"), "a"),
        (WantedVehicles(q="B"), "b"),
        (WantedVehicles(reporting="reporting"), "a"),
        (WantedVehicles(reporting="late"), "b"),
        (WantedVehicles(reporting="stale"), "c"),
        (WantedVehicles(reporting="never"), "e"),
        (WantedVehicles(severity=0), "bc"),
        (WantedVehicles(severity=3), "b"),
        (WantedVehicles(health_min=85.0, health_max=90.0), "ab"),
        (WantedVehicles(distance_max=10_000.0), "ac"),
        (WantedVehicles(age_min=0.5), "abc"),
        (WantedVehicles(overdue=False), "abce"),
        (WantedVehicles(overdue=True), ""),
    ],
)
def test_filters(wanted: WantedVehicles, found: str) -> None:
    got = page(SOME, wanted)
    assert "".join(names(got)) == found
    assert got.page.total == len(found)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("vehicle_id", "abce"),
        ("-vehicle_id", "ecba"),
        ("health_pct", "bace"),
        ("-health_pct", "cabe"),
        ("distance_km", "cabe"),
        ("-distance_km", "bace"),
        ("last_seen_at", "cbae"),
        ("-last_seen_at", "abce"),
        ("-alarms", "bcae"),
        ("alarms", "aecb"),
    ],
)
def test_what_is_not_known_comes_last_in_every_order(sort: str, found: str) -> None:
    assert "".join(names(page(SOME, sort=sort))) == found
    assert "".join(row.vehicle_id for row in pages(SOME, sort, 2)) == found
    assert "".join(row.vehicle_id for row in pages(SOME, sort, 1)) == found


@pytest.mark.parametrize("sort", ["health_pct", "-health_pct", "deviation_pts", "-distance_km", "-vehicle_id"])
def test_pages_hold_each_vehicle_once_where_many_are_alike(sort: str) -> None:
    rng = np.random.default_rng(4)
    cars = fleet(60)
    known = {car.vehicle_id: float(value) for car, value in zip(cars[:40], rng.integers(80, 84, 40), strict=True)}
    found = table(cars, known, dict.fromkeys(known, 5.0))
    told = [row.vehicle_id for row in pages(found, sort, 7)]
    assert told == names(page(found, sort=sort, limit=1000))
    assert sorted(told) == [car.vehicle_id for car in cars]


def test_a_list_that_changed_goes_on_behind_the_same_place() -> None:
    cars = fleet(6)
    before = {car.vehicle_id: 80.0 + place for place, car in enumerate(cars)}
    first = vehicle_page(table(cars, before), LEAD, ANY, "health_pct", None, 3)
    assert names(first) == ["car-000", "car-001", "car-002"]
    after = {name: value for name, value in before.items() if name != "car-002"} | {"car-000": 99.0}
    rest = vehicle_page(table(cars, after), LEAD, ANY, "health_pct", first.page.next_cursor, 10)
    assert names(rest) == ["car-003", "car-004", "car-005", "car-000", "car-002"]
    none = vehicle_page(table([]), LEAD, ANY, "health_pct", first.page.next_cursor, 10)
    assert (none.items, none.page.next_cursor, none.page.total) == ([], None, 0)


def test_a_cursor_of_another_order_is_refused() -> None:
    first = vehicle_page(SOME, LEAD, ANY, "health_pct", None, 1)
    with pytest.raises(InputError, match="cursor"):
        vehicle_page(SOME, LEAD, ANY, "-health_pct", first.page.next_cursor, 1)


def test_where_none_matches_the_nearest_is_told() -> None:
    assert page(SOME, WantedVehicles(health_max=70.0)).nearest == "the nearest health is 85.0 %, of b"
    assert page(SOME, WantedVehicles(distance_min=1e6)).nearest == f"the nearest distance is 50{THIN_SPACE}000 km, of b"
    assert page(SOME, WantedVehicles(q="zzz")).nearest == "4 vehicles match without the filter by name"
    assert page(SOME, WantedVehicles(q="zzz", fleet="north", pack="q")).nearest.startswith("no single filter")
    assert page(SOME, WantedVehicles(q="d", fleet="south")).nearest == "1 vehicle matches among those out of service"
    assert page(table([])).nearest == ""
    assert page(SOME, ANY).nearest == ""


def test_each_sees_the_vehicles_of_its_own_fleets() -> None:
    assert names(page(SOME, who=NORTH)) == ["a", "b"]
    assert names(page(SOME, who=READER)) == ["a", "b"]
    assert names(page(SOME, who=seer(Role.OPERATOR))) == []
    assert page(SOME, WantedVehicles(fleet="south"), who=NORTH).page.total == 0
    with pytest.raises(AccessError):
        page(SOME, who=seer(Role.DEVICE, "north"))


def test_a_technician_finds_vehicles_without_their_figures() -> None:
    got = page(SOME, who=MECHANIC, sort="health_pct")
    assert names(got) == ["a", "b"]  # not in the order of a figure that may not be seen
    row = got.items[1]
    assert (row.health_pct, row.distance_km, row.soc_pct, row.deviation_pts, row.age_years) == (None,) * 5
    assert set(row.trend_pct) == {None}
    assert (row.alarms.critical, row.last_seen_at is not None) == (1, True)
    assert page(SOME, WantedVehicles(health_min=0.0), who=MECHANIC).page.total == 0


def test_an_owner_sees_the_own_vehicle_with_figures_and_no_alarms() -> None:
    owner = replace(OWNER, vehicles={"b": Span(), "gone": Span()})
    (row,) = page(SOME, who=owner).items
    assert (row.vehicle_id, row.health_pct, row.alarms.critical) == ("b", 85.0, 0)
    assert page(SOME, WantedVehicles(severity=0), who=owner).page.total == 0


def test_one_who_may_see_past_times_only_sees_no_figure_of_today() -> None:
    former = replace(OWNER, vehicles={"b": Span(None, NOW_US - 1)})
    (row,) = page(SOME, who=former).items
    assert (row.health_pct, row.distance_km) == (None, None)


def test_rows_fit_their_shape() -> None:
    (row,) = page(SOME, WantedVehicles(q="a", fleet="north"), who=LEAD, limit=1).items
    assert row.label == "Delivery One"
    assert (row.model_year, row.pack, row.reporting, row.overdue) == (2021, "p", "reporting", False)
    assert row.trend_pct == [None] * 11 + [90.0]
