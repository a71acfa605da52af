from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.store.test_telemetry import HOUR_US, offsets, rows
from twinpack.store import maintenance, telemetry, telemetry_files, telemetry_pieces
from twinpack.store.lake import Lake
from twinpack.store.maintenance import Maintained, clean_up, compact_telemetry, drop_old_days, maintain
from twinpack.store.settings import LakeSettings
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_pieces import stored_files

DAY_US = 24 * HOUR_US


def fill(lake: Lake, parts: int, days: int = 2, vehicles: int = 3, buckets: int = 1) -> list[int]:
    """Each part brings some samples of every vehicle on every day; their offsets come back."""
    table = TelemetryTable(lake, buckets)
    end = 0
    for part in range(parts):
        pieces = []
        for vehicle in range(vehicles):
            for day in range(days):
                pieces.append(rows(end, 4, f"car-{vehicle}", day * DAY_US + part * 4 * HOUR_US))
                end += 4
        table.append(pa.concat_tables(pieces), end)
    return list(range(end))


def files(lake: Lake) -> list[telemetry_pieces.StoredFile]:
    table = lake.open("telemetry")
    assert table is not None
    return stored_files(table)


def everything(lake: Lake) -> list[dict[str, object]]:
    found: list[dict[str, object]] = lake.read("telemetry").to_pylist()
    return found


def test_compaction_joins_the_files_of_a_day_and_changes_no_row(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, parts=5)
    before = everything(lake)
    assert compact_telemetry(lake, parts=6) == 0
    assert compact_telemetry(lake) == 2
    assert [(file.day, file.rows) for file in files(lake)] == [(date(1970, 1, 1), 60), (date(1970, 1, 2), 60)]
    assert everything(lake) == before
    assert TelemetryTable(lake).offset == 120
    assert TelemetryTable(lake).append(rows(0, 20), 20) == 0
    assert compact_telemetry(lake, parts=1) == 0, "what is sorted stays"


def test_only_days_that_changed_are_compacted_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    end = len(fill(lake, parts=4))
    compact_telemetry(lake)
    first_day = files(lake)[0].path
    TelemetryTable(lake).append(rows(end, 1, start_us=DAY_US), end + 1)
    assert compact_telemetry(lake, parts=1) == 1
    assert files(lake)[0].path == first_day
    assert offsets(lake) == list(range(end + 1))


@pytest.mark.parametrize("buckets", [1, 3])
def test_a_day_that_does_not_fit_into_memory_is_compacted_by_vehicles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buckets: int
) -> None:
    monkeypatch.setattr(telemetry_pieces, "PIECE_ROWS", 50)
    monkeypatch.setattr(telemetry_files, "FILE_ROWS", 45)
    lake = Lake(tmp_path)
    fill(lake, parts=5, days=2, vehicles=9, buckets=buckets)
    before = everything(lake)
    compact_telemetry(lake)
    table = lake.open("telemetry")
    assert table is not None
    held = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    for day in (date(1970, 1, 1), date(1970, 1, 2)):
        for bucket in range(buckets):
            mine = [one for one in held if (one["partition.day"], one["partition.bucket"]) == (day, bucket)]
            spans = sorted((one["min.vehicle_id"], one["max.vehicle_id"]) for one in mine)
            assert all(before_[1] <= after[0] for before_, after in pairwise(spans))
            assert all(one["num_records"] <= 45 for one in mine)
    assert everything(lake) == before


def test_days_are_dropped_once_all_of_them_is_old(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    end = len(fill(lake, parts=1, days=4))
    midnight = datetime(1970, 1, 4, tzinfo=UTC)
    assert drop_old_days(lake, 0.0, midnight) == []
    assert drop_old_days(lake, 1.0, midnight - timedelta(microseconds=1)) == [date(1970, 1, 1)]
    assert drop_old_days(lake, 1.0, midnight) == [date(1970, 1, 2)]
    assert drop_old_days(lake, 1.0, midnight) == []
    assert {row["day"] for row in everything(lake)} == {date(1970, 1, 3), date(1970, 1, 4)}
    assert TelemetryTable(lake).offset == end
    drop_old_days(lake, 1.0, midnight + timedelta(days=30))
    assert (everything(lake), TelemetryTable(lake).offset) == ([], end), "an empty table knows where it stood"
    assert TelemetryTable(lake).append(rows(0, end + 2), end + 2) == 2


def test_a_reader_that_began_before_goes_on_until_the_clean_up(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, parts=4)
    began = lake.dataset("telemetry")
    assert began is not None
    compact_telemetry(lake)
    assert clean_up(lake, "telemetry", keep_hours=24) == 0
    assert began.to_table().num_rows == 96
    (tmp_path / "telemetry" / "day=1970-01-01" / "bucket=0" / "part-left.parquet").write_bytes(b"of a writer that died")
    os.utime(tmp_path / "telemetry" / "day=1970-01-01" / "bucket=0" / "part-left.parquet", (0, 0))
    assert clean_up(lake, "telemetry", keep_hours=24) == 1, "what nobody names is removed too"
    assert clean_up(lake, "telemetry", keep_hours=0) == 8
    assert len(everything(lake)) == 96
    assert TelemetryTable(lake).offset == 96


def test_nothing_is_done_where_there_is_no_table(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert compact_telemetry(lake) == 0
    assert drop_old_days(lake, 1.0, datetime(2026, 1, 1, tzinfo=UTC)) == []
    assert clean_up(lake, "telemetry", 1.0) == 0


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("side", ["before", "after"])
def test_compaction_cut_off_beside_its_commit_changes_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    lake = Lake(tmp_path)
    end = len(fill(lake, parts=4))
    before = everything(lake)
    real = telemetry.commit

    def cut(*arguments: Any) -> None:
        if side == "after":
            real(*arguments)
        raise Killed

    monkeypatch.setattr(maintenance, "commit", cut)
    with pytest.raises(Killed):
        compact_telemetry(lake)
    assert everything(lake) == before
    monkeypatch.setattr(maintenance, "commit", real)
    assert compact_telemetry(lake) == (2 if side == "before" else 1)
    assert (everything(lake), len(files(lake))) == (before, 2)
    assert TelemetryTable(lake).append(rows(0, end), end) == 0


def test_all_of_it_at_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, parts=4, days=3)
    settings = LakeSettings(retention_days=1.0, keep_replaced_h=0.0)
    done = maintain(lake, settings, datetime(1970, 1, 3, tzinfo=UTC))
    assert done == Maintained(compacted=2, dropped=[date(1970, 1, 1)], removed=12)
    assert maintain(lake, settings, datetime(1970, 1, 3, tzinfo=UTC)) == Maintained(0, [], 0)
