"""Lost communication: ticks at which a vehicle that was in use has been silent for longer than a rule allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.cycles import Seconds
from twinpack.detect.codes.state import CodesState
from twinpack.detect.frames import Frames
from twinpack.detect.rules import PackRule, PackRules
from twinpack.detect.rules.evaluation import FAIL
from twinpack.telemetry.arrivals import NEVER, Bools, Ints

_PAIRS = 1 << 18
"""Most pairs of a silence and a tick that are tried at once."""


@dataclass(frozen=True)
class Ticks:
    """Ticks of a batch: up to which moment silence is known.

    Attributes:
        offset: Log offset of each, ascending, shape (K,), int64.
        receipt_us: When it was received, shape (K,), int64.
    """

    offset: Ints
    receipt_us: Ints

    def __len__(self) -> int:
        """Number of ticks."""
        return len(self.offset)

    @classmethod
    def none(cls) -> Ticks:
        """No ticks."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Silences:
    """Silences in use, K of them, that ticks of a batch may tell.

    Attributes:
        lane: The vehicle, shape (K,).
        row: The sample that ends it, -1 where it goes on after the batch, shape (K,).
        receipt_us: Receipt of the sample before it, shape (K,).
        period_s: Time that usually lies between receipts, s, shape (K,).
        start: First tick in it, shape (K,).
        stop: The tick after its last, shape (K,).
        carried: It began before the batch, shape (K,).
    """

    lane: Ints
    row: Ints
    receipt_us: Ints
    period_s: Seconds
    start: Ints
    stop: Ints
    carried: Bools


@dataclass(frozen=True)
class Told:
    """A tick that found a silence too long for a rule.

    Attributes:
        lane: The vehicle.
        row: The sample that ends the silence, -1 where it goes on.
        rule: Place of the rule.
        offset: Log offset of the tick.
        silence_s: How long it had lasted at the tick, s.
        period_s: Time that usually lies between receipts, s.
    """

    lane: int
    row: int
    rule: int
    offset: int
    silence_s: float
    period_s: float


def silences(
    before: CodesState, after: CodesState, frames: Frames, ticks: Ticks, in_use: Bools, period_s: Seconds
) -> Silences:
    """The silences of a batch in which there is a tick.

    Args:
        before: State before the batch.
        after: State after it, as far as `cycles.mark` has brought it.
        frames: M samples.
        ticks: The ticks.
        in_use: Whether silence after each sample is a fault, shape (M,).
        period_s: Time that then usually lies between receipts, s, shape (M,).
    """
    lane = frames.lane.astype(np.int64)
    at = np.searchsorted(ticks.offset, frames.offset)
    first = np.ones(len(lane), np.bool_)
    first[1:] = lane[1:] != lane[:-1]
    leading, inner = np.flatnonzero(first), np.flatnonzero(~first)
    untouched = np.setdiff1d(np.arange(after.lanes), lane, assume_unique=False)
    last = np.flatnonzero(np.append(first[1:], True)[: len(lane)])
    held = np.concatenate([lane[leading], untouched])
    parts = [
        # Silences that began before the batch, those between two samples of it, those after its last of a vehicle.
        (held, np.append(leading, np.full(len(untouched), -1)), before.receipt_us[held], before.period_s[held]),
        (lane[inner], inner, frames.receipt_us[inner - 1], period_s[inner - 1]),
        (lane[last], np.full(len(last), -1), frames.receipt_us[last], period_s[last]),
    ]
    begun = [np.zeros(len(held), np.int64), at[inner - 1], at[last]]
    used = [before.in_use[held] & (before.receipt_us[held] != NEVER), in_use[inner - 1], in_use[last]]
    lanes, row, receipt, period = (np.concatenate([part[index] for part in parts]) for index in range(4))
    start, usable = np.concatenate(begun), np.concatenate(used)
    stop = np.where(row >= 0, at[row] if len(at) else 0, len(ticks))
    kept = np.flatnonzero(usable & (stop > start))
    carried = kept < len(held)
    return Silences(lanes[kept], row[kept], receipt[kept], period[kept], start[kept], stop[kept], carried)


def told(found: Silences, before: CodesState, ticks: Ticks, rules: PackRules) -> list[Told]:
    """The first tick of each silence at which each rule of silence fails; a silence is told once."""
    result = []
    for rule in rules.of_silence:
        known = found.carried & (before.verdict[found.lane, rule] == FAIL)
        for which, tick, silence_s in _first_failing(found, np.flatnonzero(~known), ticks, rules.rules[rule]):
            result.append(
                Told(
                    *(int(found.lane[which]), int(found.row[which]), rule, int(ticks.offset[tick])),
                    *(silence_s, float(found.period_s[which])),
                )
            )
    return result


def _first_failing(found: Silences, open_: Ints, ticks: Ticks, rule: PackRule) -> list[tuple[int, int, float]]:
    """Silence, tick and duration where the rule's condition first holds; `open_` are the silences to try."""
    result = []
    at = found.start.copy()
    width = 1  # most silences hold a tick or two: look at few, then at ever more
    while len(open_):
        width = max(1, min(width, _PAIRS // len(open_)))
        tick = at[open_, None] + np.arange(width)
        inside = tick < found.stop[open_, None]
        silence_s = (ticks.receipt_us[np.where(inside, tick, 0)] - found.receipt_us[open_, None]) / 1e6
        failing = inside & _holds(rule, silence_s, found.period_s[open_])
        hit = failing.any(axis=1)
        first = failing.argmax(axis=1)
        for which, column in zip(np.flatnonzero(hit).tolist(), first[hit].tolist(), strict=True):
            result.append((int(open_[which]), int(tick[which, column]), float(silence_s[which, column])))
        at[open_] += width
        width *= 2
        open_ = open_[~hit & (at[open_] < found.stop[open_])]
    return result


def _holds(rule: PackRule, silence_s: npt.NDArray[np.float64], period_s: Seconds) -> Bools:
    usual = np.broadcast_to(period_s.astype(np.float64)[:, None], silence_s.shape)
    with np.errstate(all="ignore"):
        true, _ = rule.judge({"silence_s": silence_s.ravel(), "period_s": usual.ravel()})
    return true.reshape(silence_s.shape)
