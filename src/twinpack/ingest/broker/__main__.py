"""`python -m twinpack.ingest.broker HOME HOST PORT`: says its address on standard output, ends with standard input."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from twinpack.errors import TwinpackError
from twinpack.ingest.broker.server import run_broker
from twinpack.store.settings import BrokerSettings
from twinpack.store.workspace import Workspace


def main(home: str, host: str, port: str) -> int:
    """Run until standard input ends."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    threading.Thread(target=_wait_for_the_end, args=(stopped,), daemon=True).start()
    try:
        workspace = Workspace.open(Path(home), create=False)
        run_broker(workspace, BrokerSettings(host, int(port)), _ready, _tell, stopped)
    except TwinpackError as error:
        _tell(str(error))
        return error.exit_code
    return 0


def _wait_for_the_end(stopped: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopped.set()


def _ready(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"twinpack: broker: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
