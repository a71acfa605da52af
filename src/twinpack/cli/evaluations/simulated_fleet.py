"""The evaluation on a simulated fleet, whose truth is known."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

Metrics = dict[str, Any]


def evaluate(_: Path, quick: bool) -> Metrics:
    """The demo's fleet against its hidden truth."""
    from twinpack.cli.simulate import Kind, make_fleet
    from twinpack.cli.simulate_files import write_fleet
    from twinpack.cli.trial import health_against_truth, live_through, quality

    vehicles, trips = (10, 20) if quick else (20, 60)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fleet, pack = make_fleet(Kind.physics, vehicles, trips, None, 7)
        written = write_fleet(fleet, pack, root / "fleet")
        trial = live_through(root / "home", Path(written.telemetry), profile="twinpack", kind="thevenin-2rc", trips=3)
        living, never = quality(trial.workspace, "deployed"), quality(trial.workspace, "never")
        health = health_against_truth(trial.workspace, Path(written.truth))
    return {
        "rmse_v": living.rmse_v,
        "rmse_without_updates_v": never.rmse_v,
        "rmse_ratio_with_without": living.rmse_v / never.rmse_v,
        "coverage_95_pct": living.coverage_95_pct,
        "interval_score_ratio": living.interval_score_ratio,
        "soh_mae_pct": health.mae_pct,
        "soh_mae_fleet_mean_pct": health.fleet_mean_mae_pct,
        "soh_inside_2_sigma_pct": health.inside_2_sigma_pct,
        "n": trial.summary.predictions,
        "split": f"{vehicles} vehicles x {trips} drives; each trip predicted before it is learned from",
    }
