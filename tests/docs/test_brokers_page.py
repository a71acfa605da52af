"""The settings for Mosquitto on the page about brokers, as they stand there: nothing is lost, nobody else sends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers.mosquitto import binary, free_port, require
from tests.waiting import until
from twinpack.cli.main import main
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.settings import Settings, parse_settings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import SAMPLE_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "brokers.md"
WAIT_S = 30.0
FIRST_US = 1_700_000_000_000_000
FOREIGN_US, MINE_US = 1_735_689_600_000_000, 1_546_300_800_000_000
PASSWORDS = {"twinpack-gateway": "of-the-gateway", "north": "of-the-fleet", "SIM-0001": "of-the-vehicle"}


def block(name: str) -> str:
    """The block of the page that is named in a comment before it."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@dataclass
class Mosquitto:
    """Mosquitto with the settings of the page; files are below `folder`, and the port is a free one."""

    folder: Path
    port: int

    def __post_init__(self) -> None:
        for name in ("certs", "store"):
            (self.folder / name).mkdir(parents=True)
        make_certificate(self.folder / "certs")
        (self.folder / "acl").write_text(block("acl"))
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{name}:{password}\n" for name, password in PASSWORDS.items()))
        tool = binary("mosquitto_passwd")
        assert tool is not None
        subprocess.run([tool, "-U", str(passwords)], check=True, capture_output=True)
        text = block("mosquitto.conf")
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        text = text.replace("/etc/mosquitto/", f"{self.folder}/").replace(
            "/var/lib/mosquitto/", f"{self.folder}/store/"
        )
        (self.folder / "mosquitto.conf").write_text(f"{text}user root\n")
        for file in (passwords, self.folder / "acl"):
            file.chmod(0o600)

    @property
    def ca_file(self) -> Path:
        return self.folder / "certs" / "ca.crt"

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen([require(), "-c", str(self.folder / "mosquitto.conf")], stderr=log)
        end = time.monotonic() + WAIT_S
        while not self.answers():
            assert time.monotonic() < end and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def client(self, user: str) -> mqtt.Client:
        """A client that is connected."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user, protocol=mqtt.MQTTv311)
        client.tls_set(str(self.ca_file))
        client.username_pw_set(user, PASSWORDS[user])
        answered = threading.Event()
        client.on_connect = lambda *_: answered.set()
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        assert answered.wait(WAIT_S)
        return client


def make_certificate(folder: Path) -> None:
    """One certificate that signs itself."""
    made = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        *("-keyout", str(folder / "broker.key"), "-out", str(folder / "broker.crt")),
    ]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "ca.crt").write_bytes((folder / "broker.crt").read_bytes())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    require()
    made = Mosquitto(tmp_path / "mosquitto", free_port())
    made.start()
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def workspace(tmp_path: Path, broker: Mosquitto) -> Workspace:
    text = block("settings.toml").replace("broker.example:8883", f"127.0.0.1:{broker.port}")
    assert set(tomllib.loads(text)["mqtt"]) == {"url", "username", "password_file", "ca_file"}
    made = Workspace.open(tmp_path / "home", settings=replace(Settings(), mqtt=parse_settings(text).mqtt))
    (made.home / "keys" / "mqtt.password").write_text(PASSWORDS["twinpack-gateway"])
    (made.home / "keys" / "ca.crt").write_bytes(broker.ca_file.read_bytes())
    with made.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north", default_pack="sim_nmc_96s"))
        registry.fleet.enter([VehicleEntry(f"SIM-000{number}", "north") for number in (1, 2)])
    return made


def wait_for(gateway: Gateway, rows: int) -> None:
    until(lambda: gateway.log.end_offset >= rows, lambda: f"{gateway.log.end_offset} of {rows}")


def samples(workspace: Workspace) -> list[int]:
    """Times of the samples in the log, microseconds since the epoch."""
    rows = (row for _, table in SegmentLog(workspace.log_dir).read(0) for row in table.to_pylist())
    return [round(row["sample_time"].timestamp() * 1e6) for row in rows if row["kind"] in SAMPLE_KINDS]


def publish(broker: Mosquitto, topic: str, body: object) -> None:
    """Publish as a vehicle. Mosquitto acknowledges what is not allowed, and 2.0.11 then hangs up."""
    vehicle = broker.client("SIM-0001")
    vehicle.publish(topic, json.dumps(body), qos=1).wait_for_publish(WAIT_S)
    vehicle.disconnect()
    vehicle.loop_stop()


def test_a_fleet_is_played_at_it_and_a_stranger_is_not_heard(
    workspace: Workspace, broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text(PASSWORDS["north"])
    where = ["--mqtt", f"mqtts://127.0.0.1:{broker.port}", "--ca-file", str(broker.ca_file), "--fleet", "north"]
    login = ["--user", "north", "--password-file", str(tmp_path / "password")]
    fleet = ["--vehicles", "2", "--trips", "1", "--speed", "max", "--json"]
    with Gateway(workspace, http=False) as gateway:
        while not (gateway.mqtt and gateway.mqtt.connected):
            time.sleep(0.02)
        foreign = {"time": FOREIGN_US}
        mine = {"time": MINE_US, "pack_voltage_v": 370.0, "pack_current_a": 0.0}
        publish(broker, telemetry_topic("north", "SIM-0002", 256), foreign)
        publish(broker, "other", foreign)
        publish(broker, telemetry_topic("north", "SIM-0001", 256), mine)
        wait_for(gateway, 1)
        assert main(["simulate", *where, *login, *fleet]) == 0
        played: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert played["acknowledged"] == played["samples"]
        wait_for(gateway, round(0.99 * played["samples"]))
    kept = samples(workspace)
    assert 0.99 * played["samples"] < len(kept) <= played["samples"] + 1
    assert MINE_US in kept and FOREIGN_US not in kept


def test_what_waits_for_a_gateway_survives_a_restart_of_the_broker(workspace: Workspace, broker: Mosquitto) -> None:
    count = 5_000  # far beyond what Mosquitto keeps by default
    with Gateway(workspace, http=False) as gateway:
        while not (gateway.mqtt and gateway.mqtt.connected):
            time.sleep(0.02)
    vehicle = broker.client("SIM-0001")
    topic = telemetry_topic("north", "SIM-0001", 256)
    told = [
        vehicle.publish(topic, json.dumps({"time": FIRST_US + number * 1_000_000, "soc_pct": 50}), qos=1)
        for number in range(count)
    ]
    for message in told:
        message.wait_for_publish(WAIT_S)
    vehicle.disconnect()
    vehicle.loop_stop()
    broker.stop()
    broker.start()
    with Gateway(workspace, http=False) as gateway:
        wait_for(gateway, count)
    assert sorted(samples(workspace)) == [FIRST_US + number * 1_000_000 for number in range(count)]
