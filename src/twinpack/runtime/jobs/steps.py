"""What each kind of job does: its steps, in order. Each may be repeated: it finds what an earlier attempt has done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinpack.store.jobs import COMPACT, LAKE, LEARN, RETENTION
from twinpack.store.tables import TABLES
from twinpack.store.workspace import Workspace


@dataclass(frozen=True)
class StepContext:
    """What a step works with.

    Attributes:
        workspace: The workspace, with its settings as they are now.
        arguments: What the job was told, complete.
        tell: Writes a line into the job's log.
    """

    workspace: Workspace
    arguments: Mapping[str, Any]
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One step: a name that stays, and what it does; it returns a few JSON values for people."""

    name: str
    run: Callable[[StepContext], dict[str, Any]]


def _compact(table: str) -> Step:
    def run(context: StepContext) -> dict[str, Any]:
        return {"joined": context.workspace.lake().compact(table)}

    return Step(f"compact {table}", run)


def _build_telemetry(context: StepContext) -> dict[str, Any]:
    from twinpack.ingest.log import SegmentLog
    from twinpack.runtime.lake import build_telemetry

    workspace = context.workspace
    with workspace.registry() as registry:
        built = build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
    return {"rows": built.rows, "end_offset": built.end_offset}


def _learn(context: StepContext) -> dict[str, Any]:
    from twinpack.runtime.learning import learn_prototype

    told = context.arguments
    learned = learn_prototype(context.workspace, told["kind"], told["trips"], told["pack"] or None)
    card = learned.card
    context.tell(f"error {card['rmse_v']:.3f} V from {card['trips']} trips of {card['vehicles']} vehicles")
    return {"model_hash": learned.model_hash, "pack": card["pack"], "rmse_v": card["rmse_v"]}


STEPS: dict[str, tuple[Step, ...]] = {
    COMPACT: tuple(_compact(name) for name in TABLES),
    RETENTION: (),
    LAKE: (Step("telemetry", _build_telemetry),),
    LEARN: (Step("fit a prototype", _learn),),
}
"""The steps of every kind of job. A step that is renamed or moved fails jobs that were interrupted in it."""
