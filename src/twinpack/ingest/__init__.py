"""The ways in for telemetry (files, MQTT, HTTP), routing, the durable log, and what was turned away."""
