"""`python -m twinpack.ingest.gateway --home DIR`: a gateway alone, until SIGTERM or SIGINT; events go to stderr."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from twinpack.errors import TwinpackError
from twinpack.ingest.gateway.gateway import Gateway
from twinpack.ingest.logs import Events, log_to_stderr
from twinpack.ingest.stopping import stop_on_signals
from twinpack.store.identity.pseudonyms import Pseudonyms
from twinpack.store.workspace import DEFAULT_HOME, Workspace


def main(arguments: list[str] | None = None) -> int:
    """Run a gateway; 0 when it was told to end, 1 when it broke, 2 when it cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m twinpack.ingest.gateway", description=__doc__)
    parser.add_argument("--home", default=DEFAULT_HOME, help="folder of the workspace")
    parser.add_argument("--no-http", action="store_true", help="open no HTTP door")
    parser.add_argument("--log-level", type=str.upper, default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args(arguments)
    log_to_stderr(options.log_level, scrub=Pseudonyms(Path(options.home) / "keys").scrubbed)
    try:
        with stop_on_signals() as stopped, Gateway(Workspace.open(options.home), http=not options.no_http) as gateway:
            return 0 if gateway.run_until(stopped) else 1
    except (TwinpackError, OSError) as error:
        Events("gateway").error("not_started", error=str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
