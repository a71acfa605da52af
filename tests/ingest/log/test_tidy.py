from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.log.logs import SECOND_US, names, opened, samples, seconds_of
from twinpack.errors import WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.history import LogHistory
from twinpack.ingest.log.tidy import merge, retain
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, command_rows, tick_row


def _log(directory: Path, sizes: list[int]) -> SegmentLog:
    """Segments of so many rows; the sample time of a row is its offset, in seconds."""
    log = SegmentLog(directory)
    first = 0
    for index, size in enumerate(sizes):
        log.append([samples(range(first, first + size))], {"source_sha256": f"h{index}", "source_name": f"f{index}"})
        first += size
    return log


# --- retention ------------------------------------------------------------------------------------------------------


def test_old_segments_are_retired_and_what_later_work_needs_is_kept(tmp_path: Path) -> None:
    log = _log(tmp_path, [3])
    log.append([command_rows(["car-1"], [3 * SECOND_US], ['{"n":1}'])])
    log.append([samples(range(4, 6), "car-2", KIND_LAKE_SAMPLE), tick_row(6 * SECOND_US)], {"source_sha256": "x"})
    log.append([samples(range(7, 9), "car-2")])
    before = (log.sources(), log.last_sample_us(), list(log.commands()), log.last_receipt_us(), log.needs_tick())
    assert [path.name for path in retain(log, 9, older_than_us=6 * SECOND_US)] == names_of([0, 3, 4])
    for found in (log, SegmentLog(tmp_path)):
        assert (found.start_offset, found.end_offset) == (7, 9)
        assert before == (
            found.sources(),
            found.last_sample_us(),
            list(found.commands()),
            found.last_receipt_us(),
            found.needs_tick(),
        )
        assert seconds_of(found.read(7)) == [7, 8]
        with pytest.raises(WorkspaceError, match=r"rows 2 to 6 were retired by .*; the log begins at 7"):
            found.read(2)


def names_of(offsets: list[int]) -> list[str]:
    return [f"{offset:020d}.parquet" for offset in offsets]


def test_rows_that_are_still_needed_stay(tmp_path: Path) -> None:
    log = _log(tmp_path, [3, 3, 3])
    assert retain(log, 5, older_than_us=10**18) != []
    assert (log.start_offset, log.end_offset) == (3, 9)
    assert retain(log, 5, older_than_us=10**18, max_bytes=0) == []
    assert retain(log, 9) == []


def test_the_oldest_go_while_the_log_is_too_large(tmp_path: Path) -> None:
    log = _log(tmp_path, [3, 3, 3])
    size = log.segments()[0].size
    assert retain(log, 9, max_bytes=3 * size + 1000) == []
    retain(log, 9, max_bytes=2 * size + size // 2)
    assert log.start_offset == 3


def test_a_log_whose_rows_are_all_retired_goes_on_at_the_same_offset(tmp_path: Path) -> None:
    log = _log(tmp_path, [3, 3])
    retain(log, 6, older_than_us=10**18)
    assert (log.start_offset, log.end_offset, log.segments(), log.needs_tick()) == (6, 6, [], True)
    with opened(tmp_path) as live:
        assert live.append(samples([6])) == 6
        with pytest.raises(WorkspaceError, match="the log begins at 6"):
            list(live.read(0))
    assert seconds_of(SegmentLog(tmp_path).read(6)) == [6]


def test_retiring_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    log = _log(tmp_path / "log", [3, 3, 3])
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    retain(log, 6, older_than_us=10**18)
    for path in (tmp_path / "copy").glob("*.parquet"):  # as if it had died before any file was removed
        shutil.copy(path, tmp_path / "log" / path.name)
    half = tmp_path / "log" / ".retired.json.1.tmp"
    half.write_text("{")
    log.append([samples([9])])
    assert half.exists()  # a living process might be writing it
    assert (log.start_offset, seconds_of(log.read(6))) == (6, [6, 7, 8, 9])
    assert retain(log, 6) == []
    assert not half.exists()
    assert names(tmp_path / "log", ".parquet") == names_of([6, 9])


def test_damage_to_what_is_remembered_is_named(tmp_path: Path) -> None:
    log = _log(tmp_path, [3, 3])
    retain(log, 3, older_than_us=10**18)
    (tmp_path / "retired.json").write_text("{")
    with pytest.raises(WorkspaceError, match=r"retired\.json: cannot be read"):
        SegmentLog(tmp_path).segments()


# --- merging --------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=12), min_rows=st.integers(1, 12))
def test_merging_changes_no_row_and_no_offset(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], min_rows: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    log = _log(directory, sizes)
    other = SegmentLog(directory)
    before = (log.sources(), log.last_sample_us(), log.end_offset, pa.concat_tables(t for _, t in log.read()))
    assert other.end_offset == log.end_offset
    merge(log, min_rows)
    for found in (log, other, SegmentLog(directory)):
        after = (found.sources(), found.last_sample_us(), found.end_offset)
        assert (after, pa.concat_tables(t for _, t in found.read()).equals(before[3])) == (before[:3], True)
    parts = [segment.rows for segment in log.segments()]
    assert sum(parts) == sum(sizes)
    # Two neighbours are small only at the end, where more is to come.
    small = [index for index, rows in enumerate(parts) if rows < min_rows]
    tail = next((i for i in range(len(parts), 0, -1) if parts[i - 1] >= min_rows), 0)
    assert not any(index + 1 in small for index in small if index + 1 < tail)
    assert merge(log, min_rows) == 0


def test_a_reader_that_began_before_goes_on(tmp_path: Path) -> None:
    log = _log(tmp_path, [4] * 6)
    reader = SegmentLog(tmp_path)
    reading = reader.read(0, 2)
    parts = [next(reading) for _ in range(3)]
    assert merge(log, 12) == 6
    assert seconds_of([*parts, *reading]) == list(range(24))
    commands = reader.commands()
    assert list(commands) == []


def test_a_merge_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    log = _log(tmp_path / "log", [3, 3, 3, 3])
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    merge(log, 9)
    for name in names_of([3, 6]):  # as if it had died before the others were removed
        shutil.copy(tmp_path / "copy" / name, tmp_path / "log" / name)
    assert seconds_of(SegmentLog(tmp_path / "log").read()) == list(range(12))
    merge(log, 9)
    assert names(tmp_path / "log", ".parquet") == names_of([0, 9])


def test_samples_are_found_after_a_merge(tmp_path: Path) -> None:
    log = _log(tmp_path, [3, 3])
    history = LogHistory(log)
    keys = np.zeros(4, np.int64), np.array([0, 4, 5, 6]) * SECOND_US
    before = history.find(("car-1",), *keys)
    merge(log, 6)
    after = history.find(("car-1",), *keys)
    assert after.known.tolist() == before.known.tolist() == [True, True, True, False]
    assert after.hashes.tolist() == before.hashes.tolist()


def test_rows_that_are_not_sealed_keep_their_place_between_merged_ones(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(samples(range(2)))
        live.seal()
        live.append(samples(range(2, 4)))
        other = SegmentLog(tmp_path)
        for first in (4, 6):
            other.append([samples(range(first, first + 2))])
        assert merge(other, 4) == 0  # what lies behind a gap is not touched
        live.seal()
        assert merge(other, 4) == 4
        assert live.append(samples([8])) == 8
        assert seconds_of(live.read()) == list(range(9))
