"""Run by Alembic: migrate over the connection that was handed in."""

from __future__ import annotations

from alembic import context

from twinpack.store.schema import metadata


def migrate() -> None:
    """Bring the connected database to the revision asked for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,  # SQLite alters a table by copying it
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file
    migrate()
