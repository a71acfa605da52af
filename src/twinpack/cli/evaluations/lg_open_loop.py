"""The evaluation of a model alone, without a filter, on the drive cycles of one cell in a climate chamber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.cli.evaluations.lg_files import LgTest, chamber_name

if TYPE_CHECKING:
    from twinpack.battery.pack_model import PackModel

Metrics = dict[str, Any]


def open_loop(models: Sequence[tuple[PackModel, Sequence[LgTest]]]) -> Metrics:
    """Open loop from the true start on cycles that the model was not fitted to; RMSE of the worst at each temperature.

    Args:
        models: A model and the tests of the cycle left out, for each cycle.
    """
    from twinpack.evaluate.open_loop import simulate_trip

    found: dict[int, list[float]] = {}
    for model, tests in models:
        for one in tests:
            error = simulate_trip(model, one.trip) - one.trip.voltage_v
            found.setdefault(one.chamber_c, []).append(float(np.sqrt(np.nanmean(error**2))))
    by_temp = {
        f"rmse_mv_{chamber_name(temp)}": 1e3 * max(values) for temp, values in sorted(found.items(), reverse=True)
    }
    return by_temp | {"n": sum(len(values) for values in found.values())}
