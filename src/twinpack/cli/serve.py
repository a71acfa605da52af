"""`twinpack serve`: a workspace at work on live data, with the API and the web app."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, Home

if TYPE_CHECKING:
    from twinpack.runtime.supervisor import Part, Said, Supervisor
    from twinpack.store.workspace import Workspace

REPORT_PORT = 8765


class PartName(StrEnum):
    """One part of the service; the report is served by itself alone, the fleet in a demo's workspace."""

    api = "api"
    broker = "broker"
    fleet = "fleet"
    gateway = "gateway"
    jobs = "jobs"
    report = "report"


class Level(StrEnum):
    """From what level on the gateway's events are told."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def command(
    home: Home = DEFAULT_HOME,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="The port of the app, or of the report where that is served; 0 takes a free one.",
            show_default="that of the settings",
        ),
    ] = None,
    only: Annotated[
        PartName | None, typer.Option(help="Run this part alone, as in a container.", show_default=False)
    ] = None,
    broker: Annotated[
        bool | None,
        typer.Option(
            "--broker/--no-broker",
            help="Use the embedded broker, for trying out.",
            show_default="when the settings name no broker",
        ),
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Let nobody sign in: on this machine alone.")] = False,
    simulated_fleet: Annotated[
        bool, typer.Option("--simulated-fleet", help="In a demo's workspace: let its fleet drive on.")
    ] = False,
    log_level: Annotated[
        Level, typer.Option(help="From what level on the events of gateway and API are told.")
    ] = Level.warning,
    broker_url: Annotated[
        str, typer.Option(hidden=True, help="With --only gateway or fleet: where the embedded broker is.")
    ] = "",
    broker_port: Annotated[
        int | None, typer.Option(hidden=True, help="With --only broker: its port, in place of that of the settings.")
    ] = None,
) -> None:
    """Take live telemetry, let the twins follow it, do the jobs, and serve the API and the web app.

    Broker, gateway with the twins, jobs and API are processes of their own: one that dies is started again, and a
    burst of telemetry keeps no reader waiting. All listen at 127.0.0.1 unless the settings say otherwise. Ctrl-C or
    SIGTERM ends them, the sources first.
    """
    from twinpack.cli import parts

    if only is PartName.report:
        parts.serve_report(home / "report", REPORT_PORT if port is None else port)
    else:
        from twinpack.store.workspace import Workspace

        workspace = Workspace.open(home, create=False)
        embedded = broker if broker is not None else not workspace.settings.mqtt.url
        if only is None:
            supervise(workspace, Manner(embedded, port, no_auth, simulated_fleet, log_level.value))
        elif only is PartName.api:
            parts.serve_api(workspace, port, no_auth, log_level.value)
        elif only is PartName.broker:
            parts.serve_broker(workspace, broker_port)
        elif only is PartName.gateway:
            parts.serve_gateway(workspace, broker_url or (_usual_url(workspace) if embedded else ""), log_level.value)
        elif only is PartName.fleet:
            parts.serve_fleet(workspace, broker_url or _usual_url(workspace))
        else:
            parts.serve_jobs(workspace)
    if not parts.supervised():
        output.note("Stopped.")


def _usual_url(workspace: Workspace) -> str:
    """Where the embedded broker is by the settings."""
    settings = workspace.settings.broker
    return f"mqtt://{settings.host}:{settings.port}"


@dataclass(frozen=True)
class Manner:
    """How a workspace is served.

    Attributes:
        embedded: Whether the embedded broker is used.
        port: The app's port where it is not that of the settings.
        no_auth: Whether nobody has to sign in.
        simulated_fleet: Whether the demo's fleet drives on.
        log_level: From what level on the events of gateway and API are told.
    """

    embedded: bool = True
    port: int | None = None
    no_auth: bool = False
    simulated_fleet: bool = False
    log_level: str = "warning"


def supervise(workspace: Workspace, manner: Manner) -> None:
    """Serve a workspace until it is stopped by a signal."""
    from twinpack.ingest.stopping import stop_on_signals

    with claimed(workspace, manner), stop_on_signals() as stopped:
        code = supervisor_of(workspace, manner).run(stopped)
    if code:
        raise typer.Exit(code)


@contextmanager
def claimed(workspace: Workspace, manner: Manner) -> Iterator[None]:
    """Be the one that serves the embedded broker, if it is used; let go of by this process's end, however it ends."""
    from twinpack.ingest.broker import become_broker

    claim = become_broker(workspace.home) if manner.embedded else None
    try:
        yield
    finally:
        if claim is not None:
            claim.release()


def supervisor_of(workspace: Workspace, manner: Manner) -> Supervisor:
    """What runs every part."""
    from twinpack.cli.parts import SUPERVISED
    from twinpack.runtime.supervisor import Supervisor

    environment = os.environ | {SUPERVISED: "1"}
    parts = _parts(workspace.home, manner)
    return Supervisor(parts, lambda text: output.note(f"twinpack: {text}"), environment)


def _parts(home: Path, manner: Manner) -> list[Part]:
    """Every part, the sources first; but the simulated fleet, which needs all others."""
    from twinpack.runtime.supervisor import Part

    def run(part: PartName, *more: str) -> Sequence[str]:
        return [sys.executable, "-m", "twinpack", "serve", "--only", part.value, "--home", str(home), *more]

    def run_broker(said: Said) -> Sequence[str]:
        # Started again, it listens where the gateway and the devices know it to be.
        known = said.get(PartName.broker, "").rpartition(":")[2]
        return run(PartName.broker, *(["--broker-port", known] if known else []))

    def run_gateway(said: Said) -> Sequence[str]:
        url = ["--broker-url", said[PartName.broker]] if manner.embedded else ["--no-broker"]
        return run(PartName.gateway, *url, "--log-level", manner.log_level)

    def run_api(said: Said) -> Sequence[str]:
        # Started again, it is where the browsers know it to be.
        known = said.get(PartName.api, "").rpartition(":")[2]
        port = known or ("" if manner.port is None else str(manner.port))
        auth = ["--no-auth"] if manner.no_auth else []
        return run(PartName.api, *(["--port", port] if port else []), *auth, "--log-level", manner.log_level)

    def run_fleet(said: Said) -> Sequence[str]:
        return run(PartName.fleet, *(["--broker-url", said[PartName.broker]] if manner.embedded else []))

    return [
        *([Part(PartName.broker, run_broker, stop_s=15.0)] if manner.embedded else []),
        Part(PartName.gateway, run_gateway, start_s=600.0, stop_s=120.0),
        Part(PartName.jobs, lambda _: run(PartName.jobs), stop_s=40.0),
        Part(PartName.api, run_api, stop_s=20.0),
        *([Part(PartName.fleet, run_fleet, stop_s=10.0)] if manner.simulated_fleet else []),
    ]
