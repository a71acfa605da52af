"""Everything that may happen to a log, in any order: rows keep their offsets and are read once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.logs import opened, samples, seconds_of
from twinpack.ingest.live import LiveLog
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.tidy import merge, retain

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
            assert seconds_of(log.read(self.start)) == list(range(self.start, log.end_offset))
        assert self.other.next_offset() == self.rows


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), max_size=25))
def test_rows_keep_their_offsets_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("log"), stack)
        for step, size in steps:
            world.do(step, size)
            world.check()
