"""What a fleet for fault detection is asked to be, checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from twinpack.simulate.settings import check_number, check_prefix, check_whole

SHORTEST_DAYS = 60


@dataclass(frozen=True)
class FaultFleetSettings:
    """A fleet in which every other vehicle gets a fault.

    Attributes:
        vehicles: How many; the first is healthy, the second has a fault, and so on.
        days: How long they are watched.
        seed: The same seed gives the same fleet; a vehicle depends neither on how many others there are nor on how
            long they are watched, but for the time of its fault.
        use_period_s: Seconds between two samples in drives and charges.
        parked_period_s: Seconds between two samples of a parked vehicle.
        start: First day.
        pack: Name of a shipped pack specification, or the TOML text of one.
        prefix: Vehicle ids are this and a number of four digits.
        faults: Whether there are any; without, every vehicle stays healthy.

    Raises:
        InputError: Naming the setting, its value and what it may be.
    """

    vehicles: int = 200
    days: int = 365
    seed: int = 7
    use_period_s: float = 30.0
    parked_period_s: float = 1800.0
    start: date = date(2023, 1, 2)
    pack: str = "sim_nmc_96s"
    prefix: str = "FLT-"
    faults: bool = True

    def __post_init__(self) -> None:
        """Check every setting."""
        check_whole("vehicles", self.vehicles, 1, 1_000_000)
        check_whole("days", self.days, SHORTEST_DAYS, 3660)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_number("use_period_s", self.use_period_s, 1.0, 120.0)
        check_number("parked_period_s", self.parked_period_s, 60.0, 7200.0)
        check_prefix(self.prefix)
