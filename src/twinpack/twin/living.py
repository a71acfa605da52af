"""The living loop over a run of steps, whatever drives the model: open a trip, predict it with three predictors, learn.

Everything is vectorised over vehicles and sequential in time; sums start from what is carried, so that cutting a run
of steps in two changes no bit. `decide` closes a trip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinpack.filters import MakeFilter, Model, Posterior, compile
from twinpack.filters.trends import Trends
from twinpack.twin.score import step_scores
from twinpack.twin.settings import PREDICTORS, LoopSettings, Prototype
from twinpack.twin.state import CORRECTING, IDLE, OPEN_LOOP, TwinState

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DAY_US = 86_400_000_000
S_US = 1_000_000


@dataclass(frozen=True)
class Run:
    """The next steps of B vehicles, each in one session; (T, B), `present` False past a vehicle's last.

    Rows past the last repeat it, so that arithmetic on them stays finite.

    Attributes:
        time_us: Sample time.
        measured: Pack voltage, V, NaN where missing.
        current: Pack current, A, NaN where missing.
        temp: Cell temperature, °C, NaN where missing.
        soc: State of charge told by the BMS, 0 to 1, NaN where missing.
        present: Whether the vehicle has such a step.
        opens: Whether the first step begins a session, shape (B,).
        scored: Whether the session is predicted and scored (a trip) and not only learned from (a rest), shape (B,).
        number: Number of the session, shape (B,).
        driving: Whether the vehicle drives in it, shape (B,); by default in every trip.
        more: Further signals that the twins ask for (`LivingTwins.signals`), by name, NaN where missing.
    """

    time_us: npt.NDArray[np.int64]
    measured: Floats
    current: Floats
    temp: Floats
    soc: Floats
    present: Flags
    opens: Flags
    scored: Flags
    number: npt.NDArray[np.int64]
    driving: Flags | None = None
    more: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Traced:
    """Per-step predictions of a run: mean and standard deviation (3, T, B), which were scored and the shadow's SoC."""

    mean: Floats
    sd: Floats
    scored: Flags
    current: Floats
    temp: Floats
    soc: Floats


@dataclass(frozen=True)
class Driven:
    """What drives the model over a run, (T, B) each.

    Attributes:
        inputs: The model's inputs, finite in every step that is present.
        told: Where a prediction can be made of them.
        learned: Where the shadow may learn from the measurement.
        flown: What each step adds to a wear clock of throughput.
        way: Rows of `TwinState.way` after each step, shape (W, T, B).
    """

    inputs: Mapping[str, Floats]
    told: Flags
    learned: Flags
    flown: Floats
    way: Floats | None = None


@dataclass(frozen=True)
class Need:
    """What data must have shown before a parameter's value may change.

    Attributes:
        parameter: Its name.
        row: Row of `TwinState.seen` that tells.
        least: Least of it.
        reason: Sentence of the refusal; `{least}` and `{seen}` stand for what was asked and what was there.
        factor: What both are multiplied by to be told.
    """

    parameter: str
    row: int
    least: float
    reason: str
    factor: float = 1.0

    def told(self, seen: float) -> str:
        """The sentence."""
        return self.reason.format(least=self.factor * self.least, seen=self.factor * seen)


@dataclass(frozen=True)
class Following:
    """How bands follow a twin's own errors.

    Attributes:
        sizes: Whether the size of errors is followed, and not only the share that lies outside.
        rate: Times the settings' `band_rate`.
        least_factor: How far a band narrows with the size below the model's own, before and after a year: calm months
            say nothing of the winter.
        least_band: The same of its logarithm with the share outside.
        most_band: How far it widens.
    """

    sizes: bool = True
    rate: float = 1.0
    least_factor: tuple[float, float] = (0.8, 0.5)
    least_band: tuple[float, float] = (-0.05, -0.3)
    most_band: float = 1.5


class LivingTwins(ABC):
    """The loop for the vehicles of one prototype.

    Attributes:
        signals: Signals of a step that the model is driven by beside current, temperature and charge.
        following: How bands follow a twin's own errors.
        needs: What must have been seen before parameters may change.
    """

    signals: ClassVar[tuple[str, ...]] = ()
    following: ClassVar[Following] = Following()
    model: Model
    needs: tuple[Need, ...] = ()

    def __init__(self, prototype: Prototype, settings: LoopSettings, make: MakeFilter = compile) -> None:
        """Build model, filters and priors.

        Args:
            prototype: What the twins start from.
            settings: How they live.
            make: Makes the filter of a model, as `twinpack.filters.compile` does.
        """
        self.prototype = prototype
        self.settings = settings
        self.model = self.model_of(prototype)
        self.filter = make(self.model, alpha=self.model.alpha)
        self.states = len(self.model.dynamic)
        living = self.model.living
        self.names = tuple(one.name for one in living)
        self.prior_mean = np.array([one.mean for one in living])
        given = self.model.prior_covariance
        self.prior_cov = np.array(given) if given else np.diag([one.sd**2 for one in living])
        self.lower = np.array([one.lower for one in living])
        self.upper = np.array([one.upper for one in living])
        self.trends = Trends(living)
        self.by_days = self.model.clock == "days" and not self.trends.moving
        self._start_only = np.arange(self.filter.size) < self.states

    @staticmethod
    @abstractmethod
    def model_of(prototype: Prototype) -> Model:
        """The model that a prototype stands for."""

    @abstractmethod
    def new_state(self, vehicles: int) -> TwinState:
        """Twins that have seen nothing."""

    @abstractmethod
    def driven(self, state: TwinState, run: Run) -> Driven:
        """What drives the model over a run; `state` is that before it."""

    @abstractmethod
    def start(self, run: Run, inputs: Mapping[str, Floats], rest_s: Floats) -> tuple[Floats, Floats]:
        """Dynamic states at a session's first step and their standard deviations, shape (states, B) each.

        Args:
            run: The run that opens the session.
            inputs: Its inputs.
            rest_s: How long nothing was heard before, s, NaN for what was never heard, shape (B,).
        """

    @abstractmethod
    def gathered(self, state: TwinState, run: Run, driven: Driven) -> TwinState:
        """What the run leaves for the next one and for the trip's end."""

    @abstractmethod
    def shown(self, state: TwinState) -> Floats:
        """What the open trip has shown, to be held against `needs`, shape (2, B)."""

    @abstractmethod
    def evidence(self, seen: Floats) -> dict[str, float]:
        """The same as figures of a version's evidence; `seen` is the best since the last accepted one, shape (2,)."""

    def told_by(self) -> dict[str, float]:
        """What a version must carry for its parameters to be told to people."""
        return {}

    def advance(self, state: TwinState, run: Run) -> tuple[TwinState, Traced]:
        """Take the steps of a run; `state` holds exactly its vehicles."""
        driven = self.driven(state, run)
        state = self._open(state, run, driven.inputs)
        learned = replace(run, measured=np.where(driven.learned, run.measured, np.nan))
        state, soc = self._learn(state, learned, driven.inputs)
        state, mean, sd, scored = self._predict(state, run, learned, driven)
        state = self._worn(self.gathered(state, run, driven), run, driven)
        state = state.with_(last_us=last_of(run.time_us, run.present, state.last_us))
        inputs = driven.inputs
        current, temp = inputs.get("current_a", run.current), inputs.get("temp_c", run.temp)
        return state, Traced(mean, sd, scored, current, temp, soc if self.states else np.full_like(soc, np.nan))

    def grown(self, state: TwinState) -> tuple[Floats, Floats]:
        """Deployed parameters as of the clock's reading, of twins whose wear is not by days alone."""
        passed = np.maximum(state.clock - state.deployed_clock, 0.0)
        return self.trends.advance(state.deployed_mean, state.deployed_cov, passed)

    def _open(self, state: TwinState, run: Run, inputs: Mapping[str, Floats]) -> TwinState:
        if not run.opens.any():
            return state
        opens, d = run.opens, self.states
        at = run.time_us[0]
        pause = np.where(state.last_us >= 0, at - state.last_us, 0)
        reading, passed = self._clock(state, at, pause)
        mean, cov = self.trends.advance(state.shadow_mean, state.shadow_cov, passed * opens)
        if d:
            start, sd = self.start(run, inputs, np.where(state.last_us >= 0, pause / S_US, np.nan))
            afresh = opens & (~state.carried | (pause > self.settings.carry_s * S_US))
            mean[:d] = np.where(afresh, start, mean[:d])
            cov[:d] = np.where(afresh, 0.0, cov[:d])
            cov[:, :d] = np.where(afresh, 0.0, cov[:, :d])
            for row in range(d):
                cov[row, row] = np.where(afresh, sd[row] ** 2, cov[row, row])
        state = state.with_(clock=np.where(opens, reading, state.clock), gained=np.where(opens, 0.0, state.gained))
        return self._begin(state, run, mean, cov)

    def _clock(self, state: TwinState, at: npt.NDArray[np.int64], pause: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        """Reading of the wear clock at a session's start, and what passed since the shadow's parameters were right.

        Without rates, days are those of the pause: while a vehicle drives, its shadow learns how it wears.
        """
        if self.model.clock != "days":
            return state.clock + state.gained, state.gained
        reading = np.where(state.first_us >= 0, at - state.first_us, 0) / DAY_US
        return reading, pause / DAY_US if self.by_days else np.maximum(reading - state.clock, 0.0)

    def _worn(self, state: TwinState, run: Run, driven: Driven) -> TwinState:
        """What the run adds to the wear clock, from the next session on."""
        if self.model.clock == "sessions":
            driving = run.scored if run.driving is None else run.driving
            return state.with_(gained=np.where(run.opens & driving, 1.0, state.gained))
        if self.model.clock == "throughput":
            flown = np.where(run.present, driven.flown, 0.0)
            return state.with_(gained=running(state.gained, flown)[-1])
        return state

    def _begin(self, state: TwinState, run: Run, mean: Floats, cov: Floats) -> TwinState:
        """Remember where the shadow stands and set up the three predictors."""
        opens, d, vehicles = run.opens, self.states, len(run.opens)
        at = run.time_us[0]
        never = np.repeat(self.prior_mean[:, None], vehicles, 1)
        never_cov = np.repeat(self.prior_cov[:, :, None], vehicles, 2)
        # A parameter that drifts is known less the longer ago it was deployed.
        if self.by_days:
            days = np.maximum(at - state.deployed_us, 0) / DAY_US
            deployed, deployed_cov = self.trends.advance(state.deployed_mean, state.deployed_cov, days)
        else:
            deployed, deployed_cov = self.grown(state)
        if self.trends.moving:
            never, never_cov = self.trends.advance(never, never_cov, state.clock)
        pred_mean, pred_cov = state.pred_mean.copy(), state.pred_cov.copy()
        parameters = np.stack([deployed, never, mean[d:]], 1)
        spreads = np.stack([deployed_cov, never_cov, cov[d:, d:]], axis=2)
        pred_mean[:d] = np.where(opens, mean[:d, None], pred_mean[:d])
        pred_mean[d:] = np.where(opens, parameters, pred_mean[d:])
        pred_cov[:] = np.where(opens, 0.0, pred_cov)
        pred_cov[:d, :d] = np.where(opens, cov[:d, :d, None], pred_cov[:d, :d])
        pred_cov[d:, d:] = np.where(opens, spreads, pred_cov[d:, d:])
        # Without dynamic states there is no start to correct.
        first_phase = CORRECTING if d else OPEN_LOOP
        return state.with_(
            shadow_mean=np.where(opens, mean, state.shadow_mean),
            shadow_cov=np.where(opens, cov, state.shadow_cov),
            shadow_ok=state.shadow_ok | opens,
            carried=state.carried | opens,
            before_mean=np.where(opens, mean, state.before_mean),
            before_cov=np.where(opens, cov, state.before_cov),
            phase=np.where(opens, np.where(run.scored, first_phase, IDLE), state.phase),
            number=np.where(opens, run.number, state.number),
            pred_mean=pred_mean,
            pred_cov=pred_cov,
            pred_ok=state.pred_ok | opens,
            opened_us=np.where(opens, at, state.opened_us),
            first_us=np.where(opens & (state.first_us < 0), at, state.first_us),
            window_us=np.where(opens & (state.window_us < 0), at, state.window_us),
            sums=np.where(opens, 0.0, state.sums),
            normalised=np.where(opens, 0.0, state.normalised),
            scored=np.where(opens, 0, state.scored),
            charge=np.where(opens, 0.0, state.charge),
            effort=np.where(opens, 0.0, state.effort),
            nis=np.where(opens, 0.0, state.nis),
            kept=np.where(opens, 0.0, state.kept),
            long=state.long & ~opens,
        )

    def _learn(self, state: TwinState, run: Run, inputs: Mapping[str, Floats]) -> tuple[TwinState, Floats]:
        use = run.present & state.shadow_ok
        stand = Posterior.of(state.shadow_mean, state.shadow_cov)
        done = self.filter.assimilate(stand, inputs, run.measured, use, steps=True)
        squares = done.innovation**2 / done.innovation_variance
        known = np.isfinite(squares)
        terms = np.stack([np.where(known, squares, 0.0), known.astype(np.float64)], axis=1)
        learned = state.with_(
            shadow_mean=done.mean,
            shadow_cov=done.covariance,
            shadow_ok=state.shadow_ok & done.ok,
            nis=running(state.nis, terms)[-1],
        )
        return learned, done.first_state

    def _predict(
        self, state: TwinState, run: Run, learned: Run, driven: Driven
    ) -> tuple[TwinState, Floats, Floats, Flags]:
        since_s = (run.time_us - state.opened_us) / S_US
        inputs = driven.inputs
        trip = run.present & driven.told & (state.phase != IDLE)
        early = trip & (since_s <= self.settings.correct_s) & (state.phase == CORRECTING)
        late = trip & ~early
        mean = np.full((3, *trip.shape), np.nan)
        sd = np.full((3, *trip.shape), np.nan)
        if early.any():
            state = self._correct(state, learned, inputs, early, mean, sd)
        if late.any():
            state = self._draw(state, late.any(axis=0))
            state = self._run_open(state, inputs, late, mean, sd)
        scored = late & np.isfinite(run.measured)
        return self._score(state, run, mean, sd, scored), mean, sd, scored

    def _correct(
        self, state: TwinState, run: Run, inputs: Mapping[str, Floats], early: Flags, mean: Floats, sd: Floats
    ) -> TwinState:
        """The start state may follow the voltage; parameters are left alone though their uncertainty counts."""
        rows = int(np.flatnonzero(early.any(axis=1))[-1]) + 1
        some = {name: values[:rows] for name, values in inputs.items()}
        pred_mean, pred_cov, pred_ok = state.pred_mean.copy(), state.pred_cov.copy(), state.pred_ok.copy()
        for which in range(len(PREDICTORS)):
            use = early[:rows] & state.pred_ok[which]
            done = self.filter.assimilate(
                _predictor(state, which), some, run.measured[:rows], use, self._start_only, steps=True
            )
            mean[which, :rows] = run.measured[:rows] - done.innovation
            sd[which, :rows] = np.sqrt(done.innovation_variance)
            pred_mean[:, which], pred_cov[:, :, which] = done.mean, done.covariance
            pred_ok[which] &= done.ok
        return state.with_(pred_mean=pred_mean, pred_cov=pred_cov, pred_ok=pred_ok)

    def _draw(self, state: TwinState, wanted: Flags) -> TwinState:
        lanes = np.flatnonzero(wanted & (state.phase == CORRECTING))
        if not len(lanes):
            return state
        points, phase, pred_ok = state.points.copy(), state.phase.copy(), state.pred_ok.copy()
        no_steps = np.zeros((0, len(lanes)))
        for which in range(len(PREDICTORS)):
            some = _predictor(state.take(lanes), which)
            drawn = self.filter.predict(some, dict.fromkeys(self.model.inputs, no_steps))
            points[:, :, which, lanes] = drawn.points
            pred_ok[which, lanes] &= drawn.ok
        phase[lanes] = OPEN_LOOP
        return state.with_(points=points, phase=phase, pred_ok=pred_ok)

    def _run_open(
        self, state: TwinState, inputs: Mapping[str, Floats], late: Flags, mean: Floats, sd: Floats
    ) -> TwinState:
        first = int(np.flatnonzero(late.any(axis=1))[0])
        rest = late[first:]
        some = {name: values[first:] for name, values in inputs.items()}
        points, pred_ok, factor = state.points.copy(), state.pred_ok.copy(), band_factor(state)
        for which in range(len(PREDICTORS)):
            use = rest & state.pred_ok[which]
            done = self.filter.predict(_predictor(state, which), some, use, state.points[:, :, which])
            mean[which, first:] = np.where(rest, done.mean, mean[which, first:])
            sd[which, first:] = np.where(rest, factor[which] * np.sqrt(done.variance), sd[which, first:])
            points[:, :, which] = done.points
            pred_ok[which] &= done.ok | ~use.any(axis=0)
        return state.with_(points=points, pred_ok=pred_ok)

    def _score(self, state: TwinState, run: Run, mean: Floats, sd: Floats, scored: Flags) -> TwinState:
        terms = np.where(scored, step_scores(run.measured, mean, sd), 0.0)
        z = np.where(scored, (run.measured - mean[0]) / sd[0], 0.0)
        z = np.where(np.isfinite(z), z, 0.0)
        return state.with_(
            sums=running(state.sums, np.moveaxis(terms, 2, 0))[-1],
            normalised=running(state.normalised, z)[-1],
            scored=state.scored + scored.sum(axis=0),
        )


def _predictor(state: TwinState, which: int) -> Posterior:
    """Where a predictor stands."""
    return Posterior.of(state.pred_mean[:, which], state.pred_cov[:, :, which])


def band_factor(state: TwinState) -> Floats:
    """What each predictor's own standard deviation is multiplied by, shape (3, B)."""
    factor: Floats = np.exp(state.band) * np.sqrt(state.spread)
    return factor


def running(carried: Floats, terms: Floats) -> Floats:
    """Sums that go on from what is carried, one row a step: strictly one after the other."""
    total: Floats = np.cumsum(np.concatenate([carried[None], terms]), axis=0)[1:]
    return total


def filled(values: Floats, carried: Floats) -> Floats:
    """Missing values replaced by the vehicle's last one."""
    padded = np.vstack([carried[None], values])
    index = np.where(np.isnan(padded), 0, np.arange(len(padded))[:, None])
    return np.take_along_axis(padded, np.maximum.accumulate(index, axis=0), axis=0)[1:]


def last_of(values: npt.NDArray[Any], present: Flags, carried: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each vehicle's last value that is present, else what is carried."""
    count = present.sum(axis=0)
    last = np.take_along_axis(values, np.maximum(count - 1, 0)[None], axis=0)[0]
    return np.where(count > 0, last, carried)
