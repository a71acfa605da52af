"""The state of charge that a filter finds from voltage, current and temperature when it is told a wrong one.

Each start is a session of its own: the model begins with what `PackModel.start` makes of the first step and of a charge
that is wrong by a known amount, then learns from every step as a twin's shadow does. Nothing of the truth is used but
to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.evaluate.metrics import coverage, rmse
from twinpack.filters import Posterior, compile
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]

AFTER_S = 600.0
"""The charge must be found by then; from there on it is judged."""

JUDGED_S = 600.0
"""A start needs so long a record after that."""

WRONG = 0.20
"""How wrong the charge told is: 20 points, either way."""

PLACES = (0.85, 0.7, 0.55, 0.4, 0.25)
"""True states of charge near which sessions are joined in the middle of a drive."""

LOAD_C_RATE = 0.3
"""A session is joined in the middle at the first step with more current than this."""

RESTED_S = 86_400.0

_BLOCK = 24
"""Steps between two readings of the standard deviation."""


@dataclass(frozen=True)
class WrongStart:
    """A session with a wrong start; N steps.

    Attributes:
        trip: The record; of it the steps from `first` on.
        truth: True state of charge at each step of the record, shape (N,).
        first: Step at which the session begins.
        told: State of charge told.
        rested: Whether the session begins after a rest; else in the middle of a drive, with nothing known of before.
    """

    trip: TrainingTrip
    truth: Floats
    first: int
    told: float
    rested: bool


@dataclass(frozen=True)
class Found:
    """How well the charge was found.

    Attributes:
        rmse: Of the state of charge from `AFTER_S` on to the end of the record, 0 to 1.
        worst: Largest error there.
        coverage: Share of readings there inside the 95 % band.
        diverged: Whether the filter failed, or ended further off than it was told wrong.
    """

    rmse: float
    worst: float
    coverage: float
    diverged: bool


def wrong_starts(trip: TrainingTrip, truth: Floats, capacity_ah: float) -> list[WrongStart]:
    """Every start of a record: at its beginning after a rest, and under load near each of `PLACES`.

    Args:
        trip: A test that begins after a rest.
        truth: True state of charge at each step.
        capacity_ah: Of the pack.
    """
    loaded = (np.abs(trip.current_a) > LOAD_C_RATE * capacity_ah) & np.isfinite(trip.voltage_v)
    firsts = {0: True}
    for place in PLACES:
        steps = np.flatnonzero(loaded & (np.maximum.accumulate(truth <= place)))
        if len(steps) and trip.time_s[-1] - trip.time_s[steps[0]] >= AFTER_S + JUDGED_S:
            firsts.setdefault(int(steps[0]), False)
    return [
        WrongStart(trip, truth, first, float(truth[first] + wrong), rested)
        for first, rested in firsts.items()
        for wrong in (-WRONG, WRONG)
        if 0.0 <= truth[first] + wrong <= 1.0
    ]


def find_charge(model: PackModel, starts: Sequence[WrongStart], told_sd: float = WRONG) -> list[Found]:
    """Run the compiled filter from every start, side by side.

    Args:
        model: The prototype.
        starts: Where from.
        told_sd: How uncertain the charge told is said to be.
    """
    if not starts:
        return []
    lanes = _Lanes(starts)
    stand, run = lanes.posterior(model, told_sd), compile(model, alpha=model.alpha)
    means, sds, ok = [], [], np.ones(len(starts), dtype=np.bool_)
    for first in range(0, len(lanes.time), _BLOCK):
        block = slice(first, first + _BLOCK)
        inputs = {name: values[block] for name, values in lanes.inputs.items()}
        measured = lanes.voltage[block] * model.series
        done = run.assimilate(stand, inputs, measured, lanes.present[block], steps=True)
        stand, ok = done.posterior, ok & done.ok
        means.append(done.first_state)
        sds.append(np.sqrt(stand.triangle[0]))
    error = np.concatenate(means) - lanes.truth
    return [_found(lanes, error[:, lane], np.array(sds)[:, lane], bool(ok[lane]), lane) for lane in range(len(starts))]


class _Lanes:
    """The sessions side by side, (T, B); a shorter one has no steps at its end."""

    def __init__(self, starts: Sequence[WrongStart]) -> None:
        self.starts = starts
        longest = max(len(one.truth) - one.first for one in starts)

        def lanes(values: Sequence[Floats], fill: float) -> Floats:
            table: Floats = np.full((longest, len(values)), fill)
            for lane, one in enumerate(values):
                table[: len(one), lane] = one
            return table

        parts = [slice(one.first, None) for one in starts]
        time = [one.trip.time_s[part] for one, part in zip(starts, parts, strict=True)]
        current = lanes([one.trip.current_a[part] for one, part in zip(starts, parts, strict=True)], 0.0)
        self.time = lanes([one - one[0] for one in time], np.nan)
        self.present = np.isfinite(self.time)
        self.voltage = lanes([one.trip.voltage_v[part] for one, part in zip(starts, parts, strict=True)], np.nan)
        self.truth = lanes([one.truth[part] for one, part in zip(starts, parts, strict=True)], np.nan)
        self.inputs = {
            "current_a": current,
            "interval_start_a": np.vstack([current[:1], current[:-1]]),
            "interval_end_a": current,
            "dt_s": lanes([np.diff(one, prepend=one[:1]) for one in time], 0.0),
            "temp_c": lanes([one.trip.temp_c[part] for one, part in zip(starts, parts, strict=True)], 25.0),
        }

    def posterior(self, model: PackModel, told_sd: float) -> Posterior:
        """Where the sessions begin, with the prototype's parameters as uncertain as it says."""
        first = {name: values[0] for name, values in self.inputs.items()}
        first["rest_s"] = np.array([RESTED_S if one.rested else np.nan for one in self.starts])
        told = np.array([one.told for one in self.starts])
        start, sd = model.start(self.voltage[0] * model.series, first, told, told_sd)
        states, living = len(model.dynamic), model.living
        mean = np.vstack([start, *(np.full((1, len(told)), one.mean) for one in living)])
        cov = np.zeros((len(mean), *mean.shape))
        given = model.prior_covariance
        cov[states:, states:] = (np.array(given) if given else np.diag([one.sd**2 for one in living]))[:, :, None]
        cov[range(states), range(states)] = sd**2
        return Posterior.of(mean, cov)


def _found(lanes: _Lanes, error: Floats, sds: Floats, ok: bool, lane: int) -> Found:
    time = lanes.time[:, lane]
    judged = np.isfinite(time) & (time >= AFTER_S)
    read = np.minimum(_BLOCK * np.arange(1, len(sds) + 1), len(time)) - 1
    known = judged[read]
    ended = float(abs(error[judged][-1]))
    return Found(
        rmse=rmse(error[judged]),
        worst=float(np.abs(error[judged]).max()),
        coverage=coverage(error[read][known], sds[known]),
        diverged=not ok or not ended <= WRONG,
    )
