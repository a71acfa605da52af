"""`learn noise` on a workspace: refine a stored model by the fleet's sessions and store what comes of it."""

from __future__ import annotations

from twinpack.battery.families import ROUTE
from twinpack.learn.noise import learn_noise
from twinpack.learn.progress import Tell, silent
from twinpack.learn.wear import learn_wear
from twinpack.runtime.learning import LearnedModel, training_trips
from twinpack.runtime.named import PROTOTYPE, record_named
from twinpack.store.workspace import Workspace


def refine_noise(
    workspace: Workspace, model: str, trips: int, pack: str | None = None, tell: Tell = silent
) -> LearnedModel:
    """Learn noise, drift and priors of a stored model, for routes also their wear, and store it as its child.

    Args:
        workspace: Where log and models are.
        model: `latest`, or digits of the hash of a model.
        trips: Sessions of each vehicle.
        pack: Name of the pack, when the workspace has several.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such model, or nothing was imported.
        WorkspaceError: The model's file was altered or damaged.
        LearningError: Vehicles or sessions do not allow it.
    """
    with workspace.registry() as registry:
        chosen = record_named(registry, PROTOTYPE, model, pack)
        artifact = workspace.artifacts(registry).load(chosen.hash)
    sessions, _ = training_trips(workspace, artifact["kind"], trips, chosen.pack, tell)
    if artifact["kind"] == ROUTE:
        learned = learn_wear(artifact, sessions, chosen.hash)
    else:
        learned = learn_noise(artifact, chosen.hash, sessions, tell)
    with workspace.registry() as registry:
        digest = workspace.artifacts(registry).save(learned.artifact, pack=chosen.pack, card=learned.card)
    return LearnedModel(digest, learned.card)
