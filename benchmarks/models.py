"""The model of the filter benchmarks, and data for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.ocv import ocv_table
from twinpack.filters import Living, Model, Posterior, Scalar, compile
from twinpack.filters.ops import exp, interp

Floats = npt.NDArray[np.float64]

GRID = np.linspace(0.0, 1.0, 101)
OCV_V = np.asarray(ocv_table("nmc811").linear(GRID), dtype=np.float64)
CAPACITY_AS = 3600.0 * 60.0
R0_OHM, R1_OHM, TAU1_S, R2_OHM, TAU2_S = 0.0010, 0.0005, 30.0, 0.0007, 600.0

_LIVING = {4: ("r0_scale", "q_scale"), 6: ("r0_scale", "q_scale", "r1_scale", "offset_v")}
_LIVING[8] = (*_LIVING[6], "r2_scale")


class Joint(Model):
    """A cell: charge, one RC pair (two for n = 8), and scales of resistance and capacity that live; n = 4, 6 or 8."""

    inputs = ("current_a", "dt_s")

    def __init__(self, size: int) -> None:
        """Take n."""
        self.pairs = 2 if size == 8 else 1
        self.dynamic = ("soc", "u1_v", "u2_v")[: 1 + self.pairs]
        spread = {"offset_v": (0.0, 0.01)}
        self.living = tuple(Living(name, *spread.get(name, (1.0, 0.1))) for name in _LIVING[size])
        self._has = set(_LIVING[size])

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Coulomb counting, and RC pairs exactly for a held current."""
        moved = [x["soc"] + u["current_a"] * u["dt_s"] / CAPACITY_AS / x["q_scale"]]
        for i, (r_ohm, tau_s) in enumerate(((R1_OHM, TAU1_S), (R2_OHM, TAU2_S))[: self.pairs], 1):
            a = exp(-u["dt_s"] / tau_s)
            scale = x[f"r{i}_scale"] if f"r{i}_scale" in self._has else 1.0
            moved.append(a * x[f"u{i}_v"] + r_ohm * scale * (1.0 - a) * u["current_a"])
        return tuple(moved)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Voltage of the cell."""
        voltage = interp(x["soc"], GRID, OCV_V) + R0_OHM * x["r0_scale"] * u["current_a"]
        for i in range(self.pairs):
            voltage = voltage + x[f"u{i + 1}_v"]
        return voltage + x["offset_v"] if "offset_v" in self._has else voltage

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Small walks."""
        return (1e-9 * u["dt_s"], *[1e-7 * u["dt_s"]] * self.pairs)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """About 3 mV."""
        return 1e-5


START = {"soc": (0.8, 0.02), "u1_v": (0.0, 0.01), "u2_v": (0.0, 0.01)}


@dataclass(frozen=True)
class Data:
    """Simulated measurements of B vehicles over T steps, and where they start."""

    model: Joint
    prior: Posterior
    inputs: dict[str, Floats]
    measured: Floats


def data(size: int, vehicles: int, steps: int = 100, dtype: str = "float64") -> Data:
    """Drives with braking at 1 s, predicted from the prior, with noise."""
    rng = np.random.default_rng(1)
    model = Joint(size)
    fleet = compile(model, dtype="float32" if dtype == "float32" else "float64")
    current = rng.normal(-20.0, 60.0, (steps, vehicles))
    inputs = {"current_a": current, "dt_s": np.ones((steps, vehicles))}
    prior = fleet.init(vehicles, START)
    expected = fleet.predict(prior, inputs).mean
    measured = expected + rng.normal(0.0, 0.003, (steps, vehicles))
    return Data(
        model,
        prior,
        {name: values.astype(dtype) for name, values in inputs.items()},
        np.asarray(measured, dtype=dtype),
    )
