"""Findings and the alarms they join into, what people do about them, maintenance, and times without notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the tables; what was folded before had no findings."""
    _create_findings()
    _create_alarms()
    _create_alarm_actions()
    _create_maintenance()
    _create_mute_windows()


def downgrade() -> None:
    """Drop them, and with them what people entered."""
    op.drop_index("ix_mute_windows_name", "mute_windows")
    op.drop_table("mute_windows")
    op.drop_index("ix_maintenance_vehicle_id", "maintenance")
    op.drop_table("maintenance")
    op.drop_table("alarm_actions")
    for name in ("ix_alarms_last_us", "ix_alarms_state", "ix_alarms_open"):
        op.drop_index(name, "alarms")
    op.drop_table("alarms")
    for name in ("ix_findings_alarm_id", "ix_findings_log_offset", "ix_findings_vehicle_id"):
        op.drop_index(name, "findings")
    op.drop_table("findings")


def _create_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("sample_time_us", sa.BigInteger, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.Column("alarm_id", sa.String(12)),
        sa.Column("effect", sa.String(16), nullable=False),
        sa.Column("muted_by", sa.String(12), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_findings"),
    )
    op.create_index("ix_findings_vehicle_id", "findings", ["vehicle_id", "sample_time_us"])
    op.create_index("ix_findings_log_offset", "findings", ["log_offset"])
    op.create_index("ix_findings_alarm_id", "findings", ["alarm_id"])


def _create_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.String(12), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("first_event", sa.String(32), nullable=False),
        sa.Column("last_event", sa.String(32), nullable=False),
        sa.Column("muted_by", sa.String(12), nullable=False),
        sa.Column("assignee", sa.String(128), nullable=False),
        sa.Column("snoozed_until_us", sa.BigInteger),
        sa.Column("actions", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("raised_at_us", sa.BigInteger, nullable=False),
        sa.Column("changed_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", name="pk_alarms"),
    )
    not_cleared = sa.text("state <> 'cleared'")
    op.create_index(
        "ix_alarms_open",
        "alarms",
        ["vehicle_id", "code", "subject"],
        unique=True,
        sqlite_where=not_cleared,
        postgresql_where=not_cleared,
    )
    op.create_index("ix_alarms_state", "alarms", ["state", "vehicle_id"])
    op.create_index("ix_alarms_last_us", "alarms", ["last_us"])


def _create_alarm_actions() -> None:
    op.create_table(
        "alarm_actions",
        sa.Column("alarm_id", sa.String(12), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("sample_time_us", sa.BigInteger),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", "number", name="pk_alarm_actions"),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.alarm_id"], name="fk_alarm_actions_alarm_id_alarms"),
    )


def _create_maintenance() -> None:
    op.create_table(
        "maintenance",
        sa.Column("record_id", sa.String(12), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("planned_on", sa.String(10), nullable=False),
        sa.Column("done_on", sa.String(10), nullable=False),
        sa.Column("odometer_km", sa.BigInteger),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("log_offset", sa.BigInteger),
        sa.Column("line_sha256", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("entered_at_us", sa.BigInteger, nullable=False),
        sa.Column("changed_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_maintenance"),
    )
    op.create_index("ix_maintenance_vehicle_id", "maintenance", ["vehicle_id"])


def _create_mute_windows() -> None:
    op.create_table(
        "mute_windows",
        sa.Column("window_id", sa.String(12), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("window_id", name="pk_mute_windows"),
    )
    op.create_index("ix_mute_windows_name", "mute_windows", ["name"])
