from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from twinpack.battery import ageing
from twinpack.battery.ecm import KELVIN
from twinpack.battery.pack import load_pack
from twinpack.errors import InputError, NotFoundError
from twinpack.simulate.future import ChangedUse, true_health
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import draw_vehicles

FLEET = FleetSettings(vehicles=12, trips=30, years=4.0, seed=3)
NMC, LFP = load_pack("sim_nmc_96s"), load_pack("lfp_104s")


@pytest.mark.parametrize(("name", "pack"), [("sim_nmc_96s", NMC), ("lfp_104s", LFP)])
def test_the_sampled_years_are_the_truth_that_the_fleet_tells(name: str, pack: Any) -> None:
    fleet = replace(FLEET, pack=name)
    months, capacity, resistance = true_health(fleet, pack, 10.0)
    assert months.tolist() == list(range(121))
    truth = PhysicsFleet(fleet).truth().to_pylist()
    late = [row for row in truth if row["trip_number"] > 15]
    start_us = datetime(2020, 1, 6, tzinfo=UTC).timestamp() * 1e6
    for row in late:
        v = int(row["vehicle_id"][-4:]) - 1
        month = (row["sample_time_us"] - start_us) / 86_400e6 / 30.4375
        assert np.interp(month, months, capacity[:, v]) == pytest.approx(row["capacity_health_pct"], abs=0.1)
        assert np.interp(month, months, resistance[:, v]) == pytest.approx(row["resistance_ratio"], abs=0.01)


def test_the_law_goes_on_without_a_jump_and_wears_further() -> None:
    _, capacity, resistance = true_health(FLEET, NMC, 12.0)
    steps = np.diff(capacity, axis=0)
    assert np.all(steps < 0.0) and np.all(np.diff(resistance, axis=0) > 0.0)
    assert np.abs(steps[48] - steps[36]).max() < 0.15


def test_storage_alone_is_the_published_law() -> None:
    """Oracle: without driving the loss is the calendar law by hand, scaled by the vehicle's factors."""
    parked = ChangedUse(from_years=0.0, yearly_km=0.0, parked_soc=0.5)
    months, capacity, _ = true_health(FLEET, NMC, 6.0, parked)
    vehicles = draw_vehicles(FLEET, NMC)
    days = np.arange(6 * 366)
    wave = np.cos(2.0 * np.pi * (days + 0.5 - 10.0) / 365.25)
    temp_k = vehicles.mean_c[:, None] - vehicles.season_c[:, None] * wave + vehicles.garage_c[:, None] + 3.0 + KELVIN
    k = ageing.schmalstieg_calendar_capacity(NMC.ocv.pchip(np.array([0.5])), temp_k)
    lost = ageing.accumulate(k, np.ones_like(k), 0.75)[:, round(72 * 30.4375)]
    own = (1.0 - capacity[72] / 100.0 / vehicles.new_capacity) / (vehicles.fade_calendar * lost)
    free = np.isclose(own, 1.0, rtol=2e-3)
    # the others are held within the bounds of what five years may leave
    assert months[72] == 72.0 and free.sum() >= 8


@pytest.mark.parametrize(
    ("kinder", "harsher"),
    [
        (ChangedUse(parked_soc=0.4), ChangedUse(parked_soc=0.9)),
        (ChangedUse(charge_to=0.7, depth=0.3), ChangedUse(charge_to=1.0, depth=0.6)),
        (ChangedUse(distance_x=0.5), ChangedUse(distance_x=2.0)),
        (ChangedUse(climate="nordic"), ChangedUse(climate="subtropical")),
        (ChangedUse(warmer_c=-3.0), ChangedUse(warmer_c=3.0)),
    ],
)
def test_a_change_counts_from_its_moment_on(kinder: ChangedUse, harsher: ChangedUse) -> None:
    _, usual, _ = true_health(FLEET, NMC, 10.0)
    for changed, sign in ((kinder, 1.0), (harsher, -1.0)):
        _, other, _ = true_health(FLEET, NMC, 10.0, changed)
        assert np.allclose(other[:49], usual[:49], atol=1e-9)
        gain = sign * (other[120] - usual[120])
        # one in a cold climate may have a still colder one of its own
        assert gain.mean() > 0.1 and np.mean(gain > -1e-9) > (0.7 if changed.climate else 0.99)


def test_no_change_is_as_ever_and_a_vehicle_does_not_depend_on_its_neighbours() -> None:
    _, usual, _ = true_health(FLEET, NMC, 8.0)
    _, same, _ = true_health(FLEET, NMC, 8.0, ChangedUse(from_years=2.0))
    # the mean is lived from then on, not the months that the vehicle had
    assert np.abs(same - usual).max() < 0.5
    _, fewer, _ = true_health(replace(FLEET, vehicles=5), NMC, 8.0)
    assert np.array_equal(fewer, usual[:, :5])


def test_lfp_packs_age_by_a_law_of_their_own() -> None:
    _, nmc, _ = true_health(FLEET, NMC, 5.0)
    _, lfp, _ = true_health(replace(FLEET, pack="lfp_104s"), LFP, 5.0)
    assert 85.0 < lfp[60].mean() < 96.0
    assert lfp[60].mean() > nmc[60].mean() + 2.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"charge_to": 1.2}, "'charge_to' is 1.2; it must be a number from 0.3 to 1.0"),
        ({"parked_soc": float("nan")}, "'parked_soc' is nan"),
        ({"yearly_km": -1.0}, "'yearly_km' is -1.0"),
        ({"climate": "lunar"}, "no climate 'lunar'; there are nordic, maritime"),
    ],
)
def test_a_wrong_change_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, NotFoundError), match=words):
        ChangedUse(**given)
