"""Kill -9 of the gateway under load, again and again: each sample published is in log and lake exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.publisher import Pair, packets, send
from tests.ingest.gateway import line
from tests.servers.mosquitto import Broker
from tests.waiting import until
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.lake import build_telemetry
from twinpack.store.workspace import Workspace

VEHICLES = 50


def started(workspace: Workspace) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "twinpack.ingest.gateway", "--home", str(workspace.home), "--no-http"]
    with (workspace.home / "gateway.log").open("ab") as log:
        return subprocess.Popen(command, stderr=log)


def said(workspace: Workspace, event: str) -> int:
    """How often the gateway told of an event."""
    return (workspace.home / "gateway.log").read_text().count(f'"event": "{event}"')


def wait_until_said(workspace: Workspace, event: str, times: int) -> None:
    until(lambda: said(workspace, event) >= times, f"{event} {times} times")


def fleet_messages(count: int, begin_us: int) -> list[Pair]:
    return [
        line.published(line.sample(f"V{at % VEHICLES}", at // VEHICLES, begin_us, elevation_m=float(at % 1000)))
        for at in range(count)
    ]


def publish_steadily(broker: Broker, given: list[Pair], rate: int, done: threading.Event) -> None:
    """So many messages a second, in pieces; each piece is with the broker before the next."""
    ready = packets(given)
    began = time.monotonic()
    for start in range(0, len(ready), 100):
        send(broker.port, ready[start : start + 100])
        time.sleep(max(0.0, began + start / rate - time.monotonic()))
    done.set()


@pytest.mark.parametrize(
    ("kills", "count", "rate"),
    [(1, 3_000, 4_000), pytest.param(10, 60_000, 3_000, marks=pytest.mark.slow)],
)
def test_nothing_is_lost_or_doubled_by_kill_9(
    tmp_path: Path, broker: Broker, kills: int, count: int, rate: int
) -> None:
    workspace = line.made(tmp_path / "home", broker, log={"segment_rows": 3_000, "segment_age_s": 0.5})
    begin = line.now_us() - 7_200_000_000
    given = fleet_messages(count, begin)
    rng, done = random.Random(4), threading.Event()
    process = started(workspace)
    wait_until_said(workspace, "mqtt_subscribed", 1)
    load = threading.Thread(target=publish_steadily, args=(broker, given, rate, done))
    load.start()
    for kill in range(1, kills + 1):
        time.sleep(rng.uniform(0.05, count / rate / kills))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = started(workspace)
        wait_until_said(workspace, "mqtt_subscribed", kill + 1)
    load.join()
    assert done.is_set()
    # The last message of all: once it is in a segment, so is everything before it.
    marker = line.sample("V-last", 0, begin)
    line.publish(broker, [line.published(marker)])
    until(lambda: "V-last" in line.sealed_vehicles(workspace), "the last message sealed")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    expected = Counter({(f"V{at % VEHICLES}", begin + at // VEHICLES * 1_000_000): 1 for at in range(count)})
    found = line.keys(line.samples(workspace))
    assert found.pop(("V-last", marker["time"])) == 1
    assert found == expected
    with workspace.registry() as registry:
        build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
    in_the_lake = line.keys(workspace.lake().read("telemetry", ["vehicle_id", "sample_time"]))
    del in_the_lake[("V-last", marker["time"])]
    assert in_the_lake == expected
    assert said(workspace, "started") == kills + 1
