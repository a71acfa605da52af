"""What jobs say while they work: a text file each, held to a size."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from twinpack.store.files import write_atomic

MOST_BYTES = 256_000
_DROPPED = "(earlier lines were dropped)\n"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


class JobLogs:
    """The logs of a workspace's jobs, under one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when the first line is written."""
        self._folder = folder
        self._lock = threading.Lock()

    def add(self, job_id: str, text: str) -> None:
        """Add a line with the time; the oldest lines go when a log grows beyond `MOST_BYTES`.

        A line that finds no room on the disk is left out: a job does not fail for what it says.
        """
        path = self._path(job_id)
        line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(text.split())}\n"
        with self._lock, suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
                size = file.tell()
            if size > MOST_BYTES:
                self._shorten(path)

    def read(self, job_id: str) -> list[str]:
        """The lines of a job, oldest first; none when it has not begun."""
        path = self._path(job_id)
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    def remove(self, job_id: str) -> None:
        """Remove the log of a job that is forgotten."""
        self._path(job_id).unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        if not _ID.fullmatch(job_id):
            raise ValueError(f"{job_id!r} cannot be the name of a job")
        return self._folder / f"{job_id}.log"

    def _shorten(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[len(lines) // 2 :]
        write_atomic(path, "".join([_DROPPED, *kept]).encode())
