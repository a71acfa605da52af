"""The line to the broker: what is wrong with topics, proofs of identity, restarts, full disks."""

from __future__ import annotations

import json
import sqlite3
import ssl
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from benchmarks.publisher import connect, packets, received, send
from tests.ingest.gateway import line
from tests.servers import certificates
from tests.servers.disks import SmallDisk
from tests.servers.mosquitto import DEVICE_PASSWORD, GATEWAY_PASSWORD, GATEWAY_USER, Broker, running
from tests.waiting import until
from twinpack.errors import SettingsError
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.topics import telemetry_topic


def subscribed(gateway: Gateway) -> None:
    until(lambda: gateway.mqtt is not None and gateway.mqtt.connected, "subscribed")


def has_accepted(gateway: Gateway, samples: int) -> bool:
    return line.counted(gateway, "samples_accepted") == samples


def has_connected(gateway: Gateway, times: int) -> bool:
    return line.counted(gateway, "mqtt_connects") == times


@pytest.fixture
def begin() -> int:
    return line.now_us() - 86_400_000_000


def test_a_message_must_come_by_the_topic_of_its_vehicle(tmp_path: Path, broker: Broker, begin: int) -> None:
    workspace = line.made(tmp_path / "home", broker)
    fields = line.sample("V1", 0, begin)
    good, payload = line.published(fields)
    shard = int(good.split("/")[2])
    wrong = [
        telemetry_topic(line.FLEET, "V2", line.SHARDS),
        f"twinpack/{line.FLEET}/{(shard + 1) % line.SHARDS}/V1/telemetry",
        f"twinpack/{line.FLEET}/x/V1/telemetry",
        f"twinpack/{line.FLEET}/{shard}/$V1/telemetry",
    ]
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        line.publish(broker, [(topic, payload) for topic in [*wrong, good]])
        line.acknowledged(gateway, 5)
        assert line.counted(gateway, "messages_rejected", reason="topic") == 4
        # V1 is in this fleet now; it may not send by way of another one.
        line.publish(broker, [line.published(line.sample("V1", 1, begin), "munich")])
        line.acknowledged(gateway, 6)
        assert line.counted(gateway, "samples_rejected", reason="topic") == 1
    assert line.samples(workspace).num_rows == 1
    assert [letter["reason"] for letter in line.letters(workspace)] == ["topic"] * 5


def test_messages_without_delivery_guarantee_are_taken_too(tmp_path: Path, broker: Broker, begin: int) -> None:
    workspace = line.made(tmp_path / "home", broker)
    topic, payload = line.published(line.sample("V1", 0, begin))
    once = packets([(topic, payload)])[0]
    name = 2 + len(topic)
    start = len(once) - len(payload) - 2 - name
    plain = b"\x30" + bytes([(once[1] & 0x80) | ((once[1] - 2) & 0x7F)]) + once[2:start] + once[start : start + name]
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        with connect(broker.port) as link:
            link.sendall(plain + payload)
            until(lambda: line.counted(gateway, "samples_accepted") == 1, "accepted")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_broker_that_is_restarted_is_found_again(
    tmp_path: Path, broker: Broker, begin: int, version: str, lines: list[str]
) -> None:
    workspace = line.made(tmp_path / "home", broker, version)
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        for turn in range(3):
            line.publish(broker, [line.published(line.sample("V1", turn * 100 + at, begin)) for at in range(100)])
            until(partial(has_accepted, gateway, 100 * turn + 100), "accepted")
            broker.restart()
            subscribed(gateway)
        until(lambda: any(_tells_of_its_return(text) for text in lines), "told of")
    assert set(line.keys(line.samples(workspace)).values()) == {1}


def _tells_of_its_return(text: str) -> bool:
    told = json.loads(text)
    return (told["level"], told["event"], told.get("session_kept")) == ("warning", "mqtt_connected", True)


def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path, begin: int) -> None:
    late = Broker(tmp_path / "broker")
    workspace = line.made(tmp_path / "home", late)
    with Gateway(workspace) as gateway:
        assert not gateway.health()["mqtt_connected"]
        try:
            late.start()
            subscribed(gateway)
        finally:
            late.kill()


# --- proofs of identity ---------------------------------------------------------------------------------------------


def test_passwords_open_the_broker_and_are_never_logged(tmp_path: Path, begin: int, lines: list[str]) -> None:
    password = tmp_path / "password"
    password.write_text(GATEWAY_PASSWORD + "\n")
    with running(tmp_path / "broker", users=("V1",)) as broker:
        mqtt = {"username": GATEWAY_USER, "password_file": str(password)}
        workspace = line.made(tmp_path / "home", broker, mqtt=mqtt)
        with Gateway(workspace) as gateway:
            subscribed(gateway)
            ready = packets([line.published(line.sample("V1", 0, begin))])
            send(broker.port, ready, "V1", "V1", DEVICE_PASSWORD)
            line.acknowledged(gateway, 1)
        password.write_text("another-secret-55d0")
        with Gateway(workspace) as gateway:
            until(lambda: any("mqtt_disconnected" in text for text in lines), "refused")
    assert lines
    assert all(isinstance(json.loads(text), dict) for text in lines)
    told = "\n".join(lines)
    assert "refused the connection" in told
    assert not [secret for secret in (GATEWAY_PASSWORD, DEVICE_PASSWORD, "another-secret-55d0") if secret in told]


def test_certificates_prove_both_sides(tmp_path: Path, begin: int) -> None:
    folder = tmp_path / "certificates"
    authority = certificates.authority(folder)
    server, ours = certificates.signed(folder, "broker"), certificates.signed(folder, "gateway")
    with running(tmp_path / "broker", tls=(authority, *server)) as broker:
        files = {"ca_file": str(authority), "cert_file": str(ours[0]), "key_file": str(ours[1])}
        workspace = line.made(tmp_path / "home", broker, mqtt=files)
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(*ours)
        ready = packets([line.published(line.sample("V1", at, begin)) for at in range(50)])
        with Gateway(workspace) as gateway:
            subscribed(gateway)
            with connect(broker.port, context=context) as link:
                link.sendall(b"".join(ready))
                assert len(received(link, 200)) == 200
            line.acknowledged(gateway, 50)
            assert line.counted(gateway, "samples_accepted") == 50


def test_a_broker_that_cannot_prove_itself_is_sent_nothing(tmp_path: Path, lines: list[str]) -> None:
    theirs, other = tmp_path / "theirs", tmp_path / "other"
    authority = certificates.authority(theirs)
    server = certificates.signed(theirs, "broker")
    with running(tmp_path / "broker", tls=(authority, *server)) as broker:
        workspace = line.made(tmp_path / "home", broker, mqtt={"ca_file": str(certificates.authority(other))})
        with Gateway(workspace) as gateway:
            until(lambda: any("SSLCertVerificationError" in text for text in lines), "refused")
            assert not gateway.health()["mqtt_connected"]


def test_files_that_are_put_right_are_read_again(tmp_path: Path, lines: list[str]) -> None:
    folder = tmp_path / "certificates"
    authority = certificates.authority(folder)
    server, ours = certificates.signed(folder, "broker"), certificates.signed(folder, "gateway")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text("no certificate")
    with running(tmp_path / "broker", tls=(authority, *server)) as broker:
        files = {"ca_file": str(trusted), "cert_file": str(ours[0]), "key_file": str(ours[1])}
        with Gateway(line.made(tmp_path / "home", broker, mqtt=files)) as gateway:
            until(lambda: any(f"[mqtt] ca_file: {trusted} cannot be used" in text for text in lines), "refused")
            trusted.write_bytes(authority.read_bytes())
            subscribed(gateway)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"url": "http://host"}, "url"),
        ({"url": "mqtt://host:99999"}, "no address of a broker"),
        ({"topic": "fleet/#/telemetry"}, "cannot be subscribed to"),
        ({"topic": "fleet+/telemetry"}, "cannot be subscribed to"),
        ({"url": "mqtt://user:pw@host"}, "do not belong"),
        ({"password_file": "nowhere"}, "password_file"),
        ({"ca_file": "nowhere"}, "ca_file"),
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(tmp_path: Path, changes: dict[str, str], word: str) -> None:
    workspace = line.made(tmp_path / "home", None, mqtt={"url": "mqtt://127.0.0.1:1", **changes})
    with pytest.raises(SettingsError, match=word):
        Gateway(workspace).start()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"intake", "mqtt", "http", "known-vehicles", "log-sealing"}


def test_it_says_which_broker_ends_the_connection_and_what_may_be_wrong(
    tmp_path: Path, broker: Broker, lines: list[str]
) -> None:
    encrypted = tmp_path / "encrypted"
    authority = certificates.authority(encrypted)
    with running(tmp_path / "other", tls=(authority, *certificates.signed(encrypted, "broker"))) as other:
        plain = {"url": f"mqtt://127.0.0.1:{other.port}"}
        with Gateway(line.made(tmp_path / "plain", None, mqtt=plain), http=False):
            until(lambda: any("does it expect MQTT 5, and mqtt://" in text for text in lines), "refused")
            assert any(f'"broker": "{plain["url"]}"' in text for text in lines)
    with Gateway(line.made(tmp_path / "first", broker), http=False) as first:
        subscribed(first)
        with Gateway(line.made(tmp_path / "second", broker), http=False):
            until(lambda: any("another client may have the client_id" in text for text in lines), "taken over")


def test_a_broker_without_a_guarantee_is_told_of(tmp_path: Path, lines: list[str]) -> None:
    with running(tmp_path / "broker", extra="max_qos 0\n") as broker:
        with Gateway(line.made(tmp_path / "home", broker, "3.1.1"), http=False) as gateway:
            subscribed(gateway)
            until(lambda: any("mqtt_not_guaranteed" in text for text in lines), "told of")


# --- a full disk ----------------------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing(tmp_path: Path, broker: Broker, small_disk: SmallDisk, begin: int) -> None:
    workspace = line.made(small_disk.folder / "home", broker, gateway={"max_pending_mb": 0.2})
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        line.publish(broker, [line.published(line.sample("V1", at, begin)) for at in range(100)])
        line.acknowledged(gateway, 100)
        small_disk.fill()
        line.publish(broker, [line.published(line.sample("V1", at, begin)) for at in range(100, 20_100)])
        until(lambda: not gateway.intake.writable, "writes fail")
        until(lambda: not gateway.intake.pending.has_room(), "no room")
        assert line.counted(gateway, "messages_acknowledged") <= 100 + line.counted(gateway, "samples_accepted")
        assert line.counted(gateway, "messages_acknowledged") < 20_100
        assert gateway.health()["status"] == "failing"
        assert gateway.intake.pending.bytes < 2_000_000  # one read more than there is room for
        small_disk.free()
        line.acknowledged(gateway, 20_100)
        assert gateway.intake.writable
    assert set(line.keys(line.samples(workspace)).values()) == {1}
    assert line.samples(workspace).num_rows == 20_100


@pytest.mark.parametrize("version", ["5", pytest.param("3.1.1", marks=pytest.mark.slow)])
def test_lines_that_are_lost_on_a_full_disk_fill_no_memory(
    tmp_path: Path, broker: Broker, small_disk: SmallDisk, begin: int, version: str
) -> None:
    # A line is found dead by the ping at half of keepalive_s, since what is not read hides its end.
    settings = {"gateway": {"max_pending_mb": 0.05}, "mqtt": {"keepalive_s": 5}}
    workspace = line.made(small_disk.folder / "home", broker, version, **settings)
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        small_disk.fill()
        line.publish(broker, [line.published(line.sample("V1", at, begin)) for at in range(20_000)])
        until(lambda: not gateway.intake.pending.has_room(), "no room")
        held = gateway.intake.pending.bytes
        for turn in range(2, 5):
            broker.restart()
            until(partial(has_connected, gateway, turn), "connected again")
        assert gateway.intake.pending.bytes == held
        small_disk.free()
        until(partial(has_accepted, gateway, 20_000), "accepted")
    assert set(line.keys(line.samples(workspace)).values()) == {1}


@pytest.mark.slow
def test_the_line_is_kept_while_nothing_is_read(
    tmp_path: Path, broker: Broker, small_disk: SmallDisk, begin: int
) -> None:
    gateway_settings = {"max_pending_mb": 0.01}
    workspace = line.made(
        small_disk.folder / "home", broker, gateway=gateway_settings, mqtt={"keepalive_s": 5, "session_expiry_s": 60}
    )
    with Gateway(workspace) as gateway:
        subscribed(gateway)
        small_disk.fill()
        line.publish(broker, [line.published(line.sample("V1", at, begin)) for at in range(5_000)])
        until(lambda: not gateway.intake.pending.has_room(), "no room")
        time.sleep(12)  # the broker gives up after one and a half times keepalive_s
        assert gateway.health()["mqtt_connected"]
        small_disk.free()
        line.acknowledged(gateway, 5_000)
        assert line.counted(gateway, "mqtt_connects") == 1
    assert line.samples(workspace).num_rows == 5_000


def test_a_locked_registry_keeps_no_vehicle_waiting(tmp_path: Path, broker: Broker, begin: int) -> None:
    workspace = line.made(tmp_path / "home", broker)
    with Gateway(workspace) as gateway, workspace.registry() as registry:
        subscribed(gateway)
        with closing(sqlite3.connect(workspace.home / "registry.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            line.publish(broker, [line.published(line.sample(name, 0, begin)) for name in ("V1", "V2")])
            line.acknowledged(gateway, 2)
            assert line.counted(gateway, "samples_accepted") == 2
            assert registry.fleet.entries() == []
            other.execute("ROLLBACK")
        until(lambda: len(registry.fleet.entries()) == 2, "entered once it is free")
