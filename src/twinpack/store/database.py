"""Opening the registry's database and bringing it to this release's tables."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from twinpack.errors import SettingsError, WorkspaceVersionError
from twinpack.store.schema import HEAD_REVISION

BUSY_TIMEOUT_MS = 30_000


def open_engine(url: str) -> Engine:
    """An engine whose transactions are real ones, on SQLite too.

    Raises:
        SettingsError: The URL is malformed or names a database that is not supported.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed)
        in_memory = parsed.database in (None, "", ":memory:")
        # One shared connection, or every checkout of a memory database would be an empty one.
        engine = create_engine(parsed, poolclass=StaticPool) if in_memory else create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SettingsError(f"registry_url {url!r} cannot be used: {error}") from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not open transactions by itself: it would begin them too late, after the first read.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock before it reads what it decides on.
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def current_revision(connection: Connection) -> str:
    """The migration a database stands at, "" for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found else ""


def migrate(engine: Engine, revision: str = HEAD_REVISION) -> None:
    """Bring a database to a revision, upwards or downwards; nothing to do costs one query.

    Raises:
        WorkspaceVersionError: The database was made by a later release.
    """
    with engine.connect() as connection:
        current = current_revision(connection)
    if current != revision:
        _run_alembic(engine, current, revision)


def _run_alembic(engine: Engine, current: str, revision: str) -> None:
    from importlib.resources import as_file, files

    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    with as_file(files("twinpack.store").joinpath("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        # Alembic wants it said how folders in a list are separated, even of a single one.
        config.set_main_option("path_separator", "os")
        order = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
        if current and current not in order:
            raise WorkspaceVersionError(
                f"the registry is at revision {current}, made by a later release; this one knows up to {order[-1]}: "
                "install the release that made it"
            )
        down = revision == "base" or (current in order and order.index(current) > order.index(revision))
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            (command.downgrade if down else command.upgrade)(config, revision)
