"""Vehicles beside others like them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.views.tables import fleet, line, table
from twinpack.views.fleet.cohort import LEAST, RUNNING_LEAST, band_of


def test_the_running_median_follows_what_a_fleet_loses_by_distance() -> None:
    health, km = line(2_000, slope=0.1, noise=1.0)
    found = table(fleet(1000) + fleet(0), {}, {})
    assert not found.cohorts.by_distance
    band = band_of(np.array(list(km.values())), np.array(list(health.values())))
    assert band is not None
    at = np.array([20_000.0, 50_000.0, 80_000.0])
    np.testing.assert_allclose(band.median_at(at), 100.0 - 0.1 * at / 1000.0, atol=0.3)
    # A tenth of normal noise lies 1.28 standard deviations below its middle; the window is a little tilted.
    low, median, high = band.at(50_000.0)
    assert low == pytest.approx(median - 1.35, abs=0.25)
    assert high == pytest.approx(median + 1.35, abs=0.25)
    assert np.all(np.diff(band.x) > 0)
    assert band.vehicles == 300


def test_beyond_the_ends_the_median_of_the_end_holds() -> None:
    health, km = line(200, slope=0.1)
    band = band_of(np.array(list(km.values())), np.array(list(health.values())))
    assert band is not None
    assert band.median_at(np.array([-1.0, 1e9])).tolist() == [band.median_pct[0], band.median_pct[-1]]


def test_a_few_vehicles_have_one_median_and_too_few_have_none() -> None:
    km, health = np.arange(RUNNING_LEAST - 1.0), 90.0 + np.arange(RUNNING_LEAST - 1.0)
    band = band_of(km, health)
    assert band is not None
    assert set(band.median_pct.tolist()) == {np.median(health)}
    assert band.vehicles == RUNNING_LEAST - 1
    assert band_of(km[: LEAST - 1], health[: LEAST - 1]) is None
    assert band_of(km, np.full(len(km), np.nan)) is None


def test_all_at_one_place_is_a_band_of_one_point() -> None:
    band = band_of(np.zeros(50), np.linspace(80, 90, 50))
    assert band is not None
    assert len(band.x) == 1
    assert band.median_at(np.array([5.0]))[0] == band.median_pct[0]


def test_a_vehicle_is_compared_with_its_own_pack_only() -> None:
    health, km = line(40)
    others = [entry for entry in fleet(40)]
    few = {f"van-{n}": 50.0 for n in range(3)}
    from twinpack.store.fleet_records import VehicleEntry

    vans = [VehicleEntry(name, "north", "lfp_104s") for name in few]
    found = table([*others, *vans], health | few, km | dict.fromkeys(few, 1000.0))
    assert list(found.cohorts.by_distance) == ["sim_nmc_96s"]
    assert np.isnan(found.deviation_pts[found.at["van-0"]])
    middle = found.deviation_pts[: len(others)]
    assert abs(float(np.median(middle))) < 0.5
