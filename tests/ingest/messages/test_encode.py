"""Messages that are written are read again as what they were."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from twinpack.ingest.messages import Message, decode
from twinpack.ingest.messages.encode import Encoder, Encoding
from twinpack.telemetry.schema import TIME_TYPE

START_US = 1_750_000_000_123_456


def table(rows: int, vehicles: int = 3) -> pa.Table:
    """Samples of several vehicles in turn; every signal is missing now and then, and cells everywhere but in a few."""
    random = np.random.default_rng(4)
    number = np.arange(rows)
    voltage = random.normal(380.0, 7.0, rows)
    return pa.table(
        {
            "vehicle_id": [f"CAR-{row % vehicles}" for row in range(rows)],
            "sample_time": pa.array(START_US + number * 1_000_000).cast(TIME_TYPE),
            "pack_voltage_v": pa.array(voltage, mask=number % 7 == 0),
            "pack_current_a": pa.array(random.normal(0, 100, rows) / 3.0),
            "is_charging": pa.array([None if row % 5 == 0 else row % 2 == 0 for row in range(rows)]),
            "cell_voltage_v": pa.array(
                [[3.7, 3.71, None] if row % 4 == 0 else None for row in range(rows)], pa.list_(pa.float32())
            ),
            "load_kg": pa.nulls(rows, pa.float64()),
        }
    )


@pytest.mark.parametrize("samples", [1, 4, 1000])
@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_what_is_written_is_read_again_bit_for_bit(encoding: Encoding, samples: int) -> None:
    given = table(100)
    written = list(Encoder(encoding, samples).messages(given))
    assert sum(message.samples for message in written) == 100
    assert all(message.samples <= samples for message in written)
    decoded = decode([Message(message.payload, encoding, message.vehicle_id) for message in written])
    assert decoded.rejected == [] and decoded.readings.faults == [] and decoded.unknown == {}
    readings = decoded.readings
    ids = [readings.vehicle_ids[index] for index in readings.vehicle]
    order = np.lexsort((readings.sample_time_us, np.array(ids)))
    wanted = given.sort_by([("vehicle_id", "ascending"), ("sample_time", "ascending")])
    assert [ids[row] for row in order] == wanted["vehicle_id"].to_pylist()
    np.testing.assert_array_equal(readings.sample_time_us[order], np.asarray(wanted["sample_time"].cast(pa.int64())))
    for name in ("pack_voltage_v", "pack_current_a", "is_charging"):
        expected = wanted[name].cast(pa.float64()).to_numpy()
        np.testing.assert_array_equal(readings.signals[name][order], expected)
    assert readings.lists["cell_voltage_v"].take(pa.array(order)).to_pylist() == wanted["cell_voltage_v"].to_pylist()
    assert "load_kg" not in readings.signals


def test_a_json_message_is_what_a_person_expects() -> None:
    first = next(iter(Encoder().messages(table(2))))
    body = msgspec.json.decode(first.payload)
    assert body["time"] == "2025-06-15T15:06:40.123456Z"
    assert datetime.fromisoformat(body["time"]) == datetime.fromtimestamp(START_US / 1e6, UTC)
    assert {key: body[key] for key in ("v", "vehicle", "seq")} == {"v": 1, "vehicle": "CAR-0", "seq": 1}
    assert "pack_voltage_v" not in body and "load_kg" not in body


def test_messages_come_in_the_order_of_their_last_rows_and_do_not_span_a_pause() -> None:
    given = table(12)
    late = pa.array(START_US + np.array([*range(6), *range(10_000, 10_006)]) * 1_000_000).cast(TIME_TYPE)
    given = given.set_column(1, "sample_time", late)
    written = list(Encoder("msgpack", 100).messages(given))
    assert [message.row for message in written] == [3, 4, 5, 9, 10, 11]
    assert [message.samples for message in written] == [2] * 6


def test_counters_go_on_over_tables() -> None:
    encoder = Encoder()
    numbers = [
        msgspec.json.decode(message.payload)["seq"] for _ in range(2) for message in encoder.messages(table(2, 1))
    ]
    assert numbers == [1, 2, 3, 4]
