"""Health of a vehicle as it was known after each version that was deployed, beside its cohort at the distance then."""

from __future__ import annotations

import numpy as np

from twinpack.twin.figures import health
from twinpack.twin.versions import REFUSED
from twinpack.views.fleet.rows import column
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import HealthHistory
from twinpack.views.sight import Reach
from twinpack.views.telemetry.steps import Floats
from twinpack.views.vehicle.versions import seen_versions


def health_history(views: Views, reach: Reach) -> HealthHistory:
    """The health of a vehicle over time.

    Raises:
        WorkspaceError: The workspace cannot be read.
    """
    table = views.fleet
    at = table.at[reach.vehicle_id]
    pack = views.packs.get(table.pack[at])
    new_ah = pack.capacity_ah if pack else None
    versions = [version for version in seen_versions(views, reach) if version.kind != REFUSED]
    states = [health(version, new_ah) for version in versions]
    time_us = np.array([version.sample_time_us for version in versions], dtype=np.int64)
    distance = views.distances.at(reach.vehicle_id, time_us, float(table.distance_km[at]))
    band = table.cohorts.by_distance.get(table.pack[at])
    cohort = np.full(len(versions), np.nan) if band is None else band.median_within(distance)
    return HealthHistory.model_construct(
        vehicle_id=reach.vehicle_id,
        time_ms=(time_us // 1000).tolist(),
        version=[version.number for version in versions],
        capacity_pct=column(_floats([state.capacity_pct for state in states]), 3),
        capacity_sd_pct=column(_floats([state.capacity_sd_pct for state in states]), 4),
        resistance_x=column(_floats([state.resistance_x for state in states]), 4),
        resistance_sd_x=column(_floats([state.resistance_sd_x for state in states]), 5),
        distance_km=column(distance, 1),
        new_capacity_ah=new_ah,
        cohort_median_pct=column(cohort, 3),
    )


def _floats(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
