"""The evaluation of a model alone, without a filter, on the drive cycles of one cell in a climate chamber."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from twinpack.cli.evaluations.lg_files import chamber_name, lg_tests

Metrics = dict[str, Any]

CYCLES = ("UDDS", "LA92", "Mixed1", "Mixed2", "Mixed4", "Mixed5", "Mixed6", "Mixed7")
QUICK_CYCLES = ("Mixed6",)


def open_loop(data: Path, quick: bool) -> Metrics:
    """Open loop with one drive cycle left out of the fit, at every temperature; RMSE of the worst one left out."""
    from twinpack.battery.families import pack_model
    from twinpack.battery.pack import load_pack
    from twinpack.evaluate.open_loop import simulate_trip
    from twinpack.learn.model import learn_model

    tests = lg_tests(data)
    left_out: dict[int, list[float]] = {}
    cycles = [name for name in (QUICK_CYCLES if quick else CYCLES) if any(one.test == name for one in tests)]
    for cycle in cycles:
        train = [one.trip for one in tests if one.test != cycle and not one.test.startswith("Cap")]
        artifact = learn_model(train, load_pack("lg_hg2_3ah"), "thevenin-3rc").artifact
        model = pack_model(artifact["kind"], artifact["model"])
        for one in tests:
            if one.test == cycle:
                error = simulate_trip(model, one.trip) - one.trip.voltage_v
                left_out.setdefault(one.chamber_c, []).append(float(np.sqrt(np.nanmean(error**2))))
    by_temp = {
        f"rmse_mv_{chamber_name(temp)}": 1e3 * max(values) for temp, values in sorted(left_out.items(), reverse=True)
    }
    count = sum(len(values) for values in left_out.values())
    return by_temp | {"n": count, "split": f"one cycle left out at every temperature, in turn: {', '.join(cycles)}"}
