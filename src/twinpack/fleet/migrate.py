"""What becomes of a pack's twins when another model takes the place of theirs.

Parameters go over by name. Charge and relaxation start afresh at the next session, and a trip that is open is not
scored: its prediction was another model's. What was learned of the former model's errors (bands, refusals, the change
detector's sums) begins anew too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.families import ROUTE
from twinpack.twin.decide import Closing, new_version, recorded
from twinpack.twin.living import DAY_US, LivingTwins
from twinpack.twin.settings import Prototype
from twinpack.twin.state import IDLE, TwinState
from twinpack.twin.versions import PROMOTED, TwinVersion

Floats = npt.NDArray[np.float64]

_KEPT = ("version", "deployed_version", "head", "deployed_us", "number", "first_us", "last_us", "opened_us")
"""What a vehicle's twin is whatever its model: arrays of the state that go over as they are."""


def unfit(former: Prototype, prototype: Prototype) -> str:
    """Why a model cannot take the place of another, "" when it can."""
    if former.pack != prototype.pack:
        return f"it is for pack {prototype.pack}, not for {former.pack}"
    if (former.kind == ROUTE) != (prototype.kind == ROUTE):
        return (
            f"a {prototype.kind} model cannot take the place of a {former.kind} model: one is driven by current, the "
            "other by speed, load and distance"
        )
    return ""


def migrated(
    former: LivingTwins,
    twins: LivingTwins,
    state: TwinState,
    vehicle_ids: Sequence[str],
    at_us: int,
    order: Mapping[str, Any],
) -> tuple[TwinState, list[TwinVersion]]:
    """The twins of a pack once another model took the place of theirs.

    Args:
        former: Their loop until now.
        twins: The loop of the new model.
        state: Their twins until now, B vehicles.
        vehicle_ids: The vehicles, in its order.
        at_us: Sample time of the command.
        order: The command; `carry` says whether parameters are kept.

    Returns:
        Their twins, and a version for each that had one; the others have seen nothing and begin with the new model.
    """
    begun = state.version > 0
    lanes = np.flatnonzero(begun)
    fresh = twins.new_state(state.vehicles)
    if not len(lanes):
        return fresh, []
    part = state.take(lanes)
    kept = _carried(former, twins, part) if order["carry"] else [np.zeros(len(twins.names), np.bool_)] * len(lanes)
    moved = _moved(former, twins, part, np.array(kept, dtype=np.bool_).T)
    versions = [
        _version(former, twins, moved, at, vehicle_ids[lane], at_us, order, kept[at])
        for at, lane in enumerate(lanes.tolist())
    ]
    done = [
        recorded(moved.take(np.array([at], np.intp)), version).with_(deployed_us=_since(part, at, kept[at], at_us))
        for at, version in enumerate(versions)
    ]
    return fresh.put(lanes, TwinState.of(done)), versions


def _since(state: TwinState, at: int, kept: npt.NDArray[np.bool_], at_us: int) -> npt.NDArray[np.int64]:
    """Since when deployed parameters are right: those that are kept grow as uncertain as they would have."""
    return np.array([state.deployed_us[at] if kept.any() else at_us], dtype=np.int64)


def _carried(former: LivingTwins, twins: LivingTwins, state: TwinState) -> list[npt.NDArray[np.bool_]]:
    """Of each vehicle, which of the new model's parameters keep their value: those of a name that are possible there.

    A rate belongs to its wear clock: where the clocks differ it is not kept.
    """
    same_clock = former.model.clock == twins.model.clock
    rates = {one.name for model in (former.model, twins.model) for one in model.living if one.rate_of}
    named = [name in former.names and (same_clock or name not in rates) for name in twins.names]
    kept = []
    for at in range(state.vehicles):
        flags = np.array(named, dtype=np.bool_)
        for row, name in enumerate(twins.names):
            if flags[row]:
                value = state.deployed_mean[former.names.index(name), at]
                flags[row] = bool(twins.lower[row] <= value <= twins.upper[row])
        kept.append(flags)
    return kept


def _moved(former: LivingTwins, twins: LivingTwins, state: TwinState, kept: npt.NDArray[np.bool_]) -> TwinState:
    """The twins of B vehicles under the new model; `kept` tells which of its parameters keep their value, (p, B)."""
    old = former.states
    use = state.shadow_ok
    shadow = np.where(use, state.shadow_mean, state.before_mean)
    shadow_cov = np.where(use, state.shadow_cov, state.before_cov)
    same_clock = former.model.clock == twins.model.clock
    deployed, deployed_cov = state.deployed_mean, state.deployed_cov
    if not same_clock and former.trends.moving:  # the new clock knows nothing of the old one's reading
        deployed, deployed_cov = former.grown(state)
    clock = _clock(former, twins, state)
    deployed_clock = np.where(kept.any(axis=0), state.deployed_clock if same_clock else clock, 0.0)
    prior, prior_cov = _prior(twins, state.vehicles)

    def worn(reading: Floats) -> tuple[Floats, Floats]:
        """A prior is that of a new vehicle: its rates have gone on since."""
        return twins.trends.advance(prior, prior_cov, reading) if twins.trends.moving else (prior, prior_cov)

    mean, cov = _joined(former, twins, deployed, deployed_cov, worn(deployed_clock), kept)
    own, own_cov = _joined(former, twins, shadow[old:], shadow_cov[old:, old:], worn(clock), kept)
    fresh = twins.new_state(state.vehicles)
    means, covs = fresh.shadow_mean.copy(), fresh.shadow_cov.copy()
    new = twins.states
    for row, name in enumerate(twins.model.dynamic):
        if name in former.model.dynamic:  # shown until the next session starts it afresh
            means[row] = shadow[former.model.dynamic.index(name)]
    means[new:], covs[new:, new:] = own, own_cov
    return fresh.with_(
        **{name: getattr(state, name) for name in _KEPT},
        last_current=state.last_current,
        last_temp=state.last_temp,
        shadow_mean=means,
        shadow_cov=covs,
        before_mean=means.copy(),
        before_cov=covs.copy(),
        # Nothing is learned of what is left of an open session: where it began is not known to this model.
        shadow_ok=np.zeros_like(state.shadow_ok),
        phase=np.full_like(state.phase, IDLE),
        deployed_mean=mean,
        deployed_cov=cov,
        deployed_clock=deployed_clock,
        clock=clock,
        gained=state.gained if same_clock else np.zeros_like(state.gained),
    )


def _clock(former: LivingTwins, twins: LivingTwins, state: TwinState) -> Floats:
    if former.model.clock == twins.model.clock:
        return state.clock
    if twins.model.clock == "days":
        return np.asarray(np.maximum(state.last_us - state.first_us, 0) / DAY_US)
    return np.zeros_like(state.clock)


def _prior(twins: LivingTwins, vehicles: int) -> tuple[Floats, Floats]:
    return np.repeat(twins.prior_mean[:, None], vehicles, 1), np.repeat(twins.prior_cov[:, :, None], vehicles, 2)


def _joined(
    former: LivingTwins,
    twins: LivingTwins,
    mean: Floats,
    cov: Floats,
    prior: tuple[Floats, Floats],
    kept: npt.NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """Carried parameters with their covariances among each other, the prior's of the rest, and none between the two.

    Each is a part of a covariance, so what they make together is one.
    """
    source = np.array([former.names.index(name) if name in former.names else 0 for name in twins.names])
    both = kept[:, None] & kept[None]
    neither = ~kept[:, None] & ~kept[None]
    joined = np.where(kept, mean[source], prior[0])
    spread = np.where(both, cov[np.ix_(source, source)], np.where(neither, prior[1], 0.0))
    return joined, spread


def _version(
    former: LivingTwins,
    twins: LivingTwins,
    state: TwinState,
    at: int,
    vehicle_id: str,
    at_us: int,
    order: Mapping[str, Any],
    kept: npt.NDArray[np.bool_],
) -> TwinVersion:
    before, now = former.prototype, twins.prototype
    carried = [name for name, keep in zip(twins.names, kept.tolist(), strict=True) if keep]
    how = f"{len(carried)} of {len(kept)} parameters carried over" if order["carry"] else "the twin begins anew"
    why = f": {order['reason']}" if order["reason"] else ""
    return new_version(
        twins,
        Closing(vehicle_id, 0, at_us, at_us),
        number=int(state.version[at]) + 1,
        kind=PROMOTED,
        parent=state.head[at].decode(),
        reason=(
            f"Model {now.model_hash[:12]} ({now.kind}) takes the place of {before.model_hash[:12]} ({before.kind}), "
            f"{how}{why}"
        ),
        mean=state.deployed_mean[:, at],
        cov=state.deployed_cov[:, :, at],
        window_us=at_us,
        clock=float(state.deployed_clock[at]),
        evidence={"former_model": before.model_hash, "carried": carried}
        | ({"who": order["who"]} if isinstance(order.get("who"), str) else {}),
    )
