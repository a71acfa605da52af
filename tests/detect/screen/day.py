"""A realistic day of a vehicle: drives, a rest and a charge, with the steps and the noise of real telematics."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tests.detect.screen.made import frames_of, pack_of
from twinpack.battery.ocv import ocv_table
from twinpack.battery.pack import PackSpec
from twinpack.detect.frames import Frames

SERIES, CAPACITY_AH, PROBES = 96, 120.0, 12
Array = npt.NDArray[np.float64]


@dataclass
class Day:
    """Plain arrays of one vehicle, M samples, to be spoilt by a test.

    Attributes:
        time_s: Sample times, shape (M,).
        cells: Cell voltages, V, in steps of 1 mV, shape (M, 96).
        probes: Temperatures, °C, in steps of 1 °C, shape (M, 12).
        current: Current, A, in steps of 0.1 A, shape (M,).
        pack_v: Pack voltage, V, in steps of 0.1 V, shape (M,).
        soc: State of charge, %, in steps of 1 %, shape (M,).
        drives: Rows of a drive, shape (M,).
    """

    time_s: Array
    cells: Array
    probes: Array
    current: Array
    pack_v: Array
    soc: Array
    drives: npt.NDArray[np.bool_]

    def frames(self) -> Frames:
        """The samples as detection is given them."""
        return frames_of(
            self.time_s,
            self.cells,
            self.probes,
            pack_current_a=self.current,
            pack_voltage_v=self.pack_v,
            soc_pct=self.soc,
        )

    def copy(self) -> Day:
        """One whose arrays may be spoilt."""
        return replace(
            self, **{name: getattr(self, name).copy() for name in ("cells", "probes", "current", "pack_v", "soc")}
        )

    @property
    def pack(self) -> PackSpec:
        """Its pack."""
        return pack_of(SERIES, CAPACITY_AH)


def a_day(every_s: int, seed: int = 0) -> Day:
    """Two drives of an hour and a half, two hours at rest between, three hours of charge at the end.

    Args:
        every_s: Sampling period, s.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(0, 8 * 3600, 1.0)
    drives = (time < 5400) | ((time >= 12600) & (time < 18000))
    # A load that changes every ten seconds, with stops and braking.
    load = np.repeat(
        rng.choice([0, 0, -15, -40, -80, -120, 40], len(time) // 10, p=[0.1, 0.1, 0.3, 0.25, 0.15, 0.05, 0.05]), 10
    )
    current = np.where(drives, load + rng.normal(0, 3, len(time)), np.where(time >= 18000, 35.0, 0.0))
    current = current.round(1)
    charge = np.cumsum(current) / 3600
    table = ocv_table("nmc811")
    start = 0.85 + rng.normal(0, 0.004, SERIES)
    size = CAPACITY_AH * (1 + rng.normal(0, 0.005, SERIES))
    soc = np.clip(start + charge[:, None] / size, 0.05, 1.0)
    ocv = np.interp(soc, table.soc, table.voltage_v)
    ohm = 0.001 * (1 + rng.normal(0, 0.05, SERIES))
    slow = _lagged(current, 60.0)
    cells = (ocv + ohm * (current + 0.5 * slow)[:, None] + rng.normal(0, 0.001, (len(time), SERIES))).round(3)
    heat = _lagged(np.square(current), 1800.0) * 0.004
    place = 1 + 0.15 * np.linspace(-1, 1, PROBES)
    probes = (18 + heat[:, None] * place + rng.normal(0, 0.1, (len(time), PROBES))).round()
    rows = np.arange(0, len(time), every_s)
    return Day(
        time[rows],
        cells[rows],
        probes[rows],
        current[rows],
        cells.sum(1).round(1)[rows],
        (100 * soc.mean(1)).round()[rows],
        drives[rows],
    )


def _lagged(values: Array, seconds: float) -> Array:
    """A first-order lag of values a second apart."""
    lagged = np.empty(len(values))
    held = 0.0
    for i, value in enumerate(values.tolist()):
        held += (value - held) / seconds
        lagged[i] = held
    return lagged
