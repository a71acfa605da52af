"""The example of the how-to page does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twinpack.ingest.files import find_profile, import_path
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.records import DEAD_LETTERS, MemoryDeadLetters
from twinpack.telemetry.profiles import shipped_profiles

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "import.md"


def test_the_example_imports_as_described(tmp_path: Path) -> None:
    examples = re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for name, text in examples:
        (tmp_path / name).write_text(text, "utf-8")
    log, dead = SegmentLog(tmp_path / "log"), MemoryDeadLetters()
    summary = import_path(tmp_path, find_profile(str(tmp_path / "bus.toml")), log, dead)
    assert (summary.rows_imported, summary.vehicles, summary.rejected) == (3, {"bus-12"}, {"infinite": 1})
    rows = [row for _, table in log.read() for row in table.to_pylist() if row["kind"] == 0]
    assert [row["pack_voltage_v"] for row in rows] == pytest.approx([371.2, 370.1, None])
    assert [row["pack_current_a"] for row in rows] == pytest.approx([-15.2, -48.0, -47.1])
    assert rows[0]["sample_time"].isoformat() == "2025-03-01T06:00:00+00:00"
    assert rows[0]["cell_temp_max_c"] == pytest.approx(18.25)
    assert (rows[1]["speed_kmh"], rows[0]["soc_pct"], rows[0]["ambient_temp_c"]) == pytest.approx((15.12, 83.0, 8.0))
    assert dead.table.schema == DEAD_LETTERS


def test_every_shipped_profile_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"| `{name}` |" in text for name in shipped_profiles())
