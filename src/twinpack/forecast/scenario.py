"""Scenarios: another way to use a vehicle, each thing in it checked; what a scenario does not name stays as it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from twinpack.errors import ScenarioError
from twinpack.simulate.vehicles import CLIMATES

MOST = 3
"""Scenarios that are compared with a baseline at most."""

FAST_C_RATE = 0.4
"""Charging at this rate or more counts as fast (`battery.stress.Stress.fast_share`), 1/h."""

LEAST_WINDOW = 0.05
MOST_TRIPS = 500


@dataclass(frozen=True)
class Trip:
    """A trip that is driven, at a steady speed.

    Attributes:
        distance_km: How far.
        speed_kmh: Mean speed.
        ambient_c: Temperature of the air, °C; None for what is usual.
        load_kg: Load carried, kg; None for what the scenario or the vehicle has.
        climb_m: Height gained less height lost, m.
    """

    distance_km: float
    speed_kmh: float
    ambient_c: float | None = None
    load_kg: float | None = None
    climb_m: float = 0.0

    @property
    def hours(self) -> float:
        """How long it takes."""
        return self.distance_km / self.speed_kmh


@dataclass(frozen=True)
class Scenario:
    """Another way to use a vehicle from now on; None leaves it as it is.

    Attributes:
        name: What it is called.
        charge_from: Charge at which charging usually begins, 0 to 1.
        charge_to: Charge at which it usually ends, 0 to 1.
        parked_soc: Mean charge at rest, 0 to 1.
        fast_share: Share of the charge from outside that goes in fast, 0 to 1.
        c_rate: Mean current of charging from outside by the rated capacity, 1/h.
        climate: Name of a climate (`CLIMATES`).
        warmer_c: Added to every temperature, °C.
        yearly_km: Distance a year, km.
        distance_x: Distance by what it is.
        load_kg: Load carried, kg.
        trips: What is driven usually, in this proportion.

    Raises:
        ScenarioError: Two things in it contradict each other; names both.
    """

    name: str
    charge_from: float | None = None
    charge_to: float | None = None
    parked_soc: float | None = None
    fast_share: float | None = None
    c_rate: float | None = None
    climate: str | None = None
    warmer_c: float | None = None
    yearly_km: float | None = None
    distance_x: float | None = None
    load_kg: float | None = None
    trips: tuple[Trip, ...] = ()

    def __post_init__(self) -> None:
        """Check what must hold together."""
        for check in (_window, _parked, _rate, _distance):
            if why := check(self):
                raise ScenarioError(f"scenario {self.name!r}: {why}")
        if self.climate is not None and self.climate not in CLIMATES:
            raise ScenarioError(f"scenario {self.name!r}: climate {self.climate!r}; it may be {', '.join(CLIMATES)}")

    @property
    def changes(self) -> tuple[str, ...]:
        """Names of what it changes."""
        return tuple(one.name for one in fields(self)[1:] if getattr(self, one.name) not in (None, ()))

    @property
    def changes_consumption(self) -> bool:
        """Whether a kilometre takes another energy than it does: by load, trips, or the air it is driven in."""
        return bool({"load_kg", "trips", "climate", "warmer_c"} & set(self.changes))


def _pct(share: float) -> str:
    return f"{100.0 * share:g} %"


def _window(one: Scenario) -> str:
    if one.charge_from is None or one.charge_to is None or one.charge_to - one.charge_from >= LEAST_WINDOW - 1e-9:
        return ""
    return (
        f"charge_from_pct is {100.0 * one.charge_from:g} and charge_to_pct {100.0 * one.charge_to:g}: charging must "
        f"end at least {100.0 * LEAST_WINDOW:g} points above where it begins"
    )


def _parked(one: Scenario) -> str:
    if one.parked_soc is None:
        return ""
    if one.charge_to is not None and one.parked_soc > one.charge_to + 1e-9:
        return (
            f"parked_soc_pct is {100.0 * one.parked_soc:g}, above charge_to_pct ({_pct(one.charge_to)}): a battery "
            "that is never charged so far cannot be parked there"
        )
    if one.charge_from is not None and one.parked_soc < one.charge_from - 1e-9:
        return (
            f"parked_soc_pct is {100.0 * one.parked_soc:g}, below charge_from_pct ({_pct(one.charge_from)}): a battery "
            "that is charged before it falls so low cannot be parked there"
        )
    return ""


def _rate(one: Scenario) -> str:
    """The mean rate must be one that slow and fast charging in this proportion can have."""
    if one.fast_share is None or one.c_rate is None:
        return ""
    if one.c_rate < FAST_C_RATE * one.fast_share - 1e-9:
        return (
            f"charge_c_rate is {one.c_rate:g} and fast_share_pct {100.0 * one.fast_share:g}: with so much charged at "
            f"{FAST_C_RATE:g} C or more the mean is {FAST_C_RATE * one.fast_share:g} C at least"
        )
    if one.fast_share == 0.0 and one.c_rate >= FAST_C_RATE:
        return (
            f"charge_c_rate is {one.c_rate:g} and fast_share_pct 0: charging at {FAST_C_RATE:g} C or more is fast, so "
            "a part of it must be"
        )
    return ""


def _distance(one: Scenario) -> str:
    if one.yearly_km is None or one.distance_x is None:
        return ""
    return f"yearly_km ({one.yearly_km:g}) and distance_x ({one.distance_x:g}) say the same: give one of them"


def is_number(value: object, low: float, high: float) -> bool:
    """Whether a value is a finite number between two others."""
    return (
        not isinstance(value, bool)
        and isinstance(value, (int, float))
        and math.isfinite(value)
        and low <= value <= high
    )
