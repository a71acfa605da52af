"""A gateway at a real broker: what arrives is in the log, what cannot be taken a dead letter, all is acknowledged."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.ingest.gateway import line
from tests.servers.mosquitto import Broker
from tests.waiting import until
from twinpack.errors import WorkspaceBusyError
from twinpack.ingest.gateway import Gateway


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_is_published_is_in_the_log_once(tmp_path: Path, broker: Broker, version: str) -> None:
    workspace = line.made(tmp_path / "home", broker, version)
    begin = line.now_us() - 3_600_000_000
    pairs = [line.published(line.sample(f"V{at % 5}", at, begin)) for at in range(500)]
    with Gateway(workspace) as gateway:
        until(lambda: gateway.mqtt is not None and gateway.mqtt.connected, "subscribed")
        line.publish(broker, pairs)
        line.acknowledged(gateway, 500)
        assert line.counted(gateway, "samples_accepted") == 500
    rows = line.samples(workspace)
    assert set(line.keys(rows).values()) == {1}
    assert rows.num_rows == 500
    first = rows.filter(pa.compute.equal(rows.column("vehicle_id"), "V0")).slice(0, 1).to_pylist()[0]
    assert (first["pack_voltage_v"], first["pack_current_a"], first["speed_kmh"]) == (350.0, -20.0, 40.0)


def test_what_was_published_while_it_was_away_arrives_when_it_is_back(tmp_path: Path, broker: Broker) -> None:
    workspace = line.made(tmp_path / "home", broker)
    with Gateway(workspace) as gateway:
        until(lambda: gateway.mqtt is not None and gateway.mqtt.connected, "subscribed")
    begin = line.now_us() - 3_600_000_000
    line.publish(broker, [line.published(line.sample("V1", at, begin)) for at in range(100)])
    with Gateway(workspace) as gateway:
        line.acknowledged(gateway, 100)
    assert line.samples(workspace).num_rows == 100


def test_a_second_gateway_is_refused(tmp_path: Path, broker: Broker) -> None:
    workspace = line.made(tmp_path / "home", broker)
    with Gateway(workspace), pytest.raises(WorkspaceBusyError):
        Gateway(workspace).start()
