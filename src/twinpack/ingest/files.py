"""Import files into the log: each file becomes one segment, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import load_pack, parse_pack
from twinpack.errors import ImportFileError, InputError, NotFoundError, ProfileError
from twinpack.ingest.log import SOURCE_NAME, SOURCE_SHA256, SegmentLog, SegmentWriter
from twinpack.ingest.log.history import LogHistory
from twinpack.ingest.log.segments import SPOOL
from twinpack.ingest.readers import Piece, Reader, open_reader
from twinpack.ingest.records import DeadLetterSink, FileResult, ImportProgress, ImportSummary, OnProgress
from twinpack.ingest.routing import Router
from twinpack.ingest.spool import Spool
from twinpack.ingest.threads import Behind, read_ahead
from twinpack.telemetry.checks import limits_for
from twinpack.telemetry.profiles import (
    BoundProfile,
    Profile,
    Restarts,
    bind,
    parse_profile,
    shipped_profile,
    shipped_profiles,
)
from twinpack.telemetry.readings import ROW_REJECTED
from twinpack.telemetry.schema import command_rows, tick_row, to_log
from twinpack.telemetry.validate import Validator

TICK_AFTER_S = 3600.0
"""Silence after the newest sample that the tick at the end of an import tells, in seconds."""
PACK_NOTE = "twinpack.pack"
"""Key of the schema metadata with which a Parquet file may name the pack of its vehicles."""
NO_IMPORT = ".twinpack-no-import"
"""A folder that holds a file of this name is left out of every import of a folder."""

_KEPT_OF_REFUSED = 1000
_ATTEMPTS = 4
_WRONG_SIGN = (
    "pack_current_a seems to have the wrong sign: soc_pct falls while it is positive; "
    "positive must charge, set sign = -1 in the profile"
)


def find_profile(name_or_file: str) -> Profile:
    """A shipped profile by its name, or one in a TOML file.

    Raises:
        ProfileError: There is neither, or it holds a mistake.
    """
    path = Path(name_or_file)
    if name_or_file in shipped_profiles():
        return shipped_profile(name_or_file)
    if not path.is_file():
        return shipped_profile(name_or_file)  # says which there are
    return parse_profile(_read_toml(path), str(path))


def find_pack(name_or_file: str) -> str:
    """The name of a shipped pack, or the text of a specification in a TOML file, either of them checked.

    Raises:
        PackSpecError: The specification holds a mistake.
        NotFoundError: There is no such pack.
    """
    path = Path(name_or_file)
    if path.suffix != ".toml" or not path.is_file():
        load_pack(name_or_file)
        return name_or_file
    text = _read_toml(path)
    parse_pack(text, str(path))
    return text


def _read_toml(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


class _OvertakenError(Exception):
    """Samples of a file arrived live after it had been compared with the log: compare it again."""


@dataclass(frozen=True)
class Importer:
    """Imports files one by one with the same profile.

    Attributes:
        profile: How to read them.
        log: Where good rows go.
        dead_letters: Where rows that were turned away go.
        pack: Pack of the vehicles, a name or TOML text; overrules the profile's.
        default_pack: Pack where neither the profile nor the file names one.
        tick_after_s: Silence that `finish` tells, seconds.
        now_us: Moment of the import, microseconds since the epoch; the system's clock when None.
        router: Decides where samples go; everywhere when None.
    """

    profile: Profile
    log: SegmentLog
    dead_letters: DeadLetterSink
    pack: str | None = None
    default_pack: str | None = None
    tick_after_s: float = TICK_AFTER_S
    now_us: int | None = None
    router: Router | None = None

    @cached_property
    def history(self) -> LogHistory:
        """What the log holds already."""
        return LogHistory(self.log)

    def import_file(self, path: Path, name: str | None = None, progress: OnProgress | None = None) -> FileResult:
        """Import one file.

        Args:
            path: The file.
            name: What to call it; its name when left out.
            progress: Called after each piece.

        Raises:
            ImportFileError: It cannot be read, or no row of it can be used; nothing of it stays.
            ProfileError: It lacks a column the profile needs.
        """
        with self.log.import_lock():
            for _ in range(_ATTEMPTS):
                with suppress(_OvertakenError):
                    return self._import(path, FileResult(name or path.name), progress)
        raise ImportFileError(f"{path}: samples of it keep arriving live while it is imported; import it again later")

    def _import(self, path: Path, result: FileResult, progress: OnProgress | None) -> FileResult:
        before = _fingerprint(path)
        digest = _sha256(path)
        if digest in self.log.sources():
            result.status = "already imported"
            return result
        reader = open_reader(path, self.profile.csv)
        bound = bind(self.profile, reader.columns, path.name)
        result.notes += bound.notes
        pack = self._pack(reader, path)
        compared_to = self.log.next_offset()
        with ExitStack() as stack:
            spool = stack.enter_context(self._spool(result.name, digest, pack))
            segment = stack.enter_context(self.log.new_segment())
            # One piece is read and one is written while another is checked.
            behind = stack.enter_context(Behind())
            pieces = stack.enter_context(closing(read_ahead(reader.pieces(bound.columns))))
            work = _FileImport(self, bound, pack, spool, result)
            for piece in pieces:
                behind.do(segment.write, work.take(piece))
                if progress is not None:
                    progress(ImportProgress(result.name, 0, 1, int(piece.share * before[0]), before[0]))
            work.refuse_if_useless(path)
            if _fingerprint(path) != before:
                raise ImportFileError(f"{path}: the file changed while it was read; import it again")
            behind.wait()
            segment.finish({SOURCE_SHA256: digest, SOURCE_NAME: result.name, "profile": self.profile.name})
            compared_to = self._compare(segment, compared_to)
            spool.deliver(self.dead_letters)
            # Only now does its place in the log count: a gateway went on appending all the while.
            with self.log.lock():
                result.first_offset, result.end_offset = segment.place(self._compare(segment, compared_to))
        return result

    def _compare(self, segment: SegmentWriter, compared_to: int) -> int:
        """Compare a finished segment with what came since it was compared; returns the end of the log."""
        end = self.log.next_offset()
        if segment.rows and end > compared_to and self.history.came_since(compared_to, segment.path):
            raise _OvertakenError
        return end

    def finish(self, wait_for_silence: bool = False) -> None:
        """Tell that silence followed the newest sample, unless that has been told.

        Args:
            wait_for_silence: Tell it only once that much time has passed in truth, as more samples may be on their way.
        """
        # What vehicles send live goes on: silence is not over before the clock says so.
        wait_for_silence = wait_for_silence or self.log.gateway_lives()
        with self.log.import_lock():
            moment = self.log.last_receipt_us() + round(self.tick_after_s * 1e6)
            if self.log.needs_tick() and not (wait_for_silence and moment > self.moment_us()):
                self.log.append([tick_row(moment)], {"kind": "tick"})

    def moment_us(self) -> int:
        """The moment of the import, microseconds since the epoch."""
        return self.now_us if self.now_us is not None else time.time_ns() // 1_000

    def _spool(self, name: str, digest: str, pack: str) -> Spool:
        identity = b"\n".join([digest.encode(), msgspec.json.encode(self.profile), pack.encode()])
        import_id = hashlib.sha256(identity).hexdigest()[:32]
        return Spool(self.log.directory / f"{import_id}{SPOOL}", name, self.profile.name, import_id)

    def _pack(self, reader: Reader, path: Path) -> str:
        pack = self.pack or self.profile.pack or reader.notes.get(PACK_NOTE) or self.default_pack
        if not pack:
            raise ProfileError(f"{path}: which pack? set pack in profile {self.profile.name!r} or use --pack")
        return pack


class _FileImport:
    """One file on its way into a segment."""

    def __init__(
        self,
        importer: Importer,
        bound: BoundProfile,
        pack: str,
        spool: Spool,
        result: FileResult,
    ) -> None:
        latest = importer.moment_us() if bound.clock_column is not None else None
        self._bound = bound
        self._restarts = Restarts()
        self._pack = pack
        self._sink = importer.dead_letters
        self._spool = spool
        self._result = result
        self._to_log = importer.router.rows if importer.router is not None else to_log
        earlier = importer.history.before_now()
        self._validator = Validator(limits_for(load_pack(pack)), latest, bound.stated_units, earlier)
        self._last_sample_us = earlier.last_sample_us

    def take(self, piece: Piece) -> pa.Table:
        """Convert and validate one piece: rows of the log."""
        readings = self._bound.convert(piece.table, self._start_of, self._restarts)
        checked = self._validator.check(readings)
        self._spool.add(piece, readings, checked.faults)
        routed = self._to_log(checked.samples)
        rows = pa.concat_tables([self._registrations(checked.samples), routed])
        result = self._result
        result.rows_read += len(readings) + len(piece.bad)
        result.rows_imported += routed.num_rows
        result.unrouted += checked.samples.num_rows - routed.num_rows
        result.duplicates += checked.duplicates
        result.late += checked.late
        if piece.bad:
            result.rejected["row"] += len(piece.bad)
        for fault in checked.faults:
            counts = result.rejected if fault.action == ROW_REJECTED else result.cleared
            counts[fault.reason] += len(fault.rows)
        return rows

    def refuse_if_useless(self, path: Path) -> None:
        """Give up a file without rows, without a good row, or measured in another unit than the profile says.

        Raises:
            ImportFileError: It is given up; the first rows that were turned away are kept.
        """
        result = self._result
        hints = self._validator.hints()
        if result.rows_read == 0:
            raise ImportFileError(f"{path}: no rows after the header")
        if (result.rows_imported or result.unrouted or result.duplicates) and not hints:
            if self._validator.current_opposes_charge():
                result.notes.append(_WRONG_SIGN)
            return
        self._spool.deliver(self._sink, _KEPT_OF_REFUSED)
        reasons = (
            "; ".join(str(hint) for hint in hints) or f"all {result.rows_read:,} rows were rejected ({_listed(result)})"
        )
        raise ImportFileError(f"{path}: not imported: {reasons}")

    def _start_of(self, vehicle: str) -> int:
        """When elapsed seconds of a vehicle begin in this file: some rest after its last import."""
        source = self._bound.profile.time
        last = self._last_sample_us.get(vehicle)
        if last is None:
            return round(source.first_start.timestamp() * 1e6)
        return last + round(source.gap_s * 1e6)

    def _registrations(self, samples: pa.Table) -> pa.Table:
        """A row for each vehicle that has not been seen before, to stand before its samples."""
        names = pc.unique(samples.column("vehicle_id")).to_pylist() if samples.num_rows else []
        fresh = [name for name in names if name not in self._last_sample_us and name not in self._result.vehicles]
        self._result.vehicles.update(names)
        first = samples.column("receipt_time")[0].cast(pa.int64()).as_py() if fresh else 0
        bodies = [{"type": "register", "vehicle": name, "pack": self._pack} for name in fresh]
        return command_rows(fresh, [first] * len(fresh), [json.dumps(body, separators=(",", ":")) for body in bodies])


def import_path(
    path: Path,
    profile: Profile,
    log: SegmentLog,
    dead_letters: DeadLetterSink,
    *,
    pack: str | None = None,
    progress: OnProgress | None = None,
    tick_after_s: float = TICK_AFTER_S,
    now_us: int | None = None,
    exclude: Iterable[Path] = (),
) -> ImportSummary:
    """Import a file or a folder; `Importer` says what the options mean, `import_with` what comes back and is raised."""
    importer = Importer(profile, log, dead_letters, pack, tick_after_s=tick_after_s, now_us=now_us)
    return import_with(importer, path, progress, exclude)


def import_with(
    importer: Importer, path: Path, progress: OnProgress | None = None, exclude: Iterable[Path] = ()
) -> ImportSummary:
    """Import a file, or every file of a folder that the profile takes, in the order of their names.

    Args:
        importer: Profile, log and dead letters.
        path: File or folder.
        progress: Called after each piece.
        exclude: Folders to leave out.

    Returns:
        What became of each file. In a folder, a file that cannot be read is noted and the others are imported.

    Raises:
        ImportFileError: The one file cannot be read, or the folder holds none; nothing stays.
        ProfileError: The one file lacks a column the profile needs.
    """
    profile, log = importer.profile, importer.log
    if not path.is_dir():
        result = importer.import_file(path, progress=progress)
        importer.finish()
        return ImportSummary([result])
    files = find_files(path, profile, [log.directory, *exclude])
    if not files:
        raise ImportFileError(f"{path}: no file here is called {' or '.join(profile.files)}")
    summary = _import_all(importer, path, files, progress)
    importer.finish()
    return summary


def _import_all(importer: Importer, folder: Path, files: list[Path], progress: OnProgress | None) -> ImportSummary:
    sizes = [file.stat().st_size for file in files]
    summary = ImportSummary()
    for index, file in enumerate(files):
        name = file.relative_to(folder).as_posix()

        def tell(step: ImportProgress, index: int = index) -> None:
            if progress is not None:
                done = sum(sizes[:index]) + step.bytes_done
                progress(ImportProgress(step.file, index + step.files_done, len(files), done, sum(sizes)))

        summary.files.append(import_noting_failure(importer, file, name, tell))
        tell(ImportProgress(name, 1, 1, sizes[index], sizes[index]))
    return summary


def import_noting_failure(importer: Importer, path: Path, name: str, progress: OnProgress | None = None) -> FileResult:
    """Import one file of many: what is wrong with it becomes part of its result."""
    try:
        return importer.import_file(path, name, progress)
    except (InputError, NotFoundError) as error:
        return FileResult(name, "failed", str(error))


def find_files(folder: Path, profile: Profile, exclude: Iterable[Path] = ()) -> list[Path]:
    """Files of a folder and those below it that a profile takes, in the order of their names.

    What lies in `exclude`, in hidden folders and in folders marked with `NO_IMPORT` is left out. Numbers
    in names count as numbers: trip 2 comes before trip 10.
    """
    marked = [mark.parent for mark in folder.rglob(NO_IMPORT)]
    left_out = [place.resolve() for place in (*exclude, *marked)]
    found = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and any(fnmatch(path.name.lower(), pattern.lower()) for pattern in profile.files)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(path.resolve().is_relative_to(place) for place in left_out)
    ]
    return sorted(found, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts] + [(-1, name)]


def _listed(result: FileResult) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in result.rejected.most_common())


def _fingerprint(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read: {error.strerror}") from error
    return found.st_size, found.st_mtime_ns


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read: {error.strerror}") from error
