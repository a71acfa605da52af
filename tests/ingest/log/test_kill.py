"""A gateway's log is killed at random moments; nothing whose append returned is lost or there twice."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.log.logs import seconds_of
from tests.ingest.log.writer import FolderSink
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.sealing import recover

ROOT = Path(__file__).parents[3]


def _killed(folder: Path, first: int, appends: int, wait_s: float) -> list[tuple[int, int, int]]:
    """What a writer said was durable until it was killed, after so many appends and seconds."""
    command = [sys.executable, "-m", "tests.ingest.log.writer", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(appends)]
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            process.kill()
        rest = process.stdout.read().splitlines()
    return [(int(a), int(b), int(c)) for a, b, c in (line.split() for line in (*lines, *rest) if line.count(b" ") == 2)]


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_what_was_durable_is_there_once_and_in_order(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    told: list[tuple[int, int, int]] = []
    log = SegmentLog(tmp_path / "log")
    for index in range(rounds):
        first = 1_000_000 * (index + 1)
        told += _killed(tmp_path, first, chance.randint(1, 150), chance.random() * 0.1)
        if index % 3 == 0:
            log.append([])  # another process looks on before anything is recovered
    sink = FolderSink(tmp_path / "dead")
    assert recover(log, sink)
    numbers = seconds_of(log.read())
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    for offset, first, count in told:
        assert numbers[offset : offset + count] == list(range(first, first + count))
    letters = sink.rows()
    assert len(set(letters)) == len(letters)
    assert {first for _, first, _ in told} <= set(letters) <= set(numbers)
