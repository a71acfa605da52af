from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.log.logs import samples as _samples
from twinpack.errors import WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.history import LogHistory
from twinpack.telemetry.schema import LOG, SAMPLE_KINDS, TELEMETRY, command_rows, tick_row, to_log


def _rows(start: int, count: int, vehicle: str = "car-1") -> pa.Table:
    ids = [vehicle] * count
    times = [1_000_000 * (start + i) for i in range(count)]
    return to_log(command_rows(ids, times, ["{}"] * count).select(TELEMETRY.names))


def _times(parts: list[tuple[int, pa.Table]]) -> list[int]:
    return [t // 1_000_000 for _, table in parts for t in table.column("sample_time").cast(pa.int64()).to_pylist()]


def test_an_empty_log(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path / "log")
    assert (log.end_offset, log.sources(), list(log.read(0, 10))) == (0, {}, [])
    assert not log.needs_tick()


def test_segments_carry_their_first_offset_and_what_the_writer_noted(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    assert log.append([_rows(0, 3), _rows(3, 2)], {"source_sha256": "aa", "source_name": "x.csv"}) == (0, 5)
    assert log.append([_rows(5, 1, "car-2"), tick_row(7_000_000)]) == (5, 7)
    assert sorted(p.name for p in tmp_path.glob("*.parquet")) == [f"{0:020d}.parquet", f"{5:020d}.parquet"]
    again = SegmentLog(tmp_path)
    assert again.end_offset == 7
    assert again.sources() == {"aa": "x.csv"}
    assert again.last_sample_us() == {"car-1": 4_000_000, "car-2": 5_000_000}
    assert again.last_receipt_us() == 5_000_000
    assert not again.needs_tick()
    again.append([command_rows(["car-1"], [9], ["{}"])])
    assert not again.needs_tick()
    again.append([_rows(9, 1)])
    assert again.needs_tick()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.data())
def test_read_gives_every_row_once_from_any_offset(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    log = SegmentLog(tmp_path_factory.mktemp("log"))
    for size in sizes:
        log.append([_rows(log.end_offset, size)])
    start = data.draw(st.integers(0, sum(sizes)))
    max_rows = data.draw(st.integers(1, 10))
    parts = list(log.read(start, max_rows))
    assert _times(parts) == list(range(start, sum(sizes)))
    assert [offset for offset, _ in parts] == list(range(start, sum(sizes), max_rows))
    assert all(table.num_rows <= max_rows and table.schema == LOG for _, table in parts)


def test_a_segment_that_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)

    def broken() -> object:
        yield _rows(0, 3)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        log.append(broken())  # type: ignore[arg-type]
    assert log.end_offset == 0
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


def test_leftovers_of_a_dead_writer_are_not_read_and_go_away(tmp_path: Path) -> None:
    leftover = tmp_path / f"{0:020d}.parquet.tmp"
    leftover.write_bytes(b"half")
    log = SegmentLog(tmp_path)
    assert log.end_offset == 0
    log.append([_rows(0, 1)])
    assert not leftover.exists()
    assert log.end_offset == 1


def test_nothing_to_append_makes_no_segment(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    assert log.append([]) == (0, 0)
    assert log.segments() == []


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    for start in range(3):
        log.append([_rows(start, 1)])
    (tmp_path / f"{1:020d}.parquet").unlink()
    with pytest.raises(WorkspaceError, match="no row 1"):
        list(log.read(0, 10))


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{0:020d}.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        SegmentLog(tmp_path).segments()


def test_reading_past_the_end_is_refused(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([_rows(0, 2)])
    assert list(log.read(2, 5)) == []
    with pytest.raises(WorkspaceError, match="ends at 2"):
        list(log.read(3, 5))


def test_two_writers_take_turns(tmp_path: Path) -> None:
    def write(vehicle: str) -> None:
        log = SegmentLog(tmp_path)
        for _ in range(5):
            log.append([_rows(0, 3, vehicle)])

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = SegmentLog(tmp_path)
    assert log.end_offset == 30
    assert len(log.segments()) == 10


def test_a_reader_sees_what_was_appended_after_it_opened(tmp_path: Path) -> None:
    reader, writer = SegmentLog(tmp_path), SegmentLog(tmp_path)
    assert reader.end_offset == 0
    writer.append([_rows(0, 2)])
    assert reader.end_offset == 2


def test_commands_are_found_wherever_they_stand(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([_rows(0, 2)])
    log.append([command_rows(["a", "b"], [3, 4], ['{"n":1}', '{"n":2}']), _rows(5, 1)])
    log.append([tick_row(6)])
    assert list(log.commands()) == ['{"n":1}', '{"n":2}']


def test_signals_that_are_not_wanted_are_left_out(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([_rows(0, 2), command_rows(["a"], [3], ["{}"])])
    ((start, whole),) = log.read()
    ((first, part),) = log.read(signals=["soc_pct", "pack_voltage_v"])
    names = ["vehicle_id", "sample_time", "receipt_time", "pack_voltage_v", "soc_pct", "kind", "command"]
    assert (start, part.column_names) == (first, names)
    assert part.equals(whole.select(names))


def test_a_segment_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    summary = {"last_sample_us": {"car-1": 5_000_000}, "last_receipt_us": 5_000_000, "ends_with_tick": False}
    with pq.ParquetWriter(tmp_path / f"{0:020d}.parquet", LOG) as writer:
        writer.write_table(_samples([1, 5]))
        writer.add_key_value_metadata({"twinpack.summary": json.dumps(summary)})
    log = SegmentLog(tmp_path)
    assert (log.last_sample_us(), log.last_receipt_us(), log.needs_tick()) == ({"car-1": 5_000_000}, 5_000_000, True)
    found = LogHistory(log).find(("car-1",), np.array([0, 0]), np.array([1_000_000, 2_000_000]))
    assert found.known.tolist() == [True, False]


@pytest.mark.parametrize("kind", SAMPLE_KINDS)
def test_samples_count_whatever_the_routing_rules_decided(tmp_path: Path, kind: int) -> None:
    log = SegmentLog(tmp_path)
    log.append([_samples([1, 5], kind=kind)])
    assert (log.last_sample_us(), log.last_receipt_us(), log.needs_tick()) == ({"car-1": 5_000_000}, 5_000_000, True)


def test_a_segment_cut_in_half_says_what_to_do(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([_samples(range(1000))])
    path = log.segments()[0].path
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WorkspaceError, match=r"cannot be read .*; restore this file from a backup") as caught:
        SegmentLog(tmp_path).segments()
    assert str(path) in str(caught.value)


def test_leftovers_of_a_living_writer_stay(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    with log.new_segment() as segment:
        segment.write(_rows(0, 3))
        SegmentLog(tmp_path).append([_rows(0, 1)])
        segment.finish({})
        with log.lock():
            assert segment.place(log.next_offset()) == (1, 4)
    assert _times(list(log.read())) == [0, 0, 1, 2]
