"""How effects are spread over a fleet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.forecast.test_whatif import fleet
from twinpack.battery.warranty import MINIMUM_PERFORMANCE
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.whatif import whatif
from twinpack.forecast.whatif_fleet import Effects, Spread, effects, joined, summary
from twinpack.forecast.whatif_told import Quantiles

NAN = np.nan


def some(**changed: list[float]) -> Effects:
    values: dict[str, list[float]] = {
        "health_low": [0.5, -0.5, -3.0, NAN],
        "health": [1.0, 0.5, -2.0, NAN],
        "health_high": [1.5, 1.5, -1.0, NAN],
        "end_years": [1.0, NAN, -np.inf, NAN],
        "claim_before": [0.4, 0.2, 0.1, NAN],
        "claim": [0.1, 0.2, 0.3, NAN],
        "beyond": [0.0, 1.0, 0.0, 1.0],
    } | changed
    return Effects(("a", "b", "c", "d"), **{name: np.array(each) for name, each in values.items()})


def test_a_summary_counts_those_that_are_known() -> None:
    told = summary("x", some())
    assert told.vehicles == 3
    assert (told.helped, told.harmed, told.beyond) == (1, 1, 1)
    assert told.health_pts.p50 == 0.5
    assert told.end_of_life_known == 1
    assert told.end_of_life_years.p50 == 1.0
    assert told.claims_before == pytest.approx(0.7)
    assert told.claims == pytest.approx(0.6)
    assert [one.vehicle for one in told.most_helped] == ["a", "b"]
    assert [one.vehicle for one in told.most_harmed] == ["c"]
    assert told.most_harmed[0].end_of_life_years is None


def test_of_nothing_nothing_is_told() -> None:
    none = some().take([False] * 4)
    told = summary("x", none)
    assert told.vehicles == 0
    assert told.health_pts == Spread(None, None, None, None, None, None)
    assert joined([none, some()]).vehicle_ids == ("a", "b", "c", "d")


def test_effects_are_those_of_each_vehicle_alone_whoever_is_beside_it() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    rates = model.rates(histories, pack.ocv)
    age, km = np.full(usage.vehicles, 48.0), np.full(usage.vehicles, 60_000.0)

    def found(some: slice) -> Effects:
        told = whatif(
            model,
            rates.take(some),
            usage.take(some),
            pack.ocv,
            [Scenario("cool", warmer_c=-5.0)],
            60,
            keep_paths=True,
        )
        return effects(told, MINIMUM_PERFORMANCE, age[some], km[some], 80.0)[0]

    whole, apart = found(slice(0, 6)), joined([found(slice(0, 4)), found(slice(4, 6))])
    assert whole.vehicle_ids == apart.vehicle_ids
    assert np.allclose(whole.health, apart.health, atol=1e-4)
    assert np.all(whole.health > 0.0)
    assert np.all(whole.claim[np.isfinite(whole.claim)] <= whole.claim_before[np.isfinite(whole.claim)] + 1e-9)


def test_paths_are_needed() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    told = whatif(model, model.rates(histories, pack.ocv), usage, pack.ocv, [Scenario("x", warmer_c=1.0)], 60)
    with pytest.raises(ValueError, match="paths"):
        effects(replace(told, paths=None), MINIMUM_PERFORMANCE, np.zeros(1), np.zeros(1), 80.0)


def test_quantiles_of_what_may_never_come() -> None:
    draws = np.array([1.0, 2.0, 3.0, np.inf])
    told = Quantiles.over(draws)
    assert (told.p5, told.p50, told.p95) == (1.0, 2.0, None)
    assert Quantiles.over(np.array([1.0, 2.0])).p50 == 1.5
