"""The split of a residual finds the parts that it was made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.testing import assert_allclose

from twinpack.learn.residual import FEW_TRIPS, USUAL, Residual, split_residual

TRIPS, STEPS, STEP_S = 200, 400, 5.0
TIME_S = STEP_S * np.arange(STEPS, dtype=np.float64)
SENSOR_V, RESISTIVE, SLOW_V, SLOW_TAU_S = 0.004, 0.2, 0.010, 1500.0


def _walk(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    decay = np.exp(-STEP_S / SLOW_TAU_S)
    steps = SLOW_V * np.sqrt(1.0 - decay**2) * rng.standard_normal(STEPS)
    value = [SLOW_V * rng.standard_normal()]
    for step in steps[1:]:
        value.append(decay * value[-1] + step)
    return np.array(value, dtype=np.float64)


def test_what_is_slow_is_told_from_what_is_white_and_from_what_goes_with_current() -> None:
    rng = np.random.default_rng(3)
    trips = []
    for _ in range(TRIPS):
        drop = 0.05 * rng.standard_normal(STEPS)
        white = SENSOR_V * rng.standard_normal(STEPS) + RESISTIVE * drop * rng.standard_normal(STEPS)
        trips.append(Residual(TIME_S, white + _walk(rng), drop))
    noise = split_residual(trips)
    assert_allclose([noise.resistive, noise.slow_v], [RESISTIVE, SLOW_V], rtol=0.15)
    assert SENSOR_V < noise.sensor_v < 2.0 * SENSOR_V  # errors that are smaller than the slow part count as none


def test_of_a_few_trips_the_usual_errors_are_believed() -> None:
    silent = Residual(TIME_S, np.zeros(STEPS), np.linspace(0.0, 0.1, STEPS))
    noise = split_residual([silent])
    share = np.sqrt(FEW_TRIPS / (1.0 + FEW_TRIPS))
    assert_allclose([noise.sensor_v, noise.slow_v], [share * USUAL.sensor_v, share * USUAL.slow_v])
