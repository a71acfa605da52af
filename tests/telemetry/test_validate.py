from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.battery.pack import load_pack
from twinpack.telemetry.checks import MAX_AHEAD_US, limits_for, physical_limits
from twinpack.telemetry.readings import Readings
from twinpack.telemetry.schema import TELEMETRY
from twinpack.telemetry.validate import Checked, Validator

START = 1_700_000_000_000_000
_VALUE = st.sampled_from([np.nan, 0.0, 1.0, 380.0, 500.0, 2000.0, np.inf, -np.inf])
_ROWS = st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 4), _VALUE, _VALUE), max_size=15)


def _readings(rows: list[tuple[Any, ...]], receipt: bool = False) -> Readings:
    vehicle = np.array([row[0] for row in rows], np.int32)
    time = np.array([START + 1_000_000 * row[1] for row in rows], np.int64)
    signals = {
        "pack_voltage_v": np.array([row[2] for row in rows], np.float64),
        "soc_pct": np.array([row[3] for row in rows], np.float64),
    }
    return Readings(("a", "b", "c"), vehicle, time, time + 1 if receipt else None, signals, {})


def _part(readings: Readings, start: int, stop: int) -> Readings:
    rows = slice(start, stop)
    signals = {name: values[rows] for name, values in readings.signals.items()}
    receipt = None if readings.receipt_time_us is None else readings.receipt_time_us[rows]
    return Readings(readings.vehicle_ids, readings.vehicle[rows], readings.sample_time_us[rows], receipt, signals, {})


def _rejected(checked: Checked, shift: int = 0) -> list[int]:
    faults = [fault for fault in checked.faults if fault.action == "row rejected"]
    return sorted(int(row) + shift for fault in faults for row in fault.rows)


@settings(max_examples=80, deadline=None)
@given(_ROWS)
def test_every_row_is_kept_rejected_or_a_duplicate(rows: list[tuple[Any, ...]]) -> None:
    rows = [(abs(row[0]), *row[1:]) for row in rows]
    checked = Validator().check(_readings(rows))
    assert checked.samples.num_rows + checked.duplicates + len(_rejected(checked)) == len(rows)
    assert checked.samples.schema == TELEMETRY
    checked.samples.validate(full=True)
    low, high = physical_limits()["pack_voltage_v"]
    assert all(value is None or low <= value <= high for value in checked.samples.column("pack_voltage_v").to_pylist())
    pairs = checked.samples.select(["vehicle_id", "sample_time"]).to_pylist()
    assert len({tuple(pair.values()) for pair in pairs}) == len(pairs)


@settings(max_examples=60, deadline=None)
@given(_ROWS, st.integers(0, 15), st.booleans())
def test_where_a_file_is_cut_does_not_matter(rows: list[tuple[Any, ...]], cut: int, receipt: bool) -> None:
    rows = [(abs(row[0]), *row[1:]) for row in rows]
    readings = _readings(rows, receipt)
    cut = min(cut, len(rows))
    whole = Validator().check(readings)
    validator = Validator()
    parts = [validator.check(_part(readings, 0, cut)), validator.check(_part(readings, cut, len(rows)))]
    assert pa.concat_tables([part.samples for part in parts]).to_pylist() == whole.samples.to_pylist()
    assert sum(part.duplicates for part in parts) == whole.duplicates
    assert sum(part.late for part in parts) == whole.late
    assert _rejected(parts[0]) + _rejected(parts[1], cut) == _rejected(whole)


def test_a_row_is_rejected_for_one_reason_only() -> None:
    readings = _readings([(0, 0, np.inf, 500.0), (0, 1, 5000.0, 50.0)])
    checked = Validator().check(readings)
    assert [(fault.reason, fault.action, fault.rows.tolist()) for fault in checked.faults] == [
        ("infinite", "row rejected", [0]),
        ("range", "row rejected", [1]),
    ]


def test_an_impossible_charge_is_cleared_and_the_row_kept() -> None:
    checked = Validator().check(_readings([(0, 0, 380.0, 500.0)]))
    assert checked.samples.column("soc_pct").to_pylist() == [None]
    assert checked.faults[0].details == ["soc_pct is 500 %, outside 0 to 100 %"]


def test_first_comes_first_also_when_zero_has_a_sign_and_values_are_missing() -> None:
    rows = [(0, 0, 0.0, np.nan), (0, 0, -0.0, np.nan), (0, 0, np.nan, np.nan), (0, 0, 380.0, 1.0)]
    checked = Validator().check(_readings(rows))
    assert (checked.samples.num_rows, checked.duplicates, _rejected(checked)) == (1, 1, [2, 3])


def test_a_sample_five_minutes_ahead_of_its_receipt_is_the_last_that_passes() -> None:
    time = np.array([START, START], np.int64)
    receipt = time - np.array([MAX_AHEAD_US, MAX_AHEAD_US + 1])
    values = {"pack_voltage_v": np.array([380.0, 380.0])}
    checked = Validator().check(Readings(("a", "b"), np.array([0, 1], np.int32), time, receipt, values, {}))
    assert checked.samples.column("vehicle_id").to_pylist() == ["a"]
    assert checked.faults[0].reason == "clock"


def test_pack_limits_let_faults_pass_and_stop_wrong_units() -> None:
    pack = load_pack("bmw_i3_60ah")
    low, high = limits_for(pack)["pack_voltage_v"]
    assert low < pack.voltage_min_v
    assert high > 1.1 * pack.voltage_max_v
    assert not low < 0.38 < high
    lowest, highest = limits_for(pack)["pack_current_a"]
    assert lowest <= -1.5 * pack.discharge_current_max_a
    assert highest >= 1.5 * pack.charge_current_max_a


def test_impossible_elements_of_a_list_are_cleared_in_their_place() -> None:
    cells = pa.array([[3.7, 9.0, None], None, [3.6]], pa.list_(pa.float32()))
    time = np.arange(3) + START
    checked = Validator().check(Readings(("a",), np.zeros(3, np.int32), time, None, {}, {"cell_voltage_v": cells}))
    assert [(fault.reason, fault.action, fault.rows.tolist(), fault.details) for fault in checked.faults] == [
        ("range", "value cleared", [0], ["cell_voltage_v: number 2 is 9 V, outside 0 to 5 V"])
    ]
    got = checked.samples.column("cell_voltage_v").to_pylist()
    assert [None if row is None else [cell and round(cell, 3) for cell in row] for row in got] == [
        [3.7, None, None],
        None,
        [3.6],
    ]


def test_a_list_is_one_fault_however_many_of_its_elements_are_impossible() -> None:
    cells = pa.array([None, [3.7, 66.5, np.inf], [], [None, 3.7], [-1.0, 5.0]], pa.list_(pa.float32()))
    time = np.arange(5) + START
    checked = Validator().check(Readings(("a",), np.zeros(5, np.int32), time, None, {}, {"cell_voltage_v": cells}))
    assert [(fault.rows.tolist(), fault.details) for fault in checked.faults] == [
        (
            [1, 4],
            [
                "cell_voltage_v: number 2 is 66.5 V, 1 more like it, outside 0 to 5 V",
                "cell_voltage_v: number 1 is -1 V, outside 0 to 5 V",
            ],
        )
    ]
    assert checked.samples.column("cell_voltage_v").to_pylist()[4] == [None, 5.0]


def test_lists_tell_conflicts_apart() -> None:
    cells = pa.array([[3.7, 3.6], [3.6, 3.7], [3.7, 3.6]], pa.list_(pa.float32()))
    readings = Readings(("a",), np.zeros(3, np.int32), np.full(3, START), None, {}, {"cell_voltage_v": cells})
    checked = Validator().check(readings)
    assert (checked.samples.num_rows, checked.duplicates, _rejected(checked)) == (1, 1, [1])


def test_a_charge_that_is_a_fraction_is_noticed_but_an_empty_pack_is_not() -> None:
    validator = Validator()
    validator.check(_readings([(0, i, 380.0, 0.5 + 0.01 * i) for i in range(30)]))
    assert [hint.unit for hint in validator.hints()] == ["fraction"]
    empty = Validator()
    empty.check(_readings([(0, i, 380.0, 0.0) for i in range(30)]))
    assert empty.hints() == []


def _hints(values: list[float], rows: int, name: str = "cell_temp_avg_c") -> list[str]:
    column = np.full(rows, np.nan)
    column[: len(values)] = values
    validator = Validator(limits_for(load_pack("bmw_i3_60ah")))
    validator.check(Readings(("a",), np.zeros(rows, np.int32), np.arange(rows) + START, None, {name: column}, {}))
    return [hint.unit for hint in validator.hints()]


def test_a_wrong_unit_is_told_from_a_bus_without_a_value_and_from_a_few_bad_values() -> None:
    assert _hints([293.0] * 5, 5) == ["K"]
    assert _hints([255.0] * 30, 30) == []
    assert _hints([293.0] * 3, 30) == []
    assert _hints([3800.0] * 30, 30, "pack_voltage_v") == ["0.1 V"]
    assert _hints([65535.0] * 30, 30, "isolation_resistance_kohm") == []
