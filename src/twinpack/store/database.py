"""Connecting to the registry's database: real transactions, errors in plain words, and this release's tables."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Insert, Select, Table, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import StaticPool

from twinpack.errors import RegistryBusyError, SettingsError, WorkspaceError, WorkspaceVersionError
from twinpack.store.schema import HEAD_REVISION

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one."""

CONNECT_TIMEOUT_S = 10
"""How long a server may take to answer a new connection, unless its URL says `connect_timeout`."""

_MIGRATING = 7_237_711_905_551_027_201
"""Key of PostgreSQL's advisory lock under which one process migrates; any number that no other program uses."""

# Conditions that pass: locked, or no room on the disk. Other faults, such as a damaged file, stay.
_SQLITE_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
# The connection, resources, an operator's intervention, another transaction in the way (SQLSTATE classes).
_POSTGRES_PASSING = ("08", "40", "53", "55", "57", "58")
# A refused connection carries no SQLSTATE; these refusals stay until somebody changes something.
_POSTGRES_REFUSALS = ("does not exist", "authentication failed", "no password supplied", "no pg_hba.conf entry")


class Database:
    """One database: its connections, its transactions, and plain errors."""

    def __init__(self, engine: Engine) -> None:
        """Take an open engine; callers use `open`."""
        self._engine = engine

    @classmethod
    def open(cls, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Database:
        """Name a database by URL; it is connected to when it is used.

        Raises:
            SettingsError: The URL cannot be used.
        """
        return cls(open_engine(url, busy_timeout_ms))

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator[Database]:
        """The same, closed at the end."""
        database = cls.open(url)
        try:
            yield database
        finally:
            database.close()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def upgrade(self, revision: str = HEAD_REVISION) -> None:
        """Bring the tables to a revision ("base" drops them).

        Raises:
            WorkspaceVersionError: A later release made them.
        """
        with plain_errors():
            migrate(self._engine, revision)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with; all that is read through it is of one moment on SQLite.

        Raises:
            RegistryBusyError: The database is locked or away.
            WorkspaceError: It cannot be used.
        """
        with plain_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def moment(self) -> Iterator[Connection]:
        """A connection that reads all tables as they are at one moment, for as long as it takes."""
        options = {} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with plain_errors(), self._engine.connect().execution_options(**options) as connection:
            yield connection

    def copy_sqlite(self, path: Path) -> bool:
        """Copy an SQLite database of one moment into a new file, as SQLite does it; False when this is another one."""
        if self._engine.dialect.name != "sqlite":
            return False
        with plain_errors(), self._engine.connect() as connection, closing(sqlite3.connect(path)) as target:
            driver = connection.connection.driver_connection
            if not isinstance(driver, sqlite3.Connection):
                raise TypeError(f"an SQLite registry has a driver of its own: {type(driver)}")
            driver.backup(target)
        return True

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end, undone by an exception.

        Raises:
            RegistryBusyError: Another process writes for too long, the disk is full, or the database is away.
            WorkspaceError: It cannot be used.
        """
        with plain_errors(), self._engine.execution_options(immediate=True).begin() as connection:
            yield connection

    def rows(self, query: Select[Any]) -> list[Any]:
        """All rows of a query."""
        with self.read() as connection:
            return list(connection.execute(query))

    def many(self, query: Select[Any]) -> list[Any]:
        """All rows of a query without conditions, as plain tuples: what SQLAlchemy adds costs more than the reading."""
        with self.read() as connection:
            compiled = query.compile(dialect=connection.dialect)
            cursor = connection.exec_driver_sql(str(compiled)).cursor
            return [] if cursor is None else list(cursor.fetchall())

    def value(self, query: Select[Any]) -> Any:
        """The first column of the first row, None without rows."""
        with self.read() as connection:
            return connection.execute(query).scalar()

    def upsert(self, table: Table, key: str, row: Mapping[str, Any]) -> None:
        """Put a row in, in place of the one with its key."""
        with self.write() as connection:
            statement = insert_into(connection, table)
            renewed = {name: statement.excluded[name] for name in row if name != key}
            connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=renewed), dict(row))


def open_engine(url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """An engine whose transactions are real ones, on SQLite too.

    Raises:
        SettingsError: The URL is malformed or names a database that is not supported.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return _server_engine(parsed)
        in_memory = parsed.database in (None, "", ":memory:")
        # One shared connection, or every checkout of a memory database would be an empty one.
        engine = create_engine(parsed, poolclass=StaticPool) if in_memory else create_engine(parsed)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"registry_url {without_password(url)!r} needs {error.name}, which is not here; for PostgreSQL: "
            "`pip install 'twinpack[postgres]'`"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SettingsError(
            f"registry_url {without_password(url)!r} cannot be used: {without_password(str(error))}"
        ) from None

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        _prepare_sqlite(connection, busy_timeout_ms)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _server_engine(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        if "+" not in url.drivername:
            url = url.set(drivername="postgresql+psycopg")  # the driver of the extra `postgres`
        if "connect_timeout" not in url.query:
            options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT_S}
    # A connection that a restart of the server broke is replaced before it is used.
    return create_engine(url, pool_pre_ping=True, **options)


def without_password(text: str) -> str:
    """A text in which a URL's password is three stars, also where the URL is malformed."""
    return re.sub(r"(://[^:/\s]*):.*@", r"\1:***@", text)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what a database refuses into an error that says whether to try again."""
    try:
        yield
    except NoConnectionFree as error:
        raise RegistryBusyError("the registry cannot be used now: no connection to it is free; try again") from error
    except DBAPIError as error:
        told = without_password(" ".join(str(error.orig).split()))
        if _will_pass(error):
            raise RegistryBusyError(
                f"the registry cannot be used now: {told}; nothing was changed, try again once it is free"
            ) from error
        raise WorkspaceError(f"the registry cannot be used: {told}") from error


def _will_pass(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_PASSING
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # it could not be asked
        refused = any(text in str(error.orig) for text in _POSTGRES_REFUSALS)
        return not refused and (error.connection_invalidated or isinstance(error, OperationalError))
    return str(state)[:2] in _POSTGRES_PASSING


def _prepare_sqlite(connection: sqlite3.Connection, busy_timeout_ms: int) -> None:
    # The driver must not open transactions by itself: it would begin them too late, after the first read.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={busy_timeout_ms}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock before it reads what it decides on.
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def insert_into(connection: Connection, table: Table) -> Any:
    """An insert that can say what to do on conflict; SQLite and PostgreSQL share the words, not the class."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    statement: Insert = sqlite.insert(table)
    return statement


def execute_many(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert many rows at the driver's own speed: SQLAlchemy's work on each row costs several times the insert.

    Returns:
        How many rows were written.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    order = compiled.positiontup
    values = [dict(row) for row in rows] if order is None else [tuple(row[name] for name in order) for row in rows]
    return connection.exec_driver_sql(str(compiled), values).rowcount


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
        _run_alembic(engine, revision)


def _run_alembic(engine: Engine, revision: str) -> None:
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
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            # Another process may be at it: one migrates, the other then finds it done.
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
            current = current_revision(connection)
            if current and current not in order:
                raise WorkspaceVersionError(
                    f"the registry is at revision {current}, made by a later release; this one knows up to "
                    f"{order[-1]}: install the release that made it"
                )
            down = revision == "base" or (current in order and order.index(current) > order.index(revision))
            config.attributes["connection"] = connection
            (command.downgrade if down else command.upgrade)(config, revision)
