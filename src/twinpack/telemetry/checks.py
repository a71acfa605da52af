"""What is wrong with samples: the checks that every way in shares, and where they note what they find.

Positions are those of the N rows that are checked together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.pack import PackSpec
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import (
    ROW_REJECTED,
    VALUE_CLEARED,
    Action,
    Fault,
    Flags,
    Floats,
    Integers,
    Readings,
)
from twinpack.telemetry.schema import LIST_SIGNALS, SIGNALS, TELEMETRY, TIME_TYPE

Limits = Mapping[str, tuple[float, float]]
Bound = float | Floats
"""A limit of a signal: one for all rows, or one for each."""

MAX_AHEAD_US = 300_000_000
"""A sample time further ahead of its receipt than this, in microseconds, is quarantined."""
EARLIEST_US = 631_152_000_000_000
"""1990-01-01; an earlier time is a wrong unit or an unset clock."""
LATEST_US = 4_102_444_800_000_000
"""2100-01-01."""


def physical_limits() -> dict[str, tuple[float, float]]:
    """Lowest and highest possible value of every signal, in its unit."""
    return {signal.name: (signal.minimum, signal.maximum) for signal in SIGNALS.values()}


def limits_for(pack: PackSpec) -> dict[str, tuple[float, float]]:
    """Physical limits narrowed to what a pack could show, faults included.

    An over-voltage or over-current is a finding and must pass; twice the allowed current, a fifth over the highest or
    under half the lowest voltage is a wrong unit or a broken sensor.
    """
    limits = physical_limits()
    limits["pack_voltage_v"] = (0.5 * pack.voltage_min_v, min(1.2 * pack.voltage_max_v, 1000.0))
    limits["pack_current_a"] = (
        -min(2 * pack.discharge_current_max_a, 2000.0),
        min(2 * max(pack.charge_current_max_a, pack.discharge_current_max_a), 2000.0),
    )
    return limits


Detail = Callable[[int], str]
"""Says what is wrong with a row."""


def impossible(time_us: Integers) -> Flags:
    """Times that no sample can have, shape (N,)."""
    return (time_us < EARLIEST_US) | (time_us >= LATEST_US)


class Ledger:
    """Which rows of a table are rejected, and every fault with its reason.

    Attributes:
        rejected: Rows turned away so far, shape (N,).
        faults: What is wrong, in the order in which it was found.
    """

    def __init__(self, rows: int, faults: Sequence[Fault] = ()) -> None:
        """Begin with what was found wrong with N rows before."""
        self.rejected = np.zeros(rows, bool)
        self.faults: list[Fault] = []
        for fault in faults:
            mask = np.zeros(rows, bool)
            mask[fault.rows] = True
            texts = dict(zip(fault.rows.tolist(), fault.details, strict=True))
            self.add(fault.reason, fault.action, mask, texts.__getitem__)

    def reject(self, reason: str, mask: Flags, detail: Detail) -> None:
        """Turn rows away that have not been turned away for another fault."""
        self.add(reason, ROW_REJECTED, mask, detail)

    def add(self, reason: str, action: Action, mask: Flags, detail: Detail) -> None:
        """Note a fault of rows that have not been rejected for another one."""
        rows = np.flatnonzero(mask & ~self.rejected)
        if not len(rows):
            return
        self.faults.append(Fault(reason, action, rows.astype(np.int64), [detail(int(row)) for row in rows]))
        if action == ROW_REJECTED:
            self.rejected[rows] = True


def check_times(time_us: Integers, receipt_us: Integers | None, latest_us: int | None, ledger: Ledger) -> None:
    """Reject times that cannot be, and sample times too far ahead of their receipt.

    Args:
        time_us: Sample times, shape (N,).
        receipt_us: Receipt times, or None.
        latest_us: Where there are none, the moment after which nothing can have been sampled, or None.
        ledger: Where faults are noted.
    """
    ledger.reject("time", impossible(time_us), lambda row: "the sample time is not between 1990 and 2100")
    if receipt_us is not None:
        ledger.reject("time", impossible(receipt_us), lambda row: "the receipt time is not between 1990 and 2100")
    reference = receipt_us if receipt_us is not None else latest_us
    if reference is None:
        return
    ahead = time_us - reference
    than = "its receipt" if receipt_us is not None else "the moment of the import"
    detail: Detail = lambda row: f"the sample time is {ahead[row] / 1e6:.0f} s ahead of {than}"  # noqa: E731
    ledger.reject("clock", ahead > MAX_AHEAD_US, detail)


def in_range(name: str, values: Floats, low: Bound, high: Bound, ledger: Ledger) -> tuple[Floats, Flags]:
    """A signal whose impossible values are missing; a row is rejected where it cannot do without the signal.

    Args:
        name: The signal.
        values: Its values, shape (N,).
        low: Lowest value that can be, one for all rows or one for each.
        high: The same of the highest.
        ledger: Where faults are noted.

    Returns:
        The values, and which of them are finite and out of range.
    """
    outside = (values < low) | (values > high)  # never of NaN
    if not outside.any():
        return values, outside
    infinite = np.isinf(values)
    outside &= ~infinite
    action = ROW_REJECTED if name in ESSENTIAL else VALUE_CLEARED
    ledger.add("infinite", action, infinite, lambda row: f"{name} is infinite")
    ledger.add("range", action, outside, lambda row: _out_of_range(name, values, low, high, row))
    return np.where(infinite | outside, np.nan, values), outside


def _out_of_range(name: str, values: Floats, low: Bound, high: Bound, row: int) -> str:
    unit = SIGNALS[name].unit
    lowest, highest = (bound if isinstance(bound, float | int) else bound[row] for bound in (low, high))
    return f"{name} is {values[row]:.6g} {unit}, outside {lowest:g} to {highest:g} {unit}"


def taken(lists: Mapping[str, Any], kept: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Some rows of list arrays."""
    rows = pa.array(kept, pa.int64())
    return {name: values.take(rows) for name, values in lists.items()}


def list_in_range(name: str, values: Any, limits: tuple[float, float], ledger: Ledger) -> Any:
    """A list array whose impossible elements are missing; positions of cells stay.

    Args:
        name: The signal.
        values: Its values, one list a row.
        limits: Lowest and highest value that can be.
        ledger: Where faults are noted, one a row however many of its elements are impossible.
    """
    flat = np.asarray(values.flatten().to_numpy(zero_copy_only=False), np.float32)
    bad = ~((flat >= limits[0]) & (flat <= limits[1]))
    if not bad.any():
        return values
    lengths = np.asarray(values.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    _note_elements(name, flat, bad & ~np.isnan(flat), lengths, limits, ledger)
    cleaned = pa.array(np.where(bad, np.nan, flat).astype(np.float32), from_pandas=True)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, cleaned, mask=values.is_null())


def _note_elements(
    name: str,
    flat: npt.NDArray[np.float32],
    bad: Flags,
    lengths: npt.NDArray[Any],
    limits: tuple[float, float],
    ledger: Ledger,
) -> None:
    rows, first, count = np.unique(
        np.repeat(np.arange(len(lengths)), lengths)[bad], return_index=True, return_counts=True
    )
    begin = np.cumsum(lengths) - lengths
    at = np.flatnonzero(bad)[first]
    unit = SIGNALS[name].unit

    def detail(row: int) -> str:
        k = int(np.searchsorted(rows, row))
        place, more = at[k] - begin[row] + 1, f", {count[k] - 1} more like it" if count[k] > 1 else ""
        return (
            f"{name}: number {place} is {flat[at[k]]:.6g} {unit}{more}, outside {limits[0]:g} to {limits[1]:g} {unit}"
        )

    mask = np.zeros(len(lengths), bool)
    mask[rows] = True
    ledger.add("range", VALUE_CLEARED, mask, detail)


def samples_table(
    readings: Readings,
    signals: Mapping[str, Floats],
    lists: Mapping[str, Any],
    kept: npt.NDArray[np.intp],
    receipt: Integers,
) -> pa.Table:
    """Some rows as a table in the `TELEMETRY` schema.

    Args:
        readings: All N rows.
        signals: Scalar signals once checked, each of shape (N,).
        lists: Arrow list arrays once checked, each N long.
        kept: Positions of the K rows wanted.
        receipt: Their receipt times, microseconds since the epoch, shape (K,).
    """
    names = pa.array(readings.vehicle_ids, pa.string())
    cells = taken(lists, kept)
    given = {
        "vehicle_id": names.take(pa.array(readings.vehicle[kept])),
        "sample_time": pa.array(readings.sample_time_us[kept]).cast(TIME_TYPE),
        "receipt_time": pa.array(receipt).cast(TIME_TYPE),
        **{name: pa.array(values[kept], from_pandas=True) for name, values in signals.items()},
        **{name: cells[name] for name in LIST_SIGNALS if name in cells},
    }
    columns = [
        given[field_.name].cast(field_.type) if field_.name in given else pa.nulls(len(kept), field_.type)
        for field_ in TELEMETRY
    ]
    return pa.Table.from_arrays(columns, schema=TELEMETRY)
