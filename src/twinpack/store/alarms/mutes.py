"""Windows of time, by sample time, in which alarms of a vehicle or a fleet are listed but give no notice."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, or_, select

from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.alarms.people import check_who
from twinpack.store.database import Database
from twinpack.store.fleet_records import DEFAULT_FLEET, check_text
from twinpack.store.records import now_us
from twinpack.telemetry.identifiers import check_fleet_name, check_vehicle_id

VEHICLE = "vehicle"
FLEET = "fleet"

CHUNK = 5_000


@dataclass(frozen=True)
class MuteWindow:
    """A window.

    Attributes:
        window_id: Its identity, 12 hex digits; "" before it is kept.
        scope: `vehicle` or `fleet`.
        name: The vehicle or the fleet.
        start_us: Sample time from which on it mutes.
        end_us: Sample time from which on it does not, None for until it is ended.
        reason: Why.
        who: Who said so.
        created_at_us: Wall-clock time at which it was made.
    """

    window_id: str
    scope: str
    name: str
    start_us: int
    end_us: int | None
    reason: str
    who: str
    created_at_us: int = 0

    def covers(self, time_us: int) -> bool:
        """Whether it mutes at a sample time."""
        return self.start_us <= time_us and (self.end_us is None or time_us < self.end_us)

    def check(self) -> None:
        """Raise when a field cannot be.

        Raises:
            InputError: Names the field.
        """
        if self.scope not in (VEHICLE, FLEET):
            raise InputError(f"scope {self.scope!r} is neither {VEHICLE} nor {FLEET}")
        (check_vehicle_id if self.scope == VEHICLE else check_fleet_name)(self.name)
        if self.end_us is not None and self.end_us <= self.start_us:
            raise InputError("the window ends before it begins")
        check_text("reason", self.reason)
        check_who(self.who)


@dataclass(frozen=True)
class Muted:
    """Which windows mute which vehicles over some time.

    Attributes:
        windows: The windows by scope and name, the earliest first.
        fleets: Fleet of each vehicle asked for that a person entered.
    """

    windows: Mapping[tuple[str, str], Sequence[MuteWindow]]
    fleets: Mapping[str, str]

    @classmethod
    def of(cls, connection: Connection, times: Sequence[tuple[str, int]]) -> Muted:
        """Those that may mute any of some vehicles at their sample times."""
        if not times:
            return cls({}, {})
        moments = [time_us for _, time_us in times]
        table = schema.mute_windows
        ends_later = or_(table.c.end_us.is_(None), table.c.end_us > min(moments))
        query = select(table).where(table.c.start_us <= max(moments), ends_later)
        windows = [MuteWindow(*row) for row in connection.execute(query)]
        if not windows:
            return cls({}, {})
        by_name: dict[tuple[str, str], list[MuteWindow]] = {}
        for window in sorted(windows, key=lambda window: (window.start_us, window.window_id)):
            by_name.setdefault((window.scope, window.name), []).append(window)
        return cls(by_name, _fleets(connection, sorted({vehicle for vehicle, _ in times})))

    def window(self, vehicle_id: str, time_us: int) -> str:
        """The window that mutes a vehicle at a sample time, "" for none."""
        if not self.windows:
            return ""
        fleet = self.fleets.get(vehicle_id, DEFAULT_FLEET)
        mine = (*self.windows.get((VEHICLE, vehicle_id), ()), *self.windows.get((FLEET, fleet), ()))
        return next((window.window_id for window in mine if window.covers(time_us)), "")


def _fleets(connection: Connection, vehicle_ids: Sequence[str]) -> dict[str, str]:
    table = schema.vehicle_entries
    query = select(table.c.vehicle_id, table.c.fleet)
    found: dict[str, str] = {}
    for start in range(0, len(vehicle_ids), CHUNK):
        some = vehicle_ids[start : start + CHUNK]
        found.update(tuple(row) for row in connection.execute(query.where(table.c.vehicle_id.in_(some))))
    return found


class Mutes:
    """The windows of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def windows(self, scope: str | None = None, name: str | None = None) -> list[MuteWindow]:
        """Every window, the latest first; of one vehicle or fleet when it is named."""
        table = schema.mute_windows
        query = select(table)
        if scope is not None:
            query = query.where(table.c.scope == scope)
        if name is not None:
            query = query.where(table.c.name == name)
        found = [MuteWindow(*row) for row in self._database.rows(query)]
        return sorted(found, key=lambda window: (-window.start_us, window.window_id))

    def window(self, window_id: str) -> MuteWindow:
        """A window by its identity, or by the first digits of it that no other has.

        Raises:
            NotFoundError: There is none.
            InputError: There are several.
        """
        with self._database.read() as connection:
            return _window(connection, window_id)

    def add(self, window: MuteWindow) -> MuteWindow:
        """Keep a new window; returns it as kept.

        Raises:
            InputError: A field cannot be.
            NotFoundError: Its fleet does not exist.
        """
        window.check()
        kept = replace(window, window_id=secrets.token_hex(6), created_at_us=now_us())
        with self._database.write() as connection:
            fleets = select(schema.fleets.c.name).where(schema.fleets.c.name == window.name)
            if window.scope == FLEET and connection.execute(fleets).first() is None:
                raise NotFoundError(f"there is no fleet {window.name!r}; `twinpack fleet fleets` lists them")
            connection.execute(schema.mute_windows.insert(), asdict(kept))
        return kept

    def change(self, window_id: str, **changes: Any) -> MuteWindow:
        """Change the times or the reason of a window; returns it as kept.

        Args:
            window_id: The window.
            changes: Of `start_us`, `end_us` and `reason`.

        Raises:
            InputError: A field cannot be, or may not change.
            NotFoundError: There is none.
        """
        if fixed := changes.keys() - {"start_us", "end_us", "reason"}:
            raise InputError(f"{min(fixed)} of a window does not change: make another window")
        table = schema.mute_windows
        with self._database.write() as connection:
            before = _window(connection, window_id)
            after = replace(before, **changes)
            after.check()
            connection.execute(table.update().where(table.c.window_id == before.window_id).values(asdict(after)))
        return after

    def end(self, window_id: str, at_us: int | None = None) -> MuteWindow | None:
        """Let a window mute no longer: it ends now, or is removed when it had not begun.

        Args:
            window_id: The window.
            at_us: When it is to end, now by default.

        Returns:
            The window as it is kept, None when it was removed.

        Raises:
            NotFoundError: There is none.
            InputError: It has ended already.
        """
        at_us = now_us() if at_us is None else at_us
        table = schema.mute_windows
        with self._database.write() as connection:
            before = _window(connection, window_id)
            if before.end_us is not None and before.end_us <= at_us:
                raise InputError(f"window {before.window_id} has ended already")
            mine = table.c.window_id == before.window_id
            if before.start_us >= at_us:
                connection.execute(delete(table).where(mine))
                return None
            connection.execute(table.update().where(mine).values(end_us=at_us))
        return replace(before, end_us=at_us)


def _window(connection: Connection, window_id: str) -> MuteWindow:
    table = schema.mute_windows
    query = select(table).where(table.c.window_id.startswith(window_id, autoescape=True)).limit(2)
    found = [MuteWindow(*row) for row in connection.execute(query)] if window_id else []
    if not found:
        raise NotFoundError(f"there is no mute window {window_id!r}; `twinpack alarms windows` lists them")
    if len(found) > 1:
        raise InputError(f"several mute windows begin with {window_id!r}: write more of the one that is meant")
    return found[0]
