"""Device credentials: who a token speaks for, and what it may send.

A token is `twp_ID.SECRET`. The identifier finds its row; of the secret, 256 random bits, only the SHA-256 is kept, so
that whoever reads the registry cannot send. A slow hash would add nothing: there is nothing to guess.

The gateway's HTTP door and the embedded broker both ask here. Over MQTT the user name is the vehicle or the fleet, and
the password the token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Row, select, update

from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.records import now_us

Scope = Literal["vehicle", "fleet"]

DAY_US = 86_400_000_000
_ID_BYTES = 8
_SECRET_BYTES = 32
_TOKEN = re.compile(rf"twp_([0-9a-f]{{{2 * _ID_BYTES}}})\.([A-Za-z0-9_-]{{43}})")
_NO_HASH = "0" * 64


@dataclass(frozen=True)
class Principal:
    """Whom a token speaks for.

    Attributes:
        scope: One vehicle, or every vehicle of a fleet.
        name: The vehicle or the fleet.
        credential_id: The credential shown, for logs.
    """

    scope: Scope
    name: str
    credential_id: str


@dataclass(frozen=True)
class CredentialRecord:
    """What is kept of a credential; nothing of it opens a door.

    Attributes:
        credential_id: The part of the token that finds it.
        scope: One vehicle, or every vehicle of a fleet.
        name: The vehicle or the fleet.
        note: For people.
        issued_at_us: When it was issued, microseconds since the epoch.
        expires_at_us: When it ends, None for never.
        revoked_at_us: When it was revoked, None if it was not.
    """

    credential_id: str
    scope: Scope
    name: str
    note: str
    issued_at_us: int
    expires_at_us: int | None
    revoked_at_us: int | None

    def holds(self, at_us: int) -> bool:
        """Whether it opens at a moment."""
        return self.revoked_at_us is None and (self.expires_at_us is None or at_us < self.expires_at_us)


@dataclass(frozen=True)
class IssuedCredential:
    """A new credential; the token is told this once and is not in its `repr`."""

    record: CredentialRecord
    token: str = field(repr=False)


def may_send(principal: Principal, vehicle_id: str, fleet: str) -> bool:
    """Whether a principal may send telemetry of a vehicle.

    Args:
        principal: Who sends.
        vehicle_id: Whose telemetry.
        fleet: The fleet that the vehicle is in. Of a vehicle that nobody entered, the fleet it says it is in.
    """
    return principal.name == (vehicle_id if principal.scope == "vehicle" else fleet)


class DeviceCredentials:
    """The credentials of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def issue(
        self, scope: Scope, name: str, *, days: float | None = None, note: str = "", at_us: int | None = None
    ) -> IssuedCredential:
        """Make a credential for a vehicle or a fleet that is known.

        Args:
            scope: One vehicle, or every vehicle of a fleet.
            name: The vehicle or the fleet.
            days: Days it holds, None for ever.
            note: For people.
            at_us: Now, microseconds since the epoch.

        Raises:
            InputError: It would have ended before it began.
            NotFoundError: The vehicle or the fleet is not known, or the vehicle is retired.
        """
        if days is not None and not 0 < days <= 36_500:
            raise InputError(f"a credential that holds for {days:g} days cannot be: give 0 to 36,500, or none for ever")
        self._check_known(scope, name)
        begun = now_us() if at_us is None else at_us
        ends = None if days is None else begun + round(days * DAY_US)
        identity, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        record = CredentialRecord(identity, scope, name, note, begun, ends, None)
        row = {
            "credential_id": identity,
            "scope": scope,
            "name": name,
            "secret_sha256": _digest(secret),
            "note": note,
            "issued_at_us": begun,
            "expires_at_us": ends,
        }
        with self._database.write() as connection:
            connection.execute(schema.device_credentials.insert(), row)
        return IssuedCredential(record, f"twp_{identity}.{secret}")

    def verify(self, token: str, at_us: int | None = None) -> Principal | None:
        """Whom a token speaks for; None when it is malformed, unknown, wrong, revoked or has ended.

        How long the answer takes tells nothing of the secret.

        Raises:
            RegistryBusyError: The registry is locked or away: the device should try again.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        table = schema.device_credentials
        found = self._database.rows(select(table).where(table.c.credential_id == parts[1]))
        kept = found[0].secret_sha256 if found else _NO_HASH
        if not hmac.compare_digest(kept, _digest(parts[2])) or not found:
            return None
        record = _record(found[0])
        if not record.holds(now_us() if at_us is None else at_us):
            return None
        return Principal(record.scope, record.name, record.credential_id)

    def records(self, name: str | None = None) -> list[CredentialRecord]:
        """What was issued, oldest first; for one vehicle or fleet when it is named."""
        table = schema.device_credentials
        query = select(table).order_by(table.c.issued_at_us, table.c.credential_id)
        return [
            _record(row) for row in self._database.rows(query if name is None else query.where(table.c.name == name))
        ]

    def revoke(self, credential_id: str, at_us: int | None = None) -> None:
        """Make a credential open nothing from now on; revoking it again changes nothing.

        Raises:
            NotFoundError: There is none with this identifier.
        """
        table = schema.device_credentials
        mine = table.c.credential_id == credential_id
        with self._database.write() as connection:
            if connection.execute(select(table.c.credential_id).where(mine)).scalar() is None:
                raise NotFoundError(f"there is no credential {credential_id!r}; `twinpack token list` lists them")
            ended = now_us() if at_us is None else at_us
            connection.execute(update(table).where(mine, table.c.revoked_at_us.is_(None)).values(revoked_at_us=ended))

    def _check_known(self, scope: Scope, name: str) -> None:
        entries, vehicles, fleets = schema.vehicle_entries, schema.vehicles, schema.fleets
        if scope == "fleet":
            if self._database.value(select(fleets.c.name).where(fleets.c.name == name)) is None:
                raise NotFoundError(f"there is no fleet {name!r}; `twinpack fleet create {name}` makes it")
            return
        retired = self._database.value(select(entries.c.retired).where(entries.c.vehicle_id == name))
        if retired:
            raise NotFoundError(f"vehicle {name!r} is retired; `twinpack fleet edit {name} --return` takes it back")
        met = select(vehicles.c.vehicle_id).where(vehicles.c.vehicle_id == name)
        if retired is None and self._database.value(met) is None:
            raise NotFoundError(f"vehicle {name!r} is not known here; `twinpack fleet add {name}` enters it")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(row: Row[tuple[object, ...]]) -> CredentialRecord:
    return CredentialRecord(
        credential_id=row.credential_id,
        scope=row.scope,
        name=row.name,
        note=row.note,
        issued_at_us=row.issued_at_us,
        expires_at_us=row.expires_at_us,
        revoked_at_us=row.revoked_at_us,
    )
