"""Rows of a source once their columns have been understood, before they are validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Action = Literal["row rejected", "value cleared"]
ROW_REJECTED: Action = "row rejected"
VALUE_CLEARED: Action = "value cleared"

Integers = npt.NDArray[np.int64]
Index = npt.NDArray[np.integer[Any]]
"""Positions in something, of any width."""
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fault:
    """Rows of one table that share a fault.

    Attributes:
        reason: One word: number, vehicle, time, clock, infinite, range, pack, conflict or row.
        action: What becomes of the row or its value.
        rows: Positions in the table, ascending.
        details: What is wrong, one text a row.
    """

    reason: str
    action: Action
    rows: Integers
    details: list[str]


@dataclass(frozen=True)
class Readings:
    """N rows of a source in the units of the schema.

    Attributes:
        vehicle_ids: Vehicles that `vehicle` points into, all of them allowed identifiers.
        vehicle: Index into `vehicle_ids`, shape (N,); -1 where the id is missing or not allowed.
        sample_time_us: Microseconds since the epoch, shape (N,); 0 where it is missing.
        receipt_time_us: The same of the receipt, or None when the source has none.
        signals: Scalar signals, shape (N,), NaN where missing; those the source lacks are absent.
        lists: Arrow arrays of list<float32>, N long.
        faults: What could not be understood.
    """

    vehicle_ids: tuple[str, ...]
    vehicle: npt.NDArray[np.int32]
    sample_time_us: Integers
    receipt_time_us: Integers | None
    signals: Mapping[str, Floats]
    lists: Mapping[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.vehicle)
