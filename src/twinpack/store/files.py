"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a crash, never meets half of it.

    The bytes are on disk when this returns.

    Args:
        path: Where; its folder exists.
        data: The whole content.
        mode: Permissions of the new file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    force_to_disk(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file that must not be there yet, as `write_atomic` does.

    Raises:
        FileExistsError: It is there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_atomic(temporary, data, mode)
        os.link(temporary, path)  # unlike a renaming, this never takes the place of another
    finally:
        temporary.unlink(missing_ok=True)
    force_to_disk(path.parent)


def force_to_disk(path: Path) -> None:
    """Make a file's content durable, or the renames and removals in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
