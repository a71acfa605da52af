"""What teaches nothing is refused: what is wrong, where, and what to do; what is thin is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.learn.drives import drives
from tests.learn.test_model import PACK
from twinpack.errors import LearningError
from twinpack.learn.checks import check_trips
from twinpack.learn.model import learn_model
from twinpack.learn.prototype import TrainingTrip

Spoil = Callable[[TrainingTrip], TrainingTrip]


@pytest.fixture(scope="module")
def trips() -> list[TrainingTrip]:
    return drives(3, 2, steps=70)


def changed(trip: TrainingTrip, name: str, values: Any) -> TrainingTrip:
    given: dict[str, Any] = {name: values}
    return replace(trip, **given)


def filled(name: str, value: float) -> Spoil:
    """Every value of a signal is the same."""
    return lambda trip: changed(trip, name, np.full(len(trip.time_s), value))


def scaled(name: str, factor: float) -> Spoil:
    """A signal in another unit."""
    return lambda trip: changed(trip, name, factor * getattr(trip, name))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (filled("voltage_v", np.nan), r"pack voltage is missing in all 6 trips of v0, v1, v2: every value is NaN"),
        (filled("current_a", np.nan), r"pack current is missing in all 6 trips"),
        (filled("temp_c", np.nan), r"cell temperature is missing in all 6 trips"),
        (filled("current_a", -12.0), r"current is .12.00 A in all 6 trips of v0, v1, v2: resistance cannot"),
        (filled("voltage_v", 3.7), r"voltage is always the same in 6 trips.*the sensor is stuck"),
        (
            scaled("voltage_v", 96.0),
            r"6 trips of v0, v1, v2 cannot be right: the voltage is about.*is `series` of pack",
        ),
        (scaled("temp_c", 10.0), r"temperature reaches .* °C: is its unit right"),
        (scaled("current_a", 1000.0), r"current reaches .* A with 60 Ah"),
        (lambda trip: replace(trip, soc=80.0), r"begins at 8.000 % charge"),
        (lambda trip: replace(trip, time_s=trip.time_s[::-1].copy()), r"time runs backwards"),
    ],
)
def test_what_teaches_nothing_is_refused_with_the_reason(trips: list[TrainingTrip], spoil: Spoil, words: str) -> None:
    with pytest.raises(LearningError, match=words) as refused:
        learn_model([spoil(trip) for trip in trips], PACK, "thevenin-1rc")
    assert refused.value.exit_code == 2


def test_too_few_trips_are_refused(trips: list[TrainingTrip]) -> None:
    with pytest.raises(LearningError, match=r"1 trip of pack sim_nmc_96s .*and 2 are the least.*--trips"):
        check_trips(trips[:1], PACK)
    short = [replace(trip, voltage_v=np.where(trip.time_s < 200, trip.voltage_v, np.nan)) for trip in trips]
    with pytest.raises(LearningError, match="0 trips"):
        check_trips(short, PACK)


def test_one_trip_without_a_signal_does_not_spoil_the_others(trips: list[TrainingTrip]) -> None:
    check_trips([*trips, filled("voltage_v", np.nan)(trips[0])], PACK)


def test_what_is_thin_is_said_and_what_is_rich_is_not(trips: list[TrainingTrip]) -> None:
    told = " ".join(check_trips(trips, PACK))
    assert "3 vehicles" in told and "6 trips" in told
    cold: list[Any] = [replace(trip, temp_c=20.0 + 0.1 * trip.temp_c, current_a=0.2 * trip.current_a) for trip in trips]
    told = " ".join(check_trips(cold, PACK))
    assert "temperature within 2 K" in told
    assert "no trip moves the charge by more than" in told
    assert check_trips(drives(6, 2, steps=400), PACK) == []
