"""What batteries live through: the stress of intervals of their life, and of a typical year of how they are used."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from twinpack.battery.arrays import Floats, Which, places

MONTHS = 12
DAYS_PER_MONTH = 365.25 / MONTHS


@dataclass(frozen=True)
class Stress:
    """What V batteries live through in N intervals; each array has shape (N, V) or broadcasts to it.

    Attributes:
        days: Length of the interval, days; 0 before a battery's life began.
        cycles: Equivalent full cycles of the rated capacity in it: (Ah in + Ah out) / (2 Ah rated).
        temp_c: Mean cell temperature, °C.
        parked_soc: Mean charge at rest, 0 to 1.
        cycled_soc: Mean charge while driven and charged, 0 to 1.
        depth: Depth of discharge of a usual cycle, 0 to 1.
        c_rate: Mean current of charging from outside by the rated capacity, 1/h.
        fast_share: Share of the charge from outside that went in fast (0.4 of the rated capacity an hour or more).
    """

    days: Floats
    cycles: Floats
    temp_c: Floats
    parked_soc: Floats
    cycled_soc: Floats
    depth: Floats
    c_rate: Floats
    fast_share: Floats

    def take(self, vehicles: Which) -> Stress:
        """That of some batteries."""
        return Stress(**{one.name: getattr(self, one.name)[:, places(vehicles)] for one in fields(self)})


@dataclass(frozen=True)
class Usage:
    """How V vehicles are used in a typical year; shape (V,) where nothing else is said.

    Attributes:
        temp_c: Mean cell temperature of January to December, °C, shape (12, V).
        parked_soc: As in `Stress`.
        cycled_soc: As in `Stress`.
        depth: As in `Stress`.
        c_rate: As in `Stress`.
        fast_share: As in `Stress`.
        cycles_per_day: Equivalent full cycles of the rated capacity a day.
        km_per_day: Distance driven a day, km; NaN where it is not known.
    """

    temp_c: Floats
    parked_soc: Floats
    cycled_soc: Floats
    depth: Floats
    c_rate: Floats
    fast_share: Floats
    cycles_per_day: Floats
    km_per_day: Floats

    @property
    def vehicles(self) -> int:
        """V."""
        return len(self.parked_soc)

    def months(self, first: int, count: int) -> Stress:
        """The stress of calendar months that are lived like this.

        Args:
            first: The first month, counted from January 1970 (0).
            count: How many.

        Returns:
            Arrays of shape (count, V).
        """
        shape = (count, self.vehicles)
        which = (first + np.arange(count)) % MONTHS
        same = {
            name: np.broadcast_to(getattr(self, name), shape)
            for name in ("parked_soc", "cycled_soc", "depth", "c_rate", "fast_share")
        }
        return Stress(
            days=np.full(shape, DAYS_PER_MONTH),
            cycles=np.broadcast_to(self.cycles_per_day * DAYS_PER_MONTH, shape),
            temp_c=self.temp_c[which],
            **same,
        )

    def take(self, vehicles: Which) -> Usage:
        """That of some vehicles."""
        return Usage(**{one.name: getattr(self, one.name)[..., places(vehicles)] for one in fields(self)})

    def with_(self, **changed: Floats) -> Usage:
        """A copy with some of it changed."""
        return replace(self, **changed)
