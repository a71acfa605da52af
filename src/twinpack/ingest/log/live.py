"""The log as one gateway writes it: durable on return, sealed in the background, read without a gap."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import pyarrow as pa

from twinpack.errors import WorkspaceError
from twinpack.ingest.log.keys import Found
from twinpack.ingest.log.log import SegmentLog, check_start, raise_to, rechunked, schema_of
from twinpack.ingest.log.lookup import Lookup, newest_of
from twinpack.ingest.log.sealing import become_gateway, deliver, remove_wal, seal_rows, seal_rows_left
from twinpack.ingest.log.segments import GATEWAY, GATEWAY_LOCK, LOCK, ROW_GROUP_ROWS, segment_path
from twinpack.ingest.log.unsealed import Part, frames_of, spliced
from twinpack.ingest.log.wal import LETTERS, ROWS, WalWriter, new_wal, restore
from twinpack.ingest.log.watchers import LogMovedError, Watchers, Written
from twinpack.ingest.records import DEAD_LETTERS, DeadLetterSink
from twinpack.store.locks import Claim, Mutex
from twinpack.telemetry.readings import Index, Integers

POLL_S = 0.5
"""How often rows by age, and segments that others put into the log, are looked for, seconds."""

_PARTS_OF_SEGMENT = 4
_BACKOFF_S = (0.5, 30.0)


class LiveLog:
    """A log that is appended to a micro-batch at a time.

    Rows are held in memory until they are sealed, at most `max_unsealed_rows` of them. All methods may be called from
    any thread.
    """

    def __init__(
        self,
        log: SegmentLog,
        dead_letters: DeadLetterSink,
        *,
        segment_rows: int,
        segment_age_s: float,
        max_unsealed_rows: int | None = None,
        wait_s: float = 10.0,
        watchers: Watchers | None = None,
    ) -> None:
        """Name the log; it is opened as a context manager.

        Args:
            log: The log.
            dead_letters: Where dead letters go when they are sealed.
            segment_rows: Rows after which a segment is sealed.
            segment_age_s: Age of its first row at which a segment is sealed, seconds.
            max_unsealed_rows: Rows and dead letters not sealed at which an append waits; four segments when None.
            wait_s: How long it waits before it fails, seconds.
            watchers: Who is told what happens.
        """
        self._log = log
        self._sink = dead_letters
        self._segment_rows = segment_rows
        self._segment_age_s = segment_age_s
        self._most = max_unsealed_rows or _PARTS_OF_SEGMENT * segment_rows
        self._wait_s = wait_s
        self._tell = watchers or Watchers()
        self._claim = Claim(log.directory / GATEWAY_LOCK, GATEWAY)
        self._lock: Mutex | None = None
        self._appending = threading.Lock()  # taken before the log's lock, and before `_changed`
        self._sealing = threading.Lock()
        self._changed = threading.Condition()
        self._open: Part | None = None
        self._wal: WalWriter | None = None  # writes to the file of `_open`
        self._parts: list[Part] = []
        self._imported: list[Mapping[str, int]] = []
        self._lookup, self._finding = Lookup(), threading.Lock()
        self._end = self._generation = 0
        self._stopping = threading.Event()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LiveLog:
        """Become the gateway of the log, seal what a dead one left, and start sealing.

        Raises:
            WorkspaceBusyError: Another gateway lives; names its process.
            WorkspaceError: What the dead one left is damaged, or its rows cannot be sealed.
        """
        become_gateway(self._claim, self._log.directory)
        try:
            # Dead letters of a dead gateway may wait for the lake, like those of a living one.
            self._parts = [Part.sealed_before(wal.path, wal.letters) for wal in seal_rows_left(self._log)]
            self._lock = Mutex(self._log.directory / LOCK)
            with self._lock.held():
                self._generation = self._log.generation()
                self._end = self._log.next_offset()
        except BaseException:
            self._claim.release()
            raise
        self._thread = threading.Thread(target=self._seal_as_due, name="log-sealing", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Seal what there is and let go; what cannot be sealed stays durable for the next one."""
        self._stopping.set()
        self._due.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        try:
            self.seal()
        except Exception as problem:  # noqa: BLE001 - it is durable, and sealed when the log is opened next
            self._report(problem)
        if self._lock is not None:
            self._lock.close()
        self._claim.release()

    @property
    def log(self) -> SegmentLog:
        """Its sealed segments."""
        return self._log

    @property
    def start_offset(self) -> int:
        """Offset of the first row that is left."""
        return self._log.start_offset

    @property
    def end_offset(self) -> int:
        """Offset after the last durable row."""
        with self._changed:
            return self._end

    @property
    def unsealed_rows(self) -> int:
        """Rows and dead letters that are durable and not sealed."""
        with self._changed:
            return self._unsealed()

    def append(self, rows: pa.Table, letters: pa.Table | None = None, *, compared_to: int | None = None) -> int:
        """Make rows and dead letters durable.

        Args:
            rows: Table in the `LOG` schema; may be empty.
            letters: Dead letters in their schema; what they name as `import_id` is replaced.
            compared_to: End of the log when the rows were compared with it; any will do when None.

        Returns:
            Log offset of the first row.

        Raises:
            OSError: They are not in the log, which is as it was: the disk is full or broken, or too many rows wait to
                be sealed (BlockingIOError). Append them again later.
            LogMovedError: Another process put rows into the log since `compared_to`; nothing was appended.
        """
        frames = frames_of(rows, letters)
        self._wait_for_room()
        with self._appending:
            with self._mutex().held():
                self._take_in_imported()
                if compared_to is not None and compared_to != self._end:
                    raise LogMovedError
                if not frames:
                    return self._end
                first = self._end
                part, told = self._write(frames)
            with self._changed:
                part.add(frames)
                self._end = part.end_offset
                full = part.rows >= self._segment_rows
                self._changed.notify_all()
            if full:
                self._rotate()
        if self._tell.written is not None:
            self._tell.written(told)
        return first

    def read(
        self, start: int = 0, max_rows: int = ROW_GROUP_ROWS, signals: Sequence[str] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Rows from an offset to the last that is durable now, as `SegmentLog.read`, sealed or not.

        Raises:
            WorkspaceError: `start` is past the end or its row was retired, or a segment is missing or damaged.
        """
        with self._changed:
            end = self._end
            # Taken before segments are listed: rows that are sealed in between are in both, never in neither.
            held = [piece for part in self._held() for piece in part.tables(start)]
        if not 0 <= start <= end:
            check_start(self._log.directory, start, 0, end)
        return rechunked(spliced(self._log, held, start, end, schema_of(signals)), start, max_rows)

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Wait until there are durable rows from an offset on; whether there are."""
        with self._changed:
            self._changed.wait_for(lambda: self._end > offset or self._stopping.is_set(), timeout_s)
            return self._end > offset

    def imported(self, after: int = 0) -> list[Mapping[str, int]]:
        """Newest sample times of each lot of rows that other processes put into the log since it was opened.

        Args:
            after: Leave out so many lots.
        """
        if self._was_touched():
            with self._appending, self._mutex().held():
                self._take_in_imported()
        return self._imported[after:]

    def last_sample_us(self) -> dict[str, int]:
        """Newest sample time of every vehicle that has samples, microseconds since the epoch."""
        with self._changed:
            held = [table for part in self._held() for _, table in part.tables()]
        newest = self._log.last_sample_us()
        for table in held:
            raise_to(newest, newest_of(table))
        return newest

    def find(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers) -> Found:
        """Look N samples up in all that is durable.

        Args:
            vehicle_ids: The vehicles that `vehicle` points into.
            vehicle: Index into them, shape (N,).
            time_us: Sample time, microseconds since the epoch, shape (N,).

        Returns:
            Which are there, and the hashes of their values. Retired rows are not found.

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        with self._changed:
            # Taken before segments are listed: rows that are sealed in between are in both, never in neither.
            held = [piece for part in self._held() for piece in part.tables()]
        with self._finding:
            numbers = self._lookup.numbers(vehicle_ids)[vehicle]
            return self._lookup.find_in(self._log, held, numbers, time_us)

    def seal(self) -> None:
        """Seal all durable rows now.

        Raises:
            OSError: The disk is full or broken; the rows stay durable.
            WorkspaceError: The dead letters cannot be kept.
        """
        with self._appending:
            self._rotate()
        self._seal_parts()

    # --- appending ------------------------------------------------------------------------------------------------

    def _mutex(self) -> Mutex:
        if self._lock is None:
            raise WorkspaceError(f"{self._log.directory}: the log is not open")
        return self._lock

    def _write(self, frames: list[tuple[int, pa.Table]]) -> tuple[Part, Written]:
        if self._open is None or self._wal is None:
            self._wal = WalWriter(new_wal(self._log.directory, self._end))
            self._open = Part(self._wal.path, self._end)
        part, wal = self._open, self._wal
        before = wal.length
        try:
            sync_s = wal.append(frames)
        except OSError:
            self._after_failure(part, wal)
            raise
        sizes = {kind: table.num_rows for kind, table in frames}
        return part, Written(sizes.get(ROWS, 0), sizes.get(LETTERS, 0), wal.length - before, sync_s)

    def _after_failure(self, part: Part, wal: WalWriter) -> None:
        """After a failed sync the system may take pages for written that are not: go on in a new file."""
        if wal.torn:
            return  # the next append cuts it off first
        if part.empty:
            self._open = self._wal = None
            with suppress(OSError):  # an empty file does no harm
                wal.discard()
        else:
            self._rotate()

    def _rotate(self) -> None:
        """Later rows go into a new file; only with `_appending`."""
        part, wal = self._open, self._wal
        if part is None or wal is None:
            return
        wal.mend()
        wal.close()
        with self._changed:
            self._open = self._wal = None
            self._parts.append(part)
        self._due.set()

    def _was_touched(self) -> bool:
        """Whether another process may have put rows into the log: at its end, and perhaps merged since."""
        moved = self._log.generation() != self._generation
        return moved or segment_path(self._log.directory, self._end).exists()

    def _take_in_imported(self) -> None:
        """Go on behind rows that others put at the end; only with `_appending` and inside the log's lock."""
        if not self._was_touched():
            return
        if self._wal is not None:
            self._wal.mend()  # what a failed write left must not count
        generation, end = self._log.generation(), self._log.next_offset()
        if end > self._end:
            self._rotate()
            newest = self._log.newest_from(self._end)
            with self._changed:
                self._imported.append(newest)
                self._end = end
                self._changed.notify_all()
        self._generation = generation

    def _wait_for_room(self) -> None:
        with self._changed:
            if self._changed.wait_for(lambda: self._unsealed() < self._most or self._stopping.is_set(), self._wait_s):
                return
            waiting = self._unsealed()
        raise BlockingIOError(
            errno.EAGAIN,
            f"{waiting:,} rows wait to be sealed, since segments cannot be written fast enough or at all",
            str(self._log.directory),
        )

    def _unsealed(self) -> int:
        parts = self._parts if self._open is None else [*self._parts, self._open]
        return sum((0 if part.sealed else part.rows) + part.letter_rows for part in parts)

    # --- reading --------------------------------------------------------------------------------------------------

    def _held(self) -> list[Part]:
        """Parts with rows in memory, by offset; only with `_changed`."""
        parts = self._parts if self._open is None else [*self._parts, self._open]
        return [part for part in parts if part.rows and not part.sealed]

    # --- sealing --------------------------------------------------------------------------------------------------

    def _seal_as_due(self) -> None:
        pause = POLL_S
        while not self._stopping.is_set():
            self._due.wait(pause)
            self._due.clear()
            try:
                self._rotate_by_age()
                self._seal_parts()
                self.imported()
                pause = POLL_S
            except Exception as problem:  # noqa: BLE001 - the edge of a thread: rows stay durable, it tries again
                pause = min(max(2 * pause, _BACKOFF_S[0]), _BACKOFF_S[1])
                self._report(problem)
                self._stopping.wait(pause)

    def _rotate_by_age(self) -> None:
        with self._appending:
            part = self._open
            if part is not None and time.monotonic() - part.began >= self._segment_age_s:
                self._rotate()

    def _seal_parts(self) -> None:
        with self._sealing:
            with self._changed:
                parts = list(self._parts)
            for part in parts:
                if not part.sealed:
                    self._seal_rows(part)
            for part in parts:
                if part.letters:
                    deliver(part.path, [restore(table, DEAD_LETTERS) for table in part.letters], self._sink)
                remove_wal(part.path)
                with self._changed:
                    self._parts.remove(part)
                    self._changed.notify_all()

    def _seal_rows(self, part: Part) -> None:
        seal_rows(self._log, part.first_offset, part.whole_tables())
        with self._changed:
            part.let_go()
            self._changed.notify_all()
        if part.rows and self._tell.sealed is not None:
            self._tell.sealed(part.first_offset, part.end_offset)

    def _report(self, problem: Exception) -> None:
        if self._tell.problem is not None:
            self._tell.problem(problem)
