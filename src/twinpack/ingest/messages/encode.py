"""Write messages of telemetry; `messages` reads them. `docs/reference/telemetry.md` describes the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa

from twinpack.ingest.messages import MAX_SAMPLES, VERSION
from twinpack.telemetry.readings import Integers
from twinpack.telemetry.schema import SIGNALS

Encoding = Literal["json", "msgpack"]

MOST_APART_US = 60_000_000
"""Samples of a vehicle that are further apart than this do not share a message."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One message.

    Attributes:
        vehicle_id: Its vehicle.
        row: Row of the table that its last sample is.
        samples: How many it holds.
        payload: Its bytes.
    """

    vehicle_id: str
    row: int
    samples: int
    payload: bytes


class Encoder:
    """Makes messages of tables, one after the other, and counts them for each vehicle."""

    def __init__(self, encoding: Encoding = "json", samples: int = 1) -> None:
        """Choose the form.

        Args:
            encoding: JSON or MessagePack.
            samples: Most samples in a message; more than one are written in columns.
        """
        self._encoding = encoding
        self._samples = min(max(samples, 1), MAX_SAMPLES)
        self._counts: Counter[str] = Counter()
        self._write = msgspec.json.Encoder().encode if encoding == "json" else msgspec.msgpack.Encoder().encode

    def messages(self, table: pa.Table) -> Iterator[Encoded]:
        """The messages of a table, in the order of their last rows.

        Args:
            table: Samples in columns of the `TELEMETRY` schema, in the order in which they are sent; signals may be
                absent, and other columns mean nothing.
        """
        names = [name for name in SIGNALS if name in table.column_names and table[name].null_count < table.num_rows]
        time_us = np.asarray(table["sample_time"].cast(pa.int64()))
        vehicle = table["vehicle_id"].combine_chunks().dictionary_encode()
        columns = {name: table[name].to_pylist() for name in names}
        if self._samples == 1:
            texts = _times(time_us) if self._encoding == "json" else time_us.tolist()
            for row, name in enumerate(vehicle.to_pylist()):
                values = {key: column[row] for key, column in columns.items() if column[row] is not None}
                yield self._one(name, row, 1, {"time": texts[row]} | values)
            return
        ids = vehicle.dictionary.to_pylist()
        for rows in _groups(np.asarray(vehicle.indices), time_us, self._samples):
            yield self._one(
                ids[vehicle.indices[int(rows[0])].as_py()],
                int(rows[-1]),
                len(rows),
                self._columns(columns, time_us, rows),
            )

    def _one(self, vehicle_id: str, row: int, samples: int, values: dict[str, Any]) -> Encoded:
        self._counts[vehicle_id] += 1
        head = {"v": VERSION, "vehicle": vehicle_id, "seq": self._counts[vehicle_id]}
        return Encoded(vehicle_id, row, samples, self._write(head | values))

    def _columns(self, columns: dict[str, list[Any]], time_us: Integers, rows: Integers) -> dict[str, Any]:
        places = rows.tolist()
        values: dict[str, Any] = {"time": time_us[rows].tolist()}
        if self._encoding == "msgpack":
            values["time"] = time_us[rows].astype("<i8").tobytes()
        for name, column in columns.items():
            given = [column[row] for row in places]
            if any(value is not None for value in given):
                packed = self._encoding == "msgpack" and SIGNALS[name].kind == "float"
                values[name] = np.array(given, "<f8").tobytes() if packed else given
        return values


def _times(time_us: Integers) -> list[str]:
    texts = np.datetime_as_string(time_us.astype("datetime64[us]"), unit="us", timezone="UTC")
    return [str(text) for text in texts]


def _groups(vehicle: Integers, time_us: Integers, most: int) -> list[Integers]:
    """Rows of each message: consecutive ones of a vehicle, at most so many; in the order of the last row of each."""
    if not len(vehicle):
        return []
    order = np.argsort(vehicle, kind="stable")
    apart = np.abs(np.diff(time_us[order])) > MOST_APART_US
    begins = np.concatenate([[True], (np.diff(vehicle[order]) != 0) | apart])
    first = np.flatnonzero(begins)
    place = np.arange(len(order)) - np.repeat(first, np.diff([*first.tolist(), len(order)]))
    groups = np.split(order, np.flatnonzero(place % most == 0)[1:])
    return sorted(groups, key=lambda rows: int(rows[-1]))
