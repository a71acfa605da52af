"""Connections of DuckDB on which SQL of others may run."""

from __future__ import annotations

import duckdb


def lock_down(connection: duckdb.DuckDBPyConnection, *, threads: int, memory_mb: int) -> None:
    """Let a connection reach no file, network, extension or variable of the caller any more, for good.

    Args:
        connection: The connection; what is registered with it stays.
        threads: Threads it may use.
        memory_mb: Memory it may take; it writes nothing to disk when that is not enough.
    """
    settings = {
        "threads": str(threads),
        "memory_limit": f"'{memory_mb}MB'",
        "temp_directory": "''",
        "enable_progress_bar": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = {value}")
