"""What real trips tell of each living parameter, and what is left of trips when some of them may be calibrated.

Both by Gauss and Newton about the prior: the model is linearised by differences, its noise is that with which filters
learn, and where a trip starts is free within what is known of it. So a posterior is that of the Fisher information of
the trips added to the prior's; what parameters walk at random between trips is left aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Model
from twinpack.filters.simulate import Simulator
from twinpack.learn.courses import Course, carried, moves, prior

Floats = npt.NDArray[np.float64]

TOLD = 0.7
"""A parameter of which trips leave more than this part of the prior's standard deviation is not identified: half of
its variance is still there."""

TIED = 0.9
"""Parameters whose posteriors go together more than this are hardly told apart."""

_STEP = 1e-3
"""Differences are taken over so many standard deviations."""
_TINY = 1e-9
_ROUNDS = 4
_ROWS = 400


@dataclass(frozen=True)
class Residual:
    """What is left of trips, root mean square over their steps, V; starts are free in each.

    Attributes:
        trips: How many trips.
        none_v: With no living parameter calibrated.
        set_v: With the living set calibrated to each trip.
        all_v: With all.
        captured: Share of what all take away (of the mean square) that the set takes away; None where that is nothing.
    """

    trips: int
    none_v: float
    set_v: float
    all_v: float
    captured: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Identified:
    """What the trips of a vehicle, the median one, tell of a living parameter.

    Attributes:
        name: Its name.
        prior_sd: Standard deviation before.
        posterior_sd: Standard deviation after all of the vehicle's trips.
        told: Whether it is identified: `posterior_sd` below `TOLD` of `prior_sd`.
        tied_to: The parameter that its posterior goes together with most, "" where that is less than `TIED`.
        correlation: With that.
    """

    name: str
    prior_sd: float
    posterior_sd: float
    told: bool
    tied_to: str
    correlation: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def residual(
    model: Model, courses: Sequence[Course], names: Sequence[str], tell: Callable[[int], None] | None = None
) -> Residual:
    """What is left of each trip when none, some or all of the living parameters are calibrated to it.

    Args:
        model: The model.
        courses: Trips.
        names: The living parameters of the set.
        tell: Is told how many trips are done.
    """
    _, cov = prior(model)
    acting = [one.name for at, one in enumerate(model.living) if moves(one) and cov[at, at] > 0.0]
    choices: list[list[str]] = [[], list(names), acting]
    squares = np.zeros(3)
    simulator = Simulator(model)
    for done, course in enumerate(courses, 1):
        problem = _Problem(simulator, course, _ROWS)
        squares += [problem.calibrated(choice) for choice in choices]
        if tell is not None:
            tell(done)
    # A search that stopped early must not make more freedom look worse than less.
    squares = np.minimum.accumulate(squares) / len(courses)
    gained = squares[0] - squares[2]
    captured = float((squares[0] - squares[1]) / gained) if gained > 1e-12 * max(squares[0], 1e-30) else None
    none_v, set_v, all_v = (float(one) for one in np.sqrt(squares))
    return Residual(len(courses), none_v, set_v, all_v, captured)


def identified(model: Model, courses: Sequence[Course]) -> list[Identified]:
    """What the trips tell of each living parameter that is not known to begin with; the median vehicle's."""
    mean, cov = prior(model)
    open_ = np.flatnonzero(np.diagonal(cov) > 0.0)
    if not len(open_):
        return []
    simulator = Simulator(model)
    information: dict[str, Floats] = {}
    for course in courses:
        known = _Problem(simulator, course, _ROWS).information(mean, cov)
        back = carried(model, course.passed)
        told = (back.T @ known @ back)[np.ix_(open_, open_)]
        information[course.vehicle_id] = information.get(course.vehicle_id, np.zeros_like(told)) + told
    prior_sd = np.sqrt(np.diagonal(cov)[open_])
    precision = np.linalg.pinv(cov[np.ix_(open_, open_)] / np.outer(prior_sd, prior_sd), hermitian=True)
    each = [np.linalg.inv(precision + one * np.outer(prior_sd, prior_sd)) for one in information.values()]
    left = np.median([np.sqrt(np.diagonal(one)) for one in each], axis=0)
    tied = np.median([one / np.sqrt(np.outer(np.diagonal(one), np.diagonal(one))) for one in each], axis=0)
    names = [model.living[at].name for at in open_]
    return [_told(names, at, prior_sd, left, tied) for at in range(len(names))]


def _told(names: Sequence[str], at: int, prior_sd: Floats, left: Floats, tied: Floats) -> Identified:
    others = np.where(np.arange(len(left)) == at, 0.0, tied[at])
    worst = int(np.argmax(np.abs(others)))
    close = abs(others[worst]) > TIED
    return Identified(
        name=names[at],
        prior_sd=float(prior_sd[at]),
        posterior_sd=float(left[at] * prior_sd[at]),
        told=bool(left[at] < TOLD),
        tied_to=names[worst] if close else "",
        correlation=float(others[worst]),
    )


def by_label(identified: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[float], str]]:
    """What is left of the priors by label: a part of the standard deviation for each member; and what it is tied to."""
    found: dict[str, tuple[list[float], str]] = {}
    for one in identified:
        ratios, tied = found.setdefault(one["label"], ([], one["tied_to"]))
        ratios.append(one["posterior_sd"] / one["prior_sd"] if one["prior_sd"] else 1.0)
        found[one["label"]] = ratios, tied if len(ratios) == 1 else ""
    return [(label, ratios, tied) for label, (ratios, tied) in found.items()]


class _Problem:
    """One trip: its errors by what is free, in units of the noise."""

    def __init__(self, simulator: Simulator, course: Course, most: int) -> None:
        self._simulator, self._course, self._model = simulator, course, simulator.model
        known = np.flatnonzero(np.isfinite(course.measured))
        every = max(1, -(-len(known) // most))
        self._rows, self._every = known[::every], every
        variance = self._model.learning_variance(course.inputs)
        self._sd = np.sqrt(np.broadcast_to(variance, course.measured.shape)[self._rows])

    def information(self, mean: Floats, cov: Floats) -> Floats:
        """Fisher information of the living parameters, the start marginalised out, shape (p, p)."""
        states = len(self._course.start)
        whole = np.concatenate([self._course.start, mean])
        sd = np.concatenate([self._course.start_sd, np.sqrt(np.diagonal(cov))])
        columns = self._slopes(whole, sd, np.arange(len(whole)))[1] / self._sd[:, None]
        product = columns.T @ columns * self._every
        if not states:
            return np.asarray(product)
        start = product[:states, :states] + np.diag(np.maximum(self._course.start_sd, _TINY) ** -2.0)
        return np.asarray(
            product[states:, states:] - product[states:, :states] @ np.linalg.solve(start, product[:states, states:])
        )

    def calibrated(self, names: Sequence[str]) -> float:
        """Mean square of what is left, V², once some living parameters and the start are the most likely ones."""
        model, course = self._model, self._course
        states = len(course.start)
        mean, cov = prior(model, course.passed)
        centre = np.concatenate([course.start, mean])
        sd = np.concatenate([course.start_sd, np.sqrt(np.diagonal(cov))])
        free = np.array(
            [at for at, name in enumerate(model.names) if sd[at] > 0.0 and (at < states or name in names)], np.intp
        )
        lower = np.array([*[-np.inf] * states, *[one.lower for one in model.living]])
        upper = np.array([*[np.inf] * states, *[one.upper for one in model.living]])
        measured = course.measured[self._rows]
        whole, best = centre.copy(), np.inf
        least = 0.0
        for _ in range(_ROUNDS + 1):
            seen, columns = self._slopes(whole, sd, free)
            error = measured - seen
            off = (whole - centre)[free] / sd[free]
            cost = float(np.sum((error / self._sd) ** 2) * self._every + off @ off)
            if not np.isfinite(cost) or cost > best * (1.0 - 1e-6):
                break
            best, least = cost, float(np.mean(error**2))
            if not len(free):
                break
            a = np.sqrt(self._every) * columns * sd[free] / self._sd[:, None]
            b = np.sqrt(self._every) * error / self._sd
            step = np.linalg.solve(a.T @ a + np.eye(len(free)), a.T @ b - off)
            whole = whole.copy()
            whole[free] = np.clip(whole[free] + step * sd[free], lower[free], upper[free])
        return least

    def _slopes(self, whole: Floats, sd: Floats, free: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """What is measured at the rows, shape (R,), and how it goes with what is free, shape (R, free)."""
        step = np.maximum(_STEP * sd[free], _TINY)
        lanes = np.repeat(whole[:, None], 1 + 2 * len(free), axis=1)
        at = np.arange(len(free))
        lanes[free, 1 + at] += step
        lanes[free, 1 + len(free) + at] -= step
        found = self._simulator.run(lanes, self._course.inputs)[self._rows]
        return found[:, 0], (found[:, 1 : 1 + len(free)] - found[:, 1 + len(free) :]) / (2.0 * step)
