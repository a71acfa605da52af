"""What becomes of the values of messages: numbers, flags, lists and times."""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from tests.ingest.messages.test_decode import as_json, as_msgpack, faults
from twinpack.ingest.messages import Message, decode
from twinpack.ingest.messages.table import MAX_TOLD
from twinpack.telemetry.schema import SIGNALS

NOON_US = 1_740_830_400_000_000
NOON = "2025-03-01T12:00:00Z"


@pytest.mark.parametrize("value", ["4", True, [1], {"a": 1}])
def test_what_is_no_number_rejects_the_row_for_voltage_and_current(value: Any) -> None:
    for name, action in (("pack_current_a", "row rejected"), ("speed_kmh", "value cleared")):
        decoded = decode([as_json(**{name: 7}), as_json(**{name: value})])
        ((reason, found, rows, _),) = faults(decoded)
        assert (reason, found, rows) == ("number", action, [1])
        np.testing.assert_array_equal(decoded.readings.signals[name], [7, np.nan])


def test_flags_may_be_numbers_and_nothing_else() -> None:
    decoded = decode([as_json(is_charging=value) for value in (True, False, 1, 0.0, None, "yes")])
    np.testing.assert_array_equal(decoded.readings.signals["is_charging"], [1, 0, 1, 0, np.nan, np.nan])
    assert [fault[2] for fault in faults(decoded)] == [[5]]


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_in_a_column_of_numbers_is_found(flag: bool) -> None:
    decoded = decode([as_json(time=[NOON] * 3, soc_pct=[50.5, flag, 60])])
    np.testing.assert_array_equal(decoded.readings.signals["soc_pct"], [50.5, np.nan, 60])
    assert [fault[2] for fault in faults(decoded)] == [[1]]


def test_a_huge_number_is_infinite() -> None:
    body = b'{"vehicle":"a","time":1740830400000000,"soc_pct":-HUGE,"cell_temp_c":[HUGE,1e300,1]}'
    readings = decode([Message(body.replace(b"HUGE", b"9" * 400))]).readings
    assert readings.signals["soc_pct"].tolist() == [-np.inf]
    assert readings.lists["cell_temp_c"].to_pylist() == [[np.inf, np.inf, 1.0]]


def test_an_element_that_is_no_number_is_missing_and_told_once() -> None:
    decoded = decode([as_json(time=[NOON] * 3, cell_temp_c=[[1, "a", "b"], [2], 7])])
    assert decoded.readings.lists["cell_temp_c"].to_pylist() == [[1.0, None, None], [2.0], None]
    assert [fault[2:] for fault in faults(decoded)] == [
        ([0, 2], ["cell_temp_c: 'a' is not a number", "cell_temp_c: 7 is not a number"])
    ]


def test_what_is_wrong_all_over_a_message_is_told_for_some() -> None:
    rows = 50
    spoilt = as_json(time=[7] * rows, soc_pct=["x"] * rows)
    decoded = decode([spoilt, spoilt])
    for reason, _, found, details in faults(decoded):
        assert (reason in ("time", "number"), found) == (True, list(range(2 * rows)))
        assert details[:rows] == details[rows:]
        assert (
            details[0]
            == details[MAX_TOLD - 1]
            != details[MAX_TOLD]
            == details[-1]
            == "more of this in the same message"
        )


def test_memory_is_bounded_by_the_bytes_that_came() -> None:
    ones, nulls = b",".join([b"1"] * 10_000), b"".join(b',"%s":null' % name.encode() for name in SIGNALS)
    texts = b'{"vehicle":"a","time":[%s],"soc_pct":[%s]}' % (ones, b",".join([b'""'] * 10_000))
    bare = b'{"vehicle":"a","time":[%s]%s}' % (ones, nulls)
    nested = b'{"vehicle":"a","time":1,"x":[%s]}' % b",".join([b"{}"] * 80_000)
    for payload in (texts, bare, nested):
        messages = [Message(payload)] * (200_000 // len(payload) + 1)
        tracemalloc.start()
        decode(messages)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100 * sum(len(message.payload) for message in messages)


@pytest.mark.parametrize(
    ("time", "micros"),
    [
        (NOON_US, 0),
        (NOON_US + 0.75, 1),
        ("2025-03-01T12:00:00Z", 0),
        ("2025-03-01t12:00:00z", 0),
        ("2025-03-01 12:00:00.5Z", 500_000),
        ("2025-03-01T12:00:00.123456789Z", 123_456),
        ("2025-03-01T13:30:00.000001+01:30", 1),
    ],
)
def test_a_time_is_text_with_a_zone_or_microseconds(time: Any, micros: int) -> None:
    for encode in (as_json, as_msgpack):
        decoded = decode([encode(time=time), encode(time=[time])])
        assert decoded.readings.sample_time_us.tolist() == [NOON_US + micros] * 2
        assert decoded.readings.faults == []


def test_a_timestamp_of_messagepack_is_a_time() -> None:
    moment = datetime.fromisoformat(NOON)
    assert decode([as_msgpack(time=moment)]).readings.sample_time_us.tolist() == [NOON_US]


@pytest.mark.parametrize(
    ("time", "word"),
    [
        (None, "missing"),
        ("", "zone"),
        ("2025-03-01T12:00:00", "zone"),
        ("2025-03-01", "zone"),
        ("2025-02-30T12:00:00Z", "zone"),
        ("0001-01-01T00:00:00+23:00", "1990"),
        (True, "true"),
        ({}, "an object"),
        (10**30, "more than 20 digits"),
        (1e300, "1e+300"),
        (NOON_US // 1_000_000, "seconds, multiply by 1,000,000"),
        (NOON_US // 1_000, "milliseconds, multiply by 1,000"),
        (NOON_US * 1_000, "nanoseconds, divide by 1,000"),
        ("1970-01-01T00:00:00Z", "1990"),
        ("2100-01-01T00:00:00Z", "2100"),
        (-1, "1990"),
    ],
)
def test_a_wrong_time_rejects_the_row(time: Any, word: str) -> None:
    decoded = decode([as_json(), as_json(time=time), as_json(time=[NOON, time])])
    ((reason, action, rows, details),) = faults(decoded)
    assert (reason, action, rows) == ("time", "row rejected", [1, 3])
    assert all(word in detail for detail in details)
    assert decoded.readings.sample_time_us[2] == NOON_US
