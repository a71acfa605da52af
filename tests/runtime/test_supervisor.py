"""Parts are started in order, started again when they die, and ended in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.waiting import until
from twinpack.runtime.supervisor import Part, Said, Supervisor

WAIT_S = 20.0
PATIENT = """
import signal, sys, pathlib
place, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def end(*_):
    with place.open("a") as file:
        file.write(f"end {name}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with place.open("a") as file:
    file.write(f"begin {name}\\n")
print("ready", *sys.argv[3:], flush=True)
signal.pause()
"""


def patient(name: str, place: Path, said: Callable[[Said], list[str]] = lambda said: []) -> Part:
    return Part(name, lambda known: [sys.executable, "-c", PATIENT, str(place), name, *said(known)], stop_s=WAIT_S)


def run(supervisor: Supervisor) -> tuple[threading.Event, Callable[[], int]]:
    stopped = threading.Event()
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervisor.run(stopped)))
    thread.start()

    def end() -> int:
        stopped.set()
        thread.join(WAIT_S)
        return codes[0]

    return stopped, end


def lines(place: Path) -> list[str]:
    return place.read_text().splitlines() if place.exists() else []


def test_parts_begin_and_end_in_order_and_know_what_was_said_before(tmp_path: Path) -> None:
    place = tmp_path / "events"
    heard: list[str] = []

    def second(said: Said) -> list[str]:
        heard.append(said["first"])
        return []

    parts = [patient("first", place, lambda _: ["at", "home"]), patient("second", place, second)]
    told: list[str] = []
    _, end = run(Supervisor(parts, told.append))
    until(lambda: len(lines(place)) == 2)
    assert end() == 0
    assert lines(place) == ["begin first", "begin second", "end first", "end second"]
    assert (heard, told) == (["at home"], [])


def test_a_part_that_dies_is_started_again_and_that_is_told(tmp_path: Path) -> None:
    place = tmp_path / "events"
    told: list[str] = []
    supervisor = Supervisor([patient("lone", place)], told.append)
    _, end = run(supervisor)
    assert supervisor.at_work.wait(WAIT_S)  # before that it could not begin
    for times in (1, 2):
        until(lambda times=times: lines(place).count("begin lone") == times)  # type: ignore[misc]
        os.kill(supervisor.pids()["lone"], signal.SIGKILL)
        until(lambda times=times: len(told) == times)  # type: ignore[misc]
    until(lambda: lines(place).count("begin lone") == 3)
    assert end() == 0
    assert told == [f"lone ended by signal 9; it is started again in {pause} s" for pause in (1, 2)]


def test_one_that_cannot_begin_ends_all_with_its_code(tmp_path: Path) -> None:
    place = tmp_path / "events"
    bad = Part("bad", lambda _: [sys.executable, "-c", "raise SystemExit(7)"])
    assert (
        Supervisor([patient("good", place), bad, patient("never", place)], lambda _: None).run(threading.Event()) == 7
    )
    assert lines(place) == ["begin good", "end good"]


def test_one_that_is_not_ready_in_time_or_says_nothing_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    mute = Part("mute", lambda _: [sys.executable, "-c", "import signal; signal.pause()"], start_s=0.3)
    assert Supervisor([mute], told.append).run(threading.Event()) == 2
    gone = Part("gone", lambda _: [sys.executable, "-c", ""])
    assert Supervisor([gone], told.append).run(threading.Event()) == 2
    assert told[0] == "mute is not ready after 0 s"
    assert told[-1] == "gone ended before it was ready"


def test_one_that_does_not_end_is_killed() -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    told: list[str] = []
    supervisor = Supervisor([Part("deaf", lambda _: [sys.executable, "-c", deaf], stop_s=0.2)], told.append)
    _, end = run(supervisor)
    until(lambda: bool(supervisor.pids()))
    time.sleep(0.5)  # until it is deaf; were it not yet, it would end, and the text below would be missing
    assert end() == 0
    assert told == ["deaf did not end within 0 s and was killed"]


def test_it_says_when_all_are_at_work_and_what_they_said(tmp_path: Path) -> None:
    place = tmp_path / "events"
    supervisor = Supervisor([patient("first", place, lambda said: ["here"]), patient("second", place)], print)
    assert not supervisor.at_work.is_set()
    _, end = run(supervisor)
    assert supervisor.at_work.wait(WAIT_S)
    assert supervisor.said == {"first": "here", "second": ""}
    assert end() == 0
