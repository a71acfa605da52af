"""The life of a trouble code: fault detection counter and status byte of ISO 14229, sample by sample.

The counter counts time, not samples: a verdict that two samples agree on has stood between them, for `hold` at most; a
sample without a verdict leaves all as it is. It is kept as the time itself, of which the counter of the standard
(-128 to 127) is the share of the debounce or pass time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.cycles import NEW, SILENT
from twinpack.detect.codes.state import CodesState
from twinpack.detect.kernels import kernel
from twinpack.detect.rules import PackRules
from twinpack.detect.rules.evaluation import FAIL, IDLE, LOST, PASS, UNKNOWN
from twinpack.telemetry.arrivals import NEVER, Ints, Lanes

FAILED, FAILED_IN_CYCLE, PENDING, CONFIRMED = 0x01, 0x02, 0x04, 0x08
UNTESTED, FAILED_SINCE_CLEAR, UNTESTED_IN_CYCLE, LAMP = 0x10, 0x20, 0x40, 0x80
"""Bits of the status byte."""

BROKEN = 4
"""Bit of the last verdict: the test did not run since, so that it no longer stands."""

NOTHING, TURNED_PENDING, TURNED_CONFIRMED, TURNED_PASSED, HEALED, DROPPED, AGED = 0, 1, 2, 3, 4, 5, 6
"""What a sample does to a code."""

ROW, RULE, WHAT, STATUS, OCCURRENCE, SINCE, FIRST, IN_SILENCE = 0, 1, 2, 3, 4, 5, 6, 7
"""Columns of an event; `IN_SILENCE` is 1 for what the silence before the sample brought about."""
_WIDTH = 8
_MOST_AT_ONCE = 3


class Life(NamedTuple):
    """The arrays of `CodesState` of shape (V, R)."""

    status: Any
    failed_cycles: Any
    good_cycles: Any
    occurrence: Any
    verdict: Any
    count_us: Any
    known_us: Any
    since_us: Any
    first_us: Any


class Terms(NamedTuple):
    """What the rules say, each of shape (R,)."""

    debounce_us: Ints
    pass_us: Ints
    hold_us: Ints
    lamp: npt.NDArray[np.bool_]
    n_confirm: Ints
    n_heal: Ints
    n_age: Ints


def advance(
    state: CodesState,
    lane: Lanes,
    time_us: Ints,
    before_us: Ints,
    marks: npt.NDArray[np.uint8],
    verdicts: npt.NDArray[np.uint8],
    rules: PackRules,
) -> Ints:
    """Take the verdicts of M samples; `state`, which must be a copy, is brought up to date.

    Args:
        state: Its arrays of shape (V, R) are written.
        lane: Vehicle of each sample, those of one together, in order of time, shape (M,).
        time_us: Sample time, shape (M,).
        before_us: Sample time of the vehicle's sample before, shape (M,).
        marks: Where operation cycles begin, shape (M,).
        verdicts: Verdict of each rule on each sample, shape (R, M).
        rules: The R rules.

    Returns:
        What came of it, one event a row, by vehicle and rule, in order of time, shape (E, 8).
    """
    events, count = _advance(lane, time_us, before_us, marks, verdicts, _terms(rules), _life(state))
    found: Ints = events[:count]
    return found


def fell_silent(state: CodesState, lane: int, rule: int, rules: PackRules) -> Ints | None:
    """Fail a test of silence after a vehicle's newest sample; `state`, which must be a copy, is brought up to date.

    Returns:
        The event, whose row says nothing, shape (8,); None when nothing came of it.
    """
    events = np.zeros((1, _WIDTH), np.int64)
    life = _life(state)
    what = _silent(lane, rule, int(state.last_us[lane]), _terms(rules), life)
    return events[0] if _told(events, 0, lane, rule, what, -1, 1, life) else None


def _life(state: CodesState) -> Life:
    return Life(*(getattr(state, name) for name in Life._fields))


def _terms(rules: PackRules) -> Terms:
    debounce, passing, hold = rules.times_us
    return Terms(debounce, passing, hold, rules.lamps, *rules.cycles)


@kernel
def _advance(
    lane: Any, time_us: Any, before_us: Any, marks: Any, verdicts: Any, terms: Terms, life: Life
) -> tuple[Any, int]:
    events = np.zeros((256, _WIDTH), np.int64)
    count = 0
    start = 0
    while start < len(lane):
        v = lane[start]
        stop = start
        marked = np.uint8(0)
        while stop < len(lane) and lane[stop] == v:
            marked |= marks[stop]
            stop += 1
        for r in range(len(verdicts)):
            if marked == 0 and _passes_on(verdicts[r], start, stop, v, r, terms, life):
                life.known_us[v, r] = time_us[stop - 1]
                continue
            for row in range(start, stop):
                if count + _MOST_AT_ONCE > len(events):
                    more = np.zeros((2 * len(events), _WIDTH), np.int64)
                    more[:count] = events[:count]
                    events = more
                told = verdicts[r, row]
                if told == LOST:
                    what = _silent(v, r, before_us[row], terms, life)
                    count += _told(events, count, v, r, what, row, 1, life)
                    told = PASS
                if marks[row] & NEW:
                    what = _new_cycle(v, r, marks[row] & SILENT != 0, terms, life)
                    count += _told(events, count, v, r, what, row, 0, life)
                what = _take(v, r, time_us[row], told, terms, life)
                count += _told(events, count, v, r, what, row, 0, life)
        start = stop
    return events, count


@kernel
def _passes_on(verdicts: Any, start: int, stop: int, v: int, r: int, terms: Terms, life: Life) -> bool:
    """Whether a test that has passed does nothing but pass on: nearly always, and worth being quick about."""
    if life.verdict[v, r] != PASS or life.count_us[v, r] > -terms.pass_us[r]:
        return False
    if life.status[v, r] & (FAILED | UNTESTED | UNTESTED_IN_CYCLE):
        return False
    others = 0
    for row in range(start, stop):
        others |= verdicts[row] ^ PASS
    return others == 0


@kernel
def _take(v: int, r: int, time: int, told: int, terms: Terms, life: Life) -> int:
    """Take one verdict."""
    before = life.verdict[v, r]
    if told == UNKNOWN:
        return NOTHING
    if told == IDLE:
        life.verdict[v, r] = before | BROKEN
        return NOTHING
    stood = min(time - life.known_us[v, r], terms.hold_us[r]) if before == told else 0
    count = life.count_us[v, r]
    life.verdict[v, r] = told
    life.known_us[v, r] = time
    if told == FAIL:
        if before & ~BROKEN != FAIL:
            life.since_us[v, r] = time
        count = min(max(count, 0) + stood, terms.debounce_us[r])
        life.count_us[v, r] = count
        return _failed(v, r, time, terms, life) if count >= terms.debounce_us[r] else NOTHING
    count = max(min(count, 0) - stood, -terms.pass_us[r])
    life.count_us[v, r] = count
    return _passed(v, r, life) if count <= -terms.pass_us[r] else NOTHING


@kernel
def _failed(v: int, r: int, time: int, terms: Terms, life: Life) -> int:
    """The test has failed: the counter stands at 127."""
    was = life.status[v, r]
    now = (was | FAILED | FAILED_IN_CYCLE | PENDING | FAILED_SINCE_CLEAR) & ~(UNTESTED | UNTESTED_IN_CYCLE)
    life.good_cycles[v, r] = 0
    if not was & FAILED_IN_CYCLE:
        life.failed_cycles[v, r] = min(life.failed_cycles[v, r] + 1, 255)
    what = NOTHING
    if was & CONFIRMED:
        if not was & FAILED:
            what = TURNED_CONFIRMED
    elif life.failed_cycles[v, r] >= terms.n_confirm[r]:
        what = TURNED_CONFIRMED
        life.first_us[v, r] = time
    elif not was & PENDING:
        what = TURNED_PENDING
    if what == TURNED_CONFIRMED:
        life.occurrence[v, r] = min(life.occurrence[v, r] + 1, 65_535)
        now |= CONFIRMED | (LAMP if terms.lamp[r] else 0)
    life.status[v, r] = now
    return what


@kernel
def _passed(v: int, r: int, life: Life) -> int:
    """The test has passed: the counter stands at -128."""
    was = life.status[v, r]
    life.status[v, r] = was & ~(FAILED | UNTESTED | UNTESTED_IN_CYCLE)
    return TURNED_PASSED if was & FAILED and was & CONFIRMED else NOTHING


@kernel
def _new_cycle(v: int, r: int, after_silence: bool, terms: Terms, life: Life) -> int:
    """An operation cycle has ended, and the next begins."""
    was = life.status[v, r]
    now = (was & ~FAILED_IN_CYCLE) | UNTESTED_IN_CYCLE
    what = NOTHING
    if not was & (UNTESTED_IN_CYCLE | FAILED_IN_CYCLE):
        now &= ~PENDING
        life.failed_cycles[v, r] = 0
        if was & CONFIRMED:
            life.good_cycles[v, r] += 1
            if life.good_cycles[v, r] == terms.n_heal[r]:
                now &= ~LAMP
                what = HEALED
            elif life.good_cycles[v, r] >= terms.n_heal[r] + terms.n_age[r]:
                now &= ~CONFIRMED
                what = AGED
                life.good_cycles[v, r] = 0
                life.occurrence[v, r] = 0
                life.first_us[v, r] = NEVER
        elif was & PENDING:
            what = DROPPED
    life.status[v, r] = now
    if after_silence:  # what was counted before it counts no more
        life.count_us[v, r] = 0
        life.verdict[v, r] |= BROKEN
    return what


@kernel
def _silent(v: int, r: int, last: int, terms: Terms, life: Life) -> int:
    """A test of silence fails at a tick; it is dated at the vehicle's last sample."""
    life.verdict[v, r] = FAIL
    life.count_us[v, r] = 0
    life.known_us[v, r] = last
    life.since_us[v, r] = last
    return _failed(v, r, last, terms, life)


@kernel
def _told(events: Any, at: int, v: int, r: int, what: int, row: int, in_silence: int, life: Life) -> int:
    """Write down what came of a sample; how many events that are, 0 or 1."""
    if what == NOTHING:
        return 0
    event = events[at]
    event[ROW] = row
    event[RULE] = r
    event[WHAT] = what
    event[STATUS] = life.status[v, r]
    event[OCCURRENCE] = life.occurrence[v, r]
    event[SINCE] = life.since_us[v, r]
    event[FIRST] = life.first_us[v, r]
    event[IN_SILENCE] = in_silence
    return 1
