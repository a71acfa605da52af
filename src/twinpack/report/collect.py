"""A report from a workspace: registry for versions, lake for trips and predictions, log for the measured voltage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack import __version__
from twinpack.battery.pack import PackSpec
from twinpack.errors import AuditError
from twinpack.ingest.log import SegmentLog, open_log
from twinpack.report import traces, vehicle
from twinpack.report.data import FleetRow, ReportData, TraceSeries, VehicleReport, VoltageHistory
from twinpack.report.effects import sensitivities
from twinpack.report.history import no_history, voltage_histories
from twinpack.report.summarise import fleet_errors, fleet_figures
from twinpack.store.audit import Heads, verify
from twinpack.store.lake import Lake
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import Registry
from twinpack.store.tables import PREDICTION_STEPS, PREDICTIONS, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import TwinVersion
from twinpack.views.columns import by_vehicle, records
from twinpack.views.twin.loop import count
from twinpack.views.twin.parameters import common_axes
from twinpack.views.twin.records import TripPoint
from twinpack.views.twin.trips import trip_points

PAGES = 200
_ROWS_A_READ = 250_000

Explain = Callable[[Sequence[TwinVersion], PackSpec | None], Sequence[str]]
"""Why the figures of a vehicle changed, in words, newest first."""


@dataclass(frozen=True)
class _Found:
    """One vehicle's share of the workspace."""

    record: VehicleRecord
    pack: PackSpec | None
    versions: tuple[TwinVersion, ...]
    sessions: pa.Table
    trips: tuple[TripPoint, ...]
    scores: tuple[dict[str, Any], ...]
    last_seen_us: int | None


def collect(
    workspace: Workspace, title: str = "Fleet", pages: int = PAGES, explain: Explain = vehicle.changes_in_words
) -> ReportData:
    """Everything a report shows.

    Args:
        workspace: An open workspace; it is only read.
        title: Name of the fleet.
        pages: Most vehicles that get a page of their own; those furthest below the fleet's median go first, and the
            report says how many there are.
        explain: Words for the changes of a vehicle's figures.
    """
    lake, log = workspace.lake(), open_log(workspace)
    registry = workspace.registry()
    try:
        found = _find(registry, lake, log.last_sample_us())
        chain_ok, chain_note = _chain(registry, workspace.heads())
        analysed = sensitivities(workspace, registry)
    finally:
        registry.close()
    rows = _with_deviation([_row(item) for item in found])
    shown = _shown(rows, found, pages)
    return ReportData(
        title=title,
        as_of_us=max((row.last_seen_us for row in rows if row.last_seen_us is not None), default=None),
        code_version=__version__,
        chain_ok=chain_ok,
        chain_note=chain_note,
        note="" if len(shown) == len(found) else f"pages for {count(len(shown))} of {count(len(found))} vehicles",
        figures=fleet_figures(rows, [trip for item in found for trip in item.trips]),
        errors=fleet_errors([item.trips for item in found]),
        fleet=tuple(rows),
        vehicles=tuple(_pages(shown, lake, log, workspace.settings.twin.policy, explain)),
        sensitivity=analysed,
    )


def _find(registry: Registry, lake: Lake, last_sample_us: Mapping[str, int]) -> list[_Found]:
    trips = lake.read(TRIPS)
    sessions = dict(by_vehicle(trips))
    scores = dict(by_vehicle(lake.read(PREDICTIONS)))
    found = []
    for record in registry.vehicles():
        own = sessions.get(record.vehicle_id, trips.slice(0, 0))
        scored = records(scores[record.vehicle_id]) if record.vehicle_id in scores else []
        found.append(
            _Found(
                record=record,
                pack=registry.fleet.specification(record.pack),
                versions=tuple(registry.versions(record.vehicle_id)),
                sessions=own,
                trips=trip_points(records(own), scored),
                scores=tuple(scored),
                last_seen_us=last_sample_us.get(record.vehicle_id),
            )
        )
    return found


def _chain(registry: Registry, heads: Heads) -> tuple[bool | None, str]:
    if registry.version_count() == 0:
        return None, "no version yet"
    try:
        found = verify(registry, heads)
    except AuditError as error:
        return False, str(error)
    if not found.ok:
        return False, str(found.broken[0])
    return True, f"{count(found.versions)} versions, every hash and link"


def _row(item: _Found) -> FleetRow:
    return vehicle.fleet_row(item.record, item.versions, item.trips, _capacity(item), item.last_seen_us)


def _capacity(item: _Found) -> float | None:
    return item.pack.capacity_ah if item.pack else None


def _with_deviation(rows: Sequence[FleetRow]) -> list[FleetRow]:
    middle = fleet_figures(rows, []).health_pct
    return [
        replace(row, deviation_pts=row.health_pct - middle)
        if middle is not None and row.health_pct is not None
        else row
        for row in rows
    ]


def _shown(rows: Sequence[FleetRow], found: Sequence[_Found], pages: int) -> list[_Found]:
    order = sorted(range(len(rows)), key=lambda i: (rows[i].deviation_pts is None, rows[i].deviation_pts or 0.0, i))
    return [found[i] for i in sorted(order[:pages])]


def _pages(
    found: Sequence[_Found], lake: Lake, log: SegmentLog, policy: str, explain: Explain
) -> Iterator[VehicleReport]:
    measured = (table for _, table in log.read(log.start_offset, _ROWS_A_READ, ["pack_voltage_v"]))
    histories = voltage_histories(measured, {item.record.vehicle_id: item.sessions for item in found})
    axes = {pack: _axes([item for item in found if item.record.pack == pack]) for pack in _packs(found)}
    shown = _traces(found, lake)
    for item in found:
        name = item.record.vehicle_id
        yield _page(
            item,
            histories.get(name, no_history()),
            shown.get(name, ()),
            axes[item.record.pack],
            policy,
            tuple(explain(item.versions, item.pack)),
        )


def _page(
    item: _Found,
    history: VoltageHistory,
    shown: tuple[TraceSeries, ...],
    axes: dict[str, tuple[float, float]],
    policy: str,
    words: tuple[str, ...],
) -> VehicleReport:
    last = item.scores[-1] if item.scores else {}
    return vehicle.vehicle_report(
        record=item.record,
        pack=item.pack,
        versions=item.versions,
        trips=item.trips,
        threshold_v=last.get("threshold_v"),
        policy=last.get("policy") or policy,
        history=history,
        shown=shown,
        axes=axes,
        explanations=words,
    )


def _packs(found: Sequence[_Found]) -> set[str]:
    return {item.record.pack for item in found}


def _axes(found: Sequence[_Found]) -> dict[str, tuple[float, float]]:
    return common_axes([item.versions for item in found], _capacity(found[0]))


def _traces(found: Sequence[_Found], lake: Lake) -> dict[str, tuple[TraceSeries, ...]]:
    """Samples of the chosen trips of some vehicles, in one pass over the table."""
    chosen = {item.record.vehicle_id: traces.choose_trips(item.trips) for item in found}
    steps = dict(by_vehicle(_steps_of(chosen, lake)))
    points = {(item.record.vehicle_id, trip.number): trip for item in found for trip in item.trips}
    return {
        name: tuple(
            traces.trace(rows, points[name, number], why)
            for number, why in chosen[name].items()
            if (rows := traces.of_trip(table, number)).num_rows
        )
        for name, table in steps.items()
    }


def _steps_of(chosen: Mapping[str, Mapping[int, str]], lake: Lake) -> pa.Table:
    """The rows of the chosen trips: few of many, so that all go by once and are looked up by vehicle and number."""
    wanted = np.zeros((len(chosen) + 1, max((max(trips, default=0) for trips in chosen.values()), default=0) + 2), bool)
    for at, trips in enumerate(chosen.values()):
        wanted[at, list(trips)] = True
    names = pa.array(chosen, pa.string())
    kept = [lake.read(PREDICTION_STEPS, traces.LAKE_COLUMNS, pc.scalar(False))]
    for batch in lake.batches(PREDICTION_STEPS, traces.LAKE_COLUMNS):
        at = pc.index_in(batch.column("vehicle_id"), names).fill_null(len(chosen)).to_numpy()
        trip = np.minimum(batch.column("trip_number").to_numpy(), wanted.shape[1] - 1)
        kept.append(pa.Table.from_batches([batch.filter(pa.array(wanted[at, trip]))]))
    return pa.concat_tables(kept)
