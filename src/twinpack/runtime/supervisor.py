"""Keeps parts of a service running, each a process of its own, and ends them in order.

A part says on its standard output, in one line that begins with `ready`, that it is at work. It ends on SIGTERM, and
when its standard input does: none outlives the supervisor, however that ends.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

READY = "ready"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pauses before a part that died is started again; they double, and begin anew once it has lived for the longest."""

_LOOK_S = 0.1

Said = Mapping[str, str]
"""What each part that is at work has said of itself."""


@dataclass(frozen=True)
class Part:
    """One process.

    Attributes:
        name: For people.
        command: The command line, made of what the parts before it said.
        start_s: Longest that it may take to be ready.
        stop_s: How long it may take to end when it is told to; then it is killed.
    """

    name: str
    command: Callable[[Said], Sequence[str]]
    start_s: float = 120.0
    stop_s: float = 60.0


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[str] | None = None
    began: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_at: float = 0.0
    ready: threading.Event = field(default_factory=threading.Event)


class Supervisor:
    """Starts parts in order, starts those again that die, and ends them in the same order: sources come first.

    Attributes:
        at_work: Set once all of them are.
    """

    def __init__(
        self, parts: Sequence[Part], tell: Callable[[str], None], environment: Mapping[str, str] | None = None
    ) -> None:
        """Name the parts.

        Args:
            parts: In the order in which they start and end.
            tell: Told when one dies, and when it is back.
            environment: Of the processes; None for that of this one.
        """
        self._running = [_Running(part) for part in parts]
        self._tell = tell
        self._environment = None if environment is None else dict(environment)
        self._said: dict[str, str] = {}
        self.at_work = threading.Event()

    def run(self, stopped: threading.Event) -> int:
        """Run until `stopped` is set.

        Returns:
            0 when it was stopped; the exit code of a part that could not begin, or 2 where it has none.
        """
        try:
            for running in self._running:
                if not self._begin(running, stopped):
                    return 0 if stopped.is_set() else self._code(running)
            self.at_work.set()
            while not stopped.wait(_LOOK_S):
                for running in self._running:
                    self._look_after(running, stopped)
            return 0
        finally:
            self._end()

    @property
    def said(self) -> Said:
        """What each part that is at work has said of itself."""
        return dict(self._said)

    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {each.part.name: each.process.pid for each in self._running if each.process is not None}

    def _begin(self, running: _Running, stopped: threading.Event) -> bool:
        """Start a part and wait until it is ready; whether it is."""
        self._start(running)
        until = time.monotonic() + running.part.start_s
        while not running.ready.wait(_LOOK_S):
            if stopped.is_set() or _ended(running):
                return False
            if time.monotonic() > until:
                self._tell(f"{running.part.name} is not ready after {running.part.start_s:.0f} s")
                return False
        return True

    def _code(self, running: _Running) -> int:
        code = running.process.poll() if running.process is not None else None
        if code is None or code <= 0:
            self._tell(f"{running.part.name} ended before it was ready{_by_signal(code)}")
        return code if code is not None and code > 0 else 2

    def _look_after(self, running: _Running, stopped: threading.Event) -> None:
        now = time.monotonic()
        if running.process is not None and _ended(running):
            code = running.process.returncode
            _forget(running)
            if now - running.began > LONGEST_PAUSE_S:
                running.pause_s = FIRST_PAUSE_S
            running.again_at = now + running.pause_s
            how = _by_signal(code) or f" with code {code}"
            self._tell(f"{running.part.name} ended{how}; it is started again in {running.pause_s:.0f} s")
            running.pause_s = min(2 * running.pause_s, LONGEST_PAUSE_S)
        elif running.process is None and now >= running.again_at and not stopped.is_set():
            self._start(running)

    def _start(self, running: _Running) -> None:
        running.ready = threading.Event()
        running.began = time.monotonic()
        running.process = subprocess.Popen(
            running.part.command(self._said),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
            # Ctrl-C is for the supervisor alone, which ends them in order.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(running, running.process, running.ready), daemon=True).start()

    def _listen(self, running: _Running, process: subprocess.Popen[str], ready: threading.Event) -> None:
        if process.stdout is None:
            return
        with process.stdout as said:
            for line in said:
                if line.startswith(READY):
                    self._said[running.part.name] = line.removeprefix(READY).strip()
                    ready.set()

    def _end(self) -> None:
        for running in self._running:
            process = running.process
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(running.part.stop_s)
            except subprocess.TimeoutExpired:
                self._tell(f"{running.part.name} did not end within {running.part.stop_s:.0f} s and was killed")
                process.kill()
                process.wait()
            _forget(running)


def _ended(running: _Running) -> bool:
    return running.process is None or running.process.poll() is not None


def _forget(running: _Running) -> None:
    """Let go of a process that has ended."""
    if running.process is not None and running.process.stdin is not None:
        running.process.stdin.close()
    running.process = None


def _by_signal(code: int | None) -> str:
    return f" by signal {-code}" if code is not None and code < 0 else ""
