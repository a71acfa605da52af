"""Rows of a log as they would have arrived in time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from tests.twin.garage import LOOP, NAMES, Drives, Outcome, command, first_state, folded, healthy, register, worn
from twinpack.fleet.fold import fold
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.arrivals import find_late, in_place, rearranged
from twinpack.telemetry.schema import TIME_TYPE, tick_row, to_log

DELAY_US = 1_000_000
MINUTE_US = 60_000_000
CARS = (worn("old", 3), healthy("new", 3))


def arriving(car: Drives, held: npt.NDArray[np.bool_], at_us: int) -> list[tuple[int, pa.Table]]:
    """Rows of a vehicle with the moment each arrives: a second after it was sampled, or, held back, at a time."""
    table = car.table()
    receipt = np.where(held, at_us, car.time_us + DELAY_US)
    column = table.schema.get_field_index("receipt_time")
    table = to_log(table.set_column(column, table.schema.field(column), pa.array(receipt).cast(TIME_TYPE)))
    return [(int(receipt[row]), table.slice(row, 1)) for row in range(len(receipt))]


def stream(rows: Sequence[tuple[int, pa.Table]], *more: tuple[int, pa.Table]) -> pa.Table:
    """A log of rows in the order in which they arrive, with a tick every ten minutes."""
    last = max(at for at, _ in rows)
    first = min(at for at, _ in rows)
    ticks = [(at, tick_row(at)) for at in range(first, last + 120 * MINUTE_US, 10 * MINUTE_US)]
    ordered = sorted([*rows, *ticks, *more], key=lambda each: each[0])
    return pa.concat_tables([*(register(car.vehicle) for car in CARS), *(table for _, table in ordered)])


def replayed(folder: Path, table: pa.Table, from_us: int) -> Outcome:
    """The fold of a log with what came late in place."""
    log = SegmentLog(folder)
    log.append([table])
    state = first_state(LOOP)
    found = find_late(log, state, 0, table.num_rows, from_us)
    order = in_place(log, state, 0, table.num_rows, found)
    events = []
    for batch in rearranged(log, 0, table.num_rows, order, 97):
        state, more = fold(state, batch)
        events += more
    return Outcome(state, events)


@pytest.mark.parametrize("seed", range(3))
def test_the_fold_is_that_of_a_log_without_delays(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    never = [np.zeros(len(car.time_us), np.bool_) for car in CARS]
    held = [random.random(len(car.time_us)) < 0.3 for car in CARS]
    for mask in held:
        start = int(random.integers(20, 100))
        mask[start : start + 60] = True  # a stretch over the end of a trip
        mask[-1] = False
    end_us = max(int(car.time_us[-1]) for car in CARS) + 30 * MINUTE_US
    in_time = stream([row for car, mask in zip(CARS, never, strict=True) for row in arriving(car, mask, end_us)])
    came = stream([row for car, mask in zip(CARS, held, strict=True) for row in arriving(car, mask, end_us)])
    wanted = folded(in_time).told(offsets=False)
    assert folded(came).told(offsets=False) != wanted
    assert replayed(tmp_path, came, int(CARS[0].time_us[0])).told(offsets=False) == wanted


def test_a_roll_back_keeps_its_place_among_them(tmp_path: Path) -> None:
    """What was sampled before a roll-back was given goes before it, what was sampled after it behind."""
    car = CARS[0]
    at_us = int(car.time_us[90]) + 2 * DELAY_US  # in the middle of the second trip
    order = {
        "type": "rollback",
        "vehicle": "old",
        "to": 1,
        "reason": "try",
        "parameters": list(NAMES),
        "mean": [1.0, 1.1, 1.0, 0.0],
        "covariance": [0.01, 0.0, 0.01, 0.0, 0.0, 0.01, 0.0, 0.0, 0.0, 1e-6],
    }
    given = (at_us, command(order, at_us))
    held = np.zeros(len(car.time_us), np.bool_)
    held[70:110] = True
    end_us = int(car.time_us[-1]) + 30 * MINUTE_US
    in_time = folded(stream(arriving(car, held & False, end_us), given))
    assert "rollback" in [version.kind for version in in_time.versions("old")]
    came = replayed(tmp_path, stream(arriving(car, held, end_us), given), int(car.time_us[0]))
    assert came.told(offsets=False) == in_time.told(offsets=False)


def test_what_is_late_and_what_is_not(tmp_path: Path) -> None:
    car = CARS[0].kept(CARS[0].trip == 1)
    held = np.zeros(len(car.time_us), np.bool_)
    held[[5, 20, 21]] = True
    rows = arriving(car, held, int(car.time_us[-1]) + MINUTE_US)
    stranger = arriving(Drives("stranger", car.time_us, car.trip, car.values), held, int(car.time_us[-1]) + MINUTE_US)
    table = stream([*rows, *stranger])
    log = SegmentLog(tmp_path)
    log.append([table])
    state = first_state(LOOP)
    found = find_late(log, state, 0, table.num_rows, int(car.time_us[10]))
    assert {name: late.rows for name, late in found.late.items()} == {"old": 2}
    assert (found.late["old"].first_us, found.late["old"].last_us) == (int(car.time_us[20]), int(car.time_us[21]))
    assert (found.older, found.settled, found.from_us) == (1, 0, int(car.time_us[10]))
    settled = command({"type": "replay", "vehicle": "old", "from_us": int(car.time_us[15])}, int(car.time_us[-1]))
    log.append([settled])
    end = log.end_offset
    found = find_late(log, state, 0, end, int(car.time_us[16]))
    assert (found.late, found.settled, found.from_us) == ({}, 2, int(car.time_us[16]))
    found = find_late(log, state, 0, end, int(car.time_us[2]))
    assert (found.late["old"].rows, found.from_us) == (3, int(car.time_us[2]))


def test_rows_stay_where_they_are_when_nothing_is_late(tmp_path: Path) -> None:
    table = stream(arriving(CARS[0], np.zeros(len(CARS[0].time_us), np.bool_), 0))
    log = SegmentLog(tmp_path)
    log.append([table])
    state = first_state(LOOP)
    found = find_late(log, state, 0, table.num_rows, 0)
    order = in_place(log, state, 0, table.num_rows, found)
    assert (len(order.moved), len(order.dropped), order.rows.num_rows) == (0, 0, 0)
    batches = list(rearranged(log, 0, table.num_rows, order, 50))
    assert np.array_equal(
        np.concatenate([batch.sample_time_us for batch in batches]), table["sample_time"].cast("int64")
    )
    assert [batch.first_offset for batch in batches] == list(range(0, table.num_rows, 50))
