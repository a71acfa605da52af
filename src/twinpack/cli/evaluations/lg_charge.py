"""The evaluation of the state of charge that a filter finds on drive cycles of one cell in a climate chamber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.cli.evaluations.lg_files import LgTest, chamber_name

if TYPE_CHECKING:
    from twinpack.battery.pack_model import PackModel
    from twinpack.evaluate.charge import Found

Metrics = dict[str, Any]


def charge(models: Sequence[tuple[PackModel, Sequence[LgTest]]]) -> Metrics:
    """Wrong starts on cycles that the model was not fitted to.

    Args:
        models: A model and the tests of the cycle left out, for each cycle.

    Returns:
        For each chamber temperature the RMSE of the state of charge from ten minutes on to the end of the cycle: of the
        worst start of all, after a rest and in the middle of a drive, and beside it of the start that nine in ten do
        no worse than. Coverage of the 95 % band is the mean over starts.
    """
    from twinpack.evaluate.charge import find_charge, wrong_starts

    found: dict[tuple[str, int], list[Found]] = {}
    for model, tests in models:
        every = [(one, start) for one in tests for start in wrong_starts(one.trip, one.soc, model.capacity_ah)]
        for (one, start), result in zip(every, find_charge(model, [start for _, start in every]), strict=True):
            found.setdefault(("rested" if start.rested else "middrive", one.chamber_c), []).append(result)
    metrics: Metrics = {}
    for (kind, temp), results in sorted(found.items(), key=lambda item: (item[0][0] != "rested", -item[0][1])):
        errors = 100.0 * np.array([one.rmse for one in results])
        metrics[f"soc_{kind}_pct_{chamber_name(temp)}"] = float(errors.max())
        metrics[f"soc_{kind}_p90_pct_{chamber_name(temp)}"] = float(np.quantile(errors, 0.9))
    for kind in ("rested", "middrive"):
        of_kind = [one for (which, _), results in found.items() if which == kind for one in results]
        if of_kind:
            metrics[f"soc_{kind}_coverage_95_pct"] = 100.0 * float(np.mean([one.coverage for one in of_kind]))
    every_one = [one for results in found.values() for one in results]
    return metrics | {"soc_diverged": sum(one.diverged for one in every_one), "soc_starts": len(every_one)}
