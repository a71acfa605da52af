"""Vehicles, models, twin versions, events, latest state, stream, snapshots, genesis."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the tables of the first release."""
    _create_fleet()
    _create_versions()
    _create_stream()


def downgrade() -> None:
    """Drop them."""
    op.drop_table("genesis")
    op.drop_table("snapshots")
    op.drop_table("stream")
    op.drop_table("latest_state")
    op.drop_index("ix_events_log_offset", "events")
    op.drop_table("events")
    op.drop_table("twin_versions")
    op.drop_index("ix_models_pack", "models")
    op.drop_table("models")
    op.drop_table("vehicles")


def _create_fleet() -> None:
    op.create_table(
        "vehicles",
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("pack", sa.String(128), nullable=False),
        sa.Column("model_hash", sa.String(64), nullable=False),
        sa.Column("first_seen_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", name="pk_vehicles"),
    )
    op.create_table(
        "models",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("pack", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_models"),
    )
    op.create_index("ix_models_pack", "models", ["pack", "created_at_us"])


def _create_versions() -> None:
    op.create_table(
        "twin_versions",
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("trip_number", sa.Integer, nullable=False),
        sa.Column("sample_time_us", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("parent_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", "number", name="pk_twin_versions"),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.vehicle_id"], name="fk_twin_versions_vehicle_id_vehicles"),
    )
    op.create_table(
        "latest_state",
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", name="pk_latest_state"),
    )


def _create_stream() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("sample_time_us", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_events"),
    )
    op.create_index("ix_events_log_offset", "events", ["log_offset"])
    op.create_table(
        "stream",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stream"),
    )
    op.create_table(
        "snapshots",
        sa.Column("log_offset", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("file", sa.String(128), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("log_offset", name="pk_snapshots"),
    )
    op.create_table(
        "genesis",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_genesis"),
    )
