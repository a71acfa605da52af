from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.ingest.files import Importer
from twinpack.ingest.records import FileResult
from twinpack.ingest.watch import Watch, watch

if TYPE_CHECKING:
    from tests.ingest.conftest import Bench

from tests.ingest.conftest import NOW_US

HEADER = "vin,t,volt,amp\n"


def _watch(bench: Bench, now_us: int = NOW_US) -> Watch:
    return Watch(bench.folder, Importer(bench.profile(), bench.log, bench.dead, now_us=now_us))


def _put(folder: Path, name: str, text: str, changed: int = 1) -> None:
    (folder / name).write_text(text)
    os.utime(folder / name, ns=(changed, changed))


def _rows(day: int, count: int = 2) -> str:
    return HEADER + "".join(f"car-1,2025-01-{day:02d}T00:00:{i:02d}Z,380,-1\n" for i in range(count))


def _told(results: list[FileResult]) -> list[tuple[str, str]]:
    return [(result.name, result.status) for result in results]


def test_a_file_is_taken_when_it_has_come_to_rest(bench: Bench) -> None:
    target = _watch(bench)
    _put(bench.folder, "a.csv", _rows(1), changed=1)
    assert target.poll() == []
    _put(bench.folder, "a.csv", _rows(1, 3), changed=2)
    assert target.poll() == []
    assert _told(target.poll()) == [("a.csv", "imported")]
    assert target.poll() == []
    assert len(bench.samples("vehicle_id")) == 3


def test_a_bad_file_is_told_once_and_again_when_it_changes(bench: Bench) -> None:
    target = _watch(bench)
    _put(bench.folder, "bad.csv", "x\n1\n")
    _put(bench.folder, "good.csv", _rows(1))
    target.poll()
    assert _told(target.poll()) == [("bad.csv", "failed"), ("good.csv", "imported")]
    assert target.poll() == []
    _put(bench.folder, "bad.csv", _rows(2), changed=5)
    assert target.poll() == []
    assert _told(target.poll()) == [("bad.csv", "imported")]


def test_silence_is_told_once_it_is_real(bench: Bench) -> None:
    _put(bench.folder, "a.csv", _rows(1))
    newest = 1_735_689_601_000_000
    target = _watch(bench, newest + 60_000_000)
    target.poll()
    target.poll()
    assert bench.log.needs_tick()
    later = _watch(bench, newest + 3_600_000_000)
    later.poll()
    assert not bench.log.needs_tick()


def test_watching_goes_on_until_told_to_stop(bench: Bench) -> None:
    stop = threading.Event()
    told: list[FileResult] = []
    polls = 0

    def wait(_seconds: float) -> None:
        nonlocal polls
        polls += 1
        _put(bench.folder, f"{polls}.csv", _rows(polls))
        if polls == 4:
            stop.set()

    watch(_watch(bench), told.append, stop, wait)
    assert _told(told) == [("1.csv", "imported"), ("2.csv", "imported")]
