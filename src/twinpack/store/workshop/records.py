"""What was done to a vehicle in the workshop, or is planned, as a plain record that checks itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

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

    @property
    def resets(self) -> bool:
        """Whether the battery is not what it was before: it is done, and repaired or replaced something."""
        return self.status == DONE and self.kind in RESETTING

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
