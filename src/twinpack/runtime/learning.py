"""`learn model` on a workspace: read the first trips from the log, fit, store the artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twinpack.battery.families import KINDS, ROUTE
from twinpack.battery.pack import PackSpec
from twinpack.errors import LearningError, NotFoundError
from twinpack.ingest.log import open_log
from twinpack.learn.data import FirstTrips, first_routes, first_trips
from twinpack.learn.held_out import parted, with_next_trips
from twinpack.learn.model import learn_model
from twinpack.learn.progress import Tell, silent
from twinpack.learn.route import learn_route
from twinpack.runtime.genesis import fold_settings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import command_rows
from twinpack.telemetry.steps import STEP_SIGNALS

READ_ROWS = 250_000
_NAMED = 5

_NEEDS = (
    "trip of pack {pack} can be learned from: a trip needs a minute of voltage and current and the state of charge "
    "told at its start (soc_pct)",
    "route of pack {pack} can be learned from: a route needs voltage, speed, load (load_kg) and the distance by "
    "odometer or speed",
)
"""What sessions need that are driven by current, and routes."""


@dataclass(frozen=True)
class LearnedModel:
    """A stored prototype: its content hash and its card."""

    model_hash: str
    card: dict[str, Any]


def learn_prototype(
    workspace: Workspace, kind: str, trips: int, pack: str | None = None, tell: Tell = silent
) -> LearnedModel:
    """Fit a prototype to each vehicle's first trips, try it on the trip after those, and store it.

    Args:
        workspace: Where the log is.
        kind: One of `battery.families.KINDS`.
        trips: Sessions of each vehicle.
        pack: Name of the pack, when the workspace has several.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such pack, or nothing was imported.
        LearningError: The data do not allow a fit.
    """
    if kind not in KINDS:
        raise LearningError(f"kind {kind!r} is not known; known are {', '.join(KINDS)}")
    found, spec = training_trips(workspace, kind, trips + 1, pack, tell)
    first, later = parted(found, trips)
    learned = learn_route(first, spec) if kind == ROUTE else learn_model(first, spec, kind, tell)
    card = learned.card if kind == ROUTE else with_next_trips(learned, later)
    with workspace.registry() as registry:
        digest = workspace.artifacts(registry).save(learned.artifact, pack=spec.name, card=card)
    return LearnedModel(digest, card)


def training_trips(
    workspace: Workspace, kind: str, trips: int, pack: str | None = None, tell: Tell = silent
) -> tuple[list[Any], PackSpec]:
    """The first trips of each vehicle as a kind of model learns from them, and their pack.

    Args:
        workspace: Where the log is.
        kind: One of `battery.families.KINDS`.
        trips: Sessions of each vehicle.
        pack: Name of the pack, when the workspace has several.
        tell: Is told of progress.

    Returns:
        `RouteTrip`s for the kind `route`, else `TrainingTrip`s; the specification of their pack.

    Raises:
        NotFoundError: There is no such pack, or nothing was imported.
        LearningError: No trip can be learned from.
    """
    settings = fold_settings(workspace.settings)
    read = first_routes if kind == ROUTE else first_trips
    found: FirstTrips[Any] = read(_batches(workspace, tell), trips, settings.step_us, settings.cut, pack)
    spec = _spec(found, pack)
    if not found.trips:
        raise LearningError(f"no {_NEEDS[kind == ROUTE].format(pack=spec.name)}{_missing(found.missing)}")
    return found.trips, spec


def _missing(vehicles: dict[str, list[str]]) -> str:
    """Which signals are missing of which vehicles, as the end of a sentence."""
    told = [
        f"{signal} of {', '.join(names[:_NAMED])}" + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
        for signal, names in vehicles.items()
    ]
    return f"; never told: {', '.join(told)}. Map the columns in the import profile" if told else ""


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


def _batches(workspace: Workspace, tell: Tell) -> Iterator[SampleBatch]:
    log = open_log(workspace)
    retired = log.listing().retired
    if count := len(retired.commands):  # vehicles were registered in rows that retention has taken
        rows = command_rows([""] * count, [retired.last_receipt_us] * count, retired.commands)
        yield SampleBatch.from_arrow(rows, 0)
    begin, rows = log.start_offset, log.end_offset - log.start_offset
    for first, table in log.read(begin, READ_ROWS, STEP_SIGNALS):
        yield SampleBatch.from_arrow(table, first)
        tell("reading the log", first + table.num_rows - begin, rows)
