"""What was done about alarms, in the order in which it was done, found by its time."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_alarm_actions_at_us", "alarm_actions", ["at_us"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_alarm_actions_at_us", "alarm_actions")
