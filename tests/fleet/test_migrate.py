"""Another model takes the place of a fleet's: what goes over, what begins anew, and that batches do not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.garage import CIRCUIT, DAY_US, PROTOTYPE, Outcome, command, first_state, folded, healthy, log_of, worn
from tests.twin.routes import LOOP as ROUTE_LOOP
from tests.twin.routes import PACK as ROUTE_PACK
from tests.twin.routes import PROTOTYPE as ROUTE
from tests.twin.routes import first, routes
from twinpack.filters.model import Living
from twinpack.fleet.commands import promote_command, rollback_command
from twinpack.fleet.state import ShardState
from twinpack.telemetry.schema import tick_row
from twinpack.twin.decide import square
from twinpack.twin.settings import LoopSettings, Prototype
from twinpack.twin.versions import PROMOTED, ROLLBACK, TwinVersion

ALWAYS = LoopSettings(policy="always", start_soc_sd=0.01, least_scored=20)
OTHER = replace(
    CIRCUIT,
    pairs_ohm=CIRCUIT.pairs_ohm[:1],
    tau_s=CIRCUIT.tau_s[:1],
    living=(
        CIRCUIT.living[1],
        CIRCUIT.living[0],
        Living("ea0_scale", 1.0, 0.1, 0.001, 0.5, 2.0),
        *CIRCUIT.living[2:],
    ),
)
FLEET = [healthy("a", 4), worn("b", 4)]
NEW = Prototype("d" * 64, PROTOTYPE.pack, "thevenin-1rc", OTHER.to_dict(), 1.0)
WHOLE = log_of(*FLEET)


def order(prototype: Prototype = NEW, carry: bool = True) -> dict[str, Any]:
    return promote_command(prototype, carry, "a better model", "kim")


def log_with(*orders: dict[str, Any], at: int = 2 + 2 * 150) -> pa.Table:
    """The log with commands before its row `at`: in the third trip, by default."""
    us = int(WHOLE.column("receipt_time").cast(pa.int64())[at].as_py())
    return pa.concat_tables([WHOLE.slice(0, at), *(command(one, us) for one in orders), WHOLE.slice(at)])


def promoted(outcome: Outcome, vehicle: str) -> TwinVersion:
    (version,) = [one for one in outcome.versions(vehicle) if one.kind == PROMOTED]
    return version


@pytest.fixture(scope="module")
def whole() -> Outcome:
    return folded(log_with(order()), ALWAYS)


def test_parameters_go_over_by_name_and_the_chain_goes_on(whole: Outcome) -> None:
    for vehicle in "ab":
        chain = whole.versions(vehicle)
        version = promoted(whole, vehicle)
        before = chain[version.number - 2]
        assert (version.parent_hash, version.model_hash, version.parameters) == (
            before.hash,
            NEW.model_hash,
            ("r0_scale", "capacity_scale", "ea0_scale", "r_scale", "offset_v"),
        )
        assert [one.number for one in chain] == list(range(1, len(chain) + 1))
        was = dict(zip(before.parameters, before.mean, strict=True))
        now = dict(zip(version.parameters, version.mean, strict=True))
        assert now == {name: was.get(name, 1.0) for name in version.parameters}
        old, new = square(before.covariance, 4), square(version.covariance, 5)
        for one, two in (("r0_scale", "r0_scale"), ("r0_scale", "capacity_scale"), ("r_scale", "capacity_scale")):
            row, column = (before.parameters.index(name) for name in (one, two))
            assert new[version.parameters.index(one), version.parameters.index(two)] == old[row, column]
        assert new[2].tolist() == [0.0, 0.0, pytest.approx(0.01), 0.0, 0.0]
        assert np.linalg.eigvalsh(new).min() > 0
        assert "dddddddddddd (thevenin-1rc) takes the place of cccccccccccc (thevenin-2rc), 4 of 5" in version.reason
        assert version.evidence["who"] == "kim"


def test_the_open_trip_is_not_scored_and_the_next_one_is(whole: Outcome) -> None:
    decisions = [score.decision for score in whole.scores("b")]
    assert len(decisions) == 4
    assert decisions.index("unscored") == 2
    assert whole.scores("b")[3].scored_samples > 20
    assert np.isfinite(whole.scores("b")[3].deployed_rmse_v)


@settings(max_examples=4, deadline=None)
@given(cuts=st.lists(st.integers(295, 310), max_size=6))
def test_any_split_at_and_around_the_row_gives_the_same(whole: Outcome, cuts: list[int]) -> None:
    again = folded(log_with(order()), ALWAYS, cuts)
    assert again.told() == whole.told()
    assert again.state.to_bytes() == whole.state.to_bytes()


def test_a_snapshot_holds_it_and_vehicles_that_join_begin_with_it(whole: Outcome) -> None:
    state = ShardState.from_bytes(whole.state.to_bytes())
    assert state.to_bytes() == whole.state.to_bytes()
    late = healthy("c", 1)
    later = replace(late, time_us=late.time_us + 9 * DAY_US)
    after = folded(log_of(later), state=state, first_offset=WHOLE.num_rows + 1)
    first = after.versions("c")[0]
    assert (first.model_hash, first.number, first.parameters[2]) == (NEW.model_hash, 1, "ea0_scale")


def test_re_estimated_twins_begin_from_the_new_prior() -> None:
    outcome = folded(log_with(order(carry=False)), ALWAYS)
    version = promoted(outcome, "b")
    assert version.mean == (1.0, 1.0, 1.0, 1.0, 0.0)
    assert np.allclose(np.diagonal(square(version.covariance, 5)), [one.sd**2 for one in OTHER.living])
    assert version.evidence["carried"] == []


@pytest.mark.parametrize(
    "body",
    [
        promote_command(PROTOTYPE, True, "it is in use"),
        promote_command(replace(ROUTE, pack=PROTOTYPE.pack), True, "of another kind"),
        promote_command(replace(NEW, pack="lfp_104s"), True, "of another pack"),
        {**order(), "carry": "yes"},
        {**order(), "prototype": {**order()["prototype"], "model": {}}},
    ],
)
def test_a_row_that_does_not_fit_changes_nothing(body: dict[str, Any]) -> None:
    assert folded(log_with(body), ALWAYS).told(offsets=False) == folded(WHOLE, ALWAYS).told(offsets=False)


def test_a_repeated_row_changes_nothing_twice(whole: Outcome) -> None:
    twice = folded(log_with(order(), order()), ALWAYS)
    assert twice.told(offsets=False) == whole.told(offsets=False)


def test_a_version_of_the_former_model_is_not_deployed_under_the_new_one() -> None:
    same = replace(PROTOTYPE, model_hash="e" * 64)
    first = folded(WHOLE, ALWAYS).versions("b")[0]
    outcome = folded(log_with(order(same), rollback_command(first, "not fit any more")), ALWAYS)
    assert promoted(outcome, "b").parameters == first.parameters
    assert ROLLBACK not in [one.kind for one in outcome.versions("b")]


def test_a_vehicle_that_has_seen_nothing_gets_no_version() -> None:
    outcome = folded(log_with(order(), at=2), ALWAYS, state=first_state(ALWAYS))
    assert outcome.versions("a")[0].model_hash == NEW.model_hash
    assert PROMOTED not in [one.kind for one in outcome.versions()]


def errors(outcome: Outcome, vehicle: str) -> list[tuple[float, float]]:
    return [(one.deployed_rmse_v, one.challenger_rmse_v) for one in outcome.scores(vehicle)]


def between(table: pa.Table, trip_rows: int, body: dict[str, Any]) -> pa.Table:
    """A log with a command half an hour after the row `trip_rows`, before the next; a tick closes the trip."""
    us = int(table.column("receipt_time").cast(pa.int64())[trip_rows - 1].as_py()) + 1_800_000_000
    return pa.concat_tables([table.slice(0, trip_rows), tick_row(us), command(body, us), table.slice(trip_rows)])


def test_the_same_model_under_another_name_predicts_the_same() -> None:
    """Of a twin whose knowledge ages by days, and of one whose parameters have rates: nothing is lost on the way."""
    table = log_of(worn("b", 4))
    body = promote_command(replace(PROTOTYPE, model_hash="f" * 64), True, "the same")
    moved = folded(between(table, 1 + 2 * 60, body), ALWAYS)
    assert promoted(moved, "b").number > 2
    np.testing.assert_allclose(errors(moved, "b"), errors(folded(table, ALWAYS), "b"), rtol=1e-9)

    table = log_of(routes("r", 8), pack=ROUTE_PACK)
    body = promote_command(replace(ROUTE, model_hash="f" * 64), True, "the same")
    moved = folded(between(table, 1 + 5 * 40, body), ROUTE_LOOP, state=first())
    assert promoted(moved, "r").evidence["carried"] == ["wear", "wear_rate"]
    np.testing.assert_allclose(errors(moved, "r"), errors(folded(table, ROUTE_LOOP, state=first()), "r"), rtol=1e-9)


def test_a_re_estimated_route_twin_is_as_worn_as_the_fleet_by_then() -> None:
    table = log_of(routes("r", 8), pack=ROUTE_PACK)
    body = promote_command(replace(ROUTE, model_hash="f" * 64), False, "anew")
    after = folded(between(table, 1 + 5 * 40, body), ROUTE_LOOP, state=first()).scores("r")[5]
    assert after.deployed_rmse_v == pytest.approx(after.never_rmse_v)
    assert after.challenger_rmse_v == pytest.approx(after.never_rmse_v)
