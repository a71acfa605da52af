"""A run over an imported workspace, from the log to versions, lake and audit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.runtime.workspaces import SETTINGS, begin, bring, bring_file, record, with_settings
from tests.twin.garage import ARTIFACT, LOOP, PACK, PROTOTYPE, healthy, worn
from twinpack.errors import NotFoundError, SettingsError, WorkspaceBusyError
from twinpack.fleet.commands import rollback_command
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.genesis import fold_settings
from twinpack.runtime.learning import learn_prototype
from twinpack.runtime.orders import append_command
from twinpack.runtime.run import run
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.store.settings import RuntimeSettings, Settings, TwinSettings
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import ACCEPTED, REFUSED, ROLLBACK
from twinpack.twin.versions import PROTOTYPE as FIRST

CARS = (worn("old", 3), healthy("new", 3))


def test_a_simulated_fleet_from_files_to_twins(tmp_path: Path) -> None:
    fleet = PhysicsFleet(FleetSettings(vehicles=3, trips=4, years=1.0, seed=5, period_s=4.0))
    files = tmp_path / "files"
    files.mkdir()
    for number, table in enumerate(fleet.tables()):
        pq.write_table(table, files / f"{number:03d}.parquet")
    workspace = Workspace.open(tmp_path / "home", settings=Settings(twin=TwinSettings(policy="always")))
    bring_file(workspace, files, pack=fleet.pack.name)
    learned = learn_prototype(workspace, "thevenin-1rc", trips=1)
    told: list[tuple[int, int]] = []
    summary = run(workspace, tell=lambda done, total: told.append((done, total)))
    assert (summary.vehicles, summary.unknown, summary.without_model) == (3, 0, ())
    assert summary.rows == SegmentLog(workspace.log_dir).end_offset == told[-1][0] == told[-1][1]
    assert summary.predictions >= 12 and summary.trips >= summary.predictions
    assert summary.versions == 3 + summary.accepted + summary.refused
    left = record(workspace)
    assert left["audit"] and left["offset"] == summary.rows
    assert (len(left["trips"]), len(left["predictions"])) == (summary.trips, summary.predictions)
    assert sum(map(len, left["versions"].values())) == summary.versions
    with workspace.registry() as registry:
        assert {one.model_hash for one in registry.vehicles()} == {learned.model_hash}
        assert {registry.version(one.vehicle_id, 1).kind for one in registry.vehicles()} == {FIRST}


@pytest.fixture
def ran(tmp_path: Path) -> Workspace:
    workspace = begin(tmp_path / "home", *CARS)
    run(workspace)
    return workspace


def test_a_second_run_adds_nothing(ran: Workspace) -> None:
    before = record(ran)
    summary = run(ran)
    assert (summary.rows, summary.trips, summary.versions, summary.vehicles) == (0, 0, 0, 2)
    assert record(ran) == before


def test_batches_and_snapshots_change_nothing(ran: Workspace, tmp_path: Path) -> None:
    plain = Settings(twin=SETTINGS.twin)
    once = begin(tmp_path / "once", *CARS, settings=plain)
    run(once)
    one, other = record(ran), record(once)
    assert {key: one[key] for key in one if key != "latest"} == {key: other[key] for key in one if key != "latest"}


def test_new_data_go_on_where_the_old_ended(ran: Workspace, tmp_path: Path) -> None:
    more = worn("old", 5)
    late = more.kept(more.trip > 3)
    bring(ran, late, healthy("third", 2))
    before = record(ran)["versions"]
    summary = run(ran)
    after = record(ran)
    assert (summary.vehicles, summary.predictions) == (3, 4)
    assert after["versions"]["old"][: len(before["old"])] == before["old"]
    assert len(after["versions"]["old"]) == len(before["old"]) + 2
    assert after["versions"]["new"] == before["new"]
    assert after["audit"]
    together = begin(tmp_path / "together", *CARS)
    bring(together, late, healthy("third", 2))
    run(together)
    assert record(together)["versions"] == after["versions"]


def test_the_lake_tells_the_same_as_the_registry(ran: Workspace) -> None:
    rows = ran.lake().read("predictions").to_pylist()
    with ran.registry() as registry:
        for vehicle in ("old", "new"):
            mine = sorted((row for row in rows if row["vehicle_id"] == vehicle), key=lambda row: row["trip_number"])
            versions = registry.versions(vehicle)[1:]
            assert [row["decision"] for row in mine] == [version.kind for version in versions]
        latest = registry.latest()["old"]
        deployed = registry.deployed("old")
        assert deployed is not None and latest["deployed_version"] == deployed.number
        assert tuple(latest["parameters"].values()) == deployed.mean


def test_a_roll_back_by_the_log(ran: Workspace) -> None:
    with ran.registry() as registry:
        target = registry.version("old", 1)
        count = len(registry.versions("old"))
    append_command(SegmentLog(ran.log_dir), "old", rollback_command(target, "try", "kim"), "rollback")
    assert run(ran).versions == 1
    with ran.registry() as registry:
        last = registry.deployed("old")
        assert last is not None
        assert (last.kind, last.number, last.mean) == (ROLLBACK, count + 1, target.mean)
        assert (last.reason, last.evidence["who"]) == ("Back to version 1: try", "kim")
    assert record(ran)["audit"]


@pytest.mark.parametrize("damage", ["cut", "gone", "all gone"])
def test_a_damaged_snapshot_is_not_used(ran: Workspace, damage: str) -> None:
    before = record(ran)
    snapshots = sorted(ran.snapshots_dir.iterdir())
    for path in snapshots if damage == "all gone" else snapshots[-1:]:
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:100])
        else:
            path.unlink()
    summary = run(ran)
    assert summary.rows > 0 and summary.notes
    assert record(ran) == before


HOLD = """
import sys
from twinpack.store.workspace import Workspace
with Workspace.open(sys.argv[1], create=False).runtime_lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_runs_at_once_are_refused(ran: Workspace) -> None:
    command = [sys.executable, "-c", HOLD, str(ran.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusyError, match=str(other.pid)):
            run(ran)
        other.communicate()
    assert run(ran).rows == 0


@pytest.mark.parametrize(
    ("section", "change", "key"),
    [
        ("twin", {"policy": "threshold"}, "policy"),
        ("twin", {"correct_s": 20.0}, "correct_s"),
        ("twin", {"step_s": 2.0}, "step_s"),
        ("twin", {"threshold_v": 0.5}, "threshold_v"),
        ("twin", {"start_soc_sd_pct": 5.0}, "start_soc_sd_pct"),
        ("trips", {"gap_s": 900.0}, "gap_s"),
        ("trips", {"rest_s": 30.0}, "rest_s"),
        ("trips", {"rest_current_c_rate": 0.05}, "rest_current_c_rate"),
        ("runtime", {"step_predictions": False}, "step_predictions"),
    ],
)
def test_settings_changed_after_the_first_run_are_refused(
    ran_once: Workspace, section: str, change: dict[str, Any], key: str
) -> None:
    text = (ran_once.home / "settings.toml").read_text(encoding="utf-8")
    try:
        with pytest.raises(SettingsError, match=rf"\[{section}\] {key}\b"):
            run(with_settings(ran_once, section, **change))
    finally:
        (ran_once.home / "settings.toml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = begin(tmp_path_factory.mktemp("once") / "home", healthy("a", 1))
    run(workspace)
    return workspace


def test_settings_say_what_was_and_what_is(ran_once: Workspace) -> None:
    with pytest.raises(SettingsError, match="was 600, is 900"):
        run(with_settings(ran_once, "trips", gap_s=900.0))
    run(with_settings(ran_once, "trips", gap_s=600.0))


def test_how_a_run_works_through_the_log_may_change(ran_once: Workspace) -> None:
    run(with_settings(ran_once, "runtime", batch_rows=11, snapshot_every_rows=40))


def test_only_a_first_run_may_choose_the_policy(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1), settings=Settings())
    run(workspace, policy="always")
    assert run(workspace, policy="always").rows == 0
    with pytest.raises(SettingsError, match="policy"):
        run(workspace, policy="change")


def test_a_workspace_of_an_earlier_release_lacks_settings_of_this_one(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1))
    run(workspace)
    with workspace.registry() as registry:
        genesis = registry.genesis("fold")
        del genesis["settings"]["loop"]["band_rate"]
        registry.set_genesis("fold", genesis, replace=True)
    assert run(workspace).rows == 0


def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1), model=False)
    with pytest.raises(NotFoundError, match="twinpack learn model"):
        run(workspace)
    with workspace.registry() as registry:
        assert registry.offset() == 0


def test_a_model_that_is_learned_later_gives_twins_from_there_on(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1), model=False)
    assert run(workspace, without_model=True).without_model == ("a",)
    with workspace.registry() as registry:
        seen = registry.latest_figures()["a"]
        assert (seen.last_seen_us, seen.late_samples) == (healthy("a", 1).time_us.max(), 0)
        workspace.artifacts(registry).save(ARTIFACT, pack=PACK)
    assert run(workspace).without_model == ()
    bring(workspace, healthy("a", 3).kept(healthy("a", 3).trip > 1))
    assert run(workspace).versions > 0


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="import"):
        run(begin(tmp_path / "home"))


def test_a_pack_without_a_model_is_named(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1))
    i3 = healthy("i3", 1)
    path = tmp_path / "i3.parquet"
    pq.write_table(i3.changed(i3.trip == 1, pack_current_a=-20.0).table(), path)
    bring_file(workspace, path, pack="bmw_i3_60ah")
    summary = run(workspace)
    assert summary.without_model == ("i3",)
    assert (summary.trips, summary.predictions) == (2, 1)


def test_step_predictions_are_left_out_when_not_wanted(tmp_path: Path) -> None:
    settings = Settings(twin=SETTINGS.twin, runtime=RuntimeSettings(step_predictions=False))
    workspace = begin(tmp_path / "home", *CARS, settings=settings)
    run(workspace)
    left = record(workspace)
    assert (len(left["predictions"]), left["prediction_steps"]) == (6, [])


def test_the_folds_settings_are_those_of_the_workspace() -> None:
    settings = fold_settings(Settings(twin=TwinSettings(policy="change", start_soc_sd_pct=1.0, threshold_v=0.4)))
    assert (settings.loop.policy, settings.loop.threshold_v) == ("change", 0.4)
    assert settings.loop.start_soc_sd == pytest.approx(LOOP.start_soc_sd)
    assert (settings.step_us, settings.cut.gap_us, settings.cut.rest_us) == (1_000_000, 600_000_000, 300_000_000)
    assert fold_settings(Settings(), "always").loop.policy == "always"
    assert fold_settings(Settings()).loop.threshold_v is None, "the prototype's"
    assert PROTOTYPE.threshold_v > 0


def test_accepted_and_refused_are_counted(tmp_path: Path) -> None:
    mad = worn("mad", 3)
    mad = mad.changed(mad.trip == 2, pack_voltage_v=395.0)
    workspace = Workspace.open(tmp_path / "home", settings=SETTINGS)
    begin(tmp_path / "home", mad)
    summary = run(workspace)
    with workspace.registry() as registry:
        kinds = [version.kind for version in registry.versions("mad")]
    assert (summary.accepted, summary.refused) == (kinds.count(ACCEPTED), kinds.count(REFUSED))
    assert summary.refused >= 1
    assert summary.versions == len(kinds)
