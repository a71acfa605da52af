"""How good forecasts with quantiles are, and from where they are made: plain formulas on arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def quantile_loss(truth: Floats, told: Floats, levels: Sequence[float]) -> float:
    """Mean quantile ("pinball") loss over levels and points; the unit of the truth, lower is better.

    A quantile at level p that lies e below the truth costs p e, one that lies e above costs (1 - p) e (Koenker and
    Bassett, "Regression quantiles", 1978).

    Args:
        truth: Shape (N,).
        told: Quantiles, shape (L, N).
        levels: Their levels, L of them.
    """
    away = truth[None] - told
    level = np.asarray(levels)[:, None]
    return float(np.mean(np.maximum(level * away, (level - 1.0) * away))) if truth.size else float("nan")


def crps(truth: Floats, told: Floats, levels: Sequence[float]) -> float:
    """Mean continuous ranked probability score, from quantiles; the unit of the truth, lower is better.

    It is twice the integral of the quantile loss over the levels (Gneiting and Raftery, "Strictly proper scoring
    rules", 2007), here by the trapezoidal rule with the outermost quantiles standing for what lies beyond them.
    """
    if not truth.size:
        return float("nan")
    losses = [quantile_loss(truth, told[[at]], [level]) for at, level in enumerate(levels)]
    edges = np.concatenate([[0.0], levels, [1.0]])
    return float(2.0 * np.trapezoid(np.concatenate([[losses[0]], losses, [losses[-1]]]), edges))


def inside(truth: Floats, low: Floats, high: Floats) -> float:
    """Share of the truth that lies between two quantiles, both included."""
    return float(np.mean((truth >= low) & (truth <= high))) if truth.size else float("nan")


def interval_score(truth: Floats, low: Floats, high: Floats, alpha: float) -> float:
    """Mean score of the central interval that is to miss a share `alpha`: its width, and 2/alpha of each miss."""
    missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return float(np.mean(high - low + 2.0 / alpha * missed)) if truth.size else float("nan")


def end_error_pct(told: float, end: float, ended: bool) -> float:
    """By how much a forecast end of life misses, % of the true one.

    Args:
        told: The clock at which life was to end; infinite if it was not to.
        end: The clock at which it did, or the last one that is known where it had not yet.
        ended: Whether it did. Where it did not, a forecast that is later has not been wrong so far: it counts as 0.
    """
    if not ended:
        return 100.0 * max(end - told, 0.0) / end
    return 100.0 * min(abs(told - end) / end, 1.0)


def rolling_origins(first: int, last: int, every: int) -> Iterator[int]:
    """Points in time to forecast from: each knows what was before it, and is judged on what came after."""
    yield from range(first, last, every)
