"""Finds samples in a log by vehicle and time, reading as little of it as it can."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from twinpack.ingest.log.keys import Found, Keys, nothing_found
from twinpack.ingest.log.log import SegmentLog
from twinpack.ingest.log.segments import Segment, column_of, may_hold, only_samples, opened, read_bounds
from twinpack.telemetry.duplicates import table_hashes
from twinpack.telemetry.readings import Flags, Integers
from twinpack.telemetry.schema import SIGNALS

T = TypeVar("T", bound="_Sized")

_BOUNDS_BYTES = 128_000_000
_KEYS_BYTES = 64_000_000


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


class _Cache:
    """The values used last, up to so many bytes of them."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: OrderedDict[Hashable, _Sized] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]  # type: ignore[return-value]
        made = make()
        self._held[key] = made
        self._bytes += made.nbytes
        while self._bytes > self._most and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        return made


class _VehicleBounds(NamedTuple):
    """Vehicle numbers, ascending, with oldest and newest sample time in one segment."""

    vehicle: Integers
    first_us: Integers
    last_us: Integers

    @property
    def nbytes(self) -> int:
        return 3 * self.vehicle.nbytes

    def may_hold(self, vehicle: Integers, time_us: Integers) -> Flags:
        if not len(self.vehicle):
            return np.zeros(len(vehicle), bool)
        at = np.minimum(np.searchsorted(self.vehicle, vehicle), len(self.vehicle) - 1)
        within = (self.first_us[at] <= time_us) & (time_us <= self.last_us[at])
        return np.asarray((self.vehicle[at] == vehicle) & within, bool)


class _Groups(NamedTuple):
    """Oldest and newest sample time of each row group of a segment."""

    first_us: Integers
    last_us: Integers

    @property
    def nbytes(self) -> int:
        return 2 * self.first_us.nbytes


class Lookup:
    """Searches segments; what it has read is kept, within bounds, for the next search."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._numbers: dict[str, int] = {}
        self._bounds = _Cache(_BOUNDS_BYTES)
        self._keys = _Cache(_KEYS_BYTES)

    def numbers(self, vehicle_ids: Iterable[str]) -> Integers:
        """The number that stands for each vehicle in `find` and `keys_of`."""
        known = self._numbers
        return np.array([known.setdefault(name, len(known)) for name in vehicle_ids], np.int64)

    def find(self, segments: Sequence[Segment], vehicle: Integers, time_us: Integers) -> Found:
        """Look K keys up in segments, oldest first.

        Raises:
            ReplacedError: A segment was merged or retired since it was listed.
            WorkspaceError: One is damaged.
        """
        known, hashes = nothing_found(len(vehicle))
        left = np.arange(len(vehicle))
        for segment in segments:
            time = time_us[left]
            near = left[(time >= segment.first_sample_us) & (time <= segment.last_sample_us)]
            if not len(near):
                continue
            bounds = self._bounds.get((segment.path, segment.identity), partial(self._read_bounds, segment))
            near = near[bounds.may_hold(vehicle[near], time_us[near])]
            if len(near):
                found = self._find_in(segment, vehicle[near], time_us[near])
                known[near], hashes[near] = found
                left = left[~known[left]]
        return Found(known, hashes)

    def keys_of(self, table: pa.Table) -> Keys:
        """The samples of a table in the `LOG` schema; columns without values may be absent."""
        samples = only_samples(table)
        encoded = samples.column("vehicle_id").combine_chunks().dictionary_encode()
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        numbers = self.numbers(encoded.dictionary.to_pylist())
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        times = samples.column("sample_time").cast(pa.int64()).to_numpy()
        return Keys(numbers[codes] if len(codes) else np.zeros(0, np.int64), times, table_hashes(samples))

    def find_in(
        self, log: SegmentLog, held: Sequence[tuple[int, pa.Table]], vehicle: Integers, time_us: Integers
    ) -> Found:
        """Look K keys up in the sealed segments of a log, then in rows that are not sealed.

        Args:
            log: The log.
            held: Log offset and rows of tables that are not sealed, taken before this is called.
            vehicle: Vehicle numbers, shape (K,).
            time_us: Sample times, microseconds since the epoch, shape (K,).

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        known, hashes = log.at_one_moment(lambda listing: self.find(listing.visible, vehicle, time_us))
        for start, table in held:
            left = np.flatnonzero(~known)
            if not len(left):
                break
            keys = self._keys.get((start, table.num_rows), partial(self.keys_of, table))
            known[left], hashes[left] = keys.find(vehicle[left], time_us[left])
        return Found(known, hashes)

    def _read_bounds(self, segment: Segment) -> _VehicleBounds:
        found = read_bounds(segment)
        vehicle = self.numbers(found.vehicle_ids)
        order = np.argsort(vehicle)
        first, last = np.array(found.first_us, np.int64), np.array(found.last_us, np.int64)
        return _VehicleBounds(vehicle[order], first[order], last[order])

    def _find_in(self, segment: Segment, vehicle: Integers, time_us: Integers) -> Found:
        known, hashes = nothing_found(len(vehicle))
        key = (segment.path, segment.identity)
        groups = self._bounds.get((key, "groups"), partial(_read_groups, segment))
        for index, (first, last) in enumerate(zip(groups.first_us, groups.last_us, strict=True)):
            near = np.flatnonzero(~known & (time_us >= first) & (time_us <= last))
            if len(near):
                keys = self._keys.get((key, index), partial(self._read_keys, segment, index))
                known[near], hashes[near] = keys.find(vehicle[near], time_us[near])
        return Found(known, hashes)

    def _read_keys(self, segment: Segment, index: int) -> Keys:
        with opened(segment) as file:
            group = file.metadata.row_group(index)
            return self.keys_of(file.read_row_group(index, _with_values(group)))


def _read_groups(segment: Segment) -> _Groups:
    with opened(segment) as file:
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
        told = [column_of(group, "sample_time").statistics for group in groups]
    known = [stats is not None and stats.has_min_max for stats in told]
    first = [stats.min_raw if has else -(2**62) for stats, has in zip(told, known, strict=True)]
    last = [stats.max_raw if has else 2**62 for stats, has in zip(told, known, strict=True)]
    return _Groups(np.array(first, np.int64), np.array(last, np.int64))


def _with_values(group: Any) -> list[str]:
    """The columns of a row group that say what a sample is: vehicle, time, kind, and signals that have values."""
    found = ["vehicle_id", "sample_time", "kind"]
    return found + [name for name in SIGNALS if may_hold(group, name)]


def newest_of(table: pa.Table) -> dict[str, int]:
    """Newest sample time of each vehicle in a table in the `LOG` schema, microseconds since the epoch."""
    found = only_samples(table.select(["vehicle_id", "sample_time", "kind"]))
    newest = found.group_by("vehicle_id").aggregate([("sample_time", "max")])
    times = newest.column("sample_time_max").cast(pa.int64()).to_pylist()
    return dict(zip(newest.column("vehicle_id").to_pylist(), times, strict=True))
