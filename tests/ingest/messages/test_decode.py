"""What becomes of messages: samples, faults of samples, or a refusal with its reason."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from twinpack.ingest.messages import (
    MAX_CELLS,
    MAX_SAMPLES,
    REJECT_REASONS,
    Decoded,
    Message,
    UnknownNames,
    closest_name,
    content_of,
    decode,
)
from twinpack.telemetry.schema import SIGNALS

NOON_US = 1_740_830_400_000_000
NOON = "2025-03-01T12:00:00Z"


def as_json(**fields: Any) -> Message:
    return Message(msgspec.json.encode({"vehicle": "bus-1", "time": NOON_US, **fields}))


def as_msgpack(**fields: Any) -> Message:
    return Message(msgspec.msgpack.encode({"vehicle": "bus-1", "time": NOON_US, **fields}))


ENCODINGS = [as_json, as_msgpack]


def refusal(message: Message, **limits: int) -> tuple[str, str]:
    """Reason and detail with which one message is turned away."""
    decoded = decode([message], **limits)
    assert len(decoded.readings) == 0
    (reject,) = decoded.rejected
    assert reject.message == 0
    assert reject.reason in REJECT_REASONS
    return reject.reason, reject.detail


def faults(decoded: Decoded) -> list[tuple[str, str, list[int], list[str]]]:
    return [(fault.reason, fault.action, fault.rows.tolist(), fault.details) for fault in decoded.readings.faults]


# --- samples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", ENCODINGS)
def test_a_message_is_one_sample(encode: Any) -> None:
    decoded = decode([encode(v=1, seq=7, pack_voltage_v=371.5, pack_current_a=-40, is_charging=False, soc_pct=None)])
    readings = decoded.readings
    assert readings.vehicle_ids == ("bus-1",)
    assert readings.vehicle.tolist() == [0]
    assert readings.sample_time_us.tolist() == [NOON_US]
    assert readings.receipt_time_us is None
    # The charge has no value, and so there is no such column.
    assert {name: values.tolist() for name, values in readings.signals.items()} == {
        "pack_voltage_v": [371.5],
        "pack_current_a": [-40.0],
        "is_charging": [0.0],
    }
    assert (decoded.sequence.tolist(), decoded.message.tolist(), decoded.rejected, decoded.unknown) == (
        [7],
        [0],
        [],
        {},
    )
    assert readings.faults == []


@pytest.mark.parametrize("encode", ENCODINGS)
def test_a_message_is_several_samples_in_columns(encode: Any) -> None:
    times = [NOON_US, "2025-03-01T13:00:01+01:00", NOON_US + 2_000_000.4]
    decoded = decode(
        [encode(time=times, pack_voltage_v=[1, 2.5, None], soc_pct=None, cell_temp_c=[[1, None], None, []])]
    )
    assert decoded.readings.sample_time_us.tolist() == [NOON_US, NOON_US + 1_000_000, NOON_US + 2_000_000]
    np.testing.assert_array_equal(decoded.readings.signals["pack_voltage_v"], [1, 2.5, np.nan])
    assert "soc_pct" not in decoded.readings.signals
    assert decoded.readings.lists["cell_temp_c"].to_pylist() == [[1.0, None], None, []]
    assert decoded.message.tolist() == [0, 0, 0]


def test_columns_may_be_packed() -> None:
    times = np.array([NOON_US, NOON_US + 1], "<i8").tobytes()
    cells = np.array([3.5, np.nan, 3.7, 3.8], "<f4").tobytes()
    voltage, current = np.array([370.1, np.nan], "<f8"), np.array([-1.5, 2.5], "<f4")
    message = as_msgpack(
        time=times, pack_voltage_v=voltage.tobytes(), pack_current_a=current.tobytes(), cell_voltage_v=cells
    )
    readings = decode([message]).readings
    assert readings.sample_time_us.tolist() == [NOON_US, NOON_US + 1]
    np.testing.assert_array_equal(readings.signals["pack_voltage_v"], voltage)
    np.testing.assert_array_equal(readings.signals["pack_current_a"], current)
    assert readings.lists["cell_voltage_v"].to_pylist() == [[3.5, None], [np.float32(3.7), np.float32(3.8)]]


def test_rows_are_in_the_order_of_messages_whatever_their_fields() -> None:
    messages = [
        as_json(vehicle="b", soc_pct=1, cell_voltage_v=[3.5]),
        as_msgpack(vehicle="a", time=[NOON_US, NOON_US + 1], soc_pct=[2, 3]),
        as_json(vehicle="b", soc_pct="?", speed_kmh=4),
        Message(b"{"),
        as_json(vehicle="c", cell_voltage_v=[], soc_pct=5),
    ]
    decoded = decode(messages)
    readings = decoded.readings
    assert [readings.vehicle_ids[code] for code in readings.vehicle] == ["b", "a", "a", "b", "c"]
    np.testing.assert_array_equal(readings.signals["soc_pct"], [1, 2, 3, np.nan, 5])
    np.testing.assert_array_equal(readings.signals["speed_kmh"], [np.nan, np.nan, np.nan, 4, np.nan])
    assert readings.lists["cell_voltage_v"].to_pylist() == [[3.5], None, None, None, []]
    assert decoded.message.tolist() == [0, 1, 1, 2, 4]
    assert faults(decoded) == [("number", "value cleared", [3], ["soc_pct: '?' is not a number"])]
    assert [(reject.message, reject.reason) for reject in decoded.rejected] == [(3, "json")]


def test_a_signal_may_have_several_names_in_a_batch() -> None:
    path = "Vehicle.TraveledDistance"
    messages = [
        as_json(odometer_km=1),
        as_json(**{path: 2000}),
        as_json(),
        as_json(vss=5, **{path: 4}),
        as_json(time=[NOON_US, NOON_US], **{path: [5000, None]}),
        as_json(vss=5, time=[NOON_US, NOON_US], odometer_km=[7, 8]),
        as_json(time=[NOON_US], soc_pct=[1]),
    ]
    readings = decode(messages).readings
    np.testing.assert_allclose(readings.signals["odometer_km"], [1, 2, np.nan, 4, 5, np.nan, 7, 8, np.nan])
    path = SIGNALS["cell_temp_c"].vss
    messages = [as_json(cell_temp_c=[1]), as_json(**{path: [2]}), as_json(cell_temp_c=None), as_json(cell_temp_c=[4])]
    assert decode(messages).readings.lists["cell_temp_c"].to_pylist() == [[1], [2], None, [4]]


def test_nothing_is_decoded_to_nothing() -> None:
    decoded = decode([])
    assert (len(decoded.readings), decoded.rejected, decoded.readings.signals) == (0, [], {})


# --- names ----------------------------------------------------------------------------------------------------------


def test_vss_paths_are_signals() -> None:
    paths = {signal.vss: signal for signal in SIGNALS.values() if signal.vss}
    given = {path: [1.0] if signal.kind == "list" else 1.0 for path, signal in paths.items()}
    decoded = decode([as_json(**given)])
    assert {*decoded.readings.signals, *decoded.readings.lists} == {signal.name for signal in paths.values()}
    assert decoded.unknown == {}
    values = {name: column[0] for name, column in decoded.readings.signals.items()}
    # A current that charges is positive in VSS too; the distance is in metres since its version 6.
    assert values.pop("odometer_km") == 0.001
    assert set(values.values()) == {1.0}


@pytest.mark.parametrize(("vss", "km"), [(5, 1500.0), ("5.0", 1500.0), (6, 1.5), (None, 1.5)])
def test_the_unit_of_the_distance_follows_the_vss_version(vss: Any, km: float) -> None:
    decoded = decode([as_json(vss=vss, **{"Vehicle.TraveledDistance": 1500})])
    assert decoded.readings.signals["odometer_km"].tolist() == pytest.approx([km])


def test_names_without_a_meaning_are_counted() -> None:
    decoded = decode([as_json(pack_voltge_v=1, soc_pct=2), as_msgpack(pack_voltge_v=[[{}]]), as_json()])
    assert decoded.unknown == {"pack_voltge_v": 2}
    assert len(decoded.readings) == 3
    assert closest_name("pack_voltge_v") == "pack_voltage_v"
    assert closest_name("coolant_level") is None


def test_a_new_name_without_a_meaning_is_told_once() -> None:
    names = UnknownNames()
    assert names.add({"pack_voltge_v": 2, "colour": 1}) == [
        "field 'pack_voltge_v' means nothing here and is passed over; did you mean pack_voltage_v?",
        "field 'colour' means nothing here and is passed over",
    ]
    assert names.add({"colour": 3}) == []
    assert names.counts == {"pack_voltge_v": 2, "colour": 4}
    lines = names.add({f"x{number}": 1 for number in range(200)})
    assert len(lines) == 99
    assert lines[-1].startswith("more than 100 fields")
    assert (len(names.counts), names.counts["(other names)"]) == (101, 102)


def test_names_without_a_meaning_take_bounded_room() -> None:
    decoded = decode([as_json(**{f"{number:03d}{'x' * 200}": 1 for number in range(150)}), as_json(**{"\n": 1})])
    assert len(decoded.unknown) == 101
    assert decoded.unknown["(other names)"] == 51
    assert max(map(len, decoded.unknown)) == 80


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "reason", "word"),
    [
        (Message(b""), "json", "empty"),
        (Message(b"", "msgpack"), "msgpack", "empty"),
        (Message(b"{"), "json", "truncated"),
        (Message(b'{"time":NaN}'), "json", "null"),
        (Message(b'{"time":Infinity}'), "json", "null"),
        (Message(b'{"time":1} x'), "json", "trailing"),
        (Message(b'{"time":"\xff"}'), "json", "utf-8"),
        (Message(b'{"time":"\\ud800"}'), "json", ""),
        (Message(b"\xef\xbb\xbf{}"), "json", ""),
        (Message(b"[]"), "format", "array"),
        (Message(b"17"), "format", "int"),
        (Message(b'{"time":1e999}'), "format", "range"),
        (Message(b'{"a":' * 20_000), "json", "deep"),
        (Message(b"[" * 100_000), "format", "array"),
        (Message(b"\x81\xa1a" * 60_000), "msgpack", "deep"),
        (Message(b"\x91" * 100_000), "format", "array"),
        (Message(b"\x81\x01\x02"), "format", "str"),
        (Message(b"\x80\x80"), "msgpack", "trailing"),
        (Message(b"\x81\xa4time"), "msgpack", "truncated"),
        (Message(b"\x81\xa1a\xc1"), "msgpack", "opcode"),
        (Message(b"\x81\xa1\xff\x01"), "msgpack", "utf-8"),
        (Message(b"\x81\xa1a\x81\x81\x01\x01\x02"), "msgpack", "hashable"),
        (Message(b"\xdf\xff\xff\xff\xff"), "msgpack", "truncated"),
        (as_json(v=2), "version", "knows version 1"),
        (as_json(v=True), "version", "true"),
        (as_json(v=1.0), "version", "1.0"),
        (as_json(vss=4), "version", "5 and 6"),
        (as_json(vss=[]), "version", "a list"),
        (as_json(vehicle=None), "vehicle", "no vehicle"),
        (as_json(vehicle=7), "vehicle", "not a text"),
        (as_json(vehicle=""), "vehicle", "allowed"),
        (as_json(vehicle="../x"), "vehicle", "allowed"),
        (Message(b'{"vehicle":"a"}'), "time", "no time"),
        (as_json(seq=-1), "format", "seq"),
        (as_json(seq=2**63), "format", "seq"),
        (as_json(seq="1"), "format", "seq"),
        (as_json(seq=True), "format", "seq"),
        (as_json(time=[]), "format", "no sample"),
        (as_msgpack(time=b"1234567"), "format", "8 a sample"),
        (as_json(time=[NOON], soc_pct=1), "format", "one of equal length"),
        (as_json(time=[NOON], soc_pct=[1, 2]), "format", "2 values for 1 times"),
        (as_msgpack(time=[NOON], soc_pct=b"12345"), "format", "packed"),
        (as_json(time=[NOON], cell_temp_c=[[1], [2]]), "format", "2 lists for 1 times"),
        (as_json(time=[NOON], cell_temp_c="x"), "format", "one of equal length"),
        (as_msgpack(time=[NOON, NOON], cell_temp_c=b"1234"), "format", "4 a cell"),
        (as_msgpack(cell_temp_c=b"123"), "format", "4 a cell"),
        (as_json(soc_pct=1, **{SIGNALS["soc_pct"].vss: 1}), "format", "twice"),
        (as_json(time=[NOON] * (MAX_SAMPLES + 1)), "size", "samples"),
        (as_json(cell_temp_c=[1] * (MAX_CELLS + 1)), "size", "cells"),
        (as_json(time=[NOON], cell_temp_c=[[1] * (MAX_CELLS + 1)]), "size", "cells"),
        (as_msgpack(cell_temp_c=bytes(4 * MAX_CELLS + 4)), "size", "cells"),
        (as_msgpack(time=[NOON], cell_temp_c=bytes(4 * MAX_CELLS + 4)), "size", "cells"),
        (as_json(**{f"a{number}": 1 for number in range(1001)}), "size", "fields"),
    ],
)
def test_a_message_is_turned_away_with_its_reason(message: Message, reason: str, word: str) -> None:
    found, detail = refusal(message)
    assert found == reason
    assert word in detail
    assert len(detail) < 300


def test_a_message_that_is_too_large_is_not_read() -> None:
    message = as_json(soc_pct=1)
    assert refusal(message, max_bytes=len(message.payload) - 1)[0] == "size"
    assert decode([message], max_bytes=len(message.payload)).rejected == []


def test_the_vehicle_must_be_that_of_the_topic() -> None:
    body = b'{"vehicle":"bus-1","time":1740830400000000}'
    assert decode([Message(body, topic_vehicle="bus-1")]).rejected == []
    assert refusal(Message(body, topic_vehicle="bus-2"))[0] == "topic"
    bare = b'{"time":1740830400000000}'
    assert decode([Message(bare, topic_vehicle="bus-2")]).readings.vehicle_ids == ("bus-2",)
    assert refusal(Message(bare, topic_vehicle="b/2"))[0] == "vehicle"


def test_a_field_that_is_there_twice_counts_as_it_stands_last() -> None:
    body = b'{"vehicle":"a","time":1740830400000000,"soc_pct":1,"soc_pct":2}'
    assert decode([Message(body)]).readings.signals["soc_pct"].tolist() == [2]


def test_the_first_byte_tells_the_encoding() -> None:
    assert content_of(msgspec.msgpack.encode({})) == "msgpack"
    assert content_of(msgspec.msgpack.encode({str(number): 1 for number in range(20)})) == "msgpack"
    assert {content_of(text) for text in (b"", b"{}", b" {}", b"\xef\xbb\xbf{}", b"x")} == {"json"}
