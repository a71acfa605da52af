"""Snapshots of the fold's state: whole files, their hashes in the registry, the last few kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twinpack.store.files import force_to_disk, write_atomic
from twinpack.store.records import SnapshotRecord
from twinpack.store.registry import Registry

KEPT = 3
_SUFFIX = ".snapshot"


@dataclass(frozen=True)
class LoadedSnapshot:
    """Where to fold on from.

    Attributes:
        offset: Log offset the state stands at; 0 without a usable snapshot.
        data: The bytes saved, None without a usable snapshot.
        skipped: Why newer ones could not be used, one line each.
    """

    offset: int
    data: bytes | None
    skipped: tuple[str, ...] = ()


class Snapshots:
    """The snapshots of a workspace."""

    def __init__(self, folder: Path, registry: Registry, keep: int = KEPT) -> None:
        """Keep the last `keep` snapshots in `folder`, which exists."""
        self._folder = folder
        self._registry = registry
        self._keep = keep

    def save(self, data: bytes, offset: int) -> Path:
        """Save the state at a log offset; it is on disk and in the registry when this returns.

        Save it after the registry and the lake hold everything before `offset`.
        """
        digest = hashlib.sha256(data).hexdigest()
        # The hash in the name keeps a second save at the same offset from touching the first one's file.
        path = self._folder / f"{offset:020d}-{digest[:12]}{_SUFFIX}"
        write_atomic(path, data)
        self._registry.add_snapshot(SnapshotRecord(offset, path.name, digest))
        self._prune()
        return path

    def load_newest(self) -> LoadedSnapshot:
        """The newest snapshot that is whole; damaged or missing ones are skipped with the reason."""
        return next(self.newest_first())

    def newest_first(self) -> Iterator[LoadedSnapshot]:
        """Those that are whole, and at last none: where to fold on from a row before the oldest of them."""
        skipped: list[str] = []
        for record in self._registry.snapshots():
            path = self._folder / record.file
            data = path.read_bytes() if path.is_file() else None
            if data is not None and hashlib.sha256(data).hexdigest() == record.sha256:
                yield LoadedSnapshot(record.offset, data, tuple(skipped))
                continue
            what = "is missing" if data is None else "is damaged (its content does not match its hash)"
            skipped.append(f"snapshot {path} {what}; folding on from an older one")
        yield LoadedSnapshot(0, None, tuple(skipped))

    def _prune(self) -> None:
        recorded = self._registry.snapshots()
        for record in recorded[self._keep :]:
            self._registry.drop_snapshot(record.offset)
        kept = {record.file for record in recorded[: self._keep]}
        for path in self._folder.glob(f"*{_SUFFIX}*"):  # half-written ones of a killed run too
            if path.name not in kept:
                path.unlink(missing_ok=True)
        force_to_disk(self._folder)
