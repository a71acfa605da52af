"""What people say of a fleet: fleets, packs, vehicles, and the credentials of devices."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the tables, and the fleet of vehicles that were put into none."""
    _create_fleets()
    _create_vehicle_entries()
    _create_device_credentials()


def downgrade() -> None:
    """Drop them, and with them what people entered."""
    op.drop_index("ix_device_credentials_name", "device_credentials")
    op.drop_table("device_credentials")
    op.drop_index("ix_vehicle_entries_vin", "vehicle_entries")
    op.drop_index("ix_vehicle_entries_fleet", "vehicle_entries")
    op.drop_table("vehicle_entries")
    op.drop_table("packs")
    op.drop_table("fleets")


def _create_fleets() -> None:
    fleets = op.create_table(
        "fleets",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("default_pack", sa.String(64), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_fleets"),
    )
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    op.bulk_insert(
        fleets,
        [{"name": "default", "default_pack": "", "notes": "vehicles put into no other", "created_at_us": now_us}],
    )
    op.create_table(
        "packs",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("specification", sa.Text, nullable=False),
        sa.Column("added_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_packs"),
    )


def _create_vehicle_entries() -> None:
    op.create_table(
        "vehicle_entries",
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("fleet", sa.String(64), nullable=False),
        sa.Column("pack", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("vin", sa.String(17)),
        sa.Column("model_year", sa.Integer),
        sa.Column("climate", sa.String(64), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("entered_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", name="pk_vehicle_entries"),
        sa.ForeignKeyConstraint(["fleet"], ["fleets.name"], name="fk_vehicle_entries_fleet_fleets"),
    )
    op.create_index("ix_vehicle_entries_fleet", "vehicle_entries", ["fleet"])
    op.create_index("ix_vehicle_entries_vin", "vehicle_entries", ["vin"], unique=True)


def _create_device_credentials() -> None:
    op.create_table(
        "device_credentials",
        sa.Column("credential_id", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("issued_at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger),
        sa.Column("revoked_at_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("credential_id", name="pk_device_credentials"),
    )
    op.create_index("ix_device_credentials_name", "device_credentials", ["name"])
