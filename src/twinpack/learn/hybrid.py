"""Train the network of a hybrid on what the physics leaves over whole trips, open loop, not from one step to the next.

A one-step residual teaches what a filter corrects anyway. What a prediction misses after an hour is the multi-step one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.bounded import Bounded
from twinpack.battery.families import HYBRID, pack_model
from twinpack.battery.hybrid import correction
from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel
from twinpack.errors import LearningError
from twinpack.learn.card import data_of, make_card
from twinpack.learn.learned import Learned
from twinpack.learn.paths import Run, open_loop
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.regression import NetworkSettings, Trained, train
from twinpack.learn.residual import split_residual
from twinpack.learn.rows import TripRows, group_of_trips, residuals, rmse, task_of

Floats = npt.NDArray[np.float64]

SETTINGS = NetworkSettings()

LEAST_GAIN = 0.05
"""A network that takes off less than this share of the physics' error is not worth what it costs."""


def learn_hybrid(
    trips: Sequence[TrainingTrip],
    pack: PackSpec,
    physics: Learned,
    settings: NetworkSettings = SETTINGS,
    tell: Tell = silent,
) -> Learned:
    """Physics with a network of what it leaves.

    Args:
        trips: What the physics was learned from.
        pack: The pack.
        physics: A prototype of a kind of physics.
        settings: How the network is trained.
        tell: Is told of progress.

    Raises:
        LearningError: There are too few trips, or the physics leaves nothing that a network can tell beforehand.
    """
    kind, values = physics.artifact["kind"], physics.artifact["model"]
    model = pack_model(kind, values)
    paths = open_loop(model, trips)
    rows = [
        TripRows(trip, path.values, trip.voltage_v - path.voltage_v) for trip, path in zip(trips, paths, strict=True)
    ]
    names = ("soc", "current_a", "temp_c", *(name for name in model.dynamic if name.startswith("u")))
    trained = train(
        task_of(rows, names, pack.capacity_ah, settings.rows),
        settings,
        f"what {kind} leaves of {pack.name}",
        f"give it more trips (--trips first:N), or learn {kind} alone",
        tell,
    )
    errors = [_left(one, judge) for one, judge in zip(rows, _judges(trained, trips), strict=True)]
    alone, together = rmse([-one.target for one in rows]), rmse(errors)
    if together > (1.0 - LEAST_GAIN) * alone:
        raise LearningError(
            f"{kind} of {pack.name} leaves {1e3 * alone:.1f} mV a cell and a network leaves {1e3 * together:.1f} mV of "
            f"trips that it has not seen: there is nothing to correct; learn {kind} alone"
        )
    noise = split_residual(residuals(rows, errors, [_drop(model, path) for path in paths]))
    threshold = round(float(pack.series * max(2.0 * together, 0.002)), 3)
    artifact = {
        "pack": pack.name,
        "kind": HYBRID,
        "model": {
            "kind": kind,
            "physics": {**values, "noise": asdict(noise)},
            "residual": trained.network.to_dict(),
        },
        "threshold_v": threshold,
    }
    own = rmse([_left(one, trained.network) for one in rows])
    return Learned(artifact, _card(trips, pack, physics, trained, settings, (own, together, alone), threshold))


def _judges(trained: Trained, trips: Sequence[TrainingTrip]) -> list[Bounded]:
    return [trained.judges[group] for group in group_of_trips(trips)]


def _left(rows: TripRows, network: Bounded) -> Floats:
    """What is still wrong with a network's correction, simulated less measured, V, shape (N,)."""
    return np.asarray(correction(network, rows.values) - rows.target, dtype=np.float64)


def _drop(model: PackModel, path: Run) -> Floats:
    """What the current changes at once of a group's voltage, V, shape (N,)."""
    x = dict(path.values) | {one.name: np.float64(one.mean) for one in model.living}
    at_rest = {**path.values, "current_a": np.zeros_like(path.voltage_v)}
    return np.asarray(path.voltage_v - model.measure(x, at_rest) / model.series)


def _card(
    trips: Sequence[TrainingTrip],
    pack: PackSpec,
    physics: Learned,
    trained: Trained,
    settings: NetworkSettings,
    errors: tuple[float, float, float],
    threshold: float,
) -> dict[str, Any]:
    own, together, alone = errors
    return make_card(
        pack=pack.name,
        kind=HYBRID,
        data=data_of(trips),
        metrics={
            "rmse_v": own * pack.series,
            "held_out_rmse_v": together * pack.series,
            "physics_rmse_v": alone * pack.series,
        },
        limits=physics.card["limits"],
        figures={
            **physics.card["figures"],
            "threshold_v": threshold,
            "physics": physics.artifact["kind"],
            "gain_pct": 100.0 * (1.0 - together / alone),
        },
        settings={"network": asdict(settings) | {"penalty": trained.penalty, "seed": trained.seed}}
        | {"physics": physics.card["settings"]},
        warnings=physics.card["warnings"],
    )
