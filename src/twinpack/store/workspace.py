"""A workspace: the folder that holds a fleet's log, lake, registry, models, snapshots and keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack import __version__
from twinpack.errors import NotFoundError, WorkspaceBusyError, WorkspaceError, WorkspaceVersionError
from twinpack.store.artifacts import ModelArtifacts
from twinpack.store.files import write_atomic
from twinpack.store.locks import Claim
from twinpack.store.registry import Registry
from twinpack.store.settings import Settings, parse_settings
from twinpack.store.snapshots import Snapshots

if TYPE_CHECKING:  # the Delta library takes a while to load, and not every command reads the lake
    from twinpack.store.audit import Heads
    from twinpack.store.lake import Lake

DEFAULT_HOME = "./twinpack-data"
FORMAT = 1
"""Layout of the folder that this release reads and writes."""

_FORMAT_FILE = "workspace.json"
_BEFORE = ("settings.toml", "routing.toml")
"""What a person may have put into the folder before it becomes a workspace."""
_FOLDERS = ("log", "lake", "models", "snapshots", "keys")

_UPGRADES: dict[int, Callable[[Path], None]] = {}
"""How a folder of an older format becomes one of the next; each step may be repeated after a crash."""


@dataclass(frozen=True)
class Workspace:
    """An open workspace. Opening it takes no lock and no connection.

    Attributes:
        home: Its folder.
        settings: What `settings.toml` says.
    """

    home: Path
    settings: Settings

    @classmethod
    def open(cls, home: str | Path = DEFAULT_HOME, create: bool = True, settings: Settings | None = None) -> Workspace:
        """Open a workspace, or begin one in a new or empty folder.

        Args:
            home: Its folder.
            create: Whether to begin one when there is none.
            settings: What a new workspace begins with; an existing one keeps its own.

        Raises:
            NotFoundError: There is none and `create` is not set.
            WorkspaceError: The folder holds other things, or cannot be written.
            WorkspaceVersionError: It was made by a later release.
            SettingsError: `settings.toml` has a mistake; names the key.
        """
        folder = Path(home)
        try:
            _prepare(folder, create)
            _complete(folder, settings or Settings())
        except OSError as error:
            raise WorkspaceError(f"workspace {folder} cannot be used: {error}") from error
        path = folder / "settings.toml"
        return cls(folder, parse_settings(path.read_text(encoding="utf-8"), str(path)))

    @property
    def log_dir(self) -> Path:
        """Sealed segments of the log."""
        return self.home / "log"

    @property
    def lake_dir(self) -> Path:
        """Delta tables."""
        return self.home / "lake"

    @property
    def models_dir(self) -> Path:
        """Model artifacts."""
        return self.home / "models"

    @property
    def snapshots_dir(self) -> Path:
        """Snapshots of the fold's state."""
        return self.home / "snapshots"

    @property
    def audit_key_path(self) -> Path:
        """The key that signs chain heads; readable by the owner only."""
        return self.home / "keys" / "audit.key"

    @property
    def registry_url(self) -> str:
        """Where the registry is."""
        return self.settings.workspace.registry_url or f"sqlite:///{(self.home / 'registry.db').absolute()}"

    def registry(self) -> Registry:
        """Open the registry at this release's revision; the caller closes it."""
        registry = Registry.open(self.registry_url)
        try:
            registry.upgrade()
        except BaseException:
            registry.close()
            raise
        return registry

    def lake(self) -> Lake:
        """The tables of the lake."""
        from twinpack.store.lake import Lake

        return Lake(self.settings.lake.url or self.lake_dir, self.lake_dir)

    def heads(self) -> Heads:
        """The signed heads of the version chains."""
        from twinpack.store.audit import Heads

        return Heads(self.lake(), self.audit_key_path)

    def artifacts(self, registry: Registry) -> ModelArtifacts:
        """Its model artifacts."""
        return ModelArtifacts(self.models_dir, registry)

    def snapshots(self, registry: Registry) -> Snapshots:
        """Its snapshots."""
        return Snapshots(self.snapshots_dir, registry)

    @contextmanager
    def runtime_lock(self) -> Iterator[None]:
        """Be the one run on this workspace; the system lets go when the process ends, however it ends.

        Raises:
            WorkspaceBusyError: Another run holds it; names its process.
        """
        claim = Claim(self.home / "runtime.lock", "run")
        if not claim.take():
            raise WorkspaceBusyError(
                f"workspace {self.home} is in use by another run or serve (process {claim.holder()[1]}): wait until "
                "it ends, stop it, or use another workspace with --home"
            )
        try:
            yield
        finally:
            claim.release()


def _prepare(folder: Path, create: bool) -> None:
    """Leave a folder of this release's format, or refuse it."""
    if not (folder / _FORMAT_FILE).is_file():
        if not create:
            raise NotFoundError(
                f"there is no workspace at {folder}; `twinpack import` begins one, --home names another"
            )
        _begin(folder)
    _upgrade(folder, _read_format(folder))


def _begin(folder: Path) -> None:
    # It will hold names and where people drove: a new folder is for whoever begins it.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".") and path.name not in _BEFORE)
    if found and _FORMAT_FILE not in found:
        raise WorkspaceError(
            f"{folder} is not a workspace and holds other files ({found[0]}): name a new or empty folder with --home"
        )
    # Written first: a crash after it leaves a workspace that the next opening completes.
    _write_format(folder, FORMAT)


def _upgrade(folder: Path, found: int) -> None:
    if found > FORMAT:
        raise WorkspaceVersionError(
            f"workspace {folder} has format {found}, made by a later release; this one ({__version__}) knows up to "
            f"{FORMAT}: install a later release with `pip install --upgrade twinpack`"
        )
    for step in range(found, FORMAT):
        _UPGRADES[step](folder)
        _write_format(folder, step + 1)


def _read_format(folder: Path) -> int:
    path = folder / _FORMAT_FILE
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f'{path} is damaged: restore it, or write {{"format": {FORMAT}}} into it') from error


def _write_format(folder: Path, number: int) -> None:
    text = json.dumps({"format": number, "release": __version__})
    write_atomic(folder / _FORMAT_FILE, text.encode())


def _complete(folder: Path, settings: Settings) -> None:
    for name in _FOLDERS:
        (folder / name).mkdir(exist_ok=True, mode=0o700 if name == "keys" else 0o777)
    if not (folder / "settings.toml").exists():
        write_atomic(folder / "settings.toml", settings.to_toml().encode())
