"""Does the version history verify? Every hash and link, and the signed heads that are kept apart from it.

A hash chain shows that an entry was altered, but not that the last ones were cut off. So each commit also signs, for
every vehicle it gave versions to, how many there are and the hash of the last: HMAC-SHA256 with a key of the
workspace, appended to a table of the lake. Whoever alters the registry would have to alter that table as well and to
hold the key. The limit of it: someone who holds neither but removes the end of both is not seen; keep a copy elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pyarrow as pa

from twinpack.errors import AuditError
from twinpack.fleet.events import VERSION, Event
from twinpack.store.files import write_new
from twinpack.store.lake import Lake
from twinpack.store.records import VersionRow, sha256_text
from twinpack.store.registry import Registry
from twinpack.store.tables import TABLES, VERSION_HEADS

KEY_BYTES = 32


@dataclass(frozen=True)
class SignedHead:
    """A vehicle's chain as it stood at a commit.

    Attributes:
        vehicle_id: The vehicle.
        versions: How many versions it had.
        head_hash: Hash of the last one.
        offset: Log offset of the row that brought that one about.
        signature: HMAC-SHA256 over the four above, 64 hex digits.
    """

    vehicle_id: str
    versions: int
    head_hash: str
    offset: int
    signature: str


@dataclass(frozen=True)
class BrokenLink:
    """Where a history does not verify.

    Attributes:
        vehicle_id: The vehicle.
        version: Number of the first version concerned.
        what: What is wrong with it.
    """

    vehicle_id: str
    version: int
    what: str

    def __str__(self) -> str:
        """In one line."""
        return f"vehicle {self.vehicle_id}, version {self.version}: {self.what}"


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Attributes:
        vehicles: Vehicles with a history.
        versions: Versions checked.
        heads: Signed heads checked.
        unsigned: Versions not signed yet: a run was stopped between two writes, the next one signs them.
        broken: The first broken link of each vehicle that has one, by name.
    """

    vehicles: int
    versions: int
    heads: int
    unsigned: int
    broken: tuple[BrokenLink, ...]

    @property
    def ok(self) -> bool:
        """Whether everything verifies."""
        return not self.broken

    def check(self) -> None:
        """Raise when it does not verify.

        Raises:
            AuditError: Names the first broken link.
        """
        if self.broken:
            more = f" (and {len(self.broken) - 1} more vehicles)" if len(self.broken) > 1 else ""
            raise AuditError(f"the version history is broken: {self.broken[0]}{more}")


class Heads:
    """The signed heads of a workspace: a table of the lake and the key they are signed with."""

    def __init__(self, lake: Lake, key_path: Path) -> None:
        """Keep heads in `lake`; the key is made when the first one is signed."""
        self._lake = lake
        self._key_path = key_path

    def sign(self, events: Iterable[Event], offset_after: int) -> int:
        """Sign the chains that a batch continued, after the registry has it.

        A batch folded again signs nothing twice, and signs what a crash left unsigned.

        Args:
            events: What the fold gave back; events of other kinds are passed over.
            offset_after: Log offset after the batch.

        Returns:
            How many heads were added.

        Raises:
            AuditError: The key is gone.
        """
        last = {event.vehicle_id: event for event in events if event.kind == VERSION}
        if not last:
            return 0
        key = self._key(create=True)
        heads = [_signed(key, event) for event in last.values()]
        return self._lake.append(VERSION_HEADS, _table(heads), offset_after)

    def read(self, vehicle_id: str | None = None) -> dict[str, list[SignedHead]]:
        """Every head by vehicle, or those of one vehicle, in order of offset, signatures unchecked."""
        rows = self._lake.read(VERSION_HEADS, vehicle=vehicle_id).to_pylist()
        found: dict[str, list[SignedHead]] = {}
        for row in rows:
            found.setdefault(row["vehicle_id"], []).append(SignedHead(**row))
        return found

    def forged(self, heads: Iterable[SignedHead]) -> list[SignedHead]:
        """Heads that this workspace's key did not sign.

        Raises:
            AuditError: The key is gone, so that nothing can be said.
        """
        listed = list(heads)
        key = self._key(create=False) if listed else b""
        return [head for head in listed if not hmac.compare_digest(_signature(key, head), head.signature)]

    def _key(self, create: bool) -> bytes:
        if self._key_path.is_file():
            return self._read_key()
        # A new key in place of a lost one would make every head that is there look forged.
        if not create or self._lake.recorded_offset(VERSION_HEADS):
            raise AuditError(
                f"{self._key_path} is missing: without it the signed heads cannot be checked; restore it from a backup"
            )
        return self._make_key()

    def _read_key(self) -> bytes:
        try:
            key = bytes.fromhex(self._key_path.read_text(encoding="ascii").strip())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise AuditError(f"{self._key_path} is damaged: restore it from a backup")
        return key

    def _make_key(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        # Made for its owner alone from the first moment, whole or not at all, and never over one that is there.
        write_new(self._key_path, f"{key.hex()}\n".encode("ascii"), mode=0o600)
        return key


def verify_vehicle(registry: Registry, heads: Heads, vehicle_id: str) -> AuditReport:
    """Check every version of one vehicle, and every signed head of it; arguments and errors as of `verify`."""
    return _verified(registry, heads, vehicle_id)


def verify(registry: Registry, heads: Heads) -> AuditReport:
    """Check every version of every vehicle, and every signed head against them.

    Args:
        registry: Where the versions are.
        heads: Where the signed heads are.

    Raises:
        AuditError: The signing key is gone or damaged.
    """
    return _verified(registry, heads)


def _verified(registry: Registry, heads: Heads, vehicle: str | None = None) -> AuditReport:
    # Read in the order opposite to writing, so that a run at work meanwhile does not look like damage.
    limits = _Limits(registry)
    signed = heads.read(vehicle)
    broken = _forged(heads, signed)
    total = sum(map(len, signed.values()))
    versions = unsigned = vehicles = 0
    for vehicle_id, rows in groupby(registry.version_rows(vehicle), attrgetter("vehicle_id")):
        history = _History(vehicle_id, signed.pop(vehicle_id, []), limits)
        _note(broken, history.check(rows))
        vehicles, versions, unsigned = vehicles + 1, versions + history.count, unsigned + history.unsigned
    for left in signed.values():
        _note(broken, _removed(left))
    return AuditReport(vehicles, versions, total, unsigned, tuple(broken[name] for name in sorted(broken)))


def _forged(heads: Heads, signed: Mapping[str, Sequence[SignedHead]]) -> dict[str, BrokenLink]:
    broken: dict[str, BrokenLink] = {}
    for head in heads.forged(head for listed in signed.values() for head in listed):
        what = "the signature of its head is not of this workspace's key"
        _note(broken, BrokenLink(head.vehicle_id, head.versions, what))
    return broken


def _note(broken: dict[str, BrokenLink], link: BrokenLink | None) -> None:
    """Keep the first broken link of each vehicle."""
    if link is not None and (link.vehicle_id not in broken or link.version < broken[link.vehicle_id].version):
        broken[link.vehicle_id] = link


class _Limits:
    """Which versions may be without a signed head: those since the last snapshot, of rows that were folded."""

    def __init__(self, registry: Registry) -> None:
        snapshots = registry.snapshots()
        self._snapshot = snapshots[0].offset if snapshots else 0
        self._end = 0
        self._registry = registry

    def fault(self, offset: int) -> str:
        """What is wrong with an unsigned version of a row, "" when it may be."""
        if offset < self._snapshot:
            return "its head was never signed, though later rows were folded"
        if offset >= self._end:
            self._end = self._registry.offset()
        return "it claims a row of the log that was not folded yet" if offset >= self._end else ""


class _History:
    """Walks one vehicle's versions."""

    def __init__(self, vehicle_id: str, heads: Sequence[SignedHead], limits: _Limits) -> None:
        self.vehicle_id = vehicle_id
        self.count = 0
        self.unsigned = 0
        self._heads = {head.versions: head for head in heads}
        self._signed = max(self._heads, default=0)
        self._limits = limits
        self._parent_hash = ""

    def check(self, rows: Iterable[VersionRow]) -> BrokenLink | None:
        """The first broken link, None when there is none."""
        first: BrokenLink | None = None
        for row in rows:
            self.count += 1
            if first is None:
                number, what = self._fault(row)
                first = BrokenLink(self.vehicle_id, number, what) if what else None
            self._parent_hash = row.hash
        if first is None and self.count < self._signed:
            what = f"missing: the signed head counts {self._signed} versions, the registry has {self.count}"
            first = BrokenLink(self.vehicle_id, self.count + 1, what)
        return first

    def _fault(self, row: VersionRow) -> tuple[int, str]:
        if row.number != self.count:
            return self.count, "missing: the numbers have a gap"
        what = _content_fault(row)
        if not what and row.parent_hash != self._parent_hash:
            what = "its parent hash is not the hash of the version before"
        return row.number, what or self._head_fault(row)

    def _head_fault(self, row: VersionRow) -> str:
        if row.number > self._signed:
            self.unsigned += 1
            return self._limits.fault(row.offset)
        head = self._heads.get(row.number)
        if head is not None and (head.head_hash, head.offset) != (row.hash, row.offset):
            return "it is not the version whose head was signed"
        return ""


def _content_fault(row: VersionRow) -> str:
    if sha256_text(row.content) != row.hash:
        return "its content does not have its hash: one of them was altered"
    content: Mapping[str, object] = json.loads(row.content)
    for name in ("vehicle_id", "number", "kind", "trip_number", "sample_time_us", "parent_hash"):
        if content.get(name) != getattr(row, name):
            return f"its column {name} differs from its content: it was altered or moved"
    return ""


def _removed(heads: Sequence[SignedHead]) -> BrokenLink:
    most = max(head.versions for head in heads)
    return BrokenLink(heads[0].vehicle_id, 1, f"missing: the signed head counts {most} versions, the registry has none")


def _signed(key: bytes, event: Event) -> SignedHead:
    bare = SignedHead(event.vehicle_id, event.body.number, event.body.hash, event.offset, "")
    return SignedHead(bare.vehicle_id, bare.versions, bare.head_hash, bare.offset, _signature(key, bare))


def _signature(key: bytes, head: SignedHead) -> str:
    text = f"{head.vehicle_id}\n{head.versions}\n{head.head_hash}\n{head.offset}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _table(heads: Sequence[SignedHead]) -> pa.Table:
    schema = TABLES[VERSION_HEADS].schema
    return pa.table({name: [getattr(head, name) for head in heads] for name in schema.names}, schema=schema)
