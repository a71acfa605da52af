"""`POST /v1/telemetry` at a real server: every encoding, every refusal, and an answer only when it is durable."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from tests.ingest.gateway import line
from tests.servers import certificates
from tests.waiting import until
from twinpack.errors import SettingsError
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.gateway.http import most_connections
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.settings import HttpSettings, Settings, WorkspaceSettings
from twinpack.store.workspace import Workspace

JSON = "application/json"


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Client:
    """Sends requests to a gateway, with a token of the fleet unless another is given."""

    gateway: Gateway
    token: str
    context: ssl.SSLContext | None = None

    def connection(self) -> http.client.HTTPConnection:
        assert self.gateway.http is not None
        scheme, _, where = self.gateway.http.url.partition("://")
        if scheme == "https":
            return http.client.HTTPSConnection(where, timeout=60, context=self.context)
        return http.client.HTTPConnection(where, timeout=60)

    def post(self, body: bytes, kind: str = JSON, token: str | None = None, **headers: str) -> Answer:
        proof = self.token if token is None else token
        told = {"Content-Type": kind, "Authorization": f"Bearer {proof}"} if proof else {"Content-Type": kind}
        connection = self.connection()
        connection.request("POST", "/v1/telemetry", body, told | {k.replace("_", "-"): v for k, v in headers.items()})
        return self._answer(connection)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = self.connection()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def _answer(self, connection: http.client.HTTPConnection) -> Answer:
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return Answer(answer.status, json.loads(text), {key.lower(): value for key, value in answer.getheaders()})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = line.made(tmp_path / "home", None)
    with made.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET, line.PACK))
        registry.fleet.enter([VehicleEntry(name, line.FLEET, line.PACK) for name in ("V1", "V2")])
        registry.fleet.create_fleet(FleetRecord("munich", line.PACK))
        registry.fleet.enter([VehicleEntry("M1", "munich", line.PACK)])
    return made


def token_for(workspace: Workspace, scope: Any, name: str) -> str:
    with workspace.registry() as registry:
        return registry.credentials.issue(scope, name).token


@pytest.fixture
def client(workspace: Workspace) -> Iterator[Client]:
    token = token_for(workspace, "fleet", line.FLEET)
    with Gateway(workspace) as gateway:
        yield Client(gateway, token)


@pytest.fixture
def begin() -> int:
    return line.now_us() - 86_400_000_000


def arrow(messages: list[dict[str, Any]]) -> bytes:
    names = ("pack_voltage_v", "pack_current_a", "soc_pct", "speed_kmh", "cell_temp_avg_c")
    columns = {name: [message[name] for message in messages] for name in names}
    table = pa.table(
        {
            "vehicle_id": [message["vehicle"] for message in messages],
            "sample_time": pa.array([message["time"] for message in messages], pa.timestamp("us", "UTC")),
            **columns,
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_every_encoding_gives_the_same_samples(client: Client, begin: int) -> None:
    messages = [line.sample("V1", at, begin) for at in range(5)]
    text = msgspec.json.encode(messages)
    bodies = [
        (text, JSON, {}),
        (b"\n".join(msgspec.json.encode(one) for one in messages), "application/x-ndjson", {}),
        (msgspec.msgpack.encode(messages), "application/msgpack", {}),
        (arrow(messages), "application/vnd.apache.arrow.stream", {}),
        (gzip.compress(text), JSON, {"Content_Encoding": "gzip"}),
        (pa.compress(text, "gzip", asbytes=True), JSON, {"Content_Encoding": "gzip"}),
        (bytes(pa.compress(text, "zstd", asbytes=True)), JSON, {"Content_Encoding": "zstd"}),
    ]
    for at, (body, kind, headers) in enumerate(bodies):
        answer = client.post(body, kind, **headers)
        assert answer.status == 200, answer
        assert (answer.body["accepted"], answer.body["duplicates"]) == ((5, 0) if at == 0 else (0, 5)), (at, answer)


def test_the_answer_comes_when_it_is_durable(client: Client, begin: int) -> None:
    answer = client.post(msgspec.json.encode(line.sample("V1", 0, begin)))
    assert (answer.status, answer.body["accepted"]) == (200, 1)
    assert client.gateway.log.end_offset == 2  # the registration and the sample


def test_what_is_wrong_is_told_message_by_message(client: Client, begin: int) -> None:
    good, bad = line.sample("V1", 0, begin), line.sample("V1", 1, begin) | {"pack_voltage_v": 5_000.0}
    answer = client.post(msgspec.json.encode([good, {"vehicle": "V1"}, bad]))
    assert answer.status == 200
    assert answer.body["accepted"] == 1
    assert [(one["index"], one["reason"]) for one in answer.body["rejected"]] == [(1, "time"), (2, "range")]
    many = client.post(msgspec.json.encode([{"vehicle": "V1"}] * 500))
    assert (many.status, many.body["rejected_count"], len(many.body["rejected"])) == (400, 500, 100)


def test_tokens_open_what_they_are_for(client: Client, workspace: Workspace, begin: int) -> None:
    messages = {name: msgspec.json.encode(line.sample(name, 0, begin)) for name in ("V1", "V2", "M1")}
    of_vehicle = token_for(workspace, "vehicle", "V1")
    assert client.post(messages["V1"], token=of_vehicle).status == 200
    assert client.post(messages["V2"], token=of_vehicle).status == 403
    assert client.post(messages["V2"]).status == 200
    assert client.post(messages["M1"]).status == 403
    both = client.post(b"[" + messages["M1"] + b"," + messages["V2"] + b"]")
    assert (both.status, both.body["duplicates"], both.body["rejected"][0]["reason"]) == (200, 1, "forbidden")
    for wrong in ("", "nonsense", "twp_0123456789abcdef." + "A" * 43, of_vehicle[:-1] + "?"):
        answer = client.post(messages["V1"], token=wrong)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert ("is needed" if not wrong else "is wrong, was revoked or has ended") in answer.body["detail"]
    with workspace.registry() as registry:
        registry.credentials.revoke(registry.credentials.records("V1")[0].credential_id)
    assert client.post(messages["V1"], token=of_vehicle).status == 401


def test_bodies_that_cannot_be_read_are_dead_letters(client: Client, workspace: Workspace) -> None:
    bomb = gzip.compress(bytes(70_000_000))
    expected = [
        (client.post(b"[1,", JSON), 400, "body"),
        (client.post(b"x", "text/plain"), 415, "type"),
        (client.post(b"x", JSON, Content_Encoding="br"), 415, "encoding"),
        (client.post(b"x", JSON, Content_Encoding="gzip"), 400, "body"),
        (client.post(bomb, JSON, Content_Encoding="gzip"), 413, "size"),
    ]
    assert [(answer.status, answer.body["rejected"][0]["reason"]) for answer, _, _ in expected] == [
        (status, reason) for _, status, reason in expected
    ]
    client.gateway.log.seal()
    assert Counter(letter["reason"] for letter in line.letters(workspace)) == Counter(one[2] for one in expected)
    assert client.post(bytes(9_000_000)).status == 413
    assert client.post(b" ", "application/x-ndjson").body["accepted"] == 0


def test_a_body_without_a_length_is_cut_off_where_it_is_too_large(client: Client) -> None:
    connection = client.connection()
    connection.putrequest("POST", "/v1/telemetry")
    for name, value in (("Authorization", f"Bearer {client.token}"), ("Transfer-Encoding", "chunked")):
        connection.putheader(name, value)
    connection.endheaders()
    piece = b"%x\r\n%s\r\n" % (100_000, b" " * 100_000)
    try:
        for _ in range(100):
            connection.send(piece)
    except OSError:
        pass  # it hung up before it was sent all
    assert connection.getresponse().status == 413
    connection.close()


def test_a_client_that_goes_away_harms_nobody(client: Client, begin: int) -> None:
    assert client.gateway.http is not None
    host, _, port = client.gateway.http.url.removeprefix("http://").partition(":")
    lines = ("POST /v1/telemetry HTTP/1.1", "Host: x", f"Authorization: Bearer {client.token}", "Content-Length: 1000")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    for part in (head, head + b"[", b"GET", b"\x00\xff" * 50):
        with socket.create_connection((host, int(port))) as link:
            link.sendall(part)
    assert client.post(msgspec.json.encode(line.sample("V1", 0, begin))).status == 200


def test_a_body_that_never_ends_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.ingest.gateway.http.BODY_S", 0.1)
    connection = client.connection()
    connection.putrequest("POST", "/v1/telemetry")
    for name, value in (("Authorization", f"Bearer {client.token}"), ("Content-Length", "100")):
        connection.putheader(name, value)
    connection.endheaders(b"[")
    assert connection.getresponse().status == 408
    connection.close()


def test_bodies_that_arrive_at_once_are_bounded_together(tmp_path: Path, begin: int) -> None:
    settings = Settings(workspace=WorkspaceSettings(pack=line.PACK), http=HttpSettings(port=0, max_body_mb=0.2))
    workspace = Workspace.open(tmp_path / "home", settings=settings)
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET, line.PACK))
        registry.fleet.enter([VehicleEntry("V1", line.FLEET)])
    token = token_for(workspace, "fleet", line.FLEET)
    body = msgspec.json.encode(line.sample("V1", 0, begin)).ljust(200_000)
    told = {"Content-Type": JSON, "Authorization": f"Bearer {token}", "Content-Length": "200000"}
    with Gateway(workspace) as gateway, ExitStack() as stack:
        client = Client(gateway, token)
        connections = [stack.enter_context(closing(client.connection())) for _ in range(6)]
        for connection in connections:
            connection.putrequest("POST", "/v1/telemetry")
            for name, value in told.items():
                connection.putheader(name, value)
            connection.endheaders(body[:190_000])
        # Four fit; which of them are refused depends on the order in which their bytes arrive.
        until(lambda: line.counted(gateway, "http_requests", status="429") >= 1, "one refused")
        answers = []
        for connection in connections:
            try:
                connection.send(body[190_000:])
                answers.append(connection.getresponse().status)
            except OSError:  # it was refused before, and cut off
                answers.append(429)
        assert set(answers) == {200, 429}
        assert client.post(body).body["duplicates"] == 1


def test_when_there_is_no_room_it_says_when_to_try_again(tmp_path: Path, begin: int) -> None:
    workspace = line.made(tmp_path / "small", None, gateway={"max_pending_mb": 0.0001, "commit_ms": 3_000.0})
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET, line.PACK))
    with Gateway(workspace) as gateway:
        client = Client(gateway, token_for(workspace, "fleet", line.FLEET))
        first: list[Answer] = []
        body = msgspec.json.encode(line.sample("V1", 0, begin))
        waiting = threading.Thread(target=lambda: first.append(client.post(body)))
        waiting.start()
        until(lambda: not gateway.intake.pending.has_room(), "no room")
        answer = client.post(body)
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        waiting.join()
        assert first[0].status == 200


def test_tokens_are_never_logged(client: Client, begin: int, lines: list[str]) -> None:
    wrong = "twp_0123456789abcdef." + "A" * 43
    statuses = [
        client.post(msgspec.json.encode(line.sample("V1", 0, begin)), token=one).status for one in (client.token, wrong)
    ]
    assert statuses == [200, 401]
    client.gateway.log.seal()
    assert lines
    told = "\n".join(lines)
    assert not [secret for secret in (client.token, client.token.partition(".")[2], wrong) if secret in told]


def test_many_send_at_once(client: Client, begin: int) -> None:
    answers: list[Answer] = []

    def send(worker: int) -> None:
        for turn in range(10):
            messages = [line.sample("V1", worker * 1_000 + turn * 10 + at, begin) for at in range(10)]
            answers.append(client.post(msgspec.json.encode(messages)))

    workers = [threading.Thread(target=send, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [answer.status for answer in answers] == [200] * 80
    assert sum(answer.body["accepted"] for answer in answers) == 800


def test_vehicles_that_keep_their_connections_keep_nobody_out(client: Client, begin: int) -> None:
    with ExitStack() as held:
        for _ in range(min(600, most_connections() // 2)):
            idle = held.enter_context(closing(client.connection()))
            idle.connect()
        assert client.post(msgspec.json.encode(line.sample("V1", 0, begin))).status == 200
        assert client.get("/healthz")[0] == 200


def test_what_is_measured_and_how_it_does_can_be_asked(client: Client, begin: int) -> None:
    client.post(msgspec.json.encode(line.sample("V1", 0, begin)))
    status, text = client.get("/metrics")
    assert status == 200
    assert b"twinpack_gateway_samples_accepted_total 1.0" in text
    assert client.token.encode() not in text
    status, text = client.get("/healthz")
    assert (status, json.loads(text)["status"]) == (200, "ok")
    assert client.get("/openapi.json")[0] == 404


def test_it_speaks_tls(tmp_path: Path, workspace: Workspace, begin: int) -> None:
    folder = tmp_path / "certificates"
    authority = certificates.authority(folder)
    certificate, key = certificates.signed(folder, "gateway")
    settings = workspace.home / "settings.toml"
    for name, path in (("cert_file", certificate), ("key_file", key)):
        before, _, http_part = settings.read_text().partition("[http]")
        settings.write_text(before + "[http]" + http_part.replace(f'{name} = ""', f'{name} = "{path}"', 1))
    secure = Workspace.open(workspace.home)
    with Gateway(secure) as gateway:
        client = Client(gateway, token_for(secure, "vehicle", "V1"), ssl.create_default_context(cafile=str(authority)))
        assert client.post(msgspec.json.encode(line.sample("V1", 0, begin))).body["accepted"] == 1


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        workspace = Workspace.open(tmp_path / "home", settings=Settings(http=HttpSettings(port=taken.getsockname()[1])))
        with pytest.raises(SettingsError, match=f"cannot listen at {where}: the port is in use"):
            Gateway(workspace).start()


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"cert_file": "certificate", "key_file": "rubbish"}, "cannot be used"),
        ({"cert_file": "certificate"}, "the same file cannot be used"),
        ({"key_file": "rubbish"}, "cert_file is not"),
        ({"cert_file": "nowhere"}, "no file"),
    ],
)
def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path, files: dict[str, str], word: str) -> None:
    certificates.authority(tmp_path)
    certificates.signed(tmp_path, "gateway")[0].rename(tmp_path / "certificate")
    (tmp_path / "rubbish").write_text("no key")
    named: dict[str, Any] = {name: str(tmp_path / value) for name, value in files.items()}
    workspace = Workspace.open(tmp_path / "home", settings=Settings(http=HttpSettings(port=0, **named)))
    with pytest.raises(SettingsError, match=word):
        Gateway(workspace).start()


def test_while_nothing_can_be_written_it_says_so(tmp_path: Path, small_disk: Any, begin: int) -> None:
    workspace = line.made(small_disk.folder / "home", None)
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET, line.PACK))
    token = token_for(workspace, "fleet", line.FLEET)
    with Gateway(workspace) as gateway:
        client = Client(gateway, token)
        small_disk.fill()
        first: list[Answer] = []
        body = msgspec.json.encode(line.sample("V1", 0, begin))
        waiting = threading.Thread(target=lambda: first.append(client.post(body)))
        waiting.start()
        until(lambda: not gateway.intake.writable, "writes fail")
        answer = client.post(msgspec.json.encode(line.sample("V1", 1, begin)))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        small_disk.free()
        waiting.join()
        assert (first[0].status, first[0].body["accepted"]) == (200, 1)
