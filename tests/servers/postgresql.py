"""A real PostgreSQL for tests: started from the system's binaries, which root may install; else skipped, with why."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
import pytest

from tests.servers.packages import install

START_S = 60


@dataclass
class Server:
    """A server with its data in a folder of its own; `stop` and `start` again keep them."""

    binaries: Path
    folder: Path
    port: int
    account: dict[str, int]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _made: int = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:unused-secret@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._made += 1
        name = f"test_{self._made}"
        with self._connection("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        with self._connection("postgres") as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", f"port={self.port}"]
        with (self.folder / "log").open("ab") as log:
            command = [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.account)  # type: ignore[call-overload]
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._connection("postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once; connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_S)
            self._process = None

    def _connection(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True, connect_timeout=10
        )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A running server, one a session."""
    with running_server() as server:
        yield server


@contextmanager
def running_server() -> Iterator[Server]:
    """A running server of one's own, for tests that stop it."""
    binaries = find_binaries()
    if isinstance(binaries, str):
        pytest.skip(binaries)
    folder = Path(tempfile.mkdtemp(prefix="twinpack-postgresql-"))
    server = Server(binaries, folder, _free_port(), _account())
    try:
        if server.account:
            os.chown(folder, server.account["user"], server.account["group"])
        initdb = [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync"]
        subprocess.run(
            [*initdb, "--locale=C.UTF-8", "--encoding=UTF8"], check=True, capture_output=True, cwd="/", **server.account
        )  # type: ignore[call-overload]
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@cache
def find_binaries() -> Path | str:
    """The folder of the server's programs, or why there is none."""
    if (found := _installed()) is None:
        install("postgresql")
        found = _installed()
    return found or "needs a PostgreSQL server: apt-get install postgresql"


def _installed() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((one for one in folders if (one / "initdb").is_file() and (one / "postgres").is_file()), None)


def _account() -> dict[str, int]:
    """PostgreSQL refuses to run as root: another account then."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid}
    pytest.skip("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
