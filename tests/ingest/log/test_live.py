from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from tests.ingest.log.logs import SECOND_US, BrokenSink, letters, names, opened, samples, seconds_of
from twinpack.errors import WorkspaceBusyError, WorkspaceError
from twinpack.ingest.log import LogMovedError, SegmentLog, Watchers, Written
from twinpack.ingest.log.tidy import merge
from twinpack.ingest.log.unsealed import frames_of
from twinpack.ingest.log.wal import WalWriter, new_wal
from twinpack.ingest.records import MemoryDeadLetters
from twinpack.telemetry.schema import LOG


def test_rows_can_be_read_before_and_after_they_are_sealed(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        assert [live.append(samples(range(3))), live.append(samples(range(3, 5)))] == [0, 3]
        ((first, table),) = live.read(1)
        assert (first, seconds_of([(first, table)]), table.schema) == (1, [1, 2, 3, 4], LOG)
        assert names(tmp_path, ".parquet") == []
        live.seal()
        live.append(samples(range(5, 7)))
        assert seconds_of(live.read(0)) == list(range(7))
        assert [offset for offset, _ in live.read(1, 2)] == [1, 3, 5]
        assert seconds_of(SegmentLog(tmp_path).read(0)) == list(range(5))
    assert seconds_of(SegmentLog(tmp_path).read(0)) == list(range(7))
    assert names(tmp_path, ".wal") == []


def test_dead_letters_reach_the_sink_once_when_they_are_sealed(tmp_path: Path) -> None:
    sink = MemoryDeadLetters()
    with opened(tmp_path, sink) as live:
        live.append(samples(range(2)), letters(3))
        live.append(LOG.empty_table(), letters(2, "time"))
        assert sink.table.num_rows == 0
        live.seal()
        assert sink.table.column("reason").to_pylist() == ["json"] * 3 + ["time"] * 2
        live.append(LOG.empty_table(), letters(2, "time"))  # the same letters again are others
    assert sink.table.num_rows == 7
    assert SegmentLog(tmp_path).end_offset == 2


def test_a_second_gateway_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    with (
        opened(tmp_path),
        pytest.raises(WorkspaceBusyError, match=r"another gateway \(process \d+\)"),
        opened(tmp_path),
    ):
        pass
    with opened(tmp_path):
        pass


def test_segments_are_sealed_by_rows_and_by_age(tmp_path: Path) -> None:
    done = threading.Semaphore(0)
    told: list[tuple[int, int]] = []

    def sealed(first: int, end: int) -> None:
        told.append((first, end))
        done.release()

    with opened(tmp_path, segment_rows=10, watchers=Watchers(sealed=sealed)) as live:
        live.append(samples(range(12)))
        assert done.acquire(timeout=60)
        assert live.end_offset == SegmentLog(tmp_path).end_offset == 12
    with opened(tmp_path, segment_age_s=0.01, watchers=Watchers(sealed=sealed)) as live:
        live.append(samples(range(12, 13)))
        assert done.acquire(timeout=60)
        assert SegmentLog(tmp_path).end_offset == 13
    assert told == [(0, 12), (12, 13)]


def test_rows_of_an_import_take_their_place_behind_what_is_not_sealed(tmp_path: Path) -> None:
    other = SegmentLog(tmp_path)
    with opened(tmp_path) as live:
        live.append(samples(range(3)))
        assert other.append([samples(range(3, 5))], {"source_sha256": "aa", "source_name": "x"}) == (3, 5)
        assert (other.end_offset, other.sources()) == (0, {"aa": "x"})
        assert live.append(samples(range(5, 6))) == 5
        assert other.append([samples(range(6, 7))]) == (6, 7)
        assert live.imported() == [{"car-1": 4 * SECOND_US}, {"car-1": 6 * SECOND_US}]
        assert live.imported(2) == []
        assert seconds_of(live.read(0)) == list(range(7))
        live.seal()
        assert seconds_of(other.read(0)) == list(range(7))


def test_an_append_says_when_the_log_moved_since_its_rows_were_compared(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(3)))
        SegmentLog(tmp_path).append([samples(range(3, 5))])
        with pytest.raises(LogMovedError):
            live.append(samples(range(5, 6)), compared_to=3)
        assert live.append(samples(range(5, 6)), compared_to=5) == 5
    assert seconds_of(SegmentLog(tmp_path).read()) == list(range(6))


def test_reading_past_the_end_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(3)))
        assert list(live.read(3)) == []
        with pytest.raises(WorkspaceError, match="ends at 3"):
            live.read(4)


def test_wait_is_woken_by_an_append(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        assert not live.wait(0, 0.0)
        found: list[bool] = []
        waiting = threading.Thread(target=lambda: found.append(live.wait(0, 60.0)))
        waiting.start()
        live.append(samples([1]))
        waiting.join()
        assert found == [True]


def test_many_small_appends_are_held_in_few_tables(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        for second in range(520):
            live.append(samples([second], volt=400.0 if second % 2 else float("nan")))
        assert seconds_of(live.read(255, 100)) == list(range(255, 520))
        live.seal()
        rows = pa.concat_tables([table for _, table in live.read()])
    assert rows.num_rows == 520
    assert rows.column("pack_voltage_v").to_pylist()[1::2] == [400.0] * 260


def test_each_write_is_told(tmp_path: Path) -> None:
    told: list[Written] = []
    with opened(tmp_path, watchers=Watchers(written=told.append)) as live:
        live.append(samples(range(3)), letters(2))
    assert [(write.rows, write.letters) for write in told] == [(3, 2)]
    assert told[0].bytes > 100 and told[0].sync_s > 0


def test_rows_that_were_imported_and_merged_at_once_are_not_overlooked(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(3)))
        live.seal()
        other = SegmentLog(tmp_path)
        other.append([samples(range(3, 5))])
        assert merge(other, 5) == 2  # the name of what was imported is gone again
        assert live.append(samples(range(5, 6))) == 5
        assert live.imported() == [{"car-1": 4 * SECOND_US}]
        assert merge(other, 99) == 0
        live.append(samples(range(6, 7)))
        assert seconds_of(live.read()) == list(range(7))
    assert seconds_of(SegmentLog(tmp_path).read()) == list(range(7))


def test_dead_letters_that_a_dead_gateway_left_wait_for_the_lake(tmp_path: Path) -> None:
    writer = WalWriter(new_wal(tmp_path, 0))
    writer.append(frames_of(samples(range(3)), letters(2)))
    writer.close()
    sink, told = BrokenSink(), threading.Event()
    with opened(tmp_path, sink, watchers=Watchers(problem=lambda _: told.set())) as live:
        assert live.append(samples(range(3, 4))) == 3
        assert told.wait(60)
        assert live.unsealed_rows == 3
        sink.broken = False
    assert (sink.table.num_rows, names(tmp_path, ".wal")) == (2, [])


def test_a_long_import_stalls_no_append(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    with opened(tmp_path) as live, log.import_lock(), log.new_segment() as segment:
        segment.write(samples(range(2, 4)))
        assert live.append(samples(range(2))) == 0  # would wait for ever if the importer held what it waits for
        segment.finish({})
        live.seal()
        with log.lock():
            assert segment.place(log.next_offset()) == (2, 4)
        assert live.append(samples(range(4, 5))) == 4
        assert seconds_of(live.read()) == list(range(5))
