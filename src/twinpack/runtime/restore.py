"""A workspace made again from a backup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from twinpack.runtime.backup import REGISTRY
from twinpack.store.archive import Archive, new_folder
from twinpack.store.files import write_atomic
from twinpack.store.places import Place
from twinpack.store.registry_copy import load_registry
from twinpack.store.settings import Settings, parse_settings
from twinpack.store.workspace import Workspace

SETTINGS = "settings.toml"
KEYS = "keys"
IN_A_FILE = "file"

Tell = Callable[[int], None]
"""Told bytes restored."""


@dataclass(frozen=True)
class Restored:
    """A workspace that was restored, and what people should know of it, a line each."""

    workspace: Workspace
    archive: Archive
    notes: tuple[str, ...]


def restore(source: Path, home: Path, *, registry_url: str | None = None, tell: Tell = lambda done: None) -> Restored:
    """Make a workspace from a backup, checking every file on the way; a failure leaves nothing.

    Args:
        source: The backup.
        home: A new or empty folder.
        registry_url: Where the registry goes: an empty database, or `IN_A_FILE` for a file in the workspace; where it
            was when left out.
        tell: Progress.

    Raises:
        NotFoundError: There is no backup.
        WorkspaceError: It is damaged or was cut off (names the file), or folder or database is not empty.
        WorkspaceVersionError: A later release made it.
    """
    archive = Archive.open(source)
    done = 0
    with new_folder(home, "restored", 0o777) as folder:
        (folder / KEYS).mkdir(mode=0o700)
        for name, entry in archive.manifest.files.items():
            archive.extract(name, folder / name)
            tell(done := done + entry.size)
        notes = [f"not in the backup: {line}" for line in archive.manifest.facts.get("left_out", [])]
        settings = _settled(folder, registry_url, notes)
        if settings.workspace.registry_url:
            load_registry(folder / REGISTRY, settings.workspace.registry_url)
            (folder / REGISTRY).unlink()
    workspace = Workspace.open(home, create=False)
    workspace.registry().close()  # brings one of an earlier release to this one, or says that a later made it
    return Restored(workspace, archive, tuple(notes))


def _settled(folder: Path, registry_url: str | None, notes: list[str]) -> Settings:
    """Settings that point at what was restored, not at what was backed up."""
    path = folder / SETTINGS
    before = settings = parse_settings(path.read_text(encoding="utf-8"), str(path))
    if registry_url is not None:
        url = "" if registry_url == IN_A_FILE else registry_url
        settings = replace(settings, workspace=replace(settings.workspace, registry_url=url))
    if settings.lake.url and Place.of(settings.lake.url).folder is not None:
        notes.append(f"[lake] url was {settings.lake.url}; the tables are in the workspace now, and it is empty")
        settings = replace(settings, lake=replace(settings.lake, url=""))
    if settings != before:
        write_atomic(path, settings.to_toml().encode())
    return settings
