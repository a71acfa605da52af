"""What runs beside each other on live data, in one process: gateway, twins, lake, webhooks and sinks of alarms."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from twinpack.ingest.gateway.gateway import Gateway
from twinpack.ingest.logs import Events
from twinpack.ingest.routing.webhooks import Webhooks
from twinpack.runtime.live import LiveFold, Pace
from twinpack.runtime.live_lake import LiveLake
from twinpack.runtime.sinks import Sinks
from twinpack.runtime.sinks.metrics import SinkMetrics
from twinpack.store.workspace import Workspace
from twinpack.twin.settings import Policy


class LiveService:
    """Takes live telemetry in and lets twins, lake, webhooks and sinks of alarms follow it.

    with LiveService(workspace) as service:
        service.fold.wait_for(service.gateway.log.end_offset, 10.0)
    """

    def __init__(
        self, workspace: Workspace, *, http: bool = True, policy: Policy | None = None, pace: Pace | None = None
    ) -> None:
        """Name the workspace; `start` opens it.

        Args:
            workspace: The workspace, whose settings say where telemetry comes from.
            http: Whether the HTTP door is opened.
            policy: As for `run`.
            pace: How often the twins' outcome is kept.
        """
        self.gateway = Gateway(workspace, http=http, beside=self._health)
        self._workspace, self._policy, self._pace = workspace, policy, pace
        self._events = Events("service")
        self._open = ExitStack()
        self._fold: LiveFold | None = None
        self._sinks: Sinks | None = None
        self._lake = LiveLake(workspace, self._tell("lake"))

    @property
    def fold(self) -> LiveFold:
        """The twins, while the service runs."""
        if self._fold is None:
            raise RuntimeError("the service is not started")
        return self._fold

    def start(self) -> LiveService:
        """Begin.

        Raises:
            WorkspaceBusyError: A gateway or a run is on the workspace.
            WorkspaceError: Log or registry cannot be opened.
            RoutingError: A routing rule has a mistake.
            SettingsError: A setting of a source cannot be used, such as an HTTP port that is taken.
            OSError: The disk is full or broken.
        """
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def stop(self) -> None:
        """End: the twins after the batch in hand, then the gateway, then the lake once it has what was sealed."""
        self._open.close()

    def __enter__(self) -> LiveService:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _start(self) -> None:
        workspace, stack = self._workspace, self._open
        # Built last of all, since the gateway seals what it has when it ends.
        stack.enter_context(self._lake)
        stack.enter_context(self.gateway)
        registry = stack.enter_context(workspace.registry())
        stack.enter_context(Webhooks(self.gateway.rules, self.gateway.log, registry))
        self._fold = LiveFold(
            workspace, self.gateway.log, policy=self._policy, tell=self._tell("twins"), pace=self._pace
        )
        stack.enter_context(self._fold)
        # Stopped first: what the twins found last is told after the next start.
        self._sinks = Sinks(workspace, registry, position=lambda: self.fold.offset)
        metrics = SinkMetrics(lambda: self._sinks.states if self._sinks else (), lambda: self.fold.offset)
        self.gateway.metrics.registry.register(metrics)
        stack.callback(self.gateway.metrics.registry.unregister, metrics)
        stack.enter_context(self._sinks)

    def _health(self) -> dict[str, Any]:
        """What follows the log, for the health of the gateway."""
        return {
            "twins_at": self._fold.offset if self._fold is not None else 0,
            "twins_problem": self._fold.problem if self._fold is not None else "",
            "lake_problem": self._lake.problem,
            "sinks": self._sinks.health(self.fold.offset) if self._sinks is not None else [],
        }

    def _tell(self, part: str) -> Any:
        return lambda text: self._events.warning(part, text=text)
