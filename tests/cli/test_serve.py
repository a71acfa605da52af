"""`twinpack serve`, as a process of its own and as a browser meets it."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from twinpack.cli import report_server
from twinpack.cli.main import main


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
    assert main(["serve", "--home", str(tmp_path)]) == 2
    assert f"twinpack report --home {tmp_path}" in capsys.readouterr().err


def test_a_port_in_use_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert main(["serve", "--home", str(home), "--port", str(number)]) == 2
    assert f"port {number} is in use" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_and_stops_when_told(home: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "twinpack", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
        assert found
        assert ask(int(found[1]), "/").status == 200
        process.send_signal(stop)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said == "Stopped.\n"
