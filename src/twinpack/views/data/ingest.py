"""Whether data comes in, how much, and how far behind everything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from twinpack.ingest.log.segments import GATEWAY_LOCK, RECOVERY
from twinpack.store.locks import Claim
from twinpack.store.registry import MAIN_STREAM
from twinpack.views.data.receipts import MINUTE_US, MINUTES, Received
from twinpack.views.moments import moment
from twinpack.views.shapes.data import IngestState, StreamState
from twinpack.views.sight import Right, Sight

if TYPE_CHECKING:
    from twinpack.views.opened import Views


def ingest_state(views: Views, seer: Sight) -> IngestState:
    """The state of ingest.

    Raises:
        AccessError: It may not be seen.
        WorkspaceError: Log, lake or registry cannot be read.
    """
    seer.need(Right.DATA)
    now_us = views.now_us()
    received = views.receipts.up_to(now_us)
    streams = views.registry.streams()
    idle = Claim(views.workspace.log_dir / GATEWAY_LOCK, RECOVERY).is_free()
    minutes = range(now_us // MINUTE_US - MINUTES, now_us // MINUTE_US)
    letters = views.letters.now()
    return IngestState(
        as_of=moment(now_us),
        gateway="stopped" if idle else "running",
        log_rows=received.rows,
        log_mb=round(received.size / 1e6, 2),
        newest_receipt_at=moment(received.newest_us) if received.newest_us > 0 else None,
        lag_s=_lag_s(views, received, streams.get(MAIN_STREAM, 0), now_us),
        streams=[
            StreamState(name=name, offset=offset, behind_rows=max(received.rows - offset, 0))
            for name, offset in sorted(streams.items())
        ],
        lake_behind_rows=max(received.rows - views.lake_end(), 0),
        rate_ms=[minute * 60_000 for minute in minutes],
        rate_per_s=[round(received.by_minute.get(minute, 0) / 60.0, 3) for minute in minutes],
        dead_letters=0 if letters is None else letters.count(),
    )


def _lag_s(views: Views, received: Received, folded: int, now_us: int) -> float | None:
    """How long ago the oldest row that waits to be folded came in; None when none waits.

    Of rows that are not sealed yet, which have waited for a minute at most, the newest one stands for all.
    """
    log = views.log
    if received.rows <= folded or folded < log.start_offset:
        return None
    came_us = received.newest_us
    if folded < log.end_offset:
        _, table = next(iter(log.read(folded, 1, [])))
        came_us = int(table.column("receipt_time").cast(pa.int64())[0].as_py())
    return max(round((now_us - came_us) / 1e6, 3), 0.0)
