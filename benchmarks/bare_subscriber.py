"""`python -m benchmarks.bare_subscriber PORT COUNT`: acknowledges so many messages; prints how many a second."""

from __future__ import annotations

import sys
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from twinpack.cli import output


def drain(port: int, count: int) -> float:
    """Acknowledge `count` messages of a session that is kept; messages a second, first to last. 0 only subscribes."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "bare", protocol=paho.MQTTv5, manual_ack=True)
    seen, began = 0, 0.0

    def on_message(client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        nonlocal seen, began
        began = began or time.perf_counter()
        client.ack(message.mid, message.qos)
        seen += 1
        if seen == count:
            client.disconnect()

    client.on_message = on_message
    client.on_connect = lambda client, *_: client.subscribe("twinpack/+/+/+/telemetry", qos=1)
    client.on_subscribe = lambda client, *_: None if count else client.disconnect()
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3_600
    properties.ReceiveMaximum = 65_535
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_forever()
    return seen / (time.perf_counter() - began)


if __name__ == "__main__":
    output.line(f"{drain(int(sys.argv[1]), int(sys.argv[2])):.1f}")
