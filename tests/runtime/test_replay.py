"""Replay: late samples put in place, told, and added as new versions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.runtime.test_run import HOLD
from tests.runtime.workspaces import SETTINGS, begin, bring, record
from tests.twin.garage import START_US, Drives, healthy, worn
from twinpack.errors import CheckError, NotFoundError, WorkspaceBusyError, WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import retain
from twinpack.runtime.replay import replay
from twinpack.runtime.run import run
from twinpack.store.settings import Settings
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import REPLAYED, TwinVersion

DAY_US = 86_400_000_000
QUICK = Settings(twin=SETTINGS.twin)


def versions(workspace: Workspace, vehicle: str) -> list[TwinVersion]:
    with workspace.registry() as registry:
        return registry.versions(vehicle)


def living(home: Path, *deliveries: Sequence[Drives], settings: Settings = QUICK) -> Workspace:
    """A workspace that was brought one delivery after the other, with a run after each."""
    workspace = begin(home, *deliveries[0], settings=settings)
    run(workspace)
    for delivery in deliveries[1:]:
        bring(workspace, *delivery)
        run(workspace)
    return workspace


OLD, NEW = worn("old", 5), healthy("new", 5)
MISSED = OLD.trip == 3


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The third trip of one vehicle comes when the fifth is over."""
    deliveries = [OLD.kept(~MISSED), NEW], [OLD.kept(MISSED)]
    return living(tmp_path_factory.mktemp("late") / "home", *deliveries, settings=SETTINGS).home


@pytest.fixture(scope="module")
def in_time(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """All of it in time."""
    return living(tmp_path_factory.mktemp("in-time") / "home", [OLD, NEW])


@pytest.fixture
def late(_made: Path, tmp_path: Path) -> Workspace:
    subprocess.run(["cp", "-r", str(_made), str(tmp_path / "home")], check=True)
    return Workspace.open(tmp_path / "home", create=False)


def test_where_nothing_came_late_the_past_is_the_same(tmp_path: Path) -> None:
    workspace = living(tmp_path / "home", [OLD.kept(OLD.trip < 4), NEW], [OLD.kept(OLD.trip >= 4)])
    before = record(workspace)
    told: list[tuple[int, int]] = []
    report = replay(workspace, START_US, tell=lambda done, total: told.append((done, total)))
    assert report.same and not report.vehicles and not report.unexpected
    assert report.rows == report.end_offset == SegmentLog(workspace.log_dir).end_offset == told[-1][0] == told[-1][1]
    assert report.versions == sum(map(len, before["versions"].values()))
    assert report.events == sum(before["events"].values())
    assert replay(workspace, START_US, apply=True).applied == ()
    assert record(workspace) == before


def test_late_samples_in_place_give_what_they_had_given_in_time(late: Workspace, in_time: Workspace) -> None:
    report = replay(late, START_US)
    (one,) = report.vehicles
    assert (one.vehicle_id, one.late, report.same, report.unexpected) == ("old", int(MISSED.sum()), False, ())
    (missed_us,) = {int(time) for time in OLD.time_us[MISSED][:1]}
    assert (one.first_late_us, one.last_late_us) == (missed_us, int(OLD.time_us[MISSED][-1]))
    assert (one.versions_before, one.versions_after, one.versions_same) == (5, 6, 3)
    assert one.trips_added == (missed_us,)
    assert one.trips_removed == ()
    replay(late, START_US, apply=True)
    added, wanted = versions(late, "old")[-1], versions(in_time, "old")[-1]
    assert added.evidence["replayed_head"] == wanted.hash
    assert (added.mean, added.covariance) == (wanted.mean, wanted.covariance)


def test_applied_it_is_a_new_version_and_nothing_else_changes(late: Workspace) -> None:
    before = record(late)
    report = replay(late, START_US, apply=True)
    after = record(late)
    assert report.applied == ("old",)
    assert after["audit"]
    assert after["versions"]["new"] == before["versions"]["new"]
    assert after["versions"]["old"][:-1] == before["versions"]["old"]
    assert {name: after[name] for name in ("trips", "predictions")} == {
        name: before[name] for name in ("trips", "predictions")
    }
    added = versions(late, "old")[-1]
    assert (added.kind, added.number) == (REPLAYED, 6)
    assert "60 samples that came late (2020-09-15 12:26:40 to" in added.reason
    assert "2 of 5 versions" in added.reason
    assert (added.window_start_us, added.window_end_us) == (int(OLD.time_us[MISSED][0]), int(OLD.time_us[-1]))
    assert after["latest"]["old"]["deployed_version"] == 6
    assert tuple(after["latest"]["old"]["parameters"].values()) == added.mean


def test_a_second_time_adds_nothing(late: Workspace) -> None:
    replay(late, START_US, apply=True)
    before = record(late)
    report = replay(late, START_US, apply=True)
    assert report.same and report.applied == () and report.vehicles == ()
    assert report.settled == int(MISSED.sum())
    assert record(late) == before


def test_a_later_fold_from_the_first_row_gives_the_same_chain(late: Workspace) -> None:
    replay(late, START_US, apply=True)
    bring(late, worn("old", 6).kept(worn("old", 6).trip == 6))
    run(late)
    before = record(late)
    for path in late.snapshots_dir.iterdir():
        path.unlink()
    assert run(late).rows == before["offset"]
    assert record(late) == before


def test_twins_go_on_from_what_was_applied(late: Workspace, tmp_path: Path) -> None:
    more = worn("old", 6)
    sixth = more.kept(more.trip == 6)
    in_time = living(tmp_path / "in-time", [OLD, NEW], [sixth])
    replay(late, START_US, apply=True)
    bring(late, sixth)
    run(late)
    ours, theirs = versions(late, "old")[-1], versions(in_time, "old")[-1]
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-4)
    assert ours.deployed_rmse_v == pytest.approx(theirs.deployed_rmse_v, rel=1e-3)
    assert ours.evidence["threshold_v"] == theirs.evidence["threshold_v"]


def test_what_comes_late_again_is_replayed_with_what_came_before(tmp_path: Path, in_time: Workspace) -> None:
    third, second = OLD.trip == 3, OLD.trip == 2
    workspace = living(tmp_path / "home", [OLD.kept(~third & ~second)], [OLD.kept(third)])
    third_us, second_us = (int(OLD.time_us[which][0]) for which in (third, second))
    assert replay(workspace, third_us, apply=True).applied == ("old",)
    bring(workspace, OLD.kept(second))
    run(workspace)
    report = replay(workspace, second_us, apply=True)
    assert report.vehicles[0].late == 120
    added, wanted = versions(workspace, "old")[-1], versions(in_time, "old")[-1]
    assert (added.kind, added.evidence["replayed_head"]) == (REPLAYED, wanted.hash)
    assert replay(workspace, second_us).same


def test_an_earlier_replay_is_done_over_from_where_it_began(tmp_path: Path, in_time: Workspace) -> None:
    second, fourth = OLD.trip == 2, OLD.trip == 4
    workspace = living(tmp_path / "home", [OLD.kept(~second & ~fourth)], [OLD.kept(second)])
    second_us, fourth_us = (int(OLD.time_us[which][0]) for which in (second, fourth))
    replay(workspace, second_us, apply=True)
    bring(workspace, OLD.kept(fourth))
    run(workspace)
    report = replay(workspace, fourth_us, apply=True)
    assert report.from_us == second_us
    assert versions(workspace, "old")[-1].evidence["replayed_head"] == versions(in_time, "old")[-1].hash


def test_late_samples_within_a_trip(tmp_path: Path, in_time: Workspace) -> None:
    """A stretch of a trip that was held back comes an hour later, while the vehicle stands."""
    gap = (OLD.trip == 5) & (OLD.since_s() >= 200) & (OLD.since_s() < 300)
    workspace = living(tmp_path / "home", [OLD.kept(~gap)], [OLD.kept(gap)])
    report = replay(workspace, int(OLD.time_us[gap][0]))
    (one,) = report.vehicles
    assert (one.late, one.versions_before - one.versions_same) == (10, 1)
    assert (len(one.trips_changed), one.trips_added, one.predictions_changed) == (1, (), 1)
    replay(workspace, START_US, apply=True)
    assert versions(workspace, "old")[-1].evidence["replayed_head"] == versions(in_time, "old")[-1].hash


def test_samples_from_before_the_time_stay_out(late: Workspace) -> None:
    report = replay(late, int(OLD.time_us[MISSED][-1]) + 1)
    assert report.same
    assert (report.vehicles, report.older) == ((), int(MISSED.sum()))


def test_it_begins_at_a_snapshot_from_before_the_time(tmp_path: Path) -> None:
    last = OLD.trip == 5
    workspace = living(tmp_path / "home", [OLD.kept(OLD.trip < 4), NEW.kept(NEW.trip < 4)], [OLD.kept(last)])
    bring(workspace, OLD.kept(OLD.trip == 4))
    run(workspace)
    report = replay(workspace, START_US + 3 * DAY_US)
    assert report.base_offset > 0
    assert [one.vehicle_id for one in report.changed] == ["old"]
    from_start = replay(workspace, START_US)
    assert from_start.base_offset == 0
    assert from_start.changed[0].figures == report.changed[0].figures


def test_rows_that_were_retired_cannot_be_replayed(late: Workspace) -> None:
    log = SegmentLog(late.log_dir)
    assert retain(log, log.end_offset, max_bytes=1)
    with pytest.raises(WorkspaceError, match="the earliest is 2020-09-17 12:36:31"):
        replay(late, START_US)
    assert replay(late, START_US + 4 * DAY_US + 591_000_000).same


def test_a_replay_that_died_before_its_rows_were_folded_is_ended_by_a_run(
    late: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("twinpack.runtime.replay.run", die)
        with pytest.raises(KeyboardInterrupt):
            replay(late, START_US, apply=True)
    with pytest.raises(WorkspaceError, match="`twinpack run` first"):
        replay(late, START_US, apply=True)
    assert run(late).versions == 1
    assert versions(late, "old")[-1].kind == REPLAYED
    assert replay(late, START_US, apply=True).same
    assert record(late)["audit"]


def test_before_anything_was_folded(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing was folded"):
        replay(begin(tmp_path / "home", OLD), START_US)


def test_it_is_not_applied_while_another_runs_but_told(late: Workspace) -> None:
    command = [sys.executable, "-c", HOLD, str(late.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusyError, match=str(other.pid)):
            replay(late, START_US, apply=True)
        assert not replay(late, START_US).same


def test_it_is_not_applied_over_rows_that_no_run_folded(late: Workspace) -> None:
    bring(late, healthy("third", 1))
    assert replay(late, START_US).unfolded > 0
    with pytest.raises(WorkspaceError, match="`twinpack run` first"):
        replay(late, START_US, apply=True)


def test_what_does_not_come_out_again_is_told_and_nothing_applied(late: Workspace) -> None:
    import sqlite3

    with sqlite3.connect(late.home / "registry.db") as database:
        database.execute(
            "update events set event_id = 'x' || substr(event_id, 2) where vehicle_id = 'new' and kind = 'trip'"
        )
    database.close()
    assert replay(late, START_US).unexpected == ("new",)
    with pytest.raises(CheckError, match="new came out otherwise"):
        replay(late, START_US, apply=True)


def test_a_report_is_plain_json(late: Workspace) -> None:
    import msgspec

    told = json.loads(msgspec.json.encode(replay(late, START_US)))
    assert told["vehicles"][0]["figures"][0]["name"] == "capacity_scale"
