"""The CSV file that `twinpack maintenance import` reads: a header, then a line a piece of work."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from twinpack.errors import ImportFileError, InputError
from twinpack.store.records import sha256_text
from twinpack.store.workshop.records import DONE, PLANNED, MaintenanceRecord

COLUMNS = ("vehicle", "kind", "title", "status", "planned", "done", "odometer_km", "reference", "notes", "who")
REQUIRED = ("vehicle", "kind", "title")

_FIELDS = {"vehicle id": "vehicle", "planned_on": "planned", "done_on": "done"}
"""Columns whose fields have another name."""


@dataclass(frozen=True)
class Line:
    """A record, or what is wrong, and the number of its line."""

    number: int
    said: MaintenanceRecord | InputError


def template() -> str:
    """A file to fill in: the header, and a line of each status."""
    examples = (
        "car-0001,inspection,yearly inspection,planned,2026-03-01,,,W-1001,,",
        "car-0001,repair,module 4 replaced,done,,2026-02-12,84210,W-0987,cells 37 to 48,Workshop North",
    )
    return "\n".join((",".join(COLUMNS), *examples)) + "\n"


def read_records(path: Path, who: str) -> list[Line]:
    """The records of a file; a line that cannot be understood is given with the reason, its column first.

    Args:
        path: The file.
        who: Who brings it, for lines that name nobody.

    Raises:
        ImportFileError: The file cannot be read, or its header is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_lines(path, csv.reader(file, strict=True), who))
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{path}: is not text in UTF-8: {error.reason} at byte {error.start}") from error


def column_first(error: Exception) -> str:
    """What is wrong with a record, by the name of the column."""
    text = str(error)
    for name, column in _FIELDS.items():
        if text.startswith(name):
            return f"{column}{text.removeprefix(name)}"
    return text


def _lines(path: Path, reader: Iterator[list[str]], who: str) -> Iterator[Line]:
    number = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        number = getattr(reader, "line_num", 0) + 1
        for values in reader:
            if any(value.strip() for value in values):
                yield Line(number, _record(header, values, who))
            number = getattr(reader, "line_num", 0) + 1
    except csv.Error as error:
        raise ImportFileError(f"{path}:{number}: is not CSV: {error}") from error


def _check_header(path: Path, header: list[str]) -> None:
    known = ", ".join(COLUMNS)
    for name in REQUIRED:
        if name not in header:
            raise ImportFileError(f"{path}:1: the header has no column {name!r}; the columns are {known}")
    for name in header:
        if name not in COLUMNS:
            raise ImportFileError(f"{path}:1: unknown column {name!r}; the columns are {known}")
        if header.count(name) > 1:
            raise ImportFileError(f"{path}:1: column {name!r} stands there twice")


def _record(header: list[str], values: list[str], who: str) -> MaintenanceRecord | InputError:
    if len(values) != len(header):
        return InputError(f"{len(values)} values under a header of {len(header)}")
    said = dict(zip(header, (value.strip() for value in values), strict=True))
    odometer = said.get("odometer_km", "")
    if odometer and not (odometer.isascii() and odometer.isdigit()):
        return InputError(f"odometer_km {odometer!r} is not a whole number")
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
    )
    # Of what the line says alone: who brings it does not make it another line.
    return replace(record, line_sha256=sha256_text(repr(record)), who=record.who or who)
