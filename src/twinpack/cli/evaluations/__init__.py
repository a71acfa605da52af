"""The evaluations there are, one module a data folder: each gives its metrics, units in their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twinpack.cli import output
from twinpack.cli.evaluations import (
    bmw_i3_trips,
    cell_capacity_fade,
    dmegc_electrothermal,
    do_pm_fleet,
    essl1_lfp_ageing,
    ev_fault_fleet,
    lg_hg2_drive,
    nasa_pcoe,
    nissan_leaf_cell,
    simulated_ageing,
    simulated_faults,
    simulated_fleet,
    simulated_noise,
    simulated_range,
)

Metrics = dict[str, Any]
Evaluation = Callable[[Path, bool], Metrics]

EVALUATIONS: Mapping[str, Evaluation] = {
    "bmw_i3_trips": bmw_i3_trips.evaluate,
    "lg_hg2_drive": lg_hg2_drive.evaluate,
    "nissan_leaf_cell": nissan_leaf_cell.evaluate,
    "dmegc_electrothermal": dmegc_electrothermal.evaluate,
    "ev_fault_fleet": ev_fault_fleet.evaluate,
    "do_pm_fleet": do_pm_fleet.evaluate,
    "nasa_pcoe": nasa_pcoe.evaluate,
    "essl1_lfp_ageing": essl1_lfp_ageing.evaluate,
    "cell_capacity_fade": cell_capacity_fade.evaluate,
}
"""By name of the folder in the data."""

SIMULATIONS: Mapping[str, Evaluation] = {
    "simulated_fleet": simulated_fleet.evaluate,
    "simulated_ageing": simulated_ageing.evaluate,
    "simulated_noise": simulated_noise.evaluate,
    "simulated_faults": simulated_faults.evaluate,
    "simulated_routes": do_pm_fleet.evaluate_simulated,
    "simulated_range": simulated_range.evaluate,
}
"""Those that need no data."""


PICTURED: Mapping[str, Callable[[Path, bool, Path], Metrics]] = {
    "do_pm_fleet": do_pm_fleet.evaluate,
    "simulated_routes": do_pm_fleet.evaluate_simulated,
    "cell_capacity_fade": cell_capacity_fade.evaluate,
}
"""Those that draw pictures of what came of them, too."""


def evaluate_all(
    data: Path | None, quick: bool, only: str | None = None, pictures: Path | None = None
) -> Iterator[tuple[str, Metrics]]:
    """Every evaluation whose data are there, and the simulated fleets, which need none; each as it is done.

    Args:
        data: Folder with the data sets, one folder each; or, with `only`, the folder of that one.
        quick: Less data.
        only: One evaluation, by name.
        pictures: Folder for the pictures of those that draw some, a folder each; None for none.
    """
    for name, evaluation in EVALUATIONS.items():
        folder = _folder(data, name, only) if only in (None, name) else None
        if folder is not None:
            yield name, _evaluated(name, evaluation, folder, quick, pictures)
    for name, simulation in SIMULATIONS.items():
        if only in (None, name):
            yield name, _evaluated(name, simulation, Path(), quick, pictures)


def _evaluated(name: str, evaluation: Evaluation, folder: Path, quick: bool, pictures: Path | None) -> Metrics:
    output.note(f"evaluating {name}")
    if pictures is not None and name in PICTURED:
        return PICTURED[name](folder, quick, pictures / name)
    return evaluation(folder, quick)


def _folder(data: Path | None, name: str, only: str | None) -> Path | None:
    if data is None:
        return None
    if (data / name).is_dir():
        return data / name
    return data if only == name and any(data.glob("*.parquet")) else None
