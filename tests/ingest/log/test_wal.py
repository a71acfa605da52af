from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.log.logs import BrokenSink, letters, names, opened, samples, seconds_of
from twinpack.errors import WorkspaceError
from twinpack.ingest.log import LiveLog, SegmentLog, Watchers
from twinpack.ingest.log.sealing import recover
from twinpack.ingest.log.segments import segment_path
from twinpack.ingest.log.unsealed import frames_of
from twinpack.ingest.log.wal import WalWriter, count_rows, new_wal, read_wal
from twinpack.ingest.records import DEAD_LETTERS, MemoryDeadLetters
from twinpack.telemetry.schema import LOG

NOTHING = LOG.empty_table()


def _wal(directory: Path, first: int = 0, frames: int = 3, dead: int = 0) -> Path:
    """A file that a gateway left: three rows a frame."""
    writer = WalWriter(new_wal(directory, first))
    for index in range(frames):
        start = first + 3 * index
        writer.append(frames_of(samples(range(start, start + 3)), letters(dead) if dead else None))
    writer.close()
    return writer.path


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Writes fail as on a full disk: the system writes what fits and refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- one file -------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = _wal(tmp_path, 7, frames=2, dead=2)
    found = read_wal(path)
    assert (found.first_offset, found.end_offset, found.torn_bytes, count_rows(path)) == (7, 13, 0, 6)
    assert [table.schema for table in (*found.rows, *found.letters)] == [LOG] * 2 + [DEAD_LETTERS] * 2
    assert pa.concat_tables(found.rows).equals(samples(range(7, 13)))
    assert found.letters[0].equals(letters(2))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_torn_end_is_cut_off_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = _wal(tmp_path_factory.mktemp("log"))
    whole = path.read_bytes()
    frame = len(whole) // 3
    kept = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:kept] + data.draw(st.sampled_from([b"", b"\0" * 50, whole[kept : kept + 5]])))
    assert count_rows(path) == read_wal(path).end_offset
    assert read_wal(path).end_offset in (3 * (kept // frame), 3 * ((kept + 5) // frame))


@pytest.mark.parametrize("at", [0, 5, 13, 20, 25, 60])
def test_damage_before_whole_frames_is_an_error_that_says_what_to_do(tmp_path: Path, at: int) -> None:
    path = _wal(tmp_path)
    content = bytearray(path.read_bytes())
    place = len(content) // 3 + at
    content[place] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"is damaged.*Restore the file from a backup, or move it away"):
        read_wal(path)
    with pytest.raises(WorkspaceError, match=str(path)):
        SegmentLog(tmp_path).append([samples([1])])
    with pytest.raises(WorkspaceError, match=str(path)), opened(tmp_path):
        pass
    path.rename(tmp_path / "kept-aside")
    with opened(tmp_path) as live:
        assert live.append(samples([1])) == 0


def test_a_frame_inside_a_payload_is_not_taken_for_one(tmp_path: Path) -> None:
    inner = _wal(tmp_path, frames=1).read_bytes()
    path = new_wal(tmp_path, 0)
    path.write_bytes(b"torn" + inner)  # as if a torn frame held the bytes of a whole one
    assert read_wal(path).torn_bytes == len(inner) + 4


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    writer = WalWriter(new_wal(tmp_path, 0))
    writer.append(frames_of(samples(range(3)), None))
    length = writer.path.stat().st_size
    with no_file_larger_than(length + 100), pytest.raises(OSError, match="large"):
        writer.append(frames_of(samples(range(3, 3000)), None))
    assert writer.path.stat().st_size == writer.length == length
    writer.append(frames_of(samples(range(3, 6)), None))
    writer.close()
    assert seconds_of([(0, table) for table in read_wal(writer.path).rows]) == list(range(6))


# --- disk full ------------------------------------------------------------------------------------------------------


def test_an_append_that_fails_leaves_the_log_as_it_was_and_usable(tmp_path: Path) -> None:
    sink = MemoryDeadLetters()
    with opened(tmp_path, sink) as live:
        with no_file_larger_than(100), pytest.raises(OSError, match="large"):
            live.append(samples(range(3)))
        assert (live.end_offset, names(tmp_path, ".wal")) == (0, [])
        assert live.append(samples(range(3)), letters(1)) == 0
        with no_file_larger_than(2000), pytest.raises(OSError, match="large"):
            live.append(samples(range(3, 3000)), letters(1))
        assert live.append(samples(range(3, 5))) == 3
        assert seconds_of(live.read()) == list(range(5))
    assert seconds_of(SegmentLog(tmp_path).read()) == list(range(5))
    assert sink.table.num_rows == 1


def test_sealing_goes_on_when_the_disk_has_room_again(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(3000)))
        with no_file_larger_than(1000), pytest.raises(OSError, match="large"):
            live.seal()
        assert live.append(samples(range(3000, 3001))) == 3000
        assert seconds_of(live.read()) == list(range(3001))
        live.seal()
        assert SegmentLog(tmp_path).end_offset == 3001
    assert (names(tmp_path, ".tmp"), names(tmp_path, ".wal")) == ([], [])


def test_dead_letters_wait_for_the_lake_and_rows_do_not(tmp_path: Path) -> None:
    sink = BrokenSink()
    with opened(tmp_path, sink) as live:
        live.append(samples(range(3)), letters(2))
        with pytest.raises(WorkspaceError, match="the lake is down"):
            live.seal()
        assert SegmentLog(tmp_path).end_offset == 3
        assert live.unsealed_rows == 2
        sink.broken = False
        live.seal()
        assert (live.unsealed_rows, sink.table.num_rows, names(tmp_path, ".wal")) == (0, 2, [])


def test_the_sealing_thread_tells_of_a_failure_and_tries_again(tmp_path: Path) -> None:
    sink, problems = BrokenSink(), []

    def mend(problem: Exception) -> None:
        problems.append(str(problem))
        sink.broken = False

    with opened(tmp_path, sink, segment_rows=2, watchers=Watchers(problem=mend)) as live:
        live.append(samples(range(3)), letters(2))
    assert problems == ["the lake is down"]
    assert (sink.table.num_rows, names(tmp_path, ".wal")) == (2, [])


def test_appends_wait_when_rows_cannot_be_sealed(tmp_path: Path) -> None:
    with opened(tmp_path, max_unsealed_rows=3, wait_s=0.01) as live:
        live.append(samples(range(3)))
        with pytest.raises(BlockingIOError, match="3 rows wait to be sealed"):
            live.append(samples([3]))
        live.seal()
        assert live.append(samples([3])) == 3


# --- recovery -------------------------------------------------------------------------------------------------------


def test_what_a_dead_gateway_left_is_sealed_with_its_offsets(tmp_path: Path) -> None:
    log, sink = SegmentLog(tmp_path), MemoryDeadLetters()
    log.append([samples(range(2))])
    _wal(tmp_path, 2, frames=2, dead=1)
    _wal(tmp_path, 8, frames=1)
    new_wal(tmp_path, 11).write_bytes(b"")
    assert (log.end_offset, log.next_offset(), log.has_unsealed()) == (2, 11, True)
    assert recover(log, sink)
    assert seconds_of(log.read()) == list(range(11))
    assert (sink.table.num_rows, log.has_unsealed()) == (2, False)


def test_recovery_repeats_what_a_crash_cut_off(tmp_path: Path) -> None:
    log, sink = SegmentLog(tmp_path), MemoryDeadLetters()
    path = _wal(tmp_path, dead=2)
    content = path.read_bytes()
    recover(log, sink)
    path.write_bytes(content)  # died before the file was removed
    recover(log, sink)
    assert seconds_of(log.read()) == list(range(9))
    assert (sink.table.num_rows, log.has_unsealed()) == (6, False)


def test_a_segment_shorter_than_its_write_ahead_file_is_an_error(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append([samples(range(2))])
    _wal(tmp_path)
    with pytest.raises(WorkspaceError, match="move this segment away and run again"):
        recover(log, MemoryDeadLetters())
    segment_path(tmp_path, 0).unlink()
    recover(log, MemoryDeadLetters())
    assert log.end_offset == 9


def test_rows_imported_before_recovery_stay_behind_what_was_left(tmp_path: Path) -> None:
    path = _wal(tmp_path)
    path.write_bytes(path.read_bytes() + b"torn")
    log = SegmentLog(tmp_path)
    assert log.append([samples(range(9, 11))]) == (9, 11)
    assert (log.end_offset, log.last_sample_us()) == (0, {"car-1": 10_000_000})
    recover(log, MemoryDeadLetters())
    assert seconds_of(log.read()) == list(range(11))


def test_a_living_gateway_keeps_its_own(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(3)))
        log = SegmentLog(tmp_path)
        assert log.gateway_lives()
        assert not recover(log, MemoryDeadLetters())
        assert log.end_offset == 0
    assert not log.gateway_lives()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "0.parquet", "x.wal", f"{7:020d}.parquet.bak"):
        (tmp_path / name).write_text("mine")
    with LiveLog(SegmentLog(tmp_path), MemoryDeadLetters(), segment_rows=9, segment_age_s=9.0) as live:
        assert live.append(samples(range(3))) == 0
    assert (tmp_path / "x.wal").read_text() == "mine"
    assert SegmentLog(tmp_path).end_offset == 3
