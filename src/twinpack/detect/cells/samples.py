"""One sample into the sums of its vehicle. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.cooling import take_cooling
from twinpack.detect.cells.probes import take_probes
from twinpack.detect.cells.state import (
    CHARGE,
    CHARGING,
    CURRENT,
    DEPTH,
    HEATED,
    LOAD,
    REST,
    SEGMENT_V,
    SLOPE,
    SOC,
    TEMP,
    UNKNOWN,
    UNSET,
    WEIGHT,
)
from twinpack.filters.kernels import kernel

DT, MEDIAN, RATE, RESTED, CHARGED, WARM, COOLANT, AIR = range(8)
"""Columns of the samples' figures: time since the sample before (s), median cell (V), C-rate, time at rest (s), state
of charge (0..1), temperature of the pack, of its coolant and of the air (°C)."""
FIGURES = 8
LANE, TIME, START, MANY, PROBE_START, PROBE_MANY = range(6)
"""Columns of the samples' numbers: vehicle, time (µs), where cells and probes begin and how many they are; none of
either where a frame is set aside."""
NUMBERS = 6
ACTIVATION_K = 2500.0
"""Resistance follows exp(K / T): about 2 per 25 K, as of lithium-ion cells between -10 and 40 °C."""


@kernel
def regime_of(clock: Any, now: int, figures: Any, gates: Any) -> int:
    """What the pack does, -1 where it has not settled; keeps the start of the charge at hand in `clock`."""
    rate = figures[RATE]
    if rate != rate:
        return UNKNOWN
    if not rate >= gates.active_c_rate:
        clock[CHARGING] = UNSET
    elif clock[CHARGING] == UNSET or not figures[DT] <= 3.0 * gates.hold_active_s:
        clock[CHARGING] = now
    if abs(rate) <= gates.rest_c_rate:
        return REST if figures[RESTED] >= gates.rest_settle_s else -1
    if rate <= -gates.active_c_rate:
        return LOAD
    charging = rate >= gates.active_c_rate and now - clock[CHARGING] >= gates.charge_settle_s * 1e6
    return CHARGE if charging else -1


@kernel
def take_cells(mean: Any, block: Any, regime: int, values: Any, figures: Any, gates: Any, table: Any) -> None:
    """Take the cells of a sample into the segment at hand.

    Args:
        mean: `segment_mean` of the vehicle, written in place.
        block: `cell_block`, written in place.
        regime: What the pack does.
        values: Cell voltages, V, NaN for masked ones.
        figures: See `DT`.
        gates: `CellSettings`.
        table: See `advance`.
    """
    seconds = min(figures[DT], gates.hold_rest_s if regime == REST else gates.hold_active_s)
    rate, temp, median = figures[RATE], figures[WARM], figures[MEDIAN]
    soc = figures[CHARGED]
    if soc != soc and regime == REST:
        soc = _charge_at(table, median)
    slope = np.nan
    if soc == soc:
        steps = table.shape[1] - 1
        slope = table[1, int(min(max(soc, 0.0), 1.0) * steps + 0.5)]
    here = mean[regime]
    here[WEIGHT] += seconds
    here[SLOPE] += seconds * slope
    here[DEPTH] += seconds * slope * (soc - 0.5)
    here[SOC] += seconds * soc
    here[CURRENT] += seconds * rate
    here[HEATED] += seconds * rate * warmth(temp)
    here[TEMP] += seconds * temp
    sums = block[SEGMENT_V + regime]
    # in single precision throughout, eight cells at a time
    weight, level = np.float32(seconds), np.float32(median)
    for cell in range(len(values)):
        sums[cell] += weight * (values[cell] - level)


@kernel
def _charge_at(table: Any, voltage: float) -> float:
    """State of charge, 0..1, at an open-circuit voltage: the nearest step of the table."""
    low, high = 0, table.shape[1] - 1
    while low < high:
        half = (low + high) // 2
        if table[0, half] < voltage:
            low = half + 1
        else:
            high = half
    return float(low / (table.shape[1] - 1))


@kernel
def take_temperatures(
    clock: Any, mean: Any, block: Any, cooling: Any, now: int, values: Any, figures: Any, gates: Any
) -> None:
    """Take the probes of a sample, and what it tells of the cooling.

    Args:
        clock: `clock` of the vehicle.
        mean: `probe_mean`; it and the next two are written in place.
        block: `probe_block`.
        cooling: `cooling`.
        now: Sample time, µs.
        values: Temperatures, °C, NaN for masked ones.
        figures: See `DT`.
        gates: `CellSettings`.
    """
    rate, dt_s, air_c, coolant_c = figures[RATE], figures[DT], figures[AIR], figures[COOLANT]
    still = abs(rate) <= gates.rest_c_rate
    settled = still and figures[RESTED] >= gates.probe_settle_s
    seconds = min(dt_s, gates.hold_rest_s if settled else gates.hold_active_s)
    if still and not settled:
        seconds = 0.0
    flows = np.nan if settled else coolant_c
    middle = take_probes(mean, block, 0 if settled else 1, values, seconds, air_c, flows, rate)
    begun = clock[CHARGING]
    slow = begun != UNSET and now - begun >= gates.charge_settle_s * 1e6 and rate < gates.cooling_c_rate
    if figures[RESTED] <= gates.rest_settle_s and not slow:
        coolant = coolant_c == coolant_c
        reference_c = coolant_c if coolant else air_c
        take_cooling(cooling, now, dt_s, gates, middle, reference_c, coolant, rate * rate * warmth(middle))


@kernel
def warmth(temp_c: float) -> float:
    """Resistance over that at 25 °C; 1 where the temperature is not known."""
    warm = min(max(temp_c, -20.0), 50.0) if temp_c == temp_c else 25.0
    return float(np.exp(ACTIVATION_K * (1.0 / (warm + 273.15) - 1.0 / 298.15)))
