"""Batches do not matter, neighbours do not matter, and commands are rows like any other."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.garage import (
    DAY_US,
    LOOP,
    START_US,
    Drives,
    Outcome,
    command,
    folded,
    healthy,
    log_of,
    register,
    worn,
)
from twinpack.fleet.commands import measure_command
from twinpack.fleet.events import PREDICTION, STEPS, TRIP, VERSION
from twinpack.fleet.state import ShardState
from twinpack.twin.settings import LoopSettings
from twinpack.twin.versions import ACCEPTED, MEASURED, PROTOTYPE, REFUSED, ROLLBACK, TwinVersion

ALWAYS = LoopSettings(policy="always", start_soc_sd=0.01, least_scored=20, restart_after=2)


def fleet() -> list[Drives]:
    """Three vehicles: healthy; worn, with signals missing; and one whose second trip is nonsense."""
    rng = np.random.default_rng(3)
    cars = [healthy("a", 3), worn("b", 3), healthy("c", 3)]
    gaps = rng.random(len(cars[1].time_us)) < 0.1
    cars[1] = cars[1].changed(gaps, pack_voltage_v=np.nan).changed(np.roll(gaps, 3), pack_current_a=np.nan)
    cars[2] = cars[2].changed(cars[2].trip == 2, pack_voltage_v=900.0)
    return cars


LOG = log_of(*fleet())
MIDDLE = LOG.num_rows // 2


@pytest.fixture(scope="module")
def whole() -> Outcome:
    return folded(LOG, ALWAYS)


def same(one: Outcome, other: Outcome) -> None:
    assert one.told() == other.told()
    assert one.state.to_bytes() == other.state.to_bytes()


def test_the_log_exercises_every_outcome(whole: Outcome) -> None:
    assert {event.kind for event in whole.events} == {TRIP, PREDICTION, VERSION, STEPS}
    assert {version.kind for version in whole.versions()} == {PROTOTYPE, ACCEPTED, REFUSED}


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, LOG.num_rows), max_size=12))
def test_any_split_gives_the_same(whole: Outcome, cuts: list[int]) -> None:
    same(folded(LOG, ALWAYS, cuts), whole)


@pytest.mark.parametrize("start", [0, MIDDLE - 25, LOG.num_rows - 50])
def test_row_by_row_gives_the_same(whole: Outcome, start: int) -> None:
    same(folded(LOG, ALWAYS, range(start, start + 50)), whole)


def test_an_empty_batch_changes_nothing(whole: Outcome) -> None:
    again = folded(LOG.slice(0, 0), state=whole.state, first_offset=LOG.num_rows)
    assert again.events == []
    assert again.state.to_bytes() == whole.state.to_bytes()


@settings(max_examples=4, deadline=None)
@given(others=st.lists(st.sampled_from("acdef"), unique=True), place=st.integers(0, 5), seed=st.integers(0, 99))
def test_neighbours_change_nothing(whole: Outcome, others: list[str], place: int, seed: int) -> None:
    """Fewer, more or other vehicles, in another order: each of `b`'s bits is its own."""
    cars = [healthy(name, 2, seed, rows=40) for name in others]
    cars.insert(place, fleet()[1])
    told = folded(log_of(*cars), ALWAYS).told(offsets=False)
    expected = whole.told(offsets=False)
    for kind in (TRIP, PREDICTION, VERSION, STEPS):
        assert told["b", kind] == expected["b", kind]


def test_a_diverged_vehicle_is_refused_and_stops_no_other(whole: Outcome) -> None:
    decisions = [score.decision for score in whole.scores("c")]
    assert decisions[1] == REFUSED
    refused = next(version for version in whole.versions("c") if version.kind == REFUSED)
    assert refused.reason and refused.trip_number == 2
    without = folded(log_of(*fleet()[:2]), ALWAYS).told(offsets=False)
    beside = whole.told(offsets=False)
    assert all(beside[key] == lines for key, lines in without.items())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # arithmetic on infinities; only its outcome matters here
@pytest.mark.parametrize("signal", ["pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct"])
@pytest.mark.parametrize("value", [-np.inf, 1e300])
def test_infinities_stay_with_their_vehicle(signal: str, value: float) -> None:
    """No import lets one in, but the fold goes on if one came, and the vehicle recovers."""
    sick, well = healthy("sick", 3, rows=40), healthy("well", 2, rows=40)
    where = (sick.trip == 2) & (sick.since_s() > 150) & (sick.since_s() < 200)
    outcome = folded(log_of(sick.changed(where, **{signal: value}), well), ALWAYS)
    beside, alone = outcome.told(offsets=False), folded(log_of(well), ALWAYS).told(offsets=False)
    assert all(beside[key] == lines for key, lines in alone.items())
    assert len(outcome.scores("sick")) == 3
    assert np.isfinite(outcome.scores("sick")[-1].deployed_rmse_v)
    for version in outcome.versions("sick"):
        assert version.sealed() == version, "its content is JSON without NaN"
        assert np.isfinite(version.mean).all()


def test_events_have_one_identity_each(whole: Outcome) -> None:
    ids = [event.event_id for event in whole.events]
    assert len(set(ids)) == len(ids)


def test_versions_are_chained_without_a_gap(whole: Outcome) -> None:
    for vehicle in whole.state.vehicle_ids:
        chain = whole.versions(vehicle)
        assert [one.number for one in chain] == list(range(1, len(chain) + 1))
        assert [one.parent_hash for one in chain] == ["", *(one.hash for one in chain[:-1])]
        assert all(one.hash == one.computed_hash() for one in chain)
        assert chain[0].kind == PROTOTYPE


def test_predicted_steps_are_those_of_the_trips(whole: Outcome) -> None:
    steps = whole.steps("a")
    assert len(steps["sample_time"]) == sum(trip.samples for trip in whole.bodies(TRIP, "a"))
    for score in whole.scores("a"):
        assert steps["scored"][steps["trip_number"] == score.trip_number].sum() == score.scored_samples


def test_samples_of_a_vehicle_that_nobody_registered_are_counted() -> None:
    rows = log_of(healthy("a", 1)).slice(1)
    outcome = folded(rows)
    assert (outcome.state.unknown, outcome.events) == (60, [])


@pytest.mark.parametrize("cuts", [(), (30,), range(25, 35)])
def test_a_vehicle_registered_late_begins_there(cuts: list[int]) -> None:
    samples = log_of(healthy("b", 1), tick=False).slice(1)
    late = pa.concat_tables([samples.slice(0, 30), register("b"), samples.slice(30)])
    outcome = folded(late, cuts=cuts)
    assert outcome.state.unknown == 30
    assert outcome.versions("b")[0].sample_time_us == START_US + 30 * 10_000_000


def test_a_vehicle_of_a_pack_without_a_model_has_trips_and_no_twin() -> None:
    log = pa.concat_tables([register("i3", "bmw_i3_60ah"), log_of(healthy("i3", 2)).slice(1)])
    outcome = folded(log)
    assert {event.kind for event in outcome.events} == {TRIP}


def test_without_step_predictions_all_else_is_the_same(whole: Outcome) -> None:
    bare = folded(LOG, LoopSettings(**{**ALWAYS.__dict__, "keep_steps": False}))
    told = whole.told()
    assert all(lines == told[key] for key, lines in bare.told().items() if key[1] != STEPS)
    assert not bare.bodies(STEPS)


def order(target: TwinVersion, vehicle: str = "b") -> dict[str, object]:
    return {
        "type": "rollback",
        "vehicle": vehicle,
        "to": target.number,
        "model_hash": target.model_hash,
        "parameters": list(target.parameters),
        "mean": list(target.mean),
        "covariance": list(target.covariance),
        "reason": "asked for",
    }


def test_a_roll_back_deploys_the_target_again(whole: Outcome) -> None:
    first, last = whole.versions("b")[0], whole.versions("b")[-1]
    log = pa.concat_tables([LOG, command(order(first), START_US + 4 * DAY_US)])
    outcome = folded(log, ALWAYS)
    back = outcome.versions("b")[-1]
    assert (back.kind, back.number, back.parent_hash) == (ROLLBACK, last.number + 1, last.hash)
    assert (back.mean, back.covariance, back.model_hash) == (first.mean, first.covariance, first.model_hash)
    assert "version 1" in back.reason and "asked for" in back.reason
    same(folded(log, ALWAYS, [MIDDLE, LOG.num_rows]), outcome)


def test_trips_after_a_roll_back_are_predicted_with_the_target(whole: Outcome) -> None:
    first = whole.versions("b")[0]
    later = worn("b", 4)
    later = later.kept(later.trip == 4)
    log = pa.concat_tables([LOG, command(order(first), START_US + int(2.5 * DAY_US)), log_of(later).slice(1)])
    score = folded(log, ALWAYS).scores("b")[-1]
    assert score.version_number == whole.versions("b")[-1].number + 1
    assert score.deployed_rmse_v == pytest.approx(score.never_rmse_v, rel=1e-2)


@pytest.mark.parametrize(
    "change",
    [{"type": "polish"}, {"vehicle": "nobody"}, {"parameters": ["another"], "mean": [1.0], "covariance": [1.0]}],
)
def test_a_command_that_cannot_be_obeyed_changes_nothing(whole: Outcome, change: dict[str, object]) -> None:
    body = {**order(whole.versions("b")[0]), **change}
    outcome = folded(pa.concat_tables([LOG, command(body, START_US + 4 * DAY_US)]), ALWAYS)
    same(outcome, whole)


def test_a_command_in_the_middle_of_a_trip(whole: Outcome) -> None:
    first = whole.versions("b")[0]
    log = pa.concat_tables([LOG.slice(0, MIDDLE), command(order(first), START_US + DAY_US), LOG.slice(MIDDLE)])
    outcome = folded(log, ALWAYS)
    assert ROLLBACK in {version.kind for version in outcome.versions("b")}
    same(folded(log, ALWAYS, range(MIDDLE - 5, MIDDLE + 5)), outcome)


def by_workshop(vehicle: str, ohms: bool = False, confirmed: bool = True) -> dict[str, object]:
    """A workshop's test; of the resistance too, in the cold."""
    tests = {"capacity_ah": 128.0, "capacity_sd_ah": 1.2}
    if ohms:
        tests |= {"resistance_mohm": 160.0, "resistance_sd_mohm": 6.0, "soc_pct": 35.0, "temp_c": -5.0, "pulse_s": 18.0}
    return measure_command(vehicle, "ab12", "Kim", "Test", START_US - DAY_US, tests, confirmed)


@settings(max_examples=6, deadline=None)
@given(
    rows=st.lists(st.integers(0, LOG.num_rows), min_size=3, max_size=3),
    cuts=st.lists(st.integers(0, LOG.num_rows + 3), max_size=8),
)
def test_tests_of_a_workshop_anywhere_in_the_log_give_the_same_whatever_the_split(
    whole: Outcome, rows: list[int], cuts: list[int]
) -> None:
    orders = [by_workshop("b"), by_workshop("a", ohms=True), by_workshop("c", confirmed=False)]
    parts, done = [], 0
    for row, body in zip(sorted(rows), orders, strict=True):
        parts += [LOG.slice(done, row - done), command(body, START_US + DAY_US)]
        done = row
    log = pa.concat_tables([*parts, LOG.slice(done)])
    outcome = folded(log, ALWAYS)
    same(folded(log, ALWAYS, cuts), outcome)
    # Only vehicles that were tested differ, and their chains have no gap.
    for name in "abc":
        versions = outcome.versions(name)
        assert [one.number for one in versions] == list(range(1, len(versions) + 1))
        assert all(one.parent_hash == before.hash for before, one in itertools.pairwise(versions))


def test_a_test_in_the_middle_of_a_trip_stays_when_the_trip_is_refused(whole: Outcome) -> None:
    """The shadow goes back to where it stood as the trip began, the test included."""
    row = MIDDLE
    log = pa.concat_tables([LOG.slice(0, row), command(by_workshop("c"), START_US + DAY_US), LOG.slice(row)])
    outcome = folded(log, ALWAYS)
    kinds = [one.kind for one in outcome.versions("c")]
    assert kinds[kinds.index(MEASURED) + 1] == REFUSED
    versions = outcome.versions("c")
    assert versions[kinds.index(MEASURED) + 1].mean == versions[kinds.index(MEASURED)].mean
    assert abs(versions[-1].mean[0] - 128.0 / 150.0) < 0.03, "it is learned on from the test"
    told, untouched = outcome.told(offsets=False), whole.told(offsets=False)
    assert {kind: told["a", kind] for kind in (TRIP, VERSION)} == {
        kind: untouched["a", kind] for kind in (TRIP, VERSION)
    }


def test_registering_again_changes_nothing(whole: Outcome) -> None:
    outcome = folded(pa.concat_tables([LOG, register("b", "bmw_i3_60ah")]), ALWAYS)
    same(outcome, whole)


def test_settings_reach_every_session() -> None:
    short = LoopSettings(**{**LOOP.__dict__, "correct_s": 300.0})
    wide, narrow = folded(LOG), folded(LOG, short)
    for one, other in zip(wide.scores("a"), narrow.scores("a"), strict=True):
        assert one.scored_samples - other.scored_samples == 25


def test_a_state_of_the_release_before_goes_on(whole: Outcome) -> None:
    """Format 2 had neither a wear clock nor the load among the signals of a step."""
    half = folded(LOG.slice(0, MIDDLE), ALWAYS)
    content = msgspec.msgpack.decode(half.state.to_bytes())
    content["format"] = 2
    for prototype in content["meta"]["prototypes"].values():
        del prototype["threshold_on"], prototype["warm_up"]
    del content["meta"]["settings"]["loop"]["threshold_on"], content["meta"]["settings"]["loop"]["warm_up"]
    arrays = content["arrays"]
    for name in list(arrays):
        if name.startswith("twin/") and name.rpartition("/")[2] in ("clock", "gained", "deployed_clock", "way"):
            del arrays[name]
    for name in ("steps/sums", "steps/counts"):
        dtype, (rows, lanes), data = arrays[name]
        arrays[name] = [dtype, [rows - 1, lanes], data[: len(data) // rows * (rows - 1)]]
    state = ShardState.from_bytes(msgspec.msgpack.encode(content))
    rest = folded(LOG.slice(MIDDLE), ALWAYS, state=state, first_offset=MIDDLE)
    assert Outcome(rest.state, half.events + rest.events).told() == whole.told()
