"""Train a pack's voltage as a network that knows no physics: from charge, current, temperature and what went before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from twinpack.battery.bounded import Bounded
from twinpack.battery.families import NETWORK
from twinpack.battery.network_pack import NetworkCell, NetworkPack, low_name
from twinpack.battery.pack import PackSpec
from twinpack.filters.model import Living
from twinpack.filters.network import Network
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.checks import check_trips
from twinpack.learn.learned import Learned
from twinpack.learn.paths import open_loop
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.regression import NetworkSettings, Task, evaluate, train
from twinpack.learn.residual import split_residual
from twinpack.learn.rows import TripRows, group_of_trips, residuals, rmse, task_of

Floats = npt.NDArray[np.float64]

SETTINGS = NetworkSettings(hidden=(16,), penalties=(0.1, 3.0), iterations=400)

TAU_S = (30.0, 600.0)
"""Time constants of the low-passed currents: diffusion over seconds and over minutes."""

GRID = tuple(round(0.05 * i, 2) for i in range(21))

LOADED_C_RATE = 0.2
"""Currents from here on tell the resistance."""


def learn_network(
    trips: Sequence[TrainingTrip], pack: PackSpec, settings: NetworkSettings = SETTINGS, tell: Tell = silent
) -> Learned:
    """A prototype whose voltage is a network.

    Args:
        trips: The training trips.
        pack: What they were driven with; beyond the charge seen its OCV table is followed.
        settings: How the network is trained.
        tell: Is told of progress.

    Raises:
        LearningError: There are too few trips, or no network can be trained on them.
    """
    thin = check_trips(trips, pack)
    names = ("soc", "current_a", "temp_c", *(low_name(i) for i in range(len(TAU_S))))
    blank = _cell(pack, _silent(names), len({trip.vehicle_id for trip in trips}))
    paths = open_loop(NetworkPack(blank), trips)
    rows = [TripRows(trip, path.values, trip.voltage_v) for trip, path in zip(trips, paths, strict=True)]
    task = task_of(rows, names, pack.capacity_ah, settings.rows)
    trained = train(
        task, settings, f"a network of {pack.name}", "give it more trips (--trips first:N), or learn thevenin-2rc", tell
    )
    judges = [trained.judges[group] for group in group_of_trips(trips)]
    errors = [evaluate(judge, one.inputs(names)) - one.target for judge, one in zip(judges, rows, strict=True)]
    cell = _measured(blank, trained.network, task, rows, errors)
    together = rmse(errors)
    threshold = round(float(pack.series * max(2.0 * together, 0.002)), 3)
    card = make_card(
        pack=pack.name,
        kind=NETWORK,
        data=data_of(trips),
        metrics={
            "rmse_v": pack.series * rmse([evaluate(trained.network, one.inputs(names)) - one.target for one in rows]),
            "held_out_rmse_v": pack.series * together,
        },
        limits={
            "soc": span(one.values["soc"] for one in rows),
            "temp_c": span(trip.temp_c for trip in trips),
            "c_rate": span(trip.current_a / pack.capacity_ah for trip in trips),
        },
        figures={"threshold_v": threshold},
        settings=asdict(settings) | {"penalty": trained.penalty, "seed": trained.seed},
        warnings=[*thin, "a network knows no physics: outside its limits it stays at their edge and its band widens"],
    )
    return Learned({"pack": pack.name, "kind": NETWORK, "model": cell.to_dict(), "threshold_v": threshold}, card)


def _silent(names: tuple[str, ...]) -> Bounded:
    """A network that says nothing, to run the states that a trained one will read."""
    width = len(names)
    return Bounded(Network.of([np.zeros((width, 1))], [np.zeros(1)]), names, (-1e9,) * width, (1e9,) * width)


def _cell(pack: PackSpec, network: Bounded, vehicles: int) -> NetworkCell:
    capacity_sd = max(0.2 / np.sqrt(vehicles), 0.04)
    living = (
        Living("capacity_scale", 1.0, float(capacity_sd), 0.001, 0.3, 1.6),
        Living("r0_scale", 1.0, 0.15, 0.004, 0.2, 5.0),
        Living("beyond_scale", 1.0, 0.5, 0.004, 0.0, 4.0),
        Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
    )
    table = tuple(float(one) for one in np.asarray(pack.ocv.pchip(np.array(GRID))))
    return NetworkCell(pack.series, pack.capacity_ah, GRID, table, network, TAU_S, 0.05 / pack.capacity_ah, 0.0, living)


def _measured(
    blank: NetworkCell, network: Bounded, task: Task, rows: Sequence[TripRows], errors: Sequence[Floats]
) -> NetworkCell:
    """The prototype with noise and start as its errors on trips left out show them."""
    load = evaluate(network, task.inputs) - evaluate(network, task.inputs * np.isin(task.names, ("soc", "temp_c")))
    current = task.inputs[:, task.names.index("current_a")]
    loaded = np.abs(current) > LOADED_C_RATE * blank.capacity_ah
    found = float(np.median(load[loaded] / current[loaded])) if loaded.any() else 0.0
    resistance = max(found, 0.2 * blank.resistance_ohm)
    drops = [resistance * one.trip.current_a for one in rows]
    means = np.array([float(np.nanmean(one)) for one in errors if np.isfinite(one).any()])
    return replace(
        blank,
        network=network,
        resistance_ohm=resistance,
        beyond_v=float(load.std()),
        noise=split_residual(residuals(rows, errors, drops)),
        trip_v=max(float(np.sqrt(np.mean(means**2))), 0.002),
    )
