"""Driving on until empty: what is given is what was stored, and weather and charge count."""

from __future__ import annotations

import numpy as np
import pytest

from twinpack.battery.pack import load_pack
from twinpack.simulate.onward import EMPTY_PCT, DrivenOn, drive_on
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import draw_vehicles, live

FLEET = FleetSettings(vehicles=3, trips=10, years=2.0, period_s=5.0)


def driven(soc: float, air: float, seed: int = 0) -> DrivenOn:
    return drive_on(FLEET, np.full(3, soc), np.full(3, air), seed)


def test_it_gives_the_charge_it_has_less_what_it_loses() -> None:
    pack = load_pack(FLEET.pack)
    capacity = live(FLEET, pack, draw_vehicles(FLEET, pack)).capacity_ah[:, -1]
    z = np.linspace(EMPTY_PCT / 100.0, 0.8, 200)
    stored = capacity * (0.8 - EMPTY_PCT / 100.0) * pack.series * pack.ocv.pchip(z).mean() / 1000.0
    share = driven(0.8, 20.0).kwh / stored
    assert (share > 0.93).all() and (share < 1.005).all()


def test_weather_and_charge_count_and_chance_is_chosen() -> None:
    mild, cold, half = driven(0.8, 20.0), driven(0.8, -10.0), driven(0.45, 20.0)
    assert (cold.km < mild.km).all()
    assert (half.km < 0.65 * mild.km).all()
    assert (driven(0.8, 20.0).km == mild.km).all() and (driven(0.8, 20.0, seed=1).km != mild.km).all()
    assert (driven(EMPTY_PCT / 100.0, 20.0).km == 0.0).all()
    assert mild.km == pytest.approx(mild.kwh / 0.25, rel=0.4)
