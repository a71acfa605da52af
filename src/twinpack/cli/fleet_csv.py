"""The CSV file that `twinpack fleet import` reads: a header, then a line a vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twinpack.cli.csv_lines import Line, read_lines
from twinpack.errors import InputError
from twinpack.store.fleet_records import DEFAULT_FLEET, VehicleEntry

COLUMNS = ("vehicle", "fleet", "pack", "label", "vin", "model_year", "climate", "notes")


def read_vehicles(path: Path) -> list[Line[VehicleEntry]]:
    """The vehicles of a file; a line that cannot be understood is given with the reason.

    Raises:
        ImportFileError: The file cannot be read, or its header is wrong.
    """
    return read_lines(path, COLUMNS, ("vehicle",), _entry)


def _entry(said: Mapping[str, str]) -> VehicleEntry:
    year = said.get("model_year", "")
    if year and not (year.isascii() and year.isdigit()):
        raise InputError(f"model_year {year!r} is not a year")
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
