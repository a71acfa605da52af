"""`twinpack maintenance add --capacity-ah`: a test is kept, told to the log, and taken in by the vehicle's twin."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.workspaces import begin, record
from tests.twin.garage import DAY_US, START_US, healthy, worn
from twinpack.cli.main import main
from twinpack.fleet.commands import measure_command
from twinpack.ingest.log import open_log
from twinpack.runtime.orders import append_command
from twinpack.runtime.run import run
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import MEASURED, REFUSED, ROLLBACK, TwinVersion

Told = Callable[..., str]
DAY = "2020-09-16"
CAPACITY = ("--kind", "inspection", "--title", "capacity test", "--on", DAY, "--capacity-ah", "141.2", "--as", "Kim")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two vehicles whose twins have learned, and one that a person entered and that was never seen."""
    workspace = begin(
        tmp_path_factory.mktemp("lived") / "home", worn("car-1", 3, capacity_scale=0.93), healthy("car-2", 2)
    )
    run(workspace)
    with workspace.registry() as registry:
        registry.fleet.enter([VehicleEntry("car-9", pack="sim_nmc_96s")])
    return workspace.home


@pytest.fixture
def workspace(lived: Path, tmp_path: Path) -> Workspace:
    return Workspace.open(Path(shutil.copytree(lived, tmp_path / "home")), create=False)


@pytest.fixture
def told(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    def say(*arguments: str) -> str:
        assert main([*arguments, "--home", str(workspace.home)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return say


@pytest.fixture
def refused(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    def say(*arguments: str) -> str:
        assert main([*arguments, "--home", str(workspace.home)]) == 2
        return capsys.readouterr().err.removeprefix("twinpack: ")

    return say


def versions(workspace: Workspace, vehicle: str = "car-1") -> list[TwinVersion]:
    with workspace.registry() as registry:
        return registry.versions(vehicle)


def test_a_test_is_a_record_a_row_of_the_log_and_with_the_next_run_a_version(workspace: Workspace, told: Told) -> None:
    before = versions(workspace)
    kept = json.loads(told("maintenance", "add", "car-1", *CAPACITY, "--json"))
    assert (kept["capacity_ah"], kept["capacity_sd_ah"], kept["status"]) == (141.2, None, "done")
    assert kept["test_offset"] > 0
    assert versions(workspace) == before, "it is the fold that takes it in"
    run(workspace)
    *same, version = versions(workspace)
    assert same == before
    assert (version.kind, version.evidence["record"], version.evidence["who"]) == (MEASURED, kept["record_id"], "Kim")
    assert version.evidence["capacity_sd_ah"] == pytest.approx(1.412, rel=0.05)
    assert "Inspection on 2020-09-16: capacity test: capacity 141.2" in version.reason
    assert "a workshop's test" in told("twin", "car-1")
    assert "took in a workshop's test, in place of version" in told("explain", "car-1")
    assert "chain verified" in told("audit", "verify")


def test_a_fold_from_the_first_row_and_a_backup_give_the_same(workspace: Workspace, told: Told, tmp_path: Path) -> None:
    told("maintenance", "add", "car-1", *CAPACITY)
    run(workspace)
    told("rollback", "car-1", "2")
    pulse = ("--resistance-mohm", "130", "--soc-pct", "50", "--temp-c", "22", "--confirm")
    told("maintenance", "add", "car-1", *CAPACITY, *pulse)
    run(workspace)
    assert [one.kind for one in versions(workspace)[-3:]] == [MEASURED, ROLLBACK, MEASURED]
    assert json.loads(told("replay", "--from", "2020-01-01", "--json"))["same"] is True
    backup = tmp_path / "backup"
    told("backup", str(backup))
    assert main(["restore", str(backup), "--home", str(tmp_path / "again")]) == 0
    again = Workspace.open(tmp_path / "again", create=False)
    assert record(again)["versions"] == record(workspace)["versions"]
    with again.registry() as other, workspace.registry() as registry:
        assert other.workshop.records() == registry.workshop.records()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--capacity-ah", "15"), "capacity_ah 15 is 10 % of the rated capacity, 150 Ah; from 30 to 120 % can be"),
        (("--capacity-ah", "450"), "capacity_ah 450 is 300 % of the rated capacity"),
        (("--capacity-ah", "nan"), "capacity_ah nan is no number"),
        (("--capacity-ah", "141", "--capacity-sd-ah", "-1"), "capacity_sd_ah -1 is not above 0"),
        (("--resistance-mohm", "130"), "soc_pct is missing"),
        (
            ("--resistance-mohm", "3", "--soc-pct", "50", "--temp-c", "25"),
            "resistance_mohm 3 is 4 % of the resistance of a",
        ),
        (("--capacity-ah", "80"), "capacity_ah 80 contradicts the twin, which knows"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_kept(
    workspace: Workspace, refused: Told, arguments: tuple[str, ...], reason: str
) -> None:
    said = refused("maintenance", "add", "car-1", "--kind", "inspection", "--title", "t", "--on", DAY, *arguments)
    assert said.startswith(reason)
    with workspace.registry() as registry:
        assert registry.workshop.records() == []


def test_a_day_to_come_and_a_vehicle_without_a_twin_are_refused(refused: Told) -> None:
    start = ("--kind", "inspection", "--title", "t", "--capacity-ah", "141")
    assert refused("maintenance", "add", "car-1", *start, "--on", "2099-01-01").startswith(
        "done_on 2099-01-01 is a day to"
    )
    assert "vehicle 'car-9' has no twin yet" in refused("maintenance", "add", "car-9", *start, "--done")
    assert "there is no vehicle 'car-0'" in refused("maintenance", "add", "car-0", *start, "--done")


def test_a_contradiction_is_taken_in_once_it_is_confirmed(workspace: Workspace, told: Told) -> None:
    told(
        "maintenance",
        "add",
        "car-1",
        "--kind",
        "inspection",
        "--title",
        "t",
        "--on",
        DAY,
        "--capacity-ah",
        "100",
        "--confirm",
    )
    run(workspace)
    version = versions(workspace)[-1]
    assert (version.kind, version.evidence["widened"]) == (MEASURED, True)
    assert version.mean[0] == pytest.approx(100.0 / 150.0, abs=0.02)


def test_planned_work_is_done_with_its_test_and_work_that_was_done_gets_one_once(
    workspace: Workspace, told: Told, refused: Told
) -> None:
    kept = json.loads(told("maintenance", "add", "car-1", "--kind", "inspection", "--title", "t", "--json"))
    text = told("maintenance", "done", kept["record_id"], "--on", DAY, "--capacity-ah", "140")
    assert "its twin takes the test in with row" in text
    assert "capacity_ah of record" in refused("maintenance", "done", kept["record_id"], "--capacity-ah", "139")
    other = json.loads(told("maintenance", "add", "car-2", "--kind", "other", "--title", "t", "--on", DAY, "--json"))
    assert "row" in told("maintenance", "done", other["record_id"], "--capacity-ah", "149", "--capacity-sd-ah", "2")
    run(workspace)
    assert [versions(workspace, name)[-1].kind for name in ("car-1", "car-2")] == [MEASURED, MEASURED]


def test_a_file_brings_tests_all_or_none(workspace: Workspace, told: Told, refused: Told, tmp_path: Path) -> None:
    head = "vehicle,kind,title,done,capacity_ah,capacity_sd_ah,resistance_mohm,soc_pct,temp_c"
    good = (f"car-1,inspection,yearly,{DAY},141.2,1.5,,,", f"car-2,inspection,yearly,{DAY},,,82,50,25")
    path = tmp_path / "work.csv"
    path.write_text("\n".join((head, *good, f"car-1,other,x,{DAY},a lot,,,,", f"car-2,other,y,{DAY},20,,,,")), "utf-8")
    said = refused("maintenance", "import", str(path))
    assert f"{path}:4: capacity_ah 'a lot' is no number" in said
    assert f"{path}:5: capacity_ah 20 is 13 % of the rated capacity" in said
    path.write_text("\n".join((head, *good)), "utf-8")
    assert "2 tests for the twins to take in" in told("maintenance", "import", str(path))
    assert json.loads(told("maintenance", "import", str(path), "--json"))["tests"] == 0
    run(workspace)
    assert [versions(workspace, name)[-1].kind for name in ("car-1", "car-2")] == [MEASURED, MEASURED]


def test_a_test_of_a_battery_that_was_replaced_since_is_refused(told: Told, refused: Told) -> None:
    told("maintenance", "add", "car-1", "--kind", "replacement", "--title", "new pack", "--on", "2020-09-20")
    assert "the test was of another battery" in refused("maintenance", "add", "car-1", *CAPACITY)


def test_a_test_that_the_log_tells_otherwise_is_refused_by_the_fold(workspace: Workspace, told: Told) -> None:
    """What was right to enter may contradict a twin that learned meanwhile: the fold judges by the log alone."""
    body = measure_command(
        "car-1", "ab12", "Kim", "Test", START_US + DAY_US, {"capacity_ah": 80.0, "capacity_sd_ah": 1.0}
    )
    append_command(open_log(workspace), "car-1", body, "maintenance")
    run(workspace)
    version = versions(workspace)[-1]
    assert (version.kind, "nobody confirmed it" in version.reason) == (REFUSED, True)
