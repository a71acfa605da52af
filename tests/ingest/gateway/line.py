"""A workspace with a gateway at a broker, and vehicles that publish to it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.publisher import Pair, packets, send
from tests.servers.mosquitto import Broker
from tests.waiting import until
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.sealing import recover
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.settings import (
    GatewaySettings,
    HttpSettings,
    LogSettings,
    MqttSettings,
    Settings,
    WorkspaceSettings,
)
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import SAMPLE_KINDS

FLEET = "berlin"
SHARDS = 256
PACK = "sim_nmc_96s"


def made(folder: Path, broker: Broker | None, version: str = "5", **changes: Any) -> Workspace:
    """A workspace whose gateway listens to a broker; vehicles are registered as they come unless it is changed."""
    settings = Settings(
        workspace=WorkspaceSettings(pack=PACK, shards=SHARDS),
        gateway=replace(GatewaySettings(unknown_vehicles="register", commit_ms=2.0), **changes.pop("gateway", {})),
        mqtt=replace(
            MqttSettings(url=broker.url if broker else "", version="5" if version == "5" else "3.1.1"),
            **changes.pop("mqtt", {}),
        ),
        http=HttpSettings(port=0),
        log=replace(LogSettings(), **changes.pop("log", {})),
    )
    assert not changes
    return Workspace.open(folder, settings=settings)


def now_us() -> int:
    return time.time_ns() // 1_000


def sample(vehicle: str, at: int, begin_us: int, **changes: Any) -> dict[str, Any]:
    """The fields of a message: sample `at` of a vehicle, a second after the one before."""
    fields: dict[str, Any] = {
        "v": 1,
        "vehicle": vehicle,
        "seq": at,
        "time": begin_us + at * 1_000_000,
        "pack_voltage_v": 350.0 + at % 50,
        "pack_current_a": -20.0 + at % 7,
        "soc_pct": 50.0,
        "speed_kmh": 40.0,
        "cell_temp_avg_c": 21.5,
    }
    return fields | changes


def published(fields: dict[str, Any], fleet: str = FLEET) -> Pair:
    """A message in JSON at the topic of its vehicle."""
    return telemetry_topic(fleet, fields["vehicle"], SHARDS), msgspec.json.encode(fields)


def publish(broker: Broker, pairs: Iterable[Pair]) -> None:
    """Publish messages; the broker has them all on return."""
    send(broker.port, packets(pairs))


def counted(gateway: Gateway, name: str, **labels: str) -> float:
    """A figure of the gateway's metrics; the sum over labels that are not given."""
    found = 0.0
    for family in gateway.metrics.registry.collect():
        for one in family.samples:
            if one.name in (f"twinpack_gateway_{name}", f"twinpack_gateway_{name}_total"):
                if all(one.labels.get(key) == value for key, value in labels.items()):
                    found += one.value
    return found


def acknowledged(gateway: Gateway, messages: int) -> None:
    """Wait until so many messages have been acknowledged."""
    until(lambda: counted(gateway, "messages_acknowledged") >= messages, f"{messages} acknowledged")


def samples(workspace: Workspace) -> pa.Table:
    """Every sample in the log, once a gateway that died is recovered."""
    log = SegmentLog(workspace.log_dir)
    assert recover(log, LakeDeadLetters(workspace.lake()))
    rows = pa.concat_tables([table for _, table in log.read()] or [])
    return rows.filter(pc.is_in(rows.column("kind"), pa.array(SAMPLE_KINDS, pa.int8())))


def keys(rows: pa.Table) -> Counter[tuple[str, int]]:
    """How often each vehicle and time is there."""
    times = rows.column("sample_time").cast(pa.int64()).to_pylist()
    return Counter(zip(rows.column("vehicle_id").to_pylist(), times, strict=True))


def letters(workspace: Workspace) -> list[dict[str, Any]]:
    """Every dead letter that was sealed."""
    found: list[dict[str, Any]] = workspace.lake().read("dead_letters", None).to_pylist()
    return found


def sealed_vehicles(workspace: Workspace) -> dict[str, int]:
    """Vehicles with samples in sealed segments, and the newest time of each."""
    return SegmentLog(workspace.log_dir).last_sample_us()
