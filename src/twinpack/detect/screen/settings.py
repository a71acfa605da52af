"""From which size and after which time something is a fault of the data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScreenSettings:
    """Thresholds of the data faults; times in seconds, so that the sampling period changes no verdict.

    The sizes are well above what coarse data show by themselves: steps of 10 mV a cell, 1 °C, 1 % of charge.

    Attributes:
        cell_low_v: A cell at or below it is a sentinel.
        cell_high_v: A cell at or above it is a sentinel.
        probe_low_c: A probe at or below it is a sentinel (an open circuit shows -40 °C).
        probe_high_c: A probe at or above it is a sentinel.
        gap_s: Samples further apart are not compared with each other, and a sample counts for no longer.
        rate_s: Rises of temperatures and falls of cells are measured over at least this time: a step of 1 °C in a
            second is no rate.
        dead_s: A cell that shows sentinels for so long is dead.
        frozen_v: The pack median moves by more than this while a frozen cell or pack voltage stays. At twice as much
            it need not be moving at the moment.
        frozen_s: For how long it is that far away before the channel counts as frozen.
        jump_v: A step of one cell against the median at low current that no cell can make.
        jump_s: For how long it stays there before its channel is dead; it is masked from the step on.
        low_c_rate: Below it, in C, the current is low.
        heal_s: For how long a dead channel must be good again.
        probe_frozen_k: The other probes move by more than this while a frozen one stays.
        probe_frozen_s: For how long they are that far away.
        pack_frozen_c_rate: The current moves by more than this, in C, while a frozen pack voltage stays; where cells
            are unknown.
        pack_step_v: Coarsest usual step of the pack voltage, V: a small pack may move less than one.
        current_frozen_v: Cells fall and rise by more than this while a frozen current stays.
        current_frozen_pack_v: The same of the pack voltage over its cells, where they are unknown, as it is read worse.
        current_frozen_s: For how long they must be seen to move.
        soc_frozen_pct: Charge that flows while a frozen state of charge stays, in % of the capacity.
        soc_step_pct: Coarsest usual step of the state of charge.
        rest_c_rate: Below it, in C, the pack is at rest.
        odometer_step_km: Coarsest usual step of the odometer.
        max_probes: Probes beyond this number are not looked at.
    """

    cell_low_v: float = 0.5
    cell_high_v: float = 4.995
    probe_low_c: float = -39.9
    probe_high_c: float = 119.9
    gap_s: float = 120.0
    rate_s: float = 5.0
    dead_s: float = 120.0
    frozen_v: float = 0.05
    frozen_s: float = 300.0
    jump_v: float = 0.3
    jump_s: float = 5.0
    low_c_rate: float = 0.1
    heal_s: float = 1800.0
    probe_frozen_k: float = 4.0
    probe_frozen_s: float = 900.0
    pack_frozen_c_rate: float = 0.5
    pack_step_v: float = 1.0
    current_frozen_v: float = 0.02
    current_frozen_pack_v: float = 0.06
    current_frozen_s: float = 90.0
    soc_frozen_pct: float = 5.0
    soc_step_pct: float = 1.0
    rest_c_rate: float = 0.02
    odometer_step_km: float = 1.0
    max_probes: int = 256


DEFAULTS = ScreenSettings()
"""What is used where nothing else is said."""
