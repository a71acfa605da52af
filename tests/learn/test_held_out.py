"""A model tried on trips it was not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import TRUTH, drives
from twinpack.learn.held_out import parted, with_next_trips
from twinpack.learn.learned import Learned

TRUE = Learned(
    {"pack": "p", "kind": "thevenin-2rc", "model": replace(TRUTH, series=96).to_dict()}, {"metrics": {"rmse_v": 0.1}}
)


def test_the_first_of_each_vehicle_come_first() -> None:
    trips = drives(2, 3, steps=5)
    first, later = parted(trips, 2)
    assert [trip.vehicle_id for trip in first] == ["v0", "v0", "v1", "v1"]
    assert [id(trip) for trip in later] == [id(trips[2]), id(trips[5])]
    assert parted(trips, 3) == (trips, [])


def test_a_true_model_leaves_the_noise_and_a_wrong_one_more() -> None:
    trips = drives(2, 2, steps=60, noise_v=0.002)
    metrics = with_next_trips(TRUE, trips)["metrics"]
    assert metrics["next_trips_rmse_v"] == pytest.approx(96 * 0.002, rel=0.1) and metrics["rmse_v"] == 0.1
    off = [replace(trip, voltage_v=trip.voltage_v + 0.02) for trip in trips]
    assert with_next_trips(TRUE, off)["metrics"]["next_trips_rmse_v"] > 1.8


def test_without_trips_or_voltage_the_card_stays() -> None:
    silent = [replace(trip, voltage_v=np.full(len(trip.time_s), np.nan)) for trip in drives(1, 1, steps=10)]
    assert with_next_trips(TRUE, []) == with_next_trips(TRUE, silent) == TRUE.card
