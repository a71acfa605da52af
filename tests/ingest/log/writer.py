"""A gateway to be killed: appends rows and dead letters as fast as it can, and says what is durable.

Each line it writes is the offset, first number and count of rows whose append has returned.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.ingest.log.logs import letters, samples
from twinpack.ingest.log import LiveLog, SegmentLog


class FolderSink:
    """Dead letters as files, each whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def append(self, table: pa.Table) -> None:
        name = f"{table.column('import_id')[0].as_py()}-{table.num_rows}"
        pq.write_table(table, self._folder / "half")
        os.replace(self._folder / "half", self._folder / f"{name}.parquet")

    def held(self, import_id: str) -> int:
        return sum(pq.read_metadata(path).num_rows for path in self._folder.glob(f"{import_id}-*.parquet"))

    def rows(self) -> list[int]:
        found = [pq.read_table(path).column("row").to_pylist() for path in self._folder.glob("*.parquet")]
        return sorted(row for rows in found for row in rows)


def main(folder: str, first: int) -> None:
    """Append for ever; the numbers of rows and dead letters begin with `first`."""
    log = SegmentLog(Path(folder) / "log")
    with LiveLog(log, FolderSink(Path(folder) / "dead"), segment_rows=60, segment_age_s=0.05) as live:
        while True:
            count = 1 + first % 7
            letter = letters(1).set_column(1, "row", pa.array([first], pa.int64()))
            offset = live.append(samples(range(first, first + count)), letter)
            os.write(1, f"{offset} {first} {count}\n".encode())
            first += count


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
