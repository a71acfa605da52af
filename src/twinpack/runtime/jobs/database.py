"""The jobs' database: where it is, how it is made, and who works on it. DBOS keeps it; it is loaded when first needed.

It is its own file, not the registry: it is written by another library, and losing it loses no telemetry and no twin.
"""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from twinpack.errors import SettingsError, WorkspaceBusyError, WorkspaceError
from twinpack.store.database import without_password
from twinpack.store.files import write_atomic
from twinpack.store.locks import Claim
from twinpack.store.workspace import Workspace

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig

QUEUE = "twinpack-jobs"
NAME = "twinpack"
VERSION = "1"
"""Of the jobs, not of the release: interrupted jobs go on after an upgrade. Raised when old ones must not."""
EXECUTOR = "worker"
_LOCK_WAIT_S = 1.0


def folder(workspace: Workspace) -> Path:
    """Where logs and what triggers have seen are kept."""
    return workspace.home / "jobs"


def exists(workspace: Workspace) -> bool:
    """Whether jobs were ever started here; another database than the file is taken to exist."""
    return bool(workspace.settings.jobs.database_url) or (workspace.home / "jobs.db").exists()


def config(workspace: Workspace) -> DBOSConfig:
    """How DBOS is run: JSON instead of pickle, a version that stays, and nothing told to the outside."""
    from dbos import DBOSPortableJSONSerializer

    return {
        "name": NAME,
        "system_database_url": _url(workspace),
        "dbos_system_schema": _schema(workspace),
        "serializer": DBOSPortableJSONSerializer(),
        "application_version": VERSION,
        "executor_id": EXECUTOR,
        "enable_otlp": False,
        "log_level": "WARNING",
        "sys_db_pool_size": 5,
        "notification_listener_polling_interval_sec": 0.5,
    }


def prepare(workspace: Workspace) -> None:
    """Make the database, or bring it to this release's tables.

    Raises:
        SettingsError: Its URL cannot be used.
        WorkspaceError: It cannot be reached.
    """
    quieten()
    from dbos import DBOS

    url = _url(workspace)
    with plain_errors(workspace):
        DBOS.migrate(url, schema=_schema(workspace))
        if not workspace.settings.jobs.database_url:
            # Listing and starting must not wait for a worker that writes. The file remembers it.
            with closing(sqlite3.connect(workspace.home / "jobs.db")) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        client = open_client(workspace)
        try:
            client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.4)
        finally:
            client.destroy()


def open_client(workspace: Workspace) -> DBOSClient:
    """A connection for listing and starting; the caller destroys it.

    Raises:
        SettingsError: Its URL cannot be used.
        WorkspaceError: It cannot be reached.
    """
    quieten()
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    with plain_errors(workspace):
        return DBOSClient(
            system_database_url=_url(workspace),
            dbos_system_schema=_schema(workspace),
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
            retry_connection_errors=False,
        )


def quieten() -> None:
    """Keep DBOS from writing to the terminal: what it has to say goes to the handlers of this process, if any."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


@contextmanager
def plain_errors(workspace: Workspace) -> Iterator[None]:
    """Say in one line when the database cannot be used."""
    from dbos import error as dbos_error

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, dbos_error.DBOSException) as error:
        reason = getattr(error, "orig", None) or error
        where = workspace.settings.jobs.database_url or workspace.home / "jobs.db"
        raise WorkspaceError(
            f"the jobs' database {without_password(str(where))} cannot be used: {without_password(str(reason))}"
        ) from error


@contextmanager
def worker_lock(workspace: Workspace) -> Iterator[None]:
    """Be the one process that works on jobs; the system lets go when the process ends, however it ends.

    Raises:
        WorkspaceBusyError: Another process is; names it.
    """
    claim = _claim(workspace)
    until = time.monotonic() + _LOCK_WAIT_S  # a command may be looking who holds it, for an instant
    while not claim.take():
        if time.monotonic() > until:
            raise WorkspaceBusyError(
                f"another process ({claim.holder()[1]}) works on the jobs of {workspace.home}: there can be one; "
                "`twinpack jobs start` hands it work"
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        claim.release()


def worker_process(workspace: Workspace) -> str:
    """The process that works on jobs here, "" for none."""
    claim = _claim(workspace)
    return "" if claim.is_free() else claim.holder()[1]


def _claim(workspace: Workspace) -> Claim:
    return Claim(workspace.home / "jobs.lock", "worker")


def _url(workspace: Workspace) -> str:
    given = workspace.settings.jobs.database_url
    if not given:
        return f"sqlite:///{(workspace.home / 'jobs.db').absolute()}"
    try:
        backend = make_url(given).get_backend_name()
    except ArgumentError as error:
        raise SettingsError(
            f"settings.toml [jobs]: database_url cannot be read: {without_password(str(error))}"
        ) from error
    if backend not in ("postgresql", "sqlite"):
        raise SettingsError(f"settings.toml [jobs]: database_url must be of postgresql or sqlite, not {backend}")
    return given


def _schema(workspace: Workspace) -> str:
    """Workspaces that share a server keep apart: each has tables of its own."""
    path = folder(workspace) / "id"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, uuid.uuid4().hex[:12].encode())
    return f"twinpack_jobs_{path.read_text(encoding='utf-8').strip()}"
