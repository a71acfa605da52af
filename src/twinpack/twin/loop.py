"""The living loop over a run of steps: open a trip, predict it with three predictors, learn in the shadow.

Everything is vectorised over vehicles and sequential in time; sums start from what is carried, so that cutting a run
of steps in two changes no bit. `decide` closes a trip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.families import pack_model
from twinpack.filters import MakeFilter, Posterior, compile
from twinpack.twin.score import step_scores
from twinpack.twin.settings import PREDICTORS, LoopSettings, Prototype
from twinpack.twin.state import CORRECTING, IDLE, OPEN_LOOP, TwinState

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BIN_S, BINS = 5.0, 1080
"""Bins in which a trip is kept where the OCV lives: an hour and a half of it."""

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


@dataclass(frozen=True)
class Traced:
    """Per-step predictions of a run: mean and standard deviation (3, T, B), which were scored and the shadow's SoC."""

    mean: Floats
    sd: Floats
    scored: Flags
    current: Floats
    temp: Floats
    soc: Floats


class Twins:
    """The loop for the vehicles of one prototype."""

    def __init__(self, prototype: Prototype, settings: LoopSettings, make: MakeFilter = compile) -> None:
        """Build model, filters and priors.

        Args:
            prototype: What the twins start from.
            settings: How they live.
            make: Makes the filter of a model, as `twinpack.filters.compile` does.
        """
        self.prototype = prototype
        self.settings = settings
        self.model = pack_model(prototype.kind, prototype.model)
        self.filter = make(self.model, alpha=self.model.alpha)
        self.tangent = make(self.model.tangent(), alpha=self.model.alpha)
        self.states = len(self.model.dynamic)
        living = self.model.living
        self.names = tuple(one.name for one in living)
        self.prior_mean = np.array([one.mean for one in living])
        given = self.model.prior_covariance
        self.prior_cov = np.array(given) if given else np.diag([one.sd**2 for one in living])
        self.lower = np.array([one.lower for one in living])
        self.upper = np.array([one.upper for one in living])
        self._drift = np.array([one.drift for one in living])
        self._start_only = np.arange(self.filter.size) < self.states

    def new_state(self, vehicles: int) -> TwinState:
        """Twins that have seen nothing."""
        bins = BINS if self.model.ocv_lives else 0
        return TwinState.new(self.filter, self.prior_mean, self.prior_cov, vehicles, bins)

    def advance(self, state: TwinState, run: Run) -> tuple[TwinState, Traced]:
        """Take the steps of a run; `state` holds exactly its vehicles."""
        current, temp = _filled(run.current, state.last_current), _filled(run.temp, state.last_temp)
        inputs = self._inputs(state, run, current, temp)
        state = self._open(state, run, inputs)
        # A voltage says nothing of a pack whose current is not known.
        learned = replace(run, measured=np.where(np.isfinite(run.current), run.measured, np.nan))
        state, soc = self._learn(state, learned, inputs)
        state, mean, sd, scored = self._predict(state, run, learned, inputs)
        state = _keep(_evidence(state, run, inputs), learned, current, temp)
        state = state.with_(
            last_us=_last(run.time_us, run.present, state.last_us),
            last_current=_last(current, run.present, state.last_current),
            last_temp=_last(temp, run.present, state.last_temp),
        )
        return state, Traced(mean, sd, scored, current, temp, soc)

    def _inputs(self, state: TwinState, run: Run, current: Floats, temp: Floats) -> dict[str, Floats]:
        before_us = np.vstack([np.where(state.last_us < 0, run.time_us[0], state.last_us)[None], run.time_us[:-1]])
        dt = np.where(run.present, (run.time_us - before_us) / S_US, 0.0)
        first = np.vstack([state.last_current[None], current[:-1]])
        last = current.copy()
        # What flowed in a pause between sessions is not known; over a short one it was nothing.
        first[0] = np.where(run.opens, 0.0, first[0])
        last[0] = np.where(run.opens, 0.0, last[0])
        dt[0] = np.where(run.opens & (dt[0] > self.settings.carry_s), 0.0, dt[0])
        return {"current_a": current, "interval_start_a": first, "interval_end_a": last, "dt_s": dt, "temp_c": temp}

    def _open(self, state: TwinState, run: Run, inputs: Mapping[str, Floats]) -> TwinState:
        if not run.opens.any():
            return state
        opens, d = run.opens, self.states
        at = run.time_us[0]
        pause = np.where(state.last_us >= 0, at - state.last_us, 0)
        mean, cov = state.shadow_mean.copy(), state.shadow_cov.copy()
        grown = (self._drift**2)[:, None] * (pause / DAY_US) * opens
        for row in range(len(self._drift)):
            cov[d + row, d + row] += grown[row]
        told = np.where(run.present, run.soc, np.nan)[0]
        first = {name: values[0] for name, values in inputs.items()}
        start, sd = self.model.start(run.measured[0], first, told, self.settings.start_soc_sd)
        afresh = opens & (~state.carried | (pause > self.settings.carry_s * S_US))
        mean[:d] = np.where(afresh, start, mean[:d])
        cov[:d] = np.where(afresh, 0.0, cov[:d])
        cov[:, :d] = np.where(afresh, 0.0, cov[:, :d])
        for row in range(d):
            cov[row, row] = np.where(afresh, sd[row] ** 2, cov[row, row])
        return self._begin(state, run, mean, cov)

    def _begin(self, state: TwinState, run: Run, mean: Floats, cov: Floats) -> TwinState:
        """Remember where the shadow stands and set up the three predictors."""
        opens, d = run.opens, self.states
        pred_mean, pred_cov = state.pred_mean.copy(), state.pred_cov.copy()
        parameters = np.stack([state.deployed_mean, np.repeat(self.prior_mean[:, None], len(opens), 1), mean[d:]], 1)
        # A parameter that drifts is known less the longer ago it was deployed.
        days = np.maximum(run.time_us[0] - state.deployed_us, 0) / DAY_US
        aged = state.deployed_cov + np.eye(len(self._drift))[:, :, None] * (self._drift**2)[:, None, None] * days
        spreads = np.stack([aged, np.repeat(self.prior_cov[:, :, None], len(opens), 2), cov[d:, d:]], axis=2)
        pred_mean[:d] = np.where(opens, mean[:d, None], pred_mean[:d])
        pred_mean[d:] = np.where(opens, parameters, pred_mean[d:])
        pred_cov[:] = np.where(opens, 0.0, pred_cov)
        pred_cov[:d, :d] = np.where(opens, cov[:d, :d, None], pred_cov[:d, :d])
        pred_cov[d:, d:] = np.where(opens, spreads, pred_cov[d:, d:])
        at = run.time_us[0]
        return state.with_(
            shadow_mean=np.where(opens, mean, state.shadow_mean),
            shadow_cov=np.where(opens, cov, state.shadow_cov),
            shadow_ok=state.shadow_ok | opens,
            carried=state.carried | opens,
            before_mean=np.where(opens, mean, state.before_mean),
            before_cov=np.where(opens, cov, state.before_cov),
            phase=np.where(opens, np.where(run.scored, CORRECTING, IDLE), state.phase),
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
            nis=_running(state.nis, terms)[-1],
        )
        return learned, done.first_state

    def _predict(
        self, state: TwinState, run: Run, learned: Run, inputs: Mapping[str, Floats]
    ) -> tuple[TwinState, Floats, Floats, Flags]:
        since_s = (run.time_us - state.opened_us) / S_US
        trip = run.present & (state.phase != IDLE)
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
            sums=_running(state.sums, np.moveaxis(terms, 2, 0))[-1],
            normalised=_running(state.normalised, z)[-1],
            scored=state.scored + scored.sum(axis=0),
        )


def _predictor(state: TwinState, which: int) -> Posterior:
    """Where a predictor stands."""
    return Posterior.of(state.pred_mean[:, which], state.pred_cov[:, :, which])


def band_factor(state: TwinState) -> Floats:
    """What each predictor's own standard deviation is multiplied by, shape (3, B)."""
    factor: Floats = np.exp(state.band) * np.sqrt(state.spread)
    return factor


def _evidence(state: TwinState, run: Run, inputs: Mapping[str, Floats]) -> TwinState:
    """Swing of charge and effort, which say what the data could identify."""
    step = 0.5 * (inputs["interval_start_a"] + inputs["interval_end_a"]) * inputs["dt_s"] / 3600.0
    passed = _running(state.charge[0], np.where(run.present, step, 0.0))
    square = np.where(run.present, inputs["current_a"] ** 2, 0.0)
    effort = _running(state.effort, np.stack([square, run.present.astype(np.float64)], axis=1))
    low = np.minimum(state.charge[1], passed.min(axis=0))
    high = np.maximum(state.charge[2], passed.max(axis=0))
    return state.with_(charge=np.stack([passed[-1], low, high]), effort=effort[-1])


def _keep(state: TwinState, run: Run, current: Floats, temp: Floats) -> TwinState:
    """Gather the trip in coarse bins, for `refine`; sums are added one step after the other."""
    bins = state.kept.shape[1]
    if not bins:
        return state
    use = run.present & np.isfinite(run.measured) & (state.phase != IDLE)
    index = (run.time_us - state.opened_us) // round(BIN_S * S_US)
    fits = use & (index < bins)
    row, lane = np.nonzero(fits)
    kept = state.kept.copy()
    for which, values in enumerate((run.measured, current, temp, np.ones(use.shape))):
        np.add.at(kept[which], (index[row, lane], lane), values[row, lane])
    return state.with_(kept=kept, long=state.long | (use & ~fits).any(axis=0))


def _running(carried: Floats, terms: Floats) -> Floats:
    """Sums that go on from what is carried, one row a step: strictly one after the other."""
    total: Floats = np.cumsum(np.concatenate([carried[None], terms]), axis=0)[1:]
    return total


def _filled(values: Floats, carried: Floats) -> Floats:
    """Missing values replaced by the vehicle's last one."""
    padded = np.vstack([carried[None], values])
    index = np.where(np.isnan(padded), 0, np.arange(len(padded))[:, None])
    return np.take_along_axis(padded, np.maximum.accumulate(index, axis=0), axis=0)[1:]


def _last(values: npt.NDArray[Any], present: Flags, carried: npt.NDArray[Any]) -> npt.NDArray[Any]:
    count = present.sum(axis=0)
    last = np.take_along_axis(values, np.maximum(count - 1, 0)[None], axis=0)[0]
    return np.where(count > 0, last, carried)
