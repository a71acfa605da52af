"""`twinpack serve`, as a process of its own and as a browser meets it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.waiting import until
from twinpack.cli import report_server
from twinpack.cli.main import main
from twinpack.ingest.broker import become_broker, password_path
from twinpack.ingest.log import SegmentLog
from twinpack.store.settings import (
    ApiSettings,
    BrokerSettings,
    GatewaySettings,
    HttpSettings,
    Settings,
    WorkspaceSettings,
)
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import SAMPLE_KINDS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("<p>hello</p>")
    (tmp_path / "report" / "more").mkdir()
    (tmp_path / "settings.toml").write_text("private")
    return tmp_path


@pytest.fixture
def port(home: Path) -> Iterator[int]:
    with report_server.make_server(home / "report", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_the_report_is_served_with_its_guards(port: int) -> None:
    answer = ask(port, "/")
    assert answer.status == 200
    assert answer.body == b"<p>hello</p>"  # type: ignore[attr-defined]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"].strip() == "twinpack"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/../settings.toml", "GET", 404),
        ("/%2e%2e/settings.toml", "GET", 404),
        ("/more/", "GET", 404),
        ("/nothing", "GET", 404),
        ("/favicon.ico", "GET", 204),
        ("/index.html", "HEAD", 200),
        ("/index.html", "POST", 501),
    ],
)
def test_only_the_report_is_served(port: int, path: str, method: str, status: int) -> None:
    answer = ask(port, path, method)
    assert answer.status == status
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_foreign_host_name_is_refused(port: int) -> None:
    assert ask(port, "/", host="evil.example").status == 421
    assert ask(port, "/", host="evil.example:8765").status == 421
    assert ask(port, "/", host=f"localhost:{port}").status == 200


def test_no_report_says_how_to_write_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--only", "report", "--home", str(tmp_path)]) == 2
    assert f"twinpack report --home {tmp_path}" in capsys.readouterr().err


def test_a_port_in_use_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert main(["serve", "--only", "report", "--home", str(home), "--port", str(number)]) == 2
    assert f"port {number} is in use" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_and_stops_when_told(home: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "twinpack", "serve", "--only", "report", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
        assert found
        assert ask(int(found[1]), "/").status == 200
        process.send_signal(stop)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said == "Stopped.\n"


# All of it

WAIT_S = 90.0


@dataclass
class Service:
    """`twinpack serve` as a process, and what it says."""

    home: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "twinpack", "serve", "--home", str(self.home)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)

    def find(self, pattern: str, count: int = 1) -> str:
        """What the group of the pattern is in the line that says so, the last of `count` such lines."""
        found: list[str] = []

        def there() -> bool:
            found[:] = [match[1] for line in list(self.said) if (match := re.search(pattern, line))]
            return len(found) >= count

        until(there, lambda: "".join(self.said))
        return found[count - 1]

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed]


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(
        workspace=WorkspaceSettings(pack="sim_nmc_96s"),
        gateway=GatewaySettings(unknown_vehicles="register"),
        http=HttpSettings(port=0),
        api=ApiSettings(port=0),
        broker=BrokerSettings(port=0),
    )
    workspace = Workspace.open(tmp_path / "home", settings=settings)
    with workspace.registry() as registry:
        token = registry.credentials.issue("fleet", "default").token
    (tmp_path / "token").write_text(token)
    started = Service(workspace.home)
    yield started
    started.process.kill()
    started.process.wait()


def play(broker: str, token: Path, capsys: pytest.CaptureFixture[str], seed: int) -> int:
    """Play a vehicle's drive at the broker; how many different samples that was."""
    login = ["--user", "default", "--password-file", str(token)]
    fleet = ["--vehicles", "1", "--trips", "1", "--seed", str(seed)]
    assert main(["simulate", "--mqtt", broker, "--speed", "max", *login, *fleet, "--json"]) == 0
    played: dict[str, int] = json.loads(capsys.readouterr().out)
    assert played["acknowledged"] == played["messages"]
    return played["samples"]


def samples_in(home: Path) -> list[tuple[str, object]]:
    log = SegmentLog(Workspace.open(home).log_dir)
    return [
        (row["vehicle_id"], row["sample_time"])
        for _, table in log.read(0)
        for row in table.select(["vehicle_id", "sample_time", "kind"]).to_pylist()
        if row["kind"] in SAMPLE_KINDS
    ]


@pytest.mark.slow
def test_what_is_played_is_in_the_log_though_the_gateway_is_killed(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = service.find(r"Broker for trying out at (\S+)")
    service.find(r"Taking telemetry at (\S+)")
    page = service.find(r"Serving .* at http://127\.0\.0\.1:(\d+)/")
    sent = play(broker, tmp_path / "token", capsys, seed=1)
    gateway = next(pid for pid in service.children() if b"--broker-url" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(gateway, signal.SIGKILL)
    service.find(r"(gateway ended by signal 9; it is started again)")
    assert ask(int(page), "/v1/me").status == 401  # one who asks is answered all the while
    health = f"{service.find(r'Taking telemetry at (http://.*)/v1/telemetry', count=2)}"
    sent += play(broker, tmp_path / "token", capsys, seed=2)

    def all_there() -> bool:
        answer = ask(int(health.rpartition(":")[2]), "/healthz")
        return bool(json.loads(answer.body)["log_end"] > 0.99 * sent)  # type: ignore[attr-defined]

    until(all_there, lambda: "".join(service.said))
    children = service.children()
    assert len(children) == 4
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(WAIT_S) == 0
    until(lambda: "Stopped.\n" in service.said, lambda: service.said)
    assert not any(is_alive(pid) for pid in children)
    kept = samples_in(service.home)
    assert len(kept) == len(set(kept))
    assert 0.99 * sent < len(kept) <= sent  # the fleet repeats one sample in some hundred


@pytest.mark.slow
def test_no_part_outlives_a_service_that_is_killed(service: Service) -> None:
    service.find(r"(Serving) .* at http")
    children = service.children()
    assert len(children) == 4
    service.process.kill()
    until(lambda: not any(is_alive(pid) for pid in children), lambda: children)


def test_a_folder_without_a_workspace_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--home", str(tmp_path)]) == 2
    assert "there is no workspace" in capsys.readouterr().err


@pytest.mark.parametrize("part", [[], ["--only", "broker"]])
def test_a_second_service_leaves_the_first_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: list[str]
) -> None:
    home = Workspace.open(tmp_path / "home", settings=Settings(broker=BrokerSettings(port=0))).home
    first = become_broker(home)
    before = password_path(home).read_bytes()
    assert main(["serve", "--home", str(home), *part]) == 2
    assert f"workspace {home} has a broker already (process {os.getpid()})" in capsys.readouterr().err
    assert password_path(home).read_bytes() == before
    first.release()


def test_a_part_that_cannot_begin_ends_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        Workspace.open(tmp_path / "home", settings=Settings(broker=BrokerSettings(port=port)))
        assert main(["serve", "--home", str(tmp_path / "home")]) == 2
    assert f"port {port} is in use" in capfd.readouterr().err


# --- the API alone --------------------------------------------------------------------------------------------------


@contextmanager
def api(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`twinpack serve --only api` as a process, and its port."""
    command = [sys.executable, "-m", "twinpack", "serve", "--only", "api", "--home", str(home), "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        assert found, said + process.stderr.read()
        yield process, int(found[1])
        process.kill()


def test_the_api_tells_once_how_to_sign_in(tmp_path: Path) -> None:
    home = Workspace.open(tmp_path / "home").home
    with api(home) as (process, port):
        assert process.stderr is not None
        found = re.search(r"Sign in as (\w+) with the password (\S+)", process.stderr.readline())
        assert found
        assert ask(port, "/v1/me").status == 401
        body = json.dumps({"username": found[1], "password": found[2]})
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/v1/auth/token", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == "Stopped.\n"
        assert process.returncode == 0
    with api(home) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == "Stopped.\n"


def test_nobody_signs_in_where_that_was_said(tmp_path: Path) -> None:
    with api(Workspace.open(tmp_path / "home").home, "--no-auth") as (_, port):
        assert ask(port, "/v1/me").status == 200
        assert ask(port, "/v1/me", host="evil.example").status == 421


def test_without_sign_in_it_stays_on_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Workspace.open(tmp_path / "home", settings=Settings(api=ApiSettings(host="0.0.0.0"))).home
    assert main(["serve", "--only", "api", "--no-auth", "--home", str(home)]) == 2
    assert "--no-auth works on this machine alone" in capsys.readouterr().err
