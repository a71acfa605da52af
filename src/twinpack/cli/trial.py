"""Import, learn, run: a whole workspace from telemetry files, for the demo and for evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twinpack.errors import ImportFileError

if TYPE_CHECKING:
    import pyarrow as pa

    from twinpack.evaluate.metrics import BandQuality, HealthQuality
    from twinpack.ingest.records import ImportSummary
    from twinpack.runtime.learning import LearnedModel
    from twinpack.runtime.run import RunSummary
    from twinpack.runtime.stages import Stages
    from twinpack.store.workspace import Workspace

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """A workspace that has lived through its data."""

    workspace: Workspace
    learned: LearnedModel
    summary: RunSummary


def live_through(
    home: Path,
    telemetry: Path,
    *,
    profile: str,
    kind: str,
    trips: int,
    pack: str | None = None,
    policy: str | None = None,
    stages: Stages | None = None,
) -> Trial:
    """Make a workspace at `home` and let the twins live through the files of a folder.

    Args:
        home: Where; nothing may be there yet.
        telemetry: The files.
        profile: Import profile.
        kind: Model learned from the first trips.
        trips: How many first trips of each vehicle.
        pack: Pack specification as TOML; None for the one the files or the profile name.
        policy: When trips propose updates; None for the settings'.
        stages: Counts what each stage takes.
    """
    from twinpack.cli.run import run_with_progress
    from twinpack.runtime.learning import learn_prototype
    from twinpack.runtime.stages import IMPORT, LEARN, Stages
    from twinpack.store.workspace import Workspace

    stages = stages or Stages()
    workspace = Workspace.open(home)
    with stages.within(IMPORT):
        import_all(workspace, telemetry, profile, pack)
    with stages.within(LEARN):
        learned = learn_prototype(workspace, kind, trips)
    return Trial(workspace, learned, run_with_progress(workspace, policy, stages))


def import_all(workspace: Workspace, telemetry: Path, profile: str, pack: str | None = None) -> ImportSummary:
    """Import a folder that must be without fault.

    Raises:
        ImportFileError: A file cannot be read.
    """
    from twinpack.cli.import_ import import_with_progress, importer_of
    from twinpack.ingest.files import find_profile

    summary = import_with_progress(importer_of(workspace, find_profile(profile), pack), telemetry, [])
    if summary.failed:
        raise ImportFileError(summary.failed[0].error)
    return summary


def scored_steps(workspace: Workspace, who: str, trips: set[tuple[str, int]] | None = None) -> tuple[Floats, ...]:
    """Measured, predicted and standard deviation of a predictor's scored steps, of some trips or of all."""
    import pyarrow.compute as pc

    names = ["measured_v", f"{who}_v", f"{who}_sd_v"]
    keys = [] if trips is None else ["vehicle_id", "trip_number"]
    parts = [
        batch if trips is None else batch.filter(_chosen(batch, trips))
        for batch in workspace.lake().batches("prediction_steps", [*names, *keys], pc.field("scored"))
    ]
    columns = [[np.empty(0), *(part.column(name).to_numpy(zero_copy_only=False) for part in parts)] for name in names]
    return tuple(np.concatenate(column, dtype=np.float64) for column in columns)


def _chosen(batch: pa.RecordBatch, trips: set[tuple[str, int]]) -> pa.Array:
    import pyarrow as pa

    pairs = zip(batch.column("vehicle_id").to_pylist(), batch.column("trip_number").to_pylist(), strict=True)
    return pa.array([pair in trips for pair in pairs], pa.bool_())


def quality(workspace: Workspace, who: str, trips: set[tuple[str, int]] | None = None) -> BandQuality:
    """Errors and band of a predictor over the scored steps."""
    from twinpack.evaluate.metrics import band_quality

    return band_quality(*scored_steps(workspace, who, trips))


def health_against_truth(workspace: Workspace, truth: Path) -> HealthQuality:
    """Deployed capacity health of every twin against what was true at its last drive."""
    import pyarrow.parquet as pq

    from twinpack.battery.pack import load_pack
    from twinpack.evaluate.metrics import health_quality
    from twinpack.twin.figures import standard_deviations

    last: dict[str, dict[str, float]] = {}
    for row in pq.read_table(truth).sort_by("sample_time_us").to_pylist():
        last[row["vehicle_id"]] = row
    estimates, sds, truths = [], [], []
    with workspace.registry() as registry:
        for vehicle in registry.vehicles():
            version = registry.deployed(vehicle.vehicle_id)
            if version is None or vehicle.vehicle_id not in last:
                continue
            at = version.parameters.index("capacity_scale")
            estimates.append(100.0 * version.mean[at])
            sds.append(100.0 * standard_deviations(version)[at])
            truths.append(100.0 * last[vehicle.vehicle_id]["capacity_ah"] / load_pack(vehicle.pack).capacity_ah)
    return health_quality(np.array(estimates), np.array(sds), np.array(truths))
