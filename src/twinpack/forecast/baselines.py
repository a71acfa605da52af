"""What any forecast of health is held against: straight lines, and exponential smoothing that chooses itself.

Each takes a series over its clock, shape (N,), and the clock at which it is wanted, shape (H,). None knows another
series.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_SMOOTHED = 12
"""Points that smoothing is fitted to; a line through all is told with fewer."""

MOST_SMOOTHED = 120
"""Points that smoothing is fitted to at most: of longer series, means of runs of neighbours."""

_TRENDS: tuple[tuple[str | None, bool], ...] = ((None, False), ("add", False), ("add", True))
"""Trend and whether it is damped."""


def linear(at: Floats, values: Floats, wanted: Floats) -> Floats:
    """A straight line through the whole history, by least squares."""
    if len(at) < 2:
        return np.full(len(wanted), values[-1])
    away = at - at.mean()
    slope = float(away @ (values - values.mean()) / (away @ away))
    return np.asarray(values.mean() + slope * (wanted - at.mean()))


def last_half(at: Floats, values: Floats, wanted: Floats) -> Floats:
    """A straight line through the later half of the history."""
    half = len(at) // 2
    return linear(at[half:], values[half:], wanted)


def smoothing(at: Floats, values: Floats, wanted: Floats) -> Floats:
    """Exponential smoothing with no, an additive or a damped trend, whichever has the smallest corrected AIC.

    Hyndman and others, "A state space framework for automatic forecasting using exponential smoothing methods", 2002;
    fitted by `statsmodels`. Points are taken as evenly spaced by the mean step of the clock.
    """
    if len(at) < LEAST_SMOOTHED:
        return linear(at, values, wanted)
    clock, series = _thinned(at, values)
    step = float((clock[-1] - clock[0]) / (len(clock) - 1))
    ahead = (wanted - clock[-1]) / step
    count = max(int(np.ceil(ahead.max())), 1)
    found = [one for one in (_fitted(series, trend, damped) for trend, damped in _TRENDS) if one is not None]
    if not found:
        return linear(at, values, wanted)
    _, forecast = min(found, key=lambda one: one[0])
    path = np.concatenate([[series[-1]], forecast(count)])
    return np.asarray(np.interp(ahead, np.arange(count + 1.0), path))


BASELINES: Mapping[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "linear": linear,
    "last_half": last_half,
    "smoothing": smoothing,
}
"""By the name they are told under."""


def _thinned(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Means of runs of neighbours, so that few enough are left; the last run is whole."""
    run = -(-len(at) // MOST_SMOOTHED)
    begin = len(at) % run
    return at[begin:].reshape(-1, run).mean(axis=1), values[begin:].reshape(-1, run).mean(axis=1)


def _fitted(series: Floats, trend: str | None, damped: bool) -> tuple[float, Callable[[int], Floats]] | None:
    """Corrected AIC of a fit, and its forecast of so many steps; None where it fails."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    # Fitted to what it strays from its mean in units of its spread: the search does not depend on the unit.
    centre, spread = float(series.mean()), float(series.std()) or 1.0
    scaled = (series - centre) / spread
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = ETSModel(scaled, error="add", trend=trend, damped_trend=damped).fit(disp=False, maxiter=200)
            score = float(fit.aicc)
        except (ValueError, np.linalg.LinAlgError, FloatingPointError):
            return None
    if not np.isfinite(score):
        return None
    return score, lambda steps: centre + spread * np.asarray(fit.forecast(steps))
