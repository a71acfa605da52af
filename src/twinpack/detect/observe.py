"""Detection over a batch: screen what the data themselves get wrong, then trouble codes, then single cells.

Pure and batch invariant, as the fold that calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect import cells, codes, screen
from twinpack.detect.codes import Ticks
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.state import DetectGroup, DetectState, rules_for
from twinpack.telemetry.arrivals import Ints
from twinpack.telemetry.batch import Floats

_ONE = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class Place:
    """Where in the log something was ordered, the time it is dated at, and what to keep of it in the evidence."""

    offset: int
    time_us: int
    told: Mapping[str, Any]


def observe(
    state: DetectState, frames: Frames, ticks: Ticks, beside: Mapping[str, Floats]
) -> tuple[DetectState, list[Finding]]:
    """Take the samples of a batch.

    Args:
        state: Detection before it.
        frames: The samples that are used, M of them.
        ticks: The ticks of the batch.
        beside: Further quantities that rules may ask for, each of shape (M,).

    Returns:
        Detection after it, and what was found, by lane and in the order of the log.
    """
    if not state.rules or not (len(frames) or len(ticks)):
        return state, []
    groups = dict(state.groups)
    found: list[Finding] = []
    for pack, group in groups.items():
        lanes = group.members[np.isin(group.members, frames.lane)]
        waiting = _silent(group, lanes) if len(ticks) else lanes[:0]
        if len(lanes) or len(waiting):
            groups[pack], more = _observe_group(state.rules, group, (lanes, waiting), (frames, ticks), beside)
            found += more
    return replace(state, groups=groups), sorted(found, key=_order)


def _order(finding: Finding) -> tuple[int, int, str, str, str]:
    return finding.lane, finding.offset, finding.code, finding.subject, finding.change


def _silent(group: DetectGroup, lanes: Ints) -> Ints:
    """Vehicles without a sample in the batch of which a tick may tell that they fell silent."""
    awaited = group.members[codes.awaited(group.codes.all())]
    return np.asarray(np.setdiff1d(awaited, lanes), dtype=np.int64)


def _observe_group(
    text: str,
    group: DetectGroup,
    lanes: tuple[Ints, Ints],
    given: tuple[Frames, Ticks],
    beside: Mapping[str, Floats],
) -> tuple[DetectGroup, list[Finding]]:
    """One pack: `lanes` are its vehicles with samples, and those of which only ticks may tell something."""
    (sampled, _), (frames, ticks) = lanes, given
    rules, pack = rules_for(text, group.pack), group.spec
    both = np.union1d(*lanes)
    mine, which = frames.of_lanes(both)
    quantities: dict[str, Floats] = {}
    found: list[Finding] = []
    if len(sampled):
        where = np.searchsorted(group.members, sampled)
        # The same samples; only the vehicles are counted without those that are silent.
        seen = replace(mine, lane=np.searchsorted(sampled, both[mine.lane]).astype(np.int32))
        screened_state, screened = screen.screen(group.screen.taken(where), seen, pack)
        group = replace(group, screen=group.screen.written(where, screened_state))
        group, anomalies = _observe_cells(group, where, seen, screened)
        quantities = {**screened.quantities, **{name: values[which] for name, values in beside.items()}}
        found += _of(anomalies, sampled)
    where = np.searchsorted(group.members, both)
    codes_state, told = codes.codes(group.codes.taken(where), mine, quantities, ticks, rules)
    return replace(group, codes=group.codes.written(where, codes_state)), found + _of(told, both)


def _observe_cells(
    group: DetectGroup, where: Ints, frames: Frames, screened: screen.Screened
) -> tuple[DetectGroup, list[Finding]]:
    """Single cells and probes of vehicles that tell them, from the first sample on that does.

    What is kept of a vehicle's cells is large, and many vehicles never tell any.
    """
    told = (frames.cells.count > 0) | (frames.probes.count > 0)
    known = np.array([group.cells.lanes[at] is not None for at in where.tolist()], dtype=np.bool_)
    row = np.arange(len(frames))
    first = np.where(known, 0, len(frames))
    np.minimum.at(first, frames.lane[told], row[told])
    used = row >= first[frames.lane]
    if not used.any():
        return group, []
    lanes = np.unique(frames.lane[used]).astype(np.int64)
    some, which = frames.rows(used).of_lanes(lanes)
    cleaned = screened.rows(np.flatnonzero(used)[which])
    state, found = cells.cells(group.cells.taken(where[lanes]), some, cleaned, group.spec)
    group = replace(group, cells=group.cells.written(where[lanes], state))
    return group, _of(found, lanes)


def _of(found: Sequence[Finding], lanes: npt.NDArray[Any]) -> list[Finding]:
    """Findings with the shard's lanes for those that a stage was given."""
    return [replace(one, lane=int(lanes[one.lane])) for one in found]


def with_rules(state: DetectState, text: str, packs: Sequence[str], place: Place) -> tuple[DetectState, list[Finding]]:
    """Detection by another rule set, which has no mistakes; codes whose rule stayed as it was keep their counters.

    Args:
        state: Detection so far.
        text: The rule set.
        packs: Pack of every lane.
        place: Where this was ordered.

    Returns:
        Detection from there on, and what is over because its rule is gone.
    """
    if not state.rules:
        return DetectState(text).joined(packs, 0), []
    groups, found = {}, []
    for pack, group in state.groups.items():
        before, after = rules_for(state.rules, pack), rules_for(text, pack)
        now = group.codes.all()
        ended = codes.ended_by_rules(now, before, after, place.time_us, place.offset)
        found += _of(ended, group.members)
        groups[pack] = replace(group, codes=type(group.codes).of(codes.moved(now, before, after)))
    return DetectState(text, groups), sorted(found, key=_order)


def cleared(
    state: DetectState, lane: int, which: Sequence[str] | None, place: Place
) -> tuple[DetectState, list[Finding]]:
    """Detection once trouble codes of a vehicle were cleared (ISO 14229 service 0x14); None clears all."""
    pack, where = _found(state, lane)
    if pack is None:
        return state, []
    group, rules = state.groups[pack], rules_for(state.rules, pack)
    one = group.codes.taken(where)
    after, found = codes.cleared(one, _ONE, rules, which, place.time_us, place.offset, place.told)
    groups = {**state.groups, pack: replace(group, codes=group.codes.written(where, after))}
    return replace(state, groups=groups), _of(found, np.array([lane]))


def repaired(state: DetectState, lane: int, place: Place) -> tuple[DetectState, list[Finding]]:
    """Detection once a vehicle was repaired: its codes are cleared, its cells and sensors are learned anew."""
    state, found = cleared(state, lane, None, place)
    pack, where = _found(state, lane)
    if pack is None:
        return state, found
    group = state.groups[pack]
    before = group.cells.taken(where)
    over = cells.ended(before, _ONE, place.time_us, place.offset, place.told)
    group = replace(
        group,
        cells=group.cells.written(where, cells.reset(before, _ONE)),
        screen=group.screen.written(where, screen.reset(group.screen.taken(where), _ONE)),
    )
    return replace(state, groups={**state.groups, pack: group}), found + _of(over, np.array([lane]))


def _found(state: DetectState, lane: int) -> tuple[str | None, Ints]:
    """The pack of a lane, and its place among the vehicles of that pack."""
    for pack, group in state.groups.items():
        where = np.flatnonzero(group.members == lane)
        if len(where):
            return pack, where
    return None, _ONE
