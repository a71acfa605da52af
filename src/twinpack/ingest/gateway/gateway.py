"""The gateway of a workspace: sources, intake and log, started and stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from twinpack.ingest.gateway.intake import Intake
from twinpack.ingest.gateway.judge import Judge
from twinpack.ingest.gateway.known import KnownVehicles
from twinpack.ingest.gateway.metrics import Metrics
from twinpack.ingest.gateway.mqtt import MqttSource
from twinpack.ingest.gateway.topics import Topics
from twinpack.ingest.log import LiveLog, SegmentLog, Watchers, Written
from twinpack.ingest.log.seen import Seen
from twinpack.ingest.logs import Events
from twinpack.ingest.routing import Router, Rule, rules_path
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

if TYPE_CHECKING:  # a web framework takes a while to load, and not every gateway opens a door
    from twinpack.ingest.gateway.http import HttpSource

BUSY_MS = 2_000
"""Longest wait for a locked registry, milliseconds: the gateway goes on with what it knows."""


_LOOK_S = 1.0


class Gateway:
    """Takes live telemetry into a workspace's log; one gateway a workspace.

    with Gateway(workspace) as gateway:
        gateway.log  # what arrives is here
    """

    def __init__(self, workspace: Workspace, *, http: bool = True, beside: Callable[[], dict[str, Any]] = dict) -> None:
        """Name the workspace; `start` opens it.

        Args:
            workspace: The workspace, whose settings name the broker.
            http: Whether the HTTP door is opened.
            beside: Tells how what follows the log does, as part of the gateway's health.
        """
        self.metrics = Metrics()
        self._workspace, self._wants_http, self._beside = workspace, http, beside
        self._events = Events("gateway")
        self.rules: tuple[Rule, ...] = ()  # those it routes by, once it is started
        self._open = ExitStack()
        self._intake: Intake | None = None
        self._log: LiveLog | None = None
        self.mqtt: MqttSource | None = None
        self.http: HttpSource | None = None
        self._known: KnownVehicles | None = None

    @property
    def log(self) -> LiveLog:
        """The log, while the gateway runs."""
        if self._log is None:
            raise RuntimeError("the gateway is not started")
        return self._log

    @property
    def known(self) -> KnownVehicles:
        """The vehicles that may send, while the gateway runs."""
        if self._known is None:
            raise RuntimeError("the gateway is not started")
        return self._known

    @property
    def intake(self) -> Intake:
        """The way in, while the gateway runs."""
        if self._intake is None:
            raise RuntimeError("the gateway is not started")
        return self._intake

    def start(self) -> Gateway:
        """Open the log, recover what a gateway that died left, and let the sources begin.

        Raises:
            WorkspaceBusyError: Another gateway runs on the workspace.
            WorkspaceError: The log or the registry cannot be opened.
            RoutingError: A rule has a mistake; names it.
            SettingsError: The settings of a source cannot be used, such as an HTTP port that is taken.
            OSError: The disk is full or broken.
        """
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def stop(self) -> None:
        """Take nothing more, write and acknowledge what is there, seal it and let go."""
        self._events.info("stopping", pending_bytes=self.intake.pending.bytes)
        self._open.close()
        self._events.info("stopped")

    def run_until(self, stopped: threading.Event) -> bool:
        """Wait until it is told to end; False when it broke, so that it acknowledges nothing more: start a new one."""
        while not stopped.wait(_LOOK_S):
            if self.intake.broken or (self.http is not None and not self.http.alive):
                return False
        return True

    def __enter__(self) -> Gateway:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def _start(self) -> None:
        workspace, settings, stack = self._workspace, self._workspace.settings, self._open
        router = stack.enter_context(Router.load(rules_path(workspace.home, settings.gateway.rules)))
        self.rules = router.rules
        workspace.registry().close()  # brings it to this release
        registry = stack.enter_context(Registry.open(workspace.registry_url, BUSY_MS))
        segments = SegmentLog(workspace.log_dir)
        self._log = stack.enter_context(
            LiveLog(
                segments,
                LakeDeadLetters(workspace.lake()),
                segment_rows=settings.log.segment_rows,
                segment_age_s=settings.log.segment_age_s,
                watchers=Watchers(self._on_written, self._on_sealed, self._on_problem),
            )
        )
        known = self._known = KnownVehicles(
            registry,
            self._log,
            register=settings.gateway.unknown_vehicles == "register",
            default_pack=settings.workspace.pack,
            events=Events("known"),
        )
        known.start()
        stack.callback(known.stop)
        judge = Judge(known, Seen(self._log), router, round(settings.gateway.max_message_kb * 1_000))
        self._intake = Intake(self._log, judge, settings.gateway, self.metrics, now_us=now_us, may_tick=self._hears)
        self._start_sources(registry)
        self._events.info("started", home=str(workspace.home), log_end=self._log.end_offset)

    def _start_sources(self, registry: Registry) -> None:
        # They are let go in the reverse order: nothing more is read, what is there is written, the last
        # acknowledgements are sent, and then the lines are cut.
        settings, intake, stack = self._workspace.settings, self.intake, self._open
        if settings.mqtt.url:
            self.mqtt = self._mqtt_source(intake)
            stack.callback(self.mqtt.close)
        if self._wants_http:
            from twinpack.ingest.gateway.http import Door, HttpSource

            door = Door(intake, registry.credentials, settings.http, self.metrics, self.health, now_us)
            self.http = HttpSource(door, settings.http, self._workspace.home)
            stack.callback(self.http.close)
        stack.callback(intake.stop)
        intake.start()
        for source in (self.mqtt, self.http):
            if source is not None:
                stack.callback(source.stop)
                source.start()

    def _mqtt_source(self, intake: Intake) -> MqttSource:
        settings = self._workspace.settings
        return MqttSource(
            settings.mqtt,
            self._workspace.home,
            intake.pending,
            Topics(settings.workspace.shards),
            self.metrics,
            most_in_flight=2 * settings.gateway.batch_rows,
            now_us=now_us,
        )

    def health(self) -> dict[str, Any]:
        """How it does; `status` is `ok` while what arrives is kept."""
        intake = self.intake
        state: dict[str, Any] = {
            "status": "ok" if intake.writable else "failing",
            "log_writable": intake.writable,
            "log_end": self.log.end_offset,
            "pending_bytes": intake.pending.bytes,
        }
        if self.mqtt is not None:
            state["mqtt_connected"] = self.mqtt.connected
        return state | self._beside()

    def _hears(self) -> bool:
        """Whether silence would be that of the vehicles, and not of a line that is down."""
        return self.mqtt is None or self.mqtt.connected

    def _on_written(self, written: Written) -> None:
        self.metrics.sync.observe(written.sync_s)

    def _on_sealed(self, first: int, end: int) -> None:
        self._events.info("sealed", first_offset=first, end_offset=end)

    def _on_problem(self, problem: Exception) -> None:
        self._events.error("sealing_failed", error=f"{type(problem).__name__}: {problem}")
