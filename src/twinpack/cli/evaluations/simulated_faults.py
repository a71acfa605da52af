"""The evaluation of detection on a simulated fleet with injected faults, folded as it would be received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.cli import output

if TYPE_CHECKING:
    from twinpack.evaluate.detection import DetectionScore, Told
    from twinpack.simulate.faults.fleet import FaultFleet
    from twinpack.telemetry.batch import SampleBatch

Metrics = dict[str, Any]

VEHICLES, DAYS, SEED = 200, 365, 7
QUICK_VEHICLES, QUICK_DAYS = 20, 150
_HOUR_US = 3_600_000_000


def evaluate(_: Path, quick: bool) -> Metrics:
    """Half of the vehicles get one fault each; every finding of the fold is held against the truth."""
    from twinpack.evaluate.detection import Fault, score
    from twinpack.simulate.faults.fleet import FaultFleet
    from twinpack.simulate.faults.settings import FaultFleetSettings

    vehicles, days = (QUICK_VEHICLES, QUICK_DAYS) if quick else (VEHICLES, DAYS)
    fleet = FaultFleet(FaultFleetSettings(vehicles=vehicles, days=days, seed=SEED))
    found, samples = _watch(fleet)
    told = [one for one, _ in found]
    faults = [
        Fault(row["vehicle_id"], row["fault"], row["subject"], row["onset_us"], row["runaway_us"] or row["end_us"])
        for row in fleet.truth().to_pylist()
    ]
    burnt = {row["vehicle_id"]: row["runaway_us"] for row in fleet.truth().to_pylist() if row["runaway_us"]}
    result = score(faults, told, fleet.vehicle_years(), fleet.silences())
    split = f"{vehicles} vehicles x {days} days, half of them with one fault; {samples} samples; nothing is learned"
    return _metrics(result) | _failures(found, fleet.vehicle_ids, days, burnt) | {"n": len(faults), "split": split}


def _failures(found: list[tuple[Told, int]], vehicles: Sequence[str], days: int, burnt: Mapping[str, int]) -> Metrics:
    """The risk that a battery burns within 30 days: learned from the first half, judged on the second, week by week.

    `burnt` tells when each did, by the hidden truth.
    """
    from twinpack.forecast.risk import DAY_US, Found, weeks_of
    from twinpack.learn.failure import brier, learn_failure, ranked_above

    if not found:
        return {}
    steps: dict[str, list[Found]] = {name: [] for name in vehicles}
    for one, severity in found:
        steps[one.vehicle_id].append(
            Found(one.time_us, one.code, one.subject, one.category, one.change, one.level, severity)
        )
    begin = min(one.time_us for one, _ in found) // DAY_US * DAY_US
    middle, end = begin + days // 2 * DAY_US, begin + days * DAY_US
    parts, ahead = [], []
    for name, own in steps.items():
        own.sort(key=lambda step: step.at_us)
        failed = [burnt[name]] if name in burnt else []
        parts.append(weeks_of(begin, middle, own, None, [moment for moment in failed if moment <= middle]))
        later = weeks_of(middle, end - 30 * DAY_US, own, None, failed)
        ahead.append((later, [any(at < moment <= at + 30 * DAY_US for moment in failed) for at in later.begin_us]))
    signs, hit, weeks = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("signs", "failed", "weeks")
    )
    model = learn_failure(signs, hit, weeks)
    happened = np.concatenate([np.array(each, dtype=bool) for _, each in ahead])
    probability = model.risk(np.concatenate([part.signs for part, _ in ahead]), 30.0).probability
    usual = -np.expm1(-hit.sum() / max(float(weeks.sum()), 1.0) * 30.0 / 7.0)
    return {
        "failure_30_days_ranked_above": ranked_above(probability, happened),
        "failure_30_days_brier_by_base_rate": brier(probability, happened)
        / max(brier(np.full(len(happened), usual), happened), 1e-12),
        "failure_30_days_told_pct": 100.0 * float(probability.mean()),
        "failure_30_days_happened_pct": 100.0 * float(happened.mean()),
    }


def _metrics(result: DetectionScore) -> Metrics:
    metrics: Metrics = {
        "recall_pct": result.recall_pct,
        "precision_pct": result.precision_pct,
        "false_alarms_per_vehicle_year": result.false_alarms_per_vehicle_year,
        "false_battery_alarms": result.false_battery,
        "false_data_alarms": result.false_data,
        "vehicle_years": result.vehicle_years,
    }
    for name, kind in result.kinds.items():
        metrics[f"{name}_recall_pct"] = kind.recall_pct
        metrics[f"{name}_delay_h"] = kind.delay_h
        metrics[f"{name}_lead_h"] = kind.lead_h
    missed = [f"{fault.vehicle_id} {fault.kind} {fault.subject}".strip() for fault in result.missed]
    return metrics | {"missed": missed, "false_alarms": [_words(one) for one in result.false]}


def _words(one: Told) -> str:
    return f"{one.vehicle_id} {one.code} {one.subject}".strip()


def _watch(fleet: FaultFleet) -> tuple[list[tuple[Told, int]], int]:
    """What is found in a fleet, and how many samples it sent; a day is simulated while the one before is folded."""
    from twinpack.ingest.threads import read_ahead

    samples = 0

    def batches() -> Iterator[SampleBatch]:
        nonlocal samples
        offset = 0
        with output.progress("watch", fleet.settings.days, "days") as bar:
            for day in read_ahead(fleet.days()):
                batch = with_ticks(day.batch(offset))
                samples += len(day)
                offset = batch.end_offset
                yield batch
                bar.set(day.number + 1)

    packs = [(vehicle_id, fleet.settings.pack) for vehicle_id in fleet.vehicle_ids]
    return list(_findings(batches(), packs)), samples


def _findings(batches: Iterable[SampleBatch], vehicles: list[tuple[str, str]]) -> Iterator[tuple[Told, int]]:
    """What the shipped rules and the cells' own histories find in a shard without twins, with its severity."""
    from twinpack.detect.rules import shipped_rules
    from twinpack.evaluate.detection import Told
    from twinpack.fleet.events import FINDING
    from twinpack.fleet.fold import fold
    from twinpack.fleet.state import FoldSettings, ShardState

    state = ShardState.empty(FoldSettings(), {}, rules=shipped_rules()).registered(vehicles)
    for batch in batches:
        state, events = fold(state, batch)
        found = [(event.vehicle_id, event.body) for event in events if event.kind == FINDING]
        for vehicle_id, one in sorted(found, key=lambda pair: pair[1].offset):
            told = Told(vehicle_id, one.code, one.subject, one.category, one.change, one.level, one.time_us)
            yield told, one.severity


def with_ticks(batch: SampleBatch, every_us: int = _HOUR_US) -> SampleBatch:
    """A batch in the order of receipt with a tick at every full hour that it reaches; offsets count on."""
    from twinpack.telemetry.batch import ListValues
    from twinpack.telemetry.schema import KIND_TICK

    received = batch.receipt_time_us
    if not len(received):
        return batch
    first = int(-(-received[0] // every_us) * every_us)
    at_us = np.arange(first, int(received[-1]) + 1, every_us)
    rows = np.searchsorted(received, at_us, side="right")

    def lists(values: ListValues) -> ListValues:
        return ListValues(values.values, np.insert(values.start, rows, 0), np.insert(values.count, rows, 0))

    return replace(
        batch,
        vehicle=np.insert(batch.vehicle, rows, -1),
        kind=np.insert(batch.kind, rows, KIND_TICK),
        sample_time_us=np.insert(batch.sample_time_us, rows, at_us),
        receipt_time_us=np.insert(received, rows, at_us),
        signals={name: np.insert(values, rows, np.nan) for name, values in batch.signals.items()},
        lists={name: lists(values) for name, values in batch.lists.items()},
    )
