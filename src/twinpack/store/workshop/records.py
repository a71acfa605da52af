"""What was done to a vehicle in the workshop, or is planned, as a plain record that checks itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any

from twinpack.errors import InputError
from twinpack.store.alarms.people import check_who
from twinpack.store.fleet_records import check_text
from twinpack.store.records import sha256_text
from twinpack.telemetry.identifiers import check_vehicle_id

INSPECTION = "inspection"
REPAIR = "repair"
REPLACEMENT = "replacement"
SOFTWARE = "software"
OTHER = "other"
KINDS = (INSPECTION, REPAIR, REPLACEMENT, SOFTWARE, OTHER)
RESETTING = (REPAIR, REPLACEMENT)
"""After work of these kinds the battery is not what it was: what was learned of its cells begins anew."""

PLANNED = "planned"
DONE = "done"
CANCELLED = "cancelled"
STATUSES = (PLANNED, DONE, CANCELLED)

TITLE_LIMIT = 200
REFERENCE_LIMIT = 64
ODOMETER_LIMIT_KM = 10_000_000
FIRST_YEAR, LAST_YEAR = 1990, 2100

USUAL_CAPACITY_SD = 0.01
"""Standard deviation of a capacity test where none is told, by its value: meter, temperature and cut-off together."""

USUAL_RESISTANCE_SD = 0.05
"""The same of a resistance test: contacts and the temperature of the cells count most."""

USUAL_PULSE_S = 10.0

MOST_SD = 0.2
"""Standard deviation of a test, by its value, above which it says too little to be one."""

_RANGES = {
    "capacity_ah": (0.1, 100_000.0),
    "resistance_mohm": (0.01, 100_000.0),
    "soc_pct": (0.0, 100.0),
    "temp_c": (-40.0, 80.0),
    "pulse_s": (0.1, 600.0),
}
TEST_FIELDS = ("capacity_ah", "capacity_sd_ah", "resistance_mohm", "resistance_sd_mohm", "soc_pct", "temp_c", "pulse_s")
"""What a test of the battery told, all None without one."""


@dataclass(frozen=True)
class MaintenanceRecord:
    """Work on a vehicle.

    Attributes:
        vehicle_id: The vehicle.
        kind: `inspection`, `repair`, `replacement`, `software` or `other`.
        title: What it is, in a line.
        status: `planned`, `done` or `cancelled`.
        planned_on: Day it is planned for, ISO 8601, "" for none.
        done_on: Day it was done, ISO 8601, "" before.
        odometer_km: What the odometer showed then, None when it was not told.
        reference: The workshop's own number of it, "" for none.
        notes: For people.
        who: Who does it, or entered it.
        record_id: Its identity, 12 hex digits; "" before it is kept.
        log_offset: Offset of the row of the log that tells the fold of it, None for none.
        line_sha256: Hash of the line of a file it was last imported from, "" for one entered by hand.
        revision: Changes so far.
        entered_at_us: Wall-clock time at which it was entered; 0 before.
        changed_at_us: Wall-clock time of the last change; 0 before.
        capacity_ah: Capacity of the pack as tested, Ah; None without such a test.
        capacity_sd_ah: Standard deviation of that.
        resistance_mohm: Direct-current resistance of the pack as tested, mohm; None without such a test.
        resistance_sd_mohm: Standard deviation of that.
        soc_pct: State of charge at which the resistance was tested.
        temp_c: Temperature of the cells in that test, °C.
        pulse_s: Length of its pulse, s.
        test_offset: Offset of the row of the log that tells the fold of the test, None for none.
    """

    vehicle_id: str
    kind: str
    title: str
    status: str = PLANNED
    planned_on: str = ""
    done_on: str = ""
    odometer_km: int | None = None
    reference: str = ""
    notes: str = ""
    who: str = ""
    record_id: str = ""
    log_offset: int | None = None
    line_sha256: str = ""
    revision: int = 0
    entered_at_us: int = 0
    changed_at_us: int = 0
    capacity_ah: float | None = None
    capacity_sd_ah: float | None = None
    resistance_mohm: float | None = None
    resistance_sd_mohm: float | None = None
    soc_pct: float | None = None
    temp_c: float | None = None
    pulse_s: float | None = None
    test_offset: int | None = None

    @property
    def resets(self) -> bool:
        """Whether the battery is not what it was before: it is done, and repaired or replaced something."""
        return self.status == DONE and self.kind in RESETTING

    @property
    def tested(self) -> bool:
        """Whether a test of the battery is part of it."""
        return self.capacity_ah is not None or self.resistance_mohm is not None

    def tests(self) -> dict[str, float]:
        """What was tested, with what is usual where it was not told; {} without a test."""
        told: dict[str, float] = {}
        if self.capacity_ah is not None:
            sd = self.capacity_sd_ah
            told |= {
                "capacity_ah": self.capacity_ah,
                "capacity_sd_ah": USUAL_CAPACITY_SD * self.capacity_ah if sd is None else sd,
            }
        if self.resistance_mohm is not None and self.soc_pct is not None and self.temp_c is not None:
            sd = self.resistance_sd_mohm
            told |= {
                "resistance_mohm": self.resistance_mohm,
                "resistance_sd_mohm": USUAL_RESISTANCE_SD * self.resistance_mohm if sd is None else sd,
                "soc_pct": self.soc_pct,
                "temp_c": self.temp_c,
                "pulse_s": USUAL_PULSE_S if self.pulse_s is None else self.pulse_s,
            }
        return told

    def line_text(self) -> str:
        """All that it says, to be told from what another line says; as earlier releases wrote it without a test."""
        told = {part.name: getattr(self, part.name) for part in fields(self)}
        late = (*TEST_FIELDS, "test_offset")
        shown = (f"{name}={value!r}" for name, value in told.items() if name not in late or value is not None)
        return f"MaintenanceRecord({', '.join(shown)})"

    def identity(self) -> str:
        """What the same work has whenever a file names it: reference, or else kind, title and day; 12 hex digits."""
        what = (
            ("reference", self.reference)
            if self.reference
            else (self.kind, self.title.casefold(), self.planned_on or self.done_on)
        )
        return sha256_text("\n".join((self.vehicle_id, *what)))[:12]

    def check(self) -> None:
        """Raise when a field cannot be.

        Raises:
            InputError: Names the field first.
        """
        check_vehicle_id(self.vehicle_id)
        check_word("kind", self.kind, KINDS)
        check_word("status", self.status, STATUSES)
        if not self.title.strip():
            raise InputError("title is empty: say in a line what is done")
        check_text("title", self.title, TITLE_LIMIT)
        check_text("reference", self.reference, REFERENCE_LIMIT)
        check_text("notes", self.notes)
        check_who(self.who)
        for name in ("planned_on", "done_on"):
            check_day(name, getattr(self, name))
        if self.status == DONE and not self.done_on:
            raise InputError("done_on is empty: say on which day it was done")
        if self.status != DONE and self.done_on:
            raise InputError(f"done_on is {self.done_on}, yet the status is {self.status}")
        if self.odometer_km is not None and not 0 <= self.odometer_km <= ODOMETER_LIMIT_KM:
            raise InputError(f"odometer_km {self.odometer_km} is not from 0 to {ODOMETER_LIMIT_KM:,}")
        check_test({name: getattr(self, name) for name in TEST_FIELDS}, self.status)


def check_word(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise when a field is none of some words.

    Raises:
        InputError: Names the field and the words.
    """
    if value not in allowed:
        raise InputError(f"{name} {value!r} is none of {', '.join(allowed)}")


def check_day(name: str, value: str) -> None:
    """Raise when a field is neither empty nor a day.

    Raises:
        InputError: Names the field.
    """
    if not value:
        return
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{name} {value!r} is no day; write it as 2026-03-01") from None
    if day.isoformat() != value or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InputError(f"{name} {value!r} is no day from {FIRST_YEAR} to {LAST_YEAR}; write it as 2026-03-01")


def today() -> str:
    """The day it is, UTC."""
    return datetime.now(UTC).date().isoformat()


def check_past(record: MaintenanceRecord) -> None:
    """Raise when work is said to be done on a day that has not begun anywhere on earth.

    Raises:
        InputError: It is.
    """
    easternmost = (datetime.now(UTC) + timedelta(hours=14)).date().isoformat()
    if record.done_on and record.done_on > easternmost:
        raise InputError(f"done_on {record.done_on} is a day to come; planned_on is for those")


def check_test(told: Mapping[str, Any], status: str) -> None:
    """Raise when what a test told cannot be.

    Args:
        told: `TEST_FIELDS` by name, None for what was not told.
        status: Of its record.

    Raises:
        InputError: Names the field first.
    """
    for name, value in told.items():
        if value is not None and not isfinite(value):
            raise InputError(f"{name} {value} is no number")
    for name, (least, most) in _RANGES.items():
        value = told[name]
        if value is not None and not least <= value <= most:
            raise InputError(f"{name} {value:g} is not from {least:g} to {most:g}")
    _check_sd("capacity_ah", "capacity_sd_ah", told)
    _check_sd("resistance_mohm", "resistance_sd_mohm", told)
    for name in ("soc_pct", "temp_c"):
        if told["resistance_mohm"] is not None and told[name] is None:
            raise InputError(
                f"{name} is missing: a resistance says nothing without its state of charge and temperature"
            )
    for name in ("soc_pct", "temp_c", "pulse_s"):
        if told["resistance_mohm"] is None and told[name] is not None:
            raise InputError(f"{name} {told[name]:g} belongs to a resistance test: tell resistance_mohm too")
    for name in ("capacity_ah", "resistance_mohm"):
        if told[name] is not None and status != DONE:
            raise InputError(f"{name} {told[name]:g} is the result of a test, yet the status is {status}, not done")


def _check_sd(value: str, sd: str, told: Mapping[str, Any]) -> None:
    if told[sd] is None:
        return
    if told[value] is None:
        raise InputError(f"{sd} {told[sd]:g} belongs to {value}, which is missing")
    if not 0.0 < told[sd] <= MOST_SD * told[value]:
        raise InputError(
            f"{sd} {told[sd]:g} is not above 0 and at most {100 * MOST_SD:.0f} % of {value}, {MOST_SD * told[value]:g}"
        )
