"""Where rows that an import turned away are kept."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.lake import Lake
from twinpack.store.records import now_us
from twinpack.store.tables import DEAD_LETTERS, TABLES


class LakeDeadLetters:
    """The dead-letter table of a lake; serves the importer as its sink."""

    def __init__(self, lake: Lake) -> None:
        """Keep rows in `lake`."""
        self._lake = lake

    def append(self, table: pa.Table) -> None:
        """Keep rows: file, row, vehicle_id, reason, detail, action, raw, profile, import_id."""
        kind = TABLES[DEAD_LETTERS].schema.field("imported_at").type
        stamp = pa.repeat(pa.scalar(now_us(), pa.int64()).cast(kind), table.num_rows)
        self._lake.add(DEAD_LETTERS, table.append_column("imported_at", stamp))

    def held(self, import_id: str) -> int:
        """How many rows of an import are kept, so that one that is repeated adds none twice."""
        rows = self._lake.read(DEAD_LETTERS, ["import_id"], pc.field("import_id") == import_id)
        return int(rows.num_rows)
