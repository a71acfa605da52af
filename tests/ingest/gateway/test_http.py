"""`POST /v1/telemetry` at a real server: every encoding, every refusal, and an answer only when it is durable."""

from __future__ import annotations
