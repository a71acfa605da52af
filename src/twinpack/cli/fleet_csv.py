"""The CSV file that `twinpack fleet import` reads: a header, then a line a vehicle."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twinpack.errors import ImportFileError, InputError
from twinpack.store.fleet_records import DEFAULT_FLEET, VehicleEntry

COLUMNS = ("vehicle", "fleet", "pack", "label", "vin", "model_year", "climate", "notes")


@dataclass(frozen=True)
class Line:
    """A vehicle, or what is wrong, and the number of its line."""

    number: int
    said: VehicleEntry | InputError


def read_vehicles(path: Path) -> list[Line]:
    """The vehicles of a file; a line that cannot be understood is given with the reason.

    Raises:
        ImportFileError: The file cannot be read, or its header is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_lines(path, csv.reader(file, strict=True)))
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{path}: is not text in UTF-8: {error.reason} at byte {error.start}") from error


def _lines(path: Path, reader: Iterator[list[str]]) -> Iterator[Line]:
    number = getattr(reader, "line_num", 0)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        number = getattr(reader, "line_num", 0) + 1
        for values in reader:
            if any(value.strip() for value in values):
                yield Line(number, _entry(header, values))
            number = getattr(reader, "line_num", 0) + 1
    except csv.Error as error:
        raise ImportFileError(f"{path}:{max(number, 1)}: is not CSV: {error}") from error


def _check_header(path: Path, header: list[str]) -> None:
    known = ", ".join(COLUMNS)
    if "vehicle" not in header:
        raise ImportFileError(f"{path}:1: the header has no column 'vehicle'; the columns are {known}")
    for name in header:
        if name not in COLUMNS:
            raise ImportFileError(f"{path}:1: unknown column {name!r}; the columns are {known}")
        if header.count(name) > 1:
            raise ImportFileError(f"{path}:1: column {name!r} stands there twice")


def _entry(header: list[str], values: list[str]) -> VehicleEntry | InputError:
    if len(values) != len(header):
        return InputError(f"{len(values)} values under a header of {len(header)}")
    said = dict(zip(header, (value.strip() for value in values), strict=True))
    year = said.get("model_year", "")
    if year and not (year.isascii() and year.isdigit()):
        return InputError(f"model_year {year!r} is not a year")
    return VehicleEntry(
        vehicle_id=said["vehicle"],
        fleet=said.get("fleet") or DEFAULT_FLEET,
        pack=said.get("pack", ""),
        label=said.get("label", ""),
        vin=said.get("vin") or None,
        model_year=int(year[:9]) if year else None,
        climate=said.get("climate", ""),
        notes=said.get("notes", ""),
    )
