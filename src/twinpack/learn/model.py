"""`learn model`: a prototype artifact with priors, noise and card from a fleet's first trips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.families import HYBRID, NETWORK, PACK_KINDS, THEVENIN
from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel
from twinpack.battery.thevenin import Circuit, Start, Thevenin, knot_name
from twinpack.errors import LearningError
from twinpack.filters import Filter, Posterior, compile
from twinpack.filters.model import Living
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.chambers import ChamberFit, chamber_circuit, chambers, fit_chambers
from twinpack.learn.checks import check_trips
from twinpack.learn.hybrid import learn_hybrid
from twinpack.learn.learned import Learned
from twinpack.learn.network import learn_network
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import Fit, FitSettings, TrainingTrip, fit_prototype
from twinpack.learn.residual import FEW_TRIPS
from twinpack.twin.refine import learn_again

Floats = npt.NDArray[np.float64]

TRUSTED_OCV_V = 0.010
"""A pack's OCV table this near to what the first trips show is trusted where they have not been."""

_SEEN_SD_V = 0.004

FEW_STATES_ALPHA = float(np.sqrt(3.0))
"""With many living values sigma points stay at sqrt(3) standard deviations, where the OCV is still near its slope."""

HYBRID_PHYSICS = "thevenin-3rc"
"""What a hybrid corrects."""

NARROW_SPAN_C = 25.0
"""Training trips within fewer degrees do not show how resistance goes with temperature: it lives."""

START_SOC_SD = 0.02

OTHER_VEHICLE = {"capacity_scale": 0.03, "r0_scale": 0.05, "r_scale": 0.05, "slow_scale": 0.05}
"""How far a vehicle may be from the one the prototype was learned on."""


def learn_model(trips: Sequence[TrainingTrip], pack: PackSpec, kind: str, tell: Tell = silent) -> Learned:
    """Fit a prototype to trips of a pack.

    Args:
        trips: The training trips.
        pack: What they were driven with; its OCV table and capacity are priors.
        kind: One of `battery.families.PACK_KINDS`.
        tell: Is told of progress.

    Raises:
        LearningError: The kind is not known, or the data do not allow a fit.
    """
    if kind == NETWORK:
        return learn_network(trips, pack, tell=tell)
    if kind == HYBRID:
        return learn_hybrid(trips, pack, learn_circuit(trips, pack, HYBRID_PHYSICS, tell), tell=tell)
    return learn_circuit(trips, pack, kind, tell)


def learn_circuit(trips: Sequence[TrainingTrip], pack: PackSpec, kind: str, tell: Tell = silent) -> Learned:
    """Fit an equivalent circuit, as `learn_model`."""
    if kind not in THEVENIN:
        raise LearningError(f"kind {kind!r} is not known; known are {', '.join(PACK_KINDS)}")
    thin = check_trips(trips, pack)
    tests = chambers(trips, pack.capacity_ah)
    if tests:
        found = fit_chambers(tests, pack, THEVENIN[kind], tell)
        return _learned(chamber_circuit(found, pack, trips), _joined(found), trips, pack, kind, thin)
    vehicles = len({trip.vehicle_id for trip in trips})
    capacity_sd = max(0.2 / np.sqrt(max(vehicles, 1)), 0.04)
    settings = FitSettings(pairs=THEVENIN[kind], capacity_sd=float(capacity_sd))
    if trips and _temperature_span(trips) < NARROW_SPAN_C:
        settings = replace(settings, ea_sd=500.0)
    prior = np.asarray(pack.ocv.pchip(np.array(settings.soc_grid)), dtype=np.float64)
    fit = fit_prototype(trips, pack.capacity_ah, prior, settings, tell)
    circuit = _circuit(fit, trips, pack, float(capacity_sd), prior, tell)
    return _learned(circuit, fit, trips, pack, kind, thin)


def _joined(found: ChamberFit) -> Fit:
    """The reference's fit with the residual and the starts of all."""
    fits = found.fits
    counts = np.array([len(fit.soc_error) for fit in fits])
    rmse = float(np.sqrt(np.average([fit.rmse_v**2 for fit in fits], weights=counts)))
    return replace(found.reference, rmse_v=rmse, soc_error=np.concatenate([fit.soc_error for fit in fits]))


def _learned(
    circuit: Circuit, fit: Fit, trips: Sequence[TrainingTrip], pack: PackSpec, kind: str, thin: Sequence[str]
) -> Learned:
    threshold = _threshold_v(fit, pack)
    artifact = {"pack": pack.name, "kind": kind, "model": circuit.to_dict(), "threshold_v": threshold}
    return Learned(artifact, _card(fit, trips, pack, kind, threshold, thin))


def _threshold_v(fit: Fit, pack: PackSpec) -> float:
    """Twice the prototype's own error: below it an update could not be told from the model's error."""
    return round(float(pack.series * max(2.0 * fit.rmse_v, 0.002)), 3)


def _circuit(
    fit: Fit, trips: Sequence[TrainingTrip], pack: PackSpec, capacity_sd: float, table_v: Floats, tell: Tell
) -> Circuit:
    settings = fit.settings
    knots = _knots(fit, table_v)
    living = _living(fit, pack, capacity_sd, knots, _temperature_span(trips))
    circuit = Circuit(
        series=pack.series,
        capacity_ah=pack.capacity_ah,
        soc=settings.soc_grid,
        ocv_v=_tuple(fit.ocv_v),
        r_soc=settings.r_grid,
        r0_ohm=_tuple(fit.r0_ohm),
        pairs_ohm=tuple(_tuple(row) for row in fit.pairs_ohm),
        tau_s=_tuple(fit.tau_s),
        ea0_j_mol=fit.ea_j_mol[0],
        ea1_j_mol=fit.ea_j_mol[1],
        living=living,
        ocv_knots=knots,
        noise=fit.noise,
        start=_start(fit),
        alpha=1.0 if not knots else FEW_STATES_ALPHA / float(np.sqrt(2 + len(fit.tau_s) + len(living))),
    )
    return _relearned(circuit, fit, trips, tell) if knots else circuit


def _start(fit: Fit) -> Start:
    """What is found on the slowest pair, half of it on the next, a tenth on the first; few trips show little."""
    left = float(np.sqrt(1.0 + FEW_TRIPS / len(fit.soc_error))) * max(fit.start_v, 0.0005)
    return Start(pairs_v=(0.1 * left, 0.5 * left, left), trip_v=0.75 * left)


def _knots(fit: Fit, table_v: Floats) -> tuple[float, ...]:
    """Grid points with a living OCV; none when the pack's table is right where the first trips have been."""
    seen = np.sqrt(np.diagonal(fit.ocv_covariance)) < _SEEN_SD_V
    wrong = float(np.sqrt(np.mean((fit.ocv_v - table_v)[seen] ** 2))) if seen.any() else 0.0
    return tuple(fit.settings.soc_grid) if wrong > TRUSTED_OCV_V else ()


def _temperature_span(trips: Sequence[TrainingTrip]) -> float:
    return float(max(trip.temp_c.max() for trip in trips) - min(trip.temp_c.min() for trip in trips))


def _living(
    fit: Fit, pack: PackSpec, capacity_sd: float, knots: tuple[float, ...], span_c: float
) -> tuple[Living, ...]:
    living = [
        Living("capacity_scale", fit.capacity_ah / pack.capacity_ah, capacity_sd, 0.004 if knots else 0.001, 0.3, 1.6),
        Living("r0_scale", 1.0, 0.15, 0.01 if knots else 0.004, 0.2, 5.0),
        Living("r_scale", 1.0, 0.2, 0.01 if knots else 0.006, 0.1, 6.0),
    ]
    if len(fit.tau_s) == 3:
        living.append(Living("slow_scale", 1.0, 0.2, 0.01 if knots else 0.006, 0.1, 6.0))
    if span_c < NARROW_SPAN_C:
        names = ("ea0_scale", "ea1_scale", "ea2_scale")[: min(3, 1 + len(fit.tau_s))]
        living += [Living(name, 1.0, 0.25, 0.01, -1.0, 4.0) for name in names]
    if not knots:
        return (*living, Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1))
    sd = np.sqrt(np.diagonal(_free_ocv(fit)))
    curve = [Living(knot_name(knot), 0.0, float(one), 0.0005, -0.8, 0.8) for knot, one in zip(knots, sd, strict=True)]
    return (*living, *curve)


def _free_ocv(fit: Fit) -> Floats:
    """Covariance of an OCV of which only the fit's priors are known."""
    settings, size = fit.settings, len(fit.ocv_v)
    precision = np.eye(size) / settings.ocv_sd**2
    for j in range(size - 1):
        step = np.zeros(size)
        step[j], step[j + 1] = -1.0, 1.0
        precision += np.outer(step, step) / settings.ocv_step_sd**2
    return np.asarray(np.linalg.inv(precision))


def _relearned(circuit: Circuit, fit: Fit, trips: Sequence[TrainingTrip], tell: Tell) -> Circuit:
    """With the prior that the filter itself makes of the training trips, since it must go on from it.

    The least squares holds errors for more independent than they are, so its covariance would pin capacity and OCV.
    """
    model = Thevenin(circuit)
    filters = compile(model, alpha=model.alpha), compile(model.tangent(), alpha=model.alpha)
    p, size = len(model.living), len(fit.ocv_v)
    mean = np.array([one.mean for one in model.living])
    cov = np.diag([one.sd**2 for one in model.living])
    cov[p - size :, p - size :] = _free_ocv(fit)
    for done, trip in enumerate(trips, 1):
        mean, cov = _assimilated(filters, model, mean, cov, trip)
        tell("filtering", done, len(trips))
    for row, name in enumerate(one.name for one in model.living):
        cov[row, row] += OTHER_VEHICLE.get(name, 0.0) ** 2
    sds = np.sqrt(np.diagonal(cov))
    living = tuple(
        replace(one, mean=float(value), sd=float(sd)) for one, value, sd in zip(model.living, mean, sds, strict=True)
    )
    return replace(circuit, living=living, prior_covariance=tuple(_tuple(row) for row in cov))


def _assimilated(
    filters: tuple[Filter, Filter], model: PackModel, mean: Floats, cov: Floats, trip: TrainingTrip
) -> tuple[Floats, Floats]:
    """Living parameters after one more trip; unchanged when the filter fails on it."""
    inputs = {name: values[:, None] for name, values in trip.inputs.items()}
    states = len(model.dynamic)
    measured = trip.voltage_v[:, None] * model.series
    first = {name: values[0] for name, values in inputs.items()}
    start, sd = model.start(measured[0], first, np.array([trip.soc]), START_SOC_SD)
    whole = np.concatenate([start[:, 0], mean])
    block = np.zeros((len(whole), len(whole)))
    block[:states, :states] = np.diag(sd[:, 0] ** 2)
    block[states:, states:] = cov
    at_start = Posterior.of(whole[:, None], block[:, :, None])
    done = filters[0].assimilate(at_start, inputs, measured)
    if not done.ok[0]:
        return mean, cov
    each = {**inputs, "rows": np.ones(measured.shape)}
    last = learn_again(filters[1], model, at_start, done.posterior, each, measured) or done.posterior
    return last.mean[states:, 0], last.covariance[states:, states:, 0]


def _card(
    fit: Fit, trips: Sequence[TrainingTrip], pack: PackSpec, kind: str, threshold: float, thin: Sequence[str]
) -> dict[str, Any]:
    return make_card(
        pack=pack.name,
        kind=kind,
        data=data_of(trips),
        metrics={"rmse_v": fit.rmse_v * pack.series},
        limits={
            "soc": [min(_lowest(trip, fit) for trip in trips), max(_highest(trip, fit) for trip in trips)],
            "temp_c": span(trip.temp_c for trip in trips),
            "c_rate": span(trip.current_a / pack.capacity_ah for trip in trips),
        },
        figures={"threshold_v": threshold, "capacity_ah": fit.capacity_ah},
        settings=asdict(fit.settings),
        warnings=thin,
    )


def _lowest(trip: TrainingTrip, fit: Fit) -> float:
    return float(trip.soc + trip.passed_ah.min() / fit.capacity_ah)


def _highest(trip: TrainingTrip, fit: Fit) -> float:
    return float(trip.soc + trip.passed_ah.max() / fit.capacity_ah)


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


__all__ = ["Learned", "learn_circuit", "learn_model"]
