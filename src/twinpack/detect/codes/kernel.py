"""The life of a trouble code: fault detection counter and status byte of ISO 14229, sample by sample.

The counter counts time, not samples: a verdict that two samples agree on has stood between them, for `hold` at most; a
sample without a verdict leaves all as it is. It is kept as the time itself, of which the counter of the standard
(-128 to 127) is the share of the debounce or pass time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.cycles import NEW, SILENT, signed
from twinpack.detect.codes.state import CodesState
from twinpack.detect.rules import PackRules
from twinpack.detect.rules.evaluation import FAIL, IDLE, LOST, PASS, UNKNOWN
from twinpack.detect.status_byte import (
    CONFIRMED,
    FAILED,
    FAILED_IN_CYCLE,
    FAILED_SINCE_CLEAR,
    LAMP,
    PENDING,
    UNTESTED,
    UNTESTED_IN_CYCLE,
)
from twinpack.filters.kernels import kernel
from twinpack.telemetry.arrivals import NEVER, Ints, Lanes

FAILED_NOW = FAILED | FAILED_IN_CYCLE | PENDING
NOT_PASSED = FAILED | UNTESTED | UNTESTED_IN_CYCLE

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


class Code(NamedTuple):
    """The same of one vehicle and rule: it is read once, followed through the samples, and written once."""

    status: int
    failed_cycles: int
    good_cycles: int
    occurrence: int
    verdict: int
    count_us: int
    known_us: int
    since_us: int
    first_us: int


class Terms(NamedTuple):
    """What one rule says."""

    debounce_us: int
    pass_us: int
    hold_us: int
    n_confirm: int
    n_heal: int
    n_age: int
    lamp: int


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
    events, count = _advance(lane, time_us, before_us, marks, verdicts, rules.terms, _life(state))
    found: Ints = events[:count]
    return found


def fell_silent(state: CodesState, lane: int, rule: int, rules: PackRules) -> Ints | None:
    """Fail a test of silence after a vehicle's newest sample; `state`, which must be a copy, is brought up to date.

    Returns:
        The event, whose row says nothing, shape (8,); None when nothing came of it.
    """
    events = np.zeros((1, _WIDTH), np.int64)
    count = _fall_silent(lane, rule, int(state.last_us[lane]), rules.terms, _life(state), events)
    return events[0] if count else None


def _life(state: CodesState) -> Life:
    return Life(*(getattr(state, name) for name in Life._fields))


@kernel
def _advance(
    lane: Any, time_us: Any, before_us: Any, marks: Any, verdicts: Any, terms: Ints, life: Life
) -> tuple[Any, int]:
    status, verdict, count_us, known_us = life.status, life.verdict, life.count_us, life.known_us
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
            # Nearly always a test goes on as it stands: it has passed and passes, has failed and fails, is not known or
            # does not run. Written out here: handing the arrays to a function would take longer than the work.
            told, others = verdicts[r, start], 0
            for row in range(start, stop):
                others |= verdicts[r, row] ^ told
            if marked == 0 and others == 0:
                now = status[v, r]
                if told == UNKNOWN or (told == IDLE and verdict[v, r] & BROKEN):
                    continue
                if told == verdict[v, r] and (
                    (told == PASS and count_us[v, r] <= -terms[r, 1] and now & NOT_PASSED == 0)
                    or (told == FAIL and count_us[v, r] >= terms[r, 0] and now & FAILED_NOW == FAILED_NOW)
                ):
                    known_us[v, r] = time_us[stop - 1]
                    continue
            if count + _MOST_AT_ONCE * (stop - start) > len(events):
                more = np.zeros((2 * len(events) + _MOST_AT_ONCE * (stop - start), _WIDTH), np.int64)
                for at in range(count):  # a slice would have its checks of shape compiled as well
                    for part in range(_WIDTH):
                        more[at, part] = events[at, part]
                events = more
            rule = _terms(terms, r)
            code = _read(life, v, r)
            for row in range(start, stop):
                told, mark = verdicts[r, row], marks[row]
                if told == UNKNOWN and mark == 0:
                    continue
                if told == LOST:
                    code, what = _silent(code, before_us[row], rule)
                    count += _told(events, count, code, r, what, row, 1)
                    told = PASS
                if mark & NEW:
                    code, what = _new_cycle(code, mark & SILENT, rule)
                    count += _told(events, count, code, r, what, row, 0)
                code, what = _take(code, time_us[row], told, rule)
                count += _told(events, count, code, r, what, row, 0)
            _write(life, v, r, code)
        start = stop
    return events, count


@kernel
def _take(code: Code, time: int, told: int, rule: Terms) -> tuple[Code, int]:
    """Take one verdict."""
    before = code.verdict
    if told == UNKNOWN:
        return code, NOTHING
    if told == IDLE:
        return _with(code, code.status, before | BROKEN, code.count_us, code.known_us, code.since_us), NOTHING
    stood = min(time - code.known_us, rule.hold_us) if before == told else 0
    if told == FAIL:
        since = code.since_us if before & ~BROKEN == FAIL else time
        count = min(max(code.count_us, 0) + stood, rule.debounce_us)
        code = _with(code, code.status, told, count, time, since)
        return _failed(code, time, rule) if count >= rule.debounce_us else (code, NOTHING)
    count = max(min(code.count_us, 0) - stood, -rule.pass_us)
    if count > -rule.pass_us:
        return _with(code, code.status, told, count, time, code.since_us), NOTHING
    status = code.status & ~NOT_PASSED
    what = TURNED_PASSED if code.status & FAILED and code.status & CONFIRMED else NOTHING
    return _with(code, status, told, count, time, code.since_us), what


@kernel
def _failed(code: Code, time: int, rule: Terms) -> tuple[Code, int]:
    """The test has failed: the counter stands at 127."""
    was = code.status
    now = (was | FAILED_NOW | FAILED_SINCE_CLEAR) & ~(UNTESTED | UNTESTED_IN_CYCLE)
    failed, occurrence, first = code.failed_cycles, code.occurrence, code.first_us
    if not was & FAILED_IN_CYCLE:
        failed = min(failed + 1, 255)
    what = NOTHING
    if was & CONFIRMED:
        if not was & FAILED:
            what = TURNED_CONFIRMED
    elif failed >= rule.n_confirm:
        what = TURNED_CONFIRMED
        first = time
    elif not was & PENDING:
        what = TURNED_PENDING
    if what == TURNED_CONFIRMED:
        occurrence = min(occurrence + 1, 65_535)
        now |= CONFIRMED | (LAMP if rule.lamp else 0)
    return Code(now, failed, 0, occurrence, code.verdict, code.count_us, code.known_us, code.since_us, first), what


@kernel
def _new_cycle(code: Code, after_silence: int, rule: Terms) -> tuple[Code, int]:
    """An operation cycle has ended, and the next begins."""
    was = code.status
    now = (was & ~FAILED_IN_CYCLE) | UNTESTED_IN_CYCLE
    failed, good, occurrence, first = code.failed_cycles, code.good_cycles, code.occurrence, code.first_us
    what = NOTHING
    if not was & (UNTESTED_IN_CYCLE | FAILED_IN_CYCLE):
        now &= ~PENDING
        failed = 0
        if was & CONFIRMED:
            good += 1
            if good == rule.n_heal:
                now &= ~LAMP
                what = HEALED
            elif good >= rule.n_heal + rule.n_age:
                now &= ~CONFIRMED
                what = AGED
                good, occurrence, first = 0, 0, NEVER
        elif was & PENDING:
            what = DROPPED
    count, verdict = code.count_us, code.verdict
    if after_silence:  # what was counted before it counts no more
        count, verdict = 0, verdict | BROKEN
    return Code(now, failed, good, occurrence, verdict, count, code.known_us, code.since_us, first), what


@kernel
def _silent(code: Code, last: int, rule: Terms) -> tuple[Code, int]:
    """A test of silence fails at a tick; it is dated at the vehicle's last sample."""
    return _failed(_with(code, code.status, FAIL, 0, last, last), last, rule)


@kernel
def _fall_silent(v: int, r: int, last: int, terms: Ints, life: Life, events: Any) -> int:
    code, what = _silent(_read(life, v, r), last, _terms(terms, r))
    _write(life, v, r, code)
    return _told(events, 0, code, r, what, -1, 1)


@kernel
def _with(code: Code, status: int, verdict: int, count_us: int, known_us: int, since_us: int) -> Code:
    return Code(
        status,
        code.failed_cycles,
        code.good_cycles,
        code.occurrence,
        verdict,
        count_us,
        known_us,
        since_us,
        code.first_us,
    )


@kernel
def _terms(terms: Ints, r: int) -> Terms:
    row = terms[r]
    return Terms(row[0], row[1], row[2], row[3], row[4], row[5], row[6])


@kernel
def _read(life: Life, v: int, r: int) -> Code:
    return Code(
        signed(life.status[v, r]),
        signed(life.failed_cycles[v, r]),
        signed(life.good_cycles[v, r]),
        signed(life.occurrence[v, r]),
        signed(life.verdict[v, r]),
        life.count_us[v, r],
        life.known_us[v, r],
        life.since_us[v, r],
        life.first_us[v, r],
    )


@kernel
def _write(life: Life, v: int, r: int, code: Code) -> None:
    life.status[v, r] = code.status
    life.failed_cycles[v, r] = code.failed_cycles
    life.good_cycles[v, r] = code.good_cycles
    life.occurrence[v, r] = code.occurrence
    life.verdict[v, r] = code.verdict
    life.count_us[v, r] = code.count_us
    life.known_us[v, r] = code.known_us
    life.since_us[v, r] = code.since_us
    life.first_us[v, r] = code.first_us


@kernel
def _told(events: Any, at: int, code: Code, r: int, what: int, row: int, in_silence: int) -> int:
    """Write down what came of a sample; how many events that are, 0 or 1."""
    if what == NOTHING:
        return 0
    event = events[at]
    event[ROW] = row
    event[RULE] = r
    event[WHAT] = what
    event[STATUS] = code.status
    event[OCCURRENCE] = code.occurrence
    event[SINCE] = code.since_us
    event[FIRST] = code.first_us
    event[IN_SILENCE] = in_silence
    return 1
