"""Random changes of valid messages, by both ways in: none does harm, and each is accepted or a dead letter."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.publisher import packets, send
from tests.ingest.gateway import line
from tests.ingest.messages.mutations import VEHICLES, mutations
from tests.servers.mosquitto import Broker
from tests.waiting import until
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.messages import Message
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.fleet_records import FleetRecord
from twinpack.store.workspace import Workspace

_TYPES = {"json": "application/json", "msgpack": "application/msgpack"}


def check_accounts(gateway: Gateway, workspace: Workspace, messages: int) -> None:
    """Every message and every sample is accounted for."""
    count = line.counted
    assert count(gateway, "messages_received") == count(gateway, "messages_acknowledged") == messages
    assert count(gateway, "messages_decoded") + count(gateway, "messages_rejected") == messages
    kept = sum(count(gateway, f"samples_{name}") for name in ("accepted", "duplicate", "unrouted", "rejected"))
    assert count(gateway, "samples_received") == kept > 0
    assert count(gateway, "messages_rejected", reason="internal") == 0
    assert gateway.intake.broken == ""
    gateway.log.seal()
    found = line.letters(workspace)
    assert sum(letter["row"] == 0 for letter in found) == count(gateway, "messages_rejected")
    turned_away = sum(letter["row"] > 0 and letter["action"] == "row rejected" for letter in found)
    assert turned_away == count(gateway, "samples_rejected")
    assert sum(letter["action"] == "value cleared" for letter in found) == count(gateway, "values_cleared")


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_over_mqtt(tmp_path: Path, broker: Broker, count: int) -> None:
    workspace = line.made(tmp_path / "home", broker)
    pairs = [
        (
            telemetry_topic(line.FLEET, message.topic_vehicle or VEHICLES[at % len(VEHICLES)], line.SHARDS),
            message.payload,
        )
        for at, message in enumerate(mutations(7, count))
    ]
    with Gateway(workspace) as gateway:
        until(lambda: gateway.mqtt is not None and gateway.mqtt.connected, "subscribed")
        send(broker.port, packets(pairs))
        line.acknowledged(gateway, count)
        check_accounts(gateway, workspace, count)


@pytest.mark.parametrize("count", [500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_over_http(tmp_path: Path, count: int) -> None:
    workspace = line.made(tmp_path / "home", None)
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET, line.PACK))
        token = registry.credentials.issue("fleet", line.FLEET).token
    given = [message for message in mutations(8, count) if message.payload]
    with Gateway(workspace) as gateway:
        assert gateway.http is not None
        where = gateway.http.url.removeprefix("http://")
        accounted: list[int] = []
        parts = [given[start::16] for start in range(16)]
        workers = [threading.Thread(target=post_all, args=(where, token, part, accounted)) for part in parts]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(accounted) == len(given)
        assert 0 not in accounted
        received = int(line.counted(gateway, "messages_received"))
        assert received >= len(given)  # a body may be a list
        check_accounts(gateway, workspace, received)


def post_all(where: str, token: str, messages: Sequence[Message], accounted: list[int]) -> None:
    """Post each as a body of its own; how many samples and messages each answer accounts for."""
    connection = http.client.HTTPConnection(where, timeout=60)
    for message in messages:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": _TYPES[message.content or "json"]}
        connection.request("POST", "/v1/telemetry", message.payload, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status in (200, 400, 403, 413), told
        accounted.append(sum(told[name] for name in ("accepted", "duplicates", "unrouted", "rejected_count")))
    connection.close()
