"""Telemetry that is to be played: files or a table, in the order in which it arrived, of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from twinpack.errors import InputError
from twinpack.telemetry.readings import Integers
from twinpack.telemetry.schema import SIGNALS

_ROWS = 10_000
_MEMORY = "1GB"
_PLACE = "place__"


@dataclass(frozen=True)
class Length:
    """How much there is and how long it takes.

    Attributes:
        samples: How many.
        vehicles: Of how many vehicles.
        first_us: When the first one arrived, microseconds since the epoch.
        last_us: When the last one did.
        plays_us: How long it takes to play, microseconds of the clock.
        lead_us: The most that a sample time is ahead of the moment at which it is played, both counted from their
            beginning: microseconds since the epoch.
    """

    samples: int
    vehicles: int
    first_us: int
    last_us: int
    plays_us: int
    lead_us: int


class Tape:
    """Samples in the order of receipt, or of their time where no receipt is told."""

    def __init__(self, source: Sequence[Path] | pa.Table) -> None:
        """Open it; used as a context manager.

        Args:
            source: Parquet files, or a table, in columns of the `TELEMETRY` schema; signals may be absent.

        Raises:
            InputError: There is nothing, or it lacks vehicle or time.
        """
        names = source.column_names if isinstance(source, pa.Table) else _columns_of(source)
        for needed in ("vehicle_id", "sample_time"):
            if needed not in names:
                raise InputError(f"there is no column {needed}: play telemetry as `twinpack simulate` writes it")
        self._folder = TemporaryDirectory(prefix="twinpack-play-")
        self._connection = duckdb.connect()
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET memory_limit = ?", [_MEMORY])
        self._connection.execute("SET temp_directory = ?", [self._folder.name])
        at = "coalesce(receipt_time, sample_time)" if "receipt_time" in names else "sample_time"
        signals = ", ".join(name for name in SIGNALS if name in names)
        origin, order = self._origin(source)
        self._samples = (
            f"SELECT vehicle_id, sample_time, epoch_us(sample_time) AS sample_us, epoch_us({at}) AS at_us"
            f"{', ' if signals else ''}{signals}, {order} FROM {origin}"
        )
        self._order = f"at_us, {order}"

    def __enter__(self) -> Tape:
        """Nothing more to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was written on the way."""
        self._connection.close()
        self._folder.cleanup()

    def length(self, speed: float | None, longest_pause_us: int) -> Length:
        """How long it takes.

        Args:
            speed: How many times faster than the clock; None for as fast as can be.
            longest_pause_us: Silence of the whole fleet that is played; of a longer one the rest is skipped.

        Raises:
            InputError: There is no sample.
        """
        rate = 0.0 if speed is None else 1.0 / speed
        query = f"""
            WITH samples AS ({self._samples}), moments AS (SELECT DISTINCT at_us FROM samples),
            steps AS (SELECT at_us, least(at_us - lag(at_us, 1, at_us) OVER (ORDER BY at_us), $pause) AS step
                FROM moments),
            clock AS (SELECT at_us, sum(step) OVER (ORDER BY at_us) * $rate AS played FROM steps)
            SELECT count(*), count(DISTINCT vehicle_id), min(at_us), max(at_us), max(played), max(sample_us - played)
            FROM samples JOIN clock USING (at_us)"""
        [found] = self._connection.execute(query, {"pause": longest_pause_us, "rate": rate}).fetchall()
        samples, vehicles, first, last, plays, lead = found
        if not samples:
            raise InputError("there is no sample to play")
        return Length(samples, vehicles, first, last, int(plays), int(np.ceil(lead)))

    def blocks(self, rows: int = _ROWS) -> Iterator[tuple[Integers, pa.Table]]:
        """All samples in their order.

        Args:
            rows: About how many at once.

        Yields:
            When each arrived, microseconds since the epoch, and the samples.
        """
        ordered = self._connection.sql(f"SELECT * FROM ({self._samples}) ORDER BY {self._order}")
        for batch in ordered.to_arrow_reader(rows):
            table = pa.Table.from_batches([batch])
            yield np.asarray(table["at_us"]), table

    def _origin(self, source: Sequence[Path] | pa.Table) -> tuple[str, str]:
        """What to select from, and the columns that keep the order of rows that arrived at once."""
        if isinstance(source, pa.Table):
            self._connection.register("given", source.append_column(_PLACE, pa.array(np.arange(source.num_rows))))
            return "given", _PLACE
        names = ", ".join(_quoted(str(path)) for path in source)
        return (
            f"read_parquet([{names}], union_by_name = true, filename = true, file_row_number = true)",
            "filename, file_row_number",
        )


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _columns_of(files: Sequence[Path]) -> list[str]:
    if not files:
        raise InputError("there is no Parquet file to play")
    names: dict[str, Any] = {}
    for path in files:
        try:
            names |= dict.fromkeys(pq.read_schema(path).names)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"{path} cannot be read as Parquet: {error}") from error
    return list(names)
