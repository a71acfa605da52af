"""What becomes of simulated batteries beyond the sampled years, and under another use: the truth that forecasts meet.

The hidden law of each battery goes on, month by month, with the mean of what its vehicle does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twinpack.battery.arrays import Floats
from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS
from twinpack.errors import InputError
from twinpack.simulate.cells import resistance_ratio
from twinpack.simulate.settings import DAYS_PER_YEAR, FleetSettings, check_number
from twinpack.simulate.vehicles import (
    CLIMATES,
    Vehicles,
    between_drives,
    draw_vehicles,
    lived,
    resistance_of,
    wear_of,
)
from twinpack.simulate.wear import Lived


@dataclass(frozen=True)
class ChangedUse:
    """How every vehicle is used from a moment on; None leaves it as it is.

    Attributes:
        from_years: The moment, years from the begin of the simulation; the end of the sampled years when None.
        charge_to: Charge at which charging usually ends, 0.3 to 1.
        depth: Depth of discharge of a usual cycle, 0.05 to 0.95: charging begins that far below `charge_to`.
        parked_soc: Mean charge at rest, 0 to 1; when None, as the charging window has it.
        yearly_km: Distance a year, km.
        distance_x: Distance by what it is, where `yearly_km` is None.
        climate: Name of a climate (`vehicles.CLIMATES`).
        warmer_c: Added to every temperature, °C.

    Raises:
        InputError: A value is out of range; names it.
    """

    from_years: float | None = None
    charge_to: float | None = None
    depth: float | None = None
    parked_soc: float | None = None
    yearly_km: float | None = None
    distance_x: float = 1.0
    climate: str | None = None
    warmer_c: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        for name, low, high in _RANGES:
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), low, high)
        if self.climate is not None and self.climate not in CLIMATES:
            raise InputError(f"there is no climate {self.climate!r}; there are {', '.join(CLIMATES)}")


_RANGES = (
    ("from_years", 0.0, 60.0),
    ("charge_to", 0.3, 1.0),
    ("depth", 0.05, 0.95),
    ("parked_soc", 0.0, 1.0),
    ("yearly_km", 0.0, 500_000.0),
    ("distance_x", 0.0, 10.0),
    ("warmer_c", -30.0, 30.0),
)


def true_health(
    settings: FleetSettings, pack: PackSpec, years: float, changed: ChangedUse | None = None
) -> tuple[Floats, Floats, Floats]:
    """The true health of a fleet, month by month, up to some years from the begin of its simulation.

    Within the sampled years the batteries live what the simulated vehicles did; after their last sampled drive, or
    from the moment of the change if that is earlier, they live the mean of what their vehicles do.

    Args:
        settings: The fleet.
        pack: Its pack.
        years: How far; more than the sampled years looks beyond them.
        changed: How it is used from a moment on; None for as ever.

    Returns:
        H months from the begin of the simulation, 0 first, shape (H,); capacity then, % of rated, shape (H, V);
        resistance by that of the mean new pack, shape (H, V).
    """
    changed = changed or ChangedUse()
    vehicles = draw_vehicles(settings, pack)
    _, start_days, km = between_drives(settings, vehicles)
    sampled = lived(vehicles, start_days, np.diff(start_days, axis=1, prepend=0.0), km)
    wear = wear_of(settings, pack, vehicles, sampled)
    months = np.arange(round(years * MONTHS) + 1, dtype=np.float64)
    days = months * DAYS_PER_MONTH
    change_day = DAYS_PER_YEAR * (settings.years if changed.from_years is None else changed.from_years)
    drives = _begun(wear.passed(sampled))
    usual = _begun(wear.passed(_mean_life(vehicles, days, None)))
    other = _begun(wear.passed(_mean_life(_changed(vehicles, changed), days, changed.parked_soc)))
    passed = [
        np.stack([_joined(days, change_day, *lanes) for lanes in zip(start_days, *parts, strict=True)])
        for parts in zip(drives, usual, other, strict=True)
    ]
    lost, gained = wear.worn(passed)
    capacity = 100.0 * vehicles.new_capacity[:, None] * (1.0 - lost)
    return months, capacity.T, resistance_ratio(*resistance_of(vehicles, gained)).T


def _begun(passed: list[Floats]) -> list[Floats]:
    """Virtual time at the begin and at the end of each interval, vehicles x (intervals + 1), part by part."""
    return [np.cumsum(np.pad(one, ((0, 0), (1, 0))), axis=1) for one in passed]


def _mean_life(vehicles: Vehicles, days: Floats, parked_soc: float | None) -> Lived:
    """What the batteries live through between days if their vehicles always do what they do in the mean."""
    shape = (len(vehicles.depth), len(days) - 1)
    length = np.broadcast_to(np.diff(days), shape)
    life = lived(
        vehicles, np.broadcast_to(days[1:], shape), length, vehicles.yearly_km[:, None] * length / DAYS_PER_YEAR
    )
    return life if parked_soc is None else replace(life, parked_soc=np.full((shape[0], 1), parked_soc))


def _joined(
    days: Floats, change_day: float, driven_days: Floats, driven: Floats, usual: Floats, other: Floats
) -> Floats:
    """Virtual time of one battery on days: as driven, then as usual from its last drive on, then as changed."""
    last = min(float(driven_days[-1]), change_day)
    known = np.interp(np.minimum(days, last), np.append(0.0, driven_days), driven)
    goes_on = np.interp(np.clip(days, last, change_day), days, usual) - np.interp(last, days, usual)
    differs = np.interp(np.maximum(days, change_day), days, other) - np.interp(change_day, days, other)
    return np.asarray(known + goes_on + differs)


def _changed(vehicles: Vehicles, changed: ChangedUse) -> Vehicles:
    """The vehicles with another use."""
    same = np.ones_like(vehicles.depth)
    given: dict[str, Floats] = {"yearly_km": changed.distance_x * vehicles.yearly_km}
    wanted = {"charge_habit": changed.charge_to, "depth": changed.depth, "yearly_km": changed.yearly_km}
    given |= {name: value * same for name, value in wanted.items() if value is not None}
    if changed.climate is not None:
        mean_c, season_c, daily_c, _, _ = CLIMATES[changed.climate]
        given |= {"mean_c": mean_c * same, "season_c": season_c * same, "daily_c": daily_c * same}
    given["mean_c"] = given.get("mean_c", vehicles.mean_c) + changed.warmer_c
    return replace(vehicles, **given)
