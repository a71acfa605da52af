from __future__ import annotations

import json

import pyarrow as pa
import pytest

from twinpack.telemetry.schema import (
    KIND_COMMAND,
    KIND_SAMPLE,
    KIND_TICK,
    LOG,
    SIGNALS,
    TELEMETRY,
    command_rows,
    tick_row,
    to_log,
)


def test_every_signal_has_a_column_and_a_range() -> None:
    assert [*TELEMETRY.names[3:]] == [*SIGNALS]
    for signal in SIGNALS.values():
        assert signal.minimum < signal.maximum
        assert signal.meaning


def test_only_vehicle_and_times_must_be_there() -> None:
    assert [field.name for field in TELEMETRY if not field.nullable] == ["vehicle_id", "sample_time", "receipt_time"]


def test_to_log_marks_rows_as_samples() -> None:
    table = to_log(TELEMETRY.empty_table())
    assert table.schema == LOG
    one = tick_row(5).select(TELEMETRY.names)
    assert to_log(one).column("kind").to_pylist() == [KIND_SAMPLE]


def test_tick_and_command_rows_fit_the_log() -> None:
    table = pa.concat_tables([command_rows(["car-1"], [3], [json.dumps({"type": "register"})]), tick_row(9)])
    assert table.schema == LOG
    table.validate(full=True)
    assert table.column("kind").to_pylist() == [KIND_COMMAND, KIND_TICK]
    assert table.column("receipt_time").cast(pa.int64()).to_pylist() == [3, 9]


@pytest.mark.parametrize(("name", "unit"), [("pack_voltage_v", "V"), ("planned_duration_s", "s")])
def test_units_are_written_down(name: str, unit: str) -> None:
    assert SIGNALS[name].unit == unit
