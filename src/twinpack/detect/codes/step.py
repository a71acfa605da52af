"""`codes(state, frames, …) -> (state, findings)`: trouble codes of a batch, the second stage of detection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.cycles import mark
from twinpack.detect.codes.kernel import IN_SILENCE, ROW, RULE, advance, fell_silent
from twinpack.detect.codes.silence import Ticks, Told, silences, told
from twinpack.detect.codes.state import CodesState
from twinpack.detect.codes.words import finding, frame_of, silence_frame
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import PackRules
from twinpack.detect.rules.evaluation import LOST, PASS, Columns, verdicts
from twinpack.telemetry.batch import Floats

CHUNK = 16_384
"""Samples judged at once: their quantities and verdicts stay in the processor's cache."""


def codes(
    state: CodesState, frames: Frames, quantities: Mapping[str, Floats], ticks: Ticks, rules: PackRules
) -> tuple[CodesState, list[Finding]]:
    """Take the samples of a batch.

    Any split of the rows of the log into batches gives the same, bit for bit, and no vehicle depends on another.

    Args:
        state: State of V vehicles by R rules before the batch; left as it is.
        frames: M samples of these vehicles.
        quantities: Values of the quantities that conditions and freeze frames read, by name, shape (M,); NaN is
            unknown, and so is a quantity that is not there.
        ticks: The ticks of the batch.
        rules: The R rules; all vehicles have the pack they were made for.

    Returns:
        State after the batch, and what came of it, by vehicle, in the order of the log.
    """
    if not len(rules) or not (len(frames) or len(ticks)):
        return state, []
    after = state.copied()
    marks, in_use, period_s = mark(after, frames, rules.rules[0].pack.capacity_ah)
    silent = told(silences(state, after, frames, ticks, in_use, period_s), state, ticks, rules) if len(ticks) else []
    lost = {(one.row, one.rule): one for one in silent if one.row >= 0}
    found: list[tuple[tuple[int, int, int], Finding]] = []
    for start in range(0, len(frames), CHUNK):
        rows = slice(start, min(start + CHUNK, len(frames)))
        columns = _columns(quantities, rules, rows)
        judged = _judged(rules, columns, rows)
        for row, rule in lost:
            if rows.start <= row < rows.stop:
                judged[rule, row - start] = LOST
        part = (frames.lane[rows], frames.time_us[rows], frames.before_us[rows], marks[rows])
        for event in advance(after, *part, judged, rules):
            row = start + int(event[ROW])
            found.append(_of_row(event, row, frames, quantities, rules, lost))
    found += [one for lonely in silent if lonely.row < 0 for one in _unended(after, lonely, rules)]
    found.sort(key=lambda one: one[0])
    return after, [one for _, one in found]


def _columns(quantities: Mapping[str, Floats], rules: PackRules, rows: slice) -> Columns:
    unknown = np.full(rows.stop - rows.start, np.nan)
    return {name: quantities[name][rows] if name in quantities else unknown for name in rules.quantities}


def _judged(rules: PackRules, columns: Columns, rows: slice) -> npt.NDArray[np.uint8]:
    """Verdict of each rule on each sample, shape (R, rows); a test of silence passes with every sample."""
    judged = np.full((len(rules), rows.stop - rows.start), PASS, np.uint8)
    with np.errstate(all="ignore"):
        for at, one in enumerate(rules.rules):
            if not one.rule.of_silence:
                verdicts(columns, one.judge, one.judge_when, judged[at])
    return judged


def _of_row(
    event: Any,
    row: int,
    frames: Frames,
    quantities: Mapping[str, Floats],
    rules: PackRules,
    lost: Mapping[tuple[int, int], Told],
) -> tuple[tuple[int, int, int], Finding]:
    rule, lane = int(event[RULE]), int(frames.lane[row])
    if event[IN_SILENCE]:
        silence = lost[row, rule]
        time_us, offset, frame = int(frames.before_us[row]), silence.offset, silence_frame(silence)
    else:
        time_us, offset = int(frames.time_us[row]), int(frames.offset[row])
        frame = frame_of(rules.rules[rule], quantities, row)
    return (lane, offset, rule), finding(lane, time_us, offset, event, rules, frame)


def _unended(after: CodesState, silence: Told, rules: PackRules) -> list[tuple[tuple[int, int, int], Finding]]:
    """A silence that goes on after the batch."""
    event = fell_silent(after, silence.lane, silence.rule, rules)
    if event is None:
        return []
    time_us = int(after.last_us[silence.lane])
    told_of = finding(silence.lane, time_us, silence.offset, event, rules, silence_frame(silence))
    return [((silence.lane, silence.offset, silence.rule), told_of)]
