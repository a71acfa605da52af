"""The evaluation on the recorded drives of one car."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twinpack.cli.trial import Trial

Metrics = dict[str, Any]

FIRST_SCORED = 5
"""The first five trips of the i3 teach the prototype; trips 6 to 47 judge it."""


def evaluate(data: Path, quick: bool) -> Metrics:
    """Trips in the order of their names, each predicted before it is learned from; and the energy of each."""
    from twinpack.cli.evaluations.i3_energy import energy_metrics

    trial_of = _I3(data)
    with tempfile.TemporaryDirectory() as folder:
        trial = trial_of(Path(folder) / "own", 1.0)
        metrics = _i3_errors(trial)
        for name, ratio in {} if quick else {"50": 50.0 / 60.0, "72": 72.0 / 60.0}.items():
            metrics |= _i3_capacity(trial_of(Path(folder) / name, ratio), name)
    metrics |= energy_metrics(data)
    return metrics | {"split": f"trips 1 to {FIRST_SCORED} teach the prototype, each later one is predicted first"}


class _I3:
    """The i3 with a pack whose rated capacity is off by a factor."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __call__(self, home: Path, factor: float) -> Trial:
        from twinpack.battery.pack import load_pack, pack_text
        from twinpack.cli.trial import live_through

        rated = load_pack("bmw_i3_60ah").capacity_ah
        text = re.sub(r"(?m)^capacity_ah\s*=.*$", f"capacity_ah = {rated * factor:g}", pack_text("bmw_i3_60ah"))
        return live_through(
            home, self._data, profile="bmw_i3", kind="thevenin-3rc", trips=FIRST_SCORED, pack=text, policy="always"
        )


def _i3_errors(trial: Trial) -> Metrics:
    from twinpack.cli.trial import quality

    rows = trial.workspace.lake().read("predictions").sort_by("start_us").to_pylist()[FIRST_SCORED:]
    errors = np.array([row["deployed_rmse_v"] for row in rows if row["scored_samples"] > 0])
    never = np.array([row["never_rmse_v"] for row in rows if row["scored_samples"] > 0])
    trips = {(row["vehicle_id"], row["trip_number"]) for row in rows}
    band = quality(trial.workspace, "deployed", trips)
    return {
        "median_rmse_v": float(np.median(errors)),
        "p90_rmse_v": float(np.quantile(errors, 0.9)),
        "median_rmse_without_updates_v": float(np.median(never)),
        "p90_rmse_without_updates_v": float(np.quantile(never, 0.9)),
        "coverage_95_pct": band.coverage_95_pct,
        "interval_score_v": band.interval_score_v,
        "band_unseen_over_seen": _unseen_over_seen(trial, trips),
        "n": len(errors),
        **_capacity(trial, "capacity_from_60"),
    }


def _unseen_over_seen(trial: Trial, trips: set[tuple[str, int]]) -> float:
    """Median band where no earlier trip had been (5 % steps of charge) over that elsewhere."""
    steps = trial.workspace.lake().read("prediction_steps").sort_by("sample_time")
    number, scored = steps.column("trip_number").to_numpy(), steps.column("scored").to_numpy(zero_copy_only=False)
    place = np.floor(20.0 * steps.column("soc").to_numpy()).astype(np.int64)
    sd = steps.column("deployed_sd_v").to_numpy()
    seen: set[int] = set()
    widths: dict[bool, list[Any]] = {True: [], False: []}
    for trip in np.unique(number):
        mine = (number == trip) & scored
        known = np.isin(place[mine], list(seen))
        if any(trip == one for _, one in trips):
            widths[True].append(sd[mine][known])
            widths[False].append(sd[mine][~known])
        seen |= set(place[mine].tolist())
    new, old = (np.concatenate(widths[which]) for which in (False, True))
    return float(np.median(new) / np.median(old)) if len(new) and len(old) else float("nan")


def _i3_capacity(trial: Trial, name: str) -> Metrics:
    rows = trial.workspace.lake().read("predictions").sort_by("start_us").to_pylist()[FIRST_SCORED:]
    errors = np.array([row["deployed_rmse_v"] for row in rows if row["scored_samples"] > 0])
    return _capacity(trial, f"capacity_from_{name}") | {f"median_rmse_from_{name}_v": float(np.median(errors))}


def _capacity(trial: Trial, name: str) -> Metrics:
    """Deployed capacity in the end, with its 95 % interval."""
    from twinpack.twin.figures import standard_deviations

    with trial.workspace.registry() as registry:
        vehicle = registry.vehicles()[0].vehicle_id
        version = registry.deployed(vehicle)
        if version is None:
            return {}
        rated = trial.workspace.artifacts(registry).load(version.model_hash)["model"]["capacity_ah"]
    at = version.parameters.index("capacity_scale")
    mean, sd = rated * version.mean[at], rated * standard_deviations(version)[at]
    return {f"{name}_ah": mean, f"{name}_low_ah": mean - 1.96 * sd, f"{name}_high_ah": mean + 1.96 * sd}
