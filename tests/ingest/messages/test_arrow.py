"""Telemetry in Arrow IPC: many vehicles in one body, and bodies that are not to be trusted."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.ingest.messages.test_decode import NOON_US, faults, refusal
from tests.ingest.messages.test_fuzz import check_accounts, check_validates
from twinpack.ingest.messages import MAX_ARROW_ROWS, MAX_CELLS, Message, decode
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE
from twinpack.telemetry.validate import Validator


def stream(table: pa.Table, codec: str | None = None, chunk: int | None = None) -> Message:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return Message(sink.getvalue(), "arrow")


def times(*times_us: int | None) -> pa.Array:
    return pa.array(times_us, pa.int64()).cast(TIME_TYPE)


def made(**columns: Any) -> pa.Table:
    """Two rows with some columns replaced."""
    rows = {
        "vehicle_id": pa.array(["bus-1", "bus-2"]),
        "sample_time": times(NOON_US, NOON_US + 1),
        "soc_pct": pa.array([50.0, None]),
    }
    return pa.table({name: column for name, column in (rows | columns).items() if column is not None})


def rich() -> pa.Table:
    """Five rows with most things that a body can have, two of them without a vehicle."""
    return pa.table(
        {
            "cell_voltage_v": pa.array([[3.5, None], None, [], [1.0], [2.0]], pa.list_(pa.float64())),
            "vehicle_id": pa.array(["bus-2", "bus-1", "bus-2", None, "a b"]),
            "is_charging": pa.array([True, None, False, True, True]),
            "sample_time": times(NOON_US, NOON_US + 1, None, NOON_US + 3, NOON_US + 4),
            "receipt_time": times(*[NOON_US] * 5),
            "speed_kmh": pa.array([1, 2, 3, 4, None], pa.int32()),
            "colour": pa.array(["red"] * 5),
        }
    )


# --- what is taken --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize("dictionary", [False, True])
def test_rows_of_many_vehicles_are_taken(chunk: int | None, dictionary: bool) -> None:
    table = rich()
    if dictionary:
        table = table.set_column(1, "vehicle_id", table["vehicle_id"].dictionary_encode())
    one = Message(b'{"vehicle":"bus-1","time":1740830400000000,"speed_kmh":9}')
    messages = [one, stream(table, chunk=chunk), one]
    decoded = decode(messages)
    check_accounts(messages, decoded)
    check_validates(decoded)
    readings = decoded.readings
    names = [readings.vehicle_ids[code] if code >= 0 else None for code in readings.vehicle]
    assert names == ["bus-1", "bus-2", "bus-1", "bus-2", None, None, "bus-1"]
    np.testing.assert_array_equal(readings.signals["speed_kmh"], [9, 1, 2, 3, 4, np.nan, 9])
    np.testing.assert_array_equal(readings.signals["is_charging"], [np.nan, 1, np.nan, 0, 1, 1, np.nan])
    assert readings.lists["cell_voltage_v"].to_pylist() == [None, [3.5, None], None, [], [1.0], [2.0], None]
    assert readings.sample_time_us.tolist() == [NOON_US + offset for offset in (0, 0, 1, -NOON_US, 3, 4, 0)]
    assert decoded.message.tolist() == [0, 1, 1, 1, 1, 1, 2]
    assert decoded.unknown == {"colour": 1}
    assert sorted((reason, rows) for reason, _, rows, _ in faults(decoded)) == [("time", [3]), ("vehicle", [4, 5])]


def test_samples_that_were_exported_come_back_as_they_were() -> None:
    rng = np.random.default_rng(1)
    rows = 200
    table = pa.table(
        {
            "vehicle_id": [f"bus-{number % 7}" for number in range(rows)],
            "sample_time": times(*range(NOON_US, NOON_US + rows)),
            "receipt_time": times(*range(NOON_US, NOON_US + rows)),
            **{field.name: pa.nulls(rows, field.type) for field in list(TELEMETRY)[3:]},
        },
        schema=TELEMETRY,
    )
    for name, values in (
        ("pack_voltage_v", pa.array(rng.uniform(300, 400, rows))),
        ("plug_connected", pa.array(rng.random(rows) < 0.5)),
        (
            "cell_temp_c",
            pa.array([[float(row), None] if row % 3 else None for row in range(rows)], pa.list_(pa.float32())),
        ),
    ):
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    decoded = decode([stream(table)])
    assert decoded.unknown == {}
    samples = Validator().check(decoded.readings).samples
    kept = [name for name in TELEMETRY.names if name not in ("receipt_time", "cell_temp_c")]
    assert samples.select(kept).equals(table.select(kept))
    within = [None if row % 3 == 0 else [float(row) if row <= 120 else None, None] for row in range(rows)]
    assert samples.column("cell_temp_c").to_pylist() == within


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_are_taken(unit: str) -> None:
    kind = pa.timestamp(unit, tz="Europe/Berlin")
    decoded = decode([stream(made(sample_time=times(NOON_US, None).cast(kind)))])
    assert decoded.readings.sample_time_us.tolist() == [NOON_US, 0]
    far = pa.array([2**62, -(2**63)]).cast(kind)
    decoded = decode([stream(made(sample_time=far))])
    assert [fault[:3] for fault in faults(decoded)] == [("time", "row rejected", [0, 1])]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, None], pa.uint8()), [1, np.nan]),
        (pa.array([1.5, np.inf], pa.float32()), [1.5, np.inf]),
        (pa.array(np.array([1.5, 2], np.float16)), [1.5, 2]),
        (pa.array([2**63 - 1, -1]), [2.0**63, -1]),
        (pa.nulls(2), [np.nan, np.nan]),
    ],
)
def test_numbers_of_any_width_are_taken(column: pa.Array, values: list[float]) -> None:
    readings = decode([stream(made(soc_pct=column))]).readings
    np.testing.assert_array_equal(readings.signals.get("soc_pct", [np.nan, np.nan]), values)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[3.5, None], None], pa.large_list(pa.float64())),
        pa.array([[3.5, None], None], pa.list_(pa.float32(), 2)),
        pa.array([[3.5, np.nan], None], pa.list_(pa.float32())),
        pa.array([[9.0], [3.5, None], None], pa.list_(pa.float64())).slice(1),
    ],
)
def test_lists_of_any_kind_are_taken(column: pa.Array) -> None:
    readings = decode([stream(made(cell_temp_c=column))]).readings
    assert readings.lists["cell_temp_c"].to_pylist() == [[3.5, None], None]
    assert decode([stream(made(cell_temp_c=pa.nulls(2)))]).readings.lists == {}


def test_vss_paths_are_taken() -> None:
    table = made(**{"Vehicle.TraveledDistance": pa.array([1500, 3000])})
    np.testing.assert_allclose(decode([stream(table)]).readings.signals["odometer_km"], [1.5, 3.0])


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "reason", "word"),
    [
        (made(vehicle_id=None), "arrow", "one column vehicle_id, not 0"),
        (made(sample_time=None), "arrow", "one column sample_time"),
        (made(vehicle_id=pa.array([1, 2])), "arrow", "int64, not text"),
        (made(sample_time=pa.array([1, 2])), "arrow", "with a zone"),
        (made(sample_time=pa.array([1, 2], pa.timestamp("us"))), "arrow", "with a zone"),
        (made(soc_pct=pa.array(["1", "2"])), "arrow", "not numbers"),
        (made(soc_pct=pa.array([True, False])), "arrow", "not numbers"),
        (made(soc_pct=pa.array([1.0, 1.0]).dictionary_encode()), "arrow", "not numbers"),
        (made(soc_pct=pa.RunEndEncodedArray.from_arrays([2], [1.0])), "arrow", "not numbers"),
        (made(cell_temp_c=pa.array([1.0, 2.0])), "arrow", "lists of numbers"),
        (made(cell_temp_c=pa.array([["a"], None])), "arrow", "lists of numbers"),
        (made(cell_temp_c=pa.array([[0.0] * (MAX_CELLS + 1), None])), "size", "cells"),
        (made(cell_temp_c=pa.nulls(2, pa.list_(pa.float32(), 10**6))), "size", "cells"),
        (made(**{f"a{number}": pa.nulls(2) for number in range(1000)}), "size", "fields"),
        (made().slice(0, 0), "arrow", "no rows"),
        (pa.concat_tables([made().select(["soc_pct"])]).append_column("soc_pct", pa.nulls(2)), "arrow", "vehicle_id"),
        (made().append_column("soc_pct", pa.array([1, 2])), "format", "twice"),
    ],
)
def test_a_body_is_turned_away_with_its_reason(table: pa.Table, reason: str, word: str) -> None:
    found, detail = refusal(stream(table))
    assert (found, word in detail) == (reason, True), detail


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_buffers_that_are_compressed_are_refused(codec: str, dictionary: bool) -> None:
    names = pa.array(["bus-1", "bus-2"] * 500)
    table = pa.table(
        {
            "vehicle_id": names.dictionary_encode() if dictionary else names,
            "sample_time": times(*range(NOON_US, NOON_US + 1000)),
        }
    )
    assert decode([stream(table)]).rejected == []
    assert refusal(stream(table, codec))[1].startswith("buffers inside the stream are compressed")


def test_too_many_rows_are_refused() -> None:
    rows = MAX_ARROW_ROWS + 1
    table = pa.table(
        {"vehicle_id": pa.array(["a"] * rows), "sample_time": pa.array(np.zeros(rows, "<i8")).cast(TIME_TYPE)}
    )
    assert refusal(stream(table))[0] == "size"


def test_the_vehicles_must_be_those_of_the_topic() -> None:
    body = stream(made(vehicle_id=pa.array(["bus-1", "bus-1"]))).payload
    assert decode([Message(body, "arrow", "bus-1")]).rejected == []
    assert refusal(Message(body, "arrow", "bus-2"))[0] == "topic"
    assert refusal(Message(stream(made()).payload, "arrow", "bus-1"))[0] == "topic"


@pytest.mark.parametrize(
    "body", [b"", b"x", b"ARROW1\0\0", b"\xff" * 8, b"\xff\xff\xff\xff\0\0\0\x7f", b"{}", bytes(100)]
)
def test_what_is_no_stream_is_refused(body: bytes) -> None:
    assert refusal(Message(body, "arrow"))[0] == "arrow"


def test_damaged_streams_end_as_samples_or_refusals() -> None:
    rng = random.Random(1)
    dictionary = rich().set_column(1, "vehicle_id", rich()["vehicle_id"].dictionary_encode())
    whole = [stream(rich()).payload, stream(rich(), chunk=2).payload, stream(dictionary).payload]
    messages = []
    for _ in range(2_000):
        body = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 5)):
            body[rng.randrange(len(body))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        messages.append(Message(bytes(body if rng.random() < 0.8 else body[: rng.randrange(len(body))]), "arrow"))
    for message in messages:
        decoded = decode([message])
        check_accounts([message], decoded)
        check_validates(decoded)
