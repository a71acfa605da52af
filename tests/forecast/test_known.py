from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.garage import CIRCUIT, NAMES, Outcome, folded, log_of, worn
from twinpack.battery.thevenin import Thevenin
from twinpack.forecast.health import energy_health
from twinpack.forecast.known import (
    CAPACITY_KIND,
    RESISTANCE_KIND,
    Anchor,
    Seen,
    Told,
    anchor_of,
    basis_of,
    last_change,
    told_by,
)
from twinpack.twin.explain import explain
from twinpack.twin.settings import LoopSettings
from twinpack.twin.versions import MEASURED, ROLLBACK, TwinVersion

ALWAYS = LoopSettings(policy="always", start_soc_sd=0.01, least_scored=20)
BASIS = basis_of(Thevenin(CIRCUIT), 0.03, flat=False)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return folded(log_of(worn("car", 4, capacity_scale=0.93)), ALWAYS)


def told(
    versions: list[TwinVersion], number: int = -1, hint: str = "", flat: bool = False, anchor: Anchor | None = None
) -> dict[str, Told]:
    basis = replace(BASIS, flat=flat, slope_v=0.5 if flat else 1.0)
    found = told_by(Seen(versions[number], explain(versions, 150.0)[number], 150.0, basis, hint, anchor))
    return {one.kind: one for one in found}


def widened(version: TwinVersion, factor: float) -> TwinVersion:
    return replace(version, covariance=tuple(factor * value for value in version.covariance))


def test_each_kind_is_told_with_its_own_interval(outcome: Outcome) -> None:
    versions = outcome.versions("car")
    found = told(versions)
    capacity, resistance, energy = (found[name] for name in ("capacity", "resistance", "energy"))
    assert capacity.value == pytest.approx(100.0 * versions[-1].mean[0])
    assert resistance.value == pytest.approx(versions[-1].mean[NAMES.index("r0_scale")])
    assert energy.value == pytest.approx(float(energy_health(versions[-1].mean[0], versions[-1].mean[1], 0.03)))
    assert energy.sd is not None and capacity.sd is not None and energy.sd > 0.9 * capacity.sd
    assert "Capacity health" in capacity.reason and "Resistance R₀" in resistance.reason


def test_what_is_only_the_models_prior_is_not_called_known(outcome: Outcome) -> None:
    first = told(outcome.versions("car"), 0)
    assert {one.value for one in first.values()} == {None}
    assert first["capacity"].reason.startswith("Nothing of this vehicle was learned yet")
    assert "--capacity-ah" in first["capacity"].reason
    assert first["energy"].reason.startswith("Energy needs capacity")


def test_data_that_narrow_next_to_nothing_abstain_and_say_what_would_help(outcome: Outcome) -> None:
    versions = outcome.versions("car")
    prior = (0.05 / np.sqrt(versions[-1].covariance[0])) ** 2
    versions = [*versions[:-1], widened(versions[-1], 0.9 * prior)]
    refused = "Capacity needs a 10 % swing of charge, the data had 4 %."
    capacity = told(versions, hint=refused)["capacity"]
    assert (capacity.value, capacity.sd) == (None, None)
    assert capacity.reason.startswith("Its data say hardly more of capacity than was known of any such battery.")
    assert "Last refused: capacity needs a 10 % swing of charge, the data had 4 %." in capacity.reason
    assert "LFP" not in capacity.reason
    assert "LFP" in told(versions, flat=True)["capacity"].reason


def test_where_the_voltage_is_flat_the_interval_is_wider_until_a_test_bounds_it(outcome: Outcome) -> None:
    """Ten millivolts are 2 % of charge at a slope of 0.5 V, at both ends of the swing."""
    versions = outcome.versions("car")
    narrow = widened(versions[-1], 1e-4)
    wide = told([*versions[:-1], replace(narrow, evidence={**narrow.evidence, "soc_swing": 0.9})], flat=True)
    assert wide["capacity"].sd == pytest.approx(100.0 * 2**0.5 * 0.01 / 0.5 / 0.9, rel=0.01)
    assert wide["energy"].sd == pytest.approx(wide["capacity"].sd, rel=0.05)
    little = told([*versions[:-1], replace(narrow, evidence={**narrow.evidence, "soc_swing": 0.3})], flat=True)
    assert little["capacity"].value is None
    assert "hardly changes with the charge in between" in little["capacity"].reason
    year_us = int(365.25 * 86_400e6)
    anchor = Anchor(1.0, narrow.sample_time_us - year_us)
    tested = told([*versions[:-1], narrow], flat=True, anchor=anchor)["capacity"]
    assert tested.sd == pytest.approx(np.hypot(1.0, 1.5), rel=1e-3), "of the test, and of a year since"


def test_an_anchor_is_a_test_until_the_twin_goes_back(outcome: Outcome) -> None:
    last = outcome.versions("car")[-1]
    tested = replace(last, kind=MEASURED, evidence={"capacity_ah": 140.0, "tested_us": 5})
    anchor = anchor_of(tested, 150.0, None)
    assert anchor is not None and anchor.at_us == 5
    assert anchor_of(last, 150.0, anchor) == anchor
    assert anchor_of(replace(last, kind=ROLLBACK), 150.0, anchor) is None


def test_a_model_without_a_parameter_says_so(outcome: Outcome) -> None:
    last = outcome.versions("car")[-1]
    alone = replace(last, parameters=("offset_v",), mean=(0.0,), covariance=(1e-6,))
    found = told([alone])
    assert {one.value for one in found.values()} == {None}
    assert "has no capacity of its own" in found["capacity"].reason


def test_the_last_change_is_one_that_shows(outcome: Outcome) -> None:
    explained = explain(outcome.versions("car"), 150.0)
    for kind, name in ((CAPACITY_KIND, "capacity_scale"), (RESISTANCE_KIND, "r0_scale")):
        found = last_change(explained, kind)
        assert found is not None
        assert found[1].name == name
    assert last_change(explained[:1], CAPACITY_KIND) is None
    assert last_change(explained, "bms") is None
