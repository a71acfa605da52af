"""Segments of a release that had fewer signals are read, searched and added to."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from tests.runtime.workspaces import begin, bring
from tests.twin.garage import healthy
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.segments import may_hold
from twinpack.telemetry.schema import LOG

FRESH = ["coolant_temp_c", "link_voltage_v", "contactors_closed", "hv_interlock_closed"]


def test_a_signal_that_a_segment_has_not_is_missing_in_its_rows(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1), model=False)
    for path in workspace.log_dir.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(FRESH), path)
    group = pq.ParquetFile(next(workspace.log_dir.glob("*.parquet"))).metadata.row_group(0)
    assert not may_hold(group, FRESH[0])
    rows = [table for _, table in SegmentLog(workspace.log_dir).read()]
    assert all(table.schema == LOG for table in rows)
    assert all(table.column(name).null_count == table.num_rows for table in rows for name in FRESH)
    before = SegmentLog(workspace.log_dir).end_offset
    bring(workspace, healthy("a", 2))
    assert SegmentLog(workspace.log_dir).end_offset > before
