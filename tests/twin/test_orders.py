"""What a command does to a twin."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from tests.twin.garage import command, folded, healthy, log_of, worn
from twinpack.fleet.state import ShardState
from twinpack.twin.orders import LEARNED, learned
from twinpack.twin.state import TwinState
from twinpack.twin.versions import REPLAYED

CARS = (worn("old", 3), healthy("new", 3))
AT_US = int(CARS[0].time_us[-1]) + 4_000_000_000


def twin(state: ShardState, vehicle: str) -> TwinState:
    (group,) = state.groups.values()
    lane = state.vehicle_ids.index(vehicle)
    return group.state.take(np.flatnonzero(group.members == lane))


def order_of(state: ShardState, vehicle: str) -> dict[str, Any]:
    """The command that hands on what a vehicle's twin came to, as it stands in a log."""
    (group,) = state.groups.values()
    body = {
        "type": "replay",
        "vehicle": vehicle,
        **learned(group.twins, twin(state, vehicle)),
        "from_us": 5,
        "window": [6, 7],
        "late_samples": 8,
        "replayed_versions": 3,
        "replayed_head": "f" * 64,
        "reason": "Late samples.",
    }
    found: dict[str, Any] = json.loads(json.dumps(body))
    return found


def test_a_twin_goes_on_from_the_outcome_of_another_past() -> None:
    past = folded(log_of(*CARS))
    other = folded(log_of(worn("old", 3, seed=1), healthy("new", 3)))
    after = folded(command(order_of(other.state, "old"), AT_US), state=past.state)
    (version,) = after.versions()
    head = past.versions("old")[-1]
    assert (version.kind, version.number, version.parent_hash) == (REPLAYED, head.number + 1, head.hash)
    assert (version.window_start_us, version.window_end_us, version.sample_time_us) == (6, 7, AT_US)
    assert version.computed_hash() == version.hash
    ours, theirs = twin(after.state, "old"), twin(other.state, "old")
    for name in ("deployed_mean", "deployed_cov", *LEARNED):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    (group,) = after.state.groups.values()
    d = group.twins.states
    assert np.array_equal(ours.shadow_mean[d:], theirs.shadow_mean[d:])
    assert np.array_equal(ours.shadow_mean[:d], twin(past.state, "old").shadow_mean[:d])
    assert (int(ours.version[0]), int(ours.deployed_version[0]), ours.head[0].decode()) == (
        version.number,
        version.number,
        version.hash,
    )
    for field in fields(TwinState):
        same = np.array_equal(
            getattr(twin(after.state, "new"), field.name), getattr(twin(past.state, "new"), field.name)
        )
        assert same, field.name


@pytest.mark.parametrize(
    "changes",
    [
        {"vehicle": "nobody"},
        {"parameters": ["capacity_scale"]},
        {"mean": [1.0]},
        {"covariance": [1.0]},
        {"shadow_mean": [float("inf")] * 4},
        {"shadow_covariance": None},
        {"learned": {}},
        {"learned": 3},
        {"window": [1]},
        {"from_us": "1"},
        {"late_samples": True},
        {"replayed_head": None},
        {"reason": None},
    ],
)
def test_one_that_is_malformed_changes_nothing(changes: dict[str, Any]) -> None:
    past = folded(log_of(*CARS))
    after = folded(command(order_of(past.state, "old") | changes, AT_US), state=past.state)
    assert after.events == []
    assert after.state.to_bytes() == past.state.to_bytes()
