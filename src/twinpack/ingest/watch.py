"""Keep importing what lands in a folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from twinpack.ingest.files import Importer, find_files, import_noting_failure
from twinpack.ingest.records import FileResult, OnProgress

POLL_S = 2.0

_State = tuple[int, int]


@dataclass
class Watch:
    """A folder under watch.

    A file is taken when its size and time of change were the same at two polls running. One that failed is told once
    and tried again only when it changes.

    Attributes:
        folder: The folder; those below it are watched too.
        importer: What each file is given to.
        exclude: Folders to leave out.
        progress: Called after each piece of a file.
    """

    folder: Path
    importer: Importer
    exclude: Iterable[Path] = ()
    progress: OnProgress | None = None
    _seen: dict[Path, _State] = field(default_factory=dict)
    _done: dict[Path, _State] = field(default_factory=dict)

    def poll(self) -> list[FileResult]:
        """Look once and import what has come to rest; the files in the order of their names."""
        states = dict(self._states())
        ready = [
            path for path, state in states.items() if self._seen.get(path) == state and self._done.get(path) != state
        ]
        self._seen = states
        results = []
        for path in ready:
            self._done[path] = states[path]
            name = path.relative_to(self.folder).as_posix()
            results.append(import_noting_failure(self.importer, path, name, self.progress))
        self.importer.finish(wait_for_silence=True)
        return results

    def _states(self) -> Iterator[tuple[Path, _State]]:
        for path in find_files(self.folder, self.importer.profile, [self.importer.log.directory, *self.exclude]):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # gone since the folder was listed
            yield path, (found.st_size, found.st_mtime_ns)


def watch(
    target: Watch,
    on_result: Callable[[FileResult], None],
    stop: threading.Event,
    wait: Callable[[float], object] | None = None,
) -> None:
    """Poll a folder until told to stop; the file being imported is finished first.

    Args:
        target: What to watch.
        on_result: Called for each file.
        stop: Set to end.
        wait: Waits so many seconds or until `stop`; `stop.wait` when left out.
    """
    pause = wait or stop.wait
    while not stop.is_set():
        for result in target.poll():
            on_result(result)
        pause(POLL_S)
