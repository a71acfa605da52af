"""Sobol's indices of a compiled model, all runs side by side, against evaluating one run after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.result import Result
from twinpack.battery.models import typical_circuit
from twinpack.battery.pack import load_pack
from twinpack.battery.thevenin import Thevenin
from twinpack.filters import Living
from twinpack.filters.simulate import Simulator
from twinpack.learn.sobol import Factor, Floats, design, indices

SAMPLES, STEPS = 1024, 100
SUBSAMPLE = 64
"""Runs that the loop in NumPy is timed on; its time is scaled to all."""

LIVING = (
    Living("capacity_scale", 0.95, 0.05, 0.0, 0.3, 1.6),
    Living("r0_scale", 1.1, 0.15, 0.0, 0.2, 5.0),
    Living("r_scale", 1.0, 0.2, 0.0, 0.1, 6.0),
    Living("slow_scale", 1.0, 0.2, 0.0, 0.1, 6.0),
    Living("ea0_scale", 1.0, 0.25, 0.0, -1.0, 4.0),
    Living("ea1_scale", 1.0, 0.25, 0.0, -1.0, 4.0),
    Living("ea2_scale", 1.0, 0.25, 0.0, -1.0, 4.0),
    Living("offset_v", 0.0, 0.004, 0.0, -0.1, 0.1),
)


class Case:
    """A pack of three RC pairs with eight living parameters on a cold drive of 100 steps of 10 s."""

    def __init__(self) -> None:
        """Draw the drive; compile the kernel."""
        self.model = Thevenin(replace(typical_circuit(load_pack("sim_nmc_96s"), 3), living=LIVING))
        self.factors = tuple(Factor(one.name, one.lower, one.upper, one.mean, one.sd) for one in LIVING)
        current = np.repeat(np.random.default_rng(1).normal(-60.0, 80.0, STEPS // 4), 4)
        self.inputs = {
            "current_a": current,
            "interval_start_a": np.concatenate([current[:1], current[:-1]]),
            "interval_end_a": current,
            "dt_s": np.full(STEPS, 10.0),
            "temp_c": np.linspace(-5.0, 10.0, STEPS),
        }
        self.compiled, self.plain = Simulator(self.model), Simulator(self.model, "numpy")
        self.whole()

    def starts(self) -> Floats:
        """States at the start and parameters of every run."""
        values = design(self.factors, SAMPLES)
        states = np.zeros((len(self.model.dynamic), values.shape[1]))
        states[0] = 0.8
        return np.concatenate([states, values])

    def whole(self) -> Floats:
        """Design, runs and SALib's analysis of the curve."""
        return indices(self.factors, self.compiled.run(self.starts(), self.inputs).T).total

    def rest(self) -> Floats:
        """The same without the runs, on curves that are there already: what the loops below need besides."""
        self.starts()
        return indices(self.factors, self._outputs).total

    def keep(self) -> int:
        """Keep the curves for `rest`; how many runs there are."""
        self._outputs = self.compiled.run(self.starts(), self.inputs).T
        return len(self._outputs)


def vs_loop() -> Result:
    """Against the NumPy reference, one run at a time, timed on some of the runs and scaled to all of them."""
    case = Case()
    return _against(case, case.plain, SUBSAMPLE)


def vs_compiled_loop() -> Result:
    """Against the same kernel, called for one run at a time, all of them; of both sides the runs alone."""
    case = Case()
    starts = case.starts()
    count = starts.shape[1]
    every = [starts[:, at : at + 1] for at in range(count)]
    for one in every[:3]:
        np.testing.assert_allclose(case.compiled.run(one, case.inputs), case.plain.run(one, case.inputs), rtol=1e-9)
    ours_s = min(_seconds(lambda: case.compiled.run(starts, case.inputs)) for _ in range(5))
    theirs_s = _seconds(lambda: [case.compiled.run(one, case.inputs) for one in every])
    return Result(ours_s, "s", theirs_s, higher_is_better=False)


def _against(case: Case, loop: Simulator, subsample: int) -> Result:
    """Seconds for everything: ours, and with the runs made by a loop over some of them."""
    count = case.keep()
    starts = case.starts()
    some = [starts[:, at : at + 1] for at in range(0, count, count // subsample)]
    ours_s = sorted(_seconds(case.whole) for _ in range(5))[2]
    rest_s = sorted(_seconds(case.rest) for _ in range(3))[1]
    loop_s = _seconds(lambda: [loop.run(one, case.inputs) for one in some]) / len(some) * count
    return Result(ours_s, f"s for {count:,} runs", loop_s + rest_s, higher_is_better=False)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
