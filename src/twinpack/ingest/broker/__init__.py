"""The embedded broker: MQTT 3.1.1 by amqtt, with device credentials and topics of its own, for trying out.

It passes messages on and does not keep them: they are lost with its process. `docs/brokers.md` says what to use where
telemetry must not be lost.
"""

from __future__ import annotations

from twinpack.ingest.broker.access import GATEWAY_USER, Access, become_broker, password_path
from twinpack.ingest.broker.process import BrokerProcess

__all__ = ["GATEWAY_USER", "Access", "BrokerProcess", "become_broker", "password_path"]
