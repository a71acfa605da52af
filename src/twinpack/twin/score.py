"""How well each predictor did on a trip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.twin.settings import ALPHA, Z95

Floats = npt.NDArray[np.float64]

KEPT = "kept"
UNSCORED = "unscored"


@dataclass(frozen=True)
class TripScore:
    """Errors of the three predictors on one trip, and what was decided.

    RMSE, MAE and interval score in V of the pack; coverage is the share of scored steps inside the 95 % band.
    NaN where nothing was scored.
    """

    vehicle_id: str
    trip_number: int
    version_number: int
    start_us: int
    end_us: int
    scored_samples: int
    threshold_v: float
    decision: str
    policy: str
    deployed_rmse_v: float
    deployed_mae_v: float
    deployed_coverage_95: float
    deployed_interval_score_v: float
    never_rmse_v: float
    never_mae_v: float
    never_coverage_95: float
    never_interval_score_v: float
    challenger_rmse_v: float
    challenger_mae_v: float
    challenger_coverage_95: float
    challenger_interval_score_v: float


@dataclass(frozen=True)
class StepPredictions:
    """Each step's predictions of many vehicles, N rows; columns by name as in the lake's `prediction_steps`."""

    vehicle_ids: tuple[str, ...]
    columns: dict[str, npt.NDArray[np.generic]]


def step_scores(measured: Floats, mean: Floats, sd: Floats) -> Floats:
    """Terms of a trip's sums, shape (6, ...): e, e², |e|, inside, interval score, (e / sd)²; 0 where unknown."""
    error = mean - measured
    half = Z95 * sd
    size = np.abs(error)
    interval = 2.0 * half + 2.0 / ALPHA * np.maximum(size - half, 0.0)
    terms = np.stack([error, error * error, size, (size <= half).astype(np.float64), interval, (error / sd) ** 2])
    return np.where(np.isfinite(terms), terms, 0.0)


def figures(sums: Floats, scored: npt.NDArray[np.int64]) -> Floats:
    """RMSE, MAE, coverage and interval score, shape (4, ...), from sums (6, ...); NaN where nothing was scored."""
    _, square, size, inside, interval, _ = sums / np.where(scored > 0, scored, np.nan)
    return np.stack([np.sqrt(square), size, inside, interval])
