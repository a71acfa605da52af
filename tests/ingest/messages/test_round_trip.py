"""Whatever a vehicle can measure comes through every encoding to the bit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.ingest.messages import Content, Message, decode
from twinpack.telemetry.checks import EARLIEST_US, LATEST_US
from twinpack.telemetry.schema import LIST_SIGNALS, SCALAR_SIGNALS, SIGNALS

Row = dict[str, Any]

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
NARROW = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)
TIMES = st.integers(EARLIEST_US, LATEST_US - 1)
VEHICLES = st.sampled_from(["a", "bus-1", "X_2.b", "9" * 64])


def value_of(name: str) -> st.SearchStrategy[Any]:
    kind = SIGNALS[name].kind
    if kind == "list":
        return st.none() | st.lists(NARROW, max_size=5)
    return st.none() | st.booleans() if kind == "bool" else FLOATS


@st.composite
def rows_of_one_vehicle(draw: st.DrawFn) -> tuple[str, list[Row]]:
    """Rows that all have the same signals."""
    names = draw(st.lists(st.sampled_from(list(SIGNALS)), unique=True, max_size=8))
    rows = draw(st.lists(st.fixed_dictionaries({name: value_of(name) for name in names}), min_size=1, max_size=6))
    times = draw(st.lists(TIMES, min_size=len(rows), max_size=len(rows)))
    return draw(VEHICLES), [{"time": time, **row} for time, row in zip(times, rows, strict=True)]


MESSAGES = st.lists(rows_of_one_vehicle(), min_size=1, max_size=5)


def message(fields: dict[str, Any], content: Content) -> Message:
    encoder = msgspec.json.encode if content == "json" else msgspec.msgpack.encode
    return Message(encoder(fields), content)


def check(given_rows: list[tuple[str, Row]], messages: list[Message]) -> None:
    """The messages hold exactly these rows."""
    decoded = decode(messages)
    readings = decoded.readings
    assert (decoded.rejected, decoded.unknown, readings.faults) == ([], {}, [])
    assert [readings.vehicle_ids[code] for code in readings.vehicle] == [vehicle for vehicle, _ in given_rows]
    assert readings.sample_time_us.tolist() == [row["time"] for _, row in given_rows]
    # A signal without a value in any row has no column.
    present = {name for _, row in given_rows for name in row if name != "time" and has_value(row[name])}
    assert {*readings.signals, *readings.lists} == present
    for name in present & set(SCALAR_SIGNALS):
        wanted = np.array([row.get(name) for _, row in given_rows], np.float64)
        assert bits(readings.signals[name]) == bits(wanted)
    for name in present & set(LIST_SIGNALS):
        listed = readings.lists[name].to_pylist()
        assert [None if cells is None else bits32(cells) for cells in listed] == [
            None if row.get(name) is None else bits32(row[name]) for _, row in given_rows
        ]


def has_value(value: Any) -> bool:
    return value is not None and value == value


def bits(values: npt.NDArray[np.float64]) -> list[int]:
    found: list[int] = values.view(np.uint64).tolist()
    return found


def bits32(cells: list[float | None]) -> list[int]:
    found: list[int] = np.array(cells, np.float32).view(np.uint32).tolist()
    return found


def flat(messages: list[tuple[str, list[Row]]]) -> list[tuple[str, Row]]:
    return [(vehicle, row) for vehicle, rows in messages for row in rows]


def as_text(time_us: int) -> str:
    return (EPOCH + dt.timedelta(microseconds=time_us)).isoformat()


@given(MESSAGES, st.sampled_from(["json", "msgpack"]), st.booleans())
def test_single_samples_come_through(messages: list[tuple[str, list[Row]]], content: Content, text: bool) -> None:
    rows = flat(messages)
    sent = [{**row, "time": as_text(row["time"]) if text else row["time"], "vehicle": name} for name, row in rows]
    check(rows, [message(fields, content) for fields in sent])


@given(MESSAGES, st.sampled_from(["json", "msgpack"]))
def test_columns_come_through(messages: list[tuple[str, list[Row]]], content: Content) -> None:
    sent = [{"vehicle": name, **{key: [row[key] for row in rows] for key in rows[0]}} for name, rows in messages]
    check(flat(messages), [message(fields, content) for fields in sent])


@given(MESSAGES, st.booleans())
def test_packed_columns_come_through(messages: list[tuple[str, list[Row]]], narrow: bool) -> None:
    packed: list[Message] = []
    wanted: list[tuple[str, Row]] = []
    for name, rows in messages:
        scalars = [key for key in rows[0] if key in SCALAR_SIGNALS]
        columns = {key: as_column([row[key] for row in rows], narrow) for key in scalars}
        times = np.array([row["time"] for row in rows], "<i8").tobytes()
        fields = {"vehicle": name, "time": times, **{key: column.tobytes() for key, column in columns.items()}}
        packed.append(message(fields, "msgpack"))
        for place, row in enumerate(rows):
            values = {key: float(column[place]) for key, column in columns.items()}
            wanted.append((name, {"time": row["time"], **values}))
    check(wanted, packed)


def as_column(values: list[Any], narrow: bool) -> npt.NDArray[np.floating[Any]]:
    with np.errstate(over="ignore"):
        return np.array(values, np.float64).astype("<f4" if narrow else "<f8")


@given(st.integers(1, 5).flatmap(lambda cells: st.lists(st.lists(NARROW, min_size=cells, max_size=cells), min_size=1)))
def test_packed_cells_come_through(cells: list[list[float | None]]) -> None:
    rows: list[Row] = [{"time": EARLIEST_US + place, "cell_voltage_v": row} for place, row in enumerate(cells)]
    times = [row["time"] for row in rows]
    fields = {"vehicle": "a", "time": times, "cell_voltage_v": np.array(cells, "<f4").tobytes()}
    check([("a", row) for row in rows], [message(fields, "msgpack")])
    single = [
        {"vehicle": "a", "time": row["time"], "cell_voltage_v": np.array(row["cell_voltage_v"], "<f4").tobytes()}
        for row in rows
    ]
    check([("a", row) for row in rows], [message(fields, "msgpack") for fields in single])


@settings(max_examples=20)
@given(st.integers(200, 700), st.randoms(use_true_random=False))
def test_many_messages_keep_their_order(count: int, rng: Any) -> None:
    """More messages than are held before they are converted, of several shapes in turn."""
    rows: list[tuple[str, Row]] = []
    sent: list[Message] = []
    for place in range(count):
        name = rng.choice(["soc_pct", "speed_kmh", "cell_temp_c"])
        row = {"time": EARLIEST_US + place, name: [float(place)] if name == "cell_temp_c" else place}
        rows.append((f"bus-{place % 9}", row))
        sent.append(message({"vehicle": f"bus-{place % 9}", **row}, rng.choice(["json", "msgpack"])))
    check(rows, sent)
