"""A real Mosquitto for tests: one broker a test, on a free port, with persistence, users and topic rules.

    def test_something(broker: Broker) -> None:  # the fixture of this module
        assert broker.url

It is looked for on PATH and in /usr/sbin, and installed with apt where that is possible; else the test skips and says
so.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.servers.packages import install

GATEWAY_USER = "twinpack-gateway"
GATEWAY_PASSWORD = "gateway-secret-7c1f"
DEVICE_PASSWORD = "device-secret-91ab"
"""Password of every user that `users` names."""

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/bin")
_READY_S = 10.0
_PERSISTENCE = "autosave_interval 0"
"""Sessions are written when it ends: writing all of them at every change would stall it under load."""
_EVERYTHING = "max_inflight_messages 0\nmax_queued_messages 0\nmax_queued_bytes 0"


@cache
def binary(name: str = "mosquitto") -> str | None:
    """Path of Mosquitto or of one of its tools, None where it cannot be had."""
    found = _find(name)
    if found is None:
        install("mosquitto")
        found = _find(name)
    return found


def require() -> str:
    """Path of Mosquitto; the test is skipped where there is none."""
    found = binary()
    if found is None:
        pytest.skip("needs Mosquitto: `apt-get install mosquitto`, or put it on PATH")
    return found


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_FOLDERS))


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Broker:
    """A Mosquitto in a folder of its own.

    Attributes:
        folder: Where its settings, users and persistent sessions are.
        users: Names that may connect beside the gateway's, all with `DEVICE_PASSWORD`; each may publish below
            `twinpack/+/+/NAME/` only. Empty lets everybody in and everything through.
        extra: More lines of its settings.
        port: Where it listens.
        durable: Whether it writes its sessions to disk when it is stopped.
        tls: Files of authority, certificate and key; clients must then bring a certificate.
    """

    folder: Path
    users: Sequence[str] = ()
    extra: str = ""
    port: int = field(default_factory=free_port)
    durable: bool = True
    tls: tuple[Path, Path, Path] | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address as the gateway's settings want it."""
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Broker:
        """Start it and wait until it answers."""
        program = require()
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "mosquitto.conf"
        settings.write_text(self._settings())
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(settings)], stdout=log, stderr=log)
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """End it in good order; its sessions are written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut would; what it had not written is lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start it at the same port."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"Mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()[-2000:]}")

    def _settings(self) -> str:
        lines = [f"listener {self.port} 127.0.0.1", _EVERYTHING, "log_type error", "log_type warning"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            lines.append("user root")
        if self.durable:
            lines += [f"persistence true\npersistence_location {self.folder}/", _PERSISTENCE]
        if self.tls is not None:
            authority, certificate, key = self.tls
            lines += [f"cafile {authority}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true"]
        lines += self._access() if self.users else ["allow_anonymous true"]
        return "\n".join([*lines, self.extra, ""])

    def _access(self) -> list[str]:
        passwords, rules = self.folder / "passwords", self.folder / "acl"
        passwords.write_text(
            "".join(f"{name}:{DEVICE_PASSWORD}\n" for name in self.users) + f"{GATEWAY_USER}:{GATEWAY_PASSWORD}\n"
        )
        tool = binary("mosquitto_passwd")
        assert tool is not None
        subprocess.run([tool, "-U", str(passwords)], check=True, capture_output=True)
        rules.write_text(f"user {GATEWAY_USER}\ntopic read twinpack/#\n\npattern write twinpack/+/+/%u/#\n")
        for file in (passwords, rules):
            file.chmod(0o600)
        return ["allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}"]


@contextmanager
def running(folder: Path, **options: object) -> Iterator[Broker]:
    """A broker that ends with the block; `Broker` says what the options mean."""
    broker = Broker(folder, **options)  # type: ignore[arg-type]
    try:
        yield broker.start()
    finally:
        broker.kill()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that lets everybody in and keeps its sessions."""
    with running(tmp_path / "broker") as started:
        yield started
