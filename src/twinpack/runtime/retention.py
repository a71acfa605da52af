"""How much of the log may go: only what nobody needs any more, and only as the settings ask."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import retain
from twinpack.ingest.routing import load_rules, rules_path
from twinpack.ingest.routing.webhooks import stream_names
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.tables import TELEMETRY
from twinpack.store.workspace import Workspace

_DAY_US = 86_400_000_000
_GB = 1_000_000_000


def retain_log(workspace: Workspace, registry: Registry, now: datetime) -> list[Path]:
    """Retire the segments of the log that are older or larger together than the settings let them be.

    Args:
        workspace: Whose log.
        registry: Its open registry, which knows how far the log is used.
        now: The moment, with its zone.

    Returns:
        The files that are gone.

    Raises:
        WorkspaceError: Log, lake or registry cannot be read.
    """
    days, gigabytes = workspace.settings.log.retention_days, workspace.settings.log.retention_gb
    if not days and not gigabytes:
        return []
    return retain(
        SegmentLog(workspace.log_dir),
        used_offset(workspace, registry),
        older_than_us=round(now.timestamp() * 1e6 - days * _DAY_US) if days else None,
        max_bytes=round(gigabytes * _GB) if gigabytes else None,
    )


def used_offset(workspace: Workspace, registry: Registry) -> int:
    """Log offset before which nothing is needed any more.

    That is what every stream has passed (the fold, each webhook), what is in the lake, and what the oldest snapshot
    holds: should the newer ones be damaged, the fold goes on from that.
    """
    settings = workspace.settings.gateway
    rules = load_rules(rules_path(workspace.home, settings.rules))
    served = {name for rule in rules for name in stream_names(rule)}  # a webhook that is gone holds nothing
    streams = {MAIN_STREAM: 0} | {
        name: offset for name, offset in registry.streams().items() if name == MAIN_STREAM or name in served
    }
    oldest = min((snapshot.offset for snapshot in registry.snapshots()), default=0)
    return min(*streams.values(), oldest, workspace.lake().recorded_offset(TELEMETRY))
