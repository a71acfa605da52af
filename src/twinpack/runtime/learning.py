"""`learn model` on a workspace: read the first trips from the log, fit, store the artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twinpack.battery.families import ROUTE
from twinpack.battery.pack import PackSpec
from twinpack.errors import LearningError, NotFoundError
from twinpack.ingest.log import open_log
from twinpack.learn.data import FirstTrips, first_routes, first_trips
from twinpack.learn.model import Learned, learn_model
from twinpack.learn.route import learn_route
from twinpack.runtime.genesis import fold_settings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import command_rows
from twinpack.telemetry.steps import STEP_SIGNALS

READ_ROWS = 250_000


@dataclass(frozen=True)
class LearnedModel:
    """A stored prototype: its content hash and its card."""

    model_hash: str
    card: dict[str, Any]


def learn_prototype(workspace: Workspace, kind: str, trips: int, pack: str | None = None) -> LearnedModel:
    """Fit a prototype to each vehicle's first trips and store it.

    Args:
        workspace: Where the log is.
        kind: One of `battery.families.KINDS`.
        trips: Sessions of each vehicle.
        pack: Name of the pack, when the workspace has several.

    Raises:
        NotFoundError: There is no such pack, or nothing was imported.
        LearningError: The data do not allow a fit.
    """
    learned, spec = _learned(workspace, kind, trips, pack)
    with workspace.registry() as registry:
        digest = workspace.artifacts(registry).save(learned.artifact, pack=spec.name, card=learned.card)
    return LearnedModel(digest, learned.card)


def _learned(workspace: Workspace, kind: str, trips: int, pack: str | None) -> tuple[Learned, PackSpec]:
    settings = fold_settings(workspace.settings)
    given = (_batches(workspace), trips, settings.step_us, settings.cut, pack)
    if kind == ROUTE:
        routes = first_routes(*given)
        spec = _spec(routes, pack)
        if not routes.trips:
            raise LearningError(
                f"no route of pack {spec.name} can be learned from: a route needs voltage, speed, load (load_kg) and "
                "the distance by odometer or speed"
            )
        return learn_route(routes.trips, spec), spec
    found = first_trips(*given)
    spec = _spec(found, pack)
    if not found.trips:
        raise LearningError(
            f"no trip of pack {spec.name} can be learned from: a trip needs a minute of voltage and current and the "
            "state of charge told at its start (soc_pct)"
        )
    return learn_model(found.trips, spec, kind), spec


def _spec(found: FirstTrips[Any], pack: str | None) -> PackSpec:
    packs = found.packs
    if not packs:
        raise NotFoundError("nothing to learn from: `twinpack import` telemetry first")
    if pack is None and len(packs) > 1:
        raise NotFoundError(f"this workspace has several packs: choose one with --pack ({', '.join(packs)})")
    if pack is not None and pack not in packs:
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are {', '.join(packs)}")
    spec = found.spec
    if spec is None:
        raise NotFoundError("nothing to learn from: `twinpack import` telemetry first")
    return spec


def _batches(workspace: Workspace) -> Iterator[SampleBatch]:
    log = open_log(workspace)
    retired = log.listing().retired
    if count := len(retired.commands):  # vehicles were registered in rows that retention has taken
        rows = command_rows([""] * count, [retired.last_receipt_us] * count, retired.commands)
        yield SampleBatch.from_arrow(rows, 0)
    for first, table in log.read(log.start_offset, READ_ROWS, STEP_SIGNALS):
        yield SampleBatch.from_arrow(table, first)
