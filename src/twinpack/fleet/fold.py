"""`fold(state, batch) -> (state, events)`: steps, sessions and twins composed over a shard, and nothing else.

Pure and batch invariant: any split of the rows gives the same events and versions, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.fleet.commands import REGISTER, REPLAY, first_model, measures, promoted_model, registers, rolls_back
from twinpack.fleet.detection import found_in, obeyed
from twinpack.fleet.events import PREDICTION, STEPS, TRIP, VERSION, Event, event_id
from twinpack.fleet.migrate import migrated, unfit
from twinpack.fleet.state import Group, ShardState
from twinpack.telemetry.arrivals import arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import KIND_SAMPLE
from twinpack.telemetry.steps import Steps, steps
from twinpack.telemetry.trips import Segment, Trip, cut
from twinpack.twin.decide import Closing, close, close_rest, deploy, first_version
from twinpack.twin.families import twins_of
from twinpack.twin.living import LivingTwins, Run, Traced
from twinpack.twin.measured import measured
from twinpack.twin.orders import replayed, resumable, resumed, rolled_back
from twinpack.twin.score import StepPredictions, TripScore
from twinpack.twin.settings import PREDICTORS, Prototype
from twinpack.twin.state import TwinState
from twinpack.twin.versions import TwinVersion

RESTING, DRIVING = "resting", "driving"


def fold(state: ShardState, batch: SampleBatch) -> tuple[ShardState, list[Event]]:
    """Take a batch of rows.

    Args:
        state: The shard before it.
        batch: Consecutive rows of the log; the first follows the last of the batch before.

    Returns:
        The shard after it, and what came of it, in the order of vehicles' lanes.
    """
    events: list[Event] = []
    for part, order in _parts(batch):
        state = _registered(state, part)
        state, more = _fold_rows(state, part)
        events += more
        if order is not None:
            state, more = _obey(state, *order)
            events += more
    return state, events


def _parts(batch: SampleBatch) -> Iterator[tuple[SampleBatch, tuple[int, int, dict[str, Any]] | None]]:
    """Runs of rows, each up to a command that changes a twin, with that command's offset, time and body.

    A vehicle is known from the row on that registers it: where rows of it came before, another run begins there.
    """
    start = 0
    first = _first_samples(batch) if batch.commands else {}
    for row, body in batch.commands:
        if body.get("type") not in (REGISTER, None):
            offset, at_us = batch.first_offset + row, int(batch.sample_time_us[row])
            yield batch.slice(start, row + 1), (offset, at_us, body)
            start = row + 1
        elif first.get(body.get("vehicle", ""), row) < row:
            yield batch.slice(start, row), None
            start = row
    if start < len(batch):
        yield batch.slice(start, len(batch)), None


def _first_samples(batch: SampleBatch) -> dict[str, int]:
    """Row of each vehicle's first sample."""
    rows = np.flatnonzero((batch.kind == KIND_SAMPLE) & (batch.vehicle >= 0))[::-1]
    first = np.full(len(batch.vehicle_ids), len(batch))
    first[batch.vehicle[rows]] = rows  # of repeated indices the last is assigned
    return dict(zip(batch.vehicle_ids, first.tolist(), strict=True))


def _registered(state: ShardState, batch: SampleBatch) -> ShardState:
    return state.registered((body["vehicle"], body["pack"]) for _, body in batch.commands if registers(body))


def _fold_rows(state: ShardState, batch: SampleBatch) -> tuple[ShardState, list[Event]]:
    settings = state.settings
    lanes = {vehicle: lane for lane, vehicle in enumerate(state.vehicle_ids)}
    lane_of = np.array([lanes.get(vehicle, -1) for vehicle in batch.vehicle_ids], dtype=np.int32)
    arrived = arrivals(batch, lane_of, state.steps.newest_us)
    carry, taken = steps(
        state.steps,
        batch,
        arrived,
        step_us=settings.step_us,
        close_after_us=settings.cut.gap_us,
        gap_us=settings.cut.gap_us,
    )
    trips, cuts = cut(state.trips, taken, state.vehicle_ids, state.capacity_ah, settings.cut)
    unknown = state.unknown + _unknown(batch, lane_of)
    state = replace(state, steps=carry, trips=trips, unknown=unknown)
    events = [_trip_event(one.trip, one.offset) for one in cuts.segments if one.trip is not None]
    groups = dict(state.groups)
    for pack, group in groups.items():
        groups[pack], more = _fold_group(state, group, taken, cuts.segments)
        events += more
    detect, more = found_in(state, batch, arrived, events)
    return replace(state, groups=groups, detect=detect), events + more


def _unknown(batch: SampleBatch, lane_of: npt.NDArray[np.int32]) -> int:
    samples = batch.vehicle[(batch.kind == KIND_SAMPLE) & (batch.vehicle >= 0)]
    return int((lane_of[samples] < 0).sum()) if len(samples) else 0


def _trip_event(trip: Trip, offset: int) -> Event:
    vehicle, end_us = trip.vehicle_id, trip.end_us
    return Event(event_id(vehicle, end_us, TRIP, str(trip.number)), vehicle, end_us, TRIP, offset, trip)


def _fold_group(
    state: ShardState, group: Group, taken: Steps, segments: Sequence[Segment]
) -> tuple[Group, list[Event]]:
    """Session by session: the next of every vehicle at once, then the decisions of those that ended."""
    index = {int(lane): at for at, lane in enumerate(group.members)}
    queues: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.lane in index:
            queues.setdefault(segment.lane, []).append(segment)
    events: list[Event] = []
    for turn in range(max(map(len, queues.values()), default=0)):
        now = [queue[turn] for queue in queues.values() if turn < len(queue)]
        group, more = _take_turn(state, group, taken, now, index)
        events += more
    return group, events


def _take_turn(
    state: ShardState, group: Group, taken: Steps, now: Sequence[Segment], index: dict[int, int]
) -> tuple[Group, list[Event]]:
    events: list[Event] = []
    # A filter takes vehicles in blocks, each for as many steps as its longest session: the longest come first.
    moving = sorted((one for one in now if one.stop > one.start), key=lambda one: one.start - one.stop)
    if moving:
        group, more = _advance(state, group, taken, moving, index)
        events += more
    closing = [segment for segment in now if segment.closed_by is not None]
    if closing:
        group, more = _close(state, group, closing, index)
        events += more
    return group, events


def _advance(
    state: ShardState, group: Group, taken: Steps, moving: Sequence[Segment], index: dict[int, int]
) -> tuple[Group, list[Event]]:
    lanes = np.array([index[segment.lane] for segment in moving], dtype=np.intp)
    part = group.state.take(lanes)
    part, events = _first_versions(state, group, part, taken, moving)
    run, at = _run(taken, moving, group.twins.signals)
    part, traced = group.twins.advance(part, run)
    if state.settings.loop.keep_steps and run.scored.any():
        events.append(_steps_event(state, taken, moving, run, traced, at))
    return replace(group, state=group.state.put(lanes, part)), events


def _first_versions(
    state: ShardState, group: Group, part: TwinState, taken: Steps, moving: Sequence[Segment]
) -> tuple[TwinState, list[Event]]:
    fresh = [at for at in range(len(moving)) if part.version[at] == 0]
    events, deployed = [], []
    for at in fresh:
        lane, first = moving[at].lane, moving[at].start
        version = first_version(group.twins, state.vehicle_ids[lane], int(taken.time_us[first]))
        deployed.append(deploy(group.twins, part.take(np.array([at], dtype=np.intp)), version))
        events.append(_version_event(version, int(taken.offset[first])))
    # Put together: each `put` copies all of them, and a fleet may begin in one batch.
    return (part.put(np.array(fresh, dtype=np.intp), TwinState.of(deployed)) if fresh else part), events


def _run(taken: Steps, moving: Sequence[Segment], signals: Sequence[str]) -> tuple[Run, npt.NDArray[np.intp]]:
    """The next steps of each vehicle, and where they lie in `taken`, (T, B), clipped to each vehicle's last."""
    start = np.array([segment.start for segment in moving])
    count = np.array([segment.stop - segment.start for segment in moving])
    row = np.arange(count.max())[:, None]
    flat = start + np.minimum(row, count - 1)
    values = taken.values
    run = Run(
        time_us=taken.time_us[flat],
        measured=values["pack_voltage_v"][flat],
        current=values["pack_current_a"][flat],
        temp=values["cell_temp_avg_c"][flat],
        soc=values["soc_pct"][flat] / 100.0,
        present=row < count,
        opens=np.array([segment.opens for segment in moving]),
        scored=np.array([segment.kind != RESTING for segment in moving]),
        number=np.array([segment.number for segment in moving], dtype=np.int64),
        driving=np.array([segment.kind == DRIVING for segment in moving]),
        more={name: values[name][flat] for name in signals},
    )
    return run, flat


def _steps_event(
    state: ShardState, taken: Steps, moving: Sequence[Segment], run: Run, traced: Traced, at: npt.NDArray[np.intp]
) -> Event:
    """One event with every predicted step of the run, vehicle by vehicle."""
    rows, lanes = np.nonzero((run.present & run.scored).T)[::-1]
    flat = at[rows, lanes]
    ids = tuple(state.vehicle_ids[segment.lane] for segment in moving)
    columns: dict[str, Any] = {
        "vehicle": lanes.astype(np.int32),
        "trip_number": run.number[lanes].astype(np.int32),
        "sample_time": taken.time_us[flat],
        "measured_v": run.measured[rows, lanes],
        "current_a": traced.current[rows, lanes],
        "temp_c": traced.temp[rows, lanes],
        "soc": traced.soc[rows, lanes],
        "scored": traced.scored[rows, lanes],
        "offset": taken.offset[flat],
    }
    for which, name in enumerate(PREDICTORS):
        columns[f"{name}_v"] = traced.mean[which, rows, lanes]
        columns[f"{name}_sd_v"] = traced.sd[which, rows, lanes]
    last = int(columns["offset"].max())
    first_us = int(columns["sample_time"].min())
    body = StepPredictions(ids, columns)
    return Event(event_id("", first_us, STEPS, str(last)), "", first_us, STEPS, last, body)


def _close(
    state: ShardState, group: Group, closing: Sequence[Segment], index: dict[int, int]
) -> tuple[Group, list[Event]]:
    scored = [(one, trip) for one in closing if (trip := one.trip) is not None and one.kind != RESTING]
    rests = [index[one.lane] for one in closing if one.trip is None or one.kind == RESTING]
    failed = np.array([at for at in rests if not group.state.shadow_ok[at]], dtype=np.intp)
    if len(failed):
        group = replace(group, state=group.state.put(failed, close_rest(group.state.take(failed))))
    if not scored:
        return group, []
    lanes = np.array([index[segment.lane] for segment, _ in scored], dtype=np.intp)
    endings = [
        Closing(state.vehicle_ids[segment.lane], segment.number, trip.start_us, trip.end_us) for segment, trip in scored
    ]
    part, outcomes = close(group.twins, group.state.take(lanes), endings)
    events: list[Event] = []
    for ending, (segment, _), (score, version) in zip(endings, scored, outcomes, strict=True):
        events += _trip_outcome(ending, score, version, segment.offset)
    return replace(group, state=group.state.put(lanes, part)), events


def _trip_outcome(ending: Closing, score: TripScore, version: TwinVersion | None, offset: int) -> list[Event]:
    vehicle, end_us = ending.vehicle_id, ending.end_us
    identity = event_id(vehicle, end_us, PREDICTION, str(ending.number))
    scored = Event(identity, vehicle, end_us, PREDICTION, offset, score)
    return [scored] if version is None else [scored, _version_event(version, offset)]


def _version_event(version: TwinVersion, offset: int) -> Event:
    identity = event_id(version.vehicle_id, version.sample_time_us, VERSION, str(version.number))
    return Event(identity, version.vehicle_id, version.sample_time_us, VERSION, offset, version)


def _obey(state: ShardState, offset: int, at_us: int, body: dict[str, Any]) -> tuple[ShardState, list[Event]]:
    """A command that changes a twin or detection; one that names what is not there changes nothing."""
    detection = obeyed(state, offset, at_us, body)
    if detection is not None:
        return detection
    prototype = first_model(body)
    if prototype is not None:
        return state.with_prototype(prototype), []
    promoted = promoted_model(body)
    if promoted is not None:
        return _promoted(state, promoted, offset, at_us, body)
    if body.get("vehicle") not in state.vehicle_ids:
        return state, []
    lane = state.vehicle_ids.index(body["vehicle"])
    for pack, group in state.groups.items():
        found = np.flatnonzero(group.members == lane)
        if not len(found):
            continue
        done = _ordered(group.twins, group.state.take(found), at_us, body)
        if done is not None:
            changed = replace(group, state=group.state.put(found, done[0]))
            return replace(state, groups={**state.groups, pack: changed}), [_version_event(done[1], offset)]
    return state, []


def _promoted(
    state: ShardState, prototype: Prototype, offset: int, at_us: int, body: dict[str, Any]
) -> tuple[ShardState, list[Event]]:
    """Every twin of a pack under another model; one that is in use already, or does not fit, changes nothing."""
    pack = prototype.pack
    former = state.prototypes.get(pack)
    if former is None or former.model_hash == prototype.model_hash or unfit(former, prototype):
        return state, []
    try:
        twins = twins_of(prototype, state.settings.loop, state.make)
    except (InputError, KeyError, TypeError, ValueError):
        return state, []  # it can be read and not be run
    state = replace(state, prototypes={**state.prototypes, pack: prototype})
    group = state.groups.get(pack)
    if group is None:
        return state, []
    names = [state.vehicle_ids[lane] for lane in group.members.tolist()]
    moved, versions = migrated(group.twins, twins, group.state, names, at_us, body)
    groups = {**state.groups, pack: replace(group, twins=twins, state=moved)}
    return replace(state, groups=groups), [_version_event(version, offset) for version in versions]


def _ordered(
    twins: LivingTwins, one: TwinState, at_us: int, body: dict[str, Any]
) -> tuple[TwinState, TwinVersion] | None:
    """One vehicle's twin once a command was obeyed, and the version that tells; None when it is none to obey."""
    # What belongs to another model is none: its parameters may have the same names.
    if body.get("model_hash", twins.prototype.model_hash) != twins.prototype.model_hash:
        return None
    if rolls_back(body, twins.names):
        version = rolled_back(twins, one, body["vehicle"], at_us, body)
        return deploy(twins, one, version), version
    if body.get("type") == REPLAY and resumable(body, twins, one):
        version = replayed(twins, one, body["vehicle"], at_us, body)
        return resumed(twins, one, version, body), version
    return measured(twins, one, body["vehicle"], at_us, body) if measures(body) else None
