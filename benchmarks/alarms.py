"""From a vehicle's message to the stored alarm, at 5,000 messages a second, with real Mosquitto on the same machine.

A fleet of 10,000 vehicles sends one sample every two seconds each; twins, lake and detection run as `twinpack serve`
runs them. One vehicle after the other loses its isolation. What counts is the time from the moment the sample that
makes the code fail was published (its own sample time) to the moment another process sees the alarm in the registry.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from multiprocessing import Process
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import create_engine, select

from benchmarks.ingest import PACK, SHARDS, VEHICLES, Running, gateway, publish_aside
from benchmarks.publisher import connect, publish_packet
from benchmarks.result import Result
from tests.servers.mosquitto import running
from tests.twin.garage import ARTIFACT
from twinpack.cli import output
from twinpack.detect.findings import RAISED
from twinpack.ingest.topics import telemetry_topic
from twinpack.store import schema
from twinpack.store.workspace import Workspace

RATE, SLOW_RATE = 5_000, 500
WARM_S, MEASURED_S = 5.0, 40.0
FAULTY = 200
TURN_S = 0.02
CODE = "P0AA6"
SERVE = (sys.executable, "-m", "twinpack", "serve", "--only", "gateway")


def latency() -> Result:
    """95th percentile of the time from publish to stored alarm, beside that at a tenth of the rate."""
    busy, quiet = _latencies(RATE), _latencies(SLOW_RATE)
    for rate, found in ((RATE, busy), (SLOW_RATE, quiet)):
        output.note(
            f"{rate:,} messages/s: {len(found)} alarms of {FAULTY}, median {np.median(found):.0f} ms, "
            f"95 % {np.percentile(found, 95):.0f} ms, longest {found.max():.0f} ms"
        )
    return Result(float(np.percentile(busy, 95)), "ms", float(np.percentile(quiet, 95)), higher_is_better=False)


def _latencies(rate: int) -> Any:
    vehicles = VEHICLES * rate // RATE
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "broker", durable=False) as broker:
        home = Path(folder) / "home"
        with gateway(home, broker):  # makes the workspace, and the session at the broker
            pass
        workspace = Workspace.open(home, create=False)
        with workspace.registry() as registry:
            workspace.artifacts(registry).save(ARTIFACT, pack=PACK)
        with gateway(home, broker, command=SERVE) as service:
            # Each vehicle has sent before, as in a fleet that is not new: the second sample makes its twin.
            for turn in range(1, 3):
                publish_aside(broker, [_packet(number, vehicles, {}, time.time(), 1.0) for number in range(vehicles)])
                _wait_for_twins(service, turn * vehicles)
                time.sleep(1.0)
            loader = Process(target=_publish, args=(broker.port, rate, vehicles))
            loader.start()
            found = _watched(workspace.registry_url, loader)
            loader.join()
    if len(found) < 0.95 * FAULTY:
        raise RuntimeError(f"{len(found)} alarms of {FAULTY}")
    return np.array(found)


def _wait_for_twins(service: Running, samples: int) -> None:
    """Wait until so many samples are in the log and the twins have followed it to its end."""
    while True:
        health = service.health()
        if health["log_end"] >= samples and health["twins_at"] >= health["log_end"]:
            return
        time.sleep(0.2)


def _watched(registry_url: str, loader: Process) -> list[float]:
    """Milliseconds that each alarm took, as seen by looking every 5 ms."""
    findings = schema.findings
    query = select(findings.c.event_id, findings.c.sample_time_us).where(
        findings.c.code == CODE, findings.c.change == RAISED
    )
    seen: dict[str, float] = {}
    engine = create_engine(registry_url)
    patience = 0.0
    while patience < 5.0:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        now_us = time.time_ns() / 1e3
        for event, time_us in rows:
            seen.setdefault(event, (now_us - time_us) / 1e3)
        time.sleep(0.005)
        patience = 0.0 if loader.is_alive() else patience + 0.005
        if len(seen) == FAULTY:
            break
    return list(seen.values())


def _publish(port: int, rate: int, vehicles: int) -> None:
    """Publish at a steady rate; vehicles fail one after the other once everyone has sent for a while."""
    begin = time.time()
    period_s = vehicles / rate
    onset = {vehicle: WARM_S + MEASURED_S * number / FAULTY / 1.6 for number, vehicle in enumerate(_faulty(vehicles))}
    with connect(port) as link:
        reader = Process(target=_swallow, args=(link,))
        reader.start()
        at = 0
        while (now := time.time()) < begin + WARM_S + MEASURED_S:
            due = int((now - begin) * rate)
            link.sendall(b"".join(_packet(number, vehicles, onset, begin, period_s) for number in range(at, due)))
            at = due
            time.sleep(TURN_S)
        reader.terminate()


def _faulty(vehicles: int) -> list[int]:
    return [int(vehicle) for vehicle in np.random.default_rng(5).permutation(vehicles)[:FAULTY]]


def _swallow(link: socket.socket) -> None:
    while link.recv(65_536):
        pass


def _packet(number: int, vehicles: int, onset: dict[int, float], begin: float, period_s: float) -> bytes:
    which, turn = number % vehicles, number // vehicles
    vehicle, now_us = f"WVWZZZ1KZ{which:08d}", time.time_ns() // 1_000
    lost = (now_us / 1e6 - begin) > onset.get(which, np.inf)
    fields = {
        "v": 1,
        "vehicle": vehicle,
        "seq": turn,
        "time": now_us,
        "pack_voltage_v": 352.1 + number % 97 / 10,
        "pack_current_a": -41.25 + number % 89 / 4,
        "cell_temp_avg_c": 24.5,
        "cell_temp_min_c": 23.1,
        "cell_temp_max_c": 26.2,
        "soc_pct": 61.25,
        "speed_kmh": 48.75 + number % 7,
        "odometer_km": 48211.4 + turn * period_s / 72,
        "ambient_temp_c": 18.5,
        "isolation_resistance_kohm": 12.5 if lost else 5200.5,
        "is_charging": False,
        "plug_connected": False,
    }
    topic = telemetry_topic("default", vehicle, SHARDS)
    return publish_packet(topic, msgspec.json.encode(fields), number % 65_535 + 1)
