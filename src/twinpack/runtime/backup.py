"""A copy of a workspace from which the same fleet goes on, made while a gateway and a run are at work.

What is copied when is what makes it consistent. A run goes on at a snapshot and folds the log from there; whatever
registry and lake have beyond it already is recognised. So, of what is in the backup:

1. Signed heads are copied before the registry: a version that is signed is there.
2. The registry names only snapshots that were saved before the lake was copied: what a fold from there leaves out
   because the lake has it, it has.
3. The log comes after registry and lake, and so reaches further than both.
4. Dead letters come after the log: those of a file are kept before its segment is.
5. What triggers have seen comes first, and the jobs they started later: an event seen twice starts nothing twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from twinpack.errors import WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.retired import RETIRED
from twinpack.ingest.log.segments import TIDY_LOCK
from twinpack.store.archive import ArchiveWriter, Manifest, new_archive
from twinpack.store.database import without_password
from twinpack.store.lake_copy import table_files, table_names
from twinpack.store.locks import locked
from twinpack.store.places import Place
from twinpack.store.registry import Registry
from twinpack.store.schema import HEAD_REVISION
from twinpack.store.tables import DEAD_LETTERS, VERSION_HEADS
from twinpack.store.workspace import Workspace

REGISTRY = "registry.db"
JOBS = "jobs.db"
JOB_LOGS = "jobs"
_TRIES = 20

Tell = Callable[[str], None]
"""Told what is copied next."""


@dataclass(frozen=True)
class BackupSummary:
    """What a backup holds.

    Attributes:
        folder: Where it is.
        manifest: Its manifest.
        left_out: What it does not hold, a line each.
    """

    folder: Path
    manifest: Manifest
    left_out: tuple[str, ...]


def backup(workspace: Workspace, destination: Path, tell: Tell = lambda what: None) -> BackupSummary:
    """Copy a workspace into a folder; gateway, import and run may go on.

    Args:
        workspace: What to copy.
        destination: A new or empty folder outside it.
        tell: Progress.

    Raises:
        WorkspaceError: The folder is not free, or something cannot be read or written; nothing is left there.
    """
    if destination.absolute().resolve().is_relative_to(workspace.home.resolve()):
        raise WorkspaceError(f"{destination} is inside the workspace {workspace.home}: name a folder outside it")
    begun = datetime.now(UTC)
    with workspace.registry() as registry, new_archive(destination) as archive:
        writer = _Writer(workspace, registry, archive, tell)
        writer.copy()
        manifest = archive.close(begun.isoformat(timespec="seconds"), writer.facts)
    return BackupSummary(destination, manifest, tuple(manifest.facts["left_out"]))


class _Writer:
    """One backup being made."""

    def __init__(self, workspace: Workspace, registry: Registry, archive: ArchiveWriter, tell: Tell) -> None:
        self._workspace = workspace
        self._registry = registry
        self._archive = archive
        self._tell = tell
        self._lake = Place.of(workspace.settings.lake.url or workspace.lake_dir).folder
        self._versions: dict[str, int] = {}
        self._log_end = 0

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says beside the files."""
        return {
            "registry_revision": HEAD_REVISION,
            "lake_versions": self._versions,
            "log_end_offset": self._log_end,
            "left_out": self._left_out(),
        }

    def copy(self) -> None:
        """Copy all parts, in the order that the module says."""
        self._copy_settings()
        self._tell("snapshots")
        snapshots = self._copy_snapshots()
        self._copy_tables([VERSION_HEADS])
        self._tell("registry")
        self._copy_registry(snapshots)
        self._copy_models_and_keys()
        self._copy_jobs()
        self._tell("lake")
        self._copy_tables(name for name in self._tables() if name not in (VERSION_HEADS, DEAD_LETTERS))
        self._tell("log")
        self._copy_log()
        self._copy_tables([DEAD_LETTERS])

    def _copy_snapshots(self) -> list[int]:
        """Copy the snapshots there are; returns their offsets. A newer one may replace an older while they are."""
        for _ in range(_TRIES):
            recorded = self._registry.snapshots()
            copied = []
            for record in recorded:
                path = self._workspace.snapshots_dir / record.file
                if self._copied(path, f"snapshots/{record.file}"):
                    copied.append(record.offset)
            if copied or not recorded:
                return copied
        raise WorkspaceError(f"{self._workspace.snapshots_dir}: the snapshots that the registry names are not there")

    def _copied(self, path: Path, name: str) -> bool:
        try:
            self._archive.add(path, name)
        except FileNotFoundError:
            return False
        return True

    def _copy_registry(self, snapshots: list[int]) -> None:
        working = self._archive.folder / ".registry.db"
        self._registry.copy_to(working, snapshots)
        self._archive.add(working, REGISTRY)
        working.unlink()

    def _copy_settings(self) -> None:
        """What lies beside the settings too, such as what triggers have seen."""
        for path in sorted(self._workspace.home.iterdir()):
            if path.is_file() and path.suffix in (".json", ".toml") and not path.name.startswith("."):
                self._archive.add(path, path.name)

    def _copy_models_and_keys(self) -> None:
        for folder in (self._workspace.models_dir, self._workspace.audit_key_path.parent):
            for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
                self._archive.add(path, f"{folder.name}/{path.name}")

    def _copy_jobs(self) -> None:
        home = self._workspace.home
        if not (home / JOBS).is_file():
            return
        working = self._archive.folder / ".jobs.db"
        with closing(sqlite3.connect(home / JOBS)) as source, closing(sqlite3.connect(working)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE").close()
        self._archive.add(working, JOBS)
        working.unlink()
        for path in sorted(path for path in (home / JOB_LOGS).rglob("*") if path.is_file()):
            self._copied(path, path.relative_to(home).as_posix())

    def _tables(self) -> list[str]:
        return [] if self._lake is None else table_names(self._lake)

    def _copy_tables(self, names: Iterable[str]) -> None:
        for name in names:
            if self._lake is not None and name in self._tables():
                self._copy_table(self._lake / name)

    def _copy_table(self, folder: Path) -> None:
        """Copy a table at one version: should a file of it be cleared away meanwhile, at a later one."""
        there: set[str] = set()
        for _ in range(_TRIES):
            version, files = table_files(folder)
            for name in files:
                if name not in there and not self._copied(folder / name, f"lake/{folder.name}/{name}"):
                    break
                there.add(name)
            else:
                self._archive.keep_only(f"lake/{folder.name}", files)
                self._versions[folder.name] = version
                return
        raise WorkspaceError(f"lake table {folder}: files keep vanishing while they are copied")

    def _copy_log(self) -> None:
        """Segments, and what a gateway has made durable since the last: no segment goes away while they are copied."""
        folder = self._workspace.log_dir
        log = SegmentLog(folder)
        with locked(folder / TIDY_LOCK), ExitStack() as opened:
            with log.lock():  # for a moment: no row is being appended
                listing = log.listing()
                self._log_end = log.next_offset()
                # A file that is sealed and removed after this can still be read to where it ended now.
                wals = [(path.name, *_opened(path, opened)) for path in listing.wals]
                retired = (folder / RETIRED).read_bytes() if (folder / RETIRED).is_file() else None
            for segment in (*listing.segments, *listing.beyond):
                self._archive.add(segment.path, f"log/{segment.path.name}")
            for name, file, size in wals:
                self._archive.add_open(file, f"log/{name}", 0o644, size)
            if retired is not None:
                self._archive.add_bytes(retired, f"log/{RETIRED}")

    def _left_out(self) -> list[str]:
        settings = self._workspace.settings
        found = []
        if self._lake is None:
            found.append(f"the lake at {settings.lake.url}: keep it with the means of the object store")
        if settings.workspace.registry_url:
            found.append(
                f"the database at {without_password(settings.workspace.registry_url)} itself; what it holds is in "
                f"{REGISTRY}"
            )
        if settings.jobs.database_url:
            found.append(f"the jobs at {without_password(settings.jobs.database_url)}")
        for section in ("gateway", "mqtt", "http"):
            for key in ("rules", "password_file", "ca_file", "cert_file", "key_file"):
                name = getattr(getattr(settings, section), key, "")
                if name and not (self._archive.folder / name).is_file():
                    found.append(f"the file that [{section}] {key} names")
        return found


def _opened(path: Path, stack: ExitStack) -> tuple[BinaryIO, int]:
    """A file held open, and how long it is now."""
    file = stack.enter_context(path.open("rb"))
    return file, path.stat().st_size
