from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.runtime.segments import DAY_US, START_US, all_rows, of_kind, samples, write
from twinpack.errors import WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import merge, retain
from twinpack.runtime import lake as builder
from twinpack.runtime.lake import build_telemetry
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import (
    KIND_LAKE_SAMPLE,
    KIND_REALTIME_SAMPLE,
    command_rows,
    tick_row,
    to_log,
)

DAY = date(1970, 1, 1) + timedelta(days=20_000)


def minutes(*numbers: int, day: int = 0) -> list[int]:
    return [START_US + day * DAY_US + 60_000_000 * number for number in numbers]


def build(workspace: Workspace, until: int | None = None) -> builder.Built:
    with workspace.registry() as registry:
        return build_telemetry(workspace, write(workspace.home), registry, until)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "home")


def test_samples_come_whole_with_their_offsets_days_and_context(workspace: Workspace) -> None:
    table = samples("car-1", minutes(0, 1), pack_voltage_v=[350.0, None], is_charging=True, cell_voltage_v=[[3.5], []])
    write(workspace.home, table)
    with workspace.registry() as registry:
        registry.fleet.enter([VehicleEntry("car-1", pack="sim_nmc_96s", model_year=2024, climate="cold")])
    assert build(workspace) == builder.Built(rows=2, first_offset=0, end_offset=2)
    found = workspace.lake().read("telemetry")
    assert found.select(table.column_names).to_pylist() == table.to_pylist()
    assert found.column("offset").to_pylist() == [0, 1]
    assert set(found.column("day").to_pylist()) == {DAY}
    known = {"pack": "sim_nmc_96s", "fleet": "default", "model_year": 2024, "climate": "cold"}
    assert found.select(list(known)).to_pylist() == [known] * 2


def test_only_what_is_meant_for_the_lake_reaches_it(workspace: Workspace) -> None:
    kept = to_log(samples("car-1", minutes(0), soc_pct=50.0))
    lake_only = of_kind(to_log(samples("car-1", minutes(1), soc_pct=51.0)), KIND_LAKE_SAMPLE)
    realtime = of_kind(to_log(samples("car-1", minutes(2), soc_pct=52.0)), KIND_REALTIME_SAMPLE)
    command = command_rows(["car-1"], [START_US], ["{}"])
    write(workspace.home, pa.concat_tables([command, kept, realtime, lake_only, tick_row(START_US)]), realtime)
    assert build(workspace) == builder.Built(rows=2, first_offset=0, end_offset=6)
    assert [(row["soc_pct"], row["offset"]) for row in all_rows(workspace)] == [(50.0, 1), (51.0, 3)]
    assert build(workspace).rows == 0, "also a log that ends with other rows is not read again"


def test_it_goes_on_where_it_stood_and_stops_where_it_is_told(workspace: Workspace) -> None:
    write(workspace.home, samples("car-1", minutes(*range(10))))
    assert build(workspace, until=4).end_offset == 4
    write(workspace.home, samples("car-2", minutes(*range(5))))
    assert build(workspace) == builder.Built(rows=11, first_offset=4, end_offset=15)
    assert sorted(row["offset"] for row in all_rows(workspace)) == list(range(15))


def test_late_samples_land_in_their_day(workspace: Workspace) -> None:
    write(workspace.home, samples("car-1", minutes(0, day=2)), samples("car-1", minutes(0, 1, day=0)))
    build(workspace)
    assert [(row["day"], row["offset"]) for row in all_rows(workspace)] == [
        (DAY, 1),
        (DAY, 2),
        (DAY + timedelta(days=2), 0),
    ]


def test_rows_before_1970_and_around_midnight_have_their_day(workspace: Workspace) -> None:
    times = [-1, 0, DAY_US - 1, DAY_US]
    write(workspace.home, samples("car-1", times))
    build(workspace)
    days = [row["day"] for row in all_rows(workspace)]
    assert days == [date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 1), date(1970, 1, 2)]


def test_batches_and_buckets_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [samples(f"car-{number}", minutes(*range(0, 3000, 7)), soc_pct=float(number)) for number in range(7)]
    found = []
    for name, batch, buckets in (("one", 500_000, 1), ("many", 50, 1), ("buckets", 700, 3)):
        monkeypatch.setattr(builder, "BATCH_ROWS", batch)
        workspace = Workspace.open(tmp_path / name)
        log = write(workspace.home, *tables)
        TelemetryTable(workspace.lake(), buckets).opened()
        with workspace.registry() as registry:
            build_telemetry(workspace, log, registry)
        rows = workspace.lake().read("telemetry")
        assert (len(set(rows.column("bucket").to_pylist())) > 1) == (buckets > 1)
        found.append(rows.drop_columns(["bucket"]).to_pylist())
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 7 * 429


def test_a_vehicle_and_a_time_are_read_alone(workspace: Workspace) -> None:
    for number in range(3):
        write(workspace.home, samples(f"car-{number}", minutes(0, 1, 2, day=0) + minutes(0, 1, day=1)))
    build(workspace)
    lake = workspace.lake()
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    until = midnight + timedelta(days=1, minutes=2)
    rows = lake.read("telemetry", ["sample_time"], vehicle="car-1", since=midnight + timedelta(minutes=2), until=until)
    assert [int(time.timestamp() * 1e6) for time in rows.column(0).to_pylist()] == minutes(1, 2) + minutes(0, day=1)
    assert lake.read("telemetry", vehicle=["car-0", "car-2"]).num_rows == 10


def test_segments_that_retention_took_are_passed_over(workspace: Workspace) -> None:
    log = write(workspace.home, samples("car-1", minutes(0, 1)), samples("car-1", minutes(2)))
    build(workspace, until=1)
    assert len(retain(log, 2, max_bytes=1)) == 1
    assert build(workspace) == builder.Built(rows=1, first_offset=2, end_offset=3)


def test_segments_that_are_merged_meanwhile_are_read_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(workspace.home, *(samples(f"car-{number}", minutes(0, 1, 2)) for number in range(6)))
    monkeypatch.setattr(builder, "BATCH_ROWS", 6)
    real = TelemetryTable.append
    merged: list[int] = []

    def append(*arguments: Any) -> int:
        if not merged:
            merged.append(merge(SegmentLog(log.directory), 9))
        return real(*arguments)

    monkeypatch.setattr(TelemetryTable, "append", append)
    assert build(workspace) == builder.Built(rows=18, first_offset=0, end_offset=18)
    assert (merged, len(log.segments())) == ([6], 2)
    assert sorted(row["offset"] for row in all_rows(workspace)) == list(range(18))


def test_a_log_that_was_set_back_is_not_taken_for_known(workspace: Workspace) -> None:
    write(workspace.home, samples("car-1", minutes(0, 1)), samples("car-1", minutes(2)))
    build(workspace)
    max((workspace.home / "log").glob("*.parquet")).unlink()
    write(workspace.home)
    with pytest.raises(WorkspaceError, match="row 3 of a log that ends at 2"):
        build(workspace)


# --- kill -9 --------------------------------------------------------------------------------------------------------

CHILD = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.runtime.test_lake import stepwise
stepwise(Path(sys.argv[1]))
"""


def stepwise(home: Path) -> None:
    """In the child: build in small batches, but tell each step and wait to be allowed to go on."""
    from twinpack.store import telemetry
    from twinpack.store.places import Place

    def wait(where: str) -> None:
        sys.stdout.write(where + "\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            raise SystemExit("nobody answers")

    def watched(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def wrapped(*args: Any, **named: Any) -> Any:
            wait(f"before {name}")
            result = real(*args, **named)
            wait(f"after {name}")
            return result

        setattr(owner, name, wrapped)

    watched(telemetry, "write_files")
    watched(telemetry, "commit")
    watched(Place, "force_to_disk")
    builder.BATCH_ROWS = 40
    build(Workspace.open(home, create=False))


def build_and_kill(home: Path, after: int) -> str:
    command = [sys.executable, "-c", CHILD, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        for _ in range(after):
            child.stdout.readline()
            child.stdin.write("\n")
            child.stdin.flush()
        where = child.stdout.readline().strip()
        child.kill()
    return where


def test_killed_between_any_two_steps_no_row_is_lost_or_doubled(workspace: Workspace) -> None:
    write(workspace.home, *(samples(f"car-{number}", minutes(*range(20))) for number in range(15)))
    places = [build_and_kill(workspace.home, after) for after in (0, 2, 3, 4, 5, 7)]
    assert {"before write_files", "after write_files", "before commit", "after commit"} <= set(places)
    offsets = [row["offset"] for row in all_rows(workspace)]
    assert len(offsets) == len(set(offsets)) == TelemetryTable(workspace.lake()).offset
    assert 0 < len(offsets) < 300, "it was killed on the way"
    build(workspace)
    assert sorted(row["offset"] for row in all_rows(workspace)) == list(range(300))
