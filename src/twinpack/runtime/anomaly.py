"""`learn anomaly` on a workspace: learn from its daily features, store the model, score later days, rank vehicles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import LearningError, NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.learn.anomaly import ODD, AnomalyModel, learn_anomaly
from twinpack.learn.signs import COLUMNS, Days
from twinpack.runtime.features import build_features
from twinpack.runtime.lake import build_telemetry
from twinpack.runtime.named import LATEST, record_named, records_of
from twinpack.store.features import FeatureTable
from twinpack.store.records import ModelRecord
from twinpack.store.registry import Registry
from twinpack.store.scores import ScoreTable
from twinpack.store.tables import ANOMALY_SCORES, DAY, FEATURES, MODEL_HASH, OFFSET, TABLES
from twinpack.store.workspace import Workspace

KIND = "anomaly"
"""Kind of the artifacts."""

RANK_DAYS = 7
"""A vehicle is ranked by the mean score of so many of its last days."""

_SCORED_AT_ONCE = 50_000
_LEARNED_SHARE = 2 / 3
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class RankedVehicle:
    """One vehicle of a ranking.

    Attributes:
        vehicle_id: The vehicle.
        score: Mean score of its last scored days, at most `RANK_DAYS`.
        odder_than: Mean over them of the share of days learned from that score less.
        last_day: Its last scored day.
        days: How many of its days were scored.
        odd_days: How many of those are odder than 95 in 100 of the days learned from.
        reasons: What makes its last odd day among those ranked by odd, in words; none when none is.
    """

    vehicle_id: str
    score: float
    odder_than: float
    last_day: date
    days: int
    odd_days: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """Vehicles of one pack, the oddest first.

    Attributes:
        model_hash: The model that scored them.
        card: Its card.
        days: Vehicle-days scored.
        vehicles: The vehicles; none when no day is later than those learned from.
    """

    model_hash: str
    card: dict[str, Any]
    days: int
    vehicles: tuple[RankedVehicle, ...]


@dataclass(frozen=True)
class LearnedAnomalies:
    """What was learned.

    Attributes:
        rankings: One a pack.
        left_out: Why each other pack has no model; packs of which one is named are not told.
    """

    rankings: tuple[Ranking, ...]
    left_out: tuple[str, ...]


def learn_anomalies(
    workspace: Workspace, pack: str | None = None, since: date | None = None, until: date | None = None
) -> LearnedAnomalies:
    """Learn a model a pack, store it, and score the days after those that it was learned from.

    Args:
        workspace: Whose features are learned from; they are brought up to what was folded first.
        pack: One pack, all when None.
        since: First day to learn from, the first there is when None.
        until: Last day to learn from; when None, so that two thirds of the vehicle-days are learned from.

    Raises:
        NotFoundError: There is no such pack, or no telemetry.
        LearningError: No pack has vehicles and days enough; says what is missing.
    """
    with workspace.registry() as registry:
        _bring_up(workspace, registry)
        rankings, left_out = [], []
        for name in _packs(workspace, pack):
            days = _days(workspace, name)
            try:
                model = learn_anomaly(days.where(_to_learn_from(days, since, until)), name)
            except LearningError as error:
                left_out.append(str(error))
                continue
            digest = workspace.artifacts(registry).save(model.to_dict(), pack=name, kind=KIND, card=model.card())
            rankings.append(_score(workspace, digest, model, days))
        if not rankings:
            raise LearningError("; ".join(left_out))
        return LearnedAnomalies(tuple(rankings), tuple(left_out))


def score_anomalies(workspace: Workspace, model: str = LATEST, pack: str | None = None) -> Ranking:
    """Score with a stored model all days after those that it was learned from; what it gave before is replaced.

    Args:
        workspace: Whose features are scored; they are brought up to what was folded first.
        model: The first digits of its hash, or `LATEST`.
        pack: The pack of the latest model, when there are several.

    Raises:
        NotFoundError: There is no such model.
        WorkspaceError: It cannot be read, or another release made it.
    """
    with workspace.registry() as registry:
        record = record_named(registry, KIND, model, pack)
        loaded = AnomalyModel.from_dict(workspace.artifacts(registry).load(record.hash))
        _bring_up(workspace, registry)
        return _score(workspace, record.hash, loaded, _days(workspace, loaded.pack))


def stored_rankings(workspace: Workspace, pack: str | None = None) -> list[Ranking]:
    """What the latest model of each pack gave, as it is kept; nothing is scored.

    Raises:
        NotFoundError: There is no model, or none of that pack.
    """
    with workspace.registry() as registry:
        latest: dict[str, ModelRecord] = {}
        for record in records_of(registry, KIND, pack):
            latest.setdefault(record.pack, record)
    table = ScoreTable(workspace.lake())
    found = [(record, table.read(record.hash)) for _, record in sorted(latest.items())]
    return [Ranking(record.hash, record.card, rows.num_rows, _ranked(rows)) for record, rows in found]


def _bring_up(workspace: Workspace, registry: Registry) -> None:
    # No further than was folded: only then the registry knows the pack of a vehicle, which stands beside its samples.
    build_telemetry(workspace, SegmentLog(workspace.log_dir), registry, registry.offset())
    build_features(workspace, registry)


def _packs(workspace: Workspace, pack: str | None) -> list[str]:
    names = workspace.lake().read(FEATURES, ["pack"]).column("pack")
    packs = sorted(pc.unique(names.drop_null()).to_pylist())
    if not packs:
        raise NotFoundError(
            "nothing to learn from: no telemetry is folded yet; `twinpack import` and `twinpack run` first"
        )
    if pack is not None and pack not in packs:
        raise NotFoundError(f"no day of pack {pack!r} here; there are {', '.join(packs)}")
    return packs if pack is None else [pack]


def _days(workspace: Workspace, pack: str) -> Days:
    columns = ["vehicle_id", DAY, *COLUMNS]
    return Days.of(workspace.lake().read(FEATURES, columns, filters=pc.field("pack") == pack))


def _to_learn_from(days: Days, since: date | None, until: date | None) -> Any:
    first = days.day.min() if since is None else (since - _EPOCH).days
    wanted = days.day >= first
    if until is not None:
        return np.flatnonzero(wanted & (days.day <= (until - _EPOCH).days))
    if not wanted.any():
        return np.flatnonzero(wanted)
    return np.flatnonzero(wanted & (days.day <= np.quantile(days.day[wanted], _LEARNED_SHARE, method="lower")))


def _score(workspace: Workspace, digest: str, model: AnomalyModel, days: Days) -> Ranking:
    """Score the days after those learned from, and keep that."""
    lake = workspace.lake()
    offset = FeatureTable(lake).offset
    schema = TABLES[ANOMALY_SCORES].schema
    parts = [_rows(digest, model, some, offset) for some in days.blocks(_SCORED_AT_ONCE)]
    rows = pa.concat_tables([schema.empty_table(), *parts])
    if rows.num_rows:
        ScoreTable(lake).put(digest, rows, offset)
    return Ranking(digest, model.card(), rows.num_rows, _ranked(rows))


def _rows(digest: str, model: AnomalyModel, days: Days, offset: int) -> pa.Table:
    """Rows of the table for the days of some vehicles."""
    scores = model.scores(days)
    later = np.flatnonzero(days.day > model.last_day)
    odd = later[scores.odder_than[later] >= ODD]
    reasons = dict(zip(odd.tolist(), model.reasons(days, scores, odd), strict=True))
    schema = TABLES[ANOMALY_SCORES].schema
    given = {
        "vehicle_id": days.vehicle[later].tolist(),
        DAY: pa.array(days.day[later].astype(np.int32)).cast(pa.date32()),
        "pack": [model.pack] * len(later),
        MODEL_HASH: [digest] * len(later),
        "score": scores.score[later],
        "odder_than": scores.odder_than[later],
        "reasons": [reasons.get(at, []) for at in later.tolist()],
        OFFSET: [max(offset - 1, 0)] * len(later),
    }
    return pa.table({field.name: pa.array(given[field.name], field.type) for field in schema}, schema=schema)


def _ranked(rows: pa.Table) -> tuple[RankedVehicle, ...]:
    """The vehicles of some rows of the table, the oddest first."""
    if not rows.num_rows:
        return ()
    rows = rows.sort_by([("vehicle_id", "ascending"), (DAY, "ascending")])
    score, odder_than = (rows.column(name).to_numpy() for name in ("score", "odder_than"))
    code = rows.column("vehicle_id").combine_chunks().dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    ends = np.append(starts[1:], len(code))
    odd = np.add.reduceat(odder_than >= ODD, starts, dtype=np.int64)
    last = rows.take(pa.array(ends - 1))
    found = []
    for at, (name, day) in enumerate(zip(*(last.column(key).to_pylist() for key in ("vehicle_id", DAY)), strict=True)):
        some = slice(max(int(starts[at]), int(ends[at]) - RANK_DAYS), int(ends[at]))
        reasons = _last_reasons(rows, odder_than, some)
        means = float(score[some].mean()), float(odder_than[some].mean())
        found.append(RankedVehicle(name, *means, day, int(ends[at] - starts[at]), int(odd[at]), reasons))
    return tuple(sorted(found, key=lambda one: (-one.score, one.vehicle_id)))


def _last_reasons(rows: pa.Table, odder_than: Any, some: slice) -> tuple[str, ...]:
    """Those of the last odd day among some rows."""
    for at in range(some.stop - 1, some.start - 1, -1):
        if odder_than[at] >= ODD and (reasons := rows.column("reasons")[at].as_py()):
            return tuple(reasons)
    return ()
