"""The signals around an alarm: what was compared with what, when it held, and what a person may see of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faulty import HOUR_US, PACK, START_US, WEAK, alarm_of, event, faulty_workspace
from tests.views.seers import LEAD, OWNER, seer
from twinpack.detect.findings import Finding
from twinpack.errors import AccessError, NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.lake import build_telemetry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.views.alarms.signals import POINTS, alarm_signals
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.sight import Role, Span

LOST_US = START_US + 1500 * 1_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faulty_workspace(tmp_path_factory.mktemp("signals") / "home").home


@pytest.fixture
def views(home: Path) -> Iterator[Views]:
    with Views(Workspace.open(home)) as views:
        yield views


def id_of(views: Views, code: str) -> str:
    return alarm_of(views.registry, code).alarm_id


def also(views: Views, vehicle: str, code: str, evidence: Mapping[str, Any], severity: int = 2) -> str:
    """Another alarm, of a vehicle that sends nothing unless it did before."""
    at_us = START_US + HOUR_US // 2
    found = Finding(0, at_us, 0, code, "", "battery", "raised", "alarm", severity, at_us, 1, 1, evidence)
    registry = views.registry
    made = event(vehicle, Finding(**{**vars(found), "offset": registry.offset()}))
    end = registry.offset() + 1
    vehicles = [VehicleRecord(vehicle, PACK, "a" * 64, START_US)]
    registry.commit_batch(MAIN_STREAM, end - 1, end, [made], {}, vehicles)
    return next(one.alarm_id for one in registry.alarms.alarms() if one.code == code and one.vehicle_id == vehicle)


def test_a_code_is_shown_against_its_limit(views: Views) -> None:
    found = alarm_signals(views, LEAD, id_of(views, "P0AA6"))
    isolation, current = found.signals
    assert (isolation.name, isolation.unit) == ("isolation_ohm_per_v", "Ω/V")
    assert (isolation.limit, isolation.limit_label, isolation.above) == (100.0, "limit", False)
    assert (current.name, current.label, current.unit) == ("pack_current_a", "Current (positive charges)", "A")
    assert current.limit is None and current.above is None
    assert found.end - found.start == timedelta(minutes=20)
    assert found.start <= moment(isolation.time_ms[0] * 1000) <= moment(isolation.time_ms[-1] * 1000) <= found.end
    low = [value for value in isolation.min if value is not None and value < 100.0]
    assert 0 < len(low) < len(isolation.min)
    assert {len(part) for part in (isolation.min, isolation.max, isolation.mean)} == {len(isolation.time_ms)}


def test_the_debounce_comes_before_the_raise(views: Views) -> None:
    found = alarm_signals(views, LEAD, id_of(views, "P0AA6"))
    waiting, held = found.stretches
    assert (waiting.kind, held.kind) == ("debouncing", "present")
    assert waiting.start == moment(LOST_US)
    assert waiting.end == held.start == found.raised_at
    assert held.end <= found.end


def test_a_cell_is_shown_against_the_median_of_its_pack(views: Views) -> None:
    found = alarm_signals(views, LEAD, id_of(views, "TP-CELL-LOW"), minutes=120.0)
    cell, current = found.signals
    assert (cell.label, cell.unit, cell.limit, cell.above) == (f"Cell {WEAK} against the median", "mV", -15.0, False)
    assert all(value is None or value < -20.0 for value in cell.mean)
    assert current.unit == "A"
    assert [stretch.kind for stretch in found.stretches] == ["present"]


def test_a_long_time_is_cut_into_steps_that_keep_the_extremes(views: Views) -> None:
    found = alarm_signals(views, LEAD, id_of(views, "P0AA6"), minutes=60.0)
    isolation = found.signals[0]
    assert len(isolation.time_ms) <= POINTS
    assert min(value for value in isolation.min if value is not None) < 100.0


def test_the_lake_shows_the_same_as_the_log(views: Views) -> None:
    before = alarm_signals(views, LEAD, id_of(views, "P0AA6"))
    build_telemetry(views.workspace, SegmentLog(views.workspace.log_dir), views.registry)
    assert alarm_signals(views, LEAD, id_of(views, "P0AA6")) == before


def test_what_no_signal_shows_says_where_to_look(views: Views) -> None:
    worn = {"condition": "capacity_health_pct < limit.low", "limits": {"low": 80.0}, "frame": {}}
    found = alarm_signals(views, LEAD, also(views, "car-1", "P0A7F", worn))
    assert (found.signals, "versions" in found.note) == ([], True)
    silent = alarm_signals(views, LEAD, also(views, "car-9", "P0A7E", {"condition": "temp_max_c > limit.h"}))
    assert (silent.signals, "retention" in silent.note) == ([], True)


def test_an_alarm_that_may_not_be_seen_shows_nothing(views: Views) -> None:
    one = id_of(views, "P0AA6")
    with pytest.raises(NotFoundError):
        alarm_signals(views, seer(Role.TECHNICIAN, "elsewhere"), one)
    with pytest.raises(AccessError):
        alarm_signals(views, OWNER, one)


def test_signals_end_with_the_times_that_may_be_seen(views: Views) -> None:
    alarm = alarm_of(views.registry, "P0AA6")
    granted = seer(Role.TECHNICIAN, vehicles={"car-1": Span(alarm.first_us - 60_000_000, alarm.first_us + 1)})
    found = alarm_signals(views, granted, alarm.alarm_id)
    assert found.end - found.start <= timedelta(seconds=61)
    assert all(moment(ms * 1000) < found.end for signal in found.signals for ms in signal.time_ms)
