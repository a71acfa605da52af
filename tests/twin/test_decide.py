"""Who proposes an update, who is refused and why, and where the shadow stands afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.twin.garage import (
    CIRCUIT,
    DAY_US,
    LOOP,
    NAMES,
    PROTOTYPE,
    ROWS,
    START_US,
    STEP_S,
    Outcome,
    drives,
    folded,
    healthy,
    log_of,
    worn,
)
from twinpack.twin.decide import Closing, close, close_rest, deploy, first_version
from twinpack.twin.loop import Twins
from twinpack.twin.orders import rolled_back
from twinpack.twin.score import KEPT, UNSCORED, TripScore
from twinpack.twin.settings import CHALLENGER, DEPLOYED, NEVER, LoopSettings, Policy
from twinpack.twin.state import IDLE, OPEN_LOOP, TwinState
from twinpack.twin.versions import ACCEPTED, REFUSED, ROLLBACK, TwinVersion, from_content
from twinpack.twin.versions import PROTOTYPE as FIRST

SCORED = 100
SIZE = Twins(PROTOTYPE, LoopSettings()).filter.size
TRIP = Closing("car-1", 7, START_US + DAY_US, START_US + DAY_US + 1_000_000_000)
Closed = tuple[TwinState, TripScore, TwinVersion | None]


def twins(**settings: Any) -> Twins:
    return Twins(PROTOTYPE, LoopSettings(**{"policy": "always", **settings}))


def began(loop: Twins) -> TwinState:
    """A vehicle whose prototype is deployed."""
    return deploy(loop, loop.new_state(1), first_version(loop, "car-1", START_US))


def driven(
    loop: Twins,
    rmse: tuple[float, float, float] = (2.0, 2.0, 1.0),
    proposed: Mapping[str, float] | None = None,
    swing: float = 0.5,
    c_rate: float = 0.5,
    nis: float = 1.0,
    state: TwinState | None = None,
    **changes: Any,
) -> TwinState:
    """The state at the end of a trip with these figures; the shadow proposes `proposed`."""
    state = began(loop) if state is None else state
    shadow = state.shadow_mean.copy()
    for name, value in (proposed or {}).items():
        shadow[loop.states + NAMES.index(name)] = value
    sums = np.zeros((6, 3, 1))
    for one in (DEPLOYED, NEVER, CHALLENGER):
        sums[:, one, 0] = np.array([0.0, rmse[one] ** 2, rmse[one], 0.95, 4.0 * rmse[one], 1.0]) * SCORED
    passed = swing * loop.model.capacity_ah * shadow[loop.states, 0]
    ended: dict[str, Any] = {
        "before_mean": state.shadow_mean,
        "before_cov": state.shadow_cov * 0.9,
        "shadow_mean": shadow,
        "phase": np.array([OPEN_LOOP]),
        "number": np.array([TRIP.number]),
        "opened_us": np.array([TRIP.start_us]),
        "window_us": np.array([TRIP.start_us]),
        "scored": np.array([SCORED]),
        "sums": sums,
        "charge": np.array([[-passed], [-passed], [0.0]]),
        "effort": np.array([[(c_rate * loop.model.capacity_ah) ** 2 * SCORED], [SCORED]]),
        "nis": np.array([[nis * SCORED], [SCORED]]),
    }
    return state.with_(**{**ended, **changes})


def closed(loop: Twins, state: TwinState) -> tuple[TwinState, TripScore, TwinVersion | None]:
    """The end of one vehicle's trip."""
    after, [(score, version)] = close(loop, state, [TRIP])
    return after, score, version


def decided(loop: Twins, state: TwinState) -> tuple[TwinState, TripScore, TwinVersion]:
    after, score, version = closed(loop, state)
    assert version is not None
    return after, score, version


def test_the_prototype_is_version_1() -> None:
    loop = twins()
    version = first_version(loop, "car-1", START_US)
    assert (version.number, version.kind, version.parent_hash) == (1, FIRST, "")
    assert version.mean == tuple(loop.prior_mean)
    assert version.sealed() == version
    state = began(loop)
    assert (state.version[0], state.deployed_version[0], state.deployed_us[0]) == (1, 1, START_US)


def test_what_is_good_is_accepted() -> None:
    loop = twins()
    state = driven(loop, proposed={"r0_scale": 1.3})
    after, score, version = decided(loop, state)
    assert (version.kind, version.number, score.decision) == (ACCEPTED, 2, ACCEPTED)
    assert version.parent_hash == first_version(loop, "car-1", START_US).hash
    assert dict(zip(version.parameters, version.mean, strict=True))["r0_scale"] == 1.3
    assert (version.deployed_rmse_v, version.never_rmse_v, version.challenger_rmse_v) == pytest.approx((2.0, 2.0, 1.0))
    assert (version.window_start_us, version.window_end_us) == (TRIP.start_us, TRIP.end_us)
    assert "proposed_mean" not in version.evidence
    np.testing.assert_array_equal(after.deployed_mean, state.shadow_mean[loop.states :])
    np.testing.assert_array_equal(after.deployed_cov, state.shadow_cov[loop.states :, loop.states :])
    np.testing.assert_array_equal(after.shadow_mean, state.shadow_mean)
    assert (after.deployed_version[0], after.deployed_us[0], after.phase[0]) == (2, TRIP.end_us, IDLE)
    assert score.version_number == 1, "the version that was tested, not the one it led to"


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "failed": ({}, {"shadow_ok": np.array([False])}, "diverged"),
    "not finite": ({"proposed": {"r_scale": np.nan}}, {}, "diverged"),
    "infinite": ({"proposed": {"offset_v": np.inf}}, {}, "diverged"),
    "no variance": ({}, {"shadow_cov": np.zeros((SIZE, SIZE, 1))}, "diverged"),
    "too high": ({"proposed": {"r0_scale": 7.0}}, {}, "r0_scale would be 7.000"),
    "too low": ({"proposed": {"capacity_scale": 0.1}}, {}, "capacity_scale would be 0.100"),
    "innovations": ({"nis": 1e3}, {}, "NIS"),
    "little swing": ({"swing": 0.001, "proposed": {"capacity_scale": 0.9}}, {}, "swing"),
    "little current": ({"c_rate": 0.0001, "proposed": {"r0_scale": 1.4}}, {}, "current"),
    "worse": ({"rmse": (2.0, 2.0, 2.5), "proposed": {"r0_scale": 1.4}}, {}, "worse"),
    "not predicted": ({"rmse": (2.0, 2.0, np.nan), "proposed": {"r0_scale": 1.4}}, {}, "worse"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_good_is_refused_with_its_reason(case: str) -> None:
    figures, changes, word = BAD[case]
    loop = twins()
    state = driven(loop, **{**figures, **changes})
    before = began(loop)
    after, score, version = decided(loop, state)
    assert (version.kind, score.decision) == (REFUSED, REFUSED)
    assert word in version.reason
    assert version.mean == tuple(before.deployed_mean[:, 0]), "a refused version repeats what is deployed"
    assert version.sealed() == version
    json.dumps(version.content(), allow_nan=False)
    proposed = version.evidence["proposed_mean"]
    expected = [value if np.isfinite(value) else None for value in state.shadow_mean[loop.states :, 0]]
    assert proposed == expected
    np.testing.assert_array_equal(after.deployed_mean, before.deployed_mean)
    np.testing.assert_array_equal(after.shadow_mean, state.before_mean)
    np.testing.assert_array_equal(after.shadow_cov, state.before_cov)
    assert (after.version[0], after.deployed_version[0], after.refusals[0]) == (2, 1, 1)
    assert after.deployed_us[0] == START_US
    assert after.shadow_ok[0] and not after.carried[0]
    assert after.head[0].decode() == version.hash


@pytest.mark.parametrize(
    "figures",
    [
        {"swing": 0.001, "proposed": {"r0_scale": 1.3}},
        {"c_rate": 0.0001, "proposed": {"capacity_scale": 0.9}},
        {"swing": 0.001, "c_rate": 0.0001},
    ],
)
def test_what_has_not_moved_need_not_be_identified(figures: dict[str, Any]) -> None:
    loop = twins()
    assert decided(loop, driven(loop, **figures))[2].kind == ACCEPTED


def test_what_was_identified_since_the_last_acceptance_counts() -> None:
    loop = twins()
    state, _, version = closed(loop, driven(loop, scored=np.array([0]), swing=0.4))
    assert version is None
    figures: dict[str, Any] = {"swing": 0.001, "proposed": {"capacity_scale": 0.9}}
    after, _, version = decided(loop, driven(loop, state=state, **figures))
    assert version.kind == ACCEPTED
    # Once a version was accepted, it has to be seen anew.
    assert decided(loop, driven(loop, state=after, swing=0.001, proposed={"capacity_scale": 0.8}))[2].kind == REFUSED


def test_what_a_failed_trip_had_seen_does_not_count() -> None:
    """Its data were thrown away with the shadow that failed on it, however few steps were scored."""
    loop = twins()
    short = driven(loop, swing=0.5, shadow_ok=np.array([False])).with_(scored=np.array([0]))
    state, score, _ = closed(loop, short)
    assert score.decision == UNSCORED
    figures: dict[str, Any] = {"swing": 0.001, "proposed": {"capacity_scale": 0.9}}
    assert decided(loop, driven(loop, state=state, **figures))[2].kind == REFUSED


def test_the_first_of_several_reasons_is_told() -> None:
    loop = twins()
    _, _, version = decided(loop, driven(loop, nis=1e9, rmse=(1.0, 1.0, 9.0), shadow_ok=np.array([False])))
    assert "diverged" in version.reason


@pytest.mark.parametrize("side", [0, 1])
def test_a_jump_found_by_the_change_detector_need_not_pass_the_challenger(side: int) -> None:
    loop = twins(policy="change")
    change = np.zeros((2, 1))
    change[side] = 1e3
    state = driven(loop, rmse=(2.0, 2.0, 2.5), proposed={"r0_scale": 1.4}, change=change)
    after, _, version = decided(loop, state)
    assert (version.kind, version.evidence["change_detected"]) == (ACCEPTED, True)
    np.testing.assert_array_equal(after.change, np.zeros((2, 1)))


def test_a_jump_is_exempt_from_nothing_else() -> None:
    loop = twins(policy="change")
    state = driven(loop, proposed={"r0_scale": 7.0}, change=np.full((2, 1), 1e3))
    assert decided(loop, state)[2].kind == REFUSED


def refuse(loop: Twins, state: TwinState | None = None) -> TwinState:
    return decided(loop, driven(loop, rmse=(2.0, 2.0, 3.0), proposed={"r0_scale": 1.4}, state=state))[0]


@pytest.mark.parametrize("limit", [1, 3])
def test_refused_too_often_the_shadow_starts_again_from_what_is_deployed(limit: int) -> None:
    loop = twins(restart_after=limit)
    state = driven(loop, proposed={"r0_scale": 1.2, "r_scale": 0.9})
    state, _, _ = decided(loop, state)
    deployed = state.deployed_mean.copy()
    drifted = state.shadow_mean.copy()
    drifted[loop.states :] += 0.05
    state = state.with_(shadow_mean=drifted)
    for count in range(1, limit):
        state = refuse(loop, state)
        assert state.refusals[0] == count
        np.testing.assert_array_equal(state.shadow_mean, drifted)
    state = refuse(loop, state)
    assert state.refusals[0] == 0
    np.testing.assert_array_equal(state.shadow_mean[loop.states :], deployed)
    np.testing.assert_array_equal(state.deployed_mean, deployed)
    cov = state.shadow_cov[..., 0]
    assert (np.linalg.eigvalsh(cov) > 0).all()
    assert not cov[: loop.states, loop.states :].any()
    assert (np.diagonal(cov) >= np.diagonal(state.deployed_cov[..., 0]).min()).all()


def test_the_shadow_starts_again_with_a_covariance() -> None:
    """Of whatever is deployed: strongly correlated parameters, some of them negatively."""
    loop = twins(restart_after=1)
    angles = np.deg2rad([-45.5, 0.0, 45.5, 91.0])
    correlation = 0.999 * np.cos(angles[:, None] - angles) + 0.001 * np.eye(4)
    sd = np.sqrt(np.diagonal(loop.prior_cov))
    state = began(loop).with_(deployed_cov=(correlation * np.outer(sd, sd))[:, :, None])
    cov = refuse(loop, state).shadow_cov[..., 0]
    scale = np.sqrt(np.diagonal(cov))
    assert np.linalg.eigvalsh(cov / np.outer(scale, scale)).min() > 0
    assert (scale[loop.states :] >= 0.5 * sd - 1e-12).all()


def test_an_acceptance_ends_the_count_of_refusals() -> None:
    loop = twins(restart_after=3)
    state = refuse(loop, refuse(loop))
    state, _, _ = decided(loop, driven(loop, state=state))
    assert state.refusals[0] == 0


def test_the_chain_goes_on_over_refusals() -> None:
    loop = twins()
    state, versions = began(loop), [first_version(loop, "car-1", START_US)]
    for rmse in ((2.0, 2.0, 3.0), (2.0, 2.0, 1.0), (2.0, 2.0, 3.0)):
        state, _, version = decided(loop, driven(loop, rmse=rmse, proposed={"r0_scale": 1.1}, state=state))
        versions.append(version)
    assert [version.kind for version in versions] == [FIRST, REFUSED, ACCEPTED, REFUSED]
    assert [version.number for version in versions] == [1, 2, 3, 4]
    assert [version.parent_hash for version in versions] == ["", *(version.hash for version in versions[:-1])]
    assert versions[3].mean == versions[2].mean
    for version in versions:
        stored = json.loads(json.dumps(version.content(), allow_nan=False))
        assert from_content(stored, version.hash).computed_hash() == version.hash


@pytest.mark.parametrize(
    ("rmse", "expected"), [((0.5, 9.0, 0.4), KEPT), ((1.5, 9.0, 0.4), ACCEPTED), ((np.nan, 9.0, 0.4), ACCEPTED)]
)
def test_threshold_asks_for_an_update_when_the_error_is_over_it(rmse: Any, expected: str) -> None:
    loop = twins(policy="threshold", threshold_v=1.0)
    _, score, version = closed(loop, driven(loop, rmse=rmse))
    assert (score.decision, version is None) == (expected, expected == KEPT)
    assert (score.threshold_v, score.policy) == (1.0, "threshold")


def test_the_threshold_is_the_prototypes_unless_it_is_set() -> None:
    score = closed(twins(policy="threshold"), driven(twins()))[1]
    assert score.threshold_v == PROTOTYPE.threshold_v


def test_a_kept_trip_leaves_the_shadow_to_learn_on() -> None:
    loop = twins(policy="threshold", threshold_v=10.0)
    state = driven(loop, proposed={"r0_scale": 1.3})
    after, score, version = closed(loop, state)
    assert (score.decision, version) == (KEPT, None)
    np.testing.assert_array_equal(after.shadow_mean, state.shadow_mean)
    np.testing.assert_array_equal(after.deployed_mean, state.deployed_mean)


@pytest.mark.parametrize("policy", ["threshold", "always", "change"])
@pytest.mark.parametrize("scored", [0, LOOP.least_scored - 1])
def test_too_few_scored_steps_decide_nothing(policy: Policy, scored: int) -> None:
    loop = twins(policy=policy, least_scored=LOOP.least_scored)
    state = driven(loop).with_(scored=np.array([scored]))
    after, score, version = closed(loop, state)
    assert (score.decision, version, after.version[0]) == (UNSCORED, None, 1)
    np.testing.assert_array_equal(after.change, state.change)


def test_a_rest_the_filter_failed_on_is_forgotten() -> None:
    state = driven(twins(), proposed={"r0_scale": 1.3})
    assert close_rest(state) is state
    back = close_rest(state.with_(shadow_ok=np.array([False])))
    np.testing.assert_array_equal(back.shadow_mean, state.before_mean)
    assert back.shadow_ok[0]


def test_a_roll_back_is_a_new_version_with_the_targets_parameters() -> None:
    loop = twins()
    state = driven(loop, proposed={"r0_scale": 1.3})
    state, _, target = decided(loop, state)
    state, _, last = decided(loop, driven(loop, proposed={"r0_scale": 1.6}, state=state))
    order = json.loads(
        json.dumps({"to": 2, "mean": target.mean, "covariance": target.covariance, "reason": "wrong cable"})
    )
    version = rolled_back(loop, state, "car-1", TRIP.end_us + 5, order)
    after = deploy(loop, state, version)
    assert (version.kind, version.number, version.parent_hash) == (ROLLBACK, 4, last.hash)
    assert (version.mean, version.covariance, version.model_hash) == (
        target.mean,
        target.covariance,
        target.model_hash,
    )
    assert "version 2" in version.reason and "wrong cable" in version.reason
    assert (after.deployed_version[0], after.deployed_us[0]) == (4, TRIP.end_us + 5)
    np.testing.assert_array_equal(after.deployed_mean[:, 0], target.mean)
    np.testing.assert_array_equal(after.shadow_mean[loop.states :, 0], target.mean)


# Whole trips.


def kinds(outcome: Outcome, vehicle: str) -> list[str]:
    return [score.decision for score in outcome.scores(vehicle)]


def test_the_threshold_updates_the_worn_vehicle_only() -> None:
    outcome = folded(log_of(worn("old", 3), healthy("new", 3)), replace(LOOP, policy="threshold", threshold_v=1.0))
    assert kinds(outcome, "old") == [ACCEPTED, KEPT, KEPT]
    assert kinds(outcome, "new") == [KEPT, KEPT, KEPT]
    first, second, _ = outcome.scores("old")
    assert second.deployed_rmse_v < 0.3 * first.deployed_rmse_v


def test_always_proposes_after_each_scored_trip() -> None:
    outcome = folded(log_of(worn("old", 3), healthy("new", 3)), replace(LOOP, policy="always"))
    for vehicle in ("old", "new"):
        assert set(kinds(outcome, vehicle)) <= {ACCEPTED, REFUSED}
        assert len(outcome.versions(vehicle)) == 4
        for score, version in zip(outcome.scores(vehicle), outcome.versions(vehicle)[1:], strict=True):
            assert (version.trip_number, version.kind) == (score.trip_number, score.decision)
            assert version.deployed_rmse_v == score.deployed_rmse_v


@pytest.mark.parametrize("factor", [0.4, 1.6])
def test_change_speaks_after_a_jump(factor: float) -> None:
    """The resistance jumps before trip 4: nothing before it asks for an update, and then one is made."""
    truths = [{"r0_scale": 1.0}] * 3 + [{"r0_scale": factor}] * 5
    loop = replace(LOOP, policy="change", change_slack=0.5, change_limit=3.0)
    outcome = folded(log_of(drives("jump", truths)), loop)
    decisions = kinds(outcome, "jump")
    assert decisions[:3] == [KEPT] * 3
    assert ACCEPTED in decisions[3:]
    accepted = [version for version in outcome.versions("jump") if version.kind == ACCEPTED][-1]
    assert accepted.evidence["change_detected"] is True
    assert dict(zip(NAMES, accepted.mean, strict=True))["r0_scale"] == pytest.approx(factor, abs=0.15)


def test_after_a_refusal_the_shadow_stands_where_it_stood_before_the_trip() -> None:
    """Two good trips, then one with a voltage nobody can explain."""
    car = worn("a", 3)
    mad = car.changed(car.trip == 3, pack_voltage_v=car.values["pack_voltage_v"][car.trip == 3] * 1.3)
    loop = replace(LOOP, policy="always")
    ended, two = folded(log_of(mad), loop), folded(log_of(car.kept(car.trip < 3)), loop)
    assert kinds(ended, "a")[-1] == REFUSED
    states = [next(iter(outcome.state.groups.values())).state for outcome in (ended, two)]
    d = len(states[0].shadow_mean) - len(NAMES)
    np.testing.assert_array_equal(states[0].shadow_mean[d:], states[1].shadow_mean[d:])
    np.testing.assert_array_equal(states[0].deployed_mean, states[1].deployed_mean)
    grown = states[0].shadow_cov[d:, d:, 0] - states[1].shadow_cov[d:, d:, 0]
    days = 1.0 - (ROWS - 1) * STEP_S / 86_400
    drifts = np.diag([days * one.drift**2 for one in CIRCUIT.living])
    np.testing.assert_allclose(grown, drifts, atol=1e-12, err_msg="only the time between the trips is added")


def test_a_vehicle_recovers_from_a_run_of_mad_trips() -> None:
    car = worn("a", 8)
    where = (car.trip >= 2) & (car.trip <= 5)
    mad = car.changed(where, pack_voltage_v=np.where(car.trip % 2, 100.0, 800.0)[where])
    outcome = folded(log_of(mad), replace(LOOP, policy="always", restart_after=2))
    assert kinds(outcome, "a")[1:5] == [REFUSED] * 4
    assert outcome.scores("a")[-1].deployed_rmse_v < outcome.scores("a")[-1].never_rmse_v / 3
    for version in outcome.versions("a"):
        json.dumps(version.content(), allow_nan=False)
