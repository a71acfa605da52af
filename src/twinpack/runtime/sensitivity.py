"""`twinpack sensitivity` on a workspace: analyse a stored model on real trips, and keep what is found beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinpack.battery.families import model_of
from twinpack.learn.card import data_of, make_card
from twinpack.learn.progress import Tell, silent
from twinpack.learn.sensitivity import SAMPLES, analyse, to_dict
from twinpack.runtime.learning import training_trips
from twinpack.runtime.named import LATEST, PROTOTYPE, record_named
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.settings import Prototype

KIND = "sensitivity"
"""Kind of the artifacts."""
TRIPS = 10
"""Sessions of each vehicle that are looked at unless said otherwise."""


@dataclass(frozen=True)
class FoundSensitivity:
    """What was found, as it is stored.

    Attributes:
        hash: Content hash of the stored analysis.
        model_hash: The model that was analysed.
        pack: Its pack.
        kind: Kind of the model.
        found: `learn.sensitivity.to_dict`.
        card: Its card; the parent is the model.
    """

    hash: str
    model_hash: str
    pack: str
    kind: str
    found: dict[str, Any]
    card: dict[str, Any]


def analyse_sensitivity(
    workspace: Workspace,
    model: str = LATEST,
    pack: str | None = None,
    samples: int = SAMPLES,
    trips: int = TRIPS,
    tell: Tell = silent,
) -> FoundSensitivity:
    """Analyse a model on the workspace's trips and store the result.

    Args:
        workspace: Where model and log are.
        model: `latest`, or the first digits of a hash.
        pack: Name of the pack, when there are models of several.
        samples: Points of Sobol's sequence, a power of two.
        trips: Sessions of each vehicle, from its first.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such model, or nothing was imported.
        WorkspaceError: The model's artifact was altered or damaged.
        LearningError: Nothing varies, nothing changes, or no trip can be used.
    """
    with workspace.registry() as registry:
        record = record_named(registry, PROTOTYPE, model, pack)
        prototype = Prototype.from_artifact(workspace.artifacts(registry).load(record.hash), record.hash)
    sessions, spec = training_trips(workspace, prototype.kind, trips, prototype.pack, tell)
    found = to_dict(analyse(model_of(prototype.kind, prototype.model), sessions, samples, tell))
    artifact = {"pack": spec.name, "kind": prototype.kind, "model_hash": record.hash, "samples": samples, **found}
    card = make_card(
        pack=spec.name,
        kind=KIND,
        parent=record.hash,
        data=data_of(sessions),
        metrics={f"{name}_rmse_v": found["residual"][f"{name}_v"] for name in ("none", "set", "all")},
        limits={},
        figures={"chosen": found["chosen"]["names"], "left": found["chosen"]["left"]},
        settings={"samples": samples, "trips": trips},
    )
    with workspace.registry() as registry:
        digest = workspace.artifacts(registry).save(artifact, pack=spec.name, kind=KIND, card=card)
    return FoundSensitivity(digest, record.hash, spec.name, prototype.kind, found, card)


def latest_sensitivity(workspace: Workspace, registry: Registry, model_hash: str) -> FoundSensitivity | None:
    """What was found last of a model; None when it was never analysed."""
    for record in registry.models():
        if record.kind == KIND and record.card.get("parent") == model_hash:
            stored = workspace.artifacts(registry).load(record.hash)
            return FoundSensitivity(record.hash, model_hash, record.pack, stored["kind"], stored, record.card)
    return None
