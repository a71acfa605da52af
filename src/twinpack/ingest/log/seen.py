"""Exact search for duplicates, contradictions and late samples among all a log has ever held of a vehicle.

A sample newer than the newest of its vehicle cannot have come before. Any other is looked for among the samples
accepted last, which are held in memory, and where these do not reach back far enough, in the log itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from twinpack.ingest.log.keys import Found, Keys, joined, nothing_found
from twinpack.telemetry.duplicates import CONFLICT, DUPLICATE, FIRST, Hashes, Verdict
from twinpack.telemetry.readings import Flags, Index, Integers

WINDOW_ROWS = 1_000_000
"""Samples held in memory, at 24 to 56 bytes each."""

_NEVER = -(2**62)
_LOOSE = 256


class History(Protocol):
    """The log as the search sees it: `LiveLog`, or `SegmentLog` where nobody else appends."""

    @property
    def end_offset(self) -> int:
        """Offset after the last row."""
        ...

    def last_sample_us(self) -> dict[str, int]:
        """Newest sample time of every vehicle, microseconds since the epoch."""
        ...

    def find(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers) -> Found:
        """Which samples are there, and the hashes of their values."""
        ...

    def imported(self, after: int = 0) -> list[Mapping[str, int]]:
        """Newest sample times of each lot of rows that others put into the log, without the first `after`."""
        ...


class Judgement(NamedTuple):
    """What is known of N samples.

    Attributes:
        verdict: `FIRST`, `DUPLICATE` (identical to one before) or `CONFLICT` (same vehicle and time, other values).
        late: Whether a first one is older than the newest of its vehicle.
        compared_to: End of the log they were compared with, for `LiveLog.append`.
    """

    verdict: Verdict
    late: Flags
    compared_to: int


class Seen:
    """Judges batches one after the other; what entered the log is told with `accept` before the next is judged."""

    def __init__(self, log: History, window_rows: int = WINDOW_ROWS) -> None:
        """Begin with what the log holds.

        Args:
            log: Where samples are looked for that are not in memory.
            window_rows: About how many samples are held in memory.
        """
        self._log = log
        self._half = max(window_rows // 2, 1)
        self._young, self._old = _Generation(), _Generation()
        self._codes: dict[str, int] = {}
        self._names: list[str] = []
        # By vehicle: its newest sample, and the newest of those that are not in memory.
        self._newest = np.full(1024, _NEVER, np.int64)
        self._floor = np.full(1024, _NEVER, np.int64)
        self._imports = 0
        self._learn(log.last_sample_us())

    def judge(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers, hashes: Hashes) -> Judgement:
        """Say of each of N samples, in order of arrival, whether it came before.

        Args:
            vehicle_ids: The vehicles that `vehicle` points into.
            vehicle: Index into them, any integers, shape (N,).
            time_us: Sample time, microseconds since the epoch, shape (N,).
            hashes: Of all values, by `telemetry.duplicates.row_hashes`, shape (N,).
        """
        self._learn_imports()
        end = self._log.end_offset
        codes = self._codes_of(vehicle_ids)[vehicle]
        newest = self._newest[codes]
        if bool((time_us > newest).all()) and _each_ascends(codes, time_us):
            return Judgement(np.full(len(codes), FIRST, np.int8), np.zeros(len(codes), bool), end)
        verdict = self._search(codes, time_us, hashes, newest)
        return Judgement(verdict, _late(codes, time_us, newest, verdict), end)

    def accept(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers, hashes: Hashes) -> None:
        """Remember samples that are in the log now; those of a batch that were not written are left out."""
        codes = self._codes_of(vehicle_ids)[vehicle]
        if not len(codes):
            return
        np.maximum.at(self._newest, codes, time_us)
        self._young.add(codes, time_us, hashes)
        if self._young.rows >= self._half:
            for gone, times in self._old.keys():
                np.maximum.at(self._floor, gone, times)
            self._young, self._old = _Generation(), self._young

    def newest_us(self, vehicle_id: str) -> int | None:
        """Newest sample time of a vehicle, microseconds since the epoch; None when it has no sample."""
        code = self._codes.get(vehicle_id)
        newest = _NEVER if code is None else int(self._newest[code])
        return None if newest == _NEVER else newest

    def _codes_of(self, vehicle_ids: Sequence[str]) -> Integers:
        known = self._codes
        codes = [known.get(name, -1) for name in vehicle_ids]
        if -1 in codes:
            for at, name in enumerate(vehicle_ids):
                if codes[at] < 0:
                    codes[at] = known.setdefault(name, len(known))
                    if codes[at] == len(self._names):
                        self._names.append(name)
            self._newest, self._floor = _grown(self._newest, len(known)), _grown(self._floor, len(known))
        return np.array(codes, np.int64)

    def _learn(self, newest: Mapping[str, int]) -> None:
        """Samples up to these times are in the log, and not in memory."""
        if newest:
            codes = self._codes_of(list(newest))
            times = np.array(list(newest.values()), np.int64)
            np.maximum.at(self._newest, codes, times)
            np.maximum.at(self._floor, codes, times)

    def _learn_imports(self) -> None:
        for newest in self._log.imported(self._imports):
            self._learn(newest)
            self._imports += 1

    def _search(self, codes: Integers, time_us: Integers, hashes: Hashes, newest: Integers) -> Verdict:
        order = np.lexsort((time_us, codes))  # stable: of equal keys the first to arrive comes first
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(codes[order]) != 0) | (np.diff(time_us[order]) != 0)
        first = order[new]
        old = np.flatnonzero(time_us[first] <= newest[first])
        known, value = np.zeros(len(first), bool), hashes[first]
        found = self._find(codes[first[old]], time_us[first[old]])
        known[old] = found.known
        value[old] = np.where(found.known, found.hashes, value[old])
        group = np.cumsum(new) - 1
        repeat = np.where(hashes[order] == value[group], DUPLICATE, CONFLICT)
        verdict = np.empty(len(order), np.int8)
        verdict[order] = np.where(new & ~known[group], FIRST, repeat)
        return verdict

    def _find(self, codes: Integers, time_us: Integers) -> Found:
        known, hashes = self._young.find(codes, time_us)
        for search in (self._old.find, self._find_in_log):
            left = np.flatnonzero(~known)
            if len(left):
                known[left], hashes[left] = search(codes[left], time_us[left])
        return Found(known, hashes)

    def _find_in_log(self, codes: Integers, time_us: Integers) -> Found:
        known, hashes = nothing_found(len(codes))
        deep = np.flatnonzero(time_us <= self._floor[codes])
        if len(deep):
            distinct, vehicle = np.unique(codes[deep], return_inverse=True)
            names = [self._names[code] for code in distinct.tolist()]
            known[deep], hashes[deep] = self._log.find(names, vehicle, time_us[deep])
        return Found(known, hashes)


class _Generation:
    """Samples accepted one after the other, sorted only when they are searched."""

    def __init__(self) -> None:
        self.rows = 0
        self._fresh: list[tuple[Integers, Integers, Hashes]] = []
        self._sorted: list[Keys] = []  # each at least twice as long as the next

    def add(self, codes: Integers, time_us: Integers, hashes: Hashes) -> None:
        self.rows += len(codes)
        self._fresh.append((codes, time_us.copy(), hashes.copy()))  # not the whole batch that they are a part of
        if len(self._fresh) >= _LOOSE:
            self._sort()

    def keys(self) -> list[tuple[Integers, Integers]]:
        """Vehicle numbers and times of all of them."""
        fresh = [(codes, time_us) for codes, time_us, _ in self._fresh]
        return fresh + [(part.vehicle, part.time_us) for part in self._sorted]

    def find(self, codes: Integers, time_us: Integers) -> Found:
        self._sort()
        known, hashes = nothing_found(len(codes))
        for part in self._sorted:
            found = part.find(codes, time_us)
            hashes = np.where(known, hashes, found.hashes)
            known |= found.known
        return Found(known, hashes)

    def _sort(self) -> None:
        if not self._fresh:
            return
        codes, times, hashes = (np.concatenate(part) for part in zip(*self._fresh, strict=True))
        self._fresh = []
        self._sorted.append(Keys(codes, times, hashes))
        while len(self._sorted) > 1 and len(self._sorted[-2]) < 2 * len(self._sorted[-1]):
            last = self._sorted.pop()
            self._sorted[-1] = joined([self._sorted[-1], last])


def _each_ascends(codes: Integers, time_us: Integers) -> bool:
    """Whether the samples of each vehicle are in strict order of time."""
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    return bool((np.diff(time_us[order])[same] > 0).all())


def _late(codes: Integers, time_us: Integers, newest: Integers, verdict: Verdict) -> Flags:
    """First samples older than the newest of their vehicle when they came."""
    late = np.zeros(len(codes), bool)
    first = np.flatnonzero(verdict == FIRST)
    if not len(first):
        return late
    by_vehicle = first[np.argsort(codes[first], kind="stable")]
    vehicle = np.cumsum(np.diff(codes[by_vehicle], prepend=-1) != 0)
    # Times become their rank, so that vehicle and time fit one number and one running maximum serves all vehicles.
    rank = np.unique(time_us[by_vehicle], return_inverse=True)[1]
    place = vehicle * (len(first) + 1) + rank
    before = np.maximum.accumulate(np.concatenate([[0], place[:-1]]))
    late[by_vehicle] = (before > place) | (time_us[by_vehicle] < newest[by_vehicle])
    return late


def _grown(values: Integers, size: int) -> Integers:
    if size <= len(values):
        return values
    return np.concatenate([values, np.full(max(size, 2 * len(values)) - len(values), _NEVER, np.int64)])
