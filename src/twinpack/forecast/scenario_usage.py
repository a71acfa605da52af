"""What a scenario makes of how vehicles are used: one thing that changes moves others with it.

- A charging window moves the charge a battery is cycled at, the depth of its cycles and the charge it is parked at.
- Distance and consumption move the cycles; the habit of charging (the depth) stays.
- Another climate moves the temperature of every month; how much warmer the battery is than the air stays.
- Fast and slow charging keep their own rates; their mean rate moves with the share of fast charging and back, and what
  a faster charge loses warms the battery.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS, Usage
from twinpack.errors import ScenarioError
from twinpack.forecast.scenario import FAST_C_RATE, LEAST_WINDOW, Scenario
from twinpack.simulate.vehicles import CLIMATES

Floats = npt.NDArray[np.float64]

DAYS_PER_YEAR = MONTHS * DAYS_PER_MONTH

OVER_AIR_C = 4.0
"""How much warmer than the air a battery is in the mean, where that is not known: under cover, warm from driving."""

LEAST_SOC = 0.05
"""A window that is moved down ends here; below it the cycles get shallower instead, charging more often."""

SLOW_C_RATE, USUAL_FAST_C_RATE = 0.12, 0.9
"""Usual rates of slow and of fast charging, 1/h: 7 to 11 kW and 70 kW for 75 kWh."""

BY_DAY_C = 1.5
"""How much warmer the air is while vehicles drive than in the mean of day and night: half of a daily swing of 3 to 4 °C
either way, since most drive by day."""

LEAST_DAYS = 8
"""Days that must tell the air before a vehicle's climate counts as known."""

CHARGING_HEATS_K = 3.7
"""How much warmer a battery is in the mean by a full cycle a day charged at 1 C: 4 % of the energy is lost at that,
into 6.5 kJ/K a kWh that lose it to the air in four hours (`whatif_trip`)."""

_COLDEST_DAY = 10.0
"""Day of the year with the coldest air, as the simulated climates have it."""


def changed_usage(
    usage: Usage,
    scenario: Scenario,
    air_c: Floats | None = None,
    consumption_x: Floats | float = 1.0,
    charged_to: Floats | None = None,
) -> Usage:
    """How vehicles are used under a scenario.

    Args:
        usage: As they are used, V vehicles.
        scenario: What is changed.
        air_c: Mean air temperature of January to December where each vehicle is now, shape (12, V), which a named
            climate is compared with; None or NaN where it is not known.
        consumption_x: Energy a kilometre by what it is now, from the scenario's load and trips; shape (V,) or one.
        charged_to: As `window_top` takes it.

    Raises:
        ScenarioError: A yearly distance for a vehicle of which none is known.
    """
    window = _window(usage, scenario, window_top(usage, charged_to))
    c_rate, fast_share = _charging(usage, scenario)
    distance = _distance(usage, scenario)
    warmed = CHARGING_HEATS_K * usage.cycles_per_day * (c_rate - usage.c_rate)
    return usage.with_(
        temp_c=_temperature(usage, scenario, air_c) + warmed,
        cycles_per_day=usage.cycles_per_day * distance * consumption_x,
        km_per_day=usage.km_per_day * distance,
        c_rate=c_rate,
        fast_share=fast_share,
        **window,
    )


def window_top(usage: Usage, charged_to: Floats | None = None, scenario: Scenario | None = None) -> Floats:
    """Charge at which charging usually ends, 0 to 1, shape (V,).

    Args:
        usage: As vehicles are used.
        charged_to: Charge at which it ended in the mean so far, shape (V,); where it is None or NaN, the middle of the
            charge in use and half the depth tell it.
        scenario: What is changed.
    """
    depth = np.maximum(usage.depth, LEAST_WINDOW)
    top = usage.cycled_soc + 0.5 * depth
    if charged_to is not None:
        top = np.where(np.isfinite(charged_to), charged_to, top)
    top = np.clip(top, np.minimum(depth, 1.0), 1.0)
    return top if scenario is None else _new_window(usage, scenario, top)[0]


def _new_window(usage: Usage, scenario: Scenario, top: Floats) -> tuple[Floats, Floats]:
    """Where charging ends and begins under a scenario."""
    depth = np.maximum(usage.depth, LEAST_WINDOW)
    new_top, new_bottom = top, top - depth
    if scenario.charge_to is not None:
        new_top = np.full_like(top, scenario.charge_to)
        new_bottom = np.maximum(new_top - depth, np.minimum(LEAST_SOC, new_top - LEAST_WINDOW))
    if scenario.charge_from is not None:
        new_bottom = np.full_like(top, scenario.charge_from)
        new_top = np.maximum(new_top, np.minimum(new_bottom + LEAST_WINDOW, 1.0))
    return new_top, new_bottom


def _window(usage: Usage, scenario: Scenario, top: Floats) -> dict[str, Floats]:
    """Charge parked and cycled at, and depth, in the new charging window."""
    depth = np.maximum(usage.depth, LEAST_WINDOW)
    bottom = top - depth
    new_top, new_bottom = _new_window(usage, scenario, top)
    new_depth = new_top - new_bottom
    moved = scenario.charge_to is not None or scenario.charge_from is not None
    # where between the ends it is parked stays; a battery parked outside its window (measured so) moves with the top
    within = np.clip((usage.parked_soc - bottom) / depth, 0.0, 1.0)
    parked = usage.parked_soc + (new_top - top) - (1.0 - within) * (new_depth - depth)
    cycled = usage.cycled_soc + 0.5 * (new_top + new_bottom - top - bottom)
    if scenario.parked_soc is not None:
        parked = np.full_like(parked, scenario.parked_soc)
    return {
        "parked_soc": np.clip(parked, 0.0, 1.0) if moved or scenario.parked_soc is not None else usage.parked_soc,
        "cycled_soc": np.clip(cycled, 0.0, 1.0) if moved else usage.cycled_soc,
        "depth": new_depth if moved else usage.depth,
    }


def _charging(usage: Usage, scenario: Scenario) -> tuple[Floats, Floats]:
    """Mean rate and share of fast charging: each charge is a slow or a fast one, each at its own usual rate."""
    share = np.clip(usage.fast_share, 0.0, 1.0)
    if scenario.fast_share is None and scenario.c_rate is None:
        return usage.c_rate, usage.fast_share
    if scenario.fast_share is not None and scenario.c_rate is not None:
        return np.full_like(share, scenario.c_rate), np.full_like(share, scenario.fast_share)
    by = usage.c_rate / (SLOW_C_RATE + share * (USUAL_FAST_C_RATE - SLOW_C_RATE))
    slow = np.minimum(by * SLOW_C_RATE, 0.9 * FAST_C_RATE)
    fast = np.maximum(by * USUAL_FAST_C_RATE, 1.1 * FAST_C_RATE)
    # what the two rates do not explain of the vehicle's own mean stays
    own = usage.c_rate / (slow + share * (fast - slow))
    if scenario.fast_share is not None:
        wanted = np.full_like(share, scenario.fast_share)
        return own * (slow + wanted * (fast - slow)), wanted
    rate = np.full_like(share, scenario.c_rate)
    return rate, np.clip((rate / own - slow) / (fast - slow), 0.0, 1.0)


def _distance(usage: Usage, scenario: Scenario) -> Floats:
    """Distance by what it is."""
    if scenario.yearly_km is None:
        return np.full(usage.vehicles, 1.0 if scenario.distance_x is None else scenario.distance_x)
    now = usage.km_per_day * DAYS_PER_YEAR
    if not np.all(np.isfinite(now) & (now > 0.0)):
        raise ScenarioError(
            f"scenario {scenario.name!r}: yearly_km is {scenario.yearly_km:g}, but how far the vehicle is driven now "
            "is not known: give distance_x"
        )
    return np.asarray(scenario.yearly_km / now)


def _temperature(usage: Usage, scenario: Scenario, air_c: Floats | None) -> Floats:
    warmer = scenario.warmer_c or 0.0
    if scenario.climate is None:
        return usage.temp_c + warmer if warmer else usage.temp_c
    over = np.full(usage.vehicles, OVER_AIR_C)
    if air_c is not None:
        known = (usage.temp_c - air_c).mean(axis=0)
        over = np.where(np.isfinite(known), known, over)
    return np.asarray(climate_air_c(scenario.climate)[:, None] + over + warmer)


def climate_air_c(name: str) -> Floats:
    """Mean air temperature of January to December in a climate, °C, shape (12,)."""
    mean, swing, *_ = CLIMATES[name]
    days = (np.arange(MONTHS) + 0.5) * DAYS_PER_MONTH
    return np.asarray(mean - swing * np.cos(2.0 * np.pi * (days - _COLDEST_DAY) / DAYS_PER_YEAR))


def yearly_air_c(day: Floats, air_c: Floats) -> Floats:
    """Mean air temperature of January to December by a yearly wave through days that tell it, shape (12,).

    Args:
        day: Days since the epoch, shape (D,).
        air_c: Mean air of each as it was told while the vehicle was used; NaN where it is not told.

    Returns:
        NaN where fewer than `LEAST_DAYS` days tell it.
    """
    known = np.isfinite(air_c)
    if known.sum() < LEAST_DAYS:
        return np.full(MONTHS, np.nan)
    basis = _waves(day[known])
    # a wave that few days of one season tell is held small, not the mean
    left = basis @ basis.T + np.diag([1e-9, 2.0, 2.0])
    wave = np.linalg.solve(left, basis @ air_c[known])
    middle: Floats = (np.arange(MONTHS, dtype=np.float64) + 0.5) * DAYS_PER_MONTH
    return np.asarray(wave @ _waves(middle) - BY_DAY_C)


def _waves(day: Floats) -> Floats:
    turn = 2.0 * np.pi * day / DAYS_PER_YEAR
    return np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)])
