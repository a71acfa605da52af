"""Health that is seen without a version: how far cells lie apart at rest, and how far the charge of the BMS is off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.forecast.health import flat_slope_v
from twinpack.forecast.known import BMS, CELLS, IMBALANCE, TWIN, Told
from twinpack.runtime.health_basis import Packs
from twinpack.store.registry import Registry
from twinpack.store.tables import DAY, FEATURES, OFFSET, PREDICTION_STEPS, SAMPLE_TIME, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.twin.words import number, signed

Floats = npt.NDArray[np.float64]

LEAST_SPREAD_SD_MV = 0.5
"""A cell's voltage is told to the millivolt."""

LEAST_BMS_SD = 1.0
"""The twin's own charge is known no better, points."""

FEW = 3
"""Below so many values their scatter tells nothing of how far the middle may be off."""

_FEW_BMS_SD = 2.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAD = 1.4826


@dataclass(frozen=True)
class Seen:
    """One figure of a vehicle.

    Attributes:
        vehicle_id: The vehicle.
        at: When it was last seen in its month.
        source: As in the table `health`.
        told: The figure.
    """

    vehicle_id: str
    at: datetime
    source: str
    told: Told


Kept: TypeAlias = Mapping[tuple[str, int, int], tuple[datetime, float | None, float | None]]
"""When each vehicle's month was last seen, and its figure with its deviation, by vehicle, year and month."""


def imbalances(workspace: Workspace, kept: Kept) -> Iterator[Seen]:
    """Highest less lowest cell at rest of each vehicle, month by month; one null for a vehicle that never told.

    Args:
        workspace: Whose features are read.
        kept: What the table tells already: a month that was not seen again since is passed over.
    """
    columns = ["vehicle_id", DAY, "cell_rest_low_v", "cell_rest_high_v", "cell_rest_low", "last_sample"]
    rows = workspace.lake().read(FEATURES, columns)
    for vehicle_id, days in _by_vehicle(rows):
        low, high = (_numbers(days, name) for name in ("cell_rest_low_v", "cell_rest_high_v"))
        known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
        if not len(known):
            at = days.column("last_sample")[-1].as_py() or _EPOCH
            if (vehicle_id, at.year, at.month) not in kept:
                yield Seen(vehicle_id, at, CELLS, Told(IMBALANCE, None, None, _NO_CELLS))
            continue
        days = days.take(pa.array(known))
        yield from _months_of_cells(vehicle_id, days, 1e3 * (high - low)[known], 1e3 * low[known], kept)


_NO_CELLS = (
    "No day tells the voltages of its cells at rest. A profile that maps them would help, and an hour parked with the "
    "gateway awake"
)


def _months_of_cells(vehicle_id: str, days: pa.Table, spread: Floats, low: Floats, kept: Kept) -> Iterator[Seen]:
    dates: list[date] = days.column(DAY).to_pylist()
    cells = days.column("cell_rest_low").to_pylist()
    lasts = days.column("last_sample").to_pylist()
    before: Told | None = None
    for some in _months(dates):
        last = some.stop - 1
        at = lasts[last] or _EPOCH
        there = kept.get((vehicle_id, at.year, at.month))
        if there is not None and there[0] == at:
            before = Told(IMBALANCE, there[1], there[2], "")
            continue
        value, sd = _middle(spread[some], LEAST_SPREAD_SD_MV)
        cell = "" if cells[last] is None else f"cell {cells[last]} is lowest, {number(float(low[last]))} mV"
        changed = _changed(before, value, sd, "mV")
        told = Told(IMBALANCE, value, sd, "; ".join(text for text in (changed, cell) if text))
        yield Seen(vehicle_id, at, CELLS, told)
        before = told


def deviations(workspace: Workspace, registry: Registry, packs: Packs, start: int, end: int) -> Iterator[Seen]:
    """Charge told by the BMS less the twin's at the ends of trips, month by month, of months with new ones.

    The twin begins a trip with what the BMS tells, and the voltage corrects it: where that hardly changes with the
    charge, nothing is told.
    """
    ends = _trip_ends(workspace, start, end)
    flat: dict[str, bool] = {}
    for one in registry.vehicles():
        pack = packs.spec(one.pack)
        flat[one.vehicle_id] = pack is not None and flat_slope_v(pack) is not None
    for vehicle_id, rows in _by_vehicle(ends):
        times = rows.column("ended").to_pylist()
        off = _numbers(rows, "told") - 100.0 * _numbers(rows, "soc")
        before: Told | None = None
        for some in _months([at.date() for at in times]):
            told = _deviation(off[some], before, flat.get(vehicle_id, False))
            yield Seen(vehicle_id, times[some.stop - 1], TWIN, told)
            before = told if told.value is not None else before


def _deviation(off: Floats, before: Told | None, flat: bool) -> Told:
    if flat:
        return Told(BMS, None, None, _FLAT)
    value, sd = _middle(off, _FEW_BMS_SD if len(off) < FEW else 0.0)
    sd = float(np.hypot(sd, LEAST_BMS_SD))
    changed = _changed(before, value, sd, "points")
    of = "the end of one trip" if len(off) == 1 else f"the middle of the ends of {len(off)} trips"
    return Told(BMS, value, sd, f"{changed}; {of}" if changed else f"{of[:1].upper()}{of[1:]}")


_FLAT = (
    "The voltage of this chemistry hardly changes with the charge, and the twin follows what the BMS tells there. "
    "Charges to full, or a rest when nearly empty, would help"
)


def _trip_ends(workspace: Workspace, start: int, end: int) -> pa.Table:
    """The twin's charge and that of the BMS at the end of each trip of the months that rows of the log added to."""
    lake = workspace.lake()
    steps = lake.dataset(PREDICTION_STEPS)
    trips = lake.read(TRIPS, ["vehicle_id", "number", "soc_end_pct"])
    if steps is None or not trips.num_rows:
        return _NO_ENDS
    added = pc.field(OFFSET) >= start
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'; SET threads = 1; SET TimeZone = 'UTC'")
        connection.register("trips", trips)
        if start:
            connection.register("added", steps.scanner([SAMPLE_TIME], added))
            ((first,),) = connection.execute(f"SELECT min({SAMPLE_TIME}) FROM added").fetchall()
            if first is None:
                return _NO_ENDS
            since = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        else:
            since = _EPOCH
        wanted = (pc.field(OFFSET) < end) & (pc.field(SAMPLE_TIME) >= pa.scalar(since, pa.timestamp("us", "UTC")))
        connection.register("steps", steps.scanner(["vehicle_id", "trip_number", SAMPLE_TIME, "soc"], wanted))
        return connection.sql(_ENDS).to_arrow_table()


_NO_ENDS = pa.table({"vehicle_id": pa.array([], pa.string())})

_ENDS = f"""
    SELECT vehicle_id, ended, soc, soc_end_pct AS told FROM (
        SELECT vehicle_id, trip_number, max({SAMPLE_TIME}) AS ended, arg_max(soc, {SAMPLE_TIME})::DOUBLE AS soc
        FROM steps WHERE isfinite(soc) GROUP BY ALL
    ) JOIN trips USING (vehicle_id) WHERE number = trip_number AND isfinite(soc_end_pct) ORDER BY vehicle_id, ended
"""


def _changed(before: Told | None, value: float, sd: float, unit: str) -> str:
    """How a figure went on from the month before that told it."""
    if before is None or before.value is None or before.sd is None:
        return ""
    moved = value - before.value
    if abs(moved) <= 2.0 * float(np.hypot(sd, before.sd)):
        return "As in the month before, within its interval"
    return f"{signed(moved, 1)} {unit} since the month before, more than the intervals of both allow"


def _middle(values: Floats, least_sd: float) -> tuple[float, float]:
    """Median, and its standard deviation from the scatter about it; a few values may lie a fifth off."""
    middle = float(np.median(values))
    if len(values) < FEW:
        return middle, max(0.2 * abs(middle), least_sd)
    scatter = _MAD * float(np.median(np.abs(values - middle)))
    # The median of a normal sample is 1.25 times as uncertain as its mean.
    return middle, max(1.25 * scatter / float(np.sqrt(len(values))), least_sd)


def _months(days: Sequence[date]) -> Iterator[slice]:
    """Runs of days of one month; they are in order."""
    first = 0
    for at in range(1, len(days) + 1):
        if at == len(days) or (days[at].year, days[at].month) != (days[first].year, days[first].month):
            yield slice(first, at)
            first = at


def _by_vehicle(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Rows of each vehicle; they are in the order of vehicles."""
    if not rows.num_rows:
        return
    names = rows.column("vehicle_id").combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(codes)], strict=True):
        yield names.dictionary[int(codes[start])].as_py(), rows.slice(start, stop - start)


def _numbers(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)
