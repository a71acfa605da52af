"""What the conditions of rules may speak of: quantities of a sample, and constants of a pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twinpack.battery.pack import PackSpec
from twinpack.telemetry.schema import SCALAR_SIGNALS, SIGNALS


@dataclass(frozen=True)
class Quantity:
    """One quantity that a condition may name.

    Attributes:
        unit: Its unit, in words a person reads.
        meaning: One line for documentation.
        flag: It is 0 or 1, and may stand for itself where true or false is wanted.
    """

    unit: str
    meaning: str
    flag: bool = False


_DERIVED: dict[str, Quantity] = {
    "cell_v_max": Quantity("V", "highest cell voltage"),
    "cell_v_min": Quantity("V", "lowest cell voltage"),
    "cell_v_spread": Quantity("V", "highest less lowest cell voltage"),
    "cell_v_sum": Quantity("V", "sum of all cell voltages"),
    "cell_v_median": Quantity("V", "median cell voltage"),
    "cell_v_max_cell": Quantity("", "which cell is the highest, from 1"),
    "cell_v_min_cell": Quantity("", "which cell is the lowest, from 1"),
    "probe_max_c": Quantity("degC", "hottest temperature probe"),
    "probe_min_c": Quantity("degC", "coldest temperature probe"),
    "probe_spread_k": Quantity("K", "hottest less coldest probe"),
    "probe_max": Quantity("", "which probe is the hottest, from 1"),
    "probe_min": Quantity("", "which probe is the coldest, from 1"),
    "temp_max_c": Quantity("degC", "hottest temperature known: probes, else the hottest or mean cell told"),
    "temp_min_c": Quantity("degC", "coldest temperature known: probes, else the coldest or mean cell told"),
    "temp_rate_k_s": Quantity("K/s", "fastest rise of a temperature over 5 s, or since the sample before"),
    "cell_drop": Quantity(
        "", "largest fall of one cell against the median over 5 s, or since the sample before, 0 to 1"
    ),
    "c_rate": Quantity("1/h", "current over capacity, positive charges"),
    "rest_s": Quantity("s", "time since the current was last over 0.02 C"),
    "dt_s": Quantity("s", "time since the sample before"),
    "isolation_ohm_per_v": Quantity("ohm/V", "isolation over the higher of pack voltage and the pack's highest"),
    "sum_gap_v": Quantity("V", "pack voltage against the sum of its cells, a magnitude"),
    "soc_jump_pct": Quantity("%", "change of charge told that the current does not explain, a magnitude"),
    "sentinel_cells": Quantity("", "cells that show a value that stands for a fault"),
    "bad_cell": Quantity("", "cell whose measurement is not believed, from 1"),
    "cell_dead": Quantity("", "a cell's measurement is dead: stuck, frozen or jumping", flag=True),
    "probe_bad": Quantity("", "a probe jumps or stands still while others move", flag=True),
    "bad_probe": Quantity("", "probe that is not believed, from 1"),
    "probe_low": Quantity("", "a probe shows the lowest value there is: its circuit is open", flag=True),
    "probe_high": Quantity("", "a probe shows more than a battery survives: its circuit is shorted", flag=True),
    "probe_frozen": Quantity("", "a probe stands still while others move", flag=True),
    "pack_v_frozen": Quantity("", "the pack voltage stands still under changing load", flag=True),
    "current_frozen": Quantity("", "the current stands still while the voltage moves", flag=True),
    "current_offset_a": Quantity("A", "current shown while contactors are open, a magnitude"),
    "cells_mismatch": Quantity("", "number of cells differs from the pack's", flag=True),
    "soc_frozen": Quantity("", "the charge told stands still while current flows", flag=True),
    "capacity_health_pct": Quantity("%", "capacity against new, by the vehicle's twin"),
    "resistance_ratio": Quantity("", "resistance against new, by the vehicle's twin"),
}

SILENCE: dict[str, Quantity] = {
    "silence_s": Quantity("s", "time without a sample, from receipt to receipt, after one that was taken in use"),
    "period_s": Quantity("s", "time that usually lies between receipts of this vehicle in use; 0 while unknown"),
}
"""Quantities of a silence: a rule that names one of them may name these alone, and is tried at ticks."""

QUANTITIES: dict[str, Quantity] = {
    **{
        name: Quantity(SIGNALS[name].unit, SIGNALS[name].meaning, SIGNALS[name].kind == "bool")
        for name in SCALAR_SIGNALS
    },
    **_DERIVED,
    **SILENCE,
}
"""Every quantity that a condition may name."""

PACK_CONSTANTS: dict[str, str] = {
    "series": "cell groups in series",
    "parallel": "cells in each group",
    "capacity_ah": "rated capacity, Ah",
    "energy_kwh": "rated energy, kWh",
    "cell_capacity_ah": "rated capacity of one cell, Ah",
    "cell_voltage_min_v": "lowest cell voltage allowed, V",
    "cell_voltage_max_v": "highest cell voltage allowed, V",
    "voltage_min_v": "lowest pack voltage allowed, V",
    "voltage_max_v": "highest pack voltage allowed, V",
    "charge_current_max_a": "highest current in charge, A",
    "discharge_current_max_a": "highest current in discharge, A",
    "temp_min_c": "lowest cell temperature allowed, degC",
    "temp_max_c": "highest cell temperature allowed, degC",
}
"""What `pack.NAME` may be, and what it means."""


def pack_constants(pack: PackSpec) -> Mapping[str, float]:
    """The constants of a pack by name."""
    return {name: float(getattr(pack, name)) for name in PACK_CONSTANTS}
