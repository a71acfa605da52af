"""The parts of `twinpack serve`: each is run by a process of its own until it is told to stop."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.cli import output
from twinpack.errors import NotFoundError, WorkspaceError

if TYPE_CHECKING:
    from twinpack.store.workspace import Workspace

SUPERVISED = "TWINPACK_SUPERVISED"
"""Variable that is set for processes that a supervisor started."""

_JOBS_STOP_S = 30.0
_LOOK_S = 0.5


def supervised() -> bool:
    """Whether a supervisor started this process."""
    return os.environ.get(SUPERVISED) == "1"


def announce(text: str, said: str = "") -> None:
    """Say for people that a part is at work, and where; and for a supervisor, with what it should know."""
    from twinpack.runtime.supervisor import READY

    output.note(text)
    if supervised():
        output.line(f"{READY} {said}".rstrip())
        sys.stdout.flush()


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM and the end of the supervisor set."""
    from twinpack.ingest.stopping import stop_on_signals, stop_with_input

    with stop_on_signals() as stopped:
        if supervised():
            stop_with_input(stopped)
        yield stopped


def serve_report(folder: Path, port: int) -> None:
    """Serve the report.

    Raises:
        NotFoundError: There is none, and nobody said that one will come.
        InputError: The port cannot be used.
    """
    from twinpack.cli import report_server

    if not (folder / "index.html").is_file():
        how = f"`twinpack report --home {folder.parent}`"
        if not supervised():
            raise NotFoundError(f"there is no report in {folder}; write it with {how}")
        output.note(f"There is no report yet: {how} writes it, and it is served from then on.")
    with report_server.make_server(folder, port) as server, until_stopped() as stopped:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce(f"Serving {folder} at http://{report_server.ADDRESS}:{server.server_port}/{_hint()}")
        stopped.wait()
        server.shutdown()


def serve_api(workspace: Workspace, port: int | None, no_auth: bool, log_level: str) -> None:
    """Serve the API and the web app.

    Args:
        workspace: The workspace.
        port: Its port where it is not that of the settings.
        no_auth: Whether nobody has to sign in.
        log_level: From what level on its events are told.

    Raises:
        InputError: The port cannot be used, or nobody would have to sign in from elsewhere.
        SettingsError: The certificate cannot be used.
        WorkspaceError: It broke, and has to be started again.
    """
    from twinpack.api.middleware.requests import API_LOGGER
    from twinpack.api.service import ApiService
    from twinpack.ingest.logs import log_to_stderr
    from twinpack.store.identity.first_user import ensure_first_user
    from twinpack.store.identity.pseudonyms import Pseudonyms

    log_to_stderr(log_level.upper(), API_LOGGER, Pseudonyms(workspace.home / "keys").scrubbed)
    with until_stopped() as stopped, ApiService(workspace, port=port, no_auth=no_auth) as service:
        first = None if no_auth else ensure_first_user(service.views.registry)
        announce(f"Serving {workspace.home} at {service.url}/{_hint()}", service.url)
        if first is not None:
            output.note(f"Sign in as {first[0]} with the password {first[1]} (it is not told again)")
        while service.alive and not stopped.wait(_LOOK_S):
            pass
        if not stopped.is_set():
            raise WorkspaceError("the API has ended by itself; what it said stands above")


def serve_broker(workspace: Workspace, port: int | None) -> None:
    """Run the embedded broker.

    Args:
        workspace: The workspace.
        port: Its port where it is not that of the settings.

    Raises:
        InputError: The address cannot be listened at.
        WorkspaceBusyError: The workspace has a broker already.
    """
    from twinpack.ingest.broker import become_broker
    from twinpack.ingest.broker.server import run_broker

    # A supervisor holds it, with one password: a broker that is started again takes the gateway as before.
    claim = None if supervised() else become_broker(workspace.home)
    settings = workspace.settings.broker
    if port is not None:
        settings = replace(settings, port=port)

    def ready(url: str) -> None:
        announce(f"Broker for trying out at {url} (MQTT 3.1.1){_hint()}", url)

    try:
        with until_stopped() as stopped:
            run_broker(workspace, settings, ready, lambda text: output.note(f"twinpack: broker: {text}"), stopped)
    finally:
        if claim is not None:
            claim.release()


def listening_to(workspace: Workspace, url: str) -> Workspace:
    """A workspace whose gateway listens to its embedded broker, whatever the settings name."""
    from twinpack.ingest.broker import GATEWAY_USER, password_path

    mqtt = replace(
        workspace.settings.mqtt,
        url=url,
        version="3.1.1",
        username=GATEWAY_USER,
        password_file=str(password_path(workspace.home).absolute()),
        ca_file="",
        cert_file="",
        key_file="",
    )
    return replace(workspace, settings=replace(workspace.settings, mqtt=mqtt))


def serve_gateway(workspace: Workspace, broker_url: str, log_level: str) -> None:
    """Run the gateway and what follows the log.

    Args:
        workspace: The workspace.
        broker_url: The embedded broker, "" for that of the settings, if any.
        log_level: From what level on its events are told.

    Raises:
        SettingsError: A setting of a source cannot be used, such as a port that is taken.
        WorkspaceError: It broke, and has to be started again.
    """
    from twinpack.ingest.logs import log_to_stderr
    from twinpack.runtime.service import LiveService
    from twinpack.store.identity.pseudonyms import Pseudonyms

    if broker_url:
        workspace = listening_to(workspace, broker_url)
    log_to_stderr(log_level.upper(), scrub=Pseudonyms(workspace.home / "keys").scrubbed)
    with until_stopped() as stopped, LiveService(workspace) as service:
        door = service.gateway.http
        takes = [f"{door.url}/v1/telemetry"] if door is not None else []
        takes += [url] if (url := workspace.settings.mqtt.url) else []
        announce(f"Taking telemetry at {' and from '.join(takes)}{_hint()}")
        if not service.gateway.run_until(stopped):
            raise WorkspaceError(f"the gateway broke: {service.gateway.intake.broken or 'its HTTP door has ended'}")


def serve_fleet(workspace: Workspace, broker_url: str) -> None:
    """Let the fleet of a demo's workspace drive on.

    Args:
        workspace: The workspace.
        broker_url: Where it sends.

    Raises:
        NotFoundError: It is no demo's workspace.
        InputError: The broker turns it away.
    """
    from twinpack.cli.demo_fleet import play_on

    with until_stopped() as stopped:
        announce(f"A simulated fleet drives on, at {broker_url}{_hint()}")
        play_on(workspace, broker_url, stopped)


def serve_jobs(workspace: Workspace) -> None:
    """Do the workspace's jobs.

    Raises:
        WorkspaceBusyError: Another process does.
    """
    from twinpack.runtime.jobs import JobRunner

    runner = JobRunner(workspace, tell=output.note)
    with until_stopped() as stopped:
        runner.start()
        announce(f"Doing jobs{_hint()}")
        stopped.wait()
    if not runner.stop(_JOBS_STOP_S):
        output.note("A job was cut off in its step; it goes on with the next start.")


def _hint() -> str:
    return "" if supervised() else " (Ctrl-C stops it)"
