"""Locks between processes: files that the system lets go of when their holder ends, however it ends.

The files stay: removing one could hand two processes two locks.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for whoever has it."""
    handle = _opened(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Claim:
    """A lock that is held or refused at once, with a note in its file on who holds it."""

    def __init__(self, path: Path, role: str) -> None:
        """Name the lock, and what its holder is, in one word."""
        self._path = path
        self._role = role
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether it was free and is now held."""
        handle = self._taken()
        if handle is None:
            return False
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{self._role} {os.getpid()}".encode(), 0)
        self._handle = handle
        return True

    def is_free(self) -> bool:
        """Whether nobody holds it; a moment's look, which notes nothing. Whoever takes it meanwhile is refused."""
        if not self._path.exists():
            return True
        handle = self._taken()
        if handle is not None:
            os.close(handle)
        return handle is not None

    def holder(self) -> tuple[str, str]:
        """Role and process of whoever holds it, as far as the file tells."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        role, _, process = text.partition(" ")
        return role or "unknown", process or "unknown"

    def release(self) -> None:
        """Let go."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _taken(self) -> int | None:
        handle = _opened(self._path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


class Mutex:
    """A lock taken often and briefly: its file stays open. One thread of a process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the lock's file."""
        self._handle = _opened(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it, waiting for whoever has it."""
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close its file."""
        os.close(self._handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
