"""The end of a trip: score it, decide, and accept or refuse the shadow's posterior as a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack import __version__
from twinpack.twin.living import Flags, LivingTwins, band_factor
from twinpack.twin.loop import Twins
from twinpack.twin.refine import refined
from twinpack.twin.score import KEPT, UNSCORED, TripScore, figures
from twinpack.twin.settings import CHALLENGER, DEPLOYED, NEVER
from twinpack.twin.state import IDLE, TwinState
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, REFUSED, TwinVersion

Floats = npt.NDArray[np.float64]

YEAR_US = 365 * 86_400_000_000


@dataclass(frozen=True)
class Closing:
    """What is known of the trip that ends."""

    vehicle_id: str
    number: int
    start_us: int
    end_us: int


@dataclass(frozen=True)
class _Facts:
    """Figures the decisions rest on, of B vehicles.

    Attributes:
        scored: Scored steps, shape (B,).
        figures: RMSE, MAE, coverage and interval score of each predictor, shape (4, 3, B).
        shown: What the trip has shown, as `LivingTwins.shown` tells, shape (2, B).
        nis: Mean normalised innovation squared of the shadow, shape (B,).
        shift: Mean z-score of the deployed prediction, shape (B,).
    """

    scored: npt.NDArray[np.int64]
    figures: Floats
    shown: Floats
    nis: Floats
    shift: Floats

    def error(self, who: int, on: str = "rmse") -> Floats:
        """RMSE or MAE of a predictor, V, shape (B,)."""
        found: Floats = self.figures[("rmse", "mae").index(on), who]
        return found


def first_version(twins: LivingTwins, vehicle_id: str, sample_time_us: int) -> TwinVersion:
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
        clock=0.0,
    )


def deploy(twins: LivingTwins, state: TwinState, version: TwinVersion) -> TwinState:
    """One vehicle's state once a prototype or a roll-back is deployed; the shadow starts again from it."""
    mean = np.array(version.mean)[:, None]
    cov = square(version.covariance, len(version.mean))[:, :, None]
    deployed = recorded(state, version).with_(deployed_mean=mean, deployed_cov=cov, deployed_clock=state.clock.copy())
    return restart(twins, deployed, mean, cov)


def close(
    twins: LivingTwins, state: TwinState, trips: Sequence[Closing]
) -> tuple[TwinState, list[tuple[TripScore, TwinVersion | None]]]:
    """Decide on the trips that end, one of each of the state's vehicles.

    Args:
        twins: Their loop.
        state: Exactly the vehicles whose trips end.
        trips: Their trips, in the order of the state's lanes.

    Returns:
        The state after it; of each trip its score, and the version that came of it, if any.
    """
    settings = twins.settings
    facts = _facts(twins, state)
    state = _refined(twins, state)
    enough = facts.scored >= settings.least_scored
    state, proposed = _change(twins, state, facts, enough)
    state = _bands(twins, state, facts, enough)
    proposed = enough & (proposed | (state.trips <= warm_up(twins)))
    versions: list[TwinVersion | None] = [None] * len(trips)
    for lane in np.flatnonzero(proposed).tolist():
        versions[lane] = _judge(twins, state, trips[lane], facts, lane)
    decisions = [
        version.kind if version is not None else (KEPT if many else UNSCORED)
        for version, many in zip(versions, enough.tolist(), strict=True)
    ]
    scores = _scores(twins, state, trips, facts, decisions)
    state = _settled(twins, state, facts, trips, versions)
    idle = np.full(len(trips), IDLE, dtype=np.int64)
    return state.with_(phase=idle), list(zip(scores, versions, strict=True))


def close_rest(state: TwinState) -> TwinState:
    """The end of sessions that are not scored: a filter that failed in one goes back to where it stood."""
    return state if state.shadow_ok.all() else _restored(state, ~state.shadow_ok)


def threshold_v(twins: LivingTwins) -> float:
    """Error that calls for a recalibration, V."""
    given = twins.settings.threshold_v
    return twins.prototype.threshold_v if given is None else given


def threshold_on(twins: LivingTwins) -> str:
    """Which error it is: `rmse` or `mae`."""
    return twins.settings.threshold_on or twins.prototype.threshold_on


def warm_up(twins: LivingTwins) -> int:
    """How many first scored trips propose an update whatever the policy."""
    given = twins.settings.warm_up
    return twins.prototype.warm_up if given is None else given


def _facts(twins: LivingTwins, state: TwinState) -> _Facts:
    with np.errstate(divide="ignore", invalid="ignore"):
        nis = np.where(state.nis[1] > 0, state.nis[0] / state.nis[1], 0.0)
        shift = np.where(state.scored > 0, state.normalised / state.scored, 0.0)
    told = figures(state.sums, np.where(state.pred_ok, state.scored, 0))
    return _Facts(state.scored, told, twins.shown(state), nis, shift)


def _refined(twins: LivingTwins, state: TwinState) -> TwinState:
    if not state.kept.shape[1] or not isinstance(twins, Twins):
        return state
    lanes = [state.take(np.array([lane])) for lane in range(state.vehicles)]
    return TwinState.of([refined(twins, one) for one in lanes])


def _change(twins: LivingTwins, state: TwinState, facts: _Facts, enough: Flags) -> tuple[TwinState, Flags]:
    """Where the policy proposes an update; the change detector's sums go on whatever the policy."""
    settings = twins.settings
    z = np.where(np.isfinite(facts.shift), facts.shift, settings.change_limit * np.sign(facts.shift))
    up = np.fmax(0.0, state.change[0] + z - settings.change_slack)
    down = np.fmax(0.0, state.change[1] - z - settings.change_slack)
    state = state.with_(change=np.where(enough, np.stack([up, down]), state.change))
    if settings.policy == "always":
        return state, np.ones_like(enough)
    if settings.policy == "change":
        return state, _jumped(twins, state)
    return state, ~(facts.error(DEPLOYED, threshold_on(twins)) <= threshold_v(twins))


def _jumped(twins: LivingTwins, state: TwinState) -> Flags:
    return np.asarray(state.change.max(axis=0) > twins.settings.change_limit)


def _bands(twins: LivingTwins, state: TwinState, facts: _Facts, enough: Flags) -> TwinState:
    """Let each band follow its own errors: their size, and then the share that lies outside.

    The second step is adaptive conformal inference (Gibbs and Candes 2021): in the long run 5 % of steps lie outside
    whatever the shape of the errors. The never-updated prototype learns nothing, its band neither.
    """
    band, spread, following = state.band.copy(), state.spread.copy(), twins.following
    factor = band_factor(state)
    trips = state.trips + enough
    grown = state.last_us - state.first_us > YEAR_US
    least_factor, least_band = (
        np.where(grown, pair[1], pair[0]) for pair in (following.least_factor, following.least_band)
    )
    weight = np.maximum(twins.settings.band_memory, 1.0 / (trips + 1))
    for one in (DEPLOYED, CHALLENGER):
        coverage = facts.figures[2, one]
        square = state.sums[5, one] / np.maximum(facts.scored, 1) * factor[one] ** 2
        use = enough & np.isfinite(coverage) & np.isfinite(square)
        moved = band[one] + following.rate * twins.settings.band_rate * (0.95 - coverage)
        band[one] = np.where(use, np.minimum(np.maximum(moved, least_band), following.most_band), band[one])
        if not following.sizes:
            continue
        # Of the logarithm, so that one bad trip does not widen the band for many.
        size = (1.0 - weight) * np.log(spread[one]) + weight * np.log(np.maximum(np.where(use, square, 1.0), 1e-4))
        spread[one] = np.where(use, np.maximum(np.exp(size), least_factor**2), spread[one])
    return state.with_(band=band, spread=spread, trips=trips)


def _judge(twins: LivingTwins, state: TwinState, trip: Closing, facts: _Facts, lane: int) -> TwinVersion:
    """Accept one vehicle's shadow posterior, or refuse it with the reason."""
    proposed = state.shadow_mean[twins.states :, lane]
    jumped = bool(_jumped(twins, state)[lane])
    seen = np.maximum(state.seen[:, lane], facts.shown[:, lane])
    refusal = _refusal(twins, state, facts, seen, jumped, lane)
    evidence: dict[str, Any] = {
        "scored_samples": int(facts.scored[lane]),
        "threshold_v": threshold_v(twins),
        **twins.evidence(seen),
        "mean_nis": float(facts.nis[lane]),
        "mean_z": float(facts.shift[lane]),
        "change_detected": jumped,
        "deployed_version": int(state.deployed_version[lane]),
    }
    evidence = {name: _finite(value) for name, value in evidence.items()}
    if refusal:
        evidence["proposed_mean"] = [_finite(value) for value in proposed]
    kept = refusal != ""
    d = twins.states
    return new_version(
        twins,
        trip,
        number=int(state.version[lane]) + 1,
        kind=REFUSED if kept else ACCEPTED,
        parent=state.head[lane].decode(),
        reason=refusal or _why(twins, facts, int(state.trips[lane]), lane),
        mean=state.deployed_mean[:, lane] if kept else proposed,
        cov=state.deployed_cov[:, :, lane] if kept else state.shadow_cov[d:, d:, lane],
        window_us=int(state.window_us[lane]),
        clock=float((state.deployed_clock if kept else state.clock)[lane]),
        evidence=evidence,
        rmse=facts.figures[0, :, lane],
    )


def _why(twins: LivingTwins, facts: _Facts, trips: int, lane: int) -> str:
    on, limit = threshold_on(twins), threshold_v(twins)
    error = facts.error(DEPLOYED, on)[lane]
    told = f"{'Error' if on == 'rmse' else 'Mean absolute error'} {error:.2f} V"
    if twins.settings.policy == "threshold" and not error <= limit:
        return f"{told} over the limit of {limit:.2f} V."
    if twins.settings.policy == "always":
        return f"{told}; every trip updates."
    if trips <= warm_up(twins):
        return f"{told}; each of the first {warm_up(twins)} trips updates."
    return f"{told}; the change detector spoke."


def _refusal(twins: LivingTwins, state: TwinState, facts: _Facts, seen: Floats, jumped: bool, lane: int) -> str:
    """The reason not to deploy what a vehicle's shadow proposes, "" if there is none."""
    settings, states = twins.settings, twins.states
    proposed, cov = state.shadow_mean[states:, lane], state.shadow_cov[states:, states:, lane]
    if not state.shadow_ok[lane] or not np.isfinite(proposed).all() or not (np.diagonal(cov) > 0).all():
        return "The filter diverged on this trip."
    outside = (proposed < twins.lower) | (proposed > twins.upper)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        return (
            f"{twins.names[at]} would be {proposed[at]:.3f}, "
            f"outside what is physically possible ({twins.lower[at]:g} to {twins.upper[at]:g})."
        )
    if facts.nis[lane] > settings.most_nis:
        return f"The measurements do not fit the filter's own uncertainty (mean NIS {facts.nis[lane]:.1f})."
    reason = _unidentified(twins, state, seen, proposed, lane)
    if reason:
        return reason
    error, other = float(facts.error(DEPLOYED)[lane]), float(facts.error(CHALLENGER)[lane])
    if not jumped and not other <= error * (1.0 + settings.tolerance) and np.isfinite(error):
        return f"The proposed parameters would have done worse on this trip, {error:.2f} V → {other:.2f} V."
    return ""


def _unidentified(twins: LivingTwins, state: TwinState, seen: Floats, proposed: Floats, lane: int) -> str:
    """The first need of the model that the data do not meet though its parameter would move."""
    for need in twins.needs:
        at = twins.names.index(need.parameter)
        moved = abs(proposed[at] - state.deployed_mean[at, lane]) > 0.25 * np.sqrt(state.deployed_cov[at, at, lane])
        if moved and seen[need.row] < need.least:
            return need.told(float(seen[need.row]))
    return ""


def recorded(state: TwinState, version: TwinVersion) -> TwinState:
    """The state once a version is the newest of its vehicle."""
    return _recorded(state, [version])


def _recorded(state: TwinState, versions: Sequence[TwinVersion | None]) -> TwinState:
    """The state once versions are the newest of their vehicles; None for a vehicle without one."""
    arrays = {name: getattr(state, name).copy() for name in ("version", "deployed_version", "head", "deployed_us")}
    for lane, version in enumerate(versions):
        if version is None:
            continue
        arrays["version"][lane] = version.number
        arrays["head"][lane] = version.hash.encode()
        if version.kind != REFUSED:
            arrays["deployed_version"][lane] = version.number
            arrays["deployed_us"][lane] = version.sample_time_us
    return state.with_(**arrays)


def _settled(
    twins: LivingTwins,
    state: TwinState,
    facts: _Facts,
    trips: Sequence[Closing],
    versions: Sequence[TwinVersion | None],
) -> TwinState:
    """What the decisions leave of shadow and deployed version."""
    kinds = np.array([version.kind if version is not None else "" for version in versions])
    accepted, refused, none = kinds == ACCEPTED, kinds == REFUSED, kinds == ""
    learned = none & state.shadow_ok
    end_us = np.array([trip.end_us for trip in trips], dtype=np.int64)
    d = twins.states
    refusals = np.where(accepted, 0, state.refusals + refused)
    again = refused & (refusals >= twins.settings.restart_after)
    seen = np.where(learned, np.maximum(state.seen, facts.shown), state.seen)
    state = _recorded(state, versions).with_(
        deployed_mean=np.where(accepted, state.shadow_mean[d:], state.deployed_mean),
        deployed_cov=np.where(accepted, state.shadow_cov[d:, d:], state.deployed_cov),
        deployed_clock=np.where(accepted, state.clock, state.deployed_clock),
        refusals=refusals,
        seen=np.where(accepted, 0.0, seen),
        window_us=np.where(accepted, end_us, state.window_us),
        change=np.where(accepted, 0.0, state.change),
    )
    state = _restored(state, (refused & ~again) | (none & ~state.shadow_ok))
    lanes = np.flatnonzero(again)
    return state.put(lanes, _restarted(twins, state.take(lanes))) if len(lanes) else state


def _restarted(twins: LivingTwins, state: TwinState) -> TwinState:
    """Shadows that were refused too often start again from what is deployed."""
    mean, cov = (state.deployed_mean, state.deployed_cov) if twins.by_days else twins.grown(state)
    own = np.einsum("iib->ib", cov)
    # Only the diagonal is raised: anything else could leave what is no covariance.
    wide = cov.copy()
    for row, prior in enumerate(np.diagonal(twins.prior_cov)):
        wide[row, row] += np.maximum(0.25 * prior - own[row], 0.0)
    fresh = restart(twins, state, mean, wide)
    return fresh.with_(refusals=np.zeros_like(state.refusals), change=np.zeros_like(state.change))


def _restored(state: TwinState, where: Flags) -> TwinState:
    """Some shadows as they stood when the trip began."""
    return state.with_(
        shadow_mean=np.where(where, state.before_mean, state.shadow_mean),
        shadow_cov=np.where(where, state.before_cov, state.shadow_cov),
        shadow_ok=state.shadow_ok | where,
        # The charge it held was that of the trip's start.
        carried=state.carried & ~where,
    )


def restart(twins: LivingTwins, state: TwinState, mean: Floats, cov: Floats) -> TwinState:
    """Shadows with given parameters; their dynamic states stay, no longer correlated with them."""
    d, ok = twins.states, state.shadow_ok
    fresh = np.where(ok, state.shadow_mean, state.before_mean)
    block = np.where(ok, state.shadow_cov, state.before_cov)
    fresh[d:] = mean
    block[d:] = 0.0
    block[:, d:] = 0.0
    block[d:, d:] = cov
    return state.with_(
        shadow_mean=fresh,
        shadow_cov=block,
        shadow_ok=np.ones_like(ok),
        before_mean=fresh.copy(),
        before_cov=block.copy(),
        refusals=np.zeros_like(state.refusals),
        carried=np.zeros_like(ok),
    )


def _scores(
    twins: LivingTwins, state: TwinState, trips: Sequence[Closing], facts: _Facts, decisions: Sequence[str]
) -> list[TripScore]:
    limit, policy = threshold_v(twins), twins.settings.policy
    by_lane = np.moveaxis(facts.figures[:, (DEPLOYED, NEVER, CHALLENGER)], 2, 0).swapaxes(1, 2)
    told = zip(trips, state.deployed_version.tolist(), facts.scored.tolist(), decisions, by_lane, strict=True)
    return [
        TripScore(
            trip.vehicle_id,
            trip.number,
            version,
            trip.start_us,
            trip.end_us,
            scored,
            limit,
            decision,
            policy,
            *errors.ravel().tolist(),
        )
        for trip, version, scored, decision, errors in told
    ]


def new_version(
    twins: LivingTwins,
    trip: Closing,
    *,
    number: int,
    kind: str,
    parent: str,
    reason: str,
    mean: Floats,
    cov: Floats,
    window_us: int,
    clock: float,
    evidence: dict[str, Any] | None = None,
    rmse: Floats | None = None,
) -> TwinVersion:
    """A sealed version of what `trip` brought, `parent` being the hash of the one before.

    `clock` is the reading of the wear clock at which mean and covariance are right; where a parameter is a rate, the
    version tells it, with what is needed to go on from there.
    """
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
        evidence={**(evidence or {}), **trend_evidence(twins, clock), **twins.told_by()},
        code_version=__version__,
        parent_hash=parent,
    ).sealed()


def trend_evidence(twins: LivingTwins, clock: float) -> dict[str, Any]:
    """How a version's parameters go on after it: clock, its reading, and whose rate each is; {} where none is one."""
    if not twins.trends.moving:
        return {}
    drifts = [one.drift for one in twins.model.living]
    return {"clock": twins.model.clock, "clock_at": clock, "rate_of": list(twins.trends.of), "drift": drifts}


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
