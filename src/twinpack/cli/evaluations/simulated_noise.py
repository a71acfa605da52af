"""The evaluation of `learn noise`: learned on some simulated vehicles, judged on others, whose truth is known."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinpack.cli.simulate_files import WrittenFleet
    from twinpack.store.workspace import Workspace

Metrics = dict[str, Any]

TAUGHT_BY, JUDGED_ON = 7, 8
"""Seeds of the two halves: other vehicles, drivers and climates."""


def evaluate(_: Path, quick: bool) -> Metrics:
    """Twins of vehicles that taught nothing, once with the prototype as it was fitted, once with learned noise."""
    from twinpack.runtime.learning import learn_prototype
    from twinpack.runtime.noise import refine_noise
    from twinpack.store.workspace import Workspace

    vehicles, trips = (5, 10) if quick else (10, 40)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        taught, judged = (_fleet(root / str(seed), vehicles, trips, seed) for seed in (TAUGHT_BY, JUDGED_ON))
        workspace = Workspace.open(root / "taught")
        _import(workspace, taught)
        first = learn_prototype(workspace, "thevenin-2rc", 3).model_hash
        noise = refine_noise(workspace, first, trips)
        with workspace.registry() as registry:
            before, after = (workspace.artifacts(registry).load(one) for one in (first, noise.model_hash))
        metrics = _judged(root / "before", judged, before, "prototype")
        metrics |= _judged(root / "after", judged, after, "learned")
    told = noise.card["metrics"]
    return {
        **metrics,
        "interval_score_ratio_learned_prototype": metrics["learned_interval_score_v"]
        / metrics["prototype_interval_score_v"],
        "noise_gain_nats_per_session": told["noise_gain_nats_per_session"],
        "priors_gain_held_out_nats_per_vehicle": told["priors_gain_held_out_nats_per_vehicle"],
        "n": vehicles,
        "split": f"noise and priors from {vehicles} vehicles, judged on {vehicles} others x {trips} drives",
    }


def _fleet(out: Path, vehicles: int, trips: int, seed: int) -> WrittenFleet:
    from twinpack.cli.simulate import Kind, make_fleet
    from twinpack.cli.simulate_files import write_fleet

    fleet, pack = make_fleet(Kind.physics, vehicles, trips, None, seed)
    return write_fleet(fleet, pack, out)


def _import(workspace: Workspace, fleet: WrittenFleet) -> None:
    from twinpack.cli.trial import import_all

    import_all(workspace, Path(fleet.telemetry), "twinpack")


def _judged(home: Path, fleet: WrittenFleet, artifact: dict[str, Any], name: str) -> Metrics:
    """A fleet that lives with a model from its first trip."""
    from twinpack.cli.run import run_with_progress
    from twinpack.cli.trial import health_against_truth, quality
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home)
    _import(workspace, fleet)
    with workspace.registry() as registry:
        workspace.artifacts(registry).save(artifact, pack=artifact["pack"])
    run_with_progress(workspace, None)
    band, health = quality(workspace, "deployed"), health_against_truth(workspace, Path(fleet.truth))
    return {
        f"{name}_rmse_v": band.rmse_v,
        f"{name}_coverage_95_pct": band.coverage_95_pct,
        f"{name}_interval_score_v": band.interval_score_v,
        f"{name}_soh_mae_pct": health.mae_pct,
        f"{name}_soh_inside_2_sigma_pct": health.inside_2_sigma_pct,
    }
