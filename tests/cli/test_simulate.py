"""`twinpack simulate`: telemetry that imports as it is, and the truth where no import finds it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from twinpack.cli import simulate_files
from twinpack.cli.main import main
from twinpack.ingest.addresses import parse_address
from twinpack.ingest.broker import BrokerProcess
from twinpack.ingest.log import SegmentLog
from twinpack.store.fleet_records import FleetRecord
from twinpack.store.workspace import Workspace

SMALL = ["--vehicles", "2", "--trips", "4"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.parametrize(("kind", "vehicle"), [("physics", "SIM-0001"), ("routes", "ROUTE-0001")])
def test_the_whole_folder_imports_without_the_truth(
    kind: str, vehicle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_files, "FILE_ROWS", 1500)
    made = run(capsys, "simulate", "--kind", kind, *SMALL, "--out", str(tmp_path / "sim"))
    assert (made["vehicles"], made["trips"]) == (2, 8)
    taken = run(capsys, "import", str(tmp_path / "sim"), "--home", str(tmp_path / "home"))
    assert taken["files_imported"] == len(list((tmp_path / "sim" / "telemetry").iterdir()))
    assert (taken["rows_read"], taken["rejected"], taken["failed"]) == (made["rows"], {}, [])
    first, table = next(SegmentLog(Workspace.open(tmp_path / "home").log_dir).read(0))
    assert (first, table.column("vehicle_id")[0].as_py()) == (0, vehicle)
    assert json.loads(table.column("command")[0].as_py())["pack"] == made["pack"]


def test_files_follow_time_in_the_order_of_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_files, "FILE_ROWS", 1500)
    run(capsys, "simulate", *SMALL, "--out", str(tmp_path))
    files = sorted((tmp_path / "telemetry").iterdir())
    assert len(files) > 1
    received = [time for file in files for time in pq.read_table(file, columns=["receipt_time"])[0].to_pylist()]
    assert received == sorted(received)


def test_a_fleet_with_faults_imports_cells_and_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_files, "FILE_ROWS", 10_000)
    out = str(tmp_path / "sim")
    made = run(capsys, "simulate", "--kind", "faults", "--vehicles", "2", "--days", "60", "--out", out)
    assert (made["vehicles"], made["trips"]) == (2, 0)
    files = sorted((tmp_path / "sim" / "telemetry").iterdir())
    assert files[0].name.startswith("days-000001-")
    taken = run(capsys, "import", out, "--home", str(tmp_path / "home"))
    assert (taken["files_imported"], taken["rows_read"], taken["failed"]) == (len(files), made["rows"], [])
    table = pq.read_table(files[0])
    assert set(pc.list_value_length(table.column("cell_voltage_v")).to_pylist()) == {96}
    (fault,) = pq.read_table(tmp_path / "sim" / "truth" / "truth.parquet").to_pylist()
    assert (fault["vehicle_id"], fault["fault"]) == ("FLT-0002", "weak_cell")


@pytest.mark.parametrize(
    "wrong", [["--kind", "faults", "--trips", "3"], ["--kind", "faults", "--years", "1"], ["--days", "90"]]
)
def test_options_of_another_kind_are_refused(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *wrong, "--out", str(tmp_path)]) == 2
    assert "--kind faults" in capsys.readouterr().err


def test_the_truth_is_there_for_who_evaluates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "simulate", *SMALL, "--seed", "3", "--out", str(tmp_path))
    truth = pq.read_table(str(made["truth"]))
    assert truth.num_rows == 8
    assert {"vehicle_id", "trip_number", "capacity_health_pct"} <= set(truth.column_names)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = [run(capsys, "simulate", *SMALL, "--out", str(tmp_path / name)) for name in ("a", "b")]
    first, second = (
        [(path.name, path.read_bytes()) for path in sorted(Path(str(each["telemetry"])).iterdir())] for each in made
    )
    assert first == second


def test_a_folder_is_used_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "--kind", "routes", *SMALL, "--out", str(tmp_path)]
    assert main(arguments) == 0
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert main(arguments) == 2
    assert "already holds a simulation" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vehicles", "0"], "'vehicles' is 0"),
        (["--years", "0.001"], "'years' is 0.001"),
        (["--period-s", "90"], "'period_s' is 90"),
        (["--kind", "routes", "--years", "2"], "--years belongs to --kind physics"),
        (["--kind", "routes", "--period-s", "2"], "--period-s belongs to --kind physics"),
    ],
)
def test_a_setting_out_of_range_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments, "--out", str(tmp_path / "sim")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "sim").exists()


# At a broker


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BrokerProcess, Path]]:
    """An embedded broker with somebody who listens, and a fleet's token in a file."""
    workspace = Workspace.open(tmp_path_factory.mktemp("house") / "home")
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north", default_pack="sim_nmc_96s"))
        token = registry.credentials.issue("fleet", "north").token
    (workspace.home / "token").write_text(f"{token}\n")
    with BrokerProcess(workspace.home) as broker:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gateway", protocol=mqtt.MQTTv311)
        client.username_pw_set(broker.user, broker.password_file.read_text())
        client.on_connect = lambda gateway, *_: gateway.subscribe("twinpack/#", qos=1)
        address = parse_address(broker.url)
        client.connect(address.host, address.port)
        client.loop_start()
        yield broker, workspace.home / "token"
        client.disconnect()
        client.loop_stop()


def test_a_fleet_is_played_at_a_broker(
    house: tuple[BrokerProcess, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker, token = house
    where = [
        "--mqtt",
        broker.url,
        "--speed",
        "max",
        "--fleet",
        "north",
        "--user",
        "north",
        "--password-file",
        str(token),
    ]
    made = run(capsys, "simulate", "--vehicles", "2", "--trips", "1", "--samples", "30", *where)
    assert made["messages"] == made["acknowledged"] > 10  # type: ignore[operator]
    run(capsys, "simulate", "--vehicles", "2", "--trips", "1", "--out", str(tmp_path))
    again = run(capsys, "simulate", "--files", str(tmp_path), "--encoding", "msgpack", "--no-shift", *where)
    assert again["samples"] == again["acknowledged"] > 300  # type: ignore[operator]
    assert again["shift_us"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--out FOLDER"),
        (["--files", "x"], "name it with --mqtt"),
        (["--files", "x", "--mqtt", "mqtt://127.0.0.1:1", "--out", "y"], "give one of them"),
        (["--mqtt", "mqtt://127.0.0.1:1", "--speed", "fast"], "--speed 'fast' is not a speed"),
        (["--mqtt", "mqtt://127.0.0.1:1", "--speed", "0x"], "is not a speed"),
        (["--mqtt", "http://x", "--vehicles", "1", "--trips", "1"], "no address of a broker"),
        (["--mqtt", "mqtt://127.0.0.1:1", "--fleet", "a/b", "--vehicles", "1", "--trips", "1"], "fleet name"),
        (["--mqtt", "mqtt://127.0.0.1:1", "--password-file", "none", "--vehicles", "1", "--trips", "1"], "none"),
        (["--mqtt", "mqtt://127.0.0.1:1", "--vehicles", "1", "--trips", "1"], "no broker answers"),
    ],
)
def test_what_cannot_be_played_is_said(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_ctrl_c_ends_it_in_good_order(house: tuple[BrokerProcess, Path]) -> None:
    broker, token = house
    command = [sys.executable, "-m", "twinpack", "simulate", "--vehicles", "1", "--trips", "1", "--mqtt", broker.url]
    command += ["--speed", "1x", "--fleet", "north", "--user", "north", "--password-file", str(token)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "Ctrl-C" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "taken by the broker" in said
