"""What the network of a hybrid costs in the kernel, beside the circuit that it corrects."""

from __future__ import annotations

import numpy as np

from benchmarks.result import Result, seconds_side_by_side
from twinpack.battery.bounded import Bounded
from twinpack.battery.hybrid import Hybrid
from twinpack.battery.models import thevenin_3rc
from twinpack.filters import Posterior, compile
from twinpack.filters.network import Network

VEHICLES, STEPS, UNITS = 1024, 100, 8


def beside_its_physics() -> Result:
    """Filter steps in a second of a hybrid with eight units, and of its circuit with three RC pairs, on one core."""
    physics = thevenin_3rc()
    of = ("soc", "current_a", "temp_c", "u1_v", "u2_v", "u3_v")
    rng = np.random.default_rng(3)
    weights = [rng.normal(0.0, 0.3, (len(of), UNITS)), rng.normal(0.0, 0.3, (UNITS, 1))]
    scale = (0.25, 50.0, 10.0, 0.01, 0.01, 0.02)
    network = Network.of(weights, [np.zeros(UNITS), np.zeros(1)], (0.5, 0.0, 20.0, 0.0, 0.0, 0.0), scale, 0.01)
    wide = tuple(10.0 * one for one in scale)
    hybrid = compile(Hybrid(physics, Bounded(network, of, tuple(-one for one in wide), wide)))
    circuit = compile(physics)
    sds = [0.02, *(0.005 for _ in physics.dynamic[1:]), *(one.sd for one in physics.living)]
    means = [0.7, *(0.0 for _ in physics.dynamic[1:]), *(one.mean for one in physics.living)]
    prior = Posterior.of(
        np.repeat(np.array(means)[:, None], VEHICLES, axis=1),
        np.repeat(np.diag(np.square(sds))[:, :, None], VEHICLES, axis=2),
    )
    current = np.repeat((-30.0 + 60.0 * np.sin(np.arange(STEPS) / 5.0))[:, None], VEHICLES, axis=1)
    inputs = {
        "current_a": current,
        "interval_start_a": np.vstack([current[:1], current[:-1]]),
        "interval_end_a": current,
        "dt_s": np.full(current.shape, 10.0),
        "temp_c": np.full(current.shape, 15.0),
    }
    measured = np.full(current.shape, physics.series * 3.7)
    ours_s, theirs_s = seconds_side_by_side(
        lambda: hybrid.assimilate(prior, inputs, measured), lambda: circuit.assimilate(prior, inputs, measured)
    )
    return Result(VEHICLES * STEPS / ours_s, "vehicle steps/s", VEHICLES * STEPS / theirs_s)
