"""The lake while rows still arrive: telemetry and each day's features, built from sealed segments in a thread."""

from __future__ import annotations

import threading

from twinpack.errors import WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.features import build_features
from twinpack.runtime.lake import build_telemetry
from twinpack.runtime.problem import Problem, Tell
from twinpack.store.workspace import Workspace

EVERY_S = 30.0


class LiveLake:
    """Brings what is sealed to the lake now and then until it is stopped.

    Built anew is only what the log has gained since the last time.
    """

    def __init__(self, workspace: Workspace, tell: Tell = lambda text: None, every_s: float = EVERY_S) -> None:
        """Prepare; `start` begins.

        Args:
            workspace: Whose log and lake.
            tell: Told each problem once, and when it is over.
            every_s: Seconds between two looks for new segments.
        """
        self._workspace = workspace
        self._log = SegmentLog(workspace.log_dir)
        self._built = -1
        self._problem = Problem(tell)
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake", daemon=True)

    @property
    def problem(self) -> str:
        """Why it cannot at the moment, "" while all is well; it tries again."""
        return self._problem.text

    def __enter__(self) -> LiveLake:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End once what is sealed by now has been brought, or cannot be."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._build()
        self._build()

    def _build(self) -> None:
        try:
            end = self._log.end_offset
            if end != self._built:
                with self._workspace.registry() as registry:
                    build_telemetry(self._workspace, self._log, registry)
                    build_features(self._workspace, registry)
                self._built = end
        except (WorkspaceError, OSError) as error:
            self._problem.say(f"the lake waits, nothing is lost: {error}")
        except Exception as error:  # noqa: BLE001 - the thread's boundary; the rest goes on, and the reason is told
            self._problem.say(f"the lake cannot be built: {error}")
        else:
            self._problem.say("")
