from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.telemetry.duplicates import CONFLICT, DUPLICATE, FIRST, DuplicateWindow, row_hashes, table_hashes
from twinpack.telemetry.readings import Readings
from twinpack.telemetry.schema import SIGNALS
from twinpack.telemetry.validate import Validator

ROWS = 4
_VALUES = {
    "pack_voltage_v": st.sampled_from([float("nan"), 0.0, -0.0, 380.1, 390.0]),
    "pack_current_a": st.sampled_from([float("nan"), 0.0, -0.0, 0.1]),
    "is_charging": st.sampled_from([float("nan"), 0.0, 1.0, 0.5]),
}
_CELLS = st.one_of(st.none(), st.lists(st.sampled_from([None, float("nan"), 3.7, 0.0, -0.0, 0.1]), max_size=3))


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Signals and lists as a source gives them; some signals are absent."""
    given_ = draw(st.sets(st.sampled_from(sorted(_VALUES))))
    signals = {name: np.array(draw(st.lists(_VALUES[name], min_size=ROWS, max_size=ROWS))) for name in sorted(given_)}
    lists = {}
    if draw(st.booleans()):
        cells = draw(st.lists(_CELLS, min_size=ROWS, max_size=ROWS))
        lists["cell_voltage_v"] = pa.array(cells, pa.list_(pa.float32()))
    return signals, lists


@settings(max_examples=80, deadline=None)
@given(arrival=arrivals())
def test_a_row_has_one_hash_whether_it_arrives_or_is_read_back(arrival: tuple[dict[str, Any], dict[str, Any]]) -> None:
    signals, lists = arrival
    times = np.arange(ROWS, dtype=np.int64) + 1_700_000_000_000_000
    readings = Readings(("car",), np.zeros(ROWS, np.int32), times, None, signals, lists)
    samples = Validator().check(readings).samples
    buffer = pa.BufferOutputStream()
    pq.write_table(samples, buffer)
    stored = pq.read_table(pa.BufferReader(buffer.getvalue()))
    kept = [name for name in stored.column_names if stored.column(name).null_count < ROWS]
    expected = row_hashes(signals, lists, ROWS).tolist()
    assert table_hashes(stored).tolist() == table_hashes(stored.select(kept)).tolist() == expected
    assert table_hashes(pa.concat_tables([stored, stored]).slice(ROWS)).tolist() == expected


def test_other_values_make_another_hash() -> None:
    def cells(*values: float | None) -> dict[str, Any]:
        return {"cell_voltage_v": pa.array([list(values)], pa.list_(pa.float32()))}

    nothing: dict[str, Any] = {}
    rows = [
        *(({name: np.array([1.0])}, nothing) for name in SIGNALS if SIGNALS[name].kind != "list"),
        ({"speed_kmh": np.array([0.0])}, nothing),
        ({"is_charging": np.array([0.0])}, nothing),
        *((nothing, cells(*values)) for values in ((1, 2), (2, 1), (1, 2, None), (None, 1, 2), (1,), (2,), (0, 0))),
        (nothing, {"cell_temp_c": pa.array([[1, 2]], pa.list_(pa.float32()))}),
        (nothing, nothing),
    ]
    assert len({int(row_hashes(signals, lists, 1)[0]) for signals, lists in rows}) == len(rows)


def test_a_window_finds_repeats_of_earlier_tables_as_far_as_it_reaches() -> None:
    window = DuplicateWindow(rows=2)
    vehicle, hashes = np.zeros(3, np.int64), np.array([1, 2, 3], np.uint64)
    assert window.judge(vehicle, np.array([10, 11, 12]), hashes).tolist() == [FIRST] * 3
    again = window.judge(vehicle, np.array([10, 11, 12]), np.array([1, 2, 9], np.uint64))
    assert again.tolist() == [FIRST, DUPLICATE, CONFLICT]
