"""What the compiled filters do in a second, side by side with what else there is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.by_filterpy import by_filterpy
from benchmarks.models import START, Data, data
from benchmarks.result import Result, seconds_side_by_side
from twinpack.filters import Posterior, compile

VEHICLES, STEPS = 4096, 100
UNIT = "vehicle steps/s"


def vs_filterpy(size: int) -> Callable[[], Result]:
    """One core against filterpy one vehicle at a time, after both gave the same posterior to 1e-10."""

    def run() -> Result:
        few, one = 2, data(size, VEHICLES)
        fleet = compile(one.model)
        found = fleet.assimilate(one.prior, one.inputs, one.measured)
        for lane in range(few):
            mean, covariance = by_filterpy(one, lane)
            np.testing.assert_allclose(found.mean[:, lane], mean, rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.covariance[:, :, lane], covariance, rtol=0, atol=1e-10)
        ours_s, theirs_s = seconds_side_by_side(
            lambda: fleet.assimilate(one.prior, one.inputs, one.measured),
            lambda: [by_filterpy(one, lane) for lane in range(few)],
        )
        return Result(VEHICLES * STEPS / ours_s, UNIT, few * STEPS / theirs_s)

    return run


def vs_numpy() -> Result:
    """One core against the batched NumPy reference at its best batch."""
    one = data(6, VEHICLES)
    fleet = compile(one.model)
    batches = [64, 256, 1024]
    reference = compile(one.model, backend="numpy")
    times = []
    for batch in batches:
        some = _lanes(one, slice(0, batch))
        ours_s, theirs_s = seconds_side_by_side(
            lambda: fleet.assimilate(one.prior, one.inputs, one.measured),
            lambda some=some: reference.assimilate(some.prior, some.inputs, some.measured),  # type: ignore[misc]
            rounds=3,
        )
        times.append((VEHICLES * STEPS / ours_s, batch * STEPS / theirs_s))
    return Result(max(ours for ours, _ in times), UNIT, max(theirs for _, theirs in times))


def vs_progpy() -> Result:
    """One core at n = 8 against progpy's filter on its own electrochemistry model of 8 states; the models differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from progpy.models import BatteryElectroChemEOD
        from progpy.state_estimators import UnscentedKalmanFilter

        theirs: Any = BatteryElectroChemEOD(process_noise=0, measurement_noise=0)
        first = theirs.initialize()
        seen = theirs.output(first)

        def by_progpy() -> None:
            ukf = UnscentedKalmanFilter(theirs, first)
            for k in range(STEPS):
                ukf.estimate(k + 1.0, theirs.InputContainer({"i": 2.0}), seen, dt=1.0)

        one = data(8, VEHICLES)
        fleet = compile(one.model)
        ours_s, theirs_s = seconds_side_by_side(
            lambda: fleet.assimilate(one.prior, one.inputs, one.measured), by_progpy, rounds=3
        )
    return Result(VEHICLES * STEPS / ours_s, UNIT, STEPS / theirs_s)


def two_threads() -> Result:
    """Two threads against one, n = 6, on a fleet large enough that starting them does not count."""
    one = data(6, 12 * VEHICLES)
    both, single = compile(one.model, threads=2), compile(one.model)
    ours_s, theirs_s = seconds_side_by_side(
        lambda: both.assimilate(one.prior, one.inputs, one.measured),
        lambda: single.assimilate(one.prior, one.inputs, one.measured),
    )
    return Result(12 * VEHICLES * STEPS / ours_s, UNIT, 12 * VEHICLES * STEPS / theirs_s)


def single_precision() -> Result:
    """float32 against float64, n = 6."""
    small, large = data(6, VEHICLES, dtype="float32"), data(6, VEHICLES)
    fast, exact = compile(small.model, dtype="float32"), compile(large.model)
    ours_s, theirs_s = seconds_side_by_side(
        lambda: fast.assimilate(small.prior, small.inputs, small.measured),
        lambda: exact.assimilate(large.prior, large.inputs, large.measured),
    )
    return Result(VEHICLES * STEPS / ours_s, UNIT, VEHICLES * STEPS / theirs_s)


def steps_per_second() -> Result:
    """Predict and update of the unscented filter, n = 6, one core; beside it the extended one."""
    one = data(6, VEHICLES)
    unscented, extended = compile(one.model), compile(one.model, "ekf")
    ours_s, theirs_s = seconds_side_by_side(
        lambda: unscented.assimilate(one.prior, one.inputs, one.measured),
        lambda: extended.assimilate(one.prior, one.inputs, one.measured),
    )
    return Result(VEHICLES * STEPS / ours_s, UNIT, VEHICLES * STEPS / theirs_s)


def bytes_per_twin() -> Result:
    """Mean and covariance of a vehicle at n = 8; beside it with the full covariance."""
    posterior = data(8, 16, steps=1).prior
    full = posterior.mean.nbytes + posterior.covariance.nbytes
    return Result(posterior.nbytes / 16, "bytes", full / 16, higher_is_better=False)


def scaling() -> Result:
    """Throughput with a million vehicles, inputs streamed in blocks, against ten thousand; n = 6."""
    block, blocks = 10_000, 100
    one = data(6, block)
    fleet = compile(one.model)
    million = fleet.init(block * blocks, START)

    def stream(posterior: Posterior, count: int) -> None:
        for first in range(0, count * block, block):
            lanes = slice(first, first + block)
            done = fleet.assimilate(posterior.lanes(lanes), one.inputs, one.measured)
            posterior.put(lanes, done.posterior)

    def repeatedly(times: int) -> None:
        for _ in range(times):
            stream(few, 1)

    few = fleet.init(block, START)
    # As much work on both sides: the million once, the ten thousand as often.
    all_s, few_s = seconds_side_by_side(lambda: stream(million, blocks), lambda: repeatedly(blocks), rounds=3)
    return Result(block * blocks * STEPS / all_s, UNIT, block * blocks * STEPS / few_s)


def _lanes(one: Data, lanes: slice) -> Data:
    inputs = {name: np.ascontiguousarray(values[:, lanes]) for name, values in one.inputs.items()}
    return Data(one.model, one.prior.lanes(lanes), inputs, np.ascontiguousarray(one.measured[:, lanes]))


filterpy_n4, filterpy_n6, filterpy_n8 = vs_filterpy(4), vs_filterpy(6), vs_filterpy(8)
