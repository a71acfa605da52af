"""A model card says what a model was learned from, the same for the same data, in JSON values."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import drives
from twinpack.learn.card import data_of, fingerprint, make_card, span
from twinpack.learn.prototype import TrainingTrip


@pytest.fixture(scope="module")
def trips() -> list[TrainingTrip]:
    start = 1_767_225_600_000_000  # 2026-01-01
    return [replace(trip, start_us=start + 3_600_000_000 * at) for at, trip in enumerate(drives(2, 2, steps=31))]


def test_the_data_of_trips_are_counted_and_dated(trips: list[TrainingTrip]) -> None:
    data = data_of(trips)
    assert (data.vehicles, data.sessions, data.samples) == (2, 4, 4 * 31)
    assert (data.first, data.last) == ("2026-01-01T00:00:00+00:00", "2026-01-01T03:05:00+00:00")
    undated = data_of([replace(trip, start_us=0) for trip in trips])
    assert (undated.first, undated.last) == (None, None)


def test_one_changed_sample_changes_the_fingerprint_and_copies_do_not(trips: list[TrainingTrip]) -> None:
    same = [replace(trip, voltage_v=trip.voltage_v.copy()) for trip in trips]
    assert fingerprint(same) == fingerprint(trips)
    volts = trips[1].voltage_v.copy()
    volts[7] += 1e-12
    seen = {fingerprint(trips), fingerprint(trips[::-1]), fingerprint(trips[:3])}
    seen.add(fingerprint([trips[0], replace(trips[1], voltage_v=volts), *trips[2:]]))
    assert len(seen) == 4


def test_a_card_is_json_whatever_is_put_on_it(trips: list[TrainingTrip]) -> None:
    card = make_card(
        pack="p",
        kind="route",
        data=data_of(trips),
        metrics={"rmse_v": np.float64(0.123456), "held_out_rmse_v": float("nan")},
        limits={"temp_c": span([np.array([np.nan, 2.0, -1.0])]), "speed_kmh": span([np.array([np.nan])])},
        settings={"tau_s": (3.0, 40.0), "rows": np.int64(7)},
    )
    read = json.loads(json.dumps(card, allow_nan=False))
    assert read["metrics"] == {"rmse_v": 0.1235, "held_out_rmse_v": None}
    assert read["limits"] == {"temp_c": [-1.0, 2.0], "speed_kmh": []}
    assert read["settings"] == {"tau_s": [3.0, 40.0], "rows": 7} and read["parent"] == ""
