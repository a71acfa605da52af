"""All that is kept of an owner, as a ZIP file: JSON of what people entered, Parquet of what the vehicles told.

It is made while it is sent, a table at a time, so that years of telemetry need neither memory nor patience.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinpack.store.export import Wanted, export
from twinpack.store.identity.records import GrantRecord, UserRecord
from twinpack.store.tables import FEATURES, FORECAST_ENDS, FORECASTS, HEALTH, PREDICTIONS, TELEMETRY, TRIPS
from twinpack.views.opened import Views
from twinpack.views.sight import Right, Sight

_PIECE = 1 << 20
_MOST_ENTRIES = 100_000
_TABLES = (TELEMETRY, TRIPS, PREDICTIONS, FEATURES, HEALTH, FORECASTS, FORECAST_ENDS)
_READ_ME = """What is kept of you and your vehicles, within the times that they are yours.

account.json        your account
log.json            when you signed in or changed something, and who else read your data
grants.json         which vehicles are yours, since when, and with whom you share them
VEHICLE/vehicle.json      what people entered of the vehicle
VEHICLE/maintenance.json  work on it
VEHICLE/versions.json     its twin: what was inferred of its battery, and when
VEHICLE/*.parquet         telemetry, trips, predictions, daily figures, health, forecasts (Apache Parquet; in UTC)
"""


def own_data(views: Views, seer: Sight, user: UserRecord) -> Iterator[bytes]:
    """The pieces of the ZIP file.

    Args:
        views: The workspace.
        seer: The owner.
        user: The owner's account.

    Raises:
        AccessError: The one who asks is no owner.
    """
    seer.need(Right.SHARE)
    own = [one for one in views.registry.grants.grants(username=user.username) if one.kind == "owner"]
    return _zipped(_members(views, user, [one for one in own if one.active(views.now_us())]))


def _members(views: Views, user: UserRecord, own: list[GrantRecord]) -> Iterator[tuple[str, bytes | Path]]:
    registry = views.registry
    given = registry.grants.grants(given_by=user.username)
    log = registry.audit_log
    entries = log.entries(who=user.username, limit=_MOST_ENTRIES)
    for grant in own:
        read = log.entries(subject=grant.vehicle_id, limit=_MOST_ENTRIES)
        entries += [one for one in read if one.at_us >= grant.from_us and one.who != user.username]
    yield "README.txt", _READ_ME.encode()
    yield "account.json", _json(_account(user))
    yield "log.json", _json([asdict(entry) for entry in entries])
    yield "grants.json", _json([asdict(grant) for grant in (*own, *given)])
    with tempfile.TemporaryDirectory(prefix="twinpack-own-data-") as folder:
        for grant in own:
            yield from _vehicle(views, grant, Path(folder))


def _vehicle(views: Views, grant: GrantRecord, folder: Path) -> Iterator[tuple[str, bytes | Path]]:
    name, registry = grant.vehicle_id, views.registry
    entry = registry.fleet.entry(name)
    work = [one for one in registry.workshop.records(name) if _within(grant, one.entered_at_us)]
    versions = [one for one in registry.versions(name) if _within(grant, one.sample_time_us)]
    yield f"{name}/vehicle.json", _json({} if entry is None else asdict(entry))
    yield f"{name}/maintenance.json", _json([asdict(one) for one in work])
    yield f"{name}/versions.json", _json([one.content() for one in versions])
    since, until = _moment(grant.from_us), None if grant.end_us is None else _moment(grant.end_us)
    for table in _TABLES:
        path = folder / f"{table}.parquet"
        export(views.lake, Wanted(table, (name,), since, until), path, "parquet")
        yield f"{name}/{path.name}", path
        path.unlink()


def _account(user: UserRecord) -> dict[str, Any]:
    return asdict(user) | {"preferences": json.loads(user.preferences)}


def _within(grant: GrantRecord, at_us: int) -> bool:
    return grant.from_us <= at_us and (grant.end_us is None or at_us < grant.end_us)


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str).encode()


class _Sink:
    """What a ZIP file is written to, and taken from as it grows; it cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found


def _zipped(members: Iterable[tuple[str, bytes | Path]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, content in members:
            # What may be huge is compressed already: Parquet compresses itself.
            info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED if isinstance(content, bytes) else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as member:
                for piece in [content] if isinstance(content, bytes) else _pieces_of(content):
                    member.write(piece)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
