"""How likely batteries fail, out of a workspace: what it tells of its vehicles, and what its past teaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import NotFoundError
from twinpack.forecast.outlook import LEVELS, Outlook
from twinpack.forecast.risk import (
    ALARM,
    BATTERY,
    DAY_US,
    HORIZONS_DAYS,
    RAISED,
    SEVERE,
    Daily,
    FailureRisk,
    Found,
    Known,
    Weeks,
    known_at,
    reasons,
    weeks_of,
)
from twinpack.learn.card import Data, make_card
from twinpack.learn.failure import SIGNS, FailureModel, learn_failure, prior_model
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.named import LATEST, record_named
from twinpack.runtime.usage import bring_up
from twinpack.store.records import canonical_json, sha256_text
from twinpack.store.registry import Registry
from twinpack.store.tables import ANOMALY_SCORES, DAY, FEATURES, MODEL_HASH
from twinpack.store.workshop.records import DONE, REPAIR, REPLACEMENT
from twinpack.store.workspace import Workspace

Floats = npt.NDArray[np.float64]

KIND = "failure"
"""Kind of the artifacts."""

_MIDDLE = LEVELS.index(0.5)
_LEAST_COHORT = 8
_FEW = 5
_READ_ONE_BY_ONE = 20
_SPAN = ("first_sample", "last_sample")
_SIGNALS = ("cell_rest_low_v", "isolation_min_kohm")


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
    told, model = _told(workspace, registry, vehicles), failure_model(workspace, registry)
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


def _told(workspace: Workspace, registry: Registry, vehicles: Sequence[str] | None = None) -> _Told:
    """What is told of some vehicles, or of all; now is when any vehicle was seen last."""
    few = vehicles if vehicles is not None and len(vehicles) <= _READ_ONE_BY_ONE else None
    findings: dict[str, list[Found]] = {}
    steps = (
        registry.alarms.findings_of_rows(0, registry.offset())
        if few is None
        else [one for name in few for one in registry.alarms.findings_of_vehicle(name)]
    )
    for one in steps:
        step = Found(one.sample_time_us, one.code, one.subject, one.category, one.change, one.level, one.severity)
        findings.setdefault(one.vehicle_id, []).append(step)
    ordered = {name: tuple(sorted(steps, key=lambda step: step.at_us)) for name, steps in findings.items()}
    days = workspace.lake().read(FEATURES, ["vehicle_id", DAY, *_SPAN, *_SIGNALS], vehicle=few and list(few))
    scores = _scores(workspace, registry)
    daily, spans = {}, {}
    days = days.sort_by([("vehicle_id", "ascending"), (DAY, "ascending")])
    for name, rows in _by_vehicle(days):
        first, last = (rows.column(column).cast(pa.int64()) for column in _SPAN)
        spans[name] = (pc.min(first).as_py(), pc.max(last).as_py())
        daily[name] = _daily(rows, scores.get(name, {}))
    last = pc.max(workspace.lake().read(FEATURES, ["last_sample"]).column("last_sample")).as_py()
    return _Told(ordered, daily, spans, 0 if last is None else round(last.timestamp() * 1e6))


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
