"""What a log holds already, for one who is not its gateway: sealed segments, and what a gateway has not sealed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from twinpack.ingest.log.keys import Found
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.log import SegmentLog, raise_to
from twinpack.ingest.log.lookup import Lookup, newest_of
from twinpack.ingest.log.segments import inspect, read_rows
from twinpack.ingest.log.wal import first_offset_of, read_rows_after
from twinpack.telemetry.duplicates import CONFLICT, DUPLICATE, FIRST, Hashes, Verdict
from twinpack.telemetry.readings import Index, Integers
from twinpack.telemetry.schema import LOG

_NEVER = -(2**62)


class LogHistory:
    """Finds samples in a log that another process may be appending to; serves `Seen` and the importer."""

    def __init__(self, log: SegmentLog) -> None:
        """Name the log."""
        self._log = log
        self._lookup = Lookup()
        self._tails: dict[Path, _Tail] = {}

    @property
    def end_offset(self) -> int:
        """Offset after the last sealed row."""
        return self._log.end_offset

    def imported(self, after: int = 0) -> list[Mapping[str, int]]:
        """Nothing: what is in the log is looked at anew each time."""
        return []

    def last_sample_us(self) -> dict[str, int]:
        """Newest sample time of every vehicle that has samples, microseconds since the epoch."""
        held = self._unsealed()
        newest = self._log.last_sample_us()
        for _, table in held:
            raise_to(newest, newest_of(table))
        return newest

    def find(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers) -> Found:
        """Look N samples up.

        Args:
            vehicle_ids: The vehicles that `vehicle` points into.
            vehicle: Index into them, shape (N,).
            time_us: Sample time, microseconds since the epoch, shape (N,).

        Returns:
            Which are there, and the hashes of their values. Retired rows are not found.

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        held = self._unsealed()  # first: what is sealed in between is found twice, not never
        return self._lookup.find_in(self._log, held, self._lookup.numbers(vehicle_ids)[vehicle], time_us)

    def came_since(self, offset: int, path: Path) -> bool:
        """Whether the log has, from an offset on, any sample of a finished segment that is not in the log yet.

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        held = [table.slice(max(offset - first, 0)) for first, table in self._unsealed()]
        sealed = self._log.at_one_moment(lambda listing: _keys_after(listing, offset))
        columns = ["vehicle_id", "sample_time", "kind"]
        keys = [self._lookup.keys_of(table.select(columns)) for table in (*sealed, *held) if table.num_rows]
        segment = inspect(path, first_offset=0)
        return any(self._lookup.find([segment], key.vehicle, key.time_us).known.any() for key in keys)

    def before_now(self) -> InLog:
        """What is known of all samples that are in the log now, for an import."""
        return InLog(self, self.last_sample_us())

    def _unsealed(self) -> list[tuple[int, pa.Table]]:
        paths = self._log.listing().wals
        self._tails = {path: self._tails.get(path, _Tail(path)) for path in paths}
        return [piece for tail in self._tails.values() for piece in tail.read()]


@dataclass(frozen=True)
class InLog:
    """Compares the samples of a file with those in the log.

    Attributes:
        history: The log.
        last_sample_us: Newest sample time of every vehicle in it.
    """

    history: LogHistory
    last_sample_us: Mapping[str, int]

    def newest_us(self, vehicle_ids: Sequence[str]) -> Integers:
        """Newest sample time of each vehicle, microseconds since the epoch; before every time where there is none."""
        return np.array([self.last_sample_us.get(name, _NEVER) for name in vehicle_ids], np.int64)

    def judge(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers, hashes: Hashes) -> Verdict:
        """`FIRST`, `DUPLICATE` or `CONFLICT` of N samples; those newer than all of their vehicle cannot be there."""
        verdict = np.full(len(time_us), FIRST, np.int8)
        if not vehicle_ids:
            return verdict
        old = np.flatnonzero(time_us <= self.newest_us(vehicle_ids)[vehicle])
        if len(old):
            found = self.history.find(vehicle_ids, vehicle[old], time_us[old])
            there = old[found.known]
            verdict[there] = np.where(found.hashes[found.known] == hashes[there], DUPLICATE, CONFLICT)
        return verdict


def _keys_after(listing: Listing, offset: int) -> list[pa.Table]:
    columns = pa.schema([LOG.field(name) for name in ("vehicle_id", "sample_time", "kind")])
    found = []
    for segment in listing.visible:
        if segment.end_offset > offset:
            found += list(read_rows(segment, max(offset - segment.first_offset, 0), columns))
    return found


@dataclass
class _Tail:
    """One write-ahead file, read on from where it was read last."""

    path: Path
    _position: int = 0
    _pieces: list[tuple[int, pa.Table]] = field(default_factory=list)

    def read(self) -> list[tuple[int, pa.Table]]:
        try:
            tables, self._position = read_rows_after(self.path, self._position)
        except FileNotFoundError:
            return self._pieces
        end = first_offset_of(self.path)
        if self._pieces:
            end = self._pieces[-1][0] + self._pieces[-1][1].num_rows
        for table in tables:
            self._pieces.append((end, table))
            end += table.num_rows
        return self._pieces
