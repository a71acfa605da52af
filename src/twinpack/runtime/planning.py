"""Risks of failure and a plan of inspections, out of a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import LearningError, NotFoundError
from twinpack.forecast.outlook import LEVELS, Outlook
from twinpack.forecast.planning import FailureRisk, Suggestion, suggest
from twinpack.forecast.risk import (
    ALARM,
    BATTERY,
    DAY_US,
    HORIZONS_DAYS,
    RAISED,
    SEVERE,
    Daily,
    Found,
    Known,
    Weeks,
    known_at,
    reasons,
    weeks_of,
)
from twinpack.forecast.vehicle import VehicleForecast
from twinpack.learn.card import Data, make_card
from twinpack.learn.failure import SIGNS, FailureModel, learn_failure, prior_model
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.forecasts import forecast_pack, outlook_of
from twinpack.runtime.named import LATEST, record_named
from twinpack.runtime.usage import bring_up
from twinpack.store.records import canonical_json, sha256_text
from twinpack.store.registry import Registry
from twinpack.store.tables import ANOMALY_SCORES, DAY, FEATURES, MODEL_HASH
from twinpack.store.workshop.records import DONE, PLANNED, REPAIR, REPLACEMENT, MaintenanceRecord
from twinpack.store.workspace import Workspace

Floats = npt.NDArray[np.float64]

KIND = "failure"
"""Kind of the artifacts."""

_MIDDLE = LEVELS.index(0.5)
_LEAST_COHORT = 8
_FEW = 5
_SPAN = ("first_sample", "last_sample")
_SIGNALS = ("cell_rest_low_v", "isolation_min_kohm")


@dataclass(frozen=True)
class Planned:
    """A line of the plan.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack.
        fleet: The fleet it is in.
        risk: Its risk of failure.
        forecast: What is to come of it; None where there is no ageing model of its pack.
        planned_on: Day of the next work planned, "" for none.
        overdue: Whether that day is past.
        last_done: Day of the last work done, "" for none.
        last_title: What it was.
        suggestion: By which day it should be looked at, and why.
        covered: Whether what is planned comes in time for it.
    """

    vehicle_id: str
    pack: str
    fleet: str
    risk: FailureRisk
    forecast: VehicleForecast | None
    planned_on: str
    overdue: bool
    last_done: str
    last_title: str
    suggestion: Suggestion
    covered: bool


@dataclass(frozen=True)
class Plan:
    """The plan of a workspace.

    Attributes:
        today: The day it is made for: that of the newest sample.
        rows: One a vehicle in service: first by the day it should be looked at, then by risk and remaining life.
        notes: What could not be told, and why.
    """

    today: date
    rows: tuple[Planned, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Told:
    """What a workspace tells of its vehicles."""

    findings: Mapping[str, tuple[Found, ...]]
    days: Mapping[str, Daily]
    spans_us: Mapping[str, tuple[int, int]]
    now_us: int


def failure_risks(
    workspace: Workspace,
    registry: Registry,
    vehicles: Sequence[str] | None = None,
    outlooks: Mapping[str, Outlook] | None = None,
) -> dict[str, FailureRisk]:
    """How likely the battery of each vehicle fails, as far as the lake was brought up.

    Args:
        workspace: Whose vehicles.
        registry: Its registry.
        vehicles: Only these.
        outlooks: Outlooks of packs, which tell whose health falls faster than its cohort's.

    Raises:
        WorkspaceError: Lake or registry cannot be read.
        LearningError: The stored failure model is damaged.
    """
    told, model = _told(workspace, registry), failure_model(workspace, registry)
    pace = _paces(outlooks or {})
    names = sorted(told.spans_us if vehicles is None else vehicles)
    known = [
        known_at(told.now_us + 1, told.findings.get(name, ()), told.days.get(name), pace.get(name)) for name in names
    ]
    return dict(zip(names, _risks(model, names, known), strict=True))


def failure_model(workspace: Workspace, registry: Registry) -> FailureModel:
    """The failure model learned last, or what is known before a fleet has taught anything."""
    try:
        record = record_named(registry, KIND, LATEST, None)
    except NotFoundError:
        return prior_model()
    return FailureModel.from_dict(workspace.artifacts(registry).load(record.hash))


@dataclass(frozen=True)
class LearnedFailure:
    """A stored failure model: its content hash and its card."""

    model_hash: str
    card: dict[str, Any]


def learn_failures(workspace: Workspace, tell: Tell = silent) -> LearnedFailure:
    """Learn from a workspace's past how likely batteries fail after which signs, and store that.

    Raises:
        NotFoundError: Nothing was seen yet.
    """
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        told = _told(workspace, registry)
        if not told.spans_us:
            raise NotFoundError("nothing to learn from: `twinpack import` telemetry and `twinpack run` first")
        failures = _failures(told, registry)
        parts: list[Weeks] = []
        for done, (name, (begin, end)) in enumerate(told.spans_us.items()):
            found, days = told.findings.get(name, ()), told.days.get(name)
            parts.append(weeks_of(begin, end, found, days, failures.get(name, ())))
            tell("looking back", done + 1, len(told.spans_us))
        signs = np.concatenate([part.signs for part in parts])
        failed = np.concatenate([part.failed for part in parts])
        model = learn_failure(signs, failed, np.concatenate([part.weeks for part in parts]))
        packs = {one.pack_name for one in registry.fleet.known().values() if one.registered}
        card = _card(told, model, sorted(packs))
        digest = workspace.artifacts(registry).save(model.to_dict(), pack=card["pack"], kind=KIND, card=card)
    return LearnedFailure(digest, card)


def plan(
    workspace: Workspace,
    registry: Registry,
    fleet: str | None = None,
    pack: str | None = None,
    tell: Tell = silent,
) -> Plan:
    """Rank the vehicles in service by risk and remaining life, and say which should be looked at when.

    Args:
        workspace: Whose vehicles; its lake is brought up to what was folded first, and forecasts are made anew.
        registry: Its registry.
        fleet: Only this fleet.
        pack: Only this pack.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such fleet or pack, or no vehicle was seen.
    """
    bring_up(workspace, registry)
    known = {name: one for name, one in registry.fleet.known().items() if not one.retired}
    packs = sorted({one.pack_name for one in known.values() if one.registered})
    if pack is not None and pack not in packs:
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are {', '.join(packs) or 'none'}")
    forecasts, outlooks, notes = _forecasts(workspace, registry, packs if pack is None else [pack], tell)
    risks = failure_risks(workspace, registry, None, outlooks)
    if not risks:
        raise NotFoundError("no vehicle was seen yet; `twinpack import` and `twinpack run` first")
    today = _today(workspace)
    records: dict[str, list[MaintenanceRecord]] = {}
    for record in registry.workshop.records():
        records.setdefault(record.vehicle_id, []).append(record)
    wanted = {
        name: one
        for name, one in known.items()
        if name in risks and fleet in (None, one.fleet) and pack in (None, one.pack_name)
    }
    rows = [
        _planned(name, one.pack_name, one.fleet, risks[name], forecasts.get(name), records.get(name, []), today)
        for name, one in wanted.items()
    ]
    return Plan(today, tuple(sorted(rows, key=_order)), tuple(notes))


def _planned(
    name: str,
    pack: str,
    fleet: str,
    risk: FailureRisk,
    forecast: VehicleForecast | None,
    records: Sequence[MaintenanceRecord],
    today: date,
) -> Planned:
    planned = sorted(record.planned_on for record in records if record.status == PLANNED and record.planned_on)
    done = max((record for record in records if record.status == DONE), key=lambda one: one.done_on, default=None)
    first = planned[0] if planned else ""
    suggestion = suggest(today, risk, forecast)
    return Planned(
        vehicle_id=name,
        pack=pack,
        fleet=fleet,
        risk=risk,
        forecast=forecast,
        planned_on=first,
        overdue=bool(first) and first < today.isoformat(),
        last_done=done.done_on if done else "",
        last_title=done.title if done else "",
        suggestion=suggestion,
        covered=suggestion.on is not None and bool(first) and first <= suggestion.on.isoformat(),
    )


def _order(row: Planned) -> tuple[Any, ...]:
    ends = row.forecast.ends if row.forecast is not None else ()
    months = ends[0].months.p50 if ends else None
    day = row.suggestion.on or date.max
    return (day, -row.risk.p90, float("inf") if months is None else months, row.vehicle_id)


def _forecasts(
    workspace: Workspace, registry: Registry, packs: Iterable[str], tell: Tell
) -> tuple[dict[str, VehicleForecast], dict[str, Outlook], list[str]]:
    """Forecasts by vehicle, outlooks by pack, and why other packs have none."""
    found: dict[str, VehicleForecast] = {}
    outlooks: dict[str, Outlook] = {}
    notes: list[str] = []
    for name in packs:
        try:
            fleet = forecast_pack(workspace, registry, name, tell=tell)
            outlooks[name] = outlook_of(workspace, registry, name, months=12).outlook
        except (NotFoundError, LearningError) as error:
            notes.append(f"remaining life of {name} is not known: {error}")
            continue
        found |= {one.vehicle_id: one for one in fleet.vehicles}
    return found, outlooks, notes


def _risks(model: FailureModel, names: Sequence[str], known: Sequence[Known]) -> list[FailureRisk]:
    if not names:
        return []
    signs = np.stack([one.signs for one in known])
    soon, later = (model.risk(signs, days) for days in HORIZONS_DAYS)
    return [
        FailureRisk(
            vehicle_id=name,
            p30=float(soon.probability[at]),
            p30_low=float(soon.low[at]),
            p30_high=float(soon.high[at]),
            p90=float(later.probability[at]),
            p90_low=float(later.low[at]),
            p90_high=float(later.high[at]),
            severe=one.severe_since_us is not None,
            reasons=reasons(model, one),
        )
        for at, (name, one) in enumerate(zip(names, known, strict=True))
    ]


def _paces(outlooks: Mapping[str, Outlook]) -> dict[str, Floats]:
    """How much faster than its cohort's each vehicle's capacity falls and resistance rises, standard deviations."""
    found: dict[str, Floats] = {}
    for told in outlooks.values():
        if len(told.vehicle_ids) < _LEAST_COHORT:
            continue
        loss = told.now_pct[_MIDDLE] - told.capacity_pct[_MIDDLE, -1]
        gain = told.resistance_x[_MIDDLE, -1] - told.resistance_x[_MIDDLE, 0]
        both = np.stack([_from_cohort(loss), _from_cohort(gain)])
        found |= {name: both[:, at] for at, name in enumerate(told.vehicle_ids)}
    return found


def _from_cohort(values: Floats) -> Floats:
    """Robust standard deviations above the median; only from two on is it out of the usual."""
    middle = np.nanmedian(values)
    spread = 1.4826 * np.nanmedian(np.abs(values - middle))
    away = (values - middle) / max(float(spread), 1e-9)
    return np.where(away >= 2.0, away, np.nan)


# --- what a workspace tells -------------------------------------------------------------------------------------------


def _told(workspace: Workspace, registry: Registry) -> _Told:
    findings: dict[str, list[Found]] = {}
    for one in registry.alarms.findings_of_rows(0, registry.offset()):
        step = Found(one.sample_time_us, one.code, one.subject, one.category, one.change, one.level, one.severity)
        findings.setdefault(one.vehicle_id, []).append(step)
    ordered = {name: tuple(sorted(steps, key=lambda step: step.at_us)) for name, steps in findings.items()}
    days = workspace.lake().read(FEATURES, ["vehicle_id", DAY, *_SPAN, *_SIGNALS])
    scores = _scores(workspace, registry)
    daily, spans = {}, {}
    days = days.sort_by([("vehicle_id", "ascending"), (DAY, "ascending")])
    for name, rows in _by_vehicle(days):
        first, last = (rows.column(column).cast(pa.int64()) for column in _SPAN)
        spans[name] = (pc.min(first).as_py(), pc.max(last).as_py())
        daily[name] = _daily(rows, scores.get(name, {}))
    now = max((end for _, end in spans.values()), default=0)
    return _Told(ordered, daily, spans, now)


def _daily(rows: pa.Table, scores: Mapping[int, float]) -> Daily:
    day = rows.column(DAY).cast(pa.int32()).to_numpy().astype(np.float64)
    low, isolation = (rows.column(name).to_numpy().astype(np.float64) for name in _SIGNALS)
    odd = np.array([scores.get(int(one), np.nan) for one in day])
    return Daily(day, np.abs(low), isolation, odd)


def _scores(workspace: Workspace, registry: Registry) -> dict[str, dict[int, float]]:
    """By vehicle and day, what the latest anomaly model of its pack said."""
    latest: dict[str, str] = {}
    for record in registry.models(None):
        if record.kind == "anomaly":
            latest.setdefault(record.pack, record.hash)
    if not latest:
        return {}
    wanted = pc.field(MODEL_HASH).isin(list(latest.values()))
    rows = workspace.lake().read(ANOMALY_SCORES, ["vehicle_id", DAY, "odder_than"], filters=wanted)
    found: dict[str, dict[int, float]] = {}
    days = rows.column(DAY).cast(pa.int32()).to_pylist()
    columns = (rows.column("vehicle_id").to_pylist(), days, rows.column("odder_than").to_pylist())
    for name, day, odd in zip(*columns, strict=True):
        found.setdefault(name, {})[day] = odd
    return found


def _by_vehicle(rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    if not rows.num_rows:
        return
    names = rows.column("vehicle_id").combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(codes)], strict=True):
        yield rows.column("vehicle_id")[start].as_py(), rows.slice(start, stop - start)


def _failures(told: _Told, registry: Registry) -> dict[str, tuple[int, ...]]:
    """When each vehicle failed: severe battery alarms raised, and repairs and replacements that nobody had planned."""
    found: dict[str, list[int]] = {}
    for name, steps in told.findings.items():
        for step in steps:
            if (step.category, step.change, step.level) == (BATTERY, RAISED, ALARM) and step.severity >= SEVERE:
                found.setdefault(name, []).append(step.at_us)
    for record in registry.workshop.records():
        if record.status == DONE and record.kind in (REPAIR, REPLACEMENT) and not record.planned_on:
            moment = datetime.fromisoformat(record.done_on).replace(tzinfo=UTC)
            found.setdefault(record.vehicle_id, []).append(round(moment.timestamp() * 1e6) + DAY_US // 2)
    return {name: tuple(sorted(moments)) for name, moments in found.items()}


def _today(workspace: Workspace) -> date:
    """The day of the newest sample, or today's where that is at most a week ago."""
    last = pc.max(workspace.lake().read(FEATURES, ["last_sample"]).column("last_sample")).as_py()
    now = datetime.now(UTC)
    return now.date() if last is None or now - last < timedelta(days=7) else last.date()


def _card(told: _Told, model: FailureModel, packs: Sequence[str]) -> dict[str, Any]:
    times = {sign.name: float(np.exp(weight)) for sign, weight in zip(SIGNS, model.mean[1:], strict=True)}
    first, last = (
        datetime.fromtimestamp(fold(span[at] for span in told.spans_us.values()) / 1e6, UTC).isoformat()
        for at, fold in ((0, min), (1, max))
    )
    digest = sha256_text(canonical_json({name: list(span) for name, span in told.spans_us.items()}))
    sessions = sum(len(steps) for steps in told.findings.values())
    return make_card(
        pack=packs[0] if len(packs) == 1 else "all packs",
        kind=KIND,
        data=Data(first, last, len(told.spans_us), sessions, model.vehicle_weeks, digest),
        metrics={},
        limits={},
        figures={"failures": model.failures, "base_a_year": float(np.exp(model.mean[0]) * 365.25 / 7.0), **times},
        warnings=[]
        if model.failures >= 5
        else [f"It saw {model.failures} failures: what it says is mostly the prior."],
    )
