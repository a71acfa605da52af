"""The end of a trip: score it, decide, and accept or refuse the shadow's posterior as a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack import __version__
from twinpack.twin.loop import Twins, band_factor
from twinpack.twin.refine import refined
from twinpack.twin.score import KEPT, UNSCORED, TripScore, figures
from twinpack.twin.settings import CHALLENGER, DEPLOYED, NEVER
from twinpack.twin.state import IDLE, TwinState
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, REFUSED, TwinVersion

Floats = npt.NDArray[np.float64]

YEAR_US = 365 * 86_400_000_000
LEAST_FACTOR, LEAST_BAND = (0.8, 0.5), (-0.05, -0.3)
"""How far a band narrows below the model's own before and after a year: calm months say nothing of the winter."""


@dataclass(frozen=True)
class Closing:
    """What is known of the trip that ends."""

    vehicle_id: str
    number: int
    start_us: int
    end_us: int


@dataclass(frozen=True)
class _Facts:
    """Figures the decision rests on, of one vehicle."""

    scored: int
    rmse: tuple[float, float, float]
    scores: tuple[tuple[float, float, float, float], ...]
    threshold_v: float
    swing: float
    c_rate: float
    nis: float
    shift: float


def first_version(twins: Twins, vehicle_id: str, sample_time_us: int) -> TwinVersion:
    """Version 1: the prototype, before anything was learned."""
    return new_version(
        twins,
        Closing(vehicle_id, 0, sample_time_us, sample_time_us),
        number=1,
        kind=PROTOTYPE,
        parent="",
        reason=f"The twin starts from the prototype {twins.prototype.kind}.",
        mean=twins.prior_mean,
        cov=twins.prior_cov,
        window_us=sample_time_us,
    )


def deploy(twins: Twins, state: TwinState, version: TwinVersion) -> TwinState:
    """One vehicle's state once a prototype or a roll-back is deployed; the shadow starts again from it."""
    mean = np.array(version.mean)[:, None]
    cov = square(version.covariance, len(version.mean))[:, :, None]
    return restart(twins, recorded(state, version).with_(deployed_mean=mean, deployed_cov=cov), mean, cov)


def close(twins: Twins, state: TwinState, trip: Closing) -> tuple[TwinState, TripScore, TwinVersion | None]:
    """Decide on one vehicle's trip; `state` holds that vehicle alone."""
    facts = _facts(twins, state, trip)
    state = refined(twins, state)
    state, proposed = _change(twins, state, facts)
    version = None
    decision = UNSCORED
    if facts.scored >= twins.settings.least_scored:
        state = _bands(twins, state, facts)
        decision = KEPT
        if proposed:
            version = _judge(twins, state, trip, facts)
            decision = version.kind
    score = _score(twins, state, trip, facts, decision)
    if version is None:
        state = _kept(state, facts) if state.shadow_ok[0] else _restored(state)
    else:
        state = recorded(state, version)
        state = _accepted(twins, state, trip) if decision == ACCEPTED else _refused(twins, state)
    return state.with_(phase=np.full(1, IDLE, dtype=np.int64)), score, version


def close_rest(state: TwinState) -> TwinState:
    """The end of a session that is not scored: a filter that failed in it goes back to where it stood."""
    return state if state.shadow_ok[0] else _restored(state)


def _facts(twins: Twins, state: TwinState, trip: Closing) -> _Facts:
    scored = int(state.scored[0])
    ok = state.pred_ok[:, 0]
    scores = tuple(figures(state.sums[:, one, 0], scored if ok[one] else 0) for one in (DEPLOYED, NEVER, CHALLENGER))
    capacity = twins.model.capacity_ah
    scale = state.shadow_mean[twins.states + twins.names.index("capacity_scale"), 0]
    effort = state.effort[:, 0]
    given = twins.settings.threshold_v
    shift = float(state.normalised[0]) / scored if scored else 0.0
    return _Facts(
        scored=scored,
        rmse=(scores[0][0], scores[1][0], scores[2][0]),
        scores=scores,
        threshold_v=twins.prototype.threshold_v if given is None else given,
        swing=float((state.charge[2, 0] - state.charge[1, 0]) / (capacity * scale)) if scale > 0 else 0.0,
        c_rate=float(np.sqrt(effort[0] / effort[1]) / capacity) if effort[1] else 0.0,
        nis=float(state.nis[0, 0] / state.nis[1, 0]) if state.nis[1, 0] else 0.0,
        shift=shift,
    )


def _change(twins: Twins, state: TwinState, facts: _Facts) -> tuple[TwinState, bool]:
    """Whether the policy proposes an update; the change detector's sums go on whatever the policy."""
    settings = twins.settings
    if facts.scored < settings.least_scored:
        return state, False
    z = facts.shift if np.isfinite(facts.shift) else settings.change_limit * np.sign(facts.shift or 1.0)
    up = max(0.0, float(state.change[0, 0]) + z - settings.change_slack)
    down = max(0.0, float(state.change[1, 0]) - z - settings.change_slack)
    state = state.with_(change=np.array([[up], [down]]))
    changed = max(up, down) > settings.change_limit
    worse = not facts.rmse[DEPLOYED] <= facts.threshold_v
    return state, {"always": True, "threshold": worse, "change": changed}[settings.policy]


def _bands(twins: Twins, state: TwinState, facts: _Facts) -> TwinState:
    """Let each band follow its own errors: their size, and then the share that lies outside.

    The second step is adaptive conformal inference (Gibbs and Candes 2021): in the long run 5 % of steps lie outside
    whatever the shape of the errors. The never-updated prototype learns nothing, its band neither.
    """
    band, spread = state.band.copy(), state.spread.copy()
    factor = band_factor(state)[:, 0]
    trips = int(state.trips[0]) + 1
    grown = int(state.last_us[0] - state.first_us[0] > YEAR_US)
    weight = max(twins.settings.band_memory, 1.0 / (trips + 1))
    for one in (DEPLOYED, CHALLENGER):
        coverage = facts.scores[one][2]
        square = float(state.sums[5, one, 0]) / facts.scored * factor[one] ** 2
        if np.isfinite(coverage) and np.isfinite(square):
            # Of the logarithm, so that one bad trip does not widen the band for many.
            size = (1.0 - weight) * np.log(spread[one, 0]) + weight * np.log(max(square, 1e-4))
            spread[one, 0] = max(np.exp(size), LEAST_FACTOR[grown] ** 2)
            band[one, 0] = min(max(band[one, 0] + twins.settings.band_rate * (0.95 - coverage), LEAST_BAND[grown]), 1.5)
    return state.with_(band=band, spread=spread, trips=np.array([trips], dtype=np.int64))


def _judge(twins: Twins, state: TwinState, trip: Closing, facts: _Facts) -> TwinVersion:
    """Accept the shadow's posterior, or refuse it with the reason."""
    proposed = state.shadow_mean[twins.states :, 0]
    jumped = float(state.change.max()) > twins.settings.change_limit
    refusal = _refusal(twins, state, facts, proposed, jumped)
    seen = _seen(state, facts)
    evidence: dict[str, Any] = {
        "scored_samples": facts.scored,
        "threshold_v": facts.threshold_v,
        "soc_swing": seen[0],
        "c_rate_rms": seen[1],
        "mean_nis": facts.nis,
        "mean_z": facts.shift,
        "change_detected": jumped,
        "deployed_version": int(state.deployed_version[0]),
    }
    evidence = {name: _finite(value) for name, value in evidence.items()}
    if refusal:
        evidence["proposed_mean"] = [_finite(value) for value in proposed]
    kept = refusal != ""
    return new_version(
        twins,
        trip,
        number=int(state.version[0]) + 1,
        kind=REFUSED if kept else ACCEPTED,
        parent=state.head[0].decode(),
        reason=refusal or _why(twins, facts),
        mean=state.deployed_mean[:, 0] if kept else proposed,
        cov=state.deployed_cov[:, :, 0] if kept else state.shadow_cov[twins.states :, twins.states :, 0],
        window_us=int(state.window_us[0]),
        evidence=evidence,
        rmse=facts.rmse,
    )


def _why(twins: Twins, facts: _Facts) -> str:
    error = f"Error {facts.rmse[DEPLOYED]:.2f} V"
    if twins.settings.policy == "threshold":
        return f"{error} over the limit of {facts.threshold_v:.2f} V."
    if twins.settings.policy == "change":
        return f"{error}; the change detector spoke."
    return f"{error}; every trip updates."


def _refusal(twins: Twins, state: TwinState, facts: _Facts, proposed: Floats, jumped: bool) -> str:
    """The reason not to deploy what is proposed, "" if there is none."""
    settings, states = twins.settings, twins.states
    cov = state.shadow_cov[states:, states:, 0]
    if not state.shadow_ok[0] or not np.isfinite(proposed).all() or not (np.diagonal(cov) > 0).all():
        return "The filter diverged on this trip."
    outside = (proposed < twins.lower) | (proposed > twins.upper)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        return (
            f"{twins.names[at]} would be {proposed[at]:.3f}, "
            f"outside what is physically possible ({twins.lower[at]:g} to {twins.upper[at]:g})."
        )
    if facts.nis > settings.most_nis:
        return f"The measurements do not fit the filter's own uncertainty (mean NIS {facts.nis:.1f})."
    reason = _unidentified(twins, state, facts, proposed)
    if reason:
        return reason
    error, other = facts.rmse[DEPLOYED], facts.rmse[CHALLENGER]
    if not jumped and not other <= error * (1.0 + settings.tolerance) and np.isfinite(error):
        return f"The proposed parameters would have done worse on this trip, {error:.2f} V → {other:.2f} V."
    return ""


def _unidentified(twins: Twins, state: TwinState, facts: _Facts, proposed: Floats) -> str:
    settings = twins.settings
    swing, c_rate = _seen(state, facts)
    moved = np.abs(proposed - state.deployed_mean[:, 0]) > 0.25 * np.sqrt(np.diagonal(state.deployed_cov[:, :, 0]))
    capacity = twins.names.index("capacity_scale")
    if moved[capacity] and swing < settings.least_swing:
        return f"Capacity needs a {100 * settings.least_swing:.0f} % swing of charge, the data had {100 * swing:.0f} %."
    resistance = twins.names.index("r0_scale")
    if moved[resistance] and c_rate < settings.least_c_rate:
        return f"Resistance needs an RMS current of {settings.least_c_rate:g} C, the data had {c_rate:.2g} C."
    return ""


def _seen(state: TwinState, facts: _Facts) -> tuple[float, float]:
    return max(float(state.seen[0, 0]), facts.swing), max(float(state.seen[1, 0]), facts.c_rate)


def _kept(state: TwinState, facts: _Facts) -> TwinState:
    return state.with_(seen=np.array(_seen(state, facts))[:, None])


def recorded(state: TwinState, version: TwinVersion) -> TwinState:
    """The state once a version is the newest of its vehicle."""
    number = np.array([version.number], dtype=np.int64)
    deployed = state.deployed_version if version.kind == REFUSED else number
    head = np.array([version.hash.encode()], dtype="S64")
    since = state.deployed_us if version.kind == REFUSED else np.array([version.sample_time_us], dtype=np.int64)
    return state.with_(version=number, deployed_version=deployed, deployed_us=since, head=head)


def _accepted(twins: Twins, state: TwinState, trip: Closing) -> TwinState:
    d = twins.states
    return state.with_(
        deployed_mean=state.shadow_mean[d:].copy(),
        deployed_cov=state.shadow_cov[d:, d:].copy(),
        refusals=np.zeros(1, dtype=np.int64),
        seen=np.zeros((2, 1)),
        window_us=np.array([trip.end_us], dtype=np.int64),
        change=np.zeros((2, 1)),
    )


def _refused(twins: Twins, state: TwinState) -> TwinState:
    """The shadow goes back to where it stood; refused too often, it starts again from what is deployed."""
    refusals = state.refusals + 1
    if refusals[0] < twins.settings.restart_after:
        return _restored(state).with_(refusals=refusals)
    own = np.diagonal(state.deployed_cov[:, :, 0])
    # Only the diagonal is raised: anything else could leave what is no covariance.
    more = np.diag(np.maximum(0.25 * np.diagonal(twins.prior_cov) - own, 0.0))
    wide = state.deployed_cov + more[:, :, None]
    return restart(twins, state, state.deployed_mean, wide).with_(change=np.zeros((2, 1)))


def _restored(state: TwinState) -> TwinState:
    return state.with_(
        shadow_mean=state.before_mean.copy(),
        shadow_cov=state.before_cov.copy(),
        shadow_ok=np.ones(1, dtype=np.bool_),
        # The charge it held was that of the trip's start.
        carried=np.zeros(1, dtype=np.bool_),
    )


def restart(twins: Twins, state: TwinState, mean: Floats, cov: Floats) -> TwinState:
    """The shadow with given parameters; its dynamic states stay, no longer correlated with them."""
    d = twins.states
    fresh, block = state.shadow_mean.copy(), state.shadow_cov.copy()
    if not state.shadow_ok[0]:
        fresh, block = state.before_mean.copy(), state.before_cov.copy()
    fresh[d:] = mean
    block[d:] = 0.0
    block[:, d:] = 0.0
    block[d:, d:] = cov
    return state.with_(
        shadow_mean=fresh,
        shadow_cov=block,
        shadow_ok=np.ones(1, dtype=np.bool_),
        before_mean=fresh.copy(),
        before_cov=block.copy(),
        refusals=np.zeros(1, dtype=np.int64),
        carried=np.zeros(1, dtype=np.bool_),
    )


def _score(twins: Twins, state: TwinState, trip: Closing, facts: _Facts, decision: str) -> TripScore:
    return TripScore(
        trip.vehicle_id,
        trip.number,
        int(state.deployed_version[0]),
        trip.start_us,
        trip.end_us,
        facts.scored,
        facts.threshold_v,
        decision,
        twins.settings.policy,
        *facts.scores[DEPLOYED],
        *facts.scores[NEVER],
        *facts.scores[CHALLENGER],
    )


def new_version(
    twins: Twins,
    trip: Closing,
    *,
    number: int,
    kind: str,
    parent: str,
    reason: str,
    mean: Floats,
    cov: Floats,
    window_us: int,
    evidence: dict[str, Any] | None = None,
    rmse: tuple[float, float, float] | None = None,
) -> TwinVersion:
    """A sealed version of what `trip` brought, `parent` being the hash of the one before."""
    errors = [None if rmse is None or not np.isfinite(rmse[one]) else float(rmse[one]) for one in range(3)]
    return TwinVersion(
        vehicle_id=trip.vehicle_id,
        number=number,
        kind=kind,
        sample_time_us=trip.end_us,
        model_hash=twins.prototype.model_hash,
        trip_number=trip.number,
        window_start_us=window_us,
        window_end_us=trip.end_us,
        reason=reason,
        deployed_rmse_v=errors[DEPLOYED],
        challenger_rmse_v=errors[CHALLENGER],
        never_rmse_v=errors[NEVER],
        parameters=twins.names,
        mean=tuple(float(value) for value in mean),
        covariance=tuple(float(value) for value in cov[np.tril_indices(len(mean))]),
        evidence=evidence or {},
        code_version=__version__,
        parent_hash=parent,
    ).sealed()


def square(triangle: Any, size: int) -> Floats:
    """The symmetric matrix whose lower triangle is given row by row."""
    cov = np.zeros((size, size))
    cov[np.tril_indices(size)] = np.asarray(triangle, dtype=np.float64)
    return cov + np.tril(cov, -1).T


def _finite(value: Any) -> Any:
    """JSON has no NaN: a figure that is not known is None."""
    return (
        None
        if isinstance(value, float) and not np.isfinite(value)
        else (float(value) if isinstance(value, np.floating) else value)
    )
