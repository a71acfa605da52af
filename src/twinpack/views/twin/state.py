"""A twin as it stands, or as it stood at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from twinpack.store.records import ModelRecord
from twinpack.store.tables import SAMPLE_TIME
from twinpack.twin.versions import TwinVersion
from twinpack.views.columns import records
from twinpack.views.moments import micros_of, zoned
from twinpack.views.opened import Views
from twinpack.views.shapes.twin import CoverageRow, LoopStep, Twin
from twinpack.views.sight import Reach
from twinpack.views.spans import holds
from twinpack.views.twin.facts import TwinFacts, parameters, twin_facts
from twinpack.views.twin.loop import coverage_rows, loop_steps
from twinpack.views.twin.trips import moved_in_words, version_rows

_COVERED_TRIPS = 30
"""Scored trips, the last ones, over which coverage is told."""


def twin(views: Views, reach: Reach, at: datetime | None = None) -> Twin:
    """A twin now, or at a moment.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        at: The moment; None for now.

    Raises:
        WorkspaceError: Registry or lake cannot be read.
    """
    at_us = None if at is None else micros_of(at)
    facts = twin_facts(views, reach, at_us)
    deployed = facts.deployed
    chain, note = views.chains.state(reach.vehicle_id)
    last = facts.scores[-1] if facts.scores else {}
    threshold_v, policy = last.get("threshold_v"), last.get("policy") or views.workspace.settings.twin.policy
    return Twin(
        vehicle_id=reach.vehicle_id,
        at=None if at is None else zoned(at),
        model=model_name(models_of(views), deployed),
        model_hash=deployed.model_hash if deployed else "",
        policy=policy,
        threshold_v=threshold_v,
        version=facts.versions[-1].number if facts.versions else None,
        deployed_version=deployed.number if deployed else None,
        parameters=parameters(deployed, facts.versions[0], facts.capacity_ah) if deployed else [],
        soc_pct=_soc_pct(views, reach, at_us),
        loop=_loop(facts, threshold_v, policy),
        coverage=_coverage(facts),
        trips_scored=len(facts.scored),
        chain=chain,
        chain_note=note,
    )


def model_name(models: Mapping[str, ModelRecord], version: TwinVersion | None) -> str:
    """What kind of model a version belongs to, "" for none; of one that is not known, digits of its hash."""
    if version is None:
        return ""
    model = models.get(version.model_hash)
    return str(model.card.get("kind") or model.kind) if model else version.model_hash[:12]


def models_of(views: Views) -> dict[str, ModelRecord]:
    """Every model by its hash."""
    return {model.hash: model for model in views.registry.models()}


def _loop(facts: TwinFacts, threshold_v: float | None, policy: str) -> list[LoopStep]:
    if not facts.seen:
        return []
    changed = moved_in_words(facts.seen[-1].parameters)
    steps = loop_steps(facts.trips, version_rows(facts.seen, facts.trips), threshold_v, policy, changed)
    return [LoopStep(title=f"{step.word} {step.rest}".strip(), detail=step.support) for step in steps]


def _coverage(facts: TwinFacts) -> list[CoverageRow]:
    rows = coverage_rows(facts.scored[-_COVERED_TRIPS:])
    return [
        CoverageRow(name=row.group, updated_pct=row.living_pct, never_pct=row.never_pct, trips=row.trips)
        for row in rows
    ]


def _soc_pct(views: Views, reach: Reach, at_us: int | None) -> float | None:
    """State of charge by the twin: now, or at the last step of a trip before the moment."""
    until_us = reach.span.until_us
    if at_us is None and until_us is None:
        soc = views.registry.latest_of(reach.vehicle_id).get("soc")
        return None if soc is None else round(100.0 * soc, 2)
    end_us = min(each for each in (at_us, until_us) if each is not None)
    begun = [
        (trip["start_us"], trip["end_us"])
        for trip in records(views.rows.trips(reach.vehicle_id))
        if trip["start_us"] <= end_us and holds(reach.span, trip["start_us"])
    ]
    if not begun:
        return None
    start_us, trip_end_us = max(begun)
    return _soc_of_steps(views, reach.vehicle_id, start_us, min(trip_end_us, end_us))


def _soc_of_steps(views: Views, vehicle_id: str, start_us: int, end_us: int) -> float | None:
    known = views.steps.rows(vehicle_id, start_us, end_us, (SAMPLE_TIME, "soc")).column("soc").drop_null()
    return round(100.0 * known[-1].as_py(), 2) if len(known) else None
