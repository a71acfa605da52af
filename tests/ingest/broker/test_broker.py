"""The embedded broker as a process of its own, met by a common MQTT client."""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from twinpack.errors import WorkspaceBusyError, WorkspaceError
from twinpack.ingest.broker import GATEWAY_USER, BrokerProcess
from twinpack.ingest.broker.guard import REMEMBER_S
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

WAIT_S = 20.0
SHARDS = 256


@dataclass
class Meeting:
    """A client and what it was told."""

    client: mqtt.Client
    answers: queue.Queue[Any] = field(default_factory=queue.Queue)
    granted: queue.Queue[Any] = field(default_factory=queue.Queue)
    messages: queue.Queue[mqtt.MQTTMessage] = field(default_factory=queue.Queue)

    def publish(self, topic: str, payload: bytes) -> None:
        told = self.client.publish(topic, payload, qos=1)
        told.wait_for_publish(WAIT_S)
        assert told.is_published()

    def next(self) -> tuple[str, bytes]:
        message = self.messages.get(timeout=WAIT_S)
        return message.topic, bytes(message.payload)


@dataclass
class House:
    """A workspace with a fleet, its broker, and whoever came."""

    workspace: Workspace
    registry: Registry
    broker: BrokerProcess
    clients: list[mqtt.Client] = field(default_factory=list)

    def token(self, name: str, scope: str = "vehicle") -> str:
        return self.registry.credentials.issue(scope, name).token  # type: ignore[arg-type]

    def come(self, user: str, password: str, **options: Any) -> Meeting:
        """Connect and wait for the answer, which stands in `answers`."""
        will = options.pop("will", None)
        subscribe = options.pop("subscribe", "")
        wanted: dict[str, Any] = {"client_id": f"test-{len(self.clients)}", "protocol": mqtt.MQTTv311} | options
        client = mqtt.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False, **wanted)
        meeting = Meeting(client)
        client.username_pw_set(user, password)
        if will is not None:
            client.will_set(will, b"gone", qos=1)
        client.on_connect = lambda _c, _u, _f, code, _p: meeting.answers.put(str(code))
        client.on_subscribe = lambda _c, _u, _m, codes, _p: meeting.granted.put(codes[0].value)
        client.on_message = lambda _c, _u, message: meeting.messages.put(message)
        host, port = self.broker.url.removeprefix("mqtt://").split(":")
        self.clients.append(client)
        client.connect(host, int(port))
        client.loop_start()
        if subscribe:
            assert meeting.answers.get(timeout=WAIT_S) == "Success"
            client.subscribe(subscribe, qos=1)
            assert meeting.granted.get(timeout=WAIT_S) == 1
        return meeting

    def gateway(self, **options: Any) -> Meeting:
        password = self.broker.password_file.read_text()
        wanted = {"client_id": "gateway", "clean_session": False, "subscribe": "twinpack/+/+/+/telemetry"}
        return self.come(GATEWAY_USER, password, **(wanted | options))


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Registry]]:
    workspace = Workspace.open(tmp_path_factory.mktemp("home") / "w")
    with workspace.registry() as registry:
        for name in ("north", "south"):
            registry.fleet.create_fleet(FleetRecord(name, default_pack="sim_nmc_96s"))
        registry.fleet.enter([VehicleEntry("CAR-1", "north"), VehicleEntry("CAR-2", "north")])
        registry.fleet.enter([VehicleEntry("CAR-3", "south"), VehicleEntry("CAR-4")])
        yield workspace, registry


@pytest.fixture
def house(garage: tuple[Workspace, Registry]) -> Iterator[House]:
    workspace, registry = garage
    with BrokerProcess(workspace.home) as broker:
        made = House(workspace, registry, broker)
        yield made
        for client in made.clients:
            client.disconnect()
            client.loop_stop()


def topic(fleet: str, vehicle: str) -> str:
    return telemetry_topic(fleet, vehicle, SHARDS)


def test_a_vehicle_publishes_and_the_gateway_listens(house: House) -> None:
    gateway = house.gateway()
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    assert vehicle.answers.get(timeout=WAIT_S) == "Success"
    vehicle.publish(topic("north", "CAR-1"), b"hello")
    assert gateway.next() == (topic("north", "CAR-1"), b"hello")


def test_strangers_are_turned_away(house: House) -> None:
    house.gateway()
    token = house.token("CAR-1")
    for user, password in (("CAR-1", "wrong"), ("CAR-2", token), (GATEWAY_USER, token), (GATEWAY_USER, "x"), ("", "")):
        stranger = house.come(user, password)
        assert stranger.answers.get(timeout=WAIT_S) in ("Bad user name or password", "Not authorized"), user


def test_only_its_own_topics_are_passed_on(house: House) -> None:
    gateway = house.gateway()
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    fleet = house.come("south", house.token("south", "fleet"))
    mine, wrong_shard = topic("north", "CAR-1"), "twinpack/north/0/CAR-1/telemetry"
    assert wrong_shard != mine
    foreign = [topic("north", "CAR-2"), topic("south", "CAR-1"), topic("default", "CAR-1"), wrong_shard]
    for number, name in enumerate([*foreign, "twinpack/north", f"{mine}/more", "other"]):
        vehicle.publish(name, b"foreign %d" % number)
    for name in (topic("north", "CAR-1"), topic("south", "CAR-4"), topic("north", "CAR-9")):
        fleet.publish(name, b"of another fleet")
    vehicle.publish(mine, b"mine")
    fleet.publish(topic("south", "CAR-3"), b"entered")
    fleet.publish(topic("south", "CAR-9"), b"not entered")
    passed = {gateway.next() for _ in range(3)}
    assert passed == {
        (mine, b"mine"),
        (topic("south", "CAR-3"), b"entered"),
        (topic("south", "CAR-9"), b"not entered"),
    }
    assert gateway.messages.empty()


def test_nobody_else_may_listen(house: House) -> None:
    gateway = house.gateway()
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    vehicle.answers.get(timeout=WAIT_S)
    for name in ("#", "$SYS/#", "twinpack/+/+/+/telemetry", topic("north", "CAR-1")):
        vehicle.client.subscribe(name, qos=1)
        assert vehicle.granted.get(timeout=WAIT_S) == 0x80, name
    vehicle.publish(topic("north", "CAR-1"), b"for the gateway")
    assert gateway.next()[1] == b"for the gateway"
    assert vehicle.messages.empty()


def test_a_revoked_token_opens_nothing_and_soon_sends_nothing(house: House) -> None:
    gateway = house.gateway()
    issued = house.registry.credentials.issue("vehicle", "CAR-1")
    vehicle = house.come("CAR-1", issued.token)
    vehicle.answers.get(timeout=WAIT_S)
    vehicle.publish(topic("north", "CAR-1"), b"before")
    assert gateway.next()[1] == b"before"
    house.registry.credentials.revoke(issued.record.credential_id)
    again = house.come("CAR-1", issued.token)
    assert again.answers.get(timeout=WAIT_S) != "Success"
    time.sleep(REMEMBER_S + 0.2)  # what was asked before is remembered for so long
    vehicle.publish(topic("north", "CAR-1"), b"after")
    other = house.come("CAR-2", house.token("CAR-2"))
    other.publish(topic("north", "CAR-2"), b"end")
    assert gateway.next()[1] == b"end"


def test_a_stranger_cannot_end_the_gateways_session(house: House) -> None:
    gateway = house.gateway()
    for user, password in (("CAR-1", "wrong"), ("CAR-1", house.token("CAR-1"))):
        for clean in (True, False):
            thief = house.come(user, password, client_id="gateway", clean_session=clean)
            assert thief.answers.get(timeout=WAIT_S) != "Success"
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    vehicle.publish(topic("north", "CAR-1"), b"still there")
    assert gateway.next()[1] == b"still there"


def test_last_wills_and_mqtt_5_are_refused(house: House) -> None:
    house.gateway()
    token = house.token("CAR-1")
    assert house.come("CAR-1", token, will=topic("north", "CAR-2")).answers.get(timeout=WAIT_S) == "Not authorized"
    newer = house.come("CAR-1", token, protocol=MQTTProtocolVersion.MQTTv5)
    assert newer.answers.get(timeout=WAIT_S) == "Unsupported protocol version"


def test_devices_wait_for_the_gateway_and_what_it_did_not_take_comes_again(house: House) -> None:
    gateway = house.gateway(manual_ack=True)
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    for number in range(5):
        vehicle.publish(topic("north", "CAR-1"), b"%d" % number)
    assert [gateway.next()[1] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    cut_off(gateway.client)
    vehicle.client.publish(topic("north", "CAR-1"), b"5", qos=1)
    again = house.gateway(subscribe="")
    assert sorted(again.next()[1] for _ in range(6)) == [b"0", b"1", b"2", b"3", b"4", b"5"]


def cut_off(client: mqtt.Client) -> None:
    """End a connection without a word."""
    sock = client.socket()
    assert isinstance(sock, socket.socket)
    sock.shutdown(socket.SHUT_RDWR)
    client.loop_stop()


def test_what_devices_were_told_is_passed_on_at_its_end(house: House) -> None:
    gateway = house.gateway()
    fleet = house.come("north", house.token("north", "fleet"))
    told = [fleet.client.publish(topic("north", "CAR-1"), b"%d" % number, qos=1) for number in range(500)]
    told[300].wait_for_publish(WAIT_S)
    house.broker.stop()
    acknowledged = sum(message.is_published() for message in told)
    assert acknowledged > 300
    assert gateway.messages.qsize() >= acknowledged


@pytest.mark.parametrize("client_id", ["", "named"])
def test_who_leaves_right_after_the_answer_loses_nothing(house: House, client_id: str) -> None:
    gateway = house.gateway()
    for leave in (mqtt.Client.disconnect, cut_off):
        vehicle = house.come("CAR-1", house.token("CAR-1"), client_id=client_id)
        told = [vehicle.client.publish(topic("north", "CAR-1"), b"%d" % number, qos=1) for number in range(200)]
        for message in told:
            message.wait_for_publish(WAIT_S)
        leave(vehicle.client)
        assert [int(gateway.next()[1]) for _ in told] == list(range(200))


def test_garbage_and_huge_packets_end_a_connection_only(house: House) -> None:
    gateway = house.gateway()
    host, port = house.broker.url.removeprefix("mqtt://").split(":")
    for bytes_sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\x7f", b"\x10\x02ab", b"\x00" * 50):
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as raw:
            raw.sendall(bytes_sent)
            assert raw.recv(10) == b"", bytes_sent
    vehicle = house.come("CAR-1", house.token("CAR-1"))
    gone = threading.Event()
    vehicle.client.on_disconnect = lambda *_: gone.set()
    vehicle.answers.get(timeout=WAIT_S)
    vehicle.client.publish(topic("north", "CAR-1"), bytes(1_000_000), qos=1)
    assert gone.wait(WAIT_S)
    other = house.come("CAR-2", house.token("CAR-2"))
    other.publish(topic("north", "CAR-2"), b"still there")
    assert gateway.next()[1] == b"still there"


def test_thousands_of_messages_pass_in_order_while_the_gateway_is_slow(house: House) -> None:
    gateway = house.gateway()
    seen: list[int] = []
    done = threading.Event()

    def take(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if not seen:
            time.sleep(0.5)
        seen.append(int(message.payload))
        if len(seen) == 6_000:
            done.set()

    gateway.client.on_message = take
    fleet = house.come("north", house.token("north", "fleet"))
    fleet.answers.get(timeout=WAIT_S)
    for number in range(6_000):
        fleet.client.publish(topic("north", "CAR-1"), b"%d" % number, qos=1)
    assert done.wait(60)
    assert seen == list(range(6_000))


def test_the_gateways_password_is_its_owners_and_new_at_each_start(house: House) -> None:
    first = house.broker.password_file.read_text()
    assert house.broker.password_file.stat().st_mode & 0o777 == 0o600
    house.broker.stop()
    house.broker.start()
    assert house.broker.password_file.read_text() != first


def test_a_second_one_leaves_the_first_and_its_password_alone(house: House) -> None:
    before = house.broker.password_file.read_text()
    with pytest.raises(WorkspaceBusyError, match=rf"process {os.getpid()}"):
        BrokerProcess(house.workspace.home).start()
    assert house.broker.password_file.read_text() == before


def test_it_ends_with_its_owner_and_says_why_it_cannot_start(
    garage: tuple[Workspace, Registry], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WorkspaceError, match="did not start"):
            BrokerProcess(garage[0].home, port=port).start()
    assert f"port {port} is in use" in capfd.readouterr().err
