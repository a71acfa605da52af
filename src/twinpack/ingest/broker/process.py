"""The embedded broker as a process of its own, for whoever needs one for a while."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from twinpack.errors import WorkspaceError
from twinpack.ingest.broker.access import GATEWAY_USER, become_broker, password_path
from twinpack.store.locks import Claim

_READY_S = 60.0
_STOP_S = 15.0


class BrokerProcess:
    """Starts the broker of a workspace and ends it, also when this process dies.

        with BrokerProcess(home, port=0) as broker:
            broker.url, broker.user, broker.password_file

    Attributes:
        url: Its address, "" before it is started.
        user: The gateway's user name.
        password_file: File with the gateway's password.
    """

    def __init__(self, home: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare; `start` begins.

        Args:
            home: Folder of the workspace.
            host: Address to listen at.
            port: Port; 0 takes a free one.
        """
        self.url = ""
        self.user = GATEWAY_USER
        self.password_file = password_path(home)
        self._home = home
        self._command = [sys.executable, "-m", "twinpack.ingest.broker", str(home), host, str(port)]
        self._process: subprocess.Popen[str] | None = None
        self._claim: Claim | None = None

    def start(self) -> None:
        """Start it and wait until it can be connected to.

        Raises:
            WorkspaceError: It did not start, or the workspace has one already; says why.
        """
        self._claim = become_broker(self._home)
        # It ends when its input does, and with this process at the latest. Ctrl-C is for this process to act on.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        timer = threading.Timer(_READY_S, self._process.kill)
        timer.start()
        said = self._process.stdout
        self.url = said.readline().strip() if said is not None else ""
        timer.cancel()
        if not self.url:
            self.stop()
            raise WorkspaceError("the embedded broker did not start; what it said stands above")

    def stop(self) -> None:
        """End it: what it was told to pass on it passes on first, for a few seconds."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> BrokerProcess:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()
