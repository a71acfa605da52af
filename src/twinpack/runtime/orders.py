"""Commands that people give: rows of the log, which the fold obeys when it comes to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twinpack.ingest.log import SegmentLog
from twinpack.telemetry.schema import command_rows


def append_command(log: SegmentLog, vehicle: str, body: Mapping[str, Any], source: str) -> int:
    """Append a command to the log, dated at the newest row there is.

    Args:
        log: The log.
        vehicle: The vehicle it concerns, "" for all.
        body: The command.
        source: Who appends it, for the segment's own record.

    Returns:
        Its offset.
    """
    # Wall-clock time may be years after the data: it would look like silence. It is kept for people, in the row.
    asked_at = datetime.now(UTC)
    at_us = log.last_receipt_us() or int(asked_at.timestamp() * 1e6)
    text = json.dumps({**body, "asked_at": asked_at.isoformat(timespec="seconds")}, allow_nan=False)
    first, _ = log.append([command_rows([vehicle], [at_us], [text])], {"source": source})
    return first
