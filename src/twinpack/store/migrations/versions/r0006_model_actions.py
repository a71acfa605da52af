"""What was done about models: comparisons, promotions and roll-backs, with who, when, why and on what grounds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the table; nothing was promoted before there was one."""
    op.create_table(
        "model_actions",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("pack", sa.String(128), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("model_hash", sa.String(64), nullable=False),
        sa.Column("former_hash", sa.String(64), nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("log_offset", sa.BigInteger),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_model_actions"),
    )
    op.create_index("ix_model_actions_model_hash", "model_actions", ["model_hash", "number"])


def downgrade() -> None:
    """Drop it; twins keep their versions, and the log its commands."""
    op.drop_index("ix_model_actions_model_hash", "model_actions")
    op.drop_table("model_actions")
