"""The evaluation of detection on a simulated fleet with injected faults, folded as it would be received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    told, samples = _watch(fleet)
    faults = [
        Fault(row["vehicle_id"], row["fault"], row["subject"], row["onset_us"], row["runaway_us"] or row["end_us"])
        for row in fleet.truth().to_pylist()
    ]
    result = score(faults, told, fleet.vehicle_years(), fleet.silences())
    split = f"{vehicles} vehicles x {days} days, half of them with one fault; {samples} samples; nothing is learned"
    return _metrics(result) | {"n": len(faults), "split": split}


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


def _watch(fleet: FaultFleet) -> tuple[list[Told], int]:
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


def _findings(batches: Iterable[SampleBatch], vehicles: list[tuple[str, str]]) -> Iterator[Told]:
    """What the shipped rules and the cells' own histories find in a shard without twins, in the order of the log."""
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
            yield Told(vehicle_id, one.code, one.subject, one.category, one.change, one.level, one.time_us)


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
