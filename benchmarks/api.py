"""The API over 10,000 vehicles and 20 million rows of telemetry, asked over the network with a key, by other processes.

The service runs as `twinpack serve --only api` runs it. The baseline is a bare FastAPI handler behind the same server:
what is left when nothing is asked of it.
"""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks import api_fleet
from benchmarks.api_clients import Door, ask, listen, requests_per_second, seconds_in_turns
from benchmarks.api_fleet import PACK, VEHICLES, WHOLE_DAYS, name
from benchmarks.result import Result
from twinpack.cli import output
from twinpack.detect.findings import Finding
from twinpack.fleet.events import FINDING, Event, event_id
from twinpack.store.identity.keys import COMMAND_LINE
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace

ROUNDS, WARM = 300, 20
CLIENTS, SECONDS = 4, 15.0
LISTENERS, ALARMS, APART_S = 500, 20, 0.4

_SORTS = ("deviation_pts", "-health_pct", "vehicle_id", "-distance_km", "last_seen_at", "-alarms")
_CODE = "TP-BENCH"


def vehicle_list() -> Result:
    """A page of 100 vehicles in one of several orders, every other one narrowed; p95."""
    rng = np.random.default_rng(1)
    narrowed = ("", "&fleet=north", "", f"&pack={PACK}&health_min=90", "", "&severity=1")
    paths = [
        f"/v1/vehicles?limit=100&sort={_SORTS[at % 6]}{narrowed[int(rng.integers(6))]}" for at in range(WARM + ROUNDS)
    ]
    return _p95(paths)


def vehicle_detail() -> Result:
    """One vehicle with its figures, each time another; p95."""
    rng = np.random.default_rng(2)
    return _p95([f"/v1/vehicles/{name(int(rng.integers(VEHICLES)))}" for _ in range(WARM + ROUNDS)])


def vehicle_day() -> Result:
    """A day of one sample a second of one vehicle, at 1,000 points, as JSON; p95."""
    rng = np.random.default_rng(3)
    return _p95([_day(int(rng.integers(WHOLE_DAYS))) for _ in range(WARM + ROUNDS)])


def requests() -> Result:
    """What pages ask, mixed, by clients that keep their connections."""
    with serving() as (_, door), bare() as least:
        return Result(
            requests_per_second(door, _mixed(), CLIENTS, SECONDS),
            "requests/s",
            requests_per_second(least, ["/bare"], CLIENTS, SECONDS),
        )


def events() -> Result:
    """From the commit of an alarm by another process to each of 500 listeners; p95. Beside it, from a bare stream."""
    with serving() as (workspace, door), workspace.registry() as registry:
        told = _delays(door, lambda number: _raise(registry, number))
        for alarm in registry.alarms.alarms():
            if alarm.code == _CODE:
                registry.alarms.clear(alarm.alarm_id, "benchmark", "measured")
    with bare() as least:
        beside = _delays(least, lambda number: _raise_bare(least, number))
    output.note(f"alarm to listeners: median {np.median(told):.0f} ms, longest {told.max():.0f} ms")
    return Result(float(np.percentile(told, 95)), "ms", float(np.percentile(beside, 95)), higher_is_better=False)


# --- what is asked --------------------------------------------------------------------------------------------------


def _day(number: int) -> str:
    start = np.datetime64(api_fleet.LAST_DAY_US, "us")
    end = start + np.timedelta64(1, "D")
    return f"/v1/vehicles/{name(number)}/telemetry?start={start}Z&end={end}Z&points=1000"


def _mixed() -> list[str]:
    """A hundred requests as pages make them: mostly lists, vehicles and newest values, some days of telemetry."""
    rng = np.random.default_rng(4)
    some = [name(int(rng.integers(VEHICLES))) for _ in range(100)]
    made = [f"/v1/vehicles?limit=100&sort={_SORTS[at % 6]}" for at in range(25)]
    made += [f"/v1/vehicles/{some[at]}" for at in range(25)]
    made += [f"/v1/vehicles/{some[at]}/latest" for at in range(15)]
    made += [f"/v1/vehicles/{some[at]}/health" for at in range(5)]
    made += [f"/v1/vehicles/{some[at]}/trips" for at in range(5)]
    made += ["/v1/fleet/summary"] * 5 + ["/v1/alarms"] * 10 + ["/v1/me"] * 5
    made += [_day(at % WHOLE_DAYS) for at in range(5)]
    return [made[at] for at in rng.permutation(len(made))]


def _p95(paths: Sequence[str]) -> Result:
    with serving() as (_, door), bare() as least:
        asked, beside = (np.array(each[WARM:]) for each in seconds_in_turns(door, paths, least, "/bare"))
    output.note(f"median {1_000 * np.median(asked):.1f} ms, longest {1_000 * asked.max():.1f} ms")
    value, baseline = (1_000 * float(np.percentile(each, 95)) for each in (asked, beside))
    return Result(value, "ms", baseline, higher_is_better=False)


# --- alarms ---------------------------------------------------------------------------------------------------------


def _delays(door: Door, raise_alarm: Callable[[int], None]) -> NDArray[np.float64]:
    """Milliseconds from just before each alarm to each listener."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(1, context) as pool:
        ready = manager.Event()
        listening = pool.submit(listen, door, LISTENERS, ALARMS, ready)
        while not ready.wait(1.0):
            if listening.done():
                listening.result()
        began: dict[str, float] = {}
        for number in range(ALARMS):
            began[name(number)] = time.time()
            raise_alarm(number)
            time.sleep(APART_S)
        heard = listening.result()
    return np.array([1_000 * (at - began[vehicle]) for vehicle, at in heard])


def _raise(registry: Registry, number: int) -> None:
    offset, at_us, vehicle = registry.offset(), time.time_ns() // 1_000, name(number)
    found = Finding(
        lane=0,
        time_us=at_us,
        offset=offset,
        code=_CODE,
        subject="",
        category="battery",
        change="raised",
        level="alarm",
        severity=2,
        since_us=at_us,
        status=0x2F,
        occurrence=1,
        evidence={"text": "raised by a benchmark"},
    )
    event = Event(event_id(vehicle, at_us, FINDING, _CODE), vehicle, at_us, FINDING, offset, found)
    registry.commit_batch(MAIN_STREAM, offset, offset + 1, [event], {})


def _raise_bare(door: Door, number: int) -> None:
    with urllib.request.urlopen(f"{door.url}/raise/{name(number)}", data=b""):
        pass


# --- the services ---------------------------------------------------------------------------------------------------


@contextmanager
def serving() -> Iterator[tuple[Workspace, Door]]:
    """The API over the large workspace, once it has read the fleet; and a key to it."""
    workspace = api_fleet.made()
    _let_ask_often(workspace.home / "settings.toml")
    with workspace.registry() as registry:
        key = registry.keys.add("benchmark", "admin", COMMAND_LINE, days=1).key
    command = [sys.executable, "-m", "twinpack", "serve", "--only", "api", "--home", str(workspace.home), "--port", "0"]
    with _process(command, "stderr", r"at (http://\S+?)/") as url:
        door = Door(url, key)
        ask(door, "/v1/fleet/summary")
        yield workspace, door


@contextmanager
def bare() -> Iterator[Door]:
    """A bare FastAPI application."""
    with _process([sys.executable, "-m", "benchmarks.bare_api"], "stdout", r"(http://\S+)") as url:
        yield Door(url)


@contextmanager
def _process(command: Sequence[str], said: Literal["stderr", "stdout"], pattern: str) -> Iterator[str]:
    """A process that says where it serves in its first line."""
    out = subprocess.PIPE if said == "stdout" else subprocess.DEVNULL
    error = subprocess.PIPE if said == "stderr" else None
    with subprocess.Popen(command, stdout=out, stderr=error, text=True) as process:
        lines = process.stderr if said == "stderr" else process.stdout
        assert lines is not None
        line = lines.readline()
        found = re.search(pattern, line)
        if found is None:
            raise RuntimeError(f"{command} said {line!r}")
        threading.Thread(target=lines.read, daemon=True).start()
        try:
            yield found[1]
        finally:
            process.terminate()


def _let_ask_often(settings: Path) -> None:
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(requests_per_minute =) \d+", r"\1 10000000", text), encoding="utf-8")
