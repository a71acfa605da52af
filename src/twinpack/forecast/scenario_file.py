"""Scenario files: TOML (or JSON) with up to three `[[scenario]]` tables, every key checked.

A message names the file, the scenario, the key, its value and what it may be.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from twinpack.errors import ScenarioError
from twinpack.forecast.scenario import MOST, MOST_TRIPS, Scenario, Trip, is_number
from twinpack.simulate.vehicles import CLIMATES


@dataclass(frozen=True)
class Key:
    """A key of a table: a number between two others.

    Attributes:
        field: What it becomes.
        low: The least.
        high: The most.
        by: What the number is divided by.
        told: What it is, for people.
    """

    field: str
    low: float
    high: float
    by: float
    told: str


KEYS: dict[str, Key] = {
    "charge_from_pct": Key("charge_from", 0.0, 95.0, 100.0, "charge at which charging usually begins, %"),
    "charge_to_pct": Key("charge_to", 5.0, 100.0, 100.0, "charge at which charging usually ends, %"),
    "parked_soc_pct": Key("parked_soc", 0.0, 100.0, 100.0, "mean charge while parked, %"),
    "fast_share_pct": Key("fast_share", 0.0, 100.0, 100.0, "share of the charge that goes in at 0.4 C or more, %"),
    "charge_c_rate": Key("c_rate", 0.01, 6.0, 1.0, "mean rate of charging, full charges an hour"),
    "warmer_c": Key("warmer_c", -30.0, 30.0, 1.0, "added to every temperature, °C"),
    "yearly_km": Key("yearly_km", 0.0, 500_000.0, 1.0, "distance a year, km"),
    "distance_x": Key("distance_x", 0.0, 10.0, 1.0, "distance by what it is now"),
    "load_kg": Key("load_kg", 0.0, 60_000.0, 1.0, "load carried, kg"),
}
"""The numbers of a scenario; `name`, `climate`, `trip` and `trips` are beside them."""

TRIP_KEYS: dict[str, Key] = {
    "distance_km": Key("distance_km", 0.1, 2_000.0, 1.0, "how far, km"),
    "speed_kmh": Key("speed_kmh", 3.0, 200.0, 1.0, "mean speed, km/h"),
    "ambient_c": Key("ambient_c", -50.0, 60.0, 1.0, "temperature of the air, °C"),
    "load_kg": Key("load_kg", 0.0, 60_000.0, 1.0, "load carried, kg"),
    "climb_m": Key("climb_m", -5_000.0, 5_000.0, 1.0, "height gained less height lost, m"),
}
"""The numbers of a trip; the first two are needed."""

MOST_HOURS = 48.0
"""A trip takes no longer."""

MOST_GRADE = 0.2
"""Climb by distance, at most."""

_OTHER = ("name", "climate", "trip", "trips")
_NAMED = (*KEYS, *_OTHER)
_LONGEST_NAME = 60

TEMPLATE = """\
# Scenarios for `twinpack whatif`: another way to use a vehicle from now on. What is left out stays as it is.
# A file holds up to three tables [[scenario]]; a line that begins with # is not read: take the # away to use it.

[[scenario]]
name = "Charge to 80 %"
charge_to_pct = 80          # charge at which charging usually ends, 5 to 100 %
# charge_from_pct = 30      # charge at which charging usually begins, 0 to 95 %
# parked_soc_pct = 55       # mean charge while parked, %; else it moves with the window above

[[scenario]]
name = "Slow and cool"
fast_share_pct = 5          # share of the charge that goes in fast (at 0.4 C or more), 0 to 100 %
# charge_c_rate = 0.2       # mean rate of charging, full charges an hour: 11 kW into 55 kWh are 0.2
warmer_c = -4               # added to every temperature, -30 to 30 °C
# climate = "maritime"      # or another climate: nordic, maritime, continental, mediterranean or subtropical

[[scenario]]
name = "Long haul"
distance_x = 2              # distance by what it is now, 0 to 10
# yearly_km = 32000         # or the distance a year, km
load_kg = 400               # load carried, kg
# trips = "plan.csv"        # what is driven: a CSV beside this file with distance_km, speed_kmh, ambient_c, load_kg
[[scenario.trip]]           # or trip by trip, in the proportion in which they are driven
distance_km = 180
speed_kmh = 105
# ambient_c = -5            # temperature of the air on it, °C
# climb_m = 300             # height gained less height lost, m
"""
"""What `twinpack whatif template` prints."""

ReadPlan = Callable[[str], str]
"""The text of a CSV plan that a scenario names."""


def read_scenarios(text: str, where: str, read_plan: ReadPlan | None = None, is_json: bool = False) -> list[Scenario]:
    """The scenarios of a file.

    Args:
        text: What is in it.
        where: What it is called.
        read_plan: Reads the plan that `trips = "plan.csv"` names; without it a plan is refused.
        is_json: Whether it is JSON, not TOML.

    Raises:
        ScenarioError: Something in it is not allowed, or it holds no scenario or more than three.
    """
    given = _parsed(text, where, is_json)
    for key in given:
        if key != "scenario":
            near = f" (the keys of a scenario stand below [[scenario]]: is {key!r} one?)" if key in _NAMED else ""
            raise ScenarioError(f"{where}: unknown key {key!r}; a file holds tables [[scenario]]{near}")
    tables = given.get("scenario", [])
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise ScenarioError(f"{where}: 'scenario' must be tables, each begun with [[scenario]]")
    if not tables:
        raise ScenarioError(f"{where}: it holds no [[scenario]]; `twinpack whatif template` shows one")
    scenarios = [_scenario(one, number, where, read_plan) for number, one in enumerate(tables, 1)]
    return list(together(scenarios, where))


def together(scenarios: Sequence[Scenario], where: str) -> tuple[Scenario, ...]:
    """Scenarios that are compared with each other.

    Raises:
        ScenarioError: There are more than three, or two of one name.
    """
    if len(scenarios) > MOST:
        raise ScenarioError(f"{where}: {len(scenarios)} scenarios; at most {MOST} are compared at a time")
    names = [one.name for one in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{where}: two scenarios are called {name!r}; give each its own name")
    return tuple(scenarios)


def _parsed(text: str, where: str, is_json: bool) -> Mapping[str, Any]:
    if not text.strip():
        raise ScenarioError(f"{where}: it is empty; `twinpack whatif template` shows what it may hold")
    try:
        given = json.loads(text) if is_json else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ScenarioError(f"{where}: not {'JSON' if is_json else 'TOML'}: {error}") from error
    if not isinstance(given, Mapping):
        raise ScenarioError(f'{where}: it must be an object {{"scenario": [...]}}')
    return given


def _scenario(given: Mapping[str, Any], number: int, where: str, read_plan: ReadPlan | None) -> Scenario:
    name = given.get("name", f"scenario {number}")
    place = f"{where}, scenario {number}"
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ScenarioError(f"{place}: key 'name' is {name!r}; it must be a text of 1 to {_LONGEST_NAME} letters")
    if "name" in given:
        place = f"{place} ({name})"
    _known(given, _NAMED, place)
    values = _numbers(given, KEYS, place)
    climate = given.get("climate")
    if climate is not None and not (isinstance(climate, str) and climate in CLIMATES):
        near = _nearest(str(climate), tuple(CLIMATES))
        raise ScenarioError(f"{place}: key 'climate' is {climate!r}; it may be {', '.join(CLIMATES)}{near}")
    trips = _trips(given, place, read_plan)
    try:
        scenario = Scenario(name.strip(), climate=climate, trips=trips, **values)
    except ScenarioError as error:
        raise ScenarioError(f"{place}: {str(error).partition(': ')[2]}") from None
    if not scenario.changes:
        raise ScenarioError(f"{place}: it changes nothing; set at least one of {', '.join((*KEYS, *_OTHER[1:]))}")
    return scenario


def _known(given: Mapping[str, Any], names: Sequence[str], place: str) -> None:
    for key in given:
        if key not in names:
            raise ScenarioError(
                f"{place}: unknown key {key!r}{_nearest(key, names)}; the keys are {', '.join(sorted(names))}"
            )


def _nearest(text: str, names: Sequence[str]) -> str:
    near = get_close_matches(text, names, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _numbers(given: Mapping[str, Any], keys: Mapping[str, Key], place: str) -> dict[str, Any]:
    found = {}
    for name, key in keys.items():
        if name not in given:
            continue
        if not is_number(given[name], key.low, key.high):
            raise ScenarioError(
                f"{place}: key {name!r} is {given[name]!r}; it must be a number from {key.low:g} to {key.high:g} "
                f"({key.told})"
            )
        found[key.field] = float(given[name]) / key.by
    return found


def _trips(given: Mapping[str, Any], place: str, read_plan: ReadPlan | None) -> tuple[Trip, ...]:
    if "trip" in given and "trips" in given:
        raise ScenarioError(f"{place}: both 'trip' tables and a plan 'trips' = {given['trips']!r}: give one of them")
    if "trips" in given:
        return _plan(given["trips"], place, read_plan)
    tables = given.get("trip", [])
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise ScenarioError(f"{place}: 'trip' must be tables, each begun with [[scenario.trip]]")
    if "trip" in given and not tables:
        raise ScenarioError(f"{place}: 'trip' is an empty list; give a trip, or leave it out")
    if len(tables) > MOST_TRIPS:
        raise ScenarioError(f"{place}: {len(tables)} trips; at most {MOST_TRIPS}")
    return tuple(_trip(one, f"{place}, trip {number}") for number, one in enumerate(tables, 1))


def _trip(given: Mapping[str, Any], place: str) -> Trip:
    _known(given, tuple(TRIP_KEYS), place)
    for name in ("distance_km", "speed_kmh"):
        if name not in given:
            raise ScenarioError(f"{place}: key {name!r} is missing ({TRIP_KEYS[name].told})")
    trip = Trip(**_numbers(given, TRIP_KEYS, place))
    if trip.hours > MOST_HOURS:
        raise ScenarioError(
            f"{place}: distance_km is {trip.distance_km:g} and speed_kmh {trip.speed_kmh:g}: that takes "
            f"{trip.hours:.0f} hours, at most {MOST_HOURS:g} are looked at; cut it into trips"
        )
    if abs(trip.climb_m) > MOST_GRADE * 1000.0 * trip.distance_km:
        raise ScenarioError(
            f"{place}: climb_m is {trip.climb_m:g} and distance_km {trip.distance_km:g}: no road is so steep, it "
            f"may be {MOST_GRADE * 1000.0 * trip.distance_km:g} m at most"
        )
    return trip


def _plan(name: Any, place: str, read_plan: ReadPlan | None) -> tuple[Trip, ...]:
    """Trips of a CSV file: a line of names of `TRIP_KEYS`, then a trip a line; an empty field is left out."""
    if not isinstance(name, str) or not name:
        raise ScenarioError(f"{place}: key 'trips' is {name!r}; it must be the name of a CSV file")
    if read_plan is None:
        raise ScenarioError(
            f"{place}: key 'trips' is {name!r}; no file can be read here: write [[scenario.trip]] tables"
        )
    rows = csv.DictReader(io.StringIO(read_plan(name)), skipinitialspace=True)
    columns = [column.strip() for column in rows.fieldnames or []]
    rows.fieldnames = columns
    place = f"{place}, trips {name!r}"
    _known(dict.fromkeys(columns), tuple(TRIP_KEYS), place)
    trips: list[Trip] = []
    for row in rows:
        where = f"{place}, line {rows.line_num}"
        if len(trips) == MOST_TRIPS:
            raise ScenarioError(f"{where}: more than {MOST_TRIPS} trips")
        trips.append(_trip(_fields(row, columns, where), where))
    if not trips:
        raise ScenarioError(f"{place}: it holds no trip; a line of names ({', '.join(TRIP_KEYS)}), then a trip a line")
    return tuple(trips)


def _fields(row: Mapping[str, Any], columns: Sequence[str], where: str) -> dict[str, float]:
    if None in row or any(row[column] is None for column in columns):
        raise ScenarioError(f"{where}: it must have {len(columns)} fields ({', '.join(columns)})")
    found = {}
    for column in columns:
        if text := row[column].strip():
            try:
                found[column] = float(text)
            except ValueError:
                raise ScenarioError(f"{where}: {column!r} is {text!r}; it must be a number") from None
    return found
