"""Where a fleet has been, and where a scenario leads beyond it: there an effect is the law's word alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.stress import Stress, Usage

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ENDS = (0.01, 0.99)


@dataclass(frozen=True)
class Kind:
    """A stress that may lead beyond what a fleet has seen.

    Attributes:
        told: What it is, for people.
        unit: Its unit.
        by: What a value is multiplied by for people.
        add: How far beyond the ends still counts as known, added.
        times: The same as a factor.
    """

    told: str
    unit: str
    by: float
    add: float
    times: float = 1.0


KINDS: dict[str, Kind] = {
    "temp_c": Kind("cell temperature of a month", "°C", 1.0, 2.0),
    "parked_soc": Kind("charge while parked", "%", 100.0, 0.05),
    "cycled_soc": Kind("mean charge in use", "%", 100.0, 0.05),
    "depth": Kind("depth of discharge", "%", 100.0, 0.05),
    "c_rate": Kind("rate of charging", "C", 1.0, 0.02, 1.15),
    "fast_share": Kind("share of fast charging", "%", 100.0, 0.05),
    "cycles_per_day": Kind("full cycles a day", "", 1.0, 0.02, 1.2),
}


@dataclass(frozen=True)
class Experience:
    """Between which ends the stress of a fleet's months lay, by name of `KINDS`: all but a hundredth at each end."""

    low: dict[str, float]
    high: dict[str, float]


@dataclass(frozen=True)
class Beyond:
    """One stress of a scenario that no vehicle of the fleet lived.

    Attributes:
        name: Of `KINDS`.
        value: What the scenario asks for.
        low: The least the fleet has lived.
        high: The most.
    """

    name: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """In words."""
        kind = KINDS[self.name]
        value, low, high = (f"{kind.by * one:.3g}" for one in (self.value, self.low, self.high))
        unit = f" {kind.unit}" if kind.unit else ""
        return f"{kind.told} {value}{unit}: the fleet has lived {low} to {high}{unit}"


def experience(stress: Stress) -> Experience:
    """What the vehicles of a fleet have lived through, by the stress of their months, (N, V)."""
    lived = stress.days > 0.0
    low, high = {}, {}
    for name in KINDS:
        values = (
            stress.cycles / np.where(lived, stress.days, 1.0) if name == "cycles_per_day" else getattr(stress, name)
        )
        known = np.broadcast_to(values, lived.shape)[lived]
        known = known[np.isfinite(known)]
        if known.size:
            low[name], high[name] = (float(end) for end in np.quantile(known, _ENDS))
    return Experience(low, high)


def beyond(seen: Experience, before: Usage, after: Usage) -> tuple[Flags, tuple[Beyond, ...]]:
    """Where a changed usage leads beyond a fleet's experience; what was so before is no matter of the scenario.

    Returns:
        Which vehicles it is so for, shape (V,); and what of it, the furthest value of all of them.
    """
    flags, found = np.zeros(after.vehicles, dtype=bool), []
    for name, kind in KINDS.items():
        if name not in seen.low:
            continue
        low, high = seen.low[name], seen.high[name]
        old, new = (np.atleast_2d(getattr(one, name)) for one in (before, after))
        moved = ~np.isclose(old, new, rtol=1e-6, atol=1e-9)
        under = moved & (new < low / kind.times - kind.add)
        over = moved & (new > high * kind.times + kind.add)
        flags |= (under | over).any(axis=0)
        if over.any():
            found.append(Beyond(name, float(new[over].max()), low, high))
        if under.any():
            found.append(Beyond(name, float(new[under].min()), low, high))
    return flags, tuple(found)
