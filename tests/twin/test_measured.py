"""A workshop's test as a measurement of a twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.twin.garage import CIRCUIT, DAY_US, NAMES, Outcome, command, folded, log_of, worn
from tests.twin.test_orders import twin
from twinpack.battery.thevenin import Thevenin
from twinpack.fleet.commands import measure_command
from twinpack.twin.decide import Floats
from twinpack.twin.explain import explain
from twinpack.twin.measured import CAPACITY, RESISTANCE, WorkshopTest, can_take, expected, judged
from twinpack.twin.sentences import heading, in_words
from twinpack.twin.state import TwinState
from twinpack.twin.versions import MEASURED, REFUSED, TwinVersion

CAR = worn("car", 3, capacity_scale=0.93)
LAST_US = int(CAR.time_us[-1])
AT_US = LAST_US + 4_000_000_000
MODEL = Thevenin(CIRCUIT)
RESISTANCE_TEST = {"resistance_sd_mohm": 4.0, "soc_pct": 50.0, "temp_c": 25.0, "pulse_s": 10.0}


@pytest.fixture(scope="module")
def past() -> Outcome:
    return folded(log_of(CAR))


def ordered(confirmed: bool = False, measured_us: int = LAST_US, **tests: float) -> dict[str, Any]:
    return measure_command("car", "ab12", "Kim", "Test on 2020-09-15", measured_us, tests, confirmed)


def after(past: Outcome, **asked: Any) -> tuple[TwinState, TwinVersion]:
    done = folded(command(ordered(**asked), AT_US), state=past.state)
    (version,) = done.versions()
    return twin(done.state, "car"), version


def both(state: TwinState) -> tuple[Floats, Floats]:
    """What is deployed as of the last step."""
    cov = state.deployed_cov[:, :, 0].copy()
    days = (int(state.last_us[0]) - int(state.deployed_us[0])) / DAY_US
    cov[np.diag_indices(len(NAMES))] += np.array([one.drift**2 for one in CIRCUIT.living]) * days
    return state.deployed_mean[:, 0], cov


def test_a_capacity_test_is_what_a_gaussian_says_of_two_measurements(past: Outcome) -> None:
    mean, cov = both(twin(past.state, "car"))
    state, version = after(past, capacity_ah=141.2, capacity_sd_ah=1.5)
    # Of the scalar alone: weights by the inverse variances.
    prior, variance = mean[0], cov[0, 0]
    test, error = 141.2 / 150.0, (1.5 / 150.0) ** 2
    posterior = (prior / variance + test / error) / (1.0 / variance + 1.0 / error)
    assert state.deployed_mean[0, 0] == pytest.approx(posterior, rel=1e-9)
    assert state.deployed_cov[0, 0, 0] == pytest.approx(1.0 / (1.0 / variance + 1.0 / error), rel=1e-9)
    # The others follow by what they have in common with it, as in the matrix form.
    h = np.array([150.0, 0.0, 0.0, 0.0])
    gain = cov @ h / (h @ cov @ h + 1.5**2)
    assert state.deployed_mean[:, 0] == pytest.approx(mean + gain * (141.2 - 150.0 * mean[0]), rel=1e-9)
    assert np.linalg.eigvalsh(state.deployed_cov[:, :, 0]).min() > 0.0
    assert (version.kind, version.parameters) == (MEASURED, NAMES)
    assert version.computed_hash() == version.hash


def test_the_version_tells_what_was_measured_by_whom_and_what_it_did(past: Outcome) -> None:
    _, version = after(past, capacity_ah=141.2, capacity_sd_ah=1.5, resistance_mohm=123.0, **RESISTANCE_TEST)
    told = version.evidence
    assert {name: told[name] for name in ("record", "who", "capacity_ah", "resistance_mohm", "soc", "pulse_s")} == {
        "record": "ab12",
        "who": "Kim",
        "capacity_ah": 141.2,
        "resistance_mohm": 123.0,
        "soc": 0.5,
        "pulse_s": 10.0,
    }
    for name, unit in ((CAPACITY, "ah"), (RESISTANCE, "mohm")):
        low, high = sorted((told[f"{name}_prior_{unit}"], told[f"{name}_{unit}"]))
        assert low <= told[f"{name}_posterior_{unit}"] <= high
        assert told[f"{name}_posterior_sd_{unit}"] < min(told[f"{name}_prior_sd_{unit}"], told[f"{name}_sd_{unit}"])
    assert "capacity 141.2 ± 3.0 Ah, where the twin knew" in version.reason
    assert "resistance 123.0 ± 8.0 mΩ after 10 s at 50 % and 25 °C" in version.reason
    explained = explain([*past.versions("car"), version], 150.0)[-1]
    assert heading(explained).startswith(f"Version {version.number} took in a workshop's test, in place of version")
    assert "better knowledge" in in_words(explained)


def test_the_shadow_takes_it_in_too_and_learns_on_from_there(past: Outcome) -> None:
    before = twin(past.state, "car")
    state, _ = after(past, capacity_ah=141.2, capacity_sd_ah=1.5)
    row = MODEL.names.index("capacity_scale")
    for name in ("shadow", "before"):
        old, new = (getattr(one, f"{name}_mean")[row, 0] for one in (before, state))
        assert abs(new - 141.2 / 150.0) < abs(old - 141.2 / 150.0)
        assert getattr(state, f"{name}_cov")[row, row, 0] < getattr(before, f"{name}_cov")[row, row, 0]
        assert np.linalg.eigvalsh(getattr(state, f"{name}_cov")[:, :, 0]).min() > -1e-15
    for name in ("sums", "phase", "number", "pred_mean", "points", "clock", "seen"):
        assert np.array_equal(getattr(state, name), getattr(before, name)), name


def test_the_measured_resistance_is_that_of_the_same_pulse() -> None:
    test = WorkshopTest(RESISTANCE, 100.0, 5.0, soc=0.4, temp_c=5.0, pulse_s=18.0)
    mean = np.array([0.9, 1.3, 1.1, 0.01])
    figure, slope = expected(MODEL, test, mean)
    for row in range(3):
        moved = mean.copy()
        moved[row] += 1e-3
        assert slope[row] == pytest.approx((expected(MODEL, test, moved)[0] - figure) / 1e-3, rel=5e-3, abs=1e-3)
    cold = expected(MODEL, WorkshopTest(RESISTANCE, 100.0, 5.0, soc=0.4, temp_c=-15.0, pulse_s=18.0), mean)[0]
    assert cold > 1.3 * figure, "the same battery shows more in the cold"


def test_a_test_that_contradicts_the_twin_is_refused_until_someone_confirms_it(past: Outcome) -> None:
    mean, cov = both(twin(past.state, "car"))
    state, version = after(past, capacity_ah=90.0, capacity_sd_ah=1.5)
    assert version.kind == REFUSED
    assert "contradicts the twin" in version.reason
    assert np.array_equal(state.deployed_mean, twin(past.state, "car").deployed_mean)
    assert np.array_equal(state.shadow_mean, twin(past.state, "car").shadow_mean)
    taken, confirmed = after(past, confirmed=True, capacity_ah=90.0, capacity_sd_ah=1.5)
    assert confirmed.kind == MEASURED
    assert confirmed.evidence["widened"] is True
    assert "the twin was too sure of itself" in confirmed.reason
    assert abs(taken.deployed_mean[0, 0] - 0.6) < 0.2 * abs(mean[0] - 0.6)
    # Without the widening both would be believed: the mean of two figures that cannot both be right.
    assert taken.deployed_cov[0, 0, 0] > 1.0 / (1.0 / cov[0, 0] + (150.0 / 1.5) ** 2)
    change = explain([*past.versions("car"), confirmed], 150.0)[-1].changes[0]
    assert (change.wear, change.knowledge) == (0.0, 0.0), "a twin that was wrong says nothing of wear"


def test_an_older_test_says_less(past: Outcome) -> None:
    fresh, _ = after(past, capacity_ah=141.2, capacity_sd_ah=1.5)
    old, _ = after(past, measured_us=LAST_US - 1000 * DAY_US, capacity_ah=141.2, capacity_sd_ah=1.5)
    assert old.deployed_cov[0, 0, 0] > 2.0 * fresh.deployed_cov[0, 0, 0]
    mean, cov = both(twin(past.state, "car"))
    test = WorkshopTest(CAPACITY, 141.2, 1.5)
    one = judged(MODEL, test, mean, cov, 1000.0)
    assert one.sd == pytest.approx(np.hypot(1.5, 150.0 * 0.001 * 1000.0**0.5))


def test_what_is_physically_impossible_is_refused(past: Outcome) -> None:
    _, version = after(past, confirmed=True, resistance_mohm=1.0, **RESISTANCE_TEST)
    assert (version.kind, "outside what is physically possible" in version.reason) == (REFUSED, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"vehicle": "nobody"},
        {"capacity_ah": None},
        {"capacity_ah": "141"},
        {"capacity_ah": float("inf")},
        {"capacity_sd_ah": 0.0},
        {"capacity_sd_ah": None},
        {"confirmed": 1},
        {"measured_us": True},
        {"record": None},
        {"resistance_mohm": 90.0},
    ],
)
def test_one_that_is_malformed_changes_nothing(past: Outcome, changes: dict[str, Any]) -> None:
    body = ordered(capacity_ah=141.2, capacity_sd_ah=1.5) | changes
    done = folded(command(body, AT_US), state=past.state)
    assert done.versions() == []
    assert done.state.to_bytes() == folded(command({"type": "nothing"}, AT_US), state=past.state).state.to_bytes()


def test_a_model_that_has_no_such_parameter_cannot_take_it() -> None:
    assert can_take(MODEL, WorkshopTest(CAPACITY, 1.0, 1.0))
    assert not can_take(object(), WorkshopTest(CAPACITY, 1.0, 1.0))
