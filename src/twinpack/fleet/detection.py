"""Detection within the fold: what it is given, the events it makes, and the commands it obeys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.detect import cells
from twinpack.detect.codes import Ticks, listed
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.gbt import CONSISTENCY, gbt_alarms
from twinpack.detect.observe import Place, cleared, observe, repaired, with_rules
from twinpack.detect.state import DetectState, rules_for
from twinpack.fleet.commands import CLEAR_CODES, REPAIR, RULES, clears, repairs, sets_rules
from twinpack.fleet.events import FINDING, VERSION, Event, event_id
from twinpack.telemetry.arrivals import Arrivals
from twinpack.telemetry.batch import Floats, SampleBatch
from twinpack.telemetry.schema import KIND_TICK
from twinpack.twin.figures import CAPACITY, RESISTANCE

if TYPE_CHECKING:
    from twinpack.fleet.state import ShardState


def found_in(
    state: ShardState, batch: SampleBatch, arrived: Arrivals, twins: Sequence[Event]
) -> tuple[DetectState, list[Event]]:
    """Detection after a batch, and what it found.

    Args:
        state: The shard; its twins stand before the batch.
        batch: Rows of the log.
        arrived: The samples in it that are used.
        twins: What came of the batch for the twins.
    """
    if not state.detect.rules:
        return state.detect, []
    frames = Frames.of(batch, arrived)
    tick = np.flatnonzero(batch.kind == KIND_TICK)
    ticks = Ticks(batch.first_offset + tick, batch.receipt_time_us[tick])
    detect, found = observe(state.detect, frames, ticks, _health(state, frames, twins))
    return detect, _events(state.vehicle_ids, found)


def obeyed(
    state: ShardState, offset: int, at_us: int, body: Mapping[str, Any]
) -> tuple[ShardState, list[Event]] | None:
    """The shard after a command to detection, and what came of it; None when it is another kind of command."""
    kind = body.get("type")
    told = {key: body[key] for key in ("who", "reason", "record") if isinstance(body.get(key), str)}
    place = Place(offset, at_us, told)
    if kind == RULES and sets_rules(body):
        detect, found = with_rules(state.detect, body["text"], state.packs, place)
    elif kind == CLEAR_CODES and clears(body) and body["vehicle"] in state.vehicle_ids:
        detect, found = cleared(state.detect, state.vehicle_ids.index(body["vehicle"]), body["codes"], place)
    elif kind == REPAIR and repairs(body) and body["vehicle"] in state.vehicle_ids:
        detect, found = repaired(state.detect, state.vehicle_ids.index(body["vehicle"]), place)
    else:
        return None if kind not in (RULES, CLEAR_CODES, REPAIR) else (state, [])
    return replace(state, detect=detect), _events(state.vehicle_ids, found)


def _events(vehicle_ids: Sequence[str], found: Sequence[Finding]) -> list[Event]:
    events = []
    for one in found:
        vehicle = vehicle_ids[one.lane]
        identity = event_id(vehicle, one.time_us, FINDING, f"{one.code}\n{one.subject}\n{one.change}\n{one.level}")
        events.append(Event(identity, vehicle, one.time_us, FINDING, one.offset, one))
    return events


def _health(state: ShardState, frames: Frames, twins: Sequence[Event]) -> dict[str, Floats]:
    """Capacity health and resistance of the twin deployed at each sample, NaN without one."""
    capacity_ah = state.capacity_ah
    told = {name: _Told(len(state.vehicle_ids)) for name in ("capacity_health_pct", "resistance_ratio")}
    for group in state.groups.values():
        known = group.state.version > 0
        for name, row, factor in _figures(group.twins.names, capacity_ah[group.members]):
            told[name].before[group.members] = np.where(known, factor * group.state.deployed_mean[row], np.nan)
    versions = [event for event in twins if event.kind == VERSION]
    lanes = {vehicle: lane for lane, vehicle in enumerate(state.vehicle_ids)} if versions else {}
    for event in versions:
        lane = lanes[event.vehicle_id]
        for name, row, factor in _figures(event.body.parameters, capacity_ah[lane : lane + 1]):
            told[name].changes.append((lane, event.offset, float(factor[0] * event.body.mean[row])))
    return {name: one.at(frames) for name, one in told.items()}


class _Told:
    """A figure of each vehicle, and when it changes within a batch."""

    def __init__(self, lanes: int) -> None:
        self.before = np.full(lanes, np.nan)
        self.changes: list[tuple[int, int, float]] = []

    def at(self, frames: Frames) -> Floats:
        """The figure as it stands at each sample."""
        values: Floats = self.before[frames.lane]
        for lane, offset, value in self.changes:
            start, stop = np.searchsorted(frames.lane, [lane, lane + 1])
            first = start + np.searchsorted(frames.offset[start:stop], offset)
            values[first:stop] = value
        return values


def _figures(names: Sequence[str], capacity_ah: Floats) -> list[tuple[str, int, Floats]]:
    """Quantity, row and factor of the parameters that tell capacity health and resistance over that when new."""
    found = []
    for quantity, known in (("capacity_health_pct", CAPACITY), ("resistance_ratio", RESISTANCE)):
        name = next((name for name in known if name in names), None)
        if name is not None:
            factor = np.ones(len(capacity_ah))
            if name in CAPACITY:
                factor *= 100.0 if name == "capacity_scale" else 100.0 / capacity_ah
            found.append((quantity, list(names).index(name), factor))
    return found


def latest_faults(state: ShardState, lanes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """How some vehicles' faults stand, for people and the API: codes by status, counters, GB/T 32960 alarms.

    Args:
        state: The shard.
        lanes: Lane of each vehicle wanted.
    """
    found: dict[str, dict[str, Any]] = {}
    for pack, group in state.detect.groups.items():
        rules = rules_for(state.detect.rules, pack)
        members = set(group.members.tolist())
        mine = [(name, lane) for name, lane in lanes.items() if lane in members]
        if not mine:
            continue
        where = np.searchsorted(group.members, [lane for _, lane in mine])
        codes = group.codes.taken(where)
        levels, flags = gbt_alarms(codes, rules)
        worst = cells.highest(group.cells.taken(where))
        for at, (name, _) in enumerate(mine):
            known = listed(codes, at, rules)
            inconsistent = worst[at] == cells.ALARM
            found[name] = {
                "codes": {one.code: one.status for one in known},
                "counters": {one.code: one.fdc for one in known},
                "gbt_bits": int(flags[at]) | (1 << CONSISTENCY if inconsistent else 0),
                "gbt_level": max(int(levels[at]), 2 if inconsistent else 0),
            }
    return found
