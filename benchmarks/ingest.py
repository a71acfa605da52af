"""The gateway against a bare subscriber: real Mosquitto, QoS 1, every message forced to disk before it is acknowledged.

What is measured is a drain: messages are published while nobody listens and wait in the broker's session; then the
gateway, one process, takes them. The load generator is done by then, so that two cores hold the broker and the
gateway. Each vehicle has sent before, as in a fleet that is not new. The baseline does nothing but acknowledge: paho as
its documentation shows it, same session, same messages.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Process
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.publisher import Pair, packets, send
from benchmarks.result import Result
from tests.servers.mosquitto import Broker, free_port, running
from twinpack.cli import output
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.settings import GatewaySettings, HttpSettings, MqttSettings, Settings, WorkspaceSettings
from twinpack.store.workspace import Workspace

VEHICLES, SHARDS = 10_000, 256
MESSAGES = 200_000
COLUMN_MESSAGES, COLUMN_SAMPLES = 80_000, 30
MEMORY_MESSAGES, MEMORY_ROUND = 5_000_000, 250_000
PACK = "sim_nmc_96s"
GATEWAY = (sys.executable, "-m", "twinpack.ingest.gateway")

_ACKNOWLEDGED = re.compile(rb'^twinpack_gateway_messages_acknowledged_total\{source="mqtt"\} (\S+)$', re.MULTILINE)
_ACCEPTED = re.compile(rb"^twinpack_gateway_samples_accepted_total (\S+)$", re.MULTILINE)


def messages_per_second() -> Result:
    """Messages of one sample in about 500 B of JSON."""
    return _rates(lambda begin: single_samples(MESSAGES, begin), MESSAGES, 1, "messages/s")


def samples_per_second() -> Result:
    """Samples in MessagePack columns that are lists of numbers, 30 a message."""
    return _rates(
        lambda begin: columns(COLUMN_MESSAGES, begin, np.ndarray.tolist), COLUMN_MESSAGES, COLUMN_SAMPLES, "samples/s"
    )


def packed_samples_per_second() -> Result:
    """Samples in MessagePack columns that are packed, 30 a message."""
    return _rates(
        lambda begin: columns(COLUMN_MESSAGES, begin, np.ndarray.tobytes), COLUMN_MESSAGES, COLUMN_SAMPLES, "samples/s"
    )


def resident_memory() -> Result:
    """Resident memory after 5 million messages, beside that after the first round, MB."""
    sizes: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "broker", durable=False) as broker:
        with gateway(Path(folder) / "home", broker) as one:
            begin = time.time_ns() // 1_000 - 86_400_000_000
            for at in range(MEMORY_MESSAGES // MEMORY_ROUND):
                publish_aside(broker, packets(single_samples(MEMORY_ROUND, begin, at * MEMORY_ROUND)))
                one.wait_for((at + 1) * MEMORY_ROUND)
                sizes.append(one.resident_mb())
                output.note(f"{(at + 1) * MEMORY_ROUND:,} messages: {sizes[-1]:.0f} MB")
    return Result(max(sizes), "MB", sizes[0], higher_is_better=False)


# --- messages -------------------------------------------------------------------------------------------------------


def single_samples(count: int, begin_us: int, first: int = 0) -> list[Pair]:
    """Messages of one sample each, in turn of `VEHICLES` vehicles, a second between two of one vehicle."""
    found = []
    for at in range(first, first + count):
        vehicle, turn = f"WVWZZZ1KZ{at % VEHICLES:08d}", at // VEHICLES
        fields = {
            "v": 1,
            "vehicle": vehicle,
            "seq": turn,
            "time": begin_us + turn * 1_000_000,
            "pack_voltage_v": 352.1 + at % 97 / 10,
            "pack_current_a": -41.25 + at % 89 / 4,
            "cell_temp_avg_c": 24.5,
            "cell_temp_min_c": 23.1,
            "cell_temp_max_c": 26.2,
            "soc_pct": 61.25,
            "soc_displayed_pct": 63.5,
            "speed_kmh": 48.75 + at % 7,
            "odometer_km": 48211.4 + turn,
            "ambient_temp_c": 18.5,
            "elevation_m": 112.5,
            "heating_power_kw": 0.4,
            "aircon_power_kw": 0.75,
            "isolation_resistance_kohm": 5200.5,
            "is_charging": False,
            "plug_connected": False,
        }
        found.append((telemetry_topic("default", vehicle, SHARDS), msgspec.json.encode(fields)))
    return found


def columns(count: int, begin_us: int, written: Callable[[Any], Any]) -> list[Pair]:
    """Messages of 30 samples each in MessagePack, their columns written as `written` says."""
    rng, found = np.random.default_rng(1), []
    names = ("pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct", "speed_kmh", "ambient_temp_c")
    levels = np.array([350.0, -20.0, 24.0, 60.0, 50.0, 18.0])
    for at in range(count):
        vehicle, turn = f"WVWZZZ1KZ{at % VEHICLES:08d}", at // VEHICLES
        times = begin_us + (turn * COLUMN_SAMPLES + np.arange(COLUMN_SAMPLES)) * 1_000_000
        values = (levels[:, None] + rng.random((len(names), COLUMN_SAMPLES))).astype("<f4")
        fields = {"v": 1, "vehicle": vehicle, "seq": turn, "time": written(times.astype("<i8"))}
        fields |= {name: written(values[row]) for row, name in enumerate(names)}
        found.append((telemetry_topic("default", vehicle, SHARDS), msgspec.msgpack.encode(fields)))
    return found


# --- measuring ------------------------------------------------------------------------------------------------------


def _rates(make: Callable[[int], list[Pair]], count: int, samples: int, unit: str) -> Result:
    given = packets(make(time.time_ns() // 1_000 - 86_400_000_000))
    size = sum(map(len, given)) / count
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "broker", durable=False) as broker:
            bare = drain_bare(broker, given)
        with running(Path(folder) / "broker", durable=False) as broker:
            ours = drain_gateway(Path(folder) / "home", broker, given, samples)
    output.note(f"{count:,} packets of {size:.0f} B: gateway {ours:,.0f}/s, bare subscriber {bare:,.0f}/s")
    return Result(ours * samples, unit, bare * samples)


def drain_gateway(home: Path, broker: Broker, given: list[bytes], samples: int) -> float:
    """Messages a second of a gateway."""
    yesterday = time.time_ns() // 1_000 - 2 * 86_400_000_000
    with gateway(home, broker) as one:  # its session stays with the broker
        publish_aside(broker, packets(single_samples(VEHICLES, yesterday)))
        one.wait_for(VEHICLES)
    publish_aside(broker, given)
    with gateway(home, broker) as one:
        rate = one.wait_for(len(given))
        if one.figure(_ACCEPTED) != len(given) * samples:
            raise RuntimeError(f"{one.figure(_ACCEPTED):,.0f} samples accepted of {len(given) * samples:,}")
    return rate


def drain_bare(broker: Broker, given: list[bytes]) -> float:
    """Messages a second of a bare subscriber."""
    command = [sys.executable, "-m", "benchmarks.bare_subscriber", str(broker.port)]
    subprocess.run([*command, "0"], check=True, capture_output=True)
    publish_aside(broker, given)
    told = subprocess.run([*command, str(len(given))], check=True, capture_output=True, text=True)
    return float(told.stdout)


def publish_aside(broker: Broker, given: list[bytes]) -> None:
    """Publish from a process of its own."""
    loader = Process(target=send, args=(broker.port, given))
    loader.start()
    loader.join()
    if loader.exitcode != 0:
        raise RuntimeError("the load could not be published")


class Running:
    """A gateway process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self._url = process, f"http://127.0.0.1:{port}/metrics"

    def figure(self, pattern: re.Pattern[bytes]) -> float:
        """A figure of its metrics, 0 where it is not there."""
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            found = pattern.search(answer.read())
        return float(found[1]) if found else 0.0

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        with urllib.request.urlopen(self._url.replace("/metrics", "/healthz"), timeout=30) as answer:
            found: dict[str, Any] = msgspec.json.decode(answer.read())
        return found

    def wait_until_up(self) -> None:
        """Wait until it answers and is subscribed."""
        while True:
            if self.process.poll() is not None:
                raise RuntimeError("the gateway ended")
            try:
                if self.figure(re.compile(rb"^twinpack_gateway_mqtt_connected (\S+)$", re.MULTILINE)):
                    return
            except OSError:
                pass
            time.sleep(0.02)

    def wait_for(self, count: int) -> float:
        """Messages acknowledged a second, from when the first ones were to when all are."""
        first = began = 0.0
        while True:
            done, now = self.figure(_ACKNOWLEDGED), time.perf_counter()
            if done and not first:
                first, began = done, now
            if done >= count:
                return (count - first) / max(now - began, 1e-9)
            if self.process.poll() is not None:
                raise RuntimeError("the gateway ended")
            time.sleep(0.1)

    def resident_mb(self) -> float:
        """Resident memory of the process, MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6


@contextmanager
def gateway(home: Path, broker: Broker, command: Sequence[str] = GATEWAY) -> Iterator[Running]:
    """A gateway at a broker, or what else a command starts with one in it, in a process of its own."""
    port = free_port()
    settings = Settings(
        workspace=WorkspaceSettings(pack=PACK, shards=SHARDS),
        gateway=GatewaySettings(unknown_vehicles="register"),
        mqtt=MqttSettings(url=broker.url),
        http=HttpSettings(port=port),
    )
    if home.exists():
        (home / "settings.toml").write_text(settings.to_toml())
    Workspace.open(home, settings=settings)
    with subprocess.Popen([*command, "--home", str(home), "--log-level", "warning"]) as process:
        try:
            one = Running(process, port)
            one.wait_until_up()
            yield one
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
