from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from twinpack.ingest.records import DEAD_LETTERS as SCHEMA
from twinpack.ingest.records import DeadLetterSink
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.lake import Lake
from twinpack.store.tables import DEAD_LETTERS


def _letters(import_id: str, *rows: int) -> pa.Table:
    common = {"file": "trips.csv", "reason": "range", "detail": "pack_voltage_v 9000 is above 1000", "raw": "{}"}
    common |= {"action": "row rejected", "profile": "twinpack", "import_id": import_id}
    return pa.Table.from_pylist([common | {"row": row} for row in rows], schema=SCHEMA)


def test_rows_turned_away_are_kept_and_counted_by_import(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    sink: DeadLetterSink = LakeDeadLetters(lake)
    assert sink.held("one") == 0
    sink.append(_letters("one", 3, 4))
    sink.append(_letters("one", 9))
    sink.append(_letters("two", 1))
    assert (sink.held("one"), sink.held("two")) == (3, 1)
    rows = lake.read(DEAD_LETTERS, filters=[("import_id", "=", "one")])
    assert rows.column("row").to_pylist() == [3, 4, 9]
    assert rows.column("imported_at").null_count == 0


def test_no_rows_make_no_table(tmp_path: Path) -> None:
    LakeDeadLetters(Lake(tmp_path)).append(_letters("one"))
    assert list(tmp_path.iterdir()) == []
