"""How good predictions and bands are: plain formulas on arrays, the same for every predictor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.twin.settings import ALPHA, Z95

Floats = npt.NDArray[np.float64]


def rmse(error: Floats) -> float:
    """Root mean square of errors; NaN for none."""
    return float(np.sqrt(np.mean(error**2))) if len(error) else float("nan")


def coverage(error: Floats, sd: Floats) -> float:
    """Share of errors inside the 95 % band of a Gaussian with this standard deviation."""
    return float(np.mean(np.abs(error) <= Z95 * sd)) if len(error) else float("nan")


def interval_score(error: Floats, half_width: Floats | float, alpha: float = ALPHA) -> float:
    """Mean interval score (Gneiting and Raftery 2007) of a symmetric band: its width, and 2/alpha of each miss."""
    missed = np.maximum(np.abs(error) - half_width, 0.0)
    return float(np.mean(2.0 * np.asarray(half_width) + 2.0 / alpha * missed)) if len(error) else float("nan")


def best_constant_half_width(error: Floats, alpha: float = ALPHA) -> float:
    """Half-width of the constant band with the best interval score, in hindsight: a quantile of the errors."""
    # One of the errors themselves: between two of them the score is a straight line, so its lowest point is at one.
    return float(np.quantile(np.abs(error), 1.0 - alpha, method="inverted_cdf")) if len(error) else float("nan")


@dataclass(frozen=True)
class BandQuality:
    """Errors of one predictor and the quality of its band; V of the pack.

    Attributes:
        n: Steps scored.
        rmse_v: Error.
        coverage_95_pct: Share inside the band, %.
        interval_score_v: Of the band.
        constant_interval_score_v: Of the best constant-width band about the same predictions.
    """

    n: int
    rmse_v: float
    coverage_95_pct: float
    interval_score_v: float
    constant_interval_score_v: float

    @property
    def interval_score_ratio(self) -> float:
        """Below 1 the band is better than any of constant width."""
        return self.interval_score_v / self.constant_interval_score_v


def band_quality(measured: Floats, predicted: Floats, sd: Floats) -> BandQuality:
    """Judge predictions and their standard deviations, shape (N,); rows that are not finite are left out."""
    known = np.isfinite(measured) & np.isfinite(predicted) & np.isfinite(sd)
    error, sd = (predicted - measured)[known], sd[known]
    return BandQuality(
        n=int(known.sum()),
        rmse_v=rmse(error),
        coverage_95_pct=100.0 * coverage(error, sd),
        interval_score_v=interval_score(error, Z95 * sd),
        constant_interval_score_v=interval_score(error, best_constant_half_width(error)),
    )


@dataclass(frozen=True)
class HealthQuality:
    """Estimated against true capacity health, percentage points.

    Attributes:
        n: Vehicles.
        mae_pct: Mean absolute error.
        fleet_mean_mae_pct: The same for a guess of the fleet's true mean for every vehicle.
        inside_2_sigma_pct: Share of vehicles whose truth lies within two standard deviations.
    """

    n: int
    mae_pct: float
    fleet_mean_mae_pct: float
    inside_2_sigma_pct: float


def health_quality(estimate_pct: Floats, sd_pct: Floats, truth_pct: Floats) -> HealthQuality:
    """Judge health estimates, one a vehicle, shape (V,)."""
    error = estimate_pct - truth_pct
    return HealthQuality(
        n=len(error),
        mae_pct=float(np.mean(np.abs(error))),
        fleet_mean_mae_pct=float(np.mean(np.abs(truth_pct - truth_pct.mean()))),
        inside_2_sigma_pct=100.0 * float(np.mean(np.abs(error) <= 2.0 * sd_pct)),
    )
