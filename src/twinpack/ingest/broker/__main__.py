"""`python -m twinpack.ingest.broker HOME HOST PORT`: says its address on standard output, ends with standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from twinpack.errors import TwinpackError
from twinpack.ingest.broker.server import run_broker
from twinpack.ingest.stopping import stop_on_signals, stop_with_input
from twinpack.store.settings import BrokerSettings
from twinpack.store.workspace import Workspace


def main(home: str, host: str, port: str) -> int:
    """Run until standard input ends."""
    try:
        workspace = Workspace.open(Path(home), create=False)
        with stop_on_signals() as stopped:
            stop_with_input(stopped)
            run_broker(workspace, BrokerSettings(host, int(port)), _ready, _tell, stopped)
    except TwinpackError as error:
        _tell(str(error))
        return error.exit_code
    return 0


def _ready(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"twinpack: broker: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
