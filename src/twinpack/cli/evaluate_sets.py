"""The evaluations there are, one function a data folder: each gives its metrics, units in their names."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.cli import output
from twinpack.cli.evaluate_cars import ev_fault_fleet
from twinpack.cli.evaluate_faults import simulated_faults

if TYPE_CHECKING:
    from twinpack.cli.trial import Trial
    from twinpack.learn.prototype import TrainingTrip

Metrics = dict[str, Any]
Evaluation = Callable[[Path, bool], Metrics]

FIRST_SCORED = 5
"""The first five trips of the i3 teach the prototype; trips 6 to 47 judge it."""

LG_STEP_S = 5.0
LG_CYCLES = ("UDDS", "LA92", "Mixed1", "Mixed2", "Mixed4", "Mixed5", "Mixed6", "Mixed7")
LG_QUICK = ("Mixed6",)


def simulated_fleet(_: Path, quick: bool) -> Metrics:
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


def bmw_i3_trips(data: Path, quick: bool) -> Metrics:
    """Trips in the order of their names, each predicted before it is learned from."""
    trial_of = _I3(data)
    with tempfile.TemporaryDirectory() as folder:
        trial = trial_of(Path(folder) / "own", 1.0)
        metrics = _i3_errors(trial)
        for name, ratio in {} if quick else {"50": 50.0 / 60.0, "72": 72.0 / 60.0}.items():
            metrics |= _i3_capacity(trial_of(Path(folder) / name, ratio), name)
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
        rated = trial.workspace.artifacts(registry).load(version.model_hash)["circuit"]["capacity_ah"]
    at = version.parameters.index("capacity_scale")
    mean, sd = rated * version.mean[at], rated * standard_deviations(version)[at]
    return {f"{name}_ah": mean, f"{name}_low_ah": mean - 1.96 * sd, f"{name}_high_ah": mean + 1.96 * sd}


def lg_hg2_drive(data: Path, quick: bool) -> Metrics:
    """Open loop with one drive cycle left out of the fit, at every temperature; RMSE by temperature."""
    from twinpack.battery.pack import load_pack
    from twinpack.battery.thevenin import circuit_from_dict
    from twinpack.evaluate.open_loop import simulate_trip
    from twinpack.learn.model import learn_model

    tests = [(chamber, test, trip) for path in sorted(data.glob("*.parquet")) for chamber, test, trip in [_lg(path)]]
    left_out: dict[int, list[float]] = {}
    cycles = [name for name in (LG_QUICK if quick else LG_CYCLES) if any(test == name for _, test, _ in tests)]
    for cycle in cycles:
        train = [trip for _, test, trip in tests if test != cycle and not test.startswith("Cap")]
        circuit = circuit_from_dict(learn_model(train, load_pack("lg_hg2_3ah"), "thevenin-3rc").artifact["circuit"])
        for chamber, test, trip in tests:
            if test == cycle:
                error = simulate_trip(circuit, trip) - trip.voltage_v
                left_out.setdefault(chamber, []).append(float(np.sqrt(np.nanmean(error**2))))
    by_temp = {
        f"rmse_{'m' if temp < 0 else ''}{abs(temp)}c_mv": 1e3 * float(np.mean(values))
        for temp, values in sorted(left_out.items(), reverse=True)
    }
    count = sum(len(values) for values in left_out.values())
    return by_temp | {"n": count, "split": f"one cycle left out at every temperature, in turn: {', '.join(cycles)}"}


def _lg(path: Path) -> tuple[int, str, TrainingTrip]:
    """Chamber temperature, test and the test as steps."""
    import pyarrow.parquet as pq

    from twinpack.learn.prototype import TrainingTrip

    table = pq.read_table(path)
    values = {name: table.column(name).to_numpy().astype(np.float64) for name in _LG_COLUMNS}
    # Slow curves tell no charge: they begin full, as every test does.
    known = "soc_ref" in table.column_names
    start = float(table.column("soc_ref")[0].as_py()) if known else 1.0
    bins = np.floor((values["time_s"] - values["time_s"][0]) / LG_STEP_S).astype(np.int64)
    _, group = np.unique(bins, return_inverse=True)
    count = np.bincount(group)
    mean = {name: np.bincount(group, column) / count for name, column in values.items()}
    trip = TrainingTrip(
        path.stem,
        mean["time_s"] - mean["time_s"][0],
        mean["voltage_V"],
        mean["current_A"],
        mean["temp_C"],
        start,
    )
    return round(float(table.column("chamber_C")[0].as_py())), str(table.column("test")[0].as_py()), trip


_LG_COLUMNS = ("time_s", "voltage_V", "current_A", "temp_C")

EVALUATIONS: Mapping[str, Evaluation] = {
    "bmw_i3_trips": bmw_i3_trips,
    "lg_hg2_drive": lg_hg2_drive,
    "ev_fault_fleet": ev_fault_fleet,
}
"""By name of the folder in the data."""

SIMULATIONS: Mapping[str, Evaluation] = {"simulated_fleet": simulated_fleet, "simulated_faults": simulated_faults}
"""Those that need no data."""


def evaluate_all(data: Path | None, quick: bool, only: str | None = None) -> Iterator[tuple[str, Metrics]]:
    """Every evaluation whose data are there, and the simulated fleets, which need none; each as it is done."""
    for name, evaluation in EVALUATIONS.items():
        folder = data / name if data is not None else None
        if folder is not None and folder.is_dir() and only in (None, name):
            output.note(f"evaluating {name}")
            yield name, evaluation(folder, quick)
    for name, simulation in SIMULATIONS.items():
        if only in (None, name):
            output.note(f"evaluating {name}")
            yield name, simulation(Path(), quick)
