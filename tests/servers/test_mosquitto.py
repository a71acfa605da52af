"""The broker that other tests lean on does what it says."""

from __future__ import annotations

from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers.mosquitto import DEVICE_PASSWORD, GATEWAY_PASSWORD, GATEWAY_USER, Broker, running


def connected(broker: Broker, user: str, password: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, user, protocol=paho.MQTTv311)
    client.username_pw_set(user, password)
    client.connect("127.0.0.1", broker.port)
    while not client.is_connected():
        assert client.loop(1.0) == paho.MQTT_ERR_SUCCESS
    return client


def test_a_user_publishes_below_its_own_name_only(tmp_path: Path) -> None:
    seen: list[bytes | bytearray] = []
    with running(tmp_path, users=("V1", "V2")) as broker:
        gateway = connected(broker, GATEWAY_USER, GATEWAY_PASSWORD)
        gateway.on_message = lambda client, data, message: seen.append(message.payload)
        gateway.subscribe("twinpack/#", 1)
        assert gateway.loop(5.0) == paho.MQTT_ERR_SUCCESS
        for name in ("V1", "V2"):
            device = connected(broker, name, DEVICE_PASSWORD)
            device.publish("twinpack/f/0/V2/telemetry", name, qos=1)
            while device.loop(0.05) == paho.MQTT_ERR_SUCCESS and not seen:
                gateway.loop(0.05)
    assert seen == [b"V2"]


def test_a_broker_keeps_its_port_when_it_is_restarted(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        port, process = broker.port, broker.pid
        broker.restart()
        assert (broker.port, broker.pid != process) == (port, True)
