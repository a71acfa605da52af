from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.rows import CUTS, SECOND_US, START_US, Row, batch_of, fold_steps, logs, row, split, tick
from twinpack.store.tables import OFFSET, TABLES, TRIPS
from twinpack.telemetry.schema import KIND_COMMAND
from twinpack.telemetry.steps import Steps
from twinpack.telemetry.trips import Cuts, CutSettings, Trip, TripCarry, cut

LANES = ("a", "b", "c")
CAPACITY_AH = {"a": 60.0, "b": 94.0, "c": 3.0}
SETTINGS = CutSettings()

Folded = tuple[TripCarry, list[tuple[Steps, Cuts]]]


def fold(rows: Sequence[Row], *cuts: int, lanes: Sequence[str] = LANES) -> Folded:
    carry, results = TripCarry.empty(len(lanes)), []
    capacity = np.array([CAPACITY_AH[name] for name in lanes])
    for found in fold_steps(split(batch_of(rows), cuts), lanes)[1]:
        carry, sessions = cut(carry, found, lanes, capacity, SETTINGS)
        results.append((found, sessions))
    return carry, results


def trips_of(rows: Sequence[Row], *cuts: int) -> list[Trip]:
    return [part.trip for _, cuts_ in fold(rows, *cuts)[1] for part in cuts_.segments if part.trip is not None]


def told(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [(trip.kind, trip.closed_by) for trip in trips_of(rows)]


def record(folded: Folded, lane: int) -> dict[str, Any]:
    """Everything a lane's sessions say that must not depend on the batches."""
    steps: list[Any] = []
    closed: list[Any] = []
    opened: list[Any] = []
    covered: dict[int, int] = {}
    for found, cuts in folded[1]:
        for index in np.flatnonzero(found.lane == lane):
            floats = (cuts.dt_s[index].tobytes(), cuts.prev_current_a[index].tobytes())
            steps.append((int(found.time_us[index]), int(cuts.number[index]), *floats))
        for part in cuts.segments:
            if part.lane != lane:
                continue
            covered[part.number] = covered.get(part.number, 0) + part.stop - part.start
            if part.opens:
                opened.append((part.number, part.kind, int(found.first_us[part.start])))
            if part.trip is not None:
                closed.append((part.number, part.kind, part.closed_by, part.offset, repr(part.trip)))
    return {"steps": steps, "closed": closed, "opened": opened, "covered": covered}


def bits(carry: TripCarry) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in carry.arrays().items()}


def drive(who: str, start_s: float, stop_s: float, every_s: float = 10.0, **values: float) -> list[Row]:
    given = {"pack_current_a": -30.0, "pack_voltage_v": 400.0, "speed_kmh": 50.0, **values}
    return [row(who, time, **given) for time in np.arange(start_s, stop_s, every_s).tolist()]


def charge(who: str, start_s: float, stop_s: float, **values: float) -> list[Row]:
    return drive(who, start_s, stop_s, **{"pack_current_a": 30.0, "speed_kmh": 0.0, "is_charging": 1.0, **values})


def rest(who: str, start_s: float, stop_s: float, **values: float) -> list[Row]:
    return drive(who, start_s, stop_s, **{"pack_current_a": -0.3, "speed_kmh": 0.0, **values})


@given(rows=logs(), cuts=CUTS)
@settings(max_examples=60, deadline=None)
def test_any_split_of_the_rows_gives_the_same_sessions_bit_for_bit(rows: list[Row], cuts: list[int]) -> None:
    whole, split_up, singly = fold(rows), fold(rows, *cuts), fold(rows, *range(len(rows)))
    assert bits(whole[0]) == bits(split_up[0]) == bits(singly[0])
    for lane in range(3):
        assert record(whole, lane) == record(split_up, lane) == record(singly, lane)


@given(rows=logs())
@settings(max_examples=30, deadline=None)
def test_a_vehicles_sessions_do_not_depend_on_its_neighbours(rows: list[Row]) -> None:
    together = fold(rows, lanes=("c", "a", "b"))
    alone = [line if line.vehicle in ("a", "") else Row("", line.time_s, kind=KIND_COMMAND) for line in rows]
    single = fold(alone, lanes=("a",))
    assert record(single, 0) == record(together, 1)
    assert bits(single[0]) == bits(together[0].taken(np.array([1])))


@given(rows=logs(), cuts=CUTS)
@settings(max_examples=30, deadline=None)
def test_sessions_are_numbered_in_order_and_cover_every_step(rows: list[Row], cuts: list[int]) -> None:
    folded = fold(rows, *cuts)
    for lane in range(3):
        seen = record(folded, lane)
        numbers = [number for number, _, _ in seen["opened"]]
        assert numbers == list(range(1, len(numbers) + 1))
        assert [entry[0] for entry in seen["closed"]] == numbers[: len(seen["closed"])]
        assert len(seen["closed"]) >= len(numbers) - 1
        assert sum(seen["covered"].values()) == len(seen["steps"])
        assert int(folded[0].number[lane]) == len(numbers)
    for found, cuts_ in folded[1]:
        edges = [(part.start, part.stop) for part in cuts_.segments if part.stop > part.start]
        assert [index for start, stop in edges for index in range(start, stop)] == list(range(len(found)))


def test_a_gap_ends_a_session() -> None:
    trips = trips_of([*drive("a", 0, 100), *drive("a", 690, 800), *drive("a", 1390.1, 1500)])
    assert [(trip.closed_by, trip.samples) for trip in trips] == [("gap", 21)]
    assert trips[0].end_us == START_US + 790 * SECOND_US


def test_a_tick_after_silence_ends_a_session_at_its_last_sample() -> None:
    rows = [*drive("a", 0, 100), tick(690), tick(691), *drive("a", 700, 800)]
    (trip,) = trips_of(rows)
    assert (trip.closed_by, trip.end_us, trip.samples) == ("tick", START_US + 90 * SECOND_US, 10)
    ended = fold(rows, 10, 11)[1][-1][1].segments[0]
    assert (ended.start, ended.stop, ended.closed_by, ended.offset) == (0, 0, "tick", 11)


def test_a_tick_counts_from_the_newest_row_though_its_step_is_unfinished() -> None:
    # Receipts of the step before are 700 s old when the tick comes, those of the vehicle only 20 s.
    rows = [row("a", 0, speed_kmh=50), row("a", 500, receipt_s=680), tick(700), row("a", 520, receipt_s=710)]
    assert trips_of(rows) == []


def test_a_stop_at_a_light_and_recuperation_do_not_end_a_drive() -> None:
    rows = [*drive("a", 0, 100), *rest("a", 100, 390), *drive("a", 390, 500)]
    rows += [*drive("a", 500, 700, pack_current_a=40.0), *drive("a", 700, 800), tick(2000)]
    assert told(rows) == [("driving", "tick")]


def test_a_long_rest_ends_a_drive_at_the_step_where_it_has_lasted() -> None:
    trips = trips_of([*drive("a", 0, 100), *rest("a", 100, 1000), *drive("a", 1000, 1100), tick(3000)])
    assert [(trip.kind, trip.closed_by) for trip in trips] == [
        ("driving", "rest"),
        ("resting", "kind"),
        ("driving", "tick"),
    ]
    assert [(trip.start_us - START_US) // SECOND_US for trip in trips] == [0, 400, 1000]


def test_rest_is_a_current_below_a_share_of_the_capacity() -> None:
    # 1.1 A: under 0.02 C of 60 Ah, over 0.02 C of 3 Ah.
    for who, kind in (("a", "resting"), ("c", "driving")):
        rows = [*drive(who, 0, 50, pack_current_a=-1.1, speed_kmh=math.nan), tick(2000)]
        assert told(rows) == [(kind, "tick")]


def test_charging_ends_a_drive_after_a_minute() -> None:
    trips = trips_of([*drive("a", 0, 100), *charge("a", 100, 150), *drive("a", 150, 200), *charge("a", 200, 500)])
    assert [(trip.kind, trip.closed_by) for trip in trips] == [("driving", "kind")]
    assert trips[0].end_us == START_US + 250 * SECOND_US


def test_driving_ends_a_charge_after_a_minute() -> None:
    assert told([*charge("a", 0, 500), *drive("a", 500, 600)]) == [("charging", "kind")]


def test_current_tells_where_speed_is_missing() -> None:
    silent = {"speed_kmh": math.nan, "is_charging": math.nan}
    rows = [*drive("a", 0, 100, **silent), *charge("a", 100, 300, **silent), tick(2000)]
    assert told(rows) == [("driving", "kind"), ("charging", "tick")]


def test_a_plugged_vehicle_that_draws_nothing_charges_on() -> None:
    assert told([*charge("a", 0, 100), *rest("a", 100, 1000, is_charging=1.0), tick(3000)]) == [("charging", "tick")]


def test_recuperation_that_calls_itself_charging_is_driving() -> None:
    assert told([*drive("a", 0, 500, pack_current_a=20.0, is_charging=1.0), tick(2000)]) == [("driving", "tick")]


def test_steps_that_say_nothing_keep_what_was_done_before() -> None:
    nothing = {"pack_current_a": math.nan, "speed_kmh": math.nan}
    rows = [*drive("a", 0, 100), *drive("a", 100, 900, **nothing), *drive("a", 900, 1000), tick(3000)]
    assert told(rows) == [("driving", "tick")]
    (trip,) = trips_of(rows)
    # The last known current is held.
    assert trip.ah_out == pytest.approx(30 * 990 / 3600)
    assert told([*drive("b", 0, 100, **nothing), tick(3000)]) == [("resting", "tick")]


def test_energy_charge_and_rate_of_a_constant_drive() -> None:
    (trip,) = trips_of([*drive("a", 0, 3601, cell_temp_avg_c=20.0), tick(9000)])
    assert trip.ah_out == pytest.approx(30)
    assert trip.energy_out_kwh == pytest.approx(12)
    assert (trip.ah_in, trip.energy_in_kwh) == (0, 0)
    assert trip.c_rate_max == pytest.approx(0.5)
    assert trip.c_rate_rms == pytest.approx(0.5)
    assert trip.distance_km == pytest.approx(50)
    assert (trip.temp_min_c, trip.temp_mean_c, trip.temp_max_c) == (20, 20, 20)
    assert math.isnan(trip.soc_start_pct)


def test_current_is_taken_as_straight_between_steps() -> None:
    rows = [row("a", 10 * index, pack_current_a=-10.0 * index, speed_kmh=50) for index in range(11)]
    (trip,) = trips_of([*rows, tick(2000)])
    assert trip.ah_out == pytest.approx(50 * 100 / 3600)


def test_charge_is_the_first_and_last_told_and_temperatures_those_known() -> None:
    socs = [math.nan, 81, 80, 79, math.nan]
    temps = [20, math.nan, 10, 30, math.nan]
    rows = [
        row("a", 10 * index, speed_kmh=50, soc_pct=soc, cell_temp_avg_c=temp)
        for index, (soc, temp) in enumerate(zip(socs, temps, strict=True))
    ]
    for cuts in ((), (1, 2, 3, 4, 5)):
        (trip,) = trips_of([*rows, tick(2000)], *cuts)
        assert (trip.soc_start_pct, trip.soc_end_pct) == (81, 79)
        assert (trip.temp_min_c, trip.temp_max_c, trip.temp_mean_c) == (10, 30, 20)


@pytest.mark.parametrize(
    ("odometer", "speed", "expected"),
    [((100.0, 103.0), 50.0, 3.0), ((100.0, 100.0), 36.0, 0.1), ((math.nan, math.nan), -36.0, 0.1)],
)
def test_distance_is_told_by_the_odometer_else_by_the_speed(
    odometer: tuple[float, float], speed: float, expected: float
) -> None:
    rows = [row("a", 10 * i, pack_current_a=-30, speed_kmh=speed, odometer_km=km) for i, km in enumerate(odometer)]
    (trip,) = trips_of([*rows, tick(2000)])
    assert trip.distance_km == pytest.approx(expected)


def test_distance_is_unknown_without_odometer_and_speed() -> None:
    (trip,) = trips_of([*drive("a", 0, 100, speed_kmh=math.nan), tick(2000)])
    assert math.isnan(trip.distance_km)


def test_a_trip_of_one_sample_has_a_record() -> None:
    (trip,) = trips_of([row("a", 0, pack_current_a=-30, pack_voltage_v=400, soc_pct=50), tick(2000)])
    assert (trip.samples, trip.kind, trip.start_us, trip.end_us) == (1, "driving", START_US, START_US)
    assert (trip.ah_out, trip.energy_out_kwh) == (0, 0)
    assert (trip.c_rate_max, trip.c_rate_rms) == (0.5, 0.5)
    assert (trip.soc_start_pct, trip.soc_end_pct) == (50, 50)


def test_a_trip_of_missing_values_has_a_record() -> None:
    (trip,) = trips_of([row("a", 0), row("a", 10), tick(2000)])
    unknown = {name for name, value in asdict(trip).items() if isinstance(value, float) and math.isnan(value)}
    assert unknown >= {"soc_start_pct", "temp_mean_c", "c_rate_max", "c_rate_rms", "distance_km"}
    assert (trip.samples, trip.kind) == (2, "resting")


def test_late_rows_change_nothing() -> None:
    rows = [*drive("a", 0, 100), tick(2000)]
    with_late = [*rows[:5], row("a", 12, speed_kmh=0), *rows[5:]]
    assert repr(trips_of(rows)) == repr(trips_of(with_late))


def test_what_a_step_needs_from_the_one_before_starts_anew_with_a_session() -> None:
    currents = [-10.0, math.nan, -30.0]
    rows = [row("a", 10 * index, pack_current_a=value, speed_kmh=50) for index, value in enumerate(currents)]
    rows += [row("a", 5000, pack_current_a=-5, speed_kmh=50), row("a", 5010, pack_current_a=-6, speed_kmh=50)]
    ((_, cuts),) = fold([*rows, row("a", 5020)])[1]
    assert cuts.dt_s.tolist() == [0, 10, 10, 0, 10]
    assert cuts.prev_current_a.tolist() == [-10, -10, -10, -5, -5]
    assert cuts.number.tolist() == [1, 1, 1, 2, 2]


def test_a_close_has_the_offset_of_what_brought_it_about() -> None:
    rows = [*drive("a", 0, 30), row("a", 1000, speed_kmh=50), row("b", 1000), row("a", 1001), tick(2000)]
    ((_, cuts),) = fold(rows)[1]
    mine = [part for part in cuts.segments if part.lane == 0]
    # The row of 1000 s begins session 2 and is known as a step when the row of 1001 s arrives.
    assert [(part.number, part.closed_by, part.offset) for part in mine] == [(1, "gap", 5), (2, "tick", 6)]


def test_an_open_session_has_no_record_and_the_offset_of_its_last_step() -> None:
    ((_, cuts),) = fold(drive("a", 0, 50))[1]
    (part,) = cuts.segments
    assert (part.closed_by, part.trip, part.offset, part.opens) == (None, None, 4, True)


def test_a_closed_session_leaves_only_its_number() -> None:
    carry, _ = fold([*drive("a", 0, 50), tick(2000)])
    empty = TripCarry.empty(3)
    assert carry.number.tolist() == [1, 0, 0]
    assert {name for name, value in bits(carry).items() if value != bits(empty)[name]} == {"number"}


def test_the_carry_given_is_not_changed() -> None:
    carry, _ = fold(drive("a", 0, 50))
    before = bits(carry)
    found = fold_steps([batch_of([*drive("a", 60, 100), *drive("b", 60, 100), tick(3000)])], LANES)[1][0]
    after, _ = cut(carry, found, LANES, np.array([60.0, 60.0, 60.0]), SETTINGS)
    assert bits(carry) == before
    assert bits(after) != before


def test_a_trip_has_the_columns_of_the_lake() -> None:
    names = [part.name for part in fields(Trip)]
    assert names == [name for name in TABLES[TRIPS].schema.names if name != OFFSET]


@given(currents=st.lists(st.floats(-200, 100), min_size=2, max_size=30))
@settings(deadline=None)
def test_charge_in_less_charge_out_is_the_integral_of_the_current(currents: list[float]) -> None:
    rows = [row("a", 10 * index, pack_current_a=value, speed_kmh=50) for index, value in enumerate(currents)]
    (trip,) = trips_of([*rows, tick(5000)])
    expected = np.trapezoid(currents, dx=10) / 3600
    assert trip.ah_in - trip.ah_out == pytest.approx(expected, abs=1e-9)
