from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.log.logs import SECOND_US, opened, samples
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.ingest.log.history import LogHistory
from twinpack.ingest.log.seen import History, Judgement, Seen
from twinpack.telemetry.duplicates import CONFLICT, DUPLICATE, FIRST, table_hashes
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE, KIND_SAMPLE

Row = tuple[str, int, float]
VEHICLES = ("a", "b", "c")


def _table(rows: list[Row], kind: int = KIND_SAMPLE) -> pa.Table:
    return pa.concat_tables([samples([time], name, kind, volt) for name, time, volt in rows])


def _judge(seen: Seen, rows: list[Row]) -> Judgement:
    names, vehicle, times, hashes = _arrays(rows)
    return seen.judge(names, vehicle, times, hashes)


def _arrays(rows: list[Row]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    names = tuple(dict.fromkeys(name for name, _, _ in rows))
    vehicle = np.array([names.index(name) for name, _, _ in rows], np.int32)
    times = np.array([time * SECOND_US for _, time, _ in rows], np.int64)
    return names, vehicle, times, table_hashes(_table(rows))


def _take(seen: Seen, live: LiveLog, rows: list[Row]) -> list[int]:
    """What a gateway does with a batch; returns the verdicts."""
    judged = _judge(seen, rows)
    kept = [row for row, verdict in zip(rows, judged.verdict, strict=True) if verdict == FIRST]
    if kept:
        live.append(_table(kept), compared_to=judged.compared_to)
        seen.accept(*_arrays(kept))
    return [int(verdict) for verdict in judged.verdict]


class Oracle:
    """The same by a plain dictionary, row by row."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], float] = {}
        self.newest: dict[str, int] = {}

    def take(self, rows: list[Row]) -> tuple[list[int], list[bool]]:
        return tuple(zip(*(self._one(*row) for row in rows), strict=True))  # type: ignore[return-value]

    def _one(self, name: str, time: int, volt: float) -> tuple[int, bool]:
        if (name, time) in self.rows:
            return (DUPLICATE if self.rows[name, time] == volt else CONFLICT), False
        self.rows[name, time] = volt
        late = time < self.newest.get(name, time)
        self.newest[name] = max(time, self.newest.get(name, time))
        return FIRST, late


ROW = st.tuples(st.sampled_from(VEHICLES), st.integers(0, 9), st.sampled_from([380.0, 390.0]))
BATCH = st.lists(ROW, min_size=1, max_size=5)
STEP = st.one_of(BATCH, BATCH, BATCH, st.sampled_from(["seal", "crash"]))


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=16), window=st.sampled_from([1, 4, 1000]))
def test_verdicts_are_those_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[Row] | str], window: int
) -> None:
    directory, oracle = tmp_path_factory.mktemp("log"), Oracle()
    for part in _until_crash(steps):
        with opened(directory) as live:
            seen = Seen(live, window)
            for step in part:
                if step == "seal":
                    live.seal()
                elif isinstance(step, list):
                    _judge(seen, step)  # as if the write had failed: it must not count
                    judged = _judge(seen, step)
                    verdict, late = oracle.take(step)
                    assert judged.verdict.tolist() == list(verdict)
                    assert judged.late.tolist() == list(late)
                    _take(seen, live, step)


def _until_crash(steps: list[list[Row] | str]) -> Iterator[list[list[Row] | str]]:
    part: list[list[Row] | str] = []
    for step in steps:
        if step == "crash":
            yield part
            part = []
        else:
            part.append(step)
    yield part


@pytest.mark.parametrize("kind", [KIND_SAMPLE, KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE])
def test_samples_of_every_kind_are_found_in_the_log(tmp_path: Path, kind: int) -> None:
    log = SegmentLog(tmp_path)
    log.append([_table([("a", 1, 380.0), ("a", 5, 380.0)], kind)])
    seen = Seen(LogHistory(log))
    assert _judge(seen, [("a", 1, 380.0), ("a", 2, 380.0), ("a", 5, 1.0)]).verdict.tolist() == [
        DUPLICATE,
        FIRST,
        CONFLICT,
    ]
    assert seen.newest_us("a") == 5 * SECOND_US
    assert seen.newest_us("b") is None


def test_rows_that_another_process_imports_meanwhile_count(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        seen = Seen(live)
        assert _take(seen, live, [("a", 1, 380.0)]) == [FIRST]
        SegmentLog(tmp_path).append([_table([("a", 2, 380.0), ("b", 9, 380.0)])])
        assert _take(seen, live, [("a", 2, 380.0), ("b", 9, 1.0), ("b", 8, 1.0)]) == [DUPLICATE, CONFLICT, FIRST]


def test_one_who_is_not_the_gateway_finds_what_is_not_sealed(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.append(_table([("a", 1, 380.0)]))
        history: History = LogHistory(SegmentLog(tmp_path))
        seen = Seen(history)
        assert _judge(seen, [("a", 1, 380.0)]).verdict.tolist() == [DUPLICATE]
        live.append(_table([("a", 3, 380.0)]))
        assert history.last_sample_us() == {"a": 3 * SECOND_US}
        assert history.find(("a",), np.array([0, 0]), np.array([2, 3]) * SECOND_US).known.tolist() == [False, True]
        live.seal()
        assert history.find(("a",), np.array([0, 0]), np.array([2, 3]) * SECOND_US).known.tolist() == [False, True]
