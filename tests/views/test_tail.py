"""What the lake does not have yet is seen as soon as it is durable, once, and from wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.log.logs import opened
from tests.views.samples import built, rows, sealed, seconds_of, vehicles_since
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.wal import read_rows_after
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import KIND_REALTIME_SAMPLE, tick_row
from twinpack.views.sight import Span
from twinpack.views.telemetry.files import TelemetryFiles
from twinpack.views.telemetry.newest import Newest
from twinpack.views.telemetry.samples import Samples
from twinpack.views.telemetry.tail import MOST_BYTES, Tail

ALL = (-(2**62), 2**62)
VOLT = ("pack_voltage_v",)


class Looking:
    """The lake and the tail of a workspace."""

    def __init__(self, workspace: Workspace, most_bytes: int = MOST_BYTES) -> None:
        self.files = TelemetryFiles(workspace.lake())
        self.tail = Tail(SegmentLog(workspace.log_dir), lambda: self.files.end_offset, most_bytes)
        self.samples = Samples(self.files, self.tail, Newest(self.files, self.tail), lambda vehicle: None)

    def seconds(self, vehicle: str = "car-1") -> list[float]:
        return seconds_of(self.samples.rows(vehicle, *ALL, VOLT))


def test_rows_are_seen_once_on_their_way_from_the_write_ahead_file_to_the_lake(workspace: Workspace) -> None:
    look = Looking(workspace)
    assert look.seconds() == []
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", range(3), pack_voltage_v=380.0))
        assert look.seconds() == [0, 1, 2]
        log.append(rows("car-1", range(3, 5), pack_voltage_v=381.0))
        log.append(rows("car-2", range(9), pack_voltage_v=300.0))
        assert look.seconds() == [0, 1, 2, 3, 4]
        log.seal()
        assert look.seconds() == [0, 1, 2, 3, 4]
        log.append(rows("car-1", [5], pack_voltage_v=382.0))
        built(workspace)
        assert look.seconds() == [0, 1, 2, 3, 4, 5]
    built(workspace)
    assert look.seconds() == [0, 1, 2, 3, 4, 5]
    assert look.seconds("car-2") == list(range(9))
    assert not vehicles_since(look.tail, 0)  # the lake has all


def test_one_who_comes_late_sees_what_is_sealed_and_what_is_not(workspace: Workspace) -> None:
    sealed(workspace, rows("car-1", range(4), pack_voltage_v=1.0), tick_row(9_000_000))
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", range(4, 6), pack_voltage_v=2.0))
        sealed(workspace, rows("car-1", range(6, 8), pack_voltage_v=3.0))  # an import, behind what is not sealed
        log.append(rows("car-1", range(8, 10), pack_voltage_v=4.0))
        assert Looking(workspace).seconds() == list(range(10))


def test_what_memory_does_not_hold_is_looked_up_in_the_segments(workspace: Workspace) -> None:
    for first in range(0, 40, 10):
        sealed(workspace, rows("car-1", range(first, first + 10), pack_voltage_v=1.0), rows("car-2", [first]))
    small = Looking(workspace, most_bytes=400)
    assert small.seconds() == list(range(40))
    assert small.seconds("car-2") == [0, 10, 20, 30]
    assert small.seconds("car-3") == []
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", range(40, 42), pack_voltage_v=1.0))
        assert small.seconds() == list(range(42))


def test_a_sample_that_the_lake_is_not_to_have_is_seen_while_it_is_new(workspace: Workspace) -> None:
    look = Looking(workspace)
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", range(2), KIND_REALTIME_SAMPLE, pack_voltage_v=1.0))
        assert look.seconds() == [0, 1]


def test_late_rows_take_their_place_and_the_last_of_two_with_one_time_counts(workspace: Workspace) -> None:
    sealed(workspace, rows("car-1", [10, 20], pack_voltage_v=[1.0, 2.0]))
    built(workspace)
    look = Looking(workspace)
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", [15, 20], pack_voltage_v=[1.5, 2.5]))
        found = look.samples.rows("car-1", *ALL, VOLT)
    assert seconds_of(found) == [10, 15, 20]
    assert found.column("pack_voltage_v").to_pylist() == [1.0, 1.5, 2.5]


def test_those_of_whom_samples_came_are_told(workspace: Workspace) -> None:
    look = Looking(workspace)
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", [1], pack_voltage_v=1.0))
        look.tail.refresh()
        assert vehicles_since(look.tail, 0) == {"car-1"}
        serial = look.tail.serial
        log.append(rows("car-2", [2], pack_voltage_v=1.0))
        look.tail.refresh()
        assert vehicles_since(look.tail, serial) == {"car-2"}
        assert not look.tail.refresh()
        assert dict(look.tail.newest_us()) == {"car-1": 1_000_000, "car-2": 2_000_000}


def test_the_newest_rows_are_those_of_the_last_day(workspace: Workspace) -> None:
    day = 86_400
    sealed(workspace, rows("car-1", [1, 2, day + 1, day + 2], pack_voltage_v=1.0), rows("car-2", [3], soc_pct=40.0))
    built(workspace)
    look = Looking(workspace)
    assert seconds_of(look.samples.newest_rows("car-1", Span(), VOLT)) == [day + 1, day + 2]
    assert seconds_of(look.samples.newest_rows("car-1", Span(None, day * 1_000_000), VOLT)) == [1, 2]
    assert seconds_of(look.samples.newest_rows("car-1", Span(2 * day * 1_000_000), VOLT)) == []
    with opened(workspace.log_dir) as log:
        log.append(rows("car-1", [day + 3], pack_voltage_v=1.0))
        assert seconds_of(look.samples.newest_rows("car-1", Span(), VOLT)) == [day + 1, day + 2, day + 3]
        log.append(rows("car-1", [2 * day], pack_voltage_v=1.0))
        assert seconds_of(look.samples.newest_rows("car-1", Span(), VOLT)) == [2 * day]
    assert seconds_of(look.samples.newest_rows("car-2", Span(), ("soc_pct",), "soc_pct")) == [3]
    assert seconds_of(look.samples.newest_rows("car-2", Span(), VOLT, "pack_voltage_v")) == []


def test_a_growing_file_is_read_on_from_any_whole_frame(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append(rows("car-1", range(3), pack_voltage_v=1.0))
        (path,) = tmp_path.glob("*.wal")
        first, position = read_rows_after(path, 0)
        log.append(rows("car-1", range(3, 5), pack_voltage_v=1.0))
        second, end = read_rows_after(path, position)
        assert [sum(table.num_rows for table in tables) for tables in (first, second)] == [3, 2]
        assert end == path.stat().st_size
        assert read_rows_after(path, end) == ([], end)


@pytest.mark.parametrize("buckets", [1, 4])
def test_a_vehicle_is_found_among_many_in_any_bucket(tmp_path: Path, buckets: int) -> None:
    from twinpack.store.settings import LakeSettings, Settings

    workspace = Workspace.open(tmp_path / "many", settings=Settings(lake=LakeSettings(vehicle_buckets=buckets)))
    sealed(workspace, *(rows(f"car-{number}", range(number, number + 3), pack_voltage_v=1.0) for number in range(12)))
    built(workspace)
    look = Looking(workspace)
    for number in range(12):
        assert look.seconds(f"car-{number}") == [number, number + 1, number + 2]
    assert look.seconds("car-") == look.seconds("car-99") == []
