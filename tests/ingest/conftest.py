from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from twinpack.ingest.files import import_path
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.records import ImportSummary, MemoryDeadLetters
from twinpack.telemetry.profiles import Profile, parse_profile

NOW_US = 1_750_000_000_000_000
"""15 June 2025, in microseconds since the epoch."""

PROFILE = """
name = "test"
pack = "bmw_i3_60ah"
[vehicle]
column = "vin"
[time]
clock = "t"
[signals]
pack_voltage_v = "volt"
pack_current_a = "amp"
soc_pct = { column = "soc", required = false }
cell_temp_avg_c = { column = "temp", required = false }
"""


@dataclass
class Bench:
    """A log, a dead-letter table and a folder to put files in."""

    folder: Path
    log: SegmentLog
    dead: MemoryDeadLetters

    def profile(self, text: str = PROFILE) -> Profile:
        return parse_profile(text)

    def run(self, path: Path, profile: str = PROFILE, **options: Any) -> ImportSummary:
        return import_path(path, parse_profile(profile), self.log, self.dead, now_us=NOW_US, **options)

    def csv(self, text: str, name: str = "a.csv", profile: str = PROFILE) -> ImportSummary:
        path = self.folder / name
        path.write_text(text)
        return self.run(path, profile)

    def rows(self) -> pa.Table:
        return pa.concat_tables([table for _, table in self.log.read()])

    def samples(self, *columns: str) -> list[list[Any]]:
        rows = [row for row in self.rows().to_pylist() if row["kind"] == 0]
        return [[row[column] for column in columns] for row in rows]

    def letters(self, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row[column] for column in columns) for row in self.dead.table.to_pylist()]

    def leftovers(self) -> list[str]:
        names = (path.name for path in self.log.directory.iterdir())
        return sorted(name for name in names if not name.endswith((".parquet", ".lock")))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "files"
    folder.mkdir()
    return Bench(folder, SegmentLog(tmp_path / "log"), MemoryDeadLetters())
