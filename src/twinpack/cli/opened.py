"""The workspace and its registry, open while a command is at work, and vehicles that have to be in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace


@contextmanager
def opened(home: Path, *, create: bool = False) -> Iterator[tuple[Workspace, Registry]]:
    """Open both; the registry is closed at the end.

    Args:
        home: The workspace folder.
        create: Whether a workspace is made where there is none.

    Raises:
        WorkspaceError: There is none, or it cannot be opened.
    """
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=create)
    with workspace.registry() as registry:
        yield workspace, registry


def check_vehicle(registry: Registry, vehicle_id: str) -> None:
    """Refuse a vehicle that is not known: of a slip an empty list would look like good news.

    Raises:
        NotFoundError: It is in neither the registry nor the log.
    """
    from twinpack.errors import NotFoundError

    if vehicle_id not in registry.fleet.known():
        raise NotFoundError(f"there is no vehicle {vehicle_id!r}; `twinpack fleet list --retired` lists them")
