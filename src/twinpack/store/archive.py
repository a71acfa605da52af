"""A backup as a folder: its files, and a manifest with the SHA-256 of each, written last.

A folder without a manifest is no backup: whatever was cut off while one was written shows at once.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import msgspec

from twinpack import __version__
from twinpack.errors import NotFoundError, WorkspaceError, WorkspaceVersionError
from twinpack.store.files import force_to_disk, write_atomic

FORMAT = 1
"""Layout of the backups that this release writes, and the latest that it reads."""

MANIFEST = "manifest.json"
_SEAL = "manifest.sha256"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileEntry:
    """A file of a backup: size in bytes, SHA-256, permissions."""

    size: int
    sha256: str
    mode: int


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        format: Its layout.
        release: The release that made it.
        made_at: When it was begun, ISO 8601.
        facts: What was backed up, and what was not.
        files: Every file by its path in the backup.
    """

    format: int
    release: str
    made_at: str
    facts: dict[str, Any]
    files: dict[str, FileEntry]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


@dataclass
class ArchiveWriter:
    """A backup being written."""

    folder: Path
    _files: dict[str, FileEntry] = field(default_factory=dict)

    def add(self, path: Path, name: str, size: int | None = None) -> None:
        """Copy a file.

        Args:
            path: The file.
            name: Its path in the backup, with `/`.
            size: How many bytes of it to take; all when left out.

        Raises:
            FileNotFoundError: It is gone.
        """
        with path.open("rb") as source:
            self.add_open(source, name, os.fstat(source.fileno()).st_mode & 0o777, size)

    def add_open(self, source: BinaryIO, name: str, mode: int, size: int | None = None) -> None:
        """Copy what a file that is open holds from here on, `size` bytes of it at most."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            written, digest = _copy(source, file, size)
            file.flush()
            os.fsync(file.fileno())
        self._files[name] = FileEntry(written, digest, mode)

    def add_bytes(self, content: bytes, name: str) -> None:
        """Keep a file with this content."""
        self.add_open(io.BytesIO(content), name, 0o644)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Leave out what was added below a folder but for the files of these names."""
        kept = {f"{folder}/{name}" for name in names}
        for name in [name for name in self._files if name.startswith(f"{folder}/") and name not in kept]:
            del self._files[name]
            (self.folder / name).unlink()

    def close(self, made_at: str, facts: Mapping[str, Any]) -> Manifest:
        """Write the manifest; the backup is whole and on disk when this returns."""
        for folder in {self.folder, *(path for path in self.folder.rglob("*") if path.is_dir())}:
            force_to_disk(folder)
        manifest = Manifest(FORMAT, __version__, made_at, dict(facts), self._files)
        content = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
        write_atomic(self.folder / _SEAL, f"{hashlib.sha256(content).hexdigest()}\n".encode())
        write_atomic(self.folder / MANIFEST, content)
        return manifest


@contextmanager
def new_archive(destination: Path) -> Iterator[ArchiveWriter]:
    """Write a backup beside its place and move it there once it is whole; an error leaves nothing.

    Args:
        destination: A new or empty folder; its owner alone may read it.

    Raises:
        WorkspaceError: There is something else already, or it cannot be written.
    """
    with new_folder(destination, "partial") as folder:
        yield ArchiveWriter(folder)


@contextmanager
def new_folder(destination: Path, word: str, mode: int = 0o700) -> Iterator[Path]:
    """A folder to fill, which takes its place at the end; an error removes it.

    Args:
        destination: A new or empty folder.
        word: What it is called meanwhile.
        mode: Its permissions.

    Raises:
        WorkspaceError: The place is not free, or cannot be written.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise WorkspaceError(f"{destination} is not empty: name a new or empty folder")
    folder = destination.with_name(f".{destination.name}.{word}-{os.getpid()}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=mode)
        yield folder
        folder.rename(destination)
        force_to_disk(destination.parent)
    except OSError as error:
        raise WorkspaceError(f"{destination} cannot be written: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Archive:
    """A backup to be read."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> Archive:
        """Read the manifest of a backup, and look whether every file is there in its length.

        Raises:
            NotFoundError: There is no backup here.
            WorkspaceError: It is damaged or was cut off; names the file.
            WorkspaceVersionError: A later release made it.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise NotFoundError(f"{folder} is not a backup, or one that was cut off: it has no {MANIFEST}")
        content = path.read_bytes()
        _check_format(path, content)
        seal = folder / _SEAL
        if not seal.is_file() or seal.read_bytes().strip().decode("ascii", "replace") != _sha256(content):
            raise WorkspaceError(f"backup {folder} is damaged: {MANIFEST} is not as it was written")
        manifest = msgspec.json.decode(content, type=Manifest)
        archive = cls(folder, manifest)
        for name, entry in manifest.files.items():
            archive._check_length(name, entry)
        return archive

    def extract(self, name: str, target: Path) -> None:
        """Copy a file out, with its permissions, and check it on the way.

        Raises:
            WorkspaceError: It is not what was backed up.
        """
        entry = self.manifest.files[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, entry.mode)
        with os.fdopen(handle, "wb") as file, (self.folder / name).open("rb") as source:
            _, digest = _copy(source, file, None)
            if digest != entry.sha256:
                raise WorkspaceError(f"backup {self.folder} is damaged: {name} is not as it was written")
            os.fchmod(handle, entry.mode)
            file.flush()
            os.fsync(handle)

    def _check_length(self, name: str, entry: FileEntry) -> None:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise WorkspaceError(f"backup {self.folder}: the file name {name!r} leads out of it")
        path = self.folder / name
        if not path.is_file():
            raise WorkspaceError(f"backup {self.folder} is not whole: {name} is missing")
        if (found := path.stat().st_size) != entry.size:
            raise WorkspaceError(
                f"backup {self.folder} is damaged: {name} has {found:,} bytes, {entry.size:,} were written"
            )


def _check_format(path: Path, content: bytes) -> None:
    try:
        found = int(msgspec.json.decode(content)["format"])
    except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"backup {path.parent} is damaged: {path.name} cannot be read") from error
    if found > FORMAT:
        raise WorkspaceVersionError(
            f"backup {path.parent} has format {found}, made by a later release; this one ({__version__}) knows up to "
            f"{FORMAT}: install a later release with `pip install --upgrade twinpack`"
        )


def _copy(source: BinaryIO, target: BinaryIO, size: int | None) -> tuple[int, str]:
    """Copy bytes; returns how many, and their SHA-256."""
    digest = hashlib.sha256()
    written = 0
    while size is None or written < size:
        chunk = source.read(_CHUNK if size is None else min(_CHUNK, size - written))
        if not chunk:
            break
        target.write(chunk)
        digest.update(chunk)
        written += len(chunk)
    return written, digest.hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
