"""Published ageing laws and how they add up when the stress changes.

Each law gives a coefficient `k` of `loss = k x^p`, loss as a fraction, x days, Ah or equivalent full cycles. None
holds a knee and none is valid far outside the tests it was fitted to. Temperatures in kelvin; arguments broadcast.

- Schmalstieg et al. 2014, NMC111 18650 of 2.15 Ah, doi 10.1016/j.jpowsour.2014.02.012
- Wang et al. 2011, LFP 26650 of 2.2 Ah, doi 10.1016/j.jpowsour.2010.11.134 (cycling only)
- NCA 18650 and LFP 250 Ah (data doi 10.1016/j.est.2023.109042): forms used by NREL's BLAST
"""

from __future__ import annotations

import numpy as np

from twinpack.battery.arrays import Floats, Numeric

SCHMALSTIEG_CELL_AH = 2.15
SCHMALSTIEG_CALENDAR_POWER = 0.75
SCHMALSTIEG_CAPACITY_CYCLE_POWER = 0.5
SCHMALSTIEG_RESISTANCE_CYCLE_POWER = 1.0
WANG_POWER, WANG_CYCLE_AH = 0.55, 2.0
NCA_CALENDAR_POWER, NCA_CYCLE_POWER = 0.512, 0.699
LFP250_CALENDAR_POWER, LFP250_CYCLE_POWER = 0.526, 0.828


def schmalstieg_calendar_capacity(storage_v: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of days^0.75 for the capacity lost in storage at a cell voltage."""
    return (7.543 * _f(storage_v) - 23.75) * 1e6 * np.exp(-6976.0 / _f(temp_k))


def schmalstieg_calendar_resistance(storage_v: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of days^0.75 for the resistance gained in storage at a cell voltage."""
    return (5.270 * _f(storage_v) - 16.32) * 1e5 * np.exp(-5986.0 / _f(temp_k))


def schmalstieg_cycle_capacity(mean_v: Numeric, depth: Numeric) -> Floats:
    """Coefficient of Ah^0.5 for the capacity lost in cycling; Ah of charge plus discharge of a 2.15 Ah cell.

    For a cell of another size count its Ah times 2.15 over its capacity.
    """
    return np.asarray(7.348e-3 * (_f(mean_v) - 3.667) ** 2 + 7.600e-4 + 4.081e-3 * _f(depth))


def schmalstieg_cycle_resistance(mean_v: Numeric, depth: Numeric) -> Floats:
    """Coefficient of Ah for the resistance gained in cycling.

    The fit turns negative at very small depth near 3.725 V, where it means nothing: held at 0.
    """
    return np.maximum(2.153e-4 * (_f(mean_v) - 3.725) ** 2 - 1.521e-5 + 2.798e-4 * _f(depth), 0.0)


def wang_cycle(c_rate: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of discharged Ah^0.55 for the capacity a 2.2 Ah LFP cell loses in cycling; not valid below 0 °C.

    The prefactor is the published one at C/2, 2C, 6C and 10C and the common quadratic between.
    """
    c = _f(c_rate)
    prefactor = np.asarray(448.96 * c**2 - 6301.1 * c + 33840.0)
    for rate, value in ((0.5, 31630.0), (2.0, 21681.0), (6.0, 12934.0), (10.0, 15512.0)):
        prefactor = np.where(c == rate, value, prefactor)
    return np.asarray(0.01 * prefactor * np.exp((-31700.0 + 370.3 * c) / (8.314 * _f(temp_k))))


def nca_calendar(soc: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of days^0.512."""
    return np.asarray(75.4 * np.exp(-3340.0 / _f(temp_k)) * np.exp(353.0 * _f(soc) / _f(temp_k)))


def nca_cycle(c_rate: Numeric, depth: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of equivalent full cycles^0.699; in effect without temperature and rate."""
    temperature = np.exp(3.34e-11 / _f(temp_k)) + np.exp(-2.81e-9 / _f(temp_k))
    return np.asarray((1.86e-6 + 4.74e-11 * _f(c_rate) + 1.77e-4 * _f(depth)) * temperature)


def graphite_potential(soc: Numeric) -> Floats:
    """Potential of graphite against lithium, V, over the state of charge (Safari and Delacourt 2011)."""
    x = 0.0085 + _f(soc) * (0.78 - 0.0085)
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )


def lfp250_calendar(soc: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of days^0.526."""
    t = _f(temp_k)
    return np.asarray(8.37e4 * np.exp(-5210.0 / t) * np.exp(-3560.0 * graphite_potential(soc) / t))


def lfp250_cycle(c_rate: Numeric, depth: Numeric, temp_k: Numeric) -> Floats:
    """Coefficient of equivalent full cycles^0.828; tested at 10 to 45 °C, charge to 0.65C, discharge to 1C."""
    t = _f(temp_k)
    stress = 4.38e-8 + 1.55e-8 * _f(depth) + 1.68e-7 * _f(c_rate)
    return np.asarray(stress * (np.exp(2190.0 / t) + np.exp(-1.55e5 / t)))


def grow(state: Numeric, k: Numeric, dx: Numeric, power: float) -> Floats:
    """A loss `k x^p` carried on over an interval with its own `k`: exact, in virtual time.

    `y' = (y^(1/p) + k^(1/p) dx)^p`. The order of intervals does not matter. Losses of different powers (calendar
    and cycling) are separate states, added at the end.
    """
    inverse = 1.0 / power
    return np.asarray((_f(state) ** inverse + _f(k) ** inverse * dx) ** power)


def grow_explicit(state: Numeric, k: Numeric, dx: Numeric, power: float) -> Floats:
    """The same by the explicit step `y + k p (y / k)^((p - 1) / p) dx`; the first step is `k dx^p`."""
    y, coefficient = _f(state), _f(k)
    begun = np.where(y > 0.0, y, 1.0)
    slope = coefficient * power * (begun / coefficient) ** ((power - 1.0) / power)
    return np.where(y > 0.0, y + slope * dx, coefficient * _f(dx) ** power)


def accumulate(k: Numeric, dx: Numeric, power: float) -> Floats:
    """Loss at the end of each interval `dx` with its coefficient `k`, along the last axis: `(sum k_i^(1/p) dx_i)^p`.

    The same as `grow` from interval to interval, all at once.
    """
    return np.asarray(np.cumsum(_f(k) ** (1.0 / power) * _f(dx), axis=-1) ** power)


def _f(value: Numeric) -> Floats:
    return np.asarray(value, dtype=np.float64)
