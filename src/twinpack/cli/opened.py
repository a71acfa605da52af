"""The workspace and its registry, open while a command is at work."""

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
