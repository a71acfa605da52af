"""`twinpack query` and `twinpack export`."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.runtime.segments import START_US, samples, write
from tests.store.alarms.made import at, finding
from twinpack.cli.main import main
from twinpack.ingest.files import import_path
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.lake import build_telemetry
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace
from twinpack.telemetry.profiles import shipped_profile

TIMES = [START_US + 1_234_567 * at for at in range(200)]
VOLTS = [350.0 + 0.1 * at for at in range(199)] + [None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two vehicles in its lake."""
    workspace = Workspace.open(tmp_path_factory.mktemp("lake") / "home")
    signals = {"pack_voltage_v": VOLTS, "pack_current_a": [-0.3 * at for at in range(200)]}
    one = samples("car-1", TIMES, **signals, cell_temp_avg_c=21.5, cell_voltage_v=[[3.5, 3.625]] * 200)
    log = write(workspace.home, one, samples("car-2", TIMES, soc_pct=50.0))
    with workspace.registry() as registry:
        build_telemetry(workspace, log, registry)
    return workspace.home


def asked(home: Path, *arguments: str) -> int:
    return main(["query", *arguments, "--home", str(home)])


def test_json_is_one_array_with_a_row_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select vehicle_id, max(pack_voltage_v) v, min(sample_time) t, first(cell_voltage_v) c from telemetry"
    assert asked(home, f"{sql} group by vehicle_id order by 1", "--json") == 0
    text = capsys.readouterr().out
    assert json.loads(text) == [
        {"vehicle_id": "car-1", "v": pytest.approx(369.8), "t": "2024-10-04T00:01:00Z", "c": [3.5, 3.625]},
        {"vehicle_id": "car-2", "v": None, "t": "2024-10-04T00:01:00Z", "c": None},
    ]
    assert len(text.splitlines()) == 4
    assert asked(home, "select 1 where false", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_csv_has_times_in_utc_and_lists_as_json(home: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sql = "select vehicle_id, sample_time, cell_voltage_v, pack_voltage_v from telemetry order by 1, 2 limit 1"
    assert asked(home, sql, "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    time = "2024-10-04T00:01:00.000000Z"
    assert rows == [
        {"vehicle_id": "car-1", "sample_time": time, "cell_voltage_v": "[3.5, 3.625]", "pack_voltage_v": "350"}
    ]


def test_a_table_shows_a_hundred_rows_and_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(home, "from telemetry select vehicle_id, soc_pct order by 1") == 0
    shown = capsys.readouterr()
    assert (len(shown.out.splitlines()), "the first 100 rows" in shown.err) == (102, True)
    assert shown.out.splitlines()[2].split() == ["car-1", "–"]
    assert asked(home, "from telemetry select vehicle_id", "--limit", "0") == 0
    shown = capsys.readouterr()
    assert (len(shown.out.splitlines()), shown.err) == (402, "")


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("selec 1", "syntax error"),
        ("select nothing from telemetry", "nothing"),
        ("delete from telemetry", "only a statement that reads"),
        ("copy (select 1) to 'x.csv'", "only a statement that reads"),
        ("select * from read_csv('x.csv')", "read_csv"),
    ],
)
def test_a_query_that_cannot_be_is_one_line(
    home: Path, sql: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(home, sql) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert word in shown.err


def test_csv_and_json_exclude_each_other(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(home, "select 1", "--csv", "--json") == 2
    assert "not both" in capsys.readouterr().err


def test_values_that_a_format_lacks_are_text(home: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sql = "select interval 90 minute as i, map{'a': 1} as m, 1 as n, 2 as n, 'x'::blob as b"
    assert asked(home, sql, "--csv") == 0
    assert capfdbinary.readouterr().out == (b'"i","m","n","n_1","b"\n"P0M0DT5400S","[[""a"", 1]]",1,2,"eA=="\n')
    assert asked(home, sql, "--json") == 0
    expected = [{"i": "P0M0DT5400S", "m": {"a": 1}, "n": 1, "n_1": 2, "b": "eA=="}]
    assert json.loads(capfdbinary.readouterr().out) == expected


def exported(home: Path, out: Path, *arguments: str) -> int:
    return main(["export", "--out", str(out), *arguments, "--home", str(home)])


@pytest.mark.parametrize("name", ["car-1.bdf.csv", "car-1.bdf.parquet"])
def test_bdf_comes_back_with_the_same_values(
    home: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    assert exported(home, out, "--vehicle", "car-1") == 0
    assert capsys.readouterr().out == f"{out}: 200 rows\n"
    log = SegmentLog(tmp_path / "log")
    dead = LakeDeadLetters(Workspace.open(tmp_path / "other").lake())
    import_path(out, shipped_profile("bdf"), log, dead, pack="sim_nmc_96s")
    rows = pa.concat_tables([table for _, table in log.read()]).filter(pa.compute.field("kind") == 0)
    found = Workspace.open(home).lake().read("telemetry", vehicle="car-1")
    for column in ("vehicle_id", "sample_time", "pack_voltage_v", "pack_current_a", "cell_temp_avg_c"):
        assert rows.column(column).to_pylist() == found.column(column).to_pylist(), column


def test_a_file_of_another_name_is_pointed_out(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(home, tmp_path / "x.csv", "--vehicle", "car-1", "--format", "bdf", "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["rows"] == 200
    assert "car-1.bdf.csv" in shown.err


def test_time_and_vehicles_choose_rows(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.parquet"
    span = ("--from", "2024-10-04T00:02:00Z", "--to", "2024-10-04T02:03:00+02:00")
    assert exported(home, out, "--vehicle", "car-1", "--vehicle", "car-2", *span) == 0
    table = pq.read_table(out)
    start = START_US + 60_000_000
    expected = [time for time in TIMES if start <= time < start + 60_000_000]
    assert table.column("sample_time").cast(pa.int64()).to_pylist() == expected * 2
    assert set(table.column_names) >= {"pack", "cell_voltage_v", "soc_pct"}


def test_alarms_findings_and_maintenance_are_exported_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Workspace.open(home).registry() as registry:
        registry.fleet.enter([VehicleEntry(name, pack="sim_nmc_96s") for name in ("car-1", "car-2")])
        start = registry.offset()
        events = [
            finding(start, evidence={"z": 4.5}),
            finding(start + 1, vehicle="car-2"),
            finding(start + 2, "passed"),
        ]
        registry.commit_batch(MAIN_STREAM, start, start + 3, events, {})
        registry.workshop.add(MaintenanceRecord("car-2", "repair", "x", planned_on="2026-03-01", who="Kim"))
    assert exported(home, tmp_path / "f.parquet", "--table", "findings", "--vehicle", "car-1") == 0
    found = pq.read_table(tmp_path / "f.parquet").to_pylist()
    assert [(row["vehicle_id"], row["change"]) for row in found] == [("car-1", "raised"), ("car-1", "passed")]
    assert json.loads(found[0]["evidence"]) == {"z": 4.5}
    since = datetime.fromtimestamp(at(1) / 1e6, UTC).isoformat()
    assert exported(home, tmp_path / "a.parquet", "--table", "alarms", "--from", since) == 0
    assert [row["vehicle_id"] for row in pq.read_table(tmp_path / "a.parquet").to_pylist()] == ["car-2"]
    assert exported(home, tmp_path / "h.parquet", "--table", "alarm_actions", "--to", "2001-01-01") == 0
    assert pq.read_table(tmp_path / "h.parquet").num_rows == 0
    for table, lines in (("maintenance", 2), ("vehicles", 3), ("latest", None)):
        out = tmp_path / f"{table}.csv"
        assert exported(home, out, "--table", table) == 0
        assert lines is None or len(out.read_text("utf-8").splitlines()) == lines


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--table", "alarms", "--format", "bdf"], "no --table"),
        (["--table", "alarm_actions", "--vehicle", "car-1", "--format", "csv"], "no vehicles to choose"),
        (["--table", "maintenance", "--from", "2024-01-01", "--format", "csv"], "no time to choose by"),
        (["--table", "findings", "--from", "2024-01-02", "--to", "2024-01-01", "--format", "csv"], "no time at all"),
        (["--table", "findings", "--vehicle", "car-3", "--format", "csv"], "there is no vehicle 'car-3'"),
        (["--format", "bdf"], "--vehicle"),
        (["--table", "nothing", "--format", "csv"], "telemetry"),
        (["--table", "nothing", "--format", "csv"], "maintenance"),
        (["--from", "yesterday", "--format", "csv"], "yesterday"),
        ([], "which format"),
        (["--table", "version_heads", "--from", "2024-01-01", "--format", "csv"], "no time"),
        (["--from", "2024-01-02", "--to", "2024-01-01", "--format", "csv"], "no time at all"),
        (["--vehicle", "car-3", "--format", "csv"], "there is no vehicle 'car-3'"),
    ],
)
def test_what_cannot_be_exported_is_said(
    home: Path, tmp_path: Path, arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported(home, tmp_path / "out", *arguments) == 2
    assert word in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_not_replaced(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    assert exported(home, pipe) == 2
    assert "pipe.csv is no ordinary file" in capsys.readouterr().err
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet.txt"])
def test_the_last_ending_says_the_format(
    home: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported(home, tmp_path / name) == 2
    assert "which format" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "nowhere" / "a.csv"
    assert exported(home, out) == 2
    assert capsys.readouterr().err == f"twinpack: {out} cannot be written: No such file or directory\n"
