"""`python -m twinpack.ingest.gateway --home DIR`: a gateway alone, until SIGTERM or SIGINT; events go to stderr."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from twinpack.errors import TwinpackError
from twinpack.ingest.gateway.gateway import Gateway
from twinpack.ingest.gateway.logs import Events, log_to_stderr
from twinpack.store.workspace import DEFAULT_HOME, Workspace


def main(arguments: list[str] | None = None) -> int:
    """Run a gateway; 0 when it was told to end, 1 when it broke, 2 when it cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m twinpack.ingest.gateway", description=__doc__)
    parser.add_argument("--home", default=DEFAULT_HOME, help="folder of the workspace")
    parser.add_argument("--no-http", action="store_true", help="open no HTTP door")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args(arguments)
    log_to_stderr(options.log_level)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with Gateway(Workspace.open(options.home), http=not options.no_http) as gateway:
            while not stopped.wait(1.0):
                if gateway.intake.broken:  # nothing would be acknowledged any more: let a new process try
                    return 1
    except (TwinpackError, OSError) as error:
        Events("gateway").error("not_started", error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
