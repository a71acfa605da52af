"""Learn how cells warm and cool: heat capacity, conductance to the air, and entropy over the state of charge.

What is lost inside is known, I (V - OCV). Of a lumped balance with a given time constant the temperature is linear in
the rest (one over the conductance, entropy over the conductance, the air's offset), so that one unknown is searched and
the others are a ridge regression (Golub and Pereyra 1973). Errors are those of whole trips, from the air's temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from twinpack.battery.heat import CellHeat, HeatBalance
from twinpack.battery.pack import PackSpec
from twinpack.battery.thevenin import KELVIN
from twinpack.errors import LearningError
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.learned import Learned
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]

KIND = "heat"

LEAST_RISE_C = 2.0
"""Trips that warm a cell by less do not tell its heat from its sensor."""


@dataclass(frozen=True)
class HeatSettings:
    """Priors of the fit.

    Attributes:
        entropy_grid: States of charge with an entropy.
        entropy_v_k: Standard deviation of dOCV/dT, V/K.
        entropy_step_v_k: Of its change from one point of the grid to the next.
        tau_s: Shortest and longest time constant that is looked for, s.
        error_c: Error of the model, K, with which the data are weighed against the priors.
        independent: Independent errors in a trip.
        steps: Steps of a trip that are used at most.
    """

    entropy_grid: tuple[float, ...] = tuple(round(0.1 * i, 1) for i in range(11))
    entropy_v_k: float = 3e-4
    entropy_step_v_k: float = 1e-4
    tau_s: tuple[float, float] = (60.0, 14_400.0)
    error_c: float = 0.4
    independent: float = 5.0
    steps: int = 400


@dataclass(frozen=True)
class HeatTrip:
    """One session of a cell whose temperature was measured; N steps.

    Attributes:
        vehicle_id: Whose.
        time_s: Since its start, shape (N,).
        current_a: Positive charges, shape (N,).
        voltage_v: Of one series group, V, shape (N,).
        soc: State of charge, 0 to 1, shape (N,).
        ambient_c: Temperature of the air as told, shape (N,).
        temp_c: Of the cell's surface, NaN where missing, shape (N,); a prediction does not read it.
        start_us: When it began, microseconds since the epoch; 0 where that is not known.
    """

    vehicle_id: str
    time_s: Floats
    current_a: Floats
    voltage_v: Floats
    soc: Floats
    ambient_c: Floats
    temp_c: Floats
    start_us: int = 0


def heat_trip(trip: TrainingTrip, capacity_ah: float, ambient_c: float | Floats) -> HeatTrip:
    """A training trip in air of a temperature, its charge counted from the start that was told."""
    soc = trip.soc + trip.passed_ah / capacity_ah
    ambient = np.broadcast_to(np.asarray(ambient_c, dtype=np.float64), trip.time_s.shape)
    return HeatTrip(trip.vehicle_id, trip.time_s, trip.current_a, trip.voltage_v, soc, ambient, trip.temp_c)


def learn_heat(
    trips: Sequence[HeatTrip], pack: PackSpec, soc: Floats, ocv_v: Floats, settings: HeatSettings | None = None
) -> Learned:
    """The heat balance of a pack's series groups, with a card whose error is of vehicles left out in turn.

    Args:
        trips: What to learn from.
        pack: The pack.
        soc: Grid of the open-circuit voltage, shape (N,).
        ocv_v: Open-circuit voltage of one cell on it, V, shape (N,).
        settings: Priors.

    Raises:
        LearningError: The trips hardly warm the cells, or nothing of them is known.
    """
    chosen = settings or HeatSettings()
    balance = fit_heat(trips, soc, ocv_v, chosen)
    metrics = {"rmse_c": rmse_c(balance, trips)}
    names = sorted({trip.vehicle_id for trip in trips})
    if len(names) > 1:
        errors = []
        for name in names:
            others = [trip for trip in trips if trip.vehicle_id != name]
            judge = fit_heat(others, soc, ocv_v, chosen)
            errors.append(rmse_c(judge, [trip for trip in trips if trip.vehicle_id == name]))
        metrics["held_out_rmse_c"] = float(np.sqrt(np.mean(np.square(errors))))
    error = metrics.get("held_out_rmse_c", metrics["rmse_c"])
    balance = replace(balance, error_c=max(error, 0.05))
    card = make_card(
        pack=pack.name,
        kind=KIND,
        data=data_of(trips),
        metrics=metrics,
        limits={
            "soc": span(trip.soc for trip in trips),
            "temp_c": span(trip.temp_c for trip in trips),
            "c_rate": span(trip.current_a / pack.capacity_ah for trip in trips),
        },
        figures={
            "heat_capacity_j_k": balance.heat_capacity_j_k,
            "conductance_w_k": balance.conductance_w_k,
            "air_k": balance.air_k,
        },
        settings=asdict(chosen),
    )
    return Learned({"pack": pack.name, "kind": KIND, "model": balance.to_dict()}, card)


def fit_heat(trips: Sequence[HeatTrip], soc: Floats, ocv_v: Floats, settings: HeatSettings) -> HeatBalance:
    """The balance that explains the temperatures of whole trips best.

    Raises:
        LearningError: The trips hardly warm the cells, or nothing of them is known.
    """
    known = [trip for trip in trips if np.isfinite(trip.temp_c).any()]
    rise = max((float(np.nanmax(trip.temp_c) - np.nanmin(trip.temp_c)) for trip in known), default=0.0)
    if rise < LEAST_RISE_C:
        raise LearningError(
            f"the trips change a cell's temperature by {rise:.1f} °C, at least {LEAST_RISE_C:.0f} °C are needed to "
            "tell heat capacity and cooling: give trips with more current"
        )
    sources = [_sources(trip, soc, ocv_v, settings) for trip in known]

    def cost(log_tau: float) -> float:
        return _solved(known, sources, float(np.exp(log_tau)), settings)[1]

    low, high = np.log(settings.tau_s)
    tau = float(np.exp(minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 0.01}).x))
    found, _ = _solved(known, sources, tau, settings)
    if not np.isfinite(found).all() or found[0] <= 0.0:
        raise LearningError(
            "the cells do not warm with what is lost inside them: check the sign of the current and the OCV table"
        )
    conductance = 1.0 / float(found[0])
    return HeatBalance(
        soc=_tuple(soc),
        ocv_v=_tuple(ocv_v),
        entropy_soc=settings.entropy_grid,
        entropy_v_k=_tuple(found[1:-1] * conductance),
        heat_capacity_j_k=tau * conductance,
        conductance_w_k=conductance,
        air_k=float(found[-1]),
    )


def surface_c(balance: HeatBalance, trip: HeatTrip, start_c: float | None = None) -> Floats:
    """Temperature over a trip, open loop: from current, voltage, charge, ambient temperature and time alone.

    Args:
        balance: The balance.
        trip: Its measured temperature is not read.
        start_c: Temperature at the start; by default that of the air.

    Returns:
        °C, shape (N,).
    """
    model, inputs = CellHeat(balance), _means(trip)
    x = {one.name: one.mean for one in model.living}
    x["temp_c"] = float(trip.ambient_c[0]) + balance.air_k if start_c is None else start_c
    found = np.empty(len(trip.time_s))
    for k in range(len(found)):
        (x["temp_c"],) = model.transition(x, {name: values[k] for name, values in inputs.items()})
        found[k] = x["temp_c"]
    return found


def rmse_c(balance: HeatBalance, trips: Sequence[HeatTrip]) -> float:
    """Root of the mean square open-loop error over every measured step of some trips, °C."""
    errors = np.concatenate([surface_c(balance, trip) - trip.temp_c for trip in trips])
    return float(np.sqrt(np.nanmean(errors**2)))


def _means(trip: HeatTrip) -> dict[str, Floats]:
    """Inputs of a balance as means over each step, shape (N,) each."""
    dt = np.diff(trip.time_s, prepend=trip.time_s[:1])
    means = {
        name: np.concatenate([values[:1], 0.5 * (values[1:] + values[:-1])])
        for name, values in (
            ("current_a", trip.current_a),
            ("voltage_v", trip.voltage_v),
            ("soc", trip.soc),
            ("ambient_c", trip.ambient_c),
        )
    }
    return means | {"dt_s": dt}


def _sources(trip: HeatTrip, soc: Floats, ocv_v: Floats, settings: HeatSettings) -> Floats:
    """What drives the temperature at each step: the loss, then of each entropy of 1 V/K, W, shape (N, 1 + M)."""
    u, grid = _means(trip), np.array(settings.entropy_grid)
    lost = u["current_a"] * (u["voltage_v"] - np.interp(u["soc"], soc, ocv_v))
    hats = np.stack([np.interp(np.clip(u["soc"], 0.0, 1.0), grid, one) for one in np.eye(len(grid))], axis=1)
    return np.column_stack([lost, (u["current_a"] * (u["ambient_c"] + KELVIN))[:, None] * hats])


def _solved(
    trips: Sequence[HeatTrip], sources: Sequence[Floats], tau_s: float, settings: HeatSettings
) -> tuple[Floats, float]:
    """1/G, entropies over G, the air's offset; and the cost, for a time constant."""
    rows, right = [], []
    for trip, source in zip(trips, sources, strict=True):
        keep = np.exp(-np.diff(trip.time_s, prepend=trip.time_s[:1]) / tau_s)
        state, moved = np.zeros(source.shape[1]), np.empty(source.shape)
        for k in range(len(source)):
            state = keep[k] * state + (1.0 - keep[k]) * source[k]
            moved[k] = state
        at = np.flatnonzero(np.isfinite(trip.temp_c))
        at = at[:: max(1, -(-len(at) // settings.steps))]
        weight = np.sqrt(settings.independent / len(at)) / settings.error_c
        rows.append(np.column_stack([moved[at], np.ones(len(at))]) * weight)
        right.append((trip.temp_c - trip.ambient_c)[at] * weight)
    matrix, target = np.concatenate(rows), np.concatenate(right)
    # The priors are of the entropies; what is found is entropy over conductance, whose size the data tell first.
    found = np.linalg.lstsq(matrix[:, [0, -1]], target, rcond=None)[0]
    size = max(float(found[0]), 1e-6)
    held = _priors(matrix.shape[1], size, settings)
    whole, goal = np.vstack([matrix, held]), np.concatenate([target, np.zeros(len(held))])
    solution = np.linalg.lstsq(whole, goal, rcond=None)[0]
    return np.asarray(solution, dtype=np.float64), float(np.sum((whole @ solution - goal) ** 2))


def _priors(columns: int, size: float, settings: HeatSettings) -> Floats:
    """Rows that hold the entropies near nothing and near each other."""
    points = len(settings.entropy_grid)
    level, step = np.zeros((points, columns)), np.zeros((points - 1, columns))
    level[:, 1 : 1 + points] = np.eye(points) / (size * settings.entropy_v_k)
    step[:, 1 : 1 + points] = np.diff(np.eye(points), axis=0) / (size * settings.entropy_step_v_k)
    return np.vstack([level, step])


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
