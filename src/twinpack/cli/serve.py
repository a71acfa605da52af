"""`twinpack serve`: a workspace at work on live data, with the API and the web app over it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, Home

if TYPE_CHECKING:
    from twinpack.runtime.supervisor import Part, Said
    from twinpack.store.workspace import Workspace

REPORT_PORT = 8765


class PartName(StrEnum):
    """One part of the service; the report is served by itself alone."""

    api = "api"
    broker = "broker"
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
    log_level: Annotated[
        Level, typer.Option(help="From what level on the events of gateway and API are told.")
    ] = Level.warning,
    broker_url: Annotated[
        str, typer.Option(hidden=True, help="With --only gateway: where the embedded broker is.")
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
            app = [*(["--port", str(port)] if port is not None else []), *(["--no-auth"] if no_auth else [])]
            _supervise(workspace, embedded, app, log_level.value)
        elif only is PartName.api:
            parts.serve_api(workspace, port, no_auth, log_level.value)
        elif only is PartName.broker:
            parts.serve_broker(workspace, broker_port)
        elif only is PartName.gateway:
            parts.serve_gateway(workspace, broker_url or (_usual_url(workspace) if embedded else ""), log_level.value)
        else:
            parts.serve_jobs(workspace)
    if not parts.supervised():
        output.note("Stopped.")


def _usual_url(workspace: Workspace) -> str:
    """Where the embedded broker is by the settings."""
    settings = workspace.settings.broker
    return f"mqtt://{settings.host}:{settings.port}"


def _supervise(workspace: Workspace, embedded: bool, app: Sequence[str], log_level: str) -> None:
    from twinpack.cli.parts import SUPERVISED
    from twinpack.ingest.broker import become_broker
    from twinpack.ingest.stopping import stop_on_signals
    from twinpack.runtime.supervisor import Supervisor

    claim = become_broker(workspace.home) if embedded else None  # let go of by this process's end, however it ends
    environment = os.environ | {SUPERVISED: "1"}
    supervisor = Supervisor(
        _parts(workspace.home, embedded, app, log_level), lambda text: output.note(f"twinpack: {text}"), environment
    )
    try:
        with stop_on_signals() as stopped:
            code = supervisor.run(stopped)
    finally:
        if claim is not None:
            claim.release()
    if code:
        raise typer.Exit(code)


def _parts(home: Path, embedded: bool, app: Sequence[str], log_level: str) -> list[Part]:
    """Every part, the sources first."""
    from twinpack.runtime.supervisor import Part

    def run(part: PartName, *more: str) -> Sequence[str]:
        return [sys.executable, "-m", "twinpack", "serve", "--only", part.value, "--home", str(home), *more]

    def run_broker(said: Said) -> Sequence[str]:
        # Started again, it listens where the gateway and the devices know it to be.
        known = said.get(PartName.broker, "").rpartition(":")[2]
        return run(PartName.broker, *(["--broker-port", known] if known else []))

    def run_gateway(said: Said) -> Sequence[str]:
        url = ["--broker-url", said[PartName.broker]] if embedded else ["--no-broker"]
        return run(PartName.gateway, *url, "--log-level", log_level)

    parts = [Part(PartName.broker, run_broker, stop_s=15.0)] if embedded else []
    return [
        *parts,
        Part(PartName.gateway, run_gateway, start_s=600.0, stop_s=120.0),
        Part(PartName.jobs, lambda _: run(PartName.jobs), stop_s=40.0),
        Part(PartName.api, lambda _: run(PartName.api, "--log-level", log_level, *app), stop_s=20.0),
    ]
