"""The CSV file that `twinpack maintenance import` reads: a header, then a line a piece of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twinpack.cli.csv_lines import Line, read_lines
from twinpack.errors import InputError
from twinpack.store.records import sha256_text
from twinpack.store.workshop.records import DONE, PLANNED, TEST_FIELDS, MaintenanceRecord

COLUMNS = (
    "vehicle",
    "kind",
    "title",
    "status",
    "planned",
    "done",
    "odometer_km",
    "reference",
    "notes",
    "who",
    *TEST_FIELDS,
)
REQUIRED = ("vehicle", "kind", "title")

_FIELDS = {"vehicle id": "vehicle", "planned_on": "planned", "done_on": "done"}
"""Columns whose fields have another name."""


def template() -> str:
    """A file to fill in: the header, and a line of each status."""
    examples = (
        "car-0001,inspection,yearly inspection,planned,2026-03-01,,,W-1001,,,,,,,,,",
        "car-0001,repair,module 4 replaced,done,,2026-02-12,84210,W-0987,cells 37 to 48,Workshop North,,,,,,,",
    )
    return "\n".join((",".join(COLUMNS), *examples)) + "\n"


def read_records(path: Path, who: str) -> list[Line[MaintenanceRecord]]:
    """The records of a file; a line that cannot be understood is given with the reason, its column first.

    Args:
        path: The file.
        who: Who brings it, for lines that name nobody.

    Raises:
        ImportFileError: The file cannot be read, or its header is wrong.
    """
    return read_lines(path, COLUMNS, REQUIRED, lambda said: _record(said, who))


def column_first(error: Exception) -> str:
    """What is wrong with a record, by the name of the column."""
    text = str(error)
    for name, column in _FIELDS.items():
        if text.startswith(name):
            return f"{column}{text.removeprefix(name)}"
    return text


def _record(said: Mapping[str, str], who: str) -> MaintenanceRecord:
    odometer = said.get("odometer_km", "")
    if odometer and not (odometer.isascii() and odometer.isdigit()):
        raise InputError(f"odometer_km {odometer!r} is not a whole number")
    tested: dict[str, Any] = {name: _figure(name, said.get(name, "")) for name in TEST_FIELDS}
    record = MaintenanceRecord(
        vehicle_id=said["vehicle"],
        kind=said["kind"],
        title=said["title"],
        status=said.get("status") or (DONE if said.get("done") else PLANNED),
        planned_on=said.get("planned", ""),
        done_on=said.get("done", ""),
        odometer_km=int(odometer[:12]) if odometer else None,
        reference=said.get("reference", ""),
        notes=said.get("notes", ""),
        who=said.get("who", ""),
        **tested,
    )
    # Of what the line says alone: who brings it does not make it another line.
    return replace(record, line_sha256=sha256_text(record.line_text()), who=record.who or who)


def _figure(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} {text[:40]!r} is no number") from None
