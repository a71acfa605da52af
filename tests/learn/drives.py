"""Drives of a pack whose prototype is known, as training trips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.ocv import ocv_table
from twinpack.battery.thevenin import Circuit, Thevenin
from twinpack.filters import Living
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]
SOC_GRID = tuple(round(0.05 * i, 2) for i in range(21))
R_GRID = (0.0, 0.1, 0.25, 0.5, 1.0)
OCV_V: Floats = np.asarray(ocv_table("nmc811").pchip(np.array(SOC_GRID)), dtype=np.float64)
OHM = 0.05 / 60.0

TRUTH = Circuit(
    series=1,
    capacity_ah=60.0,
    soc=SOC_GRID,
    ocv_v=tuple(float(v) for v in OCV_V),
    r_soc=R_GRID,
    r0_ohm=tuple(OHM * one for one in (1.8, 1.6, 1.5, 1.4, 1.4)),
    pairs_ohm=(
        tuple(OHM * one for one in (0.6, 0.5, 0.5, 0.4, 0.4)),
        tuple(OHM * one for one in (0.9, 0.7, 0.6, 0.6, 0.5)),
    ),
    tau_s=(38.0, 500.0),
    ea0_j_mol=24e3,
    ea1_j_mol=17e3,
    living=(
        Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
        Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
        Living("r_scale", 1.0, 0.15, 0.006, 0.1, 6.0),
        Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
    ),
)


def drives(
    vehicles: int, each: int, steps: int = 120, seed: int = 1, noise_v: float = 0.0005, **truth: Any
) -> list[TrainingTrip]:
    """Trips of 10 s steps from well charged to half empty and below, at 0 to 35 °C; every third is a charge."""
    rng = np.random.default_rng(seed)
    lanes = vehicles * each
    time: Floats = np.arange(steps) * np.float64(10.0)
    level = 60.0 * np.repeat(rng.uniform(-2.0, 0.5, (steps // 4 + 1, lanes)), 4, axis=0)[:steps]
    charging = np.arange(lanes) % 3 == 2
    current = np.where(charging, 40.0 + 0.1 * level, level)
    soc = np.where(charging, rng.uniform(0.05, 0.4, lanes), rng.uniform(0.6, 0.98, lanes))
    temp = rng.uniform(0.0, 35.0, lanes) + np.zeros((steps, 1))
    voltage = run(replace(TRUTH, **truth), time, current, temp, soc) + noise_v * rng.standard_normal((steps, lanes))
    return [
        TrainingTrip(f"v{lane // each}", time, voltage[:, lane], current[:, lane], temp[:, lane], float(soc[lane]))
        for lane in range(lanes)
    ]


def run(circuit: Circuit, time: Floats, current: Floats, temp: Floats, soc: Floats) -> Floats:
    """Voltage of a group, shape (T, B)."""
    model = Thevenin(circuit)
    x: dict[str, Any] = {name: np.zeros(len(soc)) for name in model.dynamic} | {"soc": soc}
    x |= {one.name: np.full(len(soc), one.mean) for one in model.living}
    before = np.vstack([current[:1], current[:-1]])
    dt = np.diff(time, prepend=time[:1])
    voltage = np.empty(current.shape)
    for k in range(len(time)):
        u = {
            "current_a": current[k],
            "interval_start_a": before[k],
            "interval_end_a": current[k],
            "dt_s": np.full(len(soc), dt[k]),
            "temp_c": temp[k],
        }
        x |= dict(zip(model.dynamic, model.transition(x, u), strict=True))
        voltage[k] = model.measure(x, u)
    return voltage
