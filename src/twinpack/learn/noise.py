"""`learn noise`: noise, drift and priors of a prototype, from the sessions of a fleet.

Three steps, twice over: what each session tells of its vehicle's parameters (the filter that twins run); what vehicles
are like (`population`); and the noise that makes the sessions most likely, each seen from what the vehicle's sessions
before it said (`likelihood`). Everything is held to the prototype's own figures, which count as some vehicles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from twinpack.battery.families import PACK_KINDS, pack_model
from twinpack.battery.pack_model import PackModel
from twinpack.errors import LearningError
from twinpack.filters import Filter
from twinpack.learn.card import data_of, make_card, span
from twinpack.learn.learned import Learned
from twinpack.learn.likelihood import EVERY_S, FIGURES, Sessions, Summary, noise_of, variant, with_noise
from twinpack.learn.population import PULL, Evidence, Population, before_each, fit, log_evidence
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]

LEAST_VEHICLES, LEAST_SESSIONS = 4, 3
"""Vehicles that say how vehicles differ, and sessions of each that say how one drifts: fewer do not."""

MOST_SESSIONS = 240
"""Sessions whose likelihood is maximised at most, spread evenly over all: more hardly move the figures."""

MOST_NIS = 9.0
"""A session that fits the filter's own uncertainty worse is refused by twins, and not learned from."""

TOLD_SD = 0.02
"""Standard deviation of the state of charge told at a session's start, 0 to 1."""

ROUNDS = 2
_STEP, _REACH, _SEARCH = 0.1, 3.0, 12  # of a figure's logarithm: for slopes, and at most; steps of the search
_DAY_US = 86_400_000_000.0


@dataclass(frozen=True)
class _Lives:
    """Which session is which of a vehicle's: its vehicle and its place, and days since the one before."""

    vehicle: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]
    days: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Vehicles, and most sessions of one."""
        return int(self.vehicle.max()) + 1, int(self.place.max()) + 1


def learn_noise(
    artifact: Mapping[str, Any], parent: str, trips: Sequence[TrainingTrip], tell: Tell = silent
) -> Learned:
    """Learn the noise, drift and priors of a prototype from sessions of a fleet.

    Args:
        artifact: The prototype.
        parent: Its content hash.
        trips: Sessions of vehicles of its pack, of each in the order of time.
        tell: Is told of progress.

    Raises:
        LearningError: Kind, vehicles or sessions do not allow it, or the filter fails on all of them.
    """
    kind, values = str(artifact["kind"]), artifact["model"]
    if kind not in PACK_KINDS:
        raise LearningError(
            f"a model of kind {kind} learns its noise with its curve: `twinpack learn model --kind {kind}` again"
        )
    trips = _enough(trips)
    noise, learner = noise_of(values), _Learner(kind, values, trips)
    prior = population = learner.prior
    ahead, figures = learner.first(), np.array([noise[name] for name in FIGURES])
    learned, gain = figures, 0.0
    for turn in range(ROUNDS):
        tell("learning noise", turn, ROUNDS)
        evidence = learner.evidence(noise | _named(learned), ahead)
        population = fit(evidence, prior)
        ahead = learner.ahead(evidence, population)
        likely, gain = learner.most_likely(figures, ahead)
        learned = _pulled(likely, figures, evidence.days.shape[0])
    tell("learning noise", ROUNDS, ROUNDS)
    held_out = _held_out(evidence, prior)
    kept = population if held_out > 0.0 else prior
    refined = _refined(with_noise(values, _named(learned)), learner.names, kept)
    pack_model(kind, refined)  # what cannot be read again is not handed out
    gains = {"noise_gain_nats_per_session": gain, "priors_gain_held_out_nats_per_vehicle": held_out}
    figures_of = {
        "threshold_v": artifact["threshold_v"],
        "noise_before": _named(figures),
        "noise": _named(learned),
        "sessions_left_out": learner.left_out,
        "priors": "learned" if held_out > 0.0 else "the prototype's: vehicles left out fit them better",
    }
    card = make_card(
        pack=artifact["pack"],
        kind=kind,
        data=data_of(trips),
        metrics=gains,
        limits={"temp_c": span(trip.temp_c for trip in trips)},
        parent=parent,
        figures=figures_of,
        settings={"pull_vehicles": PULL, "rounds": ROUNDS, "every_s": EVERY_S, "most_sessions": MOST_SESSIONS},
    )
    return Learned({**artifact, "model": refined}, card)


class _Learner:
    """The sessions of a fleet, and the two filters that run over them."""

    def __init__(self, kind: str, values: Mapping[str, Any], trips: Sequence[TrainingTrip]) -> None:
        self.trips = trips
        self.model: PackModel = pack_model(kind, values)
        self.names = tuple(one.name for one in self.model.living)
        given = self.model.prior_covariance
        spread = np.array(given) if given else np.diag([one.sd**2 for one in self.model.living])
        self.prior = Population.of(self.model.living, spread)
        self.sessions = Sessions(self.model, trips, TOLD_SD)
        self.variant: Filter = variant(kind, values)
        self.lives = _lives(trips)
        self.left_out = 0

    def first(self) -> tuple[Floats, Floats]:
        """The prototype's prior for every session."""
        count = len(self.trips)
        mean = np.repeat(self.prior.mean[:, None], count, axis=1)
        return mean, np.repeat(self.prior.covariance[:, :, None], count, axis=2)

    def evidence(self, noise: Mapping[str, float], ahead: tuple[Floats, Floats]) -> Evidence:
        """What the sessions tell, as twins with some noise would find it."""
        summary = self.sessions.summary(self.variant, self.sessions.starts(*ahead), noise)
        good = summary.ok & (summary.nis <= MOST_NIS) & np.isfinite(summary.mean).all(axis=0)
        if not good.any():
            raise LearningError(
                f"the filter fails on all {len(good)} sessions, or they do not fit its uncertainty: the model does not "
                "suit these vehicles; `twinpack learn model` makes another"
            )
        self.left_out = int((~good).sum())
        return self._arranged(summary, ahead, good)

    def ahead(self, evidence: Evidence, population: Population) -> tuple[Floats, Floats]:
        """Parameters before each session, from the vehicle's sessions before it; (p, S) and (p, p, S)."""
        mean, cov = before_each(evidence, population)
        at = (self.lives.vehicle, self.lives.place)
        return np.ascontiguousarray(mean[at].T), np.ascontiguousarray(np.moveaxis(cov[at], 0, 2))

    def most_likely(self, figures: Floats, ahead: tuple[Floats, Floats]) -> tuple[Floats, float]:
        """The noise that makes the sessions most likely, and what that gains a session, nats."""
        count = len(self.trips)
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_SESSIONS)).round().astype(np.intp))
        some = Sessions(self.model, [self.trips[one] for one in chosen], TOLD_SD)
        start = some.starts(ahead[0][:, chosen], ahead[1][:, :, chosen])

        def worse(x: Floats) -> tuple[float, Floats]:
            moves = np.vstack([x, *(x + side * _STEP * np.eye(len(x)) for side in (1.0, -1.0))])
            told = some.likelihoods(self.variant, [start] * len(moves), figures * np.exp(moves)).sum(axis=1)
            score = -told + 0.5 * (moves**2).sum(axis=1)
            size = len(x)
            return float(score[0]), (score[1 : size + 1] - score[size + 1 :]) / (2.0 * _STEP)

        begun = np.zeros(len(figures))
        before = worse(begun)[0]
        bounds = [(-_REACH, _REACH)] * len(figures)
        found = minimize(worse, begun, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _SEARCH})
        return figures * np.exp(np.asarray(found.x)), (before - float(found.fun)) / len(chosen)

    def _arranged(self, summary: Summary, ahead: tuple[Floats, Floats], good: npt.NDArray[np.bool_]) -> Evidence:
        vehicles, places = self.lives.shape
        size = len(self.names)
        days, known = np.zeros((vehicles, places)), np.zeros((vehicles, places), dtype=np.bool_)
        information, pull = np.zeros((vehicles, places, size, size)), np.zeros((vehicles, places, size))
        for lane, (vehicle, place) in enumerate(zip(self.lives.vehicle, self.lives.place, strict=True)):
            days[vehicle, place], known[vehicle, place] = self.lives.days[lane], True
            if good[lane]:
                factor = session_factor(
                    ahead[0][:, lane], ahead[1][:, :, lane], summary.mean[:, lane], summary.covariance[:, :, lane]
                )
                information[vehicle, place], pull[vehicle, place] = factor
        return Evidence(days, known, information, pull)


def session_factor(before: Floats, before_cov: Floats, after: Floats, after_cov: Floats) -> tuple[Floats, Floats]:
    """What a session tells: precision and pull of the Gaussian that makes of a prior what the filter found.

    A filter may end less sure of something than it began; such a direction tells nothing.

    Args:
        before: Mean of the parameters before it, shape (p,).
        before_cov: Shape (p, p).
        after: After it.
        after_cov: Likewise.
    """
    factor = np.linalg.cholesky(before_cov)
    inverse = np.linalg.inv(factor)
    shares, axes = np.linalg.eigh(inverse @ after_cov @ inverse.T)
    more = np.maximum(1.0 / np.clip(shares, 1e-9, 1.0) - 1.0, 0.0)
    information = inverse.T @ (axes * more) @ axes.T @ inverse
    return information, information @ after + inverse.T @ (inverse @ (after - before))


def _lives(trips: Sequence[TrainingTrip]) -> _Lives:
    index: dict[str, int] = {}
    last: dict[str, tuple[int, int]] = {}
    found: list[tuple[int, int, float]] = []
    for trip in trips:
        vehicle = index.setdefault(trip.vehicle_id, len(index))
        place, before_us = last.get(trip.vehicle_id, (0, trip.start_us))
        found.append((vehicle, place, max(trip.start_us - before_us, 0) / _DAY_US))
        last[trip.vehicle_id] = (place + 1, trip.start_us)
    vehicles, places, days = zip(*found, strict=True)
    return _Lives(np.array(vehicles, dtype=np.intp), np.array(places, dtype=np.intp), np.array(days))


def _enough(trips: Sequence[TrainingTrip]) -> list[TrainingTrip]:
    """The sessions of vehicles that have enough of them."""
    counts: dict[str, int] = {}
    for trip in trips:
        counts[trip.vehicle_id] = counts.get(trip.vehicle_id, 0) + 1
    known = {vehicle for vehicle, count in counts.items() if count >= LEAST_SESSIONS}
    if len(known) < LEAST_VEHICLES:
        raise LearningError(
            f"{len(known)} of {len(counts)} vehicles have {LEAST_SESSIONS} sessions or more: how vehicles differ takes "
            f"{LEAST_VEHICLES} of them; import more vehicles, or raise --trips"
        )
    return [trip for trip in trips if trip.vehicle_id in known]


def _pulled(likely: Floats, figures: Floats, vehicles: int) -> Floats:
    """Between what is most likely and the prototype's figures, by their variances."""
    return np.asarray(np.sqrt((vehicles * likely**2 + PULL * figures**2) / (vehicles + PULL)))


def _held_out(evidence: Evidence, prior: Population) -> float:
    """What learned priors and drift gain on vehicles that were not learned from, nats a vehicle."""
    every = np.arange(len(evidence.days))
    gains = []
    for half in (0, 1):
        taught, judged = evidence.of(every[every % 2 != half]), evidence.of(every[every % 2 == half])
        gains.append(log_evidence(judged, fit(taught, prior)) - log_evidence(judged, prior))
    return float(np.concatenate(gains).mean())


def _refined(values: Mapping[str, Any], names: Sequence[str], population: Population) -> dict[str, Any]:
    """The values of a model with other living parameters and the covariance of their priors, wherever they are."""
    if "living" not in values:
        return {
            name: _refined(one, names, population) if isinstance(one, Mapping) and _holds_living(one) else one
            for name, one in values.items()
        }
    sd = np.sqrt(np.diagonal(population.covariance))
    living = [
        {**dict(one), "mean": _float(mean, one), "sd": float(spread), "drift": float(drift)}
        for one, mean, spread, drift in zip(values["living"], population.mean, sd, population.drift, strict=True)
    ]
    # A network holds its priors to be independent.
    joint = {"prior_covariance": population.covariance.tolist()} if "prior_covariance" in values else {}
    return {**values, "living": living, **joint}


def _holds_living(values: Mapping[str, Any]) -> bool:
    return "living" in values or any(isinstance(one, Mapping) and _holds_living(one) for one in values.values())


def _float(mean: float, living: Mapping[str, Any]) -> float:
    """A mean within the bounds of what is physically possible."""
    return float(min(max(mean, living.get("lower", -np.inf)), living.get("upper", np.inf)))


def _named(figures: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(FIGURES, figures, strict=True)}
