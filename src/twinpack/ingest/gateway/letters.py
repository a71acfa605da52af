"""Dead letters of the gateway: what was turned away, as rows for the same log that the samples go to."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.ingest.messages import Message
from twinpack.ingest.records import DEAD_LETTERS
from twinpack.telemetry.readings import ROW_REJECTED, Fault, Readings

PROFILE = "telemetry"
"""What the dead-letter table says of how messages were read."""
MAX_RAW = 4_000
"""Most characters kept of a message."""


class Letters:
    """Gathers the dead letters of one batch."""

    def __init__(self) -> None:
        """Begin without any."""
        self._rows: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add_message(self, place: str, message: Message, reason: str, detail: str) -> None:
        """Keep a message that was turned away as a whole."""
        self._add(place, 0, message.topic_vehicle, reason, detail, ROW_REJECTED, raw_text(message.payload))

    def add_row(
        self, place: str, position: int, vehicle: str | None, fault: tuple[str, str, str], values: dict[str, Any]
    ) -> None:
        """Keep a sample, or a value of it, that was turned away.

        Args:
            place: Where it came in.
            position: Its place in the message, counted from 1.
            vehicle: Its vehicle, where that is known.
            fault: Reason, detail, and what became of it.
            values: Its signals as they were understood.
        """
        reason, detail, action = fault
        self._add(place, position, vehicle, reason, detail, action, json.dumps(values)[:MAX_RAW])

    def table(self) -> pa.Table:
        """All of them in the `DEAD_LETTERS` schema."""
        return pa.Table.from_pylist(self._rows, schema=DEAD_LETTERS)

    def _add(self, place: str, row: int, vehicle: str | None, reason: str, detail: str, action: str, raw: str) -> None:
        self._rows.append(
            {
                "file": place,
                "row": row,
                "vehicle_id": vehicle,
                "reason": reason,
                "detail": detail,
                "action": action,
                "raw": raw,
                "profile": PROFILE,
                "import_id": "",
            }
        )


def raw_text(payload: bytes) -> str:
    """A payload as text, in base64 where it is none; cut where it is long."""
    try:
        return payload[:MAX_RAW].decode()
    except UnicodeDecodeError as error:
        if error.start >= MAX_RAW - 4:  # the cut went through a character
            return payload[: error.start].decode()
        return "base64:" + base64.b64encode(payload[: MAX_RAW // 2]).decode()


def values_of(readings: Readings, row: int) -> dict[str, Any]:
    """Time and signals of one row, for people; JSON knows neither NaN nor infinity."""
    values: dict[str, Any] = {"time_us": int(readings.sample_time_us[row])}
    for name, column in readings.signals.items():
        value = float(column[row])
        if not math.isnan(value):
            values[name] = value if math.isfinite(value) else str(value)
    for name, cells in readings.lists.items():
        held = cells[row].as_py()
        if held is not None:
            values[name] = [None if value is None or not np.isfinite(value) else round(value, 4) for value in held]
    return values


def texts_of(fault: Fault) -> list[tuple[int, tuple[str, str, str]]]:
    """Row, and reason, detail and action, of everything in a fault."""
    return [
        (row, (fault.reason, detail, fault.action))
        for row, detail in zip(fault.rows.tolist(), fault.details, strict=True)
    ]
