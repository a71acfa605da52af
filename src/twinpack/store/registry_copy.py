"""The registry as one SQLite file: what a backup keeps, whatever database it came from or goes to."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, delete, select

from twinpack.errors import WorkspaceError
from twinpack.store import schema
from twinpack.store.database import Database, current_revision, execute_many

_ROWS = 10_000
"""Rows held at once while tables are copied."""


def copy_registry(database: Database, path: Path, snapshots: Collection[int]) -> None:
    """Write all of a registry, as it is at one moment, into a new SQLite file; it may be written to meanwhile.

    Args:
        database: The registry, at this release's revision.
        path: The file.
        snapshots: Offsets of the snapshots to keep: others are left out, as a backup does not have their files.

    Raises:
        RegistryBusyError: The registry is locked or away.
        WorkspaceError: It cannot be read.
    """
    if not database.copy_sqlite(path):
        with Database.opened(f"sqlite:///{path.absolute()}") as copy:
            copy.upgrade()
            with database.moment() as source, copy.write() as target:
                _copy_tables(source, target)
    with closing(sqlite3.connect(path)) as connection:
        kept = ", ".join(str(int(offset)) for offset in snapshots)
        connection.execute(f"DELETE FROM snapshots WHERE log_offset NOT IN ({kept})")
        connection.commit()
        connection.execute("PRAGMA journal_mode=DELETE").close()  # one file, with nothing beside it


def load_registry(path: Path, url: str) -> None:
    """Write a copy of a registry into an empty database, in one transaction.

    Args:
        path: The copy, of this release's revision or an earlier one; it is brought to this one.
        url: The database.

    Raises:
        RegistryBusyError: The database is locked or away.
        WorkspaceError: It is not empty, or cannot be written.
        WorkspaceVersionError: A later release made the copy.
    """
    with Database.opened(f"sqlite:///{path.absolute()}") as copy, Database.opened(url) as database:
        copy.upgrade()
        with database.read() as connection:
            if current_revision(connection):
                raise WorkspaceError(
                    "the database that registry_url names holds a registry already: name an empty one with "
                    "--registry-url, or `--registry-url file` for a file in the workspace"
                )
        database.upgrade()
        with copy.read() as source, database.write() as target:
            _copy_tables(source, target)


def _copy_tables(source: Connection, target: Connection) -> None:
    tables = schema.metadata.sorted_tables
    for table in reversed(tables):  # what a migration put in is in the copy too
        target.execute(delete(table))
    for table in tables:
        rows = source.execution_options(yield_per=_ROWS).execute(select(table)).mappings()
        for part in rows.partitions(_ROWS):
            execute_many(target, table.insert(), [dict(row) for row in part])
