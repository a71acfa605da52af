"""Learning a trip again about its own trajectory: bounded, harmless where it has nothing to do, and better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.twin.garage import CIRCUIT, LOOP, PROTOTYPE
from twinpack.battery.thevenin import Circuit, knot_name
from twinpack.filters.model import Living
from twinpack.twin.loop import BINS, Run, Twins
from twinpack.twin.refine import refined
from twinpack.twin.settings import Prototype

KNOTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def living_curve(sd_v: float) -> Circuit:
    living = (
        Living("capacity_scale", 1.0, 0.15, 0.001, 0.3, 1.5),
        Living("r0_scale", 1.0, 0.1, 0.001, 0.2, 5.0),
        Living("r_scale", 1.0, 0.1, 0.001, 0.1, 6.0),
        *(Living(knot_name(knot), 0.0, sd_v, 0.0001, -0.5, 0.5) for knot in KNOTS),
    )
    return replace(CIRCUIT, living=living, ocv_knots=KNOTS)


def twins_of(circuit: Circuit) -> Twins:
    return Twins(Prototype("d" * 64, PROTOTYPE.pack, PROTOTYPE.kind, circuit.to_dict(), 1.0), LOOP)


def drive(twins: Twins, steps: int, step_s: float, capacity: float) -> Run:
    """A drive whose voltage the model itself makes, with another capacity than the prior's."""
    time_s = np.arange(steps) * step_s
    current = -60.0 + 50.0 * np.sin(time_s / 90.0)
    before = np.concatenate([current[:1], current[:-1]])
    u = {
        "current_a": current[:, None],
        "interval_start_a": before[:, None],
        "interval_end_a": current[:, None],
        "dt_s": np.diff(time_s, prepend=0.0)[:, None],
        "temp_c": np.full((steps, 1), 25.0),
    }
    x = {name: np.zeros((1, 1)) for name in twins.model.names}
    x |= {one.name: np.full((1, 1), one.mean) for one in twins.model.living}
    x["soc"], x["capacity_scale"] = np.full((1, 1), 0.9), np.full((1, 1), capacity)
    volts = np.empty(steps)
    for k in range(steps):
        row = {name: values[k : k + 1] for name, values in u.items()}
        x.update(zip(twins.model.dynamic, twins.model.transition(x, row), strict=True))
        volts[k] = twins.model.measure(x, row)[0, 0]
    column = np.ones((steps, 1))
    return Run(
        time_us=(1_600_000_000_000_000 + time_s * 1e6).astype(np.int64)[:, None],
        measured=volts[:, None],
        current=current[:, None],
        temp=25.0 * column,
        soc=np.where(np.arange(steps) == 0, 0.9, np.nan)[:, None],
        present=column.astype(np.bool_),
        opens=np.array([True]),
        scored=np.array([True]),
        number=np.array([1]),
    )


def test_a_model_without_a_living_curve_keeps_no_trip() -> None:
    twins = twins_of(CIRCUIT)
    state = twins.new_state(1)
    assert state.kept.shape[1] == 0
    assert refined(twins, state) is state


def test_the_trip_is_kept_in_a_bounded_number_of_bins_whatever_the_cut() -> None:
    twins = twins_of(living_curve(0.05))
    run = drive(twins, 240, 5.0, 1.0)
    whole, _ = twins.advance(twins.new_state(1), run)

    def part(first: int, last: int) -> Run:
        rows = slice(first, last)
        names = ("time_us", "measured", "current", "temp", "soc", "present")
        cut = {name: getattr(run, name)[rows] for name in names}
        return replace(run, **cut, opens=np.array([first == 0]))

    state = twins.new_state(1)
    for first, last in ((0, 7), (7, 101), (101, 240)):
        state, _ = twins.advance(state, part(first, last))
    assert whole.kept.shape == (4, BINS, 1)
    assert np.array_equal(whole.kept, state.kept)
    assert whole.kept[3].sum() == 240
    assert not whole.long[0]


def test_a_trip_longer_than_the_bins_keeps_its_single_pass() -> None:
    twins = twins_of(living_curve(0.05))
    state, _ = twins.advance(twins.new_state(1), drive(twins, 100, 90.0, 1.0))
    assert state.long[0]
    assert refined(twins, state) is state


def test_further_passes_come_nearer_to_the_capacity_and_do_not_claim_more_than_they_know() -> None:
    twins = twins_of(living_curve(0.03))
    truth = 0.85
    state, _ = twins.advance(twins.new_state(1), drive(twins, 700, 5.0, truth))
    again = refined(twins, state)
    at = twins.states
    once, more = abs(state.shadow_mean[at, 0] - truth), abs(again.shadow_mean[at, 0] - truth)
    assert more <= once + 0.02
    assert more <= 3.0 * np.sqrt(again.shadow_cov[at, at, 0])
    assert np.all(np.linalg.eigvalsh(again.shadow_cov[..., 0]) > -1e-12)


def test_a_pass_that_fails_leaves_the_shadow_as_it_was() -> None:
    twins = twins_of(living_curve(0.05))
    state, _ = twins.advance(twins.new_state(1), drive(twins, 240, 5.0, 1.0))
    broken = state.with_(before_cov=-state.before_cov)
    assert refined(twins, broken) is broken
