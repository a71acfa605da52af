from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import (
    KIND_COMMAND,
    KIND_LAKE_SAMPLE,
    KIND_REALTIME_SAMPLE,
    KIND_SAMPLE,
    KIND_TICK,
    LOG,
    SCALAR_SIGNALS,
    TELEMETRY,
    TIME_TYPE,
    command_rows,
    tick_row,
)

_ROW = st.tuples(
    st.sampled_from(["car-1", "car-2", "car-3"]),
    st.integers(0, 10**15),
    st.one_of(st.none(), st.floats(-500, 500)),
    st.one_of(st.none(), st.booleans()),
    st.sampled_from(["sample", "tick", "command"]),
)


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    parts = [LOG.empty_table()]
    for vehicle, time, value, flag, kind in rows:
        if kind == "tick":
            parts.append(tick_row(time))
        elif kind == "command":
            parts.append(command_rows([vehicle], [time], [json.dumps({"type": "x", "t": time}, separators=(",", ":"))]))
        else:
            row = dict.fromkeys(LOG.names) | {
                "vehicle_id": vehicle,
                "sample_time": time,
                "receipt_time": time + 1,
                "pack_current_a": value,
                "is_charging": flag,
                "kind": 0,
            }
            columns = [_column(row[field.name], field.type) for field in LOG]
            parts.append(pa.Table.from_arrays(columns, schema=LOG))
    return pa.concat_tables(parts).combine_chunks()


def _column(value: Any, kind: pa.DataType) -> pa.Array:
    if kind == TIME_TYPE:
        return pa.array([value], pa.int64()).cast(kind)
    return pa.array([value], kind)


@settings(max_examples=40, deadline=None)
@given(st.lists(_ROW, max_size=12))
def test_arrow_round_trip(rows: list[tuple[Any, ...]]) -> None:
    table = _table(rows)
    back = SampleBatch.from_arrow(table, 7).to_arrow()
    assert back.schema == LOG
    assert back.to_pylist() == table.to_pylist()


@settings(max_examples=40, deadline=None)
@given(st.lists(_ROW, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_slice_equals_decoding_the_slice(rows: list[tuple[Any, ...]], start: int, stop: int) -> None:
    table = _table(rows)
    start, stop = min(start, len(rows)), min(stop, len(rows))
    part = SampleBatch.from_arrow(table, 100).slice(start, stop)
    direct = SampleBatch.from_arrow(table.slice(start, max(stop - start, 0)), 100 + start)
    assert (len(part), part.first_offset, part.end_offset) == (len(direct), direct.first_offset, direct.end_offset)
    assert part.commands == direct.commands
    assert part.to_arrow().to_pylist() == direct.to_arrow().to_pylist()
    for name in SCALAR_SIGNALS:
        np.testing.assert_array_equal(part.signals[name], direct.signals[name])


def test_rows_without_a_vehicle_have_index_minus_one() -> None:
    batch = SampleBatch.from_arrow(pa.concat_tables([tick_row(5), command_rows(["a"], [6], ['{"type":"register"}'])]))
    assert batch.vehicle_ids == ("a",)
    assert batch.vehicle.tolist() == [-1, 0]
    assert batch.kind.tolist() == [KIND_TICK, KIND_COMMAND]
    assert batch.commands == ((1, {"type": "register"}),)


def test_missing_values_are_nan_and_flags_are_numbers() -> None:
    table = _table([("a", 0, None, True, "sample"), ("a", 1, 2.5, False, "sample"), ("a", 2, 1.0, None, "sample")])
    batch = SampleBatch.from_arrow(table)
    np.testing.assert_array_equal(batch.signals["pack_current_a"], [np.nan, 2.5, 1.0])
    np.testing.assert_array_equal(batch.signals["is_charging"], [1.0, 0.0, np.nan])


def test_a_table_of_bare_samples_is_taken() -> None:
    table = tick_row(5).select(TELEMETRY.names)
    batch = SampleBatch.from_arrow(table)
    assert batch.kind.tolist() == [0]
    assert batch.sample_time_us.dtype == np.int64


def test_an_empty_batch() -> None:
    batch = SampleBatch.from_arrow(LOG.empty_table(), 3)
    assert len(batch) == 0
    assert batch.to_arrow().num_rows == 0
    assert batch.slice(0, 0).first_offset == 3


def test_what_is_kept_out_of_the_lake_is_a_sample_to_the_fold_and_what_is_for_the_lake_only_is_not() -> None:
    rows = _table([("car-1", time, 1.0, None, "sample") for time in (10, 20, 30)])
    kinds = pa.array([KIND_SAMPLE, KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE], pa.int8())
    batch = SampleBatch.from_arrow(rows.set_column(rows.column_names.index("kind"), LOG.field("kind"), kinds))
    assert batch.kind.tolist() == [KIND_SAMPLE, KIND_LAKE_SAMPLE, KIND_SAMPLE]
