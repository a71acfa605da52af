"""Small networks with weights that are drawn, for models that hold one."""

from __future__ import annotations

import numpy as np

from twinpack.battery.bounded import Bounded
from twinpack.filters.network import Network

RANGES = {"soc": (0.2, 0.9), "current_a": (-200.0, 100.0), "temp_c": (5.0, 35.0)}
"""Of the others: -50 to 50."""


def bounded(*of: str, size: float = 0.05) -> Bounded:
    rng = np.random.default_rng(5)
    weights = [rng.normal(0.0, 0.8, (len(of), 4)), rng.normal(0.0, 1.0, (4, 1))]
    ranges = [RANGES.get(name, (-50.0, 50.0)) for name in of]
    centre = [0.5 * (low + high) for low, high in ranges]
    scale = [0.3 * (high - low) for low, high in ranges]
    net = Network.of(weights, [rng.normal(0.0, 0.1, 4), np.zeros(1)], centre, scale, size)
    return Bounded(net, of, tuple(low for low, _ in ranges), tuple(high for _, high in ranges))
