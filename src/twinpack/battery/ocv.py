"""Open-circuit voltage over state of charge.

The shipped tables were computed as the difference of the electrode potentials of published cells at 298 K:
`nmc811` Chen et al. 2020 (doi 10.1149/1945-7111/ab9050), `lfp` Prada et al. 2013 (doi 10.1149/2.053304jes),
`nca` Kim et al. 2011 (doi 10.1149/1.3597614), `nmc532` Mohtat et al. 2020 (doi 10.1149/1945-7111/aba5d1).
Their ends are steep: do not trust a state of charge read from them below 0.05, for LFP also above 0.95.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

from twinpack.battery.arrays import Floats, Numeric
from twinpack.errors import InputError, NotFoundError

CHEMISTRIES = {"nmc811": "NMC811", "lfp": "LFP", "nca": "NCA", "nmc532": "NMC532"}


@dataclass(frozen=True)
class OcvTable:
    """Open-circuit voltage of one cell at rest.

    Attributes:
        name: Name of the table.
        chemistry: Positive electrode, for people.
        soc: State of charge of the points, 0..1, strictly rising.
        voltage_v: Open-circuit voltage at those points, volts, strictly rising.

    Raises:
        InputError: When the points do not rise or do not cover 0..1.
    """

    name: str
    chemistry: str
    soc: tuple[float, ...]
    voltage_v: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the points."""
        if len(self.soc) != len(self.voltage_v) or len(self.soc) < 3:
            raise InputError(
                f"OCV table {self.name!r}: {len(self.soc)} SoC points and {len(self.voltage_v)} voltages; "
                "give at least 3 of each and as many of the one as of the other"
            )
        _check_rising(self.name, "soc", self.soc)
        _check_rising(self.name, "voltage_v", self.voltage_v)
        if self.soc[0] != 0.0 or self.soc[-1] != 1.0:
            raise InputError(
                f"OCV table {self.name!r}: soc runs from {self.soc[0]} to {self.soc[-1]}; it must run from 0 to 1"
            )

    @cached_property
    def _points(self) -> tuple[Floats, Floats, Floats]:
        soc, voltage = np.array(self.soc), np.array(self.voltage_v)
        return soc, voltage, _pchip_slopes(soc, voltage)

    def pchip(self, soc: Numeric) -> Floats:
        """Voltage by monotone cubic interpolation (Fritsch and Carlson); beyond 0..1 the end slopes go on."""
        x, y, slope = self._points
        z = np.asarray(soc, dtype=np.float64)
        i = np.clip(np.searchsorted(x, z, side="right") - 1, 0, len(x) - 2)
        width = x[i + 1] - x[i]
        inside = np.clip(z, x[0], x[-1])
        t = (inside - x[i]) / width
        u = 1.0 - t
        ends = y[i] * (1.0 + 2.0 * t) * u * u + y[i + 1] * (1.0 + 2.0 * u) * t * t
        tangents = width * t * u * (slope[i] * u - slope[i + 1] * t)
        beyond = np.where(z < x[0], slope[0], slope[-1]) * (z - inside)
        return np.asarray(ends + tangents + beyond)

    def linear(self, soc: Numeric) -> Floats:
        """Voltage by linear interpolation; beyond 0..1 the end slopes go on."""
        x, y, _ = self._points
        z = np.asarray(soc, dtype=np.float64)
        low, high = (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])
        beyond = np.minimum(z - x[0], 0.0) * low + np.maximum(z - x[-1], 0.0) * high
        return np.asarray(np.interp(z, x, y) + beyond)

    def slope(self, soc: Numeric) -> Floats:
        """Derivative of `pchip`, volts per unit of state of charge."""
        step = 1e-5
        z = np.asarray(soc, dtype=np.float64)
        return np.asarray((self.pchip(z + step) - self.pchip(z - step)) / (2.0 * step))

    def soc_at(self, voltage_v: Numeric) -> Floats:
        """State of charge 0..1 at an open-circuit voltage (inverse of `pchip`, by bisection, to 1e-12)."""
        target = np.asarray(voltage_v, dtype=np.float64)
        low, high = np.zeros_like(target), np.ones_like(target)
        for _ in range(40):
            middle = 0.5 * (low + high)
            above = self.pchip(middle) > target
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(0.5 * (low + high))


def _check_rising(name: str, field: str, values: Iterable[float]) -> None:
    array = np.array(tuple(values), dtype=np.float64)
    falls = np.flatnonzero(~(np.diff(array) > 0.0))
    if falls.size or not np.isfinite(array).all():
        place = int(falls[0]) + 1 if falls.size else 0
        raise InputError(
            f"OCV table {name!r}: {field} must rise from point to point, but point {place + 1} is {array[place]}"
        )


def _pchip_slopes(x: Floats, y: Floats) -> Floats:
    """Slopes that keep the curve monotone: weighted harmonic means inside, three-point formula at the ends."""
    h = np.diff(x)
    d = np.diff(y) / h
    w1, w2 = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    inner = (w1 + w2) / (w1 / d[:-1] + w2 / d[1:])
    return np.concatenate([[_end_slope(h[0], h[1], d[0], d[1])], inner, [_end_slope(h[-1], h[-2], d[-1], d[-2])]])


def _end_slope(h0: float, h1: float, d0: float, d1: float) -> float:
    slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
    return float(min(max(slope, 0.0), 3.0 * d0))


@cache
def _tables() -> dict[str, OcvTable]:
    text = resources.files("twinpack.battery").joinpath("ocv_tables.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    soc = tuple(float(row["soc"]) for row in rows)
    return {
        name: OcvTable(name, chemistry, soc, tuple(float(row[name]) for row in rows))
        for name, chemistry in CHEMISTRIES.items()
    }


def ocv_names() -> tuple[str, ...]:
    """Names of the shipped tables."""
    return tuple(CHEMISTRIES)


def ocv_table(name: str) -> OcvTable:
    """The shipped table of that name.

    Raises:
        NotFoundError: When no such table is shipped.
    """
    try:
        return _tables()[name]
    except KeyError:
        raise NotFoundError(f"no OCV table {name!r}; shipped are {', '.join(CHEMISTRIES)}") from None
