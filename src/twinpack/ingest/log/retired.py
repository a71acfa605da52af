"""What later work needs of rows that retention has removed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from twinpack.errors import WorkspaceError
from twinpack.store.files import write_atomic

RETIRED = "retired.json"


@dataclass(frozen=True)
class Retired:
    """What is remembered of the rows before `start_offset`.

    Attributes:
        start_offset: Offset of the first row that is left.
        sources: SHA-256 and name of the files that were imported.
        last_sample_us: Newest sample time of each vehicle, microseconds since the epoch.
        last_receipt_us: Newest receipt time of a sample, microseconds since the epoch; 0 without samples.
        needs_tick: Whether samples followed the last tick.
        commands: Every command, as JSON text.
    """

    start_offset: int = 0
    sources: dict[str, str] = field(default_factory=dict)
    last_sample_us: dict[str, int] = field(default_factory=dict)
    last_receipt_us: int = 0
    needs_tick: bool = False
    commands: list[str] = field(default_factory=list)


class RetiredFile:
    """`retired.json` of a log, read again when it has changed."""

    def __init__(self, directory: Path) -> None:
        """Name the log's folder."""
        self._path = directory / RETIRED
        self._identity = (0, 0)
        self._content = Retired()

    def read(self) -> Retired:
        """What it says now; nothing was retired when it is not there.

        Raises:
            WorkspaceError: It is damaged.
        """
        try:
            status = self._path.stat()
            if (status.st_ino, status.st_mtime_ns) != self._identity:
                self._content = msgspec.json.decode(self._path.read_bytes(), type=Retired)
                self._identity = (status.st_ino, status.st_mtime_ns)
        except FileNotFoundError:
            return Retired()
        except (OSError, msgspec.DecodeError) as error:
            raise WorkspaceError(f"{self._path}: cannot be read ({error}); restore this file from a backup") from error
        return self._content

    def write(self, content: Retired) -> None:
        """Replace it, whole or not at all; on disk when this returns."""
        write_atomic(self._path, json.dumps(asdict(content), separators=(",", ":")).encode())
