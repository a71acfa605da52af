"""What a simulated fleet is asked to be, checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from twinpack.errors import InputError
from twinpack.telemetry.identifiers import is_vehicle_id

DAYS_PER_YEAR = 365.25
MIN_DAYS_BETWEEN_TRIPS = 2.5


@dataclass(frozen=True)
class FleetSettings:
    """A physics fleet.

    Attributes:
        vehicles: How many.
        trips: Sampled drives of each vehicle, spread evenly over `years`; about half are followed by a charge.
        years: Simulated life of the fleet.
        seed: The same seed gives the same fleet; a vehicle does not depend on how many others there are.
        period_s: Seconds between two samples of a drive; charges are sampled each half or whole minute.
        start: First day.
        pack: Name of a shipped pack specification, or the TOML text of one.
        prefix: Vehicle ids are this and a number of four digits.
        charge_share: Share of the drives followed by a sampled charging session.
        disturbances: Whether the stream has gaps, duplicates, late rows and skewed clocks. Sensor noise stays.
        cell_voltages: Whether samples carry the voltage of every cell group (large).

    Raises:
        InputError: Naming the setting, its value and what it may be.
    """

    vehicles: int = 20
    trips: int = 60
    years: float = 5.0
    seed: int = 7
    period_s: float = 1.0
    start: date = date(2020, 1, 6)
    pack: str = "sim_nmc_96s"
    prefix: str = "SIM-"
    charge_share: float = 0.5
    disturbances: bool = True
    cell_voltages: bool = False

    def __post_init__(self) -> None:
        """Check every setting."""
        check_whole("vehicles", self.vehicles, 1, 1_000_000)
        check_whole("trips", self.trips, 1, 100_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_number("years", self.years, 0.01, 30.0)
        check_number("period_s", self.period_s, 1.0, 30.0)
        check_number("charge_share", self.charge_share, 0.0, 1.0)
        check_prefix(self.prefix)
        check_spacing(self.trips, self.years, "trips")


@dataclass(frozen=True)
class RouteSettings:
    """A fleet of constant-speed routes.

    Attributes:
        vehicles: How many.
        routes: Routes of each vehicle, one a day.
        seed: The same seed gives the same fleet; a vehicle does not depend on how many others there are.
        start: First day.
        prefix: Vehicle ids are this and a number of four digits.
        noise_v: Standard deviation of the measured voltage, volts.

    Raises:
        InputError: Naming the setting, its value and what it may be.
    """

    vehicles: int = 20
    routes: int = 60
    seed: int = 7
    start: date = date(2020, 1, 6)
    prefix: str = "ROUTE-"
    noise_v: float = 0.0

    def __post_init__(self) -> None:
        """Check every setting."""
        check_whole("vehicles", self.vehicles, 1, 1_000_000)
        check_whole("routes", self.routes, 1, 10_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_number("noise_v", self.noise_v, 0.0, 1.0)
        check_prefix(self.prefix)


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Refuse what is not a whole number from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"simulation setting {name!r} is {value!r}; it must be a whole number from {low} to {high}")


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is not a number from low to high."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InputError(f"simulation setting {name!r} is {value!r}; it must be a number from {low} to {high}")


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that gives ids a vehicle may not have."""
    if not is_vehicle_id(f"{prefix}1000000"):
        raise InputError(
            f"simulation setting 'prefix' is {prefix!r}; use at most 57 letters, digits, '_', '.' or '-', "
            "the first a letter or a digit"
        )


def check_spacing(trips: int, years: float, name: str) -> None:
    """Refuse more trips than fit: a drive and its charge must end before the next slot begins."""
    most = int(years * DAYS_PER_YEAR / MIN_DAYS_BETWEEN_TRIPS)
    if trips > most:
        raise InputError(
            f"simulation setting {name!r} is {trips}, more than one in {MIN_DAYS_BETWEEN_TRIPS} days of {years} years; "
            f"use at most {most}, or more years"
        )


def vehicle_ids(prefix: str, vehicles: int) -> list[str]:
    """`prefix` with 0001, 0002, ..."""
    return [f"{prefix}{number:04d}" for number in range(1, vehicles + 1)]
