"""The durable log: segments, the write-ahead files of a gateway, and finding a sample in either.

`SegmentLog` is the log in a folder, for whoever reads it or imports into it; `LiveLog` is the log as a gateway appends
to it; `open_log` opens that of a workspace.
"""

from __future__ import annotations

from twinpack.ingest.log.live import LiveLog
from twinpack.ingest.log.log import SegmentLog
from twinpack.ingest.log.opening import open_log
from twinpack.ingest.log.segments import ROW_GROUP_ROWS, SOURCE_NAME, SOURCE_SHA256, Segment, SegmentWriter
from twinpack.ingest.log.watchers import LogMovedError, Watchers, Written

__all__ = [
    "ROW_GROUP_ROWS",
    "SOURCE_NAME",
    "SOURCE_SHA256",
    "LiveLog",
    "LogMovedError",
    "Segment",
    "SegmentLog",
    "SegmentWriter",
    "Watchers",
    "Written",
    "open_log",
]
