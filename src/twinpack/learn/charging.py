"""Health from one charge: what a charge is, and what it says of the battery or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError

Floats = npt.NDArray[np.float64]

Z90 = 1.6448536269514722
"""Standard deviations on either side of a 90 % interval."""


@dataclass(frozen=True)
class Charge:
    """One charge of a cell or pack, sample by sample; rows with anything unknown are left out when it is made.

    Attributes:
        time_s: Seconds since any moment, rising, shape (N,).
        voltage_v: Voltage, V.
        current_a: Current, A, positive charges.
        temp_c: Temperature, °C.
    """

    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    temp_c: Floats

    @classmethod
    def of(cls, time_s: Floats, voltage_v: Floats, current_a: Floats, temp_c: Floats) -> Charge:
        """A charge from columns.

        Raises:
            InputError: They are not of one length, or time does not rise.
        """
        columns = [np.asarray(one, dtype=np.float64) for one in (time_s, voltage_v, current_a, temp_c)]
        if len({len(one) for one in columns}) != 1:
            raise InputError(f"columns of a charge have different lengths: {[len(one) for one in columns]}")
        known = np.isfinite(np.stack(columns)).all(axis=0)
        time, *others = (one[known] for one in columns)
        if np.any(np.diff(time) < 0):
            raise InputError("time of a charge goes backwards: sort its rows, and give one charge at a time")
        return cls(time, *others)

    @property
    def charged_ah(self) -> Floats:
        """Charge brought in so far at each sample, Ah, by trapezoids; current that flows out counts as none."""
        into = np.maximum(self.current_a, 0.0)
        steps = 0.5 * (into[1:] + into[:-1]) * np.diff(self.time_s) / 3600.0
        return np.concatenate([[0.0], np.cumsum(steps)])

    def __len__(self) -> int:
        """Samples."""
        return len(self.time_s)


@dataclass(frozen=True)
class Estimate:
    """What one charge says.

    Attributes:
        value: The figure, NaN where it says nothing.
        sd: Its standard deviation.
        why_not: Why it says nothing, and what would help; "" where it says something.
    """

    value: float
    sd: float
    why_not: str = ""

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return not self.why_not

    @property
    def interval_90(self) -> tuple[float, float]:
        """Its 90 % interval."""
        return self.value - Z90 * self.sd, self.value + Z90 * self.sd


def silent(why_not: str) -> Estimate:
    """A charge that says nothing, and why."""
    return Estimate(np.nan, np.nan, why_not)
