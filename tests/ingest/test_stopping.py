from __future__ import annotations

import os
import signal
import subprocess
import sys

from twinpack.ingest.stopping import stop_on_signals

UNTIL_INPUT_ENDS = """
import threading
from twinpack.ingest.stopping import stop_with_input

stopped = threading.Event()
stop_with_input(stopped)
print("waits", flush=True)
stopped.wait()
"""


def test_a_signal_sets_the_event_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stopped:
        assert not stopped.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_process_can_end_with_its_input() -> None:
    command = [sys.executable, "-c", UNTIL_INPUT_ENDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "waits\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == 0
