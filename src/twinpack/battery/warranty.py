"""What health a battery has to keep for how long: minimum performance in law, and makers' warranties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from twinpack.errors import PackSpecError

ENERGY, CAPACITY = "energy", "capacity"


@dataclass(frozen=True)
class Warranty:
    """At least so much health until so many years or so far, whichever comes first.

    Attributes:
        name: What asks for it.
        least_pct: The least health, % of the certified energy or of the rated capacity.
        years: Until this age.
        km: Until this distance, km.
        health: `energy` (state of certified energy) or `capacity`.
    """

    name: str
    least_pct: float
    years: float
    km: float
    health: str = ENERGY


MINIMUM_PERFORMANCE = (
    Warranty("UN GTR 22, 5 years", 80.0, 5.0, 100_000.0),
    Warranty("UN GTR 22, 8 years", 70.0, 8.0, 160_000.0),
    Warranty("Euro 7 M1, 5 years", 80.0, 5.0, 100_000.0),
    Warranty("Euro 7 M1, 8 years", 72.0, 8.0, 160_000.0),
    Warranty("usual warranty, 8 years", 70.0, 8.0, 160_000.0, CAPACITY),
)
"""For passenger cars: UN GTR 22, categories 1-1 and 1-2; Regulation (EU) 2024/1257, M1; what makers usually warrant."""

END_OF_LIFE_PCT = (80.0, 70.0)
"""Health at which life ends, % of the rated capacity, where a pack's specification sets no other."""

_RANGES = {"least_pct": (1.0, 99.9), "years": (0.1, 50.0), "km": (1.0, 10_000_000.0)}


def read_warranties(given: Any, where: str) -> tuple[Warranty, ...]:
    """The `[[warranty]]` tables of a specification.

    Raises:
        PackSpecError: One is not allowed; names the table, the field and the value.
    """
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise PackSpecError(f"{where}: field 'warranty' must be tables, written [[warranty]]")
    return tuple(_read(one, f"{where}, warranty {number}") for number, one in enumerate(given, 1))


def _read(given: Mapping[str, Any], where: str) -> Warranty:
    names = [one.name for one in fields(Warranty)]
    for key in given:
        if key not in names:
            raise PackSpecError(f"{where}: unknown field {key!r}; the fields are {', '.join(names)}")
    for name in names[:-1]:
        if name not in given:
            raise PackSpecError(f"{where}: field {name!r} is missing")
    if not isinstance(given["name"], str) or not given["name"].strip():
        raise PackSpecError(f"{where}: field 'name' is {given['name']!r}; it must be a text")
    if given.get("health", ENERGY) not in (ENERGY, CAPACITY):
        raise PackSpecError(f"{where}: field 'health' is {given['health']!r}; it must be 'energy' or 'capacity'")
    numbers = {name: read_number(given[name], *span, f"{where}: field {name!r}") for name, span in _RANGES.items()}
    return Warranty(given["name"], health=given.get("health", ENERGY), **numbers)


def read_limits(given: Any, where: str) -> tuple[float, ...]:
    """`end_of_life_pct` of a specification: one to four different healths, the highest first.

    Raises:
        PackSpecError: It is not that.
    """
    field = f"{where}: field 'end_of_life_pct'"
    if not isinstance(given, list) or not 1 <= len(given) <= 4:
        raise PackSpecError(f"{field} is {given!r}; it must be a list of one to four numbers")
    limits = sorted({read_number(one, 1.0, 99.9, field) for one in given}, reverse=True)
    return tuple(limits)


def read_number(value: Any, low: float, high: float, what: str) -> float:
    """A number between two others.

    Raises:
        PackSpecError: It is none; begins with `what`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise PackSpecError(f"{what} is {value!r}; it must be a number from {low:g} to {high:g}")
    return float(value)
