"""Whether a network makes physics better: a hybrid against its own physics, open loop, on data new to both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twinpack.battery.pack import PackSpec
    from twinpack.cli.evaluations.lg_files import LgTest
    from twinpack.learn.learned import Learned
    from twinpack.learn.prototype import TrainingTrip

Metrics = dict[str, Any]


def against_physics(
    taught: Sequence[TrainingTrip], judged: Sequence[TrainingTrip], pack: PackSpec, physics: Learned
) -> tuple[list[float], list[float]]:
    """RMSE of each judged trip, of the physics and of a hybrid of it that learned from the same trips, V a cell.

    Where a hybrid is refused, because its network does not hold on what it has not seen, the physics is what remains.
    """
    from twinpack.errors import LearningError
    from twinpack.learn.hybrid import learn_hybrid

    alone = errors_v(physics, judged)
    try:
        return alone, errors_v(learn_hybrid(taught, pack, physics), judged)
    except LearningError:
        return alone, alone


def cycles_left_out(tests: Sequence[LgTest], cycles: Sequence[str], kind: str) -> Metrics:
    """A circuit and its hybrid on each cycle of one cell in a climate chamber, learned from the others."""
    from twinpack.battery.pack import load_pack
    from twinpack.learn.model import learn_model

    pack = load_pack("lg_hg2_3ah")
    physics: list[float] = []
    hybrid: list[float] = []
    for cycle in cycles:
        taught = [one.trip for one in tests if one.test != cycle and not one.test.startswith("Cap")]
        judged = [one.trip for one in tests if one.test == cycle]
        alone, together = against_physics(taught, judged, pack, learn_model(taught, pack, kind))
        physics, hybrid = physics + alone, hybrid + together
    return gain(physics, hybrid)


def errors_v(learned: Learned, trips: Sequence[TrainingTrip]) -> list[float]:
    """RMSE of each trip, open loop from the told start, V a cell."""
    from twinpack.battery.families import pack_model
    from twinpack.learn.paths import open_loop

    runs = open_loop(pack_model(learned.artifact["kind"], learned.artifact["model"]), trips)
    return [
        float(np.sqrt(np.nanmean((run.voltage_v - trip.voltage_v) ** 2))) for run, trip in zip(runs, trips, strict=True)
    ]


def gain(physics_v: Sequence[float], hybrid_v: Sequence[float]) -> Metrics:
    """Both errors over trips that count alike, and how much smaller the hybrid's is."""
    physics, hybrid = (float(np.sqrt(np.mean(np.square(one)))) for one in (physics_v, hybrid_v))
    return {
        "physics_rmse_mv": 1e3 * physics,
        "hybrid_rmse_mv": 1e3 * hybrid,
        "hybrid_gain_pct": 100.0 * (1.0 - hybrid / physics),
        "hybrid_better_pct": 100.0 * float(np.mean(np.array(hybrid_v) < np.array(physics_v))),
    }


def bench_physics(trips: Sequence[TrainingTrip], pack: PackSpec, pairs: int) -> Learned:
    """The best circuit there is for tests on a bench at one temperature: fine tables, capacity by a slow discharge."""
    from dataclasses import replace

    from twinpack.learn.chambers import chamber_circuit, fit_chambers
    from twinpack.learn.learned import Learned

    found = fit_chambers([trips], pack, pairs)
    circuit = replace(
        chamber_circuit(found, pack, trips),
        temps_c=(),
        ocv_at_v=(),
        r0_at_ohm=(),
        pairs_at_ohm=(),
        noise=found.reference.noise,
    )
    artifact = {"pack": pack.name, "kind": f"thevenin-{pairs}rc", "model": circuit.to_dict(), "threshold_v": 0.1}
    return Learned(artifact, {"limits": {}, "figures": {}, "settings": {}, "warnings": []})
