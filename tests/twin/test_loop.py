"""What each predictor may know of a trip, and what the scores are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.garage import (
    CIRCUIT,
    DAY_US,
    LOOP,
    NAMES,
    PROTOTYPE,
    ROWS,
    Drives,
    Outcome,
    drives,
    folded,
    healthy,
    log_of,
    worn,
)
from twinpack.fleet.events import TRIP
from twinpack.fleet.fold import RESTING
from twinpack.twin.loop import Twins
from twinpack.twin.score import UNSCORED, figures, step_scores
from twinpack.twin.settings import PREDICTORS, Z95, LoopSettings
from twinpack.twin.state import CORRECTING, IDLE, OPEN_LOOP
from twinpack.twin.versions import ACCEPTED

CAR = worn("a", 3)
ALWAYS = replace(LOOP, policy="always")
PREDICTED = tuple(f"{name}_{what}" for name in PREDICTORS for what in ("v", "sd_v"))
FIRST_SCORED = int(LOOP.correct_s) // 10 + 1


@pytest.fixture(scope="module")
def learned() -> Outcome:
    return folded(log_of(CAR), ALWAYS)


def test_learning_brings_the_error_down(learned: Outcome) -> None:
    first, *later = learned.scores("a")
    assert first.deployed_rmse_v == pytest.approx(first.never_rmse_v, rel=1e-9)
    assert all(score.deployed_rmse_v < score.never_rmse_v / 3 for score in later)
    assert learned.versions("a")[-1].mean[NAMES.index("r0_scale")] == pytest.approx(1.5, abs=0.05)


def test_the_never_updated_predictor_ignores_learning(learned: Outcome) -> None:
    """From a start that is told and not corrected it predicts each trip the same, whatever was learned before."""
    loop = replace(LOOP, correct_s=0.0)
    taught = folded(log_of(CAR), replace(loop, policy="always"))
    untaught = folded(log_of(CAR.kept(CAR.trip == 3)), loop)
    assert taught.versions("a")[-1].kind == ACCEPTED
    one, other = taught.steps("a", 3), untaught.steps("a", 1)
    np.testing.assert_array_equal(one["never_v"][2:], other["never_v"][2:])
    np.testing.assert_array_equal(one["never_sd_v"][2:], other["never_sd_v"][2:])
    assert not np.array_equal(one["deployed_v"], other["deployed_v"])


def test_the_deployed_twin_changes_only_by_versions() -> None:
    """Without a proposal nothing changes, though the shadow has learned."""
    outcome = folded(log_of(CAR), replace(LOOP, threshold_v=1e6))
    assert len(outcome.versions("a")) == 1
    group = next(iter(outcome.state.groups.values()))
    np.testing.assert_array_equal(group.state.deployed_mean[:, 0], outcome.versions("a")[0].mean)
    assert abs(group.state.shadow_mean[group.twins.states + NAMES.index("r0_scale"), 0] - 1.5) < 0.1
    for score in outcome.scores("a"):
        assert score.version_number == 1
        assert score.deployed_rmse_v == pytest.approx(score.never_rmse_v, rel=0.05)
        assert score.trip_number == 1 or score.challenger_rmse_v < score.deployed_rmse_v / 3


def test_a_new_version_predicts_from_the_next_trip_on(learned: Outcome) -> None:
    assert [score.version_number for score in learned.scores("a")] == [1, 2, 3]
    group = next(iter(learned.state.groups.values()))
    np.testing.assert_array_equal(group.state.deployed_mean[:, 0], learned.versions("a")[-1].mean)


def test_the_challenger_is_the_shadow_as_the_trip_began() -> None:
    """What `always` deploys after each trip is the shadow: the next trip, it predicts as the challenger does."""
    outcome = folded(log_of(worn("a", 2)), replace(ALWAYS, band_rate=0.0))
    steps = outcome.steps("a", 2)
    np.testing.assert_allclose(steps["challenger_v"], steps["deployed_v"], rtol=1e-9)
    kept = folded(log_of(worn("a", 2)), replace(LOOP, threshold_v=1e6))
    np.testing.assert_array_equal(kept.steps("a", 2)["challenger_v"], steps["challenger_v"])
    np.testing.assert_array_equal(kept.steps("a", 1)["challenger_v"], kept.steps("a", 1)["never_v"])


@pytest.mark.parametrize("trip", [1, 2])
def test_a_trip_is_predicted_without_its_own_voltages(learned: Outcome, trip: int) -> None:
    late = (CAR.trip == trip) & (CAR.since_s() > LOOP.correct_s)
    other = folded(log_of(CAR.changed(late, pack_voltage_v=333.0)), ALWAYS)
    one, two = learned.steps("a", trip), other.steps("a", trip)
    for name in PREDICTED:
        np.testing.assert_array_equal(one[name], two[name])
    assert not np.array_equal(one["measured_v"], two["measured_v"])


def test_the_first_seconds_may_correct_the_start(learned: Outcome) -> None:
    early = (CAR.trip == 2) & (CAR.since_s() <= LOOP.correct_s)
    shifted = CAR.changed(early, pack_voltage_v=CAR.values["pack_voltage_v"][early] + 2.0)
    one, two = learned.steps("a", 2), folded(log_of(shifted), ALWAYS).steps("a", 2)
    assert (np.abs(one["deployed_v"] - two["deployed_v"])[FIRST_SCORED:] > 0).all()


def test_what_comes_later_changes_nothing_told_before(learned: Outcome) -> None:
    short = folded(log_of(CAR.kept(CAR.trip < 3)), ALWAYS)
    expected, told = learned.scores("a"), short.scores("a")
    assert [repr(score) for score in told] == [repr(score) for score in expected[:2]]
    for name in PREDICTED:
        np.testing.assert_array_equal(short.steps("a", 2)[name], learned.steps("a", 2)[name])


@pytest.mark.parametrize("correct_s", [0.0, 50.0, 120.0])
def test_the_first_seconds_are_not_scored(correct_s: float) -> None:
    steps = folded(log_of(healthy("a", 2)), replace(LOOP, correct_s=correct_s)).steps("a", 2)
    since_s = (steps["sample_time"] - steps["sample_time"][0]) / 1e6
    np.testing.assert_array_equal(steps["scored"], since_s > correct_s)


def test_scores_are_those_of_the_scored_steps(learned: Outcome) -> None:
    for score in learned.scores("a"):
        steps = learned.steps("a", score.trip_number)
        scored = steps["scored"]
        for name in PREDICTORS:
            error = (steps[f"{name}_v"] - steps["measured_v"])[scored]
            inside = np.abs(error) <= Z95 * steps[f"{name}_sd_v"][scored]
            assert getattr(score, f"{name}_rmse_v") == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
            assert getattr(score, f"{name}_mae_v") == pytest.approx(np.mean(np.abs(error)), rel=1e-9)
            assert getattr(score, f"{name}_coverage_95") == pytest.approx(np.mean(inside), rel=1e-9)


def test_the_interval_score_by_hand() -> None:
    """Width, and 2 / alpha for each volt outside (Gneiting and Raftery 2007)."""
    terms = step_scores(np.array([10.0, 10.0, np.nan]), np.array([10.5, 13.0, 10.0]), np.array([1.0, 1.0, 1.0]))
    inside, outside, missing = terms[4]
    assert inside == pytest.approx(2 * Z95)
    assert outside == pytest.approx(2 * Z95 + 40 * (3 - Z95))
    assert missing == 0.0
    assert figures(terms.sum(axis=1), np.array(2))[:3] == pytest.approx((np.sqrt((0.25 + 9) / 2), 1.75, 0.5))
    assert all(np.isnan(figures(terms.sum(axis=1), np.array(0))))


def test_bands_grow_with_the_time_since_deployment() -> None:
    def band(days: int) -> float:
        car = healthy("a", 2)
        later = car.time_us + np.where(car.trip == 2, (days - 1) * DAY_US, 0)
        steps = folded(log_of(replace(car, time_us=later)), replace(LOOP, threshold_v=1e6)).steps("a", 2)
        return float(steps["deployed_sd_v"][-1])

    widths = [band(days) for days in (1, 100, 1000)]
    assert widths == sorted(widths) and widths[0] < 0.8 * widths[-1]


def test_the_band_is_wider_where_less_is_known() -> None:
    """The prototype, which has learned nothing, is less sure of itself than the version learned from the vehicle."""
    steps = folded(log_of(CAR), replace(ALWAYS, band_rate=0.0, band_memory=0.0)).steps("a", 3)
    assert np.median(steps["deployed_sd_v"]) < np.median(steps["never_sd_v"])


def test_a_short_trip_is_told_and_not_decided_on() -> None:
    rows = FIRST_SCORED + LOOP.least_scored - 1
    for extra, decided in ((0, False), (1, True)):
        outcome = folded(log_of(worn("a", 1, rows=rows + extra)), ALWAYS)
        (score,) = outcome.scores("a")
        assert score.scored_samples == rows + extra - FIRST_SCORED
        assert (score.decision == UNSCORED, len(outcome.versions("a"))) == ((not decided), 1 + decided)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_trip_of_a_sample_or_two(rows: int) -> None:
    car = healthy("a", 3)
    starts = car.kept((car.trip != 2) | (car.since_s() < rows * 10))
    outcome = folded(log_of(starts), ALWAYS)
    tiny = outcome.scores("a")[1]
    assert (tiny.decision, tiny.scored_samples) == (UNSCORED, 0)
    assert np.isnan([tiny.deployed_rmse_v, tiny.never_coverage_95, tiny.challenger_interval_score_v]).all()
    assert outcome.bodies(TRIP, "a")[1].samples == rows
    assert outcome.scores("a")[2].decision != UNSCORED


def outage(car: Drives, signal: str, first_s: float, last_s: float) -> Drives:
    since = car.since_s()
    return car.changed((car.trip == 2) & (since >= first_s) & (since < last_s), **{signal: np.nan})


@pytest.mark.parametrize("first_s", [0.0, 100.0])
@pytest.mark.parametrize("signal", ["pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct"])
def test_runs_of_missing_values(signal: str, first_s: float) -> None:
    outcome = folded(log_of(outage(healthy("a", 3), signal, first_s, first_s + 150.0)), ALWAYS)
    clean = folded(log_of(healthy("a", 3)), ALWAYS)
    missing, whole = outcome.scores("a")[1], clean.scores("a")[1]
    steps = outcome.steps("a", 2)
    assert np.isfinite(steps["deployed_v"][steps["scored"]]).all()
    assert np.isfinite([steps["current_a"], steps["temp_c"], steps["soc"]]).all()
    if signal == "pack_voltage_v":
        assert missing.scored_samples < whole.scored_samples
        assert np.isfinite(steps["deployed_v"][FIRST_SCORED:]).all(), "predicted though not measured"
    else:
        assert missing.scored_samples == whole.scored_samples
    assert outcome.scores("a")[2].deployed_rmse_v < 3 * clean.scores("a")[2].deployed_rmse_v + 0.5


def test_a_trip_without_any_voltage_is_not_scored() -> None:
    car = healthy("a", 2)
    outcome = folded(log_of(car.changed(car.trip == 2, pack_voltage_v=np.nan)), ALWAYS)
    assert outcome.scores("a")[1].decision == UNSCORED
    assert len(outcome.versions("a")) == 2


def test_without_a_told_charge_the_voltage_tells_the_start() -> None:
    car = healthy("a", 1)
    blind = folded(log_of(car.changed(car.trip == 1, soc_pct=np.nan))).steps("a")
    told = car.values["soc_pct"][0] / 100
    assert blind["soc"][FIRST_SCORED] == pytest.approx(told, abs=0.1)


def test_a_rest_is_learned_from_and_not_scored() -> None:
    car = healthy("a", 2)
    still = car.changed(car.trip == 2, pack_current_a=0.0, speed_kmh=0.0)
    outcome = folded(log_of(still), ALWAYS)
    assert [trip.kind for trip in outcome.bodies(TRIP, "a")] == ["driving", RESTING]
    assert [score.trip_number for score in outcome.scores("a")] == [1]
    assert set(outcome.steps("a")["trip_number"]) == {1}


def test_charge_is_carried_over_a_short_pause_and_asked_for_after_a_long_one() -> None:
    def start(pause_s: float) -> float:
        car = healthy("a", 2)
        time = car.time_us.copy()
        time[car.trip == 2] += time[car.trip == 1][-1] + int(pause_s * 1e6) - time[car.trip == 2][0]
        told = replace(car, time_us=time).changed(car.trip == 2, soc_pct=10.0, pack_voltage_v=np.nan)
        return float(folded(log_of(told)).steps("a", 2)["soc"][0])

    assert start(LOOP.carry_s - 60) > 0.3
    assert start(LOOP.carry_s + 60) == pytest.approx(0.1, abs=1e-6)


def test_phases_of_a_trip() -> None:
    log = log_of(healthy("a", 1))
    for rows, phase in ((0, None), (4, CORRECTING), (30, OPEN_LOOP), (log.num_rows, IDLE)):
        groups = folded(log.slice(0, rows)).state.groups
        assert (next(iter(groups.values())).state.phase[0] if groups else None) == phase


def test_the_twins_start_from_the_prototypes_priors() -> None:
    twins = Twins(PROTOTYPE, LoopSettings())
    state = twins.new_state(2)
    np.testing.assert_array_equal(state.deployed_mean[:, 1], [one.mean for one in CIRCUIT.living])
    np.testing.assert_allclose(np.diagonal(state.deployed_cov[..., 0]), [one.sd**2 for one in CIRCUIT.living])
    assert twins.names == NAMES


def test_a_joint_prior_is_used_whole() -> None:
    covariance = np.diag([one.sd**2 for one in CIRCUIT.living])
    covariance[0, 1] = covariance[1, 0] = 0.5 * np.sqrt(covariance[0, 0] * covariance[1, 1])
    joint = replace(CIRCUIT, prior_covariance=tuple(tuple(row) for row in covariance.tolist()))
    state = Twins(replace(PROTOTYPE, model=joint.to_dict()), LoopSettings()).new_state(1)
    np.testing.assert_array_equal(state.deployed_cov[..., 0], covariance)


def test_the_shadow_grows_less_sure_while_a_vehicle_stands() -> None:
    def doubt(days: int) -> float:
        car = healthy("a", 2)
        time = car.time_us + np.where(car.trip == 2, (days - 1) * DAY_US, 0)
        log = log_of(replace(car, time_us=time), tick=False)
        state = next(iter(folded(log.slice(0, 1 + ROWS + 3)).state.groups.values())).state
        return float(state.before_cov[-1, -1, 0])

    assert doubt(30) - doubt(1) == pytest.approx(29 * CIRCUIT.living[-1].drift ** 2, rel=1e-3)


def test_wear_is_followed_over_a_life() -> None:
    truths = [{"r0_scale": 1.0 + 0.1 * trip, "capacity_scale": 1.0 - 0.01 * trip} for trip in range(8)]
    car = drives("a", truths)
    time = car.time_us + (car.trip - 1) * 100 * DAY_US
    outcome = folded(log_of(replace(car, time_us=time)), ALWAYS)
    last = dict(zip(NAMES, outcome.versions("a")[-1].mean, strict=True))
    assert last["r0_scale"] == pytest.approx(1.7, abs=0.1)
    assert last["capacity_scale"] == pytest.approx(0.93, abs=0.04)
