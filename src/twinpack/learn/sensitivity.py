"""Which parameters of a model matter on real trips, which of them should live, and which the data do not tell.

Two analyses. Over the living parameters alone, within their priors, on real trips with the inputs that these had: what
a twin does not know. And over these together with the inputs as they vary between the trips: how much of the difference
between trips the parameters make at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.filters.model import Model
from twinpack.filters.simulate import Simulator
from twinpack.learn.courses import Change, Course, Varied, courses_of, moves, prior
from twinpack.learn.identify import Identified, Residual, identified, residual
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.route import RouteTrip
from twinpack.learn.sobol import Factor, Indices, design, indices, labels

Floats = npt.NDArray[np.float64]
LEFT = 0.05
"""Share of the variance that the parameters which are not chosen may make at most."""

SAMPLES = 1024
MOST_COURSES = 6
"""Trips that the indices are taken over, evenly through those given."""
MOST_CHECKED = 40
"""Trips that are calibrated to, likewise."""

INSTANTS = 40
"""Instants of a trip that the output is."""
LEAST_INSTANTS, MOST_VALUES = 5, 50_000_000
"""With so many runs that there would be more values, there are fewer instants."""

CORRELATED = 0.3
"""Priors that go together more than this are told: the indices take them as independent."""

CAPTURED = 0.9
"""A living set that takes away less of what all take away is told."""

_USUAL = (0.05, 0.95)
_SPARE, _SPARE_SOC = 0.1, 0.02
"""Spare part of a trip's swing of charge, since capacity varies too, and spare charge above empty."""
_LANES = 4096
_OCV = re.compile(r"ocv_\d+_v")
_LEAST_SPREAD = {"temperature": 0.5, "current": 0.02, "start charge": 0.01}


@dataclass(frozen=True)
class Analysis:
    """Indices, and what they are over.

    Attributes:
        factors: What varied, and how far.
        indices: Of its labels.
        trips: Trips that the output is of.
        runs: Runs of the model.
    """

    factors: tuple[Factor, ...]
    indices: Indices
    trips: int
    runs: int


@dataclass(frozen=True)
class Chosen:
    """The living set.

    Attributes:
        names: Labels chosen, the most important first.
        left: What the others make at most: the sum of their total effects, upper ends of their intervals.
    """

    names: tuple[str, ...]
    left: float


@dataclass(frozen=True)
class Sensitivity:
    """What `twinpack sensitivity` finds.

    Attributes:
        living: Over the living parameters alone, on real trips.
        both: Over living parameters and inputs, about the most usual trip; None where no input varies.
        chosen: The living set by the first.
        residual: What is left of trips when they are calibrated to with the set, with all, with none.
        identified: What the trips tell of each living parameter.
        notes: What to know of these figures, in sentences.
    """

    living: Analysis
    both: Analysis | None
    chosen: Chosen
    residual: Residual
    identified: tuple[Identified, ...]
    notes: tuple[str, ...]


def analyse(
    model: Model,
    trips: Sequence[TrainingTrip | RouteTrip],
    samples: int = SAMPLES,
    tell: Tell = silent,
) -> Sensitivity:
    """Analyse a model on trips.

    Args:
        model: The model.
        trips: Real trips.
        samples: Points of Sobol's sequence, a power of two; the runs are (2 D + 2) times as many.
        tell: Is told of progress.

    Raises:
        LearningError: There is nothing to vary, nothing that changes, or no trip to use.
    """
    courses = courses_of(model, trips)
    living = over_living(model, _some(courses, MOST_COURSES), samples, tell)
    both = over_inputs(model, courses, samples, tell)
    chosen = choose(living.indices)
    members = _members(living.factors, chosen.names)
    checked = _some(courses, MOST_CHECKED)
    left = residual(model, checked, members, lambda done: tell("calibrating", done, len(checked)))
    told = identified(model, courses)
    notes = [*_notes(model, living, both), *_uncaptured(living.indices, chosen, left)]
    return Sensitivity(living, both, chosen, left, tuple(told), tuple(notes))


def over_living(model: Model, courses: Sequence[Course], samples: int, tell: Tell = silent) -> Analysis:
    """Indices of the living parameters, as far as their priors have grown by the last of some trips."""
    passed = max(course.passed for course in courses)
    factors = living_factors(model, passed)
    values = design(factors, samples, joint=_joint(model, factors, passed))
    at = [model.names.index(one.name) for one in factors]
    simulator = Simulator(model)
    outputs = []
    for number, course in enumerate(courses, 1):
        outputs.append(_runs(simulator, course, values, at, len(courses)))
        tell("simulating", number, len(courses))
    found = indices(factors, np.concatenate(outputs, axis=1))
    return Analysis(factors, found, len(courses), values.shape[1] * len(courses))


def over_inputs(model: Model, courses: Sequence[Course], samples: int, tell: Tell = silent) -> Analysis | None:
    """Indices of the living parameters and the inputs, about the trip that is most like the others."""
    base, changes, inputs = _inputs_of_current(model, courses) if isinstance(model, PackModel) else _of_routes(courses)
    if not inputs:
        return None
    passed = max(course.passed for course in courses)
    factors = (*living_factors(model, passed), *inputs)
    values = design(factors, samples, joint=_joint(model, factors, passed))
    varied = Varied(model, changes)
    states = {"start charge": "soc"}
    at = [varied.names.index(states.get(one.name, one.name)) for one in factors]
    found = indices(factors, _runs(Simulator(varied), base, values, at))
    return Analysis(factors, found, 1, values.shape[1])


def living_factors(model: Model, passed: float = 0.0) -> tuple[Factor, ...]:
    """The living parameters that act within a trip, each within its prior once something passed on the wear clock."""
    mean, cov = prior(model, passed)
    return tuple(
        Factor(
            one.name,
            one.lower,
            one.upper,
            float(np.clip(mean[at], one.lower, one.upper)),
            float(np.sqrt(cov[at, at])),
            group="ocv" if _OCV.fullmatch(one.name) else "",
        )
        for at, one in enumerate(model.living)
        if moves(one) and cov[at, at] > 0.0
    )


def _joint(model: Model, factors: Sequence[Factor], passed: float) -> dict[str, Floats]:
    """Covariances within the groups of living parameters."""
    _, cov = prior(model, passed)
    names = [one.name for one in model.living]
    found = {}
    for group in {one.group for one in factors if one.group}:
        members = [names.index(one.name) for one in factors if one.group == group]
        found[group] = cov[np.ix_(members, members)]
    return found


def choose(found: Indices, left: float = LEFT) -> Chosen:
    """The living set: by total effect, until what the others make together is below a share of the variance.

    The others make at most the sum of their total effects, whatever the interactions; of each the upper end of its
    interval counts.
    """
    upper = np.maximum(found.total, 0.0) + found.total_conf
    order = np.argsort(-found.total, kind="stable")
    rest = float(upper.sum())
    names: list[str] = []
    for at in order:
        if names and rest < left:
            break
        names.append(found.names[at])
        rest = max(rest - float(upper[at]), 0.0)
    return Chosen(tuple(names), rest)


def _runs(simulator: Simulator, course: Course, values: Floats, at: Sequence[int], trips: int = 1) -> Floats:
    """What is measured at some instants of a trip in each run of a design, shape (runs, instants)."""
    model = simulator.model
    extra = np.array([one.mean for one in model.living])
    base = np.concatenate([course.start, extra])
    steps = len(course.measured)
    instants = int(np.clip(MOST_VALUES // (values.shape[1] * trips), LEAST_INSTANTS, INSTANTS))
    rows = np.unique(np.linspace(0, steps - 1, min(steps, instants)).round().astype(int))
    outputs = np.empty((values.shape[1], len(rows)))
    for first in range(0, values.shape[1], _LANES):
        part = slice(first, min(first + _LANES, values.shape[1]))
        mean = np.repeat(base[:, None], part.stop - part.start, axis=1)
        mean[at] = values[:, part]
        outputs[part] = simulator.run(mean, course.inputs)[rows].T
    return outputs


def _inputs_of_current(
    model: PackModel, courses: Sequence[Course]
) -> tuple[Course, tuple[Change, ...], tuple[Factor, ...]]:
    """The drive that is most usual, and how temperature, current and charge at the start vary between drives."""
    drives = [one for one in courses if float(np.sum(one.inputs["current_a"] * one.inputs["dt_s"])) < 0.0] or courses
    figures = np.array([_figures(model, one) for one in drives])
    centre, spread = np.median(figures, axis=0), np.maximum(figures.std(axis=0), 1e-9)
    nearest = int(np.argmin((((figures - centre) / spread) ** 2).sum(axis=1)))
    base, own = drives[nearest], figures[nearest]
    low, high = np.quantile(figures, _USUAL, axis=0)
    changes = [
        Change("temperature", ("temp_c",), times=False),
        Change("current", ("current_a", "interval_start_a", "interval_end_a"), times=True),
    ]
    down, up = _swing(model, base, float(high[1] / own[1]))
    ranges = {
        "temperature": (low[0] - own[0], high[0] - own[0]),
        "current": (low[1] / own[1], high[1] / own[1]),
        # The trip must not leave the battery: beyond empty and full the open-circuit voltage means nothing.
        "start charge": (max(low[2], down), min(high[2], 1.0 - up)),
    }
    factors = [
        Factor(name, float(ends[0]), float(ends[1]))
        for name, ends in ranges.items()
        if ends[1] - ends[0] > _LEAST_SPREAD[name]
    ]
    return base, tuple(changes), tuple(factors)


def _figures(model: PackModel, course: Course) -> tuple[float, float, float]:
    """Mean temperature, effective current over the capacity, charge at the start."""
    current = float(np.sqrt(np.mean(course.inputs["current_a"] ** 2)))
    return float(course.inputs["temp_c"].mean()), max(current / model.capacity_ah, 1e-6), float(course.start[0])


def _swing(model: PackModel, course: Course, factor: float) -> tuple[float, float]:
    """How far the charge falls below and rises above its start with a current so many times as large."""
    passed = np.cumsum(course.inputs["current_a"] * course.inputs["dt_s"]) / 3600.0 / model.capacity_ah
    ends = max(-float(passed.min()), 0.0), max(float(passed.max()), 0.0)
    return (1.0 + _SPARE) * factor * ends[0] + _SPARE_SOC, (1.0 + _SPARE) * factor * ends[1]


def _of_routes(courses: Sequence[Course]) -> tuple[Course, tuple[Change, ...], tuple[Factor, ...]]:
    """A point of any route: speed, load and distance as the routes have them."""
    names = {"speed": "speed_kmh", "load": "load_kg", "distance": "distance_km"}
    ones = np.ones(1)
    base = Course("", {name: ones for name in names.values()}, ones, np.zeros(0), np.zeros(0))
    changes = tuple(Change(name, (of,), times=True) for name, of in names.items())
    factors = []
    for name, of in names.items():
        low, high = np.quantile(np.concatenate([one.inputs[of] for one in courses]), _USUAL)
        if high - low > 1e-6 * max(abs(high), 1.0):
            factors.append(Factor(name, float(low), float(high)))
    return base, changes, tuple(factors)


def _some(courses: Sequence[Course], most: int) -> list[Course]:
    if len(courses) <= most:
        return list(courses)
    return [courses[at] for at in np.linspace(0, len(courses) - 1, most).round().astype(int)]


def _members(factors: Sequence[Factor], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.name for one in factors if one.label in names)


def _notes(model: Model, living: Analysis, both: Analysis | None) -> list[str]:
    notes = []
    rates = [one.name for one in model.living if not moves(one)]
    if rates:
        notes.append(
            f"between trips, not within one, {'act' if rates[1:] else 'acts'} {', '.join(rates)}: judged by what "
            "trips tell"
        )
    if pair := _correlated(model, living.factors):
        one, other, value = pair
        notes.append(
            f"the priors of {one} and {other} go together ({value:+.2f}); the indices take parameters as independent"
        )
    groups = sorted({one.group for one in living.factors if one.group})
    notes += [f"the {name} knots are judged as one" for name in groups]
    for analysis in (living, both):
        if analysis is not None and analysis.indices.lost:
            notes.append(f"{100 * analysis.indices.lost:.1f} % of the design was left out: runs that are not finite")
    if both is None:
        notes.append("temperature, current and charge hardly differ between these trips: inputs were not varied")
    return notes


def _uncaptured(found: Indices, chosen: Chosen, left: Residual) -> list[str]:
    """What to know where real trips differ by what was not chosen."""
    others = [name for name in found.names if name not in chosen.names]
    if not others or left.captured is None or left.captured >= CAPTURED:
        return []
    return [
        f"the set captures {100 * left.captured:.0f} % of what all take away: trips differ by {', '.join(others)} more "
        "than their priors say, or show what no parameter is for"
    ]


def _correlated(model: Model, factors: Sequence[Factor]) -> tuple[str, str, float] | None:
    """The two labels whose priors go together most, if they do."""
    _, cov = prior(model)
    sd = np.sqrt(np.diagonal(cov))
    index = {one.name: at for at, one in enumerate(model.living)}
    worst: tuple[str, str, float] | None = None
    for row, one in enumerate(factors):
        for other in factors[row + 1 :]:
            a, b = index[one.name], index[other.name]
            value = float(cov[a, b] / max(sd[a] * sd[b], 1e-300))
            if one.label != other.label and abs(value) > max(CORRELATED, abs(worst[2]) if worst else 0.0):
                worst = (one.name, other.name, value)
    return worst


def to_dict(found: Sensitivity) -> dict[str, Any]:
    """As JSON values."""
    label = {one.name: one.label for one in found.living.factors}
    return {
        "living": _analysis(found.living),
        "both": None if found.both is None else _analysis(found.both),
        "rule": (
            "in the order of total effect, until what the others make together, upper ends of their intervals, "
            f"is below {100 * LEFT:.0f} % of the variance"
        ),
        "chosen": {"names": list(found.chosen.names), "left": found.chosen.left},
        "residual": found.residual.to_dict(),
        "identified": [{**one.to_dict(), "label": label.get(one.name, one.name)} for one in found.identified],
        "notes": list(found.notes),
    }


def _analysis(found: Analysis) -> dict[str, Any]:
    judged = found.indices
    return {
        "names": list(labels(found.factors)),
        **{
            name: getattr(judged, name).tolist()
            for name in ("first", "first_conf", "total", "total_conf", "second", "second_conf")
        },
        "sd_v": judged.sd,
        "lost": judged.lost,
        "trips": found.trips,
        "runs": found.runs,
        "factors": [
            {
                "name": one.name,
                "label": one.label,
                "lower": _number(one.lower),
                "upper": _number(one.upper),
                "mean": one.mean if np.isfinite(one.sd) else None,
                "sd": _number(one.sd),
            }
            for one in found.factors
        ],
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
