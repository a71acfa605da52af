"""Plans of trips as CSV text: speed along time or distance, with elevation where it is known."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.learn.energy_terms import Course

Floats = npt.NDArray[np.float64]

TIME, DISTANCE, SPEED, ELEVATION = "time_s", "distance_km", "speed_kmh", "elevation_m"
COLUMNS = (TIME, DISTANCE, SPEED, ELEVATION)
"""Columns that a plan may have; either of the first two, and speed, it has to have."""
BOUNDS = {TIME: (0.0, 864_000.0), DISTANCE: (0.0, 10_000.0), SPEED: (0.0, 300.0), ELEVATION: (-500.0, 9000.0)}
MOST_ROWS = 1_000_000


def read_plan(text: str, where: str = "plan") -> Course:
    """A plan from CSV text with a header: `time_s` or `distance_km`, `speed_kmh`, and `elevation_m` if it is known.

    Speed goes straight from row to row. Other columns are not read. An elevation may be missing in some rows.

    Args:
        text: The CSV.
        where: What to call it in an error.

    Raises:
        InputError: Naming line and column of what is wrong.
    """
    reader = csv.reader(io.StringIO(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}"), newline=""))
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{where}, line {reader.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{where}: it is empty; give a header and rows, such as {TIME},{SPEED},{ELEVATION}")
    if len(rows) > MOST_ROWS:
        raise InputError(f"{where}: {len(rows):,} rows; at most {MOST_ROWS:,}")
    header = _header([cell.strip() for cell in rows[0][1]], where)
    if len(rows) < 3:
        raise InputError(f"{where}: {len(rows) - 1} rows below the header; a way has at least two points")
    values = {name: np.array([_number(row, at, name, line, where) for line, row in rows[1:]]) for name, at in header}
    lines = [line for line, _ in rows[1:]]
    along = TIME if TIME in values else DISTANCE
    _check_rising(values[along], along, lines, where)
    time = values[TIME] if along == TIME else _times(values[DISTANCE], values[SPEED], lines, where)
    if not _distance_km(time, values[SPEED]) > 0.0:
        raise InputError(f"{where}: it goes nowhere: {SPEED} is 0 in every row")
    elevation = values.get(ELEVATION, np.full(len(time), np.nan))
    return Course(time, values[SPEED], elevation)


def _header(names: Sequence[str], where: str) -> list[tuple[str, int]]:
    for name in COLUMNS:
        if names.count(name) > 1:
            raise InputError(f"{where}, line 1: column {name!r} is there {names.count(name)} times")
    if SPEED not in names:
        raise InputError(f"{where}, line 1: column {SPEED!r} is missing; there are {', '.join(names)}")
    if (TIME in names) == (DISTANCE in names):
        which = (
            f"both {TIME!r} and {DISTANCE!r}: leave one out" if TIME in names else f"neither {TIME!r} nor {DISTANCE!r}"
        )
        raise InputError(f"{where}, line 1: there is {which}; speed is told along one of them")
    return [(name, names.index(name)) for name in COLUMNS if name in names]


def _number(row: Sequence[str], at: int, name: str, line: int, where: str) -> float:
    place = f"{where}, line {line}, column {name!r}"
    text = row[at].strip() if at < len(row) else ""
    if not text and name == ELEVATION:
        return math.nan
    if not text:
        raise InputError(f"{place}: it is empty; write a number")
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{place}: {text!r} is not a number") from None
    low, high = BOUNDS[name]
    if not low <= value <= high:
        raise InputError(f"{place}: {text} is not possible; it must lie between {low:g} and {high:g}")
    return value


def _check_rising(values: Floats, name: str, lines: Sequence[int], where: str) -> None:
    back = np.flatnonzero(np.diff(values) <= 0.0)
    if back.size:
        at = int(back[0]) + 1
        raise InputError(
            f"{where}, line {lines[at]}, column {name!r}: {values[at]:g} comes after {values[at - 1]:g}; it must rise"
        )


def _times(distance_km: Floats, speed_kmh: Floats, lines: Sequence[int], where: str) -> Floats:
    """When each point of a way is passed, s."""
    mean = 0.5 * (speed_kmh[1:] + speed_kmh[:-1])
    stuck = np.flatnonzero(mean <= 0.0)
    if stuck.size:
        raise InputError(
            f"{where}, line {lines[int(stuck[0]) + 1]}, column {SPEED!r}: 0 after 0, and yet the distance rises; "
            f"give a speed, or tell the way along {TIME!r}"
        )
    return np.concatenate([[0.0], np.cumsum(3600.0 * np.diff(distance_km) / mean)])


def _distance_km(time_s: Floats, speed_kmh: Floats) -> float:
    return float(np.trapezoid(speed_kmh, time_s)) / 3600.0
