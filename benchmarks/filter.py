"""Filter steps of a whole fleet at once, against filterpy one vehicle at a time on the same model and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from filterpy.kalman import MerweScaledSigmaPoints, UnscentedKalmanFilter

from benchmarks.result import Result, seconds_side_by_side
from twinpack.battery.ocv import ocv_table
from twinpack.battery.thevenin import Circuit, Thevenin
from twinpack.filters import Living, compile

Floats = npt.NDArray[np.float64]

VEHICLES, STEPS = 256, 100
BASELINE_VEHICLES = 2  # filterpy takes as long for each vehicle, so a few tell its speed
SOC_GRID = tuple(i / 20 for i in range(21))


def run() -> Result:
    """Steps a second of one process: predict and update of 4 states and 4 living parameters."""
    model = Thevenin(_circuit())
    mean, covariance, inputs, measured = _data(model)
    present = np.ones(measured.shape, dtype=np.bool_)
    fleet = compile(model)
    found = fleet.assimilate(mean, covariance, inputs, measured, present)
    for lane in range(BASELINE_VEHICLES):
        np.testing.assert_allclose(found.mean[:, lane], _by_filterpy(model, mean, covariance, inputs, measured, lane))

    def one_by_one() -> None:
        for lane in range(BASELINE_VEHICLES):
            _by_filterpy(model, mean, covariance, inputs, measured, lane)

    ours_s, theirs_s = seconds_side_by_side(
        lambda: fleet.assimilate(mean, covariance, inputs, measured, present), one_by_one, rounds=3
    )
    return Result(
        VEHICLES * STEPS / ours_s, "vehicle steps/s", BASELINE_VEHICLES * STEPS / theirs_s, higher_is_better=True
    )


def _circuit() -> Circuit:
    return Circuit(
        series=96,
        capacity_ah=60.0,
        soc=SOC_GRID,
        ocv_v=tuple(float(v) for v in ocv_table("nmc811").pchip(np.array(SOC_GRID))),
        r_soc=(0.0, 0.25, 1.0),
        r0_ohm=(0.0016, 0.0012, 0.0011),
        pairs_ohm=((0.0005, 0.0004, 0.0003), (0.0007, 0.0006, 0.0005)),
        tau_s=(45.0, 600.0),
        ea0_j_mol=20e3,
        ea1_j_mol=25e3,
        living=(
            Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
            Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
            Living("r_scale", 1.0, 0.15, 0.006, 0.1, 6.0),
            Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
        ),
    )


def _data(model: Thevenin) -> tuple[Floats, Floats, dict[str, Floats], Floats]:
    rng = np.random.default_rng(1)
    current = 60.0 * rng.standard_normal((STEPS + 1, VEHICLES)) - 20.0
    inputs = {
        "current_a": current[1:],
        "interval_start_a": current[:-1],
        "interval_end_a": current[1:],
        "dt_s": np.full((STEPS, VEHICLES), 5.0),
        "temp_c": rng.uniform(0.0, 35.0, (STEPS, VEHICLES)),
    }
    fleet = compile(model)
    mean, covariance = fleet.init(
        VEHICLES, {"soc": (0.8, 0.02), "u1_v": (0.0, 0.01), "u2_v": (0.0, 0.02), "trip_v": (0.0, 0.015)}
    )
    points, _ = fleet.draw(mean, covariance)
    expected = fleet.predict(points, inputs, np.ones((STEPS, VEHICLES), dtype=np.bool_)).mean
    return mean, covariance, inputs, expected + 0.5 * rng.standard_normal(expected.shape)


def _by_filterpy(
    model: Thevenin, mean: Floats, covariance: Floats, inputs: Mapping[str, Floats], measured: Floats, lane: int
) -> Floats:
    """Mean after the last step of one vehicle."""
    n, dynamic = len(model.names), len(model.dynamic)

    def fx(x: Floats, _: float, u: Mapping[str, Any]) -> Floats:
        stepped = model.transition(dict(zip(model.names, x, strict=True)), u)
        return np.array([*(float(np.ravel(value)[0]) for value in stepped), *x[dynamic:]])

    def hx(x: Floats, u: Mapping[str, Any]) -> Floats:
        return np.ravel(model.measure(dict(zip(model.names, x, strict=True)), u))

    ukf = UnscentedKalmanFilter(n, 1, 1.0, hx, fx, MerweScaledSigmaPoints(n, alpha=1.0, beta=2.0, kappa=0.0))
    ukf.x, ukf.P = mean[:, lane].copy(), covariance[:, :, lane].copy()
    for k in range(len(measured)):
        u = model.prepare({name: float(values[k, lane]) for name, values in inputs.items()})
        ukf.Q = np.diag([*(float(np.ravel(value)[0]) for value in model.process_variance(u)), *np.zeros(n - dynamic)])
        ukf.predict(u=u)
        ukf.update(measured[k, [lane]], R=float(np.ravel(model.learning_variance(u))[0]), u=u)
    state: Floats = ukf.x
    return state
