"""What a command does to a twin: deploy an earlier version again, or what a replay of late samples came to.

A command carries all it takes: the fold never reads the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.twin.decide import Closing, new_version, recorded, restart, square
from twinpack.twin.living import LivingTwins
from twinpack.twin.state import TwinState
from twinpack.twin.versions import REPLAYED, ROLLBACK, TwinVersion

Floats = npt.NDArray[np.float64]

LEARNED = ("band", "spread", "trips", "change", "seen", "refusals", "window_us", "deployed_us")
"""What a twin learned besides its parameters: arrays of its state that a replay hands on."""

WORN = ("clock", "gained", "deployed_clock")
"""The same of its wear clock, which commands of earlier releases do not tell."""


def rolled_back(
    twins: LivingTwins, state: TwinState, vehicle_id: str, at_us: int, order: Mapping[str, Any]
) -> TwinVersion:
    """The version that deploys an earlier one again; `order` is the command, which carries its parameters."""
    mean, cov = _as_of_now(twins, state, order)
    return new_version(
        twins,
        Closing(vehicle_id, 0, at_us, at_us),
        number=int(state.version[0]) + 1,
        kind=ROLLBACK,
        parent=state.head[0].decode(),
        reason=f"Back to version {order['to']}: {order['reason']}",
        mean=mean,
        cov=cov,
        window_us=at_us,
        clock=float(state.clock[0]),
        evidence={"to": int(order["to"])} | ({"who": order["who"]} if isinstance(order.get("who"), str) else {}),
    )


def _as_of_now(twins: LivingTwins, state: TwinState, order: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Parameters of a command, and their covariance: what has a rate goes on from the clock's reading that it tells."""
    mean = np.array(order["mean"], dtype=np.float64)
    cov = square(order["covariance"], len(mean))
    since = order.get("clock_at")
    if not twins.trends.moving or not isinstance(since, (int, float)) or not np.isfinite(since):
        return mean, cov
    passed = np.maximum(state.clock - float(since), 0.0)
    mean, cov = twins.trends.advance(mean[:, None], cov[:, :, None], passed)
    return mean[:, 0], cov[:, :, 0]


def learned(twins: LivingTwins, state: TwinState) -> dict[str, Any]:
    """What one vehicle's twin came to, as JSON values: what `replayed` deploys and `resumed` goes on from."""
    d, size = twins.states, len(twins.names)
    triangle = np.tril_indices(size)
    ok = bool(state.shadow_ok[0])
    mean, cov = (state.shadow_mean, state.shadow_cov) if ok else (state.before_mean, state.before_cov)
    return {
        "parameters": list(twins.names),
        "mean": state.deployed_mean[:, 0].tolist(),
        "covariance": state.deployed_cov[:, :, 0][triangle].tolist(),
        "shadow_mean": mean[d:, 0].tolist(),
        "shadow_covariance": cov[d:, d:, 0][triangle].tolist(),
        "learned": {name: np.ravel(getattr(state, name)).tolist() for name in (*LEARNED, *WORN)},
    }


def replayed(
    twins: LivingTwins, state: TwinState, vehicle_id: str, at_us: int, order: Mapping[str, Any]
) -> TwinVersion:
    """The version that deploys what a replay came to; `order` is the command."""
    mean = np.array(order["mean"], dtype=np.float64)
    start, end = order["window"]
    version = new_version(
        twins,
        Closing(vehicle_id, 0, at_us, at_us),
        number=int(state.version[0]) + 1,
        kind=REPLAYED,
        parent=state.head[0].decode(),
        reason=order["reason"],
        mean=mean,
        cov=square(order["covariance"], len(mean)),
        window_us=int(start),
        clock=float(order["learned"].get("deployed_clock", [0.0])[0]),
        evidence={name: order[name] for name in ("from_us", "late_samples", "replayed_versions", "replayed_head")},
    )
    return replace(version, window_end_us=int(end)).sealed()


def resumed(twins: LivingTwins, state: TwinState, version: TwinVersion, order: Mapping[str, Any]) -> TwinState:
    """One vehicle's state once the outcome of a replay is deployed.

    Parameters and what was learned beside them are the replay's; the open session and its charge stay.
    """
    size = len(version.mean)
    mean = np.array(version.mean)[:, None]
    cov = square(version.covariance, size)[:, :, None]
    shadow = np.array(order["shadow_mean"], dtype=np.float64)[:, None]
    shadow_cov = square(order["shadow_covariance"], size)[:, :, None]
    state = recorded(state, version).with_(deployed_mean=mean, deployed_cov=cov)
    return restart(twins, state, shadow, shadow_cov).with_(
        **{
            name: _like(getattr(state, name), order["learned"][name])
            for name in (*LEARNED, *WORN)
            if name in order["learned"]
        }
    )


def _like(array: Any, values: list[float]) -> Any:
    return np.array(values, dtype=array.dtype).reshape(array.shape)


def resumable(order: Mapping[str, Any], twins: LivingTwins, state: TwinState) -> bool:
    """Whether a command carries an outcome that fits one vehicle's twin."""
    size = len(twins.names)
    triangle = size * (size + 1) // 2
    given = order.get("learned")
    return (
        order.get("parameters") == list(twins.names)
        and isinstance(order.get("reason"), str)
        and isinstance(order.get("replayed_head"), str)
        and all(_whole(order.get(name)) for name in ("from_us", "late_samples", "replayed_versions"))
        and _numbers(order.get("window"), 2)
        and _numbers(order.get("mean"), size)
        and _numbers(order.get("shadow_mean"), size)
        and _numbers(order.get("covariance"), triangle)
        and _numbers(order.get("shadow_covariance"), triangle)
        and isinstance(given, Mapping)
        and all(_numbers(given.get(name), getattr(state, name).size) for name in LEARNED)
        and all(name not in given or _numbers(given[name], getattr(state, name).size) for name in WORN)
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _numbers(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, (int, float)) and bool(np.isfinite(value)) for value in values)
