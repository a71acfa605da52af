"""Everything that may happen to a log, in any order: rows keep their offsets and are read once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.log.logs import SECOND_US, opened, samples, seconds_of
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.ingest.log.tidy import merge, retain

STEPS = ("append", "append", "seal", "import", "merge", "retain", "reopen")


class World:
    """A log with its gateway and another process; row n has the sample time n."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.other = SegmentLog(directory)
        self.rows = self.start = 0
        self._stack = stack
        self.live = self._open()

    def _open(self) -> LiveLog:
        return self._stack.enter_context(opened(self.directory))

    def do(self, step: str, size: int) -> None:
        new = samples(range(self.rows, self.rows + size))
        if step == "append":
            assert self.live.append(new) == self.rows
            self.rows += size
        elif step == "import":
            assert self.other.append([new]) == (self.rows, self.rows + size)
            self.rows += size
        elif step == "seal":
            self.live.seal()
        elif step == "merge":
            merge(self.other, size)
        elif step == "retain":
            retain(self.other, self.rows - size, older_than_us=10**18)
            self.start = self.other.start_offset
        else:
            self._stack.close()
            self.live = self._open()

    def check(self) -> None:
        self.live.imported()
        assert self.live.end_offset == self.rows
        assert seconds_of(self.live.read(self.start, 3)) == list(range(self.start, self.rows))
        for log in (self.other, SegmentLog(self.directory)):
            assert self.start == log.start_offset <= log.end_offset <= self.rows
            end = log.end_offset  # what is being sealed may come later
            assert seconds_of(log.read(self.start))[: end - self.start] == list(range(self.start, end))
        assert self.other.next_offset() == self.rows


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), max_size=25))
def test_rows_keep_their_offsets_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("log"), stack)
        for step, size in steps:
            world.do(step, size)
            world.check()


def test_a_follower_meets_every_row_once_while_all_else_goes_on(tmp_path: Path) -> None:
    """Appends, sealing, imports and merging at once; the follower reads what the log holds in the end."""
    seen: list[tuple[str, int]] = []
    writing = threading.Event()
    writing.set()

    def follow(live: LiveLog) -> None:
        at = 0
        while writing.is_set() or at < live.end_offset:
            live.wait(at, 0.01)
            for first, table in live.read(at, 50, ["soc_pct"]):
                assert first == at
                at += table.num_rows
                seen.extend(_keys(table))

    def others() -> None:
        log = SegmentLog(tmp_path)
        for number in range(12):
            log.append([samples(range(3 * number, 3 * number + 3), "other")])
            merge(log, 100)

    with opened(tmp_path, segment_rows=40) as live, ThreadPoolExecutor(2) as pool:
        working = [pool.submit(follow, live), pool.submit(others)]
        for number in range(150):
            live.append(samples(range(3 * number, 3 * number + 3), "mine"))
        working[1].result()
        live.imported()
        writing.clear()
        working[0].result()
    stored = [key for _, table in SegmentLog(tmp_path).read() for key in _keys(table)]
    assert seen == stored
    assert [number for name, number in seen if name == "mine"] == list(range(450))
    assert [number for name, number in seen if name == "other"] == list(range(36))


def _keys(table: pa.Table) -> list[tuple[str, int]]:
    times = [time // SECOND_US for time in table.column("sample_time").cast(pa.int64()).to_pylist()]
    return list(zip(table.column("vehicle_id").to_pylist(), times, strict=True))
