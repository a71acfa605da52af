"""A running service with the built app, as people have it: a process of its own, asked over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import httpx

from tests.servers.mosquitto import free_port
from tests.web.people import PASSWORD, PEOPLE

_READY_S = 60.0
_STOP_S = 20.0


class Site:
    """A workspace that is served.

    Attributes:
        home: The workspace's folder.
        url: Where it is; the same after it was stopped and started.
    """

    def __init__(self, home: Path, *more: str) -> None:
        """Serve `home`; `more` goes to `twinpack serve`."""
        self.home = home
        self._port = free_port()
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None
        self._cookies: dict[str, Sequence[tuple[str, str]]] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    @cached_property
    def log(self) -> Path:
        """What the service says."""
        return self.home.parent / f"{self.home.name}-{self._port}.log"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "twinpack", "serve", "--home", str(self.home), "--port", str(self._port)]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._more], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )
        until = time.monotonic() + _READY_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the service did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, as Ctrl-C would."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def cookies(self, role: str) -> Sequence[tuple[str, str]]:
        """Those of a browser in which the account of a role has signed in; made once."""
        if role not in self._cookies:
            known = {"username": PEOPLE[role].username, "password": PASSWORD}
            answer = httpx.post(f"{self.url}/v1/auth/sign-in", json=known, headers={"Origin": self.url})
            assert answer.is_success, f"{role} cannot sign in: {answer.status_code} {answer.text}"
            self._cookies[role] = list(answer.cookies.items())
        return self._cookies[role]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).is_success
        except httpx.TransportError:
            return False
