"""Telling the fold what people decided about faults: a code is cleared, a battery was repaired.

Both are rows of the log. After a repair, what was learned of a battery's cells begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from twinpack.fleet.commands import clear_codes_command, repair_command
from twinpack.ingest.log import open_log
from twinpack.runtime.orders import append_command
from twinpack.store.alarms.records import Alarm
from twinpack.store.registry import Registry
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace


def tell_repairs(
    workspace: Workspace, registry: Registry, records: Iterable[MaintenanceRecord]
) -> list[MaintenanceRecord]:
    """Append a command to the log for each repair or replacement that is done and was not told yet.

    One that was done before its vehicle's first sample is passed over: nothing learned since rests on the old cells.
    The log comes first: told twice after a crash between the two, a repair does no harm.

    Args:
        workspace: Where the log is.
        registry: Its open registry.
        records: Records as the registry keeps them.

    Returns:
        The records that were told, as kept then.

    Raises:
        WorkspaceError: Log or registry cannot be written.
    """
    waiting = [record for record in records if record.resets and record.log_offset is None]
    if not waiting:
        return []
    first_days = {vehicle.vehicle_id: _day(vehicle.first_seen_us) for vehicle in registry.vehicles()}
    log = open_log(workspace)
    told = []
    for record in waiting:
        if record.done_on >= first_days.get(record.vehicle_id, ""):
            reason = f"{record.kind} on {record.done_on}: {record.title}"
            body = repair_command(record.vehicle_id, record.record_id, record.who, reason)
            offset = append_command(log, record.vehicle_id, body, "maintenance")
            told.append(registry.workshop.told(record.record_id, offset))
    return told


def clear_code(workspace: Workspace, registry: Registry, alarm: Alarm, who: str, reason: str) -> int | None:
    """Append the command that clears an alarm's trouble code in the twin.

    Args:
        workspace: Where the log is.
        registry: Its open registry.
        alarm: The alarm.
        who: The person who clears it.
        reason: Why.

    Returns:
        Offset of the row; None when what raised the alarm has no life cycle of a trouble code.

    Raises:
        WorkspaceError: Log or registry cannot be read or written.
    """
    if not registry.alarms.finding(alarm.last_event).status:
        return None
    body = clear_codes_command(alarm.vehicle_id, [alarm.code], who, reason)
    return append_command(open_log(workspace), alarm.vehicle_id, body, "alarms")


def _day(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).date().isoformat()
