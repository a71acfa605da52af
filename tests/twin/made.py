"""Made-up versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.twin.versions import PROTOTYPE, TwinVersion

NEW = {"capacity_scale": (1.0, 0.02), "r0_scale": (1.0, 0.05)}
DAY_US = 86_400_000_000
START_US = 1_577_836_800_000_000  # 2020-01-01


def version(
    number: int,
    parameters: Mapping[str, tuple[float, float]] = NEW,
    kind: str = PROTOTYPE,
    reason: str = "the error was over the limit",
    errors: tuple[float | None, float | None, float | None] = (0.92, 0.41, 1.8),
    evidence: Mapping[str, Any] | None = None,
    vehicle_id: str = "car-1",
    parent: TwinVersion | None = None,
    model_hash: str = "a" * 64,
) -> TwinVersion:
    """A version whose parameters are `name: (mean, standard deviation)`, without correlation."""
    sds = [sd for _, sd in parameters.values()]
    covariance = [sd**2 if column == row else 0.0 for row, sd in enumerate(sds) for column in range(row + 1)]
    deployed, challenger, never = errors if number > 1 else (None, None, None)
    return TwinVersion(
        vehicle_id=vehicle_id,
        number=number,
        kind=kind,
        sample_time_us=START_US + 10 * number * DAY_US,
        model_hash=model_hash,
        trip_number=3 * (number - 1),
        window_start_us=START_US,
        window_end_us=START_US + 10 * number * DAY_US,
        reason=reason,
        deployed_rmse_v=deployed,
        challenger_rmse_v=challenger,
        never_rmse_v=never,
        parameters=tuple(parameters),
        mean=tuple(mean for mean, _ in parameters.values()),
        covariance=tuple(covariance),
        evidence=evidence or {},
        parent_hash=parent.hash if parent else "",
    ).sealed()
