"""The gateway: live telemetry over MQTT and HTTP into the durable log. `Gateway` is all a caller needs."""

from __future__ import annotations

from twinpack.ingest.gateway.gateway import Gateway

__all__ = ["Gateway"]
