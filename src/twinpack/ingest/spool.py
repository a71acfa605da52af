"""Rows turned away, kept beside the log until their file has been read to its end."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from twinpack.ingest.readers import Piece
from twinpack.ingest.records import DEAD_LETTERS, DeadLetterSink
from twinpack.telemetry.readings import ROW_REJECTED, Fault, Readings

_PIECE_ROWS = 65_536


class Spool:
    """Dead letters of one file on disk, so that a file full of faults does not fill the memory."""

    def __init__(self, path: Path, file: str, profile: str, import_id: str) -> None:
        """Name the temporary file and what all rows have in common."""
        self._path = path
        self._common = {"file": file, "profile": profile, "import_id": import_id}
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Spool:
        """Nothing is opened before the first fault."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the temporary file."""
        self._close()
        self._path.unlink(missing_ok=True)

    def add(self, piece: Piece, readings: Readings, faults: Iterable[Fault]) -> None:
        """Keep the faults of a piece of the file, in the order of its rows."""
        letters = [*_malformed(piece), *_faulty(piece, readings, faults)]
        if letters:
            letters.sort(key=lambda letter: int(letter["row"]))
            self._write(pa.Table.from_pylist([letter | self._common for letter in letters], schema=DEAD_LETTERS))

    def deliver(self, sink: DeadLetterSink, most: int | None = None) -> None:
        """Hand over what the sink does not have yet.

        Args:
            sink: Where the rows go.
            most: Hand over no more than the first so many.
        """
        if self._writer is None:
            return
        self._close()
        skip = sink.held(self._common["import_id"])
        with pq.ParquetFile(self._path) as file:
            left = file.metadata.num_rows if most is None else most
            for batch in file.iter_batches(_PIECE_ROWS):
                table = pa.Table.from_batches([batch]).slice(0, max(left, 0))
                left -= table.num_rows
                fresh = table.slice(skip)
                skip = max(skip - table.num_rows, 0)
                if fresh.num_rows:
                    sink.append(fresh)

    def _write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, DEAD_LETTERS, compression="zstd")
        self._writer.write_table(table)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _malformed(piece: Piece) -> list[dict[str, Any]]:
    return [
        {"row": bad.row, "reason": "row", "detail": bad.detail, "action": ROW_REJECTED, "raw": json.dumps(bad.text)}
        for bad in piece.bad
    ]


def _faulty(piece: Piece, readings: Readings, faults: Iterable[Fault]) -> list[dict[str, Any]]:
    letters = []
    for fault in faults:
        source = piece.table.take(pa.array(fault.rows)).to_pylist()
        for position, detail, values in zip(fault.rows.tolist(), fault.details, source, strict=True):
            index = int(readings.vehicle[position])
            letters.append(
                {
                    "row": int(np.asarray(piece.rows)[position]),
                    "vehicle_id": readings.vehicle_ids[index] if index >= 0 else None,
                    "reason": fault.reason,
                    "detail": detail,
                    "action": fault.action,
                    "raw": json.dumps({key: _plain(value) for key, value in values.items()}, default=str),
                }
            )
    return letters


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
