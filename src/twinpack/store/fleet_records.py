"""What people say of a fleet, as plain records that check themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twinpack.errors import InputError
from twinpack.telemetry.identifiers import check_fleet_name, check_vehicle_id

DEFAULT_FLEET = "default"
"""The fleet of vehicles that were put into no other."""

FIRST_YEAR, LAST_YEAR = 1990, 2100
TEXT_LIMIT = 2_000
CLIMATE_LIMIT = 64

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")  # ISO 3779 leaves out I, O and Q


@dataclass(frozen=True)
class FleetRecord:
    """A fleet.

    Attributes:
        name: Its name, a level of the topics its vehicles publish to.
        default_pack: Pack of vehicles entered without one, "" for none.
        notes: For people.
        created_at_us: When it was created, microseconds since the epoch; 0 before.
    """

    name: str
    default_pack: str = ""
    notes: str = ""
    created_at_us: int = 0

    def check(self) -> None:
        """Raise when a field cannot be.

        Raises:
            InputError: Names the field.
        """
        check_fleet_name(self.name)
        check_text("notes", self.notes)


@dataclass(frozen=True)
class PackRecord:
    """A pack specification: its name, its TOML text, and when it was added (0 for one that is shipped)."""

    name: str
    specification: str
    added_at_us: int = 0


@dataclass(frozen=True)
class VehicleEntry:
    """What people say of a vehicle.

    Attributes:
        vehicle_id: The vehicle.
        fleet: The fleet it is in.
        pack: Name of its pack.
        label: What people call it.
        vin: Vehicle identification number, None when it was not told.
        model_year: Year of its model, None when it was not told.
        climate: Where it lives, in a word or two.
        notes: For people.
        retired: Whether it is out of service: what it sends is turned away.
        entered_at_us: When it was entered, microseconds since the epoch; 0 before.
    """

    vehicle_id: str
    fleet: str = DEFAULT_FLEET
    pack: str = ""
    label: str = ""
    vin: str | None = None
    model_year: int | None = None
    climate: str = ""
    notes: str = ""
    retired: bool = False
    entered_at_us: int = 0

    def check(self) -> None:
        """Raise when a field cannot be.

        Raises:
            InputError: Names the field.
        """
        check_vehicle_id(self.vehicle_id)
        check_fleet_name(self.fleet)
        if self.vin is not None and not _VIN.fullmatch(self.vin):
            raise InputError(f"vin {self.vin!r} is not allowed: 17 capital letters and digits, without I, O and Q")
        if self.model_year is not None and not FIRST_YEAR <= self.model_year <= LAST_YEAR:
            raise InputError(f"model_year {self.model_year} is not from {FIRST_YEAR} to {LAST_YEAR}")
        check_text("climate", self.climate, CLIMATE_LIMIT)
        check_text("label", self.label)
        check_text("notes", self.notes)


@dataclass(frozen=True)
class KnownVehicle:
    """A vehicle as the gateway and the lake know it, entered by a person or met in the log.

    Attributes:
        vehicle_id: The vehicle.
        fleet: The fleet it is in.
        pack: Its pack, by shipped name or as TOML text, for `load_pack`; "" when it cannot be found here.
        pack_name: Name of its pack.
        model_year: Year of its model, None when it was not told.
        climate: Where it lives, "" when it was not told.
        retired: Whether what it sends is turned away.
        registered: Whether the fold has met it.
    """

    vehicle_id: str
    fleet: str
    pack: str
    pack_name: str
    model_year: int | None
    climate: str
    retired: bool
    registered: bool


def check_text(name: str, value: str, limit: int = TEXT_LIMIT) -> None:
    """Raise when a text cannot be kept.

    Raises:
        InputError: It is too long, or holds control characters.
    """
    if len(value) > limit:
        raise InputError(f"{name} has {len(value):,} characters; at most {limit:,} are kept")
    if not all(sign.isprintable() or sign in "\n\t" for sign in value):
        raise InputError(f"{name} {value[:40]!r} holds control characters")
