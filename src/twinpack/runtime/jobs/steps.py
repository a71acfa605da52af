"""What each kind of job does: its steps, in order. Each may be repeated: it finds what an earlier attempt has done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinpack.store.jobs import AGEING, ANOMALY, BACKUP, COMPACT, ENERGY, FORECAST, LAKE, LEARN, RETENTION, SENSITIVITY
from twinpack.store.tables import TABLES
from twinpack.store.workspace import Workspace


@dataclass(frozen=True)
class StepContext:
    """What a step works with.

    Attributes:
        job_id: Name of the job.
        workspace: The workspace, with its settings as they are now.
        arguments: What the job was told, complete.
        tell: Writes a line into the job's log.
    """

    job_id: str
    workspace: Workspace
    arguments: Mapping[str, Any]
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One step: a name that stays, and what it does; it returns a few JSON values for people."""

    name: str
    run: Callable[[StepContext], dict[str, Any]]


def _order_telemetry(context: StepContext) -> dict[str, Any]:
    from twinpack.store.maintenance import compact_telemetry

    return {"days_ordered": compact_telemetry(context.workspace.lake())}


def _join_files(context: StepContext) -> dict[str, Any]:
    from twinpack.store.maintenance import SMALL_FILES

    lake, keep_h = context.workspace.lake(), context.workspace.settings.lake.keep_replaced_h
    names = [name for name, table in TABLES.items() if not table.partitions]
    return {"tables_joined": [name for name in names if lake.compact(name, SMALL_FILES, keep_h)]}


def _clean_up(context: StepContext) -> dict[str, Any]:
    from twinpack.store.maintenance import clean_up

    lake, keep_h = context.workspace.lake(), context.workspace.settings.lake.keep_replaced_h
    return {"files_removed": sum(clean_up(lake, name, keep_h) for name in TABLES)}


def _drop_old_days(context: StepContext) -> dict[str, Any]:
    from twinpack.store.maintenance import drop_old_days

    days = context.workspace.settings.lake.retention_days
    dropped = drop_old_days(context.workspace.lake(), days, datetime.now(UTC))
    return {"days_dropped": [day.isoformat() for day in dropped]}


def _retain_log(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.retention import retain_log, used_offset

    workspace = context.workspace
    with workspace.registry() as registry:
        gone = retain_log(workspace, registry, datetime.now(UTC))
        return {"segments_dropped": len(gone), "used_to_offset": used_offset(workspace, registry)}


def _erase(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.erasing import erase_due

    with context.workspace.registry() as registry:
        return dict(erase_due(context.workspace, registry))


def _merge_segments(context: StepContext) -> dict[str, Any]:
    from twinpack.ingest.log import SegmentLog
    from twinpack.ingest.log.tidy import merge

    log = SegmentLog(context.workspace.log_dir)
    return {"segments_joined": merge(log, context.workspace.settings.log.segment_rows)}


def _build_telemetry(context: StepContext) -> dict[str, Any]:
    from twinpack.ingest.log import SegmentLog
    from twinpack.runtime.lake import build_telemetry

    workspace = context.workspace
    with workspace.registry() as registry:
        built = build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
    return {"rows": built.rows, "end_offset": built.end_offset}


def _build_features(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.features import build_features

    with context.workspace.registry() as registry:
        return {"days_made": build_features(context.workspace, registry)}


def _bring_up_health(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.health import bring_up_health

    with context.workspace.registry() as registry:
        return {"rows_added": bring_up_health(context.workspace, registry)}


def _learn(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.learning import learn_prototype

    told = context.arguments
    learned = learn_prototype(context.workspace, told["kind"], told["trips"], told["pack"] or None)
    card = learned.card
    data, rmse_v = card["data"], card["metrics"]["rmse_v"]
    context.tell(f"error {rmse_v:.3f} V from {data['sessions']} trips of {data['vehicles']} vehicles")
    return {"model_hash": learned.model_hash, "pack": card["pack"], "rmse_v": rmse_v}


def _rank(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.anomaly import learn_anomalies, score_anomalies

    told, pack = context.arguments, context.arguments["pack"] or None
    if told["model"]:
        rankings = [score_anomalies(context.workspace, told["model"], pack)]
    else:
        learned = learn_anomalies(context.workspace, pack)
        rankings = [*learned.rankings]
        for why in learned.left_out:
            context.tell(f"left out: {why}")
    for one in rankings:
        oddest = f"; {one.vehicles[0].vehicle_id} is the oddest" if one.vehicles else ""
        context.tell(f"{one.card['pack']}: {one.days} days of {len(one.vehicles)} vehicles scored{oddest}")
    return {"models": [one.model_hash for one in rankings], "days_scored": sum(one.days for one in rankings)}


def _analyse(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.sensitivity import analyse_sensitivity

    told = context.arguments
    found = analyse_sensitivity(context.workspace, told["model"], told["pack"] or None, told["samples"], told["trips"])
    chosen = found.found["chosen"]["names"]
    context.tell(f"living set of model {found.model_hash[:12]}: {', '.join(chosen)}")
    return {"sensitivity_hash": found.hash, "model_hash": found.model_hash, "chosen": chosen}


def _learn_ageing(context: StepContext) -> dict[str, Any]:
    from twinpack.errors import LearningError, NotFoundError
    from twinpack.runtime.ageing import learn_ageing_of

    try:
        learned, left_out = learn_ageing_of(context.workspace, context.arguments["pack"] or None)
    except (LearningError, NotFoundError) as error:
        # A fleet that is too young is no failure of the job: it will be asked again.
        context.tell(f"nothing learned: {error}")
        return {"models": []}
    for why in left_out:
        context.tell(f"left out: {why}")
    for one in learned:
        context.tell(f"{one.card['pack']}: from {one.card['data']['vehicles']} vehicles, {one.card['settings']['law']}")
    return {"models": [one.model_hash for one in learned]}


def _look_ahead(context: StepContext) -> dict[str, Any]:
    from twinpack.errors import LearningError, NotFoundError
    from twinpack.runtime.ageing import packs_of
    from twinpack.runtime.forecasts import forecast_pack

    workspace, told = context.workspace, 0
    with workspace.registry() as registry:
        try:
            packs = packs_of(registry, context.arguments["pack"] or None)
        except NotFoundError as error:
            context.tell(f"nothing forecast: {error}")
            return {"vehicles": 0}
        for pack in packs:
            try:
                found = forecast_pack(workspace, registry, pack, months=context.arguments["months"])
            except (LearningError, NotFoundError) as error:
                context.tell(f"left out: {error}")
                continue
            told += len(found.vehicles)
            soonest = next((one for one in found.vehicles if not one.why_not), None)
            context.tell(
                f"{pack}: {len(found.vehicles)} vehicles by model {found.model_hash[:12]}"
                + (f"; {soonest.vehicle_id} ends first" if soonest else "")
            )
    return {"vehicles": told}


def _learn_energy(context: StepContext) -> dict[str, Any]:
    from twinpack.errors import LearningError, NotFoundError
    from twinpack.runtime.energy import learn_energies

    try:
        learned = learn_energies(context.workspace, context.arguments["pack"] or None)
    except (LearningError, NotFoundError) as error:
        # Too few drives are no failure of the job: it will be asked again.
        context.tell(f"nothing learned: {error}")
        return {"models": []}
    for why in learned.left_out:
        context.tell(f"left out: {why}")
    for one in learned.models:
        context.tell(f"{one.card['pack']}: {one.card['figures']['kwh_100km']:.1f} kWh/100 km")
    return {"models": [one.model_hash for one in learned.models]}


def _back_up(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.backup import backup
    from twinpack.store.archive import MANIFEST

    folder = Path(str(context.arguments["to"])).expanduser() / context.job_id
    if (folder / MANIFEST).is_file():  # written last: an earlier attempt was cut off after it
        return {"folder": str(folder)}
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left)
    made = backup(context.workspace, folder, context.tell)
    for what in made.left_out:
        context.tell(f"left out: {what}")
    return {"folder": str(folder), "files": len(made.manifest.files), "bytes": made.manifest.size}


STEPS: dict[str, tuple[Step, ...]] = {
    COMPACT: (
        Step("merge segments", _merge_segments),
        Step("order telemetry", _order_telemetry),
        Step("join small files", _join_files),
        Step("remove replaced files", _clean_up),
    ),
    RETENTION: (Step("log", _retain_log), Step("lake", _drop_old_days), Step("erasures", _erase)),
    LAKE: (Step("telemetry", _build_telemetry), Step("features", _build_features), Step("health", _bring_up_health)),
    LEARN: (Step("fit a prototype", _learn),),
    ANOMALY: (Step("rank vehicles", _rank),),
    SENSITIVITY: (Step("analyse a model", _analyse),),
    AGEING: (Step("learn how packs age", _learn_ageing),),
    FORECAST: (Step("look ahead", _look_ahead),),
    ENERGY: (Step("learn what trips take", _learn_energy),),
    BACKUP: (Step("copy the workspace", _back_up),),
}
"""The steps of every kind of job. A step that is renamed or moved fails jobs that were interrupted in it."""
