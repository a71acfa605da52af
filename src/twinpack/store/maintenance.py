"""Keeping the lake in shape: compaction, retention, and removal of files that nothing names any more.

Each step is one commit that keeps the recorded offset, holds the writer's lock for itself alone, and may be repeated: a
run that was killed leaves files that no commit names, which the next clean-up removes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake, at_offset
from twinpack.store.places import told
from twinpack.store.settings import LakeSettings
from twinpack.store.tables import BUCKET, OFFSET, TABLES, TELEMETRY
from twinpack.store.telemetry import commit
from twinpack.store.telemetry_files import buckets_of, write_files
from twinpack.store.telemetry_pieces import StoredFile, ordered_pieces, stored_files

PARTS = 4
"""Files from single batches that a day and bucket may have before it is compacted."""

SMALL_FILES = 16
"""Files that another table may have before they are joined."""

_STORED = [name for name in TABLES[TELEMETRY].schema.names if name not in TABLES[TELEMETRY].partitions]


@dataclass(frozen=True)
class Maintained:
    """What was done: days and buckets compacted, days dropped, files removed."""

    compacted: int
    dropped: list[date]
    removed: int


def maintain(lake: Lake, settings: LakeSettings, now: datetime) -> Maintained:
    """Compact every table, drop telemetry that is too old, and remove files that nothing names any more.

    Args:
        lake: The lake.
        settings: How long telemetry and replaced files stay.
        now: The moment, with its zone.

    Raises:
        WorkspaceError: A table cannot be read or written.
    """
    dropped = drop_old_days(lake, settings.retention_days, now)
    compacted = compact_telemetry(lake)
    for name, table in TABLES.items():
        if not table.partitions:
            lake.compact(name, SMALL_FILES, settings.keep_replaced_h)
    return Maintained(compacted, dropped, sum(clean_up(lake, name, settings.keep_replaced_h) for name in TABLES))


def compact_telemetry(lake: Lake, parts: int = PARTS) -> int:
    """Sort each day and bucket that has several files from single batches into as few as possible.

    Within a day, rows are put by vehicle and time: the day is the coarse order of time, so that a vehicle's day lies
    together, as z-ordering the two would have it over all days.

    Args:
        lake: The lake.
        parts: How many files from single batches a day and bucket must have to be worth it.

    Returns:
        How many days and buckets were compacted.

    Raises:
        WorkspaceError: The table cannot be read or written.
    """
    table = lake.open(TELEMETRY)
    if table is None:
        return 0
    loose = [group for group in _groups(table) if sum(not file.is_sorted for file in group) >= max(parts, 1)]
    several = [group for group in loose if len(group) > 1]
    for group in several:
        with lake.writing(TELEMETRY):
            _compact(lake, group[0])
    return len(several)


def drop_old_days(lake: Lake, keep_days: float, now: datetime) -> list[date]:
    """Remove the days all of whose samples are older than so many days; a day that is not is kept whole.

    Args:
        lake: The lake.
        keep_days: How long telemetry stays; 0 keeps all.
        now: The moment, with its zone.

    Returns:
        The days removed. Readers that opened the table before still have them, until `clean_up`.

    Raises:
        WorkspaceError: The table cannot be read or written.
    """
    if keep_days <= 0:
        return []
    with lake.writing(TELEMETRY):
        table = lake.open(TELEMETRY)
        if table is None:
            return []
        # A day ends at the next midnight; all of it is older once that is.
        oldest = (now - timedelta(days=keep_days)).astimezone(UTC).date()
        old = [file for file in stored_files(table) if file.day < oldest]
        if old:
            _commit(lake, table, [_removed(file, data_change=True) for file in old])
    return sorted({file.day for file in old})


def clean_up(lake: Lake, name: str, keep_hours: float) -> int:
    """Remove files that a table does not name any more, nor has named for so many hours.

    Args:
        lake: The lake.
        name: Name of the table.
        keep_hours: Longer than any read takes: a reader goes on with the files that were there when it began.

    Returns:
        How many were removed.

    Raises:
        WorkspaceError: The table cannot be read or written.
    """
    with lake.writing(name):
        table = lake.open(name)
        if table is None:
            return 0
        properties = at_offset(lake.recorded_offset(name)) if OFFSET in TABLES[name].schema.names else None
        how: dict[str, Any] = {
            "retention_hours": math.ceil(keep_hours),
            "enforce_retention_duration": False,
            "full": True,
        }
        try:
            old = table.vacuum(dry_run=True, **how)
            # Those that were removed before are told again; without any other nothing is to be done, nor committed.
            found = [each for each in lake.place(name).filesystem().get_file_info(old) if each.is_file]
            if found:
                table.vacuum(dry_run=False, commit_properties=properties, **how)
        except (DeltaError, OSError) as error:
            raise WorkspaceError(f"lake table {lake.place(name).uri} cannot be cleaned up: {told(error)}") from error
    return len(found)


def _groups(table: DeltaTable) -> list[list[StoredFile]]:
    return [list(group) for _, group in groupby(stored_files(table), key=lambda file: (file.day, file.bucket))]


def _compact(lake: Lake, one: StoredFile) -> None:
    """Compact the day and bucket of a file, as they are now."""
    table = lake.open(TELEMETRY)
    if table is None:
        return
    files = [file for file in stored_files(table) if (file.day, file.bucket) == (one.day, one.bucket)]
    condition = ds.field(BUCKET) == one.bucket
    actions: list[AddAction | RemoveAction] = [_removed(file, data_change=False) for file in files]
    try:
        for piece in ordered_pieces(table, files, _STORED, condition):
            actions += write_files(lake.place(TELEMETRY), piece, buckets_of(table), compacted=True)
    except (DeltaError, OSError) as error:
        raise WorkspaceError(f"lake table {lake.place(TELEMETRY).uri} cannot be compacted: {told(error)}") from error
    _commit(lake, table, actions)


def _removed(file: StoredFile, *, data_change: bool) -> RemoveAction:
    moment = time.time_ns() // 1_000_000
    return RemoveAction(file.path, data_change, moment, size=file.size, partition_values=file.partition_values)


def _commit(lake: Lake, table: DeltaTable, actions: Sequence[AddAction | RemoveAction]) -> None:
    place = lake.place(TELEMETRY)
    try:
        commit(table, list(actions), at_offset(lake.recorded_offset(TELEMETRY)))
        place.force_last_commit()
    except (DeltaError, OSError) as error:
        raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error
