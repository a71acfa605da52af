"""A process that lets the sinks of a workspace follow until it is killed."""

from __future__ import annotations

import sys
import threading

from tests.runtime.sinks.made import QUICK
from twinpack.runtime.sinks import Sinks
from twinpack.store.workspace import Workspace

if __name__ == "__main__":
    workspace = Workspace.open(sys.argv[1], create=False)
    with workspace.registry() as registry, Sinks(workspace, registry, manner=QUICK):
        threading.Event().wait()
