"""Each vehicle's first trips, whatever the batches of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.rows import SECOND_US, Row, batch_of, row, tick
from tests.twin.garage import log_of
from tests.twin.routes import routes
from twinpack.learn.data import FirstTrips, first_routes, first_trips
from twinpack.learn.prototype import TrainingTrip
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import KIND_COMMAND
from twinpack.telemetry.trips import CutSettings

STEPS = 62
PACK = "sim_nmc_96s"


def drive(vehicle: str, number: int, steps: int = STEPS, current_a: float = -30.0) -> list[Row]:
    """A drive of 10 s steps; its voltage tells which one it is."""
    start = number * 10_000.0
    values = {"pack_current_a": current_a, "pack_voltage_v": 350.0 + number, "cell_temp_avg_c": 20.0, "speed_kmh": 30.0}
    return [row(vehicle, start + 10.0 * k, soc_pct=90.0 - number, **values) for k in range(steps)]


def log(vehicles: Sequence[tuple[str, str]], rows: Sequence[Row]) -> SampleBatch:
    """Registrations, then the rows."""
    commands = [Row("", 0.0, kind=KIND_COMMAND) for _ in vehicles]
    bodies = [{"type": "register", "vehicle": vehicle, "pack": pack} for vehicle, pack in vehicles]
    return replace(batch_of([*commands, *rows]), commands=tuple(enumerate(bodies)))


def side_by_side(*drives: list[Row]) -> list[Row]:
    return sorted((one for drive in drives for one in drive), key=lambda one: one.time_s)


def take(batches: Sequence[SampleBatch], count: int = 2, pack: str | None = None) -> FirstTrips[TrainingTrip]:
    return first_trips(batches, count, 10 * SECOND_US, CutSettings(), pack)


def cut_at(batch: SampleBatch, cuts: Sequence[int]) -> list[SampleBatch]:
    edges = [0, *sorted(min(cut, len(batch)) for cut in cuts), len(batch)]
    return [batch.slice(edges[i], edges[i + 1]) for i in range(len(edges) - 1)]


def record(trip: TrainingTrip) -> tuple[str, float, bytes, bytes, bytes, bytes]:
    arrays = (trip.time_s, trip.voltage_v, trip.current_a, trip.temp_c)
    times, volts, amperes, degrees = (values.tobytes() for values in arrays)
    return trip.vehicle_id, trip.soc, times, volts, amperes, degrees


def told(found: FirstTrips[TrainingTrip]) -> list[tuple[str, int]]:
    """Vehicle and number of each trip found."""
    return [(trip.vehicle_id, round(90 - 100 * trip.soc)) for trip in found.trips]


FLEET = log(
    [("b", PACK), ("a", PACK)],
    [*side_by_side(*(drive("a", n) for n in (0, 2, 3)), *(drive("b", n) for n in (0, 1, 4))), tick(60_000.0)],
)


@given(cuts=st.lists(st.integers(0, len(FLEET)), max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_split_of_the_log_gives_the_same_trips_in_the_same_order(cuts: list[int]) -> None:
    found, whole = take(cut_at(FLEET, cuts)), take([FLEET])
    assert [record(trip) for trip in found.trips] == [record(trip) for trip in whole.trips]
    assert told(whole) == [("b", 0), ("b", 1), ("a", 0), ("a", 2)]


def test_a_vehicle_whose_file_comes_last_is_learned_from_too() -> None:
    first = log([("a", PACK)], [*drive("a", 0), *drive("a", 1), *drive("a", 2)])
    later = [*drive("b", 0), *drive("b", 1), *drive("b", 2), tick(60_000.0)]
    second = replace(log([("b", PACK)], later), first_offset=len(first))
    assert told(take([first, second])) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_a_trip_holds_steps_of_one_series_group_from_its_start() -> None:
    trip = take([FLEET], count=1).trips[0]
    assert trip.time_s.tolist() == [10.0 * k for k in range(STEPS)]
    np.testing.assert_allclose(trip.voltage_v, 350.0 / 96)
    assert set(trip.current_a) == {-30.0} and set(trip.temp_c) == {20.0} and trip.soc == 0.9


def test_a_trip_that_has_not_ended_is_not_taken() -> None:
    assert told(take([log([("a", PACK)], drive("a", 0))])) == []
    assert told(take([log([("a", PACK)], [*drive("a", 0), *drive("a", 1)])])) == [("a", 0)]


def test_what_teaches_nothing_does_not_count() -> None:
    short, resting = drive("a", 0, steps=20), drive("a", 1, current_a=0.0)
    resting = [replace(one, values=(*one.values, ("speed_kmh", 0.0))) for one in resting]
    untold = [replace(one, values=tuple(v for v in one.values if v[0] != "soc_pct")) for one in drive("a", 2)]
    blind = drive("a", 3)
    blind[5] = replace(blind[5], values=tuple(v for v in blind[5].values if v[0] == "soc_pct"))
    late = [*drive("a", 4), *drive("a", 5), *drive("a", 6)]
    found = take([log([("a", PACK)], [*short, *resting, *untold, *blind, *late, tick(90_000.0)])])
    assert told(found) == [("a", 4), ("a", 5)]


def test_missing_temperatures_are_bridged() -> None:
    rows = drive("a", 0)
    for k in (10, 11):
        rows[k] = replace(rows[k], values=tuple(v for v in rows[k].values if v[0] != "cell_temp_avg_c"))
    unknown = [replace(one, values=tuple(v for v in one.values if v[0] != "cell_temp_avg_c")) for one in drive("a", 1)]
    found = take([log([("a", PACK)], [*rows, *unknown, tick(60_000.0)])])
    assert set(found.trips[0].temp_c) == {20.0}
    assert set(found.trips[1].temp_c) == {25.0}


def test_only_vehicles_of_the_named_pack_are_learned_from() -> None:
    vehicles = [("a", PACK), ("b", "bmw_i3_60ah")]
    batch = log(vehicles, [*side_by_side(drive("a", 0), drive("b", 0)), tick(60_000.0)])
    found = take([batch], pack="bmw_i3_60ah")
    assert told(found) == [("b", 0)]
    assert found.packs == ("bmw_i3_60ah", PACK)
    assert found.spec is not None and found.spec.name == "bmw_i3_60ah"
    assert take([batch], pack="lfp_104s").spec is None


def test_an_empty_log_has_no_trips() -> None:
    found = take([])
    assert (found.trips, found.packs, found.spec) == ([], (), None)


def test_first_routes_are_those_that_were_driven() -> None:
    """Distance, speed and load as they were; a route without load teaches nothing and another takes its place."""
    first, second, third = (routes("a", 3).kept(routes("a", 3).trip == trip) for trip in (1, 2, 3))
    first = first.changed(slice(None), load_kg=np.nan)
    parts = [log_of(one, pack="route_cell", tick=one is third) for one in (first, second, third)]
    found = first_routes([SampleBatch.from_arrow(part) for part in parts], 2, SECOND_US, CutSettings())
    assert [(trip.vehicle_id, trip.number) for trip in found.trips] == [("a", 2), ("a", 3)]
    for trip, driven in zip(found.trips, (second, third), strict=True):
        np.testing.assert_allclose(trip.speed_kmh, driven.values["speed_kmh"])
        np.testing.assert_allclose(trip.load_kg, driven.values["load_kg"])
        odometer = driven.values["odometer_km"]
        np.testing.assert_allclose(trip.distance_km, odometer - odometer[0], atol=1e-9)
        np.testing.assert_array_equal(trip.voltage_v, driven.values["pack_voltage_v"])
        assert trip.start_us == driven.time_us[0]


def test_a_signal_that_a_vehicle_never_told_is_named() -> None:
    def without(name: str, drive: list[Row]) -> list[Row]:
        return [replace(one, values=tuple(pair for pair in one.values if pair[0] != name)) for one in drive]

    rows = side_by_side(without("pack_current_a", drive("a", 0)), without("soc_pct", drive("b", 0)), drive("c", 0))
    found = take([log([("a", PACK), ("b", PACK), ("c", PACK)], [*rows, tick(60_000.0)])])
    assert told(found) == [("c", 0)]
    assert found.missing == {"pack_current_a": ["a"], "soc_pct": ["b"]}
