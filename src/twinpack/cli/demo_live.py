"""The live part of the demo: simulator → MQTT → gateway → log → fold, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.cli import output
from twinpack.cli.parts import listening_to
from twinpack.errors import WorkspaceError

if TYPE_CHECKING:
    from twinpack.ingest.broker.process import BrokerProcess
    from twinpack.runtime.service import LiveService
    from twinpack.store.workspace import Workspace

_SAMPLES_A_MESSAGE = 30
_PATIENCE_S = 300.0
_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Lived:
    """What came of the trips that were played live: samples and messages sent, seconds taken, trips predicted."""

    samples: int
    messages: int
    seconds: float
    trips: int


def live_on(home: Path, telemetry: Path) -> Lived:
    """Play the trips of a folder at a broker while a gateway takes them in and the twins live through them.

    Raises:
        WorkspaceError: They did not arrive.
    """
    from twinpack.fleet.events import PREDICTION
    from twinpack.ingest.broker.process import BrokerProcess
    from twinpack.runtime.service import LiveService
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    began = time.monotonic()
    with BrokerProcess(home) as broker, LiveService(listening_to(workspace, broker.url), http=False) as service:
        samples, messages = _play(workspace, broker, service, telemetry)
        _finish(service, messages)
        trips = service.fold.counts[PREDICTION]
    return Lived(samples, messages, time.monotonic() - began, trips)


def _play(workspace: Workspace, broker: BrokerProcess, service: LiveService, telemetry: Path) -> tuple[int, int]:
    from twinpack.ingest.publisher import Login, Publisher
    from twinpack.runtime.player import Manner, play
    from twinpack.runtime.tape import Tape
    from twinpack.store.fleet_records import DEFAULT_FLEET

    with workspace.registry() as registry:
        token = registry.credentials.issue("fleet", DEFAULT_FLEET, days=1, note="demo").token
    manner = Manner(
        DEFAULT_FLEET,
        workspace.settings.workspace.shards,
        speed=None,
        shift=False,  # the trips go on where the history ends
        encoding="msgpack",
        samples=_SAMPLES_A_MESSAGE,
    )
    _wait(lambda: service.gateway.health()["mqtt_connected"], "the gateway does not reach the demo's broker")
    with Tape(sorted(telemetry.glob("*.parquet"))) as tape, Publisher(broker.url, Login(DEFAULT_FLEET, token)) as line:
        with output.progress("live", 100.0, "%") as bar:
            total = tape.length(None, 0).samples
            played = play(tape, line, manner, progress=lambda sent, _: bar.set(100.0 * sent / total))
    return played.samples, played.messages


def _finish(service: LiveService, messages: int) -> None:
    """Wait for the last message; the silence that ends the last trips is told by a tick, not waited out."""
    from twinpack.store.records import now_us
    from twinpack.telemetry.schema import tick_row

    gateway = service.gateway
    _wait(
        lambda: gateway.metrics.acknowledged_messages("mqtt") >= messages,
        f"the gateway did not take all of the {messages:,} messages",
    )
    gateway.log.append(tick_row(now_us() + _HOUR_US))
    if not service.fold.wait_for(gateway.log.end_offset, _PATIENCE_S):
        raise WorkspaceError(f"the twins did not follow the live trips: {service.fold.problem or 'too slow'}")


def _wait(happened: Callable[[], bool], problem: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not happened():
        if time.monotonic() > until:
            raise WorkspaceError(f"{problem}; what it said stands above")
        time.sleep(0.02)
