"""Samples by vehicle and time: sorted arrays that are searched many keys at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.duplicates import Hashes
from twinpack.telemetry.readings import Flags, Integers

_PRIME = np.uint64(0x9E3779B97F4A7C15)


class Found(NamedTuple):
    """Which of N keys are there, and the hash of the sample that has each (0 where none has)."""

    known: Flags
    hashes: Hashes


def nothing_found(rows: int) -> Found:
    """None of so many keys."""
    return Found(np.zeros(rows, bool), np.zeros(rows, np.uint64))


class Keys:
    """Vehicle number, time and hash of samples, ready to be searched. Of equal keys the first one counts."""

    def __init__(self, vehicle: Integers, time_us: Integers, hashes: Hashes) -> None:
        """Sort the samples; vehicle numbers are int64, shape (N,)."""
        mixed = _mixed(vehicle, time_us)
        order = np.argsort(mixed, kind="stable")
        self._mixed = mixed[order]
        self.vehicle, self.time_us, self.hashes = vehicle[order], time_us[order], hashes[order]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._mixed)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return 4 * self._mixed.nbytes

    def find(self, vehicle: Integers, time_us: Integers) -> Found:
        """Look K keys up."""
        known, hashes = nothing_found(len(vehicle))
        wanted = _mixed(vehicle, time_us)
        at = np.searchsorted(self._mixed, wanted)
        left = np.arange(len(wanted))
        # Two keys hardly ever mix to the same number; where they do, they lie side by side.
        while len(left):
            left = left[at[left] < len(self)]
            left = left[self._mixed[at[left]] == wanted[left]]
            place = at[left]
            same = (self.vehicle[place] == vehicle[left]) & (self.time_us[place] == time_us[left])
            known[left[same]] = True
            hashes[left[same]] = self.hashes[place[same]]
            left = left[~same]
            at[left] += 1
        return Found(known, hashes)


def joined(parts: list[Keys]) -> Keys:
    """One of several; where they share a key, the earlier part counts."""
    return Keys(
        np.concatenate([part.vehicle for part in parts]),
        np.concatenate([part.time_us for part in parts]),
        np.concatenate([part.hashes for part in parts]),
    )


def _mixed(vehicle: Integers, time_us: Integers) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed: npt.NDArray[np.uint64] = vehicle.astype(np.uint64) * _PRIME
        mixed += time_us.astype(np.uint64)
        mixed *= _PRIME
        mixed ^= mixed >> np.uint64(31)
    return mixed
