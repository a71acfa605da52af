"""`twinpack maintenance`: work entered, planned, done and imported, and what the log is told of repairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.enrol import enrol
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch

Told = Callable[..., str]
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two vehicles; the first sample of the second was on 1 February 2026."""
    workspace = Workspace.open(tmp_path / "home")
    first_us = int(datetime(2026, 2, 1, 8, tzinfo=UTC).timestamp() * 1e6)
    with workspace.registry() as registry:
        enrol(workspace, registry, [VehicleEntry(name, pack="sim_nmc_96s") for name in ("car-0001", "car-0002")])
        met = [VehicleRecord("car-0002", "sim_nmc_96s", "a" * 64, first_us)]
        registry.commit_batch(MAIN_STREAM, 0, 2, [], {}, met)
    return workspace


@pytest.fixture
def told(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command that must succeed, and gives what it wrote."""

    def run(*arguments: str) -> str:
        assert main(["maintenance", *arguments, "--home", str(workspace.home)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command that must be refused, and gives the reason."""

    def run(*arguments: str) -> str:
        assert main(["maintenance", *arguments, "--home", str(workspace.home)]) == 2
        return capsys.readouterr().err

    return run


def repairs(workspace: Workspace) -> list[dict[str, Any]]:
    """The repairs that the log tells of."""
    log = SegmentLog(workspace.log_dir)
    batches = [SampleBatch.from_arrow(table, first) for first, table in log.read(0)]
    return [dict(body) for batch in batches for _, body in batch.commands if body["type"] == "repair"]


def added(told: Told, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(told("add", *arguments, "--as", "Kim", "--json"))
    return result


def listed(told: Told, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(told("list", *arguments, "--json"))["records"]
    return found


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(("vehicle,kind,title,status,planned,done,odometer_km,reference", *lines)) + "\n", "utf-8")
    return str(path)


def test_planned_work_is_listed_and_becomes_done(workspace: Workspace, told: Told) -> None:
    assert told("list").startswith("no records")
    record = added(told, "car-0001", "--kind", "inspection", "--title", "yearly", "--planned", "2026-03-01")
    assert (record["status"], record["planned_on"], record["done_on"], record["who"]) == (
        "planned",
        "2026-03-01",
        "",
        "Kim",
    )
    text = told("list", "--vehicle", "car-0001")
    assert [word for word in ("inspection", "planned", "2026-03-01", "yearly", "1 record") if word not in text] == []
    done = told("done", record["record_id"][:6], "--on", "2026-03-02", "--odometer", "84210", "--as", "Robin")
    assert done == f"record {record['record_id']} of car-0001 done on 2026-03-02\n"
    (after,) = listed(told)
    assert (after["status"], after["odometer_km"], after["who"], after["log_offset"]) == ("done", 84210, "Robin", None)
    assert repairs(workspace) == [], "an inspection changes no battery"


def test_a_repair_that_is_done_is_told_to_the_log_once(workspace: Workspace, told: Told, refused: Told) -> None:
    planned = added(told, "car-0001", "--kind", "repair", "--title", "module 4", "--planned", "2026-03-01")
    assert repairs(workspace) == []
    text = told("done", planned["record_id"], "--as", "Kim")
    assert text.splitlines()[1] == "what was learned of its cells begins anew with row 2 of the log"
    (command,) = repairs(workspace)
    assert {name: command[name] for name in ("vehicle", "record", "who", "reason")} == {
        "vehicle": "car-0001",
        "record": planned["record_id"],
        "who": "Kim",
        "reason": f"repair on {TODAY}: module 4",
    }
    assert f"is done already, on {TODAY}" in refused("done", planned["record_id"])
    assert "stays: what is known of the cells" in refused("remove", planned["record_id"])
    assert len(repairs(workspace)) == 1


def test_work_that_is_entered_as_done_is_told_too(workspace: Workspace, told: Told) -> None:
    record = added(told, "car-0001", "--kind", "replacement", "--title", "new pack", "--on", "2026-02-12")
    assert (record["status"], record["done_on"], record["log_offset"]) == ("done", "2026-02-12", 2)
    assert len(repairs(workspace)) == 1


def test_baselines_stay_when_that_is_asked_until_it_is_said_again(workspace: Workspace, told: Told) -> None:
    record = added(told, "car-0001", "--kind", "repair", "--title", "x", "--done", "--keep-baselines")
    assert repairs(workspace) == []
    assert "row 2 of the log" in told("done", record["record_id"])
    assert len(repairs(workspace)) == 1


def test_what_was_repaired_before_the_first_sample_changes_nothing(workspace: Workspace, told: Told) -> None:
    old = added(told, "car-0002", "--kind", "repair", "--title", "x", "--on", "2026-01-31")
    same_day = added(told, "car-0002", "--kind", "repair", "--title", "y", "--on", "2026-02-01")
    assert (old["log_offset"], same_day["log_offset"]) == (None, 2)
    assert len(repairs(workspace)) == 1


def test_a_record_is_edited_cancelled_and_removed(told: Told, refused: Told) -> None:
    identity = added(told, "car-0001", "--kind", "other", "--title", "wash", "--planned", "2026-03-01")["record_id"]
    assert told("edit", identity, "--title", "big wash", "--planned", "").endswith("planned_on, title changed\n")
    told("edit", identity, "--cancel")
    assert [(one["title"], one["planned_on"], one["status"]) for one in listed(told)] == [("big wash", "", "cancelled")]
    told("edit", identity, "--plan-again", "--kind", "software", "--reference", "W-1", "--notes", "n")
    assert [one["kind"] for one in listed(told, "--status", "planned")] == ["software"]
    assert listed(told, "--kind", "repair") == []
    told("done", identity)
    assert "is done, on" in refused("edit", identity, "--cancel")
    assert told("remove", identity) == f"record {identity} of car-0001 removed\n"
    assert listed(told) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "car-9", "--kind", "other", "--title", "x"], "vehicle 'car-9' is not known here"),
        (["add", "car-0001", "--kind", "polish", "--title", "x"], "'polish' is not one of"),
        (["add", "car-0001", "--kind", "other", "--title", ""], "title is empty"),
        (["add", "car-0001", "--kind", "other", "--title", "x", "--planned", "1.3.2026"], "planned_on '1.3.2026'"),
        (
            ["add", "car-0001", "--kind", "other", "--title", "x", "--on", "2099-01-01"],
            "2099-01-01 is a day to",
        ),
        (["add", "car-0001", "--kind", "other", "--title", "x", "--odometer", "-1"], "odometer_km -1 is not from"),
        (["done", "abc"], "there is no maintenance record 'abc'"),
        (["edit", "abc", "--title", "x"], "there is no maintenance record 'abc'"),
        (["edit", "abc"], "nothing to change was named"),
        (["remove", ""], "there is no maintenance record ''"),
        (["list", "--vehicle", "car-9"], "there is no vehicle 'car-9'"),
    ],
)
def test_what_cannot_be_done_says_why(told: Told, refused: Told, arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)
    assert listed(told) == []


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_template_imports_as_it_stands(workspace: Workspace, told: Told, tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    path.write_text(told("template"), encoding="utf-8")
    assert told("import", str(path), "--as", "Kim").splitlines() == [
        "2 records added, 0 changed, 0 as before",
        "what was learned of the cells begins anew after 1 repair",
    ]
    assert [(one["kind"], one["status"], one["who"]) for one in listed(told)] == [
        ("inspection", "planned", "Kim"),
        ("repair", "done", "Workshop North"),
    ]


def test_the_same_file_again_changes_nothing_whoever_brings_it(
    workspace: Workspace, told: Told, tmp_path: Path
) -> None:
    path = written(tmp_path / "work.csv", "car-0001,repair,module 4,,,2026-02-12,84210,", "car-0002,other,x,,,,,")
    told("import", path, "--as", "Kim")
    before = listed(told)
    assert json.loads(told("import", path, "--as", "Robin", "--json")) == {
        "added": 0,
        "changed": 0,
        "unchanged": 2,
        "baselines_reset": 0,
        "tests": 0,
    }
    assert listed(told) == before
    assert len(repairs(workspace)) == 1


def test_planned_work_that_a_later_file_says_is_done(workspace: Workspace, told: Told, tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    told("import", written(path, "car-0001,repair,module 4,planned,2026-02-10,,,"))
    assert repairs(workspace) == []
    text = told("import", written(path, "car-0001,repair,module 4,done,2026-02-10,2026-02-12,84210,"))
    assert text.startswith("0 records added, 1 changed, 0 as before")
    assert [(one["status"], one["done_on"], one["log_offset"]) for one in listed(told)] == [("done", "2026-02-12", 2)]


def test_lines_that_are_wrong_are_told_with_number_and_column_and_none_is_entered(
    workspace: Workspace, told: Told, refused: Told, tmp_path: Path
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    path = written(
        tmp_path / "work.csv",
        "car-0001,repair,good,done,,2026-02-12,5,",
        "car-0001,polish,x,,,,,",
        "",
        "car-0001,other,x,,31.02.2026,,,",
        "car-0001,other,x,planned,,2026-02-12,,",
        f"car-0001,other,x,done,,{tomorrow},,",
        "car-0001,other,x,,,,five,",
        "car-0001,other,x",
        "car-9,other,x,,,,,",
        "no such/car,other,x,,,,,",
        "car-0001,repair,GOOD,,2026-02-12,,,",
    )
    lines = [line.removeprefix(f"{path}:") for line in refused("import", path).splitlines()]
    expected = [
        "3: kind 'polish' is none of inspection, repair, replacement, software, other",
        "5: planned '31.02.2026' is no day; write it as 2026-03-01",
        "6: done is 2026-02-12, yet the status is planned",
        f"7: done {tomorrow} is a day to come",
        "8: odometer_km 'five' is not a whole number",
        "9: 3 values under a header of 8",
        "10: vehicle 'car-9' is not known here",
        "11: vehicle 'no such/car' is not allowed",
        "12: title: the same work stands in a line above",
    ]
    assert [line for line, start in zip(lines, expected, strict=False) if not line.startswith(start)] == []
    assert lines[-1] == f"twinpack: {path}: 9 lines wrong, see above; nothing was entered"
    assert listed(told) == [] and repairs(workspace) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the header has no column 'vehicle'"),
        (b"vehicle,kind\n", "the header has no column 'title'"),
        (b"vehicle,kind,title,colour\n", ":1: unknown column 'colour'"),
        (b"vehicle,kind,title,kind\n", ":1: column 'kind' stands there twice"),
        (b"vehicle,kind,title\ncar-0001,other,\xff\n", "is not text in UTF-8"),
        (b'vehicle,kind,title\ncar-0001,other,"x\n', "is not CSV"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    refused: Told, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "work.csv"
    if content is not None:
        path.write_bytes(content)
    assert message in refused("import", str(path))
